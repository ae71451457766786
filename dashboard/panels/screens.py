"""Every panel by its key: which body it takes, how it is drawn, and what makes it stale."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from markupsafe import Markup

from dashboard.core import places
from dashboard.core.catalog import Catalog
from dashboard.core.errors import NotFoundError
from dashboard.panels import charts
from dashboard.panels.templating import html, macro
from dashboard.settings import Settings
from dashboard.snapshot import drawers, listing, overview, sources, strip, system
from dashboard.snapshot.maps import map_body
from dashboard.snapshot.picture import Picture, Reader
from dashboard.snapshot.view import View, parse_view

Body = dict[str, Any]
Make = Callable[[Picture, View, str], Body]


@dataclass(frozen=True)
class Kind:
    """How one kind of panel is made. `topics` may name {vital} and {domains}."""

    template: str
    body: Make
    topics: tuple[str, ...] = ("kpi:*", "alerts", "sources")


def _map(ident: str, aspect: float, font: float, *, system_page: bool) -> Make:
    def body(picture: Picture, view: View, vital: str) -> Body:
        drawn = map_body(
            picture, view, ident=ident + vital, aspect=aspect, font_share=font, vital=vital if system_page else "", zoom=system_page
        )
        svg = Markup(macro("_map.html", "draw", view.lang, drawn))  # noqa: S704 - made by our own autoescaped template
        if system_page:
            return {"svg": svg, "subtitle": _where(picture, view, vital), "legend": _legend(view.lang)}
        note = "街道自西向东，只标异常，斜纹为数据迟到" if view.lang != "en" else "streets west to east; exceptions only; hatched: late"
        return {"svg": svg, "note": note, **overview.matrix(picture, view)}

    return body


def _where(picture: Picture, view: View, vital: str) -> str:
    shown = sum(a.state != "closed" and a.vital == vital for a in picture.alerts_in(view))
    return f"未闭环 {shown}，点街道可筛选" if view.lang != "en" else f"{shown} open; click a street to filter"


def _legend(lang: str) -> list[dict[str, Any]]:
    zh = lang != "en"
    return [
        {"d": "M0 5H16", "dash": False, "text": "桥梁" if zh else "Bridge"},
        {"d": "M0 5H16", "dash": True, "text": "隧道" if zh else "Tunnel"},
        {"d": "M8 1 13 9H3Z", "dash": False, "text": "设施" if zh else "Asset"},
    ]


def _heading(picture: Picture, view: View, which: str) -> Body:
    zh = view.lang != "en"
    if which == "alerts":
        return system.plain_title(
            "预警" if zh else "Alerts", "谁在处置，历时多久，结果如何" if zh else "who is on it, for how long, with what outcome"
        )
    if which == "sources":
        return system.plain_title(
            "数据源" if zh else "Data sources",
            "各部门数据库的新鲜度、行数、隔离与错误" if zh else "freshness, rows, quarantine and errors of each department's database",
        )
    return system.title(picture, view, which)


KINDS: Mapping[str, Kind] = {
    "brand": Kind("brand", lambda p, v, _: overview.brand(p, v), ("geo",)),
    "verdict": Kind("verdict", lambda p, v, _: overview.verdict(p, v)),
    "hero": Kind("hero", lambda p, v, _: overview.verdict(p, v)),
    "vitals": Kind("vitals", lambda p, v, _: overview.vitals(p, v)),
    "tiles": Kind("tiles", lambda p, v, _: overview.vitals(p, v)),
    "day": Kind("day", lambda p, v, _: overview.vitals(p, v)),
    "nav": Kind("nav", lambda p, v, _: overview.nav(p, v)),
    "map": Kind("map", _map("m", 1.84, 0.0222, system_page=False), ("kpi:*", "alerts", "geo", "sources")),
    "map-phone": Kind("map", _map("p", 1.63, 0.0345, system_page=False), ("kpi:*", "alerts", "geo", "sources")),
    "feed": Kind("feed", lambda p, v, _: overview.feed(p, v), ("alerts",)),
    "foremost": Kind("foremost", lambda p, v, _: overview.foremost(p, v), ("alerts",)),
    "strip": Kind("strip", lambda p, v, arg: strip.strip(p, v, arg), ("kpi:*", "alerts")),
    "foot": Kind("foot", lambda p, v, _: overview.foot(p, v), ("sources", "geo")),
    "title": Kind("title", _heading),
    "chips": Kind("chips", lambda p, v, arg: system.chips(p, v, arg), ("alerts",)),
    "kpis": Kind("kpis", lambda p, v, arg: system.kpis(p, v, arg), ("kpi:{vital}", "kpi:{domains}", "sources")),
    "figures": Kind("unlinked", lambda p, v, arg: system.figures(p, v, arg), ()),
    "sitemap": Kind("sitemap", _map("s", 2.6, 0.0198, system_page=True), ("alerts", "geo", "table:*")),
    "sitemap-wall": Kind("sitemap", _map("b", 1.32, 0.0288, system_page=True), ("alerts", "geo", "table:*")),
    "sitemap-phone": Kind("sitemap", _map("q", 1.5, 0.0368, system_page=True), ("alerts", "geo", "table:*")),
    "chart": Kind("chart", lambda p, v, arg: system.chart(p, v, arg), ("kpi:{vital}", "readings:{domains}", "alerts")),
    "readings": Kind("table", lambda p, v, arg: listing.readings(p, v, arg), ("readings:{domains}", "alerts")),
    "cases": Kind("cases", lambda p, v, arg: listing.cases(p, v, arg), ("table:*",)),
    "alerts": Kind("alerts", lambda p, v, _: overview.alert_list(p, v), ("alerts",)),
    "sources": Kind("sources", lambda p, v, _: sources.sources(p, v), ("sources", "table:*", "readings:*")),
    "explain": Kind("drawer_explain", lambda p, v, arg: drawers.explanation(p, v, arg)),
    "alert": Kind("drawer_alert", lambda p, v, arg: drawers.alert(p, v, arg), ("alerts",)),
    "asset": Kind("drawer_asset", lambda p, v, arg: drawers.asset(p, v, arg), ("readings:*", "alerts")),
    "pull": Kind("drawer_pull", lambda p, v, arg: sources.pull_detail(p, v, arg), ("sources",)),
}


class CityPanels:
    """Makes panels for the live channel. One picture of the store serves all panels of a turn."""

    def __init__(self, settings: Settings, catalog: Catalog, engine: sa.Engine, pages: Sequence[Any] = ()) -> None:
        self._reader = Reader(engine, catalog, settings)
        self._pages = {page.path: page for page in pages}

    def content(self, panel: str, view: View, now: datetime) -> dict[str, Any]:
        """The finished panel. Raises NotFoundError for a key nothing answers to."""
        kind, arg = self._kind(panel)
        picture = self._reader.picture(now, view)
        body = kind.body(picture, view, arg)
        done: dict[str, Any] = {"html": html(kind.template, view.lang, body=body)}
        if kind.template == "chart":
            done["figure"] = charts.figure(body, view.lang)
        return done

    def topics(self, panel: str) -> frozenset[str]:
        """What makes a panel stale; a trailing `*` stands for every topic that begins so."""
        kind, arg = self._kind(panel)
        domains = [d.key for d in self._reader.catalog.of_vital(arg)]
        found: set[str] = set()
        for topic in kind.topics:
            if "{domains}" in topic:
                found |= {topic.replace("{domains}", d) for d in domains}
            else:
                found.add(topic.replace("{vital}", arg))
        return frozenset(found)

    def panels_of(self, path: str, surface: str) -> list[str]:
        """The panels that stand on a page of a surface."""
        page = self._pages.get(path)
        return page.panels(surface) if page else []

    def parse(self, query: Mapping[str, str]) -> View:
        """The view an address asks for."""
        return parse_view(query, places.known_streets(), frozenset(self._reader.catalog.vitals))

    def _kind(self, panel: str) -> tuple[Kind, str]:
        name, _, arg = panel.partition(":")
        kind = KINDS.get(name)
        if kind is None or ("{" in "".join(kind.topics) and arg not in self._reader.catalog.vitals):
            raise NotFoundError(f"no panel {panel!r}")
        return kind, arg
