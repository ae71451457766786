"""What screens, machines and later turns read about KPIs: the newest, as of a moment, over time, and what is usual."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.core.times import from_micros, to_micros
from dashboard.store.schema import kpi_h1, kpi_history, kpi_latest

HOUR = 3_600_000_000
_RAW_FOR = timedelta(days=2)  # longer stretches are read from the hourly rows
_FEW = 3  # fewer past days than this say nothing about what is usual

Range = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class KpiRow:
    """One number for one scope, with all it takes to judge it."""

    kpi: str
    scope: str
    value: float | None
    low: float | None = None
    high: float | None = None
    score: float | None = None
    grade: str | None = None
    parts: str | None = None  # JSON; for an index: its contributions
    yesterday: float | None = None
    last_year: float | None = None
    completeness: float = 0.0
    freshness: str = "never"
    as_of: datetime | None = None
    computed_at: datetime
    kept_at: datetime | None = None
    kept_value: float | None = None


Figures = dict[tuple[str, str], KpiRow]


def latest_figures(conn: sa.Connection, keys: Iterable[str] | None = None, scope: str | None = None) -> Figures:
    """The newest number of each KPI and scope."""
    query = sa.select(kpi_latest)
    if keys is not None:
        query = query.where(kpi_latest.c.kpi.in_(list(keys)))
    if scope is not None:
        query = query.where(kpi_latest.c.scope == scope)
    return {(row.kpi, row.scope): KpiRow(**row._mapping) for row in conn.execute(query)}


def kpi_at(conn: sa.Connection, at: datetime, keys: Iterable[str] | None = None, within: timedelta | None = None) -> Figures:
    """Every KPI as it stood at a moment. One index seek each, however long the history; `within`: not older than that."""
    h = kpi_history.alias("h")
    newest = sa.select(sa.func.max(kpi_history.c.at)).where(
        kpi_history.c.kpi == kpi_latest.c.kpi, kpi_history.c.scope == kpi_latest.c.scope, kpi_history.c.at <= at
    )
    query = sa.select(h).select_from(
        kpi_latest.join(h, sa.and_(h.c.kpi == kpi_latest.c.kpi, h.c.scope == kpi_latest.c.scope, h.c.at == newest.scalar_subquery()))
    )
    if keys is not None:
        query = query.where(kpi_latest.c.kpi.in_(list(keys)))
    if within is not None:
        query = query.where(h.c.at >= at - within)
    return {(row.kpi, row.scope): _as_it_stood(row) for row in conn.execute(query)}


def _as_it_stood(row: Any) -> KpiRow:
    return KpiRow(
        kpi=row.kpi,
        scope=row.scope,
        value=row.value,
        score=row.score,
        grade=row.grade,
        completeness=row.completeness,
        freshness=row.freshness or "fresh",
        as_of=row.at,
        computed_at=row.at,
    )


def kpi_series(conn: sa.Connection, key: str, scope: str, t0: datetime, t1: datetime) -> list[tuple[datetime, float | None]]:
    """A KPI over time, oldest first: every kept value of up to two days, the hours' last values beyond."""
    if t1 - t0 > _RAW_FOR:
        return [(at, row.last) for at, row in _hours(conn, key, scope, t0, t1)]
    mine = sa.and_(kpi_history.c.kpi == key, kpi_history.c.scope == scope)
    before = conn.execute(sa.select(sa.func.max(kpi_history.c.at)).where(mine, kpi_history.c.at <= t0)).scalar()
    query = sa.select(kpi_history.c.at, kpi_history.c.value).where(mine, kpi_history.c.at >= (before or t0), kpi_history.c.at <= t1)
    return [(max(at, t0), value) for at, value in conn.execute(query.order_by(kpi_history.c.at))]


def kpi_changes(conn: sa.Connection, key: str, t0: datetime, t1: datetime) -> list[tuple[str, datetime, float | None, str]]:
    """Every kept value of a KPI (scope, since when, value, freshness) of a stretch of time, all scopes, oldest first."""
    h = kpi_history.c
    query = sa.select(h.scope, h.at, h.value, h.freshness).where(h.kpi == key, h.at >= t0, h.at <= t1).order_by(h.at)
    return [(scope, at, value, freshness or "fresh") for scope, at, value, freshness in conn.execute(query)]


Hour = tuple[datetime, float | None, float | None, float | None]


def kpi_hours(conn: sa.Connection, key: str, scope: str, t0: datetime, t1: datetime) -> list[Hour]:
    """Mean, lowest and highest of each hour; the hour's own start is its time."""
    return [(at, row.mean, row.low, row.high) for at, row in _hours(conn, key, scope, t0, t1)]


def _hours(conn: sa.Connection, key: str, scope: str, t0: datetime, t1: datetime) -> Iterable[tuple[datetime, Any]]:
    query = sa.select(kpi_h1).where(
        kpi_h1.c.kpi == key, kpi_h1.c.scope == scope, kpi_h1.c.hour >= to_micros(t0) // HOUR, kpi_h1.c.hour <= to_micros(t1) // HOUR
    )
    return [(from_micros(row.hour * HOUR), row) for row in conn.execute(query.order_by(kpi_h1.c.hour))]


def expected(conn: sa.Connection, key: str, scope: str, now: datetime, weeks: int = 4) -> list[Range | None]:
    """What is usual for each of the 24 hours ending with the present one: P10 to P90 of the same hour of day over past weeks.

    An hour with fewer than three past days has no range. Changes with the hour only: callers keep it that long.
    """
    hour = to_micros(now) // HOUR
    span = kpi_h1.c.hour.between(hour - 23 - weeks * 168, hour)
    query = sa.select(kpi_h1.c.hour, kpi_h1.c.mean).where(kpi_h1.c.kpi == key, kpi_h1.c.scope == scope, span, kpi_h1.c.mean.is_not(None))
    past = {int(h): float(mean) for h, mean in conn.execute(query)}
    same_hour = [[at - 24 * day for day in range(1, weeks * 7 + 1)] for at in range(hour - 23, hour + 1)]
    return [_usual([past[h] for h in hours if h in past]) for hours in same_hour]


def _usual(values: Sequence[float]) -> Range | None:
    if len(values) < _FEW:
        return None
    ranked = sorted(values)
    return _quantile(ranked, 0.1), _quantile(ranked, 0.9)


def _quantile(ranked: Sequence[float], share: float) -> float:
    """Between the two neighbours, in proportion."""
    place = share * (len(ranked) - 1)
    left = math.floor(place)
    right = min(left + 1, len(ranked) - 1)
    return ranked[left] + (ranked[right] - ranked[left]) * (place - left)
