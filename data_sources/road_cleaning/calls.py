"""Calls of sweepers because of bad air: by when, how far they came, and what they did to PM10 against stations nobody swept near."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from dashboard import city
from dashboard.city import Text
from data_sources.air_tables import air_hour
from data_sources.limits import parameter
from data_sources.road_cleaning.tables import clean_trip, linkage, road_segment

RULE = "road_cleaning.dust"
LEVELS = ("blue", "yellow", "orange", "red")
WET = ("wash_sweep", "sprinkle", "flush", "mist")
BARRED = ("blocked_cold", "blocked_rain", "false_trigger")
_HOUR = 3_600_000_000
MONTH = city.Window(days=30)
WEEK = city.Window(days=7)
PROMISED = {step: {level: parameter(RULE, f"{step}_min", level) for level in LEVELS} for step in ("ack", "depart", "done")}  # minutes

LIMITS = {level: parameter(RULE, "pm10_1h", level) for level in LEVELS}  # µg/m³


def promise(row: city.Row) -> city.Row:
    """Add by when the work is due: the level's time, counted from the dispatch."""
    minutes, sent = PROMISED["done"].get(row.get("category") or ""), row.get("dispatched_at")
    return {**row, "due_at": sent + timedelta(minutes=minutes) if minutes and sent else None}


def _micros(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.type_coerce(column, sa.BigInteger)


def _within(column: sa.ColumnElement[Any], step: str) -> sa.ColumnElement[bool]:
    """Whether something happened within its level's minutes of the dispatch."""
    minutes = sa.case(*((linkage.c.category == level, int(PROMISED[step][level])) for level in LEVELS), else_=0)
    return sa.and_(column.is_not(None), _micros(column) - _micros(linkage.c.dispatched_at) <= minutes * 60_000_000)


_ASKED = sa.and_(linkage.c.state.not_in(BARRED), linkage.c.state != "triggered")
_DONE_IN_TIME = sa.and_(linkage.c.state == "done", _within(linkage.c.closed_at, "done"))
_ENDED = linkage.c.state.in_(("done", "short"))

# ---- what a call did to the air
_before, _after = air_hour.alias("hour_before"), air_hour.alias("hour_after")
_HOUR_BEFORE = (
    _micros(linkage.c.departed_at) // sa.literal_column(str(_HOUR), sa.BigInteger) * _HOUR
)  # the last whole hour before they left
_HOUR_AFTER = (_micros(linkage.c.closed_at) // sa.literal_column(str(_HOUR), sa.BigInteger) + 2) * _HOUR  # and the one two hours after
_VALID = ("valid", "below")
_wet = clean_trip.alias("wet_trip")
_SWEPT_THERE = sa.exists().where(
    _micros(_wet.c.closed_at) > _micros(_before.c.opened_at) - _HOUR,
    _micros(_wet.c.closed_at) <= _micros(_after.c.opened_at),
    _wet.c.street + "" == _before.c.street,  # found by time: of the two indexes the one that grows with the day, not with the years
    _wet.c.category.in_(WET),
)
_OWN = _before.c.asset_id == linkage.c.asset_id
_CONTROL = sa.and_(_before.c.street != linkage.c.street, sa.not_(_SWEPT_THERE))
swept = (
    sa.select(
        *(linkage.c[name] for name in ("case_id", "title", "asset_id", "street", "category", "closed_at")),
        sa.func.max(sa.case((_OWN, _before.c.pm10))).label("before"),
        sa.func.max(sa.case((_OWN, _after.c.pm10))).label("after"),
        sa.func.avg(sa.case((_CONTROL, _before.c.pm10))).label("control_before"),
        sa.func.avg(sa.case((_CONTROL, _after.c.pm10))).label("control_after"),
        sa.func.count(sa.case((_CONTROL, 1))).label("controls"),
    )
    .select_from(
        linkage.join(_before, _micros(_before.c.opened_at) == _HOUR_BEFORE).join(
            _after, sa.and_(_micros(_after.c.opened_at) == _HOUR_AFTER, _after.c.asset_id + "" == _before.c.asset_id)
        )
    )
    .where(_ENDED, _before.c.category.in_(_VALID), _after.c.category.in_(_VALID), _before.c.pm10 > 0, _after.c.pm10 > 0)
    .group_by(*(linkage.c[name] for name in ("case_id", "title", "asset_id", "street", "category", "closed_at")))
    .subquery("swept_for_dust")
)
EFFECT = 100.0 * (1.0 - swept.c.after / swept.c.before * swept.c.control_before / swept.c.control_after)
_COMPARED = sa.and_(swept.c.before.is_not(None), swept.c.controls > 0)

# ---- how far they came
_TRIP = (clean_trip.c.case_id, clean_trip.c.title, clean_trip.c.asset_id, clean_trip.c.street, clean_trip.c.closed_at)
treated = (
    sa.select(*_TRIP, clean_trip.c.linkage, clean_trip.c.km, (road_segment.c.area_m2 * clean_trip.c.covered / 100.0).label("area_m2"))
    .select_from(clean_trip.join(road_segment, road_segment.c.asset_id == clean_trip.c.asset_id))
    .where(clean_trip.c.cause == "linked", clean_trip.c.state.in_(("done", "short")))
    .subquery("treated_for_dust")
)
_REPEATS = int(parameter(RULE, "repeat_trips"))
repeated = (
    sa.select(clean_trip.c.asset_id, clean_trip.c.title, clean_trip.c.street, sa.func.count().label("trips"))
    .where(clean_trip.c.cause == "linked", clean_trip.c.state != "barred", clean_trip.c.opened_at > city.ago(timedelta(days=7)))
    .group_by(clean_trip.c.asset_id, clean_trip.c.title, clean_trip.c.street)
    .having(sa.func.count() >= _REPEATS)
    .subquery("called_again_and_again")
)
_CALLS, _TRIPS = ("road_cleaning.linkages",), ("road_cleaning.trips",)

CALL_KPIS = (
    city.Kpi(
        key="linkage_response",
        title=Text("联动响应率", "Calls answered in time"),
        unit="%",
        table=linkage,
        measure=city.share(_within(linkage.c.acked_at, "ack"), _ASKED),
        formula=Text(
            "近30日联动触发中，派单后按级别时限（15/10/5/5分钟）内接单的占比；漏派计未响应，低温、降雨中止与误触发不计",
            "Of 30 days' calls, accepted within the level's 15/10/5/5 minutes; those never sent count against it, barred ones do not",
        ),
        at=linkage.c.opened_at,
        over=MONTH,
        feeds=_CALLS,
        weight=2,
    ),
    city.Kpi(
        key="linkage_done",
        title=Text("联动按时完成率", "Calls done in time"),
        unit="%",
        table=linkage,
        measure=city.share(
            sa.and_(linkage.c.state == "done", _within(linkage.c.closed_at, "done")), sa.or_(_ENDED, linkage.c.state == "missed")
        ),
        formula=Text(
            "近30日已了结的联动工单中，轨迹达标且在时限（180/120/90/60分钟）内完成的占比；漏派计未完成",
            "Of 30 days' calls at an end, done with full tracks within 180/120/90/60 minutes; those never sent count against it",
        ),
        at=linkage.c.opened_at,
        over=MONTH,
        feeds=_CALLS,
        weight=1,
    ),
    city.Kpi(
        key="sweep_effect",
        title=Text("清扫降尘净效果", "Sweeping's own effect"),
        unit="%",
        table=swept,
        measure=city.mean(EFFECT, _COMPARED),
        formula=Text(
            "近30日联动作业：1−（完成后2小时内整点PM10÷出车前整点PM10）×（同期无湿式作业街道站点均值：前÷后），逐单取平均；无对照的不计",
            "30 days' calls: 1 − (PM10 of the hour within 2 h after ÷ before) × (at stations in streets nobody wetted: before ÷ after), "
            "mean of calls; without such stations a call is left out",
        ),
        at=swept.c.closed_at,
        over=MONTH,
        feeds=(*_CALLS, "road_cleaning.trips", "air.hours"),
        weight=0,
    ),
    city.Kpi(
        key="linkage_km",
        title=Text("联动作业里程", "Kilometres for calls"),
        unit="km",
        table=treated,
        measure=city.total(sa.func.coalesce(treated.c.km, 0.0)),
        formula=Text("近7日联动班次轨迹里程之和", "Kilometres tracked by trips made for calls, 7 days"),
        at=treated.c.closed_at,
        over=WEEK,
        feeds=_TRIPS,
        weight=0,
    ),
    city.Kpi(
        key="linkage_area",
        title=Text("联动作业面积", "Area treated for calls"),
        unit="m²",
        table=treated,
        measure=city.total(sa.func.coalesce(treated.c.area_m2, 0.0)),
        formula=Text("近7日联动班次路段面积×轨迹覆盖率之和", "Area of stretches times tracked share, trips made for calls, 7 days"),
        at=treated.c.closed_at,
        over=WEEK,
        feeds=_TRIPS,
        weight=0,
        decimals=0,
    ),
    city.Kpi(
        key="repeat_segments",
        title=Text("反复触发路段", "Stretches called again and again"),
        unit="段",
        table=repeated,
        measure=city.count(),
        formula=Text(f"近7日联动作业不少于{_REPEATS}次的路段数", f"Stretches with {_REPEATS} or more trips for calls in 7 days"),
        feeds=_TRIPS,
        weight=0,
        decimals=0,
    ),
)
