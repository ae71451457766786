"""When bad air sends sweepers out, where, how fast, and when it must not: a judge of hours, weather, warnings and roads, pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from dashboard.city import Finding, Text

LEVELS = ("blue", "yellow", "orange", "red")  # L1 watch to L4
PARTICLES = frozenset({"pm10", "pm25"})
_HOUR = timedelta(hours=1)
_LONGITUDE_M, _LATITUDE_M = 111_320.0, 110_900.0
ACTIONS = {
    "blue": Text("加一遍洗扫、一遍洒水", "One more wash-and-sweep, one more sprinkling"),
    "yellow": Text("每4小时洗扫一遍，主干路雾炮，巡查工地出口", "Wash and sweep every 4 h, mist on main roads, site exits patrolled"),
    "orange": Text("每2小时洗扫一遍，夜间冲洗，查停扬尘作业", "Wash and sweep every 2 h, flush at night, dusty works stopped"),
    "red": Text("不间断湿化", "Keep wet without a break"),
}
Parameters = Mapping[str, float]
Said = tuple[Text, str]


@dataclass(frozen=True)
class Weather:
    """What the stop rules look at; None: nothing fresh is known."""

    temperature: float | None = None
    rain: float | None = None  # mm/h
    wind: float | None = None  # m/s
    wind_from: float | None = None  # degrees, where it comes from
    icing: bool = False  # a road icing warning is in force


@dataclass(frozen=True)
class Air:
    """One station's newest valid hours, newest first and without a gap, and the district's mean of the same hours."""

    at: datetime
    pm10: tuple[float, ...]
    city: tuple[float, ...]
    pm25: float | None
    aqi: int | None
    primary: frozenset[str]


def judge(rows: Mapping[str, Sequence[Any]], p: Parameters, now: datetime) -> list[Finding]:
    """A finding for each station whose air reaches a level; stopped where wetting would not help or must not be."""
    by_station, weather = _airs(rows, p, now), _weather(rows)
    warned = _warned(rows["warnings"])
    places = {s.asset_id: s for s in rows["stations"] if s.lon is not None and s.lat is not None}
    found = []
    for asset, air in by_station.items():
        station = places.get(asset)
        if station is None:
            continue
        level, why = _level(
            air, warned if station.kind == "national" else None, p
        )  # one station speaks for a warning to the whole district
        if level is not None:
            found.append(_finding(station, air, level, why, _stop(air, weather, warned, p), weather, rows, p))
    return found


# ---- the air
def _airs(rows: Mapping[str, Sequence[Any]], p: Parameters, now: datetime) -> dict[str, Air]:
    """Each station's unbroken run of valid hours up to the newest, if that is not too old to act on."""
    valid = [h for h in rows["hours"] if h.pm10 is not None and h.category in (None, "", "valid", "below") and h.opened_at <= now]
    hours: dict[str, dict[datetime, Any]] = {}
    for h in valid:
        hours.setdefault(h.asset_id, {})[h.opened_at] = h
    means = _means(valid)
    reference = _district(hours, rows["stations"])
    oldest = now - timedelta(hours=p["usable_h"])
    return {asset: _air(own, means, reference) for asset, own in hours.items() if max(own) > oldest}


def _means(hours: Iterable[Any]) -> dict[datetime, float]:
    by_hour: dict[datetime, list[float]] = {}
    for h in hours:
        by_hour.setdefault(h.opened_at, []).append(h.pm10)
    return {at: sum(values) / len(values) for at, values in by_hour.items()}


def _district(hours: Mapping[str, Mapping[datetime, Any]], stations: Iterable[Any]) -> Mapping[datetime, Any]:
    """The hours of the station that has an index to speak for the micro-stations, which have none: the national one first."""
    kinds = {s.asset_id: s.kind for s in stations}
    indexed = [asset for asset in hours if kinds.get(asset) in ("national", "municipal")]
    best = min(indexed, key=lambda asset: (kinds[asset] != "national", asset), default=None)
    return hours[best] if best is not None else {}


def _air(own: Mapping[datetime, Any], means: Mapping[datetime, float], reference: Mapping[datetime, Any]) -> Air:
    newest = max(own)
    run = [newest]
    while run[-1] - _HOUR in own:
        run.append(run[-1] - _HOUR)
    row = own[newest]
    indexed = row if row.aqi is not None else reference.get(newest)
    primary = frozenset(filter(None, (indexed.primary_pollutant or "").split("+"))) if indexed is not None else frozenset()
    return Air(newest, tuple(own[at].pm10 for at in run), tuple(means[at] for at in run), row.pm25, row.aqi, primary)


def _warned(warnings: Iterable[Any]) -> str | None:
    """The worst level of a heavy-pollution warning in force."""
    levels = [w.level for w in warnings if w.category == "pollution" and w.level in LEVELS]
    return max(levels, key=LEVELS.index, default=None)


def _weather(rows: Mapping[str, Sequence[Any]]) -> Weather:
    """The usual temperature of all sensors, the hardest rain and the strongest wind of any."""
    by_metric: dict[str, dict[str, float]] = {}
    for r in rows["weather"]:
        by_metric.setdefault(r.metric, {})[r.asset_id] = r.value
    temperatures, rains, winds = (by_metric.get(metric, {}) for metric in ("temp", "rain_rate", "wind_speed"))
    windiest = max(winds, key=lambda asset: winds[asset], default="")
    return Weather(
        temperature=median(temperatures.values()) if temperatures else None,
        rain=max(rains.values(), default=None),
        wind=winds.get(windiest),
        wind_from=by_metric.get("wind_from", {}).get(windiest),
        icing=any(w.category == "icing" for w in rows["warnings"]),
    )


# ---- the levels
def _level(air: Air, warned: str | None, p: Parameters) -> tuple[str | None, list[Said]]:
    """The worst level whose condition holds, and every condition of it that does."""
    for level in reversed(LEVELS):
        why = [said for said in (_high(air, level, p), _above_city(air, level, p), _indexed(air, level, p)) if said]
        if warned == level:
            why.append((Text("重污染天气预警", "Heavy-pollution warning"), _roman(level)))
        if why:
            return level, why
    return None, []


def _high(air: Air, level: str, p: Parameters) -> Said | None:
    hours, limit = int(p[f"consecutive.{level}"]), p[f"pm10_1h.{level}"]
    seen = air.pm10[:hours]
    if len(seen) < hours or min(seen) < limit:
        return None
    name = Text("PM10小时值", "PM10, 1 h") if hours == 1 else Text(f"PM10连续{hours}小时", f"PM10, {hours} h running")
    return name, f"{_numbers(seen)} ≥ {limit:g} µg/m³"


def _above_city(air: Air, level: str, p: Parameters) -> Said | None:
    """Much dustier here than in the district as a whole, for some hours; clean air a little less clean than elsewhere calls nobody."""
    times, hours = p.get(f"over_city.{level}"), int(p.get(f"over_city_h.{level}", 0))
    if times is None or len(air.pm10) < hours or min(air.pm10[:hours]) < p[f"over_city_from.{level}"]:
        return None
    ratios = [own / city if city else 0.0 for own, city in zip(air.pm10[:hours], air.city, strict=False)]
    if min(ratios) < times:
        return None
    return Text(f"PM10与全区均值之比，连续{hours}小时", f"PM10 over the district's mean, {hours} h"), f"{_numbers(ratios, 2)} ≥ {times:g}"


def _indexed(air: Air, level: str, p: Parameters) -> Said | None:
    counting = PARTICLES if p[f"pm25_counts.{level}"] else frozenset({"pm10"})
    if air.aqi is None or air.aqi < p[f"aqi_from.{level}"] or not air.primary & counting:
        return None
    return Text("空气质量指数，颗粒物为首要污染物", "Index, particles being primary"), f"{air.aqi} ≥ {p[f'aqi_from.{level}']:g}"


# ---- what forbids it
def _stop(air: Air, weather: Weather, warned: str | None, p: Parameters) -> Text | None:
    """The first rule that forbids wetting now. A warning of the government overrides what speaks against its use, never the weather."""
    gases = air.primary and not air.primary & PARTICLES
    if gases and warned is None:
        names = "、".join(sorted(air.primary)).upper()
        return Text(f"首要污染物为{names}，湿化无用，不触发", f"Primary pollutant {names}: wetting does not help")
    ratio = _ratio(air)
    if ratio is not None and ratio < p["ratio_min"] and warned is None:
        words = f"PM10/PM2.5 {ratio:.2f} < {p['ratio_min']:g}"
        return Text(f"{words}，以二次颗粒物为主，不触发", f"{words}: mostly secondary particles")
    if weather.icing:
        return Text("道路结冰预警生效，停止湿式作业", "Road icing warning in force: no wet work")
    if weather.temperature is not None and weather.temperature <= p["cold"]:
        words = f"{weather.temperature:.1f} °C ≤ {p['cold']:g} °C"
        return Text(f"气温 {words}，停止湿式作业", f"Air at {words}: no wet work")
    if weather.rain is not None and weather.rain >= p["rain"]:
        words = f"{weather.rain:.1f} mm/h ≥ {p['rain']:g} mm/h"
        return Text(f"降雨 {words}，不再洒水", f"Rain {words}: no sprinkling")
    return None


def _ratio(air: Air) -> float | None:
    return air.pm10[0] / air.pm25 if air.pm25 else None


# ---- the finding
def _finding(
    station: Any,
    air: Air,
    level: str,
    why: list[Said],
    stopped: Text | None,
    weather: Weather,
    rows: Mapping[str, Sequence[Any]],
    p: Parameters,
) -> Finding:
    lines = [*why, *_checks(air, weather, p), *_task(station, level, weather, rows, p)]
    return Finding(
        asset=station.asset_id,
        at=air.at,
        value=float(LEVELS.index(level) + 1),
        because=tuple(lines),
        stopped=stopped,
        name=station.name,
        street=station.street,
        lon=station.lon,
        lat=station.lat,
    )


def _checks(air: Air, weather: Weather, p: Parameters) -> list[Said]:
    """Everything a stop rule looks at, whether it stops or not."""
    ratio, primary = _ratio(air), "+".join(sorted(air.primary)).upper()
    return [
        (Text("首要污染物", "Primary pollutant"), primary or "—"),
        (Text("PM10/PM2.5", "PM10/PM2.5"), "—" if ratio is None else f"{ratio:.2f}"),
        (Text("气温", "Temperature"), _known(weather.temperature, "°C")),
        (Text("雨强", "Rain"), _known(weather.rain, "mm/h")),
        (Text("风速", "Wind"), _known(weather.wind, "m/s")),
    ]


def _task(station: Any, level: str, weather: Weather, rows: Mapping[str, Sequence[Any]], p: Parameters) -> list[Said]:
    """What to do, where, and by when."""
    inside, fenced = segments_to_treat(station, weather, rows["segments"], rows["stations"], p)
    km, area = sum(s.length_m or 0 for s in inside) / 1000, sum(s.area_m2 or 0 for s in inside) / 10_000
    mist = weather.wind is not None and weather.wind >= p["mist_wind"]
    calm = Text("不用雾炮：风速", "No mist cannon: wind")
    minutes = " / ".join(f"{p[f'{step}_min.{level}']:g}" for step in ("ack", "depart", "done"))
    return [
        (ACTIONS[level], f"{len(inside)}×, {km:.1f} km, {area:.1f}×10⁴ m²"),
        *([(calm, f"{weather.wind:.1f} ≥ {p['mist_wind']:g} m/s")] if mist else []),
        (Text(f"采样口{p['fence_m']:g}米内不洒的路段", f"Stretches within {p['fence_m']:g} m of an inlet, not sprayed"), f"{len(fenced)}×"),
        (Text("接单、出车、完成时限", "Accept, leave, done within"), f"{minutes} min".replace(" / ", "·")),
    ]


def segments_to_treat(
    station: Any, weather: Weather, segments: Sequence[Any], stations: Sequence[Any], p: Parameters
) -> tuple[list[Any], list[Any]]:
    """The stretches up-wind of a station within reach and all of grade 1; and those of them left out for an inlet close by."""
    inlets = [s for s in stations if s.lon is not None and s.lat is not None]
    placed = [s for s in segments if s.lon is not None and s.lat is not None]
    chosen = [s for s in placed if s.road_grade == 1 or _is_upwind(station, s, weather, p)]
    fenced = [s for s in chosen if any(distance_m(s, inlet) <= p["fence_m"] for inlet in inlets)]
    return [s for s in chosen if s not in fenced], fenced


def _is_upwind(station: Any, segment: Any, weather: Weather, p: Parameters) -> bool:
    """Within reach, on the side the wind comes from; on any side where the air is calm or the wind is not known."""
    if distance_m(station, segment) > p["reach_m"]:
        return False
    if weather.wind is None or weather.wind_from is None or weather.wind < p["calm"]:
        return True
    east, north = _offset_m(station, segment)
    off = abs((math.degrees(math.atan2(east, north)) - weather.wind_from + 180) % 360 - 180)
    return off <= p["upwind_half_angle"]


def distance_m(one: Any, other: Any) -> float:
    """Metres between two places a few kilometres apart."""
    return math.hypot(*_offset_m(one, other))


def _offset_m(one: Any, other: Any) -> tuple[float, float]:
    east = (other.lon - one.lon) * _LONGITUDE_M * math.cos(math.radians(one.lat))
    return east, (other.lat - one.lat) * _LATITUDE_M


def _numbers(values: Iterable[float], decimals: int = 0) -> str:
    return ", ".join(f"{value:.{decimals}f}" for value in values)


def _known(value: float | None, unit: str) -> str:
    return "—" if value is None else f"{value:.1f} {unit}"


def _roman(level: str) -> str:
    return {"blue": "Ⅳ", "yellow": "Ⅲ", "orange": "Ⅱ", "red": "Ⅰ"}[level]
