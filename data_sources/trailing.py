"""Means, slopes and stand-stills over the stretch just before each moment of a line, for metrics that are worked out.

Columns are numpy arrays in order of time, `ts` in seconds; NaN is no value. A stretch of `back` seconds ends with its moment.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
_DAY_S = 86_400.0


def _first_of(ts: Floats, back: float) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.searchsorted(ts, ts - back, side="right")


def _sums(values: Floats, first: np.ndarray[Any, np.dtype[np.int64]]) -> Floats:
    """The sum over each stretch."""
    running = np.concatenate(([0.0], np.cumsum(values)))
    return np.asarray(running[np.arange(len(values)) + 1] - running[first])


def mean(ts: Floats, values: Floats, back: float) -> Floats:
    """The mean over each stretch; NaN where it holds no value."""
    first, known = _first_of(ts, back), np.isfinite(values)
    around = float(values[known][0]) if known.any() else 0.0  # sums of small numbers lose nothing
    n = _sums(known.astype(np.float64), first)
    total = _sums(np.where(known, values - around, 0.0), first)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(n > 0, total / n + around, np.nan))


def slope_per_day(ts: Floats, values: Floats, back: float, *, fewest: int) -> Floats:
    """How fast the line moves over each stretch, per day; NaN with fewer values, or where they span less than half of it."""
    first, known = _first_of(ts, back), np.isfinite(values)
    x = (ts - ts[0]) / _DAY_S if len(ts) else ts
    around = float(values[known][0]) if known.any() else 0.0
    y, xk = np.where(known, values - around, 0.0), np.where(known, x, 0.0)
    n, sx, sy = (_sums(column, first) for column in (known.astype(np.float64), xk, y))
    sxy, sxx = _sums(xk * y, first), _sums(xk * xk, first)
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = (n * sxy - sx * sy) / (n * sxx - sx * sx)
    enough = (n >= fewest) & (ts - ts[np.minimum(first, max(len(ts) - 1, 0))] >= back / 2)
    return np.asarray(np.where(enough, slope, np.nan))


def unmoved(ts: Floats, values: Floats, back: float, *, fewest: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Where every value of the stretch is the same, and there are enough of them to tell: the instrument stands still."""
    first, places = _first_of(ts, back), np.arange(len(ts))
    moved = np.append(True, values[1:] != values[:-1]) if len(ts) else np.empty(0, dtype=bool)
    last_move = np.maximum.accumulate(np.where(moved, places, 0)) if len(ts) else places
    return np.asarray((last_move <= first) & (places - first + 1 >= fewest))
