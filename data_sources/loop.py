"""The Jiefangbei underground loop: whether vehicles can be placed, how the ring flows, who stands or comes the wrong way, where to park."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from dashboard import city
from dashboard.city import Text
from data_sources.limits import limit
from data_sources.loop_judged import STOPPED, WRONG_WAY, judge_arc, judge_count, place_event
from data_sources.loop_ring import arcs

arc = city.asset_table(
    "loop_arc",
    sa.Column("from_chainage", sa.String(16)),
    sa.Column("length_m", sa.Float),
    sa.Column("free_speed", sa.Float),  # km/h
    sa.Column("synthetic", sa.SmallInteger),  # 1: made up for the demo city
)
garage = city.asset_table(  # state: open | full | lost
    "loop_garage",
    sa.Column("spaces", sa.Integer),
    sa.Column("occupied", sa.Integer),
    sa.Column("chainage_m", sa.Float),
    sa.Column("synthetic", sa.SmallInteger),
)
event = city.case_table(  # on the main ring; asset: the arc it began on; state: going_on | closed
    "loop_event",
    sa.Column("device", sa.String(48)),
    *(sa.Column(name, sa.Float) for name in ("chainage_m", "chainage_end_m", "moved_m", "seconds")),
)
guidance = city.case_table(  # a garage's hour: drivers sent there and drivers who came
    "loop_guidance", sa.Column("guided", sa.Integer), sa.Column("arrived", sa.Integer)
)

_MINUTE = timedelta(minutes=1)
_COUNTED = timedelta(minutes=20)  # a garage's number is good for this long
_RARELY = timedelta(days=400)
_RING = tuple(a.id for a in arcs())


def _metric(key: str, zh: str, en: str, unit: str, high: float, decimals: int = 0, every: timedelta = _MINUTE) -> city.Metric:
    return city.Metric(key=key, title=Text(zh, en), unit=unit, low=0, high=high, decimals=decimals, cadence=every)


ARC_METRICS = (
    _metric("fixes_due", "应有定位", "Fixes due", "次/min", 60_000),
    _metric("availability", "定位可用率", "Fix availability", "%", 100, 1),
    _metric("error_p95", "定位误差P95", "Position error P95", "m", 500, 1),
    _metric("speed", "平均车速", "Mean speed", "km/h", 120),
    _metric("index", "畅通指数", "Flow index", "", 1, 2),
    _metric("transit", "弧段通过时间", "Transit time", "s", 7200),
    _metric("stopped", "最长停车", "Longest stop", "s", 86_400),
)
COUNT_METRICS = (
    _metric("occupied", "在场车辆", "Cars inside", "辆", 20_000, 0, 5 * _MINUTE),
    _metric("occupancy", "泊位占用率", "Occupancy", "%", 110, 0, 5 * _MINUTE),
)

FEEDS = (
    city.Feed(key="arcs", title=Text("环道弧段", "Arcs"), table=arc, late_after=_RARELY),
    city.Feed(
        key="minutes", title=Text("弧段分钟统计", "Arcs by the minute"), metrics=ARC_METRICS, clean=judge_arc, late_after=3 * _MINUTE
    ),
    city.Feed(key="garages", title=Text("接入车库", "Garages"), table=garage, versioned=False, late_after=15 * _MINUTE),
    city.Feed(key="counts", title=Text("车库在场", "Garage counts"), metrics=COUNT_METRICS, clean=judge_count, late_after=15 * _MINUTE),
    city.Feed(
        key="events",
        title=Text("环道事件", "Events"),
        table=event,
        personal=("device",),
        clean=place_event,
        versioned=False,
        late_after=timedelta(days=3),
    ),
    city.Feed(key="guidance", title=Text("停车诱导", "Guidance"), table=guidance, versioned=False, late_after=timedelta(hours=2)),
)


def _minutes(seconds: float | None, rows: float | None) -> float | None:
    return (seconds or 0.0) / rows / 60 if rows else None


def _in_minutes(seconds: float | None) -> float | None:
    return None if seconds is None else seconds / 60


_L = city.latest.c
SLOW = limit("loop.slow_arc", city.Level.BLUE)
LONG_STOP = limit("loop.stopped", city.Level.ORANGE)
FULL = limit("loop.garage_full", city.Level.YELLOW)


def _of_arcs(key: str, title: Text, unit: str, measure: city.Measure, formula: Text, **more: Any) -> city.Kpi:
    return city.Kpi(key=key, title=title, unit=unit, table=city.latest, measure=measure, formula=formula, feeds=("loop.minutes",), **more)


def _on_ring(metric: str) -> sa.ColumnElement[bool]:
    return sa.and_(_L.metric == metric, _L.asset_id.in_(_RING))


SLOW_ARCS = _of_arcs(
    *("slow_arcs", Text("缓行弧段占比", "Arcs that crawl"), "%"),
    city.Measure(
        parts=(sa.case((_L.value < SLOW, 1.0), else_=0.0), sa.literal_column("1.0")),
        combine=lambda slow, all_: 100 * (slow or 0.0) / all_ if all_ else None,
        where=_on_ring("speed"),
    ),
    Text(f"主环最新车速低于{SLOW:g} km/h的弧段÷主环弧段", f"Ring arcs whose newest speed is below {SLOW:g} km/h ÷ ring arcs"),
    weight=2,
    decimals=0,
    by_street=False,
)
_heard = garage.c.observed_at >= city.ago(_COUNTED)
_known = sa.and_(_heard, garage.c.state != "lost")
_long = sa.and_(event.c.category == STOPPED, event.c.seconds > LONG_STOP)


def _of_garages(key: str, title: Text, unit: str, measure: city.Measure, formula: Text, **more: Any) -> city.Kpi:
    return city.Kpi(key=key, title=title, unit=unit, table=garage, measure=measure, formula=formula, feeds=("loop.garages",), **more)


def _of_events(key: str, title: Text, unit: str, measure: city.Measure, formula: Text, days: int, **more: Any) -> city.Kpi:
    over = city.Window(days=days)
    return city.Kpi(key=key, title=title, unit=unit, table=event, measure=measure, formula=formula, at=event.c.opened_at, over=over, **more)


KPIS = (
    _of_arcs(
        *("availability", Text("定位可用率", "Fix availability"), "%", city.mean(_L.value, _L.metric == "availability")),
        Text(
            "各弧段最新一分钟实有÷应有定位（每车每2秒一次）的平均",
            "Mean over arcs of fixes got ÷ due (one per vehicle and 2 s), newest minute",
        ),
        weight=2,
    ),
    _of_arcs(
        *("worst_error", Text("最大定位误差P95", "Worst position error P95"), "m", city.largest(_L.value, _L.metric == "error_p95")),
        Text("各弧段最新一分钟误差第95百分位中最大者", "The largest newest 95th percentile of position error of all arcs"),
    ),
    _of_arcs(
        *("worst_index", Text("最低畅通指数", "Lowest flow index"), "", city.smallest(_L.value, _on_ring("index"))),
        Text("主环各弧段自由流时间÷实际通过时间中最小者", "The smallest free-flow time ÷ actual time of the ring's arcs"),
        decimals=2,
        by_street=False,
    ),
    SLOW_ARCS,
    _of_arcs(
        *("ring_time", Text("环行一周用时", "Once round"), "min"),
        city.Measure(parts=(_L.value,), combine=_in_minutes, where=_L.metric == "transit"),
        Text("主环各弧段最新平均通过时间之和", "Sum of the newest mean transit times of the ring's arcs"),
        weight=0,
    ),
    _of_events(
        *("long_stops", Text("今日异常停车", "Vehicles stopped today"), "起", city.count(_long)),
        Text(f"今日主环停车超过{LONG_STOP:g}秒的起数", f"Stops of more than {LONG_STOP:g} s on the main ring today"),
        1,
        weight=0,
        decimals=0,
    ),
    _of_events(
        *("stop_clearance", Text("停车排除用时", "Time to clear a stop"), "min"),
        city.Measure(
            parts=(event.c.seconds, sa.literal_column("1.0")), combine=_minutes, where=sa.and_(_long, event.c.closed_at.is_not(None))
        ),
        Text(
            f"近30天停车超过{LONG_STOP:g}秒且已排除者的平均历时", f"Mean duration of stops over {LONG_STOP:g} s that were cleared, 30 days"
        ),
        30,
        weight=0.5,
    ),
    _of_events(
        *("wrong_ways", Text("近30天逆行", "Wrong ways, 30 days"), "起", city.count(event.c.category == WRONG_WAY)),
        Text("近30天主环上桩号递减的车辆起数", "Vehicles on the ring whose chainage fell, 30 days"),
        30,
        weight=0,
        decimals=0,
    ),
    _of_garages(
        *("garages", Text("接入车库", "Garages connected"), "座", city.count()),
        Text("与环道连通的车库座数", "Garages with a mouth on the loop"),
        weight=0,
        decimals=0,
    ),
    _of_garages(
        *("spaces", Text("接入泊位", "Spaces connected"), "个", city.total(garage.c.spaces)),
        Text("接入车库的泊位总数", "Spaces of the garages connected"),
        weight=0,
        decimals=0,
    ),
    _of_garages(
        *("free_spaces", Text("空余泊位", "Spaces free"), "个", city.total(garage.c.spaces - garage.c.occupied, _known)),
        Text("20分钟内有数的车库泊位之和−在场车辆", "Spaces less cars inside, garages heard within 20 minutes"),
        weight=0,
        decimals=0,
    ),
    _of_garages(
        *("occupancy", Text("泊位占用率", "Occupancy"), "%", city.ratio(garage.c.occupied, garage.c.spaces, _known, percent=True)),
        Text("20分钟内有数的车库在场车辆÷泊位", "Cars inside ÷ spaces, garages heard within 20 minutes"),
        weight=0,
    ),
    _of_garages(
        *("full", Text("满位车库", "Garages full"), "座", city.count(sa.and_(_known, 100 * garage.c.occupied >= FULL * garage.c.spaces))),
        Text(f"占用率≥{FULL:g}%的车库座数", f"Garages at {FULL:g} % or more"),
        decimals=0,
    ),
    _of_garages(
        *("counters", Text("车库计数在线率", "Garage counters online"), "%", city.share(_known)),
        Text("20分钟内有数且未失联的车库÷接入车库", "Garages heard within 20 minutes and not lost ÷ garages connected"),
        weight=0.5,
    ),
    city.Kpi(
        key="guided",
        title=Text("诱导成功率", "Guidance success"),
        unit="%",
        table=guidance,
        measure=city.ratio(guidance.c.arrived, guidance.c.guided, percent=True),
        formula=Text("近7日到达所诱导车库的车辆÷被诱导车辆", "7 days: drivers who came to the garage they were sent to ÷ drivers sent"),
        at=guidance.c.opened_at,
        over=city.Window(days=7),
    ),
)


def _of_readings(key: str, title: Text, metric: str, unit: str, hold: int, **more: Any) -> city.AlertRule:
    return city.AlertRule(key=key, title=title, watches=city.Readings(metric=metric), hold=hold * _MINUTE, unit=unit, **more)


RULES = (
    _of_readings("stopped", Text("主环车辆停驻", "Vehicle stopped on the ring"), "stopped", "s", 0, clear_hold=_MINUTE),
    city.AlertRule(
        key="wrong_way",
        title=Text("主环车辆逆行", "Vehicle against the traffic"),
        watches=city.RowCount(
            table=event,
            by=event.c.asset_id,
            at=event.c.opened_at,
            over=timedelta(minutes=30),
            where=sa.and_(event.c.category == WRONG_WAY, event.c.closed_at.is_(None)),
        ),
        no_data="clear",
        unit="起",
    ),
    city.AlertRule(
        key="jam",
        title=Text("环道大面积缓行", "The ring crawls"),
        watches=city.KpiValues(kpi=SLOW_ARCS),
        hold=3 * _MINUTE,
        clear_hold=3 * _MINUTE,
        unit="%",
    ),
    _of_readings("slow_arc", Text("弧段缓行", "Arc crawls"), "speed", "km/h", 5, clear_hold=3 * _MINUTE),
    _of_readings("fixes_low", Text("定位可用率偏低", "Too few fixes"), "availability", "%", 5, clear_hold=3 * _MINUTE),
    _of_readings("error_high", Text("定位误差偏大", "Positions too rough"), "error_p95", "m", 10, clear_hold=5 * _MINUTE),
    _of_readings("garage_full", Text("车库满位", "Garage full"), "occupancy", "%", 10, clear_hold=10 * _MINUTE),
    city.AlertRule(
        key="silent",
        title=Text("弧段定位中断", "Arc silent"),
        watches=city.Absence(feed="loop.minutes", metric="fixes_due"),
        unit="min",
    ),
    city.AlertRule(
        key="counter_silent",
        title=Text("车库计数中断", "Garage counter silent"),
        watches=city.Absence(feed="loop.counts", metric="occupied"),
        unit="min",
    ),
)

DOMAIN = city.Domain(
    key="loop",
    title=Text("地下环道", "Underground loop"),
    department=Text("区交通局（停车）", "Transport bureau, parking"),
    vital="circulation",
    feeds=FEEDS,
    kpis=KPIS,
    rules=RULES,
    asset_kinds={"ring": Text("主环弧段", "Ring arc"), "link": Text("连接道", "Link"), "garage": Text("车库", "Garage")},
    states={
        **{"open": Text("开放", "Open"), "full": Text("满位", "Full"), "lost": Text("失联", "Lost")},
        **{"going_on": Text("进行中", "Going on"), "closed": Text("已结束", "Over")},
    },
    category_words={STOPPED: Text("异常停车", "Stopped"), WRONG_WAY: Text("逆行", "Wrong way"), "guidance": Text("诱导", "Guidance")},
)
