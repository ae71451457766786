"""What the instruments on a bridge would have read: heat moves joints and cracks, traffic strains it, now and then something fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

import numpy as np

from data_sources.departments import life
from data_sources.departments.life import Floats
from data_sources.departments.sensors_assets import CABLE_STAYED, Thing
from data_sources.departments.sensors_shapes import DAY, HOUR, Indexes, Surge, between, dice, wander

Mask: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]

_RIVER, _VIADUCT, _RAMP, _FLYOVER, _FOOTBRIDGE = 1, 2, 3, 4, 5
_WEIGHED = ("BR05", "BR06", "BR08", "BR12", "BR13")  # road bridges with scales in the carriageway
_AS_BUILT = 18.0  # °C at which joints stand in the middle
_FULL_SWING = 4.0  # °C away from where a joint jammed: about half a day's swing
_YEAR = 365.25 * DAY
_OPENED = 1.73e9  # since when sag is counted; about November 2024

# Every tenth of a minute-tick: what changes slowly is reported every ten minutes.
SLOW = ("结构温度顶板", "结构温度腹板", "结构温度底板", "伸缩缝位移", "支座反力", "一阶频率", "裂缝宽度", "最大车重")
PLACES = {"伸缩缝位移": 2, "支座反力": 0, "一阶频率": 4, "裂缝宽度": 3, "最大车重": 1, "索力": 0, "挠度": 2}

JAMMED = Surge(1000, timedelta(days=9), timedelta(hours=10), 0.35, ((0.75, 1.3, 2.7), (0.22, 3.3, 4.8), (0.03, 5.4, 7.2)))  # in sigma
OVERLOAD = Surge(1010, timedelta(days=3), timedelta(hours=1.5), 0.8, ((0.88, 20, 33), (0.12, 36, 48)))  # % of the design strain
GUST = Surge(1020, timedelta(days=9), timedelta(hours=3), 0.8, ((0.88, 4, 8), (0.12, 9, 12.5)))  # m/s
SOFTENING = Surge(1030, timedelta(days=60), timedelta(hours=7), 0.6, ((0.88, 4.2, 7), (0.12, 8.5, 11)))  # % of the frequency
LIFTED = Surge(1120, timedelta(days=24), timedelta(hours=12), 0.25, ((0.80, 5.5, 8.5), (0.17, 10.5, 13), (0.03, 15.5, 18)))  # % of reaction
CRACKED = Surge(1130, timedelta(days=60), timedelta(days=5), 0.35, ((0.7, 0.12, 0.22), (0.3, 0.28, 0.38)))  # mm
CALIBRATED = Surge(1140, timedelta(days=12), timedelta(hours=5), 0.5, ((1.0, 1, 1.2),))
_SAGS = ((0.975, 0.05, 0.6), (0.025, 1.1, 1.6))  # mm a year: two of them more than a limit allows, none alarming


def items_of(bridge: Thing) -> tuple[str, ...]:
    """What is measured on a bridge: nearly everything on river bridges, joints and bearings on roads, the basics on footbridges."""
    common = ("结构温度顶板", "应变", "挠度")
    of_kind = {
        _RIVER: ("结构温度腹板", "结构温度底板", "伸缩缝位移", "支座反力", "一阶频率", "风速"),
        _VIADUCT: ("结构温度底板", "伸缩缝位移", "支座反力", "一阶频率", "裂缝宽度"),
        _RAMP: ("结构温度底板", "伸缩缝位移", "支座反力", "裂缝宽度"),
        _FLYOVER: ("结构温度底板", "伸缩缝位移", "裂缝宽度"),
        _FOOTBRIDGE: ("一阶频率",),
    }
    more = [("索力",) if bridge.number in CABLE_STAYED else (), ("最大车重",) if bridge.number in _WEIGHED else ()]
    return (*common, *of_kind[int(bridge.kind)], *(item for items in more for item in items))


def design_strain(seed: int, who: Indexes) -> Floats:
    """The strain each bridge is designed for, µε, as its register has it."""
    return np.round(220 + 160 * dice(seed, 18, who))


@dataclass(frozen=True)
class Moments:
    """Pairs of bridge and moment, with the length that moves (m) and what several items share."""

    seed: int
    who: Indexes
    at: Floats
    size: Floats
    river: Mask
    busy: Floats
    warm: Floats

    @staticmethod
    def of(seed: int, who: Indexes, at: Floats, things: Sequence[Thing]) -> Moments:
        """The shared part worked out once."""
        size = np.clip([t.length or 600.0 for t in things], 40, 400)
        river = np.array([t.kind == _RIVER for t in things])
        return Moments(seed, who, at, size[who], river[who], life.rush(at), girder(seed, who, at))

    def of_some(self, which: Mask) -> Moments:
        """Some of the pairs."""
        return Moments(self.seed, self.who[which], self.at[which], self.size[which], self.river[which], self.busy[which], self.warm[which])

    def noise(self, stream: int) -> Floats:
        """A fresh error for every reading."""
        return life.gauss(self.seed, stream, (self.at // 60).astype(np.int64) + (self.who + 1) * (1 << 34))

    def wander(self, stream: int, period_s: float) -> Floats:
        """An error that drifts."""
        return wander(self.seed, stream, self.who, self.at, period_s)


def girder(seed: int, who: Indexes, at: Floats) -> Floats:
    """Mean temperature of a girder, °C: behind the air, each bridge a little its own."""
    return life.temperature(at - 1.5 * HOUR, seed) + 1.2 * wander(seed, 10, who, at, 7 * HOUR) + 2 * dice(seed, 11, who)


def value(item: str, m: Moments) -> Floats:
    """One item of many bridges."""
    return np.asarray(_ITEMS[item](m))


def joint_noise(size: Floats) -> Floats:
    """How far a sound joint is usually off its line, mm."""
    return 0.25 + 0.0035 * size


def _sun(m: Moments) -> Floats:
    """How much warmer the deck is than the girder's mean, °C, on a clear day; little under rain."""
    high = np.clip(np.sin(np.pi * (life.local_hour(m.at) - 7.5) / 11.5), 0, None)
    return np.asarray(2.4 * high * np.where(life.rain(m.at, m.seed) > 0.1, 0.2, 1.0))


def _joint(m: Moments) -> Floats:
    """A joint follows the girder's heat; one that jams stays behind until it is freed or the heat comes back."""
    slope = 0.006 * m.size
    begin, _span, _peak = JAMMED.events(m.seed, m.who, JAMMED.slots(m.at))
    stuck = JAMMED.height(m.seed, m.who, m.at) * joint_noise(m.size) / (slope * _FULL_SWING)
    away = m.warm - girder(m.seed, m.who, begin)
    error = joint_noise(m.size) * (0.85 * m.noise(30) + 0.15 * m.wander(31, 2 * DAY))
    return np.asarray(slope * (m.warm - _AS_BUILT - np.clip(stuck, 0, 1.6) * away) + error)


def used(m: Moments) -> Floats:
    """Strain in percent of what the bridge is designed for: traffic, and now and then a convoy that should not be there."""
    at_rest = 18 + 8 * dice(m.seed, 13, m.who) + 11 * m.busy + 1.2 * m.wander(14, 900)
    return np.asarray(at_rest + OVERLOAD.height(m.seed, m.who, m.at) * (0.35 + 0.65 * m.busy))


def _deflection(m: Moments) -> Floats:
    chance = dice(m.seed, 32, m.who)
    speed = np.where(m.river, 0.05 + 0.55 * chance, between(chance, _SAGS))
    sag = speed * (m.at - _OPENED) / _YEAR
    heat = 0.0012 * m.size * (m.warm - _AS_BUILT)
    return np.asarray(-used(m) * m.size * 0.0016 + heat - sag + 0.25 * m.noise(33))


def _reaction(m: Moments) -> Floats:
    rest = 900 + 6 * m.size * (0.8 + 0.4 * dice(m.seed, 34, m.who))
    moved = 1 + 0.02 * m.busy + 0.0008 * (m.warm - _AS_BUILT) + 0.004 * m.noise(35)
    return np.asarray(rest * moved * (1 - LIFTED.height(m.seed, m.who, m.at) / 100))


def _frequency(m: Moments) -> Floats:
    rest = (0.3 + 85 / m.size) * (0.9 + 0.2 * dice(m.seed, 36, m.who))
    moved = 1 - 0.0009 * (m.warm - _AS_BUILT) + 0.0025 * m.noise(37)
    return np.asarray(rest * moved * (1 - SOFTENING.height(m.seed, m.who, m.at) / 100))


def _crack(m: Moments) -> Floats:
    """Cracks breathe with the heat; some open after hot days and close once injected."""
    begin, _span, _peak = CRACKED.events(m.seed, m.who, CRACKED.slots(m.at))
    hot = np.clip((girder(m.seed, m.who, begin) - 8) / 18, 0.25, 1.0)
    rest = 0.08 + 0.1 * dice(m.seed, 38, m.who) - 0.0022 * (m.warm - _AS_BUILT)
    return np.asarray(np.clip(rest + hot * CRACKED.height(m.seed, m.who, m.at) + 0.004 * m.noise(39), 0, None))


def _wind(m: Moments) -> Floats:
    calm = life.wind(m.at, m.seed) * (1.5 + 0.8 * dice(m.seed, 15, m.who)) + 0.3 * m.wander(16, 600)
    gust = GUST.height(m.seed, np.zeros_like(m.who), m.at) * (0.75 + 0.35 * dice(m.seed, 17, m.who))
    return np.asarray(np.clip(calm + gust, 0, None))


def _cable(m: Moments) -> Floats:
    rest = 2600 + 1800 * dice(m.seed, 20, m.who)
    return np.asarray(rest * (1 + 0.012 * m.busy - 0.0011 * (m.warm - _AS_BUILT)) + 6 * m.wander(21, 1200))


def _heaviest(m: Moments) -> Floats:
    """The heaviest vehicle of ten minutes, t; lorries drive at night, convoys whenever they can."""
    hour = life.local_hour(m.at)
    lorries = 14 * ((hour < 6) | (hour > 22)) + 6 * m.busy
    return np.asarray(np.clip(20 + lorries + 7 * np.abs(m.noise(40)) + 1.25 * OVERLOAD.height(m.seed, m.who, m.at), 2, None))


_ITEMS = {
    "结构温度顶板": lambda m: m.warm + _sun(m) + 0.25 * m.noise(41),
    "结构温度腹板": lambda m: m.warm - 0.2 * _sun(m) + 0.25 * m.noise(42),
    "结构温度底板": lambda m: m.warm - 0.9 * _sun(m) + 0.25 * m.noise(43),
    "应变": lambda m: used(m) / 100 * design_strain(m.seed, m.who) + 0.4 * m.noise(44),
    "挠度": _deflection,
    "伸缩缝位移": _joint,
    "支座反力": _reaction,
    "一阶频率": _frequency,
    "裂缝宽度": _crack,
    "风速": _wind,
    "索力": _cable,
    "最大车重": _heaviest,
}
