"""The underground loop as declared: everything on it is placed by chainage, and one way is one way."""

from __future__ import annotations

from itertools import pairwise

import pytest

from data_sources import loop_ring
from data_sources.loop_judged import judge_arc, judge_count, place_event

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
