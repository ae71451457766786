"""What septic tanks' terminals read: tanks at rest, and over them the handlings they are in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_sources.departments import tanks_life as tanks
from data_sources.departments.life import Floats
from data_sources.departments.sensors_shapes import DAY, HOUR, Indexes
from data_sources.departments.tanks_asked import UNASKED, Asked
from data_sources.departments.tanks_life import MINUTE
from data_sources.departments.tanks_machine import State
from data_sources.departments.tanks_play import Handling, handlings

LOG_S = 40 * DAY  # handlings are played this far back; before that only the filling and the gas are known
_BLEND_S, _STAYS_LOW_S = 2 * HOUR, 8 * HOUR


@dataclass(frozen=True)
class Told:
    """Gas, level and state of (tank, moment) pairs, and whether the terminal's line was up and its instrument at full scale."""

    gas: Floats
    level: Floats
    state: Indexes
    up: np.ndarray[tuple[int], np.dtype[np.bool_]]
    full_scale: np.ndarray[tuple[int], np.dtype[np.bool_]]


def told(seed: int, who: Indexes, at: Floats, asked: Asked = UNASKED) -> Told:
    """Tanks as they are: at rest, or as the handling they are in has made them."""
    gas = tanks.resting_gas(seed, who, at) + tanks.METHANE.height(seed, who, at) + asked.raised(who, at)
    level, state = tanks.resting_level(seed, who, at), np.zeros(len(who), dtype=np.int64)
    state[np.isin(who, tanks.SILENT)] = int(State.COMM_LOST)
    order = np.lexsort((at, who))
    first, last = (float(at.min()), float(at.max())) if len(at) else (0.0, 0.0)
    bounds = np.searchsorted(who[order], np.arange(tanks.TANK_COUNT + 1))
    for h in handlings(seed, max(first, last - LOG_S) - _STAYS_LOW_S, last, asked) if len(at) else []:
        mine = order[bounds[h.who] : bounds[h.who + 1]]
        span = mine[np.searchsorted(at[mine], h.start) : np.searchsorted(at[mine], h.end + _blends(h), side="right")]
        if len(span):
            _lay_over(h, span, at[span], gas, level, state)
    return Told(gas, level, state, ~tanks.under_way(seed, tanks.LINE_DOWN, who, at), tanks.under_way(seed, tanks.FULL_SCALE, who, at))


def _lay_over(h: Handling, span: Indexes, at: Floats, gas: Floats, level: Floats, state: Indexes) -> None:
    """A handling over tanks at rest; what it left differs a little from the plan and blends in over two hours."""
    inside = at <= h.end
    minute = np.clip((at[inside] - h.start) // MINUTE, 0, len(h.gas) - 1).astype(np.int64)
    gas[span[inside]], level[span[inside]], state[span[inside]] = h.gas[minute], h.level[minute], h.state[minute]
    rest = span[~inside]
    if len(rest):
        since = at[~inside] - h.end
        level[rest] = level[rest] + h.level_gap * (1 - since / _blends(h))
        gas[rest] = gas[rest] + h.gas_gap * np.clip(1 - since / _BLEND_S, 0, None)


def _blends(h: Handling) -> float:
    return _STAYS_LOW_S if h.pumped_early else _BLEND_S
