"""The class of water: each limit belongs to the better side, the worst factor decides, and what is missing never flatters."""

from __future__ import annotations

import pytest

from data_sources import water
from data_sources.measured_text import measured
from data_sources.water_class import INFERIOR, assess, factor_class, standard

CLEAN = {"ph": 7.8, "do": 8.0, "codmn": 1.8, "nh3n": 0.1, "tp": 0.02}


@pytest.mark.parametrize(
    ("factor", "value", "number"),
    [
        *[("do", limit, n) for n, limit in enumerate((7.5, 6, 5, 3, 2), 1)],
        *[("codmn", limit, n) for n, limit in enumerate((2, 4, 6, 10, 15), 1)],
        *[("nh3n", limit, n) for n, limit in enumerate((0.15, 0.5, 1.0, 1.5, 2.0), 1)],
        *[("tp", limit, n) for n, limit in enumerate((0.02, 0.1, 0.2, 0.3, 0.4), 1)],
        *[("cod", 15, 1), ("cod", 20, 3), ("bod5", 3, 1), ("bod5", 10, 5), ("petroleum", 0.05, 1), ("petroleum", 0.5, 4)],
        *[("fluoride", 1.0, 1), ("fluoride", 1.5, 4), ("ph", 6, 1), ("ph", 9, 1)],
    ],
)
def test_a_value_at_a_limit_still_has_the_better_class(factor: str, value: float, number: int) -> None:
    assert factor_class(factor, value) == number


@pytest.mark.parametrize(
    ("factor", "value"),
    [("do", 1.99), ("codmn", 15.1), ("nh3n", 2.01), ("tp", 0.41), ("cod", 41), ("fluoride", 1.6), ("ph", 5.9), ("ph", 9.1)],
)
def test_beyond_class_five_water_is_inferior(factor: str, value: float) -> None:
    assert factor_class(factor, value) == INFERIOR


def test_phosphorus_has_stricter_limits_in_a_lake() -> None:
    assert (factor_class("tp", 0.08, "river"), factor_class("tp", 0.08, "lake")) == (2, 4)


def test_the_worst_factor_sets_the_class_and_is_named() -> None:
    found = assess({**CLEAN, "nh3n": 1.2, "tp": 0.25})
    assert (found.number, found.worst) == (4, ("nh3n", "tp"))
    assert assess(CLEAN).number == 1


def test_total_nitrogen_temperature_and_coliforms_take_no_part() -> None:
    assert assess({**CLEAN, "tn": 9.0, "temperature": 40.0, "coliform": 1e6}).number == 1


@pytest.mark.parametrize("missing", ["ph", "do", "codmn", "nh3n", "tp"])
def test_water_with_a_factor_missing_has_no_class(missing: str) -> None:
    assert assess({**CLEAN, missing: None}).number is None


def test_the_table_says_where_it_comes_from_and_how_sure_we_are() -> None:
    assert "GB 3838-2002" in standard().ref
    assert standard().confidence == "recalled"


@pytest.mark.parametrize(("text", "number"), [("0.01L", 0.005), (" 7.8 ", 7.8), ("", None), ("—", None), (None, None), (0.3, 0.3)])
def test_laboratory_text_becomes_the_number_meant(text: object, number: float | None) -> None:
    assert measured(text) == number


def test_laboratory_text_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="不是测定值"):
        measured("检出")


def test_a_stations_round_is_held_against_its_own_target() -> None:
    row = {**CLEAN, "nh3n": 1.2, "body": "river", "target": "2", "water_class": "Ⅴ类", "classes_short": "Ⅴ类"}
    found = water.classify(row)
    assert (found["water_class"], found["classes_short"]) == (4, 2)
    assert water.classify({**row, "tp": None})["water_class"] is None


def test_a_laboratory_report_with_a_factor_missing_is_refused_by_name() -> None:
    row = {f"reported_{factor}": "1" for factor in water.SAMPLED} | {"reported_ph": "7", "reported_bod5": "", "target": 2}
    with pytest.raises(ValueError, match="五日生化需氧量"):
        water.classify_sample(row)
