"""What stands before the door: whom a proxy speaks for, what no request may be, how many there may be, and headers on every answer."""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from dashboard.settings import Settings
from dashboard.web.cookies import SESSION, WALL, cookies_of
from dashboard.web.limits import Buckets, DoorLimits, load_door_limits
from dashboard.web.problems import Problem, problem
from dashboard.web.static import ASSETS, SUITES

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_GUESSED = ("/sign-in", "/account", "/enrol")  # where passwords and codes are tried
_SAFE = ("GET", "HEAD", "OPTIONS")
_NAME = re.compile(r"^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?$")
_PHOTOS = re.compile(r"^/api/v1/alerts/\d+/photos$")
_FEATURES = ("camera", "display-capture", "geolocation", "gyroscope", "magnetometer", "microphone", "midi", "payment", "usb")
_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", ", ".join(f"{feature}=()" for feature in _FEATURES).encode()),
)
_NO_PAGE = b"default-src 'none'; frame-ancestors 'none'"  # for whatever brings no policy of its own: it is no page
_TLS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


@dataclass(frozen=True)
class Reach:
    """How this deployment is reached."""

    proxies: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network] = ()  # whose word on client and scheme is taken
    hosts: frozenset[str] = frozenset()  # names we answer to, without port; none: any
    secure: bool = False  # browsers come over TLS


class Shield:
    """Everything passes here, whatever answers behind it."""

    def __init__(self, app: App, reach: Reach, limits: DoorLimits) -> None:
        self._app, self._reach, self._limits = app, reach, limits
        self._buckets = Buckets(limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        scope = self._spoken_for(scope)
        refused = self._unfit(scope) or self._too_often(scope)
        if scope["type"] == "websocket":
            return await (self._shut(receive, send) if refused else self._app(scope, receive, send))
        send = self._with_headers(scope, send)
        if refused:
            return await refused.send(send)
        if scope["method"] in _SAFE:
            return await self._app(scope, receive, send)
        await _Body(self._limits, scope).passed(self._app, scope, receive, send)

    async def _shut(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.close", "code": 1008})

    # ---- whom a proxy speaks for
    def _spoken_for(self, scope: Scope) -> Scope:
        """The client and the scheme as a proxy of ours has them; what anybody else claims is left out, and nothing behind believes it."""
        given = _one(scope, b"x-forwarded-for"), _one(scope, b"x-forwarded-proto")
        headers = [(k, v) for k, v in scope["headers"] if not k.startswith(b"x-forwarded-") and k not in (b"forwarded", b"x-real-ip")]
        client = scope.get("client") or ("", 0)
        if not self._is_proxy(client[0]):
            return {**scope, "headers": headers}
        chain = [part.strip() for part in given[0].split(",") if part.strip()]
        while chain and self._is_proxy(client[0]):
            client = (_address(chain.pop()), 0)
        scheme = {"https": {"http": "https", "ws": "wss"}.get(scope["scheme"], scope["scheme"])}.get(given[1].lower(), scope["scheme"])
        return {**scope, "headers": headers, "client": client, "scheme": scheme}

    def _is_proxy(self, host: str) -> bool:
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self._reach.proxies)

    # ---- what no request may be
    def _unfit(self, scope: Scope) -> Problem | None:
        method, hosts = scope.get("method", "GET"), [v for k, v in scope["headers"] if k == b"host"]
        target = len(scope.get("raw_path") or scope["path"].encode()) + len(scope["query_string"])
        if method not in METHODS:
            return problem(405, "no such method here", headers=[(b"allow", ", ".join(METHODS).encode())])
        if target > self._limits.target_bytes:
            return problem(414, f"an address has at most {self._limits.target_bytes} bytes")
        if sum(len(k) + len(v) for k, v in scope["headers"]) > self._limits.header_bytes:
            return problem(431, f"headers have at most {self._limits.header_bytes} bytes together")
        if len(hosts) != 1 or not (named := _NAME.match(hosts[0].decode("latin-1"))):
            return problem(400, "a request names one host")
        if self._reach.hosts and named[1].lower() not in self._reach.hosts:
            return problem(421, f"this is not {named[1]}: known here are {', '.join(sorted(self._reach.hosts))}")
        if any(ord(c) < 32 or ord(c) == 127 for c in scope["path"]) or scope["path"].startswith("//"):
            return problem(400, "an address has no control characters and begins with one slash")
        if method not in _SAFE and _foreign(scope, hosts[0].decode("latin-1")):
            return problem(403, "only this product's own pages may do that")
        return None

    # ---- how many there may be
    def _too_often(self, scope: Scope) -> Problem | None:
        kind, now_s, address = _kind(scope), time.monotonic(), str((scope.get("client") or ("",))[0])
        if not kind:
            return None
        session = "" if kind in ("live", "sign_in") else _session(scope, self._reach.secure)
        wait = self._buckets.wait(address, "address", now_s) if session else 0.0  # a session can be made up, an address cannot
        wait = wait or self._buckets.wait(session or address, kind, now_s)
        if not wait:
            return None
        return problem(429, "too many requests; wait a little", headers=[(b"retry-after", str(int(wait) + 1).encode())])

    # ---- headers on every answer
    def _with_headers(self, scope: Scope, send: Send) -> Send:
        shared = scope["path"].startswith((ASSETS, SUITES))
        tls = (_TLS,) if self._reach.secure or scope["scheme"] == "https" else ()

        async def dressed(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": _dressed(message.get("headers", ()), shared, tls)}
            await send(message)

        return dressed


def _dressed(headers: Sequence[tuple[bytes, bytes]], shared: bool, tls: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Ours added where the answer has none; what is not the same for everybody is kept by no cache in between."""
    there = {name.lower() for name, _ in headers}
    kept = [(name, value) for name, value in headers if name.lower() != b"server"]
    if not shared:
        kept = [(name, value.replace(b"public", b"private") if name.lower() == b"cache-control" else value) for name, value in kept]
    wanted = [*_ALWAYS, *tls, (b"content-security-policy", _NO_PAGE), *(() if shared else ((b"cache-control", b"no-store"),))]
    return [*kept, *((name, value) for name, value in wanted if name not in there)]


class _Body:
    """A body comes in full, in time and no larger than what it is for; else the answer is 408 or 413, whoever waits for it."""

    def __init__(self, limits: DoorLimits, scope: Scope) -> None:
        self._most = limits.photo_bytes if _PHOTOS.match(scope["path"]) else limits.body_bytes
        self._until, self._seen, self._done = time.monotonic() + limits.body_s, 0, False
        self._wrong: Problem | None = None

    async def passed(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        announced = _one(scope, b"content-length")
        if announced.isdecimal() and int(announced) > self._most:
            return await self._too_large().send(send)
        answered = False

        async def taken() -> MutableMapping[str, Any]:
            return await self._next(receive)

        async def said(message: MutableMapping[str, Any]) -> None:
            nonlocal answered
            if self._wrong is None:
                answered = True
                await send(message)

        try:
            await app(scope, taken, said)
        except Exception:
            if self._wrong is None:
                raise
        if self._wrong and not answered:  # whatever was made of half a body
            await self._wrong.send(send)

    async def _next(self, receive: Receive) -> MutableMapping[str, Any]:
        if self._done:
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), max(0.0, self._until - time.monotonic()))
        except TimeoutError:
            return self._cut(problem(408, "the body did not come in time"))
        self._seen += len(message.get("body", b""))
        self._done = not message.get("more_body", False)
        return self._cut(self._too_large()) if self._seen > self._most else message

    def _cut(self, wrong: Problem) -> MutableMapping[str, Any]:
        self._wrong, self._done = wrong, True
        return {"type": "http.disconnect"}

    def _too_large(self) -> Problem:
        return problem(413, f"a body has at most {self._most} bytes here")


def _one(scope: Scope, name: bytes) -> str:
    """A header's values, joined as HTTP joins them."""
    return ", ".join(value.decode("latin-1") for key, value in scope["headers"] if key == name)


def _address(text: str) -> str:
    """An address out of X-Forwarded-For, without the port some proxies add; nonsense is nobody."""
    bare = text[1:].partition("]")[0] if text.startswith("[") else text.partition(":")[0] if text.count(":") == 1 else text
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return ""


def _foreign(scope: Scope, host: str) -> bool:
    """Whether a browser says that another site's page asks. Programs say nothing of the kind and bring no cookies."""
    site, origin = _one(scope, b"sec-fetch-site"), _one(scope, b"origin")
    return site not in ("", "same-origin", "none") or (bool(origin) and urlsplit(origin).netloc != host)


def _kind(scope: Scope) -> str:
    """Which limit counts; none for files everybody gets and for the watchmen's addresses."""
    path = scope["path"]
    if path.startswith((ASSETS, SUITES)) or path in ("/healthz", "/readyz"):
        return ""
    if scope["type"] == "websocket" or path == "/live/events":
        return "live"
    if path in _GUESSED and (scope["method"] == "POST" or scope["query_string"].startswith(b"code=")):
        return "sign_in"
    return "api" if path.startswith(("/api", "/export")) else "ask"


def _session(scope: Scope, secure: bool) -> str:
    """What stands for the session a request shows, not the session's own secret."""
    cookies = cookies_of(scope, secure)
    shown = cookies.get(SESSION) or cookies.get(WALL) or ""
    return shown and hashlib.blake2b(shown.encode(), digest_size=12).hexdigest()


def shielded(app: App, settings: Settings, day: date) -> Shield:
    """The application as strangers may reach it: by the names and through the proxies of this deployment."""
    access, names = settings.access, {*_LOOPBACK}
    if access.address:
        names.add(str(urlsplit(access.address).hostname))
    known = frozenset(names) if access.open or access.address else frozenset[str]()
    return Shield(app, Reach(settings.proxies, known, access.secure), load_door_limits(day))
