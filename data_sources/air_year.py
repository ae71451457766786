"""A year of air: good days, the fine particles' mean, percentiles of CO and O3, and the composite index."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from dashboard import city
from dashboard.city import Text
from data_sources.air_tables import REFERENCE_KINDS, air_day
from data_sources.limits import parameter

_YEAR = city.Window(days=365)
_DAY_COUNTS = sa.and_(air_day.c.aqi.is_not(None), air_day.c.kind.in_(REFERENCE_KINDS))
GOOD_DAYS = city.Kpi(
    key="good_days",
    title=Text("优良天数比例", "Good days"),
    unit="%",
    table=air_day,
    measure=city.share(air_day.c.grade <= 2, _DAY_COUNTS),
    formula=Text(
        "近365天有效站日中指数为优或良的占比（每站日有效小时数≥20）",
        "Share of valid station-days (≥ 20 hours) of grade 1 or 2 in 365 days",
    ),
    at=air_day.c.opened_at,
    over=_YEAR,
    weight=2,
)
HEAVY_DAYS = city.Kpi(
    key="heavy_days",
    title=Text("重污染站日", "Heavily polluted days"),
    unit="天",
    table=air_day,
    measure=city.count(sa.and_(_DAY_COUNTS, air_day.c.grade >= 5)),
    formula=Text("近365天指数达重度及以上的站日数", "Station-days of grade 5 or 6 in 365 days"),
    at=air_day.c.opened_at,
    over=_YEAR,
    weight=0,
    decimals=0,
)
PM25_YEAR = city.Kpi(
    key="pm25_year",
    title=Text("PM2.5年均值", "PM2.5, year"),
    unit="µg/m³",
    table=air_day,
    measure=city.mean(air_day.c.pm25, _DAY_COUNTS),
    formula=Text("近365天有效日均值的平均", "Mean of valid daily means over 365 days"),
    at=air_day.c.opened_at,
    over=_YEAR,
    weight=1,
)

# ---- percentiles: of the district's days, HJ 663 (rank 1 + (n − 1)·p, between two days in proportion)
_FEED = ("air.days",)
_AGO = timedelta(days=365)
_day_means = (
    sa.select(air_day.c.opened_at, *(sa.func.avg(air_day.c[name]).label(name) for name in ("so2", "no2", "pm10", "pm25", "co", "o3_8h")))
    .where(_DAY_COUNTS, air_day.c.opened_at > city.ago(_AGO))
    .group_by(air_day.c.opened_at)
    .subquery("air_district_day")
)


def _ranked(pollutant: str) -> sa.Subquery:
    """The district's days with where each stands among them by one pollutant."""
    value = _day_means.c[pollutant]
    place, many = sa.func.row_number().over(order_by=(value, _day_means.c.opened_at)), sa.func.count().over()
    columns = (_day_means.c.opened_at, value, place.label("place"), many.label("days"))
    return sa.select(*columns).where(value.is_not(None)).subquery(f"air_days_by_{pollutant}")


def _percentile_parts(days: sa.Subquery, pollutant: str, percent: int) -> tuple[sa.ColumnElement[Any], ...]:
    """The day below the percentile, the one above, and how far between them it is: each the largest of its column."""
    hundredths = (days.c.days - 1) * percent
    below = 1 + hundredths // 100
    beyond = hundredths % 100
    value = days.c[pollutant]
    return (
        sa.case((days.c.place <= below, value)),
        sa.case((days.c.place <= below + sa.case((beyond > 0, 1), else_=0), value)),
        beyond / 100.0,
    )


def between(below: float | None, above: float | None, share: float | None) -> float | None:
    """A value between two."""
    return None if below is None or above is None else below + (share or 0.0) * (above - below)


def _percentile(key: str, pollutant: str, percent: int, title: Text, unit: str, decimals: int) -> city.Kpi:
    days = _ranked(pollutant)
    return city.Kpi(
        key=key,
        title=title,
        unit=unit,
        table=days,
        measure=city.Measure(parts=_percentile_parts(days, pollutant, percent), combine=between, how="max"),
        formula=Text(
            f"近365天全区日均值（有效站日平均）由小到大的第{percent}百分位数，HJ 663插值",
            f"P{percent} of the district's days (mean of valid stations) over 365 days, between two days in proportion (HJ 663)",
        ),
        feeds=_FEED,
        weight=0,
        decimals=decimals,
        by_street=False,
    )


CO_P95 = _percentile("co_p95", "co", 95, Text("CO第95百分位数", "CO, P95"), "mg/m³", 1)
O3_P90 = _percentile("o3_p90", "o3_8h", 90, Text("臭氧8小时第90百分位数", "O3 8 h, P90"), "µg/m³", 0)

_YEAR_LIMITS = {key: parameter(f"air.{key}", "year_limit") for key in ("so2", "no2", "pm10", "pm25", "co", "o3")}
_by_co, _by_o3 = _ranked("co"), _ranked("o3_8h")
_means = sa.select(*(sa.func.avg(_day_means.c[name]).label(name) for name in ("so2", "no2", "pm10", "pm25"))).subquery("air_year_means")


def _both_sides(days: sa.Subquery, pollutant: str, percent: int) -> sa.Subquery:
    below, above, share = (sa.func.max(part) for part in _percentile_parts(days, pollutant, percent))
    return sa.select((below + share * (above - below)).label(pollutant)).subquery(f"air_year_{pollutant}")


_co, _o3 = _both_sides(_by_co, "co", 95), _both_sides(_by_o3, "o3_8h", 90)
_both = _means.join(_co, sa.true()).join(_o3, sa.true())
_year = sa.select(*_means.c, _co.c.co, _o3.c.o3_8h.label("o3")).select_from(_both).subquery("air_year")


def composite(*concentrations: float | None) -> float | None:
    """Sum of each pollutant over its yearly limit; none while one is missing."""
    if any(value is None for value in concentrations):
        return None
    return sum((value or 0.0) / limit for value, limit in zip(concentrations, _YEAR_LIMITS.values(), strict=True))


COMPOSITE = city.Kpi(
    key="composite",
    title=Text("环境空气质量综合指数", "Composite index"),
    unit="",
    table=_year,
    measure=city.Measure(parts=tuple(_year.c[key] for key in _YEAR_LIMITS), combine=composite, how="max"),
    formula=Text(
        "近365天六项污染物浓度与年评价限值之比的和：SO2、NO2、PM10、PM2.5取均值，CO取第95、O3取第90百分位数，权重相同",
        "Sum of six pollutants over their yearly limits, 365 days: means of SO2, NO2, PM10, PM2.5, P95 of CO, P90 of O3; equal weights",
    ),
    feeds=_FEED,
    weight=0,
    decimals=2,
    by_street=False,
)
YEAR_KPIS = (GOOD_DAYS, PM25_YEAR, HEAVY_DAYS, CO_P95, O3_P90, COMPOSITE)
