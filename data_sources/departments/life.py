"""The life all demo departments share: weather, traffic, incidents. Pure functions of time and seed, vectorised.

Nothing here is stored: a department asks what the world was like at a moment and writes what its own sensors,
crews and citizens would have recorded. The same seed gives the same city on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import sqlalchemy as sa

ZONE = ZoneInfo("Asia/Shanghai")
Floats = np.ndarray[Any, np.dtype[np.float64]]

# code, Chinese name, rough centre (WGS84); published estimates, good for a schematic map only
STREETS: tuple[tuple[str, str, float, float], ...] = (
    ("500103013", "化龙桥街道", 106.513, 29.553),
    ("500103014", "石油路街道", 106.506, 29.545),
    ("500103012", "大坪街道", 106.523, 29.544),
    ("500103005", "上清寺街道", 106.545, 29.5625),
    ("500103004", "两路口街道", 106.544, 29.556),
    ("500103007", "菜园坝街道", 106.546, 29.550),
    ("500103011", "大溪沟街道", 106.557, 29.564),
    ("500103001", "七星岗街道", 106.5615, 29.557),
    ("500103008", "南纪门街道", 106.5675, 29.553),
    ("500103003", "解放碑街道", 106.572, 29.5585),
    ("500103010", "朝天门街道", 106.580, 29.5625),
)


_STORMS = 60  # noise streams of storms
_STORM_EVERY, _STORMY = 9 * 86_400.0, 0.85  # seconds; share of these stretches that have one


@dataclass(frozen=True, kw_only=True)
class Department:
    """A demo department: makes its own database and goes on living in it.

    `build` creates the schema and writes the history up to `now` into an empty database. `live` writes what happened
    after `since` up to and including `until`, as that department would; calling it in steps or at once gives the same rows.
    """

    key: str  # also its file: var/demo/<key>.db
    title: str
    build: Callable[[sa.Engine, datetime, int], None]
    live: Callable[[sa.Engine, datetime, datetime, int], None]
    provokes: Mapping[str, Callable[[sa.Connection, float, int], str]] = field(default_factory=dict)  # what may be made to happen now


def noise(seed: int, stream: int, ticks: np.ndarray[Any, Any]) -> Floats:
    """Uniform [0, 1) numbers that depend on seed, stream and tick only: no state, any order, any slice."""
    salt = (stream * 0x9E3779B97F4A7C15 + seed * 0xD1B54A32D192ED03) % (1 << 64)
    x = ticks.astype(np.uint64)
    with np.errstate(over="ignore"):
        x = x + np.uint64(salt)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
        x = x ^ (x >> np.uint64(31))
    return (x >> np.uint64(11)).astype(np.float64) / float(1 << 53)


def gauss(seed: int, stream: int, ticks: np.ndarray[Any, Any]) -> Floats:
    """Standard normal numbers by the same rule as `noise`."""
    u = np.maximum(noise(seed, stream, ticks), 1e-12)
    return np.asarray(np.sqrt(-2.0 * np.log(u)) * np.cos(2.0 * np.pi * noise(seed, stream + 7919, ticks)))


def smooth(seed: int, stream: int, seconds: Floats, period_s: float) -> Floats:
    """Slowly wandering noise around 0 (about ±1): interpolated normals, one per period."""
    at = seconds / period_s
    left = np.floor(at)
    t = at - left
    t = t * t * (3 - 2 * t)
    return gauss(seed, stream, left.astype(np.int64)) * (1 - t) + gauss(seed, stream, left.astype(np.int64) + 1) * t


def seconds(at: datetime) -> float:
    """Seconds since 1970 of a moment."""
    return at.timestamp()


def grid(start: datetime, end: datetime, step: timedelta) -> Floats:
    """Epoch seconds of every multiple of `step` in (start, end]: the ticks an instrument would report at."""
    width = step.total_seconds()
    first = np.floor(start.timestamp() / width) + 1
    last = np.floor(end.timestamp() / width)
    return np.arange(first, last + 1) * width


def local_hour(at: Floats) -> Floats:
    """Hour of the city's day, 0-24, fractional."""
    return ((at + 8 * 3600) % 86_400) / 3600.0


def weekday(at: Floats) -> np.ndarray[Any, Any]:
    """0 Monday … 6 Sunday, in the city."""
    return (((at + 8 * 3600) // 86_400 + 3) % 7).astype(int)


def day_of_year(at: Floats) -> Floats:
    """About 0-365, for seasons."""
    return (at / 86_400.0) % 365.2425


def rush(at: Floats) -> Floats:
    """How busy the streets are, 0-1: two peaks on working days, a long afternoon at weekends."""
    hour = local_hour(at)
    morning, evening = np.exp(-(((hour - 8.2) / 1.3) ** 2)), np.exp(-(((hour - 18.0) / 1.7) ** 2))
    midday = 0.45 * np.exp(-(((hour - 13.0) / 4.5) ** 2))
    weekend = 0.7 * np.exp(-(((hour - 15.5) / 4.0) ** 2)) + 0.2 * np.exp(-(((hour - 20.5) / 2.0) ** 2))
    return np.clip(np.where(weekday(at) < 5, np.maximum(np.maximum(morning, evening), midday), weekend) + 0.06, 0, 1)


def traffic(at: Floats, seed: int) -> Floats:
    """How busy the streets are in the weather there is, 0-1: in the rain more people drive, and everybody slower."""
    wet = np.minimum(rain(at, seed) / 5, 1)
    return np.clip(rush(at) * (1 + 0.4 * wet) + 0.15 * wet, 0, 1)


def temperature(at: Floats, seed: int) -> Floats:
    """Air temperature, °C: Chongqing's seasons, a daily swing, fronts of a few days."""
    season = 18.6 - 10.8 * np.cos(2 * np.pi * (day_of_year(at) - 20) / 365.2425)
    daily = 3.6 * np.cos(2 * np.pi * (local_hour(at) - 15.5) / 24)
    return season + daily * (1 - 0.5 * (rain(at, seed) > 0.1)) + 2.2 * smooth(seed, 11, at, 3.3 * 86_400)


def rain(at: Floats, seed: int) -> Floats:
    """Rain, mm/h: spells of some hours, more and harder from May to September, and storms among them."""
    wet = _wet_season(at)
    spell = smooth(seed, 21, at, 9 * 3600) + 0.5 * smooth(seed, 22, at, 2 * 3600) - 1.25 + 0.35 * wet
    burst = np.clip(smooth(seed, 23, at, 1500), 0, None)
    return np.maximum(np.where(spell > 0, spell * (0.5 + 2.0 * wet * burst), 0.0), storm(at, seed))


def storm(at: Floats, seed: int) -> Floats:
    """Rain of storms, mm/h: one in most stretches of nine days, 20 to 90 mm in four to ten hours, the most in summer.

    That is stormier than the city's climate, on purpose: who looks at the demo for a week should see one come and go.
    """
    slot = np.floor(at / _STORM_EVERY).astype(np.int64)
    begin = (slot + 0.15 + 0.6 * noise(seed, _STORMS, slot)) * _STORM_EVERY
    span = (4 + 6 * noise(seed, _STORMS + 1, slot)) * 3600
    amount = (24 + 44 * noise(seed, _STORMS + 2, slot)) * (0.7 + 0.6 * _wet_season(begin))
    x = np.clip((at - begin) / span, 0, 1)
    gusts = np.clip(1 + 0.35 * smooth(seed, _STORMS + 4, at, 1500), 0.3, None)
    shape = 2 * np.sin(np.pi * x**0.8) ** 2 * gusts
    return np.where(noise(seed, _STORMS + 3, slot) < _STORMY, amount * 3600 / span * shape, 0.0)


def _wet_season(at: Floats) -> Floats:
    """How wet the season is: 0.1 in January, 1 in July."""
    return np.asarray(0.55 + 0.45 * np.cos(2 * np.pi * (day_of_year(at) - 195) / 365.2425))


def wind(at: Floats, seed: int) -> Floats:
    """Wind, m/s."""
    return np.clip(1.6 + 0.8 * smooth(seed, 31, at, 5 * 3600) + 0.5 * smooth(seed, 32, at, 900), 0.1, None)


def humidity(at: Floats, seed: int) -> Floats:
    """Relative humidity, %."""
    return np.clip(78 - 1.1 * (temperature(at, seed) - 18) + 14 * (rain(at, seed) > 0.1) + 5 * smooth(seed, 41, at, 6 * 3600), 30, 99)


def episodes(at: Floats, seed: int, stream: int, every: timedelta, lasts: timedelta, chance: float = 1.0) -> Floats:
    """Incidents that build up and clear: 0 at rest, rising smoothly to 1 and back.

    Time is cut into slots of `every`; in each slot, with `chance`, one episode of about `lasts` begins somewhere.
    """
    slot_s, long_s = every.total_seconds(), lasts.total_seconds()
    level = np.zeros_like(at)
    base = np.floor(at / slot_s)
    for back in range(int(np.ceil(long_s * 1.5 / slot_s)) + 1):
        slot = (base - back).astype(np.int64)
        happens = noise(seed, stream, slot) < chance
        begin = slot * slot_s + noise(seed, stream + 1, slot) * slot_s * 0.8
        span = long_s * (0.6 + 0.8 * noise(seed, stream + 2, slot))
        x = np.clip((at - begin) / span, 0, 1)
        shape = np.sin(np.pi * x**0.8) ** 2
        level = np.maximum(level, np.where(happens & (x > 0) & (x < 1), shape, 0.0))
    return level
