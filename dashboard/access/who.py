"""Who a request is from: the doorman looks at what it shows and answers with a viewer, or nobody."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.access.limits import Limits
from dashboard.access.sealed import kept
from dashboard.core.doors import Access, Grant
from dashboard.core.errors import ConfigurationError
from dashboard.core.sight import Role, Viewer
from dashboard.core.times import EPOCH
from dashboard.store.engine import writing
from dashboard.store.schema_access import account, api_token, session, wall

FULL = "full"  # a session with nothing left to do before it opens anything
WALL = "wall"  # the role of screens enrolled by their own token
_REMEMBERED = timedelta(seconds=5)
_TOUCHED = timedelta(seconds=60)  # how exactly it is kept when somebody was last here
_MANY = 20_000

Renew = Callable[[Any, datetime], bool]


@dataclass(frozen=True)
class Shown:
    """What a request shows of itself: cookies by our own names for them, a bearer token, the address it comes from."""

    session: str = ""
    wall: str = ""
    persona: str = ""
    bearer: str = ""
    client: str = ""


@dataclass(frozen=True)
class _Memory:
    viewer: Viewer
    until: datetime
    touched: datetime  # when it was last noted that somebody was here


class Doorman:
    """Knows viewers by what they show. Looks into the store at most every few seconds for each; `forget` when topic `access` moves.

    `renew` asks the OpenID provider whether a session that came from it still stands.
    """

    def __init__(self, engine: sa.Engine, access: Access, roles: Mapping[str, Role], limits: Limits, renew: Renew | None = None) -> None:
        self._engine, self.access, self.roles, self.limits, self._renew = engine, access, roles, limits, renew
        self._known: dict[Shown, _Memory] = {}

    def remembered(self, shown: Shown, now: datetime, *, touch: bool = False) -> Viewer | None:
        """The viewer, if it was looked up moments ago, and noted lately where that is asked: costs nothing."""
        known = self._known.get(shown)
        good = known is not None and now < known.until and not (touch and now - known.touched >= _TOUCHED)
        return known.viewer if known and good else None

    async def greet(self, shown: Shown, now: datetime, *, touch: bool = False) -> Viewer | None:
        """`who`, without holding up an event loop."""
        return self.remembered(shown, now, touch=touch) or await asyncio.to_thread(self.who, shown, now, touch=touch)

    def who(self, shown: Shown, now: datetime, *, touch: bool = True) -> Viewer | None:
        """The viewer a request is from; None: nobody we know. `touch`: a person did this, so the session is not idle."""
        viewer = self.remembered(shown, now, touch=touch)
        if viewer is None and (viewer := self._seen(shown, now, touch=touch)):
            if len(self._known) >= _MANY:
                self._known.clear()
            before = self._known.get(shown)
            self._known[shown] = _Memory(viewer, now + _REMEMBERED, now if touch else before.touched if before else EPOCH)
        return viewer

    def still(self, shown: Shown, now: datetime) -> Viewer | None:
        """Who it is now, for an open socket: looked up afresh, and not counted as having been here."""
        return self._seen(shown, now, touch=False)

    def forget(self) -> None:
        """Somebody's rights changed: look again."""
        self._known.clear()

    # ---- in the order of how much each proves

    def _seen(self, shown: Shown, now: datetime, touch: bool) -> Viewer | None:
        if shown.bearer:
            return self._program(shown.bearer, now)
        if self.access.open:
            return self._persona(shown)
        if shown.session and (viewer := self._person(shown.session, now, touch)):
            return viewer
        return self._wall(shown.wall, now) if shown.wall else None

    def _persona(self, shown: Shown) -> Viewer | None:
        """Whoever the newcomer wants to try; never for somebody on another machine."""
        if not from_here(shown.client):
            return None
        persona = self.access.demo.get(shown.persona) or next(iter(self.access.demo.values()))
        return self.viewer(self.roles[persona.role].title.zh, persona)

    def _person(self, token: str, now: datetime, touch: bool) -> Viewer | None:
        row = self._row(sa.select(session, *_ACCOUNT).join(account, _OWNER[session]).where(session.c.token == kept(token)))
        if row is None or row.stage != FULL or not lives(row, now, self.limits) or row.locked:
            return None
        if row.renew_at is not None and now >= row.renew_at and (self._renew is None or not self._renew(row, now)):
            return None
        if touch and now - row.seen_at >= _TOUCHED:
            self._touch(session, session.c.session_id == row.session_id, now)
        return self.viewer(row.name, granted(row), str(row.session_id))

    def _program(self, token: str, now: datetime) -> Viewer | None:
        row = self._row(sa.select(api_token, *_ACCOUNT).join(account, _OWNER[api_token]).where(api_token.c.token == kept(token)))
        if row is None or row.ended_at is not None or now >= row.ends_at or row.locked:
            return None
        self._note_use(api_token, api_token.c.token_id == row.token_id, row, now)
        return self.viewer(row.name, granted(row), f"token-{row.token_id}")

    def _wall(self, token: str, now: datetime) -> Viewer | None:
        row = self._row(sa.select(wall).where(wall.c.token == kept(token)))
        if row is None or row.ended_at is not None:
            return None
        self._note_use(wall, wall.c.wall_id == row.wall_id, row, now)
        return self.viewer(row.title, Grant(role=WALL), f"wall-{row.wall_id}")

    def viewer(self, name: str, grant: Grant, number: str = "") -> Viewer | None:
        """Somebody of that name with that grant; None when the role is no longer declared."""
        role = self.roles.get(grant.role)
        return None if role is None else Viewer(name, role, role.sight(grant.domains, grant.streets), number)

    # ---- the store

    def _row(self, query: sa.Select[Any]) -> Any:
        with self._engine.connect() as conn:
            return conn.execute(query).first()

    def _note_use(self, table: sa.Table, mine: sa.ColumnElement[bool], row: Any, now: datetime) -> None:
        """When a wall or a program was last here, to the hour: neither is ever idle."""
        if row.seen_at is None or now - row.seen_at >= timedelta(hours=1):
            self._touch(table, mine, now)

    def _touch(self, table: sa.Table, mine: sa.ColumnElement[bool], now: datetime) -> None:
        with contextlib.suppress(sa.exc.OperationalError), writing(self._engine).begin() as conn:  # a busy store costs nobody their request
            conn.execute(sa.update(table).where(mine).values(seen_at=now))


_ACCOUNT = (account.c.name, account.c.subject, account.c.role, account.c.domains, account.c.streets, account.c.locked)
_OWNER = {table: table.c.account_id == account.c.account_id for table in (session, api_token)}


def lives(row: Any, now: datetime, limits: Limits) -> bool:
    """Whether a session has neither been ended nor run out."""
    return row.ended_at is None and now < row.ends_at and now - row.seen_at < limits.idle


def granted(row: Any) -> Grant:
    """What an account's row grants."""
    return Grant(role=row.role, domains=split(row.domains), streets=split(row.streets))


def split(text: str) -> tuple[str, ...]:
    """Keys as they are kept, comma by comma."""
    return tuple(part for part in text.split(",") if part)


def from_here(client: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        return ipaddress.ip_address(client).is_loopback
    except ValueError:
        return client == "localhost"


def check_access(access: Access, roles: Mapping[str, Role], domains: Mapping[str, object]) -> None:
    """Refuse personas and groups of roles and domains that are not declared. Raises ConfigurationError."""
    grants: dict[str, Grant] = {f"access.demo.{key}": grant for key, grant in access.demo.items()}
    grants |= {f"access.oidc.grant.{key}": grant for key, grant in (access.oidc.grants if access.oidc else {}).items()}
    for where, grant in grants.items():
        role, file = roles.get(grant.role), "cockpit.toml"
        if role is None:
            raise ConfigurationError(file, f"{where}.role", f"no role {grant.role!r}", "known: " + ", ".join(sorted(roles)))
        for domain in grant.domains:
            if domain not in domains:
                raise ConfigurationError(file, f"{where}.domains", f"no domain {domain!r}", "known: " + ", ".join(sorted(domains)))
        if role.needs and not getattr(grant, role.needs):
            raise ConfigurationError(file, f"{where}.{role.needs}", "missing", f"a {grant.role} sees nothing without")
