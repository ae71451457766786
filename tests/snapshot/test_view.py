"""An address can ask for less, never for more, and never for something that breaks a panel."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qsl

import pytest

from dashboard.core.places import known_streets
from dashboard.core.sight import EVERYTHING
from dashboard.snapshot.view import View, parse_view

VITALS = frozenset({"breath", "skeleton"})


def view(text: str) -> View:
    return parse_view(dict(parse_qsl(text)), known_streets(), VITALS, EVERYTHING)


def test_a_plain_address_shows_the_whole_district_now_in_chinese() -> None:
    assert view("") == View() and View().key == "scope=district&lang=zh"


def test_a_view_is_the_same_after_a_round_trip_through_its_address() -> None:
    filters = "scope=500103010+500103003&lang=en&level=red,blue&state=new&system=breath&asset=桥%26t0=1&order=hours"
    asked = view(f"{filters}&t0=20260520T010000Z&t1=20260520T020000Z")
    assert view(asked.key) == asked and view(asked.key).key == asked.key


def test_two_views_never_share_a_key() -> None:
    """Screens with equal keys are sent the same bytes: an asset's name must not pass for another filter."""
    assert view("asset=x%26level=red").key != view("asset=x&level=red").key


def test_a_scope_of_unknown_streets_holds_nothing_rather_than_everything() -> None:
    tampered = view("scope=999999999+' or 1=1")
    assert not tampered.scope.whole
    assert not any(tampered.scope.holds(s) for s in known_streets()) and not tampered.scope.holds(None)


@pytest.mark.parametrize(
    "text",
    [
        "lang=xx&level=purple&state=gone&system=liver&order=colour",
        "t0=20260520T010000Z",
        "t0=20260520T020000Z&t1=20260520T010000Z",
        "t0=20000101T000000Z&t1=20991231T000000Z",
        "at=00010101T000000Z",
        "at=99991231T235959Z",
        "at=yesterday&t0=1&t1=2",
    ],
)
def test_what_is_not_understood_is_dropped(text: str) -> None:
    assert view(text) == View()


def test_a_window_of_a_month_is_kept() -> None:
    window = view("t0=20260420T000000Z&t1=20260520T000000Z").window
    assert window and window[1] - window[0] == timedelta(days=30)


def test_an_asset_key_is_cut_to_what_the_store_can_hold() -> None:
    assert len(view("asset=" + "x" * 5000).asset) == 129
