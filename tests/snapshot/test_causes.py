"""Two lines are said to go together only as closely, and as long after one another, as their hours show."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from dashboard.snapshot.causes import of_asset, of_vital, together
from dashboard.snapshot.view import View
from dashboard.store.readings import compact
from tests.whole_city import EAST, NOON, Town, asset_id

RAIN = np.zeros(672)
RAIN[::37] = 12.0
WET = np.convolve(RAIN, np.exp(-np.arange(12) / 4.0))[:672]
HOURS = 10 * 24


def after(line: np.ndarray, hours: int) -> np.ndarray:
    return np.concatenate([np.full(hours, np.nan), line[: len(line) - hours]])


@pytest.mark.parametrize("lag", [0, 3, 9])
def test_the_lag_at_which_two_lines_go_together_is_found(lag: int) -> None:
    found = together(WET, after(WET, lag), 12, falls=False)
    assert found.lag == lag and found.r == pytest.approx(1.0) and found.n == 672 - lag


def test_a_line_that_falls_as_the_other_rises_is_found_as_such() -> None:
    found = together(WET, -after(WET, 2), 6, falls=True)
    assert found.lag == 2 and found.r == pytest.approx(-1.0)


def test_too_few_hours_or_a_driver_that_never_moved_say_nothing() -> None:
    assert together(WET[:60], WET[:60], 3, falls=False).r is None
    assert together(np.zeros(672), WET, 3, falls=False).r is None
    assert together(np.full(672, np.nan), WET, 3, falls=False).r is None


def fed(town: Town) -> None:
    """Ten days of rain and of wetness three hours after it."""
    times = [NOON - timedelta(hours=HOURS - i) for i in range(HOURS)]
    town.read("slopes", "rain_1h", [("YL-T", EAST.code, at, RAIN[i]) for i, at in enumerate(times)], NOON)
    wet = [(asset_id("slopes", 1), EAST.code, at, 10 + WET[max(0, i - 3)]) for i, at in enumerate(times)]
    town.read("slopes", "soil_moisture", wet, NOON)
    compact(town.engine, NOON)


def test_a_link_is_told_with_its_lag_its_correlation_and_its_number_of_hours(own: Town) -> None:
    fed(own)
    link = next(c for c in of_asset(own.picture(), View(), f"slopes/{asset_id('slopes', 1)}")["links"] if c["key"] == "rain_soil")
    assert "之后约3小时" in link["sentence"] and "同起同落" in link["sentence"]
    assert "n=" in link["sentence"] and link["lines"][0]["line"] and link["lines"][1]["line"]


def test_with_too_little_history_a_link_says_so(town: Town) -> None:
    links = of_vital(town.picture(), View(), "skeleton")["links"]
    assert links and all("样本不足" in link["sentence"] for link in links)


def test_only_the_links_of_the_picked_domain_are_shown(town: Town) -> None:
    links = of_vital(town.picture(), View(system="bridges"), "skeleton")["links"]
    assert links and all(link["lines"][1]["key"].startswith("bridges.") for link in links)
