"""One small city and one web server for the session; a fresh screen for every test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, sync_playwright

from dashboard.settings import Settings
from dashboard.web.cookies import PERSONA, cookie_name
from tests.browser.stand import CHROMIUM, Screen, WebServer, build_city, copy_city

SIZES = {"wall": (1920, 1080), "desk": (1440, 900), "phone": (390, 844)}
NewScreen = Callable[..., Screen]


@pytest.fixture(scope="module")  # no longer: a second one, or anybody's event loop, cannot start beside it in one process
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    browser = playwright.chromium.launch(executable_path=found, args=list(CHROMIUM))
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The store most tests look at."""
    return build_city(tmp_path_factory.mktemp("city"))


@pytest.fixture(scope="session")
def server(city: Settings) -> Iterator[WebServer]:
    """The web server most tests talk to."""
    started = WebServer(city)
    yield started
    started.kill()


@pytest.fixture
def own_server(city: Settings, server: WebServer, tmp_path: Path) -> Iterator[WebServer]:
    """A web server for one test to kill, on a copy of the city."""
    started = WebServer(copy_city(city, tmp_path))
    yield started
    started.kill()


@pytest.fixture(scope="module")
def rooms(chromium: Browser) -> Iterator[dict[str, BrowserContext]]:
    """A browser profile per kind of screen: scripts are read once, as on a screen that runs for months."""
    made = {
        on: chromium.new_context(viewport={"width": width, "height": height}, locale="zh-CN", has_touch=on == "phone")
        for on, (width, height) in SIZES.items()
    }
    for context in made.values():  # most tests are those of the command centre's desk
        context.add_cookies([{"name": "cockpit_persona", "value": "desk", "domain": "127.0.0.1", "path": "/"}])
    yield made
    for context in made.values():
        context.close()


@pytest.fixture
def screen(rooms: dict[str, BrowserContext], server: WebServer) -> Iterator[NewScreen]:
    """Opens screens: `screen("/alerts", on="phone")`. At the end none of them may have seen anything wrong."""
    opened: list[Screen] = []

    def open_screen(path: str = "/", on: str = "desk", of: WebServer = server) -> Screen:
        opened.append(Screen(rooms[on].new_page(), of.address))
        return opened[-1].show(path)

    yield open_screen
    for one in opened:
        one.page.evaluate("localStorage.clear()")
        one.page.close()
    assert [wrong for one in opened for wrong in one.wrong] == []


@pytest.fixture
def at_the_desk(rooms: dict[str, BrowserContext], own_server: WebServer) -> Iterator[None]:
    """Whoever looks may handle, silence and drill: the command centre's own post."""
    for room in rooms.values():
        room.add_cookies([{"name": cookie_name(PERSONA, False), "value": "desk", "url": own_server.address}])
    yield
    for room in rooms.values():
        room.clear_cookies()
