"""What people do at a screen: look, click a street, open a number, drag time; and every panel follows."""

from __future__ import annotations

import re

import pytest

from dashboard.settings import Settings
from tests.browser.conftest import NewScreen
from tests.browser.stand import MOVED, Screen, move

pytestmark = pytest.mark.browser

PAGES = ("/breath", "/circulation", "/skeleton", "/metabolism", "/immunity", "/nerves", "/vigour", "/spirit", "/alerts", "/sources")
NUMBER = f'[data-drawer="explain:{MOVED}"] .val'

SHOWN = """[...document.querySelectorAll('#page [data-panel]')]
    .filter(host => host.offsetParent).map(host => host.dataset.panel + ' ' + host.dataset.version)"""


def scoped(one: Screen) -> set[str]:
    """The panels with the version each shows, to see which of them follow."""
    return set(one.page.evaluate(f"() => {SHOWN}"))


def test_the_overview_fills_itself_and_says_how_the_city_is(screen: NewScreen) -> None:
    desk = screen("/")
    assert desk.texts(".vs h2")[0].strip()
    assert len(desk.texts(".vital")) == 8
    assert len(desk.texts("section.alerts li[data-drawer]")) >= 3
    assert desk.frames >= 1


@pytest.mark.parametrize("on", ["wall", "phone"])
def test_the_overview_fills_on_other_surfaces_too(screen: NewScreen, on: str) -> None:
    shown = screen("/", on=on)
    assert shown.page.evaluate("document.documentElement.dataset.surface") == on
    assert "未算出" not in shown.page.inner_text("#page")


def test_every_page_can_be_walked_to_without_loading_anew(screen: NewScreen) -> None:
    desk = screen("/")
    desk.page.evaluate("window.same = true")
    for path in PAGES:
        desk.page.evaluate("path => cockpit.visit(path)", path)
        desk.holds("path => location.pathname === path", argument=path)
        desk.filled()
        assert "未算出" not in desk.page.inner_text("#page"), path
    assert desk.page.evaluate("window.same") is True


def test_from_a_table_through_the_side_card_to_everything_about_an_asset_and_to_its_street(screen: NewScreen) -> None:
    desk = screen("/metabolism?system=septic_tanks")
    desk.page.locator("#page .tb tr[data-drawer^='asset:septic_tanks/']").first.click()
    desk.see("#drawer .btn.pri")
    desk.page.locator("#drawer .btn.pri").click()
    desk.holds("() => location.pathname === '/asset'")
    desk.filled().see(".plotcard .val")
    assert str(desk.query("asset")).startswith("septic_tanks/")
    desk.page.locator(".ttl a.btn[href^='/street']").click()
    desk.holds("() => location.pathname === '/street'")
    desk.filled().see(".streetlist .on")
    assert desk.query("asset") is None and desk.query("scope")


def test_a_driver_clicked_among_the_links_is_drawn_large_and_let_go_by_its_chip(screen: NewScreen) -> None:
    desk = screen("/skeleton")
    desk.page.locator(".cl[data-asset='slopes.rain_1h']").first.click()
    desk.holds("() => document.querySelector('.graph-head h3')?.innerText.includes('雨量')")
    desk.page.locator(".chip").first.click()
    desk.gone(".chip")
    assert desk.query("asset") is None


def test_a_number_that_changes_in_the_store_changes_on_every_open_screen(screen: NewScreen, city: Settings) -> None:
    desk, phone = screen("/metabolism"), screen("/metabolism", on="phone")
    move(city, 57)
    for one in (desk, phone):
        one.holds("([where, text]) => document.querySelector(where)?.innerText.includes(text)", 5, [NUMBER, "57"])


def test_a_street_clicked_is_followed_by_every_panel_and_let_go_by_one_click(screen: NewScreen) -> None:
    desk = screen("/metabolism")
    before = scoped(desk)
    street = desk.page.locator("#page path.street").nth(3)
    code = street.get_attribute("data-street")
    street.click(force=True)
    desk.see(".chip")
    assert desk.query("scope") == code
    changed = f"{SHOWN}.some(one => one.startsWith(kind + ':') && !was.includes(one))"
    desk.holds(f"was => ['title', 'kpis', 'sitemap', 'readings'].every(kind => {changed})", argument=sorted(before))
    desk.page.locator(".chip").first.click()
    desk.gone(".chip")
    assert desk.query("scope") is None
    desk.holds("() => !document.querySelector('#page path.street.on')")


def test_a_street_goes_along_from_page_to_page_and_comes_back_with_the_back_button(screen: NewScreen) -> None:
    desk = screen("/metabolism?scope=500103003")
    desk.see(".chip")
    desk.page.locator('.tab[href^="/skeleton"]').click()
    desk.holds("() => location.pathname === '/skeleton'")
    desk.filled().see(".chip")
    assert desk.query("scope") == "500103003"
    desk.page.go_back()
    desk.holds("() => location.pathname === '/metabolism'")
    desk.filled().see(".chip")


def test_an_alert_taken_in_hand_is_in_hand_on_every_other_screen_within_two_seconds(screen: NewScreen) -> None:
    desk, other = screen("/alerts"), screen("/alerts")
    fresh = desk.page.locator("tr:has(.st-new)").first
    number = fresh.get_attribute("data-drawer")
    fresh.click()
    desk.see("#drawer h2")
    desk.page.locator('#drawer [data-step="acknowledge"]').click()
    other.see(f'tr[data-drawer="{number}"] .st-in_hand', 2)
    desk.see("#drawer .st-in_hand", 2)
    assert "处置中" in other.texts(f'tr[data-drawer="{number}"] .st')[0]
    desk.page.keyboard.press("Escape")
    desk.gone("#drawer")


def test_a_number_opens_to_its_formula_target_sources_and_rows(screen: NewScreen) -> None:
    desk = screen("/metabolism")
    card = desk.page.locator("#page .kpi:not(.lead)").first
    key = card.get_attribute("data-drawer")
    card.click()
    desk.see("#drawer .fx")
    assert desk.query("drawer") == key
    desk.page.evaluate("cockpit.go({drawer: 'explain:septic_tanks.over_gas'})")
    desk.holds("() => document.querySelector('#drawer .fx')?.innerText.includes('甲烷≥25%LEL')")
    assert desk.page.locator("#drawer .srcs li").count() >= 1
    assert desk.page.locator("#drawer table.ct tr").count() >= 2


def test_language_and_theme_change_at_once_and_stay_in_the_address(screen: NewScreen) -> None:
    desk = screen("/")
    desk.page.locator('[data-lang-set="en"]').click()
    desk.holds("() => document.querySelector('section.alerts h3')?.innerText.startsWith('Alerts')")
    assert desk.page.evaluate("document.documentElement.lang") == "en" and desk.query("lang") == "en"
    desk.page.locator('[data-theme-set="night"]').click()
    desk.holds("() => document.documentElement.dataset.theme === 'night'")
    desk.page.reload()
    desk.filled()
    assert desk.page.evaluate("document.documentElement.dataset.theme") == "night"
    desk.page.locator('[data-lang-set="zh"]').click()
    desk.holds("() => document.querySelector('section.alerts h3')?.innerText.startsWith('预警')")


def drag(one: Screen, start: float, end: float) -> None:
    """Drag over the strip, from one share of its width to another."""
    strip = one.page.locator("[data-strip]:visible").first
    strip.scroll_into_view_if_needed()
    box = strip.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] * 0.5
    one.page.mouse.move(box["x"] + box["width"] * start, y)
    one.page.mouse.down()
    one.page.mouse.move(box["x"] + box["width"] * (start + end) / 2, y)
    one.page.mouse.move(box["x"] + box["width"] * end, y)
    one.page.mouse.up()


def test_a_stretch_of_time_dragged_on_the_strip_is_in_the_address_and_lets_go_by_its_chip(screen: NewScreen) -> None:
    desk = screen("/metabolism")
    drag(desk, 0.3, 0.6)
    desk.see(".strip .sel")
    t0, t1 = desk.query("t0"), desk.query("t1")
    assert t0 and t1 and re.fullmatch(r"\d{8}T\d{6}Z", t0) and t0 < t1
    desk.page.locator(".chip").first.click()
    desk.gone(".strip .sel")
    assert desk.query("t0") is None and desk.query("t1") is None


def test_the_head_dragged_back_replays_the_city_and_one_click_returns_to_live(screen: NewScreen) -> None:
    desk = screen("/")
    drag(desk, 0.9995, 0.9)
    desk.see('[data-clear="at"]')
    assert desk.query("at")
    desk.filled()
    assert "未算出" not in desk.page.inner_text("#page")
    desk.page.locator('[data-clear="at"]').first.click()
    desk.see(".live-mark")
    assert desk.query("at") is None


def test_the_viewport_chooses_the_surface_and_the_address_can_overrule_it(screen: NewScreen) -> None:
    for size in ("wall", "desk", "phone"):
        chosen = screen("/alerts", on=size)
        assert chosen.page.evaluate("document.documentElement.dataset.surface") == size
        forced = "phone" if size != "phone" else "desk"
        chosen.show(f"/alerts?surface={forced}")
        assert chosen.page.evaluate("document.documentElement.dataset.surface") == forced


def test_a_narrowed_window_becomes_a_phone_and_fills(screen: NewScreen) -> None:
    desk = screen("/")
    desk.page.set_viewport_size({"width": 390, "height": 844})
    desk.see(".hero h1")
    desk.filled()
