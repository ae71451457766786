"""Air quality: stations, hours and days with their index, particles street by street, and what to raise an alarm about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from dashboard import city
from dashboard.city import Text
from data_sources.air_tables import REFERENCE_KINDS, air_day, air_hour, air_station, air_warning
from data_sources.air_year import YEAR_KPIS
from data_sources.aqi import DAY_POLLUTANTS, HOUR_POLLUTANTS, Aqi, aqi_day, aqi_hour

VALID_HOURS = 20  # hourly means a day needs to count: GB 3095
_MICROS = 1_000_000


def _indexed(row: city.Row, index: Aqi) -> city.Row:
    return {**row, "aqi": index.value, "grade": index.grade, "primary_pollutant": "+".join(index.primary)}


def index_hour(row: city.Row) -> city.Row:
    """Add the real-time index of an hour that a reference station observed."""
    at = row.get("observed_at") or row.get("opened_at")
    if row.get("kind") not in REFERENCE_KINDS or not isinstance(at, datetime):
        return _indexed(row, Aqi(None, ()))
    return _indexed(row, aqi_hour({p: row.get(p) for p in HOUR_POLLUTANTS}, at))


def index_day(row: city.Row) -> city.Row:
    """Add the index of a day; a day with too few valid hours has none."""
    if (row.get("valid_hours") or 0) < VALID_HOURS:
        return _indexed(row, Aqi(None, ()))
    return _indexed(row, aqi_day({p: row.get(p) for p in DAY_POLLUTANTS}, city.city_day(row["opened_at"])))


def _hourly(key: str, title: Text, high: float, unit: str = "µg/m³", decimals: int = 0) -> city.Metric:
    return city.Metric(key=key, title=title, unit=unit, low=0, high=high, decimals=decimals, cadence=timedelta(hours=1))


def _now(key: str, title: Text, unit: str, low: float, high: float, decimals: int = 0) -> city.Metric:
    return city.Metric(key=key, title=title, unit=unit, low=low, high=high, decimals=decimals, cadence=timedelta(minutes=5))


PM10 = _hourly("pm10", Text("PM10小时均值", "PM10, 1 h"), 2000)
HOUR_METRICS = (
    PM10,
    _hourly("pm25", Text("PM2.5小时均值", "PM2.5, 1 h"), 1500),
    _hourly("so2", Text("二氧化硫", "SO2"), 3000),
    _hourly("no2", Text("二氧化氮", "NO2"), 4000),
    _hourly("co", Text("一氧化碳", "CO"), 150, "mg/m³", 1),
    _hourly("o3", Text("臭氧", "O3"), 1500),
)
NOW_METRICS = (
    _now("pm10_now", Text("PM10即时", "PM10 now"), "µg/m³", 0, 2000),
    _now("pm25_now", Text("PM2.5即时", "PM2.5 now"), "µg/m³", 0, 1500),
    _now("temp", Text("气温", "Temperature"), "°C", -20, 50, 1),
    _now("rh", Text("相对湿度", "Humidity"), "%", 0, 100),
)
WEATHER_METRICS = (
    _now("rain_rate", Text("雨强", "Rain"), "mm/h", 0, 300, 1),
    _now("wind_speed", Text("风速", "Wind"), "m/s", 0, 60, 1),
    _now("wind_from", Text("来风方向", "Wind from"), "°", 0, 360),
)

STATIONS = city.Feed(
    key="stations",
    title=Text("空气站点实况", "Air stations"),
    table=air_station,
    required=("name",),
    clean=index_hour,
    versioned=False,
    late_after=timedelta(minutes=80),
)
HOURS = city.Feed(
    key="hours",
    title=Text("空气小时值与指数", "Air by the hour"),
    table=air_hour,
    required=("asset_id", "opened_at"),
    clean=index_hour,
    late_after=timedelta(minutes=80),
)
DAYS = city.Feed(
    key="days",
    title=Text("空气日报", "Air by the day"),
    table=air_day,
    required=("asset_id", "opened_at"),
    clean=index_day,
    late_after=timedelta(hours=36),
)
HOURLY = city.Feed(key="hourly", title=Text("小时浓度", "Hourly readings"), metrics=HOUR_METRICS, late_after=timedelta(minutes=80))
WEATHER = city.Feed(key="weather", title=Text("站点气象", "Weather at stations"), metrics=WEATHER_METRICS, late_after=timedelta(minutes=15))
WARNINGS = city.Feed(
    key="warnings",
    title=Text("重污染与结冰预警", "Pollution and icing warnings"),
    table=air_warning,
    required=("category", "level", "opened_at"),
    late_after=timedelta(days=400),
)
MICRO = city.Feed(key="micro", title=Text("微站即时浓度", "Micro-stations"), metrics=NOW_METRICS, late_after=timedelta(minutes=10))

_IS_REFERENCE = air_station.c.kind.in_(REFERENCE_KINDS)


def _sum_and_count(column: sa.ColumnElement[Any]) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]:
    return sa.func.coalesce(column, 0.0), sa.case((column.is_not(None), 1.0), else_=0.0)


def _mean_index(*parts: float | None) -> float | None:
    """The index of the stations' mean concentrations, as the standard forms an area's; `parts`: sum and count of each, then of the hour."""
    pairs = list(zip(parts[::2], parts[1::2], strict=True))
    means: Mapping[str, float | None] = {p: (s or 0.0) / n if n else None for p, (s, n) in zip(HOUR_POLLUTANTS, pairs, strict=False)}
    hours, counted = pairs[-1]
    if not counted:
        return None
    index = aqi_hour(means, datetime.fromtimestamp((hours or 0.0) / counted, UTC))
    return None if index.value is None else float(index.value)


_OBSERVED_S = sa.cast(sa.type_coerce(air_station.c.observed_at, sa.BigInteger), sa.Float) / _MICROS

AQI = city.Kpi(
    key="aqi",
    title=Text("空气质量指数", "Air quality index"),
    unit="AQI",
    table=air_station,
    measure=city.Measure(
        parts=tuple(part for p in HOUR_POLLUTANTS for part in _sum_and_count(air_station.c[p])) + _sum_and_count(_OBSERVED_S),
        combine=_mean_index,
        where=_IS_REFERENCE,
        lost=air_station.c.aqi > 100,
    ),
    formula=Text(
        "国控、市控站点最近一小时各污染物浓度取平均，按观测日适用的HJ 633版本求分指数，取最大",
        "Mean of the reference stations' latest hour per pollutant, indexed by the HJ 633 edition of that day, worst taken",
    ),
    weight=3,
    decimals=0,
)
AQI_WORST = city.Kpi(
    key="aqi_worst",
    title=Text("最差站点指数", "Worst station's index"),
    unit="AQI",
    table=air_station,
    measure=city.largest(air_station.c.aqi, _IS_REFERENCE),
    formula=Text("各站点实时空气质量指数的最大值", "Largest real-time index of any station"),
    weight=0,
    decimals=0,
)


def _concentration(key: str, pollutant: str, title: Text, unit: str, weight: float = 0, decimals: int = 0) -> city.Kpi:
    return city.Kpi(
        key=key,
        title=title,
        unit=unit,
        table=air_station,
        measure=city.mean(air_station.c[pollutant]),
        formula=Text(f"全部站点（含微站）最近一小时{title.zh}均值", f"Mean of all stations' latest hour of {title.en}"),
        weight=weight,
        decimals=decimals,
    )


CONCENTRATIONS = (
    _concentration("pm25", "pm25", Text("PM2.5", "PM2.5"), "µg/m³", 2),
    _concentration("pm10", "pm10", Text("PM10", "PM10"), "µg/m³", 2),
    _concentration("o3", "o3", Text("臭氧", "O3"), "µg/m³"),
    _concentration("no2", "no2", Text("二氧化氮", "NO2"), "µg/m³"),
    _concentration("so2", "so2", Text("二氧化硫", "SO2"), "µg/m³"),
    _concentration("co", "co", Text("一氧化碳", "CO"), "mg/m³", decimals=1),
)
DOMAIN = city.Domain(
    key="air",
    title=Text("空气质量", "Air quality"),
    department=Text("区生态环境局", "Ecology and environment bureau"),
    vital="breath",
    feeds=(STATIONS, HOURS, DAYS, HOURLY, MICRO, WEATHER, WARNINGS),
    kpis=(AQI, AQI_WORST, *CONCENTRATIONS, *YEAR_KPIS),
    rules=(
        city.AlertRule(
            key="pm10",
            title=Text("PM10持续偏高", "PM10 stays high"),
            watches=city.Readings(metric=PM10.key),
            hold=timedelta(hours=1),  # two hourly values running: one puff of dust is no episode
            clear_hold=timedelta(hours=1),
            unit="µg/m³",
        ),
        city.AlertRule(
            key="aqi_high",
            title=Text("空气质量超标", "Air quality index high"),
            watches=city.KpiValues(kpi=AQI),
            hold=timedelta(minutes=30),
            unit="AQI",
        ),
        city.AlertRule(
            key="no2_unusual",
            title=Text("二氧化氮反常", "NO2 unlike this hour"),
            watches=city.OutOfRange(metric="no2"),
            hold=timedelta(hours=2),
            clear_hold=timedelta(hours=6),  # an oddity that comes back within a shift is the same one
            unit="倍",
        ),
        city.AlertRule(
            key="dust_stuck",
            title=Text("微站读数卡住", "Micro-station stuck"),
            watches=city.Stillness(metric="pm10_now"),
            unit="min",
        ),
        city.AlertRule(
            key="station_silent",
            title=Text("空气站点断数", "Air station silent"),
            watches=city.Absence(feed="air.hourly", metric=PM10.key),
            unit="min",
        ),
    ),
    asset_kinds={
        "national": Text("国控站", "National station"),
        "municipal": Text("市控站", "Municipal station"),
        "micro": Text("微站", "Micro-station"),
    },
    states={"in_force": Text("生效中", "In force"), "lifted": Text("已解除", "Lifted")},
    category_words={
        **{"pollution": Text("重污染天气", "Heavy pollution"), "icing": Text("道路结冰", "Road icing")},
        **{"valid": Text("有效", "Valid"), "below": Text("低于检出限", "Below detection"), "missing": Text("缺测", "Missing")},
        **{"calibration": Text("校准", "Calibration"), "maintenance": Text("维护", "Maintenance")},
        "limit": Text("超限待审", "Over limit, not yet audited"),
    },
)
