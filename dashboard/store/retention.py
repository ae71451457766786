"""Thinning old history: a little at a time, so that nobody waits for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from dashboard.core.scope import DISTRICT
from dashboard.core.times import to_micros
from dashboard.store.engine import writing
from dashboard.store.rollups import HOUR
from dashboard.store.schema import (
    channel,
    finding,
    kpi_h1,
    kpi_history,
    kpi_latest,
    metadata,
    notice,
    notice_message,
    pull_run,
    quarantine,
    reading_cold,
    reading_h1,
    reading_past,
    reading_scope_h1,
    row_past,
)
from dashboard.store.schema_rules import reading_late, rule_fault

_SLICE = 1000  # rows a transaction: some milliseconds, so that a writer behind us hardly notices
_THINNED_AGAIN = timedelta(days=60)


@dataclass(frozen=True, kw_only=True)
class Retention:
    """How long history is kept. Hourly rollups carry the long lines, so raw readings may go first."""

    readings: timedelta = timedelta(days=400)
    hours: timedelta = timedelta(days=5 * 366)
    kpi_every_change: timedelta = timedelta(days=35)  # after that one row an hour
    kpi_history: timedelta = timedelta(days=5 * 366)
    past_versions: timedelta = timedelta(days=400)
    pull_runs: timedelta = timedelta(days=90)
    settled_quarantine: timedelta = timedelta(days=90)
    notices: timedelta = timedelta(days=400)
    findings: timedelta = timedelta(days=400)
    rule_faults: timedelta = timedelta(days=400)
    late_readings: timedelta = timedelta(days=2)  # rules look back a day


def thin(engine: sa.Engine, now: datetime, keep: Retention | None = None) -> dict[str, int]:
    """Delete what is older than is kept; returns rows deleted by table. May be stopped and run again at any point."""
    keep = keep or Retention()
    done: dict[str, int] = {}
    for table, old in _old(engine, now, keep):
        done[table.name] = done.get(table.name, 0) + _delete(engine, table, old)
    return {name: rows for name, rows in done.items() if rows}


def _old(engine: sa.Engine, now: datetime, keep: Retention) -> Iterator[tuple[sa.Table, sa.ColumnElement[bool]]]:
    """What may go: each table with a condition that an index answers."""
    yield pull_run, pull_run.c.started_at < now - keep.pull_runs
    yield quarantine, sa.and_(quarantine.c.state != "open", quarantine.c.last_seen_at < now - keep.settled_quarantine)
    yield finding, finding.c.gone_at < now - keep.findings
    yield rule_fault, rule_fault.c.gone_at < now - keep.rule_faults
    yield reading_late, reading_late.c.noted_at < now - keep.late_readings
    yield notice_message, sa.and_(notice_message.c.state != "waiting", notice_message.c.made_at < now - keep.notices)
    waits = sa.exists().where(notice_message.c.message == notice.c.message)
    yield notice, sa.and_(notice.c.message.is_not(None), notice.c.made_at < now - keep.notices, sa.not_(waits))
    for name in metadata.tables:
        yield row_past, sa.and_(row_past.c.table_name == name, row_past.c.replaced_at < now - keep.past_versions)
    with engine.connect() as conn:
        channels = conn.execute(sa.select(channel.c.channel_id, channel.c.domain, channel.c.metric, channel.c.street)).all()
        lines = conn.execute(sa.select(kpi_latest.c.kpi, kpi_latest.c.scope)).all()
    yield from _old_readings([row.channel_id for row in channels], now, keep)
    hour = to_micros(now - keep.hours) // HOUR
    at = reading_scope_h1.c
    for domain, metric, scope in sorted({(row.domain, row.metric, s) for row in channels for s in (row.street, DISTRICT) if s}):
        yield reading_scope_h1, sa.and_(at.domain == domain, at.metric == metric, at.scope == scope, at.hour < hour)
    for kpi, scope in lines:
        yield from _old_values(kpi, scope, now, keep)


def _old_readings(channels: Iterable[int], now: datetime, keep: Retention) -> Iterator[tuple[sa.Table, sa.ColumnElement[bool]]]:
    before, hour = to_micros(now - keep.readings), to_micros(now - keep.hours) // HOUR
    for channel_id in channels:
        for table in (reading_cold, reading_past):
            yield table, sa.and_(table.c.channel_id == channel_id, table.c.ts < before)
        yield reading_h1, sa.and_(reading_h1.c.channel_id == channel_id, reading_h1.c.hour < hour)


def _old_values(kpi: str, scope: str, now: datetime, keep: Retention) -> Iterator[tuple[sa.Table, sa.ColumnElement[bool]]]:
    mine, at = sa.and_(kpi_history.c.kpi == kpi, kpi_history.c.scope == scope), kpi_history.c.at
    yield kpi_history, sa.and_(mine, at < now - keep.kpi_history)
    dense_until = now - keep.kpi_every_change  # what is older than the stretch below was thinned on earlier nights
    yield kpi_history, sa.and_(mine, at < dense_until, at >= dense_until - _THINNED_AGAIN, _followed_within_the_hour())
    yield kpi_h1, sa.and_(kpi_h1.c.kpi == kpi, kpi_h1.c.scope == scope, kpi_h1.c.hour < to_micros(now - keep.hours) // HOUR)


def _followed_within_the_hour() -> sa.ColumnElement[bool]:
    later, micros = kpi_history.alias("later"), sa.literal_column(str(HOUR), sa.BigInteger)
    at, then = sa.type_coerce(kpi_history.c.at, sa.BigInteger), sa.type_coerce(later.c.at, sa.BigInteger)
    same = sa.and_(later.c.kpi == kpi_history.c.kpi, later.c.scope == kpi_history.c.scope)
    return sa.exists().where(same, then > at, then < (at // micros + 1) * micros)


def _delete(engine: sa.Engine, table: sa.Table, old: sa.ColumnElement[bool]) -> int:
    key = sa.tuple_(*table.primary_key) if len(table.primary_key) > 1 else next(iter(table.primary_key))
    slice_of_it = sa.select(*table.primary_key).where(old).limit(_SLICE)
    deleted = 0
    while True:
        with writing(engine).begin() as conn:
            count = conn.execute(sa.delete(table).where(key.in_(slice_of_it))).rowcount
        deleted += count
        if count < _SLICE:
            return deleted
