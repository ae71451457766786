"""Septic tanks: gas that can explode or poison, how full they are, and whether pumping and crews did their work."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from dashboard.city import (
    Absence,
    AlertRule,
    Domain,
    Feed,
    Kpi,
    Level,
    Metric,
    Readings,
    Text,
    UtcDateTime,
    Window,
    asset_table,
    case_table,
    count,
    latest,
    share,
)
from data_sources.limits import limit
from data_sources.sensing import beyond, heard_assets, highest

septic_tank = asset_table(
    "septic_tank",
    sa.Column("owner", sa.String(16)),  # compound | managed | ownerless
    sa.Column("compound", sa.String(96)),
    sa.Column("volume_m3", sa.Float),
    sa.Column("depth_m", sa.Float),
    sa.Column("risk", sa.String(32)),  # crowd | fire | school
    sa.Column("synthetic", sa.SmallInteger),  # 1: made up for the demo city
)
pump_run = case_table(  # state: running | verified | failed
    "pump_run",
    sa.Column("volume_m3", sa.Float),
    sa.Column("level_before", sa.Float),
    sa.Column("level_after", sa.Float),
    sa.Column("ch4_before", sa.Float),
    sa.Column("ch4_after", sa.Float),
)
callout = case_table(  # state: dispatched | arrived | closed; due_at: when the crew must be there
    "tank_callout",
    sa.Column("arrived_at", UtcDateTime),
    sa.Column("value", sa.Float),
)

_MINUTE = timedelta(minutes=1)
_CADENCE = 5 * _MINUTE
_WITHIN = timedelta(minutes=30)  # a terminal is lost after half an hour of silence
METRICS = (
    Metric(key="ch4", title=Text("甲烷", "Methane"), unit="%LEL", low=0, high=100, cadence=_CADENCE),
    Metric(key="h2s", title=Text("硫化氢", "H₂S"), unit="mg/m³", low=0, high=500, cadence=_CADENCE),
    Metric(key="co", title=Text("一氧化碳", "CO"), unit="mg/m³", low=0, high=2000, cadence=_CADENCE),
    Metric(key="o2", title=Text("氧气", "Oxygen"), unit="%vol", low=0, high=30, cadence=_CADENCE),
    Metric(key="level", title=Text("液位", "Level"), unit="%", low=0, high=110, decimals=0, cadence=_CADENCE),
)

HIGH_LEVEL = limit("septic_tanks.level", Level.YELLOW)
EXPLOSIVE = limit("septic_tanks.gas", Level.ORANGE)
_heard = heard_assets(septic_tank, "septic_tanks", _WITHIN)
_full = beyond("septic_tanks", "level", HIGH_LEVEL)
_explosive = beyond("septic_tanks", "ch4", EXPLOSIVE)

compounds = Kpi(
    key="compounds",
    title=Text("老旧小区在测", "Old compounds watched"),
    unit="座",
    table=septic_tank,
    measure=count(septic_tank.c.owner == "compound"),
    formula=Text("装有实时检测的老旧小区化粪池座数", "Old compounds' septic tanks under live watch"),
    weight=0,
    decimals=0,
)
online = Kpi(
    key="online",
    title=Text("化粪池在线率", "Tanks online"),
    unit="%",
    table=_heard,
    measure=share(_heard.c.online == 1),
    formula=Text("30分钟内有读数的化粪池÷全部在测化粪池", "Tanks heard within 30 minutes ÷ tanks watched"),
    feeds=("septic_tanks.tanks", "septic_tanks.readings"),
    weight=2,
)
over_level = Kpi(
    key="over_level",
    title=Text("高液位池", "Tanks too full"),
    unit="座",
    table=latest,
    measure=count(_full, lost=_full),
    formula=Text(f"最新液位≥{HIGH_LEVEL:g}%的化粪池数", f"Tanks whose newest level is {HIGH_LEVEL:g} % or more"),
    feeds=("septic_tanks.readings",),
    decimals=0,
)
over_gas = Kpi(
    key="over_gas",
    title=Text("可燃气超限池", "Tanks with explosive gas"),
    unit="座",
    table=latest,
    measure=count(_explosive, lost=_explosive),
    formula=Text(f"最新甲烷≥{EXPLOSIVE:g}%LEL的化粪池数", f"Tanks whose newest methane is {EXPLOSIVE:g} %LEL or more"),
    feeds=("septic_tanks.readings",),
    weight=2,
    decimals=0,
)
max_ch4 = Kpi(
    key="max_ch4",
    title=Text("最高甲烷", "Highest methane"),
    unit="%LEL",
    table=latest,
    measure=highest("septic_tanks", "ch4"),
    formula=Text("各池最新甲烷浓度中最高者", "The highest newest methane reading of all tanks"),
    feeds=("septic_tanks.readings",),
)
max_h2s = Kpi(
    key="max_h2s",
    title=Text("最高硫化氢", "Highest H₂S"),
    unit="mg/m³",
    table=latest,
    measure=highest("septic_tanks", "h2s"),
    formula=Text("各池最新硫化氢浓度中最高者", "The highest newest H₂S reading of all tanks"),
    feeds=("septic_tanks.readings",),
)
pumped = Kpi(
    key="pumped",
    title=Text("今日抽排", "Pumped today"),
    unit="次",
    table=pump_run,
    measure=count(),
    formula=Text("今日开始的抽排次数", "Pump runs begun today"),
    at=pump_run.c.opened_at,
    over=Window(days=1),
    weight=0,
    decimals=0,
)
verified = Kpi(
    key="verified",
    title=Text("抽排核验率", "Pumping verified"),
    unit="%",
    table=pump_run,
    measure=share(pump_run.c.state == "verified", pump_run.c.closed_at.is_not(None)),
    formula=Text(
        "近30天液位下降且气体复位、经核验通过的抽排÷已结束抽排",
        "Pump runs of 30 days whose level drop and gas were verified ÷ runs ended",
    ),
    at=pump_run.c.opened_at,
    over=Window(days=30),
)
on_site = Kpi(
    key="on_site",
    title=Text("30分钟到场率", "On site in 30 min"),
    unit="%",
    table=callout,
    measure=share(callout.c.arrived_at <= callout.c.due_at, callout.c.arrived_at.is_not(None)),
    formula=Text("近30天在限时内到场的处置÷已到场处置", "Call-outs of 30 days reached in time ÷ call-outs reached"),
    at=callout.c.opened_at,
    over=Window(days=30),
)

DOMAIN = Domain(
    key="septic_tanks",
    title=Text("化粪池", "Septic tanks"),
    department=Text("区城市管理局", "District Urban Management Bureau"),
    vital="metabolism",
    feeds=(
        Feed(
            key="tanks",
            title=Text("化粪池台账", "Tank register"),
            table=septic_tank,
            required=("asset_id", "name"),
            late_after=timedelta(days=1),
        ),
        Feed(
            key="readings",
            title=Text("化粪池监测", "Tank sensors"),
            metrics=METRICS,
            required=("asset_id", "observed_at"),
            late_after=10 * _MINUTE,
        ),
        Feed(
            key="pump_runs",
            title=Text("抽排记录", "Pump runs"),
            table=pump_run,
            required=("case_id", "opened_at"),
            late_after=timedelta(hours=12),
        ),
        Feed(
            key="callouts",
            title=Text("报警处置单", "Call-outs"),
            table=callout,
            required=("case_id", "opened_at", "due_at"),
            late_after=timedelta(days=1),
        ),
    ),
    kpis=(compounds, online, over_level, over_gas, max_ch4, max_h2s, pumped, verified, on_site),
    rules=(
        AlertRule(
            key="gas",
            title=Text("化粪池甲烷聚集", "Methane gathering in tank"),
            watches=Readings(metric="ch4"),
            clear_hold=15 * _MINUTE,
            unit="%LEL",
        ),
        AlertRule(
            key="h2s",
            title=Text("化粪池硫化氢超限", "H₂S in tank"),
            watches=Readings(metric="h2s"),
            clear_hold=15 * _MINUTE,
            unit="mg/m³",
        ),
        AlertRule(
            key="co",
            title=Text("化粪池一氧化碳超限", "CO in tank"),
            watches=Readings(metric="co"),
            clear_hold=15 * _MINUTE,
            unit="mg/m³",
        ),
        AlertRule(
            key="oxygen",
            title=Text("化粪池缺氧", "Oxygen low in tank"),
            watches=Readings(metric="o2"),
            hold=5 * _MINUTE,
            clear_hold=15 * _MINUTE,
            unit="%vol",
        ),
        AlertRule(
            key="level",
            title=Text("化粪池高液位", "Tank nearly full"),
            watches=Readings(metric="level"),
            hold=10 * _MINUTE,
            clear_hold=15 * _MINUTE,
            unit="%",
        ),
        AlertRule(
            key="silent",
            title=Text("化粪池监测中断", "Tank terminal silent"),
            watches=Absence(feed="septic_tanks.readings", metric="level"),
            unit="min",
        ),
    ),
    asset_kinds={"septic_tank": Text("化粪池", "Septic tank")},
    states={
        "normal": Text("正常", "Normal"),
        "warning": Text("预警", "Warning"),
        "alarm": Text("报警", "Alarm"),
        "pumping": Text("抽排中", "Pumping"),
        "offline": Text("失联", "Lost"),
        "running": Text("抽排中", "Pumping"),
        "verified": Text("核验通过", "Verified"),
        "failed": Text("核验未过", "Not verified"),
        "dispatched": Text("已派单", "Dispatched"),
        "arrived": Text("已到场", "On site"),
        "closed": Text("已闭环", "Closed"),
    },
    category_words={
        "auto": Text("自动抽排", "Automatic"),
        "manual": Text("人工抽排", "By hand"),
        "gas": Text("气体报警", "Gas alarm"),
        "level": Text("液位报警", "Level alarm"),
    },
)
