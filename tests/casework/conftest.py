"""The small city on SQLite, and the same on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.small_city import SmallCity


@pytest.fixture
def town(any_store_url: str, tmp_path: Path) -> Iterator[SmallCity]:
    """The small city, empty, at noon."""
    made = SmallCity(any_store_url, tmp_path)
    yield made
    made.engine.dispose()
