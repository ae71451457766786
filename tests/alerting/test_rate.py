"""How fast a reading changes: the line through a window, robust to holes; live and run over the past alike."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from dashboard.alerting.backtest import backtest
from dashboard.alerting.evaluate import evaluate
from dashboard.alerting.rate import slope_per_hour
from dashboard.alerting.reasons import in_language
from dashboard.core.catalog import Catalog
from dashboard.core.declare import AlertRule, Level, RateOfChange, Text
from dashboard.store.alert_reads import AlertFilter, open_alerts
from dashboard.store.readings import compact
from tests.small_city import CATALOG, EAST, LIGHTING, NOON, SmallCity, on_both, threshold

MINUTE = timedelta(minutes=1)
WATCHED = RateOfChange(metric="heat", over=10 * MINUTE)


def _slopes(minutes: list[float], values: list[float]) -> list[float | None]:
    at = np.array([round(m * 60_000_000) for m in minutes])
    return [None if np.isnan(x) else round(x, 6) for x in slope_per_hour(at, np.array(values, dtype=float), WATCHED, 60).tolist()]


EVERY_MINUTE = [float(m) for m in range(12)]
CASES = {
    "a straight line has its slope once the window is reached back to": (EVERY_MINUTE, [m * 0.5 for m in EVERY_MINUTE], 30.0),
    "falling is below zero": (EVERY_MINUTE, [-m for m in EVERY_MINUTE], -60.0),
    "level is zero": (EVERY_MINUTE, [7.0] * 12, 0.0),
    "a missing reading or two change nothing": (
        [m for m in EVERY_MINUTE if m not in (4, 5)],
        [m for m in EVERY_MINUTE if m not in (4, 5)],
        60.0,
    ),
    "a hole of more than three cadences says nothing": ([m for m in EVERY_MINUTE if not 3 < m < 7], [1.0] * 9, None),
    "a window not reached back to says nothing": ([5.0, 6.0, 7.0, 8.0, 9.0], [5.0, 6.0, 7.0, 8.0, 9.0], None),
    "too few readings say nothing": ([0.0, 3.0, 6.0], [0.0, 3.0, 6.0], None),
}


@pytest.mark.parametrize(("minutes", "values", "last"), CASES.values(), ids=CASES)
def test_the_slope_at_the_last_reading(minutes: list[float], values: list[float], last: float | None) -> None:
    assert _slopes(minutes, values)[-1] == last


def test_a_single_wild_reading_moves_the_line_less_than_the_difference_of_two_readings() -> None:
    values = [20.0] * 11 + [26.0]
    last = _slopes(EVERY_MINUTE, values)[-1]
    assert last is not None and 0 < last < 6 * 60 / 9


@pytest.fixture
def rising(town: SmallCity) -> SmallCity:
    """The small city with a rule about how fast lamps heat up."""
    rule = AlertRule(key="rising", title=Text("灯温急升", "Heat rising"), watches=WATCHED, clear_hold=2 * MINUTE)
    limits = (*CATALOG.thresholds, threshold("rising", Level.YELLOW, ">=", 60, 30), threshold("rising", Level.ORANGE, ">=", 180, 90))
    town.catalog = Catalog({"lighting": replace(LIGHTING, rules=(*LIGHTING.rules, rule))}, CATALOG.vitals, limits, CATALOG.targets)
    return town


def _turn(town: SmallCity) -> None:
    evaluate(town.engine, town.catalog, town.settings, town.now)


@on_both
def test_it_rings_with_the_speed_in_words_and_clears_when_the_rise_is_over(rising: SmallCity) -> None:
    for minute in range(30):
        rising.heat(("a", rising.now, 20.0 + 2 * max(0, min(minute - 12, 8))))
        _turn(rising)
        if minute == 20:
            with rising.engine.connect() as conn:
                (found,) = open_alerts(conn, only=AlertFilter(rule="lighting.rising"))
            assert (found.level, found.unit) == ("yellow", "°C/h")
            assert in_language(found.reason, "zh").startswith("灯温每小时变化") and "≥ 黄色限值 60 °C/h" in found.reason
            assert in_language(found.reason, "en").startswith("Heat, change per hour")
        rising.clock.step(MINUTE)
    with rising.engine.connect() as conn:
        assert open_alerts(conn, only=AlertFilter(rule="lighting.rising")) == []


@pytest.mark.parametrize("seed", range(3))
def test_run_over_the_past_it_raises_what_the_live_engine_raised(rising: SmallCity, seed: int) -> None:
    dice, level = random.Random(seed), {"a": 20.0, "b": 40.0}
    rising.lamps({"a": (EAST, "lit"), "b": (EAST, "lit")})
    for n in range(200):
        for asset in level:
            level[asset] += dice.gauss(0, 2.5) + (30 - level[asset]) * 0.03
            if dice.random() > 0.05:
                rising.heat((asset, rising.now, level[asset]))
        if n % 40 == 39:
            compact(rising.engine, rising.now)
        _turn(rising)
        rising.clock.step(MINUTE if dice.random() > 0.02 else 7 * MINUTE)
    with rising.engine.connect() as conn:
        trial = backtest(conn, rising.catalog, "lighting.rising", NOON - timedelta(hours=1), rising.now)
    assert len(trial.episodes) > 1
    assert set(trial.episodes) == set(trial.recorded)
