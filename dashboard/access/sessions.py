"""Sessions: a random token in a cookie, its hash with us. Every step that grants more gives another token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.access.desk import TOPIC, By, Desk
from dashboard.access.sealed import fresh_token, kept
from dashboard.access.who import FULL, lives
from dashboard.store.audit_log import short_address
from dashboard.store.engine import writing
from dashboard.store.schema_access import account, session
from dashboard.store.topics import bump

_KEPT = timedelta(days=30)  # after its end; the audit log remembers longer


@dataclass(frozen=True)
class Entered:
    """A session as the browser needs to know it. `stage`: full, or what is still to be done."""

    token: str
    stage: str
    name: str


def begin(desk: Desk, conn: sa.Connection, row: Any, stage: str, client: str, now: datetime, **provider: Any) -> Entered:
    """A new session for an account's row."""
    conn.execute(sa.delete(session).where(session.c.ends_at < now - _KEPT))
    token = fresh_token()
    times = {"begun_at": now, "seen_at": now, "ends_at": _end(desk, stage, now)}
    values = {"token": kept(token), "account_id": row.account_id, "stage": stage, "client": short_address(client), **times, **provider}
    conn.execute(sa.insert(session).values(values))
    return Entered(token, stage, row.name)


def advance(desk: Desk, conn: sa.Connection, row: Any, stage: str, now: datetime) -> Entered:
    """The same session a step further, under another token: whoever knew the old one knows nothing."""
    token = fresh_token()
    values = {"token": kept(token), "stage": stage, "seen_at": now, "ends_at": _end(desk, stage, now)}
    conn.execute(sa.update(session).where(session.c.session_id == row.session_id).values(values))
    return Entered(token, stage, row.name)


def _end(desk: Desk, stage: str, now: datetime) -> datetime:
    return now + (desk.limits.session if stage == FULL else timedelta(minutes=desk.limits.step_min))


def find(desk: Desk, conn: sa.Connection, token: str, now: datetime) -> Any | None:
    """The living session of a token at whatever stage, with its account; None when there is none."""
    joined = sa.select(session, *_OF_ACCOUNT).join(account, account.c.account_id == session.c.account_id)
    row = conn.execute(joined.where(session.c.token == kept(token))).first() if token else None
    return row if row is not None and not row.locked and lives(row, now, desk.limits) else None


_OF_ACCOUNT = [column for column in account.c if column.name not in ("account_id",)]


def end(desk: Desk, by: By, session_id: int, now: datetime) -> None:
    """End one session at once, on every screen that shows it."""
    with writing(desk.engine).begin() as conn:
        owner = conn.scalar(
            sa.select(account.c.name).join(session, session.c.account_id == account.c.account_id).where(session.c.session_id == session_id)
        )
        if owner is not None:
            by.note(conn, "session.end", f"{owner} #{session_id}", now)
            end_where(conn, session.c.session_id == session_id, by, now)


def end_where(conn: sa.Connection, which: sa.ColumnElement[bool], by: By, now: datetime) -> None:
    """End the sessions meant; to be called after the audit line."""
    conn.execute(sa.update(session).where(which, session.c.ended_at.is_(None)).values(ended_at=now, ended_by=by.name))
    bump(conn, [TOPIC], now)


def living(desk: Desk, now: datetime) -> Sequence[Any]:
    """All sessions that open something now, the last seen first."""
    joined = sa.select(session, account.c.name, account.c.role).join(account, account.c.account_id == session.c.account_id)
    with desk.engine.connect() as conn:
        rows = conn.execute(joined.where(session.c.ended_at.is_(None), session.c.stage == FULL).order_by(session.c.seen_at.desc())).all()
    return [row for row in rows if lives(row, now, desk.limits)]
