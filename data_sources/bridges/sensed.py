"""How well bridges are sensed: instruments and video in place, and what of them can be heard now."""

from __future__ import annotations

import sqlalchemy as sa

from dashboard.city import Kpi, Text, count, share
from data_sources.bridges.instruments import METRICS
from data_sources.bridges.tables import bridge
from data_sources.sensing import UNUSABLE, heard_assets
from data_sources.structures import HEARD_WITHIN, channel_kpis, structure_channels
from data_sources.tunnels.tables import tunnel

_direct = bridge.c.managed == "direct"
_heard = heard_assets(bridge, "bridges", HEARD_WITHIN, sa.and_(_direct, bridge.c.iot == 1))
# Wind may be calm for a day; a strain gauge that does not move for a day is broken.
_channels = structure_channels("bridges", METRICS, may_rest=("wind",))


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
calibrating = Kpi(
    key="calibrating",
    title=Text("标定中通道", "Channels in calibration"),
    unit="个",
    table=_channels,
    measure=count(_channels.c.quality == UNUSABLE),
    formula=Text("最新读数注明正在标定、不可用的通道", "Channels whose newest reading says it is being calibrated and cannot be used"),
    feeds=("bridges.readings",),
    weight=0,
    decimals=0,
)
availability, stuck, silent_channels = channel_kpis("bridges", _channels, Text("风速", "wind"))
