"""Many rows at once, on both databases: driver-level executemany on SQLite, COPY and arrays on PostgreSQL.

Everything here takes plain tuples of database values; rows of a few thousand pay for no object each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import orjson
import sqlalchemy as sa

from dashboard.store.narrow import is_open

Values = tuple[Any, ...]
_COPY_FROM = 200  # rows from which COPY beats statement after statement


def on_sqlite(conn: sa.Connection) -> bool:
    """Whether the store is a SQLite file."""
    return conn.dialect.name == "sqlite"


def quoted(conn: sa.Connection, names: Iterable[str]) -> list[str]:
    """Identifiers as this database wants them written."""
    return [conn.dialect.identifier_preparer.quote(name) for name in names]


def insert(
    conn: sa.Connection, table: sa.Table, columns: Sequence[str], rows: Sequence[Values], *, update: Iterable[str] | Mapping[str, str] = ()
) -> int:
    """Insert tuples; where the primary key is taken, set the `update` columns, or leave the row alone.

    `update` may give an expression a column, over `excluded` and the row there. Keys must not repeat within `rows`.
    Returns how many rows were written.
    """
    if not rows:
        return 0
    (name,), names, key = quoted(conn, [table.name]), quoted(conn, columns), quoted(conn, (c.name for c in table.primary_key))
    changes = update if isinstance(update, Mapping) else {c: f"excluded.{c}" for c in quoted(conn, update)}
    taken = ", ".join(f"{c} = {expression}" for c, expression in changes.items())
    conflict = f"ON CONFLICT ({', '.join(key)}) DO " + (f"UPDATE SET {taken}" if taken else "NOTHING")
    into = f"INSERT INTO {name} ({', '.join(names)})"
    if on_sqlite(conn) or len(rows) < _COPY_FROM:
        mark = "?" if on_sqlite(conn) else "%s"
        marks = ", ".join([mark] * len(names))
        return conn.exec_driver_sql(f"{into} VALUES ({marks}) {conflict}", list(rows)).rowcount
    staged = _copy(conn, name, table.name, names, rows)
    return conn.exec_driver_sql(f"{into} SELECT {', '.join(names)} FROM {staged} {conflict}").rowcount


def delete(conn: sa.Connection, table: sa.Table, by: Sequence[str], keys: Sequence[Values]) -> None:
    """Delete the rows whose `by` columns equal one of the keys."""
    if keys:
        conn.exec_driver_sql(f"DELETE FROM {quoted(conn, [table.name])[0]} WHERE {_equal(conn, by)}", list(keys))


def update(conn: sa.Connection, table: sa.Table, column: str, by: Sequence[str], rows: Sequence[Values]) -> None:
    """Set a column where the `by` columns equal a key; rows are (value, *key)."""
    if rows:
        (name,), (set_,) = quoted(conn, [table.name]), quoted(conn, [column])
        mark = "?" if on_sqlite(conn) else "%s"
        conn.exec_driver_sql(f"UPDATE {name} SET {set_} = {mark} WHERE {_equal(conn, by)}", list(rows))


def _equal(conn: sa.Connection, by: Sequence[str]) -> str:
    mark = "?" if on_sqlite(conn) else "%s"
    return " AND ".join(f"{name} = {mark}" for name in quoted(conn, by))


def _copy(conn: sa.Connection, table: str, plain: str, names: Sequence[str], rows: Sequence[Values]) -> str:
    """The rows in a temporary table shaped like `table`, which is emptied with every transaction."""
    staged = f"staged_{plain}"
    conn.exec_driver_sql(f"CREATE TEMP TABLE IF NOT EXISTS {staged} (LIKE {table}) ON COMMIT DELETE ROWS")
    conn.exec_driver_sql(f"TRUNCATE {staged}")
    connection: Any = conn.connection.driver_connection
    with connection.cursor() as cursor, cursor.copy(f"COPY {staged} ({', '.join(names)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    return staged


def numbers(conn: sa.Connection, table: sa.Table, columns: Sequence[str], channel_id: int, start: int, end: int) -> Any:
    """Columns of a channel's readings in [start, end), in order of time, as rows of a matrix: no object of ours for any of them."""
    if not is_open(conn, channel_id):
        return np.empty((0, len(columns)))
    mark, names = "?" if on_sqlite(conn) else "%s", ", ".join(quoted(conn, columns))
    meets = f"channel_id = {mark} AND ts >= {mark} AND ts < {mark}"
    cursor = conn.connection.cursor()
    try:
        cursor.execute(f"SELECT {names} FROM {table.name} WHERE {meets} ORDER BY ts", (channel_id, start, end))
        flat = np.fromiter(chain.from_iterable(cursor.fetchall()), dtype=np.float64)  # holds microseconds exactly
    finally:
        cursor.close()
    return flat.reshape(-1, len(columns))


def matching(conn: sa.Connection, table: sa.Table, by: Sequence[str], keys: Sequence[Values], columns: Sequence[str]) -> list[Values]:
    """The columns of the rows whose `by` columns equal one of the keys: one statement, one index seek a key."""
    if not keys:
        return []
    source, key_names, arguments = _keys(conn, [table.c[name] for name in by], keys)
    wanted = ", ".join(f"t.{c}" for c in quoted(conn, columns))
    meets = " AND ".join(f"t.{c} = {k}" for c, k in zip(quoted(conn, by), key_names, strict=True))
    (name,) = quoted(conn, [table.name])
    found = conn.exec_driver_sql(f"SELECT {wanted} FROM {source} CROSS JOIN {name} t WHERE {meets}", arguments)
    return [tuple(row) for row in found]


def spans(conn: sa.Connection, table: sa.Table, wanted: Sequence[tuple[int, int, int]], columns: Sequence[str]) -> list[Values]:
    """The columns of readings in each (channel, from, to): one index range each, `to` left out."""
    if not wanted:
        return []
    source, (channel, start, end), arguments = _keys(conn, [table.c.channel_id, table.c.ts, table.c.ts], wanted)
    names = ", ".join(f"t.{c}" for c in columns)
    meets = f"t.channel_id = {channel} AND t.ts >= {start} AND t.ts < {end}"
    found = conn.exec_driver_sql(f"SELECT {names} FROM {source} CROSS JOIN {table.name} t WHERE {meets}", arguments)
    return [tuple(row) for row in found]


def _keys(conn: sa.Connection, columns: Sequence[sa.Column[Any]], keys: Sequence[Values]) -> tuple[str, list[str], tuple[Any, ...]]:
    """Keys as something to select from: JSON on SQLite, arrays on PostgreSQL; so the statement is the same for any number."""
    if on_sqlite(conn):
        names = [f"json_extract(k.value, '$[{i}]')" for i in range(len(columns))]
        return "json_each(?) k", names, (orjson.dumps(keys).decode(),)
    names = [f"k.k{i}" for i in range(len(columns))]
    arrays = ", ".join(f"%s::{column.type.compile(conn.dialect)}[]" for column in columns)
    return f"unnest({arrays}) AS k({', '.join(n[2:] for n in names)})", names, tuple(map(list, zip(*keys, strict=True)))
