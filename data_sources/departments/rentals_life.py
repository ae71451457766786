"""What happens in the rentals of one city day, as pure functions of seed and day: stays, locks, warnings, incidents."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np

from data_sources.departments.life import Floats
from data_sources.departments.plans import DAY, HOUR, NEVER, Ints, join, midnight, over_days, pick
from data_sources.departments.rentals_city import TURNS, city_of

MINUTE = 60.0
STAYS_A_DAY = 1_019
NIGHTS = 5


@dataclass(frozen=True)
class Stays:
    """Check-ins side by side; times are seconds since 1970."""

    day: Ints
    number: Ints
    room: Ints
    party: Ints
    credentials: Ints
    arrive: Floats
    known: Floats  # when the registration reached the platform
    leave: Floats  # as booked
    left: Floats
    verified: Ints
    how: Ints
    guest: Ints


@dataclass(frozen=True)
class Locks:
    """Lock events; `known` is when an unlocking was matched with a stay (never: nobody registered)."""

    number: Ints
    room: Ints
    kind: Ints  # 1 unlock, 2 offline over 24 h, 3 low battery, 4 tamper
    at: Floats
    known: Floats
    stay: Ints  # the stay's number on its day, -1 where there is none
    stay_day: Ints


@dataclass(frozen=True)
class Outages:
    """Locks without a connection."""

    room: Ints
    start: Floats
    end: Floats


@dataclass(frozen=True)
class Warnings:
    """Risk warnings: raised, checked, found true or not, removed."""

    day: Ints
    number: Ints
    room: Ints
    kind: Ints
    at: Floats
    checked: Floats
    true: Ints
    removed: Floats


@dataclass(frozen=True)
class Happenings:
    """Incidents, complaints or listings: when, where, what, and when dealt with."""

    day: Ints
    number: Ints
    room: Ints
    kind: Ints
    at: Floats
    end: Floats


def demand(day: int) -> float:
    """How many come, around 1: Saturdays, summer, the October and May holidays."""
    weekday = (day + 3) % 7
    season = 1 + 0.22 * np.cos(2 * np.pi * (day % 365.2425 - 205) / 365.2425)
    since_newyear = day % 365.2425
    holiday = 1.45 if 272 <= since_newyear <= 279 or 119 <= since_newyear <= 124 else 1.0
    return float((0.86, 0.82, 0.84, 0.9, 1.15, 1.42, 1.01)[weekday] * season * holiday)


@lru_cache(maxsize=64)
def stays_of(seed: int, day: int) -> Stays:
    """The stays that begin on a city day."""
    rng = np.random.default_rng([seed, 9201, day])
    _, rooms = city_of(seed)
    free = np.flatnonzero((np.arange(len(rooms.code)) % TURNS == day % TURNS) & rooms.in_force)
    n = min(int(STAYS_A_DAY * demand(day) * rng.normal(1, 0.04)), len(free) - 100)
    room = free[np.argsort(np.log(rng.random(len(free))) / rooms.appeal[free])[::-1][:n]]
    arrive = _arrivals(rng, day, rooms.building[room])
    order = np.argsort(arrive, kind="stable")
    room, arrive = room[order], arrive[order]
    party = rng.choice((1, 2, 3, 4, 5), n, p=(0.34, 0.44, 0.13, 0.07, 0.02))
    more = rng.choice((0, 1, 2, 4), n, p=(0.993, 0.0035, 0.002, 0.0015))
    delay = np.select(
        [(u := rng.random(n)) < 0.8, u < 0.996], [rng.uniform(5, 480, n), rng.uniform(480, 1_500, n)], rng.uniform(2_100, 10_800, n)
    )
    nights = 1.0 + rng.choice(NIGHTS, n, p=(0.5, 0.28, 0.13, 0.06, 0.03))
    leave = (midnight(day) + nights * DAY + 12 * HOUR).astype(np.float64)
    return Stays(
        day=np.full(n, day),
        number=np.arange(n),
        room=room,
        party=party,
        credentials=party + more,
        arrive=arrive,
        known=arrive + delay.round(3),
        leave=leave,
        left=leave - rng.gamma(2.0, 2_400.0, n).clip(0, 5 * HOUR).round(3),
        verified=(rng.random(n) < 0.997).astype(np.int64),
        how=np.where(rooms.lock[room], rng.choice((1, 2), n, p=(0.35, 0.65)), rng.choice((1, 3), n, p=(0.6, 0.4))),
        guest=rng.integers(1, 900_000, n),
    )


def _arrivals(rng: np.random.Generator, day: int, building: Ints) -> Floats:
    """Most in the afternoon, a few through the night; on some days a tour fills a tower within forty minutes."""
    n = len(building)
    hour = np.where(rng.random(n) < 0.08, rng.uniform(0, 12, n), rng.normal(17.0, 2.7, n).clip(12.5, 23.98))
    if rng.random() < 0.4:
        tour = building == rng.integers(1, 13)
        hour[tour] = (rng.uniform(14.5, 20) + rng.uniform(0, 0.65, n))[tour]
    return (midnight(day) + hour * HOUR).round(3)


@lru_cache(maxsize=64)
def outages_of(seed: int, day: int) -> Outages:
    """Locks that lose their connection on a city day: many for some hours, a few for days."""
    rng = np.random.default_rng([seed, 9202, day])
    _, rooms = city_of(seed)
    n, long = 110, 2
    room = rng.choice(np.flatnonzero(rooms.lock), n, replace=False)
    lasts = rng.exponential(2 * HOUR, n).clip(5 * MINUTE, 20 * HOUR)
    lasts[:long] = rng.uniform(0.6, 2.3, long) * DAY
    start = midnight(day) + rng.uniform(0, DAY, n)
    return Outages(room, start.round(), (start + lasts).round())


@lru_cache(maxsize=64)
def locks_of(seed: int, day: int) -> Locks:
    """Everything the locks report on a city day, in order of time."""
    rng = np.random.default_rng([seed, 9203, day])
    _, rooms = city_of(seed)
    stays = over_days(stays_of, seed, day - NIGHTS, day)
    stays = pick(stays, rooms.lock[stays.room])
    parts = [_usual(rng, day, stays), _parties(rng, day, stays), _strangers(rng, seed, day), _troubles(rng, seed, day)]
    events = join(parts)
    order = np.argsort(events.at, kind="stable")
    events = pick(events, order)
    return Locks(day * 100_000 + np.arange(len(order)), *(getattr(events, f.name) for f in fields(Locks)[1:]))


def _of_stays(stays: Stays, at: Floats) -> Locks:
    none = np.zeros(len(at), dtype=np.int64)
    return Locks(none, stays.room, none + 1, at.round(), np.maximum(stays.known, at.round()), stays.number, stays.day)


def _alone(room: Ints, kind: Ints, at: Floats) -> Locks:
    never = np.full(len(room), NEVER)
    return Locks(np.zeros(len(room), dtype=np.int64), room, kind, at.round(), never, np.full(len(room), -1), np.full(len(room), -1))


def _usual(rng: np.random.Generator, day: int, stays: Stays) -> Locks:
    """Guests come in, go out for hot pot, come back."""
    many = 4
    again = pick(stays, np.repeat(np.arange(len(stays.room)), many))
    hour = np.where(rng.random(len(again.room)) < 0.04, rng.uniform(0, 7, len(again.room)), rng.triangular(7, 19, 23.9, len(again.room)))
    at = midnight(day) + hour * HOUR
    first = stays.day == day
    come = _of_stays(pick(stays, first), stays.arrive[first])
    during = (at > again.arrive) & (at < again.left)
    return join([come, _of_stays(pick(again, during), at[during])])


def _parties(rng: np.random.Generator, day: int, stays: Stays) -> Locks:
    """Now and then a room is busy all night."""
    rows = np.flatnonzero((stays.day == day) & (stays.arrive < midnight(day) + 22 * HOUR))
    hosts = rng.choice(rows, rng.poisson(1.2)) if len(rows) else rows
    chosen = np.repeat(hosts, rng.integers(6, 14, len(hosts)))
    at = midnight(day) + rng.uniform(23.1, 23.99, len(chosen)) * HOUR
    return _of_stays(pick(stays, chosen), at)


def _strangers(rng: np.random.Generator, seed: int, day: int) -> Locks:
    """A free room is unlocked and nobody has registered."""
    _, rooms = city_of(seed)
    taken = np.zeros(len(rooms.code), dtype=bool)
    taken[stays_of(seed, day).room] = True
    free = np.flatnonzero((np.arange(len(taken)) % TURNS == day % TURNS) & rooms.in_force & rooms.lock & ~taken)
    room = rng.choice(free, rng.poisson(4.5), replace=False)
    visits = rng.integers(1, 6, len(room))
    start = np.repeat(midnight(day) + rng.uniform(9, 22, len(room)) * HOUR, visits)
    again = np.repeat(room, visits)
    return _alone(again, np.ones(len(again), dtype=np.int64), start + rng.uniform(0, 1.5 * HOUR, len(again)))


def _troubles(rng: np.random.Generator, seed: int, day: int) -> Locks:
    """Locks offline for a day or two, low batteries, the odd tampering."""
    _, rooms = city_of(seed)
    start = midnight(day)
    dark = over_days(outages_of, seed, day - 3, day)
    whole = np.floor((start + DAY - dark.start) / DAY)
    told = dark.start + whole * DAY
    late = (whole >= 1) & (told >= start) & (told < start + DAY) & (told < dark.end)
    other = rng.choice(np.flatnonzero(rooms.lock), 26)
    kind = np.where(np.arange(26) < rng.poisson(0.5), 4, 3)
    return join([_alone(dark.room[late], np.full(int(late.sum()), 2), told[late]), _alone(other, kind, start + rng.uniform(0, DAY, 26))])


@lru_cache(maxsize=64)
def warnings_of(seed: int, day: int) -> Warnings:
    """Risk warnings raised on a city day, with what became of them."""
    rng = np.random.default_rng([seed, 9204, day])
    _, rooms = city_of(seed)
    n = int(rng.poisson(9.2))
    at = np.sort(midnight(day) + rng.uniform(0, DAY, n)).round()
    late = rng.random(n) < 0.03
    checked = at + np.where(late, rng.uniform(4.2, 9, n), rng.gamma(2.0, 0.5, n).clip(0.05, 3.9)) * HOUR
    true = (rng.random(n) < 0.86).astype(np.int64)
    removed = np.where((true == 1) & (rng.random(n) < 0.4), checked + rng.uniform(0.1, 6, n) * DAY, NEVER)
    room = rng.choice(np.flatnonzero(rooms.in_force), n)
    return Warnings(np.full(n, day), np.arange(n), room, rng.integers(1, 7, n), at, checked.round(), true, removed.round())


def happenings_of(seed: int, day: int, stream: int, rate: float, kinds: int, lasts_h: float) -> Happenings:
    """Incidents, complaints or listings of a city day at a rate per day, each dealt with after about `lasts_h`."""
    rng = np.random.default_rng([seed, stream, day])
    _, rooms = city_of(seed)
    n = int(rng.poisson(rate * (0.5 + 0.5 * demand(day))))
    at = np.sort(midnight(day) + (rng.triangular(0, 21, 24, n)) * HOUR).round()
    room = rng.choice(np.flatnonzero(rooms.in_force), n)
    sore = np.random.default_rng([seed, stream + 50, day // 20]).choice(np.flatnonzero(rooms.in_force))
    room = np.where(rng.random(n) < 0.03, sore, room)  # one room in the city keeps giving trouble for some weeks
    return Happenings(
        np.full(n, day), np.arange(n), room, rng.integers(1, kinds + 1, n), at, (at + rng.exponential(lasts_h * HOUR, n) + HOUR).round()
    )
