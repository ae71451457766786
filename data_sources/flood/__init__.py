"""Flood and waterlogging: how far the rivers are below their limits, roads under water, and who answered a warning."""

from __future__ import annotations

from dashboard import city
from dashboard.city import Text
from data_sources.flood.kpis import KPIS
from data_sources.flood.rules import RULES
from data_sources.flood.tables import FEEDS

DOMAIN = city.Domain(
    key="flood",
    title=Text("防汛内涝", "Flood and ponding"),
    department=Text("区住房城乡建委（水利）", "District Housing and Water Commission"),
    vital="metabolism",
    feeds=FEEDS,
    kpis=KPIS,
    rules=RULES,
    asset_kinds={
        **{"river_gauge": Text("水位站", "River gauge"), "rain_gauge": Text("雨量站", "Rain gauge")},
        **{"underpass": Text("下穿通道", "Underpass"), "low_road": Text("低洼路段", "Low road")},
        **{"river_road": Text("滨江路段", "River road"), "compound": Text("小区", "Compound")},
        **{"bureau": Text("部门", "Department"), "street": Text("街道", "Street")},
    },
    states={
        **{"detected": Text("已发现", "Detected"), "attended": Text("处置中", "Attended"), "cleared": Text("已消退", "Cleared")},
        **{"in_force": Text("生效中", "In force"), "lifted": Text("已解除", "Lifted")},
        **{"called": Text("已叫应", "Called"), "answered": Text("已应答", "Answered")},
        **{"open": Text("待巡查", "To patrol"), "sound": Text("正常", "Sound"), "cleaned": Text("已清掏", "Cleaned out")},
    },
    category_words={
        **{"rain": Text("暴雨", "Rainstorm"), "ponding": Text("内涝", "Waterlogging"), "flood": Text("洪水", "Flood")},
        **{"drill": Text("演练", "Drill")},
    },
)
