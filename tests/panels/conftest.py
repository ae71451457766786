"""The town at noon: one for all who only look, and one of one's own for who changes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.whole_city import Town, copy_of_town


@pytest.fixture(scope="package")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Something of everything; not to be changed."""
    made = copy_of_town(tmp_path_factory.mktemp("town"))
    yield made
    made.engine.dispose()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Town]:
    """The same, to be changed."""
    made = copy_of_town(tmp_path)
    yield made
    made.engine.dispose()
