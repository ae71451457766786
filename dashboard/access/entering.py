"""Coming in: password, then what the account still owes (a code, a new password, an authenticator), then the city.

A wrong name, a wrong password and a name or address locked out are told in the same words after the same time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.access.attempts import bar, barred, clear
from dashboard.access.desk import By, Desk, account_name
from dashboard.access.sealed import kept
from dashboard.access.sessions import Entered, advance, begin, end_where
from dashboard.access.totp import paper_codes, paper_plain, step_of
from dashboard.access.who import FULL
from dashboard.core.declare import Text
from dashboard.core.errors import NotNowError
from dashboard.store.audit_log import Outcome
from dashboard.store.engine import writing
from dashboard.store.schema_access import account, password_past, recovery_code, session

CODE, PASSWORD, ENROL = "code", "password", "enrol"  # stages of a session that does not open anything yet
_TOTP = "totp"  # what secrets are sealed for


def sign_in(desk: Desk, name: str, password: str, client: str, now: datetime) -> Entered | None:
    """A session for who knows the password; None in every other case."""
    name = account_name(name)
    with desk.engine.connect() as conn:
        row = _account(conn, name)
    fits = desk.passwords.fits(password, row.password if row else "")  # always, and outside any transaction: it takes its time
    with writing(desk.engine).begin() as conn:
        by = By(name if row else "?", row.role if row else "", client=client)
        shut = barred(conn, name, client, now)
        if not fits or shut or row is None or row.locked:
            bar(desk.limits, conn, name, client, now)
            by.note(conn, "session.begin", row.name if row else kept(name)[:12], now, "locked out" if shut else "", Outcome.FAILED)
            return None
        clear(conn, name)
        return _onward(desk, conn, row, _first(desk, row, now), by, now)


def _onward(desk: Desk, conn: sa.Connection, row: Any, stage: str, by: By, now: datetime) -> Entered:
    """Begin a session at its stage; one that opens something at once is noted."""
    if stage == FULL:
        _arrived(conn, row, by, now)
    return begin(desk, conn, row, stage, by.client, now)


def _arrived(conn: sa.Connection, row: Any, by: By, now: datetime) -> None:
    by.note(conn, "session.begin", row.name, now)
    conn.execute(sa.update(account).where(account.c.account_id == row.account_id).values(signed_in_at=now))


def _first(desk: Desk, row: Any, now: datetime) -> str:
    return CODE if row.totp else _next(desk, row, now)


def _next(desk: Desk, row: Any, now: datetime) -> str:
    """What an account owes once its factors are proved."""
    if row.must_change or now - row.password_at > timedelta(days=desk.limits.password_days):
        return PASSWORD
    return ENROL if desk.twice(row.role) and not row.totp else FULL


def give_code(desk: Desk, row: Any, code: str, client: str, now: datetime) -> Entered | None:
    """The second factor of a session that waits for it; None when it is wrong, used, or the name is locked out."""
    if row.stage != CODE:
        return None
    with writing(desk.engine).begin() as conn:
        by = By(row.name, row.role, str(row.session_id), client)
        fresh = _account(conn, row.name)
        if barred(conn, row.name, client, now) or not _takes(desk, conn, fresh, code, now):
            bar(desk.limits, conn, row.name, client, now)
            by.note(conn, "session.code", row.name, now, outcome=Outcome.FAILED)
            return None
        clear(conn, row.name)
        return _step(desk, conn, row, _next(desk, fresh, now), by, now)


def _takes(desk: Desk, conn: sa.Connection, row: Any, code: str, now: datetime) -> bool:
    """Take a code from the phone or from paper, once."""
    secret = desk.seal.open(row.totp, _TOTP)
    step = step_of(secret, code, now, row.totp_step) if secret else None
    mine = account.c.account_id == row.account_id
    if step is not None:
        taken = sa.update(account).where(mine, account.c.totp_step < step).values(totp_step=step)
        return conn.execute(taken).rowcount == 1
    paper = sa.delete(recovery_code).where(recovery_code.c.account_id == row.account_id, recovery_code.c.code == kept(paper_plain(code)))
    return conn.execute(paper).rowcount == 1


def _step(desk: Desk, conn: sa.Connection, row: Any, stage: str, by: By, now: datetime) -> Entered:
    if stage == FULL:
        _arrived(conn, row, by, now)
    return advance(desk, conn, row, stage, now)


def change_password(desk: Desk, row: Any, old: str, new: str, client: str, now: datetime) -> Entered | list[Text]:
    """Another password for the account of a session that is in, or owes one; or what is wrong with it."""
    if row.stage not in (FULL, PASSWORD):
        raise NotNowError("先完成登录 (sign in first)")
    with desk.engine.connect() as conn:
        fresh = _account(conn, row.name)
        past = conn.scalars(_past(row.account_id).limit(desk.limits.password_past)).all()
        shut = barred(conn, row.name, client, now)
    if shut or not desk.passwords.fits(old, fresh.password):
        with writing(desk.engine).begin() as conn:
            bar(desk.limits, conn, row.name, client, now)
        return [Text("原口令不对", "The present password is not right")]
    if faults := desk.passwords.faults(new, row.name, [fresh.password, *past]):
        return faults
    hashed = desk.passwords.hash(new)
    with writing(desk.engine).begin() as conn:
        by = By(row.name, row.role, str(row.session_id), client)
        by.note(conn, "account.password", row.name, now)
        keep_password(conn, row.account_id, hashed, now, must_change=False)
        end_where(conn, sa.and_(session.c.account_id == row.account_id, session.c.session_id != row.session_id), by, now)
        return _step(desk, conn, row, _next(desk, _account(conn, row.name), now), by, now)


def keep_password(conn: sa.Connection, account_id: int, hashed: str, now: datetime, *, must_change: bool) -> None:
    """Store a password; the one before goes among the past ones."""
    mine = account.c.account_id == account_id
    before = conn.execute(sa.select(account.c.password, account.c.password_at).where(mine)).one()
    if before.password:
        conn.execute(sa.delete(password_past).where(password_past.c.account_id == account_id, password_past.c.at == now))
        conn.execute(sa.insert(password_past).values(account_id=account_id, at=now, password=before.password))
    conn.execute(sa.update(account).where(mine).values(password=hashed, password_at=now, must_change=must_change))


def _past(account_id: int) -> sa.Select[Any]:
    return sa.select(password_past.c.password).where(password_past.c.account_id == account_id).order_by(password_past.c.at.desc())


def enrol(desk: Desk, row: Any, secret: str, code: str, client: str, now: datetime) -> tuple[Entered, list[str]] | None:
    """Bind an authenticator to the account of a session that owes one; the paper codes are told this once. None: the code is wrong."""
    step = step_of(secret, code, now, 0)
    if row.stage not in (FULL, ENROL) or row.totp or step is None:
        return None
    codes = paper_codes()
    with writing(desk.engine).begin() as conn:
        by = By(row.name, row.role, str(row.session_id), client)
        by.note(conn, "account.second", row.name, now)
        mine = account.c.account_id == row.account_id
        conn.execute(sa.update(account).where(mine).values(totp=desk.seal.close(secret, _TOTP), totp_step=step))
        conn.execute(sa.delete(recovery_code).where(recovery_code.c.account_id == row.account_id))
        conn.execute(sa.insert(recovery_code), [{"account_id": row.account_id, "code": kept(paper_plain(code))} for code in codes])
        return _step(desk, conn, row, _next(desk, _account(conn, row.name), now), by, now), codes


def _account(conn: sa.Connection, name: str) -> Any:
    return conn.execute(sa.select(account).where(account.c.name == name)).first()
