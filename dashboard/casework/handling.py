"""What people do about alerts: one step at a time, each with its time, its actor and how long it took against the plan."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from dashboard.casework.life import EVENT_WORDS, REASONS, Event, Grounds, Life, Stage, born, due_step, missing, step
from dashboard.core.catalog import Catalog
from dashboard.core.configured import Plan
from dashboard.core.declare import Level
from dashboard.core.errors import NotFoundError, NotNowError
from dashboard.core.times import city_day
from dashboard.store.audit_log import NOWHERE, Origin, note_action
from dashboard.store.engine import writing
from dashboard.store.schema import alert, alert_transition, handling, photo
from dashboard.store.topics import bump

SYSTEM = "system"
LONGEST_NOTE = 2000
_NEEDS_NOTE = (Event.SETTLE, Event.REJECT, Event.COMMENT)
_PEOPLES = frozenset(Event) - {Event.LAPSE, Event.RECOVER, Event.REFIRE, Event.PHOTO}


@dataclass(frozen=True, kw_only=True)
class Doing:
    """What somebody does, and what they say with it."""

    event: Event
    actor: str
    note: str = ""
    unit: str = ""  # whom it is given to
    code: str = ""  # why it is a false alarm
    origin: Origin = NOWHERE  # for the audit log


@dataclass(frozen=True)
class Case:
    """An alert with where people stand and the plan for its level."""

    row: Any
    life: Life
    plan: Plan | None
    version: int | None  # None: nobody has looked after it yet


def act(engine: sa.Engine, catalog: Catalog, alert_id: int, doing: Doing, now: datetime) -> Life:
    """Carry out one person's step: the handling, the transition and the audit row in one transaction.

    Raises NotFoundError for an alert that does not exist, NotNowError, in words, for what cannot be done now or says too little.
    """
    if doing.event not in _PEOPLES:
        raise NotNowError(f"{doing.event} is not for people to do")
    _says_enough(doing)
    with writing(engine).begin() as conn:
        case = find(conn, catalog, alert_id, now)
        if doing.event is Event.CLOSE:
            _may_close(conn, case)
        after = step(case.life, doing.event, now, case.plan, doing.unit)
        carry(conn, case, after, doing, now)
        told = {"action": f"alert.{doing.event}", "about": case.row.number, "detail": _detail(doing)}
        note_action(conn, actor=doing.actor, **told, now=now, origin=doing.origin)
        bump(conn, ["alerts"], now)
    return after


def _says_enough(doing: Doing) -> None:
    if len(doing.note) > LONGEST_NOTE:
        raise NotNowError(f"说明不超过{LONGEST_NOTE}字 (a note has at most {LONGEST_NOTE} characters)")
    if doing.event in _NEEDS_NOTE and not doing.note.strip():
        raise NotNowError(f"{EVENT_WORDS[doing.event].zh}须写明情况 (say what was done or found)")
    if doing.event is Event.ASSIGN and not doing.unit.strip():
        raise NotNowError("转派须写明责任单位 (name the unit it is given to)")
    if doing.event is Event.FALSE_ALARM and doing.code not in REASONS:
        known = "、".join(words.zh for words in REASONS.values())
        raise NotNowError(f"判为误报须选原因：{known} (give one of: {', '.join(REASONS)})")


def _detail(doing: Doing) -> str:
    return " ".join(part for part in (doing.unit, doing.code, doing.note) if part)


def find(conn: sa.Connection, catalog: Catalog, alert_id: int, now: datetime) -> Case:
    """An alert with where people stand. Raises NotFoundError."""
    row = conn.execute(cases().where(alert.c.alert_id == alert_id)).first()
    if row is None:
        raise NotFoundError(f"no alert {alert_id}")
    return case_of(row, catalog, now)


def cases() -> sa.Select[Any]:
    """Alerts with their handling, if any."""
    mine = [handling.c[name].label(f"h_{name}") for name in handling.c.keys()]  # noqa: SIM118
    return sa.select(alert, *mine).select_from(alert.outerjoin(handling, handling.c.alert_id == alert.c.alert_id))


def case_of(row: Any, catalog: Catalog, now: datetime) -> Case:
    """A row of `cases` as a case; one without a handling begins now. What was once orange is handled and closed as orange."""
    plan = catalog.plan(row.domain, Level(row.worst_level), city_day(now).isoformat())
    if row.h_alert_id is None:
        return Case(row, born(now, plan), plan, None)
    life = Life(
        row.h_since,
        Stage(row.h_stage),
        row.h_due_at,
        row.h_unit,
        row.h_escalations,
        row.h_acknowledged_at,
        row.closed_at,
        row.h_reopened,
    )
    return Case(row, life, plan, row.h_version)


def carry(conn: sa.Connection, case: Case, after: Life, doing: Doing, at: datetime) -> None:
    """Store a step. Raises NotNowError when somebody else was quicker."""
    keep(conn, case, after, doing.actor)
    moved = after.stage is not case.life.stage
    step_due = due_step(case.life.stage)
    limit = case.plan.limits.get(step_due) if case.plan and moved else None
    row = {
        "alert_id": case.row.alert_id,
        "at": at,
        "noticed_at": at,
        "what": doing.event.value,
        "old": case.life.stage.value,
        "new": after.stage.value,
        "reason": doing.note,
        "value": case.row.value,
        "actor": doing.actor,
        "unit": doing.unit or None,
        "code": doing.code or None,
        "took_s": round((at - case.life.since).total_seconds()) if moved else None,
        "limit_s": round(limit * 60) if limit is not None else None,
    }
    conn.execute(sa.insert(alert_transition).values(row))


def keep(conn: sa.Connection, case: Case, life: Life, actor: str) -> None:
    """Store where people stand now."""
    known = case.row.h_acknowledged_by if case.life.acknowledged_at == life.acknowledged_at else actor
    values = {
        "stage": life.stage.value,
        "since": life.since,
        "due_at": life.due,
        "unit": life.unit,
        "escalations": life.escalations,
        "reopened": life.reopened,
        "acknowledged_at": life.acknowledged_at,
        "acknowledged_by": known if life.acknowledged_at else None,
        "refired_at": case.row.refired_at,
        "level": case.row.worst_level,
    }
    mine = handling.c.alert_id == case.row.alert_id
    if case.version is None:
        conn.execute(sa.insert(handling).values(alert_id=case.row.alert_id, version=0, **values))
    else:
        done = conn.execute(sa.update(handling).where(mine, handling.c.version == case.version).values(version=case.version + 1, **values))
        if done.rowcount != 1:
            raise NotNowError("别人刚刚处理过，请看最新状态再试 (somebody else was quicker; look again)")
    conn.execute(sa.update(alert).where(alert.c.alert_id == case.row.alert_id).values(closed_at=life.closed_at))


def _may_close(conn: sa.Connection, case: Case) -> None:
    bars = missing(grounds(conn, case), case.plan)
    if bars and case.life.stage is Stage.VERIFIED:
        raise NotNowError(f"还差{len(bars)}项：{'、'.join(words.zh for words in bars)} (missing: {'; '.join(words.en for words in bars)})")


def grounds(conn: sa.Connection, case: Case) -> Grounds:
    """What is known for closing."""
    number = case.row.alert_id
    photos = conn.scalar(sa.select(sa.func.count()).where(photo.c.alert_id == number)) or 0
    told = alert_transition.c
    settled = conn.scalar(sa.select(sa.func.count()).where(told.alert_id == number, told.what == Event.SETTLE.value)) or 0
    return Grounds(case.life.stage, case.row.state == "clear", photos, settled > 0)
