"""Connections to the store: SQLite in WAL mode for one machine, PostgreSQL by address."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa


def open_store(url: str, audit_key: bytes = b"") -> sa.Engine:
    """An engine for the store. SQLite: WAL, normal sync, writers wait up to 30 s for one another. `audit_key` seals the audit log."""
    address, options = sa.make_url(url), {"audit_key": audit_key}
    if address.get_backend_name() != "sqlite":
        return sa.create_engine(address, pool_pre_ping=True, pool_size=8, execution_options=options)
    if address.database and address.database != ":memory:":
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(address, connect_args={"timeout": 30}, execution_options=options)
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we send BEGIN ourselves, so that a writer takes its lock at once
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-65536", "wal_autocheckpoint=4000", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def writing(engine: sa.Engine) -> sa.Engine:
    """The same store for a transaction that will write: `with writing(engine).begin() as conn:`."""
    return engine.execution_options(writes=True)
