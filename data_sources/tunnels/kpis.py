"""The numbers of tunnels: how foul the air, how deep the water, how slow the flow, and which instruments can be heard."""

from __future__ import annotations

import sqlalchemy as sa

from dashboard.city import Kpi, Text, count, latest, share, total
from data_sources.sensing import heard_assets, highest, lowest
from data_sources.structures import HEARD_WITHIN, channel_kpis, structure_channels
from data_sources.tunnels.instruments import METRICS
from data_sources.tunnels.tables import tunnel

_direct = tunnel.c.managed == "direct"
_heard = heard_assets(tunnel, "tunnels", HEARD_WITHIN, sa.and_(_direct, tunnel.c.iot == 1))
_channels = structure_channels("tunnels", METRICS, may_rest=("water_depth", "fans_running"))
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
availability, stuck, silent_channels = channel_kpis("tunnels", _channels, Text("积水与风机", "water and fans"), weight=0.5)

KPIS = (
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
)
