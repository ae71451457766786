"""The security administrator's acts: accounts made, locked, given another role. Nobody's own, and every one noted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from dashboard.access.attempts import clear
from dashboard.access.desk import CONSOLE, TOPIC, By, Desk, account_name
from dashboard.access.entering import keep_password
from dashboard.access.sessions import end_where
from dashboard.access.who import WALL
from dashboard.core.doors import Grant
from dashboard.core.errors import NotAllowedError, NotFoundError, NotNowError
from dashboard.core.places import street as street_of
from dashboard.store.engine import writing
from dashboard.store.schema_access import account, api_token, recovery_code, session
from dashboard.store.topics import bump

FIRST, FIRST_ROLE = "security-admin", "security_admin"
_NAME = re.compile(r"[\w.\-]{2,64}")


def first_account(desk: Desk, now: datetime) -> str | None:
    """The one account of a new deployment, with its password; None when there are accounts already."""
    with desk.engine.connect() as conn:
        if conn.scalar(sa.select(sa.func.count()).select_from(account)):
            return None
    return add_account(desk, CONSOLE, FIRST, Grant(role=FIRST_ROLE), now)


def add_account(desk: Desk, by: By, name: str, grant: Grant, now: datetime) -> str:
    """A new account; the password to hand over, good for one sign-in. Raises NotNowError in words."""
    name = account_name(name)
    if not _NAME.fullmatch(name):
        raise NotNowError("账号名为2至64个字母、汉字、数字、点或横线 (a name has 2 to 64 letters, digits, dots or dashes)")
    _fits(desk, grant)
    password = desk.passwords.generated()
    values = {"name": name, "password": desk.passwords.hash(password), "password_at": now, "created_at": now, **columns(grant)}
    with writing(desk.engine).begin() as conn:
        if conn.scalar(sa.select(account.c.account_id).where(account.c.name == name)) is not None:
            raise NotNowError(f"已有账号{name} (there is an account {name})")
        by.note(conn, "account.add", name, now, told(grant))
        conn.execute(sa.insert(account).values(values))
        bump(conn, [TOPIC], now)
    return password


def lock(desk: Desk, by: By, account_id: int, locked: bool, now: datetime) -> None:
    """Keep an account out, on every screen at once, or let it in again."""
    with writing(desk.engine).begin() as conn:
        row = _others(conn, by, account_id)
        by.note(conn, "account.lock" if locked else "account.unlock", row.name, now)
        conn.execute(sa.update(account).where(account.c.account_id == account_id).values(locked=locked))
        if locked:
            end_where(conn, session.c.account_id == account_id, by, now)
        else:
            clear(conn, row.name)
        bump(conn, [TOPIC], now)


def reset_password(desk: Desk, by: By, account_id: int, now: datetime) -> str:
    """Another password for one sign-in; whoever is signed in with the old one is out."""
    password = desk.passwords.generated()
    hashed = desk.passwords.hash(password)
    with writing(desk.engine).begin() as conn:
        row = _others(conn, by, account_id)
        _ours(row)
        by.note(conn, "account.reset", row.name, now)
        keep_password(conn, account_id, hashed, now, must_change=True)
        clear(conn, row.name)
        end_where(conn, session.c.account_id == account_id, by, now)
    return password


def reset_second(desk: Desk, by: By, account_id: int, now: datetime) -> None:
    """Forget an account's authenticator: its next sign-in binds another."""
    with writing(desk.engine).begin() as conn:
        row = _others(conn, by, account_id)
        by.note(conn, "account.second.reset", row.name, now)
        conn.execute(sa.update(account).where(account.c.account_id == account_id).values(totp="", totp_step=0))
        conn.execute(sa.delete(recovery_code).where(recovery_code.c.account_id == account_id))
        end_where(conn, session.c.account_id == account_id, by, now)


def regrant(desk: Desk, by: By, account_id: int, grant: Grant, now: datetime) -> None:
    """Another role, or another part of the city. Sessions begun with the old one end; programs follow at once."""
    _fits(desk, grant)
    with writing(desk.engine).begin() as conn:
        row = _others(conn, by, account_id)
        _ours(row)
        before = told(Grant(role=row.role, domains=(row.domains,), streets=(row.streets,)))
        by.note(conn, "account.role", row.name, now, f"{before} → {told(grant)}")
        conn.execute(sa.update(account).where(account.c.account_id == account_id).values(columns(grant)))
        end_where(conn, session.c.account_id == account_id, by, now)


def account_named(desk: Desk, name: str) -> Any:
    """An account's row. Raises NotFoundError."""
    with desk.engine.connect() as conn:
        row = conn.execute(sa.select(account).where(account.c.name == account_name(name))).first()
    if row is None:
        raise NotFoundError(f"没有账号{name} (no account {name})")
    return row


def all_accounts(desk: Desk) -> Sequence[Any]:
    """Every account, by name."""
    with desk.engine.connect() as conn:
        return conn.execute(sa.select(account).order_by(account.c.name)).all()


def all_tokens(desk: Desk, now: datetime) -> Sequence[Any]:
    """Programs' tokens that still open something."""
    joined = sa.select(api_token, account.c.name).join(account, account.c.account_id == api_token.c.account_id)
    with desk.engine.connect() as conn:
        return conn.execute(joined.where(api_token.c.ended_at.is_(None), api_token.c.ends_at > now).order_by(api_token.c.token_id)).all()


def told(grant: Grant) -> str:
    """A grant in one line."""
    return " ".join(part for part in (grant.role, ",".join(grant.domains), ",".join(grant.streets)) if part)


def columns(grant: Grant) -> dict[str, str]:
    """A grant as an account's row keeps it."""
    return {"role": grant.role, "domains": ",".join(sorted(set(grant.domains))), "streets": ",".join(sorted(set(grant.streets)))}


def _others(conn: sa.Connection, by: By, account_id: int) -> Any:
    """An account that is not one's own: nobody decides about themselves."""
    row = conn.execute(sa.select(account).where(account.c.account_id == account_id)).first()
    if row is None:
        raise NotFoundError(f"没有账号{account_id} (no account {account_id})")
    if row.name == by.name:
        raise NotAllowedError("不能处理自己的账号 (nobody decides about their own account)")
    return row


def _ours(row: Any) -> None:
    if row.subject is not None:
        raise NotNowError("该账号由统一身份认证管理 (this account is the sign-on provider's)")


def _fits(desk: Desk, grant: Grant) -> None:
    """Refuse roles, domains and streets that are not declared, and a grant that would open nothing."""
    role = desk.catalog.roles.get(grant.role)
    if role is None or grant.role == WALL:
        raise NotNowError(f"没有可授予的角色{grant.role} (no role {grant.role} to be given)")
    for domain in grant.domains:
        if domain not in desk.catalog.domains:
            raise NotNowError(f"没有领域{domain} (no domain {domain})")
    for street in grant.streets:
        if street_of(street) is None:
            raise NotNowError(f"没有街道{street} (no street {street})")
    if role.needs and not getattr(grant, role.needs):
        missing = {"domains": ("领域", "a domain"), "streets": ("街道", "a street")}[role.needs]
        raise NotNowError(f"{role.title.zh}须选{missing[0]} ({role.title.en} needs {missing[1]})")
