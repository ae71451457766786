"""Tour ships' exhaust: what each engine's catalyst takes away, whether it is dosed when it should be, and the tonnes of a year."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from dashboard import city
from dashboard.city import Text
from data_sources.imo_nox import urea_litres
from data_sources.sensing import channels, heard_assets, lowest
from data_sources.ships_minutes import PPM_HIGH, SHARES, judge_minute, judge_plants, mean_removal, rate_engine, sum_trip

ship = city.asset_table(  # state: moored | sailing
    "ship",
    sa.Column("operator", sa.String(96)),
    sa.Column("batch", sa.Integer),
    sa.Column("accepted", sa.String(16)),
    sa.Column("speed", sa.Float),  # kn
)
engine = city.asset_table(  # state: off → warmup → dosing → derated | bypass | fault → off
    "ship_engine",
    sa.Column("ship", sa.String(96)),
    sa.Column("under_way", sa.Integer),
    sa.Column("rated_kw", sa.Float),
    sa.Column("rated_rpm", sa.Float),
    sa.Column("tier", sa.Integer),  # as built
    sa.Column("limit_own", sa.Float),  # g/kWh
    sa.Column("limit_iii", sa.Float),
    sa.Column("synthetic", sa.SmallInteger),  # 1: made up for the demo city
)
trip = city.case_table(  # one engine on one sailing; state: under_way | done
    "ship_trip",
    *(sa.Column(name, sa.Float) for name in ("rated_kw", "rated_rpm", "hours", "load", "specific_in", "removal")),
    *(sa.Column(name, sa.Float) for name in ("made_kg", "abated_kg", *SHARES.values())),
    *(sa.Column(name, sa.Float) for name in ("hot_min", "dosed_min", "urea_l", "slip_max")),
)

_MINUTE = timedelta(minutes=1)


def _metric(key: str, zh: str, en: str, unit: str, high: float, decimals: int = 1, low: float = 0.0) -> city.Metric:
    return city.Metric(key=key, title=Text(zh, en), unit=unit, low=low, high=high, decimals=decimals, cadence=_MINUTE)


METRICS = (
    _metric("power", "轴功率", "Shaft power", "kW", 5000, 0),
    _metric("fuel", "燃油流量", "Fuel", "kg/h", 1500),
    _metric("nox_in", "进口氮氧化物", "NOx before", "ppm", PPM_HIGH, 0),
    _metric("nox_out", "出口氮氧化物", "NOx after", "ppm", PPM_HIGH, 0),
    _metric("o2", "排气含氧量", "Oxygen in exhaust", "%", 21),
    _metric("t_in", "反应器进口温度", "Catalyst inlet", "°C", 700, 0),
    _metric("urea", "尿素喷射量", "Urea dosed", "L/h", 200, 2),
    _metric("slip", "氨逃逸", "Ammonia slip", "ppm", 500),
    _metric("removal", "脱硝率", "NOx removed", "%", 100, 1, -100.0),
    _metric("specific", "出口比排放", "NOx per kWh", "g/kWh", 50, 2),
    _metric("limit_share", "占执行限值", "Share of limit", "%", 500, 0),
    _metric("undosed", "热态未喷", "Hot and undosed", "", 1, 0),
    _metric("dosing_t", "喷射时进口温度", "Inlet while dosing", "°C", 700, 0),
)
TANK = city.Metric(key="tank", title=Text("尿素箱液位", "Urea tank"), unit="%", low=0, high=105, decimals=0, cadence=10 * _MINUTE)

STEADY = city.Derived(
    metric=_metric("removal_mean", "十分钟脱硝率", "NOx removed, 10 min mean", "%", 100, 1, -100.0),
    method=Text(
        "近10分钟逐分钟脱硝率的平均，其间至少7分钟够热且测得", "Mean of the minutes of ten; at least seven of them hot and measured"
    ),
    inputs=("removal",),
    apply=mean_removal,
    back=10 * _MINUTE,
)

_RARELY = timedelta(hours=50)  # boxes write while engines run; two days without a sailing happen in high water
FEEDS = (
    city.Feed(key="ships", title=Text("游船台账", "Ships"), table=ship, versioned=False, late_after=10 * _MINUTE),
    city.Feed(
        key="engines",
        title=Text("机组台账", "Engines"),
        table=engine,
        clean=rate_engine,
        on_map=False,  # each stands where its ship does
        versioned=False,
        late_after=10 * _MINUTE,
    ),
    city.Feed(key="status", title=Text("尿素箱与心跳", "Urea tanks"), metrics=(TANK,), late_after=25 * _MINUTE),
    city.Feed(key="telemetry", title=Text("排放监测", "Exhaust telemetry"), metrics=METRICS, clean=judge_minute, late_after=_RARELY),
    city.Feed(key="trips", title=Text("航次排放", "Sailings"), table=trip, clean=sum_trip, versioned=False, late_after=_RARELY),
)


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

DOMAIN = city.Domain(
    key="ships",
    title=Text("游船尾气", "Tour ships"),
    department=Text("区交通局（海事）", "Transport bureau, maritime office"),
    vital="breath",
    feeds=FEEDS,
    kpis=KPIS,
    rules=RULES,
    derived=(STEADY,),
    asset_kinds={"ship": Text("游船", "Tour ship"), "engine": Text("主机", "Main engine")},
    states={
        "moored": Text("靠泊", "Moored"),
        "sailing": Text("航行", "Under way"),
        "off": Text("停机", "Off"),
        "warmup": Text("预热", "Warming up"),
        "dosing": Text("喷射", "Dosing"),
        "derated": Text("降效", "Derated"),
        "bypass": Text("旁通", "Bypassed"),
        "fault": Text("故障", "Faulty"),
        "under_way": Text("航行中", "Under way"),
        "done": Text("已完成", "Completed"),
    },
    resting_states=("off",),
    category_words={"sailing": Text("航次", "Sailing")},
)
