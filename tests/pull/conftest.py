"""A department's database, and our desk beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.pull.bureau import GAUGE_TABLE, POST_TABLE, Department, Desk, mapped, open_desk


@pytest.fixture
def bureau(tmp_path: Path) -> Department:
    """A SQLite department."""
    made = Department(f"sqlite:///{tmp_path / 'department.db'}")
    made.does(POST_TABLE, GAUGE_TABLE)
    return made


@pytest.fixture
def desk(tmp_path: Path, bureau: Department) -> Iterator[Desk]:
    """Our store, with the SQLite department mapped."""
    made = mapped(open_desk(tmp_path / "store.db", bureau.url))
    yield made
    made.store.dispose()


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql), pytest.param("mariadb", marks=pytest.mark.mariadb)],
)
def any_bureau(request: pytest.FixtureRequest, tmp_path: Path) -> Department:
    """A department on each kind of database, one after the other."""
    made = Department(_address(request, tmp_path))
    with made.engine.begin() as conn:  # a server's database is shared by the tests of a session: each finds it empty
        for table in sa.inspect(conn).get_table_names():
            sa.Table(table, sa.MetaData()).drop(conn)
    made.does(POST_TABLE, GAUGE_TABLE)
    return made


def _address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    fixtures = {"postgresql": "postgresql_for_session", "mariadb": "mariadb_url"}
    return str(request.getfixturevalue(fixtures[request.param])) if request.param in fixtures else f"sqlite:///{tmp_path / 'department.db'}"


@pytest.fixture
def any_desk(tmp_path: Path, any_bureau: Department) -> Iterator[Desk]:
    """Our store, with that department mapped."""
    made = mapped(open_desk(tmp_path / "store.db", any_bureau.url))
    yield made
    made.store.dispose()
