"""The page of rules tells what each watches and how it did; its drawer holds a run over the past against the record."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from dashboard.core.errors import NotFoundError
from dashboard.snapshot import rules
from dashboard.snapshot.drawer_rule import rule
from dashboard.snapshot.view import ORDERS, View
from dashboard.store.engine import writing
from dashboard.store.rule_ledger import rule_ledgers
from dashboard.store.schema import alert, alert_transition, handling
from dashboard.store.topics import bump
from tests.whole_city import NOON, Town, asset_id

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Step = tuple[datetime, str, str | None, str | None]


def put(town: Town, key: str, asset: str, *steps: Step) -> None:
    """An alert with its life: (at, what, old, new)."""
    turns = [(at, what) for at, what, _, _ in steps if what in ("open", "clear")]
    cleared = turns[-1][0] if turns[-1][1] == "clear" else None
    domain, state = key.partition(".")[0], "clear" if cleared else "open"
    about = {"rule": key, "rule_version": "x", "domain": domain, "vital": "skeleton", "asset_id": asset, "asset_name": asset, "owner": "x"}
    levels = {"level": "red", "worst_level": "red", "state": state, "level_at": turns[0][0], "updated_at": steps[-1][0]}
    with writing(town.engine).begin() as conn:
        row = {**about, **levels, "number": f"T-{asset}", "opened_at": turns[-1][0] if not cleared else turns[0][0], "cleared_at": cleared}
        ident = conn.scalar(sa.insert(alert).values(row).returning(alert.c.alert_id))
        told = [{"at": at, "noticed_at": at, "what": what, "old": old, "new": new} for at, what, old, new in steps]
        conn.execute(sa.insert(alert_transition), [{"alert_id": ident, "reason": "", "actor": "duty", **one} for one in told])
        bump(conn, ["alerts"], NOON)


def opened(at: datetime) -> Step:
    return (at, "open", None, "red")


def cleared(at: datetime) -> Step:
    return (at, "clear", "red", "clear")


def person(at: datetime, what: str, old: str, new: str) -> Step:
    return (at, what, old, new)


def fresh_ledger(own: Town, key: str = "slopes.vibration") -> Any:
    with own.engine.connect() as conn:
        return rule_ledgers(conn, NOON - 30 * DAY, NOON).get(key)


@pytest.fixture
def quiet(own: Town) -> Town:
    """A town with no alerts on record."""
    with writing(own.engine).begin() as conn:
        conn.execute(sa.delete(alert_transition))
        conn.execute(sa.delete(alert))
    return own


def test_each_ringing_counts_and_hours_are_those_of_the_stretch(quiet: Town) -> None:
    first, second = NOON - 3 * DAY, NOON - 2 * DAY
    put(quiet, "slopes.vibration", "a", opened(first), cleared(first + 2 * HOUR), opened(second), cleared(second + HOUR))
    put(quiet, "slopes.vibration", "before", opened(NOON - 31 * DAY), cleared(NOON - 30 * DAY + 4 * HOUR))
    put(quiet, "slopes.vibration", "still", opened(NOON - 5 * HOUR))
    put(quiet, "slopes.vibration", "long gone", opened(NOON - 40 * DAY), cleared(NOON - 39 * DAY))
    found = fresh_ledger(quiet)
    assert (found.fires, found.alerts, found.hours) == (3, 2, pytest.approx(2 + 1 + 4 + 5))


def test_an_alert_open_all_month_has_all_its_hours_and_did_not_ring(quiet: Town) -> None:
    put(quiet, "slopes.vibration", "a", opened(NOON - 50 * DAY))
    found = fresh_ledger(quiet)
    assert (found.fires, found.hours, found.false_share) == (0, 720, None)


def test_who_took_it_in_hand_is_a_person_and_the_wait_is_the_middle_one(quiet: Town) -> None:
    for i, minutes in enumerate((1, 5, 60)):
        at = NOON - (i + 2) * DAY
        taken = person(at + timedelta(minutes=minutes), "acknowledge", "new", "acknowledged")
        put(quiet, "slopes.vibration", f"a{i}", opened(at), taken, cleared(at + 2 * HOUR))
    at = NOON - 9 * DAY
    put(quiet, "slopes.vibration", "alone", opened(at), cleared(at + HOUR), person(at + HOUR, "recover", "new", "closed"))
    found = fresh_ledger(quiet)
    assert (found.acknowledged, found.alerts, found.wait) == (3, 4, 300)


def test_a_false_alarm_is_one_until_it_is_opened_again(quiet: Town) -> None:
    at = NOON - DAY
    false = person(at + HOUR, "false_alarm", "new", "false_alarm")
    put(quiet, "slopes.vibration", "a", opened(at), false, cleared(at + 2 * HOUR))
    put(quiet, "slopes.vibration", "b", opened(at), false, person(at + 2 * HOUR, "reopen", "false_alarm", "acknowledged"))
    found = fresh_ledger(quiet)
    assert (found.false_alarms, found.false_share) == (1, 0.5)


def test_every_rule_stands_on_the_page_once_under_its_domain_and_in_every_order(town: Town) -> None:
    everything = sorted(town.catalog.rules)
    for view in (View(), *(View(order=order) for order in ORDERS)):
        groups = rules.rules(town.picture(), view)["groups"]
        assert sorted(row["key"] for g in groups for row in g["rows"]) == everything
        assert len(groups) == (1 if view.order else sum(bool(d.rules) for d in town.catalog.domains.values()))


def test_the_order_asked_for_puts_the_worst_rule_first(quiet: Town) -> None:
    at = NOON - DAY
    put(quiet, "slopes.tilt", "often", *(step for i in range(4) for step in (opened(at + i * HOUR), cleared(at + i * HOUR + HOUR / 6))))
    put(quiet, "slopes.soil", "long", opened(NOON - 20 * DAY), cleared(NOON - 10 * DAY))
    put(quiet, "slopes.crack", "false", opened(at), person(at + HOUR, "false_alarm", "new", "false_alarm"), cleared(at + HOUR))
    first = {order: rules.rules(quiet.picture(), View(order=order))["groups"][0]["rows"][0]["key"] for order in ORDERS}
    assert first == {"false": "slopes.crack", "fires": "slopes.tilt", "hours": "slopes.soil"}


def test_the_whole_account_is_the_sum_of_the_domains(quiet: Town) -> None:
    put(quiet, "slopes.tilt", "a", opened(NOON - DAY), cleared(NOON - DAY + HOUR))
    put(quiet, "air.no2_unusual", "b", opened(NOON - DAY), cleared(NOON - DAY + HOUR))
    body = rules.counts(quiet.picture(), View())
    assert (body["whole"]["fires"], body["rang"]) == ("2", 2)
    assert sum(int(d["fires"]) for d in body["domains"]) == 2


def test_a_threshold_tells_its_standard_and_how_sure_we_are_in_words(town: Town) -> None:
    for limits in (rule(town.picture(), View(lang="en"), key)["limits"] for key in ("slopes.tilt", "tunnels.co")):
        assert limits and all(limit["ref"] and " " in limit["confidence"] for limit in limits)


def test_a_threshold_stands_with_the_value_at_which_it_clears(town: Town) -> None:
    key = "tunnels.co"
    drawn = town.panels.content(f"rule:{key}", View(), NOON)["html"]
    assert all(f"回到 {t.clear:g}" in drawn for t in town.catalog.rule_thresholds(key, "2026-05-20"))


def test_a_city_watched_for_less_than_a_month_says_since_when(quiet: Town) -> None:
    put(quiet, "slopes.tilt", "new", opened(NOON - 3 * DAY))
    assert rule(quiet.picture(), View(), "tunnels.co")["record_since"] == "自5月17日12:00起值守"


def test_a_city_watched_for_longer_does_not(quiet: Town) -> None:
    put(quiet, "slopes.tilt", "old", opened(NOON - 31 * DAY), cleared(NOON - 31 * DAY + HOUR))
    assert rule(quiet.picture(), View(), "tunnels.co")["record_since"] == ""


def test_what_closed_by_itself_is_not_held_against_the_run_as_confirmed(own: Town) -> None:
    assert rule(own.picture(), View(), "septic_tanks.gas")["trial"]["confirmed"] == ""
    with writing(own.engine).begin() as conn:
        conn.execute(sa.delete(handling))
        mine = conn.scalar(sa.select(alert.c.alert_id).where(alert.c.rule == "septic_tanks.gas"))
        conn.execute(sa.insert(handling).values(alert_id=mine, stage="closed", since=NOON))  # as casework leaves what closed itself
    assert rule(own.picture(), View(), "septic_tanks.gas")["trial"]["confirmed"] == ""
    with writing(own.engine).begin() as conn:
        conn.execute(sa.update(handling).values(stage="acknowledged", acknowledged_at=NOON, acknowledged_by="duty"))
    assert rule(own.picture(), View(), "septic_tanks.gas")["trial"]["confirmed"] == "1/1"


def test_the_run_over_the_past_finds_what_is_on_record(town: Town) -> None:
    key = "septic_tanks.gas"
    would, recorded = rule(town.picture(), View(), key)["trial"]["lanes"]
    assert recorded["times"] == "1" and would["times"] == "1" and would["blocks"]


@pytest.mark.parametrize("key", ["road_cleaning.dust", "minibuses.not_started"])
def test_a_rule_that_cannot_be_run_again_says_why(town: Town, key: str) -> None:
    trial = rule(town.picture(), View(), key)["trial"]
    assert "没有留存" in trial["refused"]


@pytest.mark.parametrize("key", ["septic_tanks.silent", "tunnels.co_stuck", "septic_tanks.gas_rising", "minibuses.idle"])
def test_silence_stillness_speed_and_what_was_due_can_be_run_again(town: Town, key: str) -> None:
    assert rule(town.picture(), View(), key)["trial"]["refused"] == ""


def test_many_points_are_run_over_fewer_days_and_it_is_said(own: Town) -> None:
    crowd = [(f"septic_tanks-x{i}", None, NOON - HOUR, 0.1) for i in range(750)]
    own.read("septic_tanks", "ch4", crowd, NOON)
    assert rule(own.picture(), View(), "septic_tanks.gas@90")["trial"]["note"].startswith("测点多，只算近11天")


def test_a_rule_is_run_over_the_past_once_an_hour(own: Town) -> None:
    reader, key = own.reader, "septic_tanks.gas"
    before = rule(reader.picture(NOON, View()), View(), key)["trial"]["lanes"][0]
    at = NOON - timedelta(minutes=5)
    own.read("septic_tanks", "ch4", [(asset_id("septic_tanks", 1), None, at - i * timedelta(minutes=1), 90.0) for i in range(5)], NOON)
    assert rule(reader.picture(NOON + HOUR / 2, View()), View(), key)["trial"]["lanes"][0] == before
    assert rule(reader.picture(NOON + HOUR, View()), View(), key)["trial"]["lanes"][0]["times"] == "2"


def test_an_alert_leads_to_its_rule(town: Town) -> None:
    one = town.picture().alerts[0]
    assert f'data-drawer="rule:{one.rule}"' in town.panels.content(f"alert:{one.alert_id}", View(), NOON)["html"]


def test_a_rule_nobody_declared_is_not_found(town: Town) -> None:
    with pytest.raises(NotFoundError):
        rule(town.picture(), View(), "slopes.none")
