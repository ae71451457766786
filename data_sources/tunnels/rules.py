"""When a tunnel rings: air, sight, water and flow on one side, instruments that stand still or say nothing on the other."""

from __future__ import annotations

from datetime import timedelta

from dashboard.city import Absence, AlertRule, Readings, Stillness, Text

_MINUTE = timedelta(minutes=1)

RULES = (
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
    AlertRule(key="smoke_stuck", title=Text("能见度测点卡死", "Visibility sensor stuck"), watches=Stillness(metric="smoke"), unit="min"),
    AlertRule(
        key="silent",
        title=Text("隧道监测中断", "Tunnel sensors silent"),
        watches=Absence(feed="tunnels.readings", metric="co"),
        unit="min",
    ),
)
