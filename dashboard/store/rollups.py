"""Hourly rollups of readings, per channel and per scope: what long lines, expected ranges and city-wide means are read from.

Hours are put together from blocks of readings in any order; a block is counted once. Where a reading in a cold hour
was corrected, that hour is taken again from its readings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa

from dashboard.core.scope import DISTRICT
from dashboard.store import bulk
from dashboard.store.schema import channel, reading_cold, reading_h1, reading_scope_h1

Reading = tuple[int, int, float, int]  # channel, microseconds, value, quality
Hour = tuple[int, int, int, float, float, float, float, int]  # channel, hour, n, total, low, high, last, last_ts

HOUR = 3_600_000_000
USABLE = 2  # readings of this quality and worse are kept, and count nowhere

_H1 = ("channel_id", "hour", "n", "total", "low", "high", "last", "last_ts")
_SCOPE = ("domain", "metric", "scope", "hour", "n", "total", "low", "high")


def _merged(table: str) -> dict[str, str]:
    return {
        "n": f"{table}.n + excluded.n",
        "total": f"{table}.total + excluded.total",
        "low": f"CASE WHEN excluded.low < {table}.low THEN excluded.low ELSE {table}.low END",
        "high": f"CASE WHEN excluded.high > {table}.high THEN excluded.high ELSE {table}.high END",
    }


_MERGE_SCOPE = _merged("reading_scope_h1")
_MERGE_H1 = _merged("reading_h1") | {
    "last": "CASE WHEN excluded.last_ts >= reading_h1.last_ts THEN excluded.last ELSE reading_h1.last END",
    "last_ts": "CASE WHEN excluded.last_ts > reading_h1.last_ts THEN excluded.last_ts ELSE reading_h1.last_ts END",
}


def by_hour(readings: Sequence[Reading]) -> list[Hour]:
    """Readings sorted by channel and time, one row an hour."""
    usable = [r for r in readings if r[3] < USABLE]
    if not usable:
        return []
    channels = np.fromiter((r[0] for r in usable), np.int64, len(usable))
    times = np.fromiter((r[1] for r in usable), np.int64, len(usable))
    values = np.fromiter((r[2] for r in usable), np.float64, len(usable))
    hours = times // HOUR
    starts = np.flatnonzero(np.r_[True, (np.diff(channels) != 0) | (np.diff(hours) != 0)])
    ends = np.r_[starts[1:], len(usable)] - 1
    columns = (
        channels[starts],
        hours[starts],
        ends - starts + 1,
        np.add.reduceat(values, starts),
        np.minimum.reduceat(values, starts),
        np.maximum.reduceat(values, starts),
        values[ends],
        times[ends],
    )
    return list(zip(*(column.tolist() for column in columns), strict=True))


def add(conn: sa.Connection, readings: Sequence[Reading]) -> None:
    """Count readings that were never counted before, sorted by channel and time."""
    hours = by_hour(readings)
    bulk.insert(conn, reading_h1, _H1, hours, update=_MERGE_H1)
    bulk.insert(conn, reading_scope_h1, _SCOPE, _by_scope(conn, hours), update=_MERGE_SCOPE)


def _by_scope(conn: sa.Connection, hours: Iterable[Hour]) -> list[tuple[Any, ...]]:
    """Channels' hours summed per street and for the district."""
    hours = list(hours)
    places = _places(conn, {hour[0] for hour in hours})
    sums: dict[tuple[str, str, str, int], list[Any]] = {}
    for channel_id, hour, n, total, low, high, _, _ in hours:
        domain, metric, street = places[channel_id]
        for scope in (DISTRICT, street) if street else (DISTRICT,):
            at = sums.get((domain, metric, scope, hour))
            if at is None:
                sums[domain, metric, scope, hour] = [n, total, low, high]
            else:
                at[:] = at[0] + n, at[1] + total, min(at[2], low), max(at[3], high)
    return [(*key, *values) for key, values in sums.items()]


def _places(conn: sa.Connection, channels: Iterable[int]) -> dict[int, tuple[str, str, str | None]]:
    rows = bulk.matching(conn, channel, ["channel_id"], [(c,) for c in channels], ["channel_id", "domain", "metric", "street"])
    return {channel_id: (domain, metric, street) for channel_id, domain, metric, street in rows}


def retake(conn: sa.Connection, touched: Iterable[tuple[int, int]]) -> None:
    """Take these (channel, hour)s again from their cold readings, and the scopes they are part of from their channels."""
    pairs = sorted(set(touched))
    ranges = [(channel_id, hour * HOUR, (hour + 1) * HOUR) for channel_id, hour in pairs]
    readings = sorted(bulk.spans(conn, reading_cold, ranges, ("channel_id", "ts", "value", "quality")))
    hours = by_hour(readings)
    emptied = set(pairs) - {(hour[0], hour[1]) for hour in hours}
    for channel_id, hour in emptied:
        conn.execute(sa.delete(reading_h1).where(reading_h1.c.channel_id == channel_id, reading_h1.c.hour == hour))
    bulk.insert(conn, reading_h1, _H1, hours, update=_H1[2:])
    _retake_scopes(conn, pairs)


def _retake_scopes(conn: sa.Connection, pairs: Sequence[tuple[int, int]]) -> None:
    places = _places(conn, {channel_id for channel_id, _ in pairs})
    for domain, metric in sorted({places[c][:2] for c, _ in pairs}):
        hours = sorted({hour for c, hour in pairs if places[c][:2] == (domain, metric)})
        of_it = sa.select(channel.c.channel_id).where(channel.c.domain == domain, channel.c.metric == metric)
        wanted = [(channel_id, hour) for channel_id in conn.scalars(of_it) for hour in hours]
        found = bulk.matching(conn, reading_h1, ["channel_id", "hour"], wanted, _H1)
        of_hours = (reading_scope_h1.c.domain == domain, reading_scope_h1.c.metric == metric, reading_scope_h1.c.hour.in_(hours))
        conn.execute(sa.delete(reading_scope_h1).where(*of_hours))
        bulk.insert(conn, reading_scope_h1, _SCOPE, _by_scope(conn, found))
