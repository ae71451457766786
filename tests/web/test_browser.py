"""A real browser on the live channel: it fills, follows clicks, outlives its server, and no bad figure stops it."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import uvicorn
from dash import html
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect, sync_playwright

from dashboard.app import Parts, create_app
from dashboard.core.catalog import load_catalog
from dashboard.core.clock import SystemClock
from dashboard.core.declare import Text
from dashboard.core.errors import NotFoundError
from dashboard.core.sight import Action
from dashboard.core.times import iso
from dashboard.snapshot.view import View
from dashboard.store.engine import writing
from dashboard.store.schema import lease
from dashboard.web.page import Graph, Group, Host, Page
from dashboard.web.shell import layout
from tests.web.stage import AllIn, City, NumberPanels
from tests.web.test_api import settings

pytestmark = pytest.mark.browser
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


class Shown(NumberPanels):
    """What a page may hold: a number with an age, a street to click, a drawer, a chart that can be broken."""

    def content(self, panel: str, view: View, now: datetime) -> dict[str, Any]:
        value = self.city.get("a")
        if panel == "words":
            age = f'<span id="age" data-asof="{iso(now)}" data-cadence="2"></span>'
            street = '<button id="street" data-street="500103003" data-drawer="more:1">解放碑</button>'
            return {"html": f'<b id="value">{value} {view.scope.key} {view.lang}</b>{age}{street}<input id="note">'}
        if panel == "line":
            broken = {"type": "scattergl_of_no_kind", "x": [1], "y": [1]}
            line = {"type": "scatter", "x": [1, 2], "y": [value, value], "name": f"{value}"}
            bad_axis = {"xaxis": {"domain": [0, 1], "type": "date", "range": [{}, {}]}, "map": {"style": {"version": 8}}}
            return {"html": "", "figure": {"data": [broken if value == 13 else line], "layout": bad_axis if value == 13 else {}}}
        if panel == "more:1":
            return {"html": f'<p id="more">{value}</p>'}
        raise NotFoundError(panel)

    def topics(self, panel: str) -> frozenset[str]:
        return frozenset({"kpi:*"})


class Server:
    """A web server that can be lost and come back on the same port."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])

    def start(self) -> None:
        options: Mapping[str, Any] = {"log_level": "error", "ws_per_message_deflate": False, "timeout_graceful_shutdown": 1}
        self._server = uvicorn.Server(uvicorn.Config(create_app(self._parts), port=self.port, **options))
        self._thread = threading.Thread(target=lambda: asyncio.run(self._server._serve()))
        self._thread.start()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)


@pytest.fixture
def server(city: City, tmp_path: Path) -> Iterator[Server]:
    city.set("a", 1)
    with writing(city.engine).begin() as conn:
        conn.execute(sa.update(lease).values(beat_at=SystemClock().now() + timedelta(minutes=5)))  # a worker that is well
    catalog, config = load_catalog(), settings(tmp_path)
    page = Page("/", Text("试", "Trial"), (Action.SEE,), Group("page", [Host("words"), Graph("line")]))
    parts = Parts(config, catalog, city.engine, Shown(city), lambda: html.Div([layout(catalog, config)]), [page], SystemClock(), AllIn())
    here = Server(parts)
    here.start()
    yield here
    here.stop()


@pytest.fixture
def tab() -> Iterator[Tab]:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(15_000)
        yield page
        browser.close()


def test_a_screen_fills_follows_clicks_and_outlives_its_server(city: City, server: Server, tab: Tab) -> None:
    complaints: list[str] = []
    tab.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    tab.goto(f"http://127.0.0.1:{server.port}/")
    expect(tab.locator("#value")).to_have_text("1.0 district zh", timeout=15_000)
    assert not complaints  # every script was allowed
    tab.evaluate("window.untouched = true")

    tab.fill("#note", "写到一半")
    city.set("a", 2)
    expect(tab.locator("#value")).to_have_text("2.0 district zh")
    assert tab.input_value("#note") == "写到一半" and tab.evaluate("document.activeElement.id") == "note"

    tab.click("#street")
    expect(tab.locator("#value")).to_have_text("2.0 500103003 zh")
    expect(tab.locator("#drawer #more")).to_have_text("2.0")
    assert "scope=500103003" in tab.url
    tab.keyboard.press("Escape")
    expect(tab.locator("#drawer")).to_be_hidden()
    tab.go_back()
    expect(tab.locator("#drawer #more")).to_have_text("2.0")
    tab.go_back()
    expect(tab.locator("#value")).to_have_text("2.0 district zh")

    server.stop()
    expect(tab.locator("#connection")).to_contain_text("连接中断，画面停在", timeout=15_000)
    assert tab.inner_text("#value") == "2.0 district zh"
    expect(tab.locator("#age")).to_have_class("silent")
    city.set("a", 3)
    server.start()
    expect(tab.locator("#value")).to_have_text("3.0 district zh", timeout=20_000)
    expect(tab.locator("#connection")).to_be_hidden()
    assert tab.evaluate("window.untouched") is True


def test_a_bad_figure_never_stops_its_graph(city: City, server: Server, tab: Tab) -> None:
    tab.goto(f"http://127.0.0.1:{server.port}/")
    drawn(tab, "1.0")
    for value in (13, 2, 13, 4):
        city.set("a", value)
        expect(tab.locator("#value")).to_contain_text(f"{float(value)}")
    drawn(tab, "4.0")


def drawn(tab: Tab, name: str) -> None:
    """Wait for the line of that name to be on the graph."""
    deadline, found = time.monotonic() + 15, None
    while found != name and time.monotonic() < deadline:
        found = tab.evaluate("() => document.querySelector('#graph-line .js-plotly-plot')?.data?.[0]?.name")
    assert found == name


def test_a_hidden_tab_is_sent_nothing_and_shows_the_newest_when_looked_at(city: City, server: Server, tab: Tab) -> None:
    tab.goto(f"http://127.0.0.1:{server.port}/")
    expect(tab.locator("#value")).to_have_text("1.0 district zh", timeout=15_000)
    hide = "Object.defineProperty(document, 'hidden', {configurable: true, get: () => %s});"
    hide += "document.dispatchEvent(new Event('visibilitychange'))"
    with tab.expect_event("console", lambda said: said.text == "hidden"):
        tab.evaluate(hide % "true" + "; setTimeout(() => console.log('hidden'), 300)")
    city.set("a", 2)
    with tab.expect_event("console", lambda said: said.text == "later"):
        tab.evaluate("setTimeout(() => console.log('later'), 700)")
    assert tab.inner_text("#value") == "1.0 district zh"
    tab.evaluate(hide % "false")
    expect(tab.locator("#value")).to_have_text("2.0 district zh")
