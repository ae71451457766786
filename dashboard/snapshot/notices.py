"""What was just told on the screens: the newest notices with their sounds, and the channels that others were not reached by."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from dashboard.casework.life import EVENT_WORDS, Event
from dashboard.core.declare import Level, Text
from dashboard.core.places import street
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.view import View
from dashboard.snapshot.words import say
from dashboard.store.notice_reads import ToldRow, told_on_screens, undelivered, undelivered_orders

_LATELY = timedelta(minutes=10)
_GIVEN_UP_LATELY = timedelta(days=7)
_MOST = 4
_READ = 40
_WORDS = {
    "open": Text("新预警", "New"),
    "up": Text("升级", "Raised"),
    "down": Text("降级", "Lowered"),
    "no_data": Text("数据中断", "No data"),
    "data_back": Text("数据恢复", "Data back"),
    "clear": Text("解除", "Cleared"),
}


def notices(picture: Picture, view: View) -> dict[str, Any]:
    """The newest notices of the view's streets; a screen in replay is told nothing."""
    if picture.replay:
        return {"told": [], "unsent": []}
    told, unsent, orders = picture.kept("notices", ["notices"], lambda: _read(picture))
    shown = [row for row in told if view.scope.holds(row.street)][:_MOST]
    return {
        "told": [_told(picture, row, view.lang) for row in shown],
        "unsent": [_unsent(row, view.lang) for row in unsent] + [_untaken(row, view.lang) for row in orders],
    }


def _read(picture: Picture) -> tuple[list[ToldRow], list[Any], list[Any]]:
    with picture.reading() as conn:
        lately = picture.now - _GIVEN_UP_LATELY
        return told_on_screens(conn, picture.now - _LATELY, _READ), undelivered(conn, lately), undelivered_orders(conn, lately)


def _told(picture: Picture, row: ToldRow, lang: str) -> dict[str, Any]:
    declared, where = picture.catalog.rules.get(row.rule), street(row.street) if row.street else None
    words = _WORDS.get(row.event) or EVENT_WORDS[Event(row.event)]
    return {
        "id": row.transition_id,
        "alert_id": row.alert_id,
        "level": row.level,
        "event": say(lang, "【演练】", "[EXERCISE] ") + words(lang) if row.drill else words(lang),
        "level_name": Level(row.level).words(lang),
        "title": declared[1].title(lang) if declared else row.rule,
        "place": " ".join(part for part in (where.title(lang) if where else "", row.asset_name) if part),
        "sound": picture.settings.notify.sounds[row.level],
    }


def _unsent(row: Any, lang: str) -> str:
    lost = say(lang, f"，其中{row.given_up}条已放弃", f", {row.given_up} of them given up") if row.given_up else ""
    return say(lang, f"{row.messages}条通知未送达{lost}：{row.error}", f"{row.messages} notices not delivered{lost}: {row.error}")


def _untaken(row: Any, lang: str) -> str:
    lost = say(lang, f"，其中{row.given_up}单已放弃", f", {row.given_up} of them given up") if row.given_up else ""
    return say(lang, f"{row.messages}张工单未送达{lost}：{row.error}", f"{row.messages} work orders not delivered{lost}: {row.error}")
