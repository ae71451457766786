"""Tunnels: air to breathe, sight, water and flow in the directly managed tunnels."""

from __future__ import annotations

from datetime import timedelta

from dashboard.city import Domain, Feed, Text
from data_sources.tunnels.derived import DERIVED
from data_sources.tunnels.instruments import METRICS
from data_sources.tunnels.kpis import KPIS
from data_sources.tunnels.rules import RULES
from data_sources.tunnels.tables import tunnel

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
            late_after=timedelta(minutes=5),
        ),
    ),
    kpis=KPIS,
    derived=DERIVED,
    rules=RULES,
    asset_kinds={"tunnel": Text("隧道", "Tunnel"), "ring": Text("地下环道", "Underground ring")},
    states={
        "normal": Text("正常通行", "Open"),
        "restricted": Text("交通管制", "Restricted"),
        "maintenance": Text("检修", "Under repair"),
        "closed": Text("封闭", "Closed"),
    },
)
