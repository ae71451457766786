"""Two linkages end to end with the sensor platform alive: gas in a septic tank, and a rock in the rain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from data_sources.departments import slopes_schema, tanks_orders, tanks_schema
from tests.demo_city import NOW, copy_of_home
from tests.departments.alive import Alive
from tests.departments.inboxes import answers

Start = Callable[[str, timedelta], Alive]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """The platform in a home of its own, with the cockpit over one domain of it."""
    begun: list[Alive] = []

    def make(domain: str, back: timedelta) -> Alive:
        begun.append(Alive(copy_of_home(tmp_path), "sensors", [domain], NOW, back))
        return begun[-1]

    yield make
    for city in begun:
        city.end()


def test_gas_is_aired_the_tank_pumped_both_are_verified_and_the_alert_closes(start: Start) -> None:
    city = start("septic_tanks", timedelta(minutes=20))
    tank = city.provoke("gas").partition("：")[0].split(" ")[-1]
    city.live(90, 3, until="done", playbook="gas")
    assert (city.run("gas")["state"], city.closed("gas")) == ("done", True)
    assert {key: state for key, state in city.steps("gas").items() if key != "crew"} == dict.fromkeys(
        ("ventilate", "pump", "drained", "verify"), "done"
    )
    orders = city.orders("gas")
    assert [(order["kind"], order["asset_id"], order["answer"]) for order in orders] == [
        ("ventilate", tank, "done"),
        ("pump", tank, "done"),
    ]
    with city.department.connect() as conn:
        kinds = conn.execute(sa.select(tanks_schema.inbox.c.指令, tanks_schema.inbox.c.池编号)).all()
        run = conn.execute(
            sa.select(tanks_schema.pump_runs).where(tanks_schema.pump_runs.c.池编号 == tank).order_by(sa.desc("开始时间"))
        ).first()
    assert [tuple(kind) for kind in kinds] == [("通风", tank), ("抽排", tank)]
    assert run is not None and run.触发方式 == 2
    assert [state for state, _, _ in answers(city.department, tanks_orders.BOX, orders[0]["order_no"])] == ["accepted", "arrived", "done"]


def test_a_rock_in_the_rain_is_called_answered_and_people_are_moved_once_somebody_decides(start: Start) -> None:
    city = start("slopes", timedelta(hours=7))
    point = city.provoke("rock").partition("：")[0].split(" ")[-1]
    city.live(260, 5, until="done", playbook="rock")
    steps, orders = city.steps("rock"), city.orders("rock")
    assert steps["call"] == "done" == steps["respond"]
    assert [order["kind"] for order in orders][:2] == ["call", "respond"]
    assert {order["asset_id"] for order in orders} == {point}
    with city.department.connect() as conn:
        query = sa.select(slopes_schema.warnings).where(slopes_schema.warnings.c.隐患点编号 == point).order_by(sa.desc("发布时间"))
        warning = conn.execute(query).mappings().first()
    assert warning is not None and warning["响应时间"]
    assert steps["evacuate"] == "done" and warning["已转移人数"] > 0
    assert (city.run("rock")["state"], city.closed("rock")) == ("done", True)
