"""What should have come is missing in service time alone; out of service and under maintenance a rule is not judged, then goes on."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from dashboard.alerting.backtest import backtest
from dashboard.alerting.evaluate import evaluate
from dashboard.alerting.reasons import in_language
from dashboard.core.calendars import Maintenance, calendars_of, check_calendars, maintenance_of
from dashboard.core.catalog import load_catalog
from dashboard.core.declare import AlertRule, Level, Missing, Text
from dashboard.core.errors import ConfigurationError
from dashboard.core.times import CITY_ZONE
from dashboard.store.alert_reads import AlertFilter, AlertRow, alert_timeline, closed_today, open_alerts
from tests.small_city import CATALOG, EAST, LIGHTING, NOON, SmallCity, call, lamp, on_both, threshold

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
_ROW: dict[str, Any] = {"title": ["白天", "Day"], "ref": "测试", "confidence": "default"}
REST = {"day": "2026-05-20", "rests": True, "title": ["节日", "Holiday"], "ref": "测试", "confidence": "default"}
WORDS = {"why": Text("换探头", "New probes"), "owner": Text("照明管理处", "Lighting")}


def _calendar(*hours: str, **more: Any) -> dict[str, Any]:
    return {**_ROW, "key": "day", "workdays": list(hours), "restdays": [], **more}


def _declare(town: SmallCity, *rules: AlertRule, hours: tuple[str, ...] = ("12:00-14:00",), rests: bool = False) -> SmallCity:
    limits = [threshold(rule.key, Level.YELLOW, ">=", 30, 10) for rule in rules if isinstance(rule.watches, Missing)]
    known = {rule.key for rule in rules}
    lighting = replace(LIGHTING, rules=(*(rule for rule in LIGHTING.rules if rule.key not in known), *rules))
    calendars = calendars_of([_calendar(*hours)], [REST] if rests else [])
    town.catalog = replace(CATALOG, domains={"lighting": lighting}, thresholds=(*CATALOG.thresholds, *limits), calendars=calendars)
    return town


def _due() -> AlertRule:
    watched = Missing(feed="lighting.calls", of=sa.select(lamp.c.asset_id), table=call, by=call.c.asset_id, at=call.c.opened_at)
    return AlertRule(key="due", title=Text("应报未报", "Not reported"), watches=watched, calendar="day", unit="min")


def _turns(town: SmallCity, minutes: int, *, heard: bool = True) -> None:
    for _ in range(minutes):
        town.clock.step(MINUTE)
        if heard:
            town.heard("calls", cadence=5 * MINUTE)
        evaluate(town.engine, town.catalog, town.settings, town.now)


def _open(town: SmallCity, rule: str) -> list[AlertRow]:
    with town.engine.connect() as conn:
        return open_alerts(conn, only=AlertFilter(rule=f"lighting.{rule}"))


def _closed(town: SmallCity, rule: str) -> AlertRow:
    with town.engine.connect() as conn:
        (row,) = closed_today(conn, town.now, AlertFilter(rule=f"lighting.{rule}"))
    return row


# ---- what should have come
@on_both
def test_an_asset_expected_and_not_heard_of_since_service_began_rings_by_name(town: SmallCity) -> None:
    _declare(town, _due()).lamps({"a": (EAST, "lit"), "b": (EAST, "lit")})
    town.calls(("c", NOON + 10 * MINUTE, EAST), asset="b")
    _turns(town, 35)
    (found,) = _open(town, "due")
    assert (found.asset_name, found.opened_at, found.level) == ("a号灯", NOON + 30 * MINUTE, "yellow")
    assert in_language(found.reason, "zh") == "应到未到 30 分钟 ≥ 黄色限值 30 分钟"
    assert in_language(found.reason, "en") == "Not come in service time, for 30 min ≥ the yellow limit 30 min"
    town.calls(("d", town.now, EAST), asset="a")
    _turns(town, 2)
    assert _open(town, "due") == []


def test_out_of_service_nothing_is_missing_and_what_was_is_over_at_its_end(town: SmallCity) -> None:
    _declare(town, _due(), hours=("11:50-12:45", "13:15-18:00")).lamps({"a": (EAST, "lit")})
    _turns(town, 55)
    assert [row.opened_at for row in _open(town, "due")] == [] and _closed(town, "due").cleared_at == NOON + 45 * MINUTE
    _turns(town, 48)
    assert _open(town, "due") == [], "the next stretch began at a quarter past one and is counted from there"
    _turns(town, 5)
    assert [row.opened_at for row in _open(town, "due")] == [NOON + 105 * MINUTE]


def test_on_a_day_of_rest_nothing_is_due(town: SmallCity) -> None:
    _declare(town, _due(), rests=True).lamps({"a": (EAST, "lit")})
    _turns(town, 40)
    assert _open(town, "due") == []


def test_a_silent_feed_says_nothing_about_what_is_missing(town: SmallCity) -> None:
    _declare(town, _due()).lamps({"a": (EAST, "lit"), "b": (EAST, "lit")})
    town.calls(("c", NOON + 25 * MINUTE, EAST), asset="b")
    _turns(town, 31)  # a is missing already; b would be in a while, but then nobody reports
    _turns(town, 60, heard=False)
    (found,) = _open(town, "due")
    assert found.asset_id == "a" and found.no_data, "b is not missing: nobody reports at all"


def test_an_asset_no_longer_expected_is_not_missing(town: SmallCity) -> None:
    _declare(town, _due()).lamps({"a": (EAST, "lit")})
    _turns(town, 32)
    assert len(_open(town, "due")) == 1
    with town.engine.begin() as conn:
        conn.execute(sa.delete(lamp))
    _turns(town, 1)
    assert _open(town, "due") == []


# ---- rules that are not judged
def _hot(town: SmallCity, value: float, minutes: int = 1) -> None:
    for _ in range(minutes):
        town.clock.step(MINUTE)
        town.heat(("a", town.now, value))
        evaluate(town.engine, town.catalog, town.settings, town.now)


def _work(since: datetime, until: datetime, **what: str) -> tuple[Maintenance, ...]:
    return (Maintenance(since=since, until=until, **WORDS, **what),)


@pytest.mark.parametrize("what", [{"rule": "lighting.too_hot"}, {"domain": "lighting"}, {"domain": "lighting", "asset": "a"}])
def test_under_maintenance_readings_ring_nothing_and_afterwards_they_do(town: SmallCity, what: dict[str, str]) -> None:
    work = _work(NOON + 5 * MINUTE, NOON + 15 * MINUTE, **what)
    town.catalog = replace(CATALOG, maintenance=work)
    _hot(town, 50, 4)
    _hot(town, 90, 10)
    assert _open(town, "too_hot") == []
    _hot(town, 90, 6)
    (found,) = _open(town, "too_hot")
    assert found.opened_at == NOON + 17 * MINUTE, "held for two minutes from the first reading that counts"


def test_work_on_another_asset_pauses_nothing(town: SmallCity) -> None:
    town.catalog = replace(CATALOG, maintenance=_work(NOON, NOON + HOUR, domain="lighting", asset="b"))
    _hot(town, 90, 5)
    assert len(_open(town, "too_hot")) == 1


def test_an_open_alert_stays_open_through_the_work_and_clears_after_it(town: SmallCity) -> None:
    town.catalog = replace(CATALOG, maintenance=_work(NOON + 5 * MINUTE, NOON + 15 * MINUTE, rule="lighting.too_hot"))
    _hot(town, 90, 4)
    before = _open(town, "too_hot")
    _hot(town, 20, 10)
    (during,) = _open(town, "too_hot")
    assert (during.level, during.value, during.no_data) == (before[0].level, 90, False)
    _hot(town, 20, 5)
    closed = _closed(town, "too_hot")
    assert closed.cleared_at == NOON + 17 * MINUTE
    with town.engine.connect() as conn:
        assert [t.what for t in alert_timeline(conn, closed.alert_id)] == ["open", "clear"]


def test_a_rule_with_a_calendar_is_judged_in_service_alone(town: SmallCity) -> None:
    too_hot = next(rule for rule in LIGHTING.rules if rule.key == "too_hot")
    _declare(town, replace(too_hot, calendar="day"), hours=("12:30-13:00",))
    _hot(town, 90, 20)
    assert _open(town, "too_hot") == []
    _hot(town, 90, 15)
    assert [row.opened_at for row in _open(town, "too_hot")] == [NOON + 32 * MINUTE]


def test_run_over_the_past_a_rule_pauses_as_it_did(town: SmallCity) -> None:
    town.catalog = replace(CATALOG, maintenance=_work(NOON + 5 * MINUTE, NOON + 15 * MINUTE, rule="lighting.too_hot"))
    for value in (90, 50, 90, 20, 90):
        _hot(town, value, 5)
    with town.engine.connect() as conn:
        trial = backtest(conn, town.catalog, "lighting.too_hot", NOON - HOUR, town.now)
    assert len(trial.episodes) > 1 and set(trial.episodes) == set(trial.recorded)


# ---- the configuration
def _at(day: int, hour: float) -> datetime:
    return datetime(2026, 10, day, tzinfo=CITY_ZONE) + timedelta(hours=hour)


@pytest.mark.parametrize(
    ("at", "serves"),
    [
        (_at(9, 10), True),  # a Friday
        (_at(9, 3), True),  # the night shift of the day before
        (_at(10, 10), True),  # a Saturday worked in exchange
        (_at(11, 10), False),  # a Sunday
        (_at(1, 10), False),  # National Day, a Thursday
        (_at(9, 21), False),
        (_at(12, 3), False),  # nobody began a night shift on Sunday
    ],
)
def test_service_follows_weekdays_holidays_and_nights(at: datetime, serves: bool) -> None:
    days = load_catalog().calendars["school_lines"].holidays
    holidays = [{**vars(one), "title": [one.title.zh, one.title.en]} for one in days.values()]
    calendar = calendars_of([_calendar("09:00-17:00", "22:00-04:00")], holidays)["day"]
    assert (calendar.serving(at) is not None) is serves


def test_a_calendar_keeps_the_hours_it_had(town: SmallCity) -> None:
    rows = [_calendar("09:00-10:00", valid_to="2026-10-08"), _calendar("15:00-16:00", valid_from="2026-10-09")]
    calendar = calendars_of(rows, [])["day"]
    assert [start for start, _ in calendar.stretches(_at(8, 0), _at(9, 24))] == [_at(8, 9), _at(9, 15)]


WORK = 'rule = "lighting.too_hot"\nfrom = 2026-05-20T08:00:00\nto = 2026-05-20T09:00:00\nwhy = ["换", "x"]\nowner = ["处", "y"]'
MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "never ends": ({"to": None}, "to is missing"),
    "ends before it begins": ({"to": NOON - timedelta(days=20)}, "must last"),
    "lasts for half a year": ({"to": NOON + timedelta(days=200)}, "no longer than 92 days"),
    "says not what": ({"rule": None}, "neither rule nor domain"),
    "says not why": ({"why": None}, "why is missing"),
    "is no moment": ({"from": "today"}, "is not a moment"),
}


@pytest.mark.parametrize(("change", "says"), MISTAKES.values(), ids=MISTAKES)
def test_work_that_is_not_said_well_is_refused(change: dict[str, Any], says: str) -> None:
    row = tomllib.loads(WORK)
    assert maintenance_of(row).since == datetime(2026, 5, 20, 8, tzinfo=CITY_ZONE), "without offset it is the city's time"
    with pytest.raises(ConfigurationError, match=says):
        maintenance_of({k: v for k, v in (row | change).items() if v is not None})


def test_a_calendar_or_a_rule_that_does_not_exist_is_refused(town: SmallCity) -> None:
    _declare(town, replace(_due(), calendar=""))
    with pytest.raises(ConfigurationError, match="needs a service calendar"):
        check_calendars({}, (), town.catalog.rules, town.catalog.domains)
    with pytest.raises(ConfigurationError, match="maintenance of no rule"):
        check_calendars({}, _work(NOON, NOON + HOUR, rule="lighting.moon"), CATALOG.rules, CATALOG.domains)
    with pytest.raises(ConfigurationError, match="write 07:00-20:00"):
        calendars_of([_calendar("7 to 8")], [])
