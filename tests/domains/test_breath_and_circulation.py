"""Air, road cleaning and minibuses as declared: what their rows become and what their numbers mean."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from data_sources import air, minibuses, road_cleaning

NOON = datetime(2026, 5, 1, 4, tzinfo=UTC)
OBSERVED = {"pm25": 61.0, "pm10": 80.0, "so2": 8.0, "no2": 40.0, "co": 0.8, "o3": 60.0}


def test_an_hour_of_a_reference_station_gets_its_index_and_primary_pollutant() -> None:
    row = air.index_hour({**OBSERVED, "kind": "national", "opened_at": NOON})
    assert (row["aqi"], row["grade"], row["primary_pollutant"]) == (101, 3, "pm25")


def test_a_micro_station_never_makes_an_index() -> None:
    row = air.index_hour({**OBSERVED, "kind": "micro", "observed_at": NOON})
    assert (row["aqi"], row["grade"], row["primary_pollutant"]) == (None, None, "")


def test_a_day_with_too_few_hours_has_no_index() -> None:
    day = {"pm25": 30.0, "pm10": 50.0, "so2": 8.0, "no2": 30.0, "co": 0.8, "o3_8h": 90.0, "opened_at": NOON}
    assert air.index_day({**day, "valid_hours": 19})["aqi"] is None
    assert air.index_day({**day, "valid_hours": 20})["aqi"] == 50


def test_the_districts_index_is_that_of_mean_concentrations_not_the_mean_of_indexes() -> None:
    one, other = OBSERVED, {**OBSERVED, "pm25": 35.0, "pm10": 120.0}
    sums = [part for p in OBSERVED for part in (one[p] + other[p], 2.0)]
    assert air.AQI.measure.combine(*sums, 2 * NOON.timestamp(), 2.0) == 86  # PM10 at 100, not the mean of 101 and 100


def test_the_districts_index_is_unknown_where_no_station_speaks() -> None:
    assert air.AQI.measure.combine(*[None] * 14) is None


def test_dust_litter_and_stains_each_cost_their_share_of_cleanliness() -> None:
    clean = {"area_m2": 500.0, "pieces": 0.0, "pieces_allowed": 16.0, "dust": 0.0, "dust_allowed": 5.0, "stain": 0.0}
    assert road_cleaning.score_check(clean)["score"] == 100
    assert road_cleaning.score_check({**clean, "dust": 5.0})["score"] == 75
    assert road_cleaning.score_check({**clean, "pieces": 8.0})["score"] == 70
    assert road_cleaning.score_check({**clean, "dust": 99.0, "pieces": 99.0, "stain": 100.0})["score"] == 0


@pytest.mark.parametrize("missing", ["area_m2", "pieces_allowed", "dust"])
def test_a_check_that_says_too_little_is_refused_with_a_reason(missing: str) -> None:
    row = {"area_m2": 500.0, "pieces": 3, "pieces_allowed": 16.0, "dust": 1.0, "dust_allowed": 5.0, "stain": 0.0, missing: None}
    with pytest.raises(ValueError, match="检查记录不全"):
        road_cleaning.score_check(row)


def test_dust_over_no_area_is_refused() -> None:
    with pytest.raises(ValueError, match="取样面积"):
        road_cleaning.weigh({"mass_g": 3.0, "area_m2": 0.0})


def test_buses_exactly_on_headway_cost_no_excess_wait_and_pairs_cost_half_a_headway() -> None:
    assert minibuses.excess_wait(4 * 100.0, 40.0, 4 * 100.0, 40.0) == 0
    assert minibuses.excess_wait(2 * 400.0, 40.0, 4 * 100.0, 40.0) == 5
    assert minibuses.excess_wait(None, None, None, None) is None


def test_headway_variation_is_the_spread_of_deviations_over_the_mean_headway() -> None:
    assert minibuses.variation(4.0, 0.0, 4 * 9.0, 40.0) == pytest.approx(0.3)
    assert minibuses.variation(4.0, 8.0, 4 * 4.0, 40.0) == 0  # all late alike: evenly spaced
    assert minibuses.variation(None, None, None, None) is None


def test_a_headway_without_a_timetable_is_refused() -> None:
    with pytest.raises(ValueError, match="间隔"):
        minibuses.compare_headway({"planned_min": 0.0, "actual_min": 5.0})
    assert minibuses.compare_headway({"planned_min": 10.0, "actual_min": 17.5})["ratio"] == 1.75
