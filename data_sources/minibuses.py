"""Alley minibuses: where they are, whether they come when they should, whom they carry and whom they reach."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from dashboard import city
from dashboard.city import Text
from data_sources.limits import limit

REACH_M = 500  # "the last 500 metres": how far a stop reaches
ONLINE = timedelta(minutes=3)

line = city.asset_table("minibus_line", sa.Column("km", sa.Float), sa.Column("made_up", sa.Boolean))
stop = city.asset_table("minibus_stop", sa.Column("line", sa.String(96)), sa.Column("timing_point", sa.Boolean))
vehicle = city.asset_table(
    "minibus_vehicle", sa.Column("line", sa.String(96)), sa.Column("speed", sa.Float), sa.Column("load_pct", sa.Float)
)
trip = city.case_table(
    "minibus_trip", sa.Column("vehicle", sa.String(16)), sa.Column("started_at", city.UtcDateTime), sa.Column("riders", sa.Integer)
)
line_day = city.case_table("minibus_line_day", *(sa.Column(name, sa.Integer) for name in ("planned", "done", "riders")))
visit = city.case_table(
    "minibus_visit",
    sa.Column("line", sa.String(96)),
    *(sa.Column(name, sa.Float) for name in ("planned_min", "actual_min", "ratio")),
)
place = city.asset_table("minibus_place", sa.Column("walk_m", sa.Float))
link = city.asset_table("minibus_link", sa.Column("length_m", sa.Float), sa.Column("bus_lines", sa.Integer))
cell = city.asset_table("minibus_cell", sa.Column("people", sa.Float), sa.Column("walk_m", sa.Float))


def compare_headway(row: city.Row) -> city.Row:
    """How a headway compares with the scheduled one."""
    planned, actual = row.get("planned_min"), row.get("actual_min")
    if not planned or actual is None or actual < 0:
        raise ValueError("计划间隔或实际间隔缺失、为零或为负")
    return {**row, "ratio": actual / planned}


SPEED = city.Metric(key="speed", title=Text("车速", "Speed"), unit="km/h", low=0, high=100, cadence=timedelta(minutes=1))
LOAD = city.Metric(key="load", title=Text("载客率", "Load"), unit="%", low=0, high=200, decimals=0, cadence=timedelta(minutes=1))
_EVERY = timedelta(minutes=20)  # the longest scheduled headway
HEADWAY_OUT = city.Metric(key="headway_out", title=Text("上行间隔比", "Headway ratio, out"), unit="×", low=0, decimals=2, cadence=_EVERY)
HEADWAY_BACK = city.Metric(key="headway_back", title=Text("下行间隔比", "Headway ratio, back"), unit="×", low=0, decimals=2, cadence=_EVERY)

_RARELY = timedelta(days=400)
FEEDS = (
    city.Feed(key="lines", title=Text("线路", "Lines"), table=line, late_after=_RARELY),
    city.Feed(key="stops", title=Text("站点", "Stops"), table=stop, late_after=_RARELY),
    city.Feed(key="vehicles", title=Text("车辆实时", "Vehicles"), table=vehicle, versioned=False, late_after=timedelta(minutes=2)),
    city.Feed(key="trips", title=Text("行车班次", "Trips"), table=trip, versioned=False, late_after=timedelta(hours=12)),
    city.Feed(key="line_days", title=Text("线路日报", "Daily reports"), table=line_day, versioned=False, late_after=timedelta(hours=30)),
    city.Feed(key="visits", title=Text("计时点到站", "Timing points"), table=visit, clean=compare_headway, late_after=timedelta(hours=11)),
    city.Feed(key="places", title=Text("服务场所", "Places served"), table=place, on_map=False, late_after=_RARELY),
    city.Feed(key="links", title=Text("可通行道路", "Roads buses can pass"), table=link, on_map=False, late_after=_RARELY),
    city.Feed(key="cells", title=Text("人口网格", "Population squares"), table=cell, on_map=False, late_after=_RARELY),
    city.Feed(key="positions", title=Text("车辆轨迹", "Positions"), metrics=(SPEED, LOAD), late_after=timedelta(minutes=2)),
    city.Feed(key="headways", title=Text("行车间隔", "Headways"), metrics=(HEADWAY_OUT, HEADWAY_BACK), late_after=timedelta(hours=11)),
)


def excess_wait(hh: float | None, h: float | None, planned_hh: float | None, planned_h: float | None) -> float | None:
    """Actual less scheduled mean wait, from sums of headways and of their squares."""
    if not h or not planned_h:
        return None
    return (hh or 0.0) / (2 * h) - (planned_hh or 0.0) / (2 * planned_h)


def variation(n: float | None, total: float | None, squares: float | None, planned: float | None) -> float | None:
    """Spread of headway deviations over the mean scheduled headway."""
    if not n or not planned:
        return None
    mean = (total or 0.0) / n
    return float(max((squares or 0.0) / n - mean * mean, 0.0) ** 0.5) / (planned / n)


_H, _PLANNED = visit.c.actual_min, visit.c.planned_min
_OFF = _H - _PLANNED
_ENDED = trip.c.state.in_(("done", "cancelled", "broken"))
_RIDERS = sa.func.coalesce(trip.c.riders, 0)
WEEK = city.Window(days=7)
TODAY = city.Window(days=1)


def _of_visits(key: str, title: Text, unit: str, measure: city.Measure, formula: Text, **more: Any) -> city.Kpi:
    return city.Kpi(
        key=key, title=title, unit=unit, table=visit, measure=measure, formula=formula, at=visit.c.opened_at, over=WEEK, **more
    )


def _of_trips(key: str, title: Text, unit: str, measure: city.Measure, formula: Text, over: city.Window, **more: Any) -> city.Kpi:
    return city.Kpi(key=key, title=title, unit=unit, table=trip, measure=measure, formula=formula, at=trip.c.opened_at, over=over, **more)


def _served(kind: str, title: Text) -> city.Kpi:
    return city.Kpi(
        key=f"{kind}_served",
        title=title,
        unit="个" if kind == "community" else "家" if kind == "hospital" else "所",
        table=place,
        measure=city.count(sa.and_(place.c.kind == kind, place.c.walk_m <= REACH_M)),
        formula=Text("步行500米（计台阶）内有小巷公交站的数目", "Those with a minibus stop within a 500 m walk, steps counted in"),
        weight=0.5,
        decimals=0,
    )


WAIT = _of_visits(
    *("excess_wait", Text("超额候车时间", "Excess wait"), "min"),
    city.Measure(parts=(_H * _H, _H, _PLANNED * _PLANNED, _PLANNED), combine=excess_wait),
    Text("近7日：Σh²/2Σh − ΣH²/2ΣH，h实际间隔，H计划间隔", "7 days: Σh²/2Σh − ΣH²/2ΣH, h actual and H scheduled headways"),
    weight=3,
    decimals=2,
)
BUNCHED = limit("minibuses.bunched_out", city.Level.BLUE)
GAP = limit("minibuses.gap_out", city.Level.BLUE)
TRIPS_DONE = _of_trips(
    *("trips_done", Text("班次完成率", "Trips completed"), "%", city.share(trip.c.state == "done", _ENDED)),
    Text("近7日应已结束的班次中跑完全程的占比", "Of trips due to have ended in 7 days, those run to the end"),
    WEEK,
    weight=2,
    decimals=2,
)
KPIS = (
    WAIT,
    _of_visits(
        *("headway_variation", Text("间隔变异系数", "Headway variation"), ""),
        city.Measure(parts=(sa.literal_column("1.0"), _OFF, _OFF * _OFF, _PLANNED), combine=variation),
        Text("近7日：σ(h−H)÷平均H", "7 days: σ(h−H) over mean H"),
        weight=2,
        decimals=2,
    ),
    _of_visits(
        *("bunching", Text("串车比例", "Bunching"), "%", city.share(visit.c.ratio <= BUNCHED, unwanted=True)),
        Text(f"近7日实际间隔不足计划{BUNCHED:g}倍的到站占比", f"Arrivals within {BUNCHED:g} of the scheduled headway, 7 days"),
        decimals=2,
    ),
    _of_visits(
        *("gaps", Text("大间隔比例", "Gaps"), "%", city.share(visit.c.ratio >= GAP, unwanted=True)),
        Text(f"近7日实际间隔达到计划{GAP:g}倍的到站占比", f"Arrivals after {GAP:g} times the scheduled headway or more, 7 days"),
        decimals=2,
    ),
    TRIPS_DONE,
    city.Kpi(
        key="vehicles_online",
        title=Text("车辆在线率", "Vehicles online"),
        unit="%",
        table=vehicle,
        measure=city.share(vehicle.c.observed_at >= city.ago(ONLINE)),
        formula=Text("3分钟内有定位的车辆÷全部车辆", "Vehicles heard from within 3 minutes over all"),
        by_street=False,
    ),
    city.Kpi(
        key="in_service",
        title=Text("运营车辆", "Vehicles in service"),
        unit="辆",
        table=vehicle,
        measure=city.count(vehicle.c.state == "in_service"),
        formula=Text("正在线路上载客运行的车辆", "Vehicles running a trip now"),
        weight=0,
        decimals=0,
    ),
    _of_trips(
        *("riders_today", Text("今日客流", "Riders today"), "人次", city.total(_RIDERS)),
        Text("今日已完成班次的上车人次", "Boardings of trips completed since midnight"),
        TODAY,
        weight=0,
        decimals=0,
    ),
    city.Kpi(
        key="riders_year",
        title=Text("年服务人次", "Riders, 12 months"),
        unit="人次",
        table=line_day,
        measure=city.total(sa.func.coalesce(line_day.c.riders, 0)),
        formula=Text("近365天各线路日报客流之和", "Boardings in the lines' daily reports of 365 days"),
        at=line_day.c.opened_at,
        over=city.Window(days=365),
        weight=0,
        decimals=0,
    ),
    _of_trips(
        *("trips_today", Text("今日完成班次", "Trips today"), "班", city.count(trip.c.state == "done")),
        Text("今日跑完全程的圈次", "Rounds completed since midnight"),
        TODAY,
        weight=0,
        decimals=0,
    ),
    _of_trips(
        *("overdue", Text("逾时未发班次", "Overdue departures"), "班", city.count(trip.c.state == "overdue")),
        Text("今日过计划发车时间5分钟仍未发的班次", "Today's trips not started 5 minutes after they should have"),
        TODAY,
        weight=0,
        decimals=0,
    ),
    city.Kpi(
        key="network_coverage",
        title=Text("线网覆盖率", "Network coverage"),
        unit="%",
        table=link,
        measure=city.ratio(sa.case((link.c.bus_lines > 0, link.c.length_m), else_=0.0), link.c.length_m, percent=True),
        formula=Text("有公交线路的道路长度÷公交可通行道路长度", "Road length with a bus line over road length buses can pass"),
    ),
    city.Kpi(
        key="stop_coverage",
        title=Text("站点500米覆盖率", "Stop coverage, 500 m"),
        unit="%",
        table=cell,
        measure=city.ratio(sa.case((cell.c.walk_m <= REACH_M, cell.c.people), else_=0.0), cell.c.people, percent=True),
        formula=Text("步行500米（计台阶）内有公交站的人口÷总人口", "People with a stop within a 500 m walk over all people"),
    ),
    _served("community", Text("覆盖社区", "Communities served")),
    _served("hospital", Text("覆盖医院", "Hospitals served")),
    _served("school", Text("覆盖学校", "Schools served")),
)


def _headway_rules(metric: city.Metric, way: str, zh: str, en: str) -> tuple[city.AlertRule, city.AlertRule]:
    # no bus comes after the last one: what the last arrival said must not stand all night
    watches = city.Readings(metric=metric.key)
    gap = city.AlertRule(key=f"gap_{way}", title=Text(f"{zh}间隔过大", f"Gap, {en}"), watches=watches, no_data="clear", unit="×")
    bunched = city.AlertRule(key=f"bunched_{way}", title=Text(f"{zh}串车", f"Bunching, {en}"), watches=watches, no_data="clear", unit="×")
    return gap, bunched


RULES = (
    city.AlertRule(
        key="vehicle_silent",
        title=Text("车辆失联", "Vehicle silent"),
        watches=city.Absence(feed="minibuses.positions", metric=SPEED.key),
        unit="min",
    ),
    *_headway_rules(HEADWAY_OUT, "out", "上行", "outbound"),
    *_headway_rules(HEADWAY_BACK, "back", "下行", "inbound"),
    city.AlertRule(
        key="not_started",
        title=Text("班次逾时未发", "Trips not started"),
        watches=city.RowCount(
            table=trip, by=trip.c.asset_id, at=trip.c.opened_at, over=timedelta(minutes=60), where=trip.c.state == "overdue"
        ),
        no_data="clear",
        unit="班",
    ),
    city.AlertRule(
        key="crowded",
        title=Text("车厢拥挤", "Vehicle crowded"),
        watches=city.Readings(metric=LOAD.key),
        hold=timedelta(minutes=3),
        no_data="clear",
        unit="%",
    ),
    city.AlertRule(
        key="trips_short",
        title=Text("班次完成率偏低", "Too few trips completed"),
        watches=city.KpiValues(kpi=TRIPS_DONE),
        hold=timedelta(minutes=30),
        unit="%",
    ),
)

DOMAIN = city.Domain(
    key="minibuses",
    title=Text("小巷公交", "Alley minibuses"),
    department=Text("区交通局", "Transport bureau"),
    vital="circulation",
    feeds=FEEDS,
    kpis=KPIS,
    rules=RULES,
    asset_kinds={
        **{"line": Text("线路", "Line"), "stop": Text("站点", "Stop"), "vehicle": Text("车辆", "Vehicle"), "link": Text("道路", "Road")},
        **{"community": Text("社区", "Community"), "hospital": Text("医院", "Hospital"), "school": Text("学校", "School")},
        "cell": Text("人口网格", "Population square"),
    },
    states={
        **{"in_service": Text("运营", "In service"), "waiting": Text("待发", "Waiting"), "charging": Text("充电", "Charging")},
        **{"planned": Text("计划", "Planned"), "running": Text("运行", "Running"), "done": Text("完成", "Completed")},
        **{"cancelled": Text("取消", "Cancelled"), "broken": Text("中断", "Interrupted"), "overdue": Text("逾时未发", "Overdue")},
    },
    category_words={"out": Text("上行", "Outbound"), "back": Text("下行", "Inbound"), "round": Text("整圈", "Round")},
)
