"""The small city on SQLite; tests marked `on_both` meet it on PostgreSQL too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import _made_and_dropped
from tests.small_city import SmallCity


@pytest.fixture(scope="package")
def one_postgresql_url() -> Iterator[str]:
    """One database for all tests here; each leaves it empty."""
    yield from _made_and_dropped("postgresql")


@pytest.fixture
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SmallCity]:
    """The small city, empty, at noon."""
    on = getattr(request, "param", "sqlite")
    made = SmallCity(f"sqlite:///{tmp_path / 'store.db'}" if on == "sqlite" else request.getfixturevalue("one_postgresql_url"), tmp_path)
    yield made
    made.leave()
