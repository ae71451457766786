"""What the instruments would have read: pure functions of time, asset and seed, over flat arrays of (asset, moment) pairs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np

from data_sources.departments import life
from data_sources.departments.life import Floats

Indexes = np.ndarray[Any, np.dtype[np.int64]]

_ASSET_STEP = 1 << 34  # apart enough that no two assets share a tick of the noise
HOUR = 3600.0
DAY = 86_400.0


def _tick(who: Indexes, tick: Indexes) -> Indexes:
    return tick + (who + 1) * _ASSET_STEP


def dice(seed: int, stream: int, who: Indexes, tick: Indexes | int = 0) -> Floats:
    """A uniform number per asset (and tick)."""
    return life.noise(seed, stream, _tick(who, np.asarray(tick, dtype=np.int64)))


def wander(seed: int, stream: int, who: Indexes, at: Floats, period_s: float) -> Floats:
    """Slowly wandering noise around 0 (about ±1), each asset its own."""
    x = at / period_s
    left = np.floor(x).astype(np.int64)
    t = x - left
    t = t * t * (3 - 2 * t)
    return life.gauss(seed, stream, _tick(who, left)) * (1 - t) + life.gauss(seed, stream, _tick(who, left + 1)) * t


def between(u: Floats, steps: tuple[tuple[float, float, float], ...]) -> Floats:
    """Uniform numbers turned into amounts: steps of (share, low, high), shares adding up to 1."""
    amount = np.zeros_like(u)
    floor = 0.0
    for share, low, high in steps:
        inside = (u >= floor) & (u < floor + share)
        amount = np.where(inside, low + (high - low) * (u - floor) / share, amount)
        floor += share
    return amount


@dataclass(frozen=True)
class Surge:
    """Incidents of one kind: at most one per asset and slot; builds up, peaks, clears. `lasts` is under a seventh of `every`."""

    stream: int
    every: timedelta
    lasts: timedelta
    chance: float
    peaks: tuple[tuple[float, float, float], ...]  # (share, low, high)

    def events(self, seed: int, who: Indexes, slot: Indexes) -> tuple[Floats, Floats, Floats]:
        """Begin, duration and peak of the incident in each slot; peak 0: none."""
        slot_s, long_s = self.every.total_seconds(), self.lasts.total_seconds()
        begin = (slot + dice(seed, self.stream + 1, who, slot) * 0.8) * slot_s
        span = long_s * (0.6 + 0.8 * dice(seed, self.stream + 2, who, slot))
        happens = dice(seed, self.stream, who, slot) < self.chance
        return begin, span, np.where(happens, between(dice(seed, self.stream + 3, who, slot), self.peaks), 0.0)

    def slots(self, at: Floats) -> Indexes:
        """The slot each moment lies in."""
        return np.floor(at / self.every.total_seconds()).astype(np.int64)

    def height(self, seed: int, who: Indexes, at: Floats) -> Floats:
        """How far each asset is into its incident, in the unit of the peaks."""
        begin, span, peak = self.events(seed, who, self.slots(at))
        x = np.clip((at - begin) / span, 0, 1)
        return np.asarray(peak * np.sin(np.pi * x**0.8) ** 2)


def _hours(value: float) -> timedelta:
    return timedelta(hours=value)


CAMERA_DOWN = Surge(1110, timedelta(days=7), _hours(3), 0.8, ((1.0, 1, 1.5),))


def rain_sum(seed: int, at: Floats, hours: int) -> Floats:
    """Rain of the last hours, mm, in ten-minute steps."""
    step = np.floor(at / 600).astype(np.int64)
    back = hours * 6
    first = int(step.min()) - back
    moments = np.arange(first, int(step.max()) + 1, dtype=np.float64) * 600.0
    # Whole thousandths of a millimetre: a running sum of them is exact, wherever it starts.
    fallen = np.concatenate([[0], np.cumsum(np.rint(life.rain(moments, seed) / 6 * 1000).astype(np.int64))])
    return np.asarray((fallen[step - first + 1] - fallen[step - first + 1 - back]) / 1000.0)
