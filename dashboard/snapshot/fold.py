"""Alerts into lines: what belongs together is one line, what only follows stands under its cause, what is silenced comes last.

Whatever else there is, a matter of life has a line of its own, and those that stand come first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from dashboard.core.declare import Level

if TYPE_CHECKING:
    from dashboard.snapshot.alerts import Alert

Kind = Literal["alert", "situation", "silenced"]


@dataclass(frozen=True)
class Line:
    """What one line of a list stands for."""

    kind: Kind
    alerts: tuple[Alert, ...]  # the worst first
    follows: tuple[Alert, ...] = ()  # inhibited by one of them

    @property
    def lead(self) -> Alert:
        """The worst of them."""
        return self.alerts[0]

    @property
    def stands(self) -> bool:
        """Whether what raised any of them still holds."""
        return any(a.stands for a in self.alerts)


def lines(alerts: Iterable[Alert]) -> list[Line]:
    """The lines of open alerts, in their order."""
    opened = [a for a in alerts if a.is_open]
    there = {a.alert_id: a for a in opened}
    groups: dict[tuple[Kind, int], list[Alert]] = {}
    following: dict[int, list[Alert]] = {}
    for a in opened:
        root = _root(a, there)
        if root is not a:
            following.setdefault(root.alert_id, []).append(a)
        else:
            groups.setdefault(_group(a), []).append(a)
    made = [_line(kind, found, following) for (kind, _), found in groups.items()]
    return sorted(made, key=lambda line: (line.kind == "silenced", int(line.lead.number or 0), _rank(line)))


def numbered(alerts: Sequence[Alert]) -> list[Alert]:
    """The alerts in order of how pressing they are, each with the number of its line."""
    numbers = {a.alert_id: i for i, line in enumerate(lines(alerts), 1) for a in (*line.alerts, *line.follows)}
    return [replace(a, number=numbers.get(a.alert_id, "")) for a in sorted(alerts, key=_pressing)]


def _root(a: Alert, there: dict[int, Alert]) -> Alert:
    """The alert it stands under: the last of its causes that is there; itself where there is none, or lives depend on it."""
    at, seen = a, {a.alert_id}
    while not at.life_safety and at.hush and at.hush.cause_id in there:
        at = there[at.hush.cause_id]
        if at.alert_id in seen:
            return a  # round in a circle: better shown than nowhere
        seen.add(at.alert_id)
    return at


def _group(a: Alert) -> tuple[Kind, int]:
    if a.life_safety:
        return "alert", a.alert_id
    if a.hush and a.hush.silence_id:
        return "silenced", 0
    return ("situation", a.situation) if a.situation else ("alert", a.alert_id)


def _line(kind: Kind, found: list[Alert], following: dict[int, list[Alert]]) -> Line:
    ordered = tuple(sorted(found, key=_pressing))
    follows = tuple(sorted((f for a in ordered for f in following.get(a.alert_id, ())), key=_pressing))
    return Line("alert" if kind == "situation" and len(ordered) == 1 else kind, ordered, follows)


def _rank(line: Line) -> tuple[Any, ...]:
    """Matters of life that stand, then by how pressing the worst is."""
    return not (line.lead.life_safety and line.stands), *_pressing(line.lead)


def _pressing(a: Alert) -> tuple[Any, ...]:
    """Open before over, what stands before what is back, worst level, new before in hand, oldest first."""
    return not a.is_open, not a.stands, -Level(a.level).severity, a.state != "new", a.opened, a.alert_id
