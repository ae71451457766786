"""The rooms the rentals platform knows: buildings, codes, locks, points. Fixed by the seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from dashboard.core.datum import from_wgs84
from data_sources.departments.life import STREETS, Floats
from data_sources.departments.plans import Ints

Flags = np.ndarray[Any, np.dtype[np.bool_]]

ROOMS_IN_FORCE, ROOMS_LEFT, LOCKS = 12_900, 240, 9_653  # one room one code 1.29万; 74.83 % with smart locks
BUILDINGS, BIGGEST = 430, 850
TURNS = 6  # a room is let on every sixth day at most, for five nights at most: no two stays ever overlap
_SHARE = (0.03, 0.02, 0.05, 0.06, 0.08, 0.02, 0.05, 0.13, 0.04, 0.33, 0.19)  # of rooms, in the order of STREETS
_WORDS = ("江景", "云栖", "山城", "雾都", "两江", "梧桐", "渝家", "星语", "半岛", "石阶", "灯火", "南山")
_KINDS = ("公寓", "公馆", "寓所", "民宿楼", "国际公寓")


@dataclass(frozen=True)
class Rooms:
    """Every room ever coded, side by side; `in_force` are those that have not left."""

    code: list[str]
    name: list[str]
    building: Ints
    street: Ints
    kind: Ints
    beds: Ints
    operator: Ints
    points: Ints
    in_force: Flags
    lock: Flags
    appeal: Floats  # how readily it is let
    lon: Floats
    lat: Floats


@dataclass(frozen=True)
class Buildings:
    """Where the rooms are."""

    code: list[str]
    name: list[str]
    street: Ints
    rooms: Ints
    lon: Floats
    lat: Floats


@lru_cache(maxsize=4)
def city_of(seed: int) -> tuple[Buildings, Rooms]:
    """The city's rentals for a seed."""
    rng = np.random.default_rng([seed, 9200])
    buildings = _buildings(rng)
    return buildings, _rooms(rng, buildings)


def _buildings(rng: np.random.Generator) -> Buildings:
    street = rng.choice(len(STREETS), BUILDINGS, p=_SHARE)
    street[0] = 9
    weight = np.sort(rng.lognormal(0, 0.8, BUILDINGS - 1))[::-1]
    weight[:12] = np.maximum(weight[:12], np.linspace(9, 5, 12) * weight.mean())  # a dozen towers besides the biggest
    spare = ROOMS_IN_FORCE + ROOMS_LEFT - BIGGEST - (BUILDINGS - 1)
    more = np.floor(weight / weight.sum() * spare).astype(np.int64)
    more[: spare - more.sum()] += 1
    lon, lat = (np.array([s[i] for s in STREETS])[street] + rng.normal(0, 0.0011, BUILDINGS).clip(-0.002, 0.002) for i in (2, 3))
    east, north = from_wgs84(lon, lat, "BD-09")
    names = [f"{STREETS[s][1][:-2]}{rng.choice(_WORDS)}{rng.choice(_KINDS)}{i:03d}幢" for i, s in enumerate(street)]
    return Buildings(
        [f"LD{i:04d}" for i in range(BUILDINGS)], names, street, np.concatenate([[BIGGEST], more + 1]), east.round(6), north.round(6)
    )


def _rooms(rng: np.random.Generator, buildings: Buildings) -> Rooms:
    building = np.repeat(np.arange(BUILDINGS), buildings.rooms)
    n = len(building)
    order = rng.permutation(n)
    in_force = np.ones(n, dtype=bool)
    in_force[order[:ROOMS_LEFT]] = False
    lock = np.zeros(n, dtype=bool)
    lock[order[ROOMS_LEFT : ROOMS_LEFT + LOCKS]] = True
    within = np.arange(n) - np.repeat(np.cumsum(buildings.rooms) - buildings.rooms, buildings.rooms)
    floor, door = 3 + within // 12, 1 + within % 12
    level = rng.choice(4, n, p=(0.93, 0.056, 0.011, 0.003))
    points = np.select([level == 0, level == 1, level == 2], [10, rng.integers(7, 10, n), rng.integers(3, 6, n)], rng.integers(0, 3, n))
    return Rooms(
        code=[f"YZ500103{b:04d}{w:04d}" for b, w in zip(building, within, strict=True)],
        name=[f"{buildings.name[b]}{f}-{d}" for b, f, d in zip(building, floor, door, strict=True)],
        building=building,
        street=buildings.street[building],
        kind=rng.integers(1, 5, n),
        beds=rng.choice((1, 2, 3, 4), n, p=(0.5, 0.35, 0.1, 0.05)),
        operator=(building * 3 + rng.integers(0, 4, n)) % 1600,
        points=points,
        in_force=in_force,
        lock=lock,
        appeal=np.where(points <= 2, 0.08, (0.4 + rng.lognormal(0, 0.5, BUILDINGS))[building]),
        lon=buildings.lon[building] + rng.normal(0, 0.00004, n).round(6),
        lat=buildings.lat[building] + rng.normal(0, 0.00004, n).round(6),
    )
