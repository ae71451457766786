"""Bridges: how far the directly managed bridges are from their limits, and how much of the district's structures is sensed."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from dashboard.city import Absence, AlertRule, Domain, Feed, Kpi, KpiValues, Metric, Readings, Text, asset_table, count, latest, share
from data_sources.sensing import channels, heard_assets, highest
from data_sources.tunnels import tunnel

bridge = asset_table(
    "bridge",
    sa.Column("managed", sa.String(16)),  # direct | street | other
    sa.Column("care_class", sa.String(8)),  # I–V of CJJ 99
    sa.Column("structure", sa.String(64)),
    sa.Column("length_m", sa.Float),
    sa.Column("main_span_m", sa.Float),
    sa.Column("built", sa.Integer),
    sa.Column("bci", sa.Float),
    sa.Column("bci_on", sa.String(10)),  # day of the last condition rating
    sa.Column("iot", sa.SmallInteger),
    sa.Column("video", sa.SmallInteger),
    sa.Column("video_online", sa.SmallInteger),
    sa.Column("synthetic", sa.SmallInteger),  # 1: made up for the demo city
)

_MINUTE = timedelta(minutes=1)
_WITHIN = timedelta(minutes=15)
_TICK = 2 * _MINUTE
METRICS = (
    Metric(key="structure_temperature", title=Text("结构温度", "Structure temperature"), unit="°C", low=-30, high=80, cadence=_TICK),
    Metric(
        key="joint_displacement", title=Text("伸缩缝位移", "Joint displacement"), unit="mm", low=-500, high=500, decimals=2, cadence=_TICK
    ),
    Metric(key="joint_residual", title=Text("伸缩缝残差", "Joint residual"), unit="σ", low=0, high=50, decimals=2, cadence=_TICK),
    Metric(key="strain", title=Text("应变", "Strain"), unit="µε", low=-3000, high=3000, cadence=_TICK),
    Metric(key="capacity_used", title=Text("应变占设计限值", "Strain of design limit"), unit="%", low=0, high=200, cadence=_TICK),
    Metric(key="deflection", title=Text("跨中挠度", "Midspan deflection"), unit="mm", low=-1000, high=1000, cadence=_TICK),
    Metric(key="wind", title=Text("桥面风速", "Wind on deck"), unit="m/s", low=0, high=70, cadence=_TICK),
    Metric(key="frequency_drop", title=Text("基频下降", "Frequency drop"), unit="%", low=-20, high=100, decimals=2, cadence=_TICK),
    Metric(key="cable_force", title=Text("拉吊索力", "Cable force"), unit="kN", low=0, high=20000, decimals=0, cadence=_TICK),
)

_direct = bridge.c.managed == "direct"
_heard = heard_assets(bridge, "bridges", _WITHIN, sa.and_(_direct, bridge.c.iot == 1))
# Wind may be calm for a day; a strain gauge that does not move for a day is broken.
_channels = channels("bridges", _WITHIN, timedelta(hours=24), may_rest=("wind",))


def _sensed(assets: sa.Table) -> sa.Select[tuple[object, ...]]:
    columns = ("asset_id", "name", "street", "kind", "iot", "video", "video_online")
    return sa.select(*(assets.c[column] for column in columns))


# Bridges and tunnels together: the published 101 and 100 % are about both.
structure = sa.union_all(_sensed(bridge), _sensed(tunnel)).subquery("bridge_and_tunnel")
_STRUCTURES = ("bridges.structures", "tunnels.structures")
_BOTH = ("bridges.structures", "bridges.readings")

iot_bridges = Kpi(
    key="iot_bridges",
    title=Text("物联感知桥梁", "Bridges with sensors"),
    unit="座",
    table=bridge,
    measure=count(sa.and_(_direct, bridge.c.iot == 1)),
    formula=Text("直管桥梁中装有物联感知设备的座数", "Directly managed bridges fitted with sensors"),
    weight=0,
    decimals=0,
)
iot_coverage = Kpi(
    key="iot_coverage",
    title=Text("物联覆盖率", "Sensor coverage"),
    unit="%",
    table=bridge,
    measure=share(bridge.c.iot == 1, _direct),
    formula=Text("装有物联感知的直管桥梁÷直管桥梁", "Directly managed bridges with sensors ÷ directly managed bridges"),
    weight=0.5,
)
iot_online = Kpi(
    key="iot_online",
    title=Text("桥梁在线率", "Bridges online"),
    unit="%",
    table=_heard,
    measure=share(_heard.c.online == 1),
    formula=Text("15分钟内有读数的桥梁÷装有物联感知的直管桥梁", "Bridges heard within 15 minutes ÷ directly managed bridges with sensors"),
    feeds=_BOTH,
)
video_structures = Kpi(
    key="video_structures",
    title=Text("视频感知桥隧", "Structures on video"),
    unit="座",
    table=structure,
    measure=count(structure.c.video == 1),
    formula=Text("桥梁隧道设施中有视频感知的座数", "Bridges and tunnels watched by video"),
    feeds=_STRUCTURES,
    weight=0,
    decimals=0,
)
video_coverage = Kpi(
    key="video_coverage",
    title=Text("视频覆盖率", "Video coverage"),
    unit="%",
    table=structure,
    measure=share(structure.c.video == 1),
    formula=Text("有视频感知的桥隧设施÷桥隧设施", "Structures watched by video ÷ bridges and tunnels in the register"),
    feeds=_STRUCTURES,
    weight=0.5,
)
video_online = Kpi(
    key="video_online",
    title=Text("视频在线率", "Video online"),
    unit="%",
    table=structure,
    measure=share(structure.c.video_online == 1, structure.c.video == 1),
    formula=Text("视频在线的设施÷有视频感知的设施", "Structures whose video is online ÷ structures with video"),
    feeds=_STRUCTURES,
)
fused_coverage = Kpi(
    key="fused_coverage",
    title=Text("智慧感知覆盖率", "Sensing coverage"),
    unit="%",
    table=structure,
    measure=share(sa.or_(structure.c.iot == 1, structure.c.video == 1)),
    formula=Text("有物联或视频感知的桥隧设施÷桥隧设施", "Structures with sensors or video ÷ bridges and tunnels in the register"),
    feeds=_STRUCTURES,
    weight=0.5,
)
worst_joint = Kpi(
    key="worst_joint",
    title=Text("伸缩缝最大残差", "Worst joint residual"),
    unit="σ",
    table=latest,
    measure=highest("bridges", "joint_residual"),
    formula=Text(
        "伸缩缝位移减去温度回归后的残差绝对值÷训练期标准差，取各桥最大",
        "Joint displacement less its temperature regression, absolute, ÷ sigma of the training year; the worst bridge",
    ),
    feeds=("bridges.readings",),
    weight=2,
    decimals=2,
)
worst_capacity = Kpi(
    key="worst_capacity",
    title=Text("应变占限值最高", "Nearest to strain limit"),
    unit="%",
    table=latest,
    measure=highest("bridges", "capacity_used"),
    formula=Text("各桥最新应变÷设计限值，取最大", "Newest strain ÷ design limit; the worst bridge"),
    feeds=("bridges.readings",),
    decimals=0,
)
bci_good = Kpi(
    key="bci_good",
    title=Text("技术状况A、B级", "Condition A or B"),
    unit="%",
    table=bridge,
    measure=share(bridge.c.bci >= 80, bridge.c.bci.is_not(None)),  # A and B begin at 80 by definition of CJJ 99-2017
    formula=Text("BCI≥80的桥梁÷已评定桥梁", "Bridges with BCI ≥ 80 ÷ bridges rated"),
    weight=2,
)
availability = Kpi(
    key="availability",
    title=Text("通道可用率", "Channels usable"),
    unit="%",
    table=_channels,
    measure=share(_channels.c.valid == 1),
    formula=Text("15分钟内有可用读数且未卡死的通道÷全部通道", "Channels with a usable, moving reading within 15 minutes ÷ all channels"),
    feeds=("bridges.readings",),
)
stuck = Kpi(
    key="stuck",
    title=Text("卡死通道", "Stuck channels"),
    unit="个",
    table=_channels,
    measure=count(_channels.c.stuck == 1),
    formula=Text("24小时读数不变的通道，风速除外", "Channels whose reading has not moved for 24 hours, wind apart"),
    feeds=("bridges.readings",),
    weight=0,
    decimals=0,
)

DOMAIN = Domain(
    key="bridges",
    title=Text("桥梁", "Bridges"),
    department=Text("区城市管理局", "District Urban Management Bureau"),
    vital="skeleton",
    feeds=(
        Feed(
            key="structures",
            title=Text("桥梁台账", "Bridge register"),
            table=bridge,
            required=("asset_id", "name"),
            late_after=timedelta(days=1),
        ),
        Feed(
            key="readings",
            title=Text("桥梁结构监测", "Bridge sensors"),
            metrics=METRICS,
            required=("asset_id", "observed_at"),
            late_after=5 * _MINUTE,
        ),
    ),
    kpis=(
        iot_bridges,
        iot_coverage,
        iot_online,
        video_structures,
        video_coverage,
        video_online,
        fused_coverage,
        worst_joint,
        worst_capacity,
        bci_good,
        availability,
        stuck,
    ),
    rules=(
        AlertRule(
            key="joint_residual",
            title=Text("桥梁伸缩缝位移异常", "Bridge joint moving oddly"),
            watches=Readings(metric="joint_residual"),
            hold=30 * _MINUTE,  # one sigma is noise unless it stays
            clear_hold=15 * _MINUTE,
            unit="σ",
        ),
        AlertRule(
            key="capacity",
            title=Text("桥梁应变逼近限值", "Bridge strain near limit"),
            watches=Readings(metric="capacity_used"),
            hold=5 * _MINUTE,
            clear_hold=10 * _MINUTE,
            unit="%",
        ),
        AlertRule(
            key="frequency",
            title=Text("桥梁基频下降", "Bridge frequency dropped"),
            watches=Readings(metric="frequency_drop"),
            hold=30 * _MINUTE,
            clear_hold=30 * _MINUTE,
            unit="%",
        ),
        AlertRule(
            key="wind",
            title=Text("桥面大风", "High wind on bridge"),
            watches=Readings(metric="wind"),
            hold=2 * _MINUTE,
            clear_hold=10 * _MINUTE,
            unit="m/s",
        ),
        AlertRule(
            key="video_down",
            title=Text("桥隧视频掉线偏多", "Structure video dropping out"),
            watches=KpiValues(kpi=video_online),
            hold=10 * _MINUTE,
            clear_hold=10 * _MINUTE,
            unit="%",
        ),
        AlertRule(
            key="silent",
            title=Text("桥梁监测中断", "Bridge sensors silent"),
            watches=Absence(feed="bridges.readings", metric="structure_temperature"),
            unit="min",
        ),
    ),
    asset_kinds={
        "river": Text("跨江大桥", "River bridge"),
        "viaduct": Text("高架桥", "Viaduct"),
        "ramp": Text("匝道桥", "Ramp"),
        "flyover": Text("跨线桥", "Flyover"),
        "footbridge": Text("人行天桥", "Footbridge"),
        "underpass": Text("人行地通道", "Underpass"),
    },
    states={
        "normal": Text("正常", "In service"),
        "restricted": Text("限行限载", "Restricted"),
        "maintenance": Text("检修", "Under repair"),
        "closed": Text("封闭", "Closed"),
    },
)
