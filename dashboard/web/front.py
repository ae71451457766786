"""The door: what every request meets first. Fast paths without a framework, machines' addresses, then Dash with its headers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from dashboard.web.hub import Hub
from dashboard.web.live import Live
from dashboard.web.static import ASSETS, SUITES, Static

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MACHINE_PATHS = ("/healthz", "/readyz", "/metrics")
DOOR_PATHS = ("/sign-in", "/sign-out", "/account", "/accounts", "/enrol", "/demo/as", "/who")
MAX_BODY = 1_000_000  # bytes a page may post: callbacks are small here


def content_policy(script_hashes: list[str]) -> str:
    """Only our own files, and the inline scripts Dash itself writes, by hash. Charts set styles inline and start blob workers."""
    return "; ".join(
        (
            "default-src 'self'",
            "script-src 'self' " + " ".join(script_hashes),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self' data: blob:",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'self'",
        )
    )


class Front:
    """The whole application as the server sees it."""

    def __init__(
        self, pages: App, machines: App, live: Live, hub: Hub, static: Static, known: frozenset[str], policy: str, doors: App | None = None
    ) -> None:
        self._pages, self._machines, self._live, self._hub, self._static = pages, machines, live, hub, static
        self._doors = doors or pages
        self._known = known
        self._headers = (
            (b"content-security-policy", policy.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"same-origin"),
            (b"cross-origin-opener-policy", b"same-origin"),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._pages(scope, self._with_our_own(receive), send)
        path: str = scope["path"]
        if scope["type"] == "websocket":
            if path == "/live":
                return await self._live.socket(scope, receive, send)
            await receive()
            return await send({"type": "websocket.close", "code": 1008})
        if path == "/live/events":
            return await self._live.events(scope, receive, send)
        if path.startswith("/panels/"):
            return await self._live.panel(scope, receive, send)
        if path.startswith((ASSETS, SUITES)):
            return await self._static.serve(scope, receive, send)
        if scope["method"] == "HEAD":  # what follows answers GET alone; a monitor may ask for the head only
            scope, send = {**scope, "method": "GET"}, _headless(send)
        if path.startswith(("/api", "/export/")) or path in MACHINE_PATHS:
            return await self._machines(scope, receive, self._guarded(send, 0))
        if path in DOOR_PATHS or path.startswith("/oidc/"):
            return await self._doors(scope, receive, self._guarded(send, 0))
        unknown = not path.startswith("/_") and (path.rstrip("/") or "/") not in self._known
        await self._pages(scope, _bounded(receive), self._guarded(send, 404 if unknown else 0))

    def _with_our_own(self, receive: Receive) -> Receive:
        """Start and stop the live channel together with the server."""

        async def told() -> MutableMapping[str, Any]:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._hub.start()
                self._static.start()
            elif message["type"] == "lifespan.shutdown":
                await self._static.stop()
                await self._hub.stop()
            return message

        return told

    def _guarded(self, send: Send, status: int) -> Send:
        """Our headers on every answer; an address that is no page says 404, though Dash would draw its frame with a 200."""

        async def guarded(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *self._headers]}
                if status and message["status"] == 200:
                    message["status"] = status
            await send(message)

        return guarded


def _headless(send: Send) -> Send:
    async def without_body(message: MutableMapping[str, Any]) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return without_body


def _bounded(receive: Receive) -> Receive:
    """Cut off a body nobody here would send: the page's own posts are a few kilobytes."""
    seen = 0

    async def bounded() -> MutableMapping[str, Any]:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        return {"type": "http.disconnect"} if seen > MAX_BODY else message

    return bounded
