"""A flood on a screen: a situation is one line and comes apart by hand; a silence is seen before it is made, and ended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from dashboard.core.noise import Matcher
from dashboard.settings import Settings
from dashboard.store.engine import open_store, writing
from dashboard.store.noise_reads import silences_in_force
from dashboard.store.schema import alert
from tests.browser.conftest import NewScreen
from tests.browser.stand import Screen, WebServer
from tests.crowd import GAP, Crowd

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("at_the_desk")]
EVERY_RULE = "label.pick:has-text('全区的这条规则')"


@pytest.fixture
def crowd(own_server: WebServer, tmp_path: Path) -> Iterator[Crowd]:
    """Six stops with gaps side by side, and nothing else."""
    settings: Settings = own_server.settings
    engine = open_store(settings.store_url)
    town: Any = SimpleNamespace(engine=engine, home=tmp_path, clock=SimpleNamespace(now=now), now=now())
    made = Crowd(town)
    with writing(engine).begin() as conn:
        conn.execute(sa.update(alert).values(state="clear", cleared_at=now(), closed_at=now(), open_key=None))
    for number in range(6):
        made.raised(GAP, "orange" if number == 3 else "yellow", f"s{number}", 20 * number)
    turned(made)
    yield made
    engine.dispose()


def now() -> datetime:
    return datetime.now(UTC)


def turned(crowd: Crowd) -> None:
    """The worker's turn, now."""
    crowd.city.now = now()  # type: ignore[misc]
    crowd.turn()


def drawn(one: Screen, selector: str, words: str) -> None:
    """Wait until something says so."""
    one.holds("([s, w]) => [...document.querySelectorAll(s)].some(el => el.innerText.includes(w))", 8, [selector, words])


def test_a_situation_is_one_line_and_comes_apart_and_together_by_hand(screen: NewScreen, own_server: WebServer, crowd: Crowd) -> None:
    desk = screen("/", of=own_server)
    drawn(desk, ".zone.alerts .al b", "解放碑周边 6 起")
    assert len(desk.texts(".zone.alerts li.al")) == 1, "six alerts, one line"
    assert len(desk.page.query_selector_all(".map g.lv")) == 1, "and one mark"
    desk.page.click(".zone.alerts li.al")
    drawn(desk, "#drawer h2", "解放碑周边 6 起")
    assert "距 YZ-XX-260520-0001 20米，相隔0分钟" in " ".join(desk.texts("#drawer .crowd li"))
    desk.page.click("#drawer .crowd li:nth-child(4) .btn")
    drawn(desk, "#drawer h2", "解放碑周边 5 起")
    drawn(desk, "#drawer .crowd li.out", "移出")
    desk.holds("() => document.querySelectorAll('.zone.alerts li.al').length === 2")
    turned(crowd)
    desk.page.click("#drawer .crowd li.out .btn")
    drawn(desk, "#drawer h2", "解放碑周边 6 起")


def test_a_silence_is_seen_before_it_is_made_shown_while_it_holds_and_ended(screen: NewScreen, own_server: WebServer, crowd: Crowd) -> None:
    desk = screen("/alerts?drawer=alert:" + str(newest(crowd)), of=own_server)
    desk.page.click("#drawer .df .btn:has-text('静默')")
    drawn(desk, "#drawer .preview", "1 条现在会静默")
    desk.page.click(EVERY_RULE)
    drawn(desk, "#drawer .preview", "6 条现在会静默")
    desk.page.fill("#drawer textarea[name=reason]", "道路施工，已知悉")
    desk.page.click("#drawer form [type=submit]")
    drawn(desk, ".silences .held-list", "道路施工，已知悉")
    with crowd.engine.connect() as conn:
        (made,) = silences_in_force(conn, now())
    assert made.matcher == Matcher(rule=GAP)
    turned(crowd)
    drawn(desk, "tr.hushed", "已静默 6 条")
    drawn(desk, ".silences .held-list", "静默中 6 条")
    desk.page.click(".silences .held-list .btn")
    drawn(desk, ".silences .held-list .out", "提前结束")
    turned(crowd)
    desk.gone("tr.hushed")
    drawn(desk, ".grid b", "解放碑周边 6 起")


def newest(crowd: Crowd) -> int:
    with crowd.engine.connect() as conn:
        return int(conn.scalar(sa.select(sa.func.max(alert.c.alert_id))) or 0)


@pytest.mark.parametrize("on", ["phone", "wall"])
def test_a_flood_is_one_line_on_every_kind_of_screen(screen: NewScreen, own_server: WebServer, crowd: Crowd, on: str) -> None:
    one = screen("/", on=on, of=own_server)
    drawn(one, "h3" if on == "phone" else ".zone.alerts .al b", "解放碑周边 6 起")
