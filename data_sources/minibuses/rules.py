"""Rules over the alley minibuses: silent, off the line, crowded, bunched, with gaps, or not started at all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from dashboard import city
from dashboard.city import Text
from data_sources.minibuses.gaps import READS, open_gaps
from data_sources.minibuses.kpis import HOUR, TRIPS_DONE, VARIATION
from data_sources.minibuses.tables import HEADWAY_BACK, HEADWAY_OUT, OCCUPANCY, OFF_LINE, SPEED, line, trip, vehicle

EVERY_DAY = ("alley", "health", "tour")  # kinds of line; school lines run their own days

_WAITING = {
    "planned": sa.select(trip.c.case_id, trip.c.asset_id, trip.c.title, trip.c.street, trip.c.lon, trip.c.lat, trip.c.opened_at)
    .where(trip.c.state == "planned", trip.c.opened_at < city.ago(), trip.c.opened_at >= city.ago(HOUR))
    .order_by(trip.c.opened_at),
    "heard": sa.select(sa.func.max(vehicle.c.observed_at).label("at")),
}


def late_starts(rows: Mapping[str, list[Any]], parameters: Mapping[str, float], now: datetime) -> list[city.Finding]:
    """Per line, the trips of the last hour that should have begun and have not, as far as buses were heard of."""
    patience = timedelta(minutes=parameters["late"])
    heard = next((row.at for row in rows["heard"]), None)
    if heard is None:
        return []
    now = min(now, heard)  # while positions are late, nobody can say that a trip did not begin
    waiting = defaultdict(list)
    for row in rows["planned"]:
        if now - row.opened_at >= patience:
            waiting[row.asset_id].append(row)
    return [_finding(code, late, patience) for code, late in waiting.items()]


def _finding(code: str, late: list[Any], patience: timedelta) -> city.Finding:
    first = late[0]
    return city.Finding(
        asset=code,
        at=first.opened_at + patience,
        value=float(len(late)),
        because=tuple((Text("未发班次", "Not started"), row.case_id) for row in late),
        name=first.title or code,
        street=first.street,
        lon=first.lon,
        lat=first.lat,
    )


def _headway_rules(metric: city.Metric, way: str, zh: str, en: str) -> tuple[city.AlertRule, city.AlertRule]:
    # no bus comes after the last one: what the last arrival said must not stand all night
    watches = city.Readings(metric=metric.key)
    gap = city.AlertRule(key=f"gap_{way}", title=Text(f"{zh}间隔过大", f"Gap, {en}"), watches=watches, no_data="clear", unit="×")
    bunched = city.AlertRule(key=f"bunched_{way}", title=Text(f"{zh}串车", f"Bunching, {en}"), watches=watches, no_data="clear", unit="×")
    return gap, bunched


def _idle(key: str, zh: str, en: str, kinds: tuple[str, ...], calendar: str) -> city.AlertRule:
    """A line that sends no bus while it should."""
    lines = sa.select(line.c.asset_id).where(line.c.kind.in_(kinds))
    watches = city.Missing(feed="minibuses.trips", of=lines, table=trip, by=trip.c.asset_id, at=trip.c.started_at)
    return city.AlertRule(key=key, title=Text(zh, en), watches=watches, calendar=calendar, unit="min")


RULES = (
    city.AlertRule(
        key="vehicle_silent",
        title=Text("车辆失联", "Vehicle silent"),
        watches=city.Absence(feed="minibuses.positions", metric=SPEED.key),
        unit="min",
    ),
    city.AlertRule(
        key="gap_open",
        title=Text("久候无车", "No bus for too long"),
        watches=city.Judged(reads=READS, judge=open_gaps),
        unit="×",
    ),
    *_headway_rules(HEADWAY_OUT, "out", "上行", "outbound"),
    *_headway_rules(HEADWAY_BACK, "back", "下行", "inbound"),
    city.AlertRule(
        key="off_line",
        title=Text("车辆偏离线路", "Vehicle off its line"),
        watches=city.Readings(metric=OFF_LINE.key),
        hold=timedelta(seconds=30),  # a single position may jump
        no_data="clear",
        unit="m",
    ),
    city.AlertRule(
        key="not_started",
        title=Text("班次逾时未发", "Trips not started"),
        watches=city.Judged(reads=_WAITING, judge=late_starts),
        unit="班",
    ),
    _idle("idle", "服务时段无车发出", "No bus sent in service hours", EVERY_DAY, "minibus_lines"),
    _idle("idle_school", "上下学时段无车发出", "No school bus sent before or after school", ("pupils",), "school_lines"),
    city.AlertRule(
        key="crowded",
        title=Text("车厢拥挤", "Vehicle crowded"),
        watches=city.Readings(metric=OCCUPANCY.key),
        hold=timedelta(minutes=3),
        no_data="clear",
        unit="级",
    ),
    city.AlertRule(
        key="irregular",
        title=Text("行车间隔不均", "Uneven headways"),
        watches=city.KpiValues(kpi=VARIATION),
        hold=timedelta(minutes=30),
        unit="",
    ),
    city.AlertRule(
        key="trips_short",
        title=Text("班次完成率偏低", "Too few trips completed"),
        watches=city.KpiValues(kpi=TRIPS_DONE),
        hold=timedelta(minutes=30),
        unit="%",
    ),
)
