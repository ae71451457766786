"""Readings of one asset put in step: a column per input, each moment with the newest value that is not older than its cadence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import sqlalchemy as sa

from dashboard.store import bulk
from dashboard.store.block import Block, starts_of
from dashboard.store.rollups import HOUR, USABLE
from dashboard.store.schema import reading_boundary, reading_cold, reading_h1, reading_hot

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Integers: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
Span = tuple[int, int]  # microseconds, from and up to, both included

_SECOND = 1e6
_READING = ("channel_id", "ts", "value", "quality")


class Line(NamedTuple):
    """One channel's usable readings in order of time."""

    times: Integers
    values: Floats
    quality: Integers


NOTHING = Line(np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64))


def lines(conn: sa.Connection, wanted: Mapping[int, Span]) -> dict[int, Line]:
    """The readings of each channel in its span: one index range each in the cold table, one run over the newest minutes."""
    if not wanted:
        return {}
    boundary = int(conn.scalar(sa.select(reading_boundary.c.ts)) or 0)
    cold = [(number, start, min(end + 1, boundary)) for number, (start, end) in wanted.items() if start < boundary]
    found = bulk.spans(conn, reading_cold, cold, _READING)
    if max(end for _, end in wanted.values()) >= boundary:
        since = max(boundary, min(start for start, _ in wanted.values()))
        hot = sa.select(*(reading_hot.c[name] for name in _READING)).where(
            reading_hot.c.ts >= since, reading_hot.c.channel_id.in_(list(wanted))
        )
        found += [tuple(row) for row in conn.execute(hot)]
    return _by_channel(Block.of(found).settled(), wanted)


def _by_channel(block: Block, wanted: Mapping[int, Span]) -> dict[int, Line]:
    usable = block[block.quality < USABLE]
    starts = starts_of(usable.channels)
    ends = np.append(starts[1:], len(usable))
    made = {}
    for start, end in zip(starts.tolist(), ends.tolist(), strict=False):
        number = int(usable.channels[start])
        first, last = np.searchsorted(usable.times[start:end], (wanted[number][0], wanted[number][1] + 1)) + start
        made[number] = Line(usable.times[first:last], usable.values[first:last], usable.quality[first:last])
    return made


def in_step(inputs: Sequence[str], found: Mapping[str, Line], cadences: Mapping[str, float]) -> dict[str, Floats]:
    """Columns by input, and `ts` in seconds, at the moments of the first input."""
    moments = found[inputs[0]].times
    columns: dict[str, Floats] = {"ts": moments / _SECOND}
    for name in inputs:
        columns[name] = found[name].values if name == inputs[0] else _as_of(found[name], moments, cadences[name])
    return columns


def _as_of(line: Line, moments: Integers, cadence_s: float) -> Floats:
    if not len(line.times):
        return np.full(len(moments), np.nan)
    at = np.searchsorted(line.times, moments, side="right") - 1
    fresh = (at >= 0) & (moments - line.times[at] <= cadence_s * _SECOND)
    return np.where(fresh, line.values[at], np.nan)


def hourly(conn: sa.Connection, channels: Mapping[str, int], inputs: Sequence[str], first: int, end: int) -> dict[str, Floats]:
    """The same columns from hourly means, for whole hours from `first` up to `end`."""
    names = {number: name for name, number in channels.items()}
    h1 = reading_h1.c
    rows = conn.execute(
        sa.select(h1.channel_id, h1.hour, h1.total / h1.n).where(h1.channel_id.in_(list(names)), h1.hour >= first, h1.hour < end)
    ).all()
    means: dict[str, dict[int, float]] = {name: {} for name in inputs}
    for number, hour, mean in rows:
        means[names[number]][hour] = mean
    hours = sorted(means[inputs[0]])
    columns: dict[str, Floats] = {"ts": np.array(hours, dtype=np.float64) * (HOUR / _SECOND)}
    for name in inputs:
        columns[name] = np.array([means[name].get(hour, np.nan) for hour in hours], dtype=np.float64)
    return columns
