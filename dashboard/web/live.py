"""The live channel on the wire: a binary socket per screen, server-sent events where sockets do not pass, single GETs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from dashboard.core.errors import NotFoundError
from dashboard.core.sight import Sight
from dashboard.snapshot.view import View
from dashboard.web.content import Panels, Piece, is_panel_key
from dashboard.web.eyes import viewer_of
from dashboard.web.frames import GZIP_HEAD, event_text, shared_block
from dashboard.web.hub import MAX_PANELS, Client, Hub
from dashboard.web.problems import problem
from dashboard.web.renderer import Renderer
from dashboard.web.standing import Watch

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MAX_MESSAGE = 32_768  # bytes a screen may say at once
BURST, PER_SECOND = 30, 3.0  # subscriptions a screen may make: a burst of clicks, then a person's pace
ANSWER_S = 15.0  # a single panel must be made within this
TOO_BIG, NOT_ALLOWED, TRY_LATER, SIGNED_OUT = 1009, 1008, 1013, 4401


class Live:
    """Handles `/live`, `/live/events` and `/panels/…` in front of any framework: a screen costs a socket."""

    def __init__(self, hub: Hub, renderer: Renderer, panels: Panels, watch: Watch) -> None:
        self._hub, self._renderer, self._panels, self._watch = hub, renderer, panels, watch

    # ---- the socket

    async def socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One screen from handshake to goodbye."""
        await receive()
        client = self._hub.join() if same_origin(scope) else None
        if client is None:
            return await send({"type": "websocket.close", "code": NOT_ALLOWED})
        await send({"type": "websocket.accept"})
        self._watch.came(client, scope)
        pump = asyncio.create_task(self._pump(client, send))
        listen = asyncio.create_task(self._listen(client, receive, viewer_of(scope).sight))
        ended = asyncio.create_task(client.ended.wait())
        try:
            await asyncio.wait({listen, ended}, return_when=asyncio.FIRST_COMPLETED)
            code = SIGNED_OUT if ended.done() else listen.result()
            if code:
                await send({"type": "websocket.close", "code": code})
        finally:
            self._watch.left(client)
            self._hub.part(client)
            for task in (pump, listen, ended):
                task.cancel()
            await asyncio.gather(pump, listen, ended, return_exceptions=True)  # uvicorn's ClientDisconnected among them

    async def _listen(self, client: Client, receive: Receive, sight: Sight) -> int:
        """Take the screen's wishes; the code to close with, 0 when it has left by itself."""
        left, since = float(BURST), time.monotonic()
        while (message := await receive())["type"] != "websocket.disconnect":
            now = time.monotonic()
            left, since = min(BURST, left + (now - since) * PER_SECOND) - 1, now
            text = message.get("text") or ""
            if left < 0:
                return NOT_ALLOWED
            if len(text) > MAX_MESSAGE:
                return TOO_BIG
            wish = self._wish(text, sight)
            if wish is None:
                return NOT_ALLOWED
            if not self._hub.subscribe(client, *wish):
                return TRY_LATER
        return 0

    def _wish(self, text: str, sight: Sight) -> tuple[View, frozenset[str]] | None:
        """`{"panels": [...], "query": "scope=…"}`; None for anything else."""
        try:
            said = orjson.loads(text)
            panels, query = said["panels"], said["query"]
        except (orjson.JSONDecodeError, TypeError, KeyError):
            return None
        if not isinstance(panels, list) or not isinstance(query, str) or len(panels) > MAX_PANELS or not all(map(is_panel_key, panels)):
            return None
        return self._view(query, sight), frozenset(panels)

    async def _pump(self, client: Client, send: Send) -> None:
        traffic = self._hub.traffic
        while True:
            texts, frame = await client.next()
            for text in texts:
                await send({"type": "websocket.send", "text": text})
            if frame:
                await send({"type": "websocket.send", "bytes": frame.packed})
                traffic.frames += 1
                traffic.bytes += len(frame.packed)

    # ---- server-sent events

    async def events(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The same frames as text events, compressed in blocks everybody shares."""
        query = scope["query_string"].decode("latin-1")
        wanted = [p for name, value in parse_qsl(query) if name == "panels" for p in value.split(",")]
        if not wanted or len(wanted) > MAX_PANELS or not all(map(is_panel_key, wanted)):
            return await problem(400, "give panels=a,b,c: at most 64 known keys").send(send)
        client = self._hub.join() if same_origin(scope) else None
        if client is None or not self._hub.subscribe(client, self._view(query, viewer_of(scope).sight), frozenset(wanted)):
            if client:
                self._hub.part(client)
            return await problem(503, "no more screens can be served here").send(send)
        packed = b"gzip" in header(scope, b"accept-encoding")
        self._watch.came(client, scope)
        gone = asyncio.create_task(_gone(receive))
        stream = asyncio.create_task(self._stream(client, send, packed))
        ended = asyncio.create_task(client.ended.wait())
        try:
            await asyncio.wait({gone, stream, ended}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._watch.left(client)
            self._hub.part(client)
            for task in (gone, stream, ended):
                task.cancel()
            await asyncio.gather(gone, stream, ended, return_exceptions=True)

    async def _stream(self, client: Client, send: Send, packed: bool) -> None:
        headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]
        if packed:
            headers.append((b"content-encoding", b"gzip"))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if packed:
            await send({"type": "http.response.body", "body": GZIP_HEAD, "more_body": True})
        while True:
            texts, frame = await client.next()
            for text in texts:
                event = event_text(text.encode())
                await send({"type": "http.response.body", "body": shared_block(event) if packed else event, "more_body": True})
            if frame:
                body = frame.event_block if packed else frame.event
                await send({"type": "http.response.body", "body": body, "more_body": True})
                self._hub.traffic.frames += 1
                self._hub.traffic.bytes += len(body)

    # ---- single panels

    async def panel(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """`/panels/<panel>/latest` asks again each time; `/panels/<panel>/<version>` may be kept for ever."""
        key, _, version = scope["path"].removeprefix("/panels/").rpartition("/")
        if scope["method"] not in ("GET", "HEAD"):
            return await problem(405, "panels are read with GET", headers=[(b"allow", b"GET, HEAD")]).send(send)
        if not is_panel_key(key):
            return await problem(404, "no such panel").send(send)
        try:
            view = self._view(scope["query_string"].decode("latin-1"), viewer_of(scope).sight)
            piece = await asyncio.wait_for(asyncio.wrap_future(self._renderer.once(view, key)), ANSWER_S)
        except NotFoundError:
            return await problem(404, f"no panel {key!r}").send(send)
        except TimeoutError:
            return await problem(503, "the panel could not be made in time").send(send)
        if version not in ("latest", piece.version):
            return await problem(410, f"version {version!r} is no longer kept; ask for 'latest'").send(send)
        await _send_piece(scope, send, piece, keep=version != "latest")

    def _view(self, query: str, sight: Sight) -> View:
        return self._panels.parse(dict(parse_qsl(query.removeprefix("?"))), sight)


async def _send_piece(scope: Scope, send: Send, piece: Piece, keep: bool) -> None:
    packed = b"gzip" in header(scope, b"accept-encoding")
    body = piece.packed if packed else piece.body
    etag = f'"{piece.version}"'.encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"etag", etag),
        (b"vary", b"accept-encoding, cookie, authorization"),
        (b"cache-control", b"private, max-age=31536000, immutable" if keep else b"private, no-cache"),
    ]
    if header(scope, b"if-none-match") == etag:
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        return await send({"type": "http.response.body", "body": b""})
    if packed:
        headers.append((b"content-encoding", b"gzip"))
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass  # what comes first is the empty request body, not the farewell


def header(scope: Scope, name: bytes) -> bytes:
    """A request header's value, empty if absent."""
    return next((value for key, value in scope["headers"] if key == name), b"")


def same_origin(scope: Scope) -> bool:
    """Whether a browser page of ours asks; programs send no origin and are let in, other sites' pages are not."""
    origin = header(scope, b"origin")
    return not origin or urlsplit(origin.decode("latin-1")).netloc == header(scope, b"host").decode("latin-1")
