"""Computed numbers kept: the newest, history where it changed, and the hours that lines and ranges are drawn from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from dashboard.core.times import to_micros
from dashboard.store import bulk
from dashboard.store.kpi_reads import HOUR, Figures, KpiRow
from dashboard.store.schema import kpi_history, kpi_latest

AT_MOST = timedelta(minutes=1)  # history takes a number no more often than this, however often it moves
AT_LEAST = timedelta(hours=1)
_LATEST = tuple(c.name for c in kpi_latest.columns)
_HISTORY = tuple(c.name for c in kpi_history.columns)
_TIMES = frozenset({"as_of", "computed_at", "kept_at"})


def is_news(before: KpiRow | None, row: KpiRow, decimals: int) -> bool:
    """Whether a screen would show anything else than before."""
    return before is None or _shown(before, decimals) != _shown(row, decimals)


def _shown(row: KpiRow, decimals: int) -> tuple[object, ...]:
    numbers = (row.value, row.yesterday, row.last_year, row.low, row.high)
    rounded = tuple(None if n is None else round(n, decimals) for n in numbers)
    points = None if row.score is None else round(row.score, 1)
    return (*rounded, points, row.grade, row.freshness, round(row.completeness, 2), row.as_of, row.parts)


def goes_to_history(before: KpiRow | None, row: KpiRow, decimals: int, now: datetime) -> bool:
    """Whether this value begins a new stretch, or an hour passed without one."""
    if before is None or before.kept_at is None:
        return True
    since = now - before.kept_at
    other = _round(before.kept_value, decimals) != _round(row.value, decimals) or before.freshness != row.freshness
    return since >= AT_LEAST or (other and since >= AT_MOST)


def _round(value: float | None, decimals: int) -> float | None:
    return None if value is None else round(value, decimals)


def keep(
    conn: sa.Connection, rows: Iterable[KpiRow], before: Figures, decimals: Mapping[str, int], now: datetime
) -> tuple[set[str], Figures]:
    """Write everything; the KPIs in which something a screen shows is different, and the rows as they now stand."""
    kept_rows: Figures = {}
    history, hours, news = [], [], set()
    for row in rows:
        earlier, places = before.get((row.kpi, row.scope)), decimals.get(row.kpi, 1)
        kept = goes_to_history(earlier, row, places, now)
        marks = (now, row.value) if kept else (earlier.kept_at, earlier.kept_value) if earlier else (None, None)
        kept_rows[row.kpi, row.scope] = replace(row, kept_at=marks[0], kept_value=marks[1])
        if kept:
            history.append((row.kpi, row.scope, to_micros(now), row.value, row.score, row.completeness, row.grade, row.freshness))
        if row.value is not None and row.computed_at == now and _samples_hour(earlier, row):
            hours.append((row.kpi, row.scope, to_micros(now) // HOUR, row.value, row.value, row.value, row.value, 1))
        if is_news(earlier, row, places):
            news.add(row.kpi)
    bulk.insert(conn, kpi_latest, _LATEST, [_values(row) for row in kept_rows.values()], update=_LATEST[2:])
    bulk.insert(conn, kpi_history, _HISTORY, history, update=_HISTORY[3:])
    _add_to_hours(conn, hours)
    return news, kept_rows


def _values(row: KpiRow) -> tuple[object, ...]:
    named = vars(row)
    return tuple(to_micros(named[n]) if n in _TIMES and named[n] is not None else named[n] for n in _LATEST)


def _samples_hour(before: KpiRow | None, row: KpiRow) -> bool:
    """One sample a minute: a number computed more often must not weigh more in its hour."""
    return before is None or to_micros(before.computed_at) // 60_000_000 != to_micros(row.computed_at) // 60_000_000


def _add_to_hours(conn: sa.Connection, rows: list[tuple[str, str, int, float, float, float, float, int]]) -> None:
    mark, least, most = ("?", "min", "max") if bulk.on_sqlite(conn) else ("%s", "least", "greatest")
    if rows:
        conn.exec_driver_sql(
            f"INSERT INTO kpi_h1 (kpi, scope, hour, mean, low, high, last, n) VALUES ({', '.join([mark] * 8)}) "
            "ON CONFLICT (kpi, scope, hour) DO UPDATE SET mean = (kpi_h1.mean * kpi_h1.n + excluded.mean) / (kpi_h1.n + 1), "
            f"low = {least}(kpi_h1.low, excluded.low), high = {most}(kpi_h1.high, excluded.high), last = excluded.last, n = kpi_h1.n + 1",
            rows,
        )
