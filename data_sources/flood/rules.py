"""When flood work rings: rivers near their limits, rainstorms, roads under water, calls nobody answers, silence."""

from __future__ import annotations

from datetime import timedelta

from dashboard import city
from dashboard.city import Text
from data_sources.flood.tables import callout
from data_sources.watching import changes_fast, watch

_MINUTE = timedelta(minutes=1)


RULES = (
    watch("warning_level", "水位逼近或超过警戒", "River at warning level", "to_warning", "m", 10, 60),
    watch("guarantee_level", "水位逼近或超过保证", "River at guarantee level", "to_guarantee", "m", 10, 60, life_safety=True),
    watch("over_rising", "超保证水位且仍在上涨", "Over guarantee and rising", "over_rising", "m", 10, 120, life_safety=True),
    watch("record", "水位达到历史最高", "River at its record", "to_record", "m", 10, 60, life_safety=True),
    watch("rise", "江河水位快速上涨", "River rising fast", "rise", "m/h", 15, 60),
    watch("soon", "即将达到警戒水位", "Warning level soon", "hours_to_warning", "h", 15, 60),
    watch("rain_12h", "12小时暴雨", "Rainstorm, 12 h", "rain_12h", "mm", 0, 30),
    watch("rain_6h", "6小时暴雨", "Rainstorm, 6 h", "rain_6h", "mm", 0, 30),
    watch("rain_3h", "3小时暴雨", "Rainstorm, 3 h", "rain_3h", "mm", 0, 30),
    watch("ponding", "道路积水", "Road under water", "depth", "cm", 0, 10, life_safety=True),
    changes_fast("ponding_rising", "道路积水快速上涨", "Water on the road rising fast", "depth", "cm/h", 20, life_safety=True),
    city.AlertRule(
        key="unanswered",
        title=Text("叫应超时未应答", "Call not answered in time"),
        watches=city.RowCount(
            table=callout,
            by=callout.c.asset_id,
            at=callout.c.due_at,
            over=timedelta(hours=24),
            where=callout.c.closed_at.is_(None),
        ),
        no_data="clear",
        unit="次",
        owner=Text("区应急管理局", "District Emergency Management Bureau"),
    ),
    city.AlertRule(
        key="gauge_silent",
        title=Text("水位站中断", "River gauge silent"),
        watches=city.Absence(feed="flood.levels", metric="level"),
        unit="min",
    ),
    city.AlertRule(
        key="gauge_stuck",
        title=Text("水位读数卡死", "River gauge stuck"),
        watches=city.Stillness(metric="level"),
        no_data="clear",
        unit="min",
    ),
    city.AlertRule(
        key="depth_silent",
        title=Text("积水监测中断", "Depth sensor silent"),
        watches=city.Absence(feed="flood.depths", metric="depth"),
        unit="min",
    ),
)
