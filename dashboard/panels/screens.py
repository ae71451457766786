"""Every panel by its key: which body it takes, how it is drawn, and what makes it stale."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from markupsafe import Markup

from dashboard.core import places
from dashboard.core.catalog import Catalog
from dashboard.core.errors import NotFoundError
from dashboard.core.sight import EVERYTHING, Sight
from dashboard.panels import charts
from dashboard.panels.policy import Granted, open_to
from dashboard.panels.templating import html, macro
from dashboard.settings import Settings
from dashboard.snapshot import (
    asset,
    asset_life,
    asset_readings,
    audit,
    causes,
    chips,
    drawer_alert,
    drawer_asset,
    drawer_number,
    drawer_rule,
    drawer_situation,
    feed,
    linkage,
    linkages,
    loop_ring,
    neighbours,
    overview,
    rules,
    sheet,
    silences,
    sources,
    street,
    strip,
    system,
    verdict,
    vitals,
)
from dashboard.snapshot.cases import cases
from dashboard.snapshot.chart import chart
from dashboard.snapshot.maps import About, Sheet, map_body
from dashboard.snapshot.notices import notices
from dashboard.snapshot.picture import Picture, Reader
from dashboard.snapshot.readings import readings
from dashboard.snapshot.view import View, parse_view
from dashboard.snapshot.words import say

Body = dict[str, Any]
Make = Callable[[Picture, View, str], Body]
Takes = Literal["nothing", "vital", "vital or nothing", "title", "key"]


@dataclass(frozen=True)
class Kind:
    """How one kind of panel is made. `topics` may name {vital} and {domains}, those of its key, {key} itself, and {vitals}, all.

    Freshness moves with the clock and is looked at every minute anyway: `sources`, which moves with every pull, is named
    only where a pull's own turn is shown.
    """

    template: str
    body: Make
    topics: tuple[str, ...] = ("kpi:*", "alerts")
    takes: Takes = "nothing"  # what may stand after the colon of its key


def _alone(body: Callable[[Picture, View], Body]) -> Make:
    """The body of a kind that takes nothing."""
    return lambda picture, view, _: body(picture, view)


# ---- maps
def _overview_map(ident: str, aspect: float, font_share: float) -> Make:
    """The whole district with what is wrong in it, and the matrix below."""

    def body(picture: Picture, view: View, _: str) -> Body:
        svg = _drawn(picture, view, Sheet(ident=ident, aspect=aspect, font_share=font_share))
        note = say(view.lang, "街道自西向东，只标异常，斜纹为数据迟到", "streets west to east; exceptions only; hatched: late")
        return {"svg": svg, "note": note, **overview.matrix(picture, view)}

    return body


def _system_map(ident: str, aspect: float, font_share: float) -> Make:
    """A vital system's assets and alerts."""

    def body(picture: Picture, view: View, vital: str) -> Body:
        svg = _drawn(picture, view, Sheet(ident=ident + vital, aspect=aspect, font_share=font_share, vital=vital, close=True))
        shown = len(picture.open_in(view, vital))
        subtitle = say(view.lang, f"未闭环 {shown}，点街道可筛选", f"{shown} open; click a street to filter")
        return {"svg": svg, "subtitle": subtitle, "legend": _legend(view.lang)}

    return body


def _street_map(ident: str, aspect: float, font_share: float) -> Make:
    """The chosen street close by, with what all departments have there."""

    def body(picture: Picture, view: View, _: str) -> Body:
        svg = _drawn(picture, view, Sheet(ident=ident, aspect=aspect, font_share=font_share, close=True))
        subtitle = say(view.lang, "三角与点为设施，编号为预警", "triangles and dots: assets; numbers: alerts")
        return {"svg": svg, "subtitle": subtitle, "legend": _legend(view.lang)}

    return body


# ---- the page of one asset
def _of_asset(body: Make) -> Make:
    """The asset the view has picked; nothing where it has picked none, or one that nobody knows."""

    def made(picture: Picture, view: View, _: str) -> Body:
        try:
            return {"missing": False, **body(picture, view, view.asset)}
        except NotFoundError:
            return {"missing": True}

    return made


def _around(ident: str, aspect: float, font_share: float) -> Make:
    """Its surroundings as a map and a list."""

    def body(picture: Picture, view: View, asset_ident: str) -> Body:
        found = neighbours.around(picture, view, asset_ident)
        if not found["placed"]:
            return found
        x, y = picture.land.point(found["subject"].row["lon"], found["subject"].row["lat"])
        about = About(x, y, neighbours.REACH_M, found["found"])
        return found | {"svg": _drawn(picture, view, Sheet(ident=ident, aspect=aspect, font_share=font_share, about=about))}

    return _of_asset(body)


def _drawn(picture: Picture, view: View, sheet: Sheet) -> Markup:
    return Markup(macro("_map.html", "draw", view.lang, map_body(picture, view, sheet)))  # made by our own autoescaped template


def _legend(lang: str) -> list[Body]:
    signs = (("M0 5H16", False, "桥梁", "Bridge"), ("M0 5H16", True, "隧道", "Tunnel"), ("M8 1 13 9H3Z", False, "设施", "Asset"))
    return [{"d": d, "dash": dash, "text": say(lang, zh, en)} for d, dash, zh, en in signs]


_INDICES = ("kpi:{vitals}", "kpi:district", "alerts")
_MAP, _SITEMAP = (*_INDICES, "geo"), ("alerts", "geo", "table:*")
KINDS: Mapping[str, Kind] = {
    "brand": Kind("brand", _alone(overview.brand), ("geo",)),
    "verdict": Kind("verdict", _alone(verdict.verdict), _INDICES),
    "hero": Kind("hero", _alone(verdict.verdict), _INDICES),
    "vitals": Kind("vitals", _alone(vitals.vitals)),
    "tiles": Kind("tiles", _alone(vitals.vitals)),
    "day": Kind("day", _alone(vitals.vitals)),
    "nav": Kind("nav", _alone(vitals.nav), _INDICES),
    "map": Kind("map", _overview_map("m", 1.84, 0.0222), _MAP),
    "map-phone": Kind("map", _overview_map("p", 1.63, 0.0345), _MAP),
    "feed": Kind("feed", _alone(feed.feed), ("alerts",)),
    "foremost": Kind("foremost", _alone(feed.foremost), ("alerts",)),
    "strip": Kind("strip", strip.strip, _INDICES, "vital or nothing"),
    "foot": Kind("foot", _alone(overview.foot), ("sources", "geo")),
    "notices": Kind("notices", _alone(notices), ("notices",)),
    "title": Kind("title", system.title, _INDICES, "title"),
    "chips": Kind("chips", chips.chips, ("alerts",), "vital or nothing"),
    "kpis": Kind("kpis", system.kpis, ("kpi:{vital}", "kpi:{domains}"), "vital"),
    "figures": Kind("unlinked", system.figures, (), "vital"),
    "sitemap": Kind("sitemap", _system_map("s", 2.6, 0.0198), _SITEMAP, "vital"),
    "sitemap-wall": Kind("sitemap", _system_map("b", 1.32, 0.0288), _SITEMAP, "vital"),
    "sitemap-phone": Kind("sitemap", _system_map("q", 1.5, 0.0368), _SITEMAP, "vital"),
    "chart": Kind("chart", chart, ("kpi:{vital}", "kpi:{domains}", "readings:{domains}", "alerts"), "vital"),
    "readings": Kind("table", readings, ("readings:{domains}", "alerts"), "vital"),
    "sheet": Kind("sheet", sheet.sheet, ("kpi:{key}",), "key"),
    "work": Kind("work", sheet.work, ("alerts", "table:*", "readings:{key}"), "key"),
    "causes": Kind("causes", causes.of_vital, ("kpi:{domains}",), "vital"),
    "asset-card": Kind("asset_card", _of_asset(asset.card), ("alerts", "table:*")),
    "asset-chips": Kind("chips", _alone(chips.times), ("alerts",)),
    "asset-readings": Kind("asset_readings", _of_asset(asset_readings.readings), ("readings:*",)),
    "asset-map": Kind("asset_map", _around("n", 2.2, 0.031), _SITEMAP),
    "asset-map-wall": Kind("asset_map", _around("nb", 1.5, 0.038), _SITEMAP),
    "asset-map-phone": Kind("asset_map", _around("np", 1.1, 0.044), _SITEMAP),
    "asset-life": Kind("asset_life", _of_asset(asset_life.life), ("alerts", "table:*")),
    "asset-causes": Kind("causes", _of_asset(causes.of_asset), ("kpi:*",)),
    "street-head": Kind("street_head", _alone(street.head), ("alerts",)),
    "street-systems": Kind("street_systems", _alone(street.systems), _INDICES),
    "street-map": Kind("sitemap", _street_map("t", 2.5, 0.0205), _SITEMAP),
    "street-map-wall": Kind("sitemap", _street_map("tb", 1.9, 0.028), _SITEMAP),
    "street-map-phone": Kind("sitemap", _street_map("tp", 1.25, 0.044), _SITEMAP),
    "street-matters": Kind("cases", _alone(street.matters_open), ("table:*",)),
    "street-assets": Kind("table", _alone(street.at_risk), ("readings:*", "alerts")),
    "loop": Kind("loop_ring", _alone(loop_ring.ring), ("readings:loop", "table:loop_garage", "table:loop_event", "alerts")),
    "cases": Kind("cases", cases, ("table:*",), "key"),
    "linkage": Kind("linkage", _alone(linkage.calls), ("table:linkage", "table:clean_trip", "table:air_hour", "alerts")),
    "linkages": Kind("linkages", _alone(linkages.linkages), ("alerts",)),
    "drill": Kind("drawer_drill", linkages.drill_form, (), "key"),  # a form: drawn once
    "alerts": Kind("alerts", _alone(feed.alert_list), ("alerts",)),
    "silences": Kind("silences", _alone(silences.silences), ("alerts",)),
    "sources": Kind("sources", _alone(sources.sources), ("sources", "table:*", "readings:*")),
    "rules": Kind("rules", _alone(rules.rules), ("alerts",)),
    "rules-counts": Kind("rules_counts", _alone(rules.counts), ("alerts",)),
    "audit": Kind("audit", _alone(audit.log), ("audit",)),
    "audit-check": Kind("audit_check", _alone(audit.check), ("audit",)),
    "explain": Kind("drawer_explain", drawer_number.explanation, takes="key"),
    "alert": Kind("drawer_alert", drawer_alert.alert, ("alerts",), "key"),
    "rule": Kind("drawer_rule", drawer_rule.rule, ("alerts",), "key"),
    "situation": Kind("drawer_situation", drawer_situation.situation, ("alerts",), "key"),
    "silenced": Kind("drawer_silenced", feed.silenced, ("alerts",), "key"),
    "silence": Kind("drawer_silence", silences.form, (), "key"),  # a form: drawn once, or what is written in it would go
    "silence-preview": Kind("silence_preview", silences.shown_before, ("alerts",), "key"),
    "asset": Kind("drawer_asset", drawer_asset.asset, ("readings:*", "alerts"), "key"),
    "pull": Kind("drawer_pull", sources.pull_detail, ("sources",), "key"),
}


class CityPanels:
    """Makes panels for the live channel. One reader of the store serves all panels of a turn."""

    def __init__(self, settings: Settings, catalog: Catalog, engine: sa.Engine) -> None:
        self._catalog, self._reader = catalog, Reader(engine, catalog, settings)

    def content(self, panel: str, view: View, now: datetime) -> dict[str, Any]:
        """The finished panel. Raises NotFoundError for a key nothing answers to, and alike for one that is not open to the viewer."""
        kind, arg = self._kind(panel, view.sight)
        picture = self._reader.picture(now, view)
        body = kind.body(picture, view, arg)
        done: dict[str, Any] = {"html": html(kind.template, view.lang, body=body, may=Granted(view.sight))}
        if kind.template == "chart":
            done["figure"] = charts.figure(body, view.lang)
        return done

    def topics(self, panel: str) -> frozenset[str]:
        """What makes a panel stale, whoever looks; a trailing `*` stands for every topic that begins so."""
        kind, arg = self._kind(panel, EVERYTHING)
        several = {
            "{key}": [arg],
            "{domains}": [d.key for d in self._catalog.of_vital(arg)],
            "{vitals}": list(self._catalog.vitals),
        }
        found: set[str] = set()
        for topic in kind.topics:
            mark = next((mark for mark in several if mark in topic), None)
            found |= {topic.replace(mark, key) for key in several[mark]} if mark else {topic.replace("{vital}", arg)}
        return frozenset(found)

    def parse(self, query: Mapping[str, str], sight: Sight) -> View:
        """The view an address asks for, as far as it is open."""
        return parse_view(query, places.known_streets(), self._reader.systems(sight), sight)

    def _kind(self, panel: str, sight: Sight) -> tuple[Kind, str]:
        name, _, arg = panel.partition(":")
        kind = KINDS.get(name)
        if kind is None or not open_to(name, sight.actions) or not self._fits(kind.takes, arg, sight):
            raise NotFoundError(f"no panel {panel!r}")
        return kind, arg

    def _fits(self, takes: Takes, arg: str, sight: Sight) -> bool:
        if arg in self._reader.catalog(sight).vitals:
            return "vital" in takes or takes == "title"
        if takes == "title":
            return arg in system.PLAIN
        return bool(arg) if takes == "key" else not arg and takes != "vital"
