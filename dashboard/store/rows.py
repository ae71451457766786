"""Rows of domain tables: upsert by key, change told by hash, the version before kept with when we believed it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson
import sqlalchemy as sa

from dashboard.core.times import UtcDateTime, day_number, from_micros, to_micros
from dashboard.store import bulk
from dashboard.store.schema import dirty_day, row_past

Bind = Callable[[Any], Any]
_QUARTER = 900_000_000  # microseconds; every time zone's midnight falls on a quarter of an hour


@dataclass
class Written:
    """What a write did. `days`: city days touched, by time column, of old and new versions alike."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    days: dict[str, set[int]] = field(default_factory=dict)

    def __add__(self, other: Written) -> Written:
        days = {name: self.days.get(name, set()) | other.days.get(name, set()) for name in {*self.days, *other.days}}
        return Written(self.new + other.new, self.changed + other.changed, self.unchanged + other.unchanged, days)


def write_rows(
    conn: sa.Connection,
    table: sa.Table,
    rows: Iterable[Mapping[str, Any]],
    *,
    source: str,
    run_id: int,
    now: datetime,
    versioned: bool = True,
    chunk: int = 2000,
) -> Written:
    """Upsert rows by the table's key; only rows whose `row_hash` differs are written.

    A changed row's earlier version goes to row_past unless `versioned` is off. Every city day that an old or new
    version lies on is marked dirty, so that day-wise KPIs are taken again. A key given twice: the last one wins.
    """
    origin = {"source": source, "pull_run": run_id, "learned_at": now}
    keys = [str(column.name) for column in table.primary_key]
    newest = {tuple(row[k] for k in keys): row for row in rows}
    batch = list(newest.values())
    done = Written()
    for start in range(0, len(batch), chunk):
        done += _write_chunk(conn, table, keys, batch[start : start + chunk], origin, versioned)
    mark_dirty(conn, table.name, set().union(*done.days.values()))
    return done


def mark_dirty(conn: sa.Connection, table: str, days: Iterable[int]) -> None:
    """Have day-wise KPIs over a table take these city days again.

    A mark already there is written again: on PostgreSQL that holds it until we commit, so it cannot be taken away unread meanwhile.
    """
    bulk.insert(conn, dirty_day, ("table_name", "day"), [(table, day) for day in sorted(days)], update=("day",))


def _write_chunk(
    conn: sa.Connection, table: sa.Table, keys: list[str], rows: Sequence[Mapping[str, Any]], origin: Mapping[str, Any], versioned: bool
) -> Written:
    """One statement to look, one to keep what was, one to write."""
    names = [str(column.name) for column in table.columns]
    values = _values(conn, table, rows, origin)
    at = [names.index(k) for k in keys]
    hash_at = names.index("row_hash")
    wanted = [tuple(row[i] for i in at) for row in values]
    known = {row[:-1]: row[-1] for row in bulk.matching(conn, table, keys, wanted, [*keys, "row_hash"])}
    fresh = [row for key, row in zip(wanted, values, strict=True) if key not in known]
    moved = [(key, row) for key, row in zip(wanted, values, strict=True) if key in known and known[key] != row[hash_at]]
    before = bulk.matching(conn, table, keys, [key for key, _ in moved], names)
    if versioned:
        _keep(conn, table.name, names, at, before, to_micros(origin["learned_at"]))
    written = fresh + [row for _, row in moved]
    bulk.insert(conn, table, names, written, update=[n for n in names if n not in keys])
    return Written(len(fresh), len(moved), len(rows) - len(written), _days(table, names, [*before, *written]))


def _values(conn: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]], origin: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows as tuples of database values in column order; worked column by column, which is what makes it quick."""
    columns = []
    for column in table.columns:
        binder, otherwise = _binder(column, conn.dialect), _default(column)
        if column.name in origin:
            columns.append([bind(origin[column.name], column, conn.dialect)] * len(rows))
            continue
        given = [row.get(column.name, otherwise) for row in rows]
        columns.append([binder(value) for value in given] if binder else given)
    return list(zip(*columns, strict=True))


def _binder(column: sa.Column[Any], dialect: sa.Dialect) -> Bind | None:
    if isinstance(column.type, UtcDateTime):
        return lambda value: None if value is None else to_micros(value)
    return column.type.dialect_impl(dialect).bind_processor(dialect)


def bind(value: Any, column: sa.Column[Any], dialect: sa.Dialect) -> Any:
    """A value as the database keeps it in that column."""
    binder = _binder(column, dialect)
    return binder(value) if binder else value


def _default(column: sa.Column[Any]) -> Any:
    return column.default.arg if isinstance(column.default, sa.ColumnDefault) and column.default.is_scalar else None


def _keep(conn: sa.Connection, table: str, names: list[str], at: list[int], before: Iterable[tuple[Any, ...]], now: int) -> None:
    """Earlier versions into row_past. A version replaced at the very moment it was learned was never believed: left out."""
    learned, run = names.index("learned_at"), names.index("pull_run")
    past = [
        (table, row_key(row[i] for i in at), now, row[learned], row[run], _json(dict(zip(names, row, strict=True))))
        for row in before
        if row[learned] < now
    ]
    bulk.insert(conn, row_past, ("table_name", "row_key", "replaced_at", "learned_at", "pull_run", "body"), past)


def _json(row: Mapping[str, Any]) -> str:
    return orjson.dumps(row, default=str).decode()


def row_key(values: Iterable[Any]) -> str:
    """A row's key as one text, however many columns it has."""
    return "|".join(str(value) for value in values)


def _days(table: sa.Table, names: list[str], rows: Sequence[tuple[Any, ...]]) -> dict[str, set[int]]:
    times = [(name, i) for i, name in enumerate(names) if name != "learned_at" and isinstance(table.c[name].type, UtcDateTime)]
    return {name: {_day(row[i] // _QUARTER) for row in rows if row[i] is not None} for name, i in times}


@lru_cache(maxsize=65_536)
def _day(quarter: int) -> int:
    return day_number(from_micros(quarter * _QUARTER))
