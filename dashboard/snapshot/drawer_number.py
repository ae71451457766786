"""A number opened at the side: formula, contributions or streets, target and standard, sources with their age, the rows behind it."""

from __future__ import annotations

from typing import Any

from dashboard.core.scope import Scope
from dashboard.core.sight import Action
from dashboard.kpi.explain import Explanation, explain
from dashboard.snapshot.alerts import street_name
from dashboard.snapshot.figures import worded
from dashboard.snapshot.part import all_of_it
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.view import View
from dashboard.snapshot.words import FRESH_WORDS, LEVEL_WORDS, UNKNOWN, moment, number, say, sure, unit_words
from dashboard.store.kpi_reads import KpiRow

_ROWS = 40
_NO_ROWS: dict[str, Any] = {"columns": [], "rows": [], "rows_title": "", "rows_note": ""}


def explanation(picture: Picture, view: View, key: str) -> dict[str, Any]:
    """Everything behind one number. Raises NotFoundError for a key that is none."""
    scope = view.scope if len(view.scope.streets) <= 1 else Scope()  # rows are opened for one street, or for all that are open
    with picture.reading() as conn:
        e = explain(conn, picture.catalog, picture.settings, key, scope.key, picture.at)
    lang, row = view.lang, picture.figure(key, scope if view.sight.holds_street(None) else view.scope)
    kpi = picture.catalog.kpis[key][1] if key in picture.catalog.kpis else None
    value, unit = worded(kpi, row) if kpi else (number(row.value if row else None, 0), "")
    return {
        "title": _title(picture, key, lang),
        "scope": street_name(scope.key, lang) or all_of_it(view),
        "as_of": _as_of(picture, row, lang),
        "value": value,
        "unit": unit_words(unit, lang),
        "formula": e.formula(lang),
        "check": _check(e, lang),
        "range": _range(e, lang),
        "contributions": _contributions(picture, e, lang),
        **_target(e, lang),
        "streets": _streets(e, lang),
        "feeds": [{"title": f.title(lang), "fresh": picture.fresh_of((f.feed,))} for f in e.feeds],
        **(_rows(picture, e, view) if view.sight.may(Action.ROWS) else _NO_ROWS),
    }


def _title(picture: Picture, key: str, lang: str) -> str:
    if key in picture.catalog.kpis:
        return picture.catalog.kpis[key][1].title(lang)
    vital = picture.catalog.vitals.get(key.removeprefix("vital."))
    if vital:
        return say(lang, f"{vital.title(lang)}指数", f"{vital.title(lang)} index")
    return say(lang, "全区指数", "District index")


def _as_of(picture: Picture, row: KpiRow | None, lang: str) -> str:
    if row is None:
        return ""
    at = moment(row.as_of or row.computed_at, lang, picture.now)
    return say(lang, f"截至 {at}", f"as of {at}")


def _check(e: Explanation, lang: str) -> str:
    """That the rows still give the number shown."""
    if not e.agrees or e.recomputed is None:
        return ""
    again = number(e.recomputed, min(e.decimals + 1, 3))
    return say(lang, f"由原始行复算得 {again}，与显示一致", f"Recomputed from the rows: {again}, as shown")


def _range(e: Explanation, lang: str) -> str:
    """How far an index could be off for what is missing."""
    low, high = (e.row.low, e.row.high) if e.row else (None, None)
    if low is None or high is None or high - low < 1:
        return ""
    stretch = f"{number(low, 0)}–{number(high, 0)}"
    return say(lang, f"缺数部分若全坏或全好：{stretch}", f"{stretch} if what is missing were all bad or all good")


def _target(e: Explanation, lang: str) -> dict[str, str]:
    if e.target is None:
        return {"target": "", "target_ref": ""}
    good, poor = f"{e.target.good:g}", f"{e.target.poor:g}"
    return {
        "target": say(lang, f"{good} 得100分，{poor} 得60分", f"{good} scores 100, {poor} scores 60"),
        "target_ref": f"{e.target.ref}，{say(lang, '可信度', 'confidence')}：{sure(e.target.confidence, lang)}",
    }


# ---- where points were lost
def _contributions(picture: Picture, e: Explanation, lang: str) -> list[dict[str, Any]]:
    """Where an index lost its points: figures by what they cost, then alerts."""
    if not e.contributions:
        return []
    figures = [_of_figure(picture, i, lang) for i in e.contributions.get("inputs", ())]
    alerts = [_of_alert(a, lang) for a in e.contributions.get("alerts", ())]
    ranked = sorted((*figures, *alerts), key=lambda f: -float(f["points"]))
    most = max((float(f["points"]) for f in ranked), default=0) or 1
    return [f | {"lost": number(float(f["points"]), 1), "lost_pct": f"{100 * float(f['points']) / most:.0f}"} for f in ranked]


def _of_figure(picture: Picture, given: dict[str, Any], lang: str) -> dict[str, Any]:
    return {
        "key": given["kpi"],
        "title": _title(picture, given["kpi"], lang),
        "weight": f"{given['weight']:g}",
        "score": number(given["score"], 0),
        "points": given["lost"],
        "fresh": FRESH_WORDS[given["freshness"]](lang),
    }


def _of_alert(given: dict[str, Any], lang: str) -> dict[str, Any]:
    level = LEVEL_WORDS[given["level"]](lang)
    title = f"{say(lang, f'{level}色预警', f'{level} alert')} {given['number']}"
    return {"key": "", "title": title, "weight": "", "score": "", "points": given["lost"], "fresh": ""}


# ---- streets and rows
def _streets(e: Explanation, lang: str) -> list[dict[str, str]]:
    largest = max((abs(p.value) for p in e.streets if p.value is not None), default=0) or 1
    return [
        {
            "code": p.street,
            "name": street_name(p.street, lang) or say(lang, "街道不明", "street unknown"),
            "value": number(p.value, e.decimals),
            "pct": f"{100 * abs(p.value or 0) / largest:.0f}",
        }
        for p in e.streets
    ]


def _rows(picture: Picture, e: Explanation, view: View) -> dict[str, Any]:
    """The rows that cost points, else those counted."""
    lang, shown = view.lang, e.lost if e.lost.total else e.counted
    first = min(_ROWS, len(shown.rows))
    return {
        "columns": list(shown.columns),
        "rows": [[_plain(v, view, picture) for v in values] for values in shown.rows[:_ROWS]],
        "rows_title": say(lang, "失分的行", "Rows that cost points") if e.lost.total else say(lang, "计入的行", "Rows counted"),
        "rows_note": say(lang, f"共{shown.total:,}行，显示前{first}", f"{shown.total:,} in all, first {first}") if shown.rows else "",
    }


def _plain(value: Any, view: View, picture: Picture) -> str:
    if value is None:
        return UNKNOWN
    if hasattr(value, "astimezone"):
        return moment(value, view.lang, picture.now)
    if isinstance(value, float):
        return f"{value:,.3f}".rstrip("0").rstrip(".")
    text = str(value)
    return street_name(text, view.lang) or text
