"""Every stage met by every event; no sequence of them leads astray."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.casework.life import MOST_ESCALATIONS, TABLE, Event, Grounds, Life, Stage, born, missing, step
from dashboard.core.configured import Plan
from dashboard.core.declare import Level
from dashboard.core.errors import NotNowError

NOON = datetime(2026, 5, 20, 4, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LIMITS = {"acknowledge": 5.0, "dispatch": 10.0, "arrive": 30.0, "settle": 60.0, "verify": 20.0, "close": 40.0}
PLAN = Plan(level=Level.ORANGE, limits=LIMITS, ref="测试", confidence="default", photos=1, reopen_h=2)

S, E = Stage, Event
# Every (stage, event) that is possible and where it leads; all others are refused. Written out, not derived from the code.
POSSIBLE = {
    S.NEW: "acknowledge>acknowledged assign>assigned dispatch>dispatched false_alarm>false_alarm comment>new photo>new lapse>new "
    "recover>closed refire>new",
    S.ACKNOWLEDGED: "assign>assigned dispatch>dispatched arrive>arrived settle>settled false_alarm>false_alarm comment>acknowledged "
    "photo>acknowledged lapse>acknowledged recover>closed refire>acknowledged",
    S.ASSIGNED: "assign>assigned dispatch>dispatched arrive>arrived settle>settled false_alarm>false_alarm comment>assigned "
    "photo>assigned lapse>assigned recover>closed refire>assigned",
    S.DISPATCHED: "assign>assigned arrive>arrived settle>settled false_alarm>false_alarm comment>dispatched photo>dispatched "
    "lapse>dispatched refire>dispatched",
    S.ARRIVED: "assign>assigned settle>settled false_alarm>false_alarm comment>arrived photo>arrived lapse>arrived refire>arrived",
    S.SETTLED: "verify>verified reject>arrived refire>arrived comment>settled photo>settled lapse>settled",
    S.VERIFIED: "close>closed reject>arrived refire>arrived comment>verified photo>verified lapse>verified",
    S.CLOSED: "reopen>acknowledged refire>new comment>closed photo>closed",
    S.FALSE_ALARM: "reopen>acknowledged refire>new comment>false_alarm photo>false_alarm",
}


def _at(stage: Stage) -> Life:
    due = None if stage.is_over else NOON
    return Life(NOON - MINUTE, stage, due, closed_at=NOON if stage.is_over else None)


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("event", Event)
def test_each_stage_meets_each_event(stage: Stage, event: Event) -> None:
    leads = dict(told.split(">") for told in POSSIBLE[stage].split())
    if event.value in leads:
        assert step(_at(stage), event, NOON, PLAN).stage == leads[event.value]
    else:
        with pytest.raises(NotNowError):
            step(_at(stage), event, NOON, PLAN)


def test_the_limit_of_what_comes_next_runs_from_the_step_before() -> None:
    life, due = born(NOON, PLAN), []
    for i, event in enumerate((E.ACKNOWLEDGE, E.DISPATCH, E.ARRIVE, E.SETTLE, E.VERIFY, E.CLOSE)):
        due.append(life.due - NOON if life.due else None)
        life = step(life, event, NOON + i * MINUTE, PLAN)
    assert due == [timedelta(minutes=m) for m in (5, 10, 31, 62, 23, 44)]
    assert (life.due, life.closed_at) == (None, NOON + 5 * MINUTE)


def test_a_limit_that_passed_tells_somebody_higher_a_few_times_and_then_no_more() -> None:
    life = born(NOON, PLAN)
    with pytest.raises(NotNowError):
        step(life, E.LAPSE, NOON + 4 * MINUTE, PLAN)
    for n in range(1, MOST_ESCALATIONS + 1):
        life = step(life, E.LAPSE, NOON + 5 * n * MINUTE, PLAN)
        assert (life.escalations, life.stage) == (n, S.NEW)
    assert life.due is None
    assert step(life, E.ACKNOWLEDGE, NOON + 60 * MINUTE, PLAN).escalations == 0


def test_what_was_raised_again_keeps_who_has_it_unless_it_was_over() -> None:
    sent = step(step(born(NOON, PLAN), E.ASSIGN, NOON, PLAN, unit="区交通局"), E.DISPATCH, NOON, PLAN)
    assert (step(sent, E.REFIRE, NOON, PLAN).unit, step(sent, E.REFIRE, NOON, PLAN).stage) == ("区交通局", S.DISPATCHED)
    over = step(step(sent, E.FALSE_ALARM, NOON, PLAN), E.REFIRE, NOON + MINUTE, PLAN)
    assert (over.stage, over.acknowledged_at, over.reopened, over.unit) == (S.NEW, None, 1, "区交通局")


def test_a_matter_closed_long_ago_stays_closed() -> None:
    over = step(born(NOON, PLAN), E.RECOVER, NOON, PLAN)
    assert step(over, E.REOPEN, NOON + timedelta(hours=2), PLAN).stage == S.ACKNOWLEDGED
    with pytest.raises(NotNowError, match="2小时"):
        step(over, E.REOPEN, NOON + timedelta(hours=2, minutes=1), PLAN)


def test_closing_names_what_is_missing() -> None:
    nothing = Grounds(S.ARRIVED, is_clear=False, photos=0, settled_note=False)
    assert [words.zh for words in missing(nothing, PLAN)] == [
        "读数回到限值以内",
        "责任单位填写处置记录",
        "现场照片不少于1张",
        "处置结果经核实",
    ]
    assert missing(Grounds(S.VERIFIED, is_clear=True, photos=1, settled_note=True), PLAN) == []
    assert [words.en for words in missing(Grounds(S.VERIFIED, is_clear=True, photos=0, settled_note=True), PLAN)] == [
        "at least 1 photograph(s) of the site"
    ]


def test_no_sequence_leads_astray() -> None:
    """100,000 of them: what is over has a closing time and no limit; what is new is nobody's, all else is somebody's."""
    dice = random.Random(20260520)
    events = list(Event)
    for _ in range(100_000):
        life, at, acknowledged = born(NOON, PLAN), NOON, False
        for _ in range(dice.randrange(1, 9)):
            at += dice.choice((MINUTE, 7 * MINUTE, 90 * MINUTE))
            event, before = dice.choice(events), life.stage
            try:
                life = step(life, event, at, PLAN)
            except NotNowError:
                assert event not in TABLE[life.stage] or event in (E.LAPSE, E.REOPEN)
                continue
            by_a_person = life.stage is not before and event is not E.RECOVER
            acknowledged = life.stage is not S.NEW and (acknowledged or by_a_person)
            assert life.stage.is_over == (life.closed_at is not None)
            assert not (life.stage.is_over and life.due)
            assert life.since <= at and (life.due is None or life.due > life.since)
            assert (life.acknowledged_at is not None) == acknowledged
            assert 0 <= life.escalations <= MOST_ESCALATIONS
