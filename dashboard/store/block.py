"""A block of readings as arrays, sorted by channel and time: what is stored, counted into hours and compared in bulk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import repeat
from typing import Any, TypeAlias

import numpy as np

Reading: TypeAlias = tuple[int, int, float, int]  # channel, microseconds, value, quality
Integers: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Latest: TypeAlias = tuple[int, int, float, int, int, bool]  # channel, time, value, quality, same since, so in the whole block


@dataclass(frozen=True)
class Block:
    """Readings in step; `settled` ones are sorted and have one reading a channel and moment."""

    channels: Integers
    times: Integers
    values: Floats
    quality: Integers

    def __len__(self) -> int:
        return len(self.times)

    def __getitem__(self, which: Any) -> Block:
        """Some of the readings, by mask or by position."""
        return Block(self.channels[which], self.times[which], self.values[which], self.quality[which])

    @staticmethod
    def of(rows: Iterable[Reading]) -> Block:
        """The block of readings given one by one."""
        columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
        whole = [np.array(columns[i], dtype=np.int64) for i in (0, 1, 3)]
        return Block(whole[0], whole[1], np.array(columns[2], dtype=np.float64), whole[2])

    def order(self) -> Integers:
        """Positions by channel and time; readings of one channel and moment stay as they came."""
        return np.lexsort((self.times, self.channels))

    def repeats(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Of a sorted block: readings followed by another of the same channel and moment."""
        again = np.zeros(len(self), dtype=bool)
        again[:-1] = (self.times[1:] == self.times[:-1]) & (self.channels[1:] == self.channels[:-1])
        return again

    def settled(self) -> Block:
        """Sorted, and of several readings for one moment the one that came last."""
        ordered = self[self.order()]
        again = ordered.repeats()
        return ordered[~again] if again.any() else ordered

    def by_time(self) -> Block:
        """In the order of the hot table: by time, then channel."""
        return self[np.lexsort((self.channels, self.times))]

    def rows(self) -> list[Reading]:
        """One tuple each."""
        return list(zip(self.channels.tolist(), self.times.tolist(), self.values.tolist(), self.quality.tolist(), strict=True))

    def stored(self, run_id: int) -> list[tuple[Any, ...]]:
        """One tuple each, as the tables of readings hold them."""
        columns = (self.channels.tolist(), self.times.tolist(), self.values.tolist(), self.quality.tolist())
        return list(zip(*columns, repeat(run_id, len(self)), strict=True))

    def newest(self) -> list[Latest]:
        """Of a settled block: each channel's newest reading, since when it has had this value, and whether all along."""
        starts = starts_of(self.channels)
        ends = np.append(starts[1:], len(self)) - 1
        changed = np.append(True, self.values[1:] != self.values[:-1])
        changed[starts] = True
        runs = np.maximum.accumulate(np.where(changed, np.arange(len(self)), 0))[ends]
        columns = (self.channels[ends], self.times[ends], self.values[ends], self.quality[ends], self.times[runs], runs == starts)
        return list(zip(*(column.tolist() for column in columns), strict=True))


def starts_of(*sorted_by: Integers) -> Integers:
    """Where each group begins among rows sorted by these columns."""
    moved = np.zeros(len(sorted_by[0]), dtype=bool)
    moved[:1] = True
    for column in sorted_by:
        moved[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(moved)
