"""The demo city's twenty-six garages on the loop: how full each is through the week, and where guidance sends drivers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from data_sources.departments.life import Floats, local_hour, rush, weekday
from data_sources.departments.sensors_shapes import Indexes, dice, wander
from data_sources.loop_ring import ring_length

_STREAM = 9700  # noise streams of this file
# Names seen in public; with five thousand spaces they opened first. The rest are made up to come to the published whole.
_KNOWN = (
    ("重宾", 420), ("英利国际", 960), ("万豪", 520), ("万豪二期", 480), ("合景大厦", 610), ("大都会广场", 1150), ("民族广场", 860),
)  # fmt: skip
_OTHERS, _ALL_SPACES = 19, 21_000
_OFFICE, _MALL, _HOME = range(3)


@dataclass(frozen=True)
class Garage:
    """A garage with a mouth on the loop."""

    number: str
    name: str
    spaces: int
    chainage: float
    habit: int
    made_up: bool


@cache
def garages() -> tuple[Garage, ...]:
    """All twenty-six, twenty-one thousand spaces together."""
    left = _ALL_SPACES - sum(spaces for _, spaces in _KNOWN)
    weights = [0.6 + 0.8 * ((i * 7) % _OTHERS) / (_OTHERS - 1) for i in range(_OTHERS)]
    edges = [round(left * sum(weights[:i]) / sum(weights)) for i in range(_OTHERS + 1)]
    named = [(name, spaces, False) for name, spaces in _KNOWN]
    made = [(f"接入车库{i + len(_KNOWN) + 1:02d}（示例）", edges[i + 1] - edges[i], True) for i in range(_OTHERS)]
    step = ring_length() / (len(_KNOWN) + _OTHERS)
    return tuple(
        Garage(f"CK{i + 1:02d}", name, spaces, round((i * 11 % 26) * step + 20, 1), (_MALL, _OFFICE, _HOME)[i % 3], made_up)
        for i, (name, spaces, made_up) in enumerate([*named, *made])
    )


SPACES: Floats = np.array([float(g.spaces) for g in garages()])
_HABITS: Indexes = np.array([g.habit for g in garages()], dtype=np.int64)


def fullness(who: Indexes, at: Floats, seed: int) -> Floats:
    """Share of spaces taken."""
    hour, weekend = local_hour(at), weekday(at) >= 5
    work = np.exp(-(((hour - 13.5) / 4.2) ** 4)) * np.where(weekend, 0.35, 0.86)
    shop = np.exp(-(((hour - 14.0) / 3.2) ** 2)) * 0.55 + np.exp(-(((hour - 19.8) / 2.1) ** 2)) * np.where(
        weekend | (weekday(at) == 4), 0.86, 0.66
    )
    night = 0.82 - 0.45 * np.exp(-(((hour - 14.0) / 5.0) ** 4)) * np.where(weekend, 0.5, 1.0)
    base = np.select([_HABITS[who] == _OFFICE, _HABITS[who] == _MALL], [work, shop], night)
    taste = 0.82 + 0.32 * dice(seed, _STREAM, who)
    return np.asarray(np.clip(0.05 + base * taste + 0.03 * wander(seed, _STREAM + 1, who, at, 2400), 0.005, 1.0), dtype=np.float64)


def counted(who: Indexes, at: Floats, seed: int) -> Indexes:
    """What the counters at the barriers come to: off by a few, so below zero in some small hours."""
    drift = np.round(6 * wander(seed, _STREAM + 2, who, at, 9 * 3600))
    inside = np.round(fullness(who, at, seed) * SPACES[who] * 0.99 + drift)
    slipped = (local_hour(at) < 5) & (dice(seed, _STREAM + 3, who, np.floor(at / 300).astype(np.int64)) < 0.0006)
    return np.where(slipped, -3, np.clip(inside, 0, SPACES[who])).astype(np.int64)


def silent(who: Indexes, at: Floats, seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Counters whose controller hangs for part of an afternoon or a night."""
    slot = np.floor(at / 21_600).astype(np.int64)
    into = at - slot * 21_600 - 9000 * dice(seed, _STREAM + 5, who, slot)
    long = 2400 + 6000 * dice(seed, _STREAM + 6, who, slot)
    return np.asarray((dice(seed, _STREAM + 4, who, slot) < 0.012) & (into > 0) & (into < long), dtype=np.bool_)


def guided(who: Indexes, hour: Floats, share: Floats, seed: int) -> tuple[Indexes, Indexes]:
    """Drivers sent to each garage in the `share` of an hour gone by, and those who arrived there; a full garage loses them."""
    tick = np.floor(hour / 3600).astype(np.int64)
    middle = hour + 1800
    wanted = (1 + 46 * rush(middle) * SPACES[who] / 800) * (0.7 + 0.6 * dice(seed, _STREAM + 10, who, tick))
    full = fullness(who, middle, seed)
    found = np.clip(0.92 - 0.1 * dice(seed, _STREAM + 11, who, tick) - 1.8 * np.clip(full - 0.9, 0, None), 0.3, 1)
    sent = np.floor(wanted * share)
    return sent.astype(np.int64), np.floor(sent * found).astype(np.int64)
