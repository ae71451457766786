"""Tunnels: air to breathe, sight, water and flow in the directly managed tunnels."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from dashboard.city import Absence, AlertRule, Domain, Feed, Kpi, Metric, Readings, Text, asset_table, count, latest, share
from data_sources.sensing import channels, heard_assets, highest, lowest

tunnel = asset_table(
    "tunnel",
    sa.Column("managed", sa.String(16)),  # direct | street | other
    sa.Column("length_m", sa.Float),
    sa.Column("built", sa.Integer),
    sa.Column("iot", sa.SmallInteger),
    sa.Column("video", sa.SmallInteger),
    sa.Column("video_online", sa.SmallInteger),
    sa.Column("synthetic", sa.SmallInteger),  # 1: made up for the demo city
)

_MINUTE = timedelta(minutes=1)
_WITHIN = timedelta(minutes=15)
METRICS = (
    Metric(key="co", title=Text("一氧化碳", "CO"), unit="ppm", low=0, high=1000, cadence=2 * _MINUTE),
    Metric(key="smoke", title=Text("烟尘消光系数", "Smoke coefficient"), unit="m⁻¹", low=0, high=0.1, decimals=4, cadence=2 * _MINUTE),
    Metric(key="no2", title=Text("二氧化氮", "NO₂"), unit="ppm", low=0, high=50, decimals=2, cadence=2 * _MINUTE),
    Metric(key="water_depth", title=Text("路面积水", "Water on the road"), unit="cm", low=0, high=400, cadence=2 * _MINUTE),
    Metric(key="speed", title=Text("平均车速", "Mean speed"), unit="km/h", low=0, high=160, decimals=0, cadence=2 * _MINUTE),
    Metric(key="convergence", title=Text("衬砌收敛", "Lining convergence"), unit="mm", low=-200, high=200, decimals=2, cadence=2 * _MINUTE),
)

_direct = tunnel.c.managed == "direct"
_heard = heard_assets(tunnel, "tunnels", _WITHIN, sa.and_(_direct, tunnel.c.iot == 1))
_channels = channels("tunnels", _WITHIN, timedelta(hours=24), may_rest=("water_depth",))
_BOTH = ("tunnels.structures", "tunnels.readings")

iot_tunnels = Kpi(
    key="iot_tunnels",
    title=Text("物联感知隧道", "Tunnels with sensors"),
    unit="座",
    table=tunnel,
    measure=count(sa.and_(_direct, tunnel.c.iot == 1)),
    formula=Text("直管隧道中装有物联感知设备的座数", "Directly managed tunnels fitted with sensors"),
    weight=0,
    decimals=0,
)
iot_online = Kpi(
    key="iot_online",
    title=Text("隧道在线率", "Tunnels online"),
    unit="%",
    table=_heard,
    measure=share(_heard.c.online == 1),
    formula=Text("15分钟内有读数的隧道÷装有物联感知的直管隧道", "Tunnels heard within 15 minutes ÷ directly managed tunnels with sensors"),
    feeds=_BOTH,
)
availability = Kpi(
    key="availability",
    title=Text("通道可用率", "Channels usable"),
    unit="%",
    table=_channels,
    measure=share(_channels.c.valid == 1),
    formula=Text("15分钟内有可用读数且未卡死的通道÷全部通道", "Channels with a usable, moving reading within 15 minutes ÷ all channels"),
    feeds=("tunnels.readings",),
    weight=0.5,
)
max_co = Kpi(
    key="max_co",
    title=Text("最高一氧化碳", "Highest CO"),
    unit="ppm",
    table=latest,
    measure=highest("tunnels", "co"),
    formula=Text("各隧道最新一氧化碳读数中最高者", "The highest newest CO reading of all tunnels"),
    feeds=("tunnels.readings",),
    weight=2,
    decimals=0,
)
max_smoke = Kpi(
    key="max_smoke",
    title=Text("最差能见度", "Worst visibility"),
    unit="m⁻¹",
    table=latest,
    measure=highest("tunnels", "smoke"),
    formula=Text("各隧道最新烟尘消光系数中最高者，越高能见度越差", "The highest newest smoke coefficient; higher is darker"),
    feeds=("tunnels.readings",),
    decimals=4,
)
max_water = Kpi(
    key="max_water",
    title=Text("最大积水深", "Deepest water"),
    unit="cm",
    table=latest,
    measure=highest("tunnels", "water_depth"),
    formula=Text("各隧道最新路面积水深度中最大者", "The deepest newest water reading of all tunnels"),
    feeds=("tunnels.readings",),
)
min_speed = Kpi(
    key="min_speed",
    title=Text("最慢车速", "Slowest flow"),
    unit="km/h",
    table=latest,
    measure=lowest("tunnels", "speed"),
    formula=Text("各隧道最新平均车速中最低者", "The lowest newest mean speed of all tunnels"),
    feeds=("tunnels.readings",),
    weight=0.5,
    decimals=0,
)

DOMAIN = Domain(
    key="tunnels",
    title=Text("隧道", "Tunnels"),
    department=Text("区城市管理局", "District Urban Management Bureau"),
    vital="skeleton",
    feeds=(
        Feed(
            key="structures",
            title=Text("隧道台账", "Tunnel register"),
            table=tunnel,
            required=("asset_id", "name"),
            late_after=timedelta(days=3),
        ),
        Feed(
            key="readings",
            title=Text("隧道环境监测", "Tunnel sensors"),
            metrics=METRICS,
            required=("asset_id", "observed_at"),
            late_after=5 * _MINUTE,
        ),
    ),
    kpis=(iot_tunnels, iot_online, availability, max_co, max_smoke, max_water, min_speed),
    rules=(
        AlertRule(
            key="co",
            title=Text("隧道一氧化碳偏高", "Tunnel CO high"),
            watches=Readings(metric="co"),
            hold=3 * _MINUTE,
            clear_hold=5 * _MINUTE,
            unit="ppm",
        ),
        AlertRule(
            key="co_close",
            title=Text("隧道一氧化碳超封闭线", "Tunnel CO at closing limit"),
            watches=Readings(metric="co"),
            hold=15 * _MINUTE,
            clear_hold=10 * _MINUTE,
            unit="ppm",
        ),
        AlertRule(
            key="smoke",
            title=Text("隧道能见度下降", "Tunnel visibility falling"),
            watches=Readings(metric="smoke"),
            hold=3 * _MINUTE,
            clear_hold=5 * _MINUTE,
            unit="m⁻¹",
        ),
        AlertRule(
            key="no2",
            title=Text("隧道二氧化氮偏高", "Tunnel NO₂ high"),
            watches=Readings(metric="no2"),
            hold=20 * _MINUTE,  # the limits are for 20-minute means
            clear_hold=10 * _MINUTE,
            unit="ppm",
        ),
        AlertRule(
            key="water",
            title=Text("隧道路面积水", "Water on tunnel road"),
            watches=Readings(metric="water_depth"),
            hold=2 * _MINUTE,
            clear_hold=10 * _MINUTE,
            unit="cm",
        ),
        AlertRule(
            key="slow",
            title=Text("隧道车流拥堵", "Tunnel traffic jammed"),
            watches=Readings(metric="speed"),
            hold=10 * _MINUTE,
            clear_hold=5 * _MINUTE,
            unit="km/h",
        ),
        AlertRule(
            key="silent",
            title=Text("隧道监测中断", "Tunnel sensors silent"),
            watches=Absence(feed="tunnels.readings", metric="co"),
            unit="min",
        ),
    ),
    asset_kinds={"tunnel": Text("隧道", "Tunnel"), "ring": Text("地下环道", "Underground ring")},
    states={
        "normal": Text("正常通行", "Open"),
        "restricted": Text("交通管制", "Restricted"),
        "maintenance": Text("检修", "Under repair"),
        "closed": Text("封闭", "Closed"),
    },
)
