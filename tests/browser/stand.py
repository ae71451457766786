"""A city small enough to build in seconds, its web server as a process of its own, and a screen's view of it."""

from __future__ import annotations

import dataclasses
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlparse

import sqlalchemy as sa
from playwright.sync_api import ConsoleMessage, Page, Request, Response, WebSocket

from dashboard.alerting.evaluate import evaluate
from dashboard.core.catalog import load_catalog
from dashboard.core.tables import metadata
from dashboard.core.times import CITY_ZONE
from dashboard.demo import build_demo
from dashboard.kpi.compute import compute
from dashboard.pull.run import run_pull
from dashboard.settings import Settings
from dashboard.store.engine import open_store, writing
from dashboard.store.migrate import migrate
from dashboard.store.schema import kpi_latest
from dashboard.store.topics import bump
from tests.demo_city import ROOT, SEED, settings_in

GASSED = ("HFC0021", "HFC0050", "HFC0096")  # tanks of different streets that fill with methane in the last minutes
MOVED = "vital.metabolism"  # the number that leads the metabolism page, shown without decimals
CHROMIUM = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
)


def build_city(home: Path) -> Settings:
    """The sensor platform up to this minute, pulled, computed and watched: two vital systems and at least three alerts."""
    now = datetime.now(UTC)
    settings = settings_in(home)
    build_demo(settings, now, SEED, fresh=False, only=["sensors"], report=lambda _line: None)
    _fill_with_gas(settings.sources["sensors"].url, now)
    pulls = {
        key: dataclasses.replace(pull, backfill=timedelta(minutes=30) if pull.backfill else None)
        for key, pull in settings.pulls.items()
        if pull.source == "sensors"
    }
    small = dataclasses.replace(settings, pulls=pulls)
    engine, catalog = open_store(settings.store_url), load_catalog()
    migrate(engine, metadata)
    for key in pulls:
        outcome = run_pull(engine, catalog, small, key, now)
        assert outcome.outcome == "ok", outcome
    compute(engine, catalog, small, now)
    evaluate(engine, catalog, small, now)
    engine.dispose()
    return settings


def _fill_with_gas(url: str, now: datetime) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as conn:
        areas = {row[0]: row[1] for row in conn.exec_driver_sql("SELECT 设施编号, 片区 FROM 化粪池监测数据 GROUP BY 设施编号")}
        for minute in range(8, 0, -1):
            at = f"{(now - timedelta(minutes=minute)).astimezone(CITY_ZONE):%Y-%m-%d %H:%M:%S}"
            rows = [(at, tank, at, areas[tank], 61.0 + i, 0.4, 1.0, 0.0, 0.0, 20.6, 50.0, 0) for i, tank in enumerate(GASSED)]
            conn.exec_driver_sql("INSERT OR REPLACE INTO 化粪池监测数据 VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", rows)
    engine.dispose()


def copy_city(settings: Settings, home: Path) -> Settings:
    """The same city for a test that changes it."""
    copy = settings_in(home)
    source, place = (Path(str(sa.make_url(s.store_url).database)) for s in (settings, copy))
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, place)
    half = shutil.ignore_patterns("*.br.*", "*.gzip.*")  # files the running server is still compressing
    shutil.copytree(settings.home / "var" / "static", home / "var" / "static", ignore=half, dirs_exist_ok=True)
    return copy


def move(settings: Settings, value: float) -> None:
    """A number changes in the store, as the worker changes it."""
    engine, now = open_store(settings.store_url), datetime.now(UTC)
    here = sa.and_(kpi_latest.c.kpi == MOVED, kpi_latest.c.scope == "district")
    with writing(engine).begin() as conn:
        conn.execute(sa.update(kpi_latest).where(here).values(value=value, computed_at=now))
        bump(conn, ["kpi:septic_tanks", "kpi:metabolism"], now)
    engine.dispose()


def free_port() -> int:
    """A port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class WebServer:
    """`cockpit serve` on a store, to be killed and started again at the same port."""

    def __init__(self, settings: Settings, build: str = "one", access: str = "open") -> None:
        self.settings, self.port, self._access = settings, free_port(), access
        self._process: subprocess.Popen[bytes] | None = None
        self.start(build)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, build: str = "one") -> None:
        """Start and wait until it answers."""
        told = {"COCKPIT_HOME": str(self.settings.home), "COCKPIT_TOKEN_KEY": "test", "COCKPIT_BUILD": build, "PORT": str(self.port)}
        told["COCKPIT_ACCESS"] = self._access
        self._process = subprocess.Popen([sys.executable, "-m", "dashboard", "serve"], cwd=ROOT, env=os.environ | told)
        until(self._answers, 30, "the web server did not start")

    def kill(self) -> None:
        """End it without warning."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/healthz", timeout=1) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def until(holds: Callable[[], bool], within_s: float, otherwise: str) -> float:
    """Wait until something holds; how long it took. Fails with the words given."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < within_s, otherwise
        time.sleep(0.05)  # what we wait for lives in another process
    return time.monotonic() - began


class Screen:
    """One open page, with everything that went wrong on it."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.wrong: list[str] = []
        self.frames = 0
        self.sockets: set[int] = set()  # those that were answered
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.wrong.append(f"exception: {error}"))
        page.on("request", self._request)
        page.on("response", self._response)
        page.on("websocket", self._socket)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(f"{message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        if request.url.startswith("http") and urlparse(request.url).hostname != "127.0.0.1":
            self.wrong.append(f"left the host: {request.url}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.wrong.append(f"{response.status} {response.url}")

    def _socket(self, socket: WebSocket) -> None:
        def received(payload: str | bytes) -> None:
            self.frames += isinstance(payload, bytes)
            self.sockets |= {id(socket)}

        socket.on("framereceived", received)

    def show(self, path: str) -> Screen:
        """Open an address and wait for its picture."""
        self.page.goto(self.address + path, wait_until="domcontentloaded")
        return self.filled()

    def filled(self) -> Screen:
        """Wait until every panel this surface shows has content."""
        self.page.wait_for_function(_FILLED, timeout=20_000)
        return self

    def query(self, name: str) -> str | None:
        """A parameter of the address."""
        found = self.page.evaluate("name => new URLSearchParams(location.search).get(name)", name)
        return None if found is None else str(found)

    def see(self, selector: str, within_s: float = 5) -> None:
        """Wait until something is visible."""
        self.page.wait_for_selector(selector, state="visible", timeout=within_s * 1000)

    def gone(self, selector: str, within_s: float = 5) -> None:
        """Wait until something is not to be seen."""
        self.page.wait_for_selector(selector, state="hidden", timeout=within_s * 1000)

    def texts(self, selector: str) -> Sequence[str]:
        """What the elements say."""
        return self.page.locator(selector).all_inner_texts()

    def holds(self, condition: str, within_s: float = 5, argument: object = None) -> None:
        """Wait until a JavaScript condition holds on the page."""
        self.page.wait_for_function(condition, arg=argument, timeout=within_s * 1000)


_FILLED = """() => {
    const surface = document.documentElement.dataset.surface;
    const hosts = [...document.querySelectorAll('#page [data-panel]')].filter(host => (host.dataset.on || surface).includes(surface));
    return hosts.length > 0 && hosts.every(host => host.dataset.version && !host.hasAttribute('aria-busy'));
}"""
