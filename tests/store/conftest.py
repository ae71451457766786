"""A migrated store on SQLite and the same on PostgreSQL: every test here that asks for `store` runs on both."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from dashboard.core.tables import asset_table, case_table, metadata
from dashboard.core.times import UtcDateTime
from dashboard.store.engine import open_store
from dashboard.store.migrate import ENGINE_TABLES, migrate

OURS = sa.MetaData(naming_convention=metadata.naming_convention)


def _own(table: sa.Table) -> sa.Table:
    """The table in a metadata of these tests' own, so that no other test meets it."""
    metadata.remove(table)
    return table.to_metadata(OURS)


LAMPS = _own(asset_table("store_lamp", sa.Column("height", sa.Float), sa.Column("is_old", sa.Boolean), sa.Column("built", sa.Date)))
CASES = _own(case_table("store_case"))
COUNTS = sa.Table(
    "store_count",
    OURS,
    sa.Column("line", sa.String(16), primary_key=True),
    sa.Column("hour_at", UtcDateTime, primary_key=True),
    sa.Column("riders", sa.Integer),
    *(sa.Column(column.name, column.type) for column in list(LAMPS.columns)[-5:]),
)


@pytest.fixture
def lamps() -> sa.Table:
    """An asset table with a number, a claim and a date of its own."""
    return LAMPS


@pytest.fixture
def cases() -> sa.Table:
    """A case table."""
    return CASES


@pytest.fixture
def counts() -> sa.Table:
    """A table whose key has two columns."""
    return COUNTS


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a store: a new file, or a database that may hold what an earlier test left."""
    return f"sqlite:///{tmp_path / 'store.db'}" if request.param == "sqlite" else str(request.getfixturevalue("postgresql_for_session"))


@pytest.fixture
def empty_store(store_url: str) -> Iterator[sa.Engine]:
    """A store with no tables at all."""
    engine = open_store(store_url)
    if engine.dialect.name == "postgresql":
        with engine.begin() as conn:
            conn.exec_driver_sql("DROP SCHEMA public CASCADE")
            conn.exec_driver_sql("CREATE SCHEMA public")
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def new_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite store, to be copied: making one anew for each test would be most of what the tests do."""
    path = tmp_path_factory.mktemp("new") / "store.db"
    engine = open_store(f"sqlite:///{path}")
    migrate(engine, OURS)
    engine.dispose()
    return path


@pytest.fixture
def store(store_url: str, request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    """A store with the engine's tables and a small domain's, all empty."""
    engine = open_store(store_url)
    if engine.dialect.name == "sqlite":
        shutil.copy(request.getfixturevalue("new_file"), str(engine.url.database))
    else:
        _emptied(engine)
    yield engine
    engine.dispose()


def _emptied(engine: sa.Engine) -> None:
    with engine.connect() as conn:
        whole = sa.inspect(conn).has_table(COUNTS.name)
    if not whole:
        migrate(engine, OURS)
    with engine.begin() as conn:
        names = [*ENGINE_TABLES, *OURS.tables]
        conn.exec_driver_sql("ALTER TABLE audit DISABLE TRIGGER USER")  # they refuse
        conn.exec_driver_sql(";".join(f"DELETE FROM {name}" for name in names))
        conn.exec_driver_sql("ALTER TABLE audit ENABLE TRIGGER USER")


@pytest.fixture
def sqlite_store(tmp_path: Path, new_file: Path) -> Iterator[sa.Engine]:
    """A SQLite store, for what is read from SQLite alone."""
    engine = open_store(f"sqlite:///{shutil.copy(new_file, tmp_path / 'own.db')}")
    yield engine
    engine.dispose()
