"""A rule that cannot judge is said wherever it matters: on its page, in its drawer, on its alerts, in the verdict."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

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
