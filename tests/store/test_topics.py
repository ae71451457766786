"""The pulse: a change moves its topic and no other."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from dashboard.store.engine import writing
from dashboard.store.topics import bump, versions

NOW = datetime(2025, 6, 1, 4, 0, tzinfo=UTC)


def test_a_change_moves_its_topics_and_no_other(store: sa.Engine) -> None:
    for topics in (["alerts", "kpi:air"], ["alerts", "alerts"], []):
        with writing(store).begin() as conn:
            bump(conn, topics, NOW)
    with store.connect() as conn:
        assert versions(conn) == {"alerts": 2, "kpi:air": 1}


def test_a_change_that_did_not_happen_moves_nothing(store: sa.Engine) -> None:
    with pytest.raises(RuntimeError), writing(store).begin() as conn:
        bump(conn, ["alerts"], NOW)
        raise RuntimeError("pulled the plug")
    with store.connect() as conn:
        assert versions(conn) == {}
