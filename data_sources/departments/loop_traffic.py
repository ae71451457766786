"""How the demo city's underground loop flows: jams that spread from an arc, fixes and their errors, stopped and wrong-way vehicles."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np

from data_sources.departments.life import Floats, episodes, rush, traffic
from data_sources.departments.sensors_shapes import Indexes, between, dice, wander
from data_sources.loop_ring import arcs, ring_length

MINUTE, HOUR = 60.0, 3600.0
STOPPED, WRONG_WAY = 1, 2
RING = len(arcs())
# Six connecting roads are named in public; the seventh is not.
LINKS = (
    ("一号桥连接道", 106.568, 29.5605),
    ("北区路连接道", 106.564, 29.5605),
    ("十八梯连接道", 106.568, 29.556),
    ("储奇门连接道", 106.572, 29.554),
    ("解放东路连接道", 106.5785, 29.558),
    ("长滨路连接道", 106.5765, 29.555),
    ("第七连接道（未公布名称）", 106.5745, 29.5605),
)
LENGTHS: Floats = np.array([a.length for a in arcs()] + [500.0] * len(LINKS))  # links: 3.5 km of the 6.3 km planned
STARTS: Floats = np.array([a.start for a in arcs()])
FREE: Floats = np.array([32.0] * RING + [22.0] * len(LINKS))  # km/h
_STREAM = 9500  # noise streams of this file
_WALK_BACK = 4.0  # m/s of a vehicle going the wrong way
Mask = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Minutes:
    """Arcs over whole minutes, side by side."""

    due: Indexes
    got: Indexes
    error_cm: Floats
    speed: Floats


def jam(arc: Indexes, at: Floats, seed: int) -> Floats:
    """0 free to 1 standing: a jam grows from one arc to its neighbours, now and then round most of the ring."""
    level = np.zeros(len(at))
    for stream, every, lasts, chance, reach in ((1, 5.0, 35.0, 0.4, 1.6), (5, 30.0, 70.0, 0.3, 8.0)):
        slot = np.floor(at / (every * HOUR)).astype(np.int64)
        height = episodes(at, seed, _STREAM + stream, timedelta(hours=every), timedelta(minutes=lasts), chance)
        heart = np.floor(dice(seed, _STREAM + stream + 3, slot * 0, slot) * RING)
        apart = np.abs((arc - heart + RING / 2) % RING - RING / 2)
        level = np.maximum(level, height * np.clip(1.2 - apart / (reach + 1e-9), 0, 1))
    return np.where(arc < RING, level, 0.3 * level) * np.clip(0.35 + rush(at), 0, 1)


def outage(arc: Indexes, at: Floats, seed: int) -> Floats:
    """0 to 1: beacons of an arc that fail for a while."""
    slot_s = 6 * HOUR
    slot = np.floor(at / slot_s).astype(np.int64)
    begin = slot * slot_s + dice(seed, _STREAM + 21, arc, slot) * 4 * HOUR
    span = (20 + 40 * dice(seed, _STREAM + 22, arc, slot)) * MINUTE
    x = np.clip((at - begin) / span, 0, 1)
    return np.where(dice(seed, _STREAM + 20, arc, slot) < 0.03, np.sin(np.pi * x) ** 0.5, 0.0)


def flow(arc: Indexes, at: Floats, seed: int) -> Minutes:
    """Fixes due and got, their error and the speed of the minute that ended at each moment."""
    busy, stuck, lost = traffic(at, seed), jam(arc, at, seed), outage(arc, at, seed)
    cars = np.floor(
        (0.4 + 22 * busy) * LENGTHS[arc] / 280 * (1 + 0.8 * stuck) + 0.7 * dice(seed, _STREAM + 30, arc, (at / MINUTE).astype(np.int64))
    )
    due = (cars * 30).astype(np.int64)
    caught = np.clip(0.989 + 0.004 * wander(seed, _STREAM + 31, arc, at, 900) - 0.4 * lost, 0.2, 1)
    error = np.clip(165 + 22 * wander(seed, _STREAM + 32, arc, at, 1200) + 420 * lost, 60, None)
    speed = FREE[arc] * (1 - 0.38 * busy) * (1 - 0.86 * stuck) * (1 + 0.05 * wander(seed, _STREAM + 33, arc, at, 300))
    return Minutes(due, np.floor(due * caught).astype(np.int64), np.round(error), np.clip(speed, 2.5, 45))


@dataclass(frozen=True)
class Events:
    """Things that happened on the main ring, side by side."""

    kind: Indexes
    number: Indexes
    arc: Indexes
    chainage: Floats
    begin: Floats
    end: Floats
    device: Indexes

    def only(self, keep: Mask) -> Events:
        """Those for which `keep` holds."""
        return Events(*(part[keep] for part in vars(self).values()))

    def chainage_at(self, at: Floats) -> Floats:
        """Where the vehicle is: standing, or further and further back."""
        gone = np.where(self.kind == WRONG_WAY, (np.minimum(at, self.end) - self.begin) * _WALK_BACK, 0.0)
        return np.asarray((self.chainage - gone) % ring_length(), dtype=np.float64)


def events(since: float, until: float, seed: int) -> Events:
    """What began or went on in (since, until]; at most one stop per arc and hour, one wrong way per hour."""
    hours = np.arange(np.floor(since / HOUR) - 1, np.floor(until / HOUR) + 1).astype(np.int64)
    arc, hour = (grid.ravel() for grid in np.meshgrid(np.arange(RING + 1), hours))
    busy = rush(np.asarray(hour * HOUR + 1800, dtype=np.float64))
    wrong = arc == RING
    happens = dice(seed, _STREAM + 40, arc, hour) < np.where(wrong, 0.004 + 0.014 * busy, 0.006 + 0.03 * busy)
    where = np.where(wrong, np.floor(dice(seed, _STREAM + 41, arc, hour) * RING).astype(np.int64), arc)
    begin = np.floor(hour * HOUR + dice(seed, _STREAM + 42, arc, hour) * 3000)
    long = between(dice(seed, _STREAM + 43, arc, hour), ((0.55, 20, 75), (0.35, 75, 240), (0.1, 240, 590)))
    end = begin + np.floor(np.where(wrong, 25 + 45 * dice(seed, _STREAM + 43, arc, hour), long))
    chainage = np.round(STARTS[where] + dice(seed, _STREAM + 44, arc, hour) * (LENGTHS[where] - 1), 1)
    device = np.floor(dice(seed, _STREAM + 45, arc, hour) * 1e8).astype(np.int64)
    found = Events(np.where(wrong, WRONG_WAY, STOPPED), hour, where, chainage, begin, end, device)
    return found.only(happens & (begin <= until) & (end > since))


def longest_stops(arc: Indexes, at: Floats, seed: int) -> Indexes:
    """Seconds the longest-standing vehicle of each arc stood in the minute that ended at each moment."""
    longest = np.zeros(len(at))
    found = events(float(at.min()) - HOUR, float(at.max()), seed)
    stops = found.only(found.kind == STOPPED)
    for where, begin, end in zip(stops.arc.tolist(), stops.begin.tolist(), stops.end.tolist(), strict=True):
        standing = (arc == where) & (at >= begin) & (at < end + MINUTE)
        longest[standing] = np.maximum(longest[standing], np.minimum(at[standing], end) - begin)
    return np.floor(longest).astype(np.int64)
