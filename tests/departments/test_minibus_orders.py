"""Minibuses under orders: three buses do not come, a spare one is sent, passengers wait less, and everybody can see it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from google.transit import gtfs_realtime_pb2 as rt

from data_sources.departments import minibus_feed, minibus_schema, minibuses
from data_sources.departments.building import open_department
from data_sources.departments.happenings import Happening
from data_sources.departments.minibus_asked import Asked
from data_sources.departments.minibus_network import LINES
from data_sources.departments.minibus_orders import BOX
from data_sources.departments.minibus_trips import DAY, OFFSET, Rounds, all_rounds
from data_sources.departments.minibuses import DEPARTMENT
from data_sources.departments.orders import Order, is_heard, is_refused
from tests.departments.inboxes import answers, send

NOW = datetime(2026, 11, 20, 2, 0, 0, tzinfo=UTC)  # a Friday, 10:00 in the city
AT = NOW.timestamp()
SEED = 7
LINE = LINES[4]
STOP = f"{LINE.code}-{LINE.timing_stop + 1:02d}"
TODAY = np.array([(AT + OFFSET) // DAY * DAY - OFFSET])
GAP = Happening(LINE.code, AT, 0.0)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(minibuses, "KEPT_TRIPS", timedelta(days=2))
        patch.setattr(minibuses, "HISTORY", timedelta(days=38))
        path = tmp_path_factory.mktemp("minibuses") / "minibuses.db"
        engine = open_department(f"sqlite:///{path}")
        DEPARTMENT.build(engine, NOW, SEED)
        with engine.connect() as conn:
            conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
        yield path


@pytest.fixture
def operator(built: Path, tmp_path: Path) -> Iterator[sa.Engine]:
    shutil.copytree(built.parent, tmp_path / "one")
    engine = open_department(f"sqlite:///{tmp_path / 'one' / built.name}")
    yield engine
    engine.dispose()


@pytest.fixture
def other(built: Path, tmp_path: Path) -> Iterator[sa.Engine]:
    shutil.copytree(built.parent, tmp_path / "two")
    engine = open_department(f"sqlite:///{tmp_path / 'two' / built.name}")
    yield engine
    engine.dispose()


def _number(*, heard: bool = True, refused: bool = False) -> str:
    met = ((f"YZ-{i}", Order(f"YZ-{i}", "spare_bus", STOP, AT)) for i in range(3000))
    return next(number for number, order in met if is_heard(order, SEED) is heard and is_refused(order, SEED) is refused)


def _line(asked: Asked) -> Rounds:
    return next(r for r in all_rounds(TODAY, SEED, asked) if r.line is LINE)


def _holes(rounds: Rounds) -> list[float]:
    """Headways of buses that reach the timing stop, over the next three hours, in scheduled headways."""
    left = np.sort(rounds.began[rounds.scheduled & ~rounds.cancelled & ~rounds.missing & ~rounds.broken])
    left = left[(left > AT - 1200) & (left < AT + 3 * 3600)]
    return list(np.diff(left) / 60 / LINE.off_min)


def test_three_buses_lost_make_a_hole_of_four_headways() -> None:
    assert max(_holes(_line(Asked(AT)))) < 1.75
    assert max(_holes(_line(Asked(AT, (), (GAP,))))) > 3.5


def test_a_spare_bus_makes_up_for_one_of_them_and_starts_nowhere_before_it_is_back() -> None:
    order = Order(_number(), "spare_bus", STOP, AT + 25 * 60)
    alone, helped = _line(Asked(AT, (), (GAP,))), _line(Asked(AT, (order,), (GAP,)))
    assert helped.missing.sum() < alone.missing.sum()
    assert helped.spare.sum() >= 1
    assert (helped.began[helped.spare] > order.came).all()
    step = LINE.vehicles
    for turn in range(step, helped.planned.shape[1]):
        if not helped.missing[0, turn - step]:
            assert helped.began[0, turn] >= helped.ended[0, turn - step]


def test_the_past_of_a_line_is_not_touched() -> None:
    asked, own = _line(Asked(AT, (Order("a", "spare_bus", STOP, AT + 1500),), (GAP,))), _line(Asked())
    before = own.began < AT
    assert (asked.began[before] == own.began[before]).all()
    assert not asked.missing[before].any()


def test_lines_lose_buses_by_themselves_some_times_a_day() -> None:
    days = TODAY + DAY * np.arange(1, 15)
    missing = sum(int((r.missing & r.scheduled).sum()) for r in all_rounds(days, SEED, Asked(AT)))
    rounds = sum(int(r.scheduled.sum()) for r in all_rounds(days, SEED))
    assert 2 * 14 < missing < 0.015 * rounds


def _live(engine: sa.Engine, *minutes: float) -> None:
    for since, until in pairwise(NOW + timedelta(minutes=m) for m in (0, *minutes)):
        DEPARTMENT.live(engine, since, until, SEED)


def _provoke(engine: sa.Engine) -> str:
    with engine.begin() as conn:
        return DEPARTMENT.provokes["gap"](conn, AT, SEED).partition("路")[0]


def _messages(engine: sa.Engine) -> list[rt.FeedMessage]:
    place = minibus_feed.folder(engine)
    assert place is not None
    return [rt.FeedMessage.FromString(f.read_bytes()) for f in sorted((place / "live").glob("*.pb"))]


def test_the_order_comes_back_as_receipts_and_the_spare_bus_is_in_the_messages(operator: sa.Engine) -> None:
    line, number = _provoke(operator), _number()
    send(operator, BOX, NOW + timedelta(minutes=25), number, "spare_bus", line)
    _live(operator, 24, 26, 55)
    told = [(state, result) for state, _, result in answers(operator, BOX, number)]
    assert told == [
        ("accepted", ""),
        ("arrived", ""),
        ("done", "已发出"),
    ]
    spares = [e.vehicle for m in _messages(operator) for e in m.entity if e.vehicle.vehicle.label == "备车"]
    assert {v.trip.route_id for v in spares} == {line}
    told_off = {e.trip_update.trip.trip_id for m in _messages(operator) for e in m.entity if e.trip_update.trip.schedule_relationship == 3}
    assert not {v.trip.trip_id for v in spares} & told_off


@pytest.mark.parametrize(("how", "told"), [({"heard": False}, []), ({"refused": True}, ["refused"])])
def test_an_order_nobody_takes_or_that_is_refused_sends_no_bus(
    operator: sa.Engine, other: sa.Engine, how: dict[str, bool], told: list[str]
) -> None:
    number = _number(**how)
    for engine in (operator, other):
        line = _provoke(engine)
    send(operator, BOX, NOW + timedelta(minutes=5), number, "spare_bus", line)
    for engine in (operator, other):
        _live(engine, 40)
    assert [state for state, _, _ in answers(operator, BOX, number)] == told
    assert [m.SerializeToString() for m in _messages(operator)] == [m.SerializeToString() for m in _messages(other)]


def test_a_drill_is_answered_and_sends_no_bus(operator: sa.Engine, other: sa.Engine) -> None:
    for engine in (operator, other):
        line = _provoke(engine)
    send(operator, BOX, NOW + timedelta(minutes=5), "演练-3", "spare_bus", line, drill=True)
    for engine in (operator, other):
        _live(engine, 40)
    assert answers(operator, BOX, "演练-3")[-1][2] == "演练"
    assert [m.SerializeToString() for m in _messages(operator)] == [m.SerializeToString() for m in _messages(other)]


def test_orders_in_steps_or_at_once_leave_the_same(operator: sa.Engine, other: sa.Engine) -> None:
    for engine in (operator, other):
        line = _provoke(engine)
        send(engine, BOX, NOW + timedelta(minutes=20), _number(), "spare_bus", line)
    _live(operator, 120)
    _live(other, 1, 19, 21, 22.5, 60, 61, 120)
    for table in (minibus_schema.trips, minibus_schema.visits, minibus_schema.daily, minibus_schema.receipts):
        query = sa.select(table).order_by(*table.primary_key.columns)
        with operator.connect() as one, other.connect() as two:
            assert one.execute(query).all() == two.execute(query).all(), table.name


def test_at_night_there_is_nothing_to_take_away(operator: sa.Engine) -> None:
    with operator.begin() as conn, pytest.raises(LookupError, match="no minibus"):
        DEPARTMENT.provokes["gap"](conn, AT + 13 * 3600, SEED)
