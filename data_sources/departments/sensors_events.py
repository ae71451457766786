"""What happened around the instruments: cameras that failed, warning levels set, patrols walked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_sources.departments import sensors_shapes as shapes
from data_sources.departments.life import Floats
from data_sources.departments.sensors_shapes import DAY, Indexes

_PATROL_S = 3.2 * DAY


@dataclass(frozen=True)
class Change:
    """The newest change of something's state in a stretch of time."""

    who: int
    at: float
    state: int


def last_changes(who: Indexes, at: Floats, state: Indexes) -> list[Change]:
    """Per asset the newest moment its state differed from the moment before; moments must rise within each asset."""
    order = np.lexsort((at, who))
    who, at, state = who[order], at[order], state[order]
    moved = np.flatnonzero((who[1:] == who[:-1]) & (state[1:] != state[:-1])) + 1
    newest = {int(who[i]): Change(int(who[i]), float(at[i]), int(state[i])) for i in moved}
    return list(newest.values())


def camera_states(seed: int, who: Indexes, at: Floats) -> Indexes:
    """1 while a structure's video is online."""
    return (shapes.CAMERA_DOWN.height(seed, who, at) < 0.4).astype(np.int64)


def hazard_levels(seed: int, who: Indexes, at: Floats) -> Indexes:
    """The warning level the bureau sets, in its numbering: 0 none, 4 blue … 1 red."""
    rate = shapes.slope_values(seed, who, at)["位移速率"]
    return np.select([rate >= 30, rate >= 10, rate >= 3, rate >= 1.05], [1, 2, 3, 4], 0).astype(np.int64)


def patrols(seed: int, who: Indexes, at: Floats) -> Floats:
    """When each hazard point was last walked: about twice a week, now and then a little late."""
    phase = shapes.dice(seed, 80, who) * _PATROL_S
    turn = np.floor((at - phase) / _PATROL_S).astype(np.int64)
    walked = [phase + (k + 0.1 * shapes.dice(seed, 81, who, k)) * _PATROL_S for k in (turn, turn - 1)]
    return np.where(walked[0] <= at, walked[0], walked[1])
