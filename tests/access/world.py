"""Every kind of viewer before the whole application, everything they may ask of it, and a tally of what they were told."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from dashboard.access.who import Doorman, Shown
from dashboard.app import Parts, create_app, found_pages
from dashboard.core.catalog import Catalog
from dashboard.core.clock import SteppedClock
from dashboard.core.sight import Action, Viewer
from dashboard.web.gate import Gate
from dashboard.web.shell import layout
from tests.access.canaries import PLACES, Canaries, alert_of, asset_of, token
from tests.whole_city import EAST, MIDDLE, NOON, WEST

OTHER_STREETS = ("bridges", "tunnels", "slopes")
GRANTS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {  # name → role, domains, streets
    "wall": ("wall", (), ()),
    "viewer": ("viewer", (), ()),
    "leader": ("leader", (), ()),
    "operator-air": ("operator", ("air",), ()),
    "head-bridges": ("head", ("bridges",), ()),
    "head-skeleton": ("head", OTHER_STREETS, ()),
    "head-rentals-east": ("head", ("rentals",), (EAST.code,)),
    "head-nothing": ("head", (), ()),
    "street-east": ("street", (), (EAST.code,)),
    "street-two": ("street", (), (MIDDLE.code, WEST.code)),
    "street-east-water": ("street", ("water", "flood"), (EAST.code,)),
    "street-nothing": ("street", (), ()),
    "wall-east": ("wall", (), (EAST.code,)),
    "security_admin": ("security_admin", (), ()),
    "auditor": ("auditor", (), ()),
    "system_admin": ("system_admin", (), ()),
    "nobody": ("", (), ()),
}
SEES_MUCH = ("leader", "viewer")
CITYLESS = ("security_admin", "auditor", "head-nothing", "street-nothing", "nobody")


class Roster(Doorman):
    """Knows everybody by their name alone: `Authorization: Bearer street-east`."""

    def __init__(self, catalog: Catalog) -> None:
        self._known = {}
        self.viewers = {
            name: Viewer(name, catalog.roles[role], catalog.roles[role].sight(domains, streets), name)
            for name, (role, domains, streets) in GRANTS.items()
            if role
        }

    def _seen(self, shown: Shown, now: Any, touch: bool) -> Viewer | None:
        return self.viewers.get(shown.bearer)


@dataclass
class Answer:
    status: int
    headers: dict[bytes, bytes]
    body: bytes

    @property
    def text(self) -> str:
        body = gzip.decompress(self.body) if self.headers.get(b"content-encoding") == b"gzip" else self.body
        return body.decode("utf-8", "replace")


_ASSETS = re.compile("azq[0-9]{2}s[0-9]qz")


def without(text: str, address: str) -> str:
    """An answer without what was asked, which a refusal repeats, and without what Dash makes up anew for each page."""
    text = re.sub(r'<script id="_dash-config".*?</script>', "", text)
    for asked in sorted({part for part in re.split("[/?=&:.]", address) if len(part) > 1 or part.isdigit()}, key=len, reverse=True):
        text = text.replace(asked, "·")
    return text


@dataclass
class World:
    """The city of canaries behind its gate, and a count of what was asked."""

    made: Canaries
    roster: Roster
    gate: Gate
    asked: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    seen: dict[str, set[tuple[int, int]]] = field(default_factory=dict)

    async def ask(self, who: str, address: str, method: str = "GET", body: bytes = b"", **headers: str) -> Answer:
        path, _, query = address.partition("?")
        given = [
            (b"host", b"cockpit"),
            (b"authorization", f"Bearer {who}".encode()),
            *((k.encode(), v.encode()) for k, v in headers.items()),
        ]
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": given,
        }
        scope |= {"client": ("10.0.0.9", 1), "server": ("cockpit", 80), "scheme": "http", "http_version": "1.1", "root_path": ""}
        told, sent = Answer(0, {}, b""), False

        async def receive() -> dict[str, Any]:
            nonlocal sent
            if sent:
                await asyncio.sleep(3600)
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                told.status, told.headers = message["status"], dict(message["headers"])
            else:
                told.body += message.get("body", b"")

        await self.gate(scope, receive, send)
        return told

    async def look(self, who: str, address: str, **more: Any) -> Answer:
        """Ask, count, and note whatever is not theirs."""
        told = await self.ask(who, address, **more)
        text = told.text if told.status < 400 else without(told.text, address)
        text = re.sub("|".join(map(re.escape, set(_ASSETS.findall(unquote(address))))) or "$.", "", text)  # a link repeats what is picked
        self.judge(who, address, text, public=address.startswith("/api/v1/cap"))
        if told.status >= 500:
            self.wrong.append(f"{who} {address[:90]}: {told.status}")
        return told

    def judge(self, who: str, about: str, text: str, *, public: bool = False) -> None:
        viewer = self.roster.viewers.get(who)
        self.asked[who] += 1
        if viewer and (viewer.sight.may(Action.SOURCES) or (viewer.sight.may(Action.AUDIT) and "audit" in about)):
            return  # their duty: how sources run, what was asked in vain
        self.seen.setdefault(who, set()).update(self.made.found(text))
        if viewer is None:
            leaks = [] if public else [f"{found}" for found in sorted(self.made.found(text))]
        else:
            leaks = self.made.leaks(text, viewer.sight, public=public)
        self.wrong += [f"{who} {about[:90]}: {leak}" for leak in leaks[:2]]


@asynccontextmanager
async def opened(made: Canaries) -> AsyncIterator[World]:
    """The whole application, in process, with its render thread."""
    town = made.town
    roster = Roster(town.catalog)
    drawn = lambda: layout(town.catalog, town.settings)  # noqa: E731
    gate = create_app(Parts(town.settings, town.catalog, town.engine, town.panels, drawn, found_pages(), SteppedClock(NOON), roster))
    stop, started = asyncio.Event(), asyncio.Event()
    inbox = iter(("lifespan.startup", "lifespan.shutdown"))

    async def receive() -> dict[str, str]:
        message = next(inbox)
        if message.endswith("shutdown"):
            await stop.wait()
        return {"type": message}

    async def send(message: Any) -> None:
        started.set()

    running = asyncio.create_task(gate({"type": "lifespan", "asgi": {}, "state": {}}, receive, send))
    await asyncio.wait_for(started.wait(), 10)
    try:
        yield World(made, roster, gate)
    finally:
        stop.set()
        await asyncio.wait_for(running, 10)


def with_world(made: Canaries, play: Callable[[World], Awaitable[None]]) -> World:
    async def whole() -> World:
        async with opened(made) as world:
            await play(world)
            return world

    return asyncio.run(whole())


async def watched(world: World, who: str, panels: list[str], query: str) -> tuple[list[int], dict[str, Any]]:
    """A screen's socket: the codes it was closed with, and the panels it was sent."""
    wish = json.dumps({"panels": panels, "query": query})
    said, frames, closed, open_ = asyncio.Queue[dict[str, Any]](), dict[str, Any](), list[int](), asyncio.Event()
    said.put_nowait({"type": "websocket.connect"})
    said.put_nowait({"type": "websocket.receive", "text": wish})

    async def send(message: Any) -> None:
        if message["type"] == "websocket.close":
            closed.append(message["code"])
            open_.set()
        elif message.get("bytes"):
            frames.update(json.loads(gzip.decompress(message["bytes"]))["panels"])
            if set(frames) >= set(panels):
                open_.set()

    headers = [(b"host", b"cockpit"), (b"authorization", f"Bearer {who}".encode())]
    scope = {"type": "websocket", "path": "/live", "query_string": b"", "headers": headers, "client": ("10.0.0.9", 1)}
    task = asyncio.create_task(world.gate(scope, said.get, send))
    with contextlib.suppress(TimeoutError):  # some of the panels are not for them
        await asyncio.wait_for(open_.wait(), 2.0)
    said.put_nowait({"type": "websocket.disconnect"})
    await asyncio.wait_for(task, 5)
    return closed, frames


# ---- what is asked
def drawers(made: Canaries) -> list[str]:
    """One of everything that opens, of every domain in three places."""
    catalog, found = made.town.catalog, [f"explain:{key}" for key in made.indices[:4]]
    for whose, (key, domain) in enumerate(catalog.domains.items()):
        found += [f"explain:{key}.{k.key}" for k in domain.kpis[:1]] + [f"rule:{key}.{r.key}" for r in domain.rules[:1]]
        found += [f"cases:{f.table.name}" for f in domain.feeds if f.table is not None and "case_id" in f.table.c][:1]
        found += [f"{kind}:{alert_of(whose, 1)}" for kind in ("situation", "silenced", "silence")] if whose < 4 else []
        found += [f"alert:{alert_of(whose, where)}" for where in (0, 1, 3)]
        found += [f"asset:{key}/{asset_of(whose, where)}" for where in (1, 3)]
    return found + [f"pull:{pull}" for pull in list(made.town.settings.pulls)[::12]]


def placed() -> list[str]:
    return sorted(
        {panel for page in found_pages() for surface in ("wall", "desk", "phone") for panel in page.panels(surface)} | {"nav", "notices"}
    )


def tampered(made: Canaries) -> list[str]:
    """Queries that ask for what most are not given, honestly and otherwise."""
    every = "+".join(sorted(code for code in PLACES if code))
    theirs = f"bridges/{asset_of(list(made.domains).index('bridges'), 2)}"
    return [
        "",
        "lang=en",
        f"scope={WEST.code}",
        f"scope={every}",
        f"scope={quote(every)}",
        f"scope={quote(quote(every))}",
        f"scope={EAST.code}&scope={WEST.code}",
        f"scope[]={WEST.code}&scope=district",
        "scope=*",
        "scope=%25",
        f"scope={WEST.code}%00",
        "scope=" + "9" * 5000,
        f"SCOPE={WEST.code}&Scope=district",
        "system=bridges",
        "system=BRIDGES&system=immunity",
        f"asset={quote(theirs, safe='')}",
        f"asset={quote('air/../' + theirs, safe='')}",
        "asset=bridges.worst_joint&system=skeleton",
        "asset=air.pm25",
        "at=20260520T033000Z",
        "t0=20260520T000000Z&t1=20260520T040000Z&level=red",
        "sight=*&viewer=leader&role=desk&domains=*&actions=see,rows,export",
    ]


def machine_addresses(made: Canaries) -> list[str]:
    found = [
        "/api/v1/status",
        "/api/v1/sources?limit=1000",
        "/metrics",
        "/api/v1/openapi.json",
        "/api/v1/cap",
        "/who",
        "/healthz",
        "/readyz",
    ]
    found += ["/api/v1/silences", "/api/v1/silences?state=over", "/api/v1/situations?state=all&limit=200"]
    found += ["/_dash-layout", "/_dash-dependencies", "/accounts", "/audit", *(page.path for page in found_pages())]
    found += [
        "/api/v1/kpis?limit=1000",
        "/api/v1/kpis?at=2026-05-20T03:30:00Z",
        "/api/v1/alerts?state=all&limit=1000",
        "/api/v1/assets.geojson",
    ]
    for code in (EAST.code, WEST.code):
        found += [
            f"/api/v1/kpis?scope={code}&limit=1000",
            f"/api/v1/alerts?street={code}",
            f"/api/v1/alerts?street={code}&street={WEST.code}",
        ]
    for whose, key in enumerate(made.domains):
        found += [f"/api/v1/alerts?domain={key}&state=all", f"/api/v1/assets.geojson?domain={key}", f"/export/cases/{key}.csv"]
        for where in (0, 3):
            metric = next((m for d, m in made.town.catalog.metrics if d == key), "none")
            found.append(f"/api/v1/series/{asset_of(whose, where)}/{metric}?from=2026-05-19T00:00:00Z&to=2026-05-21T00:00:00Z")
            found += [
                f"/api/v1/alerts/{alert_of(whose, where)}/photos/{alert_of(whose, where):064x}",
                f"/api/v1/cap/YZ-{token(whose, where)}.1",
            ]
    return found


def exports(made: Canaries) -> list[str]:
    tables = [f.table.name for d in made.town.catalog.domains.values() for f in d.feeds if f.table is not None and "case_id" in f.table.c]
    return [
        "/export/alerts.csv",
        *(f"/export/readings/{v}.csv" for v in made.town.catalog.vitals),
        *(f"/export/cases/{t}.csv" for t in tables[::2]),
    ]


def judged(world: World) -> None:
    assert world.wrong == [], f"{len(world.wrong)} leaks, the first: {world.wrong[:12]}"
