"""What a playbook does next: pure, from where its steps stand, what was answered and what holds, to what is to be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from dashboard.casework.linkage.machine import Event, Limits, Now, State, allows, both, react
from dashboard.core.declare import Level, Text
from dashboard.core.playbooks import Playbook, Step, Stop


@dataclass(frozen=True)
class Answer:
    """What a department, or the person who decides, said to a step."""

    state: str  # accepted | arrived | done | refused
    at: datetime
    unit: str = ""
    note: str = ""


@dataclass(frozen=True)
class Holding:
    """Whether a condition holds, and what was seen."""

    yes: bool
    seen: str = ""  # both languages
    due: datetime | None = None  # when it will have held for long enough, as things stand


@dataclass(frozen=True)
class Facts:
    """What is known of the world; made by facts.py."""

    answers: Mapping[str, Sequence[Answer]] = field(default_factory=dict)  # by step, of its order that is alive, oldest first
    holds: Mapping[str, Holding] = field(default_factory=dict)  # by stop, by step with a check, by step.needs
    over: str = ""  # the alert is in nobody's hands any more: why


@dataclass(frozen=True)
class Run:
    """A playbook under way."""

    level: Level
    steps: Mapping[str, Now]
    state: str = "running"  # running | done | failed | stopped
    reason: str = ""


@dataclass(frozen=True)
class Move:
    """Something to be carried out besides keeping the steps."""

    what: Literal["order", "withdraw", "ask", "answered", "verified", "escalate", "stop"]
    step: str
    at: datetime
    answer: Answer | None = None
    reason: str = ""


def limits_of(step: Step, numbers: Mapping[str, float], level: Level) -> Limits:
    """A step's limits at a level: the level's own, else the one for all, else the most there is."""

    def minutes(name: str) -> timedelta | None:
        full = f"{step.key}.{name}"
        found = numbers.get(f"{full}.{level}", numbers.get(full))
        if found is None:
            found = max((value for key, value in numbers.items() if key.startswith(f"{full}.")), default=None)
        return None if found is None else timedelta(minutes=found)

    return Limits(minutes("due") or timedelta(hours=24), minutes("accept"), minutes("arrive"))


def decide(playbook: Playbook, numbers: Mapping[str, float], run: Run, facts: Facts, now: datetime) -> tuple[Run, list[Move]]:
    """The run as it stands after everything that is known, and what to do about it. The same facts again change nothing."""
    turn = _Turn(playbook, numbers, dict(run.steps), run.level, facts, now)
    if facts.over:
        turn.stop_all(facts.over)
        return replace(run, steps=turn.steps, state="stopped", reason=facts.over), turn.moves
    turn.hear()
    ended = turn.stop()
    turn.lapse()
    while turn.verify() or turn.begin():
        pass
    after = replace(run, steps=turn.steps)
    if ended:
        return replace(after, state="stopped", reason=ended), turn.moves
    state, reason = turn.outcome()
    return replace(after, state=state, reason=reason), turn.moves


def because(stop: Stop, seen: str) -> str:
    """Why a step was stopped: the rule in its own words first, by which it is counted, then what was seen."""
    said, (zh, _, en) = stop.when.said, seen.partition(" / ")
    return both(said) if not zh or zh == said.zh else both(Text(f"{said.zh}：{zh}", f"{said.en}: {en or zh}"))


@dataclass
class _Turn:
    """One look at one run."""

    playbook: Playbook
    numbers: Mapping[str, float]
    steps: dict[str, Now]
    level: Level
    facts: Facts
    now: datetime
    moves: list[Move] = field(default_factory=list)

    # ---- what happens to a step
    def _take(self, step: Step, event: Event, at: datetime, reason: str = "") -> None:
        self.steps[step.key] = react(step, self.steps[step.key], event, at, self._limits(step), reason)

    def _limits(self, step: Step) -> Limits:
        return limits_of(step, self.numbers, self.level)

    def _tell(self, what: str, step: Step, at: datetime, answer: Answer | None = None, reason: str = "") -> None:
        self.moves.append(Move(what, step.key, at, answer, reason))  # type: ignore[arg-type]

    def hear(self) -> None:
        """What was answered, in the order it came."""
        for step in self.playbook.steps:
            for answer in self.facts.answers.get(step.key, ()):
                event = Event(answer.state)
                if allows(step.kind, self.steps[step.key].state, event):
                    self._take(step, event, max(answer.at, self.steps[step.key].since), answer.note)
                    self._tell("answered", step, answer.at, answer)
                    if event is Event.REFUSE and step.kind == "order":
                        self._failed(step)

    def stop(self) -> str:
        """Stop rules that hold; the reason, where one ends the whole playbook."""
        for stop in self.playbook.stops:
            holding = self.facts.holds.get(stop.key, Holding(False))
            if not holding.yes:
                continue
            reason = because(stop, holding.seen)
            if not stop.steps:
                return self.stop_all(reason)
            stopped = [key for key in stop.steps if self._stops(stop, self.steps[key].state)]
            for key in stopped:
                self._stop_step(self.playbook.step(key), reason)
            if stopped and stop.instead:
                self._force(stop.instead)
        return ""

    def _stops(self, stop: Stop, state: State) -> bool:
        if state.is_over:
            return False
        if stop.only == "unanswered":
            return state in (State.IDLE, State.WAITING, State.OPEN)
        return stop.only == "any" or state in (State.OPEN, State.ACCEPTED, State.ARRIVED)

    def stop_all(self, reason: str) -> str:
        """End every step that is not over."""
        for step in self.playbook.steps:
            if not self.steps[step.key].state.is_over:
                self._stop_step(step, reason)
        return reason

    def _stop_step(self, step: Step, reason: str) -> None:
        before = self.steps[step.key]
        self._take(step, Event.STOP, self.now, reason)
        if before.state.is_under_way:
            self._tell("stop", step, self.now, reason=reason)
        if before.order_no and step.kind == "order":
            self._tell("withdraw", step, self.now, reason=reason)

    def lapse(self) -> None:
        """Limits that have passed. An order nobody accepted goes out again while tries are left; then another step, if there is one."""
        for step in self.playbook.steps:
            now = self.steps[step.key]
            if now.due is None or now.due > self.now or not now.state.is_under_way:
                continue
            self._take(step, Event.LAPSE, now.due)
            self._tell("escalate", step, now.due)
            if now.state is State.OPEN and step.kind == "order" and now.tries < step.tries:
                self._tell("withdraw", step, self.now, reason=both(_ANEW))
                self._take(step, Event.AGAIN, self.now)
                self._tell("order", step, self.now)
            elif now.state in (State.OPEN, State.WAITING) and step.instead:
                if now.order_no:
                    self._tell("withdraw", step, self.now, reason=both(_LATE))
                self._take(step, Event.FAIL, self.now, both(_LATE))
                self._failed(step)

    def _failed(self, step: Step) -> None:
        """An order that was refused or ran out: another step in its place, else somebody higher is told."""
        if step.instead:
            self._force(step.instead)
        else:
            self._tell("escalate", step, self.now)

    def _force(self, key: str) -> None:
        step = self.playbook.step(key)
        if self.steps[key].state is State.IDLE:
            self._start(step)

    def verify(self) -> bool:
        """Checks that hold; whether there was one."""
        done = False
        for step in self.playbook.steps:
            holding = self.facts.holds.get(step.key, Holding(False))
            if step.kind == "check" and holding.yes and allows("check", self.steps[step.key].state, Event.HOLD):
                self._take(step, Event.HOLD, self.now, holding.seen)
                self._tell("verified", step, self.now, reason=holding.seen)
                done = True
        return done

    def begin(self) -> bool:
        """Steps whose turn has come, and those an interlock no longer forbids; whether there was one."""
        before = dict(self.steps)
        for step in self.playbook.steps:
            state = self.steps[step.key].state
            if (state is State.IDLE and self._may_begin(step)) or (state is State.WAITING and self._needs_hold(step)):
                self._start(step)
        return self.steps != before

    def _start(self, step: Step) -> None:
        if not self._needs_hold(step):
            return self._take(step, Event.WAIT, self.now)
        self._take(step, Event.BEGIN, self.now)
        self._tell({"order": "order", "decision": "ask"}.get(step.kind, "ask"), step, self.now)
        return None

    def _needs_hold(self, step: Step) -> bool:
        return not step.needs or self.facts.holds.get(f"{step.key}.needs", Holding(False)).yes

    # ---- whose turn it is
    def _may_begin(self, step: Step) -> bool:
        return self._wanted(step) and all(self._settled(self.playbook.step(key)) for key in step.after)

    def _wanted(self, step: Step) -> bool:
        """Whether a step that was not begun is for this alert at all."""
        if step.standby or (step.levels and self.level not in step.levels):
            return False
        return not any(self._said_no(self.playbook.step(key)) for key in step.after)

    def _said_no(self, step: Step) -> bool:
        return step.kind == "decision" and self.steps[step.key].state is State.REFUSED

    def _settled(self, step: Step) -> bool:
        """Done, not needed, or done by another in its place."""
        state = self.steps[step.key].state
        if state is State.IDLE:
            return not self._wanted(step)
        if state is State.DONE or self._said_no(step):
            return True
        others = {step.instead, *(stop.instead for stop in self.playbook.stops if step.key in stop.steps)} - {""}
        begun = [self.playbook.step(key) for key in others if self.steps[key].state is not State.IDLE]
        if begun:
            return state.is_over and all(self._settled(other) for other in begun)
        return state is State.STOPPED

    def outcome(self) -> tuple[str, str]:
        """How the run stands, and why: over once nothing is under way and nothing can begin."""
        if any(now.state.is_under_way for now in self.steps.values()):
            return "running", ""
        open_ends = [step for step in self.playbook.steps if not self._settled(step)]
        if open_ends:
            reason = next((self.steps[step.key].reason for step in open_ends if self.steps[step.key].state.is_over), "")
            return "failed", reason or both(_STUCK)
        proved = all(
            self.steps[step.key].state is State.DONE for step in self.playbook.steps if step.kind == "check" and self._wanted(step)
        )
        return ("done", "") if proved else ("stopped", both(_STUCK))


_ANEW = Text("超时未接单，已另发新单", "Not accepted in time; ordered anew")
_LATE = Text("超时未办", "Not done in time")
_STUCK = Text("步骤未能办结", "A step could not be done")
