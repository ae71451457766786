"""Calls of sweepers: answered and done by their level's time, and their effect told against stations nobody swept near."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from dashboard.core.measures import MOMENT
from dashboard.core.tables import metadata
from dashboard.store.engine import open_store
from data_sources.air_tables import air_hour
from data_sources.road_cleaning.calls import CALL_KPIS, EFFECT, promise, repeated, swept, treated
from data_sources.road_cleaning.tables import clean_trip, linkage, road_segment

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
EAST, WEST, NORTH = "500103003", "500103013", "500103010"
ORIGIN = {"source": "air", "pull_run": 1, "learned_at": NOON, "row_hash": ""}
BY_KEY = {kpi.key: kpi for kpi in CALL_KPIS}


@pytest.fixture
def conn(tmp_path: Any) -> Iterator[sa.Connection]:
    """A store with one station swept at noon in the east, where PM10 fell by half while it fell by a fifth in the west."""
    engine = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    metadata.create_all(engine, tables=[linkage, clean_trip, air_hour, road_segment])
    with engine.connect() as made:
        for asset, street, before, after in (("E", EAST, 200.0, 100.0), ("W", WEST, 100.0, 80.0), ("N", NORTH, 300.0, 30.0)):
            hour(made, asset, street, NOON, before)
            hour(made, asset, street, NOON + 3 * HOUR, after)
        call(made, "c1")
        trip(made, "flush in the north", NORTH, NOON + 30 * MINUTE, category="flush", cause="plan")
        yield made
    engine.dispose()


def add(conn: sa.Connection, table: sa.Table, key: str, **values: Any) -> None:
    conn.execute(sa.insert(table).values(source_key=key, **ORIGIN, **values))


def hour(conn: sa.Connection, asset: str, street: str, at: datetime, pm10: float, category: str = "valid") -> None:
    key = f"{asset}{at:%H}"
    add(conn, air_hour, key, case_id=key, asset_id=asset, street=street, opened_at=at, pm10=pm10, category=category)


def call(conn: sa.Connection, key: str, **values: Any) -> None:
    """Asked for at noon, sent at once, gone at ten past, done before two."""
    times = {"dispatched_at": NOON, "acked_at": NOON + 10 * MINUTE, "departed_at": NOON + 10 * MINUTE, "closed_at": NOON + 100 * MINUTE}
    usual = {"asset_id": "E", "street": EAST, "category": "blue", "state": "done", "opened_at": NOON, **times}
    add(conn, linkage, key, case_id=key, **{**usual, **values})


def trip(conn: sa.Connection, key: str, street: str, ended: datetime, **values: Any) -> None:
    usual = {"asset_id": "LD1", "category": "sprinkle", "cause": "linked", "state": "done", "opened_at": ended - 20 * MINUTE}
    add(conn, clean_trip, key, case_id=key, street=street, closed_at=ended, **{**usual, **values})


def effect(conn: sa.Connection) -> tuple[float | None, int]:
    return tuple(conn.execute(sa.select(EFFECT, swept.c.controls)).one())


def value(conn: sa.Connection, key: str) -> float | None:
    measure = BY_KEY[key].measure
    query = sa.select(*(sa.func.sum(part) for part in measure.parts)).select_from(BY_KEY[key].table)
    query = query if measure.where is None else query.where(measure.where)
    return measure.combine(*conn.execute(query, {MOMENT: NOON + 4 * HOUR} if MOMENT in query.compile().params else {}).one())


def test_the_fall_elsewhere_is_taken_off_the_fall_here(conn: sa.Connection) -> None:
    found, controls = effect(conn)
    assert found == pytest.approx(100 * (1 - (100 / 200) * (100 / 80)))
    assert controls == 1, "the north was wetted too, so it tells nothing"


def test_without_a_station_nobody_swept_near_there_is_no_effect_to_tell(conn: sa.Connection) -> None:
    trip(conn, "sprinkle in the west", WEST, NOON + 90 * MINUTE, cause="plan")
    assert effect(conn) == (None, 0)
    assert value(conn, "sweep_effect") is None


def test_a_dry_sweep_elsewhere_leaves_a_control_a_control(conn: sa.Connection) -> None:
    trip(conn, "machine sweep in the west", WEST, NOON + 90 * MINUTE, cause="plan", category="sweep")
    assert effect(conn)[1] == 1


def test_a_wet_trip_long_before_does_not_spoil_a_control(conn: sa.Connection) -> None:
    trip(conn, "early in the west", WEST, NOON - 61 * MINUTE, cause="plan")
    assert effect(conn)[1] == 1


def test_an_hour_that_is_not_valid_makes_no_effect(conn: sa.Connection) -> None:
    conn.execute(sa.update(air_hour).where(air_hour.c.case_id == "E07").values(category="limit"))
    assert value(conn, "sweep_effect") is None


def test_calls_are_answered_within_their_levels_minutes(conn: sa.Connection) -> None:
    call(conn, "late", acked_at=NOON + 16 * MINUTE)
    call(conn, "late for its level", category="yellow", acked_at=NOON + 11 * MINUTE)
    call(conn, "nobody sent", state="missed", dispatched_at=None, acked_at=None, departed_at=None)
    call(conn, "too cold", state="blocked_cold", acked_at=None)
    assert value(conn, "linkage_response") == 25


def test_calls_are_done_when_their_tracks_are_full_and_in_time(conn: sa.Connection) -> None:
    call(conn, "half done", state="short")
    call(conn, "too late", closed_at=NOON + 181 * MINUTE)
    call(conn, "still rolling", state="rolling", closed_at=None)
    assert value(conn, "linkage_done") == pytest.approx(100 / 3)


def test_area_counts_as_far_as_the_track_covered_it(conn: sa.Connection) -> None:
    add(conn, road_segment, "LD1", asset_id="LD1", name="一段", area_m2=1000.0, kind="main")
    trip(conn, "one", EAST, NOON, covered=95.0, km=0.5)
    trip(conn, "in the plan", EAST, NOON, covered=95.0, km=0.5, cause="plan")
    assert conn.execute(sa.select(treated.c.km, treated.c.area_m2)).all() == [(0.5, 950.0)]


def test_a_stretch_called_six_times_in_a_week_is_one_called_again_and_again(conn: sa.Connection) -> None:
    for n in range(6):
        trip(conn, f"t{n}", EAST, NOON - n * HOUR, asset_id="LD2")
    for n in range(5):
        trip(conn, f"s{n}", EAST, NOON - n * HOUR, asset_id="LD3")
    rows = conn.execute(sa.select(repeated), {MOMENT: NOON}).all()
    assert [(row.asset_id, row.trips) for row in rows] == [("LD2", 6)]


def test_a_call_is_due_by_its_levels_time_from_the_dispatch() -> None:
    assert promise({"category": "orange", "dispatched_at": NOON})["due_at"] == NOON + 90 * MINUTE
    assert promise({"category": "orange", "dispatched_at": None})["due_at"] is None
