"""create_app: the declared city and its store become one ASGI application."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import importlib
import inspect
import os
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import dash
import sqlalchemy as sa
from dash import html
from dash.backends._fastapi import FastAPIDashServer
from fastapi import FastAPI

import pages
from dashboard import __version__
from dashboard.access.lodge import open_lodge
from dashboard.access.who import Doorman
from dashboard.core.catalog import Catalog, load_catalog
from dashboard.core.clock import Clock, SystemClock
from dashboard.core.errors import DeclarationError
from dashboard.core.times import city_day
from dashboard.geo.layers import use_stored_streets
from dashboard.panels.screens import CityPanels
from dashboard.settings import Settings
from dashboard.store.engine import open_store
from dashboard.store.migrate import require_current
from dashboard.web.accounts import doors
from dashboard.web.api import House, machines
from dashboard.web.content import Panels
from dashboard.web.denials import Denials
from dashboard.web.front import Front, content_policy
from dashboard.web.gate import Gate, Keepers
from dashboard.web.hub import Hub
from dashboard.web.live import Live
from dashboard.web.metrics import Metrics
from dashboard.web.pulse import Pulse
from dashboard.web.renderer import Renderer
from dashboard.web.routes import Routes, needing, served_by
from dashboard.web.routing import understood
from dashboard.web.shell import INDEX, layout
from dashboard.web.shield import Shield, shielded
from dashboard.web.standing import Standing
from dashboard.web.static import Static
from dashboard.web.visit import genuine

ROOT = Path(__file__).resolve().parents[1]
ASSETS = ROOT / "assets"


@dataclass(frozen=True)
class Parts:
    """What an application is put together from; tests bring their own panels and clock."""

    settings: Settings
    catalog: Catalog
    engine: sa.Engine
    panels: Panels
    layout: Callable[[], Any]
    pages: Sequence[Any]  # PAGE values: path, title, layout()
    clock: Clock
    doorman: Doorman | None = None  # None: the deployment's own


def create_app(parts: Parts) -> Gate:
    """The application a server runs. Nothing starts before the server does. Raises DeclarationError for an address without a policy."""
    renderer = Renderer(parts.panels, Pulse(parts.engine), parts.clock)
    hub = Hub(renderer, parts.clock, build_id())
    lodge = open_lodge(parts.settings, parts.catalog, parts.engine, city_day(parts.clock.now()))
    keepers = _keepers(parts, parts.doorman or lodge.doorman, renderer)
    server = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    drawn = _dash(server, parts)
    metrics = Metrics(parts.engine, hub, renderer)
    machine = machines(House(parts.settings, parts.catalog, parts.engine, parts.clock, hub, renderer, metrics))
    way_in, secure = doors(parts.settings, lodge, parts.clock), parts.settings.access.secure
    front = Front(
        understood(server),
        genuine(machine, lodge.desk.seal, secure),
        Live(hub, renderer, parts.panels, keepers.standing),
        hub,
        Static(ASSETS, drawn.registered_paths, parts.settings.home / "var" / "static"),
        frozenset(page.path for page in parts.pages),
        content_policy(list(drawn.csp_hashes())),
        way_in,
    )
    routes = Routes({page.path: needing(*page.needs) for page in parts.pages})
    if missing := routes.missing([*served_by(server), *served_by(machine), *served_by(way_in)]):
        raise DeclarationError(f"no policy in web/routes.py for: {', '.join(missing)}")
    return Gate(front, keepers, routes, parts.catalog, parts.clock, secure=secure)


def _keepers(parts: Parts, doorman: Doorman, renderer: Renderer) -> Keepers:
    denials = Denials(parts.engine, parts.clock)
    return Keepers(doorman, denials, Standing(doorman, denials, renderer, parts.clock))


def open_app(settings: Settings) -> Shield:
    """The application of this deployment, on its own store. Raises ConfigurationError for one that was not migrated."""
    catalog, engine, stand = load_catalog(), open_store(settings.store_url, settings.audit_key), found_pages()
    with contextlib.suppress(sa.exc.DBAPIError):  # a store that is away comes back; until then the sketch of the streets serves
        require_current(engine)
        with engine.connect() as conn:
            use_stored_streets(conn)
    parts = Parts(
        settings=settings,
        catalog=catalog,
        engine=engine,
        panels=CityPanels(settings, catalog, engine),
        layout=lambda: layout(catalog, settings),
        pages=stand,
        clock=SystemClock(),
    )
    return shielded(create_app(parts), settings, city_day(parts.clock.now()))


def _dash(server: FastAPI, parts: Parts) -> dash.Dash:
    """Dash on our server: our pages, our socket instead of its own."""
    FastAPIDashServer.websocket_capability = False  # else every page opens a socket that nothing here uses
    dash.page_registry.clear()  # Dash keeps pages in a global; a second application in this process starts clean
    untyped: Any = dash  # its annotations know Flask only
    app: dash.Dash = untyped.Dash(
        "dashboard",
        backend="fastapi",
        server=server,
        assets_folder=str(ASSETS),
        assets_ignore=r"^\..*",
        pages_folder="",
        use_pages=True,
        update_title=None,
        include_pages_meta=False,  # it would repeat the address it was asked by
        index_string=INDEX,
        suppress_callback_exceptions=True,  # pages come and go; ids are checked by a test instead
        title="城市生命体",
    )
    for order, page in enumerate(parts.pages):
        name = f"pages.{page.path.strip('/') or 'overview'}"
        untyped.register_page(name, path=page.path, title=_title(page), layout=page.layout, order=order)
    untyped.register_page("pages.not_found_404", path="/404", title="没有这一页", layout=no_such_page)
    app.layout = parts.layout
    _set_up(app)
    return app


def _set_up(app: Any) -> None:
    """What Dash leaves to the first request is done now: two first requests at once would race, and scripts it writes must have hashes."""
    for hook in app.backend._before_request_funcs:
        begun = hook()
        if inspect.isawaitable(begun):
            with ThreadPoolExecutor(1) as aside:  # we may be inside a running loop
                aside.submit(asyncio.run, begun).result()  # type: ignore[arg-type]
    app.backend._setup_catchall()  # else deep links work only on servers that send lifespan events


def no_such_page(**_query: Any) -> html.Div:
    """For an address that is none of ours."""
    words = [html.P("没有这一页"), html.P("No such page", lang="en"), html.A("总览 Overview", href="/")]
    return html.Div(words, className="page state state-empty")


def _title(page: Any) -> str:
    return f"{page.title('zh')} · 城市生命体"


def found_pages(package: ModuleType = pages) -> list[Any]:
    """Every PAGE of the package, the overview first."""
    modules = [importlib.import_module(f"{package.__name__}.{info.name}") for info in pkgutil.iter_modules(package.__path__)]
    return sorted((m.PAGE for m in modules if hasattr(m, "PAGE")), key=lambda page: (page.path != "/", page.path))


def build_id(environ: dict[str, str] | None = None) -> str:
    """Names what is running: when it changes, screens load themselves anew."""
    given = (environ if environ is not None else os.environ).get("COCKPIT_BUILD")
    if given:
        return given
    digest = hashlib.blake2b(__version__.encode(), digest_size=8)
    for file in _shipped():
        stat = file.stat()
        digest.update(f"{file.relative_to(ROOT)} {stat.st_mtime_ns} {stat.st_size}\n".encode())
    return f"{__version__}+{digest.hexdigest()}"


def _shipped() -> Iterator[Path]:
    for folder in ("assets", "dashboard", "data_sources", "pages"):
        yield from sorted(f for f in (ROOT / folder).rglob("*") if f.is_file() and f.suffix != ".pyc")
