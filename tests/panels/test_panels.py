"""Every panel of every page is drawn, in both languages, on every surface, safely; and leads only where something is."""

from __future__ import annotations

import html as entities
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import plotly.graph_objects as go
import pytest
import sqlalchemy as sa

from dashboard.app import found_pages
from dashboard.core.errors import NotFoundError
from dashboard.core.scope import Scope
from dashboard.panels.screens import KINDS
from dashboard.snapshot.view import View
from dashboard.store.schema_noise import situation
from data_sources.causes import CAUSES
from tests.whole_city import EAST, MIDDLE, NASTY, NOON, ROOT, WEST, Town, asset_id

FORMS = ("silence:", "silence-preview:")  # nothing is done in the past
CHINESE = re.compile(r"[\u4e00-\u9fff]")
SURFACES = ("wall", "desk", "phone")
WINDOW = (NOON - timedelta(hours=2), NOON - timedelta(hours=1))
VIEWS = (
    View(),
    View(lang="en"),
    View(scope=Scope((EAST.code,)), lang="en"),
    View(scope=Scope(tuple(sorted((MIDDLE.code, WEST.code)))), levels=("red",), states=("new",)),
    View(as_of=NOON - timedelta(seconds=30), t0=WINDOW[0], t1=WINDOW[1], asset=f"bridges/{asset_id('bridges', 1)}", system="skeleton"),
    View(asset=f"slopes/{asset_id('slopes', 0)}", scope=Scope((EAST.code,)), lang="en"),
    View(asset="flood.rain_1h", system="slopes"),
    View(asset=next(iter(CAUSES)).effect),
    View(scope=Scope(("none",)), lang="en"),
    View(order="false", lang="en"),
)


def placed() -> list[str]:
    """Every panel that stands somewhere."""
    return sorted({panel for page in found_pages() for surface in SURFACES for panel in page.panels(surface)} | {"nav", "notices"})


def crowd_of(town: Town) -> int:
    """The first situation there is."""
    with town.engine.connect() as conn:
        return int(conn.scalar(sa.select(sa.func.min(situation.c.situation_id))) or 0)


def drawers(town: Town) -> list[str]:
    alerts = [f"alert:{a.alert_id}" for a in town.picture().alerts[::5]]
    assets = [f"asset:{d}/{asset_id(d, 0)}" for d in ("bridges", "air", "rentals")]
    numbers = [f"explain:{k}" for k in (*list(town.catalog.kpis)[::12], "district.index", "vital.skeleton")]
    rules = [f"rule:{k}" for k in list(town.catalog.rules)[::12]]
    quiet = [f"silence:{next(a.alert_id for a in town.picture().alerts if a.is_open and not a.life_safety)}", "silenced:all"]
    quiet += ["silence-preview:rule=minibuses.gap_out", "silence-preview:levels=blue", f"situation:{crowd_of(town)}"]
    quiet += ["drill:gas"]
    return [*alerts, *assets, *numbers, *rules, *quiet, *(f"pull:{k}" for k in list(town.settings.pulls)[::8])]


def shown(town: Town, view: View) -> Iterator[tuple[str, dict[str, Any]]]:
    panels = town.panels
    for panel in (*placed(), *drawers(town)):
        if view.as_of and panel.startswith(FORMS):
            continue
        yield panel, panels.content(panel, view, NOON)


@pytest.mark.parametrize("view", VIEWS, ids=lambda v: v.key[:60])
def test_every_panel_of_every_page_is_drawn(town: Town, view: View) -> None:
    drawn = dict(shown(town, view))
    assert all(content["html"].strip() for content in drawn.values())
    assert {key for key in KINDS if not view.as_of or f"{key}:" not in FORMS} <= {panel.partition(":")[0] for panel in drawn} | {"readings"}


def test_the_words_of_english_panels_are_english(town: Town) -> None:
    """Names of things come from departments in Chinese; every word of ours does not."""
    allowed = {d.title.zh for d in town.catalog.domains.values()} | {s.title for s in town.settings.sources.values()}
    allowed |= {s.department for s in town.settings.sources.values()} | {p.table for p in town.settings.pulls.values()}
    refs = {t.ref for t in town.catalog.thresholds} | {p.ref for p in town.catalog.parameters}
    allowed |= refs | {ref.removeprefix("设计缺省：") for ref in refs}
    names = re.compile("|".join(sorted(map(re.escape, allowed - {""}), key=len, reverse=True)))
    for panel, content in shown(town, View(lang="en")):
        if not panel.startswith(("explain:", "pull:", "alert:", "asset:")):  # rows of departments and standards, as they are written
            words = entities.unescape(re.sub(r"<[^>]*>|<!--.*?-->", " ", content["html"]))
            left = [w for w in re.findall(r"\S*[\u4e00-\u9fff]\S*", names.sub("", words.replace(NASTY, "")))]
            left = [w for w in left if not re.search(r"\d号|桥'|=1\+|重庆市渝中区", w)]
            assert left == [], panel


def test_every_drawer_a_panel_leads_to_opens(town: Town) -> None:
    panels = town.panels
    wanted = {key for _, content in shown(town, View()) for key in re.findall(r'data-drawer="([^"]+)"', content["html"])}
    assert {key.partition(":")[0] for key in wanted} >= {"alert", "asset", "explain", "pull", "rule"}
    for key in sorted(wanted):
        assert panels.content(entities.unescape(key), View(), NOON)["html"]


def test_every_link_of_a_panel_leads_to_a_page_or_an_export(town: Town) -> None:
    paths = {page.path for page in found_pages()}
    for panel, content in shown(town, View()):
        for link in re.findall(r'href="([^"#]+)', content["html"]):
            assert link.split("?")[0] in paths or link.startswith("/export/"), (panel, link)


def test_what_departments_write_cannot_become_markup(town: Town) -> None:
    seen = 0
    for _, content in shown(town, View(asset=f"bridges/{asset_id('bridges', 0)}")):
        assert "<script" not in content["html"]
        seen += content["html"].count("&lt;script&gt;")
    assert seen > 3


def test_a_figure_is_one_that_plotly_can_draw_in_any_theme(town: Town) -> None:
    tokens = (ROOT / "assets" / "10-tokens.css").read_text("utf-8")
    for view in (*VIEWS, View(asset=f"bridges/{asset_id('bridges', 0)}")):
        for panel in (p for p in placed() if p.startswith("chart:")):
            figure = town.panels.content(panel, view, NOON)["figure"]
            wanted = set(re.findall(r"'@([\w-]+)'", str(figure)))
            assert {name for name in wanted if f"--{name}:" not in tokens} == set()
            go.Figure(_coloured(figure))


def _coloured(value: Any) -> Any:
    """The figure as a screen draws it: tokens replaced by colours."""
    if isinstance(value, dict):
        return {key: _coloured(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_coloured(part) for part in value]
    return "#123456" if isinstance(value, str) and value.startswith("@") else value


def test_a_gap_in_the_readings_is_a_gap_in_the_line(own: Town) -> None:
    late = NOON + timedelta(hours=2)
    own.read("bridges", "capacity_used", [(asset_id("bridges", 0), EAST.code, late, 50.0)], late)
    view = View(asset=f"bridges/{asset_id('bridges', 0)}")
    traces = own.panels.content("chart:skeleton", view, late)["figure"]["data"]
    line = next(trace for trace in traces if trace.get("connectgaps") is False)
    assert None in line["y"] and line["y"][-1] is not None


STRANGE = ("", "nothing", "feed:x", "kpis", "kpis:liver", "strip:liver", "title:", "title:liver", "explain:", "alert:0")
GONE = ("explain:no.such", "asset:bridges/none", "asset:none", "pull:none", "cases:bridge", "cases:'; drop", "alert:1e9")


@pytest.mark.parametrize("key", STRANGE)
def test_a_key_nothing_answers_to_is_not_found(town: Town, key: str) -> None:
    with pytest.raises(NotFoundError):
        town.panels.content(key, View(), NOON)


@pytest.mark.parametrize("key", GONE)
def test_a_drawer_on_nothing_is_not_found(town: Town, key: str) -> None:
    with pytest.raises(NotFoundError):
        town.panels.content(key, View(), NOON)


def test_a_panel_knows_what_makes_it_stale(town: Town) -> None:
    panels = town.panels
    assert panels.topics("kpis:skeleton") >= {"kpi:skeleton", "kpi:bridges", "kpi:tunnels"}
    assert panels.topics("verdict") >= {"kpi:skeleton", "kpi:breath", "kpi:district", "alerts"}
    assert "sources" in panels.topics("foot") and "sources" not in panels.topics("verdict")
    assert panels.topics("readings:breath") >= {"readings:air", "alerts"}
    assert all(panels.topics(panel) for panel in placed() if not panel.startswith("figures:"))
