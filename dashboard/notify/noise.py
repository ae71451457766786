"""What of the noise tables bears on telling: who is hushed, and whom a situation has told of already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from dashboard.core.declare import Level
from dashboard.core.duty import PEOPLE_EVENTS, SCREENS
from dashboard.store.schema import alert_transition, notice
from dashboard.store.schema_noise import hush, situation_mark, situation_member

PATIENCE = timedelta(seconds=30)  # if what is raised is not joined by then, it is told without
RESUMED = "resume"  # as alerting writes it: told after all
_TELLS = ("open", "up")  # what wakes somebody
_SOME = 500  # keys in one statement


class Notice(NamedTuple):
    """One transition for one recipient over one channel."""

    channel: str
    recipient: str
    due: datetime
    alone: bool


Desk = tuple[int, str, str]  # situation, channel, recipient


@dataclass(frozen=True)
class Noise:
    """What is known of the alerts of some transitions, and whom their situations told; kept up while they are routed."""

    hushed: Mapping[int, list[Any]]  # stretches, by alert
    crowds: Mapping[int, int]  # the situation of each alert
    grave: frozenset[int]  # alerts of rules that lives depend on
    told: dict[Desk, dict[int, int]]  # the worst severity told of each alert
    now_told: set[Desk] = field(default_factory=set)  # desks first told in this turn: what follows goes into the same message

    def is_hushed(self, row: Any, event: str) -> bool:
        """Whether a transition tells nobody. Steps of people do all the same, but for limits that pass."""
        if event in PEOPLE_EVENTS and event != "lapse":
            return False
        at = row.noticed_at
        to_its_end = row.what == "clear"  # what was hushed to its end has an end nobody waits for
        return any(h.until is None or h.since <= at < h.until or (to_its_end and at == h.until) for h in self.hushed[row.alert_id])

    def is_grave(self, row: Any, level: Level) -> bool:
        """Whether lives may depend on it."""
        return level is Level.RED or row.alert_id in self.grave

    def placed(self, row: Any, event: str, level: Level, one: Notice, later: datetime) -> Notice | None:
        """A notice as it goes: at once, or with what else its situation has to say. None: a screen shows the situation as it is."""
        crowd = self.crowds.get(row.alert_id)
        if crowd is None:
            return one
        desk = (crowd, one.channel, one.recipient)
        known = self.told.get(desk, {})
        others = max((severity for alert_id, severity in known.items() if alert_id != row.alert_id), default=0)
        follows = others > 0 and self._follows(row, event, level, others)
        if event in _TELLS:
            self._remember(desk, row.alert_id, level)
        if not follows or (desk in self.now_told and one.channel != SCREENS):
            return one
        return None if one.channel == SCREENS else one._replace(due=max(one.due, later), alone=False)

    def _follows(self, row: Any, event: str, level: Level, others: int) -> bool:
        if self.is_grave(row, level) or event in PEOPLE_EVENTS or row.what == RESUMED:
            return False
        return event not in _TELLS or level.severity <= others

    def _remember(self, desk: Desk, alert_id: int, level: Level) -> None:
        if desk not in self.told:
            self.now_told.add(desk)
        known = self.told.setdefault(desk, {})
        known[alert_id] = max(known.get(alert_id, 0), level.severity)


def noise_around(conn: sa.Connection, rows: Iterable[Any]) -> Noise:
    """What bears on telling these transitions."""
    alerts = sorted({row.alert_id for row in rows})
    hushed: dict[int, list[Any]] = {key: [] for key in alerts}
    crowds: dict[int, int] = {}
    grave = set[int]()
    for i in range(0, len(alerts), _SOME):
        ids = alerts[i : i + _SOME]
        for row in conn.execute(sa.select(hush).where(hush.c.alert_id.in_(ids))):
            hushed[row.alert_id].append(row)
        member = situation_member.c
        for row in conn.execute(
            sa.select(member.alert_id, member.situation_id, member.life_safety, member.left_at).where(member.alert_id.in_(ids))
        ):
            crowds |= {} if row.left_at else {row.alert_id: row.situation_id}
            grave |= {row.alert_id} if row.life_safety else set()
    return Noise(hushed, crowds, frozenset(grave), _told(conn, sorted(set(crowds.values()))))


def _told(conn: sa.Connection, crowds: list[int]) -> dict[Desk, dict[int, int]]:
    """Whom each situation has told of which of its members, and how bad they were said to be."""
    found: dict[Desk, dict[int, int]] = {}
    member = situation_member.c
    columns = (member.situation_id, notice.c.channel, notice.c.recipient, notice.c.alert_id, notice.c.level)
    joined = sa.select(*columns).join(notice, notice.c.alert_id == member.alert_id)
    for i in range(0, len(crowds), _SOME):
        mine = sa.and_(member.situation_id.in_(crowds[i : i + _SOME]), member.left_at.is_(None), notice.c.event.in_(_TELLS))
        for row in conn.execute(joined.where(mine)):
            known = found.setdefault((row.situation_id, row.channel, row.recipient), {})
            known[row.alert_id] = max(known.get(row.alert_id, 0), Level(row.level).severity)
    return found


def ready(conn: sa.Connection, now: datetime) -> int:
    """The last transition that may be routed: what was just raised waits until alerting has joined and hushed it, but not for long."""
    told = alert_transition.c
    newest = conn.scalar(sa.select(sa.func.max(told.transition_id))) or 0
    mark = conn.execute(sa.select(situation_mark)).first()
    if mark is None or mark.looked_at is None:
        return newest
    fresh = sa.and_(told.transition_id > mark.transition_id, told.what == "open", told.noticed_at > now - PATIENCE)
    waits = conn.scalar(sa.select(sa.func.min(told.transition_id)).where(fresh))
    return newest if waits is None else waits - 1
