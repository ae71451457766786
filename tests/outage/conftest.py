"""Two departments, our store, and the worker between them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.core.catalog import load_catalog
from dashboard.core.tables import metadata
from dashboard.store.engine import open_store
from dashboard.store.migrate import migrate
from tests.outage.town import CONFIG, GAUGES, SLOPES, Town


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    (tmp_path / "cockpit.toml").write_text(CONFIG, "utf-8")
    made = Town(tmp_path)
    made.does("posts", SLOPES)
    made.does("gauges", GAUGES)
    engine = open_store(made.settings.store_url)
    load_catalog()  # declares the domains' tables
    migrate(engine, metadata)
    engine.dispose()
    yield made
    made.ends()
    for each in made.engines.values():
        each.dispose()
