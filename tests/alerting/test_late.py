"""New readings that come late are judged where they belong, and the step says so; an alert keeps the limits it was raised under."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from dashboard.alerting.evaluate import evaluate
from dashboard.alerting.reasons import in_language
from dashboard.core.declare import Level
from dashboard.store.alert_reads import AlertFilter, AlertRow, closed_today, open_alerts
from tests.small_city import CATALOG, NOON, SmallCity, on_both, threshold

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def _evaluate(town: SmallCity) -> int:
    return evaluate(town.engine, town.catalog, town.settings, town.now)


def _open(town: SmallCity) -> list[AlertRow]:
    with town.engine.connect() as conn:
        return open_alerts(conn, only=AlertFilter(rule="lighting.too_hot"))


def _heat(town: SmallCity, *readings: tuple[float, float]) -> None:
    """(minutes before noon, value)."""
    town.heat(*(("a", NOON - before * MINUTE, value) for before, value in readings))


@on_both
def test_a_new_reading_behind_later_ones_raises_what_should_have_rung(town: SmallCity) -> None:
    _heat(town, (3, 50), (1, 70), (0, 70))
    _evaluate(town)
    assert _open(town) == [], "seventy for a minute alone"
    town.clock.step(MINUTE)
    _heat(town, (2, 70))
    assert _evaluate(town) == 1
    (found,) = _open(town)
    assert found.opened_at == NOON, "two minutes after the reading that came late"
    assert in_language(found.reason, "zh").endswith("（迟到读数补入后）")
    assert in_language(found.reason, "en").endswith("(after a reading came in late)")


def test_a_late_reading_within_its_limits_begins_the_wait_anew(town: SmallCity) -> None:
    _heat(town, (4, 70), (2, 70), (1, 70))
    _evaluate(town)
    (found,) = _open(town)
    town.clock.step(MINUTE)
    _heat(town, (3, 50))
    _evaluate(town)
    (closed,) = _closed(town)
    assert closed.alert_id == found.alert_id
    assert in_language(closed.reason, "zh").endswith("（迟到读数补入后）")


def _closed(town: SmallCity) -> list[AlertRow]:
    with town.engine.connect() as conn:
        return closed_today(conn, town.now, AlertFilter(rule="lighting.too_hot"))


def test_a_correction_together_with_a_late_reading_is_called_a_correction(town: SmallCity) -> None:
    _heat(town, (4, 50), (1, 70), (0, 50))
    _evaluate(town)
    town.clock.step(MINUTE)
    _heat(town, (2, 70), (0, 70))
    _evaluate(town)
    assert in_language(_open(town)[0].reason, "zh").endswith("（读数订正后）")


def test_a_reading_more_than_a_day_late_is_history(town: SmallCity) -> None:
    town.clock.step(-26 * HOUR)
    town.heat(("a", town.now, 50.0))
    _evaluate(town)
    town.clock.step(26 * HOUR)
    _heat(town, (0, 50))
    _evaluate(town)
    town.clock.step(MINUTE)
    town.heat(*(("a", NOON - 25 * HOUR + i * MINUTE, 90.0) for i in range(4)))
    assert _evaluate(town) == 0


def test_a_late_reading_is_gone_through_once(town: SmallCity) -> None:
    _heat(town, (3, 50), (1, 70), (0, 70))
    _evaluate(town)
    for _ in range(3):
        town.clock.step(MINUTE)
        _heat(town, (2, 70))
        _evaluate(town)
    assert len(_open(town)) == 1


def test_an_alert_keeps_the_limits_it_was_raised_under(town: SmallCity) -> None:
    _heat(town, (3, 70), (2, 70), (1, 70))
    _evaluate(town)
    before = _open(town)[0]
    town.catalog = replace(CATALOG, thresholds=(threshold("too_hot", Level.YELLOW, ">=", 65, 60),))
    town.clock.step(MINUTE)
    town.heat(("a", town.now, 71.0))
    _evaluate(town)
    (after,) = _open(town)
    assert after.limits == before.limits and after.rule_version == before.rule_version
    kept = json.loads(after.limits or "")
    assert [(t["level"], t["value"], t["clear"]) for t in kept["thresholds"]] == [("orange", 80, 72), ("yellow", 60, 54)]
    assert kept["hold_s"] == 120
