"""A department's database, and our desk beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

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


@pytest.fixture
def any_bureau(any_department_url: str) -> Department:
    """A department on each kind of database, one after the other."""
    made = Department(any_department_url)
    made.does(POST_TABLE, GAUGE_TABLE)
    return made


@pytest.fixture
def any_desk(tmp_path: Path, any_bureau: Department) -> Iterator[Desk]:
    """Our store, with that department mapped."""
    made = mapped(open_desk(tmp_path / "store.db", any_bureau.url))
    yield made
    made.store.dispose()
