"""A linkage end to end with its department alive: a gap between minibuses brings a spare one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from data_sources.departments import minibus_schema, minibuses
from tests.departments.alive import built


def test_a_gap_is_filled_by_a_spare_bus_and_the_alert_closes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minibuses, "HISTORY", timedelta(days=38))
    monkeypatch.setattr(minibuses, "KEPT_TRIPS", timedelta(days=1))
    city = built(tmp_path, "minibuses", ["minibuses"], datetime(2026, 5, 20, 2, 0, tzinfo=UTC))
    line = city.provoke("gap").partition("路")[0]
    city.live(110, 2.5, until="done", playbook="gap")
    assert (city.run("gap")["state"], city.closed("gap")) == ("done", True)
    assert [order["answer"] for order in city.orders("gap")][-1] == "done"
    with city.department.connect() as conn:
        objects = set(conn.scalars(sa.select(minibus_schema.inbox.c.对象编号)))
    assert {code.partition("-")[0] for code in objects} == {line}
    city.end()
