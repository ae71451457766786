"""A visit to a page with forms: what was asked, under which cookies, and whether a form is one we gave this very browser."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from dashboard.access.sealed import Seal, fresh_token
from dashboard.access.who import Shown
from dashboard.core.declare import Text
from dashboard.web.cookies import CSRF, DOOR, cookies_of, set_cookie, shown_by
from dashboard.web.problems import problem

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_FORM = 64_000  # bytes; our largest form is a tenth of that
_CSRF = "csrf"  # what marks are made for
_environment = Environment(
    loader=PackageLoader("dashboard.web", "parts"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


@dataclass(frozen=True)
class Visit:
    """One request for a page with forms."""

    now: datetime
    shown: Shown
    cookies: Mapping[str, str]
    secure: bool
    lang: str
    query: Mapping[str, str]
    form: Mapping[str, Sequence[str]]
    seal: Seal
    door: str  # ties the forms of somebody not signed in to their browser

    def field(self, name: str) -> str:
        """A form field's first value."""
        return next(iter(self.form.get(name, ())), "")

    @property
    def csrf(self) -> str:
        """What our forms carry to be known again."""
        return csrf_of(self.seal, self.shown.session or self.door)

    @property
    def genuine(self) -> bool:
        """Whether the form posted is one we gave to this browser and nobody else."""
        return self.seal.marked(self.shown.session or self.door, self.field("csrf"), _CSRF)

    @property
    def onward(self) -> str:
        """Where somebody wanted to go: an address of ours, or home."""
        return inside(self.field("next") or self.query.get("next", ""))

    def here(self, path: str) -> str:
        """An address of ours in the language of this visit."""
        return path + ("?lang=en" if self.lang == "en" else "")


def csrf_of(seal: Seal, binding: str) -> str:
    """The mark of a browser's session, or of its door cookie before there is one."""
    return seal.mark(binding, _CSRF)


def forged(scope: Scope, shown: Shown, seal: Seal, secure: bool) -> bool:
    """Whether a write asked of the API in somebody's cookies lacks the mark only our own pages can read and repeat."""
    if scope["method"] in ("GET", "HEAD", "OPTIONS") or shown.bearer or not (shown.session or shown.persona or shown.wall):
        return False
    binding = shown.session or cookies_of(scope, secure).get(DOOR, "")
    given = next((value.decode("latin-1") for key, value in scope["headers"] if key == b"x-csrf-token"), "")
    return not seal.marked(binding, given, _CSRF)


def genuine(app: App, seal: Seal, secure: bool) -> App:
    """The application, for requests nobody forged."""

    async def checked(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and forged(scope, shown_by(scope, secure), seal, secure):
            return await problem(403, "页面已过期，请刷新 (this page is out of date; load it anew)").send(send)
        await app(scope, receive, send)

    return checked


def inside(address: str) -> str:
    """An address of ours, or home: nobody is sent elsewhere by a link somebody else made."""
    plain = address.isprintable() and "\\" not in address and not address.startswith(("//", "/sign-"))
    return address if plain and address.startswith("/") else "/"


async def visit_of(request: Request, seal: Seal, secure: bool, now: datetime) -> Visit:
    """What a request asks. A body that is no form, or too large, is an empty form."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_FORM:
            body = b""
            break
    cookies = cookies_of(request.scope, secure)
    posted = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    return Visit(
        now=now,
        shown=shown_by(request.scope, secure),
        cookies=cookies,
        secure=secure,
        lang="en" if request.query_params.get("lang") == "en" else "zh",
        query=dict(request.query_params),
        form=parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=400) if posted else {},
        seal=seal,
        door=cookies.get(DOOR) or fresh_token(),
    )


def drawn(visit: Visit, template: str, **values: Any) -> str:
    """A template filled in, in the visit's language."""
    en = visit.lang == "en"

    def t(zh: str | Text, english: str = "") -> str:
        return zh(visit.lang) if isinstance(zh, Text) else english if en else zh

    return _environment.get_template(f"{template}.html").render(visit=visit, lang="en" if en else "zh-CN", t=t, **values)


def page(visit: Visit, template: str, status: int = 200, cookies: Sequence[str] = (), **values: Any) -> Response:
    """A page with forms, never kept by anybody in between."""
    answer = HTMLResponse(drawn(visit, template, **values), status, {"cache-control": "no-store"})
    known = visit.cookies.get(DOOR) == visit.door
    own = [] if known else [set_cookie(DOOR, visit.door, visit.secure)]
    mark = [] if visit.cookies.get(CSRF) == visit.csrf or cookies else [set_cookie(CSRF, visit.csrf, visit.secure, readable=True)]
    return _with(answer, [*own, *mark, *cookies])


def onward(address: str, cookies: Sequence[str] = ()) -> Response:
    """On to another page, asked for with GET."""
    return _with(RedirectResponse(address, 303, {"cache-control": "no-store"}), cookies)


def _with(answer: Response, cookies: Sequence[str]) -> Response:
    for cookie in cookies:
        answer.headers.append("set-cookie", cookie)
    return answer
