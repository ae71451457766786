"""What happened around the instruments: cameras that failed and came back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_sources.departments import sensors_shapes as shapes
from data_sources.departments.life import Floats
from data_sources.departments.sensors_shapes import Indexes


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
