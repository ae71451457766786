"""Alerts of the small city, raised turn by turn."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from dashboard.alerting.evaluate import evaluate
from dashboard.alerting.reasons import in_language
from dashboard.core.catalog import Catalog
from dashboard.core.declare import Level
from dashboard.kpi.compute import compute
from dashboard.store.alert_reads import AlertFilter, AlertRow, alert_timeline, closed_today, counts, open_alerts, skyline
from dashboard.store.schema import alert
from dashboard.store.topics import versions
from tests.small_city import CATALOG, EAST, NOON, TARGETS, WEST, SmallCity, on_both, threshold

MINUTE = timedelta(minutes=1)


def _evaluate(town: SmallCity) -> int:
    return evaluate(town.engine, town.catalog, town.settings, town.now)


def _open(town: SmallCity, at: datetime | None = None, rule: str = "") -> list[AlertRow]:
    with town.engine.connect() as conn:
        return open_alerts(conn, at, AlertFilter(rule=rule))


def _heat(town: SmallCity, values: Sequence[float], asset: str = "a", start: datetime | None = None) -> None:
    """One reading a minute, ending now."""
    first = start or town.now - (len(values) - 1) * MINUTE
    town.heat(*((asset, first + i * MINUTE, v) for i, v in enumerate(values)))


def test_an_alert_names_its_asset_and_says_why(town: SmallCity) -> None:
    town.lamps({"a": (EAST, "lit")})
    _heat(town, [50, 85, 85, 85])
    assert _evaluate(town) == 1
    (found,) = _open(town)
    assert found.number == "YZ-LI-260520-0001"
    assert (found.asset_name, found.street, found.lon, found.lat) == ("a号灯", EAST, 106.55, 29.56)
    assert (found.level, found.value, found.threshold, found.unit, found.owner) == ("orange", 85, 80, "°C", "照明管理处")
    assert in_language(found.reason, "zh") == "灯温 85.0 °C ≥ 橙色限值 80 °C，已持续2分钟"
    assert in_language(found.reason, "en") == "Heat 85.0 °C ≥ the orange limit 80 °C, for 2 min"


@on_both
def test_the_onset_is_true_however_late_we_look(town: SmallCity) -> None:
    _heat(town, [50, 70, 70, 70, 70, 70, 70, 70])
    _evaluate(town)
    (found,) = _open(town)
    assert found.opened_at == NOON - 4 * MINUTE, "crossed six minutes ago, held for two"


def test_an_alert_that_came_and_went_between_two_looks_is_kept_with_both_moments(town: SmallCity) -> None:
    _heat(town, [70, 70, 70, 50, 50, 50, 50])
    assert _evaluate(town) == 2
    assert _open(town) == []
    with town.engine.connect() as conn:
        (closed,) = closed_today(conn, town.now)
        life = alert_timeline(conn, closed.alert_id)
    assert [(t.what, t.at - NOON) for t in life] == [("open", -4 * MINUTE), ("clear", -MINUTE)]
    assert in_language(life[1].reason, "zh") == "灯温回到 50.0 °C，已过恢复值 54 °C，已持续2分钟"
    assert in_language(life[1].reason, "en") == "Heat back at 50.0 °C, past the clear value 54 °C, for 2 min"


@on_both
def test_one_look_or_many_tell_the_same_story(town: SmallCity) -> None:
    values = [50, 70, 75, 85, 90, 85, 82, 60, 58, 56, 50, 50, 50, 50, 70]
    for value in values:
        _heat(town, [value])
        _evaluate(town)
        town.clock.step(MINUTE)
    with town.engine.connect() as conn:
        (row,) = closed_today(conn, town.now)
        step_by_step = [(t.what, t.new, t.at) for t in alert_timeline(conn, row.alert_id)]
    _heat(town, values, "b", start=NOON)
    _evaluate(town)
    with town.engine.connect() as conn:
        row = closed_today(conn, town.now, AlertFilter(asset="b"))[0]
        at_once = [(t.what, t.new, t.at) for t in alert_timeline(conn, row.alert_id)]
    assert at_once == step_by_step
    assert [what for what, _, _ in at_once] == ["open", "level", "level", "clear"]


def test_a_rise_updates_the_one_open_alert(town: SmallCity) -> None:
    _heat(town, [70, 70, 70])
    _evaluate(town)
    before = _open(town)[0]
    town.clock.step(3 * MINUTE)
    _heat(town, [85, 85, 85])
    _evaluate(town)
    (after,) = _open(town)
    assert (after.alert_id, after.number, after.level, after.worst_level) == (before.alert_id, before.number, "orange", "orange")
    assert after.opened_at == before.opened_at < after.level_at
    assert after.reason.startswith("由黄色升级为橙色：灯温 85.0 °C ≥ 橙色限值 80 °C")


@on_both
def test_a_silent_lamp_keeps_its_alert_and_says_so(town: SmallCity) -> None:
    _heat(town, [70, 70, 70])
    _evaluate(town)
    town.clock.step(4 * MINUTE)
    town.heat(("b", town.now, 20.0))
    _evaluate(town)
    (found,) = [row for row in _open(town) if row.asset_id == "a"]
    assert found.no_data and in_language(found.reason, "zh") == "灯温没有按时到来，保持最后已知状态"
    assert _evaluate(town) == 0
    town.clock.step(MINUTE)
    _heat(town, [66])
    _evaluate(town)
    (found,) = [row for row in _open(town, rule="lighting.too_hot")]
    assert not found.no_data and found.value == 66


def test_a_late_reading_counts_and_one_already_judged_does_not_count_twice(town: SmallCity) -> None:
    _heat(town, [70, 70, 70])
    assert _evaluate(town) == 1
    town.heat(("a", NOON - MINUTE, 70.0), ("a", NOON, 70.0))
    town.clock.step(MINUTE)
    assert _evaluate(town) == 0
    assert len(_open(town)) == 1


def test_a_clock_ahead_of_ours_dates_no_alert_in_the_future(town: SmallCity) -> None:
    for minute in range(4):
        town.heat(("a", town.now + timedelta(hours=1), 70.0 + minute))
        _evaluate(town)
        town.clock.step(MINUTE)
    assert all(row.opened_at <= town.now for row in _open(town))


def test_a_threshold_counts_on_the_days_it_is_valid(town: SmallCity) -> None:
    old = threshold("too_hot", Level.YELLOW, ">=", 60, 54, valid_to="2026-05-19")
    new = threshold("too_hot", Level.YELLOW, ">=", 75, 70, valid_from="2026-05-20")
    town.catalog = Catalog(CATALOG.domains, CATALOG.vitals, (old, new), TARGETS)
    midnight = NOON - timedelta(hours=12)
    _heat(town, [70] * 8, start=midnight - 4 * MINUTE)
    _evaluate(town)
    with town.engine.connect() as conn:
        (closed,) = closed_today(conn, town.now)
    assert closed.opened_at == midnight - 2 * MINUTE and closed.cleared_at == midnight + 2 * MINUTE


@on_both
def test_a_dark_street_rings_for_that_street(town: SmallCity) -> None:
    town.lamps({"a": (EAST, "dark"), "b": (EAST, "dark"), "c": (WEST, "lit")})
    compute(town.engine, town.catalog, town.settings, town.now)
    _evaluate(town)
    (found,) = _open(town)
    assert (found.asset_id, found.street, found.level, found.asset_name) == (EAST, EAST, "orange", "解放碑街道")
    town.clock.step(MINUTE)
    town.lamps({"a": (EAST, "lit"), "b": (EAST, "lit")})
    compute(town.engine, town.catalog, town.settings, town.now)
    _evaluate(town)
    assert _open(town) == []


def test_a_kpi_whose_source_fell_silent_keeps_its_alert(town: SmallCity) -> None:
    town.lamps({"a": (EAST, "dark")})
    compute(town.engine, town.catalog, town.settings, town.now)
    _evaluate(town)
    town.clock.step(timedelta(hours=2))
    compute(town.engine, town.catalog, town.settings, town.now)
    _evaluate(town)
    (found,) = _open(town, rule="lighting.dark")
    assert found.no_data


@on_both
def test_calls_about_one_lamp_ring_together_and_are_forgotten_with_time(town: SmallCity) -> None:
    town.lamps({"a": (EAST, "lit")})
    town.calls(*((f"c{i}", NOON - i * MINUTE, EAST) for i in range(3)), asset="a")
    town.calls(("other", NOON, WEST), asset="b")
    _evaluate(town)
    (found,) = _open(town)
    assert (found.asset_name, found.value, found.opened_at) == ("a号灯", 3, NOON)
    town.clock.step(29 * MINUTE)
    _evaluate(town)
    assert _open(town, rule="lighting.burst") == []


@on_both
def test_one_silent_lamp_is_its_own_matter(town: SmallCity) -> None:
    town.heat(("a", NOON - 20 * MINUTE, 20.0), ("b", NOON, 20.0), feed_at=NOON)
    _evaluate(town)
    (found,) = _open(town)
    assert (found.rule, found.asset_id, found.level, found.opened_at) == ("lighting.mute", "a", "blue", NOON - 10 * MINUTE)
    assert in_language(found.reason, "zh") == "无数据时长 10 分钟 ≥ 蓝色限值 10 分钟"
    assert in_language(found.reason, "en") == "Time without data 10 min ≥ the blue limit 10 min"
    town.clock.step(MINUTE)
    _heat(town, [20])
    _evaluate(town)
    assert _open(town) == []


def test_a_lamp_that_is_switched_off_is_silent_on_purpose(town: SmallCity) -> None:
    lighting = dataclasses.replace(CATALOG.domains["lighting"], resting_states=("off",))
    town.catalog = dataclasses.replace(CATALOG, domains={"lighting": lighting})
    town.lamps({"a": (EAST, "off"), "b": (EAST, "lit"), "c": (EAST, "lit")})
    _heat(town, [50], "a", NOON - 15 * MINUTE)
    _heat(town, [50], "b", NOON - 15 * MINUTE)
    _heat(town, [50] * 20, "c")
    _evaluate(town)
    assert [found.asset_id for found in _open(town, rule="lighting.mute")] == ["b"]
    town.clock.step(MINUTE)
    town.lamps({"b": (EAST, "off")})
    _heat(town, [50], "c")
    _evaluate(town)
    assert _open(town, rule="lighting.mute") == [], "what was absent is at rest now"


def test_a_silent_feed_is_one_alert_not_one_for_each_lamp(town: SmallCity) -> None:
    town.heat(*((f"lamp{i}", NOON, 20.0) for i in range(50)))
    _evaluate(town)
    town.clock.step(timedelta(hours=1))
    _evaluate(town)
    (found,) = _open(town)
    assert (found.asset_id, found.asset_name, found.opened_at) == ("lighting.heat", "灯温", NOON + 10 * MINUTE)


def test_when_every_lamp_stops_at_once_the_feed_is_what_is_silent(town: SmallCity) -> None:
    town.heat(*((f"lamp{i}", NOON, 20.0) for i in range(50)))
    _evaluate(town)
    town.clock.step(12 * MINUTE)
    town.heard("heat")
    _evaluate(town)
    assert [row.asset_id for row in _open(town)] == ["lighting.heat"]
    town.heat(*((f"lamp{i}", town.now, 20.0) for i in range(49)))
    town.clock.step(MINUTE)
    _evaluate(town)
    assert [row.asset_id for row in _open(town)] == ["lamp49"], "the feed is back, one lamp is not"


def test_a_feed_is_measured_in_its_own_cadence_where_no_unit_is_given(town: SmallCity) -> None:
    town.calls(("c", NOON, EAST))
    town.clock.step(29 * MINUTE)
    assert _evaluate(town) == 0
    town.clock.step(2 * MINUTE)
    _evaluate(town)
    (found,) = _open(town)
    assert (found.rule, found.opened_at, in_language(found.reason, "zh")) == (
        "lighting.no_calls",
        NOON + 30 * MINUTE,
        "无数据时长 3 个周期 ≥ 黄色限值 3 个周期",
    )


def test_a_turn_in_which_nothing_moved_does_nothing(town: SmallCity) -> None:
    _heat(town, [70, 70, 70])
    _evaluate(town)
    with town.engine.connect() as conn:
        before = versions(conn)
    assert _evaluate(town) == 0
    with town.engine.connect() as conn:
        assert versions(conn) == before


@on_both
def test_the_past_can_be_read_as_it_stood(town: SmallCity) -> None:
    _heat(town, [70, 70, 70, 85, 85, 85, 50, 50, 50], start=NOON)
    town.clock.step(10 * MINUTE)
    _evaluate(town)
    (then,) = _open(town, at=NOON + 3 * MINUTE)
    assert (then.level, then.state, then.cleared_at) == ("yellow", "open", None)
    assert _open(town, at=NOON + 6 * MINUTE)[0].level == "orange"
    assert _open(town, at=NOON + 9 * MINUTE) == []
    with town.engine.connect() as conn:
        line = skyline(conn, NOON, NOON + 9 * MINUTE, 3 * MINUTE)
    assert [found for _, found in line] == [{"yellow": 1}, {"orange": 1}, {}]


def test_open_alerts_can_be_narrowed_and_counted(town: SmallCity) -> None:
    _heat(town, [70, 70, 70])
    _heat(town, [90, 90, 90], "b")
    _evaluate(town)
    with town.engine.connect() as conn:
        rows = open_alerts(conn)
        assert [row.level for row in rows] == ["orange", "yellow"], "worst first"
        assert counts(rows, "level") == {"orange": 1, "yellow": 1}
        assert [row.asset_id for row in open_alerts(conn, only=AlertFilter(levels=("yellow",)))] == ["a"]
        assert open_alerts(conn, only=AlertFilter(stages=("in_hand",))) == []
        assert open_alerts(conn, only=AlertFilter(streets=(WEST,))) == []


@on_both
def test_numbers_count_up_within_a_day(town: SmallCity) -> None:
    for asset in "abc":
        _heat(town, [70, 70, 70], asset)
    _evaluate(town)
    assert sorted(row.number[-4:] for row in _open(town)) == ["0001", "0002", "0003"]


@on_both
def test_a_second_open_alert_for_the_same_rule_and_asset_is_refused_by_the_store(town: SmallCity) -> None:
    _heat(town, [70, 70, 70])
    _evaluate(town)
    with pytest.raises(sa.exc.IntegrityError), town.engine.begin() as conn:
        row = dict(conn.execute(sa.select(alert)).mappings().one())
        conn.execute(sa.insert(alert).values(row | {"alert_id": 99, "number": "other"}))


def test_a_sentence_stored_before_there_were_two_languages_is_shown_as_it_is() -> None:
    assert in_language("灯温回到 50.0 °C", "en") == in_language("灯温回到 50.0 °C", "zh") == "灯温回到 50.0 °C"
