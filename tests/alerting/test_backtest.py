"""A rule run over the past does what the live engine did, minute by minute, on the same rows."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from dashboard.alerting.backtest import Trial, backtest
from dashboard.alerting.backtest_text import moved, trial_text
from dashboard.alerting.evaluate import evaluate
from dashboard.core.calendars import calendars_of
from dashboard.core.declare import Absence, AlertRule, Judged, Level, Missing, Readings, Stillness, Text
from dashboard.core.errors import NotFoundError
from dashboard.kpi.compute import compute
from dashboard.store.schema import pull_state
from tests.small_city import CATALOG, EAST, LIGHTING, NOON, SmallCity, call, lamp, threshold

MINUTE = timedelta(minutes=1)
_HOURS = ["12:00-13:30", "14:00-23:00"]
CALENDARS = calendars_of(
    [{"key": "rounds", "title": ["巡报", "Rounds"], "workdays": _HOURS, "restdays": _HOURS, "ref": "测试", "confidence": "default"}], []
)


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


def _with_rule(town: SmallCity, rule: AlertRule) -> SmallCity:
    """The small city with one rule more, which rings at 10 and at 20 of its unit."""
    limits = [threshold(rule.key, Level.BLUE, ">=", 10, 5), threshold(rule.key, Level.YELLOW, ">=", 20, 5)]
    lighting = replace(LIGHTING, rules=(*LIGHTING.rules, rule))
    town.catalog = replace(CATALOG, domains={"lighting": lighting}, thresholds=(*CATALOG.thresholds, *limits), calendars=CALENDARS)
    return town


def _alike(trial: Trial) -> None:
    """The same alerts at the same moments; what ends when something comes ends, live, at the next look."""
    assert len(trial.episodes) > 1
    by_time = sorted(trial.recorded, key=lambda one: (one.opened, one.asset))
    assert [(one.asset, one.opened, one.worst) for one in trial.episodes] == [(one.asset, one.opened, one.worst) for one in by_time]
    for tried, kept in zip(trial.episodes, by_time, strict=True):
        assert (tried.cleared is None) == (kept.cleared is None)
        assert tried.cleared is None or kept.cleared is None or timedelta(0) <= kept.cleared - tried.cleared <= MINUTE


@pytest.mark.parametrize("seed", range(3))
def test_what_must_last_raises_what_the_live_engine_raised(town: SmallCity, seed: int) -> None:
    """Values that cross both limits and their clearing values again and again, and mostly not for long enough."""
    long = {"hold": 4 * MINUTE, "clear_hold": 6 * MINUTE}
    _with_rule(town, AlertRule(key="warm", title=Text("偏热", "Warm"), watches=Readings(metric="heat"), unit="°C", **long))
    dice, level = random.Random(seed), {"a": 8.0, "b": 14.0}
    for _ in range(220):
        for asset in level:
            level[asset] += dice.gauss(0, 4) + (11 - level[asset]) * 0.15
            if dice.random() > 0.06:
                town.heat((asset, town.now, level[asset]))
        _live(town)
        town.clock.step(MINUTE if dice.random() > 0.02 else 7 * MINUTE)
    _same(_trial(town, "warm"))


@pytest.mark.parametrize("seed", range(2))
def test_instruments_that_stand_still_raise_what_the_live_engine_raised(town: SmallCity, seed: int) -> None:
    _with_rule(town, AlertRule(key="stuck", title=Text("不动", "Stuck"), watches=Stillness(metric="heat"), unit="min"))
    dice, value, until = random.Random(seed), {"a": 20.0, "b": 30.0}, {"a": 0, "b": 0}
    for n in range(200):
        for asset in value:
            if n >= until[asset]:
                value[asset] += dice.choice((1, -1))
                until[asset] = n + (dice.randrange(8, 30) if dice.random() < 0.1 else 1)
            if dice.random() > 0.04:
                town.heat((asset, town.now, value[asset]))
        _live(town)
        town.clock.step(MINUTE)
    _alike(_trial(town, "stuck"))


@pytest.mark.parametrize("seed", range(2))
def test_silent_channels_and_a_silent_feed_raise_what_the_live_engine_raised(town: SmallCity, seed: int) -> None:
    dice, quiet = random.Random(seed), dict.fromkeys("abc", 0)
    town.heat(*((asset, town.now, 20.0) for asset in quiet))
    for n in range(200):
        for asset in quiet:
            if n >= quiet[asset] and dice.random() < 0.02:
                quiet[asset] = n + dice.randrange(5, 40)
        if dice.random() < 0.01:  # the whole feed stops
            quiet = {asset: max(until, n + dice.randrange(8, 45)) for asset, until in quiet.items()}
        speaking = [asset for asset, until in quiet.items() if n >= until]
        if speaking:
            town.heat(*((asset, town.now, 20.0 + n) for asset in speaking))
        _live(town)
        town.clock.step(MINUTE)
    _alike(_trial(town, "mute"))


def test_the_only_channel_of_a_feed_is_silent_as_in_the_live_engine(town: SmallCity) -> None:
    dice, quiet = random.Random(5), 0
    for n in range(160):
        if n >= quiet:
            town.heat(("a", town.now, 20.0 + n))
            quiet = n + (dice.randrange(11, 50) if dice.random() < 0.05 else 1)
        _live(town)
        town.clock.step(MINUTE)
    _alike(_trial(town, "mute"))


def test_a_silent_list_of_cases_raises_what_the_live_engine_raised(town: SmallCity) -> None:
    dice, quiet = random.Random(3), 0
    for n in range(250):
        if n >= quiet:
            town.calls((f"c{n}", town.now, EAST))
            quiet = n + dice.randrange(5, 60)
        _live(town)
        town.clock.step(MINUTE)
    _alike(_trial(town, "no_calls"))


@pytest.mark.parametrize("seed", range(2))
def test_rows_that_were_due_raise_what_the_live_engine_raised(town: SmallCity, seed: int) -> None:
    due = Missing(feed="lighting.calls", of=sa.select(lamp.c.asset_id), table=call, by=call.c.asset_id, at=call.c.opened_at)
    _with_rule(town, AlertRule(key="due", title=Text("应报未报", "Not reported"), watches=due, calendar="rounds", unit="min"))
    town.lamps({name: (EAST, "lit") for name in "ab"})
    dice, wait = random.Random(seed), {"a": 0, "b": 0}
    for n in range(240):  # noon to four, in service until half past one and from two
        for asset in wait:
            if n >= wait[asset]:
                town.calls((f"{asset}{n}", town.now, EAST), asset=asset)
                wait[asset] = n + dice.randrange(2, 28)
        town.heard("calls")
        _live(town)
        town.clock.step(MINUTE)
    _alike(_trial(town, "due"))


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
    with pytest.raises(NotFoundError, match="how they stood at a moment is not kept"):
        _trial(_with_rule(town, AlertRule(key="both", title=Text("合看", "Both"), watches=Judged(reads={}, judge=lambda *_: []))), "both")
    town.lamps({"a": (EAST, "lit")})
    with town.engine.begin() as conn:
        conn.execute(sa.update(pull_state).values(judged_by="contact"))
    lamps = AlertRule(key="no_lamps", title=Text("台账中断", "No register"), watches=Absence(feed="lighting.lamps"))
    with pytest.raises(NotFoundError, match="judged by when it was last read, which is not kept"):
        _trial(_with_rule(town, lamps), "no_lamps")
    with pytest.raises(NotFoundError, match="no rule"):
        _trial(town, "moon")
    with pytest.raises(NotFoundError, match="no level red"):
        _trial(town, "too_hot", "red=90")
    with pytest.raises(NotFoundError, match="no level=value"):
        _trial(town, "too_hot", "orange")
