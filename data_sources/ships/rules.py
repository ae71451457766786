"""When a ship rings: a catalyst passed by, too little taken away, too much dosed, and terminals or analysers that cannot be trusted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from dashboard import city
from dashboard.city import Text
from data_sources.ships.feeds import STEADY, TANK
from data_sources.ships.kpis import FROZEN, UNDER_WAY_HEARD
from data_sources.ships.minutes import judge_plants
from data_sources.ships.tables import engine

_MINUTE = timedelta(minutes=1)


def _of_minutes(key: str, title: Text, metric: str, unit: str, hold: int, **more: Any) -> city.AlertRule:
    # a ship at its berth says nothing of its catalyst: what the last minute of a sailing read must not stand all day
    quiet: dict[str, Any] = {"no_data": "clear", "clear_hold": 3 * _MINUTE}
    return city.AlertRule(key=key, title=title, watches=city.Readings(metric=metric), hold=hold * _MINUTE, unit=unit, **(quiet | more))


_PLANTS = sa.select(engine.c.asset_id, engine.c.name, engine.c.street, engine.c.lon, engine.c.lat, engine.c.state, engine.c.observed_at)

RULES = (
    # Nothing but a reading clears it: a box switched off with its bypass open must not count as well.
    _of_minutes("bypass", Text("疑似旁通未喷尿素", "Bypass suspected"), "undosed", "", 5, no_data="keep"),
    _of_minutes("removal_low", Text("脱硝率偏低", "Too little NOx removed"), STEADY.metric.key, "%", 0),
    city.AlertRule(
        key="plant",
        title=Text("脱硝装置故障或旁通", "Catalyst out of order"),
        watches=city.Judged(reads={"engines": _PLANTS}, judge=judge_plants),
    ),
    _of_minutes("over_limit", Text("比排放超执行限值", "NOx above the engine's limit"), "limit_share", "%", 10),
    _of_minutes("slip", Text("氨逃逸偏高", "Ammonia slipping"), "slip", "ppm", 3),
    _of_minutes("cold_dosing", Text("低温喷射尿素", "Dosing a cold catalyst"), "dosing_t", "°C", 5),
    city.AlertRule(key="tank_low", title=Text("尿素将尽", "Urea running out"), watches=city.Readings(metric=TANK.key), unit="%"),
    city.AlertRule(
        key="frozen",
        title=Text("排放分析仪卡死", "Exhaust analyser frozen"),
        watches=city.KpiValues(kpi=FROZEN, each_street=True),
        no_data="clear",
        unit="个",
    ),
    city.AlertRule(
        key="dark",
        title=Text("在航机组无监测数据", "Under way without telemetry"),
        watches=city.KpiValues(kpi=UNDER_WAY_HEARD),
        hold=10 * _MINUTE,
        no_data="clear",
        unit="%",
    ),
    city.AlertRule(
        key="silent",
        title=Text("船载终端失联", "Ship's terminal silent"),
        watches=city.Absence(feed="ships.status", metric=TANK.key),
        unit="min",
    ),
)
