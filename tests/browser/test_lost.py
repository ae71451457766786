"""A screen whose server dies and comes back, first as it was, then as a new build."""

from __future__ import annotations

import pytest

from tests.browser.conftest import NewScreen
from tests.browser.stand import MOVED, Screen, WebServer, move

pytestmark = pytest.mark.browser

NUMBER = f'[data-drawer="explain:{MOVED}"] .val'
BACK_WITHIN_S = 20  # twelve seconds until the last try, then a socket and a picture on a busy machine


def forgive_outage(one: Screen) -> None:
    """The browser itself writes to its console that nobody answered; nothing else may be there."""
    others = [wrong for wrong in one.wrong if "/live' failed" not in wrong and "net::ERR_CONNECTION" not in wrong]
    assert others == []
    one.wrong = []


def test_a_screen_that_loses_its_server_keeps_its_picture_and_recovers_untouched(screen: NewScreen, own_server: WebServer) -> None:
    desk = screen("/metabolism?scope=500103003", of=own_server)
    desk.page.evaluate("window.same = true")
    shown = desk.texts("#page .kpi .val")
    own_server.kill()
    desk.see("#connection", 15)
    assert "连接中断，画面停在" in desk.page.inner_text("#connection")
    assert desk.texts("#page .kpi .val") == shown
    desk.page.evaluate("""() => {
        const age = document.body.appendChild(document.createElement('i'));
        age.id = 'age';
        age.dataset.since = new Date(cockpit.now()).toISOString();
    }""")
    desk.holds("() => document.getElementById('age').textContent.startsWith('2秒')")

    move(own_server.settings, 61)
    own_server.start()
    desk.gone("#connection", BACK_WITHIN_S)
    desk.page.evaluate("cockpit.go({scope: null})")
    desk.holds("([where, text]) => document.querySelector(where)?.innerText.includes(text)", 5, [NUMBER, "61"])
    assert desk.page.evaluate("window.same") is True
    assert len(desk.sockets) >= 2, "it came back by another way than its socket"

    own_server.kill()
    own_server.start(build="two")
    desk.holds("() => window.same === undefined", BACK_WITHIN_S)
    desk.filled()
    forgive_outage(desk)


def test_a_page_whose_scripts_were_lost_on_the_way_loads_itself_again(screen: NewScreen) -> None:
    desk = screen("/alerts")
    desk.page.route("**/*dash_renderer*", lambda route: route.abort())
    desk.page.goto(desk.address + "/alerts", wait_until="domcontentloaded")
    desk.page.unroute("**/*dash_renderer*")
    desk.holds("() => document.querySelector('[data-panel=\"alerts\"][data-version]')", 40)
    desk.wrong = []  # what the browser says of the script we took away
