"""What people decide about situations: an alert that does not belong is taken out, and put back if that was a mistake."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from dashboard.core.errors import NotFoundError, NotNowError
from dashboard.store.audit_log import NOWHERE, Origin, note_action
from dashboard.store.engine import writing
from dashboard.store.noise_reads import MemberRow, membership, one_situation
from dashboard.store.schema import alert
from dashboard.store.schema_noise import situation, situation_member
from dashboard.store.topics import bump


def leave(engine: sa.Engine, situation_id: int, alert_id: int, actor: str, now: datetime, origin: Origin = NOWHERE) -> None:
    """Take an alert out: it stands alone from now on and is joined to nothing again by itself.

    Raises NotFoundError, and NotNowError when it is out already.
    """
    with writing(engine).begin() as conn:
        if _mine(conn, situation_id, alert_id).left_at is not None:
            raise NotNowError("这条预警已经移出 (this alert was taken out already)")
        _set(conn, alert_id, now, actor)
        _note(conn, "situation.leave", situation_id, alert_id, actor, now, origin)


def rejoin(engine: sa.Engine, situation_id: int, alert_id: int, actor: str, now: datetime, origin: Origin = NOWHERE) -> None:
    """Put an alert back that a person took out. Raises NotFoundError, and NotNowError when it is in there."""
    with writing(engine).begin() as conn:
        if _mine(conn, situation_id, alert_id).left_at is None:
            raise NotNowError("这条预警就在事件群里 (this alert is in the situation)")
        _set(conn, alert_id, None, None)
        if conn.scalar(sa.select(alert.c.closed_at).where(alert.c.alert_id == alert_id)) is None:
            conn.execute(sa.update(situation).where(situation.c.situation_id == situation_id).values(closed_at=None))
        _note(conn, "situation.rejoin", situation_id, alert_id, actor, now, origin)


def _mine(conn: sa.Connection, situation_id: int, alert_id: int) -> MemberRow:
    found = membership(conn, alert_id)
    if found is None or found.situation_id != situation_id:
        raise NotFoundError(f"alert {alert_id} never belonged to situation {situation_id}")
    return found


def _set(conn: sa.Connection, alert_id: int, at: datetime | None, by: str | None) -> None:
    conn.execute(sa.update(situation_member).where(situation_member.c.alert_id == alert_id).values(left_at=at, left_by=by))


def _note(conn: sa.Connection, action: str, situation_id: int, alert_id: int, actor: str, now: datetime, origin: Origin) -> None:
    found = one_situation(conn, situation_id)
    number = conn.scalar(sa.select(alert.c.number).where(alert.c.alert_id == alert_id))
    about = found.number if found else str(situation_id)
    note_action(conn, actor=actor, action=action, about=about, detail=str(number), now=now, origin=origin)
    bump(conn, ["alerts"], now)
