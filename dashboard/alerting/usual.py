"""How far readings are from what is usual at their hour, in widths of the usual range; each channel's range is read once an hour."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa

from dashboard.store.block import Reading
from dashboard.store.rollups import HOUR
from dashboard.store.series import Band, Columns, usual_ranges, usual_ranges_of

ChannelHour = tuple[int, int]
_KEPT_HOURS = 2  # the running hour's ranges, and the last one's for readings that come a little late
_ranges: weakref.WeakKeyDictionary[sa.Engine, dict[ChannelHour, Band | None]] = weakref.WeakKeyDictionary()


def departures(conn: sa.Connection, rows: Sequence[Reading], decimals: int) -> list[float | None]:
    """Each reading's distance beyond P10 or P90 of its hour over the past weeks, in widths of that range; None where it is not known.

    A range narrower than the last digit shown counts as that wide: what hardly ever moves must not ring for a rounding.
    """
    bands = _bands(conn, {(channel_id, ts // HOUR) for channel_id, ts, _, _ in rows})
    least = 10.0**-decimals
    return [_departure(value, bands[channel_id, ts // HOUR], least) for channel_id, ts, value, _ in rows]


def past_departures(conn: sa.Connection, channel_id: int, readings: Columns, decimals: int) -> Any:
    """`departures` of months of one channel's readings; NaN where it is not known."""
    hours = readings.at // HOUR
    distinct, of_hour = np.unique(hours, return_inverse=True)
    low, high = (band[of_hour] for band in usual_ranges_of(conn, channel_id, distinct))
    away = np.maximum(np.maximum(low - readings.value, readings.value - high), 0.0)
    return away / np.maximum(high - low, 10.0**-decimals)


def _departure(value: float, band: Band | None, least: float) -> float | None:
    if band is None:
        return None
    low, high = band
    return max(low - value, value - high, 0.0) / max(high - low, least)


def _bands(conn: sa.Connection, wanted: Iterable[ChannelHour]) -> Mapping[ChannelHour, Band | None]:
    """Ranges out of the last weeks' hours. They do not change within an hour by anything that matters, so they are kept for it."""
    known = _ranges.setdefault(conn.engine, {})
    missing = [key for key in wanted if key not in known]
    if missing:
        newest = max(hour for _, hour in missing)
        for old in [key for key in known if key[1] <= newest - _KEPT_HOURS]:
            del known[old]
        known |= usual_ranges(conn, missing)
    return known
