"""The life of an alert in people's hands, pure: stages, what may happen at each, the limits of the plan, what still bars closing.

It runs beside the machine's open and clear: a reading back inside its limits settles nothing that people began, and a person's
word does not make a reading good.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from dashboard.core.configured import Plan
from dashboard.core.declare import Text
from dashboard.core.errors import NotNowError


class Stage(StrEnum):
    """How far people have come."""

    NEW = "new"
    ACKNOWLEDGED = "acknowledged"
    ASSIGNED = "assigned"
    DISPATCHED = "dispatched"
    ARRIVED = "arrived"
    SETTLED = "settled"
    VERIFIED = "verified"
    CLOSED = "closed"
    FALSE_ALARM = "false_alarm"

    @property
    def is_over(self) -> bool:
        """Nobody has anything left to do."""
        return self in (Stage.CLOSED, Stage.FALSE_ALARM)


class Event(StrEnum):
    """What people, the clock and the machine do to it."""

    ACKNOWLEDGE = "acknowledge"
    ASSIGN = "assign"
    DISPATCH = "dispatch"
    ARRIVE = "arrive"
    SETTLE = "settle"
    VERIFY = "verify"
    REJECT = "reject"
    CLOSE = "close"
    FALSE_ALARM = "false_alarm"
    REOPEN = "reopen"
    COMMENT = "comment"
    PHOTO = "photo"
    LAPSE = "lapse"  # the limit of the next step has passed
    RECOVER = "recover"  # the machine cleared what the plan lets close by itself
    REFIRE = "refire"  # the machine raised it again


REASONS: Mapping[str, Text] = {
    "sensor_fault": Text("传感器故障", "Sensor fault"),
    "test": Text("测试演练", "Test"),
    "environment": Text("环境干扰", "Environment"),
    "operator": Text("人为误操作", "Operator"),
}
STAGE_WORDS: Mapping[Stage, Text] = {
    Stage.NEW: Text("待确认", "New"),
    Stage.ACKNOWLEDGED: Text("已确认", "Acknowledged"),
    Stage.ASSIGNED: Text("已转派", "Assigned"),
    Stage.DISPATCHED: Text("已派单", "Dispatched"),
    Stage.ARRIVED: Text("已到场", "On site"),
    Stage.SETTLED: Text("已处置", "Settled"),
    Stage.VERIFIED: Text("已核实", "Verified"),
    Stage.CLOSED: Text("已闭环", "Closed"),
    Stage.FALSE_ALARM: Text("误报", "False alarm"),
}

_S, _E = Stage, Event
_Leads = Mapping[Event, Stage | None]  # None: stays where it is
_ANYWHERE: _Leads = {_E.COMMENT: None, _E.PHOTO: None}
_TO_DO: _Leads = {_E.LAPSE: None, **_ANYWHERE}
_SENT: _Leads = {_E.ASSIGN: _S.ASSIGNED, _E.SETTLE: _S.SETTLED, _E.FALSE_ALARM: _S.FALSE_ALARM, _E.REFIRE: None, **_TO_DO}
_AT_DESK: _Leads = {**_SENT, _E.DISPATCH: _S.DISPATCHED, _E.RECOVER: _S.CLOSED}
_OVER: _Leads = {_E.REOPEN: _S.ACKNOWLEDGED, _E.REFIRE: _S.NEW, **_ANYWHERE}
_CHECKED: _Leads = {_E.REJECT: _S.ARRIVED, _E.REFIRE: _S.ARRIVED, **_TO_DO}
TABLE: Mapping[Stage, _Leads] = {
    _S.NEW: {**{k: v for k, v in _AT_DESK.items() if k is not _E.SETTLE}, _E.ACKNOWLEDGE: _S.ACKNOWLEDGED},
    _S.ACKNOWLEDGED: {**_AT_DESK, _E.ARRIVE: _S.ARRIVED},
    _S.ASSIGNED: {**_AT_DESK, _E.ARRIVE: _S.ARRIVED},
    _S.DISPATCHED: {**_SENT, _E.ARRIVE: _S.ARRIVED},
    _S.ARRIVED: _SENT,
    _S.SETTLED: {**_CHECKED, _E.VERIFY: _S.VERIFIED},
    _S.VERIFIED: {**_CHECKED, _E.CLOSE: _S.CLOSED},
    _S.CLOSED: _OVER,
    _S.FALSE_ALARM: _OVER,
}
_NEXT: Mapping[Stage, str] = {  # the step of the plan that is due at a stage
    _S.NEW: "acknowledge",
    _S.ACKNOWLEDGED: "dispatch",
    _S.ASSIGNED: "dispatch",
    _S.DISPATCHED: "arrive",
    _S.ARRIVED: "settle",
    _S.SETTLED: "verify",
    _S.VERIFIED: "close",
}
MOST_ESCALATIONS = 3  # per stage: who has not moved after three calls will not after a hundred


@dataclass(frozen=True)
class Life:
    """Where people stand with an alert."""

    since: datetime  # of this stage
    stage: Stage = Stage.NEW
    due: datetime | None = None  # when the next step must be done
    unit: str = ""  # who has it; empty: the unit the rule names
    escalations: int = 0  # limits passed at this stage
    acknowledged_at: datetime | None = None
    closed_at: datetime | None = None
    reopened: int = 0


def born(at: datetime, plan: Plan | None) -> Life:
    """The life of an alert that was just raised."""
    return _placed(Life(at), Stage.NEW, at, plan)


def due_step(stage: Stage) -> str:
    """The plan's step that is awaited at a stage; empty when it is over."""
    return _NEXT.get(stage, "")


def step(life: Life, event: Event, at: datetime, plan: Plan | None, unit: str = "") -> Life:
    """What an event makes of it. Raises NotNowError, in words, for what cannot happen at this stage."""
    allowed = TABLE[life.stage]
    if event not in allowed:
        raise NotNowError(f"{STAGE_WORDS[life.stage].zh}的预警不能{EVENT_WORDS[event].zh} ({event} is not possible once {life.stage})")
    if event is Event.REOPEN:
        _within(life, at, plan)
    if event is Event.LAPSE:
        return _lapsed(life, at, plan)
    to = allowed[event]
    after = replace(life, unit=unit) if event is Event.ASSIGN else life
    if event in (Event.REOPEN, Event.REFIRE) and life.stage.is_over:
        after = replace(after, closed_at=None, reopened=life.reopened + 1)
    if to is None:
        return after
    taken = None if to is Stage.NEW else life.acknowledged_at or (None if event is Event.RECOVER else at)  # what closed itself nobody took
    return replace(_placed(after, to, at, plan), acknowledged_at=taken)


def _placed(life: Life, stage: Stage, at: datetime, plan: Plan | None) -> Life:
    """At a stage from now on, with the limit of what comes next."""
    closed = at if stage.is_over else None
    limit = plan.limits.get(due_step(stage)) if plan else None
    due = at + timedelta(minutes=limit) if limit is not None and not stage.is_over else None
    return replace(life, stage=stage, since=at, due=due, escalations=0, closed_at=closed)


def hastened(life: Life, at: datetime, plan: Plan | None) -> Life:
    """The same stage under the plan of a worse level since `at`: what is awaited is due sooner, never later."""
    limit = plan.limits.get(due_step(life.stage)) if plan and not life.stage.is_over else None
    if limit is None or (life.due is None and life.escalations):
        return life
    due = max(at, life.since) + timedelta(minutes=limit)
    return replace(life, due=min(life.due or due, due))


def _within(life: Life, at: datetime, plan: Plan | None) -> None:
    window = timedelta(hours=plan.reopen_h if plan else 24)
    if life.closed_at and at > life.closed_at + window:
        hours = window.total_seconds() / 3600
        raise NotNowError(f"闭环已超过{hours:g}小时，不能重新打开；请新建事项 (closed more than {hours:g} h ago)")


def _lapsed(life: Life, at: datetime, plan: Plan | None) -> Life:
    """The limit passed: somebody higher is told, and the same time is given once more."""
    if life.due is None or at < life.due:
        raise NotNowError("时限未到 (the limit has not passed)")
    limit = plan.limits.get(due_step(life.stage), 0.0) if plan else 0.0
    told = life.escalations + 1
    again = life.due + timedelta(minutes=limit) if limit and told < MOST_ESCALATIONS else None
    return replace(life, escalations=told, due=again)


EVENT_WORDS: Mapping[Event, Text] = {
    Event.ACKNOWLEDGE: Text("确认", "Acknowledge"),
    Event.ASSIGN: Text("转派", "Assign"),
    Event.DISPATCH: Text("派单", "Dispatch"),
    Event.ARRIVE: Text("到场", "Arrive"),
    Event.SETTLE: Text("处置完成", "Settle"),
    Event.VERIFY: Text("核实", "Verify"),
    Event.REJECT: Text("退回重办", "Send back"),
    Event.CLOSE: Text("闭环", "Close"),
    Event.FALSE_ALARM: Text("判为误报", "False alarm"),
    Event.REOPEN: Text("重新打开", "Reopen"),
    Event.COMMENT: Text("补充说明", "Comment"),
    Event.PHOTO: Text("上传照片", "Photograph"),
    Event.LAPSE: Text("超时升级", "Escalate"),
    Event.RECOVER: Text("自动闭环", "Close by itself"),
    Event.REFIRE: Text("再次触发", "Raised again"),
}


@dataclass(frozen=True)
class Grounds:
    """What is known when closing is asked for."""

    stage: Stage
    is_clear: bool  # the machine says the condition is gone
    photos: int
    settled_note: bool  # what was done is written down


def missing(known: Grounds, plan: Plan | None) -> list[Text]:
    """What still bars closing, in words; nothing: it may be closed."""
    photos = plan.photos if plan else 0
    conditions = (
        (known.is_clear, Text("读数回到限值以内", "the reading back inside its limits")),
        (known.settled_note, Text("责任单位填写处置记录", "a record of what was done")),
        (known.photos >= photos, Text(f"现场照片不少于{photos}张", f"at least {photos} photograph(s) of the site")),
        (known.stage in (Stage.VERIFIED, Stage.CLOSED), Text("处置结果经核实", "the result verified")),
    )
    return [words for holds, words in conditions if not holds]
