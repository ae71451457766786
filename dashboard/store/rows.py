"""Rows of domain tables: upsert by key, change told by hash, the version before kept with when we believed it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import repeat
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
    keys = [str(column.name) for column in table.primary_key]
    batch = list({tuple(row[k] for k in keys): row for row in rows}.values())
    given = {name: [row.get(name, _default(table.c[name])) for row in batch] for name in table.c.keys()}  # noqa: SIM118
    moments = {n: [None if v is None else to_micros(v) for v in cells] for n, cells in given.items() if _is_moment(table.c[n])}
    return write_columns(conn, table, given | moments, source=source, run_id=run_id, now=now, versioned=versioned, chunk=chunk)


def write_columns(
    conn: sa.Connection,
    table: sa.Table,
    columns: Mapping[str, Sequence[Any]],
    *,
    source: str,
    run_id: int,
    now: datetime,
    versioned: bool = True,
    chunk: int = 5000,
) -> Written:
    """`write_rows` for thousands: column by column and in step, moments as microseconds, no key twice."""
    learned = to_micros(now)
    values = _values(conn, table, columns, {"source": source, "pull_run": run_id, "learned_at": learned})
    done = Written()
    for start in range(0, len(values), chunk):
        done += _write_chunk(conn, table, values[start : start + chunk], learned, versioned)
    mark_dirty(conn, table.name, set().union(*done.days.values()))
    return done


def mark_dirty(conn: sa.Connection, table: str, days: Iterable[int]) -> None:
    """Have day-wise KPIs over a table take these city days again.

    A mark already there is written again: on PostgreSQL that holds it until we commit, so it cannot be taken away unread meanwhile.
    """
    bulk.insert(conn, dirty_day, ("table_name", "day"), [(table, day) for day in sorted(days)], update=("day",))


def remove_rows(conn: sa.Connection, table: sa.Table, keys: Sequence[bulk.Values], *, now: datetime, chunk: int = 5000) -> int:
    """Take rows away by their keys (database values); what they said stays in row_past, their days are marked. How many there were."""
    names, key = [str(column.name) for column in table.columns], [str(column.name) for column in table.primary_key]
    at, gone, days = [names.index(k) for k in key], 0, set[int]()
    for start in range(0, len(keys), chunk):
        before = bulk.matching(conn, table, key, keys[start : start + chunk], names)
        _keep(conn, table.name, names, at, before, to_micros(now))
        bulk.delete(conn, table, key, [tuple(row[i] for i in at) for row in before])
        gone += len(before)
        days |= set().union(*_days(table, names, before).values())
    mark_dirty(conn, table.name, days)
    return gone


def _write_chunk(conn: sa.Connection, table: sa.Table, values: Sequence[bulk.Values], now: int, versioned: bool) -> Written:
    """One statement to look, one to keep what was, one to write."""
    names, keys = [str(column.name) for column in table.columns], [str(column.name) for column in table.primary_key]
    at = [names.index(k) for k in keys]
    hash_at, name_at = names.index("row_hash"), slice(names.index("source"), names.index("source_key") + 1)
    wanted = [tuple(row[i] for i in at) for row in values]
    known = {row[:-3]: row[-3:] for row in bulk.matching(conn, table, keys, wanted, [*keys, "row_hash", "source", "source_key"])}
    fresh, moved = list(values), []
    if known:
        fresh = [row for key, row in zip(wanted, values, strict=True) if key not in known]
        moved = [(key, row) for key, row in zip(wanted, values, strict=True) if key in known and known[key][0] != row[hash_at]]
        _rename(conn, table, keys, {key: row[name_at] for key, row in zip(wanted, values, strict=True)}, known)
    before = bulk.matching(conn, table, keys, [key for key, _ in moved], names)
    if versioned:
        _keep(conn, table.name, names, at, before, now)
    written = fresh + [row for _, row in moved]
    bulk.insert(conn, table, names, written, update=[n for n in names if n not in keys])
    return Written(len(fresh), len(moved), len(values) - len(written), _days(table, names, [*before, *written]))


def _rename(
    conn: sa.Connection,
    table: sa.Table,
    keys: list[str],
    given: Mapping[bulk.Values, bulk.Values],
    known: Mapping[bulk.Values, bulk.Values],
) -> None:
    """Rows known under another key of the same source: a mapping now names them otherwise, whatever they say."""
    renamed = [(given[key][1], *key) for key, (_, *before) in known.items() if before[0] == given[key][0] and before[1] != given[key][1]]
    bulk.update(conn, table, "source_key", keys, renamed)


def _values(conn: sa.Connection, table: sa.Table, columns: Mapping[str, Sequence[Any]], origin: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The columns as tuples of database values in the table's order."""
    count = len(next(iter(columns.values())))
    cells: list[Iterable[Any]] = []
    for column in table.columns:
        name = str(column.name)
        given = repeat(origin[name], count) if name in origin else columns.get(name) or repeat(_default(column), count)
        binder = None if name in origin or _is_moment(column) else _binder(column, conn.dialect)
        cells.append(map(binder, given) if binder else given)
    return list(zip(*cells, strict=True))


def _is_moment(column: sa.Column[Any]) -> bool:
    return isinstance(column.type, UtcDateTime)


def _binder(column: sa.Column[Any], dialect: sa.Dialect) -> Bind | None:
    if _is_moment(column):
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
    times = [(name, i) for i, name in enumerate(names) if name != "learned_at" and _is_moment(table.c[name])]
    quarters = {name: {row[i] // _QUARTER for row in rows if row[i] is not None} for name, i in times}
    return {name: set(map(_day, found)) for name, found in quarters.items()}


@lru_cache(maxsize=65_536)
def _day(quarter: int) -> int:
    return day_number(from_micros(quarter * _QUARTER))
