"""Lists of alerts: the overview's feed, the phone's foremost one, and the alerts page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboard.core.times import city_day
from dashboard.snapshot.alerts import Alert, AlertCard, card, width
from dashboard.snapshot.fold import Line, lines
from dashboard.snapshot.line_cards import line_card
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.view import View
from dashboard.snapshot.vitals import LEVELS, query_of
from dashboard.snapshot.words import say

_FULL_CARDS, _LINES = 5, 4
_WIDE = 6  # lines more where the feed has two columns
_SOME = _FULL_CARDS + _LINES + 8  # more than ever fit the column
_MOST_ROWS = 200
# what fits a column of 41 rem is decided here, so that nothing is ever cut
_ROOM, _CARD, _SECOND_LINE, _LINE, _MORE = 41.0, 6.45, 1.9, 2.375, 2.1
_TITLE_WIDTH = 11.0  # Chinese characters a card's title line holds beside its age


def feed(picture: Picture, view: View) -> dict[str, Any]:
    """Open alerts line by line: the first in full, some on a line each, the rest as a number."""
    shown = lines(picture.open_in(view))
    cards = _line_cards(picture, view, shown[:_SOME])
    full, thin = fitting(cards, len(shown))
    said = full + thin
    closed = sum(not a.is_open for a in picture.alerts)
    return {
        "counts": counts(picture, view),
        "back": _back(picture, view),
        "closed_today": _closed_today(picture, view),
        "cards": cards[:full],
        "lines": cards[full:said],
        "more": _alerts_on(shown[said:]),
        "wide": cards[said : said + _WIDE],
        "more_wide": _alerts_on(shown[said + _WIDE :]),
        "empty_note": "" if shown else say(view.lang, f"近24小时已闭环{closed}条", ""),
        "query": query_of(view),
    }


def fitting(cards: Sequence[AlertCard], total: int) -> tuple[int, int]:
    """How many cards stand in full and how many on a line, of so many in all."""
    room, full = _ROOM, 0
    for c in cards[:_FULL_CARDS]:
        height = _CARD + (_SECOND_LINE if width(c.title) > _TITLE_WIDTH else 0.0)
        left_after = total - full - 1
        needed = min(left_after, 2) * _LINE + (_MORE if left_after > 2 else 0.0)
        if room - height < needed:
            break
        room -= height
        full += 1
    lines = min(total - full, int(room / _LINE))
    if lines < total - full:
        lines = max(0, int((room - _MORE) / _LINE))
    return full, min(lines, len(cards) - full)


def foremost(picture: Picture, view: View) -> dict[str, Any]:
    """The one that matters most, and the next few."""
    shown = lines(picture.open_in(view))
    cards = _line_cards(picture, view, shown[:5])
    return {"first": cards[0] if cards else None, "rest": cards[1:], "open": len(picture.open_in(view)), "query": query_of(view)}


def alert_list(picture: Picture, view: View) -> dict[str, Any]:
    """Open alerts and those of the last 24 hours, as filtered."""
    found = listed_alerts(picture, view)
    rows = [*_line_cards(picture, view, lines(found)), *_cards(picture, view, [a for a in found if not a.is_open])][:_MOST_ROWS]
    shown = sum(row.count for row in rows)
    return {
        "subtitle": say(view.lang, f"显示{shown}条，{len(rows)}行", f"{shown} shown on {len(rows)} lines"),
        "counts": counts(picture, view),
        "back": _back(picture, view),
        "rows": rows,
        "export": f"/export/alerts.csv?{view.query}",
        "empty": say(view.lang, "所选范围没有预警", "No alerts in this selection"),
        "filtered": view.picked or bool(view.levels or view.states or view.t0),
    }


def silenced(picture: Picture, view: View, _: str) -> dict[str, Any]:
    """What is open and silenced, one by one."""
    return {"alerts": _cards(picture, view, [a for line in lines(picture.open_in(view)) if line.kind == "silenced" for a in line.alerts])}


def listed_alerts(picture: Picture, view: View) -> list[Alert]:
    """All alerts of a selection; with a time window, those open at some time in it."""
    shown = picture.alerts_in(view)
    if view.window is None:
        return shown
    t0, t1 = view.window
    return [a for a in shown if a.opened <= t1 and (a.closed is None or a.closed >= t0)]


def counts(picture: Picture, view: View) -> list[dict[str, Any]]:
    """Alerts that stand in the view's streets by level, whatever else is filtered."""
    opened = [a.level for a in picture.alerts if a.stands and view.scope.holds(a.street)]
    return [{"level": level, "number": opened.count(level)} for level in LEVELS]


def _back(picture: Picture, view: View) -> int:
    """Matters whose reading is back, and that people have yet to close."""
    return sum(a.is_open and not a.stands and view.scope.holds(a.street) for a in picture.alerts)


def _alerts_on(found: Sequence[Line]) -> int:
    return sum(len(line.alerts) + len(line.follows) for line in found)


def _line_cards(picture: Picture, view: View, found: Sequence[Line]) -> list[AlertCard]:
    return [line_card(line, picture.catalog, view.lang, picture.at) for line in found]


def _cards(picture: Picture, view: View, alerts: Sequence[Alert]) -> list[AlertCard]:
    return [card(a, picture.catalog, view.lang, picture.at) for a in alerts]


def _closed_today(picture: Picture, view: View) -> int:
    """Alerts cleared since the city's midnight."""
    today = city_day(picture.at)
    return sum(a.closed is not None and city_day(a.closed) == today and view.scope.holds(a.street) for a in picture.alerts)
