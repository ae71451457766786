"""What the instruments in a tunnel would have read: traffic fouls the air, fans clear it unless they fail, water stands on the road."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from data_sources.departments import life
from data_sources.departments.life import Floats
from data_sources.departments.sensors_shapes import DAY, Indexes, Surge, dice, wander

# As this bureau has set its ventilation control: the first fans at the warning, all of them at the alarm.
_START, _ALL = (70.0, 0.0065), (100.0, 0.0075)  # CO in ppm, smoke in 1/m
_FAILED = 0.3  # of the fouled hours the fans did not answer

JAM = Surge(1040, timedelta(days=1), timedelta(hours=1.1), 0.8, ((0.75, 10, 20), (0.25, 20, 31)))  # km/h lost
FOUL = Surge(1050, timedelta(days=3), timedelta(hours=1.3), 0.7, ((0.70, 25, 48), (0.285, 52, 78), (0.015, 120, 140)))  # ppm
SEEPAGE = Surge(1060, timedelta(days=9), timedelta(hours=1.5), 0.7, ((0.78, 4, 11.5), (0.20, 12, 18), (0.02, 20, 28)))  # cm


def fans_of(seed: int, who: Indexes) -> Indexes:
    """How many jet fans each tunnel has."""
    return 4 + 2 * (dice(seed, 39, who) * 5).astype(np.int64)


def tunnel_values(seed: int, who: Indexes, at: Floats) -> dict[str, Floats]:
    """Air, sight, water, flow, fans and lining of a tunnel."""
    busy, share = life.rush(at), 0.6 + 0.5 * dice(seed, 30, who)
    jam = JAM.height(seed, who, at) * (0.35 + 0.65 * busy)
    co, smoke = _air(seed, who, at)
    return {
        "一氧化碳": co,
        "烟尘系数": smoke,
        "二氧化氮": np.clip(0.04 + 0.0052 * co + 0.02 * wander(seed, 33, who, at, 1500), 0, None),
        "积水深度": np.clip(0.35 * life.rain(at - 900, seed) * dice(seed, 34, who) + SEEPAGE.height(seed, who, at), 0, None),
        "平均车速": np.clip(50 - 15 * busy * share - jam + 2 * wander(seed, 35, who, at, 500), 3, None),
        "风机运行": _fans(seed, who, at, busy),
        "衬砌收敛": 1.5 * dice(seed, 36, who) + 0.02 * life.temperature(at, seed) + 0.1 * wander(seed, 37, who, at, 5 * DAY),
    }


def _air(seed: int, who: Indexes, at: Floats) -> tuple[Floats, Floats]:
    """CO and smoke: the hour's traffic, what a jam adds, and fouled hours."""
    busy, share = life.rush(at), 0.6 + 0.5 * dice(seed, 30, who)
    jam = JAM.height(seed, who, at) * (0.35 + 0.65 * busy)
    co = 7 + 32 * busy * share + 1.1 * jam + FOUL.height(seed, who, at) + 1.6 * wander(seed, 31, who, at, 700)
    smoke = 0.0011 + 0.000043 * co + 0.0002 * wander(seed, 32, who, at, 1500)
    return np.clip(co, 0, None), np.clip(smoke, 0.0002, None)


def _fans(seed: int, who: Indexes, at: Floats, busy: Floats) -> Floats:
    """Fans running: a pair in the rush, half from the warning on, all from the alarm on; none where the control failed."""
    co, smoke = _air(seed, who, at - 60)
    fans = fans_of(seed, who).astype(np.float64)
    running = np.where((co >= _ALL[0]) | (smoke >= _ALL[1]), fans, np.where((co >= _START[0]) | (smoke >= _START[1]), fans / 2, 0.0))
    running = np.maximum(running, np.where(busy > 0.75, 2.0, 0.0))
    failed = (FOUL.height(seed, who, at) > 1) & (dice(seed, 45, who, FOUL.slots(at)) < _FAILED)
    return np.asarray(np.where(failed, 0.0, running))
