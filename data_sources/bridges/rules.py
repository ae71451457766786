"""When a bridge rings: structural limits on one side, instruments that cannot be trusted on the other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.city import Absence, AlertRule, Finding, Judged, KpiValues, Text, day_start
from data_sources.bridges.sensed import video_online
from data_sources.bridges.tables import bridge
from data_sources.watching import stands_still, watch

_MINUTE = timedelta(minutes=1)
_STEADY = 30  # minutes: one sigma, or one percent, is noise unless it stays


def _poor_ones(rows: Mapping[str, list[Any]], parameters: Mapping[str, float], now: datetime) -> list[Finding]:
    """Bridges rated below grade C, each since the day it was rated."""
    return [
        Finding(
            asset=row.asset_id,
            at=min(now, day_start(date.fromisoformat(row.bci_on))) if row.bci_on else now,
            value=row.bci,
            because=((Text("技术状况指数", "Condition index"), f"{row.bci:g}"), (Text("评定日期", "Rated on"), row.bci_on or "")),
            name=row.name,
            street=row.street,
            lon=row.lon,
            lat=row.lat,
        )
        for row in rows["bridges"]
        if row.bci < parameters["c_from"]
    ]


RULES = (
    watch("joint_residual", "桥梁伸缩缝位移异常", "Bridge joint moving oddly", "joint_residual", "σ", _STEADY, 15),
    watch("capacity", "桥梁应变逼近限值", "Bridge strain near limit", "capacity_used", "%", 5, 10),
    watch("sag", "主梁持续下挠", "Bridge sagging on", "sag_growth", "mm/年", 0, 0),
    watch("bearing", "桥梁支座脱空", "Bridge bearing lifting", "bearing_drop", "%", _STEADY, _STEADY),
    watch("frequency", "桥梁基频下降", "Bridge frequency dropped", "frequency_drop", "%", _STEADY, _STEADY),
    watch("crack", "桥梁裂缝张开", "Bridge crack opening", "crack_change", "mm", _STEADY, _STEADY),
    watch("crack_growth", "桥梁裂缝扩展", "Bridge crack growing", "crack_growth", "mm/d", 180, _STEADY),
    watch("wind", "桥面大风", "High wind on bridge", "wind", "m/s", 2, 10),
    watch("overweight", "桥梁超重车通行", "Overweight vehicle on bridge", "vehicle_load", "t", 0, 20),
    AlertRule(
        key="condition",
        title=Text("桥梁技术状况差", "Bridge in poor condition"),
        watches=Judged(reads={"bridges": sa.select(bridge).where(bridge.c.bci.is_not(None))}, judge=_poor_ones),
        unit="分",
    ),
    stands_still("strain_stuck", "应变测点卡死", "Strain gauge stuck", "strain"),
    stands_still("joint_stuck", "伸缩缝测点卡死", "Joint gauge stuck", "joint_displacement"),
    stands_still("temperature_stuck", "结构温度测点卡死", "Temperature gauge stuck", "structure_temperature"),
    stands_still("deflection_stuck", "挠度测点卡死", "Deflection gauge stuck", "deflection"),
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
)
