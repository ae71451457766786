"""When septic tanks ring: gas, a full tank, an instrument that lies, a line that is dead, handling that failed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from dashboard import city
from dashboard.city import Text
from data_sources.septic_tanks.kpis import CLEAN_KPIS, notified
from data_sources.septic_tanks.tables import run, step
from data_sources.watching import changes_fast, stands_still, watch

_MINUTE = timedelta(minutes=1)
_CALM_MIN = 15  # within its limit this long before an alarm is over


def _gathered(key: str, zh: str, en: str, table: Any, at: Any, where: Any) -> city.AlertRule:
    watched = city.RowCount(table=table, by=table.c.asset_id, at=at, over=timedelta(days=1), where=where)
    return city.AlertRule(key=key, title=Text(zh, en), watches=watched, no_data="clear", unit="次")


RULES = (
    watch("gas", "化粪池甲烷聚集", "Methane gathering in tank", "ch4", "%LEL", 0, _CALM_MIN, life_safety=True),
    changes_fast("gas_rising", "化粪池甲烷快速上升", "Methane rising fast in tank", "ch4", "%LEL/h", 30, life_safety=True),
    watch("h2s", "化粪池硫化氢超限", "H₂S in tank", "h2s", "mg/m³", 0, _CALM_MIN, life_safety=True),
    watch("co", "化粪池一氧化碳超限", "CO in tank", "co", "mg/m³", 0, _CALM_MIN, life_safety=True),
    watch("nh3", "化粪池氨气超限", "Ammonia in tank", "nh3", "mg/m³", 0, _CALM_MIN),
    watch("co2", "化粪池二氧化碳超限", "CO₂ in tank", "co2", "mg/m³", 0, _CALM_MIN),
    watch("oxygen", "化粪池缺氧", "Oxygen low in tank", "o2", "%vol", 5, _CALM_MIN, life_safety=True),
    watch("oxygen_rich", "化粪池富氧", "Oxygen high in tank", "o2", "%vol", 5, _CALM_MIN),
    watch("level", "化粪池高液位", "Tank nearly full", "level", "%", 10, _CALM_MIN),
    watch("level_low", "化粪池液位过低", "Tank pumped too low", "level", "%", 5, _CALM_MIN),
    watch("fault", "甲烷探头满量程（故障）", "Methane detector at full scale (fault)", "ch4_fault", "", 5, _CALM_MIN),
    stands_still("gas_stuck", "甲烷读数不变（故障）", "Methane reading stuck (fault)", "ch4"),
    stands_still("level_stuck", "液位读数不变（故障）", "Level reading stuck (fault)", "level"),
    city.AlertRule(
        key="silent",
        title=Text("化粪池监测中断", "Tank terminal silent"),
        watches=city.Absence(feed="septic_tanks.readings", metric="level"),
        unit="min",
    ),
    _gathered("by_hand", "自动处置转人工", "Handed over to a crew", step, step.c.opened_at, step.c.category == "manual_dispatch"),
    _gathered("disputed", "抽排核验不一致", "Pump run disputed", run, run.c.closed_at, run.c.disputed == 1),
    city.AlertRule(
        key="message", title=Text("报警通知变慢", "Alarm messages slow"), watches=city.KpiValues(kpi=notified), hold=30 * _MINUTE, unit="s"
    ),
    city.AlertRule(
        key="clean_overdue",
        title=Text("化粪池清掏超期", "Clean-outs overdue"),
        watches=city.KpiValues(kpi=CLEAN_KPIS[0]),
        unit="单",
    ),
)
