"""The demo's rentals platform: thirteen months of stays and locks, calibrated to the published figures, and its life since."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

import numpy as np
import sqlalchemy as sa

from data_sources.departments import rentals_schema as book
from data_sources.departments.building import bulk_insert, replace_rows
from data_sources.departments.life import ZONE, Department, seconds
from data_sources.departments.plans import DAY, NEVER, Ints, day_of, join, midnight, over_days, pick
from data_sources.departments.rentals_city import city_of
from data_sources.departments.rentals_life import (
    NIGHTS,
    Happenings,
    Stays,
    Warnings,
    happenings_of,
    locks_of,
    outages_of,
    stays_of,
    warnings_of,
)
from data_sources.departments.rentals_rows import (
    building_rows,
    deductions,
    happened,
    happening_rows,
    known_by,
    lock_rows,
    points_at,
    register_rows,
    status_rows,
    stay_rows,
    warning_rows,
)

STAY_DAYS, LOCK_DAYS, CASE_DAYS = 395, 14, 760
PERSON_TIMES = 749_900  # 入住信息无感采集74.99万人次 in the last 365 days
TRUE_WARNINGS, RISKS_REMOVED = 5_826, 2_346
INCIDENTS = (1_432, 948)  # the year before and the last: −33.8 %
COMPLAINTS = (2_047, 1_828)  # −10.7 %
_KINDS: dict[str, tuple[sa.Table, int, int, float]] = {  # prefix: table, random stream, kinds, hours it takes
    "JQ": (book.incident, 9220, 4, 9.0),
    "TS": (book.complaint, 9221, 5, 80.0),
    "WM": (book.listing, 9222, 4, 210.0),
}
_NOW_RATE = {"JQ": INCIDENTS[1] / 365, "TS": COMPLAINTS[1] / 365, "WM": 3.2}
_LONG_AGO = 60  # days after which nothing of a case moves any more

Mask = np.ndarray[Any, Any]


def build(engine: sa.Engine, now: datetime, seed: int) -> None:
    """Make the tables and write the history up to now."""
    at = seconds(now)
    book.book.create_all(engine)
    rng = np.random.default_rng([seed, 9230])
    with engine.begin() as conn:
        everything = np.arange(len(city_of(seed)[1].code))
        bulk_insert(conn, book.building, building_rows(seed))
        bulk_insert(conn, book.room, register_rows(seed, at, everything))
        bulk_insert(conn, book.status, status_rows(seed, at, everything))
        locks = over_days(locks_of, seed, day_of(at) - LOCK_DAYS, day_of(at))
        bulk_insert(conn, book.lock_event, lock_rows(seed, pick(locks, locks.at <= at), at))
        stays = known_by(over_days(stays_of, seed, day_of(at) - STAY_DAYS, day_of(at)), at)
        bulk_insert(conn, book.stay, stay_rows(seed, calibrated_stays(stays, at, rng), at))
        warnings = over_days(warnings_of, seed, day_of(at) - CASE_DAYS, day_of(at))
        bulk_insert(conn, book.warning, warning_rows(seed, calibrated_warnings(pick(warnings, warnings.at <= at), at, rng), at))
        for prefix in _KINDS:
            plan = _history(prefix, seed, at, rng)
            bulk_insert(conn, _KINDS[prefix][0], happening_rows(seed, prefix, plan, at, coded=prefix != "WM"))
        _write_slips(conn)


def live(engine: sa.Engine, since: datetime, until: datetime, seed: int) -> None:
    """Write what happened after `since`, up to and including `until`."""
    start, at = seconds(since), seconds(until)
    first, last = day_of(start), day_of(at)
    with engine.begin() as conn:
        stays = over_days(stays_of, seed, first - NIGHTS - 1, last)
        moved = pick(stays, happened(start, at, stays.known, stays.left))
        replace_rows(conn, book.stay, stay_rows(seed, moved, at))
        locks = over_days(locks_of, seed, first - 1, last)
        replace_rows(conn, book.lock_event, lock_rows(seed, pick(locks, happened(start, at, locks.at, locks.known)), at))
        warnings = over_days(warnings_of, seed, first - 8, last)
        fresh = happened(start, at, warnings.at, warnings.checked, warnings.removed)
        replace_rows(conn, book.warning, warning_rows(seed, pick(warnings, fresh), at))
        replace_rows(conn, book.status, status_rows(seed, at, _stirred(seed, start, at, moved)))
        replace_rows(conn, book.room, register_rows(seed, at, _repointed(seed, start, at)))
        for prefix, (table, *_) in _KINDS.items():
            plan = _recent(prefix, seed, first - _LONG_AGO, last)
            news = pick(plan, happened(start, at, plan.at, plan.end))
            replace_rows(conn, table, happening_rows(seed, prefix, news, at, coded=prefix != "WM"))


@lru_cache(maxsize=2 * len(_KINDS))
def _recent(prefix: str, seed: int, first: int, last: int) -> Happenings:
    """What happened on some days at today's rate; asked every few seconds, another answer once a day."""
    return over_days(partial(_today, prefix), seed, first, last)


def _today(prefix: str, seed: int, day: int) -> Happenings:
    _, stream, kinds, lasts = _KINDS[prefix]
    return happenings_of(seed, day, stream, _NOW_RATE[prefix], kinds, lasts)


def _stirred(seed: int, start: float, at: float, moved: Stays) -> Ints:
    """Rooms whose status changed or whose lock reported in."""
    outages = over_days(outages_of, seed, day_of(start) - 3, day_of(at))
    cut = outages.room[happened(start, at, outages.start, outages.end)]
    every = np.arange(len(city_of(seed)[1].code))
    told = np.floor((at - (every % 1440) * 60) / DAY) > np.floor((start - (every % 1440) * 60) / DAY)
    return np.unique(np.concatenate([moved.room, cut, every[told]]))


def _repointed(seed: int, start: float, at: float) -> Ints:
    """Rooms whose points changed."""
    _, changed = points_at(seed, at)
    room, _ = deductions(seed, day_of(start) - 60, day_of(at))
    touched = np.unique(room)
    return touched[(changed[touched] > start) & (changed[touched] <= at)]


def calibrated_stays(s: Stays, at: float, rng: np.random.Generator) -> Stays:
    """Party sizes moved by one here and there until the last 365 days add up to the published person-times.

    Only stays that are over are touched: the rest is written again when the guests leave.
    """
    window = s.arrive >= midnight(day_of(at) - 364)
    short = PERSON_TIMES - int(s.party[window].sum())
    step = 1 if short > 0 else -1
    room_for = (s.party < 5) if short > 0 else (s.party > 1)
    rows = rng.choice(np.flatnonzero(window & room_for & (s.left <= at)), abs(short), replace=False)
    party, credentials = s.party.copy(), s.credentials.copy()
    party[rows] += step
    credentials[rows] += step
    return replace(s, party=party, credentials=credentials)


def calibrated_warnings(w: Warnings, at: float, rng: np.random.Generator) -> Warnings:
    """Verdicts of finished warnings set so that the published counts come out."""
    done = (w.checked <= at - 7 * DAY) & ~((w.removed > at) & (w.removed < NEVER))
    true = w.true.copy()
    counted = int(true[w.checked <= at].sum())
    _flip(true, done & (w.removed == NEVER), TRUE_WARNINGS - counted, rng)
    gone = ((w.removed <= at) & (true == 1)).astype(np.int64)
    _flip(gone, done & (true == 1), RISKS_REMOVED - int(gone.sum()), rng)
    removed = np.where(done, np.where(gone == 1, np.minimum(w.removed, w.checked + 2 * DAY), NEVER), w.removed)
    return replace(w, true=true, removed=removed)


def _flip(flags: Ints, allowed: Mask, by: int, rng: np.random.Generator) -> None:
    """Raise (or lower) the number of ones by so many, among the allowed."""
    rows = np.flatnonzero(allowed & (flags == (0 if by > 0 else 1)))
    flags[rng.choice(rows, abs(by), replace=False)] = 1 if by > 0 else 0


def _history(prefix: str, seed: int, at: float, rng: np.random.Generator) -> Happenings:
    """Cases of the past: this year at today's rate, the year before at its own, both to the exact count where one is published."""
    _, stream, kinds, lasts = _KINDS[prefix]
    today, turn = day_of(at), day_of(at) - 364
    counts = {"JQ": INCIDENTS, "TS": COMPLAINTS}.get(prefix)
    before = counts[0] / 365 if counts else _NOW_RATE[prefix]

    def earlier(seed: int, day: int) -> Happenings:
        return happenings_of(seed, day, stream, before, kinds, lasts)

    past = over_days(earlier, seed, today - CASE_DAYS, turn - 1)
    new = over_days(partial(_today, prefix), seed, turn, today)
    new = pick(new, new.at <= at)
    if not counts:
        return join([past, new])
    held_against = (past.at >= _year_before(midnight(turn))) & (past.at <= _year_before(at))
    return join([pick(past, ~held_against), _exactly(pick(past, held_against), counts[0], at, rng), _exactly(new, counts[1], at, rng)])


def _year_before(at: float) -> float:
    """The same time on the same date a year earlier: what a comparison with last year reaches back to."""
    local = datetime.fromtimestamp(at, ZONE)
    return local.replace(year=local.year - 1, day=28 if (local.month, local.day) == (2, 29) else local.day).timestamp()


def _exactly(h: Happenings, wanted: int, at: float, rng: np.random.Generator) -> Happenings:
    """So many cases: surplus ones dropped, missing ones repeated an hour later elsewhere, among those dealt with."""
    done = np.flatnonzero((h.end <= at) & (h.day < day_of(at)))
    by = wanted - len(h.at)
    rows = rng.choice(done, abs(by), replace=by > len(done))
    if by <= 0:
        return pick(h, np.setdiff1d(np.arange(len(h.at)), rows))
    extra = pick(h, rows)
    moved = replace(extra, number=900 + np.arange(by), room=rng.permutation(extra.room))
    return join([h, moved])


def _write_slips(conn: sa.Connection) -> None:
    """A few rows no mapping can use: every real table has some."""
    slip: list[tuple[Callable[..., Any], dict[str, Any]]] = [
        (
            book.warning.insert,
            {"预警编号": "YJ00000000", "预警类型": 1, "处置状态": 4, "产生时间": "0000-00-00 00:00:00", "更新时间": "2000-01-01 00:00:00"},
        ),
        (book.incident.insert, {"警情编号": "JQ-补录-01", "类别": 2, "状态": 2, "发生时间": "", "更新时间": "2000-01-01 00:00:00"}),
        (
            book.room.insert,
            {"房屋编码": "YZ-临时-01", "房源名称": "待核实", "床位数": "两张", "智能门锁": "否", "更新时间": "2000-01-01 00:00:00"},
        ),
    ]
    for insert, row in slip:
        conn.execute(insert().values(row))


DEPARTMENT = Department(key="rentals", title="网约房管理平台", build=build, live=live)
