"""The 24-hour strip: index with its expected range over the skyline of open alerts; also the window and replay head."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from dashboard.core.declare import Level
from dashboard.core.times import CITY_ZONE, iso
from dashboard.snapshot.alerts import Alert
from dashboard.snapshot.part import part_words
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.shapes import Spark, spark
from dashboard.snapshot.view import View
from dashboard.snapshot.words import LEVEL_WORDS, clock_time, number, say, span

_SPAN = timedelta(hours=24)
_STEP = timedelta(minutes=15)
_SLOTS = int(_SPAN / _STEP)
_BASE, _LOW = 100.0, 52.0  # the skyline's ground and ceiling, percent from the top


def strip(picture: Picture, view: View, vital: str = "") -> dict[str, Any]:
    """The last 24 hours of the district, or of one vital system."""
    end = picture.now if picture.replay else picture.at
    start, key = end - _SPAN, f"vital.{vital}" if vital else "district.index"
    line = _upper(spark(picture.line(key, view.scope), picture.band(key, view.scope), floor_span=10))
    row = picture.figure(key, view.scope)
    alerts = [a for a in picture.alerts if view.scope.holds(a.street) and (not vital or a.vital == vital)]
    return {
        "t0": iso(start),
        "t1": iso(end),
        "nights": _nights(start, end),
        "line": line,
        "skyline": _skyline(alerts, start, end),
        "ticks": _ticks(start, end, view.lang),
        "note": _note(alerts, start, end, view.lang),
        "sel": _selection(view, start, end),
        "head": 100.0 if not picture.replay else _x(picture.at, start, end),
        "replay": picture.replay,
        "label": picture.catalog.vitals[vital].title(view.lang) if vital else part_words(view),
        "label_y": (line.y or 30.0) * 5.625 / 100,
        "value": number(row.value if row else None, 0),
        "open": sum(a.is_open for a in alerts),
    }


def _x(at: datetime, start: datetime, end: datetime) -> float:
    return min(100.0, max(0.0, 100.0 * ((at - start) / (end - start))))


def _upper(line: Spark) -> Spark:
    """The line squeezed into the upper 45 percent."""
    return Spark(_scaled(line.line), _scaled(line.band), line.x, None if line.y is None else line.y * 0.45, line.gap_from)


def _scaled(d: str) -> str:
    """Path data with every y at 45 percent."""
    out: list[str] = []
    for part in d.replace("L", "|L").replace("M", "|M").replace("Z", "|Z").split("|"):
        if part.startswith(("M", "L")):
            x, y = part[1:].split(" ")
            out.append(f"{part[0]}{x} {float(y) * 0.45:.1f}")
        else:
            out.append(part)
    return "".join(out)


def _nights(start: datetime, end: datetime) -> list[tuple[str, str]]:
    """19:00-07:00 as (x, width)."""
    found = []
    day = start.astimezone(CITY_ZONE).replace(hour=19, minute=0, second=0, microsecond=0) - timedelta(days=1)
    while day < end:
        x0, x1 = _x(day, start, end), _x(day + timedelta(hours=12), start, end)
        if x1 > x0:
            found.append((f"{x0:.2f}", f"{x1 - x0:.2f}"))
        day += timedelta(days=1)
    return found


def _ticks(start: datetime, end: datetime, lang: str) -> list[dict[str, Any]]:
    at = (start.astimezone(CITY_ZONE) + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)
    ticks: list[dict[str, Any]] = []
    while at < end - timedelta(minutes=100):  # clear of the label at the end
        x = _x(at, start, end)
        if at.hour == 0:
            ticks.append({"x": x, "text": say(lang, f"{at.month}月{at.day}日 0:00", f"{at:%d %b} 0:00"), "css": " day"})
        elif at.hour % 2 == 0 and x > 1.5 and not (at.hour in (2, 22) and lang == "en"):
            ticks.append({"x": x, "text": f"{at.hour}:00", "css": "" if at.hour % 6 == 0 and 5 < x < 86 else " minor"})
        at += timedelta(hours=1)
    return [*ticks, {"x": 99.0, "text": say(lang, "此刻 ", "now ") + clock_time(end), "css": " now"}]


def _skyline(alerts: list[Alert], start: datetime, end: datetime) -> list[dict[str, str]]:
    """How many were open at each quarter of an hour, worst level at the base."""
    counts = _counts(alerts, start)
    tallest = max((sum(slot) for slot in zip(*counts.values(), strict=True)), default=0)
    unit = (_BASE - _LOW) / max(tallest, 8)
    ground = [0] * _SLOTS
    drawn = []
    for level, heights in counts.items():
        if d := _blocks(heights, ground, unit):
            drawn.append({"level": level.value, "d": d})
        ground = [below + height for below, height in zip(ground, heights, strict=True)]
    return drawn


def _counts(alerts: list[Alert], start: datetime) -> dict[Level, list[int]]:
    """Open alerts per slot, the worst level first."""
    counts = {level: [0] * _SLOTS for level in sorted(Level, key=lambda level: -level.severity)}
    for a in alerts:
        first = max(0, int((a.opened - start) / _STEP))
        last = _SLOTS - 1 if a.closed is None else min(_SLOTS - 1, int((a.closed - start) / _STEP))
        for slot in range(first, last + 1):
            counts[Level(a.level)][slot] += 1
    return counts


def _blocks(heights: list[int], ground: list[int], unit: float) -> str:
    """Path data of one level's blocks, standing on those of worse levels."""
    wide = 100.0 / _SLOTS
    found = ""
    for i, n in enumerate(heights):
        low, high = _BASE - ground[i] * unit, _BASE - (ground[i] + n) * unit
        found += f"M{i * wide:.2f} {low:.1f}V{high:.1f}H{(i + 1) * wide:.2f}V{low:.1f}Z" if n else ""
    return found


def _note(alerts: list[Alert], start: datetime, end: datetime, lang: str) -> dict[str, Any] | None:
    """The worst alert already closed, with how long it took."""
    done = [a for a in alerts if a.closed and a.opened > start and a.level in ("red", "orange")]
    if not done:
        return None
    a = max(done, key=lambda a: (Level(a.level).severity, a.opened))
    x = _x(a.opened, start, end)
    if not 4 < x < 78:
        return None
    took, at = span((a.closed or end) - a.opened, lang), clock_time(a.opened)
    text = say(lang, f"{at}{LEVEL_WORDS[a.level](lang)}色，{took}闭环", f"{at} {a.level}, closed in {took}")
    return {"x": x, "level": a.level, "text": text}


def _selection(view: View, start: datetime, end: datetime) -> tuple[float, float] | None:
    """The picked window as (x, width), where it lies on the strip."""
    if view.window is None:
        return None
    x0, x1 = (_x(at, start, end) for at in view.window)
    return (x0, x1 - x0) if x1 > x0 else None
