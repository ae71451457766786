"""Tunnels: air to breathe, sight, water and flow in the directly managed tunnels."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa

from dashboard.city import (
    Absence,
    AlertRule,
    Derived,
    Domain,
    Feed,
    Kpi,
    Level,
    Metric,
    Readings,
    Stillness,
    Text,
    asset_table,
    count,
    latest,
    share,
    total,
)
from data_sources import trailing
from data_sources.limits import limit, parameter
from data_sources.sensing import channels, heard_assets, highest, lowest

tunnel = asset_table(
    "tunnel",
    sa.Column("managed", sa.String(16)),  # direct | street | other
    sa.Column("length_m", sa.Float),
    sa.Column("built", sa.Integer),
    sa.Column("fans", sa.Integer),  # jet fans it has
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
    Metric(key="fans_running", title=Text("运行风机", "Fans running"), unit="台", low=0, high=200, decimals=0, cadence=2 * _MINUTE),
    Metric(key="convergence", title=Text("衬砌收敛", "Lining convergence"), unit="mm", low=-200, high=200, decimals=2, cadence=2 * _MINUTE),
)


def _design_co(length_m: float, numbers: Mapping[str, float]) -> float:
    """The CO a tunnel is designed for: one value for short ones, one for long ones, between them by length; unknown: the stricter."""
    if np.isnan(length_m):
        return numbers["long_limit"]
    return float(np.interp(length_m, [numbers["short_m"], numbers["long_m"]], [numbers["short_limit"], numbers["long_limit"]]))


def _co_of_limit(columns: Mapping[str, Any], numbers: Mapping[str, float]) -> Any:
    return columns["co"] / _design_co(numbers["length_m"], numbers) * 100


def _no2_mean(columns: Mapping[str, Any], numbers: Mapping[str, float]) -> Any:
    return trailing.mean(columns["ts"], columns["no2"], numbers["over_minutes"] * 60)


def _fans_short(columns: Mapping[str, Any], numbers: Mapping[str, float]) -> Any:
    """Fans that should run for this air and do not: one from the warning on, all from the alarm on."""
    foul = [
        (columns["co"] >= limit("tunnels.co", level)) | (columns["smoke"] >= limit("tunnels.smoke", level))
        for level in (Level.YELLOW, Level.ORANGE)
    ]
    wanted = np.where(foul[1], numbers["fans"], np.where(foul[0], 1.0, 0.0))
    return np.clip(wanted - columns["fans_running"], 0, None)


DERIVED = (
    Derived(
        metric=Metric(
            key="co_of_limit", title=Text("CO占设计限值", "CO of design limit"), unit="%", low=0, high=1000, decimals=0, cadence=2 * _MINUTE
        ),
        method=Text(
            "一氧化碳÷按隧道长度内插的设计限值（≤1 km 150，>3 km 100 ppm）；长度未知按从严值",
            "CO ÷ the design limit for the length, interpolated (150 ppm up to 1 km, 100 beyond 3 km); length unknown: the stricter",
        ),
        inputs=("co",),
        apply=_co_of_limit,
        facts=(tunnel.c.length_m,),
    ),
    Derived(
        metric=Metric(
            key="no2_mean",
            title=Text("二氧化氮20分钟均值", "NO₂, 20-minute mean"),
            unit="ppm",
            low=0,
            high=50,
            decimals=2,
            cadence=2 * _MINUTE,
        ),
        method=Text("二氧化氮近20分钟读数的平均", "Mean of NO₂ over the last 20 minutes"),
        inputs=("no2",),
        apply=_no2_mean,
        back=timedelta(minutes=parameter("tunnels.no2_mean", "over_minutes")),
    ),
    Derived(
        metric=Metric(
            key="fans_short", title=Text("应开未开风机", "Fans not answering"), unit="台", low=0, high=200, decimals=0, cadence=2 * _MINUTE
        ),
        method=Text(
            "按预警至少开一台、报警全开，减去实际运行台数", "One fan from the warning on, all from the alarm on, less the fans that run"
        ),
        inputs=("co", "smoke", "fans_running"),
        apply=_fans_short,
        facts=(tunnel.c.fans,),
    ),
)

_direct = tunnel.c.managed == "direct"
_heard = heard_assets(tunnel, "tunnels", _WITHIN, sa.and_(_direct, tunnel.c.iot == 1))
_channels = channels("tunnels", _WITHIN, timedelta(hours=24), may_rest=("water_depth", "fans_running"), among=METRICS)
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

stuck = Kpi(
    key="stuck",
    title=Text("卡死通道", "Stuck channels"),
    unit="个",
    table=_channels,
    measure=count(_channels.c.stuck == 1),
    formula=Text("24小时读数不变的通道，积水与风机除外", "Channels whose reading has not moved for 24 hours, water and fans apart"),
    feeds=("tunnels.readings",),
    weight=0,
    decimals=0,
)
silent_channels = Kpi(
    key="silent_channels",
    title=Text("失联通道", "Silent channels"),
    unit="个",
    table=_channels,
    measure=count(_channels.c.heard == 0),
    formula=Text("15分钟内没有读数的通道", "Channels without a reading for 15 minutes"),
    feeds=("tunnels.readings",),
    weight=0,
    decimals=0,
)
max_no2 = Kpi(
    key="max_no2",
    title=Text("最高二氧化氮", "Highest NO₂"),
    unit="ppm",
    table=latest,
    measure=highest("tunnels", "no2_mean"),
    formula=Text("各隧道二氧化氮20分钟均值中最高者", "The highest 20-minute mean of NO₂ of all tunnels"),
    feeds=("tunnels.readings",),
    decimals=2,
)
co_of_limit = Kpi(
    key="co_of_limit",
    title=Text("CO占设计限值最高", "Nearest to CO limit"),
    unit="%",
    table=latest,
    measure=highest("tunnels", "co_of_limit"),
    formula=Text(
        "各隧道一氧化碳占按长度内插的设计限值的百分比，取最大",
        "CO in percent of the design limit for the tunnel's length; the worst tunnel",
    ),
    feeds=("tunnels.readings",),
    decimals=0,
)
fans_running = Kpi(
    key="fans_running",
    title=Text("运行风机", "Fans running"),
    unit="台",
    table=latest,
    measure=total(latest.c.value, sa.and_(latest.c.domain == "tunnels", latest.c.metric == "fans_running")),
    formula=Text("各隧道最新报告的运行风机台数之和", "Fans running by the newest report of every tunnel"),
    feeds=("tunnels.readings",),
    weight=0,
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
    kpis=(
        iot_tunnels,
        iot_online,
        availability,
        stuck,
        silent_channels,
        max_co,
        co_of_limit,
        max_smoke,
        max_no2,
        max_water,
        min_speed,
        fans_running,
    ),
    derived=DERIVED,
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
            key="co_limit",
            title=Text("隧道一氧化碳超设计限值", "Tunnel CO beyond design limit"),
            watches=Readings(metric="co_of_limit"),
            hold=3 * _MINUTE,
            clear_hold=5 * _MINUTE,
            unit="%",
        ),
        AlertRule(
            key="fans",
            title=Text("隧道风机未响应", "Tunnel fans not answering"),
            watches=Readings(metric="fans_short"),
            hold=5 * _MINUTE,
            clear_hold=2 * _MINUTE,
            unit="台",
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
            watches=Readings(metric="no2_mean"),  # the limits are for 20-minute means
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
        AlertRule(key="co_stuck", title=Text("一氧化碳测点卡死", "CO sensor stuck"), watches=Stillness(metric="co"), unit="min"),
        AlertRule(
            key="smoke_stuck", title=Text("能见度测点卡死", "Visibility sensor stuck"), watches=Stillness(metric="smoke"), unit="min"
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
