"""People of the tests: accounts made and brought through their first sign-in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest
import sqlalchemy as sa

from dashboard.access.accounts import account_named, add_account
from dashboard.access.desk import By, Desk
from dashboard.access.entering import change_password, enrol, give_code, sign_in
from dashboard.access.sessions import Entered, find
from dashboard.access.totp import new_secret
from dashboard.access.who import Doorman, Shown
from dashboard.core.clock import SteppedClock
from dashboard.core.doors import Grant
from dashboard.core.sight import Viewer
from dashboard.store.schema import audit

ON_BOTH = pytest.mark.parametrize("store_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
START = datetime(2026, 6, 1, 2, 0, tzinfo=UTC)
HERE = "10.1.2.3"
ADMIN = By("security-admin", "security_admin")
GOOD = "Bridge-and-tunnel-7"


@dataclass
class City:
    """The desk, the doorman and the clock of one test."""

    desk: Desk
    doorman: Doorman
    clock: SteppedClock

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def later(self, **by: float) -> datetime:
        return self.clock.step(timedelta(**by))

    def row(self, token: str) -> Any:
        with self.desk.engine.connect() as conn:
            return find(self.desk, conn, token, self.now)

    def who(self, entered: Entered | str) -> Viewer | None:
        return self.doorman.who(Shown(session=entered if isinstance(entered, str) else entered.token, client=HERE), self.now)

    def enter(self, name: str, password: str = GOOD, client: str = HERE) -> Entered | None:
        return sign_in(self.desk, name, password, client, self.now)

    def person(self, name: str, role: str = "leader", *domains: str, streets: tuple[str, ...] = ()) -> Person:
        """Somebody who has signed in for the first time, as far as the role asks for it, and is in."""
        first = add_account(self.desk, ADMIN, name, Grant(role=role, domains=domains, streets=streets), self.now)
        entered = self.enter(name, first)
        assert entered and entered.stage == "password"
        changed = change_password(self.desk, self.row(entered.token), first, GOOD, HERE, self.now)
        assert isinstance(changed, Entered)
        if changed.stage == "full":
            return Person(self, name, changed)
        secret = new_secret()
        done = enrol(self.desk, self.row(changed.token), secret, pyotp.TOTP(secret).at(self.now), HERE, self.now)
        assert done is not None
        return Person(self, name, done[0], secret, done[1])

    def number(self, name: str) -> int:
        return int(account_named(self.desk, name).account_id)

    def noted(self, action: str) -> list[tuple[str, str, str]]:
        """Who, about what, how it went: the audit lines of an action."""
        with self.desk.engine.connect() as conn:
            rows = conn.execute(sa.select(audit).where(audit.c.action == action).order_by(audit.c.audit_id)).mappings().all()
        return [(row["actor"], row["object"], row["outcome"]) for row in rows]


@dataclass
class Person:
    """An account whose factors the test knows."""

    city: City
    name: str
    entered: Entered
    secret: str = ""
    paper: list[str] | None = None

    def code(self) -> str:
        return pyotp.TOTP(self.secret).at(self.city.now)

    def enter(self) -> Entered | None:
        """Sign in once more, with both factors where there are two."""
        entered = self.city.enter(self.name)
        if entered is None or entered.stage != "code":
            return entered
        return give_code(self.city.desk, self.city.row(entered.token), self.code(), HERE, self.city.now)
