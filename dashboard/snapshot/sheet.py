"""A domain as its head reads it: every figure as a line of a lab sheet, how fresh its feeds are, its alerts and its matters."""

from __future__ import annotations

from typing import Any

from dashboard.core.declare import Domain, Kpi
from dashboard.core.errors import NotFoundError
from dashboard.core.places import streets
from dashboard.core.scope import Scope
from dashboard.snapshot.alerts import card
from dashboard.snapshot.cases import case_rows, case_tables
from dashboard.snapshot.figures import Cell, cell, worded
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.readings import ranked_assets, shown_rows
from dashboard.snapshot.view import View
from dashboard.snapshot.vitals import vital_body
from dashboard.snapshot.words import say

_ALERTS, _CASES, _ASSETS = 6, 6, 10


def domain_of(picture: Picture, key: str) -> Domain:
    """A domain by its key. Raises NotFoundError."""
    if key not in picture.catalog.domains:
        raise NotFoundError(f"no domain {key!r}")
    return picture.catalog.domains[key]


def sheet(picture: Picture, view: View, key: str) -> dict[str, Any]:
    """All figures of a domain. Of one street, beside those of the district and with the street's place among the streets."""
    domain, one = domain_of(picture, key), len(view.scope.streets) == 1
    kpis = [k for k in domain.kpis if k.by_street or view.scope.whole]
    feeds = [f for f in domain.feeds if f"{key}.{f.key}" in picture.feeds]
    return {
        "vital": vital_body(picture, picture.catalog.vitals[domain.vital], view, lines=0, with_line=False),
        "key": key,
        "title": domain.title(view.lang),
        "department": domain.department(view.lang),
        "feeds": [{"title": f.title(view.lang), "fresh": picture.fresh_of((f"{key}.{f.key}",))} for f in feeds],
        "rows": [_line(picture, view, domain, kpi, one) for kpi in kpis],
        "one": one,
        "hidden": _left_out(picture, view, key),
        "empty": say(view.lang, "没有分街道的数", "no figures by street") if feeds else say(view.lang, "还没有接入", "not connected yet"),
    }


def _line(picture: Picture, view: View, domain: Domain, kpi: Kpi, one: bool) -> dict[str, Any]:
    key = f"{domain.key}.{kpi.key}"
    shown: Cell = cell(picture, key, view.scope, view.lang)
    whole = picture.figure(key, Scope()) if one else None
    return {"cell": shown, "district": worded(kpi, whole)[0] if one else "", "rank": _rank(picture, key, view.scope.key) if one else ""}


def _rank(picture: Picture, key: str, street: str) -> str:
    """The street's place among all that have the figure: best first where there is a target, else largest first."""
    rows = {s.code: row for s in streets() if (row := picture.figures.get((key, s.code))) and row.value is not None}
    if street not in rows or len(rows) == 1:
        return ""
    by_score = picture.catalog.targets.get(key) is not None
    worth = {code: (row.score if by_score else row.value) or 0.0 for code, row in rows.items()}
    return f"{1 + sum(v > worth[street] for v in worth.values())}/{len(rows)}"


def work(picture: Picture, view: View, key: str) -> dict[str, Any]:
    """Open alerts of a domain and the matters of each of its tables."""
    domain = domain_of(picture, key)
    alerts = [a for a in picture.open_in(view, domain.vital) if a.domain == key]
    tables = [case_rows(picture, view, of, _CASES) for of in case_tables(domain)]
    return {
        "key": key,
        "title": domain.title(view.lang),
        "alerts": [card(a, picture.catalog, view.lang, picture.at) for a in alerts[:_ALERTS]],
        "more": max(0, len(alerts) - _ALERTS),
        "tables": tables,
        "assets": [] if tables else _assets(picture, view, domain),
        "filtered": _filtered(view),
        "hidden": _left_out(picture, view, key),
    }


def _left_out(picture: Picture, view: View, key: str) -> bool:
    """Another domain was picked."""
    return view.system in picture.catalog.domains and view.system != key


def _assets(picture: Picture, view: View, domain: Domain) -> list[dict[str, Any]]:
    """What stands nearest its limits, for a domain that keeps no records of work."""
    mine = [c for c in ranked_assets(picture, view, domain.vital) if c.domain is domain]
    rows: list[dict[str, Any]] = shown_rows(picture, view, mine, _ASSETS)["rows"]
    return rows


def _filtered(view: View) -> bool:
    return view.picked or bool(view.levels or view.states)
