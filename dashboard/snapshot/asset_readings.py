"""What an asset's instruments say, and what is worked out from them: value, usual range, limits, line, age."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from dashboard.core.configured import Threshold
from dashboard.core.declare import Derived, Metric, Text
from dashboard.snapshot.asset import Subject, find
from dashboard.snapshot.bullet import bullet
from dashboard.snapshot.channels import Newest, Range, channel_day, reading_age, state_then
from dashboard.snapshot.chart import limit_words, stretch_words
from dashboard.snapshot.figures import level_of_reading, near_limits, thresholds_of_metric
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.resting import rest_words
from dashboard.snapshot.shapes import Scale, area, path, scale_of
from dashboard.snapshot.view import View
from dashboard.snapshot.words import UNKNOWN, moment, number, say, unit_words
from dashboard.store import series

_DAY = timedelta(hours=24)
_POINTS = 288  # of a line: one every five minutes of a day
_KEPT_S = 60

Points = list[tuple[datetime, float]]


def readings(picture: Picture, view: View, ident: str) -> dict[str, Any]:
    """Every channel of an asset: those past a limit first, then those with limits, then the others."""
    subject = find(picture, ident)
    told = [_reading(picture, view, subject, c, m) for c in subject.channels if (m := picture.catalog.metrics.get((c.domain, c.metric)))]
    return {"readings": sorted(told, key=lambda r: r["order"]), "stretch": stretch_words(view)}


def _reading(picture: Picture, view: View, subject: Subject, c: Newest, metric: Metric) -> dict[str, Any]:
    lang, limits = view.lang, thresholds_of_metric(picture, subject.domain, metric.key)
    state = state_then(picture, c)
    live = state in ("fresh", "late")
    level = level_of_reading(limits, c.value) if live else ""
    usual = channel_day(picture, c.channel_id).ranges[-1]
    derived = next((d for d in subject.domain.derived if d.metric.key == metric.key), None)
    return {
        "order": (not level, not limits, derived is not None),
        "key": metric.key,
        "title": metric.title(lang),
        "unit": unit_words(metric.unit, lang),
        "value": number(c.value, metric.decimals) if live else UNKNOWN,
        "level": level,
        "down": bool(limits) and limits[0].op.startswith("<"),
        "state": state,
        "note": _note(picture, c, metric, live, lang),
        "fresh": reading_age(picture, c),
        "then": moment(c.ts, lang, picture.now) if picture.replay else "",
        "usual": _usual_words(usual, metric, lang),
        "unusual": _unusual(usual, c.value, lang) if live else "",
        "limits": [limit_words(t, lang) for t in reversed(limits)],
        "bullet": bullet(limits, c.value) if live else None,
        "method": _method(derived, lang),
        "plot": _plot(picture, view, c, limits),
    }


def _note(picture: Picture, c: Newest, metric: Metric, live: bool, lang: str) -> str:
    """What must be said beside a value: the last one where it fell silent, or that it is doubtful."""
    if not live and c.value is not None:
        last = f"{number(c.value, metric.decimals)}（{moment(c.ts, lang, picture.now)}）"
        why = rest_words(picture, c, lang) or say(lang, "数据中断", "silent")
        return say(lang, f"{why}，上次 {last}", f"{why}, last {last}")
    return say(lang, "读数存疑", "doubtful") if c.quality else ""


def _usual_words(usual: Range | None, metric: Metric, lang: str) -> str:
    if usual is None:
        return say(lang, "历史不足，暂无常态", "too little history for a usual range")
    dash = say(lang, "至", " to ") if min(usual) < 0 else "–"  # a dash before a minus reads as two
    stretch = dash.join(number(v, metric.decimals) for v in usual)
    return say(lang, f"常态 {stretch}", f"usual {stretch}")


def _unusual(usual: Range | None, value: float | None, lang: str) -> str:
    if usual is None or value is None or usual[0] <= value <= usual[1]:
        return ""
    return say(lang, "高于常态", "above usual") if value > usual[1] else say(lang, "低于常态", "below usual")


def _method(derived: Derived | None, lang: str) -> str:
    if derived is None:
        return ""
    how: Text = derived.method
    return say(lang, f"推算：{how(lang)}", f"worked out: {how(lang)}")


# ---- its line
def _plot(picture: Picture, view: View, c: Newest, limits: tuple[Threshold, ...]) -> dict[str, Any] | None:
    """The chosen stretch, or the last 24 hours, over what is usual, with the limits near it."""

    def make() -> dict[str, Any] | None:
        return _drawn(picture, view, c, limits)

    stamp = (c.ts, int(picture.at.timestamp()) // _KEPT_S, view.window, picture.replay)
    return picture.keep(("plot", c.channel_id), stamp, make)


def _drawn(picture: Picture, view: View, c: Newest, limits: tuple[Threshold, ...]) -> dict[str, Any] | None:
    t0, t1 = view.window or (picture.at - _DAY, picture.at)
    with picture.reading() as conn:
        points: Points = [(p.ts, p.mean) for p in series.series(conn, c.channel_id, t0, t1 + timedelta(seconds=1), (t1 - t0) / _POINTS)]
    band = _band(picture, c, t0, t1)
    near = near_limits(limits, [v for _, v in points])
    if len(points) < 2:
        return None
    scale = scale_of([v for _, v in points] + [v for _, pair in band for v in pair] + [t.value for t in near])
    gap = max(timedelta(seconds=3 * c.cadence_s), (t1 - t0) / _POINTS * 3)
    return {
        "line": path(_with_gaps(points, gap, t0, t1, scale)),
        "band": _area(band, t0, t1, scale),
        "limits": [{"level": t.level.value, "y": f"{scale.y(t.value):.1f}"} for t in near],
    }


def _band(picture: Picture, c: Newest, t0: datetime, t1: datetime) -> list[tuple[datetime, Range]]:
    first = t0.replace(minute=0, second=0, microsecond=0)
    hours = [first + timedelta(hours=i) for i in range(int((t1 - t0) / timedelta(hours=1)) + 2)]
    with picture.reading() as conn:
        ranges = series.expected_ranges(conn, c.channel_id, hours)
    return [(min(max(at, t0), t1), pair) for at, pair in zip(hours, ranges, strict=True) if pair]


def _x(at: datetime, t0: datetime, t1: datetime) -> float:
    return 100.0 * ((at - t0) / (t1 - t0))


def _area(band: list[tuple[datetime, Range]], t0: datetime, t1: datetime, scale: Scale) -> str:
    upper, lower = ([(_x(at, t0, t1), scale.y(pair[side])) for at, pair in band] for side in (1, 0))
    return area(upper, lower)


def _with_gaps(points: Points, gap: timedelta, t0: datetime, t1: datetime, scale: Scale) -> list[tuple[float, float | None]]:
    found: list[tuple[float, float | None]] = []
    last: datetime | None = None
    for at, value in points:
        if last is not None and at - last > gap:
            found.append((_x(last, t0, t1), None))
        found.append((_x(at, t0, t1), scale.y(value)))
        last = at
    return found
