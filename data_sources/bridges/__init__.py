"""Bridges: how far the directly managed bridges are from their limits, and how much of the district's structures is sensed."""

from __future__ import annotations

from datetime import timedelta

from dashboard.city import Domain, Feed, Text
from data_sources.bridges.derived import DERIVED
from data_sources.bridges.instruments import METRICS
from data_sources.bridges.kpis import KPIS
from data_sources.bridges.rules import RULES
from data_sources.bridges.tables import bridge, graded, inspection, warning

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
            clean=graded,
            late_after=timedelta(days=1),
        ),
        Feed(
            key="readings",
            title=Text("桥梁结构监测", "Bridge sensors"),
            metrics=METRICS,
            required=("asset_id", "observed_at"),
            late_after=timedelta(minutes=5),
        ),
        Feed(
            key="inspections",
            title=Text("桥隧巡检", "Patrols of bridges and tunnels"),
            table=inspection,
            required=("case_id", "opened_at"),
            on_map=False,
            late_after=timedelta(days=1),
        ),
        Feed(
            key="warnings",
            title=Text("桥隧预警处置", "Warnings dealt with"),
            table=warning,
            required=("case_id", "opened_at"),
            on_map=False,
            late_after=timedelta(days=2),
        ),
    ),
    kpis=KPIS,
    rules=RULES,
    derived=DERIVED,
    asset_kinds={
        "river": Text("跨江大桥", "River bridge"),
        "viaduct": Text("高架桥", "Viaduct"),
        "ramp": Text("匝道桥", "Ramp"),
        "flyover": Text("跨线桥", "Flyover"),
        "footbridge": Text("人行天桥", "Footbridge"),
        "underpass": Text("人行地通道", "Underpass"),
    },
    states={
        "planned": Text("待巡检", "Planned"),
        "walked": Text("已完成", "Done"),
        "raised": Text("待确认", "To be confirmed"),
        "confirmed": Text("已确认", "Confirmed"),
        "arrived": Text("已到场", "On site"),
        "settled": Text("已办结", "Closed"),
        "normal": Text("正常", "In service"),
        "restricted": Text("限行限载", "Restricted"),
        "maintenance": Text("检修", "Under repair"),
        "closed": Text("封闭", "Closed"),
    },
    category_words={
        "daily": Text("日常巡检", "Daily patrol"),
        "regular": Text("常规定期检测", "Regular inspection"),
        "structural": Text("结构定期检测", "Structural inspection"),
        "special": Text("特殊检测", "Special inspection"),
        "joint_displacement": Text("伸缩缝位移", "Joint displacement"),
        "bearing_reaction": Text("支座反力", "Bearing reaction"),
        "modal_frequency": Text("一阶频率", "Modal frequency"),
        "crack_width": Text("裂缝宽度", "Crack width"),
        "co": Text("一氧化碳", "CO"),
        "water_depth": Text("路面积水", "Water on the road"),
    },
)
