"""The gate: nobody is led to the sign-in, the known are let in as far as the table of routes says, and rights that end, end at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from dashboard.app import Parts, create_app, found_pages
from dashboard.core.catalog import load_catalog
from dashboard.core.clock import SteppedClock
from dashboard.core.sight import Action, Sight
from dashboard.store.engine import writing
from dashboard.store.schema import audit
from dashboard.store.topics import bump
from dashboard.web.gate import Gate
from dashboard.web.routes import ENGINE, PUBLIC, SEE, Routes, needing
from dashboard.web.shell import layout
from tests.web.stage import START, AllIn, City, NumberPanels, Web, in_loop, screen, served, viewer
from tests.web.test_api import settings

LOOKS = Sight(actions=frozenset({Action.SEE}))


@pytest.fixture
def gate(city: City, panels: NumberPanels, clock: SteppedClock, tmp_path: Path) -> Callable[[AllIn], Gate]:
    catalog, config = load_catalog(), settings(tmp_path)

    def made(doorman: AllIn) -> Gate:
        drawn = found_pages()
        return create_app(Parts(config, catalog, city.engine, panels, lambda: layout(catalog, config), drawn, clock, doorman))

    return made


def nobody() -> AllIn:
    doorman = AllIn()
    doorman.one = None
    return doorman


def settled(page: str) -> str:
    """A page without what Dash makes up anew each time."""
    return re.sub(r'<script id="_dash-config".*?</script>', "", page)


def denied(city: City) -> list[str]:
    with city.engine.connect() as conn:
        return list(conn.scalars(sa.select(audit.c.object).where(audit.c.outcome == "denied").order_by(audit.c.audit_id)))


@pytest.mark.parametrize("address", ["/", "/alerts", "/alerts?scope=500103003&lang=en", "/nowhere"])
def test_nobody_is_led_to_the_sign_in_and_back_to_where_they_wanted(gate: Callable[[AllIn], Gate], address: str) -> None:
    told = Web(gate(nobody())).get(address)
    assert told.status_code == 303
    assert told.headers["location"] == f"/sign-in?next={quote(address, safe='')}"


@pytest.mark.parametrize(
    "address", ["/api/v1/alerts", "/export/alerts.csv", "/panels/feed/latest", "/live/events?panels=a", "/metrics", "/_dash-layout"]
)
def test_machines_are_told_to_sign_in_first(gate: Callable[[AllIn], Gate], address: str) -> None:
    told = Web(gate(nobody())).get(address)
    assert (told.status_code, told.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("address", ["/healthz", "/readyz", "/assets/10-tokens.css", "/sign-in", "/api/v1/cap"])
def test_what_is_public_needs_nobody(gate: Callable[[AllIn], Gate], address: str) -> None:
    assert Web(gate(nobody())).get(address).status_code not in (401, 403, 404)


def test_what_is_not_granted_is_refused_and_written_down_once_a_minute(gate: Callable[[AllIn], Gate], city: City) -> None:
    web = Web(gate(AllIn(LOOKS)))
    for _ in range(3):
        assert web.get("/export/alerts.csv").status_code == 403
        assert web.get("/metrics").status_code == 403
    assert denied(city) == ["GET /export/alerts.csv", "GET /metrics"]
    assert web.get("/api/v1/alerts").status_code == 200


def test_a_page_that_is_not_theirs_is_no_page(gate: Callable[[AllIn], Gate]) -> None:
    web = Web(gate(AllIn(Sight(frozenset({"bridges"}), actions=frozenset({Action.SEE})))))
    assert web.get("/skeleton").status_code == 200
    closed, missing = web.get("/breath"), web.get("/nowhere")
    assert closed.status_code == missing.status_code == 404
    assert settled(closed.text) == settled(missing.text)


def test_a_socket_is_closed_when_its_viewer_may_no_longer_look(gate: Callable[[AllIn], Gate], city: City) -> None:
    city.set("a", 1)
    doorman = AllIn()

    async def watch() -> None:
        async with served(gate(doorman)) as port, screen(port) as wall:
            await wall.show("number:a")
            assert "1.0" in (await wall.frame())["panels"]["number:a"]["html"]
            doorman.one = None
            with writing(city.engine).begin() as conn:
                bump(conn, ["access"], START)
            assert await wall.closed_with() == 4401

    in_loop(watch())


def test_a_socket_of_somebody_given_another_part_of_the_city_is_closed_too(gate: Callable[[AllIn], Gate], city: City) -> None:
    doorman = AllIn()

    async def watch() -> None:
        async with served(gate(doorman)) as port, screen(port) as wall:
            await wall.show("number:a")
            doorman.one = viewer(Sight(streets=("500103003",)))
            with writing(city.engine).begin() as conn:
                bump(conn, ["access"], START)
            assert await wall.closed_with() == 4401

    in_loop(watch())


def test_nobodys_socket_is_opened_and_closed_with_a_reason_browsers_can_read(gate: Callable[[AllIn], Gate]) -> None:
    async def watch() -> None:
        async with served(gate(nobody())) as port, screen(port) as wall:
            assert await wall.closed_with() == 4401

    in_loop(watch())


def test_what_is_served_without_a_policy_is_named() -> None:
    """`create_app` refuses to start over it."""
    assert TABLE.missing(["GET /a/{x}", "GET /secret", "DELETE /a/{x}"]) == ["DELETE /a/{x}", "GET /secret"]


TABLE = Routes({"/": SEE, "/p": needing(Action.AUDIT)}, {"GET /a/{x}": SEE, "GET /f/{rest:path}": PUBLIC, "POST /a/{x}": ENGINE})


@pytest.mark.parametrize(
    ("method", "path", "found"),
    [
        ("GET", "/", "/"),
        ("GET", "/p/", "/p"),
        ("GET", "/a/1", "GET /a/{x}"),
        ("POST", "/a/1", "POST /a/{x}"),
        ("GET", "/a/1/2", None),
        ("GET", "/a/", None),
        ("GET", "/f/x/../y", "GET /f/{rest:path}"),
        ("PUT", "/a/1", None),
        ("GET", "/A/1", None),
        ("GET", "//a/1", None),
        ("GET", "/a/1\n", "GET /a/{x}"),
    ],
)
def test_an_address_falls_under_one_line_of_the_table(method: str, path: str, found: str | None) -> None:
    told = TABLE.find(method, path)
    assert (told[0] if told else None) == found
