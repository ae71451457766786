"""What silence a rule would have seen in the past: of feeds and channels, of instruments that stood still, of rows that were due.

A silence is known by the moments around it, and they are kept. What rests, is expected or has a pull is taken as it is now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import sqlalchemy as sa

from dashboard.alerting.looking import SILENT_CADENCES, UNIT_SECONDS
from dashboard.alerting.machine import Observation
from dashboard.alerting.watch_missing import expected_assets, rows_of, unit_of
from dashboard.core.calendars import Calendar
from dashboard.core.catalog import Catalog
from dashboard.core.declare import Absence, Domain, Feed, Missing
from dashboard.core.errors import NotFoundError
from dashboard.core.times import UtcDateTime, from_micros, to_micros
from dashboard.store import series
from dashboard.store.resting import resting_assets
from dashboard.store.schema import pull_state

_JUST = 1  # microsecond
_TIMES = ("observed_at", "updated_at", "closed_at", "opened_at")  # when a row was heard of
Seen = Iterator[tuple[str, Iterator[Observation]]]  # by asset
Gap = tuple[int, int]


@dataclass(frozen=True)
class Stretch:
    """Which past is gone through, and the values at which it makes a difference."""

    t0: datetime
    t1: datetime
    limits: Sequence[float]  # ascending

    @property
    def micros(self) -> tuple[int, int]:
        """Both ends."""
        return to_micros(self.t0), to_micros(self.t1)


def silent_for(moments: Iterable[int], until: int, unit: int, limits: Sequence[float], hidden: Sequence[Gap] = ()) -> Iterator[Observation]:
    """What is seen of the silence between moments in order: each limit as it passes, its length at its end, and that it is over.

    What began and ended while nobody looked (`hidden`) was never seen.
    """
    for a, b in pairwise([*moments, until]):
        passed = [(a + round(limit * unit), limit) for limit in limits if a + limit * unit < b]
        if not passed or any(start <= passed[0][0] and b <= end for start, end in hidden):
            continue
        yield from (Observation(from_micros(at), limit) for at, limit in passed)
        yield Observation(from_micros(b - _JUST), (b - _JUST - a) / unit)
        if b != until:
            yield Observation(from_micros(b), 0.0)


# ---- a feed, or one of its channels
def absences(conn: sa.Connection, catalog: Catalog, domain: Domain, watched: Absence, unit: str, over: Stretch) -> Seen:
    """Silences of the feed and, while it as a whole was not silent, of each channel."""
    cadence_s, judged_by = _pull(conn, watched.feed, catalog.feeds[watched.feed][1])
    reach = Stretch(over.t0 - timedelta(seconds=over.limits[-1] * UNIT_SECONDS.get(unit, cadence_s)), over.t1, over.limits)
    of_feed = _micros(UNIT_SECONDS.get(unit, cadence_s))
    if watched.metric is None:
        moments = _moments_of_feed(conn, domain, catalog.feeds[watched.feed][1], judged_by, reach)
        yield watched.feed, silent_for(moments, over.micros[1], of_feed, over.limits)
        return
    resting = resting_assets(conn, domain)
    channels = [row for row in series.latest_values(conn, domain.key, watched.metric) if row.ts and row.asset_id not in resting]
    spoke = {row.channel_id: _spoke(conn, row.channel_id, reach) for row in channels}
    everyone = np.unique(np.concatenate([*spoke.values(), np.array([], dtype=np.int64)])).tolist()
    gaps: list[Gap] = []
    if len(channels) > 1:  # the only channel speaks for itself
        alone = min(_micros(SILENT_CADENCES * cadence_s), round(over.limits[0] * of_feed))
        gaps = [(a + alone, b) for a, b in pairwise([*everyone, over.micros[1] + _JUST]) if b - a > alone]
        yield watched.feed, silent_for(everyone, over.micros[1], of_feed, over.limits)
    for row in channels:
        own = _micros(UNIT_SECONDS.get(unit, row.cadence_s))
        yield row.asset_id, silent_for(spoke[row.channel_id].tolist(), over.micros[1], own, over.limits, gaps)


def _micros(seconds: float) -> int:
    return round(seconds * 1_000_000)


def _pull(conn: sa.Connection, feed: str, declared: Feed) -> tuple[int, str]:
    """How often a feed is due and by what it is judged; as declared where it never had a pull."""
    query = sa.select(pull_state.c.cadence_s, pull_state.c.judged_by).where(pull_state.c.feed == feed).order_by(pull_state.c.cadence_s)
    row = conn.execute(query).first()
    return (row.cadence_s, row.judged_by) if row else (round(declared.late_after.total_seconds()), "event")


def _spoke(conn: sa.Connection, channel_id: int, over: Stretch) -> Any:
    return series.columns_between(conn, channel_id, over.t0, over.t1).at


def _moments_of_feed(conn: sa.Connection, domain: Domain, feed: Feed, judged_by: str, over: Stretch) -> list[int]:
    """When a feed was heard of, in order. Raises NotFoundError for one that is judged by our contact with it, which is not kept."""
    if judged_by == "contact":
        raise NotFoundError(f"{domain.key}.{feed.key} is judged by when it was last read, which is not kept, so it cannot be run again")
    if feed.table is None:
        channels = [row.channel_id for m in feed.metrics for row in series.latest_values(conn, domain.key, m.key) if row.ts]
        every = [_spoke(conn, channel_id, over) for channel_id in channels]
        return np.unique(np.concatenate(every)).tolist() if every else []
    columns = [c for c in feed.table.columns if c.name in _TIMES and isinstance(c.type, UtcDateTime)]
    moments = sa.union(*(sa.select(sa.type_coerce(c, sa.BigInteger)).where(c >= over.t0, c <= over.t1) for c in columns))
    return sorted(at for (at,) in conn.execute(moments))


# ---- instruments that stand still
def stood_still(at: Any, value: Any, unit: timedelta) -> tuple[Any, Any]:
    """At each reading, how long the value has been the same, in units, and since when; from readings in order of time."""
    begins = np.concatenate(([True], np.diff(value) != 0))
    since = at[np.maximum.accumulate(np.where(begins, np.arange(len(at)), 0))]
    return (at - since) / _micros(unit.total_seconds()), since


def limits_passed(since: int, before: int | None, at: int, unit: timedelta, limits: Sequence[float]) -> Iterator[Observation]:
    """The limits that a stillness passed after the reading before and before this one."""
    for limit in limits:
        passed = since + round(limit * _micros(unit.total_seconds()))
        if (before is None or passed > before) and passed < at:
            yield Observation(from_micros(passed), limit)


# ---- rows that were due
def missing(conn: sa.Connection, catalog: Catalog, watched: Missing, calendar: Calendar, unit: str, over: Stretch) -> Seen:
    """Service time gone by without a row, stretch by stretch of the calendar, while the feed was heard."""
    rows: dict[str, list[int]] = {}
    moment = sa.type_coerce(watched.at, sa.BigInteger)
    for asset, at in conn.execute(sa.select(watched.by, moment).where(*rows_of(watched, over.t0, over.t1)).order_by(moment)):
        rows.setdefault(str(asset), []).append(int(at))
    silent = _micros(SILENT_CADENCES * _pull(conn, watched.feed, catalog.feeds[watched.feed][1])[0])
    everyone = sorted({at for times in rows.values() for at in times})
    hidden = [(a + silent, b) for a, b in pairwise([*everyone, over.micros[1] + _JUST]) if b - a > silent]
    for asset in expected_assets(conn, watched):
        yield asset, _due(rows.get(asset, []), calendar, _micros(unit_of(unit).total_seconds()), over, hidden)


def _due(rows: list[int], calendar: Calendar, unit: int, over: Stretch, hidden: Sequence[Gap]) -> Iterator[Observation]:
    last = over.micros[1]
    for start, end in calendar.stretches(over.t0, over.t1):
        begun, over_at = to_micros(start), min(to_micros(end), last)
        yield from silent_for([begun, *(at for at in rows if begun < at < over_at)], over_at, unit, over.limits, hidden)
        if over_at < last:
            yield Observation(from_micros(over_at), 0.0)
