"""Road cleaning: stretches and who sweeps them, trips with their tracks, dust measured three ways, litter on the ground."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from dashboard import city
from dashboard.city import Text
from data_sources import dust_trigger
from data_sources.air_tables import air_hour, air_station, air_warning
from data_sources.road_cleaning.calls import CALL_KPIS, promise
from data_sources.road_cleaning.tables import clean_trip, dust_sample, dust_score, linkage, litter_check, road_segment, silt_run

TRACKED = 95.0  # percent of a stretch a trip's track must cover to count as done: what the words "trip done" mean here
QUICK_MINUTES = 5  # the rule of two fives: litter lies no longer than this


def weigh(row: city.Row) -> city.Row:
    """Residual dust per square metre."""
    if not row.get("area_m2"):
        raise ValueError("取样面积为空或为零：尘土残存量无从计算")
    return {**row, "dust": None if row.get("mass_g") is None else row["mass_g"] / row["area_m2"]}


def score_check(row: city.Row) -> city.Row:
    """Cleanliness of a stretch as found: dust costs up to 50 points, litter 30, stains 20."""
    needed = [row.get(name) for name in ("area_m2", "pieces", "pieces_allowed", "dust", "dust_allowed", "stain")]
    if any(value is None for value in needed) or not all((row["area_m2"], row["pieces_allowed"], row["dust_allowed"])):
        raise ValueError("检查记录不全：面积、件数、尘土、污渍及限值缺一不可")
    density = 1000.0 * row["pieces"] / row["area_m2"]
    dust = 50.0 * min(1.0, row["dust"] / row["dust_allowed"] / 2)
    litter = 30.0 * min(1.0, density / row["pieces_allowed"])
    return {**row, "density": density, "score": 100.0 - dust - litter - 20.0 * min(1.0, row["stain"] / 100)}


FEEDS = (
    city.Feed(key="segments", title=Text("道路路段", "Road stretches"), table=road_segment, late_after=timedelta(days=400)),
    city.Feed(key="trips", title=Text("作业班次", "Cleaning trips"), table=clean_trip, late_after=timedelta(hours=12), versioned=False),
    city.Feed(
        key="linkages",
        title=Text("联动工单", "Dust calls"),
        table=linkage,
        required=("asset_id", "category", "opened_at"),
        clean=promise,
        on_map=False,
        late_after=timedelta(days=400),
    ),
    city.Feed(key="dust", title=Text("尘土抽检", "Dust samples"), table=dust_sample, late_after=timedelta(hours=36), clean=weigh),
    city.Feed(key="silt", title=Text("走航积尘", "Silt drives"), table=silt_run, late_after=timedelta(days=9)),
    city.Feed(key="scores", title=Text("积尘评分", "Dust-load scores"), table=dust_score, late_after=timedelta(days=65)),
    city.Feed(key="checks", title=Text("保洁检查", "Litter checks"), table=litter_check, late_after=timedelta(hours=36), clean=score_check),
    city.receipts("road_cleaning"),
)

LATELY = timedelta(minutes=30)  # weather older than this says nothing about now
_WEATHER = ("temp", "rain_rate", "wind_speed", "wind_from")
_latest, _segment, _station = city.latest.c, road_segment.c, air_station.c
DUST_READS = {
    "stations": sa.select(_station.asset_id, _station.kind, _station.name, _station.street, _station.lon, _station.lat),
    "hours": sa.select(
        *(air_hour.c[name] for name in ("asset_id", "opened_at", "category", "pm10", "pm25", "aqi", "primary_pollutant"))
    ).where(air_hour.c.opened_at > city.ago(timedelta(hours=6))),
    "weather": sa.select(_latest.asset_id, _latest.metric, _latest.value).where(
        _latest.domain == "air", _latest.metric.in_(_WEATHER), _latest.quality == 0, _latest.ts > city.ago(LATELY)
    ),
    "warnings": sa.select(air_warning.c.category, air_warning.c.level).where(
        air_warning.c.opened_at <= city.ago(), sa.or_(air_warning.c.closed_at.is_(None), air_warning.c.closed_at > city.ago())
    ),
    "segments": sa.select(_segment.asset_id, _segment.road_grade, _segment.length_m, _segment.area_m2, _segment.lon, _segment.lat),
}

MONTH = city.Window(days=30)
TODAY = city.Window(days=1)
_ENDED = clean_trip.c.state.in_(("done", "short"))


def _flow(
    key: str, title: Text, unit: str, table: sa.Table, measure: city.Measure, formula: Text, over: city.Window, **more: Any
) -> city.Kpi:
    when = table.c.opened_at
    return city.Kpi(key=key, title=title, unit=unit, table=table, measure=measure, formula=formula, at=when, over=over, **more)


KPIS = (
    _flow(
        *("cleanliness", Text("道路洁净度", "Road cleanliness"), "分", litter_check, city.mean(litter_check.c.score)),
        Text(
            "近30日检查得分均值：100−尘土（至多50）−垃圾密度（至多30）−污渍（至多20）",
            "Mean score of 30 days' checks: 100 less dust (≤ 50), litter (≤ 30), stains (≤ 20)",
        ),
        MONTH,
        weight=3,
    ),
    _flow(
        *("residual_dust", Text("尘土残存量", "Residual dust"), "g/m²", dust_sample),
        city.ratio(sa.func.coalesce(dust_sample.c.mass_g, 0.0), dust_sample.c.area_m2, dust_sample.c.mass_g.is_not(None)),
        Text("以克论净：近30日各点尘重之和÷取样面积之和", "Weighed: dust over area of all points in 30 days"),
        MONTH,
        weight=2,
    ),
    _flow(
        *("dust_pass", Text("尘土合格率", "Dust pass rate"), "%", dust_sample),
        city.share(dust_sample.c.dust <= dust_sample.c.allowed, dust_sample.c.dust.is_not(None)),
        Text("近30日尘土残存量不超限值的点数占比", "Points within their limit, 30 days"),
        MONTH,
        weight=1,
    ),
    _flow(
        *("silt_load", Text("积尘负荷", "Silt load"), "g/m²", silt_run),
        city.ratio(silt_run.c.load * silt_run.c.length_m, silt_run.c.length_m),
        Text("近30日走航按里程加权均值，与尘土残存量不是一回事", "Kilometre-weighed mean of 30 days; residual dust is another thing"),
        MONTH,
        weight=1,
        decimals=2,
    ),
    _flow(
        *("dust_load_score", Text("积尘评分", "Dust-load score"), "分", dust_score, city.mean(dust_score.c.score)),
        Text("近62日内公布的各街道月度积尘评分均值，100为无尘", "Mean of streets' monthly scores out in 62 days; 100 is no dust"),
        city.Window(days=62),
        weight=0,
    ),
    city.Kpi(
        key="mechanised",
        title=Text("机械化清扫率", "Mechanised share"),
        unit="%",
        table=road_segment,
        measure=city.Measure(
            parts=(sa.case((road_segment.c.mechanised, road_segment.c.area_m2), else_=0.0), road_segment.c.area_m2),
            combine=lambda done, all_: 100.0 * (done or 0.0) / all_ if all_ else None,
            where=road_segment.c.mechanisable,
            lost=sa.not_(road_segment.c.mechanised),
        ),
        formula=Text("有机扫或洗扫计划的面积÷可机械化作业面积", "Area with a machine sweep in its plan over area machines can reach"),
    ),
    _flow(
        *("trips_done", Text("作业达标率", "Trips done"), "%", clean_trip),
        city.share(sa.and_(clean_trip.c.state == "done", clean_trip.c.covered >= TRACKED), _ENDED),
        Text(
            "近7日结束的班次中轨迹覆盖率≥95%的占比；雨天低温取消的不计",
            "Of trips ended in 7 days, those whose track covers ≥ 95 %; barred by rain or cold aside",
        ),
        city.Window(days=7),
        weight=2,
    ),
    _flow(
        *("trips_today", Text("今日作业班次", "Trips today"), "班", clean_trip, city.count(clean_trip.c.state == "done")),
        Text("今日已达标班次", "Trips done since midnight"),
        TODAY,
        weight=0,
        decimals=0,
    ),
    _flow(
        *("linked_today", Text("今日联动班次", "Dust-linked trips today"), "班", clean_trip),
        city.count(sa.and_(clean_trip.c.cause == "linked", clean_trip.c.state != "barred")),
        Text("今日因PM10偏高加派的清扫、洒水、雾炮班次", "Trips ordered since midnight because dust was high"),
        TODAY,
        weight=0,
        decimals=0,
    ),
    _flow(
        *("km_today", Text("今日作业里程", "Kilometres today"), "km", clean_trip, city.total(sa.func.coalesce(clean_trip.c.km, 0.0))),
        Text("今日已完成班次里程之和", "Kilometres of trips ended since midnight"),
        TODAY,
        weight=0,
    ),
    _flow(
        *("quick_litter", Text("垃圾落地清理及时率", "Litter gone in time"), "%", litter_check),
        city.share(litter_check.c.dwell_min <= QUICK_MINUTES, litter_check.c.dwell_min.is_not(None)),
        Text("近30日检查中垃圾停留不超5分钟的占比", "Checks where litter lay no longer than 5 minutes, 30 days"),
        MONTH,
        weight=1,
    ),
    *CALL_KPIS,
)
BY_KEY = {kpi.key: kpi for kpi in KPIS}

DOMAIN = city.Domain(
    key="road_cleaning",
    title=Text("道路保洁", "Road cleaning"),
    department=Text("区环卫事务中心", "Sanitation centre"),
    vital="breath",
    feeds=FEEDS,
    kpis=KPIS,
    rules=(
        city.AlertRule(
            key="dust",
            title=Text("空气预警联动清扫", "Sweepers called by bad air"),
            watches=city.Judged(reads=DUST_READS, judge=dust_trigger.judge),
            clear_hold=timedelta(minutes=30),  # a value on the line, or an hour late, does not call twice
            unit="级",
        ),
        city.AlertRule(
            key="dirty_street",
            title=Text("街道洁净度偏低", "Street not clean"),
            watches=city.KpiValues(kpi=BY_KEY["cleanliness"], each_street=True),
            hold=timedelta(hours=2),
            unit="分",
        ),
        city.AlertRule(
            key="trips_short",
            title=Text("作业达标率偏低", "Too few trips done"),
            watches=city.KpiValues(kpi=BY_KEY["trips_done"]),
            hold=timedelta(hours=1),
            unit="%",
        ),
        city.AlertRule(
            key="trips_silent",
            title=Text("作业班次断数", "Trips data stopped"),
            watches=city.Absence(feed="road_cleaning.trips"),
            no_data="alert",
            unit="min",
        ),
    ),
    asset_kinds={
        **{"main": Text("主干路", "Main road"), "secondary": Text("次干路", "Secondary road"), "branch": Text("支路", "Branch road")},
        **{"alley": Text("背街小巷", "Alley"), "pedestrian": Text("步行街", "Pedestrian street")},
    },
    states={
        **{"planned": Text("待执行", "Planned"), "running": Text("作业中", "Under way"), "done": Text("完成", "Done")},
        **{"short": Text("未达标", "Fell short"), "barred": Text("天气取消", "Barred by weather")},
        **{"triggered": Text("已触发", "Triggered"), "dispatched": Text("已派单", "Dispatched"), "acked": Text("已接单", "Accepted")},
        **{"rolling": Text("作业中", "Rolling"), "missed": Text("漏派", "Nobody sent"), "false_trigger": Text("误触发", "False trigger")},
        **{"blocked_cold": Text("低温中止", "Barred by cold"), "blocked_rain": Text("降雨中止", "Barred by rain")},
    },
    category_words={
        **{"sweep": Text("机扫", "Machine sweep"), "wash_sweep": Text("洗扫", "Wash and sweep"), "flush": Text("冲洗", "Flush")},
        **{"sprinkle": Text("洒水", "Sprinkle"), "mist": Text("雾炮", "Mist"), "manual": Text("普扫", "Sweep by hand")},
        **{"blue": Text("L1关注", "L1 watch"), "yellow": Text("L2", "L2"), "orange": Text("L3", "L3"), "red": Text("L4", "L4")},
        **{"carriageway": Text("车行道", "Carriageway"), "pavement": Text("人行道", "Pavement")},
    },
)
