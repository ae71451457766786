"""Links between two lines a person can follow: driver over effect on one axis of time, how long after, how closely together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import numpy as np

from dashboard.core.declare import Cause
from dashboard.core.scope import DISTRICT
from dashboard.core.times import CITY_ZONE
from dashboard.snapshot.alerts import street_name
from dashboard.snapshot.asset import Subject, find
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.shapes import path, scale_of
from dashboard.snapshot.view import View
from dashboard.snapshot.words import number, say, unit_words
from dashboard.store import kpi_reads, series

_LONG, _SHORT = 28 * 24, 7 * 24  # hours looked at
_FEWEST = 72  # pairs of hours below which nothing is said
_STIRRED = 6  # hours the driver must have moved in: a month without rain says nothing about rain
_HOUR = timedelta(hours=1)

Hours: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One of the two lines: hourly means of the last four weeks, NaN where there are none."""

    key: str
    href: str  # where it is drawn large
    title: str
    unit: str
    where: str
    decimals: int
    hours: Hours


@dataclass(frozen=True)
class Together:
    """How two lines went together: the best correlation, the hours the effect followed after, how many pairs of hours."""

    r: float | None  # None: too few to say
    lag: int
    n: int


def of_vital(picture: Picture, view: View, vital: str) -> dict[str, Any]:
    """The links that end in a vital system, or in the one of its domains that was picked."""
    keys = {d.key for d in picture.catalog.of_vital(vital)}
    wanted = {view.system} & keys or keys
    found = [c for c in picture.catalog.causes.values() if c.effect.partition(".")[0] in wanted]
    return _told(picture, [_link(picture, view, c, None) for c in found], away=False)


def of_asset(picture: Picture, view: View, ident: str) -> dict[str, Any]:
    """The links that end in one of an asset's own lines."""
    subject = find(picture, ident)
    mine = {f"{c.domain}.{c.metric}" for c in subject.channels}
    found = [c for c in picture.catalog.causes.values() if c.effect in mine]
    return _told(picture, [_link(picture, view, c, subject) for c in found], away=True)


def _told(picture: Picture, links: list[dict[str, Any]], *, away: bool) -> dict[str, Any]:
    """The links, those that hold most closely first; `away`: a line opens on the page of its system, not here."""
    start = _first_hour(picture) + (_LONG - _SHORT) * _HOUR
    return {"missing": False, "away": away, "links": sorted(links, key=lambda link: -link["strength"]), "days": _days(start)}


def _days(start: datetime) -> list[dict[str, Any]]:
    """Midnights of the week shown, as percent of the width."""
    local = (start.astimezone(CITY_ZONE) + timedelta(days=1)).replace(hour=0, minute=0)
    days = [local + timedelta(days=i) for i in range(7)]
    placed = [((day - start) / (_SHORT * _HOUR) * 100, day) for day in days]
    return [{"x": f"{x:.1f}", "text": f"{day.month}-{day.day}"} for x, day in placed if 2 < x < 95]


def _link(picture: Picture, view: View, cause: Cause, subject: Subject | None) -> dict[str, Any]:
    scope = (subject.street if subject else view.scope.key) or DISTRICT

    def make() -> dict[str, Any]:
        driver = _line(picture, view.lang, cause.driver, scope, subject, _FEWEST)
        effect = _line(picture, view.lang, cause.effect, scope, subject)
        return _compared(cause, driver, effect, view.lang)

    stamp = (_first_hour(picture), picture.replay)
    return picture.keep(("cause", cause.key, scope, subject.ident if subject else "", view.lang), stamp, make)


def _compared(cause: Cause, driver: Line, effect: Line, lang: str) -> dict[str, Any]:
    lags = int(cause.lag / _HOUR)
    month = together(driver.hours, effect.hours, lags, falls=cause.falls)
    week = together(driver.hours[-_SHORT:], effect.hours[-_SHORT:], lags, falls=cause.falls)
    return {
        "key": cause.key,
        "title": cause.title(lang),
        "why": cause.why(lang),
        "lines": [_drawn(driver, lang, say(lang, "因", "cause")), _drawn(effect, lang, say(lang, "果", "effect"))],
        "lag": f"{100 * month.lag / _SHORT:.1f}" if month.r is not None and month.lag else "",
        "sentence": _sentence(driver, effect, month, cause, lang),
        "weeks": _figures(week, month, lang),
        "strength": abs(month.r or 0.0),
    }


# ---- the numbers
def together(driver: Hours, effect: Hours, lags: int, *, falls: bool) -> Together:
    """The best correlation of the effect with the driver up to so many hours before it."""
    best = Together(None, 0, int(np.sum(~np.isnan(driver) & ~np.isnan(effect))))
    for lag in range(lags + 1):
        before, after = driver[: len(driver) - lag], effect[lag:]
        both = ~np.isnan(before) & ~np.isnan(after)
        r, n = _correlation(before[both], after[both]), int(both.sum())
        if r is not None and (best.r is None or (r < best.r if falls else r > best.r)):
            best = Together(r, lag, n)
    return best


def _correlation(before: Hours, after: Hours) -> float | None:
    """Pearson's; None where there are too few hours, or either line hardly moved."""
    if len(before) < _FEWEST:
        return None
    moved = min(np.sum(np.abs(line - np.median(line)) > 1e-9) for line in (before, after))
    return float(np.corrcoef(before, after)[0, 1]) if moved >= _STIRRED else None


def _sentence(driver: Line, effect: Line, month: Together, cause: Cause, lang: str) -> str:
    """What was seen, in words that claim no more than it."""
    if month.r is None:
        return say(lang, f"样本不足（{month.n}小时），还看不出联系", f"Too few hours to tell ({month.n})")
    zh_after, en_after = (f"之后约{month.lag}小时", f"about {month.lag} h after") if month.lag else ("同一小时", "in the same hour as")
    way, how = _way(month.r, cause, lang), number(month.r, 2)
    zh = f"{driver.title}{zh_after}，{effect.title}{way}，近28日相关{how}，n={month.n}"
    return say(lang, zh, f"{effect.title} {way} {en_after} {driver.title}; correlation over 28 days {how}, n={month.n}")


def _way(r: float, cause: Cause, lang: str) -> str:
    """Whether they went together as they are expected to."""
    if abs(r) < 0.2 or (r < 0) != cause.falls:
        return say(lang, "没有明显跟随", "does not visibly follow")
    return say(lang, "此起彼落" if r < 0 else "同起同落", "goes the other way" if r < 0 else "goes along")


def _figures(week: Together, month: Together, lang: str) -> list[dict[str, str]]:
    spans = ((say(lang, "近7日", "7 days"), week), (say(lang, "近28日", "28 days"), month))
    few = say(lang, "样本不足", "too few")
    return [{"title": t, "r": few if s.r is None else number(s.r, 2), "n": f"n={s.n}"} for t, s in spans]


# ---- the lines
def _first_hour(picture: Picture) -> datetime:
    return picture.at.replace(minute=0, second=0, microsecond=0) - (_LONG - 1) * _HOUR


def _drawn(line: Line, lang: str, part: str) -> dict[str, Any]:
    values = [None if np.isnan(v) else float(v) for v in line.hours[-_SHORT:]]
    scale = scale_of(values)
    points = [(100.0 * i / _SHORT, None if v is None else scale.y(v)) for i, v in enumerate(values)]
    newest = next((v for v in reversed(values) if v is not None), None)
    return {
        "key": line.key,
        "href": line.href,
        "part": part,
        "title": line.title,
        "unit": line.unit,
        "where": line.where,
        "value": number(newest, line.decimals),
        "line": path(points),
    }


def _line(picture: Picture, lang: str, key: str, scope: str, subject: Subject | None, least: int = 0) -> Line:
    """A metric of the asset looked at where it has it (and at least so many hours), else of the street or the district; or a KPI.

    Where a metric and a KPI share a name it is the metric: readings have a past from the first day, a KPI over a register has none.
    """
    name, _, rest = key.partition(".")
    metric = picture.catalog.metrics.get((name, rest))
    if metric is None:
        return _kpi_line(picture, lang, key, scope)
    title, unit = metric.title(lang), unit_words(metric.unit, lang)
    hours, where = _own(picture, key, subject), subject.name if subject else ""
    if hours is None or (least and np.sum(~np.isnan(hours)) < least):
        hours, where = _of_scope(picture, lang, name, rest, scope)
    return Line(key=key, href=_href(picture, key), title=title, unit=unit, where=where, decimals=metric.decimals, hours=hours)


def _kpi_line(picture: Picture, lang: str, key: str, scope: str) -> Line:
    _, kpi = picture.catalog.kpis[key]
    start = _first_hour(picture)
    with picture.reading() as conn:
        for place in dict.fromkeys((scope, DISTRICT)):
            found = {at: mean for at, mean, _, _ in kpi_reads.kpi_hours(conn, key, place, start, picture.at) if mean is not None}
            if len(found) >= _FEWEST:
                break
    return Line(
        key=key,
        href=_href(picture, key),
        title=kpi.title(lang),
        unit=unit_words(kpi.unit, lang),
        where=_where(place, lang),
        decimals=kpi.decimals,
        hours=_hours(found, start),
    )


def _own(picture: Picture, key: str, subject: Subject | None) -> Hours | None:
    channel = next((c for c in subject.channels if f"{c.domain}.{c.metric}" == key), None) if subject else None
    if channel is None:
        return None
    start = _first_hour(picture)
    with picture.reading() as conn:
        points = series.series(conn, channel.channel_id, start, picture.at, _HOUR)
    return _hours({p.ts: p.mean for p in points}, start)


def _of_scope(picture: Picture, lang: str, domain: str, metric: str, scope: str) -> tuple[Hours, str]:
    start = _first_hour(picture)
    with picture.reading() as conn:
        for place in dict.fromkeys((scope, DISTRICT)):
            found = {h.hour: h.mean for h in series.scope_series(conn, domain, metric, place, start, picture.at)}
            if len(found) >= _FEWEST:
                break
    return _hours(found, start), _where(place, lang)


def _href(picture: Picture, key: str) -> str:
    domain = picture.catalog.domains[key.partition(".")[0]]
    return f"{picture.catalog.vitals[domain.vital].path}?asset={key}"


def _where(place: str, lang: str) -> str:
    return street_name(place, lang) or say(lang, "全区", "district")


def _hours(found: Mapping[datetime, float], start: datetime) -> Hours:
    values: Sequence[float] = [found.get(start + i * _HOUR, float("nan")) for i in range(_LONG)]
    return np.array(values, dtype=np.float64)
