"""What opens at the side: an alert's story, a number's formula and rows, an asset's card."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.core.declare import KpiValues, Text
from dashboard.core.errors import NotFoundError
from dashboard.core.readings import latest
from dashboard.core.scope import DISTRICT
from dashboard.core.times import CITY_ZONE, city_day
from dashboard.kpi.explain import Explanation, explain
from dashboard.snapshot.alerts import Alert, card, grounds, one_alert, street_name
from dashboard.snapshot.figures import thresholds_of_metric, worded
from dashboard.snapshot.listing import channel_line, reading_age
from dashboard.snapshot.maps import asset_tables
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.shapes import scale_of
from dashboard.snapshot.view import View
from dashboard.snapshot.words import FRESH_WORDS, LEVEL_WORDS, UNKNOWN, moment, number
from dashboard.store import alert_reads, series

_ROWS = 40
_WHAT = {
    "open": Text("触发", "Raised"),
    "level": Text("等级变化", "Level changed"),
    "no_data": Text("数据中断", "Data lost"),
    "data_back": Text("数据恢复", "Data back"),
    "clear": Text("已闭环", "Closed"),
    "acknowledge": Text("已确认", "Acknowledged"),
}


# ---- an alert
def alert(picture: Picture, view: View, alert_id: str) -> dict[str, Any]:
    """One alert: grounds, rule and standard, owner, reading, every step with its reason."""
    found = _find(picture, alert_id)
    zh = view.lang != "en"
    c = card(found, picture.catalog, view.lang, picture.at)
    with picture.reader.engine.connect() as conn:
        steps = alert_reads.alert_timeline(conn, found.alert_id, picture.at)
    rule = picture.catalog.rules.get(found.rule)
    limit = next(
        (t for t in picture.catalog.rule_thresholds(found.rule, city_day(found.opened).isoformat()) if t.level.value == found.level), None
    )
    plot, limits, metric = _plot(picture, found, view.lang)
    said = [
        {
            "time": moment(s.at, view.lang, picture.now),
            "what": _WHAT.get(s.what, Text(s.what, s.what))(view.lang),
            "reason": s.reason,
            "next": False,
        }
        for s in steps
    ]
    if found.state == "new":
        said.append({"time": "", "what": "待确认" if zh else "Awaits acknowledgement", "reason": c.owner, "next": True})
    return {
        "alert": c,
        "summary": "，".join(part for part in (grounds(found, view.lang), c.street) if part)
        if zh
        else ", ".join(part for part in (grounds(found, view.lang), c.street) if part),
        "rule": f"{rule[1].title(view.lang)}（{found.rule}）" if rule else found.rule,
        "reference": f"{limit.ref}，{'依据可信度' if zh else 'confidence'}：{limit.confidence}" if limit else UNKNOWN,
        "steps": said,
        "plot": plot,
        "limits": limits,
        "metric": metric,
        "replay": picture.replay,
        "note": ("回放中，不能处置" if zh else "Replay: actions are off") if picture.replay else "",
    }


def _find(picture: Picture, alert_id: str) -> Alert:
    """From the picture, or an older one from the store."""
    for a in picture.alerts:
        if str(a.alert_id) == alert_id:
            return a
    with picture.reader.engine.connect() as conn:
        found = one_alert(conn, picture.catalog, alert_id, picture.at)
    if found is None:
        raise NotFoundError(f"no alert {alert_id}")
    return found


def _plot(picture: Picture, a: Alert, lang: str) -> tuple[dict[str, str] | None, list[dict[str, str]], str]:
    """The watched reading around the alert, with its thresholds."""
    rule = picture.catalog.rules.get(a.rule)
    metric_key = getattr(rule[1].watches, "metric", None) if rule and not isinstance(rule[1].watches, KpiValues) else None
    if rule is None or not metric_key:
        return None, [], ""
    domain = rule[0]
    metric = picture.catalog.metrics.get((domain.key, metric_key))
    with picture.reader.engine.connect() as conn:
        channel_id = conn.scalar(
            sa.select(latest.c.channel_id).where(
                latest.c.domain == domain.key, latest.c.metric == metric_key, latest.c.asset_id == a.asset_id
            )
        )
        if channel_id is None or metric is None:
            return None, [], ""
        end = min(picture.at, (a.closed or picture.at) + timedelta(hours=2)) + timedelta(seconds=1)
        start = min(a.opened - timedelta(hours=6), end - timedelta(hours=24))
        points = series.series(conn, channel_id, start, end)
    limits = thresholds_of_metric(picture, domain, metric_key)
    if len(points) < 2:
        return None, [], ""
    scale = scale_of([p.mean for p in points] + [t.value for t in limits[-2:]])
    long = (end - start).total_seconds()
    line = "".join(
        f"{'L' if i else 'M'}{100 * (p.ts - start).total_seconds() / long:.1f} {scale.y(p.mean):.1f}" for i, p in enumerate(points)
    )
    marks = [{"level": t.level.value, "y": f"{scale.y(t.value):.1f}"} for t in limits if scale.low <= t.value <= scale.high]
    local = start.astimezone(CITY_ZONE)
    return (
        {"line": line, "band": ""},
        marks,
        f"{metric.title(lang)} {metric.unit}，{local:%H:%M} →" if lang != "en" else f"{metric.title(lang)} {metric.unit}, {local:%H:%M} →",
    )


# ---- a number
def explanation(picture: Picture, view: View, key: str) -> dict[str, Any]:
    """Formula, contributions or streets, target and standard, sources with their age, the rows behind it."""
    scope_key = view.scope.key if len(view.scope.streets) <= 1 else DISTRICT
    with picture.reader.engine.connect() as conn:
        e = explain(conn, picture.catalog, picture.settings, key, scope_key, picture.at)
    zh = view.lang != "en"
    row = picture.figure(key, view.scope)
    kpi = picture.catalog.kpis[key][1] if key in picture.catalog.kpis else None
    value, unit = worded(kpi, row) if kpi else (number(row.value if row else None, 0), "")
    return {
        "title": _title(picture, key, view.lang),
        "scope": street_name(scope_key, view.lang) or ("全区" if zh else "District"),
        "as_of": (
            f"截至 {moment(row.as_of or row.computed_at, view.lang, picture.now)}"
            if zh
            else f"as of {moment(row.as_of or row.computed_at, view.lang, picture.now)}"
        )
        if row
        else "",
        "value": value,
        "unit": unit,
        **_explained(picture, e, view),
    }


def _title(picture: Picture, key: str, lang: str) -> str:
    if key in picture.catalog.kpis:
        return picture.catalog.kpis[key][1].title(lang)
    if key.startswith("vital.") and key[6:] in picture.catalog.vitals:
        name = picture.catalog.vitals[key[6:]].title(lang)
        return f"{name}指数" if lang != "en" else f"{name} index"
    return "全区指数" if lang != "en" else "District index"


def _explained(picture: Picture, e: Explanation, view: View) -> dict[str, Any]:
    lang, zh = view.lang, view.lang != "en"
    largest = max((abs(p.value) for p in e.streets if p.value is not None), default=0) or 1
    row, shown = e.row, e.lost if e.lost.total else e.counted
    low, high = (row.low, row.high) if row else (None, None)
    again = number(e.recomputed, min(e.decimals + 1, 3))
    return {
        "formula": e.formula(lang),
        "check": (f"由原始行复算得 {again}，与显示一致" if zh else f"Recomputed from the rows: {again}, as shown")
        if e.agrees and e.recomputed is not None
        else "",
        "range": (
            f"缺数部分若全坏或全好：{number(low, 0)}–{number(high, 0)}"
            if zh
            else f"{number(low, 0)}–{number(high, 0)} if what is missing were all bad or all good"
        )
        if low is not None and high is not None and high - low >= 1
        else "",
        "contributions": _contributions(picture, e, lang),
        "target": _target(e, lang),
        "target_ref": f"{e.target.ref}，{'可信度' if zh else 'confidence'}：{e.target.confidence}" if e.target else "",
        "streets": [
            {
                "code": p.street,
                "name": street_name(p.street, lang) or ("街道不明" if zh else "street unknown"),
                "value": number(p.value, e.decimals),
                "pct": f"{100 * abs(p.value or 0) / largest:.0f}",
            }
            for p in e.streets
        ],
        "feeds": [{"title": f.title(lang), "fresh": picture.fresh_of((f.feed,))} for f in e.feeds],
        "columns": list(shown.columns),
        "rows": [[_plain(v, view, picture) for v in values] for values in shown.rows[:_ROWS]],
        "rows_title": ("失分的行" if zh else "Rows that cost points") if e.lost.total else ("计入的行" if zh else "Rows counted"),
        "rows_note": (
            f"共{shown.total:,}行，显示前{min(_ROWS, len(shown.rows))}"
            if zh
            else f"{shown.total:,} in all, first {min(_ROWS, len(shown.rows))}"
        )
        if shown.rows
        else "",
    }


def _contributions(picture: Picture, e: Explanation, lang: str) -> list[dict[str, Any]]:
    """Where an index lost its points: figures by what they cost, then alerts."""
    if not e.contributions:
        return []
    found = [
        {
            "key": i["kpi"],
            "title": _title(picture, i["kpi"], lang),
            "weight": f"{i['weight']:g}",
            "score": number(i["score"], 0),
            "points": i["lost"],
            "fresh": FRESH_WORDS[i["freshness"]](lang),
        }
        for i in e.contributions.get("inputs", ())
    ]
    found += [
        {
            "key": "",
            "title": f"{LEVEL_WORDS[a['level']](lang)}{'色预警' if lang != 'en' else ' alert'} {a['number']}",
            "weight": "",
            "score": "",
            "points": a["lost"],
            "fresh": "",
        }
        for a in e.contributions.get("alerts", ())
    ]
    most = max((float(f["points"]) for f in found), default=0) or 1
    ranked = sorted(found, key=lambda f: -float(f["points"]))
    return [f | {"lost": number(float(f["points"]), 1), "lost_pct": f"{100 * float(f['points']) / most:.0f}"} for f in ranked]


def _target(e: Explanation, lang: str) -> str:
    if e.target is None:
        return ""
    return (
        f"{e.target.good:g} 得100分，{e.target.poor:g} 得60分"
        if lang != "en"
        else f"{e.target.good:g} scores 100, {e.target.poor:g} scores 60"
    )


def _plain(value: Any, view: View, picture: Picture) -> str:
    if value is None:
        return UNKNOWN
    if hasattr(value, "astimezone"):
        return moment(value, view.lang, picture.now)
    if isinstance(value, float):
        return f"{value:,.3f}".rstrip("0").rstrip(".")
    text = str(value)
    return street_name(text, view.lang) or text


# ---- an asset
def asset(picture: Picture, view: View, ident: str) -> dict[str, Any]:
    """Everything about one asset: card, readings with expected range, alerts."""
    domain_key, _, asset_id = ident.partition("/")
    domain = picture.catalog.domains.get(domain_key)
    if domain is None:
        raise NotFoundError(f"no domain {domain_key!r}")
    zh = view.lang != "en"
    with picture.reader.engine.connect() as conn:
        row = next((r for t in asset_tables(domain) if (r := conn.execute(sa.select(t).where(t.c.asset_id == asset_id)).first())), None)
        channels = conn.execute(
            sa.select(latest)
            .where(latest.c.domain == domain_key, latest.c.asset_id == asset_id, latest.c.ts.is_not(None))
            .order_by(latest.c.channel_id)
            .limit(12)
        ).all()
    if row is None and not channels:
        raise NotFoundError(f"no asset {ident!r}")
    readings = []
    for c in channels:
        metric = picture.catalog.metrics.get((domain_key, c.metric))
        if metric:
            readings.append(
                {
                    "title": metric.title(view.lang),
                    "unit": metric.unit,
                    "value": number(c.value, metric.decimals),
                    "line": channel_line(picture, c.channel_id),
                    "fresh": reading_age(picture, c),
                }
            )
    mine = [card(a, picture.catalog, view.lang, picture.at) for a in picture.alerts if a.asset_id == asset_id and a.domain == domain_key]
    facts = [("编号" if zh else "No.", asset_id), ("责任单位" if zh else "Responsible", domain.department(view.lang))]
    if row is not None:
        state = domain.states.get(row.state or "")
        facts += [
            ("状态" if zh else "State", state(view.lang) if state else (row.state or UNKNOWN)),
            ("更新" if zh else "As of", moment(row.observed_at, view.lang, picture.now)),
            ("来源" if zh else "Source", f"{row.source} · {row.source_key}"),
        ]
    kind = domain.asset_kinds.get(row.kind) if row is not None else None
    return {
        "name": row.name if row is not None else asset_id,
        "kind": kind(view.lang) if kind else domain.title(view.lang),
        "street": street_name(row.street if row is not None else channels[0].street, view.lang) or UNKNOWN,
        "facts": facts,
        "readings": readings,
        "alerts": mine,
    }
