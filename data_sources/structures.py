"""What bridges and tunnels are asked alike: which channels of their instruments can be used."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import sqlalchemy as sa

from dashboard.city import Kpi, Metric, Text, count, share
from data_sources.sensing import channels

HEARD_WITHIN = timedelta(minutes=15)
_STUCK_AFTER = timedelta(hours=24)


def structure_channels(domain: str, among: Iterable[Metric], may_rest: tuple[str, ...]) -> sa.Subquery:
    """Each channel of a domain's instruments, heard or not, stuck or not."""
    return channels(domain, HEARD_WITHIN, _STUCK_AFTER, may_rest=may_rest, among=among)


def channel_kpis(domain: str, found: sa.Subquery, resting: Text, weight: float = 1) -> tuple[Kpi, Kpi, Kpi]:
    """Channels usable, stuck and silent; `resting`: what may stand still in good health."""
    feeds = (f"{domain}.readings",)
    availability = Kpi(
        key="availability",
        title=Text("通道可用率", "Channels usable"),
        unit="%",
        table=found,
        measure=share(found.c.valid == 1),
        formula=Text(
            "15分钟内有可用读数且未卡死的通道÷全部通道", "Channels with a usable, moving reading within 15 minutes ÷ all channels"
        ),
        feeds=feeds,
        weight=weight,
    )
    stuck = Kpi(
        key="stuck",
        title=Text("卡死通道", "Stuck channels"),
        unit="个",
        table=found,
        measure=count(found.c.stuck == 1),
        formula=Text(f"24小时读数不变的通道，{resting.zh}除外", f"Channels whose reading has not moved for 24 hours, {resting.en} apart"),
        feeds=feeds,
        weight=0,
        decimals=0,
    )
    silent = Kpi(
        key="silent_channels",
        title=Text("失联通道", "Silent channels"),
        unit="个",
        table=found,
        measure=count(found.c.heard == 0),
        formula=Text("15分钟内没有读数的通道", "Channels without a reading for 15 minutes"),
        feeds=feeds,
        weight=0,
        decimals=0,
    )
    return availability, stuck, silent
