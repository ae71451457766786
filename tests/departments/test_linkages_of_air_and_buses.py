"""Two linkages end to end with their departments alive: sweepers for bad air, and a spare bus for a gap."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from dashboard.demo import build_demo
from data_sources.departments import air, air_schema, minibus_schema, minibuses
from data_sources.departments.building import local_text
from tests.demo_city import SEED, settings_in
from tests.departments.alive import Alive


def _alive(home: Path, key: str, domains: list[str], now: datetime) -> Alive:
    build_demo(settings_in(home), now, SEED, fresh=False, only=[key], report=lambda _line: None)
    return Alive(home, key, domains, now, timedelta(hours=3))


def test_dust_sends_sweepers_whose_trips_are_seen_and_when_the_air_is_better_it_closes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(air, "HISTORY", timedelta(days=2))
    monkeypatch.setattr(air, "WARNINGS_KEPT", timedelta(days=2))
    city = _alive(tmp_path, "air", ["air", "road_cleaning"], datetime(2026, 5, 20, 4, 20, tzinfo=UTC))
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


def test_a_gap_is_filled_by_a_spare_bus_and_the_alert_closes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minibuses, "HISTORY", timedelta(days=38))
    monkeypatch.setattr(minibuses, "KEPT_TRIPS", timedelta(days=1))
    city = _alive(tmp_path, "minibuses", ["minibuses"], datetime(2026, 5, 20, 2, 0, tzinfo=UTC))
    line = city.provoke("gap").partition("路")[0]
    city.live(110, 2.5, until="done", playbook="gap")
    assert (city.run("gap")["state"], city.closed("gap")) == ("done", True)
    assert [order["answer"] for order in city.orders("gap")][-1] == "done"
    with city.department.connect() as conn:
        objects = set(conn.scalars(sa.select(minibus_schema.inbox.c.对象编号)))
    assert {code.partition("-")[0] for code in objects} == {line}
    city.end()
