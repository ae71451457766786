"""The geohazard desk under orders: called, answered, people moved, lifted; late without an order, and never in a drill."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from data_sources.departments import sensors, slopes_rows, slopes_schema
from data_sources.departments import slopes_life as slopes
from data_sources.departments.building import local_text, open_department
from data_sources.departments.happenings import Happening
from data_sources.departments.orders import WITHDRAW, Order, is_heard, is_refused
from data_sources.departments.sensors_shapes import DAY, HOUR
from data_sources.departments.slopes_asked import Asked, slipped, warned
from data_sources.departments.slopes_life import MINUTE, ORANGE, Warned
from data_sources.departments.slopes_orders import BOX
from tests.demo_city import NOW, SEED, copy_of_home, sensors_file
from tests.departments.inboxes import answers, send

AT = NOW.timestamp()
WHO, POINT = 1, "DZ02"
ROCK = Happening(str(WHO), AT, 34.0)


def _number(kind: str, *, heard: bool = True, refused: bool = False) -> str:
    met = ((f"YZ-{i}", Order(f"YZ-{i}", kind, POINT, AT)) for i in range(3000))
    return next(number for number, order in met if is_heard(order, SEED) is heard and is_refused(order, SEED) is refused)


def _of(*orders: Order, rocks: tuple[Happening, ...] = (ROCK,)) -> Warned:
    asked = Asked(AT - HOUR, orders, rocks)
    return next(w for w in warned(SEED, AT + HOUR, asked) if w.who == WHO and w.issued >= AT - MINUTE)


def _order(kind: str, minutes: float) -> Order:
    return Order(_number(kind), kind, POINT, AT + minutes * MINUTE)


def test_a_bureau_that_is_asked_calls_and_moves_people_sooner_than_one_that_is_not() -> None:
    asked = _of(_order("call", 13), _order("evacuate", 45))
    alone = _of()
    assert asked.called < alone.called
    assert asked.answered < alone.answered
    assert asked.to_move > 0 == alone.to_move
    assert asked.level(asked.moving) <= ORANGE
    assert asked.called < asked.answered < asked.moving < asked.moved <= asked.observing < asked.lifted < np.inf


def test_an_order_about_a_point_nobody_has_warned_of_makes_a_warning() -> None:
    w = _of(_order("call", 5), rocks=())
    assert w.called - (AT + 5 * MINUTE) < 15 * MINUTE


def test_its_own_past_is_what_it_was() -> None:
    own = slopes.warned(SEED, AT)
    assert [w for w in warned(SEED, AT, Asked(AT)) if w.issued <= AT] == [w for w in own if w.issued <= AT]


def test_a_rock_that_slips_opens_its_crack_and_no_other() -> None:
    at, nobody = np.array([AT - 60, AT + 600]), np.zeros(2, dtype=np.int64)
    asked = Asked(AT - HOUR, (), (ROCK,))
    calm, now = slopes.slope_values(SEED, nobody + WHO, at), slopes.slope_values(SEED, nobody + WHO, at)
    moved = slipped(now, nobody + WHO, at, asked)
    opened = moved["裂缝宽度"] - calm["裂缝宽度"]
    assert opened[0] == 0 < opened[1]
    assert moved["含水率"][1] > 25
    other = slipped(slopes.slope_values(SEED, nobody, at), nobody, at, asked)
    assert (other["裂缝宽度"] == slopes.slope_values(SEED, nobody, at)["裂缝宽度"]).all()


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = open_department(f"sqlite:///{sensors_file(copy_of_home(tmp_path / 'one'))}")
    yield engine
    engine.dispose()


def _acts(engine: sa.Engine) -> dict[str, list[tuple[object, ...]]]:
    found = {}
    with engine.connect() as conn:
        for table in (slopes_schema.warnings, slopes_schema.calls, slopes_schema.slope_data):
            column = "入库时间" if "入库时间" in table.c else "更新时间"
            query = sa.select(table).where(table.c[column] > local_text(NOW)).order_by(*table.primary_key.columns)
            found[table.name] = [tuple(row) for row in conn.execute(query)]
    return found


def test_call_respond_and_evacuate_come_back_as_receipts(platform: sa.Engine) -> None:
    with platform.begin() as conn:
        said = sensors.DEPARTMENT.provokes["rock"](conn, AT, SEED)
    point = said.partition("：")[0].split(" ")[-1]
    numbers = {kind: f"YZ-{i}" for i, kind in enumerate(("call", "respond", "evacuate"), 1)}
    for minutes, (kind, number) in zip((12, 20, 45), numbers.items(), strict=True):
        send(platform, BOX, NOW + timedelta(minutes=minutes), number, kind, point)
    sensors.live(platform, NOW, NOW + timedelta(hours=4), SEED)
    told = {kind: [(state, result) for state, _, result in answers(platform, BOX, number)] for kind, number in numbers.items()}
    assert told["call"] == [("accepted", ""), ("done", "均已应答")]
    assert told["respond"] == [("accepted", ""), ("arrived", ""), ("done", "未见落石")]
    assert [state for state, _ in told["evacuate"]] == ["accepted", "arrived", "done"]
    assert told["evacuate"][-1][1].startswith("转移")
    with platform.connect() as conn:
        w = slopes_schema.warnings.c
        row = conn.execute(sa.select(slopes_schema.warnings).where(w.隐患点编号 == point).order_by(w.发布时间.desc())).mappings().first()
    assert row is not None
    assert row["等级"] <= ORANGE and row["已转移人数"] > 0


@pytest.mark.parametrize(("how", "told"), [({"heard": False}, []), ({"refused": True}, ["refused"])])
def test_an_order_nobody_takes_or_that_is_refused_moves_nobody(
    platform: sa.Engine, tmp_path: Path, how: dict[str, bool], told: list[str]
) -> None:
    other = open_department(f"sqlite:///{sensors_file(copy_of_home(tmp_path / 'other'))}")
    number = _number("call", **how)
    send(platform, BOX, NOW + timedelta(seconds=20), number, "call", POINT)
    for engine in (platform, other):
        sensors.live(engine, NOW, NOW + timedelta(minutes=30), SEED)
    assert [state for state, _, _ in answers(platform, BOX, number)] == told
    assert _acts(platform) == _acts(other)
    other.dispose()


def test_a_drill_or_an_order_called_back_at_once_moves_nobody(platform: sa.Engine, tmp_path: Path) -> None:
    other = open_department(f"sqlite:///{sensors_file(copy_of_home(tmp_path / 'other'))}")
    send(platform, BOX, NOW + timedelta(seconds=20), "演练-9", "evacuate", POINT, drill=True)
    send(platform, BOX, NOW + timedelta(seconds=20), "YZ-2", "call", POINT)
    send(platform, BOX, NOW + timedelta(seconds=25), "YZ-2x", WITHDRAW, POINT, "撤销工单YZ-2：已恢复")
    for engine in (platform, other):
        sensors.live(engine, NOW, NOW + timedelta(minutes=40), SEED)
    assert answers(platform, BOX, "演练-9")[-1][2] == "演练"
    assert answers(platform, BOX, "YZ-2") == []
    assert _acts(platform) == _acts(other)
    other.dispose()


def test_orders_in_steps_or_at_once_leave_the_same(platform: sa.Engine, tmp_path: Path) -> None:
    other = open_department(f"sqlite:///{sensors_file(copy_of_home(tmp_path / 'other'))}")
    for engine in (platform, other):
        with engine.begin() as conn:
            sensors.DEPARTMENT.provokes["rock"](conn, AT, SEED)
        send(engine, BOX, NOW + timedelta(minutes=14), "YZ-1", "call", POINT)
        send(engine, BOX, NOW + timedelta(minutes=30), "YZ-2", "evacuate", POINT)
    sensors.live(platform, NOW, NOW + timedelta(minutes=150), SEED)
    for since, until in pairwise(NOW + timedelta(minutes=m) for m in (0, 0.05, 14.2, 15, 33, 80, 150)):
        sensors.live(other, since, until, SEED)
    assert _acts(platform) == _acts(other)
    query = sa.select(slopes_schema.receipts).order_by(*slopes_schema.receipts.primary_key.columns)
    with platform.connect() as one, other.connect() as two:
        assert one.execute(query).all() == two.execute(query).all() != []
    other.dispose()


def test_orders_do_not_touch_what_was_warned_before() -> None:
    before = slopes_rows.warning_rows(SEED, AT - 30 * DAY, AT)
    assert slopes_rows.warning_rows(SEED, AT - 30 * DAY, AT, Asked(AT, (_order("call", 1),), (ROCK,))) == before
