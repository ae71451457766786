"""River levels: only one datum counts at a gauge, and headroom, rise and time to warning follow from it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from data_sources.river_level import FAR_H, hours_to, over_and_rising, rise_rate, river_reading

HOUR = timedelta(hours=1)
CUNTAN: dict[str, Any] = {
    **{"datum": "吴淞", "station_datum": "吴淞", "warning": 180.5, "guarantee": 183.5, "record": 191.62},
    **{"level": "179.30 ", "earlier": "178.90 ", "measured_at": "2026-07-20 10:00:00", "earlier_at": "2026-07-20 09:00:00"},
}


def test_headroom_rise_and_time_to_warning_are_worked_out_together() -> None:
    found = river_reading(CUNTAN)
    assert found["to_warning"] == pytest.approx(1.2)
    assert found["to_guarantee"] == pytest.approx(4.2)
    assert found["rise"] == pytest.approx(0.4)
    assert found["hours_to_warning"] == pytest.approx(3.0)
    assert found["over_rising"] == 0


@pytest.mark.parametrize("datum", ["黄海", "", None])
def test_a_level_in_another_datum_or_in_none_is_refused(datum: str | None) -> None:
    with pytest.raises(ValueError, match="基面不符"):
        river_reading({**CUNTAN, "datum": datum})


def test_the_same_water_is_never_compared_across_datums() -> None:
    """At 寸滩 the two datums lie 1.49 m apart: 179.30 m Wusong is 177.81 m Yellow Sea, and neither is held against the other's limit."""
    with pytest.raises(ValueError, match="黄海"):
        river_reading({**CUNTAN, "datum": "黄海", "level": "177.81"})
    ciqikou = river_reading({**CUNTAN, "datum": "黄海", "station_datum": "黄海", "warning": 181.0, "level": "177.81", "record": None})
    assert ciqikou["to_warning"] == pytest.approx(3.19)


def test_a_station_without_a_published_limit_has_no_distance_to_it() -> None:
    found = river_reading({**CUNTAN, "warning": None, "record": None})
    assert (found["to_warning"], found["hours_to_warning"], found["to_record"]) == (None, None, None)
    assert found["to_guarantee"] == pytest.approx(4.2)


def test_what_telemetry_writes_when_it_fails_is_no_level() -> None:
    with pytest.raises(ValueError, match="量程"):
        river_reading({**CUNTAN, "level": "999.99 "})
    assert river_reading({**CUNTAN, "earlier": "999.99 "})["rise"] is None


def test_a_rise_is_only_told_from_readings_about_an_hour_apart() -> None:
    assert rise_rate(171.0, 170.5, HOUR) == pytest.approx(0.5)
    assert rise_rate(171.0, 170.5, HOUR / 2) == pytest.approx(1.0)
    assert rise_rate(171.0, 170.5, timedelta(minutes=5)) is None
    assert rise_rate(171.0, 170.5, timedelta(hours=11)) is None
    assert rise_rate(171.0, None, None) is None


def test_a_falling_river_is_far_from_its_limit_and_one_over_it_is_there() -> None:
    assert hours_to(2.0, -0.3) == hours_to(2.0, 0.0) == hours_to(30.0, 0.02) == FAR_H
    assert hours_to(-0.1, -0.3) == 0.0
    assert hours_to(2.0, None) is None


def test_over_the_guarantee_counts_only_while_the_river_rises() -> None:
    assert over_and_rising(184.0, 183.5, 0.2) == pytest.approx(0.5)
    assert over_and_rising(184.0, 183.5, -0.2) == 0
    assert over_and_rising(184.0, None, 0.2) is None
