"""KPIs of the small city, computed turn by turn."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
import sqlalchemy as sa

from dashboard.kpi.compute import compute
from dashboard.kpi.explain import explain
from dashboard.store.kpi_reads import kpi_at, kpi_series
from dashboard.store.schema import dirty_day, kpi_day, kpi_history
from dashboard.store.topics import versions
from tests.small_city import EAST, NOON, NORTH, WEST, SmallCity, on_both

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def _compute(town: SmallCity) -> set[str]:
    return compute(town.engine, town.catalog, town.settings, town.now)


@on_both
def test_a_state_kpi_is_there_for_the_district_and_each_street(town: SmallCity) -> None:
    town.lamps({"a": (EAST, "lit"), "b": (EAST, "dark"), "c": (WEST, "lit"), "d": (None, "dark")})
    _compute(town)
    assert town.figure("lighting.lit").value == 50.0, "a lamp without a street counts for the district"
    assert town.figure("lighting.lit", EAST).value == 50.0
    assert town.figure("lighting.lit", WEST).value == 100.0
    assert town.figure("lighting.lit", NORTH).value is None, "no lamps, no share"


def test_the_target_makes_points_and_a_grade(town: SmallCity) -> None:
    town.lamps({str(i): (EAST, "lit" if i < 94 else "dark") for i in range(100)})
    _compute(town)
    row = town.figure("lighting.lit")
    assert (row.value, row.score, row.grade) == (94.0, 80.0, "fair")


def test_nothing_is_computed_or_said_again_when_nothing_moved(town: SmallCity) -> None:
    town.lamps({"a": (EAST, "lit")})
    assert "lighting.lit" in _compute(town)
    with town.engine.connect() as conn:
        before = versions(conn)
    assert _compute(town) == set()
    with town.engine.connect() as conn:
        assert versions(conn) == before


def test_a_change_is_told_to_the_domain_and_its_vital_system(town: SmallCity) -> None:
    town.lamps({"a": (EAST, "lit")})
    _compute(town)
    with town.engine.connect() as conn:
        before = versions(conn)
    town.clock.step(MINUTE)
    town.lamps({"a": (EAST, "dark")})
    assert "lighting.lit" in _compute(town)
    with town.engine.connect() as conn:
        after = versions(conn)
    assert after["kpi:lighting"] > before["kpi:lighting"]
    assert after["kpi:nerves"] > before["kpi:nerves"]


@on_both
def test_a_window_of_days_counts_by_the_citys_midnight(town: SmallCity) -> None:
    midnight = NOON - 12 * HOUR
    town.calls(("yesterday", midnight - MINUTE, EAST), ("today", midnight, EAST), ("noon", NOON, WEST), ("nowhere", NOON, None))
    _compute(town)
    assert town.figure("lighting.calls_today").value == 3
    assert town.figure("lighting.calls_today", EAST).value == 1
    assert town.figure("lighting.calls_today", NORTH).value == 0


@on_both
def test_only_the_days_that_were_touched_are_taken_again(town: SmallCity) -> None:
    town.calls(*((f"c{d}", NOON - d * DAY, EAST) for d in range(6)))
    _compute(town)
    with town.engine.begin() as conn:  # a mark of our own on a day nobody touches: it must survive
        conn.execute(sa.update(kpi_day).where(kpi_day.c.kpi == "lighting.answered").values(p1=1.0))
    town.clock.step(MINUTE)
    town.calls(("new", town.now, EAST))
    _compute(town)
    with town.engine.connect() as conn:
        rows = dict(conn.execute(sa.select(kpi_day.c.day, kpi_day.c.p1).where(kpi_day.c.kpi == "lighting.answered")).all())
        assert conn.execute(sa.select(dirty_day)).all() == []
    assert rows[max(rows)] == 0.0
    assert [rows[day] for day in sorted(rows)[:-1]] == [1.0] * 5


@on_both
def test_a_correction_that_moves_a_row_to_another_day_is_counted_there(town: SmallCity) -> None:
    town.calls(("c", NOON, EAST))
    _compute(town)
    town.clock.step(MINUTE)
    town.calls(("c", NOON - 2 * DAY, EAST))
    _compute(town)
    assert town.figure("lighting.calls_today").value == 0
    assert town.figure("lighting.answered").value == 0.0


def test_midnight_empties_the_day(town: SmallCity) -> None:
    town.calls(("c", NOON, EAST))
    _compute(town)
    town.clock.step(12 * HOUR)
    town.heard("calls")
    _compute(town)
    assert town.figure("lighting.calls_today").value == 0


@on_both
def test_a_rolling_window_forgets_by_the_minute(town: SmallCity) -> None:
    town.calls(("c", NOON - 59 * MINUTE, EAST))
    _compute(town)
    assert town.figure("lighting.calls_hour").value == 1
    town.clock.step(2 * MINUTE)
    town.heard("calls")
    _compute(town)
    assert town.figure("lighting.calls_hour").value == 0


@on_both
def test_overdue_grows_by_the_clock_alone(town: SmallCity) -> None:
    town.calls(("c", NOON, EAST), due=NOON + 30 * MINUTE)
    _compute(town)
    assert town.figure("lighting.overdue").value == 0
    town.clock.step(31 * MINUTE)
    town.heard("calls")
    _compute(town)
    assert town.figure("lighting.overdue", EAST).value == 1


@on_both
def test_a_change_holds_the_window_against_the_same_dates_a_year_ago_up_to_the_same_hour(town: SmallCity) -> None:
    year_ago = NOON.replace(year=2025)
    town.calls(*((f"now{i}", NOON - i * HOUR, EAST) for i in range(6)))
    town.calls(*((f"then{i}", year_ago - i * HOUR, EAST) for i in range(4)), ("later that day", year_ago + HOUR, EAST))
    _compute(town)
    assert town.figure("lighting.calls_change").value == 50.0
    assert town.figure("lighting.calls_change", WEST).value is None, "nothing to divide by"


def test_last_year_is_told_only_where_a_whole_window_of_it_is_kept(town: SmallCity) -> None:
    town.calls(("now", NOON, EAST))
    _compute(town)
    assert town.figure("lighting.calls_today").last_year is None
    year_ago = NOON.replace(year=2025)
    town.clock.step(MINUTE)
    town.calls(("then", year_ago, EAST), ("after", year_ago + HOUR, EAST))
    _compute(town)
    assert town.figure("lighting.calls_today").last_year == 1


@on_both
def test_silent_channels_are_left_out_of_the_value_and_counted_as_missing(town: SmallCity) -> None:
    town.heat(("a", NOON - 5 * MINUTE, 90.0), ("b", NOON, 40.0), feed_at=NOON)
    _compute(town)
    row = town.figure("lighting.hottest")
    assert (row.value, row.completeness, row.freshness) == (40.0, 0.5, "fresh")


def test_a_reading_nobody_should_rely_on_is_left_out(town: SmallCity) -> None:
    town.heat(("a", NOON, 400.0), quality=2)
    town.heat(("b", NOON, 40.0))
    _compute(town)
    assert town.figure("lighting.hottest").value == 40.0


def test_channels_that_fall_silent_take_their_street_out_and_keep_what_they_last_said(town: SmallCity) -> None:
    town.heat(("a", NOON, 70.0), street=EAST)
    _compute(town)
    town.clock.step(4 * MINUTE)
    town.heat(("b", town.now, 40.0), street=WEST)
    _compute(town)
    row = town.figure("lighting.hottest", EAST)
    assert (row.value, row.freshness, row.completeness, row.computed_at) == (70.0, "silent", 0.0, NOON)
    assert town.figure("lighting.hottest").value == 40.0


def test_a_silent_source_freezes_its_numbers(town: SmallCity) -> None:
    town.calls(("c", NOON - 59 * MINUTE, EAST))
    _compute(town)
    town.clock.step(40 * MINUTE)
    _compute(town)
    row = town.figure("lighting.calls_hour")
    assert (row.value, row.freshness) == (1, "silent"), "an hour without news is not an hour without calls"


@on_both
def test_this_hour_yesterday_stands_beside_today(town: SmallCity) -> None:
    town.lamps({"a": (EAST, "lit"), "b": (EAST, "dark")})
    _compute(town)
    town.clock.step(DAY)
    town.lamps({"a": (EAST, "lit"), "b": (EAST, "lit")})
    _compute(town)
    row = town.figure("lighting.lit")
    assert (row.value, row.yesterday) == (100.0, 50.0)


def test_history_takes_a_row_when_something_changed_and_once_an_hour(town: SmallCity) -> None:
    town.lamps({"a": (EAST, "lit")})
    for _ in range(90):
        town.heard("lamps")
        _compute(town)
        town.clock.step(MINUTE)
    with town.engine.connect() as conn:
        query = sa.select(kpi_history.c.at).where(kpi_history.c.kpi == "lighting.lit", kpi_history.c.scope == "district")
        times = [at for (at,) in conn.execute(query)]
    assert [at - NOON for at in times] == [timedelta(0), HOUR]


@on_both
def test_any_moment_can_be_read_again(town: SmallCity) -> None:
    town.lamps({"a": (EAST, "lit")})
    _compute(town)
    town.clock.step(10 * MINUTE)
    town.lamps({"a": (EAST, "dark")})
    _compute(town)
    with town.engine.connect() as conn:
        then = kpi_at(conn, NOON + 5 * MINUTE)["lighting.lit", "district"]
        assert (then.value, then.grade, then.freshness) == (100.0, "good", "fresh")
        assert kpi_at(conn, NOON - MINUTE) == {}
        line = kpi_series(conn, "lighting.lit", "district", NOON, town.now)
    assert line == [(NOON, 100.0), (NOON + 10 * MINUTE, 0.0)]


@pytest.mark.parametrize("key", ["lit", "hottest", "hot", "calls_today", "answered", "calls_hour", "calls_change", "overdue"])
def test_an_empty_store_is_unknown_and_never_an_error(town: SmallCity, key: str) -> None:
    _compute(town)
    row = town.figure(f"lighting.{key}")
    assert (row.value, row.score, row.grade) == (None, None, None), "none of nothing is no good news"
    assert row.freshness == "never"


def test_a_count_over_silent_channels_is_not_told_as_none(town: SmallCity) -> None:
    town.heat(("a", NOON - 5 * DAY, 90.0))
    _compute(town)
    row = town.figure("lighting.hot")
    assert (row.value, row.grade, row.freshness) == (None, None, "silent")
    with town.engine.connect() as conn:
        assert explain(conn, town.catalog, town.settings, "lighting.hot", "district", town.now).agrees


@on_both
def test_instruments_of_what_is_at_rest_are_not_missing(town: SmallCity) -> None:
    town.lamps({"a": (EAST, "off"), "b": (EAST, "lit")})
    town.heat(("a", NOON - HOUR, 40.0), ("b", NOON, 50.0))
    _compute(town)
    assert town.figure("lighting.hottest").completeness == 0.5
    lighting = dataclasses.replace(town.catalog.domains["lighting"], resting_states=("off",))
    town.catalog = dataclasses.replace(town.catalog, domains={"lighting": lighting})
    town.clock.step(MINUTE)
    town.heat(("b", town.now, 51.0))
    _compute(town)
    assert town.figure("lighting.hottest").completeness == 1.0
    town.clock.step(HOUR)
    town.lamps({"b": (EAST, "off")})
    town.heard("heat")
    _compute(town)
    row = town.figure("lighting.hottest")
    assert (row.value, row.freshness) == (None, "fresh"), "everything rests: nothing to say, and nothing is missing"
