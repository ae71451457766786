"""When septic tanks ring: gas, a full tank, an instrument that lies, a line that is dead, handling that failed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from dashboard import city
from dashboard.city import Text
from data_sources.septic_tanks.kpis import CLEAN_KPIS, notified
from data_sources.septic_tanks.tables import run, step

_MINUTE = timedelta(minutes=1)


def _watch(key: str, zh: str, en: str, metric: str, unit: str, hold: int = 0) -> city.AlertRule:
    return city.AlertRule(
        key=key,
        title=Text(zh, en),
        watches=city.Readings(metric=metric),
        hold=hold * _MINUTE,
        clear_hold=15 * _MINUTE,
        unit=unit,
    )


def _gathered(key: str, zh: str, en: str, table: Any, at: Any, where: Any) -> city.AlertRule:
    watched = city.RowCount(table=table, by=table.c.asset_id, at=at, over=timedelta(days=1), where=where)
    return city.AlertRule(key=key, title=Text(zh, en), watches=watched, no_data="clear", unit="次")


RULES = (
    _watch("gas", "化粪池甲烷聚集", "Methane gathering in tank", "ch4", "%LEL"),
    _watch("h2s", "化粪池硫化氢超限", "H₂S in tank", "h2s", "mg/m³"),
    _watch("co", "化粪池一氧化碳超限", "CO in tank", "co", "mg/m³"),
    _watch("nh3", "化粪池氨气超限", "Ammonia in tank", "nh3", "mg/m³"),
    _watch("co2", "化粪池二氧化碳超限", "CO₂ in tank", "co2", "mg/m³"),
    _watch("oxygen", "化粪池缺氧", "Oxygen low in tank", "o2", "%vol", 5),
    _watch("oxygen_rich", "化粪池富氧", "Oxygen high in tank", "o2", "%vol", 5),
    _watch("level", "化粪池高液位", "Tank nearly full", "level", "%", 10),
    _watch("level_low", "化粪池液位过低", "Tank pumped too low", "level", "%", 5),
    _watch("fault", "甲烷探头满量程（故障）", "Methane detector at full scale (fault)", "ch4_fault", "", 5),
    city.AlertRule(
        key="gas_stuck",
        title=Text("甲烷读数不变（故障）", "Methane reading stuck (fault)"),
        watches=city.Stillness(metric="ch4"),
        unit="min",
    ),
    city.AlertRule(
        key="level_stuck",
        title=Text("液位读数不变（故障）", "Level reading stuck (fault)"),
        watches=city.Stillness(metric="level"),
        unit="min",
    ),
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
