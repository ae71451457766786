"""Who did what, and when: one row for every decision a person makes."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from dashboard.store.schema import audit


def note_action(conn: sa.Connection, *, actor: str, action: str, about: str, detail: str, now: datetime) -> None:
    """Write an audit row, in the same transaction as what it tells of."""
    conn.execute(sa.insert(audit).values(at=now, actor=actor, action=action, object=about, detail=detail))
