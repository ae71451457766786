"""Rules that judge what several tables say together, what is usual, what stands still, and what was corrected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from dashboard import city
from dashboard.alerting.evaluate import evaluate
from dashboard.alerting.judged import topics_read
from dashboard.alerting.reasons import in_language
from dashboard.core.catalog import Catalog
from dashboard.core.configured import Parameter
from dashboard.core.declare import AlertRule, Finding, Judged, Level, OutOfRange, Stillness, Text
from dashboard.store.alert_reads import AlertFilter, AlertRow, alert_timeline, closed_today, open_alerts
from dashboard.store.findings import findings
from dashboard.store.readings import compact
from dashboard.store.topics import versions
from tests.small_city import CATALOG, EAST, LIGHTING, NOON, WEST, SmallCity, call, lamp, on_both, threshold

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NIGHT = Text("夜间不修", "No repairs at night")


def _complained_of(rows: Mapping[str, list[Any]], parameters: Mapping[str, float], now: datetime) -> list[Finding]:
    """A lamp is bad when it is dark and called about; far from town nobody is sent."""
    found = []
    for one in rows["lamps"]:
        calls = [c.opened_at for c in rows["calls"] if c.asset_id == one.asset_id]
        if one.state == "dark" and calls:
            because = ((Text("灭灯", "Dark"), one.name), (Text("来电", "Calls"), f"{len(calls)} 件"))
            stopped = NIGHT if one.street == WEST else None
            value = len(calls) * parameters["weight"]
            found.append(Finding(asset=one.asset_id, at=max(calls), value=value, because=because, stopped=stopped, name=one.name))
    return found


READS = {
    "lamps": sa.select(lamp.c.asset_id, lamp.c.name, lamp.c.state, lamp.c.street),
    "calls": sa.select(call.c.asset_id, call.c.opened_at).where(call.c.opened_at > city.ago(HOUR)),
}
RULES = (
    AlertRule(key="bad", title=Text("灯坏有人问", "Dark and called about"), watches=Judged(reads=READS, judge=_complained_of)),
    AlertRule(key="odd", title=Text("灯温反常", "Unusual heat"), watches=OutOfRange(metric="heat"), hold=2 * MINUTE),
    AlertRule(key="stuck", title=Text("灯温不动", "Heat stuck"), watches=Stillness(metric="heat"), unit="min"),
)
LIMITS = (
    threshold("bad", Level.YELLOW, ">=", 2, 1),
    threshold("bad", Level.ORANGE, ">=", 6, 4),
    threshold("odd", Level.BLUE, ">=", 1, 0.5),
    threshold("stuck", Level.BLUE, ">=", 30, 1),
)
WEIGHT = Parameter(rule="lighting.bad", name="weight", value=2, unit="", ref="测试", confidence="default")


@pytest.fixture
def judging(town: SmallCity) -> SmallCity:
    """The small city with rules of the judging kinds."""
    lighting = replace(LIGHTING, rules=(*LIGHTING.rules, *RULES))
    town.catalog = Catalog({"lighting": lighting}, CATALOG.vitals, (*CATALOG.thresholds, *LIMITS), CATALOG.targets, parameters=(WEIGHT,))
    return town


def _evaluate(town: SmallCity) -> int:
    return evaluate(town.engine, town.catalog, town.settings, town.now)


def _open(town: SmallCity, rule: str) -> list[AlertRow]:
    with town.engine.connect() as conn:
        return open_alerts(conn, only=AlertFilter(rule=f"lighting.{rule}"))


def _found(town: SmallCity, since: datetime = NOON - 30 * timedelta(days=1)) -> list[tuple[str, float, bool, bool]]:
    """What the judge found: asset, value, stopped, still so."""
    with town.engine.connect() as conn:
        rows = findings(conn, ["lighting.bad"], since)
    return [(row.asset_id, row.value, row.stopped is not None, row.gone_at is None) for row in rows]


def _heat(town: SmallCity, *values: float, asset: str = "a", each: timedelta = MINUTE) -> None:
    """Readings at equal steps, ending now."""
    town.heat(*((asset, town.now - (len(values) - 1 - i) * each, v) for i, v in enumerate(values)))


@on_both
def test_an_alert_says_what_the_judge_looked_at(judging: SmallCity) -> None:
    judging.lamps({"a": (EAST, "dark"), "b": (EAST, "lit")})
    judging.calls(("c1", NOON - 5 * MINUTE, EAST), asset="a")
    _evaluate(judging)
    (found,) = _open(judging, "bad")
    assert (found.asset_id, found.level, found.value, found.opened_at) == ("a", "yellow", 2, NOON - 5 * MINUTE)
    assert in_language(found.reason, "zh") == "灯坏有人问，达到黄色：灭灯 a号灯，来电 1 件"
    assert in_language(found.reason, "en") == "Dark and called about, yellow: Dark a号灯, Calls 1 件"


@on_both
def test_what_is_found_is_kept_each_time_it_changes_and_only_then(judging: SmallCity) -> None:
    judging.lamps({"a": (EAST, "dark")})
    judging.calls(("c1", NOON, EAST), asset="a")
    for _ in range(3):
        _evaluate(judging)
        judging.clock.step(MINUTE)
    assert _found(judging) == [("a", 2, False, True)]
    judging.calls(("c2", judging.now, EAST), asset="a")
    _evaluate(judging)
    assert _found(judging) == [("a", 4, False, True), ("a", 2, False, False)]
    judging.lamps({"a": (EAST, "lit")})
    _evaluate(judging)
    assert [still for *_, still in _found(judging)] == [False, False]


def test_an_asset_no_longer_named_is_at_rest_and_its_alert_says_so(judging: SmallCity) -> None:
    judging.lamps({"a": (EAST, "dark")})
    judging.calls(("c1", NOON, EAST), asset="a")
    _evaluate(judging)
    judging.clock.step(2 * HOUR)  # the call has left the hour looked at
    _evaluate(judging)
    assert _open(judging, "bad") == []
    with judging.engine.connect() as conn:
        (closed,) = closed_today(conn, judging.now, AlertFilter(rule="lighting.bad"))
    assert in_language(closed.reason, "zh") == "灯坏有人问：条件不再成立"


@on_both
def test_a_stopped_finding_is_kept_and_raises_nothing(judging: SmallCity) -> None:
    judging.lamps({"a": (WEST, "dark")})
    judging.calls(("c1", NOON, WEST), asset="a")
    _evaluate(judging)
    assert _open(judging, "bad") == []
    with judging.engine.connect() as conn:
        (row,) = findings(conn, ["lighting.bad"], NOON)
    assert row.stopped == NIGHT and row.because[1] == (Text("来电", "Calls"), "1 件")


def test_a_stop_rule_that_comes_into_force_clears_the_alert_and_is_named(judging: SmallCity) -> None:
    judging.lamps({"a": (EAST, "dark")})
    judging.calls(("c1", NOON, EAST), asset="a")
    _evaluate(judging)
    judging.clock.step(MINUTE)
    judging.lamps({"a": (WEST, "dark")})
    _evaluate(judging)
    with judging.engine.connect() as conn:
        (closed,) = closed_today(conn, judging.now, AlertFilter(rule="lighting.bad"))
    assert in_language(closed.reason, "zh").startswith("灯坏有人问：夜间不修")


def test_the_past_is_found_as_it_was_known_then(judging: SmallCity) -> None:
    judging.lamps({"a": (EAST, "dark")})
    judging.calls(("c1", NOON, EAST), asset="a")
    _evaluate(judging)
    judging.clock.step(10 * MINUTE)
    judging.calls(("c2", judging.now, EAST), asset="a")
    _evaluate(judging)
    with judging.engine.connect() as conn:
        then = findings(conn, ["lighting.bad"], NOON, until=NOON + 5 * MINUTE)
    assert [row.value for row in then] == [2]


def test_a_change_of_findings_alone_redraws_the_screens(judging: SmallCity) -> None:
    judging.lamps({"a": (WEST, "dark")})
    judging.calls(("c1", NOON, WEST), asset="a")
    _evaluate(judging)
    with judging.engine.connect() as conn:
        before = versions(conn)["alerts"]
    judging.calls(("c2", NOON, WEST), asset="a")
    _evaluate(judging)
    with judging.engine.connect() as conn:
        assert versions(conn)["alerts"] == before + 1


def test_a_judge_is_asked_again_when_one_of_its_tables_moves() -> None:
    readings = sa.select(city.latest.c.value).where(city.latest.c.domain == "water")
    watched = Judged(reads={**READS, "level": readings}, judge=_complained_of)
    assert topics_read(watched, "lighting", {"lighting", "water"}) == {"table:small_lamp", "table:small_call", "readings:water"}


def test_a_judge_that_breaks_silences_nobody_and_clears_nothing(judging: SmallCity, caplog: pytest.LogCaptureFixture) -> None:
    judging.lamps({"a": (EAST, "dark")})
    judging.calls(("c1", NOON, EAST), asset="a")
    _evaluate(judging)
    without = replace(judging.catalog, parameters=())  # the judge looks for its weight and does not find it
    for _ in range(2):
        judging.clock.step(MINUTE)
        _heat(judging, 90, 90, 90, 90)
        evaluate(judging.engine, without, judging.settings, judging.now)
    assert len(_open(judging, "bad")) == 1 and len(_open(judging, "too_hot")) == 1
    assert _found(judging) == [("a", 2, False, True)]
    assert [record.message for record in caplog.records] == ["rule lighting.bad cannot judge; its alerts stay as they are"]


def _usual_days(town: SmallCity, days: int, low: float, high: float) -> None:
    """Each day before today the same two values in the running hour, on days in turn."""
    for day in range(days, 0, -1):
        at = NOON - timedelta(days=day)
        town.heat(("a", at, low if day % 2 else high), feed_at=at)
    compact(town.engine, town.now)


@on_both
def test_a_reading_far_from_what_is_usual_at_its_hour_rings(judging: SmallCity) -> None:
    _usual_days(judging, 20, 20.0, 30.0)
    _heat(judging, 36, 36)
    _evaluate(judging)
    assert _open(judging, "odd") == [], "0.6 widths of the usual range beyond it"
    judging.clock.step(5 * MINUTE)
    _heat(judging, 45, 45, 45, 45)
    _evaluate(judging)
    (found,) = _open(judging, "odd")
    assert found.value == pytest.approx(1.5)
    assert in_language(found.reason, "zh").startswith("灯温偏离同期常态的幅宽数 1.5 倍 ≥ 蓝色限值 1 倍")


def test_too_short_a_past_says_nothing_about_what_is_usual(judging: SmallCity) -> None:
    _usual_days(judging, 4, 20.0, 30.0)
    judging.clock.step(5 * MINUTE)
    _heat(judging, 59, 59, 59, 59)
    _evaluate(judging)
    assert _open(judging, "odd") == []


def test_below_the_usual_range_is_as_far_as_above(judging: SmallCity) -> None:
    _usual_days(judging, 20, 20.0, 30.0)
    judging.clock.step(5 * MINUTE)
    _heat(judging, 9, 9, 9)
    _evaluate(judging)
    assert _open(judging, "odd")[0].value == pytest.approx(1.1)


@on_both
def test_an_instrument_that_always_says_the_same_rings_from_when_it_was_too_long(judging: SmallCity) -> None:
    _heat(judging, *[20.0] * 45)
    _evaluate(judging)
    (found,) = _open(judging, "stuck")
    assert (found.value, found.opened_at) == (44, NOON - 14 * MINUTE)
    assert in_language(found.reason, "zh") == "灯温读数不变 30 分钟 ≥ 蓝色限值 30 分钟"
    judging.clock.step(MINUTE)
    _heat(judging, 20.4)
    _evaluate(judging)
    assert _open(judging, "stuck") == []


def test_a_silent_instrument_is_not_a_still_one(judging: SmallCity) -> None:
    _heat(judging, *[20.0] * 10)
    judging.clock.step(2 * HOUR)
    judging.heard("heat")
    _evaluate(judging)
    assert _open(judging, "stuck") == []


# ---- corrections: town has the plain rules, too hot from 60 for two minutes
def _told(town: SmallCity) -> list[tuple[str, str | None, bool]]:
    with town.engine.connect() as conn:
        rows = open_alerts(conn) or closed_today(conn, town.now)
        return [(t.what, t.new, "读数订正后" in t.reason) for t in alert_timeline(conn, rows[0].alert_id)]


@on_both
def test_a_correction_of_the_newest_reading_clears_an_alert_it_had_raised(town: SmallCity) -> None:
    _heat(town, 50, 70, 70, 70)
    _evaluate(town)
    town.clock.step(MINUTE)
    at = [NOON - 2 * MINUTE, NOON - MINUTE, NOON]
    town.heat(*(("a", moment, 50.0) for moment in at))
    _evaluate(town)
    assert _open(town, "too_hot") == []
    assert _told(town) == [("open", "yellow", False), ("clear", "clear", True)]


def test_a_correction_in_the_middle_raises_what_should_have_rung(town: SmallCity) -> None:
    _heat(town, 70, 50, 70, 70)
    _evaluate(town)
    assert _open(town, "too_hot") == []
    town.clock.step(MINUTE)
    town.heat(("a", NOON - 2 * MINUTE, 70.0))
    _evaluate(town)
    (found,) = _open(town, "too_hot")
    assert found.opened_at == NOON - MINUTE, "two minutes after the first of the four"
    assert in_language(found.reason, "en").endswith("(after a reading was corrected)")


def test_a_correction_moves_the_level_of_an_open_alert(town: SmallCity) -> None:
    _heat(town, 70, 70, 70, 85, 85, 85)
    _evaluate(town)
    town.clock.step(MINUTE)
    town.heat(*(("a", NOON - i * MINUTE, 75.0) for i in range(3)))
    _evaluate(town)
    (found,) = _open(town, "too_hot")
    assert (found.level, found.worst_level, found.value) == ("yellow", "orange", 75)


def test_a_correction_that_changes_nothing_tells_nothing(town: SmallCity) -> None:
    _heat(town, 70, 70, 70)
    _evaluate(town)
    town.clock.step(MINUTE)
    town.heat(("a", NOON - MINUTE, 71.0))
    assert _evaluate(town) == 0
    assert len(_open(town, "too_hot")) == 1


def test_a_correction_of_the_day_before_yesterday_is_history(town: SmallCity) -> None:
    _heat(town, 50, 50, 50)
    _evaluate(town)
    town.clock.step(timedelta(days=2))
    _heat(town, 50)
    _evaluate(town)
    town.clock.step(MINUTE)
    town.heat(*(("a", NOON - i * MINUTE, 90.0) for i in range(3)))
    assert _evaluate(town) == 0


def test_an_alert_older_than_a_day_survives_a_correction_that_is_still_hot(town: SmallCity) -> None:
    _heat(town, 70, 70, 70)
    _evaluate(town)
    for _ in range(31):
        town.clock.step(HOUR)
        _heat(town, 58)  # between clearing and ringing: the alert stays open
        _evaluate(town)
    town.clock.step(MINUTE)
    town.heat(("a", town.now - MINUTE, 57.0))
    _evaluate(town)
    assert len(_open(town, "too_hot")) == 1
