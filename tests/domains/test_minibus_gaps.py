"""Gaps between minibuses while they last: who waits, how long in scheduled headways, and when nobody can say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from data_sources.minibuses.gaps import open_gaps

NOON = datetime(2026, 5, 20, 4, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NUMBERS = {"least": 1.5, "rest": 45}
EVERY_TEN = range(-60, 61, 10)


def due(minutes: Sequence[int], line: str = "L1", way: str = "out") -> list[Any]:
    """Departures of the timetable, minutes from noon."""
    return [SimpleNamespace(case_id=f"{line}{way}{m}", asset_id=line, direction=way, opened_at=NOON + m * MINUTE) for m in minutes]


def passed(trip: int, at: float, before: float | None = 0, line: str = "L1", way: str = "out") -> Any:
    """A bus of a trip at the timing stop, eight minutes from the first one."""
    ahead = None if before is None else NOON + before * MINUTE
    where = {"asset_id": "S1", "line": line, "category": way, "title": line, "street": None, "lon": None, "lat": None}
    return SimpleNamespace(case_id=f"{line}{way}{trip}/S1", opened_at=NOON + at * MINUTE, before_at=ahead, before_due_at=NOON, **where)


def found(visits: Sequence[Any], timetable: Sequence[Any], now: float, heard: float | None = None) -> dict[str, float]:
    at = NOON + now * MINUTE
    rows = {
        "visits": sorted(visits, key=lambda v: v.opened_at),
        "due": [trip for trip in timetable if trip.opened_at <= at],
        "heard": [SimpleNamespace(at=at if heard is None else NOON + heard * MINUTE)],
    }
    return {one.asset: one.value for one in open_gaps(rows, NUMBERS, at)}


@pytest.mark.parametrize(("minutes", "ratio"), [(14, None), (15, 1.5), (17.4, 1.7), (17.5, 1.75), (20, 2), (42, 4.2)])
def test_a_gap_grows_while_no_bus_comes_and_is_named_before_one_does(minutes: float, ratio: float | None) -> None:
    assert found([passed(0, 8)], due(EVERY_TEN), 8 + minutes).get("L1") == ratio


def test_it_is_over_with_the_next_bus_whichever_that_is() -> None:
    assert found([passed(0, 8), passed(20, 30)], due(EVERY_TEN), 31) == {}


def test_each_line_is_held_against_its_own_timetable() -> None:
    timetable = due(EVERY_TEN) + due(range(-60, 61, 20), "L2")
    assert found([passed(0, 8), passed(0, 8, line="L2")], timetable, 30) == {"L1": 2.2}


def test_a_line_is_named_once_with_the_direction_that_waits_longer() -> None:
    timetable = due(EVERY_TEN) + due(EVERY_TEN, way="back")
    assert found([passed(0, 8), passed(0, 3, way="back")], timetable, 28) == {"L1": 2.5}


def test_after_the_last_bus_and_over_a_rest_of_the_timetable_nobody_waits() -> None:
    last, school = due(range(-60, 1, 10)), due([-20, -10, 0, 150, 160])
    assert found([passed(0, 8)], last, 30) == {}, "the last one came"
    assert found([passed(-10, -2)], last, 30) == {"L1": 3.2}, "the last one did not"
    assert found([passed(-10, -2)], last, 46) == {}, "and will not any more"
    assert found([passed(-10, -2)], school, 170) == {}, "the first one after lessons is a matter of late starts"


def test_while_positions_are_late_a_gap_neither_grows_nor_goes() -> None:
    assert found([passed(0, 8)], due(EVERY_TEN), 60, heard=28) == {"L1": 2}
    assert open_gaps({"visits": [passed(0, 8)], "due": due(EVERY_TEN), "heard": [SimpleNamespace(at=None)]}, NUMBERS, NOON) == []


def test_after_a_silence_waiting_counts_from_the_first_bus_seen_again_anywhere() -> None:
    elsewhere = passed(20, 30, before=None, line="L2")
    assert found([passed(0, 8), elsewhere], due(EVERY_TEN), 40) == {}
    assert found([passed(0, 8), elsewhere], due(EVERY_TEN), 50) == {"L1": 2}


def test_a_line_first_seen_when_others_were_watched_all_along_is_no_silence() -> None:
    others = [passed(0, at, before=at - 12, line="L2") for at in (10, 22, 34)]
    school = passed(0, 36, before=None, line="L3")
    assert found([passed(0, 8), *others, school], due(EVERY_TEN), 38) == {"L1": 3}


def test_a_bus_that_was_overtaken_does_not_make_the_headway_longer() -> None:
    assert found([passed(10, 17), passed(0, 18)], due(EVERY_TEN), 38) == {"L1": 2}
