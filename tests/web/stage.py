"""A small store, panels that show what is in it, and a real server on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from dashboard.access.who import Doorman, Shown
from dashboard.core.declare import Text
from dashboard.core.errors import NotFoundError
from dashboard.core.sight import EVERYTHING, Role, Sight, Viewer
from dashboard.snapshot.view import View, parse_view
from dashboard.store.engine import writing
from dashboard.store.schema import kpi_latest
from dashboard.store.topics import bump
from dashboard.web.hub import Client, Hub
from dashboard.web.live import MAX_MESSAGE
from dashboard.web.renderer import Renderer

START = datetime(2025, 6, 18, 6, 32, tzinfo=UTC)
ON_BOTH = pytest.mark.parametrize("store_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
STREETS = frozenset({"500103003", "500103010"})


@dataclass
class City:
    """A store with one number in it, which a test may change."""

    engine: sa.Engine

    def set(self, key: str, value: float, *topics: str) -> None:
        """Write a KPI and say which topics moved, as the worker does: in one transaction."""
        row = {"kpi": key, "scope": "district", "value": value, "completeness": 1.0, "freshness": "fresh", "computed_at": START}
        with writing(self.engine).begin() as conn:
            conn.execute(sa.delete(kpi_latest).where(kpi_latest.c.kpi == key))
            conn.execute(sa.insert(kpi_latest).values(**row))
            bump(conn, topics or ("kpi:test",), START)

    def get(self, key: str) -> float | None:
        with self.engine.connect() as conn:
            return conn.scalar(sa.select(kpi_latest.c.value).where(kpi_latest.c.kpi == key))


@dataclass
class NumberPanels:
    """Panels `number:<kpi>`: the KPI's value as HTML. `broken` cannot be made; anything else is unknown."""

    city: City
    made: list[str] = field(default_factory=list)

    def content(self, panel: str, view: View, now: datetime) -> dict[str, Any]:
        self.made.append(f"{panel} {view.key}")
        kind, _, key = panel.partition(":")
        if kind == "broken" and self.city.get("broken"):
            raise ZeroDivisionError("no denominators today")
        if kind not in ("number", "figure", "broken"):
            raise NotFoundError(f"no panel {panel!r}")
        body: dict[str, Any] = {"html": f"<b>{self.city.get(key)}</b> {view.lang}"}
        return body | {"figure": {"data": [], "layout": {"title": {"text": key}}}} if kind == "figure" else body

    def topics(self, panel: str) -> frozenset[str]:
        return frozenset({"kpi:other"}) if panel.endswith("other") else frozenset({"kpi:test"})

    def parse(self, query: Mapping[str, str], sight: Sight) -> View:
        return parse_view(query, STREETS, frozenset({"skeleton"}), sight)


def viewer(sight: Sight = EVERYTHING, name: str = "desk") -> Viewer:
    """Somebody the gate let in."""
    return Viewer(name, Role("desk", Text("值班", "Duty"), sight.actions, sight.masks), sight)


def let_in(app: Any, sight: Sight = EVERYTHING, name: str = "desk") -> Any:
    """An application behind a gate that lets one viewer in."""

    async def gate(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "state": {"viewer": viewer(sight, name)}}, receive, send)

    return gate


class AllIn(Doorman):
    """Takes everybody for one viewer, until that one is nobody any more."""

    def __init__(self, sight: Sight = EVERYTHING) -> None:
        self.one: Viewer | None = viewer(sight)
        self._known = {}

    def _seen(self, shown: Shown, now: datetime, touch: bool) -> Viewer | None:
        return self.one


class Unwatched:
    """Screens nobody looks after."""

    def came(self, client: Client, scope: Any) -> None:
        pass

    def left(self, client: Client) -> None:
        pass


async def a_page(scope: Any, receive: Any, send: Any) -> None:
    """Stands for the pages' framework."""
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"]
            await send({"type": f"{kind}.complete"})
            if kind == "lifespan.shutdown":
                return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
    await send({"type": "http.response.body", "body": b"<html></html>"})


@dataclass
class House:
    """A front on the test's store, and its parts."""

    front: Any  # an application
    hub: Hub
    renderer: Renderer
    panels: NumberPanels


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[int]:
    """The application on a real server; yields its port."""
    told = {"log_level": "warning", "ws_per_message_deflate": False, "ws_max_size": 2 * MAX_MESSAGE, "timeout_graceful_shutdown": 1}
    config = uvicorn.Config(app, host="127.0.0.1", port=0, **told)  # type: ignore[arg-type]
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    started = asyncio.Event()
    real = server.startup

    async def startup(sockets: Any = None) -> None:
        await real(sockets=sockets)
        started.set()

    server.startup = startup  # type: ignore[method-assign]
    task = asyncio.create_task(server._serve())
    ready = asyncio.create_task(started.wait())
    await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED, timeout=10)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        ready.cancel()
        server.should_exit = True
        await asyncio.wait_for(task, 10)


class Screen:
    """A browser's end of the socket."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.beats: list[dict[str, Any]] = []

    async def show(self, *panels: str, query: str = "") -> None:
        await self._socket.send(json.dumps({"panels": list(panels), "query": query}))

    async def say(self, text: str) -> None:
        await self._socket.send(text)

    async def frame(self) -> dict[str, Any]:
        """The next picture; heartbeats are put aside."""
        while True:
            message = await asyncio.wait_for(self._socket.recv(), 5)
            if isinstance(message, bytes):
                return dict(json.loads(gzip.decompress(message)))
            told = json.loads(message)
            if "pulse" in told:
                self.beats.append(told)

    async def text(self) -> dict[str, Any]:
        """The next thing said in words."""
        while True:
            message = await asyncio.wait_for(self._socket.recv(), 5)
            if isinstance(message, str):
                return dict(json.loads(message))

    async def closed_with(self) -> int:
        with contextlib.suppress(ConnectionClosed):
            async for _ in self._socket:
                pass
        return int(self._socket.close_code or 0)


@asynccontextmanager
async def screen(port: int, **options: Any) -> AsyncIterator[Screen]:
    async with connect(f"ws://127.0.0.1:{port}/live", compression=None, proxy=None, **options) as socket:
        yield Screen(socket)


class Web:
    """A program that talks to an application in process."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def get(self, address: str, **options: Any) -> httpx.Response:
        return self.ask("GET", address, **options)

    def post(self, address: str, **options: Any) -> httpx.Response:
        return self.ask("POST", address, **options)

    def ask(self, method: str, address: str, **options: Any) -> httpx.Response:
        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://cockpit") as client:
                return await client.request(method, address, **options)

        return asyncio.run(once())


def in_loop(test: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end, on a loop of its own."""
    asyncio.run(test)
