"""A rule that cannot judge costs no other rule its turn, changes nothing of its own, and is shown until it judges again."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from dashboard.alerting.evaluate import evaluate
from dashboard.alerting.reasons import in_language
from dashboard.core.catalog import Catalog
from dashboard.core.declare import AlertRule, Finding, Judged, Level, Text
from dashboard.store.alert_reads import AlertFilter, alert_timeline, closed_today, open_alerts
from dashboard.store.rule_faults import faults, faults_between, itself
from dashboard.store.topics import versions
from tests.small_city import CATALOG, EAST, LIGHTING, NOON, SmallCity, lamp, on_both, threshold

MINUTE = timedelta(minutes=1)


class Judge:
    """Names every dark lamp, or breaks as told."""

    def __init__(self) -> None:
        self.breaks: Exception | None = None

    def __call__(self, rows: Mapping[str, list[Any]], _: Mapping[str, float], now: datetime) -> list[Finding]:
        if self.breaks:
            raise self.breaks
        return [Finding(asset=one.asset_id, at=now, value=2, because=()) for one in rows["lamps"] if one.state == "dark"]


def _with(town: SmallCity, judge: Judge, on_error: Any = "keep", reads: Any = None) -> None:
    lamps = sa.select(lamp.c.asset_id, lamp.c.state) if reads is None else reads
    rule = AlertRule(key="bad", title=Text("灯坏", "Lamp bad"), watches=Judged(reads={"lamps": lamps}, judge=judge), on_error=on_error)
    limits = (*CATALOG.thresholds, threshold("bad", Level.YELLOW, ">=", 2, 1), threshold("bad", Level.ORANGE, ">=", 6, 4))
    lighting = replace(LIGHTING, rules=(rule, *LIGHTING.rules))
    town.catalog = Catalog({"lighting": lighting}, CATALOG.vitals, limits, CATALOG.targets)


def _turn(town: SmallCity) -> None:
    town.clock.step(MINUTE)
    evaluate(town.engine, town.catalog, town.settings, town.now)


def _open(town: SmallCity) -> list[str]:
    with town.engine.connect() as conn:
        return [row.asset_id for row in open_alerts(conn, only=AlertFilter(rule="lighting.bad"))]


def _faults(town: SmallCity) -> dict[str, str]:
    with town.engine.connect() as conn:
        return {key: f"{one.kind} {one.error}" for key, one in faults(conn).items()}


@on_both
def test_a_broken_rule_keeps_its_alerts_is_known_as_broken_and_the_others_go_on(town: SmallCity) -> None:
    judge = Judge()
    _with(town, judge)
    town.lamps({"a": (EAST, "dark")})
    _turn(town)
    judge.breaks = KeyError("weight")
    town.lamps({"a": (EAST, "lit")})
    town.heat(*(("b", town.now - i * MINUTE, 90.0) for i in range(4)))
    _turn(town)
    assert _open(town) == ["a"], "kept as it was"
    assert _faults(town) == {"lighting.bad": "KeyError 'weight'"}
    with town.engine.connect() as conn:
        assert [row.rule for row in open_alerts(conn, only=AlertFilter(asset="b"))] == ["lighting.too_hot"]
    judge.breaks = None
    _turn(town)
    assert (_open(town), _faults(town)) == ([], {})
    with town.engine.connect() as conn:
        (past,) = faults_between(conn, "lighting.bad", NOON, town.now)
        assert (past.since, past.gone_at) == (NOON + 2 * MINUTE, NOON + 3 * MINUTE)
        assert "test_faults.py:" in past.place
        assert list(faults(conn, NOON + 2.5 * MINUTE)) == ["lighting.bad"], "as it stood then"


@on_both
def test_a_select_the_database_refuses_is_the_rules_own_trouble(town: SmallCity) -> None:
    _with(town, Judge(), reads=sa.select(sa.column("nothing")).select_from(sa.text("no_such_table")))
    town.heat(*(("b", town.now - i * MINUTE, 90.0) for i in range(4)))
    _turn(town)
    assert list(_faults(town)) == ["lighting.bad"]
    with town.engine.connect() as conn:
        assert [row.asset_id for row in open_alerts(conn)] == ["b"]


def test_it_is_tried_again_every_minute_and_its_trouble_stays_one(town: SmallCity, caplog: pytest.LogCaptureFixture) -> None:
    judge = Judge()
    _with(town, judge)
    judge.breaks = ValueError("x")
    for _ in range(3):
        _turn(town)
    with town.engine.connect() as conn:
        assert [one.since for one in faults_between(conn, "lighting.bad", NOON, town.now)] == [NOON + MINUTE]
    assert len(caplog.records) == 1, "told once"


def test_a_rule_declared_so_rings_about_itself_and_clears_when_it_judges_again(town: SmallCity) -> None:
    judge = Judge()
    _with(town, judge, on_error="alert")
    judge.breaks = ValueError("x")
    for _ in range(3):
        _turn(town)
    with town.engine.connect() as conn:
        (found,) = open_alerts(conn, only=AlertFilter(rule="lighting.bad"))
    assert (found.asset_id, found.level, found.no_data) == (itself("lighting.bad"), "yellow", False)
    assert in_language(found.reason, "zh") == "判定出错：ValueError x"
    assert in_language(found.reason, "en") == "cannot judge: ValueError x"
    judge.breaks = None
    for _ in range(2):
        _turn(town)
    with town.engine.connect() as conn:
        (closed,) = closed_today(conn, town.now)
        assert [t.what for t in alert_timeline(conn, closed.alert_id)] == ["open", "clear"]


def test_screens_are_drawn_again_when_a_rule_breaks_and_when_it_is_well(town: SmallCity) -> None:
    judge, seen = Judge(), []
    _with(town, judge)
    for wrong in (None, ValueError("x"), ValueError("x"), None, None):
        judge.breaks = wrong
        _turn(town)
        with town.engine.connect() as conn:
            seen.append(versions(conn).get("alerts", 0))
    assert [b > a for a, b in itertools.pairwise(seen)] == [True, False, True, False]
