"""The security administrator's page: accounts, sessions, walls, programs' tokens. Every button is a form, every form is ours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard.access import accounts, devices, sessions
from dashboard.access.desk import By
from dashboard.access.lodge import Lodge
from dashboard.access.who import WALL, granted
from dashboard.access.words import grant_words
from dashboard.core.clock import Clock
from dashboard.core.declare import Text
from dashboard.core.doors import Grant
from dashboard.core.errors import CockpitError
from dashboard.core.places import streets
from dashboard.core.sight import Action, Viewer
from dashboard.core.times import CITY_ZONE
from dashboard.settings import Settings
from dashboard.web.signing import Signing
from dashboard.web.visit import Visit, onward, page, visit_of

PATH = "/accounts"
_STALE = Text("页面已过期，请再试一次", "This page was out of date; try again")


@dataclass(frozen=True)
class Shown:
    """What an act brought that is shown this once: to whom it belongs, and what it is."""

    title: Text
    about: str
    secret: str
    note: Text


class Accounts:
    """The page and its acts."""

    def __init__(self, signing: Signing) -> None:
        self._signing, self._desk = signing, signing.desk
        self._acts: dict[str, Callable[[Visit, By], Shown | None]] = {
            "add": self._add,
            "grant": self._grant,
            "lock": lambda visit, by: accounts.lock(self._desk, by, _number(visit), True, visit.now),
            "unlock": lambda visit, by: accounts.lock(self._desk, by, _number(visit), False, visit.now),
            "password": self._password,
            "second": lambda visit, by: accounts.reset_second(self._desk, by, _number(visit), visit.now),
            "end": lambda visit, by: sessions.end(self._desk, by, _number(visit), visit.now),
            "wall": self._wall,
            "wall-end": lambda visit, by: devices.end_wall(self._desk, by, _number(visit), visit.now),
            "token": self._token,
            "token-end": lambda visit, by: devices.end_token(self._desk, by, _number(visit), visit.now),
        }

    def route(self) -> Route:
        """The page's address."""
        return Route(PATH, self._answer, methods=["GET", "POST"])

    async def _answer(self, request: Request) -> Response:
        signing = self._signing
        visit = await visit_of(request, self._desk.seal, signing.secure, signing.clock.now())
        return await asyncio.to_thread(self._act if request.method == "POST" else self._show, visit)

    def _admin(self, visit: Visit) -> Viewer | None:
        """A person signed in as the security administrator: no program, no wall, no persona of the demo."""
        viewer = self._signing.doorman.still(visit.shown, visit.now)
        return viewer if viewer and viewer.sight.may(Action.ACCOUNTS) and viewer.session.isdecimal() else None

    def _show(self, visit: Visit, told: Shown | None = None, wrong: str = "", status: int = 200) -> Response:
        viewer = self._admin(visit)
        if viewer is None:
            return onward("/sign-in?next=/accounts")
        desk, catalog, now = self._desk, self._desk.catalog, visit.now
        roles = [role for key, role in catalog.roles.items() if key != WALL]
        values: dict[str, Any] = {
            "accounts": [(row, self._words(row), granted(row)) for row in accounts.all_accounts(desk)],
            "sessions": sessions.living(desk, now),
            "walls": devices.all_walls(desk, now),
            "tokens": accounts.all_tokens(desk, now),
            "roles": roles,
            "domains": catalog.domains.values(),
            "streets": [(s.code, Text(s.zh, s.en)) for s in streets()],
            "programs": {role.key for role in roles if not role.actions & devices.NEVER_PROGRAMS},
        }
        return page(visit, "accounts", status, viewer=viewer, told=told, wrong=_half(wrong, visit.lang), at=_at, **values)

    def _act(self, visit: Visit) -> Response:
        viewer, act = self._admin(visit), self._acts.get(visit.field("act"))
        if viewer is None:
            return onward("/sign-in?next=/accounts")
        if not visit.genuine or act is None:
            return self._show(visit, wrong=_STALE(visit.lang), status=403)
        try:
            told = act(visit, By(viewer.name, viewer.role.key, viewer.session, visit.shown.client))
        except CockpitError as refused:
            return self._show(visit, wrong=str(refused), status=409)
        self._signing.doorman.forget()
        return self._show(visit, told) if told else onward(visit.here(PATH))

    # ---- acts that tell something once

    def _add(self, visit: Visit, by: By) -> Shown:
        name = visit.field("name")
        return self._handed(name, accounts.add_account(self._desk, by, name, _granted(visit), visit.now))

    def _password(self, visit: Visit, by: By) -> Shown:
        return self._handed(visit.field("about"), accounts.reset_password(self._desk, by, _number(visit), visit.now))

    def _handed(self, name: str, password: str) -> Shown:
        note = Text("一次有效，首次登录须更换。只显示这一次。", "Good for one sign-in, to be changed there. Shown this once only.")
        return Shown(Text("初始口令", "First password"), name, password, note)

    def _grant(self, visit: Visit, by: By) -> None:
        accounts.regrant(self._desk, by, _number(visit), _granted(visit), visit.now)

    def _wall(self, visit: Visit, by: By) -> Shown:
        code = devices.offer_wall(self._desk, by, visit.field("title"), visit.now)
        minutes = self._desk.limits.enrol_min
        note = Text(f"{minutes}分钟内在大屏打开 /enrol 输入。", f"Within {minutes} minutes open /enrol on the wall and enter it.")
        return Shown(Text("登记码", "Code"), visit.field("title"), f"{code[:4]} {code[4:]}", note)

    def _token(self, visit: Visit, by: By) -> Shown:
        token = devices.add_token(self._desk, by, _number(visit), visit.field("title"), visit.now)
        note = Text("程序以 Authorization: Bearer 出示。只显示这一次。", "Sent as Authorization: Bearer. Shown this once only.")
        return Shown(Text("程序令牌", "Token"), visit.field("title"), token, note)

    def _words(self, row: Any) -> Text:
        role = self._desk.catalog.roles.get(row.role)
        grant = granted(row)
        return grant_words(role, grant.domains, grant.streets, self._desk.catalog) if role else Text(row.role, row.role)


def _granted(visit: Visit) -> Grant:
    return Grant(role=visit.field("role"), domains=tuple(visit.form.get("domains", ())), streets=tuple(visit.form.get("streets", ())))


def _number(visit: Visit) -> int:
    given = visit.field("number")
    return int(given) if given.isdecimal() and len(given) < 18 else 0


def _at(moment: datetime | None) -> str:
    return f"{moment.astimezone(CITY_ZONE):%m-%d %H:%M}" if moment else "—"


def _half(told: str, lang: str) -> str:
    """A refusal is written 中文 (English): each page shows its half."""
    zh, bracket, en = told.removesuffix(")").partition(" (")
    return (en if lang == "en" else zh) if bracket else told


def doors(settings: Settings, lodge: Lodge, clock: Clock) -> Starlette:
    """The application behind every address of coming in."""
    signing = Signing(settings, lodge, clock)
    return Starlette(routes=[*signing.routes(), Accounts(signing).route()])
