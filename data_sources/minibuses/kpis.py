"""Figures of the alley minibuses: whether they come when they should, whom they carry and whom they reach."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from dashboard import city
from dashboard.city import Text
from data_sources.limits import limit, parameter
from data_sources.minibuses.tables import cell, line_day, link, place, trip, vehicle, visit
from data_sources.transit import excess_wait, variation, wait_margin

REACH_M = parameter("minibuses.stop_coverage", "reach")  # "the last 500 metres": how far a stop reaches
ONLINE = timedelta(minutes=limit("minibuses.vehicle_silent", city.Level.BLUE))
FREQUENT = parameter("minibuses.excess_wait", "headway_max")
EARLY, LATE = parameter("minibuses.on_time", "early_max"), parameter("minibuses.on_time", "late_max")
CLOSE = parameter("minibuses.bunching", "headway_min")
OVERDUE = timedelta(minutes=parameter("minibuses.not_started", "late"))
HOUR = timedelta(hours=1)

_H, _PLANNED = visit.c.actual_min, visit.c.planned_min
_OFF = _H - _PLANNED
_OFTEN = sa.and_(visit.c.ratio.is_not(None), _PLANNED <= FREQUENT)
_SELDOM = sa.and_(visit.c.late_min.is_not(None), sa.or_(_PLANNED.is_(None), _PLANNED > FREQUENT))
_COMPARED = visit.c.ratio.is_not(None)
_ONE: sa.ColumnElement[Any] = sa.literal_column("1.0")
_ENDED = trip.c.state.in_(("done", "cancelled", "broken"))
_RIDERS = sa.func.coalesce(line_day.c.riders, 0)
WEEK = city.Window(days=7)
TODAY = city.Window(days=1)


def _of_visits(key: str, title: Text, unit: str, measure: city.Measure, formula: Text, **more: Any) -> city.Kpi:
    return city.Kpi(key=key, title=title, unit=unit, table=visit, measure=measure, formula=formula, at=visit.c.opened_at, over=WEEK, **more)


def _of_trips(key: str, title: Text, unit: str, measure: city.Measure, formula: Text, over: city.Window, **more: Any) -> city.Kpi:
    return city.Kpi(key=key, title=title, unit=unit, table=trip, measure=measure, formula=formula, at=trip.c.opened_at, over=over, **more)


def _served(kind: str, title: Text) -> city.Kpi:
    return city.Kpi(
        key=f"{kind}_served",
        title=title,
        unit="个" if kind == "community" else "家" if kind == "hospital" else "所",
        table=place,
        measure=city.count(sa.and_(place.c.kind == kind, place.c.walk_m <= REACH_M)),
        formula=Text(
            f"平地当量步行{REACH_M:g}米（坡与台阶按Tobler折算）内有小巷公交站的数目",
            f"Those with a minibus stop within a walk worth {REACH_M:g} m on the level, slopes and steps by Tobler",
        ),
        weight=0.5,
        decimals=0,
    )


WAIT = _of_visits(
    *("excess_wait", Text("超额候车时间", "Excess wait"), "min"),
    city.Measure(parts=(_H * _H, _H, _PLANNED * _PLANNED, _PLANNED), combine=excess_wait, where=_OFTEN),
    Text(
        f"近7日计划间隔不超过{FREQUENT:g}分钟的到站：Σh²/2Σh − ΣH²/2ΣH，h实际间隔，H计划间隔",
        f"7 days, scheduled headways up to {FREQUENT:g} min: Σh²/2Σh − ΣH²/2ΣH, h actual and H scheduled headways",
    ),
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
MARGIN = _of_visits(
    *("excess_wait_margin", Text("超额候车时间±（95%）", "Excess wait ± (95 %)"), "min"),
    city.Measure(parts=(_H, _H * _H, _H * _H * _H, _H * _H * _H * _H), combine=wait_margin, where=_OFTEN),
    Text(
        "超额候车时间95%置信区间的半宽：比值估计的delta法，各间隔视为独立",
        "Half the 95 % interval of the excess wait: delta method for a ratio, headways taken as independent",
    ),
    weight=0,
    decimals=2,
)
VARIATION = _of_visits(
    *("headway_variation", Text("间隔变异系数", "Headway variation"), ""),
    city.Measure(parts=(_ONE, _OFF, _OFF * _OFF, _PLANNED), combine=variation, where=_OFTEN),
    Text(
        f"近7日计划间隔不超过{FREQUENT:g}分钟的到站：σ(h−H)÷平均H；服务水平按TCQSM分A至F",
        f"7 days, scheduled headways up to {FREQUENT:g} min: σ(h−H) over mean H; TCQSM grades it A to F",
    ),
    weight=2,
    decimals=2,
)


def _of_kind(kind: str, zh: str, en: str) -> city.Kpi:
    return _of_trips(
        *(f"{kind}_trips", Text(f"{zh}今日计划班次", f"{en}: trips today"), "班", city.count(trip.c.category == kind)),
        Text(f"{zh}今日时刻表上的班次（单程）", f"Single trips of {en.lower()} in today's timetable"),
        TODAY,
        weight=0,
        decimals=0,
    )


KPIS = (
    WAIT,
    MARGIN,
    VARIATION,
    _of_visits(
        *("bunching", Text("串车比例", "Bunching"), "%"),
        city.share(sa.or_(visit.c.ratio <= BUNCHED, _H < CLOSE), _COMPARED, unwanted=True),
        Text(
            f"近7日实际间隔不足计划{BUNCHED:g}倍或不足{CLOSE:g}分钟的到站占比",
            f"Arrivals within {BUNCHED:g} of the scheduled headway or {CLOSE:g} min, 7 days",
        ),
        decimals=2,
    ),
    _of_visits(
        *("gaps", Text("大间隔比例", "Gaps"), "%", city.share(visit.c.ratio >= GAP, _COMPARED, unwanted=True)),
        Text(f"近7日实际间隔达到计划{GAP:g}倍的到站占比", f"Arrivals after {GAP:g} times the scheduled headway or more, 7 days"),
        decimals=2,
    ),
    _of_visits(
        *("on_time", Text("准点率", "On time"), "%", city.share(visit.c.late_min.between(-EARLY, LATE), _SELDOM)),
        Text(
            f"近7日计划间隔超过{FREQUENT:g}分钟的到站中，早不过{EARLY:g}、晚不过{LATE:g}分钟的占比",
            f"Of arrivals with scheduled headways over {FREQUENT:g} min, those from {EARLY:g} min early to {LATE:g} min late, 7 days",
        ),
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
    city.Kpi(
        key="riders_today",
        title=Text("今日客流", "Riders today"),
        unit="人次",
        table=line_day,
        measure=city.total(_RIDERS),
        formula=Text("今日各线路日报客流之和", "Boardings in the lines' reports of today"),
        at=line_day.c.opened_at,
        over=TODAY,
        weight=0,
        decimals=0,
    ),
    city.Kpi(
        key="riders_year",
        title=Text("年服务人次", "Riders, 12 months"),
        unit="人次",
        table=line_day,
        measure=city.total(_RIDERS),
        formula=Text("近365天各线路日报客流之和", "Boardings in the lines' daily reports of 365 days"),
        at=line_day.c.opened_at,
        over=city.Window(days=365),
        weight=0,
        decimals=0,
    ),
    _of_trips(
        *("trips_today", Text("今日完成班次", "Trips today"), "班", city.count(trip.c.state == "done")),
        Text("今日跑完全程的单程班次", "Single trips completed since midnight"),
        TODAY,
        weight=0,
        decimals=0,
    ),
    _of_kind("health", "就医专线", "Health line"),
    _of_kind("school", "通学专线", "School line"),
    _of_kind("tour", "观光专线", "Tour line"),
    city.Kpi(
        key="overdue",
        title=Text("逾时未发班次", "Overdue departures"),
        unit="班",
        table=trip,
        measure=city.count(sa.and_(trip.c.state == "planned", trip.c.opened_at < city.ago(OVERDUE), trip.c.opened_at >= city.ago(HOUR))),
        formula=Text(
            f"近一小时内过计划发车时间{OVERDUE.total_seconds() / 60:g}分钟仍未发的班次",
            f"Trips of the last hour not started {OVERDUE.total_seconds() / 60:g} minutes after they should have",
        ),
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
        formula=Text(
            f"平地当量步行{REACH_M:g}米（坡与台阶按Tobler折算）内有公交站的人口÷总人口",
            f"People with a stop within a walk worth {REACH_M:g} m on the level, slopes and steps by Tobler, over all people",
        ),
    ),
    _served("community", Text("覆盖社区", "Communities served")),
    _served("hospital", Text("覆盖医院", "Hospitals served")),
    _served("school", Text("覆盖学校", "Schools served")),
)
