"""The demo's citizen services: grid reception days (2,987 matters, 99.06 % settled) and the 12345 hotline, and their life since."""

from __future__ import annotations

import sys
import zlib
from datetime import datetime

import numpy as np
import sqlalchemy as sa

from data_sources.departments import cases_schema as book
from data_sources.departments.building import Row, add_rows, bulk_insert, local_texts, replace_rows, rows_of
from data_sources.departments.grid_life import (
    Matters,
    communities_of,
    is_reception_day,
    matters_of,
    minutes_of,
    office_hours,
    reception_days,
    usual_number,
)
from data_sources.departments.hotline_rows import case_rows, cases_between, changed_cases, hotspot_rows, place_rows, streets
from data_sources.departments.life import ZONE, Department, Floats, local_hour, noise, seconds, weekday
from data_sources.departments.plans import DAY, HOUR, NEVER, come, day_of, day_text, join, numbers, pick

HISTORY_DAYS = 395
ACCEPTED, UNSETTLED = 2_987, 28  # 2,959 of 2,987 are 99.06 %
_CASE_LIFE = 40  # days after which a case is archived, whatever its limit
_SETTLE_DAYS = np.array((0.0, 0.03, 4.5, 38.0))  # mean days to settle, by outcome
_SETTLE_CHANCE = (0.0, 0.5, 0.02, 0.005)  # per working hour from now on


def build(engine: sa.Engine, now: datetime, seed: int) -> None:
    """Make the tables and write the history up to now."""
    at = seconds(now)
    first, last = day_of(at) - HISTORY_DAYS, day_of(at)
    book.book.create_all(engine)
    with engine.begin() as conn:
        bulk_insert(conn, book.community, _community_rows(seed))
        bulk_insert(conn, book.place, place_rows(seed))
        cases, merged = cases_between(seed, first, last)
        received = cases.opened <= at
        bulk_insert(conn, book.case, case_rows(seed, pick(cases, received), merged[received], at))
        bulk_insert(conn, book.hotspot, hotspot_rows(seed, first, last, -NEVER, at))
        matters = _past_matters(seed, at)
        closed = _past_settlements(matters, at, np.random.default_rng([seed, 9264]))
        bulk_insert(conn, book.matter, _matter_rows(seed, matters, closed))
        for day in reception_days(first, last):
            bulk_insert(conn, book.session, _session_rows(seed, day, -NEVER, at, matters))
        _write_slips(conn)


def live(engine: sa.Engine, since: datetime, until: datetime, seed: int) -> None:
    """Write what happened after `since`, up to and including `until`."""
    start, at = seconds(since), seconds(until)
    first, last = day_of(start), day_of(at)
    with engine.begin() as conn:
        cases, merged = cases_between(seed, first - _CASE_LIFE, last)
        moved = changed_cases(cases, merged, start, at)
        replace_rows(conn, book.case, case_rows(seed, pick(cases, moved), merged[moved], at))
        replace_rows(conn, book.hotspot, hotspot_rows(seed, first - 1, last, start, at))
        for day in filter(is_reception_day, range(first - 1, last + 1)):
            matters = matters_of(seed, day, usual_number(seed, day))
            new = pick(matters, (matters.opened > start) & (matters.opened <= at))
            add_rows(conn, book.matter, _matter_rows(seed, new, np.full(len(new.day), NEVER)))
            add_rows(conn, book.session, _session_rows(seed, day, start, at, matters))
        _settle(conn, start, at, seed)


def _community_rows(seed: int) -> list[Row]:
    c = communities_of(seed)
    return rows_of(c.code, c.name, streets(c.street), [f" {n}" for n in c.grids.tolist()], c.lon, c.lat)


def _past_matters(seed: int, at: float) -> Matters:
    """Every matter of the reception days so far, to the published number exactly; today's day goes on as it would have."""
    today = day_of(at)
    days = [d for d in reception_days(today - HISTORY_DAYS, today) if d < today]
    parts = []
    if is_reception_day(today):
        running = matters_of(seed, today, usual_number(seed, today))
        parts.append(pick(running, running.opened <= at))
    missing = ACCEPTED - sum(len(p.day) for p in parts)
    usual = np.array([usual_number(seed, d) for d in days], dtype=np.float64)
    ends = np.round(np.cumsum(usual) / usual.sum() * missing).astype(np.int64)
    counts = np.diff(ends, prepend=0).tolist()
    return join([matters_of(seed, d, n) for d, n in zip(days, counts, strict=True)] + parts)


def _past_settlements(m: Matters, at: float, rng: np.random.Generator) -> Floats:
    """When each matter was settled: all but the published rest, which are the ones that would take longest."""
    closed: Floats = m.opened + rng.exponential(1.0, len(m.day)) * _SETTLE_DAYS[m.outcome] * DAY + 300
    waiting = np.argsort(closed)[-UNSETTLED:]
    latest = np.maximum(m.opened, at - rng.uniform(0, 2 * DAY, len(m.day)))
    closed = np.minimum(closed, latest)
    closed[waiting] = NEVER
    whole: Floats = closed.round()
    return whole


def _matter_rows(seed: int, m: Matters, closed: Floats) -> list[Row]:
    c = communities_of(seed)
    done = closed < NEVER
    names = numbers("JD", m.day, m.number, 4)
    rated = [_rating(seed, n) if d else None for n, d in zip(names, done.tolist(), strict=True)]
    codes = [c.code[i] for i in m.community.tolist()]
    return rows_of(
        names,
        codes,
        streets(c.street[m.community]),
        [f"{code}{g:04d}" for code, g in zip(codes, m.grid.tolist(), strict=True)],
        m.channel,
        m.kind,
        m.outcome,
        np.where(done, 3, 1),
        local_texts(m.opened),
        local_texts(m.due),
        come(closed, sys.float_info.max),
        rated,
        local_texts(np.where(done, closed, m.opened)),
    )


def _rating(seed: int, name: str) -> int | None:
    """3 satisfied, 2 fairly, 1 not, nothing where no answer was given."""
    chance = float(noise(seed, 9265, np.array([zlib.crc32(name.encode())]))[0])
    return 3 if chance < 0.8 else 2 if chance < 0.94 else 1 if chance < 0.965 else None


def _session_rows(seed: int, day: int, since: float, at: float, matters: Matters) -> list[Row]:
    """Minutes filed after `since`: who sat, how many came."""
    c = communities_of(seed)
    filed, sat, held = minutes_of(seed, day)
    came = np.bincount(matters.community[matters.day == day], minlength=len(c.code))
    rows = np.flatnonzero((filed > since) & (filed <= at))
    opens, closes = local_texts(np.array(office_hours(day)))
    stamp = day_text(day)
    return rows_of(
        [f"CC{stamp}{c.code[i][-9:]}" for i in rows.tolist()],
        [c.code[i] for i in rows.tolist()],
        streets(c.street[rows]),
        f"{stamp[:4]}/{int(stamp[4:6])}/{int(stamp[6:])}",
        opens,
        closes,
        [f"{n} " for n in sat[rows].tolist()],
        [f"{n:,}" for n in (came + came // 3)[rows].tolist()],
        held[rows],
        local_texts(filed[rows]),
    )


def _settle(conn: sa.Connection, since: float, at: float, seed: int) -> None:
    """Open matters settled in working hours: each has its own minute of the hour at which its fate is drawn."""
    t = book.matter
    columns = (t.c["事项编号"], t.c["办理方式"], t.c["受理时间"])
    waiting = conn.execute(sa.select(*columns).where(t.c["办结时间"].is_(None), t.c["办理方式"].is_not(None))).all()
    drawn = [(name, _settled_at(name, outcome, max(since, _moment(opened)), at, seed)) for name, outcome, opened in waiting]
    news = [(name, settled) for name, settled in drawn if settled is not None]
    for name, settled in news:
        word = local_texts(np.array([settled]))[0]
        values = {"办结时间": word, "更新时间": word, "STATUS": 3, "满意度": _rating(seed, name)}
        conn.execute(sa.update(t).where(t.c["事项编号"] == name).values(values))


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()


def _settled_at(name: str, outcome: int, since: float, at: float, seed: int) -> float | None:
    key = zlib.crc32(name.encode())
    minute = key % 3600
    ticks = np.arange(np.floor((since - minute) / HOUR) + 1, np.floor((at - minute) / HOUR) + 1)
    when: Floats = ticks * HOUR + minute
    working = (weekday(when) < 5) & (local_hour(when) >= 9) & (local_hour(when) < 18)
    drawn = when[working & (noise(seed, key, ticks) < _SETTLE_CHANCE[outcome])]
    return float(drawn[0]) if len(drawn) else None


def _write_slips(conn: sa.Connection) -> None:
    """A few rows no mapping can use: every real table has some."""
    old = "2000-01-01 00:00:00"
    conn.execute(
        sa.insert(book.case).values(
            {"CASE_NO": "补录-0001", "CATEGORY": 2, "STATUS": 8, "受理时间": "0000-00-00 00:00:00", "更新时间": old}
        )
    )
    conn.execute(
        sa.insert(book.case).values(
            {"CASE_NO": "补录-0002", "CATEGORY": 77, "STATUS": 8, "受理时间": "2020-02-11 09:00:00", "更新时间": old}
        )
    )
    conn.execute(sa.insert(book.matter).values({"事项编号": "JD-手工-01", "类别": 1, "STATUS": 1, "受理时间": "三月份", "更新时间": old}))


DEPARTMENT = Department(key="cases", title="民生服务与网格接待", build=build, live=live)
