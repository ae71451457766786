"""What stands around every page: navigation, drawer, connection banner, phone bar, and the shapes all pages draw with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dash_bootstrap_components as dbc
from dash import dcc, html, page_container

from dashboard.core import places
from dashboard.core.catalog import Catalog
from dashboard.core.declare import Text
from dashboard.settings import Settings
from dashboard.web.page import data

_DEFS = (Path(__file__).parent / "parts" / "defs.svg").read_text("utf-8")

INDEX = f"""<!DOCTYPE html>
<html lang="zh-CN" data-theme="night" data-surface="desk">
<head>
{{%metas%}}
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<title>{{%title%}}</title>
{{%favicon%}}
{{%css%}}
</head>
<body>
{_DEFS}
{{%app_entry%}}
<footer hidden>{{%config%}}{{%scripts%}}{{%renderer%}}</footer>
</body>
</html>"""

_MARK = 92  # how wide the district's mark is drawn, of 100
_ICONS = {
    "overview": "M3 12h4l3-7 4 14 3-7h4",
    "alerts": "M12 4 3 20h18ZM12 10v5M12 17.5v.5",
    "vitals": "M4 4h7v7H4ZM13 4h7v7h-7ZM4 13h7v7H4ZM13 13h7v7h-7Z",
    "sound": "M6 16v-5a6 6 0 0 1 12 0v5l1.5 2h-15ZM10 20.5h4",
    "sources": "M12 4c4 0 7 1.3 7 3s-3 3-7 3-7-1.3-7-3 3-3 7-3ZM5 7v10c0 1.7 3 3 7 3s7-1.3 7-3V7M5 12c0 1.7 3 3 7 3s7-1.3 7-3",
}


def layout(catalog: Catalog, settings: Settings) -> html.Div:
    """The frame of all pages. Panels inside fill themselves over the live channel."""
    product, demo = settings.city.get("product", ("", "")), bool(settings.city.get("notice"))
    return html.Div(
        id="stage",
        children=[
            html.Header(id="top", children=_top(product, demo)),
            html.Main(page_container, id="page"),
            html.Aside(id="drawer", hidden=True),
            html.Div(id="connection", role="status", hidden=True),
            html.Div(id="notices", **data(panel="notices")),
            dbc.Nav(id="bar", children=_phone_bar(), navbar=False),
            html.Div(id="rounds", hidden=True, children=_rounds(catalog)),
            dcc.Location(id="address", refresh=False),
        ],
    )


def _top(product: Sequence[str], demo: bool) -> list[Any]:
    tag = [html.Span([_both("演示", "Demo")], className="demo-tag")] if demo else []
    languages = [html.Button("中", **data(lang_set="zh")), html.Button("EN", **data(lang_set="en"))]
    themes = [html.Button(_both("昼", "Day"), **data(theme_set="day")), html.Button(_both("夜", "Night"), **data(theme_set="night"))]
    pages = (
        ("/alerts", "预警", "Alerts"),
        ("/rules", "规则", "Rules"),
        ("/linkages", "联动", "Linkages"),
        ("/sources", "数据源", "Sources"),
    )
    links = [html.A(_both(zh, en), href=path) for path, zh, en in pages]
    bell = html.Button(_icon(_ICONS["sound"]), className="bell", title="声音 Sound", **data(sound_toggle="1"))
    segs = [html.Span(className="seg", children=of) for of in (languages, themes)]
    return [
        html.A(href="/", className="logo", children=[outline(), _both(*product), *tag]),
        html.Div(id="nav", **data(panel="nav", on="desk")),
        html.Div(className="tools", children=[*links, bell, *segs, html.Div(id="who")]),
    ]


def _rounds(catalog: Catalog) -> list[Any]:
    """The pages a rotating wall walks through, in order."""
    stops = [("/", Text("总览", "Overview")), *((v.path, v.title) for v in catalog.vitals.values())]
    return [html.I(**data(round=path, zh=title.zh, en=title.en)) for path, title in stops]


def _both(zh: str, en: str) -> html.Span:
    """Words of the frame in both languages; the stylesheet shows the page's."""
    return html.Span([html.Span(zh, className="zh"), html.Span(en, className="en")])


def _phone_bar() -> list[Any]:
    items = (
        ("overview", "/", "概览", "Overview"),
        ("alerts", "/alerts", "预警", "Alerts"),
        ("vitals", "/#tiles", "体征", "Systems"),
        ("sources", "/sources", "数据", "Data"),
    )
    return [_link(path, [_icon(_ICONS[key]), _both(zh, en)]) for key, path, zh, en in items]


def _link(path: str, words: Any) -> dbc.NavLink:
    """A link that knows when its page is the one shown."""
    return dbc.NavLink(words, href=path, active="exact")


def _icon(d: str) -> html.I:
    ink = "fill='none' stroke='black' stroke-width='1.7' stroke-linecap='round' stroke-linejoin='round'"
    return _masked("icon", f"<path d='{d}' {ink}/>", 24, 24)


def _masked(css: str, shapes: str, wide: float, high: float) -> html.I:
    """An element in the shape of a drawing, filled with the text's colour by the style sheet."""
    svg = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {wide:.0f} {high:.0f}'>{shapes}</svg>"
    mask = f'url("data:image/svg+xml,{svg.replace("<", "%3C").replace(">", "%3E")}")'
    return html.I(className=css, style={"maskImage": mask, "WebkitMaskImage": mask})


def outline() -> html.I:
    """The district's outline, its mark: drawn from the streets themselves."""
    rings = [ring for s in places.streets() for ring in s.polygon]
    xs, ys = zip(*(p for ring in rings for p in ring), strict=True)
    west, north = min(xs), max(ys)
    squeeze = math.cos(math.radians((min(ys) + north) / 2))
    scale = _MARK / ((max(xs) - west) * squeeze)

    def drawn(ring: places.Ring) -> str:
        return "L".join(f"{(x - west) * squeeze * scale + 4:.1f} {(north - y) * scale + 4:.1f}" for x, y in ring)

    d = "".join(f"M{drawn(ring)}Z" for ring in rings)
    return _masked("mark", f"<path d='{d}' fill='black' stroke='black' stroke-width='1'/>", 100, (north - min(ys)) * scale + 8)
