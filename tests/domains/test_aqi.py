"""The air quality index by both editions of HJ 633."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise

import pytest

from data_sources.aqi import DAY_POLLUTANTS, aqi_day, aqi_hour, editions

OLD, NEW = date(2026, 2, 28), date(2026, 3, 1)
FULL_DAY = {"pm25": 45.0, "pm10": 150.0, "o3_8h": 190.0, "so2": 60.0, "no2": 60.0, "co": 1.5}
CLEAN_HOUR = {"pm25": 10.0, "pm10": 20.0, "so2": 5.0, "no2": 20.0, "co": 0.5, "o3": 40.0}


@pytest.mark.parametrize(
    ("pollutant", "value", "index"),
    [
        *[("pm25", 45, 70), ("pm25", 60, 100), ("pm25", 61, 101), ("pm25", 75, 114), ("pm10", 150, 112), ("o3_8h", 190, 128)],
        *[("so2", 60, 55), ("no2", 60, 75), ("co", 1.5, 38), ("pm25", 60.5, 100), ("pm25", 60.6, 101)],
    ],
)
def test_daily_indexes_of_the_new_edition_are_those_of_the_standard(pollutant: str, value: float, index: int) -> None:
    assert aqi_day({pollutant: value}, NEW).iaqi[pollutant] == index


def test_the_worst_pollutant_makes_the_index_and_is_named_primary() -> None:
    found = aqi_day(FULL_DAY, NEW)
    assert (found.value, found.primary, found.grade) == (128, ("o3_8h",), 3)


def test_the_edition_follows_the_day_observed_in_the_city_not_in_utc() -> None:
    assert aqi_day({**FULL_DAY, "o3_8h": 10.0}, OLD).value == 100
    assert aqi_day({**FULL_DAY, "o3_8h": 10.0}, NEW).value == 112
    assert aqi_hour(CLEAN_HOUR, datetime(2026, 2, 28, 15, 59, tzinfo=UTC)).edition == "HJ 633-2012"
    assert aqi_hour(CLEAN_HOUR, datetime(2026, 2, 28, 17, 0, tzinfo=UTC)).edition == "HJ 633-2026"


def test_an_hour_that_ends_at_midnight_was_observed_the_day_before() -> None:
    assert aqi_hour(CLEAN_HOUR, datetime(2026, 2, 28, 16, 0, tzinfo=UTC)).edition == "HJ 633-2012"


def test_pollutants_that_tie_are_primary_together() -> None:
    assert aqi_day({**FULL_DAY, "pm25": 60.0, "pm10": 120.0, "o3_8h": 100.0}, NEW).primary == ("pm25", "pm10")


def test_good_air_has_no_primary_pollutant() -> None:
    assert aqi_day({p: 1.0 for p in DAY_POLLUTANTS}, NEW).primary == ()


def test_with_a_pollutant_missing_the_new_edition_publishes_only_bad_air() -> None:
    partial = {k: v for k, v in FULL_DAY.items() if k != "co"}
    assert aqi_day(partial, NEW).value == 128
    assert aqi_day({**partial, "o3_8h": 100.0, "pm10": 100.0}, NEW).value is None
    assert aqi_day({**partial, "o3_8h": 100.0, "pm10": 100.0}, OLD).value == 75


def test_a_pollutant_outside_the_monitoring_plan_does_not_hold_the_index_back() -> None:
    partial = {"pm25": 45.0, "pm10": 80.0}
    assert aqi_day(partial, NEW, planned=frozenset({"pm25", "pm10"})).value == 72


def test_sulphur_dioxide_past_its_hourly_scale_is_fixed_now_and_was_not_scored_before() -> None:
    hour = {**CLEAN_HOUR, "so2": 801.0}
    assert aqi_hour(hour, datetime(2026, 3, 2, tzinfo=UTC)).iaqi["so2"] == 200
    assert "so2" not in aqi_hour(hour, datetime(2026, 2, 2, tzinfo=UTC)).iaqi


def test_eight_hour_ozone_past_its_scale_is_fixed_now_and_was_not_scored_before() -> None:
    assert aqi_day({**FULL_DAY, "o3_8h": 900.0}, NEW).value == 300
    assert "o3_8h" not in aqi_day({**FULL_DAY, "o3_8h": 900.0}, OLD).iaqi


def test_the_index_ends_at_500_and_begins_at_1() -> None:
    assert aqi_day({**FULL_DAY, "pm25": 900.0}, NEW).value == 500
    assert aqi_day({p: 0.0 for p in DAY_POLLUTANTS}, NEW).value == 1


@pytest.mark.parametrize("nothing", [None, float("nan"), -3.0])
def test_what_is_no_concentration_counts_as_missing(nothing: float | None) -> None:
    assert aqi_hour({**CLEAN_HOUR, "pm10": nothing}, datetime(2026, 5, 1, tzinfo=UTC)).value is None


def test_pollutants_in_excess_are_a_notion_of_the_old_edition_only() -> None:
    assert aqi_day(FULL_DAY, OLD).exceeding == ("o3_8h",)
    assert aqi_day(FULL_DAY, NEW).exceeding == ()


def test_every_breakpoint_list_rises() -> None:
    for edition in editions():
        for points in (*edition.hour.values(), *edition.day.values()):
            assert all(low < high for low, high in pairwise(points))
