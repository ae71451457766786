"""A rule run over the past does what the live engine did, minute by minute, on the same rows."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from dashboard.alerting.backtest import Trial, backtest
from dashboard.alerting.backtest_text import moved, trial_text
from dashboard.alerting.evaluate import evaluate
from dashboard.core.declare import Level
from dashboard.core.errors import NotFoundError
from dashboard.kpi.compute import compute
from tests.small_city import EAST, NOON, SmallCity

MINUTE = timedelta(minutes=1)


def _live(town: SmallCity, *, numbers: bool = False) -> None:
    if numbers:
        compute(town.engine, town.catalog, town.settings, town.now)
    evaluate(town.engine, town.catalog, town.settings, town.now)


def _trial(town: SmallCity, rule: str, *limits: str) -> Trial:
    key = f"lighting.{rule}"
    instead = moved(town.catalog.rule_thresholds(key, "2026-05-20"), limits) if limits else None
    with town.engine.connect() as conn:
        return backtest(conn, town.catalog, key, NOON - timedelta(hours=1), town.now, instead)


def _same(trial: Trial) -> None:
    """Everything the trial raised is on record at the same moments, and the other way round."""
    assert len(trial.episodes) > 0
    assert set(trial.episodes) == set(trial.recorded)


@pytest.mark.parametrize("seed", range(3))
def test_readings_raise_what_the_live_engine_raised(town: SmallCity, seed: int) -> None:
    dice = random.Random(seed)
    town.lamps({"a": (EAST, "lit"), "b": (EAST, "lit")})
    level = {"a": 50.0, "b": 62.0}
    for _ in range(150):
        for asset in level:
            level[asset] += dice.gauss(0, 6) + (58 - level[asset]) * 0.1
            if dice.random() > 0.05:  # now and then one falls silent for a while
                town.heat((asset, town.now, level[asset]))
        _live(town)
        town.clock.step(MINUTE if dice.random() > 0.02 else 7 * MINUTE)
    _same(_trial(town, "too_hot"))


def test_a_kpi_raises_what_the_live_engine_raised(town: SmallCity) -> None:
    dice = random.Random(7)
    for _ in range(60):
        town.lamps({name: (EAST, "lit" if dice.random() > 0.5 else "dark") for name in "abcd"})
        _live(town, numbers=True)
        town.clock.step(MINUTE)
    _same(_trial(town, "dark"))


def test_counted_rows_raise_what_the_live_engine_raised(town: SmallCity) -> None:
    dice = random.Random(11)
    for n in range(90):
        if dice.random() < 0.12:
            town.calls((f"c{n}", town.now, EAST), asset="a")
        _live(town)
        town.clock.step(MINUTE)
    trial = _trial(town, "burst")
    assert [one.opened for one in trial.episodes] == [one.opened for one in trial.recorded]
    for tried, kept in zip(trial.episodes, trial.recorded, strict=True):
        assert tried.cleared is None or (kept.cleared is not None and abs(kept.cleared - tried.cleared) <= MINUTE), (
            "the live engine looks each minute"
        )


def test_another_threshold_can_be_tried_and_is_told_beside_the_record(town: SmallCity) -> None:
    town.lamps({"a": (EAST, "lit")})
    for value in [50, 65, 65, 65, 65, 50, 50, 50, 50]:
        town.heat(("a", town.now, value))
        _live(town)
        town.clock.step(MINUTE)
    assert [one.worst for one in _trial(town, "too_hot").episodes] == [Level.YELLOW]
    stricter = _trial(town, "too_hot", "orange=62")
    assert [one.worst for one in stricter.episodes] == [Level.ORANGE]
    laxer = _trial(town, "too_hot", "yellow=70")
    assert (len(laxer.episodes), len(laxer.recorded)) == (0, 1)
    told = "\n".join(trial_text(stricter))
    assert "would raise     1  橙色1" in told and "on record     1" in told


def test_what_cannot_be_run_again_is_refused_with_the_reason(town: SmallCity) -> None:
    with pytest.raises(NotFoundError, match="what was missing at a moment is not kept"):
        _trial(town, "mute")
    with pytest.raises(NotFoundError, match="no rule"):
        _trial(town, "moon")
    with pytest.raises(NotFoundError, match="no level red"):
        _trial(town, "too_hot", "red=90")
    with pytest.raises(NotFoundError, match="no level=value"):
        _trial(town, "too_hot", "orange")
