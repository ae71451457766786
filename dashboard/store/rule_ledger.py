"""What every alert rule did in a stretch of time: how often it rang, for how long, and what people made of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from statistics import median
from typing import Any

import sqlalchemy as sa

from dashboard.store.drills import REAL
from dashboard.store.noise_reads import hush_counts
from dashboard.store.schema import alert, alert_transition

_BY_ITSELF = "recover"  # the machine closed it: nobody took it in hand


@dataclass
class Ledger:
    """One rule's account. `fires` counts each time it rang; the rest counts alerts, which may ring several times."""

    fires: int = 0
    alerts: int = 0  # raised, or raised again, in the stretch
    acknowledged: int = 0
    false_alarms: int = 0
    hours: float = 0.0
    waits: list[float] = field(default_factory=list)  # seconds from ringing to being taken in hand
    inhibited: int = 0  # times an alert began to stand under another
    silenced: int = 0  # times one was silenced by a person

    @property
    def wait(self) -> float | None:
        """Median seconds until somebody took it in hand."""
        return median(self.waits) if self.waits else None

    @property
    def false_share(self) -> float | None:
        """Share of its alerts that people judged false; None where there were none."""
        return self.false_alarms / self.alerts if self.alerts else None

    def add(self, other: Ledger) -> None:
        """Take another rule's account into this one."""
        self.fires += other.fires
        self.alerts += other.alerts
        self.acknowledged += other.acknowledged
        self.false_alarms += other.false_alarms
        self.hours += other.hours
        self.waits += other.waits
        self.inhibited += other.inhibited
        self.silenced += other.silenced


def rule_ledgers(conn: sa.Connection, t0: datetime, t1: datetime) -> Mapping[str, Ledger]:
    """By rule; a rule that was quiet all the time is not named."""
    found: dict[str, Ledger] = {}
    for (rule, _), life in groupby(_steps(conn, t0, t1), key=lambda step: (step.rule, step.alert_id)):
        _account(found.setdefault(rule, Ledger()), list(life), t0, t1)
    for rule, times in _open_throughout(conn, t0, t1):
        found.setdefault(rule, Ledger()).hours += times * _hours(t0, t1)
    for rule, (inhibited, silenced) in hush_counts(conn, t0, t1).items():
        own = found.setdefault(rule, Ledger())
        own.inhibited, own.silenced = inhibited, silenced
    return found


def _steps(conn: sa.Connection, t0: datetime, t1: datetime) -> Iterator[Any]:
    """What happened in the stretch, alert by alert in order of time."""
    t = alert_transition.c
    query = sa.select(alert.c.rule, t.alert_id, t.at, t.what, t.old, t.new).join(alert, alert.c.alert_id == t.alert_id)
    return iter(conn.execute(query.where(REAL, t.at > t0, t.at <= t1).order_by(alert.c.rule, t.alert_id, t.at, t.transition_id)).all())


def _open_throughout(conn: sa.Connection, t0: datetime, t1: datetime) -> Sequence[Any]:
    """How many alerts of each rule neither rang nor cleared in the stretch, being open all the time."""
    t = alert_transition.c
    turned = sa.select(t.alert_id).where(t.at > t0, t.at <= t1, t.what.in_(("open", "clear")))
    open_then = sa.or_(alert.c.state == "open", alert.c.cleared_at > t1)
    query = sa.select(alert.c.rule, sa.func.count()).where(REAL, alert.c.opened_at <= t0, open_then, alert.c.alert_id.not_in(turned))
    return conn.execute(query.group_by(alert.c.rule)).all()


def _account(ledger: Ledger, life: list[Any], t0: datetime, t1: datetime) -> None:
    """One alert's part; one that first of all clears was open since before."""
    turns = [step for step in life if step.what in ("open", "clear")]
    began = t0 if turns and turns[0].what == "clear" else None
    for turn in turns:
        if turn.what == "open":
            began = turn.at
        elif began is not None:
            ledger.hours += _hours(began, turn.at)
            began = None
    if began is not None:
        ledger.hours += _hours(began, t1)
    rang = [turn.at for turn in turns if turn.what == "open"]
    if rang:
        _judged(ledger, life, rang)


def _judged(ledger: Ledger, life: list[Any], rang: list[datetime]) -> None:
    """What people made of an alert that rang."""
    ledger.fires += len(rang)
    ledger.alerts += 1
    taken = next((s for s in life if s.old == "new" and s.new not in ("new", None) and s.what != _BY_ITSELF and s.at >= rang[0]), None)
    if taken is not None:
        ledger.acknowledged += 1
        ledger.waits.append((taken.at - max(at for at in rang if at <= taken.at)).total_seconds())
    stages = [s.new for s in life if s.what not in ("open", "level", "no_data", "data_back", "clear") and s.new != s.old]
    ledger.false_alarms += bool(stages) and stages[-1] == "false_alarm"


def _hours(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds() / 3600
