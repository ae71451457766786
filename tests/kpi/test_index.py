"""Indices: what is missing never flatters, alerts cost points, and every lost point can be traced."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import product

import pytest

from dashboard.alerting.evaluate import evaluate
from dashboard.core.configured import Target
from dashboard.kpi.compute import compute
from dashboard.kpi.grade import grade, score
from dashboard.kpi.index import IndexRules, Input, OpenAlert, index_of
from dashboard.store.topics import versions
from tests.small_city import EAST, NOON, WEST, SmallCity, on_both

RULES = IndexRules()
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("good", "poor", "value", "points", "word"),
    [
        (98, 95, 100, 100, "good"), (98, 95, 98, 100, "good"), (98, 95, 96.5, 80, "fair"), (98, 95, 95, 60, "fair"),
        (98, 95, 92, 20, "poor"), (98, 95, 0, 0, "poor"),
        (0, 4, 0, 100, "good"), (0, 4, 2, 80, "fair"), (0, 4, 4, 60, "fair"), (0, 4, 8, 20, "poor"), (0, 4, 50, 0, "poor"),
    ],
)  # fmt: skip
def test_points_run_straight_through_good_and_poor_in_both_directions(
    good: float, poor: float, value: float, points: float, word: str
) -> None:
    found = score(value, Target(kpi="a.b", good=good, poor=poor, ref="", confidence="default"))
    assert found == pytest.approx(points)
    assert grade(found) == word


def test_nothing_is_said_of_an_unknown_value_or_without_a_target() -> None:
    assert score(None, Target(kpi="a.b", good=1, poor=0, ref="", confidence="default")) is None
    assert score(5.0, None) is None and grade(None) is None


def _input(points: float | None, there: float = 1.0, weight: float = 1.0) -> Input:
    return Input(key=f"k{points}{there}", weight=weight, score=points, there=there, freshness="fresh" if there == 1 else "silent")


def test_an_index_is_the_weighted_mean_less_what_alerts_cost() -> None:
    found = index_of([_input(100, weight=3), _input(60)], [OpenAlert("1", "v", None, "orange")], RULES)
    assert (found.value, found.low, found.high) == (80.0, 80.0, 80.0)
    assert sum(i["lost"] for i in found.inputs) + sum(a["lost"] for a in found.alerts) == pytest.approx(100 - 80.0)


def test_alerts_cost_by_level_worst_first_up_to_the_cap() -> None:
    alerts = [OpenAlert(str(i), "v", None, level) for i, level in enumerate(["blue", "red", "yellow", "orange", "orange"])]
    found = index_of([_input(100)], alerts, RULES)
    assert [(a["level"], a["lost"]) for a in found.alerts] == [("red", 25), ("orange", 10), ("orange", 5), ("yellow", 0), ("blue", 0)]
    assert found.value == 60.0


@pytest.mark.parametrize("there", [0.0, 0.25, 0.5])
@pytest.mark.parametrize("points", list(product((0, 40, 100), repeat=3)))
def test_a_missing_input_never_raises_the_index(points: tuple[float, float, float], there: float) -> None:
    whole = index_of([_input(p) for p in points], (), RULES).value
    assert whole is not None
    holed = index_of([_input(points[0], there), *(_input(p) for p in points[1:])], (), RULES)
    assert holed.value is not None and holed.value <= whole + 1e-9
    assert holed.low is not None and holed.high is not None
    assert holed.low <= whole <= holed.high, "the range holds what it could be"


def test_an_index_with_too_little_fresh_weight_is_withheld() -> None:
    found = index_of([_input(90), _input(90, 0.0)], (), RULES)
    assert found.value is None and (found.low, found.high) == (45, 95)


def _compute(town: SmallCity) -> None:
    compute(town.engine, town.catalog, town.settings, town.now)


def _whole_city(town: SmallCity) -> None:
    town.lamps({"a": (EAST, "lit"), "b": (WEST, "lit")})
    town.heat(("a", town.now, 40.0))
    town.calls(("c", town.now, EAST), closed=True)


def test_a_vital_system_has_an_index_for_the_district_and_each_street(town: SmallCity) -> None:
    _whole_city(town)
    _compute(town)
    row = town.figure("vital.nerves")
    assert (row.value, row.grade, row.freshness, row.completeness) == (100.0, "good", "fresh", 1.0)
    assert town.figure("vital.nerves", EAST).value == 100.0
    made_of = json.loads(town.figure("vital.nerves", WEST).parts or "")
    assert [i["kpi"] for i in made_of["inputs"]] == ["lighting.lit"], "no lamp is warm and nobody called there: that does not apply"


@on_both
def test_an_open_alert_costs_points_until_it_clears(town: SmallCity) -> None:
    _whole_city(town)
    town.heat(*(("b", NOON - i * MINUTE, 85.0) for i in range(3)), street=WEST)
    evaluate(town.engine, town.catalog, town.settings, town.now)
    _compute(town)
    before = town.figure("vital.nerves")
    assert [a["lost"] for a in json.loads(before.parts or "")["alerts"]] == [10]
    assert town.figure("vital.nerves", EAST).value == 100.0, "it burns in the west"
    town.clock.step(5 * MINUTE)
    town.heat(*(("b", town.now - i * MINUTE, 40.0) for i in range(3)), ("a", town.now, 40.0), street=WEST)
    evaluate(town.engine, town.catalog, town.settings, town.now)
    _compute(town)
    after = town.figure("vital.nerves")
    assert json.loads(after.parts or "")["alerts"] == []
    assert (before.value or 0) < (after.value or 0) == 100.0


def test_an_alert_alone_moves_the_index_and_says_so(town: SmallCity) -> None:
    _whole_city(town)
    town.heat(*(("b", NOON - i * MINUTE, 85.0) for i in range(3)))
    _compute(town)
    with town.engine.connect() as conn:
        before = versions(conn)["kpi:nerves"]
    evaluate(town.engine, town.catalog, town.settings, town.now)
    _compute(town)
    with town.engine.connect() as conn:
        assert versions(conn)["kpi:nerves"] > before


def test_sources_that_fall_silent_widen_the_range_then_withhold_the_index(town: SmallCity) -> None:
    _whole_city(town)
    _compute(town)
    town.clock.step(40 * MINUTE)
    town.heard("lamps")
    town.heat(("a", town.now, 40.0))
    _compute(town)
    row = town.figure("vital.nerves")
    assert (row.value, row.low, row.high, row.freshness) == (100.0, 75.0, 100.0, "late")
    assert json.loads(row.parts or "")["missing"] == ["lighting.answered"]
    town.clock.step(40 * MINUTE)
    town.heard("lamps")
    _compute(town)
    row = town.figure("vital.nerves")
    assert (row.value, row.low, row.high, row.freshness) == (None, 25.0, 100.0, "silent")
    assert json.loads(row.parts or "")["last"] == 100.0


def test_an_index_that_may_be_low_for_what_is_missing_is_graded_by_its_low_end(town: SmallCity) -> None:
    _whole_city(town)
    _compute(town)
    town.clock.step(40 * MINUTE)
    town.heard("lamps")
    town.heat(("a", town.now, 55.0))
    _compute(town)
    vital, district = town.figure("vital.nerves"), town.figure("district.index")
    assert json.loads(vital.parts or "")["missing"] == ["lighting.answered"]
    assert vital.value is not None and vital.low is not None
    assert vital.value >= RULES.steady > vital.low >= RULES.weak
    assert (vital.grade, district.grade) == ("fair", "fair"), "the district knows no more than its systems do"


def test_a_low_end_below_steady_costs_no_grade_while_nothing_is_missing(town: SmallCity) -> None:
    assert (RULES.grade(74.6), RULES.grade(74.4), RULES.grade(59.4), RULES.grade(None)) == ("good", "fair", "poor", None)
    _whole_city(town)
    _compute(town)
    assert (town.figure("vital.nerves").grade, town.figure("district.index").grade) == ("good", "good")


def test_the_district_is_the_mean_of_what_lives(town: SmallCity) -> None:
    _whole_city(town)
    _compute(town)
    row = town.figure("district.index")
    assert row.value == 100.0
    assert [i["kpi"] for i in json.loads(row.parts or "")["inputs"]] == ["vital.nerves"], "nothing is connected to the other"


def test_an_empty_store_has_no_index_rather_than_a_good_one(town: SmallCity) -> None:
    _compute(town)
    assert town.figure("vital.nerves").value is None
    assert town.figure("district.index").freshness == "never"
