"""When the demo city's seven tour ships sail, where they are then, and how their engines and catalysts do: pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from data_sources.departments.life import Floats, local_hour, weekday
from data_sources.departments.sensors_shapes import DAY, Indexes, dice, wander
from data_sources.imo_nox import specific_nox, urea_litres

Mask = np.ndarray[Any, np.dtype[np.bool_]]

OFF, WARMUP, DOSING, DERATED, BYPASS, FAULT = range(6)
SLOTS = 3  # sailings a day: an afternoon one at weekends, two in the evening
MINUTE, OFFSET = 60.0, 8 * 3600.0
WARM_C = 250.0  # below this the catalyst must not be dosed
_BEGIN_H = (14.6, 19.1, 21.35)
_AHEAD = 8 * MINUTE  # engines run before casting off
_AIR_O2 = 20.9
_STREAM = 9200  # noise streams of this file


@dataclass(frozen=True)
class Ship:
    """A ship of the published list, with engines made up for the demo."""

    number: str
    name: str
    owner: str
    batch: int
    accepted: str
    rated_kw: float  # of each of its two engines
    rated_rpm: int


SHIPS = (
    Ship("YZ01", "长航朝天门", "重庆长江轮船有限公司", 1, "2023-11-04", 1000, 1000),
    Ship("YZ02", "金碧女王", "重庆汇东船务有限公司", 1, "2023-11-04", 735, 1500),
    Ship("YZ03", "金碧皇宫", "重庆汇东船务有限公司", 1, "2023-11-04", 805, 1500),
    Ship("YZ04", "朝天皓月", "重庆长江轮船有限公司", 2, "2025-04", 670, 1500),
    Ship("YZ05", "交运满江红", "重庆市客轮有限公司", 2, "2025-04", 605, 1800),
    Ship("YZ06", "交运明月", "重庆市客轮有限公司", 2, "2025-04", 650, 1800),
    Ship("YZ07", "交运明珠", "重庆市客轮有限公司", 2, "2025-04", 695, 1500),
)
ENGINES: tuple[tuple[str, int, str], ...] = tuple(
    (f"{ship.number}-{side}", i, word) for i, ship in enumerate(SHIPS) for side, word in (("L", "左主机"), ("R", "右主机"))
)
SHIP_OF: Indexes = np.array([ship for _, ship, _ in ENGINES], dtype=np.int64)
RATED: Floats = np.array([SHIPS[ship].rated_kw for _, ship, _ in ENGINES])
# From the berth up the Jialing to Huanghuayuan, back round the point, up the Yangtze to Dongshuimen and home.
_ROUTE = np.array(
    [
        (106.5865, 29.5705), (106.579, 29.569), (106.568, 29.567), (106.557, 29.570), (106.568, 29.5675), (106.579, 29.5695),
        (106.588, 29.568), (106.587, 29.561), (106.580, 29.552), (106.570, 29.5475), (106.580, 29.5525), (106.588, 29.563),
        (106.5865, 29.5705),
    ]
)  # fmt: skip


@dataclass(frozen=True)
class Sailings:
    """Sailings side by side: which ship, which sailing since 1970 (three a day), from when to when engines run; `runs` false: cancelled."""

    ship: Indexes
    turn: Indexes
    begin: Floats
    end: Floats
    runs: Mask

    def only(self, keep: Mask) -> Sailings:
        """Those for which `keep` holds."""
        return Sailings(self.ship[keep], self.turn[keep], self.begin[keep], self.end[keep], self.runs[keep])


def sailings(ship: Indexes, turn: Indexes, seed: int) -> Sailings:
    """The sailing of each ship at each turn."""
    day, slot = turn // SLOTS, turn % SLOTS
    midnight = np.asarray(day * DAY - OFFSET, dtype=np.float64)
    begin = midnight + np.array(_BEGIN_H)[slot] * 3600 + (dice(seed, _STREAM, ship, turn) - 0.5) * 16 * MINUTE - _AHEAD
    begin = np.floor(begin / MINUTE) * MINUTE
    end = begin + np.floor(94 + 14 * dice(seed, _STREAM + 1, ship, turn)) * MINUTE
    month = ((midnight / DAY) % 365.2425) / 30.44
    flood = np.where((month > 6) & (month < 8.5), 0.14, 0.0)  # some evenings of high water nobody sails
    yard = dice(seed, _STREAM + 3, ship, day // 30) * 26
    in_yard = (day % 30 >= yard) & (day % 30 < yard + 1.5)
    runs = (dice(seed, _STREAM + 2, ship, turn) >= 0.05) & (dice(seed, _STREAM + 4, ship * 0, day) >= flood) & ~in_yard
    return Sailings(ship, turn, begin, end, runs & ((slot > 0) | (weekday(midnight + 43_200) >= 5)))


def turns_between(since: float, until: float) -> Indexes:
    """Every turn that could touch a stretch of time."""
    first, last = (np.floor((t + OFFSET) / DAY) for t in (since, until))
    return np.arange(first * SLOTS, (last + 1) * SLOTS).astype(np.int64)


def every_sailing(since: float, until: float, seed: int) -> Sailings:
    """All sailings that ran at some moment of (since, until]."""
    turns = turns_between(since, until)
    ship = np.repeat(np.arange(len(SHIPS)), len(turns))
    found = sailings(ship, np.tile(turns, len(SHIPS)), seed)
    return found.only(found.runs & (found.begin <= until) & (found.end > since))


@dataclass(frozen=True)
class Running:
    """Engines at moments of their sailings, side by side."""

    engine: Indexes
    at: Floats
    state: Indexes
    power: Floats
    fuel: Floats
    nox_in: Floats
    nox_out: Floats
    o2: Floats
    t_in: Floats
    urea: Floats
    slip: Floats
    drop: Floats
    valve: Indexes
    specific_in: Floats


def _bump(seed: int, stream: int, engine: Indexes, turn: Indexes, since: Floats, chance: float, minutes: tuple[float, float]) -> Floats:
    """An incident of some sailings: 0 at rest, up to 1 in its middle."""
    span = (minutes[0] + (minutes[1] - minutes[0]) * dice(seed, stream + 1, engine, turn)) * MINUTE
    begin = (18 + 40 * dice(seed, stream + 2, engine, turn)) * MINUTE
    x = np.clip((since - begin) / span, 0, 1)
    return np.where(dice(seed, stream, engine, turn) < chance, np.sin(np.pi * x), 0.0)


def run_engines(engine: Indexes, turn: Indexes, since: Floats, left: Floats, at: Floats, seed: int) -> Running:
    """How each engine did: `since` seconds after it was started, `left` seconds before it is stopped."""
    low = np.minimum(since, left) < 7 * MINUTE  # casting off and coming alongside
    cold = _bump(seed, _STREAM + 40, engine, turn, since, 0.02, (25, 45)) > 0
    load = np.where(low, 0.24, np.where(cold, 0.22, 0.63 + 0.06 * wander(seed, _STREAM + 10, engine, at, 900)))
    power = RATED[engine] * np.clip(load, 0.1, 0.95)
    t_full = 318 + 60 * (load - 0.6) + 5 * wander(seed, _STREAM + 11, engine, at, 600)
    t_in = 60 + (np.where(cold, 246 + 3 * wander(seed, _STREAM + 12, engine, at, 300), np.where(low, 290, t_full)) - 60) * (
        1 - np.exp(-since / 190)
    )
    o2 = 14.5 - 5.6 * load + 0.15 * wander(seed, _STREAM + 13, engine, at, 300)
    nox_in = 690 + 600 * load + 18 * wander(seed, _STREAM + 14, engine, at, 240)
    fuel = power * (0.207 + 0.03 * np.square(load - 0.7))
    bypass = _bump(seed, _STREAM + 20, engine, turn, since, 0.012, (9, 26)) > 0
    poor, broken = (_bump(seed, _STREAM + s, engine, turn, since, p, (25, 50)) for s, p in ((25, 0.05), (30, 0.008)))
    slipping = _bump(seed, _STREAM + 35, engine, turn, since, 0.02, (15, 30))
    warm = (t_in >= WARM_C) | (cold & (since > 12 * MINUTE))
    share = 0.945 + 0.012 * wander(seed, _STREAM + 15, engine, at, 1200) - 0.27 * poor - 0.55 * broken - 0.05 * cold
    share = np.where(warm & ~bypass, np.clip(share, 0.05, 0.985) * np.clip((since - 360) / 120, 0.3, 1), 0.0)
    specific_in = specific_of(nox_in, o2, fuel, power)
    urea = np.asarray(urea_per_hour(power * specific_in * share * 1e-3), dtype=np.float64) * (1 + 0.2 * slipping)
    state = np.select([bypass, ~warm, broken > 0.2, poor > 0.2], [BYPASS, WARMUP, FAULT, DERATED], DOSING)
    slip = np.where(urea > 0, 2.2 + wander(seed, _STREAM + 16, engine, at, 400) * 0.6 + 13 * slipping, 0.0)
    return Running(
        engine, at, state.astype(np.int64), power, fuel, nox_in, nox_in * (1 - share), o2, t_in, urea, np.clip(slip, 0, None),
        1.1 + 1.6 * load + 0.05 * wander(seed, _STREAM + 17, engine, at, 900), bypass.astype(np.int64), specific_in,
    )  # fmt: skip


def specific_of(ppm: Floats, o2: Floats, fuel: Floats, power: Floats) -> Floats:
    """Grams per kWh over arrays: the same sum as for one reading, which is linear in ppm and fuel."""
    return ppm * (fuel / power) * specific_nox(1.0, 0.0, 1.0, 1.0) * _AIR_O2 / (_AIR_O2 - o2)


def urea_per_hour(nox_kg: Floats) -> Floats:
    """Litres an hour for NOx taken away, dosed a little above the exact amount."""
    return nox_kg * urea_litres(1.0, 1.04)


def tank_levels(ship: Indexes, at: Floats, seed: int) -> Floats:
    """Urea tank of each ship, %: drawn down by evenings, refilled every seventeen days or so."""
    period = 15.0 + np.floor(4 * dice(seed, _STREAM + 50, ship))
    days = np.floor((at + OFFSET) / DAY) + np.clip((local_hour(at) - 19.0) / 4.0, 0, 1)
    phase = (days + np.floor(period * dice(seed, _STREAM + 51, ship))) % period
    return np.clip(96 - 88 * phase / (period - 0.4), 3, 100)


def places(ship: Indexes, at: Floats, seed: int) -> tuple[Floats, Floats, Mask]:
    """Longitude, latitude and whether each ship is under way."""
    turns = turns_between(float(at.min()), float(at.max()))
    lon, lat = _ROUTE[0, 0] - 0.0006 * ship, _ROUTE[0, 1] - 0.0007 * ship
    moving = np.zeros(len(at), dtype=bool)
    for turn in turns:
        sailing = sailings(ship, np.full(len(ship), turn), seed)
        inside = sailing.runs & (at >= sailing.begin + _AHEAD) & (at < sailing.end)
        x = np.clip((at - sailing.begin - _AHEAD) / (sailing.end - sailing.begin - _AHEAD), 0, 1) * (len(_ROUTE) - 1)
        lon, lat = (np.where(inside, np.interp(x, np.arange(len(_ROUTE)), _ROUTE[:, i]), here) for i, here in ((0, lon), (1, lat)))
        moving |= inside
    return lon, lat, moving
