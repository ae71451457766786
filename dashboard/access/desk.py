"""What every act of signing in or of administration works with: the store, the roles, the limits, who does it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from dashboard.access.limits import Limits
from dashboard.access.passwords import Passwords
from dashboard.access.sealed import Seal
from dashboard.core.catalog import Catalog
from dashboard.core.sight import Action
from dashboard.store.audit_log import Origin, Outcome, note_action, short_address

TOPIC = "access"  # moves when anybody's rights, session, wall or token changed
_TWICE = frozenset({Action.ACCOUNTS, Action.AUDIT, Action.SOURCES, Action.HANDLE})  # granted to nobody on a password alone


@dataclass(frozen=True)
class Desk:
    """The tools."""

    engine: sa.Engine
    catalog: Catalog
    limits: Limits
    passwords: Passwords
    seal: Seal

    def twice(self, role: str) -> bool:
        """Whether accounts of a role need a second factor."""
        known = self.catalog.roles.get(role)
        return known is None or bool(known.actions & _TWICE)


@dataclass(frozen=True)
class By:
    """Who does it, for the audit log."""

    name: str
    role: str = ""
    session: str = ""
    client: str = ""

    def note(self, conn: sa.Connection, action: str, about: str, now: datetime, detail: str = "", outcome: Outcome = Outcome.DONE) -> None:
        """One line of the audit log."""
        origin = Origin(self.role, self.session, short_address(self.client))
        note_action(conn, actor=self.name, action=action, about=about, detail=detail, now=now, origin=origin, outcome=outcome)


def account_name(text: str) -> str:
    """A name as accounts are kept under it, however it was typed."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


CONSOLE = By("console")  # whoever has the machine's own shell
