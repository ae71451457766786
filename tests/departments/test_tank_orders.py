"""Septic tanks under orders: gas falls because somebody said so, interlocks refuse with their reason, and nothing in a drill is real."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from data_sources.departments import sensors, tanks_schema
from data_sources.departments import tanks_life as tanks
from data_sources.departments.building import local_text, open_department
from data_sources.departments.happenings import Happening
from data_sources.departments.orders import Order, is_heard, is_refused
from data_sources.departments.sensors_shapes import HOUR
from data_sources.departments.tanks_asked import Asked, Desk, Wish
from data_sources.departments.tanks_life import MINUTE
from data_sources.departments.tanks_machine import Event, State
from data_sources.departments.tanks_orders import BOX
from data_sources.departments.tanks_play import Handling, handlings
from data_sources.departments.tanks_told import told
from tests.demo_city import NOW, SEED, copy_of_home, sensors_file
from tests.departments.inboxes import answers, send

AT = NOW.timestamp()
WISH = Wish("YZ-1", 3, AT, "ventilate")


def _calm_tank() -> int:
    """A tank nobody is at, with enough in it to be pumped."""
    everyone = np.arange(tanks.TANK_COUNT)
    level = told(SEED, everyone, np.full(len(everyone), AT)).level
    busy = {h.who for h in handlings(SEED, AT - 4 * HOUR, AT + 6 * HOUR)} | {tanks.STUCK, *tanks.SILENT, *tanks.FAST_CLOCK}
    return next(who for who in everyone.tolist() if who not in busy and 58 < level[who] < 74)


TANK = _calm_tank()
NUMBER = f"HFC{TANK + 1:04d}"


def _played(*wishes: Wish, gas: float = 22.0, since: float = AT - HOUR) -> Handling:
    """What happens in the tank when gas gathers there now."""
    asked = Asked(since, wishes, (Happening(str(TANK), AT, gas),))
    return next(h for h in handlings(SEED, AT, AT + HOUR, asked) if h.who == TANK)


def _wish(number: str, minutes: float, kind: str = "ventilate", **more: float) -> Wish:
    return Wish(number, TANK, AT + minutes * MINUTE, kind, **more)


def _told(h: Handling, number: str) -> list[str]:
    return [f"{a.state.value}:{a.result}" for a in sorted(h.answers, key=lambda a: a.at) if a.number == number]


def test_ventilating_on_order_brings_gas_down_sooner_than_leaving_it() -> None:
    ordered, left = _played(_wish("V", 6)), _played()
    assert _told(ordered, "V") == ["accepted:", "arrived:", "done:通风达标"]
    assert ordered.gas[25] < 10 < left.gas[25]


def test_a_pump_runs_on_order_once_the_tank_is_aired_and_proves_itself() -> None:
    h = _played(_wish("V", 6), _wish("P", 30, "pump"))
    assert _told(h, "P") == ["accepted:", "arrived:", "done:到停泵液位"]
    assert [(run.trigger, run.stop) for run in h.runs] == [(2, 1)]
    assert h.runs[0].level_before - h.runs[0].level_after > 10
    ways = [(c.old, c.new) for c in h.changes]
    assert ways[-1] == (State.VERIFYING, State.NORMAL)
    assert (State.VENTILATING, State.PUMPING) in ways


def test_a_level_that_was_pumped_down_stays_down() -> None:
    h = _played(_wish("V", 6), _wish("P", 30, "pump"))
    asked = Asked(AT - HOUR, (_wish("V", 6), _wish("P", 30, "pump")), (Happening(str(TANK), AT, 22.0),))
    later = told(SEED, np.array([TANK]), np.array([h.end + HOUR]), asked).level[0]
    assert later < h.runs[0].level_before - 10


def test_without_an_order_a_controller_airs_a_dangerous_tank_by_itself_but_late() -> None:
    alone, before = _played(gas=30), _played(gas=30, since=np.inf)
    begun = [next(c.at for c in h.changes if c.new is State.VENTILATING) for h in (before, alone)]
    assert 480 < begun[1] - begun[0] <= 600
    asked = _played(_wish("V", 6), gas=30)
    assert begun[0] < next(c.at for c in asked.changes if c.new is State.VENTILATING) < begun[1]


@pytest.mark.parametrize(
    ("state", "gas", "level", "kind", "result"),
    [
        (State.MAINTENANCE, 3, 70, "ventilate", "开盖"),
        (State.SENSOR_FAULT, 3, 70, "ventilate", "仪表故障"),
        (State.COMM_LOST, 3, 70, "pump", "失联"),
        (State.MANUAL_DISPATCH, 60, 70, "ventilate", "人工处置中"),
        (State.ALARM, 25, 70, "pump", "甲烷超限"),
        (State.NORMAL, 3, 49, "pump", "液位低"),
        (State.ALARM, 30, 70, "ventilate", ""),
        (State.NORMAL, 3, 70, "pump", ""),
        (State.MAINTENANCE, 3, 70, "crew", ""),
    ],
)
def test_an_order_during_an_interlock_is_refused_with_its_reason(state: State, gas: float, level: float, kind: str, result: str) -> None:
    desk = Desk([Wish("Y", 3, AT, kind)])
    taken = desk.due(AT, state, gas, level)
    assert bool(taken) == (result == "")
    assert [(a.state.value, a.result) for a in desk.answers][:1] == [("refused", result) if result else ("accepted", "")]


def test_a_crew_that_is_sent_airs_the_tank_by_hand() -> None:
    h = _played(_wish("C", 6, "crew", arrive=AT + 20 * MINUTE), gas=24)
    assert _told(h, "C") == ["accepted:", "arrived:", "done:人工处置"]
    assert State.MANUAL_DISPATCH in [c.new for c in h.changes]
    assert h.gas[-1] < 10


def test_a_pump_called_back_stops_and_says_no_more() -> None:
    begun = _played(_wish("V", 6), _wish("P", 30, "pump")).runs[0].begin
    h = _played(_wish("V", 6), _wish("P", 30, "pump", back=begun + 2 * MINUTE))
    assert _told(h, "P") == ["accepted:", "arrived:"]
    assert [run.end - run.begin <= 3 * MINUTE for run in h.runs] == [True]
    assert State.MANUAL_DISPATCH not in [c.new for c in h.changes]
    assert h.state[-1] == State.NORMAL


@pytest.mark.parametrize("new", [State.MAINTENANCE, State.SENSOR_FAULT, State.COMM_LOST, State.MANUAL_DISPATCH])
def test_an_interlock_that_comes_up_ends_what_was_under_way(new: State) -> None:
    desk = Desk([WISH])
    desk.due(AT, State.PRE_ALARM, 12, 70)
    desk.stepped(AT + 300, new, Event.LID_OPEN, 12, 0)
    assert desk.answers[-1].state.value == "refused"
    assert not desk.under_way


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = open_department(f"sqlite:///{sensors_file(copy_of_home(tmp_path / 'one'))}")
    yield engine
    engine.dispose()


def _number(*, heard: bool = True, refused: bool = False) -> str:
    met = ((f"YZ-{i}", Order(f"YZ-{i}", "ventilate", NUMBER, AT)) for i in range(3000))
    return next(number for number, order in met if is_heard(order, SEED) is heard and is_refused(order, SEED) is refused)


def _readings(engine: sa.Engine) -> list[tuple[object, ...]]:
    data = tanks_schema.tank_data
    with engine.connect() as conn:
        query = sa.select(data).where(data.c.入库时间 > local_text(NOW)).order_by(data.c.入库时间, data.c.设施编号)
        return [tuple(row) for row in conn.execute(query)]


def test_orders_reach_the_tank_through_the_box_and_come_back_as_receipts(platform: sa.Engine) -> None:
    number = _number()
    send(platform, BOX, NOW + timedelta(seconds=20), number, "ventilate", NUMBER)
    send(platform, BOX, NOW + timedelta(seconds=20), number, "ventilate", NUMBER)  # sent twice: one order
    sensors.live(platform, NOW, NOW + timedelta(minutes=40), SEED)
    assert [(state, result) for state, _, result in answers(platform, BOX, number)] == [
        ("accepted", ""),
        ("arrived", ""),
        ("done", "通风达标"),
    ]
    steps = tanks_schema.control_steps.c
    with platform.connect() as conn:
        seen = conn.execute(sa.select(steps.现状态).where(steps.池编号 == NUMBER, steps.发生时间 > local_text(NOW))).scalars().all()
    assert int(State.VENTILATING) in seen


@pytest.mark.parametrize(("how", "told_"), [({"heard": False}, []), ({"refused": True}, ["refused"])])
def test_an_order_nobody_takes_or_that_is_refused_moves_nothing(
    platform: sa.Engine, tmp_path: Path, how: dict[str, bool], told_: list[str]
) -> None:
    other = open_department(f"sqlite:///{sensors_file(copy_of_home(tmp_path / 'other'))}")
    number = _number(**how)
    send(platform, BOX, NOW + timedelta(seconds=20), number, "pump", NUMBER)
    for engine in (platform, other):
        sensors.live(engine, NOW, NOW + timedelta(minutes=30), SEED)
    assert [state for state, _, _ in answers(platform, BOX, number)] == told_
    assert _readings(platform) == _readings(other)
    other.dispose()


def test_a_drill_is_answered_and_moves_nothing(platform: sa.Engine, tmp_path: Path) -> None:
    other = open_department(f"sqlite:///{sensors_file(copy_of_home(tmp_path / 'other'))}")
    send(platform, BOX, NOW + timedelta(seconds=20), "演练-7", "pump", NUMBER, drill=True)
    for engine in (platform, other):
        sensors.live(engine, NOW, NOW + timedelta(minutes=30), SEED)
    assert [(state, result) for state, _, result in answers(platform, BOX, "演练-7")][-1] == ("done", "演练")
    assert _readings(platform) == _readings(other)
    other.dispose()


def test_orders_in_steps_or_at_once_leave_the_same(platform: sa.Engine, tmp_path: Path) -> None:
    other = open_department(f"sqlite:///{sensors_file(copy_of_home(tmp_path / 'other'))}")
    for engine in (platform, other):
        with engine.begin() as conn:
            sensors.DEPARTMENT.provokes["gas"](conn, AT, SEED)
        send(engine, BOX, NOW + timedelta(minutes=3), _number(), "pump", NUMBER)
    sensors.live(platform, NOW, NOW + timedelta(minutes=55), SEED)
    for since, until in pairwise(NOW + timedelta(minutes=m) for m in (0, 0.05, 4, 5.5, 11, 30, 31.2, 55)):
        sensors.live(other, since, until, SEED)
    assert _readings(platform) == _readings(other)
    for table in (tanks_schema.receipts, tanks_schema.control_steps, tanks_schema.pump_runs, tanks_schema.tanks):
        query = sa.select(table).order_by(*table.primary_key.columns)
        with platform.connect() as one, other.connect() as two:
            assert one.execute(query).all() == two.execute(query).all(), table.name
    other.dispose()


def test_gas_that_is_provoked_shows_within_minutes(platform: sa.Engine) -> None:
    with platform.begin() as conn:
        said = sensors.DEPARTMENT.provokes["gas"](conn, AT, SEED)
    number = said.partition("：")[0].split(" ")[-1]
    sensors.live(platform, NOW, NOW + timedelta(minutes=10), SEED)
    seen = [row for row in _readings(platform) if row[1] == number]
    assert max(float(str(row[4])) for row in seen) > 20
