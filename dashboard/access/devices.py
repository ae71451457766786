"""What comes in without a person: walls, enrolled once by a code, and programs with a token of their own."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.access.attempts import bar, barred, clear
from dashboard.access.desk import TOPIC, By, Desk
from dashboard.access.sealed import fresh_token, kept
from dashboard.access.who import WALL
from dashboard.core.errors import NotFoundError, NotNowError
from dashboard.core.sight import Action
from dashboard.store.audit_log import Outcome
from dashboard.store.engine import writing
from dashboard.store.schema_access import account, api_token, wall
from dashboard.store.topics import bump

_GUESSING = "enrol"  # the name failures of codes are counted under: everybody's guesses together
NEVER_PROGRAMS = frozenset({Action.ACCOUNTS, Action.AUDIT})
_LONGEST_TITLE = 64


def offer_wall(desk: Desk, by: By, title: str, now: datetime) -> str:
    """A code of eight digits that lets one screen in, once, soon."""
    code = f"{secrets.randbelow(10**8):08}"
    until = now + timedelta(minutes=desk.limits.enrol_min)
    with writing(desk.engine).begin() as conn:
        by.note(conn, "wall.offer", _titled(title), now)
        conn.execute(sa.delete(wall).where(wall.c.token.is_(None), wall.c.code_until <= now))
        conn.execute(sa.insert(wall).values(title=_titled(title), code=kept(code), code_until=until, made_at=now))
        bump(conn, [TOPIC], now)
    return code


def enrol_wall(desk: Desk, code: str, client: str, now: datetime) -> str | None:
    """The token of a screen that shows a good code; None for any other, and for all while too many guess."""
    token, digits = fresh_token(), "".join(c for c in code if c.isdigit())
    with writing(desk.engine).begin() as conn:
        row = conn.execute(sa.select(wall).where(wall.c.code == kept(digits), wall.c.code_until > now, wall.c.ended_at.is_(None))).first()
        by = By(row.title if row else "?", WALL, client=client)
        if row is None or barred(conn, _GUESSING, client, now):
            bar(desk.limits, conn, _GUESSING, client, now)
            by.note(conn, "wall.enrol", "?", now, outcome=Outcome.FAILED)
            return None
        clear(conn, _GUESSING)
        by.note(conn, "wall.enrol", row.title, now)
        values = {"code": None, "code_until": None, "token": kept(token), "seen_at": now}
        conn.execute(sa.update(wall).where(wall.c.wall_id == row.wall_id).values(values))
        bump(conn, [TOPIC], now)
    return token


def end_wall(desk: Desk, by: By, wall_id: int, now: datetime) -> None:
    """Let a screen in no longer."""
    _end(desk, by, "wall.end", wall, wall.c.wall_id == wall_id, now)


def all_walls(desk: Desk, now: datetime) -> Sequence[Any]:
    """Screens let in, and codes not used yet."""
    waiting = sa.or_(wall.c.token.isnot(None), wall.c.code_until > now)
    with desk.engine.connect() as conn:
        return conn.execute(sa.select(wall).where(wall.c.ended_at.is_(None), waiting).order_by(wall.c.wall_id)).all()


def add_token(desk: Desk, by: By, account_id: int, title: str, now: datetime) -> str:
    """A token for a program that acts as an account; told once. Administrators of accounts and auditors are people."""
    token = fresh_token()
    ends = now + timedelta(days=desk.limits.token_days)
    with writing(desk.engine).begin() as conn:
        row = conn.execute(sa.select(account).where(account.c.account_id == account_id)).first()
        if row is None:
            raise NotFoundError(f"没有账号{account_id} (no account {account_id})")
        if row.name == by.name or desk.catalog.roles[row.role].actions & NEVER_PROGRAMS:
            raise NotNowError("安全管理员和审计员不用程序令牌 (no tokens for administrators of accounts and auditors)")
        by.note(conn, "token.add", f"{row.name} {_titled(title)}", now)
        conn.execute(sa.insert(api_token).values(account_id=account_id, title=_titled(title), token=kept(token), made_at=now, ends_at=ends))
        bump(conn, [TOPIC], now)
    return token


def end_token(desk: Desk, by: By, token_id: int, now: datetime) -> None:
    """Take a program's token back."""
    _end(desk, by, "token.end", api_token, api_token.c.token_id == token_id, now)


def _end(desk: Desk, by: By, action: str, table: sa.Table, mine: sa.ColumnElement[bool], now: datetime) -> None:
    with writing(desk.engine).begin() as conn:
        row = conn.execute(sa.select(table).where(mine, table.c.ended_at.is_(None))).first()
        if row is None:
            raise NotFoundError("已不在 (it is gone already)")
        by.note(conn, action, row.title, now)
        conn.execute(sa.update(table).where(mine).values(ended_at=now))
        bump(conn, [TOPIC], now)


def _titled(title: str) -> str:
    plain = " ".join(title.split())[:_LONGEST_TITLE]
    if not plain:
        raise NotNowError("须写明名称 (give it a name)")
    return plain
