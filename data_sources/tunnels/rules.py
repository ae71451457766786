"""When a tunnel rings: air, sight, water and flow on one side, instruments that stand still or say nothing on the other."""

from __future__ import annotations

from dashboard.city import Absence, AlertRule, Text
from data_sources.watching import stands_still, watch

RULES = (
    watch("co", "隧道一氧化碳偏高", "Tunnel CO high", "co", "ppm", 3, 5, life_safety=True),
    watch("co_close", "隧道一氧化碳超封闭线", "Tunnel CO at closing limit", "co", "ppm", 15, 10, life_safety=True),
    watch("co_limit", "隧道一氧化碳超设计限值", "Tunnel CO beyond design limit", "co_of_limit", "%", 3, 5),
    watch("fans", "隧道风机未响应", "Tunnel fans not answering", "fans_short", "台", 5, 2),
    watch("smoke", "隧道能见度下降", "Tunnel visibility falling", "smoke", "m⁻¹", 3, 5, life_safety=True),
    watch("no2", "隧道二氧化氮偏高", "Tunnel NO₂ high", "no2_mean", "ppm", 0, 10),  # the limits are for 20-minute means
    watch("water", "隧道路面积水", "Water on tunnel road", "water_depth", "cm", 2, 10),
    watch("slow", "隧道车流拥堵", "Tunnel traffic jammed", "speed", "km/h", 10, 5),
    stands_still("co_stuck", "一氧化碳测点卡死", "CO sensor stuck", "co"),
    stands_still("smoke_stuck", "能见度测点卡死", "Visibility sensor stuck", "smoke"),
    AlertRule(
        key="silent",
        title=Text("隧道监测中断", "Tunnel sensors silent"),
        watches=Absence(feed="tunnels.readings", metric="co"),
        unit="min",
    ),
)
