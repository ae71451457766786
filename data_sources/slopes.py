"""Slopes and dangerous rocks: how fast they move, how much it rained, who has been to look."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from dashboard.city import (
    Absence,
    AlertRule,
    Domain,
    Feed,
    Kpi,
    Metric,
    Readings,
    Text,
    UtcDateTime,
    ago,
    asset_table,
    count,
    latest,
    share,
)
from data_sources.sensing import heard_assets, highest

slope = asset_table(
    "slope",  # state: the warning level the responsible bureau has set
    sa.Column("threatened", sa.Integer),  # people who would have to leave
    sa.Column("patrolled_at", UtcDateTime),
    sa.Column("synthetic", sa.SmallInteger),  # 1: made up for the demo city
)
rain_gauge = asset_table("rain_gauge")

_MINUTE = timedelta(minutes=1)
_CADENCE = 5 * _MINUTE
_WITHIN = timedelta(minutes=30)
METRICS = (
    Metric(
        key="crack_rate", title=Text("裂缝张开速率", "Crack opening rate"), unit="mm/d", low=-50, high=500, decimals=2, cadence=_CADENCE
    ),
    Metric(key="tilt_rate", title=Text("倾斜速率", "Tilt rate"), unit="°/d", low=-20, high=90, decimals=3, cadence=_CADENCE),
    Metric(
        key="displacement_rate", title=Text("位移速率", "Displacement rate"), unit="mm/d", low=-100, high=2000, decimals=2, cadence=_CADENCE
    ),
    Metric(key="displacement", title=Text("累计位移", "Displacement"), unit="mm", low=-100, high=5000, decimals=1, cadence=_CADENCE),
    Metric(key="soil_moisture", title=Text("土壤含水率", "Soil moisture"), unit="%", low=0, high=60, cadence=_CADENCE),
)
RAIN_METRICS = (
    Metric(key="rain_1h", title=Text("1小时雨量", "Rain in 1 h"), unit="mm", low=0, high=200, cadence=_CADENCE),
    Metric(key="rain_24h", title=Text("24小时雨量", "Rain in 24 h"), unit="mm", low=0, high=600, cadence=_CADENCE),
)

_heard = heard_assets(slope, "slopes", _WITHIN)
_BOTH = ("slopes.points", "slopes.readings")

points = Kpi(
    key="points",
    title=Text("在测隐患点", "Points watched"),
    unit="处",
    table=slope,
    measure=count(),
    formula=Text("装有监测设备的边坡、危岩、滑坡点数", "Slopes, dangerous rocks and landslides under watch"),
    weight=0,
    decimals=0,
)
points_online = Kpi(
    key="points_online",
    title=Text("监测在线率", "Points online"),
    unit="%",
    table=_heard,
    measure=share(_heard.c.online == 1),
    formula=Text("30分钟内有读数的隐患点÷在测隐患点", "Points heard within 30 minutes ÷ points watched"),
    feeds=_BOTH,
)
in_warning = Kpi(
    key="in_warning",
    title=Text("处于预警的点", "Points in warning"),
    unit="处",
    table=slope,
    measure=count(slope.c.state.in_(("blue", "yellow", "orange", "red")), lost=slope.c.state.in_(("blue", "yellow", "orange", "red"))),
    formula=Text("主管部门定为蓝色及以上预警等级的隐患点数", "Points the bureau holds at blue or higher"),
    decimals=0,
)
max_displacement_rate = Kpi(
    key="max_displacement_rate",
    title=Text("最大位移速率", "Fastest displacement"),
    unit="mm/d",
    table=latest,
    measure=highest("slopes", "displacement_rate"),
    formula=Text("各隐患点最新位移速率中最大者", "The largest newest displacement rate of all points"),
    feeds=("slopes.readings",),
    weight=2,
    decimals=2,
)
max_crack_rate = Kpi(
    key="max_crack_rate",
    title=Text("最大裂缝速率", "Fastest crack"),
    unit="mm/d",
    table=latest,
    measure=highest("slopes", "crack_rate"),
    formula=Text("各隐患点最新裂缝张开速率中最大者", "The largest newest crack opening rate of all points"),
    feeds=("slopes.readings",),
    weight=2,
    decimals=2,
)
rain_24h = Kpi(
    key="rain_24h",
    title=Text("24小时最大雨量", "Most rain in 24 h"),
    unit="mm",
    table=latest,
    measure=highest("slopes", "rain_24h"),
    formula=Text("三个雨量站24小时雨量中最大者", "The largest 24-hour rain of the three gauges"),
    feeds=("slopes.rain",),
    weight=0.5,
    by_street=False,
)
patrolled = Kpi(
    key="patrolled",
    title=Text("按期巡查率", "Patrolled on time"),
    unit="%",
    table=slope,
    measure=share(slope.c.patrolled_at >= ago(timedelta(hours=84))),  # twice a week
    formula=Text("近3天半内巡查过的隐患点÷在测隐患点", "Points patrolled within three and a half days ÷ points watched"),
)

DOMAIN = Domain(
    key="slopes",
    title=Text("边坡危岩", "Slopes and rocks"),
    department=Text("区规划自然资源局", "District Planning and Natural Resources Bureau"),
    vital="skeleton",
    feeds=(
        Feed(
            key="points",
            title=Text("地质隐患点台账", "Register of hazard points"),
            table=slope,
            required=("asset_id", "name"),
            late_after=timedelta(days=1),
        ),
        Feed(
            key="gauges",
            title=Text("雨量站台账", "Register of rain gauges"),
            table=rain_gauge,
            required=("asset_id", "name"),
            late_after=timedelta(days=400),
        ),
        Feed(
            key="readings",
            title=Text("边坡位移监测", "Slope sensors"),
            metrics=METRICS,
            required=("asset_id", "observed_at"),
            late_after=10 * _MINUTE,
        ),
        Feed(
            key="rain",
            title=Text("雨量监测", "Rain gauges"),
            metrics=RAIN_METRICS,
            required=("asset_id", "observed_at"),
            late_after=10 * _MINUTE,
        ),
    ),
    kpis=(points, points_online, in_warning, max_displacement_rate, max_crack_rate, rain_24h, patrolled),
    rules=(
        AlertRule(
            key="displacement",
            title=Text("边坡位移加速", "Slope moving faster"),
            watches=Readings(metric="displacement_rate"),
            hold=10 * _MINUTE,
            clear_hold=20 * _MINUTE,
            unit="mm/d",
        ),
        AlertRule(
            key="crack",
            title=Text("危岩裂缝扩展", "Rock crack opening"),
            watches=Readings(metric="crack_rate"),
            hold=10 * _MINUTE,
            clear_hold=20 * _MINUTE,
            unit="mm/d",
        ),
        AlertRule(
            key="tilt",
            title=Text("危岩倾斜加速", "Rock tilting faster"),
            watches=Readings(metric="tilt_rate"),
            hold=10 * _MINUTE,
            clear_hold=20 * _MINUTE,
            unit="°/d",
        ),
        AlertRule(
            key="soil",
            title=Text("坡体含水率偏高", "Slope soaked"),
            watches=Readings(metric="soil_moisture"),
            hold=30 * _MINUTE,
            clear_hold=60 * _MINUTE,
            unit="%",
        ),
        AlertRule(
            key="rain_1h", title=Text("短时强降雨", "Hard rain"), watches=Readings(metric="rain_1h"), clear_hold=30 * _MINUTE, unit="mm"
        ),
        AlertRule(
            key="rain_24h",
            title=Text("24小时雨量偏大", "Much rain in a day"),
            watches=Readings(metric="rain_24h"),
            clear_hold=60 * _MINUTE,
            unit="mm",
        ),
        AlertRule(
            key="silent",
            title=Text("隐患点监测中断", "Slope sensors silent"),
            watches=Absence(feed="slopes.readings", metric="displacement_rate"),
            unit="min",
        ),
    ),
    asset_kinds={
        "rock": Text("危岩", "Dangerous rock"),
        "landslide": Text("滑坡", "Landslide"),
        "slope": Text("斜坡", "Slope"),
        "rain_gauge": Text("雨量站", "Rain gauge"),
    },
    states={
        "normal": Text("正常监测", "Watched"),
        "blue": Text("注意", "Attention"),
        "yellow": Text("警示", "Caution"),
        "orange": Text("警戒", "Alert"),
        "red": Text("警报", "Alarm"),
    },
)
