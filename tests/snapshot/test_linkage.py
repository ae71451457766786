"""The panel of calls: reasons, steps against what was promised, and the effect with its controls, as of any moment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from dashboard.alerting.judged import keep_findings
from dashboard.core.declare import Finding, Text
from dashboard.core.scope import Scope
from dashboard.snapshot import linkage as panel
from dashboard.snapshot.view import View
from data_sources.air_tables import air_hour
from data_sources.road_cleaning.tables import clean_trip, linkage, road_segment
from tests.whole_city import EAST, NOON, WEST, Town

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
BEGAN = NOON - 6 * HOUR
ORIGIN = {"source": "air", "pull_run": 1, "learned_at": BEGAN, "row_hash": ""}


def _add(conn: sa.Connection, table: sa.Table, key: str, **values: Any) -> None:
    conn.execute(sa.insert(table).values(source_key=key, **ORIGIN, **values))


def _hour(conn: sa.Connection, asset: str, street: str, at: Any, pm10: float) -> None:
    key = f"{asset}{at:%H}"
    _add(conn, air_hour, key, case_id=key, asset_id=asset, street=street, opened_at=at, pm10=pm10, category="valid")


@pytest.fixture
def dusty(own: Town) -> Iterator[Town]:
    """One call in the east this morning, left late, and a station in the west nobody swept near."""
    with own.engine.begin() as conn:
        for table in (linkage, air_hour, clean_trip, road_segment):
            conn.execute(sa.delete(table))
        times = [("dispatched_at", 0), ("acked_at", 9), ("departed_at", 50), ("closed_at", 130)]
        moments = {name: BEGAN + minutes * MINUTE for name, minutes in times}
        usual = {"asset_id": "E", "title": "东站", "street": EAST.code, "category": "blue", "state": "done", "pm10_then": 132.0}
        _add(conn, linkage, "c1", case_id="c1", opened_at=BEGAN, **usual, **moments)
        for asset, street, before, after in (("E", EAST.code, 200.0, 120.0), ("W", WEST.code, 100.0, 80.0)):
            _hour(conn, asset, street, BEGAN, before)
            _hour(conn, asset, street, BEGAN + 4 * HOUR, after)
        _add(conn, road_segment, "s", asset_id="s", name="一段", area_m2=20_000.0)
        trip = {"asset_id": "s", "street": EAST.code, "category": "sprinkle", "cause": "linked", "state": "done", "linkage": "c1"}
        _add(conn, clean_trip, "t", case_id="t", opened_at=BEGAN, closed_at=moments["closed_at"], covered=100.0, km=0.6, **trip)
        because = ((Text("PM10小时值", "PM10, 1 h"), "132 ≥ 100 µg/m³"),)
        keep_findings(conn, "road_cleaning.dust", [Finding(asset="E", at=BEGAN, value=1, because=because)], BEGAN + 5 * MINUTE)
    yield own


def _row(town: Town, view: View | None = None) -> dict[str, Any]:
    rows: list[dict[str, Any]] = panel.calls(town.picture(view=view), view or View())["rows"]
    assert len(rows) == 1
    return rows[0]


def test_a_call_stands_with_its_reason_its_work_and_its_effect_against_the_control(dusty: Town) -> None:
    row = _row(dusty)
    assert (row["why"], row["work"]) == ("PM10小时值 132 ≥ 100 µg/m³", "1班，0.6 km，2.0万m²")
    assert (row["effect"], row["grounds"]) == ("−25%", "本站200→120，对照1站100→80")


def test_each_step_stands_beside_what_its_level_promises_and_the_late_one_is_marked(dusty: Town) -> None:
    steps = _row(dusty)["steps"]
    assert [(s["minutes"], s["promised"], s["late"]) for s in steps] == [("9", "15", False), ("50", "45", True), ("130", "180", False)]


def test_an_effect_without_a_control_is_not_told(dusty: Town) -> None:
    with dusty.engine.begin() as conn:
        conn.execute(sa.delete(air_hour).where(air_hour.c.asset_id == "W"))
    row = _row(dusty)
    assert row["effect"] == "—" and "无对照" in row["grounds"]


def test_an_hour_ago_the_call_had_come_as_far_as_it_had_then(dusty: Town) -> None:
    row = _row(dusty, replace(View(), as_of=BEGAN + 60 * MINUTE))
    assert row["state"] == "作业中" and [s["minutes"] for s in row["steps"]] == ["9", "50", "—"]
    assert (row["effect"], row["work"]) == ("—", "—")


def test_another_street_says_that_nobody_was_called(dusty: Town) -> None:
    body = panel.calls(dusty.picture(), View(scope=Scope((WEST.code,))))
    assert body["rows"] == [] and body["filtered"] and body["empty"]


def test_a_night_of_rain_does_not_hide_the_calls_that_were_answered(dusty: Town) -> None:
    with dusty.engine.begin() as conn:
        for n in range(12):
            usual = {"asset_id": f"R{n}", "title": "雨站", "street": WEST.code, "category": "blue", "state": "blocked_rain"}
            _add(
                conn, linkage, f"r{n}", case_id=f"r{n}", opened_at=BEGAN + HOUR, dispatched_at=BEGAN + HOUR, closed_at=BEGAN + HOUR, **usual
            )
    states = [row["state"] for row in panel.calls(dusty.picture(), View())["rows"]]
    assert states == ["降雨中止"] * 3 + ["完成"]


def test_a_call_we_did_not_judge_is_called_the_departments_own(dusty: Town) -> None:
    with dusty.engine.begin() as conn:
        conn.execute(sa.update(linkage).values(asset_id="elsewhere"))
    assert _row(dusty)["why"] == "部门自定，该级PM10 ≥ 100；本系统未判定"
