"""Sign-in through the OpenID provider: groups become a role with its part of the city; the session lives while the provider says so."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.access.accounts import columns
from dashboard.access.accounts import told as grant_told
from dashboard.access.desk import By, Desk
from dashboard.access.oidc import Asked, Provider, ProviderAwayError, Told
from dashboard.access.sealed import kept
from dashboard.access.sessions import Entered, begin, end_where
from dashboard.access.who import FULL, granted
from dashboard.core.doors import Grant
from dashboard.core.errors import NotAllowedError
from dashboard.core.times import EPOCH
from dashboard.store.engine import writing
from dashboard.store.schema_access import account, session

log = logging.getLogger(__name__)

_PURPOSE = "oidc"  # what is sealed for it
_AWAY, _BACK = timedelta(seconds=60), timedelta(minutes=10)  # asked again when it did not answer; time to sign in there
_PROVIDER = By("provider")


class NoGroupError(NotAllowedError):
    """Recognised, and of no group that means anything here."""


class Sso:
    """The provider, and our side of it."""

    def __init__(self, desk: Desk, provider: Provider) -> None:
        self._desk, self.provider = desk, provider
        self._away_until = EPOCH  # everybody's sessions wait for the same answer: one that does not come is not asked for each

    def leave_for(self, onward: str, now: datetime) -> tuple[str, str]:
        """Where to send somebody, and what their browser keeps, sealed, until they are back."""
        address, asked = self.provider.away(now)
        kept_words = {"state": asked.state, "nonce": asked.nonce, "verifier": asked.verifier, "onward": onward, "at": now.timestamp()}
        return address, self._desk.seal.close(json.dumps(kept_words), _PURPOSE)

    def arrive(self, given: Mapping[str, str], remembered: str, client: str, now: datetime) -> tuple[Entered, str]:
        """A session for who comes back, and where they wanted to go. Raises NotAllowedError, NoGroupError."""
        opened = self._desk.seal.open(remembered, _PURPOSE)
        words = json.loads(opened) if opened else {}
        if not words or now.timestamp() - words["at"] > _BACK.total_seconds():
            raise NotAllowedError("begin at the sign-in page; it was too long ago, or in another browser")
        told = self.provider.back(given, Asked(words["state"], words["nonce"], words["verifier"]), now)
        subject, name = self._subject(str(told.claims["sub"])), self._name(told.claims)
        grant = self.grant_of(told.claims)
        with writing(self._desk.engine).begin() as conn:
            by = By(name, grant.role if grant else "", client=client)
            row = self._row(conn, subject, name, grant, by, now) if grant else None
            if row is not None and not row.locked:
                by.note(conn, "session.begin", name, now, grant_told(grant) if grant else "")
                return begin(self._desk, conn, row, FULL, client, now, **self._keep(told, now)), str(words["onward"])
        raise NoGroupError(name)

    def renew(self, row: Any, now: datetime) -> bool:
        """Whether the provider still stands by a session; a refusal ends it. One process asks, the others go by what it finds."""
        if now < self._away_until:
            return True
        claimed = sa.update(session).where(session.c.session_id == row.session_id, session.c.renew_at == row.renew_at)
        with writing(self._desk.engine).begin() as conn:
            if conn.execute(claimed.values(renew_at=now + _AWAY)).rowcount != 1:
                return True
        words = json.loads(self._desk.seal.open(row.provider, _PURPOSE) or "{}")
        try:
            told = self.provider.again(words["refresh"], words["id"], now)
            same = self.grant_of(told.claims) == granted(row) and self._subject(str(told.claims["sub"])) == row.subject
            return self._stays(row, told, now) if same else self._ends(row, "the groups have changed", now)
        except NotAllowedError as refused:
            return self._ends(row, str(refused), now)
        except ProviderAwayError as away:
            log.warning("a session could not be renewed: %s", away)
            self._away_until = now + _AWAY
            return True  # until it is idle, or its day is over

    def sign_out_at(self, row: Any, home: str, now: datetime) -> str:
        """Where the provider signs somebody out as well."""
        words = json.loads(self._desk.seal.open(row.provider, _PURPOSE) or "{}")
        try:
            return self.provider.out(str(words.get("id", "")), home, now)
        except ProviderAwayError:
            return home

    def ended(self, logout_token: str, now: datetime) -> None:
        """The provider says somebody is out: end every session of theirs."""
        subject = self._subject(self.provider.ended(logout_token, now))
        with writing(self._desk.engine).begin() as conn:
            row = conn.execute(sa.select(account).where(account.c.subject == subject)).first()
            if row is not None:
                _PROVIDER.note(conn, "session.end", row.name, now, "signed out at the provider")
                end_where(conn, session.c.account_id == row.account_id, _PROVIDER, now)

    def grant_of(self, claims: Mapping[str, Any]) -> Grant | None:
        """What the first configured group among the claimed ones grants; None: no group that means anything here."""
        said = claims.get(self.provider.config.groups_claim, [])
        groups = {said} if isinstance(said, str) else {str(group) for group in said} if isinstance(said, list) else set()
        found = next((grant for group, grant in self.provider.config.grants.items() if group in groups), None)
        return found and Grant(role=found.role, domains=tuple(sorted(found.domains)), streets=tuple(sorted(found.streets)))

    # ---- our side

    def _subject(self, sub: str) -> str:
        return kept(f"{self.provider.config.issuer}|{sub}")

    def _name(self, claims: Mapping[str, Any]) -> str:
        """The name shown and noted: as the provider has it, never that of a local account."""
        said = str(claims.get(self.provider.config.name_claim) or claims["sub"])
        return re.sub(r"[^\w.\-]", "-", said)[:48].casefold() + "@sso"

    def _row(self, conn: sa.Connection, subject: str, name: str, grant: Grant, by: By, now: datetime) -> Any:
        """The account of a subject, as the provider tells it today."""
        mine = account.c.subject == subject
        taken = conn.scalar(sa.select(account.c.subject).where(account.c.name == name))
        name = name if taken in (None, subject) else f"{name}-{subject[:8]}"
        values = {"name": name, "signed_in_at": now, **columns(grant)}
        known = conn.execute(sa.select(account).where(mine)).first()
        if known is None:
            by.note(conn, "account.add", name, now, grant_told(grant))
            conn.execute(sa.insert(account).values(subject=subject, password_at=now, must_change=False, created_at=now, **values))
        else:
            conn.execute(sa.update(account).where(mine).values(values))
        return conn.execute(sa.select(account).where(mine)).one()

    def _keep(self, told: Told, now: datetime) -> dict[str, Any]:
        words = {"refresh": told.refresh_token, "id": told.id_token}
        return {"provider": self._desk.seal.close(json.dumps(words), _PURPOSE), "renew_at": now + told.lasts if told.lasts else None}

    def _stays(self, row: Any, told: Told, now: datetime) -> bool:
        with writing(self._desk.engine).begin() as conn:
            conn.execute(sa.update(session).where(session.c.session_id == row.session_id).values(self._keep(told, now)))
        return True

    def _ends(self, row: Any, why: str, now: datetime) -> bool:
        with writing(self._desk.engine).begin() as conn:
            _PROVIDER.note(conn, "session.end", f"{row.name} #{row.session_id}", now, why)
            end_where(conn, session.c.session_id == row.session_id, _PROVIDER, now)
        return False
