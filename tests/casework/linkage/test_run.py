"""A playbook in a living store: alert, orders in the department's table, receipts, the alert's life, stop rules, limits, closing."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from dashboard.casework.handling import Doing, act
from dashboard.casework.life import Event
from dashboard.casework.linkage import facts
from dashboard.casework.linkage import run as linkage_run
from dashboard.casework.linkage.run import run_playbooks
from dashboard.casework.linkage.said import answer_step
from dashboard.core.catalog import check_catalog
from dashboard.core.configured import Parameter
from dashboard.core.duty import PEOPLE_EVENTS
from dashboard.core.errors import DeclarationError, NotFoundError, NotNowError
from dashboard.core.playbooks import Cleared, Condition
from dashboard.demo_duty import on_duty
from dashboard.store.schema import alert_transition, audit
from dashboard.store.schema_linkage import playbook_run
from tests.casework.linkage.yard import COOL, Yard
from tests.small_city import EAST, on_both

HOT, SCORCHING, COLD = (65.0, 65.0, 65.0), (85.0, 85.0, 85.0), (40.0, 40.0, 40.0)


@on_both
def test_from_the_reading_to_the_closed_alert(yard: Yard) -> None:
    yard.minutes(*HOT)
    (order,) = yard.inbox()
    assert order["order_no"] == f"{yard.alert().number}.1"
    assert (order["kind"], order["asset_id"], order["drill"], order["watermark"]) == ("cut", "a", "0", "")
    assert order["instruction"].endswith("a号灯黄色65°C：断电")
    assert order["issued_at"] == "2026-05-20 12:03:00", "by the department's clock"
    yard.answers("accepted")
    assert yard.steps()["cut"] == "accepted"
    yard.answers("arrived")
    yard.answers("done", note="已断电")
    assert yard.steps() == {"cut": "done", "repair": "idle", "visit": "idle", "verify": "open"}
    yard.minutes(*COLD)
    assert (yard.run().state, yard.run().ended_at) == ("done", yard.now)
    assert (yard.alert().state, yard.alert().closed_at) == ("clear", yard.now)
    crew = "灯具一班"
    assert [step for step in yard.life() if step[0] not in ("open", "clear")] == [
        *(("acknowledge", crew, None), ("assign", crew, crew), ("dispatch", crew, None), ("arrive", crew, None)),
        *(("settle", "灯具班组", None), ("verify", "照明值班台", None), ("close", "system", None)),
    ]


def test_the_conditions_of_the_plan_hold_for_closing_too(yard: Yard) -> None:
    yard.town.catalog = replace(yard.town.catalog, plans=tuple(replace(plan, photos=1) for plan in yard.town.catalog.plans))
    yard.minutes(*HOT)
    yard.answers("done")
    yard.minutes(*COLD)
    assert (yard.run().state, yard.run().ended_at, yard.alert().closed_at) == ("done", None, None)


def test_an_interlock_holds_a_step_back_until_the_reading_allows_it(yard: Yard) -> None:
    yard.minutes(*SCORCHING)
    yard.answers("done")
    assert yard.steps()["repair"] == "waiting"
    yard.minutes(45, 48)
    assert yard.steps()["repair"] == "waiting", "not for long enough"
    yard.minutes(47)
    assert yard.steps()["repair"] == "open"
    assert [order["kind"] for order in yard.inbox()] == ["cut", "repair"]


def test_nobody_answers_ordered_anew_then_another_step_and_the_plans_unit_is_told_each_time(yard: Yard) -> None:
    yard.minutes(*HOT)
    yard.wait(5)
    assert [order["kind"] for order in yard.inbox()] == ["cut", "withdraw", "cut"]
    yard.wait(6)
    assert yard.steps()["cut"] == "failed"
    assert yard.steps()["visit"] == "open"
    lapses = [(actor, unit) for what, actor, unit in yard.life() if what == "lapse"]
    assert lapses == [("system", "区城运中心")] * 2
    assert "lapse" in PEOPLE_EVENTS, "a route may tell of it"
    yard.answers("done", yard.orders()[-1]["order_no"])
    yard.minutes(*COLD)
    assert yard.alert().closed_at is not None


def test_a_crew_that_refuses_says_why_and_another_step_is_begun(yard: Yard) -> None:
    yard.minutes(*HOT)
    yard.answers("refused", note="车辆故障")
    assert (yard.steps()["cut"], yard.steps()["visit"]) == ("refused", "open")
    assert (yard.orders()[0]["answer"], yard.orders()[0]["note"], yard.orders()[0]["live"]) == ("refused", "车辆故障", False)


def test_a_stop_rule_calls_the_order_back_and_says_why(yard: Yard) -> None:
    yard.minutes(*HOT)
    yard.answers("accepted")
    yard.town.lamps({"a": ("500103003", "off")})
    yard.turn()
    assert (yard.steps()["cut"], yard.steps()["visit"]) == ("stopped", "open")
    back = yard.inbox()[1]
    assert (back["kind"], back["instruction"]) == ("withdraw", f"撤销工单{yard.inbox()[0]['order_no']}：灯已停用")
    assert [order["kind"] for order in yard.inbox()] == ["cut", "withdraw", "visit"]


def test_what_an_order_that_was_called_back_answers_moves_nothing(yard: Yard) -> None:
    yard.minutes(*HOT)
    yard.wait(5)
    first, second = (order["order_no"] for order in yard.orders())
    yard.answers("done", first)
    assert yard.steps()["cut"] == "open"
    yard.answers("done", second)
    assert yard.steps()["cut"] == "done"


def test_people_who_close_the_alert_end_the_playbook(yard: Yard) -> None:
    yard.minutes(*HOT)
    act(yard.engine, yard.town.catalog, yard.alert().alert_id, Doing(event=Event.FALSE_ALARM, actor="值班台", code="test"), yard.now)
    yard.turn()
    assert yard.run().state == "stopped"
    assert yard.inbox()[-1]["kind"] == "withdraw"


def test_a_worse_level_brings_the_steps_that_are_for_it(yard: Yard) -> None:
    yard.minutes(*HOT)
    yard.answers("done")
    assert yard.steps()["verify"] == "open"
    yard.minutes(85, 85, 85)
    assert yard.run().level == "orange"
    assert yard.steps()["repair"] == "waiting"


def test_raised_again_while_it_runs_is_the_same_matter_and_afterwards_a_new_run(yard: Yard) -> None:
    yard.minutes(*HOT, *COLD, *HOT)
    with yard.engine.connect() as conn:
        assert conn.scalar(sa.select(sa.func.count()).select_from(playbook_run)) == 1
    yard.answers("done")
    yard.minutes(*COLD)
    assert yard.alert().closed_at is not None
    yard.minutes(*HOT)
    with yard.engine.connect() as conn:
        assert conn.scalar(sa.select(sa.func.count()).select_from(playbook_run)) == 2
    numbers = [order["order_no"] for order in yard.inbox()]
    assert len(set(numbers)) == len(numbers)


def test_an_old_alert_is_left_to_people(yard: Yard) -> None:
    book, yard.town.catalog = yard.town.catalog, replace(yard.town.catalog, playbooks={})
    yard.minutes(*HOT)
    yard.town.catalog = book
    yard.wait(61, every=61)
    assert yard.run() is None


def test_a_quiet_turn_writes_nothing(yard: Yard) -> None:
    yard.minutes(*HOT)
    before = len(yard.life())
    assert run_playbooks(yard.engine, yard.town.catalog, yard.now) == 0
    assert len(yard.life()) == before


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (replace(COOL, on=("lighting.gone",)), "no rule 'lighting.gone'"),
        (replace(COOL, steps=(replace(COOL.steps[0], instead="gone"),)), "no step 'gone'"),
        (replace(COOL, steps=(*COOL.steps, replace(COOL.steps[3], key="late"))), "late: no number late.due"),
        (replace(COOL, steps=tuple(replace(s, instead="") for s in COOL.steps), stops=()), "step visit is never reached"),
        (replace(COOL, steps=(replace(COOL.steps[3], after=(), holds=None),)), "lacks holds"),
        (
            replace(
                COOL, steps=(replace(COOL.steps[3], after=(), holds=Condition(said=COOL.title, seen=Cleared(), held="gone")),), stops=()
            ),
            "no number 'gone'",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_playbook_that_cannot_be_right_is_refused_at_start(yard: Yard, wrong: object, said: str) -> None:
    with pytest.raises(DeclarationError, match=said):
        check_catalog(replace(yard.town.catalog, playbooks={"cool": wrong}))  # type: ignore[dict-item]


def test_every_sentence_an_engine_writes_is_there_in_both_languages(yard: Yard) -> None:
    yard.minutes(*HOT)
    yard.wait(11)
    with yard.engine.connect() as conn:
        rows = conn.execute(
            sa.select(alert_transition.c.reason).where(alert_transition.c.actor == "system", alert_transition.c.reason != "")
        )
        assert all(" / " in row.reason for row in rows)


def test_the_demos_desk_leaves_what_a_playbook_does_to_the_playbook(yard: Yard) -> None:
    yard.minutes(*HOT)
    for _ in range(30):
        yard.town.clock.step(yard.minute)
        on_duty(yard.engine, yard.town.catalog, yard.now)
    assert {step[0] for step in yard.life()} == {"open", "acknowledge"}


def test_a_decision_is_a_persons_and_is_noted(yard: Yard) -> None:
    ask = replace(COOL.steps[0], key="ask", kind="decision", to="", action="", tries=1, instead="")
    book = replace(COOL, steps=(ask, replace(COOL.steps[0], after=("ask",)), *COOL.steps[1:]))
    asked = Parameter(rule="playbook.cool", name="ask.due", value=10, unit="min", ref="测试", confidence="default")
    catalog = yard.town.catalog
    yard.town.catalog = replace(catalog, playbooks={"cool": book}, parameters=(*catalog.parameters, asked))
    yard.minutes(*HOT)
    assert (yard.steps()["ask"], yard.inbox()) == ("open", [])
    run = yard.run().run_id
    with pytest.raises(NotNowError):
        answer_step(yard.engine, yard.town.catalog, run, "cut", "done", "值班长", "", yard.now)
    answer_step(yard.engine, yard.town.catalog, run, "ask", "done", "值班长", "同意", yard.now)
    assert (yard.steps()["ask"], yard.steps()["cut"]) == ("done", "open")
    with pytest.raises(NotNowError):
        answer_step(yard.engine, yard.town.catalog, run, "ask", "done", "值班长", "", yard.now)
    with pytest.raises(NotFoundError):
        answer_step(yard.engine, yard.town.catalog, run, "gone", "done", "值班长", "", yard.now)
    with yard.engine.connect() as conn:
        assert ("值班长", "playbook.answer") in [(row.actor, row.action) for row in conn.execute(sa.select(audit))]


def _of_two_lamps(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lamp b is hot too, and looking at its playbook ends in an error."""
    whole = facts.look

    def look(*args: object) -> object:
        if args[3].asset_id == "b":  # type: ignore[attr-defined]
            raise ValueError("lamp b cannot be looked at")
        return whole(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(linkage_run, "look", look)
    yard.town.lamps({"a": (EAST, "lit"), "b": (EAST, "lit")})
    for _ in range(3):
        yard.town.clock.step(yard.minute)
        yard.town.heat(("b", yard.now, 65.0), ("a", yard.now, 65.0))
        yard.turn()


def _faults(yard: Yard) -> list[str]:
    with yard.engine.connect() as conn:
        return [row.fault for row in conn.execute(sa.select(playbook_run)) if row.fault]


def test_a_run_that_cannot_go_on_is_kept_so_said_once_and_costs_the_others_nothing(
    yard: Yard, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as broken:
        _of_two_lamps(yard, broken)
        yard.answers("accepted", next(order["order_no"] for order in yard.orders()))
        yard.wait(3)
        assert [order["asset_id"] for order in yard.inbox()] == ["a"]
        assert _faults(yard) == ["ValueError: lamp b cannot be looked at"]
        assert len([one for one in caplog.records if one.levelname == "ERROR"]) == 1
    yard.turn()
    assert {order["asset_id"] for order in yard.inbox()} == {"a", "b"}
    assert _faults(yard) == []


def test_a_run_nothing_happens_to_is_not_looked_at(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    yard.minutes(*HOT)
    looked: list[int] = []
    whole = linkage_run._outlook
    monkeypatch.setattr(linkage_run, "_outlook", lambda *args: looked.append(args[2]) or whole(*args))  # type: ignore[func-returns-value]
    yard.turn()
    yard.turn()
    looked.clear()
    yard.wait(0.5, every=0.1)
    assert looked == []
    yard.answers("accepted")
    assert len(looked) == 1
