"""What a playbook may declare: steps across departments that an alert sets going, what each waits for, and what stops it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from dashboard.core.declare import Level, Text

StepKind = Literal["order", "decision", "check"]
ORDER_FIELDS = (  # what an order says; a department maps each to a column of its inbox
    *("order_no", "kind", "asset_id", "place", "instruction", "priority", "issued_at", "due_at"),
    *("drill", "playbook", "alert_no", "watermark"),
)
NEEDED_FIELDS = ("order_no", "kind", "asset_id", "instruction", "issued_at", "due_at", "drill")
RECEIPT_STATES = ("accepted", "arrived", "done", "refused")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The newest readings of a metric of the alert's own asset, against a number of the playbook."""

    metric: str  # domain.metric
    op: Literal[">=", ">", "<=", "<"]
    limit: str  # name of the number


@dataclass(frozen=True, kw_only=True)
class Fallen:
    """How far a metric of the asset has fallen since the playbook was set going: at least a number."""

    metric: str
    limit: str


@dataclass(frozen=True, kw_only=True)
class AssetState:
    """The asset's state in its department's register."""

    states: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class JudgeStops:
    """The rule's own judge forbids acting: its stop rules go on holding while a playbook runs."""


@dataclass(frozen=True, kw_only=True)
class Cleared:
    """What raised the alert no longer holds."""


Seen: TypeAlias = Reading | Fallen | AssetState | JudgeStops | Cleared


@dataclass(frozen=True, kw_only=True)
class Condition:
    """Something that must hold, in words and in the store."""

    said: Text
    seen: Seen
    held: str = ""  # name of the number of minutes it must have held; empty: as things stand


@dataclass(frozen=True, kw_only=True)
class Stop:
    """What ends steps that are not done yet. Without `steps` it ends all of them, and the playbook."""

    key: str
    when: Condition
    steps: tuple[str, ...] = ()
    only: Literal["any", "unanswered", "begun"] = "any"  # unanswered: nobody has accepted it yet; begun: it was asked for
    instead: str = ""  # the step begun in their place


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing to be done by one unit: a work order, a decision, or a check of what readings say.

    How long it may take is the number `<step>.due` of the playbook, per level where it has one; an order may have limits for
    `<step>.accept` and `<step>.arrive` besides, all counted from the order. What is late escalates; an order nobody accepts is
    sent anew first while `tries` are left, and one that was refused or ran out of tries is done `instead` by another step.
    A step after a decision that was answered no is not needed.
    """

    key: str
    title: Text
    kind: StepKind
    by: Text  # the unit that does it, decides it, or answers for what is checked
    to: str = ""  # an order: the outbox it goes to
    action: str = ""  # an order: what to do, as a word departments' programs know
    instruction: Text | None = None  # with {asset} {street} {level} {rule} {value} {unit} {measures}
    measures: Mapping[Level, Text] = field(default_factory=dict)  # what differs from level to level
    after: tuple[str, ...] = ()
    needs: tuple[Condition, ...] = ()  # interlocks: not begun before they hold
    holds: Condition | None = None  # a check: what must hold
    levels: tuple[Level, ...] = ()  # begun by itself only at these levels; empty: at all
    standby: bool = False  # begun only instead of another
    tries: int = 1
    instead: str = ""  # the step begun when this one has failed


@dataclass(frozen=True, kw_only=True)
class Playbook:
    """What is done across departments when a rule rings."""

    key: str
    title: Text
    on: tuple[str, ...]  # rules, domain.rule
    levels: tuple[Level, ...]
    steps: tuple[Step, ...]
    stops: tuple[Stop, ...] = ()

    @property
    def numbers(self) -> str:
        """Under which name its numbers stand in the versioned configuration."""
        return f"playbook.{self.key}"

    def step(self, key: str) -> Step:
        """One of its steps."""
        return next(step for step in self.steps if step.key == key)


@dataclass(frozen=True, kw_only=True)
class Outbox:
    """Where a department takes orders: one table of its own, or an address. The only thing of theirs we ever write."""

    key: str
    kind: Literal["sql", "webhook", "none"]  # none: orders are told by hand, and a person says what became of them
    source: str = ""  # whose table it is: its time zone holds for times
    table: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)  # ours = their column
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # field → ours → theirs
    url: str = field(default="", repr=False)
    unset: str = ""  # the environment variable that should hold the address or the secret and does not: orders wait
    secret: str = field(default="", repr=False)
    timezone: str = "Asia/Shanghai"
    file: str = ""  # where it is written, for messages


def misfits(playbook: Playbook, rules: set[str], metrics: set[str], numbers: set[str]) -> Iterator[str]:
    """What does not fit in a playbook, in words: rules, steps, numbers and metrics it names and nobody knows."""
    keys = [step.key for step in playbook.steps]
    yield from (f"no rule {rule!r}" for rule in playbook.on if rule not in rules)
    yield from (f"two steps {key!r}" for key in set(keys) if keys.count(key) > 1)
    for step in playbook.steps:
        named = (*step.after, *([step.instead] if step.instead else []))
        yield from (f"step {step.key}: no step {other!r}" for other in named if other not in keys)
        yield from (f"step {step.key}: {problem}" for problem in _amiss(step, numbers))
    named_by = ((stop.key, other) for stop in playbook.stops for other in (*stop.steps, *([stop.instead] if stop.instead else [])))
    yield from (f"stop {key}: no step {other!r}" for key, other in named_by if other not in keys)
    yield from (f"step {key} is never reached" for key in set(keys) - _reached(playbook))
    for condition in conditions(playbook):
        seen = condition.seen
        if isinstance(seen, Reading | Fallen) and seen.metric not in metrics:
            yield f"{condition.said.zh}: no metric {seen.metric!r}"
        for number in (*([seen.limit] if isinstance(seen, Reading | Fallen) else []), *([condition.held] if condition.held else [])):
            if number not in numbers:
                yield f"{condition.said.zh}: no number {number!r} under {playbook.numbers}"


def _amiss(step: Step, numbers: set[str]) -> Iterator[str]:
    wanted = {"order": ("to", "action", "instruction"), "decision": ("instruction",), "check": ("holds",)}[step.kind]
    yield from (f"lacks {name}" for name in wanted if not getattr(step, name))
    if f"{step.key}.due" not in numbers:
        yield f"no number {step.key}.due: how long may it take?"


def _reached(playbook: Playbook) -> set[str]:
    """Steps that can begin: those that wait for nothing, those after them, and those begun instead."""
    reached: set[str] = set()
    instead = {step.instead for step in playbook.steps} | {stop.instead for stop in playbook.stops}
    while found := {
        step.key
        for step in playbook.steps
        if step.key not in reached and set(step.after) <= reached and (not step.standby or step.key in instead)
    }:
        reached |= found
    return reached


def conditions(playbook: Playbook) -> Iterator[Condition]:
    """Every condition it looks at."""
    for step in playbook.steps:
        yield from step.needs
        if step.holds:
            yield step.holds
    yield from (stop.when for stop in playbook.stops)
