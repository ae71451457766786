"""The underground loop as declared: everything on it is placed by chainage, and one way is one way."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from dashboard.snapshot.loop_ring import SHAPES, ring
from dashboard.snapshot.view import View
from data_sources import loop, loop_ring
from data_sources.loop_judged import judge_arc, judge_count, place_event
from tests.whole_city import EAST, NOON, Town, copy_of_town

MINUTE = timedelta(minutes=1)
STOP = {"category": "stopped", "chainage_m": 640.0, "chainage_end_m": 642.0}


def test_the_arcs_follow_one_another_round_the_whole_ring() -> None:
    arcs = loop_ring.arcs()
    assert arcs[0].start == 0
    assert arcs[-1].end == loop_ring.ring_length() == 2800
    assert all(a.end == b.start for a, b in pairwise(arcs))


def test_a_chainage_lies_on_one_arc_and_one_beyond_the_ring_on_none() -> None:
    assert loop_ring.arc_at(0).id == "HD-01"
    assert loop_ring.arc_at(300).id == "HD-02"
    assert loop_ring.arc_at(2799.9).id == "HD-10"
    for outside in (-0.1, 2800, 5000):
        with pytest.raises(ValueError, match="不在0至2800米"):
            loop_ring.arc_at(outside)


def test_passing_the_zero_point_is_driving_on_and_falling_chainage_is_driving_back() -> None:
    assert loop_ring.advance(2790, 10) == 20
    assert loop_ring.advance(10, 2790) == -20
    assert loop_ring.advance(500, 440) == -60


def test_places_go_round_the_sketch_and_meet_where_they_began() -> None:
    start, end = loop_ring.place_at(0), loop_ring.place_at(2799.999)
    assert start == (106.57, 29.56)
    assert end == pytest.approx(start, abs=1e-5)
    assert loop_ring.place_at(1400)[0] > 106.575  # the eastern side


def test_free_flow_is_one_and_half_the_speed_a_half() -> None:
    assert loop_ring.flow_index(32, 16) == 0.5
    assert loop_ring.flow_index(32, 40) == 1


def test_fixes_are_held_against_one_per_vehicle_and_two_seconds() -> None:
    row = judge_arc({"fixes_due": 600, "got": 570, "speed": 16.0, "free_speed": 32.0})
    assert (row["availability"], row["index"]) == (95.0, 0.5)


def test_an_empty_arc_has_neither_availability_nor_speed() -> None:
    row = judge_arc({"fixes_due": 0, "got": 0, "speed": None, "free_speed": 32.0})
    assert (row["availability"], row["index"]) == (None, None)


def test_more_fixes_than_there_can_be_are_refused() -> None:
    with pytest.raises(ValueError, match="实有定位"):
        judge_arc({"fixes_due": 60, "got": 61, "speed": 16.0, "free_speed": 32.0})


def test_a_count_is_held_against_the_garages_spaces() -> None:
    assert judge_count({"occupied": 190, "spaces": 200})["occupancy"] == 95
    with pytest.raises(ValueError, match="泊位数"):
        judge_count({"occupied": 190, "spaces": 0})


def test_an_event_finds_its_arc_and_place_by_chainage_alone() -> None:
    row = place_event({**STOP})
    assert row["asset_id"] == "HD-03"
    assert row["moved_m"] == 2
    assert 106.56 < row["lon"] < 106.58


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"category": "wrong_way", "chainage_m": 500.0, "chainage_end_m": 540.0}, "是顺行"),
        ({"category": "wrong_way", "chainage_m": 2790.0, "chainage_end_m": 15.0}, "是顺行"),
        ({**STOP, "chainage_end_m": 900.0}, "不是停车"),
        ({**STOP, "chainage_m": None}, "没有桩号"),
        ({**STOP, "chainage_m": 3100.0, "chainage_end_m": 3100.0}, "不在0至2800米"),
    ],
)
def test_an_event_its_own_chainages_contradict_is_refused(event: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        place_event(dict(event))


def test_a_wrong_way_over_the_zero_point_is_one() -> None:
    assert place_event({"category": "wrong_way", "chainage_m": 10.0, "chainage_end_m": 2770.0})["moved_m"] == -40


# ---- the schematic on the page of 血脉
@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """Somebody stands at 1,800 m, garage CK-1 is full, CK-2 does not count, arc HD-04 flows and HD-01 is silent."""
    made = copy_of_town(tmp_path)
    made.read("loop", "stopped", [("HD-07", EAST.code, NOON, 120.0)], NOON)
    made.read("loop", "speed", [("HD-04", EAST.code, NOON, 31.0)], NOON)
    made.read("loop", "occupancy", [("CK-1", EAST.code, NOON, 98.0)], NOON)
    made.read("loop", "occupancy", [("CK-1", EAST.code, NOON + 12 * MINUTE, 98.0)], NOON + 12 * MINUTE)
    garages = (("CK-1", "open", 98, 250.0), ("CK-2", "lost", 40, 260.0))
    rows = [
        {"asset_id": key, "kind": "garage", "name": f"{key}车库", "state": state, "spaces": 100, "occupied": cars, "chainage_m": at}
        for key, state, cars, at in garages
    ]
    made.write(loop.garage, [{**row, "observed_at": NOON} for row in rows], NOON)
    stop = {"case_id": "s", "category": "stopped", "asset_id": "HD-07", "state": "going_on", "opened_at": NOON, "chainage_m": 1800.0}
    made.write(loop.event, [stop], NOON)
    made.turn(NOON + 12 * MINUTE)
    yield made
    made.engine.dispose()


def schematic(town: Town, view: View | None = None) -> dict[str, Any]:
    now = NOON + 12 * MINUTE
    return ring(town.panels._reader.picture(now, view or View()), view or View())["rings"][0]


def test_an_arc_is_coloured_only_where_something_is_wrong_and_carries_its_alerts_number(town: Town) -> None:
    arcs = {a["title"].split(" ")[0]: a for a in schematic(town)["arcs"]}
    hot = [name for name, a in arcs.items() if a["level"]]
    assert hot == ["中华路—五一路前段"]
    assert arcs[hot[0]]["level"] == "orange"
    assert arcs[hot[0]]["number"] == next(a.number for a in town.picture().alerts if a.asset_id == "HD-07")


def test_who_stands_on_the_ring_is_shown_at_the_chainage_with_the_alert_it_raised(town: Town) -> None:
    (stopped,) = [e for e in schematic(town)["events"] if e["title"] == "停驻 1800 m"]
    oval = SHAPES["wide"]
    assert stopped["at"] == pytest.approx(oval.at(1800 / 2800 * oval.round))
    assert stopped["level"] == "orange"


def test_a_full_garage_is_marked_and_one_that_lost_count_shows_no_number(town: Town) -> None:
    found = {g["title"].split(":")[0]: g for g in schematic(town)["garages"]}
    assert (found["CK-1车库"]["text"], found["CK-1车库"]["level"]) == ("98", "yellow")
    assert (found["CK-2车库"]["text"], found["CK-2车库"]["fill"]) == ("—", None)
    assert math.dist(found["CK-1车库"]["at"], found["CK-2车库"]["at"]) > 30  # ten metres apart, yet neither hides the other


def test_an_arc_nothing_is_heard_of_is_dashed_and_of_the_past_no_number_of_today_is_shown(town: Town) -> None:
    arcs = {a["title"].split(" ")[0]: a for a in schematic(town)["arcs"]}
    assert arcs["临江门—较场口前段"]["silent"] and "无数据" in arcs["临江门—较场口前段"]["title"]
    past = schematic(town, View(as_of=NOON - MINUTE))
    assert past["events"] == [] or all(e["title"] != "停驻 1800 m" for e in past["events"])
    assert all(g["fill"] is None for g in past["garages"])


def test_the_ring_is_driven_anticlockwise_and_closes(town: Town) -> None:
    oval = SHAPES["wide"]
    assert oval.at(0) == pytest.approx(oval.at(oval.round))
    assert oval.at(oval.round * 0.1)[0] < oval.at(0)[0]  # from Linjiangmen westwards and down to Jiaochangkou
    assert oval.at(oval.round * 0.4)[1] > oval.at(0)[1]
