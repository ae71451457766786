"""Air, road cleaning and minibuses as declared: what their rows become and what their numbers mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from data_sources import air, road_cleaning, transit
from data_sources.minibuses import tables as minibuses_tables
from data_sources.minibuses.rules import late_starts

NOON = datetime(2026, 5, 1, 4, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
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
    assert transit.excess_wait(4 * 100.0, 40.0, 4 * 100.0, 40.0) == 0
    assert transit.excess_wait(2 * 400.0, 40.0, 4 * 100.0, 40.0) == 5
    assert transit.excess_wait(None, None, None, None) is None


def test_even_headways_leave_no_doubt_about_the_wait_and_one_headway_says_nothing_about_it() -> None:
    assert transit.wait_margin(40.0, 4 * 100.0, 4 * 1e3, 4 * 1e4) == 0
    assert transit.wait_margin(10.0, 100.0, 1e3, 1e4) is None
    assert transit.wait_margin(None, None, None, None) is None


def test_headway_variation_is_the_spread_of_deviations_over_the_mean_headway() -> None:
    assert transit.variation(4.0, 0.0, 4 * 9.0, 40.0) == pytest.approx(0.3)
    assert transit.variation(4.0, 8.0, 4 * 4.0, 40.0) == 0  # all late alike: evenly spaced
    assert transit.variation(None, None, None, None) is None


def test_stairs_make_a_walk_longer_than_its_path_and_level_ground_does_not() -> None:
    assert transit.level_metres(400, 0) == pytest.approx(400)
    assert transit.walk_minutes(1000, 0) == pytest.approx(60 / 5.0366, rel=1e-3)  # Tobler on the level: 5.04 km/h
    assert transit.level_metres(400, 40) > 450
    assert transit.level_metres(300, 75) > 500  # a quarter of the way is up: stairs


ARRIVED = {"opened_at": NOON, "due_at": NOON - 2 * MINUTE, "before_due_at": NOON - 12 * MINUTE}


def test_a_headway_is_the_time_since_the_bus_before_held_against_the_timetable() -> None:
    row = minibuses_tables.compare_headway({**ARRIVED, "before_at": NOON - 17.5 * MINUTE})
    assert (row["actual_min"], row["planned_min"], row["ratio"], row["late_min"]) == (17.5, 10, 1.75, 2)


def test_the_first_bus_of_a_day_is_late_or_not_but_has_no_headway() -> None:
    row = minibuses_tables.compare_headway({**ARRIVED, "before_due_at": None, "before_at": NOON - 600 * MINUTE})
    assert (row["actual_min"], row["planned_min"], row["ratio"], row["late_min"]) == (None, None, None, 2)


def test_arrivals_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(ValueError, match="间隔"):
        minibuses_tables.compare_headway({**ARRIVED, "before_at": NOON + MINUTE})


def test_a_line_whose_buses_should_have_left_is_named_with_its_trips_and_one_still_in_time_is_not() -> None:
    def trip(line: str, late: int) -> SimpleNamespace:
        return SimpleNamespace(
            case_id=f"{line}-{late}", asset_id=line, title=line, street=None, lon=None, lat=None, opened_at=NOON - late * MINUTE
        )

    planned = [trip("3200", 20), trip("3200", 5), trip("3200", 4), trip("3208", 4)]
    found = late_starts({"planned": planned, "heard": [SimpleNamespace(at=NOON)]}, {"late": 5}, NOON)
    assert [(f.asset, f.value, f.at, [said for _, said in f.because]) for f in found] == [
        ("3200", 2, NOON - 15 * MINUTE, ["3200-20", "3200-5"])
    ]


def test_while_positions_are_late_no_trip_is_said_not_to_have_begun() -> None:
    told = {"case_id": "1", "asset_id": "3200", "title": "", "street": None, "lon": None, "lat": None, "opened_at": NOON - 20 * MINUTE}
    planned = [SimpleNamespace(**told)]
    for heard, count in ((NOON - 18 * MINUTE, 0), (NOON - 15 * MINUTE, 1), (None, 0)):
        assert len(late_starts({"planned": planned, "heard": [SimpleNamespace(at=heard)]}, {"late": 5}, NOON)) == count


def test_a_vehicle_without_a_trip_is_idle() -> None:
    assert minibuses_tables.settle_vehicle({"trip": None})["state"] == "idle"
    assert minibuses_tables.settle_vehicle({"trip": "3200-0-001"})["state"] == "in_service"
