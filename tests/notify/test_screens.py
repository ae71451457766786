"""What the screens are told: the newest first, of the streets they look at, with the sound of the level; and what reached nobody."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dashboard.core.duty import SOUNDS
from dashboard.core.scope import Scope
from dashboard.notify.outbox import send
from dashboard.notify.route import route
from dashboard.panels.screens import CityPanels
from dashboard.snapshot.view import View
from tests.notify.office import Office, Receiver, notify_of
from tests.small_city import EAST, WEST

ROOT = Path(__file__).resolve().parents[2]


def shown(office: Office, view: View | None = None) -> str:
    """The panel as a screen gets it."""
    route(office.engine, office.settings, office.city.now)
    panels = CityPanels(office.settings, office.city.catalog, office.engine)
    return str(panels.content("notices", view or View(), office.city.now)["html"])


def test_a_screen_is_told_the_newest_first_with_the_sound_of_each_level(office: Office) -> None:
    for level in ("blue", "yellow", "red"):
        office.raised(level)
    html = shown(office)
    assert re.findall(r'data-told="(\d+)" data-sound="(\w+)"', html) == [("3", "alarm"), ("2", "tick"), ("1", "none")]
    assert "新预警 · 灯体过热" in html


def test_a_screen_of_one_street_is_not_told_of_another(office: Office) -> None:
    office.raised("red", street=EAST)
    assert "data-told" in shown(office, View(scope=Scope((EAST,))))
    assert "data-told" not in shown(office, View(scope=Scope((WEST,))))


def test_what_is_old_or_replayed_is_not_told(office: Office) -> None:
    office.raised("red")
    assert "data-told" in shown(office)
    assert "data-told" not in shown(office, View(as_of=office.city.now))
    office.later(minutes=11)
    assert "data-told" not in shown(office)


def test_a_deployment_chooses_what_the_screens_tell_and_how_it_sounds(office: Office) -> None:
    office.notify = notify_of('sounds = { orange = "alarm" }\n[screens]\nfrom_level = "orange"\nevents = ["open"]\n')
    (one,) = office.raised("orange")
    office.raised("yellow")
    office.moved(one, "clear")
    assert re.findall(r'data-told="(\d+)" data-sound="(\w+)"', shown(office)) == [("1", "alarm")]


def test_messages_that_did_not_go_are_on_the_screen_with_the_reason(hooked: Office, receiver: Receiver) -> None:
    receiver.answer = lambda post: (500, b"")
    hooked.raised("red")
    route(hooked.engine, hooked.settings, hooked.city.now)
    send(hooked.engine, hooked.city.catalog, hooked.settings, "hook", hooked.city.now)
    assert "1条通知未送达：hook: answered 500" in shown(hooked)
    assert "1 notices not delivered: hook: answered 500" in shown(hooked, View(lang="en"))
    receiver.answer = lambda post: (200, b"")
    hooked.later(minutes=1)
    send(hooked.engine, hooked.city.catalog, hooked.settings, "hook", hooked.city.now)
    assert "未送达" not in shown(hooked)


@pytest.mark.parametrize("preset", SOUNDS)
def test_every_sound_a_deployment_may_choose_is_one_the_screens_can_make(preset: str) -> None:
    script = (ROOT / "assets" / "live-sound.js").read_text("utf-8")
    assert re.search(rf"^    {preset}: \[", script, re.M)
