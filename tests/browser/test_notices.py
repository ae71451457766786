"""A new alert is seen and heard on an open screen; a wall is silent until it is allowed to sound."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from dashboard.notify.route import route
from dashboard.settings import Settings
from dashboard.store.engine import open_store, writing
from dashboard.store.schema import alert, alert_transition, notice_message
from dashboard.store.topics import bump
from tests.browser.conftest import NewScreen
from tests.browser.stand import Screen

pytestmark = pytest.mark.browser
SEEN = "() => Boolean(document.querySelector('#notices .told li.fresh'))"
READY = """() => Boolean(document.querySelector('#notices .told'))
    && document.querySelector('[data-sound-toggle]').hasAttribute('aria-pressed')"""


def happens(city: Settings, level: str = "red") -> None:
    """An alert rises, as the worker stores and routes it."""
    engine, now = open_store(city.store_url), datetime.now(UTC)
    with writing(engine).begin() as conn:
        one = conn.scalar(sa.select(sa.func.min(alert.c.alert_id)).where(alert.c.state == "open"))
        row = {"alert_id": one, "at": now, "noticed_at": now, "what": "level", "old": "blue", "new": level, "reason": "", "actor": "system"}
        conn.execute(sa.insert(alert_transition).values(row))
    route(engine, city, now)
    engine.dispose()


def heard(one: Screen) -> str | None:
    found = one.page.evaluate("document.documentElement.dataset.heard || null")
    return str(found) if found else None


def test_a_new_red_alert_stands_on_every_open_screen_and_sounds_its_alarm_where_that_is_allowed(screen: NewScreen, city: Settings) -> None:
    happens(city)  # what the city was built with is told before anybody looks
    desk, wall = screen("/"), screen("/", on="wall")
    for one in (desk, wall):
        one.holds(READY)
    desk.page.click("[data-sound-toggle]")  # off
    desk.page.click("[data-sound-toggle]")  # on again: heard at once, so that one knows how loud it is
    assert heard(desk) == "tick"
    happens(city)
    for one in (desk, wall):
        one.holds(SEEN, 5)
    desk.holds("() => document.documentElement.dataset.heard === 'alarm'", 5)
    assert heard(wall) is None


def test_a_screen_that_was_silenced_shows_and_does_not_sound(screen: NewScreen, city: Settings) -> None:
    desk = screen("/alerts")
    desk.holds(READY)
    desk.page.click("[data-sound-toggle]")
    happens(city)
    desk.holds(SEEN, 5)
    assert heard(desk) is None


def test_a_notice_opens_the_alert_it_is_about(screen: NewScreen, city: Settings) -> None:
    desk = screen("/")
    desk.holds(READY)
    happens(city, "yellow")
    desk.holds(SEEN, 5)
    desk.page.click("#notices .told li.fresh")
    desk.holds("() => !document.getElementById('drawer').hidden && location.search.includes('drawer=alert')")


def test_what_reached_nobody_is_kept_at_the_bell_until_it_is_delivered(screen: NewScreen, city: Settings) -> None:
    desk = screen("/")
    desk.holds(READY)
    key, now = "00000000-0000-0000-0000-000000000000", datetime.now(UTC)
    engine = open_store(city.store_url)
    row = {"message": key, "channel": "mail", "recipient": "desk", "severity": 4, "state": "waiting", "made_at": now, "next_at": now}
    with writing(engine).begin() as conn:
        conn.execute(sa.insert(notice_message).values(**row, attempts=1, fence=0, error="mail: not reached"))
        bump(conn, ["notices"], now)
    desk.holds("() => document.querySelector('.bell.troubled')?.title.includes('1条通知未送达：mail: not reached')", 5)
    with writing(engine).begin() as conn:
        conn.execute(sa.delete(notice_message).where(notice_message.c.message == key))
        bump(conn, ["notices"], now)
    engine.dispose()
    desk.holds("() => !document.querySelector('.bell.troubled')", 5)
