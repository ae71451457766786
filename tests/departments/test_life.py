"""The weather and traffic all demo departments share: storms that come and go, streets that fill in the rain, the same from any slice."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from data_sources.departments import life
from data_sources.departments.sensors_shapes import DAY, HOUR, rain_sum

END = datetime(2026, 11, 22, tzinfo=UTC).timestamp()
YEAR = END - np.arange(0, 365 * DAY, 600.0)[::-1]
SEEDS = (1, 7, 2026)


@pytest.mark.parametrize("seed", SEEDS)
def test_most_months_see_a_storm_of_the_national_signals_and_none_is_a_deluge(seed: int) -> None:
    half_day = rain_sum(seed, YEAR, 12)
    months = [half_day[i : i + 35 * 144].max() for i in range(0, len(half_day) - 35 * 144, 35 * 144)]
    assert sum(most >= 50 for most in months) >= len(months) * 0.5
    assert min(months) > 15
    assert rain_sum(seed, YEAR, 24).max() < 150


@pytest.mark.parametrize("seed", SEEDS)
def test_it_is_dry_most_of_the_time_and_wetter_in_summer(seed: int) -> None:
    rain = life.rain(YEAR, seed)
    assert (rain < 0.1).mean() > 0.8
    month = YEAR.astype("datetime64[s]").astype("datetime64[M]").astype(int) % 12 + 1
    assert rain[(month >= 5) & (month <= 9)].mean() > 1.3 * rain[(month <= 2) | (month >= 11)].mean()


def test_weather_is_the_same_from_any_slice_of_time() -> None:
    at = YEAR[-3000:]
    for what in (life.rain, life.temperature, life.wind, life.humidity, life.traffic):
        assert (what(at, 7)[1000:1100] == what(at[1000:1100], 7)).all()


def test_streets_are_fuller_in_the_rain_at_the_same_hour() -> None:
    wet = life.rain(YEAR, 7) > 5
    assert (life.traffic(YEAR, 7) >= life.rush(YEAR)).all()
    assert (life.traffic(YEAR, 7) - life.rush(YEAR))[wet].mean() > 0.15
    noon = np.array([END - HOUR * 8 - 12 * HOUR])
    assert life.rush(noon)[0] > life.rush(noon - 9 * HOUR)[0], "noon is busier than three in the morning"
