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


JOINT = Surge(1000, timedelta(days=6), _hours(5), 0.6, ((0.80, 1.0, 2.4), (0.195, 2.9, 4.2), (0.005, 5.1, 5.6)))
OVERLOAD = Surge(1010, timedelta(days=3), _hours(1.5), 0.8, ((0.88, 20, 33), (0.12, 36, 48)))
GUST = Surge(1020, timedelta(days=9), _hours(3), 0.8, ((0.88, 4, 8), (0.12, 9, 12.5)))
SOFTENING = Surge(1030, timedelta(days=60), _hours(7), 0.6, ((0.88, 4.2, 7), (0.12, 8.5, 11)))
JAM = Surge(1040, timedelta(days=1), _hours(1.1), 0.8, ((0.75, 10, 20), (0.25, 20, 31)))
FAN_FAILURE = Surge(1050, timedelta(days=3), _hours(1.3), 0.7, ((0.70, 25, 48), (0.285, 52, 78), (0.015, 120, 140)))
SEEPAGE = Surge(1060, timedelta(days=9), _hours(1.5), 0.7, ((0.78, 4, 11.5), (0.20, 12, 18), (0.02, 20, 28)))
CREEP = Surge(1070, timedelta(days=5), _hours(6), 0.75, ((0.77, 0.7, 2.2), (0.205, 2.7, 5.0), (0.025, 9.5, 13.0)))
CAMERA_DOWN = Surge(1110, timedelta(days=7), _hours(3), 0.8, ((1.0, 1, 1.5),))


def bridge_values(seed: int, who: Indexes, at: Floats, length: Floats) -> dict[str, Floats]:
    """Every item a bridge can report; `length` in metres, per pair."""
    busy, size = life.rush(at), np.clip(length, 40, 400)
    warm = life.temperature(at - 1.5 * HOUR, seed) + 1.4 * wander(seed, 10, who, at, 7 * HOUR) + 2 * dice(seed, 11, who)
    odd = 0.28 * np.tanh(wander(seed, 12, who, at, 6 * HOUR)) + JOINT.height(seed, who, at)
    used = 18 + 8 * dice(seed, 13, who) + 11 * busy + 1.2 * wander(seed, 14, who, at, 900)
    used = used + OVERLOAD.height(seed, who, at) * (0.35 + 0.65 * busy)
    stretch = 0.0062 * size * (warm - 18)
    calm = life.wind(at, seed) * (1.5 + 0.8 * dice(seed, 15, who)) + 0.3 * wander(seed, 16, who, at, 600)
    gust = GUST.height(seed, np.zeros_like(who), at) * (0.75 + 0.35 * dice(seed, 17, who))
    return {
        "结构温度": warm,
        "伸缩缝位移": stretch + (0.6 + 0.004 * size) * odd,
        "伸缩缝残差": np.abs(odd),
        "应变": used / 100 * (220 + 160 * dice(seed, 18, who)),
        "应变占比": used,
        "挠度": -used * size * 0.0016,
        "风速": np.clip(calm + gust, 0, None),
        "基频下降": 0.8 + 0.4 * wander(seed, 19, who, at, DAY) + SOFTENING.height(seed, who, at),
        "索力": (2600 + 1800 * dice(seed, 20, who)) * (1 + 0.012 * busy - 0.0011 * (warm - 18)) + 6 * wander(seed, 21, who, at, 1200),
    }


def tunnel_values(seed: int, who: Indexes, at: Floats) -> dict[str, Floats]:
    """Air, sight, water, flow and lining of a tunnel."""
    busy, share = life.rush(at), 0.6 + 0.5 * dice(seed, 30, who)
    jam = JAM.height(seed, who, at) * (0.35 + 0.65 * busy)
    co = 7 + 32 * busy * share + 1.1 * jam + FAN_FAILURE.height(seed, who, at) + 1.6 * wander(seed, 31, who, at, 700)
    rain = life.rain(at - 900, seed)
    return {
        "一氧化碳": np.clip(co, 0, None),
        "烟尘系数": np.clip(0.0011 + 0.000043 * co + 0.0002 * wander(seed, 32, who, at, 1500), 0.0002, None),
        "二氧化氮": np.clip(0.04 + 0.0052 * co + 0.02 * wander(seed, 33, who, at, 1500), 0, None),
        "积水深度": np.clip(0.35 * rain * dice(seed, 34, who) + SEEPAGE.height(seed, who, at), 0, None),
        "平均车速": np.clip(50 - 15 * busy * share - jam + 2 * wander(seed, 35, who, at, 500), 3, None),
        "衬砌收敛": 1.5 * dice(seed, 36, who) + 0.02 * life.temperature(at, seed) + 0.1 * wander(seed, 37, who, at, 5 * DAY),
    }


def rain_sum(seed: int, at: Floats, hours: int) -> Floats:
    """Rain of the last hours, mm, in ten-minute steps."""
    step = np.floor(at / 600).astype(np.int64)
    back = hours * 6
    first = int(step.min()) - back
    moments = np.arange(first, int(step.max()) + 1, dtype=np.float64) * 600.0
    # Whole thousandths of a millimetre: a running sum of them is exact, wherever it starts.
    fallen = np.concatenate([[0], np.cumsum(np.rint(life.rain(moments, seed) / 6 * 1000).astype(np.int64))])
    return np.asarray((fallen[step - first + 1] - fallen[step - first + 1 - back]) / 1000.0)


def slope_values(seed: int, who: Indexes, at: Floats) -> dict[str, Floats]:
    """Rates, displacement and moisture of a hazard point. The first three are the restless ones."""
    soaked = rain_sum(seed, at, 24)
    rest = np.where(who < 3, 0.78 + 0.12 * dice(seed, 40, who), 0.08 + 0.25 * dice(seed, 40, who))
    rate = rest + 0.12 * wander(seed, 41, who, at, 0.6 * DAY) + 0.008 * soaked + CREEP.height(seed, who, at)
    grown = 4 + 30 * dice(seed, 42, who) + (at - 1.7e9) / DAY * rest * 0.06 + 0.5 * wander(seed, 43, who, at, 3 * DAY)
    return {
        "裂缝速率": 0.34 * rate + 0.02 * wander(seed, 44, who, at, HOUR),
        "倾斜速率": np.clip(0.021 * rate + 0.002 * wander(seed, 45, who, at, HOUR), 0, None),
        "位移速率": rate,
        "累计位移": grown,
        "含水率": np.clip(15 + 3 * dice(seed, 46, who) + 0.085 * soaked + 0.9 * wander(seed, 47, who, at, 2 * DAY), 4, 55),
    }


def rain_values(seed: int, who: Indexes, at: Floats) -> dict[str, Floats]:
    """The gauges see the same rain, each a little differently."""
    catch = 0.85 + 0.3 * dice(seed, 50, who)
    return {"小时雨量": catch * rain_sum(seed, at, 1), "日雨量": catch * rain_sum(seed, at, 24)}
