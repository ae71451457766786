"""Sanitation under orders: sweepers go out when the city asks, the air there gets better, and every answer is one of four."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from data_sources.departments import air, air_orders, air_schema
from data_sources.departments.air import DEPARTMENT
from data_sources.departments.air_hours import hourly
from data_sources.departments.air_life import STATIONS
from data_sources.departments.air_linkage import Asked, pm10
from data_sources.departments.air_orders import BOX, answered
from data_sources.departments.building import local_text, open_department
from data_sources.departments.orders import WITHDRAW, Order, is_heard
from tests.departments.inboxes import answers, send

SERVERS = [
    pytest.param("postgresql", marks=pytest.mark.postgresql),
    pytest.param("mariadb", marks=pytest.mark.mariadb),
]
NOW = datetime(2026, 5, 20, 4, 0, 30, tzinfo=UTC)  # noon in the city: warm and dry
SEED = 7
STATION = next(s for s in STATIONS if s.is_micro)
LATER = NOW + timedelta(hours=4)


def _number(outcome: str) -> str:
    """An order of now that will be met so."""
    found = (f"YZ-{i}" for i in range(2000))
    return next(number for number in found if _met(number) == outcome)


def _met(number: str) -> str:
    order = Order(number, "sweep", STATION.code, NOW.timestamp() + 30)
    outcome = answered((order,), NOW.timestamp(), (), SEED).calls[0].outcome
    return outcome if is_heard(order, SEED) else "unheard"


@pytest.fixture
def department(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[sa.Engine]:
    monkeypatch.setattr(air, "HISTORY", timedelta(days=3))
    monkeypatch.setattr(air, "KEPT_FIVE_MINUTES", timedelta(days=1))
    engine = open_department(f"sqlite:///{tmp_path / 'air.db'}")
    DEPARTMENT.build(engine, NOW, SEED)
    yield engine
    engine.dispose()


def _live(engine: sa.Engine, *minutes: float) -> None:
    for since, until in pairwise(NOW + timedelta(minutes=m) for m in (0, *minutes)):
        DEPARTMENT.live(engine, since, until, SEED)


def _rows(engine: sa.Engine, table: sa.Table) -> list[tuple[object, ...]]:
    with engine.connect() as conn:
        return [tuple(row) for row in conn.execute(sa.select(table).order_by(*table.primary_key.columns))]


def _linked_trips(engine: sa.Engine) -> list[tuple[object, ...]]:
    trips = air_schema.trips.c
    with engine.connect() as conn:
        query = sa.select(trips.工单编号, trips.作业方式).where(trips.任务来源 == "联动", trips.计划开始 > local_text(NOW))
        return [tuple(row) for row in conn.execute(query)]


def test_without_an_order_nobody_is_sent_any_more(department: sa.Engine) -> None:
    _live(department, 360)
    assert _linked_trips(department) == []
    assert _rows(department, air_schema.receipts) == []


def test_an_order_is_accepted_driven_and_done_and_its_trips_are_seen(department: sa.Engine) -> None:
    number = _number("办结")
    send(department, BOX, NOW + timedelta(seconds=30), number, "sweep", STATION.code)
    _live(department, *range(1, 300, 7))
    assert [state for state, _, _ in answers(department, BOX, number)] == ["accepted", "arrived", "done"]
    assert {"洗扫", "洒水"} <= {way for _, way in _linked_trips(department)}
    with department.connect() as conn:
        row = conn.execute(sa.select(air_schema.calls).order_by(air_schema.calls.c.派单时间.desc())).mappings().first()
    assert row is not None
    assert (row["站点编码"], row["状态"]) == (STATION.code, "办结")


def test_the_air_there_gets_better_and_nowhere_else() -> None:
    order = Order(_number("办结"), "sweep", STATION.code, NOW.timestamp() + 30)
    asked = answered((order,), NOW.timestamp(), (), SEED)
    at = np.array([asked.calls[0].done + 600])
    quiet = Asked(NOW.timestamp())
    assert pm10(at, STATION, SEED, asked)[0] < pm10(at, STATION, SEED, quiet)[0] - 2
    far = next(s for s in STATIONS if s.is_micro and s.street != STATION.street)
    assert pm10(at, far, SEED, asked)[0] == pm10(at, far, SEED, quiet)[0]


@pytest.mark.parametrize(("met", "told"), [("漏派", ["refused"]), ("unheard", [])])
def test_some_orders_are_refused_and_some_never_answered_and_then_nobody_drives(department: sa.Engine, met: str, told: list[str]) -> None:
    number = _number(met)
    send(department, BOX, NOW + timedelta(seconds=30), number, "sweep", STATION.code)
    _live(department, 300)
    assert [state for state, _, _ in answers(department, BOX, number)] == told
    assert _linked_trips(department) == []


def test_in_rain_an_order_is_refused_with_the_reason(department: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(air_orders, "rain", lambda at, seed: np.full_like(at, 2.0))
    number = _number("降雨中止")
    send(department, BOX, NOW + timedelta(seconds=30), number, "sweep", STATION.code)
    _live(department, 60)
    assert [(state, result) for state, _, result in answers(department, BOX, number)] == [("refused", "降雨")]


def test_sweepers_called_back_before_they_left_stay_and_say_no_more(department: sa.Engine) -> None:
    number = _number("办结")
    send(department, BOX, NOW + timedelta(seconds=30), number, "sweep", STATION.code)
    send(department, BOX, NOW + timedelta(minutes=2), f"{number}x", WITHDRAW, STATION.code, f"撤销工单{number}：降雨")
    _live(department, 300)
    assert [state for state, _, _ in answers(department, BOX, number)] == []
    assert _linked_trips(department) == []


def test_a_drill_is_answered_as_a_drill_and_moves_nothing(department: sa.Engine, tmp_path: Path) -> None:
    other = open_department(f"sqlite:///{tmp_path / 'other.db'}")
    DEPARTMENT.build(other, NOW, SEED)
    send(department, BOX, NOW + timedelta(seconds=30), "演练-1", "sweep", STATION.code, drill=True)
    for engine in (department, other):
        DEPARTMENT.live(engine, NOW, LATER, SEED)
    assert [state for state, _, _ in answers(department, BOX, "演练-1")] == ["accepted", "arrived", "done"]
    assert {(row[6][:4], row[8]) for row in _rows(department, air_schema.receipts)} == {("【演练】", "1")}  # type: ignore[index]
    for table in (air_schema.hours, air_schema.five_minutes, air_schema.trips, air_schema.calls):
        assert _rows(department, table) == _rows(other, table)
    other.dispose()


def test_orders_in_small_steps_or_at_once_are_answered_the_same(department: sa.Engine, tmp_path: Path) -> None:
    other = open_department(f"sqlite:///{tmp_path / 'other.db'}")
    DEPARTMENT.build(other, NOW, SEED)
    for i in range(12):
        for engine in (department, other):
            send(engine, BOX, NOW + timedelta(minutes=5 * i, seconds=20), f"YZ-{i}", "sweep", STATIONS[2 + i % 11].code)
    DEPARTMENT.live(department, NOW, LATER, SEED)
    for since, until in pairwise(NOW + timedelta(minutes=m) for m in (0, 0.1, 3, 30, 31, 90, 91, 240)):
        DEPARTMENT.live(other, since, until, SEED)
    for table in (air_schema.inbox, air_schema.receipts, air_schema.hours, air_schema.trips, air_schema.calls):
        assert _rows(department, table) == _rows(other, table), table.name
    assert len(_rows(department, air_schema.receipts)) > 20
    other.dispose()


def test_an_order_that_lay_in_the_box_while_nobody_was_there_begins_when_it_is_found(department: sa.Engine) -> None:
    _live(department, 90)
    number = _number("办结")
    send(department, BOX, NOW - timedelta(hours=1), number, "sweep", STATION.code)
    DEPARTMENT.live(department, NOW + timedelta(minutes=90), NOW + timedelta(minutes=300), SEED)
    assert all(at > local_text(NOW + timedelta(minutes=90)) for _, at, _ in answers(department, BOX, number))


def test_dust_raised_now_is_in_the_hour_just_told_and_lies_down_again(department: sa.Engine) -> None:
    with department.begin() as conn:
        said = DEPARTMENT.provokes["dust"](conn, NOW.timestamp(), SEED)
    _live(department, 1)
    name = said.partition("：")[0]
    station = next(s for s in STATIONS if s.name == name)
    hours = air_schema.hours.c
    with department.connect() as conn:
        newest = conn.execute(
            sa.select(hours.pm10, hours.更新时间).where(hours.站点编码 == station.code).order_by(hours.监测时间.desc())
        ).first()
    assert newest is not None
    assert float(newest[0]) > 150
    assert newest[1] > local_text(NOW)
    with department.begin() as conn:
        asked, _ = air_orders.asked_of(conn, NOW.timestamp() + 60, NOW.timestamp() + 60, SEED)
    later = np.array([NOW.timestamp() // 3600 * 3600 + 8 * 3600])
    assert hourly(later, station, SEED, asked)["pm10"][0] < hourly(later, station, SEED)["pm10"][0] + 5


def test_most_orders_are_carried_out() -> None:
    met = Counter(_met(f"YZ{i}") for i in range(300))
    assert met["办结"] > 240
    assert met["漏派"] and met["unheard"] and met["未办结"]


@pytest.mark.parametrize("server", SERVERS)
def test_orders_are_taken_on_a_database_server_too(server: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setattr(air, "HISTORY", timedelta(days=2))
    monkeypatch.setattr(air, "KEPT_FIVE_MINUTES", timedelta(hours=6))
    engine = open_department(request.getfixturevalue(f"{server}_url"))
    DEPARTMENT.build(engine, NOW, SEED)
    number = _number("办结")
    send(engine, BOX, NOW + timedelta(seconds=30), number, "sweep", STATION.code)
    with engine.begin() as conn:
        DEPARTMENT.provokes["dust"](conn, NOW.timestamp(), SEED)
    _live(engine, 1, 240)
    assert [state for state, _, _ in answers(engine, BOX, number)] == ["accepted", "arrived", "done"]
    engine.dispose()
