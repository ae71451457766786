"""Acknowledging an alert: someone has it in hand. A second axis beside open and clear, never a state of the alert."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from dashboard.casework.audit import note_action
from dashboard.core.errors import NotFoundError
from dashboard.core.times import to_micros
from dashboard.store import bulk
from dashboard.store.engine import writing
from dashboard.store.schema import acknowledgement, alert, alert_transition
from dashboard.store.topics import bump


def acknowledge(engine: sa.Engine, alert_id: int, actor: str, note: str, now: datetime) -> bool:
    """Say that someone has the alert in hand. True the first time; the first to say so stays, later ones change nothing.

    Raises NotFoundError for an alert that does not exist.
    """
    with writing(engine).begin() as conn:
        row = conn.execute(sa.select(alert.c.number, alert.c.value).where(alert.c.alert_id == alert_id)).first()
        if row is None:
            raise NotFoundError(f"no alert {alert_id}")
        if not _first(conn, alert_id, actor, note, now):
            return False
        _tell(conn, alert_id, row.value, actor, note, now)
        note_action(conn, actor=actor, action="alert.acknowledge", about=row.number, detail=note, now=now)
        bump(conn, ["alerts"], now)
    return True


def _first(conn: sa.Connection, alert_id: int, actor: str, note: str, now: datetime) -> bool:
    """Two people pressing at once: the key lets one of them in."""
    return bulk.insert(conn, acknowledgement, ("alert_id", "at", "actor", "note"), [(alert_id, to_micros(now), actor, note)]) == 1


def _tell(conn: sa.Connection, alert_id: int, value: float | None, actor: str, note: str, now: datetime) -> None:
    reason = f"{actor}已确认" + (f"：{note}" if note else "")
    row = {"alert_id": alert_id, "at": now, "noticed_at": now, "what": "acknowledge", "reason": reason, "value": value, "actor": actor}
    conn.execute(sa.insert(alert_transition).values(row))
