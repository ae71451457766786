"""Rain, wet ground and movement of one place looked at together: what each alone would not yet say, they say one level earlier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from math import cos, hypot, radians
from typing import Any, NamedTuple

import sqlalchemy as sa

from dashboard.city import Finding, Judged, Level, Text, latest
from data_sources.limits import limit
from data_sources.slopes.tables import rain_gauge, slope

_LEVELS = (Level.BLUE, Level.YELLOW, Level.ORANGE, Level.RED)
_WORDS = {1: Text("蓝色", "blue"), 2: Text("黄色", "yellow"), 3: Text("橙色", "orange"), 4: Text("红色", "red")}


def _limits(rule: str) -> tuple[float, ...]:
    return tuple(limit(f"slopes.{rule}", level) for level in _LEVELS)


_RATES = {
    "displacement_rate": (Text("位移速率", "Displacement rate"), "mm/d", _limits("displacement")),
    "crack_rate": (Text("裂缝速率", "Crack rate"), "mm/d", _limits("crack")),
    "tilt_rate": (Text("倾斜速率", "Tilt rate"), "°/d", _limits("tilt")),
}
_RAINS = {"rain_1h": ("1h", _limits("rain_1h")), "rain_24h": ("24h", _limits("rain_24h"))}
_SOIL = _limits("soil")
_SEEN = ("soil_moisture", *_RATES, *_RAINS)

_L = latest.c
READS: Mapping[str, sa.Select[Any]] = {
    "points": sa.select(*(slope.c[name] for name in ("asset_id", "name", "street", "lon", "lat"))),
    "gauges": sa.select(*(rain_gauge.c[name] for name in ("asset_id", "name", "lon", "lat"))),
    "newest": sa.select(_L.asset_id, _L.metric, _L.value, _L.ts).where(_L.domain == "slopes", _L.metric.in_(_SEEN), _L.quality < 2),
}


class _Moving(NamedTuple):
    """The movement that counts most: which, how fast, its own level, and the level it is near."""

    metric: str
    value: float
    own: int
    near: int


def judge(rows: Mapping[str, Sequence[Any]], parameters: Mapping[str, float], now: datetime) -> list[Finding]:
    """Points where it rained hard, the ground is wet, and the movement comes near its next line: held at that line already."""
    newest = {(row.asset_id, row.metric): row for row in rows["newest"]}
    found = (_of_point(point, rows["gauges"], newest, parameters, now) for point in rows["points"])
    return [one for one in found if one is not None]


def _of_point(
    point: Any, gauges: Sequence[Any], newest: Mapping[tuple[str, str], Any], parameters: Mapping[str, float], now: datetime
) -> Finding | None:
    soil = newest.get((point.asset_id, "soil_moisture"))
    rain = _rain_at(point, gauges, newest)
    moving = _moving(point.asset_id, newest, parameters["near"])
    if soil is None or rain is None or moving is None or soil.value < _SOIL[0]:
        return None
    seen = min(newest[point.asset_id, name].ts for name in ("soil_moisture", moving.metric))
    title, unit, limits = _RATES[moving.metric]
    because = (
        (Text("雨量", "Rain"), rain),
        (Text("土壤含水率", "Soil moisture"), f"{soil.value:.1f} % ≥ {_SOIL[0]:g}"),
        (title, f"{moving.value:.2f} {unit} ≥ {parameters['near']:.0%} × {limits[moving.near - 1]:g}"),
        (Text("单看位移", "By movement alone"), _WORDS[moving.own].zh + " " + _WORDS[moving.own].en if moving.own else "–"),
    )
    stale = now - seen > timedelta(minutes=parameters["fresh"])
    return Finding(
        asset=point.asset_id,
        at=max(seen, now - timedelta(minutes=parameters["fresh"])),
        value=float(moving.near),
        because=because,
        stopped=Text("测点读数已旧，不据此提级", "The point's readings are old: nothing is raised on them") if stale else None,
        name=point.name,
        street=point.street,
        lon=point.lon,
        lat=point.lat,
    )


def _rain_at(point: Any, gauges: Sequence[Any], newest: Mapping[tuple[str, str], Any]) -> str | None:
    """The hard rain at the nearest gauge that speaks, in words; None where it did not rain hard."""
    speaking = [g for g in gauges if any((g.asset_id, name) in newest for name in _RAINS)]
    if not speaking or point.lon is None or point.lat is None:
        return None
    near = min(speaking, key=lambda g: _apart(point, g))
    for name, (span, limits) in _RAINS.items():
        row = newest.get((near.asset_id, name))
        if row is not None and row.value >= limits[0]:
            return f"{near.name} {span} {row.value:.1f} mm ≥ {limits[0]:g}"
    return None


def _apart(one: Any, other: Any) -> float:
    """Degrees of latitude between two places; good enough to tell which of a few gauges is nearest."""
    if other.lon is None or other.lat is None:
        return float("inf")
    return hypot((one.lon - other.lon) * cos(radians(one.lat)), one.lat - other.lat)


def _moving(asset: str, newest: Mapping[tuple[str, str], Any], near: float) -> _Moving | None:
    """The movement nearest to a worse level, of those within a share of its line; None where none is."""
    close = []
    for name, (_title, _unit, limits) in _RATES.items():
        row = newest.get((asset, name))
        own = sum(row.value >= line for line in limits) if row is not None else 0
        if row is not None and own < len(limits) and row.value >= near * limits[own]:
            close.append(_Moving(name, row.value, own, own + 1))
    return max(close, key=lambda m: m.near, default=None)


RAIN_COUPLED = Judged(reads=READS, judge=judge)
