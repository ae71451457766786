"""What happens in the septic tanks: they fill, gas gathers, and what wakes a tank's controller is known beforehand by seed.

At rest a tank is a pure function of time. What its controller then does is played in tanks_play.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from data_sources.departments import life
from data_sources.departments import tanks_machine as machine
from data_sources.departments.life import Floats
from data_sources.departments.sensors_shapes import DAY, HOUR, Indexes, Surge, between, dice, wander

MINUTE = 60.0
TANK_COUNT = 180
_APART_S = 3.5 * HOUR  # causes closer than this are one handling
_LEAD_S = 3.2 * HOUR  # a full tank rises to its top in this time

METHANE = Surge(1080, timedelta(days=5), timedelta(hours=1.4), 0.8, ((0.84, 7, 18), (0.157, 23, 34), (0.003, 52, 60)))
SULPHIDE = Surge(1090, timedelta(days=20), timedelta(hours=1.2), 0.7, ((0.80, 3.5, 8.5), (0.20, 8.5, 15)))
MONOXIDE = Surge(1100, timedelta(days=60), timedelta(hours=1.2), 0.6, ((0.88, 10, 26), (0.12, 30, 44)))
AMMONIA = Surge(1200, timedelta(days=45), timedelta(hours=1.6), 0.6, ((0.9, 8, 17), (0.1, 20, 34)))
LINE_DOWN = Surge(1210, timedelta(days=24), timedelta(hours=1.2), 0.5, ((1.0, 1, 1),))
LID_UP = Surge(1220, timedelta(days=60), timedelta(hours=1.1), 0.55, ((1.0, 1, 1),))
FULL_SCALE = Surge(1230, timedelta(days=150), timedelta(hours=3), 0.5, ((1.0, 1, 1),))

_FILLED = ((0.945, 66, 78), (0.040, 80.5, 86), (0.015, 90.5, 93))
# What may go wrong when a tank is pumped: (share, code). The rest goes as it should.
NO_FLOW, NO_FLOW_TWICE, SLOW, STIRRED, LID, FLOAT = 1, 2, 3, 4, 5, 6
_FAULTS = ((0.030, NO_FLOW), (0.010, NO_FLOW_TWICE), (0.025, SLOW), (0.030, STIRRED), (0.015, LID), (0.006, FLOAT))
FAST_CLOCK = range(90, 96)  # six terminals of one gateway whose clock is an hour ahead
STUCK = 61  # its methane sensor froze
SILENT = (37, 38)  # behind a gateway that no longer answers


# ---- filling


def _period(seed: int, who: Indexes) -> Floats:
    return (4 + 7 * dice(seed, 60, who)) * DAY


def _phase(seed: int, who: Indexes) -> Floats:
    return dice(seed, 61, who) * 11 * DAY


def cycle_of(seed: int, who: Indexes, at: Floats) -> Indexes:
    """The number of the filling cycle each tank is in; it ends when the tank is to be pumped."""
    return np.floor((at - _phase(seed, who)) / _period(seed, who)).astype(np.int64)


def cycle_end(seed: int, who: Indexes, cycle: Indexes) -> Floats:
    """When a cycle's pumping is due, on a whole minute."""
    return np.floor((_phase(seed, who) + (cycle + 1) * _period(seed, who)) / MINUTE) * MINUTE


def full_level(seed: int, who: Indexes, cycle: Indexes) -> Floats:
    """Level a cycle ends at."""
    return between(dice(seed, 63, who, cycle), _FILLED)


def fault_of(seed: int, who: Indexes, cycle: Indexes) -> Indexes:
    """What goes wrong in the pumping at a cycle's end; 0: nothing."""
    lot, edges = dice(seed, 70, who, cycle), np.cumsum([share for share, _ in _FAULTS])
    codes = np.array([code for _, code in _FAULTS] + [0])
    return np.asarray(codes[np.searchsorted(edges, lot, side="right")])


def pump_rate(seed: int, who: Indexes, cycle: Indexes) -> Floats:
    """Points a minute; a worn pump manages a fifth."""
    worn = fault_of(seed, who, cycle) == SLOW
    return np.where(worn, 0.22 + 0.3 * dice(seed, 71, who, cycle), 1.6 + 1.2 * dice(seed, 71, who, cycle))


def left_level(seed: int, who: Indexes, cycle: Indexes) -> Floats:
    """Level the pumping at a cycle's end leaves behind."""
    fault, high = fault_of(seed, who, cycle), full_level(seed, who, cycle)
    worn = high - machine.RUN_MOST_S / MINUTE * pump_rate(seed, who, cycle)
    return np.select([fault == SLOW, fault == FLOAT, fault == NO_FLOW_TWICE], [worn, 19.5, 34.0], 39.4)


def resting_level(seed: int, who: Indexes, at: Floats) -> Floats:
    """Level of a tank nobody is at, percent: it fills for days, some in the end within hours."""
    cycle = cycle_of(seed, who, at)
    low, high = left_level(seed, who, cycle - 1), full_level(seed, who, cycle)
    ends, usual = cycle_end(seed, who, cycle), np.minimum(high, 78.0)
    passed = np.clip(1 - (ends - at) / _period(seed, who), 0, 1)
    return np.asarray(low + (usual - low) * passed + (high - usual) * np.clip(1 - (ends - at) / (3 * HOUR), 0, 1))


def resting_gas(seed: int, who: Indexes, at: Floats) -> Floats:
    """Methane the liquid gives off at rest, %LEL."""
    rest = 1.2 + 2.6 * dice(seed, 64, who) + 0.5 * wander(seed, 65, who, at, 3 * HOUR) + 0.03 * (life.temperature(at, seed) - 10)
    return np.asarray(np.clip(rest, 0.1, 9))


# ---- what wakes a controller


@dataclass(frozen=True)
class Cause:
    """Something that wakes a tank's controller: gas gathering (`gas`), pumping due (`pump`), a line, a lid or an instrument."""

    who: int
    begin: float
    end: float
    kind: str  # … | provoked | order
    cycle: int = 0


def _stretch(seed: int, surge: Surge, who: Indexes, slot: Indexes) -> tuple[Floats, Floats, Floats]:
    """Begin and end of an incident on whole minutes, and its peak."""
    begin, span, peak = surge.events(seed, who, slot)
    return np.floor(begin / MINUTE) * MINUTE, np.ceil((begin + span) / MINUTE) * MINUTE, peak


def under_way(seed: int, surge: Surge, who: Indexes, at: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Where an incident of this kind is going on."""
    begin, end, peak = _stretch(seed, surge, who, surge.slots(at))
    return np.asarray((peak > 0) & (at > begin) & (at <= end))


def _surges(seed: int, surge: Surge, kind: str, since: float, until: float, least: float) -> list[Cause]:
    slots = np.arange(surge.slots(np.array([since]))[0] - 1, surge.slots(np.array([until]))[0] + 1)
    who, slot = (grid.ravel() for grid in np.meshgrid(np.arange(TANK_COUNT), slots))
    begin, end, peak = _stretch(seed, surge, who, slot)
    wanted = np.flatnonzero((peak >= least) & (end > since) & (begin <= until))
    return [Cause(int(who[i]), float(begin[i]), float(end[i]), kind) for i in wanted]


def _pumpings(seed: int, since: float, until: float) -> list[Cause]:
    everyone = np.arange(TANK_COUNT)
    first = cycle_of(seed, everyone, np.full(TANK_COUNT, since - _LEAD_S)) - 1
    last = cycle_of(seed, everyone, np.full(TANK_COUNT, until + _LEAD_S))
    who = np.repeat(everyone, last - first + 1)
    cycle = np.concatenate([np.arange(a, b + 1) for a, b in zip(first, last, strict=True)])
    ends, high = cycle_end(seed, who, cycle), full_level(seed, who, cycle)
    begins = ends - np.where(high >= machine.LEVEL_HIGH, _LEAD_S // MINUTE * MINUTE, 0)
    wanted = np.flatnonzero((ends + HOUR > since) & (begins <= until))
    return [Cause(int(who[i]), float(begins[i]), float(ends[i] + HOUR), "pump", int(cycle[i])) for i in wanted]


def causes_together(seed: int, since: float, until: float, extra: Sequence[Cause] = ()) -> list[list[Cause]]:
    """Causes that fall together, per tank, of every handling that begins in (since, until]."""
    wide = (since - 2 * DAY, until + DAY)
    causes = [*_surges(seed, METHANE, "gas", *wide, 5.0), *_pumpings(seed, *wide), *extra]
    for surge, kind in ((LINE_DOWN, "line"), (LID_UP, "lid"), (FULL_SCALE, "scale")):
        causes += _surges(seed, surge, kind, *wide, 0.5)
    causes = sorted((c for c in causes if c.who not in SILENT), key=lambda c: (c.who, c.begin, c.kind))
    groups: list[list[Cause]] = []
    ends = -np.inf
    for cause in causes:
        if groups and groups[-1][0].who == cause.who and cause.begin < ends + _APART_S:
            groups[-1].append(cause)
            ends = max(ends, cause.end)
        else:
            groups.append([cause])
            ends = cause.end
    return [group for group in groups if since < group[0].begin <= until]
