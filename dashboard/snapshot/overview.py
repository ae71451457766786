"""The overview's bodies: verdict, vitals, matrix, feed, strip, footer, navigation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from dashboard.core import places
from dashboard.core.declare import Level, Vital
from dashboard.core.scope import Scope
from dashboard.core.times import iso
from dashboard.snapshot.alerts import Alert, AlertCard, card, grounds, headline, width
from dashboard.snapshot.figures import Cell, cell, shown_kpis
from dashboard.snapshot.picture import Picture, fresh
from dashboard.snapshot.shapes import Spark, spark
from dashboard.snapshot.view import View
from dashboard.snapshot.words import count_word, date_line, grade_word, number, signed

_FULL_CARDS, _LINES = 5, 4
_WIDE = 6  # lines more where the feed has two columns
_SENTENCE = 72  # characters two lines of the verdict hold
_SHORT = 9.5  # characters a line of a vital system holds beside its unit
LEVELS = ("red", "orange", "yellow", "blue")


@dataclass(frozen=True, kw_only=True)
class VitalBody:
    """A vital system in a row, tile or tab."""

    key: str
    css: str
    title: str
    subtitle: str
    path: str
    index: str
    value: float | None
    word: str
    weak: bool
    unlinked: bool
    mark: str  # level to underline the word with: an alert stands behind the weakness
    worst: str  # worst open level
    lines: list[Cell]
    line: Spark | None


def query_of(view: View) -> str:
    """The address part a link to another page carries: scope, moment and language stay, page filters go."""
    kept = [] if view.scope.whole else [f"scope={view.scope.key}"]
    kept += ["lang=en"] if view.lang == "en" else []
    kept += [f"at={view.as_of:%Y%m%dT%H%M%SZ}"] if view.as_of else []
    return "?" + "&".join(kept) if kept else ""


def linked(picture: Picture, vital: str) -> bool:
    """Whether any department's data stands behind a vital system."""
    return any(f"{d.key}.{f.key}" in picture.feeds for d in picture.catalog.of_vital(vital) for f in d.feeds)


def vital_body(picture: Picture, v: Vital, view: View, *, lines: int = 2, with_line: bool = True) -> VitalBody:
    """One vital system for a view's scope."""
    row = picture.figure(f"vital.{v.key}", view.scope)
    value = row.value if row else None
    there = linked(picture, v.key)
    worst = worst_level([a for a in picture.alerts if a.vital == v.key and a.state != "closed" and view.scope.holds(a.street)])
    weak = value is not None and round(value) < 75
    return VitalBody(
        key=v.key,
        css=v.css,
        title=v.title(view.lang),
        subtitle=v.subtitle(view.lang),
        path=v.path,
        index=number(value, 0),
        value=value,
        word=grade_word(value, view.lang) if there else ("未接入" if view.lang != "en" else "Not linked"),
        weak=weak,
        unlinked=not there,
        mark=worst if weak else "",
        worst=worst,
        lines=_lines(picture, v.key, view, lines, there),
        line=spark(picture.line(f"vital.{v.key}", view.scope), picture.band(f"vital.{v.key}", view.scope), floor_span=6)
        if there and with_line
        else None,
    )


def _lines(picture: Picture, vital: str, view: View, count: int, there: bool) -> list[Cell]:
    if there:
        return [cell(picture, key, view.scope, view.lang, with_line=False) for key in shown_kpis(picture, vital, view.scope)[:count]]
    figures = [p for p in picture.catalog.published if p.vital == vital and width(p.title(view.lang)) + width(p.value) <= _SHORT]
    return [published_cell(picture, p.key, view.lang) for p in figures][:count]


def published_cell(picture: Picture, key: str, lang: str) -> Cell:
    """A published figure: never passed off as live."""
    p = next(p for p in picture.catalog.published if p.key == key)
    note = f"公报值，{p.period(lang)}" if lang != "en" else f"published, {p.period(lang)}"
    return Cell(key="", title=p.title(lang), value=p.value, unit=p.unit(lang), fresh=picture.fresh_of(()), note=note)


def worst_level(alerts: list[Alert]) -> str:
    """The worst level among alerts; '' for none."""
    return max((a.level for a in alerts), key=lambda level: Level(level).severity, default="")


def brand(picture: Picture, view: View) -> dict[str, Any]:
    """The district's outline and names."""
    which = 1 if view.lang == "en" else 0
    names = picture.settings.city
    return {
        "outline": picture.land.outline,
        "box": picture.land.around([s.code for s in places.streets()]).padded(0.03).text,
        "name": names.get("name", ["", ""])[which],
        "product": names.get("product", ["", ""])[which],
    }


def vitals(picture: Picture, view: View) -> dict[str, Any]:
    """All eight, in order."""
    return {"vitals": [vital_body(picture, v, view) for v in picture.catalog.vitals.values()], "query": query_of(view)}


def nav(picture: Picture, view: View) -> dict[str, Any]:
    """The tabs: index and worst level, without lines."""
    return {
        "vitals": [vital_body(picture, v, view, lines=0, with_line=False) for v in picture.catalog.vitals.values()],
        "query": query_of(view),
    }


# ---- verdict
def verdict(picture: Picture, view: View) -> dict[str, Any]:
    """One plain sentence: how many are steady, which is lowest, who is on what. The mean never hides the weakest."""
    lang, zh = view.lang, view.lang != "en"
    bodies = [vital_body(picture, v, view, lines=0, with_line=False) for v in picture.catalog.vitals.values()]
    row = picture.figure("district.index", view.scope)
    parts = _headline(bodies, zh)
    delta = signed(row.value - row.yesterday) if row and row.value is not None and row.yesterday is not None else ""
    return {
        "index": number(row.value if row else None, 0),
        "delta": (f"较昨 {delta}" if zh else f"since yesterday {delta}") if delta else ("满分100" if zh else "of 100"),
        "parts": parts,
        "headline": "".join(p["text"] for p in parts),
        "sentence": _sentence(picture, view, bodies),
        "date": date_line(picture.at, lang),
        "weather": _weather(picture, zh),
    }


def _headline(bodies: list[VitalBody], zh: bool) -> list[dict[str, str]]:
    known = [b for b in bodies if b.value is not None]
    steady = [b for b in known if not b.weak]
    weak = sorted((b for b in known if b.weak), key=lambda b: b.value or 0)
    if not known:
        return [{"text": "正在取数" if zh else "Waiting for data", "level": ""}]
    count = count_word(len(steady), "zh" if zh else "en")
    first = f"{count}项平稳" if zh else f"{count} steady"
    if not weak:
        return [{"text": first, "level": ""}]
    names = ("、" if zh else ", ").join(b.title for b in weak[:2])
    word = grade_word(weak[0].value, "zh" if zh else "en")
    text = f"{names}{word}" if zh else f"{names} {word.lower()}"
    return [{"text": first + ("，" if zh else ", "), "level": ""}, {"text": text, "level": weak[0].mark or "none"}]


def _sentence(picture: Picture, view: View, bodies: list[VitalBody]) -> str:
    zh = view.lang != "en"
    opened = [a for a in picture.alerts_in(view) if a.state != "closed"]
    said = []
    if opened:
        first, c = opened[0], card(opened[0], picture.catalog, view.lang, picture.at)
        doing = (
            ("待确认" if first.state == "new" else "处置中") if zh else ("awaits acknowledgement" if first.state == "new" else "in hand")
        )
        said.append(
            f"{headline(first, view.lang)}，{grounds(first, view.lang)}，{c.owner}{doing}"
            if zh
            else f"{headline(first, view.lang)}, {grounds(first, view.lang)}; {c.owner}, {doing}"
        )
        waiting = sum(a.state == "new" for a in opened[1:])
        if waiting:
            said.append(f"另有{waiting}条待确认" if zh else f"{waiting} more to acknowledge")
    else:
        said.append("没有未闭环的预警" if zh else "No open alerts")
    missing = [b.title for b in bodies if b.unlinked]
    if missing:
        said.append(f"{'、'.join(missing)}未接入" if zh else f"{', '.join(missing)} not connected")
    while len(said) > 1 and sum(map(width, said)) > _SENTENCE:
        said.pop()  # the vitals and the feed say it too
    return ("；" if zh else "; ").join(said)


def _weather(picture: Picture, zh: bool) -> str:
    """What the district's own instruments say; the configuration names the metrics: [city.weather] temperature, rain."""
    wanted = picture.settings.city.get("weather", {})
    temperature, rain = (picture.mean_reading(str(wanted.get(name, ""))) for name in ("temperature", "rain"))
    said = []
    if rain is not None:
        said.append(("有雨" if zh else "Rain") if rain >= 0.1 else ("无雨" if zh else "Dry"))
    if temperature is not None:
        said.append(f"{number(temperature, 0)}℃")
    return " ".join(said)


# ---- matrix
def matrix(picture: Picture, view: View) -> dict[str, Any]:
    """Street × system: only exceptions are marked."""
    rows = []
    opened = [a for a in picture.alerts if a.state != "closed"]
    for v in picture.catalog.vitals.values():
        cells = [_matrix_cell(picture, v.key, s.code, opened, view) for s in places.streets()]
        rows.append({"css": v.css, "title": v.title(view.lang), "cells": cells})
    return {
        "streets": [{"code": s.code, "name": s.title(view.lang), "on": s.code in view.scope.streets} for s in places.streets()],
        "rows": rows,
    }


def _matrix_cell(picture: Picture, vital: str, street: str, opened: list[Alert], view: View) -> dict[str, Any]:
    found: dict[str, Any] = {
        "alert": 0,
        "level": "",
        "number": "",
        "late": False,
        "text": "",
        "unlinked": False,
        "on": street in view.scope.streets,
    }
    mine = [a for a in opened if a.vital == vital and a.street == street]
    if mine:
        return found | {"alert": mine[0].alert_id, "level": mine[0].level, "number": mine[0].number}
    if not linked(picture, vital):
        return found | {"unlinked": True}
    row = picture.figures.get((f"vital.{vital}", street))
    if row is None or row.value is None or row.freshness in ("late", "silent"):
        return found | {"late": row is not None}
    return found | {"text": number(row.value, 0) if round(row.value) < 75 else ""}


# ---- feed: what fits a column of 41 rem is decided here, so that nothing is ever cut
_ROOM, _CARD, _SECOND_LINE, _LINE, _MORE = 41.0, 6.45, 1.9, 2.375, 2.1
_TITLE_WIDTH = 11.0  # Chinese characters a card's title line holds beside its age


def feed(picture: Picture, view: View) -> dict[str, Any]:
    """Open alerts: the first in full, some on a line each, the rest as a number."""
    shown = [a for a in picture.alerts_in(view) if a.state != "closed"]
    cards = [card(a, picture.catalog, view.lang, picture.at) for a in shown[: _FULL_CARDS + _LINES + 8]]
    full, lines = _fitting(cards, len(shown))
    everyone = [a for a in picture.alerts if a.state != "closed" and view.scope.holds(a.street)]
    zh = view.lang != "en"
    return {
        "counts": [{"level": level, "number": sum(a.level == level for a in everyone)} for level in LEVELS],
        "closed_today": closed_today(picture, view),
        "cards": cards[:full],
        "lines": cards[full : full + lines],
        "more": len(shown) - full - lines,
        "wide": cards[full + lines : full + lines + _WIDE],
        "more_wide": max(0, len(shown) - full - lines - _WIDE),
        "empty_note": (f"近24小时已闭环{sum(a.state == 'closed' for a in picture.alerts)}条" if zh else "") if not shown else "",
        "query": query_of(view),
    }


def _fitting(cards: list[AlertCard], total: int) -> tuple[int, int]:
    """How many cards stand in full and how many on a line."""
    room, full = _ROOM, 0
    for c in cards[:_FULL_CARDS]:
        height = _CARD + (_SECOND_LINE if width(c.title) > _TITLE_WIDTH else 0.0)
        left_after = total - full - 1
        needed = min(left_after, 2) * _LINE + (_MORE if left_after > 2 else 0.0)
        if room - height < needed:
            break
        room -= height
        full += 1
    left = total - full
    lines = min(left, int(room / _LINE))
    if lines < left:
        lines = max(0, int((room - _MORE) / _LINE))
    return full, min(lines, len(cards) - full)


def closed_today(picture: Picture, view: View) -> int:
    """Alerts cleared since the city's midnight."""
    from_midnight = date_line(picture.at, "zh")
    return sum(
        a.state == "closed" and a.closed is not None and date_line(a.closed, "zh") == from_midnight and view.scope.holds(a.street)
        for a in picture.alerts
    )


def foremost(picture: Picture, view: View) -> dict[str, Any]:
    """The one that matters most, and the next few."""
    shown = [a for a in picture.alerts_in(view) if a.state != "closed"]
    cards: list[AlertCard] = [card(a, picture.catalog, view.lang, picture.at) for a in shown[:5]]
    return {"first": cards[0] if cards else None, "rest": cards[1:], "open": len(shown), "query": query_of(view)}


# ---- footer
def foot(picture: Picture, view: View) -> dict[str, Any]:
    """How many feeds are live, which are not, and what this picture is."""
    zh = view.lang != "en"
    feeds = picture.feeds
    troubles = []
    for key, f in sorted(feeds.items(), key=lambda item: (item[1].state.value, item[1].age or timedelta(0)), reverse=True):
        if f.state.value in ("late", "silent"):
            name = picture.catalog.feeds[key][1].title(view.lang) if key in picture.catalog.feeds else key
            word = ("迟到" if f.state.value == "late" else "中断") if zh else ("late" if f.state.value == "late" else "silent")
            troubles.append({"fresh": fresh(f, picture.now), "text": f"{name}{word}" if zh else f"{name} {word}"})
    notice = picture.settings.city.get("notice", ["", ""])[0 if zh else 1]
    sketch = picture.land.review_no or ("边界为示意" if zh else "schematic limits")
    return {
        "total": len(feeds),
        "fresh": sum(f.state.value == "fresh" for f in feeds.values()),
        "troubles": troubles[:3],
        "notice": ("，" if zh else ", ").join(part for part in (notice, sketch) if part),
        "query": query_of(view),
        "as_of": iso(picture.at),
    }


# ---- the alerts page
def alert_list(picture: Picture, view: View) -> dict[str, Any]:
    """Open alerts and those of the last 24 hours, as filtered."""
    zh = view.lang != "en"
    shown = picture.alerts_in(view)
    if view.t0 and view.t1:
        shown = [a for a in shown if a.opened <= view.t1 and (a.closed is None or a.closed >= view.t0)]
    opened = [a for a in picture.alerts if a.state != "closed" and view.scope.holds(a.street)]
    rows = [card(a, picture.catalog, view.lang, picture.at) for a in shown[:200]]
    return {
        "subtitle": f"显示{len(rows)}条" if zh else f"{len(rows)} shown",
        "counts": [{"level": level, "number": sum(a.level == level for a in opened)} for level in LEVELS],
        "rows": rows,
        "empty": "所选范围没有预警" if zh else "No alerts in this selection",
        "filtered": not view.scope.whole or bool(view.levels or view.states or view.t0),
    }
