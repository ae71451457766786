"""What a system's chart shows: the picked asset's line, else the reading behind the worst alert, else the most telling KPI's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.core.configured import Threshold
from dashboard.core.declare import Absence, Domain, Metric
from dashboard.core.readings import latest
from dashboard.core.scope import DISTRICT
from dashboard.core.times import CITY_ZONE
from dashboard.snapshot.alerts import street_name
from dashboard.snapshot.channels import reading_age
from dashboard.snapshot.chips import asset_title
from dashboard.snapshot.figures import level_of_reading, shown_kpis, thresholds_of_kpi, thresholds_of_metric
from dashboard.snapshot.picture import Fresh, Picture
from dashboard.snapshot.view import View
from dashboard.snapshot.words import LEVEL_WORDS, say, together, unit_words
from dashboard.store import series

_DAY = timedelta(hours=24)
_UNKNOWN_CADENCE = 600  # seconds


@dataclass(frozen=True, kw_only=True)
class Channel:
    """The channel to draw."""

    number: int
    domain: Domain
    metric: Metric
    asset_name: str


def chart(picture: Picture, view: View, vital: str) -> dict[str, Any]:
    """A line with its usual range and its limits."""
    domain, _, metric = view.asset.partition(".")
    if (domain, metric) in picture.catalog.metrics:  # before a KPI of that name: readings have a past
        return _of_mean(picture, view, domain, metric)
    if view.asset in picture.catalog.kpis:
        return _of_figure(picture, view, _kpi_figure(picture, view, view.asset))
    channel = _channel(picture, view, vital)
    return _of_channel(picture, view, channel) if channel else _of_figure(picture, view, _figure(picture, view, vital))


# ---- a channel's
def _channel(picture: Picture, view: View, vital: str) -> Channel | None:
    picked = view.asset.partition("/")[2]
    asset, name, wanted = (picked, "", "") if picked else _alerting(picture, view, vital)
    row = _told_by(picture, vital, asset, wanted) if asset else None
    if row is None:
        return None
    return Channel(
        number=row.channel_id,
        domain=picture.catalog.domains[row.domain],
        metric=picture.catalog.metrics[(row.domain, row.metric)],
        asset_name=name or asset_title(picture, asset, view.lang),
    )


def _alerting(picture: Picture, view: View, vital: str) -> tuple[str, str, str]:
    """Asset, its name and the metric of the worst open alert that watches readings."""
    for a in picture.open_in(view, vital):
        rule = picture.catalog.rules.get(a.rule)
        watches = rule[1].watches if rule and not isinstance(rule[1].watches, Absence) else None  # what fell silent has no line to show
        if metric := getattr(watches, "metric", None):
            return a.asset_id, a.asset_name, metric
    return "", "", ""


def _told_by(picture: Picture, vital: str, asset: str, wanted: str) -> Any:
    """The channel of an asset that tells most: the wanted metric's, else one with limits, else the first."""
    domains = [d.key for d in picture.catalog.of_vital(vital)]
    query = sa.select(latest).where(latest.c.asset_id == asset, latest.c.domain.in_(domains), latest.c.ts.is_not(None))
    with picture.reading() as conn:
        rows = [r for r in conn.execute(query.order_by(latest.c.channel_id)) if (r.domain, r.metric) in picture.catalog.metrics]
    limited = (r for r in rows if thresholds_of_metric(picture, picture.catalog.domains[r.domain], r.metric))
    return next((r for r in rows if r.metric == wanted), None) or next(limited, None) or next(iter(rows), None)


def _of_channel(picture: Picture, view: View, c: Channel) -> dict[str, Any]:
    t0, t1 = _window(picture, view)
    hours = _whole_hours(t0, t1)
    with picture.reading() as conn:
        points = series.series(conn, c.number, t0, t1 + timedelta(seconds=1))
        ranges = series.expected_ranges(conn, c.number, hours)
        newest = conn.execute(sa.select(latest).where(latest.c.channel_id == c.number)).first()
    limits, unit = thresholds_of_metric(picture, c.domain, c.metric.key), unit_words(c.metric.unit, view.lang)
    value = newest.value if newest else None
    return {
        "title": together(view.lang, (c.asset_name, c.metric.title(view.lang))),
        "subtitle": _span_words(unit, view),
        "fresh": reading_age(picture, newest),
        "empty": "" if points else say(view.lang, "这段时间没有读数", "No readings in this time"),
        "points": [(p.ts, p.mean) for p in points],
        "band": list(zip(hours, ranges, strict=True)),
        "limits": limits,
        "unit": unit,
        "decimals": c.metric.decimals,
        "gap": timedelta(seconds=(newest.cadence_s if newest else _UNKNOWN_CADENCE) * 3),
        "end": value,
        "level": level_of_reading(limits, value),
        "window": (t0, t1),
        "css": "",
    }


def _whole_hours(t0: datetime, t1: datetime) -> list[datetime]:
    first = t0.replace(minute=0, second=0, microsecond=0)
    return [first + timedelta(hours=i) for i in range(int((t1 - t0).total_seconds() // 3600) + 2)]


# ---- a metric's mean over a street or the district
def _of_mean(picture: Picture, view: View, domain: str, metric: str) -> dict[str, Any]:
    (t0, t1), scope = _window(picture, view), view.scope.key if len(view.scope.streets) == 1 else DISTRICT
    declared, hours = picture.catalog.metrics[domain, metric], _whole_hours(t0, t1)
    with picture.reading() as conn:
        points = [(h.hour, h.mean) for h in series.scope_series(conn, domain, metric, scope, t0, t1)]
        ranges = series.expected_ranges(conn, (domain, metric, scope), hours)
    unit, where = unit_words(declared.unit, view.lang), street_name(scope, view.lang) or say(view.lang, "全区平均", "mean of the district")
    return {
        "title": together(view.lang, (declared.title(view.lang), where)),
        "subtitle": _span_words(unit, view),
        "fresh": picture.fresh_of([f"{domain}.{f.key}" for f in picture.catalog.domains[domain].feeds if f.metrics]),
        "empty": "" if len(points) > 1 else say(view.lang, "这段时间没有读数", "No readings in this time"),
        "points": points,
        "band": list(zip(hours, ranges, strict=True)),
        "limits": (),
        "unit": unit,
        "decimals": declared.decimals,
        "gap": timedelta(hours=3),
        "end": points[-1][1] if points else None,
        "level": "",
        "window": (t0, t1),
        "css": "",
    }


# ---- a KPI's
@dataclass(frozen=True, kw_only=True)
class Figure:
    """The KPI or index to draw."""

    key: str
    title: str
    unit: str
    decimals: int
    limits: tuple[Threshold, ...]
    fresh: Fresh
    css: str = ""


def _of_figure(picture: Picture, view: View, f: Figure) -> dict[str, Any]:
    t0, t1 = _window(picture, view)
    row = picture.figure(f.key, view.scope)
    points, value = _hours(picture, view, f.key), row.value if row else None
    return {
        "title": f.title,
        "subtitle": _span_words(f.unit, view),
        "fresh": f.fresh,
        "empty": "" if len(points) > 1 else _no_line(view),
        "points": points,
        "band": _band(picture, view, f.key),
        "limits": f.limits,
        "unit": f.unit,
        "decimals": f.decimals,
        "gap": timedelta(hours=3),
        "end": value,
        "level": level_of_reading(f.limits, value),
        "window": (t0, t1),
        "css": f.css,
    }


def _figure(picture: Picture, view: View, vital: str) -> Figure:
    """The most telling KPI that has a life within a day, else the system's index."""
    key = next((k for k in shown_kpis(picture, vital, view.scope) if _moves(picture, view, k)), "")
    if key:
        return _kpi_figure(picture, view, key)
    v = picture.catalog.vitals[vital]
    title = say(view.lang, f"{v.title(view.lang)}指数", f"{v.title(view.lang)} index")
    return Figure(key=f"vital.{vital}", title=title, unit="", decimals=0, limits=(), fresh=Fresh("never", ""), css=v.css)


def _kpi_figure(picture: Picture, view: View, key: str) -> Figure:
    domain, kpi = picture.catalog.kpis[key]
    limits, fresh = thresholds_of_kpi(picture, domain, kpi), picture.fresh_of(picture.catalog.kpi_feeds(key))
    unit = unit_words(kpi.unit, view.lang)
    return Figure(key=key, title=kpi.title(view.lang), unit=unit, decimals=kpi.decimals, limits=limits, fresh=fresh)


def _moves(picture: Picture, view: View, key: str) -> bool:
    """Whether a KPI has a life within a day, and had one: a figure over a year, or one that stands still, draws a flat line."""
    _, kpi = picture.catalog.kpis[key]
    lively = not kpi.change and (kpi.over is None or kpi.over.rolling is not None or (kpi.over.days or 99) <= 1)
    return lively and len({value for value in picture.line(key, view.scope) if value is not None}) > 1


def _hours(picture: Picture, view: View, key: str) -> list[tuple[datetime, float | None]]:
    """A KPI by the hour, up to its present value unless a window was picked."""
    points = [point for point in picture.hours(key, view.scope, *_window(picture, view)) if point[1] is not None]
    row = picture.figure(key, view.scope)
    if row and row.value is not None and view.window is None:
        points.append((picture.at, row.value))
    return points


def _no_line(view: View) -> str:
    if len(view.scope.streets) > 1:
        return say(view.lang, "几条街道合看时，比率没有曲线", "No line for several streets of a share")
    return say(view.lang, "历史还在积累", "History is still building up")


def _band(picture: Picture, view: View, key: str) -> list[tuple[datetime, tuple[float, float] | None]]:
    band = picture.band(key, view.scope)
    hour = picture.at.replace(minute=0, second=0, microsecond=0)
    return [(hour - timedelta(hours=len(band) - 1 - i), pair) for i, pair in enumerate(band)]


# ---- both
def _window(picture: Picture, view: View) -> tuple[datetime, datetime]:
    return view.window or (picture.at - _DAY, picture.at)


def _span_words(unit: str, view: View) -> str:
    return together(view.lang, (unit, stretch_words(view)))


def stretch_words(view: View) -> str:
    """The stretch of time a line shows."""
    if view.window is None:
        return say(view.lang, "近24小时", "last 24 h")
    start, end = (t.astimezone(CITY_ZONE) for t in view.window)
    return f"{start:%H:%M}–{end:%H:%M}"


def limit_words(limit: Threshold, lang: str) -> str:
    """橙 3.0."""
    return f"{LEVEL_WORDS[limit.level.value](lang)} {limit.value:g}"
