"""What the rivers, low-lying roads and water stations of the demo city would have read: pure functions of time and seed."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from data_sources.departments import life
from data_sources.departments.life import Floats
from data_sources.departments.sensors_shapes import DAY, HOUR, Indexes, Surge, dice, rain_sum, wander
from data_sources.departments.water_places import AUTOMATIC, SECTIONS, SPOTS

# Day of the year → level at 寸滩, m (Wusong): high while the reservoir below is full in winter, drawn down in spring.
_SEASON = np.array(
    [(0, 173.6), (60, 168.5), (120, 163.2), (160, 163.8), (200, 168.6), (245, 169.4), (270, 171.0), (305, 174.4), (366, 173.6)]
)
_FLOODS = np.array([(0, 0.05), (110, 0.1), (150, 0.5), (185, 1.0), (255, 1.0), (285, 0.45), (320, 0.05), (366, 0.05)])
_YANGTZE = Surge(3000, timedelta(days=30), timedelta(days=4), 0.9, ((0.55, 1.5, 5), (0.30, 7.5, 11), (0.15, 11.5, 15.5)))
_JIALING = Surge(3010, timedelta(days=24), timedelta(days=3), 0.8, ((0.80, 0.8, 3), (0.17, 4, 7), (0.03, 8, 10)))
_BURST = Surge(3020, timedelta(days=12), timedelta(hours=1.1), 0.5, ((0.55, 3, 9), (0.27, 10.5, 14.5), (0.16, 15, 24), (0.02, 28, 33)))
_POLLUTED = Surge(3030, timedelta(days=24), timedelta(hours=26), 0.45, ((0.8, 0.15, 0.5), (0.2, 0.6, 1.1)))
WRONG_EVERY, WRONG_FOR = 9 * DAY, HOUR
_CAUGHT_EVERY, _CAUGHT_FOR = 6 * DAY, 5 * HOUR
_RUN_OFF, _RUN_OFF_S = 0.024, 4 * HOUR  # m per mm of rain on the Jialing's lower basin, and how long it takes to come down
YELLOW_SEA_BELOW = 1.49  # metres that a level at 寸滩 reads lower in the Yellow Sea datum

# per gauge: minutes before 寸滩 the water passes, metres above it, share of the Yangtze's and of the Jialing's flood
_AT = np.array([(0, 0.0, 1.0, 0.45), (18, 1.5, 1.0, 0.55), (36, 1.62, 1.04, 0.4), (60, 0.5, 0.72, 1.1)])


def river_levels(seed: int, who: Indexes, at: Floats) -> Floats:
    """Levels of the gauges, each in its own datum, m."""
    early, above, yangtze, jialing = _AT[who].T
    passed = at + early * 60
    day = life.day_of_year(passed)
    season = np.interp(day, _SEASON[:, 0], _SEASON[:, 1])
    one = np.zeros_like(who)
    flood = yangtze * _YANGTZE.height(seed, one, passed) + jialing * _JIALING.height(seed, one + 1, passed)
    swing = 0.22 * np.cos(2 * np.pi * (life.local_hour(passed) - 20) / 24) + 0.16 * wander(seed, 3040, one, passed, 11 * HOUR)
    ran_off = jialing * _RUN_OFF * (rain_sum(seed, passed - _RUN_OFF_S, 12) + rain_sum(seed, passed - _RUN_OFF_S, 24)) / 2
    return np.asarray(season + above + flood * np.interp(day, _FLOODS[:, 0], _FLOODS[:, 1]) + ran_off + swing)


def in_wrong_datum(seed: int, who: Indexes, at: Floats) -> Floats:
    """1 while the first gauge's gateway sends levels in the other datum; 2 where nobody will notice and correct them."""
    slot = np.floor(at / WRONG_EVERY).astype(np.int64)
    begins = slot * WRONG_EVERY + dice(seed, 3050, who, slot) * 0.8 * WRONG_EVERY
    wrong = (who == 0) & (at >= begins) & (at < begins + WRONG_FOR)
    return np.where(wrong, np.where(dice(seed, 3051, who, slot) < 0.5, 1.0, 2.0), 0.0)


def last_moved(seed: int, who: Indexes, at: Floats) -> Floats:
    """The moment each gauge's word is of: its own, or that at which the float of 菜园坝's gauge caught some hours ago."""
    slot = np.floor(at / _CAUGHT_EVERY).astype(np.int64)
    begins = slot * _CAUGHT_EVERY + np.floor(dice(seed, 3053, who, slot) * 0.9 * _CAUGHT_EVERY / 300) * 300
    caught = (who == 2) & (at >= begins) & (at < begins + _CAUGHT_FOR)
    return np.where(caught, begins, at)


def telemetry_failed(seed: int, who: Indexes, at: Floats) -> Floats:
    """1 for the odd reading that arrives as 999.99."""
    return (dice(seed, 3052, who, (at // 300).astype(np.int64)) < 0.0006).astype(np.float64)


def rainfall(seed: int, who: Indexes, at: Floats, hours: int) -> Floats:
    """Rain of the last hours at a gauge: the same rain, each gauge a little differently, mm."""
    return np.asarray((0.88 + 0.24 * dice(seed, 3060, who)) * rain_sum(seed, at, hours))


def spot_depths(seed: int, at: Floats) -> Indexes:
    """Water on the road, mm: a row per ponding spot, a column per moment. Rain beyond what drains, and pipes that burst."""
    fallen = rain_sum(seed, at, 1)
    swallows, rises = (np.array([getattr(s, name) for s in SPOTS])[:, None] for name in ("swallows_mm", "cm_per_mm"))
    slots, back = np.unique(_BURST.slots(at), return_inverse=True)
    who, slot = np.repeat(np.arange(len(SPOTS)), len(slots)), np.tile(slots, len(SPOTS))
    begin, span, peak = (part.reshape(len(SPOTS), -1)[:, back] for part in _BURST.events(seed, who, slot))
    x = np.clip((at - begin) / span, 0, 1)
    burst = peak * np.sin(np.pi * x**0.8) ** 2
    return np.asarray(np.rint(10 * np.minimum(np.clip((fallen - swallows) * rises, 0, None) + burst, 90)).astype(np.int64))


def water_values(seed: int, who: Indexes, at: Floats) -> dict[str, Floats]:
    """Everything a laboratory or a station would find at the sections, mg/L unless named otherwise. `who` counts all sections."""
    load = np.array([s.load for s in SECTIONS])[who]
    still = np.array([s.body == "湖库" for s in SECTIONS])[who].astype(np.float64)
    washed = np.minimum(rain_sum(seed, at, 24) / 40, 1.6)
    foul = _POLLUTED.height(seed, who, at)
    warm = 17.5 + 0.62 * (life.temperature(at - 2 * DAY, seed) - 18.5) + 0.4 * wander(seed, 3070, who, at, 2 * DAY)
    full = 14.6 - 0.39 * warm + 0.0069 * warm**2  # dissolved oxygen at saturation, near enough for fresh water
    algae = still * 0.9 * np.cos(2 * np.pi * (life.local_hour(at) - 16) / 24)
    return {
        "水温": warm,
        "酸碱度": 7.9 + 0.12 * wander(seed, 3071, who, at, DAY) - 0.1 * foul + 0.3 * algae,
        "溶解氧": np.clip(full * (0.93 - 0.05 * load) - 1.9 * foul + algae + 0.25 * wander(seed, 3072, who, at, DAY), 0.4, None),
        "高锰酸盐指数": 1.8 + 1.1 * load + 1.3 * washed + 2.4 * foul + 0.2 * wander(seed, 3073, who, at, DAY),
        "化学需氧量": 8.5 + 5 * load + 4 * washed + 7 * foul + 0.8 * wander(seed, 3074, who, at, DAY),
        "五日生化需氧量": 1.1 + 0.9 * load + 0.6 * washed + 1.4 * foul + 0.1 * wander(seed, 3075, who, at, DAY),
        "氨氮": np.clip(0.09 + 0.16 * load + 0.16 * washed + 0.95 * foul + 0.025 * wander(seed, 3076, who, at, DAY), 0.02, None),
        "总磷": np.clip(0.052 + 0.012 * load + 0.036 * washed + 0.11 * foul + 0.006 * wander(seed, 3077, who, at, DAY), 0.005, None),
        "总氮": 1.55 + 0.5 * load + 0.5 * washed + 0.8 * foul + 0.15 * wander(seed, 3078, who, at, DAY),
        "浊度": 12 + 90 * washed + 6 * np.abs(wander(seed, 3079, who, at, DAY)),
        "石油类": np.clip(0.008 + 0.012 * load + 0.05 * foul + 0.004 * wander(seed, 3080, who, at, DAY), 0.002, None),
        "氟化物": 0.24 + 0.08 * load + 0.02 * wander(seed, 3081, who, at, DAY),
    }


def section_number(automatic: Indexes) -> Indexes:
    """Automatic stations counted among all sections."""
    return np.array([SECTIONS.index(section) for section in AUTOMATIC])[automatic]
