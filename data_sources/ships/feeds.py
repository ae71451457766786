"""What ships deliver: their registers, the minutes of their exhaust, and the sailings."""

from __future__ import annotations

from datetime import timedelta

from dashboard import city
from dashboard.city import Text
from data_sources.ships.minutes import PPM_HIGH, judge_minute, mean_removal, rate_engine, sum_trip
from data_sources.ships.tables import engine, ship, trip

_MINUTE = timedelta(minutes=1)


def _metric(key: str, zh: str, en: str, unit: str, high: float, decimals: int = 1, low: float = 0.0) -> city.Metric:
    return city.Metric(key=key, title=Text(zh, en), unit=unit, low=low, high=high, decimals=decimals, cadence=_MINUTE)


METRICS = (
    _metric("power", "轴功率", "Shaft power", "kW", 5000, 0),
    _metric("fuel", "燃油流量", "Fuel", "kg/h", 1500),
    _metric("nox_in", "进口氮氧化物", "NOx before", "ppm", PPM_HIGH, 0),
    _metric("nox_out", "出口氮氧化物", "NOx after", "ppm", PPM_HIGH, 0),
    _metric("o2", "排气含氧量", "Oxygen in exhaust", "%", 21),
    _metric("t_in", "反应器进口温度", "Catalyst inlet", "°C", 700, 0),
    _metric("urea", "尿素喷射量", "Urea dosed", "L/h", 200, 2),
    _metric("slip", "氨逃逸", "Ammonia slip", "ppm", 500),
    _metric("removal", "脱硝率", "NOx removed", "%", 100, 1, -100.0),
    _metric("specific", "出口比排放", "NOx per kWh", "g/kWh", 50, 2),
    _metric("limit_share", "占执行限值", "Share of limit", "%", 500, 0),
    _metric("undosed", "热态未喷", "Hot and undosed", "", 1, 0),
    _metric("dosing_t", "喷射时进口温度", "Inlet while dosing", "°C", 700, 0),
)
TANK = city.Metric(key="tank", title=Text("尿素箱液位", "Urea tank"), unit="%", low=0, high=105, decimals=0, cadence=10 * _MINUTE)

STEADY = city.Derived(
    metric=_metric("removal_mean", "十分钟脱硝率", "NOx removed, 10 min mean", "%", 100, 1, -100.0),
    method=Text(
        "近10分钟逐分钟脱硝率的平均，其间至少7分钟够热且测得", "Mean of the minutes of ten; at least seven of them hot and measured"
    ),
    inputs=("removal",),
    apply=mean_removal,
    back=10 * _MINUTE,
)

_RARELY = timedelta(hours=50)  # boxes write while engines run; two days without a sailing happen in high water
FEEDS = (
    city.Feed(key="ships", title=Text("游船台账", "Ships"), table=ship, versioned=False, late_after=10 * _MINUTE),
    city.Feed(
        key="engines",
        title=Text("机组台账", "Engines"),
        table=engine,
        clean=rate_engine,
        on_map=False,  # each stands where its ship does
        versioned=False,
        late_after=10 * _MINUTE,
    ),
    city.Feed(key="status", title=Text("尿素箱与心跳", "Urea tanks"), metrics=(TANK,), late_after=25 * _MINUTE),
    city.Feed(key="telemetry", title=Text("排放监测", "Exhaust telemetry"), metrics=METRICS, clean=judge_minute, late_after=_RARELY),
    city.Feed(key="trips", title=Text("航次排放", "Sailings"), table=trip, clean=sum_trip, versioned=False, late_after=_RARELY),
)
