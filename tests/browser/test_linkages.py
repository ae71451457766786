"""Linkages on a screen: the unit on the wall within two seconds, a decision by a button, a drill begun and marked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from dashboard.casework.linkage.drill import begin_drill
from dashboard.casework.linkage.run import run_playbooks
from dashboard.core.catalog import load_catalog
from dashboard.core.receipts import order_receipt
from dashboard.store.engine import open_store, writing
from dashboard.store.rows import write_rows
from dashboard.store.schema_linkage import work_order
from data_sources.slopes.tables import slope
from tests.browser.conftest import NewScreen
from tests.browser.stand import Screen, WebServer

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("at_the_desk")]
CATALOG = load_catalog()


@pytest.fixture
def store(own_server: WebServer) -> Iterator[sa.Engine]:
    """The store with the playbooks of its three tanks full of gas under way."""
    engine = open_store(own_server.settings.store_url)
    turn(engine)
    yield engine
    engine.dispose()


def now() -> datetime:
    return datetime.now(UTC)


def turn(engine: sa.Engine) -> None:
    run_playbooks(engine, CATALOG, now())


def answer(engine: sa.Engine, state: str, unit: str, kind: str) -> None:
    """A receipt to the newest order of a kind, as a pull brings it."""
    with writing(engine).begin() as conn:
        newest = sa.select(sa.func.max(work_order.c.order_no)).where(work_order.c.kind == kind)
        number = str(conn.scalar(newest))
        row = {"case_id": f"{number}-{state}", "order_no": number, "state": state, "opened_at": now(), "by_unit": unit}
        write_rows(conn, order_receipt, [{**row, "source_key": number, "row_hash": state}], source="sensors", run_id=1, now=now())


def drawn(one: Screen, selector: str, words: str, within_s: float = 8) -> float:
    """Wait until something says so; how long it took."""
    began = time.monotonic()
    one.holds("([s, w]) => [...document.querySelectorAll(s)].some(el => el.innerText.includes(w))", within_s, [selector, words])
    return time.monotonic() - began


def test_the_unit_that_took_the_order_is_on_the_wall_within_two_seconds(screen: NewScreen, own_server: WebServer, store: sa.Engine) -> None:
    wall = screen("/", on="wall", of=own_server)
    answer(store, "accepted", "七星岗应急班组", "crew")
    turn(store)
    assert drawn(wall, ".zone.alerts", "七星岗应急班组", 5) < 2


def test_a_decision_is_two_buttons_in_the_drawer(screen: NewScreen, own_server: WebServer, store: sa.Engine) -> None:
    with store.connect() as conn:
        rock = str(conn.scalar(sa.select(slope.c.asset_id).order_by(slope.c.asset_id)))
    number = begin_drill(store, CATALOG, "rock", rock, "值班长", now(), "orange")
    turn(store)
    answer(store, "done", "四重网格", "call")
    turn(store)
    desk = screen(f"/linkages?drawer=alert:{number}", of=own_server)
    drawn(desk, "#drawer .timed", "研判是否转移")
    desk.page.click("#drawer .timed .says .btn:has-text('同意')")
    drawn(desk, "#drawer .timed .s-done", "研判是否转移")
    drawn(desk, "#drawer .timed .s-open", "转移群众")


def test_a_drill_is_begun_by_a_button_and_marked_wherever_it_is_seen(screen: NewScreen, own_server: WebServer, store: sa.Engine) -> None:
    desk = screen("/linkages", of=own_server)
    desk.page.click("[data-book=gas] [data-drawer='drill:gas']")
    drawn(desk, "#drawer h2", "发起演练")
    desk.page.click("#drawer form [type=submit]")
    desk.gone("#drawer form")
    turn(store)
    drawn(desk, "[data-book=gas] tr.drill", "演练")
    desk.page.click("[data-book=gas] tr.drill")
    drawn(desk, "#drawer .watermark", "演练")
    drawn(desk, "#drawer .timed", "待接单")


@pytest.mark.parametrize("on", ["phone", "wall"])
def test_playbooks_under_way_stand_on_every_kind_of_screen(screen: NewScreen, own_server: WebServer, store: sa.Engine, on: str) -> None:
    one = screen("/linkages", on=on, of=own_server)
    drawn(one, "[data-book=gas] tr.live", "人工到场处置")
    wider = one.page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    assert wider <= 8, "nothing is cut off at the side; a wall wanders by a few pixels"
