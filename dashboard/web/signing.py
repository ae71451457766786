"""Signing in and out, one's own password and authenticator, enrolling a wall, the demo's switch, and who the header says you are."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from dashboard.access.desk import By, Desk
from dashboard.access.devices import enrol_wall
from dashboard.access.entering import CODE, ENROL, PASSWORD, change_password, enrol, give_code, sign_in
from dashboard.access.lodge import Lodge
from dashboard.access.oidc import ProviderAwayError
from dashboard.access.sessions import Entered, end, find
from dashboard.access.sso import NoGroupError, Sso
from dashboard.access.totp import new_secret, picture
from dashboard.access.who import FULL, Doorman
from dashboard.access.words import grant_words, masked_words, may_words, scope_words
from dashboard.core.clock import Clock
from dashboard.core.declare import Text
from dashboard.core.errors import CockpitError, NotAllowedError
from dashboard.core.sight import Action, Viewer
from dashboard.settings import Settings
from dashboard.web.cookies import CSRF, OIDC, PERSONA, SESSION, WALL, set_cookie
from dashboard.web.visit import Visit, csrf_of, inside, onward, page, visit_of

log = logging.getLogger(__name__)

_SECRET = "authenticator"  # what a secret is sealed for between showing and confirming it
_WRONG = Text("账号、口令或验证码不对，或已被暂时锁定", "The account, password or code is not right, or is locked for a while")
_STALE = Text("页面已过期，请再试一次", "This page was out of date; try again")
_NO_CODE = Text("登记码不对或已过期", "That code is wrong or out of date")
_HOMES = ((Action.ACCOUNTS, "/accounts"), (Action.AUDIT, "/audit"), (Action.SOURCES, "/sources"))


@dataclass(frozen=True)
class Signing:
    """What the pages work with."""

    settings: Settings
    lodge: Lodge
    clock: Clock

    @property
    def desk(self) -> Desk:
        """The tools of signing in."""
        return self.lodge.desk

    @property
    def doorman(self) -> Doorman:
        """Who is to be told when somebody's standing changed."""
        return self.lodge.doorman

    @property
    def sso(self) -> Sso | None:
        """The OpenID provider, where there is one."""
        return self.lodge.sso

    @property
    def secure(self) -> bool:
        """Whether cookies insist on TLS."""
        return self.settings.access.secure

    def routes(self) -> list[Route]:
        """Every address of this part."""
        return [
            Route("/sign-in", self._page(self._show, self._signing_in), methods=["GET", "POST"]),
            Route("/sign-out", self._page(None, self._sign_out), methods=["POST"]),
            Route("/account", self._page(self._own, self._own_change), methods=["GET", "POST"]),
            Route("/enrol", self._page(self._enrol_form, self._enrol_wall), methods=["GET", "POST"]),
            Route("/demo/as", self._page(None, self._try_as), methods=["POST"]),
            Route("/who", self._page(self._who, None), methods=["GET"]),
            Route("/oidc/start", self._page(self._leave, None), methods=["GET"]),
            Route("/oidc/back", self._page(self._arrive, None), methods=["GET"]),
            Route("/oidc/ended", self._ended, methods=["POST"]),
        ]

    def _page(self, get: Callable[[Visit], Response] | None, post: Callable[[Visit], Response] | None) -> Any:
        """A page that looks into the store and hashes passwords, away from the event loop."""

        async def answer(request: Request) -> Response:
            visit = await visit_of(request, self.desk.seal, self.secure, self.clock.now())
            work = post if request.method == "POST" else get
            return await asyncio.to_thread(work or _nothing, visit)

        return answer

    # ---- in and out

    def _show(self, visit: Visit) -> Response:
        if self.settings.access.open:
            return onward(visit.onward)
        if "lang=en" in visit.onward and "lang" not in visit.query:  # asked for in English, and led here
            return onward(f"/sign-in?next={quote(visit.onward)}&lang=en")
        return self._at(visit, self._row(visit))

    def _at(self, visit: Visit, row: Any, wrong: tuple[Text, ...] = (), status: int = 200) -> Response:
        """The form of what is still to be done."""
        stage = row.stage if row is not None else ""
        if stage == FULL:
            return onward(self._home(row.role, visit.onward))
        values: dict[str, Any] = {"wrong": wrong, "next": visit.onward, "name": row.name if row is not None else visit.field("name")[:64]}
        if stage == ENROL:
            return self._authenticator(visit, row, wrong, status)
        if stage in (CODE, PASSWORD):
            return page(visit, {CODE: "code", PASSWORD: "password"}[stage], status, rules=self.desk.limits, own=False, **values)
        return page(visit, "sign_in", status, sso=self.settings.access.oidc, product=self._product(), **values)

    def _signing_in(self, visit: Visit) -> Response:
        row = self._row(visit)
        if not visit.genuine:
            return self._at(visit, row, (_STALE,), 403)
        if row is None:
            entered = sign_in(self.desk, visit.field("name"), visit.field("password"), visit.shown.client, visit.now)
            return self._entered(visit, entered) if entered else self._at(visit, None, (_WRONG,), 401)
        if row.stage == CODE:
            entered = give_code(self.desk, row, visit.field("code"), visit.shown.client, visit.now)
            return self._entered(visit, entered) if entered else self._at(visit, row, (_WRONG,), 401)
        if row.stage == PASSWORD:
            return self._changed(visit, row)
        return self._bound(visit, row) if row.stage == ENROL else self._at(visit, row)

    def _entered(self, visit: Visit, entered: Entered) -> Response:
        """The browser gets the token of its new session; the one before is worth nothing."""
        self.doorman.forget()
        with self.desk.engine.connect() as conn:
            row = find(self.desk, conn, entered.token, visit.now)
        goal = f"/sign-in?next={quote(visit.onward)}" if entered.stage != FULL else self._home(row.role if row else "", visit.onward)
        return onward(goal + _language(visit, goal), self._cookies(entered.token))

    def _cookies(self, token: str) -> list[str]:
        mark = csrf_of(self.desk.seal, token)
        return [set_cookie(SESSION, token, self.secure), set_cookie(CSRF, mark, self.secure, readable=True)]

    def _sign_out(self, visit: Visit) -> Response:
        row, goal = self._row(visit), visit.here("/sign-in")
        if row is None or not visit.genuine:
            return onward(goal)
        end(self.desk, By(row.name, row.role, str(row.session_id), visit.shown.client), row.session_id, visit.now)
        self.doorman.forget()
        if row.provider and self.sso:
            goal = self.sso.sign_out_at(row, f"{self.settings.access.address}/sign-in", visit.now)
        return onward(goal, [set_cookie(kind, "", self.secure, readable=kind == CSRF) for kind in (SESSION, CSRF)])

    def _home(self, role: str, wanted: str) -> str:
        """Where an account's own work is, unless somebody asked for a certain page."""
        known = self.desk.catalog.roles.get(role)
        own = next((path for action, path in _HOMES if known and not known.city and action in known.actions), "/")
        return own if wanted == "/" else wanted

    # ---- one's own account

    def _own(self, visit: Visit) -> Response:
        row = self._row(visit)
        if row is None or row.stage != FULL:
            return onward("/sign-in?next=/account")
        return self._account(visit, row)

    def _account(self, visit: Visit, row: Any, wrong: tuple[Text, ...] = (), status: int = 200) -> Response:
        if "authenticator" in visit.query and not row.totp:
            return self._authenticator(visit, row, wrong, status)
        values = {"name": row.name, "next": "/", "rules": self.desk.limits, "totp": bool(row.totp), "local": row.subject is None}
        return page(visit, "password", status, own=True, wrong=wrong, **values)

    def _own_change(self, visit: Visit) -> Response:
        row = self._row(visit)
        if row is None or row.stage != FULL:
            return onward("/sign-in?next=/account")
        if not visit.genuine:
            return self._account(visit, row, (_STALE,), 403)
        return self._bound(visit, row) if visit.field("sealed") else self._changed(visit, row)

    def _changed(self, visit: Visit, row: Any) -> Response:
        if visit.field("new") != visit.field("again"):
            return self._refused(visit, row, (Text("两次输入不一致", "The two are not the same"),))
        done = change_password(self.desk, row, visit.field("old"), visit.field("new"), visit.shown.client, visit.now)
        return self._entered(visit, done) if isinstance(done, Entered) else self._refused(visit, row, tuple(done))

    def _refused(self, visit: Visit, row: Any, wrong: tuple[Text, ...]) -> Response:
        return self._account(visit, row, wrong, 422) if row.stage == FULL else self._at(visit, row, wrong, 422)

    def _authenticator(self, visit: Visit, row: Any, wrong: tuple[Text, ...], status: int) -> Response:
        purpose = f"{_SECRET}:{row.session_id}"
        secret = self.desk.seal.open(visit.field("sealed"), purpose) or new_secret()
        values = {"sealed": self.desk.seal.close(secret, purpose), "secret": secret, "qr": picture(secret, row.name, self._product()("zh"))}
        goal = "/account?authenticator=1" if row.stage == FULL else "/sign-in"
        return page(visit, "authenticator", status, wrong=wrong, next=visit.onward, goal=goal, name=row.name, **values)

    def _bound(self, visit: Visit, row: Any) -> Response:
        secret = self.desk.seal.open(visit.field("sealed"), f"{_SECRET}:{row.session_id}")
        done = enrol(self.desk, row, secret, visit.field("code"), visit.shown.client, visit.now) if secret else None
        if done is None:
            return self._authenticator(visit, row, (Text("验证码不对", "That code is not right"),), 422)
        self.doorman.forget()
        entered, codes = done
        return page(visit, "paper", 200, self._cookies(entered.token), codes=codes, next=self._home(row.role, visit.onward))

    # ---- walls, the demo, the header

    def _enrol_form(self, visit: Visit) -> Response:
        return self._enrol_wall(visit) if visit.query.get("code") else page(visit, "enrol", wrong=())

    def _enrol_wall(self, visit: Visit) -> Response:
        """By a code typed here, or in the address of a wall that has no keys. It only ever lets a screen in."""
        code = visit.query.get("code", "") or (visit.field("code") if visit.genuine else "")
        token = enrol_wall(self.desk, code, visit.shown.client, visit.now)
        if token is None:
            return page(visit, "enrol", 401, wrong=(_NO_CODE,))
        self.doorman.forget()
        return onward("/?surface=wall", [set_cookie(WALL, token, self.secure, lasting=True), set_cookie(SESSION, "", self.secure)])

    def _try_as(self, visit: Visit) -> Response:
        known = self.settings.access.demo.get(visit.field("persona"))
        if not self.settings.access.open or not visit.genuine or known is None:
            return onward(visit.onward)
        role = self.desk.catalog.roles[known.role]
        home = self._home(known.role, "/" if not role.city else visit.onward)
        return onward(home + _language(visit, home), [set_cookie(PERSONA, known.key, self.secure)])

    def _who(self, visit: Visit) -> Response:
        """The header's words about the viewer, with the way out or to another persona."""
        viewer, catalog = self.doorman.who(visit.shown, visit.now, touch="here" in visit.query), self.desk.catalog
        personas = self.settings.access.demo.values() if self.settings.access.open else ()
        titles = [(p, p.title or grant_words(catalog.roles[p.role], p.domains, p.streets, catalog)) for p in personas]
        said = {"scope": scope_words(viewer, catalog), "may": may_words(viewer), "masked": masked_words(viewer)} if viewer else {}
        here = inside(visit.query.get("next", "/"))
        mine = visit.shown.persona or next(iter(self.settings.access.demo))
        return page(visit, "who", viewer=viewer, personas=titles, next=here, mine=mine, links=_links(viewer), said=said)

    # ---- the OpenID provider

    def _leave(self, visit: Visit) -> Response:
        if self.sso is None:
            return onward("/sign-in")
        try:
            address, remembered = self.sso.leave_for(visit.onward, visit.now)
        except ProviderAwayError as away:
            return self._not_in(visit, away, 503)
        return onward(address, [set_cookie(OIDC, remembered, self.secure)])

    def _arrive(self, visit: Visit) -> Response:
        if self.sso is None:
            return onward("/sign-in")
        try:
            entered, goal = self.sso.arrive(visit.query, visit.cookies.get(OIDC, ""), visit.shown.client, visit.now)
        except CockpitError as refused:
            return self._not_in(visit, refused, 503 if isinstance(refused, ProviderAwayError) else 403)
        self.doorman.forget()
        return onward(inside(goal), [*self._cookies(entered.token), set_cookie(OIDC, "", self.secure)])

    def _not_in(self, visit: Visit, why: CockpitError, status: int) -> Response:
        """Recognised or not, nobody comes in; the details are for our log."""
        log.warning("sign-in through the provider: %s", why)
        kind = "group" if isinstance(why, NoGroupError) else "away" if status == 503 else "refused"
        return page(visit, "not_in", status, [set_cookie(OIDC, "", self.secure)], kind=kind, name=str(why) if kind == "group" else "")

    async def _ended(self, request: Request) -> Response:
        """The provider itself tells that somebody signed out (OpenID Connect Back-Channel Logout 1.0)."""
        visit = await visit_of(request, self.desk.seal, self.secure, self.clock.now())
        try:
            if self.sso is None:
                raise NotAllowedError("there is no provider")
            await asyncio.to_thread(self.sso.ended, visit.field("logout_token"), visit.now)
        except CockpitError as refused:
            return PlainTextResponse(str(refused), 400, {"cache-control": "no-store"})
        self.doorman.forget()
        return PlainTextResponse("", 200, {"cache-control": "no-store"})

    def _row(self, visit: Visit) -> Any:
        with self.desk.engine.connect() as conn:
            return find(self.desk, conn, visit.shown.session, visit.now)

    def _product(self) -> Text:
        return Text(*self.settings.city.get("product", ("城市生命体", "City Organism")))


def _links(viewer: Viewer | None) -> list[tuple[str, Text]]:
    """Pages of the header's menu that are this viewer's alone."""
    if viewer is None:
        return []
    pages = {Action.ACCOUNTS: ("/accounts", Text("账号", "Accounts")), Action.AUDIT: ("/audit", Text("审计", "Audit"))}
    own = [("/account", Text("口令与验证", "Password and code"))] if viewer.session.isdecimal() else []
    return [link for action, link in pages.items() if viewer.sight.may(action)] + own


def _language(visit: Visit, goal: str) -> str:
    return "" if visit.lang != "en" or "lang=" in goal else ("&" if "?" in goal else "?") + "lang=en"


def _nothing(_visit: Visit) -> Response:
    return PlainTextResponse("", 405)
