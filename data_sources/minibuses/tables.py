"""What is known of the alley minibuses: lines, stops, vehicles, trips and arrivals, and the places and people they reach."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from dashboard import city
from dashboard.city import Text
from data_sources.transit import level_metres, walk_minutes

line = city.asset_table("minibus_line", sa.Column("km", sa.Float), sa.Column("made_up", sa.Boolean))
stop = city.asset_table("minibus_stop")
vehicle = city.asset_table(
    "minibus_vehicle",
    sa.Column("line", sa.String(96)),
    sa.Column("trip", sa.String(96)),
    sa.Column("speed", sa.Float),
    sa.Column("occupancy", sa.Integer),  # GTFS-Realtime OccupancyStatus
)
trip = city.case_table(  # a single trip, due at its last stop; category: the kind of line
    "minibus_trip",
    sa.Column("vehicle", sa.String(16)),
    sa.Column("direction", sa.String(8)),
    sa.Column("started_at", city.UtcDateTime),
    sa.Column("riders", sa.Integer),
)
line_day = city.case_table("minibus_line_day", *(sa.Column(name, sa.Integer) for name in ("planned", "done", "riders")))
visit = city.case_table(  # an arrival at a timing point; category: the direction
    "minibus_visit",
    sa.Column("line", sa.String(96)),
    sa.Column("kind", sa.String(16)),  # of line
    sa.Column("before_at", city.UtcDateTime),  # the bus before came then
    sa.Column("before_due_at", city.UtcDateTime),  # the bus before should have come then
    *(sa.Column(name, sa.Float) for name in ("planned_min", "actual_min", "ratio", "late_min")),
)
_WALK = ("path_m", "climb_m", "walk_min", "walk_m")  # surveyed path and climb; minutes on foot; as far as that is on the level
place = city.asset_table("minibus_place", *(sa.Column(name, sa.Float) for name in _WALK))
link = city.asset_table("minibus_link", sa.Column("length_m", sa.Float), sa.Column("bus_lines", sa.Integer))
cell = city.asset_table("minibus_cell", sa.Column("people", sa.Float), *(sa.Column(name, sa.Float) for name in _WALK))


def compare_headway(row: city.Row) -> city.Row:
    """An arrival's headway, the scheduled one, how they compare, and how late it is. The first bus of a day has no headway."""
    came, due = row.get("opened_at"), row.get("due_at")
    actual, planned = _minutes(row.get("before_at"), came), _minutes(row.get("before_due_at"), due)
    row = {**row, "late_min": _minutes(due, came), "actual_min": None, "planned_min": None, "ratio": None}
    if actual is None or planned is None:
        return row
    if planned <= 0 or actual < 0:
        raise ValueError("前次到站晚于本次，间隔无从算起")
    return {**row, "actual_min": actual, "planned_min": planned, "ratio": actual / planned}


def _minutes(since: datetime | None, until: datetime | None) -> float | None:
    return (until - since).total_seconds() / 60 if since and until else None


def measure_walk(row: city.Row) -> city.Row:
    """A walk with its stairs: minutes there and back on the mean, and the level metres they are worth."""
    metres, climb = row.get("path_m"), row.get("climb_m")
    if metres is None or climb is None or metres < 0:
        raise ValueError("步行路径或爬升缺失或为负")
    return {**row, "walk_min": walk_minutes(metres, climb), "walk_m": level_metres(metres, climb)}


def settle_vehicle(row: city.Row) -> city.Row:
    """A vehicle with a trip is in service."""
    return {**row, "state": "in_service" if row.get("trip") else "idle"}


SPEED = city.Metric(key="speed", title=Text("车速", "Speed"), unit="km/h", low=0, high=100, cadence=timedelta(minutes=1))
OCCUPANCY = city.Metric(
    key="occupancy", title=Text("拥挤度", "Occupancy"), unit="级", low=0, high=8, decimals=0, cadence=timedelta(minutes=1)
)
OFF_LINE = city.Metric(
    key="off_line", title=Text("偏离线路", "Off the line"), unit="m", low=0, high=20_000, decimals=0, cadence=timedelta(minutes=1)
)
_EVERY = timedelta(minutes=20)  # the longest scheduled headway
HEADWAY_OUT = city.Metric(key="headway_out", title=Text("上行间隔比", "Headway ratio, out"), unit="×", low=0, decimals=2, cadence=_EVERY)
HEADWAY_BACK = city.Metric(key="headway_back", title=Text("下行间隔比", "Headway ratio, back"), unit="×", low=0, decimals=2, cadence=_EVERY)

_RARELY = timedelta(days=400)
FEEDS = (
    city.Feed(key="lines", title=Text("线路", "Lines"), table=line, late_after=_RARELY),
    city.Feed(key="stops", title=Text("站点", "Stops"), table=stop, late_after=_RARELY),
    city.Feed(
        key="vehicles",
        title=Text("车辆实时", "Vehicles"),
        table=vehicle,
        clean=settle_vehicle,
        versioned=False,
        late_after=timedelta(minutes=2),
    ),
    city.Feed(key="trips", title=Text("班次", "Trips"), table=trip, versioned=False, late_after=timedelta(hours=12)),
    city.Feed(key="line_days", title=Text("线路日报", "Daily reports"), table=line_day, versioned=False, late_after=timedelta(hours=30)),
    city.Feed(
        key="visits",
        title=Text("计时点到站", "Timing points"),
        table=visit,
        clean=compare_headway,
        versioned=False,
        late_after=timedelta(hours=11),
    ),
    city.Feed(key="places", title=Text("服务场所", "Places served"), table=place, clean=measure_walk, on_map=False, late_after=_RARELY),
    city.Feed(key="links", title=Text("可通行道路", "Roads buses can pass"), table=link, on_map=False, late_after=_RARELY),
    city.Feed(key="cells", title=Text("人口网格", "Population squares"), table=cell, clean=measure_walk, on_map=False, late_after=_RARELY),
    city.Feed(key="positions", title=Text("车辆定位", "Positions"), metrics=(SPEED, OCCUPANCY, OFF_LINE), late_after=timedelta(minutes=2)),
    city.Feed(key="headways", title=Text("行车间隔", "Headways"), metrics=(HEADWAY_OUT, HEADWAY_BACK), late_after=timedelta(hours=11)),
    city.receipts("minibuses"),
)
