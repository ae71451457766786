"""What becomes of one step of a playbook: an enumerated table, pure. What a whole playbook does next: decide.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from dashboard.core.declare import Text
from dashboard.core.playbooks import Step, StepKind


class State(StrEnum):
    """How far a step is."""

    IDLE = "idle"  # its turn has not come
    WAITING = "waiting"  # its turn has come, an interlock forbids it
    OPEN = "open"  # ordered, asked, or looked for
    ACCEPTED = "accepted"
    ARRIVED = "arrived"
    DONE = "done"
    REFUSED = "refused"  # an order not taken, a decision answered no
    FAILED = "failed"  # out of time and tries
    STOPPED = "stopped"

    @property
    def is_over(self) -> bool:
        """Nothing happens to it any more."""
        return self in (State.DONE, State.REFUSED, State.FAILED, State.STOPPED)

    @property
    def is_under_way(self) -> bool:
        """Its clock runs."""
        return self not in (State.IDLE,) and not self.is_over


class Event(StrEnum):
    """What happens to a step."""

    WAIT = "wait"
    BEGIN = "begin"
    ACCEPT = "accepted"
    ARRIVE = "arrived"
    DONE = "done"
    REFUSE = "refused"
    HOLD = "hold"  # what a check looks for holds
    LAPSE = "lapse"
    AGAIN = "again"
    FAIL = "fail"
    STOP = "stop"


_S, _E = State, Event
_Leads = Mapping[Event, State]
_BEFORE: _Leads = {_E.WAIT: _S.WAITING, _E.BEGIN: _S.OPEN, _E.STOP: _S.STOPPED}
_WAITING: _Leads = {_E.BEGIN: _S.OPEN, _E.LAPSE: _S.WAITING, _E.FAIL: _S.FAILED, _E.STOP: _S.STOPPED}
_ANSWERED: _Leads = {_E.DONE: _S.DONE, _E.REFUSE: _S.REFUSED, _E.STOP: _S.STOPPED}
_NOTHING: Mapping[State, _Leads] = {state: {} for state in State}  # what is not named below: over, or never so
TABLE: Mapping[StepKind, Mapping[State, _Leads]] = {
    "order": {
        **_NOTHING,
        _S.IDLE: _BEFORE,
        _S.WAITING: _WAITING,
        _S.OPEN: {
            **_ANSWERED,
            **{_E.ACCEPT: _S.ACCEPTED, _E.ARRIVE: _S.ARRIVED, _E.LAPSE: _S.OPEN, _E.AGAIN: _S.OPEN, _E.FAIL: _S.FAILED},
        },
        _S.ACCEPTED: {**_ANSWERED, _E.ARRIVE: _S.ARRIVED, _E.LAPSE: _S.ACCEPTED},
        _S.ARRIVED: {**_ANSWERED, _E.LAPSE: _S.ARRIVED},
    },
    "decision": {
        **_NOTHING,
        _S.IDLE: _BEFORE,
        _S.WAITING: _WAITING,
        _S.OPEN: {**_ANSWERED, _E.LAPSE: _S.OPEN, _E.FAIL: _S.FAILED},
    },
    "check": {
        **_NOTHING,
        _S.IDLE: _BEFORE,
        _S.WAITING: _WAITING,
        _S.OPEN: {_E.HOLD: _S.DONE, _E.LAPSE: _S.OPEN, _E.FAIL: _S.FAILED, _E.STOP: _S.STOPPED},
    },
}
MOST_ESCALATIONS = 3  # per step: who has not moved after three calls will not after a hundred


@dataclass(frozen=True)
class Now:
    """Where a step stands."""

    state: State
    since: datetime
    begun: datetime | None = None
    ended: datetime | None = None
    due: datetime | None = None
    limit_s: int | None = None
    tries: int = 0
    escalations: int = 0
    late: bool = False
    order_no: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class Limits:
    """How long a step may take at the level there is; None: no limit of that kind."""

    due: timedelta
    accept: timedelta | None = None
    arrive: timedelta | None = None

    def phase(self, state: State) -> timedelta:
        """From the order to the next thing that is awaited."""
        awaited = {State.OPEN: self.accept or self.arrive, State.ACCEPTED: self.arrive}.get(state)
        return awaited or self.due


def allows(kind: StepKind, state: State, event: Event) -> bool:
    """Whether this can happen to such a step now."""
    return event in TABLE[kind][state]


def react(step: Step, now: Now, event: Event, at: datetime, limits: Limits, reason: str = "") -> Now:
    """The step after an event that is allowed."""
    state = TABLE[step.kind][now.state][event]
    if event is Event.LAPSE:
        return _lapsed(now, limits, at)
    after = replace(now, state=state, since=at, reason=reason or now.reason, escalations=0)
    if event in (Event.BEGIN, Event.AGAIN):
        after = replace(after, begun=at, tries=now.tries + 1)
    if state.is_over:
        return replace(after, ended=at, due=None)
    if event in (Event.BEGIN, Event.AGAIN, Event.WAIT):
        after = replace(after, limit_s=round(limits.due.total_seconds()))
    asked = at if event is Event.WAIT else after.begun or at
    return replace(after, due=asked + limits.phase(state))


def _lapsed(now: Now, limits: Limits, at: datetime) -> Now:
    """The limit has passed: somebody higher is told, and the same time is given once more."""
    told = now.escalations + 1
    again = (now.due or at) + limits.phase(now.state) if told < MOST_ESCALATIONS else None
    return replace(now, escalations=told, due=again, late=True)


def both(words: Text) -> str:
    """Words as they are stored: Chinese, then English."""
    return f"{words.zh} / {words.en}"


STATE_WORDS: Mapping[State, Text] = {
    _S.IDLE: Text("未到", "Not yet"),
    _S.WAITING: Text("待条件", "Waiting"),
    _S.OPEN: Text("待接单", "Ordered"),
    _S.ACCEPTED: Text("已接单", "Accepted"),
    _S.ARRIVED: Text("已到场", "On site"),
    _S.DONE: Text("完成", "Done"),
    _S.REFUSED: Text("拒单", "Refused"),
    _S.FAILED: Text("未完成", "Failed"),
    _S.STOPPED: Text("已停止", "Stopped"),
}
OTHERWISE: Mapping[tuple[StepKind, State], Text] = {  # what an order's words do not fit
    ("decision", _S.OPEN): Text("待决定", "To be decided"),
    ("decision", _S.DONE): Text("同意", "Yes"),
    ("decision", _S.REFUSED): Text("不同意", "No"),
    ("check", _S.OPEN): Text("核验中", "Looking"),
    ("check", _S.DONE): Text("核验通过", "Verified"),
}


def state_words(kind: StepKind, state: State) -> Text:
    """What a step's state is called."""
    return OTHERWISE.get((kind, state), STATE_WORDS[state])
