"""The auditor's page: what it lists, how it is narrowed, and what it says when the log is not as it was written."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from dashboard.casework.life import EVENT_WORDS, Event
from dashboard.core.errors import NotFoundError
from dashboard.core.sight import Sight
from dashboard.snapshot.audit import words_of
from dashboard.snapshot.view import View
from dashboard.store.audit_check import look_through
from dashboard.store.audit_log import Origin, Outcome, note_action
from dashboard.store.engine import writing
from tests.whole_city import NASTY, NOON, ROOT, Town

DESK = Origin("desk", "17", "203.0.113.x")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def audited(own: Town) -> Town:
    """Five things were done, two of them in vain."""
    with writing(own.engine).begin() as conn:
        for number, (actor, action, outcome) in enumerate(
            [
                ("值班台", "alert.settle", "done"),
                ("a&b", "account.lock", "done"),
                ("值班台", "route", "denied"),
                ("?", "session.begin", "failed"),
                ("leader", "export", "done"),
            ]
        ):
            told = {"actor": actor, "action": action, "about": f"thing {number}", "detail": NASTY}
            note_action(conn, **told, now=NOON - (9 - number) * MINUTE, origin=DESK, outcome=Outcome(outcome))
    return own


def auditor(town: Town) -> Sight:
    return town.catalog.roles["auditor"].sight()


def listed(town: Town, query: str = "") -> list[str]:
    """The objects in the order they stand on the page."""
    panels = town.panels
    view = panels.parse(dict(part.split("=") for part in query.split("&") if part), auditor(town))
    return re.findall(r"thing \d", panels.content("audit", view, NOON)["html"])


def test_the_newest_comes_first_with_who_what_from_where_and_how_it_went(audited: Town) -> None:
    html = audited.panels.content("audit", View(lang="en", sight=auditor(audited)), NOON)["html"]
    assert listed(audited) == ["thing 4", "thing 3", "thing 2", "thing 1", "thing 0"]
    for words in ("203.0.113.x", "session 17", "sign in", "failed", "denied", "lock an account", "desk", "a&amp;b"):
        assert words in html
    assert "<script" not in html


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("kind=denied", ["thing 2"]),
        ("kind=failed", ["thing 3"]),
        ("kind=alert", ["thing 0"]),
        ("kind=export", ["thing 4"]),
        ("who=值班台", ["thing 2", "thing 0"]),
        ("who=值班台&kind=alert", ["thing 0"]),
        ("who=a%", []),
        ("kind=%", ["thing 4", "thing 3", "thing 2", "thing 1", "thing 0"]),  # no kind at all
        ("kind=nothing", []),
        ("t0=20260520T035130Z&t1=20260520T035230Z", ["thing 1"]),
    ],
)
def test_an_address_narrows_it(audited: Town, query: str, found: list[str]) -> None:
    assert listed(audited, query) == found


def test_whether_it_is_whole_is_said_with_when_it_was_verified(audited: Town) -> None:
    view = View(lang="en", sight=auditor(audited))
    assert "Not verified yet" in audited.panels.content("audit-check", view, NOON)["html"]
    look_through(audited.engine, audited.settings.home / "none", NOON - MINUTE)
    assert "Whole" in audited.panels.content("audit-check", view, NOON)["html"]
    with writing(audited.engine).begin() as conn:
        conn.execute(sa.text("UPDATE audit SET actor = 'x' WHERE audit_id = (SELECT max(audit_id) FROM audit)"))
    look_through(audited.engine, audited.settings.home / "none", NOON)
    html = audited.panels.content("audit-check", view, NOON)["html"]
    assert "Tampered with" in html and "was changed, or not written by us" in html


@pytest.mark.parametrize("role", ["viewer", "leader", "desk", "security_admin", "system_admin"])
def test_nobody_but_the_auditor_sees_it(audited: Town, role: str) -> None:
    sight = audited.catalog.roles[role].sight()
    for panel in ("audit", "audit-check"):
        with pytest.raises(NotFoundError):
            audited.panels.content(panel, View(sight=sight), NOON)


def test_every_action_that_is_noted_has_words_in_both_languages() -> None:
    noted: set[str] = set()
    for file in (ROOT / "dashboard").rglob("*.py"):
        text = file.read_text("utf-8")
        noted |= set(re.findall(r'\baction="([a-z.]+)"', text)) | set(re.findall(r'note\w*\([^"\n]*"([a-z]+(?:\.[a-z]+)+)"', text))
    assert {"session.begin", "silence.make", "store.restore", "account.role"} <= noted
    assert [action for action in sorted(noted) if words_of(action).zh == action] == []


def test_an_action_nobody_has_words_for_is_shown_by_its_name() -> None:
    assert (words_of("new.thing").zh, words_of("alert.photo")) == ("new.thing", EVENT_WORDS[Event.PHOTO])
