"""A linkage end to end with its department alive: bad air sends sweepers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from data_sources.departments import air, air_schema
from data_sources.departments.building import local_text
from tests.departments.alive import built


def test_dust_sends_sweepers_whose_trips_are_seen_and_when_the_air_is_better_it_closes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(air, "HISTORY", timedelta(days=2))
    monkeypatch.setattr(air, "WARNINGS_KEPT", timedelta(days=2))
    city = built(tmp_path, "air", ["air", "road_cleaning"], datetime(2026, 5, 20, 4, 20, tzinfo=UTC))
    station = city.provoke("dust").partition("：")[0]
    city.live(480, 15, until="done", playbook="dust")
    assert (city.run("dust")["state"], city.closed("dust")) == ("done", True)
    assert city.steps("dust")["sweep"] == city.steps("dust")["effect"] == "done"
    order = next(order for order in city.orders("dust") if order["answer"] == "done")
    assert station.removesuffix("微站") in order["place"]
    trips = air_schema.trips.c
    with city.department.connect() as conn:
        called = sa.select(trips.作业方式).where(trips.任务来源 == "联动", trips.计划开始 > local_text(city.began))
        assert {"洗扫", "洒水"} <= set(conn.scalars(called))
    city.end()
