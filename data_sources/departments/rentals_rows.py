"""The rentals platform's rows at a moment: what its tables would show of each plan, the future left out."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from data_sources.departments.building import Row, local_texts, rows_of
from data_sources.departments.life import STREETS, Floats
from data_sources.departments.plans import DAY, HOUR, NEVER, Ints, come, day_of, midnight, newest, numbers, over_days, pick
from data_sources.departments.rentals_city import city_of
from data_sources.departments.rentals_life import MINUTE, NIGHTS, Happenings, Locks, Stays, Warnings, outages_of, stays_of

_PAST_POINTS = 60  # days a deduction takes to be forgiven in full
_STREET_NAMES = np.array([s[1] for s in STREETS], dtype=object)


def _millis(at: Floats, until: float) -> list[int | None]:
    """Milliseconds since 1970; nothing for what has not happened yet."""
    return [round(t * 1000) if t <= until else None for t in at.tolist()]


def _names(values: list[str], rows: Ints) -> list[str]:
    return [values[i] for i in rows.tolist()]


def _streets(rows: Ints) -> list[str]:
    names: list[str] = _STREET_NAMES[rows].tolist()
    return names


def building_rows(seed: int) -> list[Row]:
    """The buildings."""
    b, _ = city_of(seed)
    return rows_of(b.code, b.name, _streets(b.street), b.rooms, b.lon, b.lat)


@lru_cache(maxsize=4)  # asked every few seconds, another answer once a day
def deductions(seed: int, first: int, last: int) -> tuple[Ints, Floats]:
    """Rooms that lose two points, and when: a handful of inspections a day."""
    _, rooms = city_of(seed)
    room, at = [], []
    for day in range(first, last + 1):
        rng = np.random.default_rng([seed, 9210, day])
        room.append(rng.choice(np.flatnonzero(rooms.in_force & (rooms.points > 4)), 5, replace=False))
        at.append((midnight(day) + rng.uniform(9, 18, 5) * 3600).round())
    return np.concatenate(room), np.concatenate(at)


def points_at(seed: int, at: float) -> tuple[Ints, Floats]:
    """Each room's points at a moment and when they last changed: one point comes back with each clean month."""
    _, rooms = city_of(seed)
    points, changed = rooms.points.copy(), np.full(len(rooms.points), midnight(day_of(at) - 30 * 13) + 1)
    room, when = deductions(seed, day_of(at) - _PAST_POINTS, day_of(at))
    for since, step in ((0, -2), (30, 1), (_PAST_POINTS, 1)):
        come = when + since * DAY <= at
        np.add.at(points, room[come], step)
        np.maximum.at(changed, room[come], when[come] + since * DAY)
    return points.clip(0, 10), changed


def register_rows(seed: int, at: float, rooms_wanted: Ints) -> list[Row]:
    """The register's lines of some rooms."""
    b, r = city_of(seed)
    points, changed = points_at(seed, at)
    points, changed, w = points[rooms_wanted], changed[rooms_wanted], rooms_wanted
    colour = np.select([points <= 2, points <= 5, points <= 9], [4, 3, 2], 1)
    slack = w % 13 == 0  # some owners of red rooms go on all the same
    state = np.where(~r.in_force[w], 7, np.select([(colour == 4) & ~slack, colour == 3, points <= 7], [5, 4, 3], 2))
    coded = local_texts(np.asarray(midnight(day_of(at) - 400) - w * 7_919 % (400 * 86_400), dtype=np.float64))
    where = [f"{STREETS[s][0]}{1 + k % 7:03d}" for s, k in zip(r.street[w].tolist(), r.building[w].tolist(), strict=True)]
    return rows_of(
        _names(r.code, w),
        _names(r.name, w),
        _names(b.code, r.building[w]),
        _streets(r.street[w]),
        where,
        [f"JY{o:05d}" for o in r.operator[w].tolist()],
        r.kind[w],
        [f"{n} " for n in r.beds[w].tolist()],
        np.where(r.lock[w], "是", "否"),
        points,
        colour,
        state,
        coded,
        r.lon[w].round(6),
        r.lat[w].round(6),
        local_texts(changed),
    )


def status_rows(seed: int, at: float, wanted: Ints) -> list[Row]:
    """Who is in and how the lock does, of some rooms. Each lock reports in at its own minute of the day besides."""
    _, r = city_of(seed)
    guests, lock, changed = _moving(seed, at)
    told = (changed[wanted] + 8 * HOUR) // DAY
    battery = 100 - ((told + wanted * 13) % 240) // 2.6
    state = np.select([~r.lock[wanted], lock[wanted] == 1, battery < 15], [0, 2, 3], 1)
    power = [f"{p:.0f}%" if has else None for p, has in zip(battery.tolist(), r.lock[wanted].tolist(), strict=True)]
    stamp = (changed[wanted] * 1000).round().astype(np.int64)
    return rows_of(_names(r.code, wanted), _names(r.name, wanted), _streets(r.street[wanted]), guests[wanted], state, power, stamp)


def heartbeat(rooms: Ints, at: float) -> Floats:
    """When each room's lock (or its owner's telephone) last reported in."""
    tick = (rooms % 1440) * MINUTE
    told: Floats = np.floor((at - tick) / DAY) * DAY + tick
    return told


def _moving(seed: int, at: float) -> tuple[Ints, Ints, Floats]:
    """Guests, lock out (1) and time of last change of every room."""
    _, r = city_of(seed)
    n = len(r.code)
    guests, out, changed = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64), heartbeat(np.arange(n), at)
    s = over_days(stays_of, seed, day_of(at) - NIGHTS - 1, day_of(at))
    here = (s.known <= at) & (s.left > at)
    guests[s.room[here]] = s.party[here]
    np.maximum.at(changed, s.room, newest(at, s.known, s.left))
    o = over_days(outages_of, seed, day_of(at) - 3, day_of(at))
    out[o.room[(o.start <= at) & (o.end > at)]] = 1
    np.maximum.at(changed, o.room, newest(at, o.start, o.end))
    return guests, out, changed


def stay_rows(seed: int, s: Stays, at: float) -> list[Row]:
    """Check-ins with the guest's particulars, which exist in this database only and are plainly invented."""
    b, r = city_of(seed)
    points = r.points[s.room]
    guest = s.guest.tolist()
    return rows_of(
        numbers("RZ", s.day, s.number, 4),
        _names(r.code, s.room),
        _names(b.code, r.building[s.room]),
        _streets(r.street[s.room]),
        [f"演示客人{g:06d}" for g in guest],
        [f"DEMO{g:014d}" for g in guest],
        [f"000{g:08d}" for g in guest],
        s.party,
        s.credentials,
        _millis(s.arrive, at),
        _millis(s.known, at),
        _millis(s.leave, NEVER),
        _millis(s.left, at),
        s.verified,
        s.how,
        points,
        (newest(at, s.known, s.left) * 1000).round().astype(np.int64),
    )


def lock_rows(seed: int, e: Locks, at: float) -> list[Row]:
    """Lock events; an unlocking is matched with its stay as soon as somebody registers."""
    _, r = city_of(seed)
    matched = e.known <= at
    stays = iter(numbers("RZ", e.stay_day[matched], e.stay[matched], 4))
    stay = [next(stays) if m else None for m in matched.tolist()]
    changed = local_texts(newest(at, e.at, e.known))
    return rows_of(e.number, _names(r.code, e.room), _streets(r.street[e.room]), e.kind, local_texts(e.at), stay, changed)


def warning_rows(seed: int, w: Warnings, at: float) -> list[Row]:
    """Risk warnings as they stand."""
    _, r = city_of(seed)
    checked, removed = w.checked <= at, w.removed <= at
    state = np.select([removed, checked & (w.true == 1), checked], [3, 2, 4], 1)
    true = [t if c else None for t, c in zip(w.true.tolist(), checked.tolist(), strict=True)]
    return rows_of(
        numbers("YJ", w.day, w.number, 4),
        _names(r.code, w.room),
        _streets(r.street[w.room]),
        w.kind,
        state,
        local_texts(w.at),
        local_texts(w.at + 4 * 3600),
        come(w.checked, at),
        come(w.removed, at),
        true,
        local_texts(newest(at, w.at, w.checked, w.removed)),
    )


def happening_rows(seed: int, prefix: str, h: Happenings, at: float, *, coded: bool = True) -> list[Row]:
    """Incidents, complaints or listings as they stand; a listing without a code has no room number."""
    b, r = city_of(seed)
    ended = h.end <= at
    return rows_of(
        numbers(prefix, h.day, h.number, 4),
        _names(r.code, h.room) if coded else [None] * len(h.room),
        _names(b.code, r.building[h.room]),
        _streets(r.street[h.room]),
        h.kind,
        np.where(ended, 2 + h.number % 3 // 2, 1),
        local_texts(h.at),
        come(h.end, at),
        local_texts(newest(at, h.at, h.end)),
    )


def happened(since: float, until: float, *times: Floats) -> np.ndarray[Any, Any]:
    """Which rows changed after `since`, up to and including `until`, having begun by then (the first time given)."""
    moved = np.zeros(len(times[0]), dtype=bool)
    for t in times:
        moved |= (t > since) & (t <= until)
    return moved & (times[0] <= until)


def known_by(s: Stays, at: float) -> Stays:
    """The stays registered by a moment."""
    return pick(s, s.known <= at)
