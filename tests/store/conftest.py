"""A store on SQLite and the same on PostgreSQL; every test here runs on both."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from dashboard.core.tables import asset_table, case_table, metadata
from dashboard.core.times import UtcDateTime
from dashboard.store import schema
from dashboard.store.engine import open_store

POSTGRESQL = os.environ.get("COCKPIT_TEST_POSTGRESQL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")
NOW = datetime(2025, 6, 1, 4, 0, tzinfo=UTC)

lamps = asset_table("store_lamp", sa.Column("height", sa.Float), sa.Column("is_old", sa.Boolean), sa.Column("built", sa.Date))
cases = case_table("store_case")
counts = sa.Table(
    "store_count",
    metadata,
    sa.Column("line", sa.String(16), primary_key=True),
    sa.Column("hour_at", UtcDateTime, primary_key=True),
    sa.Column("riders", sa.Integer),
    sa.Column("source", sa.String(64)),
    sa.Column("source_key", sa.String(191)),
    sa.Column("pull_run", sa.BigInteger),
    sa.Column("learned_at", UtcDateTime),
    sa.Column("row_hash", sa.String(32)),
)
OURS = [lamps, cases, counts]


@pytest.fixture(scope="session")
def postgresql_address() -> Iterator[str]:
    """A PostgreSQL database of our own, gone afterwards."""
    server = sa.create_engine(POSTGRESQL, isolation_level="AUTOCOMMIT")
    name = f"cockpit_store_{uuid.uuid4().hex[:12]}"
    try:
        with server.connect() as conn:
            conn.exec_driver_sql(f"CREATE DATABASE {name}")
    except sa.exc.OperationalError as gone:
        pytest.skip(f"no PostgreSQL at {POSTGRESQL}: {str(gone.orig).splitlines()[0]}")
    yield str(sa.make_url(POSTGRESQL).set(database=name))
    with server.connect() as conn:
        conn.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    server.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An address of an empty store."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    address: str = request.getfixturevalue("postgresql_address")
    engine = sa.create_engine(address)
    with engine.begin() as conn:
        conn.exec_driver_sql("DROP SCHEMA public CASCADE")
        conn.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()
    return address


@pytest.fixture
def store(store_url: str) -> Iterator[sa.Engine]:
    """A store with its tables."""
    engine = open_store(store_url)
    tables = [getattr(schema, name) for name in schema.__all__ if isinstance(getattr(schema, name), sa.Table)]
    with engine.begin() as conn:
        metadata.create_all(conn, tables + OURS)
    yield engine
    engine.dispose()
