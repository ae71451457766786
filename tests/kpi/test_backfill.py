"""The weeks before the first pull, filled in: the same numbers as if we had been there."""

from __future__ import annotations

from datetime import datetime, timedelta

from dashboard.kpi.backfill import backfill
from dashboard.kpi.compute import compute
from dashboard.store.kpi_reads import expected, kpi_hours, kpi_series
from tests.small_city import EAST, NOON, WEST, SmallCity, on_both

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def _compute(town: SmallCity) -> set[str]:
    return compute(town.engine, town.catalog, town.settings, town.now)


def _fill(town: SmallCity) -> int:
    turns = 0
    while backfill(town.engine, town.catalog, town.settings, town.now):
        turns += 1
    return turns


def _history(town: SmallCity, days: int = 35) -> None:
    """A call at 10:30 and at 18:30 each day, the temperature that of the hour, all of it pulled at once."""
    mornings = [NOON - 90 * timedelta(minutes=1) - d * DAY for d in range(days)]
    town.calls(*((f"m{d}", at, EAST) for d, at in enumerate(mornings)))
    town.calls(*((f"e{d}", at - 16 * HOUR, WEST) for d, at in enumerate(mornings)), closed=True)
    first = NOON - days * DAY
    town.heat(*(("a", first + h * HOUR, float((first + h * HOUR).hour)) for h in range(days * 24 + 1)))


def _hourly(town: SmallCity, key: str, scope: str, t0: datetime, t1: datetime) -> dict[datetime, float | None]:
    with town.engine.connect() as conn:
        return {at: mean for at, mean, _, _ in kpi_hours(conn, key, scope, t0, t1)}


@on_both
def test_windows_show_what_they_would_have_shown(town: SmallCity) -> None:
    _history(town)
    _compute(town)
    _fill(town)
    day = NOON - 3 * DAY
    today = _hourly(town, "lighting.calls_today", "district", day - 12 * HOUR, day + 11 * HOUR)
    assert [today[day - 12 * HOUR + h * HOUR] for h in (0, 9, 10, 17, 18, 23)] == [0, 0, 1, 1, 2, 2]
    answered = _hourly(town, "lighting.answered", "district", day, day)
    assert answered == {day: 6 / 13 * 100}, "of seven days' calls the evenings are answered, and tonight's has not come"
    last_hour = _hourly(town, "lighting.calls_hour", EAST, day - 2 * HOUR, day)
    assert last_hour == {day - 2 * HOUR: 1, day - HOUR: 0, day: 0}


def test_channels_show_the_readings_of_their_hour(town: SmallCity) -> None:
    _history(town)
    _compute(town)
    _fill(town)
    found = _hourly(town, "lighting.hottest", "district", NOON - 2 * DAY, NOON - 2 * DAY + 3 * HOUR)
    assert list(found.values()) == [4.0, 5.0, 6.0, 7.0]


@on_both
def test_what_is_usual_is_known_at_once(town: SmallCity) -> None:
    _history(town)
    _compute(town)
    with town.engine.connect() as conn:
        assert expected(conn, "lighting.hottest", "district", NOON) == [None] * 24
    _fill(town)
    with town.engine.connect() as conn:
        usual = expected(conn, "lighting.hottest", "district", NOON)
        assert usual[-1] == (4.0, 4.0) and usual[0] == (5.0, 5.0)
        assert expected(conn, "vital.nerves", "district", NOON)[-1] is not None


def test_yesterday_stands_beside_today_after_the_first_pull(town: SmallCity) -> None:
    _history(town)
    _compute(town)
    _fill(town)
    _compute(town)
    row = town.figure("lighting.calls_today")
    assert (row.value, row.yesterday) == (1, 1)


@on_both
def test_what_was_computed_at_the_time_stands(town: SmallCity) -> None:
    _history(town)
    _compute(town)
    live = _hourly(town, "lighting.hottest", "district", NOON, NOON)
    _fill(town)
    assert _hourly(town, "lighting.hottest", "district", NOON, NOON) == live
    with town.engine.connect() as conn:
        line = kpi_series(conn, "lighting.hottest", "district", NOON - 2 * HOUR, NOON)
    assert [value for _, value in line] == [1.0, 2.0, 3.0, 4.0]
    assert line[-1][0] == NOON


def test_it_is_done_once_and_goes_on_where_it_stopped(town: SmallCity) -> None:
    _history(town, days=3)
    _compute(town)
    left = backfill(town.engine, town.catalog, town.settings, town.now)
    assert _fill(town) == left - 1
    assert backfill(town.engine, town.catalog, town.settings, town.now) == 0


def test_a_source_that_has_not_caught_up_is_filled_in_later(town: SmallCity) -> None:
    town.calls(("c", NOON - DAY, EAST))
    town.heard("calls", at=NOON - DAY)
    _compute(town)
    assert _fill(town) == 0
    town.calls(("d", NOON, EAST))
    _compute(town)
    assert _fill(town) > 0
    assert _hourly(town, "lighting.calls_today", EAST, NOON - DAY, NOON - DAY) == {NOON - DAY: 1}
