"""Situations in the store: joined once, followed, ended, begun again; cheap in a flood, and the same on both databases."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from dashboard.alerting.situations import gather
from dashboard.casework.situations import leave, rejoin
from dashboard.core.errors import NotFoundError, NotNowError
from dashboard.store.engine import writing
from dashboard.store.schema import alert, audit
from dashboard.store.schema_noise import situation, situation_member
from data_sources.rentals.tables import room
from tests.crowd import EAST_M, LAT, LON, Crowd, catalog
from tests.small_city import EAST, SmallCity, on_both


@pytest.fixture
def crowd(town: SmallCity) -> Iterator[Crowd]:
    yield Crowd(town)


def why(crowd: Crowd, key: int) -> dict[str, object]:
    (row,) = crowd.rows(situation_member, situation_member.c.alert_id == key)
    return dict(json.loads(row.why)) if row.why else {}


@on_both
def test_alerts_near_by_place_and_time_are_one_situation_whatever_their_domain(crowd: Crowd) -> None:
    first = crowd.raised("minibuses.gap_out")
    second = crowd.raised("flood.depth_silent", east=120)
    far = crowd.raised(east=900)
    crowd.turn()
    assert crowd.together() == [[first, second], [far]]
    assert why(crowd, first) == {}
    assert why(crowd, second) == {"rule": "near", "beside": "YZ-XX-260520-0001", "minutes": 0.0, "metres": pytest.approx(120, abs=0.5)}


def test_one_that_comes_later_joins_those_already_there_and_looking_again_changes_nothing(crowd: Crowd) -> None:
    first = crowd.raised()
    crowd.turn()
    second = crowd.raised(east=50)
    crowd.turn(minutes=11)
    third = crowd.raised(east=60)
    crowd.turn()
    assert crowd.together() == [[first, second], [third]]
    assert gather(crowd.engine, catalog(), crowd.settings, crowd.now) == 0


def test_rooms_of_a_building_belong_together_by_its_register(crowd: Crowd) -> None:
    with writing(crowd.engine).begin() as conn:
        origin = {"source": "s", "source_key": "k", "pull_run": 1, "learned_at": crowd.now, "row_hash": "h"}
        for name in ("r1", "r2"):
            conn.execute(sa.insert(room).values(asset_id=name, kind="flat", name=name, building="b1", smart_lock=True, **origin))
    one = crowd.raised("rentals.lock_offline", "blue", "r1")
    two = crowd.raised("rentals.lock_offline", "blue", "r2", east=380)
    house = crowd.raised("rentals.checkin_burst", "blue", "b1", east=200)
    crowd.turn()
    assert crowd.together() == [[one, two, house]]
    assert why(crowd, two)["through"] == "rentals/b1"


def test_a_street_as_such_stands_nowhere(crowd: Crowd) -> None:
    one = crowd.raised("road_cleaning.dirty_street", asset=EAST)
    two = crowd.raised("minibuses.crowded", "blue")
    crowd.turn()
    assert crowd.together() == [[one], [two]]


def test_a_situation_is_as_bad_as_its_worst_member_ever_was_and_over_with_its_last(crowd: Crowd) -> None:
    one, two = crowd.raised(), crowd.raised(east=10)
    crowd.turn()
    crowd.worse(two, "orange")
    crowd.turn(minutes=1)
    crowd.worse(two, "blue")
    crowd.turn(minutes=1)
    assert [row.worst_level for row in crowd.rows(situation)] == ["orange"]
    crowd.cleared(one)
    crowd.turn(minutes=1)
    assert crowd.together() == [[one, two]]
    crowd.cleared(two)
    crowd.turn(minutes=1)
    assert [row.closed_at for row in crowd.rows(situation)] == [crowd.now]


def test_raised_again_an_alert_stays_where_it_was(crowd: Crowd) -> None:
    one, two = crowd.raised(), crowd.raised(east=10)
    crowd.turn()
    crowd.cleared(one, two)
    crowd.turn(minutes=1)
    with writing(crowd.engine).begin() as conn:
        conn.execute(sa.update(alert).where(alert.c.alert_id == one).values(state="open", closed_at=None))
        crowd._tell(conn, one, "open", None, "yellow", crowd.now)
    crowd.turn(minutes=1)
    assert crowd.together() == [[one, two]]


@on_both
def test_who_was_taken_out_stands_alone_until_put_back_and_both_are_on_record(crowd: Crowd) -> None:
    one, two = crowd.raised(), crowd.raised(east=10)
    crowd.turn()
    (row,) = crowd.rows(situation)
    leave(crowd.engine, row.situation_id, two, "值班台", crowd.now)
    three = crowd.raised(east=20)
    crowd.turn(minutes=1)
    assert crowd.together() == [[one, three]]
    with pytest.raises(NotNowError):
        leave(crowd.engine, row.situation_id, two, "值班台", crowd.now)
    with writing(crowd.engine).begin() as conn:
        crowd._tell(conn, two, "open", None, "yellow", crowd.now)
    crowd.turn(minutes=1)
    assert crowd.together() == [[one, three]], "raised again it is not joined by itself"
    rejoin(crowd.engine, row.situation_id, two, "值班台", crowd.now)
    assert crowd.together() == [[one, two, three]]
    with pytest.raises(NotNowError):
        rejoin(crowd.engine, row.situation_id, two, "值班台", crowd.now)
    with pytest.raises(NotFoundError):
        leave(crowd.engine, row.situation_id + 1, two, "值班台", crowd.now)
    told = [(r.action, r.object, r.actor) for r in crowd.rows(audit)]
    assert told == [("situation.leave", row.number, "值班台"), ("situation.rejoin", row.number, "值班台")]


def test_a_thousand_alerts_become_a_few_situations_within_their_limits_and_quickly(town: SmallCity, tmp_path: Path) -> None:
    crowd, dice = Crowd(town), random.Random(7)
    centres = [(dice.uniform(0, 6000), dice.uniform(0, 3000)) for _ in range(6)]
    with writing(crowd.engine).begin() as conn:
        for _ in range(1000):
            x, y = dice.choice(centres)
            place = (LON + dice.gauss(x, 50) * EAST_M, LAT + dice.gauss(y, 50) / 111_320)
            crowd.put(conn, "minibuses.gap_out", dice.choice(("blue", "yellow")), "", place, EAST, dice.uniform(0, 8))
    began = time.perf_counter()
    crowd.turn()
    took = time.perf_counter() - began
    crowds = crowd.together()
    assert sum(map(len, crowds)) == 1000
    assert len(crowds) <= 20, [len(c) for c in crowds]
    assert took < 3, f"{took:.1f} s"
