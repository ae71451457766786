"""Rows of ours that their source no longer has: keys held against keys, whole or read for the purpose in short statements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeAlias

import numpy as np
import sqlalchemy as sa

from dashboard.core.times import UtcDateTime, from_micros
from dashboard.pull import cursor as marks
from dashboard.pull.batch import Keys
from dashboard.pull.convert import source_keys
from dashboard.pull.gone import Missing
from dashboard.pull.mapping import Plan
from dashboard.pull.readers.connect import deadline, guarded, open_source
from dashboard.pull.readers.page import Page, fetch
from dashboard.pull.readers.statement import KEYLESS, Statement, bound, position_after, prepare
from dashboard.store import bulk

Hashes: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]  # of keys, in this process: a million keys in eight megabytes

_PAGE = 50_000  # keys a statement
_LONG_AGO = datetime(1986, 1, 1, tzinfo=UTC)  # no row is older; '' and 0000-00-00 are


def hashed(keys: Iterable[str], count: int) -> Hashes:
    """Keys as numbers: what a million of them can be compared by at once."""
    return np.fromiter(map(hash, keys), np.int64, count)


def missing_of(conn: sa.Connection, plan: Plan, theirs: Hashes) -> Missing:
    """Rows of ours whose source key is not among theirs, of a table that was read whole."""
    ours = _ours(conn, plan)
    rows = _rows_of(conn, plan, _absent(ours, theirs))
    return Missing([row[: _width(plan)] for row in rows], len(ours), len(theirs))


def _ours(conn: sa.Connection, plan: Plan) -> Hashes:
    assert plan.table is not None
    found = conn.scalars(sa.select(plan.table.c.source_key).where(plan.table.c.source == plan.source.key)).all()
    return hashed(found, len(found))


def _absent(ours: Hashes, theirs: Hashes) -> set[int]:
    return set(ours[~np.isin(ours, theirs)].tolist())


def _width(plan: Plan) -> int:
    assert plan.table is not None
    return len(plan.table.primary_key)


def _rows_of(conn: sa.Connection, plan: Plan, absent: set[int]) -> list[tuple[Any, ...]]:
    """Our keys of these rows as the database holds them, then their moments."""
    if not absent or plan.table is None:
        return []
    names = bulk.quoted(conn, [*(c.name for c in plan.table.primary_key), *_moments(plan), "source_key"])
    (table,), mark = bulk.quoted(conn, [plan.table.name]), "?" if bulk.on_sqlite(conn) else "%s"
    found = conn.exec_driver_sql(f"SELECT {', '.join(names)} FROM {table} WHERE source = {mark}", (plan.source.key,))
    return [tuple(row) for row in found if hash(row[-1]) in absent]


def missing_rows(engine: sa.Engine, plans: list[Plan]) -> Missing | None:
    """Our rows that none of these pulls would find any more; without those from before the oldest their department keeps."""
    with engine.connect() as conn:
        ours = _ours(conn, plans[0])
    found = [_keys_there(plan) for plan in plans]
    if any(keys is None for keys in found):
        return None
    theirs = np.concatenate([keys for keys in found if keys is not None])
    absent = _absent(ours, theirs)
    oldest = _oldest_there(plans) if absent and _closes(plans[0]) else {}
    with engine.connect() as conn:
        rows = _rows_of(conn, plans[0], absent)
    width, moments = _width(plans[0]), _moments(plans[0])
    kept = [row[:width] for row in rows if not _filed_away(row[width:-1], moments, oldest)]
    return Missing(kept, len(ours) - (len(rows) - len(kept)), len(theirs))


def _closes(plan: Plan) -> bool:
    """Cases are filed away when they are old; a register is not."""
    return plan.table is not None and "opened_at" in plan.table.c


def _moments(plan: Plan) -> list[str]:
    """Our moments that are read straight from theirs."""
    table = plan.table
    assert table is not None
    return [n for n in plan.expressions if n in table.c and isinstance(table.c[n].type, UtcDateTime)]


def _filed_away(moments: Sequence[int | None], names: Sequence[str], oldest: dict[str, datetime]) -> bool:
    """Whether a row is older, by any of its moments, than the oldest there: departments delete what is years old, and we keep it."""
    return any(at is not None and n in oldest and from_micros(at) < oldest[n] for n, at in zip(names, moments, strict=True))


# ---- theirs


def _keys_there(plan: Plan) -> Hashes | None:
    """Every key the source has; None where too many rows have none. Raises SourceError."""
    with guarded(plan.source), open_source(plan.source).connect() as conn:
        whole = prepare(conn, plan)
        conn.rollback()
        statement = replace(whole, names=(), columns=(), watermark=None)
        if not statement.key:
            return None
        found = [_hashes(plan, page) for page in _pages(conn, plan, statement)]
        wanted = statement.select().where(sa.or_(*(k.is_(None) for k in statement.key))).limit(KEYLESS)
        keyless = fetch(conn, plan, statement, wanted)
    return None if len(keyless) == KEYLESS else np.concatenate([*found, _hashes(plan, keyless)])


def _hashes(plan: Plan, page: Page) -> Hashes:
    return hashed(source_keys(plan, Keys(page.columns, len(page))), len(page))


def _pages(conn: sa.Connection, plan: Plan, statement: Statement) -> Iterable[Page]:
    """Keys in their order, a page a statement; a page begins where the last ended, so that keys which sort alike are all seen."""
    position, limit = None, _PAGE
    present = [k.is_not(None) for k in statement.key]
    while True:
        after = position_after(statement.key, position)
        page = fetch(conn, plan, statement, statement.select().where(*present, *after).order_by(*statement.key).limit(limit))
        yield page
        if len(page) < limit:
            return
        limit = limit * 4 if page.place(-1) == position else limit
        position = page.place(-1)


def _oldest_there(plans: list[Plan]) -> dict[str, datetime]:
    """The oldest moment of each kind that the department still has, by our field. Raises SourceError."""
    oldest: dict[str, datetime] = {}
    for plan in plans:
        with guarded(plan.source), open_source(plan.source).connect() as conn:
            statement = prepare(conn, plan)
            conn.rollback()
            for name in _moments(plan):
                column = statement.columns[statement.names.index(name)]
                found = _oldest(conn, plan, statement, column)
                if found is not None:
                    oldest[name] = min(found, oldest.get(name, found))
    return oldest


def _oldest(conn: sa.Connection, plan: Plan, statement: Statement, column: sa.ColumnElement[Any]) -> datetime | None:
    """A column's oldest moment; signs of nothing such as '' or 0000-00-00 are passed over."""
    with deadline(conn, plan.source):
        some = conn.scalars(sa.select(column).select_from(statement.source).where(column.is_not(None)).limit(50)).all()
        sample = next((v for v in some if marks.instant(v, plan.zone) is not None), None)
        if sample is None:
            return None
        lowest = bound(marks.like(sample, _LONG_AGO, plan.zone))
        found = conn.scalar(sa.select(sa.func.min(column)).select_from(statement.source).where(column >= lowest))
    conn.rollback()
    return marks.instant(found, plan.zone)
