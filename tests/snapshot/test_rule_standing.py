"""A rule that cannot judge is said wherever it matters: on its page, in its drawer, on its alerts, in the verdict."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from dashboard.core.calendars import Maintenance
from dashboard.core.declare import Text
from dashboard.snapshot.drawer_alert import alert as alert_drawer
from dashboard.snapshot.drawer_rule import rule
from dashboard.snapshot.rules import counts, rules
from dashboard.snapshot.verdict import verdict
from dashboard.snapshot.view import View
from dashboard.store.engine import writing
from dashboard.store.schema import alert
from dashboard.store.schema_rules import rule_fault
from dashboard.store.topics import bump
from tests.whole_city import NOON, Town

HOUR = timedelta(hours=1)
ZH, EN = View(), View(lang="en")


@pytest.fixture
def blind(own: Town) -> Town:
    """A town with a rule that cannot judge since eleven and has an alert open."""
    fault = {"rule": "septic_tanks.gas", "since": NOON - HOUR, "kind": "KeyError", "error": "'rain'", "place": "data_sources/x.py:7"}
    with writing(own.engine).begin() as conn:
        conn.execute(sa.insert(rule_fault).values(fault))
        bump(conn, ["alerts"], NOON)
    return own


def test_the_page_of_rules_marks_it_with_since_when_and_why(blind: Town) -> None:
    for view, said in (
        (ZH, "自11:00起，缺少所需数据项（KeyError 'rain' data_sources/x.py:7）"),
        (EN, "since 11:00: something it needs is missing"),
    ):
        rows = [row for g in rules(blind.picture(), view)["groups"] for row in g["rows"]]
        assert [row["key"] for row in rows if row["blind"]] == ["septic_tanks.gas"]
        assert next(row["blind"] for row in rows if row["blind"]).startswith(said)
        assert counts(blind.picture(), view)["blind"] == 1
    assert "判定出错" in blind.panels.content("rules", ZH, NOON)["html"]
    assert "判定出错" in blind.panels.content("rule:septic_tanks.gas", ZH, NOON)["html"]


def test_the_verdict_is_not_calm_about_it(blind: Town) -> None:
    assert verdict(blind.picture(), ZH)["sentence"].startswith("1条规则判定出错；")
    assert verdict(blind.picture(), EN)["sentence"].startswith("1 rule cannot judge; ")


def test_an_alert_of_it_says_that_it_was_not_judged_meanwhile(blind: Town) -> None:
    with blind.engine.connect() as conn:
        number = conn.scalar(sa.select(alert.c.alert_id).where(alert.c.rule == "septic_tanks.gas"))
    (noted,) = alert_drawer(blind.picture(), ZH, str(number))["noted"]
    assert noted.startswith("判定出错：自11:00起")
    with writing(blind.engine).begin() as conn:
        conn.execute(sa.update(rule_fault).values(gone_at=NOON - HOUR / 2))
    assert rule(blind.picture(), ZH, "septic_tanks.gas")["blind"] == ""
    (noted,) = alert_drawer(blind.picture(), EN, str(number))["noted"]
    assert noted.startswith("could not judge from 11:00 to 11:30: something")


def test_a_replay_shows_it_as_it_stood_then(blind: Town) -> None:
    then = View(as_of=NOON - 2 * HOUR)
    assert rule(blind.picture(view=then), then, "septic_tanks.gas")["blind"] == ""


def test_work_and_hours_of_service_are_said_on_the_rule_and_on_its_alert(own: Town) -> None:
    words = {"why": Text("换探头", "New probes"), "owner": Text("管理处", "Bureau")}
    work = Maintenance(since=NOON - HOUR / 2, until=NOON + HOUR, rule="septic_tanks.gas", **words)
    own.catalog = replace(own.catalog, maintenance=(work,))
    said = "检修窗口，11:30至13:00，不判定：换探头（管理处）"
    assert rule(own.picture(), ZH, "septic_tanks.gas")["resting"] == said
    assert ("检修", said) in rule(own.picture(), ZH, "septic_tanks.gas")["facts"]
    with own.engine.connect() as conn:
        number = conn.scalar(sa.select(alert.c.alert_id).where(alert.c.rule == "septic_tanks.gas"))
    assert alert_drawer(own.picture(), EN, str(number))["noted"] == ["Maintenance, 11:30 to 13:00, not judged: New probes (Bureau)"]
    late = own.picture(now=NOON + 12 * HOUR)  # midnight
    assert rule(late, EN, "minibuses.idle")["resting"] == "Out of service, not judged (Alley minibuses, by day)"
    assert ("服务日历", "小巷公交日间服务") in rule(own.picture(), ZH, "minibuses.idle")["facts"]
    assert "resting" in own.panels.content("rules", ZH, NOON)["html"]


@pytest.mark.parametrize("days", [30, 90])
def test_a_rule_is_run_over_as_many_days_as_are_asked_for(town: Town, days: int) -> None:
    body = rule(town.picture(), ZH, f"septic_tanks.gas@{days}")["trial"]
    assert body["note"].startswith(f"近{days}天")
    assert [one["days"] for one in body["choices"] if one["on"]] == [days]
    assert 5 <= len(body["ticks"]) <= 10
    assert f"rule:septic_tanks.gas@{120 - days}" in town.panels.content(f"rule:septic_tanks.gas@{days}", ZH, NOON)["html"]


def test_an_alert_says_under_which_limits_it_was_raised_even_after_they_were_changed(own: Town) -> None:
    with own.engine.connect() as conn:
        row = conn.execute(sa.select(alert.c.alert_id, alert.c.rule_version).where(alert.c.rule == "septic_tanks.gas")).one()
    said = alert_drawer(own.picture(), ZH, str(row.alert_id))["raised_under"]
    assert said == f"版本{row.rule_version}：蓝 ≥ 10、橙 ≥ 25、红 ≥ 50 %LEL"
    changed = [replace(t, value=t.value + 1) if t.rule == "septic_tanks.gas" else t for t in own.catalog.thresholds]
    own.catalog = replace(own.catalog, thresholds=tuple(changed))
    assert alert_drawer(own.picture(), ZH, str(row.alert_id))["raised_under"] == said + "；此后已改"
    assert alert_drawer(own.picture(), EN, str(row.alert_id))["raised_under"].endswith("Red ≥ 50 %LEL; changed since")
