"""What is filtered: each choice with where it came from, the buttons to choose by, how much of the whole is shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dashboard.core.times import CITY_ZONE
from dashboard.snapshot.alerts import street_name
from dashboard.snapshot.part import all_of_it
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.view import View
from dashboard.snapshot.vitals import LEVELS
from dashboard.snapshot.words import LEVEL_WORDS, STATUS_WORDS, listed, say


def chips(picture: Picture, view: View, vital: str = "") -> dict[str, Any]:
    """The filters of a page, of one vital system if it is one's."""
    opened = [a for a in picture.alerts if a.is_open and (not vital or a.vital == vital)]
    return {
        "chips": list(_chosen(picture, view)),
        "nothing": say(view.lang, f"{all_of_it(view)}，全部等级，近24小时", f"{_first(all_of_it(view))}, all levels, last 24 hours"),
        "all": True,
        "street": view.scope.key if len(view.scope.streets) == 1 else "",
        "levels": [{"level": level, "on": level in view.levels} for level in LEVELS],
        "states": [{"state": s, "on": s in view.states} for s in ("new", "in_hand")],
        "result_before": say(view.lang, f"{len(opened)}条未闭环中显示 ", ""),
        "shown": len(picture.open_in(view, vital)),
        "result_after": say(view.lang, " 条", f" of {len(opened)} open alerts shown"),
    }


def _first(name: str) -> str:
    return "Whole district" if name == "District" else name


def times(picture: Picture, view: View) -> dict[str, Any]:
    """On the page of one thing: only when it is looked at can be let go of."""
    body = chips(picture, view)
    kept = [chip for chip in body["chips"] if chip["name"] in ("time", "at")]
    return body | {"chips": kept, "all": False, "street": "", "levels": [], "states": []}


def _chosen(picture: Picture, view: View) -> Iterator[dict[str, str]]:
    lang = view.lang
    if view.picked:
        names = listed(lang, [street_name(s, lang) or s for s in view.scope.streets])
        yield _chip("scope", say(lang, f"街道：{names}", f"Street: {names}"), say(lang, "地图选取", "from the map"))
    if system := picture.catalog.vitals.get(view.system) or picture.catalog.domains.get(view.system):
        name = system.title(lang)
        yield _chip("system", say(lang, f"体征：{name}", f"System: {name}"), say(lang, "体征选取", "from the systems"))
    if view.levels:
        names = listed(lang, [LEVEL_WORDS[level](lang) for level in view.levels])
        yield _chip("level", say(lang, f"等级：{names}", f"Level: {names}"), say(lang, "等级选取", "from the levels"))
    if view.states:
        names = listed(lang, [STATUS_WORDS[s](lang) for s in view.states])
        yield _chip("state", say(lang, f"状态：{names}", f"State: {names}"), say(lang, "状态选取", "from the states"))
    yield from _times(view)
    if view.asset:
        name = asset_title(picture, view.asset, lang)
        yield _chip("asset", say(lang, f"对象：{name}", f"Asset: {name}"), say(lang, "表格选取", "from the table"))
    if view.as_of:
        at = view.as_of.astimezone(CITY_ZONE)
        text = say(lang, f"回放 {at.month}月{at.day}日{at:%H:%M}", f"Replay {at:%d %b %H:%M}")
        yield _chip("at", text, say(lang, "时间条选取", "from the strip"))


def _times(view: View) -> Iterator[dict[str, str]]:
    if view.window:
        start, end = (t.astimezone(CITY_ZONE) for t in view.window)
        stretch = f"{start:%H:%M}–{end:%H:%M}"
        yield _chip("time", say(view.lang, f"时间：{stretch}", f"Time: {stretch}"), say(view.lang, "时间条选取", "from the strip"))


def _chip(name: str, text: str, origin: str) -> dict[str, str]:
    return {"name": name, "text": text, "origin": origin}


def asset_title(picture: Picture, asset_id: str, lang: str) -> str:
    """The name of a picked asset or line: as its alerts have it, as it is declared, else its number."""
    if asset_id in picture.catalog.kpis:
        return picture.catalog.kpis[asset_id][1].title(lang)
    domain, _, key = asset_id.partition(".")
    if metric := picture.catalog.metrics.get((domain, key)):
        return metric.title(lang)
    number = asset_id.partition("/")[2] or asset_id
    return next((a.asset_name for a in picture.alerts if a.asset_id == number), number)
