"""The numbers of tour ships: what catalysts take away, whether they are dosed, the tonnes of a year, and who can be heard."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from dashboard import city
from dashboard.city import Text
from data_sources.imo_nox import urea_litres
from data_sources.sensing import channels, heard_assets, lowest
from data_sources.ships.feeds import METRICS, TANK
from data_sources.ships.minutes import SHARES
from data_sources.ships.tables import engine, ship, trip

_MINUTE = timedelta(minutes=1)


def _tonnes(kilograms: float | None) -> float | None:
    return (kilograms or 0.0) / 1000


def _dosing_ratio(litres: float | None, kilograms: float | None) -> float | None:
    return (litres or 0.0) / urea_litres(kilograms) if kilograms else None


def _of_trips(key: str, title: Text, unit: str, measure: city.Measure, formula: Text, over: city.Window, **more: Any) -> city.Kpi:
    return city.Kpi(key=key, title=title, unit=unit, table=trip, measure=measure, formula=formula, at=trip.c.opened_at, over=over, **more)


_TIERS = {1: "I", 2: "II", 3: "III"}


def _within(tier: int) -> city.Kpi:
    """Sailings whose exhaust met a tier, whatever tier the engine was built to."""
    share, name = trip.c[SHARES[tier]], _TIERS[tier]
    return _of_trips(
        *(f"within_{name.lower()}", Text(f"达到{name}阶段机次", f"Sailings within Tier {name}"), "%"),
        city.share(share <= 100, share.is_not(None)),
        Text(
            f"近30天出口比排放不高于IMO {name}阶段限值（按额定转速）的机次占比",
            f"30 days: engine sailings at or below Tier {name} at rated speed",
        ),
        _MONTH,
        weight=1 if tier == 3 else 0,
    )


_DAY, _MONTH, _YEAR = city.Window(rolling=timedelta(hours=24)), city.Window(days=30), city.Window(days=365)
_REMOVED = city.ratio(trip.c.abated_kg, trip.c.made_kg, percent=True)
_online = heard_assets(ship, "ships", 30 * _MINUTE)
_running = heard_assets(engine, "ships", 6 * _MINUTE, engine.c.under_way == 1)
_by_ship = (  # what each ship's two engines kept back in a year, so that the published span per ship can be held against it
    sa.select(
        engine.c.ship.label("asset_id"),
        sa.func.min(engine.c.street).label("street"),
        (sa.func.sum(trip.c.abated_kg) / 1000).label("tonnes"),
    )
    .join(trip, trip.c.asset_id == engine.c.asset_id)
    .where(trip.c.opened_at >= city.ago(timedelta(days=365)))
    .group_by(engine.c.ship)
    .subquery("ship_year")
)
_ANALYSERS = ("nox_in", "nox_out", "o2")
_channels = channels("ships", 6 * _MINUTE, 15 * _MINUTE, tuple(m.key for m in (*METRICS, TANK) if m.key not in _ANALYSERS))

UNDER_WAY_HEARD = city.Kpi(
    key="under_way_heard",
    title=Text("在航机组回传率", "Engines heard under way"),
    unit="%",
    table=_running,
    measure=city.share(_running.c.online == 1),
    formula=Text("6分钟内有监测数据的机组÷在航船舶的机组", "Engines heard within 6 minutes ÷ engines of ships under way"),
    feeds=("ships.ships", "ships.engines"),
    weight=0,
    decimals=0,
)
FROZEN = city.Kpi(
    key="frozen",
    title=Text("读数卡死的分析仪", "Analysers that froze"),
    unit="个",
    table=_channels,
    measure=city.count(sa.and_(_channels.c.stuck == 1, _channels.c.ts >= city.ago(6 * _MINUTE)), lost=_channels.c.stuck == 1),
    formula=Text("在航时15分钟一字不动的氮氧化物、含氧量通道", "NOx and oxygen channels that have not moved for 15 minutes under way"),
    feeds=("ships.telemetry",),
    weight=0.5,
    decimals=0,
)
KPIS = (
    _of_trips(
        *("removal_day", Text("近一日脱硝率", "NOx removed, 24 h"), "%", _REMOVED),
        Text("近24小时各航次：削减量之和÷进口产生量之和，含预热", "Sailings of 24 h: kg kept back ÷ kg before the catalyst"),
        _DAY,
        weight=3,
    ),
    _of_trips(
        *("removal_year", Text("年脱硝率", "NOx removed, 12 months"), "%", _REMOVED),
        Text("近365天各航次：削减量之和÷进口产生量之和", "Sailings of 365 days: kg kept back ÷ kg before the catalyst"),
        _YEAR,
    ),
    _of_trips(
        *("tonnes_year", Text("年减排氮氧化物", "NOx kept back, 12 months"), "t"),
        city.Measure(parts=(trip.c.abated_kg,), combine=_tonnes),
        Text(
            "近365天各机次 Σ 额定功率·负荷率·小时·进口g/kWh·脱硝率·10⁻⁶；公布口径为船数×单船年减排：7×6.5=45.5，7×8.5=59.5",
            "365 days: Σ rated kW · load · h · g/kWh · share removed · 10⁻⁶; as published: ships × tonnes a ship, 7×6.5=45.5, 7×8.5=59.5",
        ),
        _YEAR,
        decimals=1,
    ),
    city.Kpi(
        key="tonnes_ship",
        title=Text("单船年减排", "NOx kept back per ship"),
        unit="t",
        table=_by_ship,
        measure=city.mean(_by_ship.c.tonnes),
        formula=Text(
            "各船两机近365天减排量之和的平均；公布为单船6.5至8.5吨", "Mean of the ships' sums over 365 days; published: 6.5 to 8.5 t a ship"
        ),
        feeds=("ships.trips", "ships.engines"),
        weight=0,
        decimals=2,
        by_street=False,
    ),
    _of_trips(
        *("dosed", Text("热态喷射率", "Dosed while hot"), "%", city.ratio(trip.c.dosed_min, trip.c.hot_min, percent=True)),
        Text("近30天反应器够热且喷尿素的分钟÷够热的分钟", "30 days: minutes hot and dosed ÷ minutes hot"),
        _MONTH,
        weight=2,
    ),
    *(_within(tier) for tier in SHARES),
    _of_trips(
        *("slip_day", Text("近一日最大氨逃逸", "Most ammonia slip, 24 h"), "ppm", city.largest(trip.c.slip_max)),
        Text("近24小时各航次中最大的氨逃逸", "The largest ammonia slip of the sailings of 24 h"),
        _DAY,
    ),
    _of_trips(
        *("urea_ratio", Text("尿素当量比", "Urea dosed, of exact"), ""),
        city.Measure(parts=(trip.c.urea_l, trip.c.abated_kg), combine=_dosing_ratio),
        Text("近30天喷入尿素÷削减量所需的40%溶液（1.63 kg/kg）", "30 days: urea dosed ÷ the 40 % solution that NOx needs (1.63 kg/kg)"),
        _MONTH,
        weight=0,
        decimals=2,
    ),
    city.Kpi(
        key="removal_now",
        title=Text("在航脱硝率", "NOx removed now"),
        unit="%",
        table=city.latest,
        measure=city.mean(city.latest.c.value, city.latest.c.metric == "removal"),
        formula=Text("在航各机最新脱硝率的平均；无船在航时无值", "Mean newest removal of engines under way; none when no ship sails"),
        feeds=("ships.ships",),
        weight=0,
    ),
    city.Kpi(
        key="lowest_tank",
        title=Text("最低尿素液位", "Lowest urea tank"),
        unit="%",
        table=city.latest,
        measure=lowest("ships", TANK.key),
        formula=Text("各船尿素箱最新液位中最低者", "The lowest newest urea tank level of all ships"),
        feeds=("ships.status",),
        weight=0.5,
        decimals=0,
    ),
    city.Kpi(
        key="online",
        title=Text("船载终端在线率", "Ship terminals online"),
        unit="%",
        table=_online,
        measure=city.share(_online.c.online == 1),
        formula=Text("30分钟内有心跳的船÷治理船舶", "Ships whose terminal was heard within 30 minutes ÷ ships refitted"),
        feeds=("ships.ships", "ships.status"),
    ),
    UNDER_WAY_HEARD,
    FROZEN,
    city.Kpi(
        key="ships",
        title=Text("治理船舶", "Ships refitted"),
        unit="艘",
        table=ship,
        measure=city.count(),
        formula=Text("装有脱硝装置的两江游船舶", "Tour ships with a catalyst"),
        weight=0,
        decimals=0,
    ),
    city.Kpi(
        key="under_way",
        title=Text("在航船舶", "Ships under way"),
        unit="艘",
        table=ship,
        measure=city.count(ship.c.state == "sailing"),
        formula=Text("此刻在航的船舶", "Ships sailing now"),
        weight=0,
        decimals=0,
    ),
)
