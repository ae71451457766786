"""Rows named as costing points are the ones that do, also where a high share is the bad one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from dashboard.core.catalog import load_catalog
from dashboard.kpi.explain import explain
from dashboard.settings import Settings
from dashboard.store.engine import open_store, writing
from dashboard.store.migrate import migrate
from data_sources.minibuses.tables import visit

NOW = datetime(2025, 6, 18, 4, tzinfo=UTC)


@pytest.mark.parametrize(("key", "costly"), [("minibuses.bunching", "0.1"), ("minibuses.gaps", "2.0")])
def test_the_late_and_the_bunched_buses_are_listed_and_not_the_punctual_ones(tmp_path: Path, key: str, costly: str) -> None:
    catalog = load_catalog()
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    migrate(store, now=NOW)
    origin = {"source": "buses", "pull_run": 1, "learned_at": NOW, "row_hash": ""}
    rows = [
        {"case_id": str(r), "source_key": str(r), "opened_at": NOW, "line": "3200", "planned_min": 10, "actual_min": 10 * r, "ratio": r}
        for r in (0.1, 1.0, 2.0)
    ]
    with writing(store).begin() as conn:
        conn.execute(sa.insert(visit), [origin | row for row in rows])
    settings = Settings(
        file="", home=tmp_path, store_url="", port=0, host="", city={}, index={}, sources={}, pulls={}, token_key=b"k"
    )  # fmt: skip
    with store.connect() as conn:
        opened = explain(conn, catalog, settings, key, "district", NOW)
    assert opened.lost.total == 1
    assert dict(zip(opened.lost.columns, opened.lost.rows[0], strict=True))["case_id"] == costly
