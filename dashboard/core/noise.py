"""What keeps alerts from drowning one another: which belong together, which follow from others, which are silenced."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from graphlib import CycleError, TopologicalSorter
from typing import Literal

from dashboard.core.configured import Threshold
from dashboard.core.declare import AlertRule, Level, Text
from dashboard.core.errors import DeclarationError

Where = Literal["asset", "street", "domain", "feed", "source"]


@dataclass(frozen=True, kw_only=True)
class Inhibition:
    """While the cause stands, its consequences are raised and shown under it, and tell nobody of their own.

    `where` the cause must stand: on the same asset, in the same street, anywhere in the district (`domain`); `feed`: it is about a
    whole feed, and reaches all of the consequences' domains; `source`: the same, and reaches what comes from the same department.
    """

    key: str
    cause: str  # domain.rule
    consequences: tuple[str, ...]
    where: Where
    why: Text


@dataclass(frozen=True, kw_only=True)
class NoiseLimits:
    """How alike alerts must be to belong together, and how long anything may be silenced: a row of the versioned configuration."""

    near_m: float  # this close to a member
    within_min: float  # and raised this soon after or before it
    spread_m: float  # the diagonal of the rectangle around all members, at most
    span_min: float  # from the first member's opening to the last one's, at most
    silence_h: float  # the longest silence
    ref: str
    confidence: str
    valid_from: str = "2000-01-01"
    valid_to: str = "9999-12-31"

    @property
    def span(self) -> timedelta:
        """How long after its first member a situation takes others."""
        return timedelta(minutes=self.span_min)


@dataclass(frozen=True, kw_only=True)
class Matcher:
    """Which alerts a silence takes; an empty field lets everything pass."""

    rule: str = ""
    domain: str = ""
    asset: str = ""
    street: str = ""
    levels: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it would take everything, whatever the level."""
        return not (self.rule or self.domain or self.asset or self.street)

    def takes(self, rule: str, domain: str, asset: str, street: str | None, level: str) -> bool:
        """Whether an alert is meant. Whether it may be silenced is asked apart: `is_life_safety`."""
        pairs = ((self.rule, rule), (self.domain, domain), (self.asset, asset), (self.street, street or ""))
        return all(not wanted or wanted == found for wanted, found in pairs) and (not self.levels or level in self.levels)


def is_life_safety(rule: AlertRule | None, level: str) -> bool:
    """Whether lives may depend on an alert: it is never folded, held back or silenced. Red always is."""
    return level == Level.RED or (rule is not None and rule.life_safety)


def inhibitions_misfit(declared: Iterable[Inhibition], rules: Mapping[str, AlertRule], thresholds: Iterable[Threshold]) -> None:
    """Refuse what names no rule, would hide a matter of life, or goes round in a circle. Raises DeclarationError."""
    red = {t.rule for t in thresholds if t.level is Level.RED}
    leads: dict[str, set[str]] = {}
    for one in declared:
        for name in (one.cause, *one.consequences):
            if name not in rules:
                raise DeclarationError(f"inhibition {one.key}: no rule {name!r}")
        for name in one.consequences:
            if rules[name].life_safety or name in red:
                raise DeclarationError(f"inhibition {one.key}: {name} may be a matter of life and is never inhibited")
            leads.setdefault(name, set()).add(one.cause)
    try:
        TopologicalSorter(leads).prepare()
    except CycleError as circle:
        raise DeclarationError(f"inhibitions go round in a circle: {' → '.join(circle.args[1])}") from circle
