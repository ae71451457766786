"""Hourly rollups of readings, per channel and per scope: what long lines, expected ranges and city-wide means are read from.

Hours are put together from blocks of readings in any order; a block is counted once. Where a reading in a cold hour
was corrected, that hour is taken again from its readings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from dashboard.core.scope import DISTRICT
from dashboard.store import bulk
from dashboard.store.block import Block, Floats, Integers, starts_of
from dashboard.store.bulk import Values
from dashboard.store.schema import channel, reading_cold, reading_h1, reading_scope_h1

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


@dataclass(frozen=True)
class Hours:
    """Hours of channels, in step."""

    channels: Integers
    hours: Integers
    n: Integers
    totals: Floats
    lows: Floats
    highs: Floats
    lasts: Floats
    last_times: Integers

    @staticmethod
    def of(rows: Sequence[Values]) -> Hours:
        """Hours as the hourly table holds them."""
        columns = [np.array(column) for column in zip(*rows, strict=True)] or [np.empty(0, np.int64)] * len(_H1)
        return Hours(*columns)

    def rows(self) -> list[Values]:
        """One tuple each, as the hourly table holds them."""
        return list(zip(*(column.tolist() for column in vars(self).values()), strict=True))


def by_hour(readings: Block) -> Hours:
    """The hours of settled readings; those that count nowhere are left out."""
    usable = readings[readings.quality < USABLE] if len(readings) and int(readings.quality.max()) >= USABLE else readings
    hours = usable.times // HOUR
    starts = starts_of(usable.channels, hours)
    ends = np.append(starts[1:], len(usable)) - 1 if len(usable) else starts
    values = usable.values
    total, low, high = (ufunc.reduceat(values, starts) if len(usable) else values for ufunc in (np.add, np.minimum, np.maximum))
    return Hours(usable.channels[starts], hours[starts], ends - starts + 1, total, low, high, values[ends], usable.times[ends])


def add(conn: sa.Connection, readings: Block) -> None:
    """Count settled readings that were never counted before."""
    hours = by_hour(readings)
    bulk.insert(conn, reading_h1, _H1, hours.rows(), update=_MERGE_H1)
    bulk.insert(conn, reading_scope_h1, _SCOPE, _by_scope(conn, hours), update=_MERGE_SCOPE)


def _by_scope(conn: sa.Connection, hours: Hours) -> list[Values]:
    """Channels' hours summed per street and for the district."""
    if not len(hours.hours):
        return []
    known, index = np.unique(hours.channels, return_inverse=True)
    places = _places(conn, known.tolist())
    groups: dict[tuple[str, str, str], int] = {}
    scopes = np.array([_groups_of(places[channel_id], groups) for channel_id in known.tolist()], dtype=np.int64)[index]
    placed = scopes[:, 1] >= 0
    group = np.concatenate((scopes[:, 0], scopes[placed, 1]))
    hour = np.concatenate((hours.hours, hours.hours[placed]))
    order = np.lexsort((hour, group))
    group, hour = group[order], hour[order]
    starts = starts_of(group, hour)
    summed = ((np.add, hours.n), (np.add, hours.totals), (np.minimum, hours.lows), (np.maximum, hours.highs))
    sums = [ufunc.reduceat(np.concatenate((c, c[placed]))[order], starts).tolist() for ufunc, c in summed]
    names = list(groups)
    return [(*names[g], *rest) for g, *rest in zip(group[starts].tolist(), hour[starts].tolist(), *sums, strict=True)]


def _groups_of(place: tuple[str, str, str | None], groups: dict[tuple[str, str, str], int]) -> tuple[int, int]:
    """Numbers of the district's and the street's group a channel counts in; -1: its street is not known."""
    domain, metric, street = place
    whole = groups.setdefault((domain, metric, DISTRICT), len(groups))
    return whole, groups.setdefault((domain, metric, street), len(groups)) if street else -1


def _places(conn: sa.Connection, channels: Iterable[int]) -> dict[int, tuple[str, str, str | None]]:
    rows = bulk.matching(conn, channel, ["channel_id"], [(c,) for c in channels], ["channel_id", "domain", "metric", "street"])
    return {channel_id: (domain, metric, street) for channel_id, domain, metric, street in rows}


def retake(conn: sa.Connection, touched: Iterable[tuple[int, int]]) -> None:
    """Take these (channel, hour)s again from their cold readings, and the scopes they are part of from their channels."""
    pairs = sorted(set(touched))
    ranges = [(channel_id, hour * HOUR, (hour + 1) * HOUR) for channel_id, hour in pairs]
    readings = Block.of(bulk.spans(conn, reading_cold, ranges, ("channel_id", "ts", "value", "quality"))).settled()
    hours = by_hour(readings).rows()
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
        bulk.insert(conn, reading_scope_h1, _SCOPE, _by_scope(conn, Hours.of(found)))
