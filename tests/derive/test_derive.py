"""What no instrument gives is there as soon as what it is worked out from, is the same however it came in, and follows corrections."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
import sqlalchemy as sa

from dashboard.store.models import in_force, models_of
from dashboard.store.readings import compact
from dashboard.store.schema import reading_past, reading_touched
from dashboard.store.topics import versions
from tests.derive.conftest import EXCESS, MEAN, MINUTE, TALL, Working, Works
from tests.small_city import NOON

HOUR = timedelta(hours=1)
LONG_AGO = NOON - timedelta(days=5)


def _taught(works: Works, hours: int = 48, asset: str = "L1") -> None:
    """Heat follows current with slope 3 and rest 20, for so many hours up to five days ago."""
    currents = [(LONG_AGO - k * HOUR, 2.0 + k % 7) for k in range(hours, 0, -1)]
    works.read("current", *currents, asset=asset)
    works.read("heat", *((at, 20 + 3 * current + (0.1 if k % 2 else -0.1)) for k, (at, current) in enumerate(currents)), asset=asset)


def test_a_reading_that_came_is_worked_out_in_the_next_turn_and_the_screens_are_told(working: Working) -> None:
    works = working(EXCESS)
    _taught(works)
    works.derive()
    with works.town.engine.connect() as conn:
        before = versions(conn)
    works.read("current", (NOON, 4.0))
    works.read("heat", (NOON, 39.0))
    assert works.derive() == frozenset()
    assert works.values("excess")[NOON] == pytest.approx(2 * (39 - 20 - 12), abs=0.1)  # the parameter of that day doubles it
    with works.town.engine.connect() as conn:
        assert versions(conn)["readings:lighting"] > before["readings:lighting"]


def test_a_parameter_holds_on_the_days_it_was_in_force(working: Working) -> None:
    works = working(EXCESS)
    _taught(works)
    for at in (NOON - timedelta(days=1), NOON):
        works.read("current", (at, 4.0))
        works.read("heat", (at, 39.0))
    works.derive()
    values = works.values("excess")
    assert values[NOON] == pytest.approx(2 * values[NOON - timedelta(days=1)], rel=1e-3)


def test_nothing_is_worked_out_where_an_input_is_older_than_its_cadence(working: Working) -> None:
    works = working(EXCESS)
    _taught(works)
    works.read("current", (NOON - 6 * MINUTE, 4.0))
    works.read("heat", (NOON - 2 * MINUTE, 39.0), (NOON, 39.0))
    works.derive()
    assert NOON - 2 * MINUTE in works.values("excess")
    assert NOON not in works.values("excess")


def test_readings_that_count_nowhere_are_not_worked_with(working: Working) -> None:
    works = working(TALL)
    works.town.lamps({"L1": ("500103003", "lit")})
    works.read("heat", (NOON - MINUTE, 30.0))
    works.read("heat", (NOON, 31.0), quality=2)
    works.derive()
    assert works.values("tall") == {NOON - MINUTE: pytest.approx(30 + 29.56)}


def test_living_in_steps_or_at_once_gives_the_same_values(working: Working) -> None:
    stepped, at_once = working(MEAN, EXCESS), working(MEAN, EXCESS)
    rng = np.random.default_rng(3)
    heat = [(NOON - 90 * MINUTE + k * MINUTE, float(v)) for k, v in enumerate(rng.normal(40, 2, 90))]
    for works in (stepped, at_once):
        _taught(works)
        works.derive()
    for start in range(0, 90, 7):
        stepped.read("current", *((at, 4.0) for at, _ in heat[start : start + 7]))
        stepped.read("heat", *heat[start : start + 7])
        stepped.derive()
    at_once.read("current", *((at, 4.0) for at, _ in heat))
    at_once.read("heat", *heat)
    at_once.derive()
    for metric in ("mean_heat", "excess"):
        assert stepped.values(metric) == at_once.values(metric) != {}
    means = sorted(at for at in stepped.values("mean_heat") if at > LONG_AGO)
    assert {later - earlier for earlier, later in pairwise(means)} == {5 * MINUTE}


def test_a_correction_is_followed_and_what_was_shown_before_is_kept(working: Working) -> None:
    works = working(TALL, MEAN)
    works.town.lamps({"L1": ("500103003", "lit")})
    works.read("heat", *((NOON - k * MINUTE, 30.0) for k in range(20, -1, -1)))
    works.derive()
    works.read("heat", (NOON - 7 * MINUTE, 50.0))
    works.derive()
    works.derive()  # what is worked out from what was worked out would have followed too
    assert works.values("tall")[NOON - 7 * MINUTE] == pytest.approx(50 + 29.56)
    assert works.values("mean_heat")[NOON - 5 * MINUTE] == pytest.approx(32.0)  # the window of a later moment saw it too
    with works.town.engine.connect() as conn:
        assert conn.scalars(sa.select(reading_past.c.value).order_by(reading_past.c.value)).all() == pytest.approx([30, 30, 30, 59.56])
        assert conn.execute(sa.select(reading_touched)).all() == []


def test_a_reading_that_came_late_is_worked_out_too(working: Working) -> None:
    works = working(TALL)
    works.town.lamps({"L1": ("500103003", "lit")})
    works.read("heat", (NOON - 50 * MINUTE, 30.0), (NOON, 31.0))
    works.derive()
    works.read("heat", (NOON - 40 * MINUTE, 35.0))
    works.derive()
    assert works.values("tall")[NOON - 40 * MINUTE] == pytest.approx(35 + 29.56)


def test_a_number_shown_keeps_its_model_and_a_new_one_is_learned_the_day_after(working: Working) -> None:
    works = working(EXCESS)
    _taught(works)
    works.read("current", (NOON, 4.0))
    works.read("heat", (NOON, 32.0))
    works.derive()
    shown = works.values("excess")[NOON]
    works.town.clock.step(timedelta(hours=25))
    compact(works.town.engine, works.town.now)
    later = works.town.now - MINUTE
    works.read("current", (later, 4.0))
    works.read("heat", (later, 32.0))
    works.derive()
    with works.town.engine.connect() as conn:
        models = models_of(conn, "lighting", "excess", ["L1"])["L1"]
    assert [m.fitted_at for m in models] == [NOON, works.town.now]
    assert models[0].numbers["slope"] == pytest.approx(3, abs=0.05)
    assert (models[0].hours, models[0].stretch_from) == (48, LONG_AGO - 48 * HOUR)
    assert works.values("excess")[NOON] == shown
    assert in_force(models, NOON + MINUTE) == models[0]
    assert in_force(models, LONG_AGO) == models[0]


def test_with_too_little_to_learn_from_nothing_is_claimed(working: Working) -> None:
    works = working(EXCESS)
    _taught(works, hours=6)
    works.derive()
    assert works.values("excess") == {}
    with works.town.engine.connect() as conn:
        (model,) = models_of(conn, "lighting", "excess")["L1"]
    assert (model.numbers, model.hours) == (None, 6)


def test_a_value_no_instrument_could_have_is_none(working: Working) -> None:
    works = working(replace(TALL, metric=replace(TALL.metric, high=60)))
    works.town.lamps({"L1": ("500103003", "lit")})
    works.read("heat", (NOON - MINUTE, 30.0), (NOON, 40.0))
    works.derive()
    assert list(works.values("tall")) == [NOON - MINUTE]


def test_a_long_past_is_gone_through_in_slices_and_the_domain_is_behind_until_then(working: Working) -> None:
    works = working(MEAN)
    works.read("heat", *((NOON - timedelta(days=300) + k * timedelta(days=1), 30.0) for k in range(300)), (NOON, 31.0))
    assert works.derive(budget_s=-1.0) == {"lighting"}  # no time at all
    assert works.values("mean_heat") == {}
    assert works.derive() == frozenset()
    assert len(works.values("mean_heat")) == 301
    assert works.newest("mean_heat").ts == NOON


def test_without_news_a_turn_writes_nothing(working: Working) -> None:
    works = working(EXCESS, MEAN)
    _taught(works)
    works.derive()
    with works.town.engine.connect() as conn:
        before = versions(conn)
    works.town.clock.step(MINUTE)
    works.derive()
    with works.town.engine.connect() as conn:
        assert versions(conn) == before
