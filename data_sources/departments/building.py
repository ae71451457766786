"""What every demo department needs to fill its own database: fast inserts, local times as text, and the list of departments."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
import sqlalchemy as sa

import data_sources.departments as here
from data_sources.departments.life import Department, Floats

Row = tuple[Any, ...]
_BEGIN = datetime(1970, 1, 1, 8)  # noqa: DTZ001  the city's clock at the epoch, without offset as departments write it


@cache
def find_departments() -> dict[str, Department]:
    """Every module of this folder that ends in DEPARTMENT, by the department's key."""
    modules = (importlib.import_module(f"{here.__name__}.{info.name}") for info in pkgutil.iter_modules(here.__path__))
    found = [module.DEPARTMENT for module in modules if hasattr(module, "DEPARTMENT")]
    return {department.key: department for department in found}


def build_all(urls: Mapping[str, str], now: datetime, seed: int) -> None:
    """Build each named department into the empty database at its address."""
    departments = find_departments()
    for key, url in urls.items():
        engine = open_department(url)
        try:
            departments[key].build(engine, now, seed)
        finally:
            engine.dispose()


def open_department(url: str) -> sa.Engine:
    """An engine for a department's database. SQLite is opened in WAL mode so that the pull can read while we write."""
    engine = sa.create_engine(url)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _tune_sqlite)
    return engine


def _tune_sqlite(connection: Any, _record: Any) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=OFF", "cache_size=-65536", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")


def bulk_insert(conn: sa.Connection, table: sa.Table, rows: Iterable[Row], columns: Sequence[str] = ()) -> None:
    """Write rows (tuples in the order of `columns`, default: all columns of the table) the fastest way the database has.

    Generated integer keys may be left out of `columns`.
    """
    names = list(columns) or [column.name for column in table.columns]
    if conn.dialect.name == "postgresql":
        _copy(conn, table, rows, names)
        return
    batch = rows if isinstance(rows, list) else list(rows)
    if batch:
        conn.exec_driver_sql(_insert_text(conn, table, names, "INSERT INTO"), batch)


def add_rows(conn: sa.Connection, table: sa.Table, rows: Iterable[Row], columns: Sequence[str] = ()) -> None:
    """Write rows that may already be there: a row whose key exists is left alone.

    This is what makes a department's life safe to replay after a crash between its rows and its clock.
    """
    batch = list(rows)
    names = list(columns) or [column.name for column in table.columns]
    if not batch:
        return
    verb = {"sqlite": "INSERT OR IGNORE INTO", "mysql": "INSERT IGNORE INTO", "mariadb": "INSERT IGNORE INTO"}.get(
        conn.dialect.name, "INSERT INTO"
    )
    tail = " ON CONFLICT DO NOTHING" if conn.dialect.name == "postgresql" else ""
    conn.exec_driver_sql(_insert_text(conn, table, names, verb) + tail, batch)


def replace_rows(conn: sa.Connection, table: sa.Table, rows: Iterable[Row], columns: Sequence[str] = ()) -> None:
    """Write rows as they are now, in place of those with the same primary key."""
    batch = list(rows)
    names = list(columns) or [column.name for column in table.columns]
    keys = [names.index(column.name) for column in table.primary_key.columns]
    if not batch:
        return
    mark = "?" if conn.dialect.paramstyle == "qmark" else "%s"
    quote = conn.dialect.identifier_preparer.quote
    where = " AND ".join(f"{quote(names[i])} = {mark}" for i in keys)
    conn.exec_driver_sql(f"DELETE FROM {_place(conn, table)} WHERE {where}", [tuple(row[i] for i in keys) for row in batch])
    bulk_insert(conn, table, batch, names)


def _place(conn: sa.Connection, table: sa.Table) -> str:
    return conn.dialect.identifier_preparer.format_table(table)


def _insert_text(conn: sa.Connection, table: sa.Table, names: Sequence[str], verb: str) -> str:
    quote = conn.dialect.identifier_preparer.quote
    mark = "?" if conn.dialect.paramstyle == "qmark" else "%s"
    return f"{verb} {_place(conn, table)} ({', '.join(quote(n) for n in names)}) VALUES ({', '.join(mark for _ in names)})"


def _copy(conn: sa.Connection, table: sa.Table, rows: Iterable[Row], names: Sequence[str]) -> None:
    quote = conn.dialect.identifier_preparer.quote
    driver = conn.connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor, cursor.copy(f"COPY {_place(conn, table)} ({', '.join(quote(n) for n in names)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def rows_of(*columns: Any) -> list[Row]:
    """Rows out of columns: arrays and lists side by side, single values repeated. At least one column must be an array or list."""
    longest = max(len(c) for c in columns if isinstance(c, np.ndarray | list))
    ready = [c.tolist() if isinstance(c, np.ndarray) else c if isinstance(c, list) else [c] * longest for c in columns]
    return list(zip(*ready, strict=True))


def local_texts(at: Floats) -> list[str]:
    """Epoch seconds as the city's local time without offset, `2026-03-01 08:15:00`: how most departments keep time."""
    moments, back = np.unique(np.asarray(at, dtype=np.int64), return_inverse=True)
    texts = np.datetime_as_string((moments + 8 * 3600).astype("datetime64[s]"))
    words = np.array([text.replace("T", " ") for text in texts.tolist()], dtype=object)
    return words[back].tolist() if len(words) else []


def local_text(at: datetime | float) -> str:
    """One moment as the city's local time without offset."""
    seconds = at.timestamp() if isinstance(at, datetime) else at
    return (_BEGIN + timedelta(seconds=int(seconds))).isoformat(" ")  # an array of one would take ten times as long
