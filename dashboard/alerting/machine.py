"""The life of an alert, pure: where a rule stands for one asset, what an observation makes of it, and what is to be told.

Each level has a latch of its own (normal, pending, firing, recovering) with the rule's hold and hysteresis; the alert is
open while any latch is held, at the worst level held. So a rise or fall of level moves the open alert and never makes a second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from operator import ge, gt, le, lt
from typing import Literal

from dashboard.core.configured import Threshold
from dashboard.core.declare import Level

State = Literal["normal", "pending", "firing", "recovering"]
Event = Literal["beyond", "between", "gone"]
What = Literal["open", "level", "no_data", "data_back", "clear"]

_HOLDS: Mapping[str, Callable[[float, float], bool]] = {">=": ge, ">": gt, "<=": le, "<": lt}


@dataclass(frozen=True)
class Rule:
    """What the machine needs of an alert rule: its thresholds in force, worst level first, its holds and its policy."""

    thresholds: Sequence[Threshold]
    hold: timedelta = timedelta(0)
    clear_hold: timedelta = timedelta(0)
    no_data: Literal["keep", "clear", "alert"] = "keep"


@dataclass(frozen=True)
class Observation:
    """What was seen, and when it was so; no value: nothing came that should have."""

    at: datetime
    value: float | None


@dataclass(frozen=True)
class Latch:
    """One level of a rule on one asset, and since when it is in its state."""

    state: State = "normal"
    since: datetime | None = None

    @property
    def is_held(self) -> bool:
        """Whether it keeps the alert open."""
        return self.state in ("firing", "recovering")


@dataclass(frozen=True)
class Standing:
    """Where a rule stands for one asset."""

    latches: Mapping[Level, Latch] = field(default_factory=dict)  # those not normal
    no_data: bool = False  # nothing fresh is known
    by_silence: Level | None = None  # open because of silence alone, at this level

    @property
    def level(self) -> Level | None:
        """The level of the alert; None: no alert."""
        held = [level for level, latch in self.latches.items() if latch.is_held] + ([self.by_silence] if self.by_silence else [])
        return max(held, key=lambda level: level.severity, default=None)

    @property
    def state(self) -> State:
        """The state of the rule as a whole: that of its most alarmed latch."""
        states: list[State] = [latch.state for latch in self.latches.values()] + (["firing"] if self.by_silence else [])
        return max(states, key=("normal", "pending", "recovering", "firing").index, default="normal")

    @property
    def is_at_rest(self) -> bool:
        """Nothing is going on at all."""
        return not self.latches and not self.no_data and self.by_silence is None


AT_REST = Standing()


@dataclass(frozen=True)
class Transition:
    """A moment of change, to be stored and told."""

    what: What
    at: datetime
    old: Level | None
    new: Level | None
    value: float | None
    threshold: Threshold | None  # the one that was crossed, or whose clearing value was reached
    afterwards: Literal["", "corrected", "late"] = ""  # found when a reading was put right, or came in behind later ones


def event_of(value: float, threshold: Threshold) -> Event:
    """Where a value is: beyond the threshold, gone past its clearing value, or in between, where nothing changes."""
    if _HOLDS[threshold.op](value, threshold.value):
        return "beyond"
    upward = threshold.op in (">=", ">")
    return "gone" if (value <= threshold.clear if upward else value >= threshold.clear) else "between"


def step_latch(latch: Latch, event: Event, at: datetime, hold: timedelta, clear_hold: timedelta) -> Latch:
    """The next state of one level. `since` of a firing latch is the true moment its hold was over."""
    match latch.state, event:
        case "normal", "beyond":
            return _due(Latch("pending", at), at, hold, "firing")
        case "pending", "beyond":
            return _due(latch, at, hold, "firing")
        case "pending", _:
            return Latch("normal", at)
        case "firing", "gone":
            return _due(Latch("recovering", at), at, clear_hold, "normal")
        case "recovering", "gone":
            return _due(latch, at, clear_hold, "normal")
        case "recovering", _:
            return Latch("firing", at)
    return latch


def _due(waiting: Latch, at: datetime, hold: timedelta, then: State) -> Latch:
    assert waiting.since is not None
    over = waiting.since + hold
    return Latch(then, over) if at >= over else waiting


def step(standing: Standing, seen: Observation, rule: Rule) -> tuple[Standing, list[Transition]]:
    """The next standing, and what changed on the way."""
    return _heard(standing, seen, rule) if seen.value is not None else _silence(standing, seen, rule)


def _heard(standing: Standing, seen: Observation, rule: Rule) -> tuple[Standing, list[Transition]]:
    assert seen.value is not None
    moved = {
        t.level: step_latch(standing.latches.get(t.level, Latch()), event_of(seen.value, t), seen.at, rule.hold, rule.clear_hold)
        for t in rule.thresholds
    }
    told: list[Transition] = []
    if standing.no_data and standing.level:
        told.append(Transition("data_back", seen.at, standing.level, standing.level, seen.value, None))
    after = Standing({level: latch for level, latch in moved.items() if latch.state != "normal"})
    return after, told + _told(standing.level, after.level, moved, seen, rule)


def paused(standing: Standing) -> Standing:
    """While it is not judged: what fires keeps firing, what was waiting starts anew."""
    kept = {level: replace(latch, state="firing") for level, latch in standing.latches.items() if latch.is_held}
    return replace(standing, latches=kept)


def between(before: Standing, after: Standing, seen: Observation, rule: Rule) -> list[Transition]:
    """The one step from a standing to another, if the level is not the same."""
    return _told(before.level, after.level, after.latches, seen, rule)


def _told(old: Level | None, new: Level | None, moved: Mapping[Level, Latch], seen: Observation, rule: Rule) -> list[Transition]:
    if old == new:
        return []
    about = new if new and (old is None or new.severity > old.severity) else old
    threshold = next((t for t in rule.thresholds if t.level == about), None)
    latch = moved.get(about) if about else None
    at = latch.since if latch and latch.since else seen.at
    what: What = "open" if old is None else "clear" if new is None else "level"
    return [Transition(what, at, old, new, seen.value, threshold)]


def _silence(standing: Standing, seen: Observation, rule: Rule) -> tuple[Standing, list[Transition]]:
    """Silence is not health: what fires keeps firing, what was waiting starts anew, unless the rule says otherwise."""
    old = standing.level
    if rule.no_data == "clear":
        told = [Transition("clear", seen.at, old, None, None, None)] if old else []
        return Standing(no_data=True), told
    kept = paused(standing).latches
    if old is None and rule.no_data == "alert" and rule.thresholds:
        mildest = rule.thresholds[-1].level
        return Standing(kept, no_data=True, by_silence=mildest), [Transition("open", seen.at, None, mildest, None, None)]
    told = [Transition("no_data", seen.at, old, old, None, None)] if old and not standing.no_data else []
    return Standing(kept, no_data=True, by_silence=standing.by_silence), told
