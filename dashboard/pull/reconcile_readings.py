"""Readings of the last hours that their source has withdrawn: instrument and moment held against theirs, nothing older.

Departments thin and delete old readings as a matter of course, so only the newest stretch says anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.core.times import to_micros
from dashboard.pull.batch import Batch, Keys
from dashboard.pull.gone import Missing
from dashboard.pull.mapping import Plan
from dashboard.pull.measured import identities
from dashboard.pull.readers.connect import guarded, open_source
from dashboard.pull.readers.page import fetch
from dashboard.pull.readers.sql import since
from dashboard.pull.readers.statement import Statement, position_after, prepare
from dashboard.settings import duration
from dashboard.store.schema import channel, reading_cold, reading_hot

STRETCH = "2h"  # compared, unless options.reconcile_span says otherwise
_MOST = 200_000  # readings compared at once; a faster stream is compared over a shorter stretch
_MARGIN = timedelta(minutes=10)  # arrival differs from observation by the clocks of two machines
_PAGE = 50_000
_OVERWRITES = 2  # times as many of ours as theirs, with one of theirs an instrument: it keeps the newest only

Identity = tuple[str, str, int]  # asset, metric ('' where a row holds several), microseconds


def missing_readings(engine: sa.Engine, plan: Plan, now: datetime) -> Missing | None:
    """(channel, moment) of ours that are gone, how many we hold of the stretch, how many they do; None where it cannot be said."""
    if not plan.pull.watermark or {plan.expressions["asset_id"], plan.expressions.get("metric")} >= set(plan.key):
        return None  # a table of newest values: what it no longer says was true all the same
    with engine.connect() as conn:
        start = now - _stretch(conn, plan)
        ours = _ours(conn, plan, start)
    theirs = _theirs(plan, start, now) if ours else None
    if theirs is None:
        return None
    if theirs and max(Counter(i[:2] for i in theirs).values()) == 1 and len(ours) > _OVERWRITES * len(theirs):
        return None
    oldest = min((ts for _, _, ts in theirs), default=0)
    gone = [key for key, identity in ours.items() if identity[2] >= oldest and identity not in theirs]
    return Missing(gone, len(ours), len(theirs))


def _stretch(conn: sa.Connection, plan: Plan) -> timedelta:
    """How far back to compare: as configured, less where that would be too many readings."""
    wanted = duration(plan.pull.options.get("reconcile_span", STRETCH), plan.pull.file, f"pull.{plan.pull.key}.options.reconcile_span")
    rate = conn.scalar(sa.select(sa.func.sum(1.0 / channel.c.cadence_s)).where(channel.c.pull == plan.pull.key)) or 0.0
    return min(wanted, timedelta(seconds=_MOST / float(rate))) if rate else wanted


def _ours(conn: sa.Connection, plan: Plan, start: datetime) -> dict[tuple[int, int], Identity]:
    """Sound readings of the stretch; a wrong clock's may lie anywhere."""
    found: dict[tuple[int, int], Identity] = {}
    for table in (reading_hot, reading_cold):
        wanted = (
            sa.select(channel.c.channel_id, table.c.ts, channel.c.asset_id, channel.c.metric)
            .join(table, table.c.channel_id == channel.c.channel_id)
            .where(channel.c.pull == plan.pull.key, table.c.ts >= to_micros(start), table.c.quality == 0)
        )
        found |= {(number, ts): (asset, "" if plan.wide else metric, ts) for number, ts, asset, metric in conn.execute(wanted)}
    return found


def _theirs(plan: Plan, start: datetime, now: datetime) -> set[Identity] | None:
    """Instrument and moment of every row of the stretch, whatever it says. Raises SourceError."""
    with guarded(plan.source), open_source(plan.source).connect() as conn:
        whole = prepare(conn, plan)
        conn.rollback()
        bounds = since(conn, plan, whole, start - _MARGIN)
        if not bounds:
            return None
        found: set[Identity] = set()
        for batch in _batches(conn, plan, _short(plan, whole), bounds):
            found.update(identities(plan, batch, now))
    return found


def _short(plan: Plan, whole: Statement) -> Statement:
    """Only what says which instrument, which metric and when; everything where the domain's own `clean` may have a word in it."""
    names = whole.names if plan.feed.clean is not None else tuple(n for n in whole.names if n in ("asset_id", "metric", "observed_at"))
    return replace(whole, names=names, columns=tuple(whole.columns[whole.names.index(n)] for n in names), watermark=None)


def _batches(conn: sa.Connection, plan: Plan, statement: Statement, bounds: list[Any]) -> Iterator[Batch]:
    position: tuple[Any, ...] | None = None
    present = [k.is_not(None) for k in statement.key]
    while True:
        wanted = statement.select().where(*bounds, *present, *position_after(statement.key, position))
        page = fetch(conn, plan, statement, wanted.order_by(*statement.key).limit(_PAGE))
        cells = page.columns
        yield Batch(dict(zip(statement.names, map(list, cells[: page.width]), strict=True)), Keys(cells[page.width :], len(page)))
        if len(page) < _PAGE or page.place(-1) == position:
            return
        position = page.place(-1)
