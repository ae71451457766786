"""The small city and its lamp yard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.casework.linkage.yard import Yard
from tests.small_city import SmallCity


@pytest.fixture
def yard(town: SmallCity, tmp_path: Path) -> Iterator[Yard]:
    """A yard that takes orders."""
    made = Yard(town, tmp_path)
    yield made
    made.theirs.dispose()
