"""When slopes ring: movement, shaking, wet ground, rain, all of it together, calls nobody answers, instruments stuck or silent."""

from __future__ import annotations

from datetime import timedelta

from dashboard import city
from dashboard.city import Text
from data_sources.slopes.coupled import RAIN_COUPLED
from data_sources.slopes.tables import call
from data_sources.watching import stands_still, watch

_MINUTE = timedelta(minutes=1)


RULES = (
    watch("displacement", "边坡位移加速", "Slope moving faster", "displacement_rate", "mm/d", 10, 20, life_safety=True),
    watch("crack", "危岩裂缝扩展", "Rock crack opening", "crack_rate", "mm/d", 10, 20, life_safety=True),
    watch("crack_doubling", "裂缝速率1小时翻倍", "Crack twice as fast in an hour", "crack_doubling", "倍", 0, 20, life_safety=True),
    watch("tilt", "危岩倾斜加速", "Rock tilting faster", "tilt_rate", "°/d", 10, 20, life_safety=True),
    watch("tangent", "位移曲线变陡", "Displacement curve steepening", "tangent_angle", "°", 30, 60, life_safety=True),
    watch("vibration", "危岩振动", "Rock shaken", "vibration", "mg", 0, 30),
    watch("soil", "坡体含水率偏高", "Slope soaked", "soil_moisture", "%", 30, 60),
    watch("rain_1h", "短时强降雨", "Hard rain", "rain_1h", "mm", 0, 30),
    watch("rain_24h", "24小时雨量偏大", "Much rain in a day", "rain_24h", "mm", 0, 60),
    city.AlertRule(
        key="rain_coupled",
        title=Text("雨、湿、动叠加", "Rain, wet ground and movement together"),
        watches=RAIN_COUPLED,
        life_safety=True,
        clear_hold=60 * _MINUTE,
    ),
    city.AlertRule(
        key="unanswered",
        title=Text("地灾叫应超时未应答", "Slope call not answered in time"),
        watches=city.RowCount(table=call, by=call.c.asset_id, at=call.c.due_at, over=timedelta(hours=24), where=call.c.closed_at.is_(None)),
        no_data="clear",
        unit="次",
        owner=Text("区应急管理局", "District Emergency Management Bureau"),
    ),
    stands_still("displacement_stuck", "位移读数不变（故障）", "Displacement stuck (fault)", "displacement"),
    stands_still("crack_stuck", "裂缝读数不变（故障）", "Crack gauge stuck (fault)", "crack"),
    city.AlertRule(
        key="silent",
        title=Text("隐患点监测中断", "Slope sensors silent"),
        watches=city.Absence(feed="slopes.readings", metric="displacement"),
        unit="min",
    ),
)
