"""Reading readings: lines, newest values, what is usual at this hour. Every read is a few index ranges, whatever the history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import orjson
import sqlalchemy as sa

from dashboard.core.readings import latest
from dashboard.core.scope import DISTRICT
from dashboard.core.times import from_micros, to_micros
from dashboard.store import bulk
from dashboard.store.block import Reading
from dashboard.store.narrow import is_open
from dashboard.store.rollups import HOUR, USABLE
from dashboard.store.schema import channel, reading_boundary, reading_cold, reading_h1, reading_hot, reading_scope_h1

_RAW_SPAN = timedelta(days=3)  # beyond this a line is drawn from hours
_FEWEST = 5  # fewer past hours than this say nothing about what is usual
_NAMED = 500  # channels named in one statement; more are sifted here


class Point(NamedTuple):
    """A stretch of a line, dated at its start."""

    ts: datetime
    mean: float
    low: float
    high: float


class ScopeHour(NamedTuple):
    """An hour of all channels of a metric in a scope."""

    hour: datetime
    n: int
    mean: float
    low: float
    high: float


Band = tuple[float, float]  # P10 and P90
Channel = int
ScopeMetric = tuple[str, str, str]  # domain, metric, scope


def readings_between(conn: sa.Connection, channel_id: Channel, t0: datetime, t1: datetime) -> list[tuple[int, float, int]]:
    """Raw readings (microseconds, value, quality) of a channel from t0 up to t1, oldest first."""
    found: list[tuple[int, float, int]] = []
    for table in (reading_cold, reading_hot):
        wanted = sa.select(table.c.ts, table.c.value, table.c.quality).where(table.c.channel_id == channel_id, _within(table, t0, t1))
        found += [tuple(row) for row in conn.execute(wanted.order_by(table.c.ts))]
    return found


class Columns(NamedTuple):
    """A channel's readings in order of time, as arrays in step."""

    at: Any  # microseconds
    value: Any
    quality: Any


def columns_between(conn: sa.Connection, channel_id: Channel, t0: datetime, t1: datetime) -> Columns:
    """`readings_between` for months of them: no object for each."""
    columns, span = ("ts", "value", "quality"), (to_micros(t0), to_micros(t1))
    rows = np.concatenate([bulk.numbers(conn, table, columns, channel_id, *span) for table in (reading_cold, reading_hot)])
    return Columns(rows[:, 0].astype(np.int64), rows[:, 1], rows[:, 2])


def _within(table: sa.Table, t0: datetime, t1: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.ts >= to_micros(t0), table.c.ts < to_micros(t1))


def series(conn: sa.Connection, channel_id: Channel, t0: datetime, t1: datetime, step: timedelta | None = None) -> list[Point]:
    """A channel's line from t0 up to t1, in buckets of `step` (None: as it was read); beyond three days in hours at finest."""
    if step and bulk.on_sqlite(conn) and t1 - t0 <= _RAW_SPAN:
        return _buckets(_raw_buckets(conn, channel_id, t0, t1, _micros(step)), _micros(step))
    if t1 - t0 <= _RAW_SPAN:
        readings = [(ts, value) for ts, value, quality in readings_between(conn, channel_id, t0, t1) if quality < USABLE]
        parts = [(ts, 1, value, value, value) for ts, value in readings]
        return _buckets(parts, _micros(step or timedelta(0)))
    hours = _hours(conn, channel_id, t0, t1)
    return _buckets(hours, max(HOUR, _micros(step or timedelta(0))))


def _micros(span: timedelta) -> int:
    """A span in microseconds."""
    return span // timedelta(microseconds=1)


Part = tuple[int, int, float, float, float]  # microseconds, n, total, low, high


def _raw_buckets(conn: sa.Connection, channel_id: Channel, t0: datetime, t1: datetime, width: int) -> list[Part]:
    """Readings summed per bucket by the database: a day at 1 Hz is 86,400 of them."""
    parts = _seek_buckets(conn, channel_id, to_micros(t0), to_micros(t1), width)
    hot = reading_hot.c
    recent = sa.select(hot.ts, hot.value).where(hot.channel_id == channel_id, _within(reading_hot, t0, t1), hot.quality < USABLE)
    return parts + [(ts, 1, value, value, value) for ts, value in conn.execute(recent.order_by(hot.ts))]


def _seek_buckets(conn: sa.Connection, channel_id: Channel, first: int, last: int, width: int) -> list[Part]:
    """On SQLite one seek a bucket: a third of what GROUP BY costs, which sorts first."""
    if not is_open(conn, channel_id):
        return []
    starts = list(range(first // width * width, last, width))
    found = conn.exec_driver_sql(
        "SELECT k.value, (SELECT json_array(count(*), sum(value), min(value), max(value)) FROM reading_cold WHERE channel_id = ? "
        "AND ts >= max(k.value, ?) AND ts < min(k.value + ?, ?) AND quality < ?) FROM json_each(?) k",
        (channel_id, first, width, last, USABLE, orjson.dumps(starts).decode()),
        execution_options={"asked_first": True},
    )
    return [(at, *sums) for at, told in found if (sums := orjson.loads(told))[0]]


def _hours(conn: sa.Connection, channel_id: Channel, t0: datetime, t1: datetime) -> list[Part]:
    """Rolled-up hours, and the newest readings that are in no rollup yet."""
    h1 = reading_h1.c
    wanted = sa.select(h1.hour, h1.n, h1.total, h1.low, h1.high).where(h1.channel_id == channel_id, _hour_range(h1.hour, t0, t1))
    parts: list[Part] = [(hour * HOUR, n, total, low, high) for hour, n, total, low, high in conn.execute(wanted.order_by(h1.hour))]
    hot = reading_hot.c
    recent = sa.select(hot.ts, hot.value).where(hot.channel_id == channel_id, _within(reading_hot, t0, t1), hot.quality < USABLE)
    return parts + [(ts, 1, value, value, value) for ts, value in conn.execute(recent.order_by(hot.ts))]


def _hour_range(hour: sa.ColumnElement[int], t0: datetime, t1: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(hour >= to_micros(t0) // HOUR, hour < -(-to_micros(t1) // HOUR))


def _buckets(parts: Sequence[Part], width: int) -> list[Point]:
    """Parts in order of time put into buckets of a width; width 0 leaves them as they are."""
    if not parts:
        return []
    ts, n, total, low, high = (np.array(column) for column in zip(*parts, strict=True))
    slot = ts // width * width if width else ts
    starts = np.flatnonzero(np.r_[True, np.diff(slot) != 0])
    means = np.add.reduceat(total, starts) / np.add.reduceat(n, starts)
    lows, highs = np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts)
    rows = zip(slot[starts].tolist(), means.tolist(), lows.tolist(), highs.tolist(), strict=True)
    return [Point(from_micros(at), mean, least, most) for at, mean, least, most in rows]


def scope_series(conn: sa.Connection, domain: str, metric: str, scope: str, t0: datetime, t1: datetime) -> list[ScopeHour]:
    """Hours of all channels of a metric in a street or the district; the running hour includes the newest readings."""
    h1 = reading_scope_h1.c
    mine = sa.and_(h1.domain == domain, h1.metric == metric, h1.scope == scope, _hour_range(h1.hour, t0, t1))
    parts: list[Part] = [tuple(row) for row in conn.execute(sa.select(h1.hour, h1.n, h1.total, h1.low, h1.high).where(mine))]
    sums: dict[int, Part] = {}
    for hour, n, total, low, high in [*parts, *_hot_hours(conn, domain, metric, scope, t0, t1)]:
        _, n0, total0, low0, high0 = sums.get(hour, (hour, 0, 0.0, low, high))
        sums[hour] = (hour, n0 + n, total0 + total, min(low0, low), max(high0, high))
    return [ScopeHour(from_micros(h * HOUR), n, total / n, low, high) for h, n, total, low, high in sorted(sums.values())]


def _hot_hours(conn: sa.Connection, domain: str, metric: str, scope: str, t0: datetime, t1: datetime) -> list[Part]:
    """Hot readings by hour. Grouping is allowed here and only here: hot holds half an hour, whatever the history."""
    boundary = conn.scalar(sa.select(reading_boundary.c.ts))
    if boundary is None or to_micros(t1) <= boundary:
        return []
    hot, value = reading_hot.c, reading_hot.c.value
    hour = hot.ts // sa.literal_column(str(HOUR), sa.BigInteger)
    wanted = (
        sa.select(hour, sa.func.count(), sa.func.sum(value), sa.func.min(value), sa.func.max(value))
        .select_from(reading_hot.join(channel, channel.c.channel_id == hot.channel_id))
        .where(channel.c.domain == domain, channel.c.metric == metric, hot.quality < USABLE, _within(reading_hot, t0, t1))
        .group_by(hour)
    )
    if scope != DISTRICT:
        wanted = wanted.where(channel.c.street == scope)
    return [tuple(row) for row in conn.execute(wanted)]


def latest_values(conn: sa.Connection, domain: str | None = None, metric: str | None = None) -> Sequence[sa.Row[*tuple[Any, ...]]]:
    """The newest reading of every channel, with the channel's place; rows have the names of `latest`'s columns."""
    wanted = sa.select(latest)
    for column, value in ((latest.c.domain, domain), (latest.c.metric, metric)):
        if value is not None:
            wanted = wanted.where(column == value)
    return conn.execute(wanted.order_by(latest.c.channel_id)).all()


def newer_readings(conn: sa.Connection, seen: Mapping[Channel, int]) -> list[Reading]:
    """Readings of these channels newer than what was seen of each (microseconds), in order of time.

    Costs what is new: channels whose newest reading was seen are not looked at.
    """
    newest = bulk.matching(conn, latest, ["channel_id"], [(c,) for c in seen], ["channel_id", "ts"])
    behind = {channel_id: seen[channel_id] for channel_id, ts in newest if ts is not None and ts > seen[channel_id]}
    if not behind:
        return []
    boundary = conn.scalar(sa.select(reading_boundary.c.ts)) or 0
    columns = ("channel_id", "ts", "value", "quality")
    cold = [(channel_id, ts + 1, boundary) for channel_id, ts in behind.items() if ts + 1 < boundary]
    found = bulk.spans(conn, reading_cold, cold, columns)
    hot = sa.select(*(reading_hot.c[name] for name in columns)).where(reading_hot.c.ts > min(behind.values()))
    if len(behind) <= _NAMED:  # the database passes over what the other channels said far faster than we do
        hot = hot.where(reading_hot.c.channel_id.in_(list(behind)))
    found += [tuple(row) for row in conn.execute(hot) if row.channel_id in behind and row.ts > behind[row.channel_id]]
    return sorted(found, key=lambda row: (row[1], row[0]))


def spans_of(conn: sa.Connection, wanted: Sequence[tuple[Channel, int, int]]) -> list[Reading]:
    """Readings in each (channel, from, to) in microseconds, `to` left out, in order of time: two statements, whatever the number."""
    if not wanted:
        return []
    columns = ("channel_id", "ts", "value", "quality")
    found = bulk.spans(conn, reading_cold, wanted, columns)
    asked = {channel_id: (start, end) for channel_id, start, end in wanted}
    starts, ends = zip(*asked.values(), strict=True)
    hot = sa.select(*(reading_hot.c[name] for name in columns)).where(reading_hot.c.ts >= min(starts), reading_hot.c.ts < max(ends))
    found += [tuple(row) for row in conn.execute(hot) if row.channel_id in asked and _is_in(row.ts, asked[row.channel_id])]
    return sorted(found, key=lambda row: (row[1], row[0]))


def _is_in(ts: int, span: tuple[int, int]) -> bool:
    return span[0] <= ts < span[1]


def expected_range(conn: sa.Connection, of: Channel | ScopeMetric, hour: datetime, weeks: int = 4) -> tuple[float, float] | None:
    """P10 and P90 of this hour of the day over the past weeks, for a channel or a (domain, metric, scope)."""
    return expected_ranges(conn, of, [hour], weeks)[0]


def expected_ranges(
    conn: sa.Connection, of: Channel | ScopeMetric, hours: Sequence[datetime], weeks: int = 4
) -> list[tuple[float, float] | None]:
    """The expected range of each hour; None where too few past hours have readings.

    The means of the past weeks are one range of the rollup (a day's band: 0.7 ms), so nothing is cached.
    """
    if not hours:
        return []
    numbers = [to_micros(hour) // HOUR for hour in hours]
    means = _hourly_means(conn, of, min(numbers) - weeks * 168, max(numbers))
    return [_usual([means[n - 24 * day] for day in range(1, weeks * 7 + 1) if n - 24 * day in means]) for n in numbers]


def usual_ranges(conn: sa.Connection, wanted: Iterable[tuple[Channel, int]], weeks: int = 4) -> dict[tuple[Channel, int], Band | None]:
    """The expected range of many (channel, whole hours since 1970) at once: a key seek for each past hour, one statement."""
    asked = list(wanted)
    keys = [(channel_id, hour - 24 * day) for channel_id, hour in asked for day in range(1, weeks * 7 + 1)]
    rows = bulk.matching(conn, reading_h1, ("channel_id", "hour"), keys, ("channel_id", "hour", "n", "total"))
    means = {(channel_id, hour): total / n for channel_id, hour, n, total in rows}
    return {
        (channel_id, hour): _usual([means[key] for day in range(1, weeks * 7 + 1) if (key := (channel_id, hour - 24 * day)) in means])
        for channel_id, hour in asked
    }


def usual_ranges_of(conn: sa.Connection, channel_id: Channel, hours: Any, weeks: int = 4) -> tuple[Any, Any]:
    """P10 and P90 of many hours (whole hours since 1970) of one channel, NaN where not known: one range of the rollup."""
    first = int(hours.min()) - weeks * 168
    means = np.full(int(hours.max()) - first + 1, np.nan)
    for hour, mean in _hourly_means(conn, channel_id, first, int(hours.max()) + 1).items():
        means[hour - first] = mean
    return _percentiles(means[hours[:, None] - first - 24 * np.arange(1, weeks * 7 + 1)])


def _percentiles(past: Any) -> tuple[Any, Any]:
    """P10 and P90 of each row of numbers, NaN left out; NaN where there are too few."""
    ordered, count = np.sort(past, axis=1), (~np.isnan(past)).sum(axis=1)
    every, last = np.arange(len(past)), np.maximum(count - 1, 0)
    found = []
    for share in (0.1, 0.9):
        below = np.floor(last * share).astype(int)
        low, high = ordered[every, below], ordered[every, np.minimum(below + 1, last)]
        found.append(np.where(count >= _FEWEST, low + (high - low) * (last * share - below), np.nan))
    return found[0], found[1]


def _hourly_means(conn: sa.Connection, of: Channel | ScopeMetric, first: int, end: int) -> dict[int, float]:
    if isinstance(of, int):
        table, mine = reading_h1, reading_h1.c.channel_id == of
    else:
        table, at = reading_scope_h1, reading_scope_h1.c
        mine = sa.and_(at.domain == of[0], at.metric == of[1], at.scope == of[2])
    hour = table.c.hour
    rows = conn.execute(sa.select(hour, table.c.n, table.c.total).where(mine, hour >= first, hour < end))
    return {number: total / n for number, n, total in rows}


def _usual(past: Iterable[float]) -> tuple[float, float] | None:
    values = list(past)
    if len(values) < _FEWEST:
        return None
    low, high = _percentiles(np.array([values]))
    return float(low[0]), float(high[0])
