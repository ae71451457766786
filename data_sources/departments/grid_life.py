"""Grid reception days: the third Wednesday of each month in every community; what is brought there, pure by seed and day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np

from data_sources.departments.hotline_life import six_o_clock, working_days_later
from data_sources.departments.life import STREETS, Floats
from data_sources.departments.plans import HOUR, Ints, midnight

COMMUNITIES, GRIDS = 79, 865
_PER_STREET = (5, 6, 13, 7, 9, 4, 7, 10, 7, 6, 5)  # communities, in the order of STREETS
MATTERS_A_DAY = 228
_WORDS = ("大院", "石板", "黄葛", "长江", "嘉陵", "文化", "人民", "建设", "青年", "新街", "和平", "枣园", "凉亭")


@dataclass(frozen=True)
class Communities:
    """Communities and their grids."""

    code: list[str]
    name: list[str]
    street: Ints
    grids: Ints
    lon: Floats
    lat: Floats


@dataclass(frozen=True)
class Matters:
    """What was brought on reception days; `outcome` 1 settled on the spot, 2 by a set day, 3 passed on."""

    day: Ints
    number: Ints
    community: Ints
    grid: Ints
    channel: Ints
    kind: Ints
    outcome: Ints
    opened: Floats
    due: Floats


@lru_cache(maxsize=4)
def communities_of(seed: int) -> Communities:
    """The 79 communities with their 865 grids."""
    rng = np.random.default_rng([seed, 9260])
    street = np.repeat(np.arange(len(STREETS)), _PER_STREET)
    grids = np.full(COMMUNITIES, GRIDS // COMMUNITIES) + rng.permutation(np.resize((-3, 3, -2, 2, -1, 1), COMMUNITIES))
    grids[: GRIDS - int(grids.sum())] += 1
    rank = np.concatenate([np.arange(1, n + 1) for n in _PER_STREET])
    words = rng.permutation(np.resize(_WORDS, COMMUNITIES))
    code = [f"{STREETS[s][0]}{r:03d}" for s, r in zip(street, rank, strict=True)]
    name = [f"{STREETS[s][1][:-2]}{w}{'一二三四五六七八九十百千万'[r - 1]}社区" for s, w, r in zip(street, words, rank, strict=True)]
    lon, lat = (np.array([s[i] for s in STREETS])[street] + rng.normal(0, 0.0013, COMMUNITIES).clip(-0.0022, 0.0022) for i in (2, 3))
    return Communities(code, name, street, grids, lon.round(6), lat.round(6))


def is_reception_day(day: int) -> bool:
    """Whether a city day is the third Wednesday of its month."""
    found = date.fromordinal(date(1970, 1, 1).toordinal() + day)
    return found.weekday() == 2 and 15 <= found.day <= 21


def reception_days(first: int, last: int) -> list[int]:
    """The reception days from first to last."""
    return [day for day in range(first, last + 1) if is_reception_day(day)]


def usual_number(seed: int, day: int) -> int:
    """How many matters a reception day brings."""
    return int(MATTERS_A_DAY * np.random.default_rng([seed, 9261, day]).uniform(0.88, 1.12))


def matters_of(seed: int, day: int, n: int) -> Matters:
    """The first n matters of a reception day, in order of time."""
    rng = np.random.default_rng([seed, 9262, day, n])
    places = communities_of(seed)
    community = rng.choice(COMMUNITIES, n, p=places.grids / GRIDS)
    outcome = rng.choice((1, 2, 3), n, p=(0.68, 0.25, 0.07))
    limit = np.where(outcome == 1, 1, np.where(outcome == 2, 10, 22))
    return Matters(
        day=np.full(n, day),
        number=np.arange(n),
        community=community,
        grid=1 + rng.integers(0, 30, n) % places.grids[community],
        channel=rng.choice((1, 2), n, p=(0.78, 0.22)),
        kind=rng.choice(7, n, p=(0.22, 0.2, 0.08, 0.2, 0.14, 0.1, 0.06)) + 1,
        outcome=outcome,
        opened=np.sort(midnight(day) + rng.triangular(9, 10.5, 17.4, n) * HOUR).round(),
        due=six_o_clock(working_days_later(day, limit)),
    )


def office_hours(day: int) -> tuple[float, float]:
    """Doors open at nine and close at half past five."""
    return midnight(day) + 9 * HOUR, midnight(day) + 17.5 * HOUR


def minutes_of(seed: int, day: int) -> tuple[Floats, Ints, Ints]:
    """When each community files its minutes, how many officials and lawyers sat there, and whether it was held (1)."""
    rng = np.random.default_rng([seed, 9263, day])
    filed = (office_hours(day)[1] + rng.uniform(300, 5_400, COMMUNITIES)).round()
    return filed, rng.integers(3, 6, COMMUNITIES), (rng.random(COMMUNITIES) > 0.002).astype(np.int64)
