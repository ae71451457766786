"""The gate before the door: who a request is from, and whether the table of routes lets them ask for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote

from sqlalchemy.exc import SQLAlchemyError

from dashboard.access.who import Doorman
from dashboard.core.catalog import Catalog
from dashboard.core.clock import Clock
from dashboard.core.sight import Viewer
from dashboard.web.cookies import shown_by
from dashboard.web.denials import Denials, asked_beyond
from dashboard.web.live import SIGNED_OUT
from dashboard.web.problems import problem
from dashboard.web.routes import Policy, Routes
from dashboard.web.standing import Standing

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

SIGN_IN = "/sign-in"
NO_PAGE = "/404"  # shown alike for what is not there and for what is not theirs
_MACHINES = ("/api", "/export/", "/panels/", "/live", "/metrics", "/healthz", "/readyz", "/_", "/assets/")


@dataclass(frozen=True)
class Keepers:
    """Those who stand at the gate."""

    doorman: Doorman
    denials: Denials
    standing: Standing


class Gate:
    """Everything the server is asked passes here first, once; what goes on carries its viewer in `scope["state"]`."""

    def __init__(self, app: App, keepers: Keepers, routes: Routes, catalog: Catalog, clock: Clock, *, secure: bool) -> None:
        self._app, self._keepers, self._routes, self._catalog, self._clock = app, keepers, routes, catalog, clock
        self._secure = secure
        self._systems = {vital.path: key for key, vital in catalog.vitals.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._app(scope, self._with_standing(receive), send)
        shown, away = shown_by(scope, self._secure), False
        socket = scope["type"] == "websocket"
        method = "SOCKET" if socket else "GET" if scope["method"] == "HEAD" else scope["method"]
        found = self._routes.find(method, scope["path"])
        try:
            viewer = await self._keepers.doorman.greet(shown, self._clock.now(), touch=self._by_hand(method, found))
        except SQLAlchemyError:  # a store that is away has signed nobody out: screens must not be led to the sign-in
            viewer, away = None, True
        scope = {**scope, "state": {**scope.get("state", {}), "viewer": viewer, "shown": shown}}
        if found and found[1].public:
            return await self._app(scope, receive, send)
        if viewer is None:
            return await (_try_later if away else _turned_away)(scope, receive, send)
        if found is None:
            return await self._nowhere(scope, receive, send)
        await self._asked(scope, receive, send, viewer, *found)

    async def _asked(self, scope: Scope, receive: Receive, send: Send, viewer: Viewer, name: str, policy: Policy) -> None:
        """Something there is, by somebody we know."""
        if not policy.opens_to(viewer.sight.actions) or not self._shows(viewer, name):
            await self._keepers.denials.note(scope, "route", name)
            return await (self._nowhere if name in self._routes.pages else _refused)(scope, receive, send)
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        if beyond := asked_beyond(query, viewer.sight, self._catalog):
            await self._keepers.denials.note(scope, "beyond", f"{name} {beyond}")
        narrow = not viewer.sight.whole and name not in self._routes.pages and scope["type"] == "http"
        await self._app(scope, receive, self._minding(scope, send) if narrow else send)

    def _by_hand(self, method: str, found: tuple[str, Policy] | None) -> bool:
        """Whether a person did this: opened a page, sent something. What pages ask for by themselves keeps no session awake."""
        return found is not None and (found[0] in self._routes.pages or (method == "POST" and not found[0].startswith("POST /_")))

    def _shows(self, viewer: Viewer, page: str) -> bool:
        """A page of a vital system is there for those who see one of its domains."""
        vital = self._systems.get(page)
        return vital is None or vital in self._catalog.seen_by(viewer.sight).vitals

    async def _nowhere(self, scope: Scope, receive: Receive, send: Send) -> None:
        """No such address, or none for them: the same answer."""
        if scope["type"] == "websocket":
            await receive()
            return await send({"type": "websocket.close", "code": 1008})
        if scope["path"].startswith(_MACHINES) or scope["method"] not in ("GET", "HEAD"):
            return await problem(404, f"no such address: {scope['path']}").send(send)
        await self._app({**scope, "path": NO_PAGE, "raw_path": NO_PAGE.encode()}, receive, send)

    def _minding(self, scope: Scope, send: Send) -> Send:
        """Who sees a part of the city and asks for what is not in it is told that there is nothing; it is written down."""

        async def minding(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start" and message["status"] in (403, 404):
                await self._keepers.denials.note(scope, "nothing", scope["path"])
            await send(message)

        return minding

    def _with_standing(self, receive: Receive) -> Receive:
        async def told() -> MutableMapping[str, Any]:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._keepers.standing.start()
            elif message["type"] == "lifespan.shutdown":
                await self._keepers.standing.stop()
            return message

        return told


async def _turned_away(scope: Scope, receive: Receive, send: Send) -> None:
    """Nobody we know: pages lead to the sign-in, machines and screens are told."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})  # a browser learns the code of an open socket alone
        return await send({"type": "websocket.close", "code": SIGNED_OUT})
    if scope["path"].startswith(_MACHINES) or scope["method"] not in ("GET", "HEAD"):
        return await problem(401, "sign in first", headers=[(b"www-authenticate", b"Bearer")]).send(send)
    wanted = scope["path"] + (f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else "")
    to = f"{SIGN_IN}?next={quote(wanted, safe='')}".encode()
    await send({"type": "http.response.start", "status": 303, "headers": [(b"location", to), (b"cache-control", b"no-store")]})
    await send({"type": "http.response.body", "body": b""})


async def _try_later(scope: Scope, receive: Receive, send: Send) -> None:
    """Nobody can say who it is just now."""
    if scope["type"] == "websocket":
        await receive()
        return await send({"type": "websocket.close", "code": 1013})
    await problem(503, "the store does not answer", headers=[(b"retry-after", b"5")]).send(send)


async def _refused(scope: Scope, receive: Receive, send: Send) -> None:
    """Known, and not granted."""
    if scope["type"] == "websocket":
        await receive()
        return await send({"type": "websocket.close", "code": 1008})
    await problem(403, "this is not granted to your role").send(send)
