"""How fast readings change: the slope of the line through the window before each of them; nothing where the window has holes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa

from dashboard.alerting.looking import UNUSABLE
from dashboard.core.declare import RateOfChange
from dashboard.core.times import from_micros
from dashboard.store.block import Reading
from dashboard.store.series import Columns, columns_between, spans_of

_HOUR = 3_600_000_000
_AT_ONCE = 1_000_000  # numbers worked on together


def rates(conn: sa.Connection, rows: Sequence[Reading], watched: RateOfChange, cadences: Mapping[int, int]) -> list[float | None]:
    """The change per hour at each reading, in order of time; what came before the first of each channel is read besides."""
    over, first = _micros(watched), {channel: ts for channel, ts, _, _ in reversed(rows)}
    before = spans_of(conn, [(channel, ts - over + 1, ts) for channel, ts in first.items()])
    known = {channel: [row for row in before if row[0] == channel] for channel in first}
    for row in rows:
        known[row[0]].append(row)
    found = {(row[0], row[1]): rate for channel, mine in known.items() for row, rate in _of_channel(mine, watched, cadences[channel])}
    return [found.get((row[0], row[1])) for row in rows]


def past_rates(conn: sa.Connection, channel_id: int, readings: Columns, watched: RateOfChange, cadence_s: int) -> Any:
    """`rates` of months of one channel's readings; NaN where the window says too little."""
    start = from_micros(int(readings.at[0]))
    before = columns_between(conn, channel_id, start - watched.over, start)
    at, value, quality = (np.concatenate(pair) for pair in zip(before, readings, strict=True))
    usable, found = quality < UNUSABLE, np.full(len(at), np.nan)
    found[usable] = slope_per_hour(at[usable], value[usable], watched, cadence_s)
    return found[len(before.at) :]


def _of_channel(rows: Sequence[Reading], watched: RateOfChange, cadence_s: int) -> list[tuple[Reading, float]]:
    usable = [row for row in rows if row[3] < UNUSABLE]
    if not usable:
        return []
    at, value = np.array([row[1] for row in usable]), np.array([row[2] for row in usable])
    slopes = slope_per_hour(at, value, watched, cadence_s)
    return [(row, rate) for row, rate in zip(usable, slopes.tolist(), strict=True) if rate == rate]


def _micros(watched: RateOfChange) -> int:
    return int(watched.over.total_seconds() * 1_000_000)


def slope_per_hour(at: Any, value: Any, watched: RateOfChange, cadence_s: int) -> Any:
    """At each moment (microseconds, in order) the slope over the window that ends there; NaN where the window says too little."""
    widest = watched.gap * cadence_s * 1_000_000
    start = np.searchsorted(at, at - _micros(watched), side="right")
    count = np.arange(len(at)) - start + 1
    holes = np.concatenate(([0], np.cumsum(np.diff(at) > widest)))
    told = (count >= watched.fewest) & (holes == holes[start]) & (at[start] - (at - _micros(watched)) <= widest)
    found = np.full(len(at), np.nan)
    for n in np.unique(count[told]).tolist():
        mine = np.flatnonzero(told & (count == n))
        for some in np.array_split(mine, max(1, len(mine) * n // _AT_ONCE)):
            found[some] = _slopes(at, value, some, n)
    return found


def _slopes(at: Any, value: Any, ends: Any, n: int) -> Any:
    """Least squares through `n` readings up to each end."""
    window = ends[:, None] + np.arange(1 - n, 1)
    hours = (at[window] - at[ends][:, None]) / _HOUR
    hours = hours - hours.mean(axis=1, keepdims=True)
    return (hours * value[window]).sum(axis=1) / (hours * hours).sum(axis=1)
