"""What citizens call 12345 about on a city day, and the course of each case, as pure functions of seed and day."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np

from data_sources.departments.life import STREETS, Floats, rain
from data_sources.departments.plans import DAY, HOUR, Ints, join, midnight, pick

PLACES = 620
# Question, request, noise, water, power, property, parking, transport, cleaning, consumer, lift, social security
_SHARE = np.array((0.2, 0.11, 0.12, 0.06, 0.04, 0.11, 0.09, 0.06, 0.07, 0.08, 0.02, 0.04))
LIMIT_DAYS = np.array((3, 7, 10, 7, 7, 10, 7, 7, 7, 15, 5, 7))  # working days, by category
_HOTSPOT_CATEGORIES = (3, 4, 5, 11)  # noise, water, power, lifts: what a whole building calls about
_HOURS = np.array((2, 1, 1, 1, 1, 2, 5, 14, 36, 48, 46, 38, 22, 24, 36, 38, 36, 32, 24, 22, 20, 16, 9, 4), dtype=float)
# States a case passes, and how far into its life: received, registered, assigned, signed, handling, replied, callback, closed
_COURSE = ((1, 0.0), (2, 0.006), (3, 0.02), (4, 0.06), (5, 0.12), (6, 0.82), (7, 0.93), (8, 1.0))
_REDONE = ((1, 0.0), (2, 0.006), (3, 0.02), (4, 0.06), (5, 0.12), (6, 0.5), (7, 0.58), (10, 0.6), (5, 0.66), (6, 0.85), (7, 0.94), (8, 1.0))
ARCHIVED = 9
ON_TIME = 0.9807  # 按时办结率98.07%


@dataclass(frozen=True)
class Cases:
    """Cases side by side; times are seconds since 1970."""

    day: Ints
    number: Ints
    category: Ints  # 1-12
    place: Ints
    channel: Ints
    opened: Floats
    contact_due: Floats
    contacted: Floats
    due: Floats
    called_back: Floats
    closed: Floats
    archived: Floats
    redone: Ints
    solved: Ints
    satisfied: Ints
    hotspot: Ints  # number of the day's hotspot, -1 for none


@dataclass(frozen=True)
class Hotspots:
    """Many calls from one place within minutes, merged into one matter."""

    day: Ints
    number: Ints
    place: Ints
    category: Ints
    merged: Floats
    settled: Floats


@dataclass(frozen=True)
class Places:
    """Where calls come from."""

    code: list[str]
    name: list[str]
    kind: Ints
    street: Ints
    lon: Floats
    lat: Floats


@lru_cache(maxsize=4)
def places_of(seed: int) -> Places:
    """The places calls come from."""
    rng = np.random.default_rng([seed, 9250])
    street = rng.choice(len(STREETS), PLACES, p=(0.06, 0.08, 0.16, 0.09, 0.1, 0.05, 0.1, 0.12, 0.07, 0.09, 0.08))
    kind = rng.choice((1, 2, 3, 4, 5), PLACES, p=(0.78, 0.12, 0.05, 0.03, 0.02))
    words = rng.choice(("桂花", "枇杷", "黄葛", "石桥", "曾家", "新华", "民生", "解放", "临江", "和平", "嘉陵", "鹅岭"), PLACES)
    ends = np.array(("", "小区", "街沿街", "农贸市场", "公交站", "公园"), dtype=object)[kind]
    names = [f"{STREETS[s][1][:-2]}{w}{i:03d}号{e}" for i, (s, w, e) in enumerate(zip(street, words, ends, strict=True))]
    lon, lat = (np.array([s[i] for s in STREETS])[street] + rng.normal(0, 0.0012, PLACES).clip(-0.002, 0.002) for i in (2, 3))
    return Places([f"D{i:05d}" for i in range(PLACES)], names, kind, street, lon.round(6), lat.round(6))


def calls(seed: int, day: int) -> float:
    """How many call on a day: fewer at weekends, more when it rains."""
    weekday = (day + 3) % 7
    wet = float(rain(midnight(day) + np.arange(8.0, 20.0) * HOUR, seed).mean())
    return (208, 200, 196, 194, 190, 158, 150)[weekday] * (1 + 0.12 * min(wet, 2.0))


@lru_cache(maxsize=96)
def hotspots_of(seed: int, day: int) -> tuple[Hotspots, Cases]:
    """The day's hotspots, with their calls."""
    rng = np.random.default_rng([seed, 9251, day])
    n = int(rng.poisson(3.2))
    place, many = rng.integers(0, PLACES, n), rng.integers(6, 14, n) + rng.choice((0, 8), n, p=(0.85, 0.15))
    category = rng.choice(_HOTSPOT_CATEGORIES, n)
    begins = midnight(day) + rng.uniform(6.5, 22.5, n) * HOUR
    lasts = rng.uniform(10, 28, n) * 60
    which = np.repeat(np.arange(n), many)
    opened = (begins[which] + rng.uniform(0, 1, len(which)) * lasts[which]).round()
    spots = Hotspots(
        np.full(n, day), np.arange(n), place, category, _fifth(opened, which, n), (begins + rng.uniform(2, 6, n) * HOUR).round()
    )
    return spots, _course(rng, day, category[which], place[which], opened, which)


def _fifth(opened: Floats, which: Ints, n: int) -> Floats:
    """When each hotspot's fifth call came: that is when calls are merged."""
    return np.array([np.sort(opened[which == i])[4] for i in range(n)], dtype=np.float64)


@lru_cache(maxsize=96)
def cases_of(seed: int, day: int) -> Cases:
    """The cases received on a city day, in order of time."""
    rng = np.random.default_rng([seed, 9252, day])
    n = int(rng.poisson(calls(seed, day)))
    hour = rng.choice(24, n, p=_HOURS / _HOURS.sum()) + rng.random(n)
    opened = (midnight(day) + hour * HOUR).round()
    category = 1 + rng.choice(12, n, p=_SHARE / _SHARE.sum())
    place = (rng.beta(0.8, 2.2, n) * PLACES).astype(np.int64)
    usual = _course(rng, day, category, place, opened, np.full(n, -1))
    both = join([usual, hotspots_of(seed, day)[1]])
    both = pick(both, np.argsort(both.opened, kind="stable"))
    return Cases(both.day, np.arange(len(both.day)), *(getattr(both, f.name) for f in fields(Cases)[2:]))


def working_days_later(day: int, days: Ints) -> Ints:
    """The city day so many working days on (Monday to Friday; the calendar of public holidays is the department's)."""
    found = np.busday_offset(np.datetime64("1970-01-01") + np.timedelta64(day, "D"), days, roll="forward")
    later: Ints = found.astype("datetime64[D]").astype(np.int64)
    return later


def six_o_clock(days: Ints) -> Floats:
    """The end of office hours on city days."""
    at: Floats = midnight(0) + days.astype(np.float64) * DAY + 18 * HOUR
    return at


def _course(rng: np.random.Generator, day: int, category: Ints, place: Ints, opened: Floats, hotspot: Ints) -> Cases:
    """The life of cases: limits by category, most closed well within them, a few late, callbacks after the reply."""
    n = len(opened)
    due = six_o_clock(working_days_later(day, LIMIT_DAYS[category - 1]))
    late = rng.random(n) > ON_TIME
    span = np.where(late, due - opened + rng.uniform(0.1, 4, n) * DAY, (due - opened) * rng.beta(2.2, 2.6, n).clip(0.03, 0.97))
    contact_due = opened + DAY
    quick = rng.random(n) < 0.985
    contacted = opened + np.minimum(
        np.where(quick, rng.gamma(1.6, 3 * HOUR, n).clip(600, 0.95 * DAY), rng.uniform(1.05, 2, n) * DAY), span * 0.8
    )
    solved = rng.choice((1, 2, 9), n, p=(0.84, 0.06, 0.10))
    satisfied = np.where(
        solved == 9, 9, np.where(solved == 2, rng.choice((1, 2), n, p=(0.3, 0.7)), rng.choice((1, 2, 9), n, p=(0.92, 0.02, 0.06)))
    )
    redone = ((solved == 2) & (rng.random(n) < 0.35)).astype(np.int64)
    return Cases(
        day=np.full(n, day),
        number=np.zeros(n, dtype=np.int64),
        category=category,
        place=place,
        channel=rng.choice((1, 2, 3, 4), n, p=(0.7, 0.16, 0.1, 0.04)),
        opened=opened,
        contact_due=contact_due,
        contacted=contacted.round(),
        due=due,
        called_back=(opened + span * np.where(redone == 1, 0.94, 0.93)).round(),
        closed=(opened + span).round(),
        archived=(opened + span + rng.uniform(1, 3, n) * DAY).round(),
        redone=redone,
        solved=solved,
        satisfied=satisfied,
        hotspot=hotspot,
    )


def states_at(c: Cases, at: float) -> tuple[Ints, Floats]:
    """Each case's state at a moment, and since when."""
    state, since = np.ones(len(c.opened), dtype=np.int64), c.opened.copy()
    span = c.closed - c.opened
    for redone, course in ((0, _COURSE), (1, _REDONE)):
        for code, part in course:
            begins = np.where(part == 1.0, c.closed, (c.opened + span * part).round())
            here = (c.redone == redone) & (begins <= at)
            state[here], since[here] = code, begins[here]
    done = c.archived <= at
    state[done], since[done] = ARCHIVED, c.archived[done]
    return state, since
