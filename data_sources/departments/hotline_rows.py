"""The hotline's rows at a moment, and which of them changed in a stretch of time."""

from __future__ import annotations

from typing import Any

import numpy as np

from data_sources.departments.building import Row, local_texts, rows_of
from data_sources.departments.hotline_life import LIMIT_DAYS, Cases, Hotspots, cases_of, hotspots_of, places_of, states_at
from data_sources.departments.life import STREETS, Floats
from data_sources.departments.plans import NEVER, Ints, come, join, newest, numbers, pick

Mask = np.ndarray[Any, Any]
_CODES = [s[0] for s in STREETS]


def _seen(values: Ints, when: Floats, until: float) -> list[int | None]:
    return [v if t <= until else None for v, t in zip(values.tolist(), when.tolist(), strict=True)]


def streets(rows: Ints) -> list[str]:
    """Street codes of rows of STREETS."""
    return [_CODES[i] for i in rows.tolist()]


def place_rows(seed: int) -> list[Row]:
    """The places calls come from."""
    p = places_of(seed)
    return rows_of(p.code, p.name, p.kind, streets(p.street), p.lon, p.lat)


def cases_between(seed: int, first: int, last: int) -> tuple[Cases, Floats]:
    """The cases of some city days, and when each was merged into a hotspot (never for most)."""
    cases = join([cases_of(seed, day) for day in range(first, last + 1)])
    merged = np.full(len(cases.day), NEVER)
    for day in range(first, last + 1):
        spots, _ = hotspots_of(seed, day)
        mine = (cases.day == day) & (cases.hotspot >= 0)
        merged[mine] = spots.merged[cases.hotspot[mine]]
    return cases, np.maximum(merged, cases.opened)


def case_rows(seed: int, c: Cases, merged: Floats, at: float) -> list[Row]:
    """Cases as they stand."""
    p = places_of(seed)
    state, since = states_at(c, at)
    spot = merged <= at
    names = iter(numbers("RD", c.day[spot], c.hotspot[spot], 2))
    return rows_of(
        numbers("", c.day, c.number, 5),
        c.channel,
        c.category,
        [p.code[i] for i in c.place.tolist()],
        streets(p.street[c.place]),
        state,
        [f"{n} " for n in LIMIT_DAYS[c.category - 1].tolist()],
        local_texts(c.opened),
        local_texts(c.contact_due),
        come(c.contacted, at),
        local_texts(c.due),
        come(c.closed, at),
        come(c.called_back, at),
        _seen(c.solved, c.called_back, at),
        _seen(c.satisfied, c.called_back, at),
        [next(names) if s else None for s in spot.tolist()],
        local_texts(newest(at, since, c.contacted, merged, c.called_back)),
    )


def changed_cases(c: Cases, merged: Floats, since: float, at: float) -> Mask:
    """Cases that were received or moved after `since`, up to `at`."""
    moved = states_at(c, at)[1] > since
    for t in (c.contacted, merged, c.called_back):
        moved |= (t > since) & (t <= at)
    return moved & (c.opened <= at)


def hotspot_rows(seed: int, first: int, last: int, since: float, at: float) -> list[Row]:
    """Hotspots of some days that came up, grew or were settled after `since`, as they stand at `at`."""
    return [row for day in range(first, last + 1) for row in _hotspots_of_day(seed, *hotspots_of(seed, day), since, at)]


def _hotspots_of_day(seed: int, spots: Hotspots, cases: Cases, since: float, at: float) -> list[Row]:
    p = places_of(seed)
    rows: list[Row] = []
    for i in np.flatnonzero(spots.merged <= at).tolist():
        opened = cases.opened[cases.hotspot == i]
        heard = opened[opened <= at]
        settled = float(spots.settled[i])
        changed = max(float(spots.merged[i]), float(heard.max()), settled if settled <= at else 0.0)
        if changed <= since:
            continue
        one = pick(spots, np.array([i]))
        rows += rows_of(
            numbers("RD", one.day, one.number, 2),
            [p.code[one.place[0]]],
            streets(p.street[one.place]),
            one.category,
            [2 if settled <= at else 1],
            local_texts(np.array([float(heard.min())])),
            come(one.settled, at),
            [f" {len(heard)}"],
            local_texts(np.array([changed])),
        )
    return rows
