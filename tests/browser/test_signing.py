"""Who one is, on every surface: greeted, trying another role, signing in, and out again at once when a session is ended elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from dashboard.access.accounts import add_account
from dashboard.access.desk import CONSOLE
from dashboard.access.devices import all_walls, end_wall, offer_wall
from dashboard.access.lodge import Lodge, open_lodge
from dashboard.access.sessions import end, living
from dashboard.core.catalog import load_catalog
from dashboard.core.clock import SystemClock
from dashboard.core.doors import Grant
from dashboard.core.times import city_day
from dashboard.settings import Settings
from dashboard.store.engine import open_store
from tests.browser.stand import Screen, WebServer, copy_city

pytestmark = pytest.mark.browser
GOOD = "Bridge-and-tunnel-7"


@pytest.mark.parametrize("on", ["wall", "desk", "phone"])
def test_every_surface_says_as_whom_one_looks(screen: Callable[..., Screen], on: str) -> None:
    shown = screen("/?surface=wall" if on == "wall" else "/", on=on)
    place = "#who-wall" if on == "wall" else ".me-scope"
    shown.see(place)
    shown.holds("place => document.querySelector(place)?.textContent === '指挥中心值班员 · 全区'", argument=place)
    room = 4 if on == "wall" else 0  # a wall's picture wanders by so much, against burn-in
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= shown.page.viewport_size["width"] + room  # type: ignore[index]


def test_a_newcomer_is_a_viewer_and_tries_another_role_from_the_header(chromium: Browser, server: WebServer) -> None:
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
    shown = Screen(context.new_page(), server.address).show("/alerts?lang=en")
    shown.holds("() => document.querySelector('.me-scope')?.textContent === 'Viewer · whole district'")
    shown.page.click("#who summary")
    shown.page.click("#who button[value=head]")
    shown.holds("() => document.querySelector('.me-scope')?.textContent === 'Department head · Bridges, Tunnels'")
    assert "/alerts" in shown.page.url and shown.query("lang") == "en" and shown.wrong == []
    context.close()


@pytest.fixture
def guarded(city: Settings, server: WebServer, tmp_path: Path) -> Iterator[tuple[WebServer, Lodge]]:
    """A web server where people sign in, on a copy of the city, and its lodge."""
    copy = copy_city(city, tmp_path)
    started = WebServer(copy, access="accounts")
    engine = open_store(copy.store_url)
    yield started, open_lodge(copy, load_catalog(), engine, city_day(SystemClock().now()))
    engine.dispose()
    started.kill()


def test_a_session_and_a_wall_ended_elsewhere_leave_the_screen_at_once(chromium: Browser, guarded: tuple[WebServer, Lodge]) -> None:
    server, lodge = guarded
    now = SystemClock().now()
    first, code = add_account(lodge.desk, CONSOLE, "leader-1", Grant(role="leader"), now), offer_wall(lodge.desk, CONSOLE, "一号大屏", now)
    desk, wall = (chromium.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN").new_page() for _ in range(2))
    desk.goto(f"{server.address}/alerts")
    desk.fill("[name=name]", "leader-1")
    desk.fill("[name=password]", first)
    desk.click("button.gate-wide")
    for field, words in (("old", first), ("new", GOOD), ("again", GOOD)):
        desk.fill(f"[name={field}]", words)
    desk.click("button.gate-wide")
    desk.wait_for_selector("#who .me-scope:text-is('领导 · 全区')", timeout=15_000)
    assert desk.url.endswith("/alerts")
    wall.goto(f"{server.address}/enrol?code={code}")
    wall.wait_for_selector("#who-wall:text-is('大屏终端 · 全区')", timeout=15_000)
    began = time.monotonic()
    end(lodge.desk, CONSOLE, living(lodge.desk, SystemClock().now())[0].session_id, SystemClock().now())
    end_wall(lodge.desk, CONSOLE, all_walls(lodge.desk, SystemClock().now())[0].wall_id, SystemClock().now())
    for page in (desk, wall):
        page.wait_for_url("**/sign-in?next=**", timeout=5_000)
    assert time.monotonic() - began < 5
    for page in (desk, wall):
        page.context.close()
