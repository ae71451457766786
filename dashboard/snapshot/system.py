"""A vital system's page: its title, filters, six figures, and what its chart shows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.core.declare import Domain, Metric, Threshold
from dashboard.core.readings import latest
from dashboard.core.times import CITY_ZONE
from dashboard.snapshot.alerts import street_name
from dashboard.snapshot.figures import cell, index_cell, level_of_reading, shown_kpis, thresholds_of_kpi, thresholds_of_metric
from dashboard.snapshot.overview import LEVELS, VitalBody, linked, published_cell, vital_body
from dashboard.snapshot.picture import Fresh, Picture
from dashboard.snapshot.view import View
from dashboard.snapshot.words import LEVEL_WORDS, STATUS_WORDS
from dashboard.store import kpi_reads, series

_CARDS = 6
_DAY = timedelta(hours=24)


def title(picture: Picture, view: View, vital: str) -> dict[str, Any]:
    """Seal, name, what belongs to it, and its state in a word."""
    v: VitalBody = vital_body(picture, picture.catalog.vitals[vital], view, lines=0, with_line=False)
    return {
        "vital": v,
        "title": v.title,
        "subtitle": v.subtitle,
        "word": v.word,
        "level": v.mark,
        "index": v.index if v.value is not None else "",
    }


def plain_title(heading: str, subtitle: str) -> dict[str, Any]:
    """The title of a page that is no vital system's."""
    return {"vital": None, "title": heading, "subtitle": subtitle, "word": "", "level": "", "index": ""}


# ---- filters
def chips(picture: Picture, view: View, vital: str = "") -> dict[str, Any]:
    """What is filtered, where each choice came from, and how much of the whole is shown."""
    lang, zh = view.lang, view.lang != "en"
    found = []
    if not view.scope.whole:
        names = ("、" if zh else ", ").join(street_name(s, lang) or s for s in view.scope.streets)
        found.append(
            {"name": "scope", "text": f"街道：{names}" if zh else f"Street: {names}", "origin": "地图选取" if zh else "from the map"}
        )
    if view.system and view.system in picture.catalog.vitals:
        name = picture.catalog.vitals[view.system].title(lang)
        found.append(
            {"name": "system", "text": f"体征：{name}" if zh else f"System: {name}", "origin": "体征选取" if zh else "from the systems"}
        )
    if view.levels:
        names = ("、" if zh else ", ").join(LEVEL_WORDS[level](lang) for level in view.levels)
        found.append(
            {"name": "level", "text": f"等级：{names}" if zh else f"Level: {names}", "origin": "等级选取" if zh else "from the levels"}
        )
    if view.states:
        names = ("、" if zh else ", ").join(STATUS_WORDS[s](lang) for s in view.states)
        found.append(
            {"name": "state", "text": f"状态：{names}" if zh else f"State: {names}", "origin": "状态选取" if zh else "from the states"}
        )
    if view.t0 and view.t1:
        a, b = (t.astimezone(CITY_ZONE) for t in (view.t0, view.t1))
        found.append(
            {
                "name": "time",
                "text": f"时间：{a:%H:%M}–{b:%H:%M}" if zh else f"Time: {a:%H:%M}–{b:%H:%M}",
                "origin": "时间条选取" if zh else "from the strip",
            }
        )
    if view.asset:
        found.append(
            {
                "name": "asset",
                "text": f"对象：{_asset_title(picture, view.asset)}" if zh else f"Asset: {_asset_title(picture, view.asset)}",
                "origin": "表格选取" if zh else "from the table",
            }
        )
    if view.as_of:
        a = view.as_of.astimezone(CITY_ZONE)
        found.append(
            {
                "name": "at",
                "text": f"回放 {a.month}月{a.day}日{a:%H:%M}" if zh else f"Replay {a:%d %b %H:%M}",
                "origin": "时间条选取" if zh else "from the strip",
            }
        )
    opened = [a for a in picture.alerts if a.state != "closed" and (not vital or a.vital == vital)]
    shown = [a for a in picture.alerts_in(view) if a.state != "closed" and (not vital or a.vital == vital)]
    return {
        "chips": found,
        "levels": [{"level": level, "on": level in view.levels} for level in LEVELS],
        "states": [{"state": s, "on": s in view.states} for s in ("new", "in_hand")],
        "result_before": f"{len(opened)}条未闭环中显示 " if zh else "",
        "shown": len(shown),
        "result_after": " 条" if zh else f" of {len(opened)} open alerts shown",
    }


def _asset_title(picture: Picture, asset_id: str) -> str:
    return next((a.asset_name for a in picture.alerts if a.asset_id == asset_id), asset_id)


# ---- figures
def kpis(picture: Picture, view: View, vital: str) -> dict[str, Any]:
    """The system's index and its five most telling figures."""
    v = picture.catalog.vitals[vital]
    zh = view.lang != "en"
    if not linked(picture, vital):
        return {
            "cards": [published_cell(picture, p.key, view.lang) for p in picture.catalog.published if p.vital == vital][:_CARDS],
            "css": v.css,
        }
    lead = index_cell(
        picture, f"vital.{vital}", view.scope, view.lang, f"{v.title(view.lang)}指数" if zh else f"{v.title(view.lang)} index"
    )
    rest = [cell(picture, key, view.scope, view.lang) for key in shown_kpis(picture, vital, view.scope)[: _CARDS - 1]]
    return {"cards": [lead, *rest], "css": v.css}


def figures(picture: Picture, view: View, vital: str) -> dict[str, Any]:
    """Published figures of a system with no department connected."""
    rows = [p for p in picture.catalog.published if p.vital == vital]
    return {
        "figures": [{"title": p.title(view.lang), "value": p.value, "unit": p.unit(view.lang), "period": p.period(view.lang)} for p in rows]
    }


# ---- chart
def chart(picture: Picture, view: View, vital: str) -> dict[str, Any]:
    """The line that matters: the picked asset's, else the reading behind the worst alert, else the most telling KPI's."""
    if picked := _channel(picture, view, vital):
        return _of_channel(picture, view, *picked)
    return _of_kpi(picture, view, vital)


def _channel(picture: Picture, view: View, vital: str) -> tuple[Domain, Metric, str, int, str] | None:
    """The channel to draw: (domain, metric, asset, channel id, asset name)."""
    asset, name, wanted = view.asset, "", ""
    if not asset:
        for a in picture.alerts_in(view):
            rule = picture.catalog.rules.get(a.rule)
            metric = getattr(rule[1].watches, "metric", None) if rule else None
            if a.state != "closed" and a.vital == vital and metric:
                asset, name, wanted = a.asset_id, a.asset_name, metric
                break
    if not asset:
        return None
    domains = [d.key for d in picture.catalog.of_vital(vital)]
    query = sa.select(latest).where(latest.c.asset_id == asset, latest.c.domain.in_(domains), latest.c.ts.is_not(None))
    with picture.reader.engine.connect() as conn:
        rows = conn.execute(query.order_by(latest.c.channel_id)).all()
    rows = [r for r in rows if (r.domain, r.metric) in picture.catalog.metrics]
    row = next((r for r in rows if r.metric == wanted), None) or next(
        (r for r in rows if thresholds_of_metric(picture, picture.catalog.domains[r.domain], r.metric)), rows[0] if rows else None
    )
    if row is None:
        return None
    return (
        picture.catalog.domains[row.domain],
        picture.catalog.metrics[(row.domain, row.metric)],
        asset,
        row.channel_id,
        name or _asset_title(picture, asset),
    )


def _window(picture: Picture, view: View) -> tuple[Any, Any]:
    return (view.t0, view.t1) if view.t0 and view.t1 else (picture.at - _DAY, picture.at)


def _of_channel(picture: Picture, view: View, domain: Domain, metric: Metric, asset: str, channel_id: int, name: str) -> dict[str, Any]:
    t0, t1 = _window(picture, view)
    with picture.reader.engine.connect() as conn:
        points = series.series(conn, channel_id, t0, t1 + timedelta(seconds=1))
        hours = [
            t0.replace(minute=0, second=0, microsecond=0) + timedelta(hours=i) for i in range(int((t1 - t0).total_seconds() // 3600) + 2)
        ]
        ranges = series.expected_ranges(conn, channel_id, hours)
        newest = conn.execute(sa.select(latest.c.ts, latest.c.value, latest.c.cadence_s).where(latest.c.channel_id == channel_id)).first()
    limits = thresholds_of_metric(picture, domain, metric.key)
    value = newest.value if newest else None
    return {
        "title": f"{name}，{metric.title(view.lang)}" if view.lang != "en" else f"{name}, {metric.title(view.lang)}",
        "subtitle": _span_words(metric.unit, t0, t1, view),
        "fresh": _age(picture, newest),
        "empty": "" if points else ("这段时间没有读数" if view.lang != "en" else "No readings in this time"),
        "points": [(p.ts, p.mean) for p in points],
        "band": list(zip(hours, ranges, strict=True)),
        "limits": limits,
        "unit": metric.unit,
        "decimals": metric.decimals,
        "gap": timedelta(seconds=(newest.cadence_s if newest else 600) * 3),
        "end": value,
        "level": level_of_reading(limits, value),
        "window": (t0, t1),
        "css": "",
    }


def _age(picture: Picture, newest: Any) -> Fresh:
    if newest is None or newest.ts is None:
        return Fresh("never", "")
    age = (picture.now - newest.ts).total_seconds()
    state = "fresh" if age <= newest.cadence_s else ("late" if age <= 3 * newest.cadence_s else "silent")
    return Fresh(state, f"{newest.ts:%Y-%m-%dT%H:%M:%SZ}", newest.cadence_s)


def _of_kpi(picture: Picture, view: View, vital: str) -> dict[str, Any]:
    key = next((k for k in shown_kpis(picture, vital, view.scope) if _moves(picture, k)), "")
    t0, t1 = _window(picture, view)
    v = picture.catalog.vitals[vital]
    if key:
        domain, kpi = picture.catalog.kpis[key]
        name, unit, decimals, limits, css = kpi.title(view.lang), kpi.unit, kpi.decimals, thresholds_of_kpi(picture, domain, kpi), ""
        fresh = picture.fresh_of(picture.catalog.kpi_feeds(key))
    else:
        key, unit, decimals, limits, css, fresh = f"vital.{vital}", "", 0, (), v.css, Fresh("never", "")
        name = f"{v.title(view.lang)}指数" if view.lang != "en" else f"{v.title(view.lang)} index"
    scope_key = view.scope.key if len(view.scope.streets) <= 1 else "district"
    with picture.reader.engine.connect() as conn:
        points = [(at, mean) for at, mean, _, _ in kpi_reads.kpi_hours(conn, key, scope_key, t0, t1)]
    row = picture.figure(key, view.scope)
    if row and row.value is not None and not (view.t0 and view.t1):
        points.append((picture.at, row.value))
    band = picture.band(key, view.scope)
    hour = picture.at.replace(minute=0, second=0, microsecond=0)
    return {
        "title": name,
        "subtitle": _span_words(unit, t0, t1, view),
        "fresh": fresh,
        "empty": "" if len(points) > 1 else ("历史还在积累" if view.lang != "en" else "History is still building up"),
        "points": points,
        "band": [(hour - timedelta(hours=len(band) - 1 - i), pair) for i, pair in enumerate(band)],
        "limits": limits,
        "unit": unit,
        "decimals": decimals,
        "gap": timedelta(hours=3),
        "end": row.value if row else None,
        "level": level_of_reading(limits, row.value if row else None),
        "window": (t0, t1),
        "css": css,
    }


def _moves(picture: Picture, key: str) -> bool:
    """Whether a KPI has a life within a day: a figure over a year draws a flat line."""
    _, kpi = picture.catalog.kpis[key]
    return not kpi.change and (kpi.over is None or kpi.over.rolling is not None or (kpi.over.days or 99) <= 1)


def _span_words(unit: str, t0: Any, t1: Any, view: View) -> str:
    zh = view.lang != "en"
    if view.t0 and view.t1:
        a, b = t0.astimezone(CITY_ZONE), t1.astimezone(CITY_ZONE)
        stretch = f"{a:%H:%M}–{b:%H:%M}"
    else:
        stretch = "近24小时" if zh else "last 24 h"
    return ("，" if zh else ", ").join(part for part in (unit, stretch) if part)


def limit_words(limit: Threshold, lang: str) -> str:
    """橙 3.0."""
    return f"{LEVEL_WORDS[limit.level.value](lang)} {limit.value:g}"
