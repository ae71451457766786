"""The demo department that runs the alley minibuses: registers and archives in its database, GTFS files beside it."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import sqlalchemy as sa

from data_sources.departments import happenings, minibus_feed, minibus_network, minibus_orders, minibus_schema
from data_sources.departments.building import Row, bulk_insert, local_text, replace_rows
from data_sources.departments.life import Department, Floats
from data_sources.departments.minibus_trips import DAY, OFFSET, all_rounds, day_rows, trip_rows, visit_rows

HISTORY = timedelta(days=396)
KEPT_TRIPS = timedelta(days=35)  # trips and arrivals; the daily reports stay
YEARLY_RIDERS = 2_000_000  # as published for a year
_SETTLED = timedelta(days=36)  # counts older than this are audited; trips of younger ones can still be added up
_DATE, _RIDERS = 2, 5  # where a daily report keeps them


def build(engine: sa.Engine, now: datetime, seed: int) -> None:
    """Make the schema and thirteen months of history."""
    minibus_schema.metadata.create_all(engine)
    end = now.timestamp()
    start = end - HISTORY.total_seconds()
    rounds = all_rounds(_days(start, end), seed)
    recent_from = end - KEPT_TRIPS.total_seconds()
    recent = all_rounds(_days(recent_from, end), seed)
    with engine.begin() as conn:
        _registers(conn, local_text(start))
        bulk_insert(conn, minibus_schema.daily, _audited([row for r in rounds for row in day_rows(r, start, end)], end))
        bulk_insert(conn, minibus_schema.trips, [row for r in recent for row in trip_rows(r, recent_from, end)])
        bulk_insert(conn, minibus_schema.visits, [row for r in recent for row in visit_rows(r, recent_from, end)])
        _thin(conn, end)
        happenings.begin(conn, end)
    place = minibus_feed.folder(engine)
    if place:
        minibus_feed.publish_timetable(place, now)
        minibus_feed.publish_messages(place, all_rounds(_days(end - DAY, end), seed), start, end, seed)


def live(engine: sa.Engine, since: datetime, until: datetime, seed: int) -> None:
    """Write what happened after `since` up to `until`."""
    start, end = since.timestamp(), until.timestamp()
    with engine.begin() as conn:
        asked = minibus_orders.asked_of(conn, start, end, seed)
        rounds = all_rounds(_days(start - DAY, end), seed, asked)
        minibus_orders.write_answers(conn, asked, rounds, start, end, seed)
        replace_rows(conn, minibus_schema.daily, [row for r in rounds for row in day_rows(r, start, end)])
        replace_rows(conn, minibus_schema.trips, [row for r in rounds for row in trip_rows(r, start, end)])
        replace_rows(conn, minibus_schema.visits, [row for r in rounds for row in visit_rows(r, start, end)])
        _thin(conn, end)
    place = minibus_feed.folder(engine)
    if place and place.exists():
        minibus_feed.publish_messages(place, rounds, start, end, seed)


def _thin(conn: sa.Connection, end: float) -> None:
    """Drop what this department does not keep."""
    for table, column, kept in (
        (minibus_schema.trips, minibus_schema.trips.c.计划发车, KEPT_TRIPS),
        (minibus_schema.visits, minibus_schema.visits.c.到站时间, KEPT_TRIPS),
    ):
        conn.execute(table.delete().where(column <= local_text(end - kept.total_seconds())))


def _days(since: float, until: float) -> Floats:
    """The first moments of the city days a stretch touches."""
    first, last = (np.floor((t + OFFSET) / DAY) for t in (since, until))
    return np.asarray(np.arange(first, last + 1) * DAY - OFFSET, dtype=np.float64)


def _registers(conn: sa.Connection, changed: str) -> None:
    for table, rows in (
        (minibus_schema.lines, minibus_network.line_rows(changed)),
        (minibus_schema.stops, minibus_network.stop_rows(changed)),
        (minibus_schema.places, minibus_network.place_rows(changed)),
        (minibus_schema.links, minibus_network.link_rows(changed)),
        (minibus_schema.cells, minibus_network.cell_rows(changed)),
    ):
        bulk_insert(conn, table, rows)


def _audited(reports: list[Row], end: float) -> list[Row]:
    """Older reports' riders, adjusted evenly so that the last twelve months come to what the operator reported for a year."""
    year = local_text((np.floor((end + OFFSET) / DAY) - 364) * DAY - OFFSET)[:10]
    settled = local_text(end - _SETTLED.total_seconds())[:10]
    counted = [i for i, row in enumerate(reports) if row[_DATE] >= year]
    adjustable = [i for i in counted if reports[i][_DATE] < settled]
    short = YEARLY_RIDERS - sum(reports[i][_RIDERS] for i in counted)
    audited = list(reports)
    for turn, i in enumerate(adjustable):
        # differences of a rounded running total: the even shares add up to the whole exactly
        extra = short * (turn + 1) // len(adjustable) - short * turn // len(adjustable)
        row = reports[i]
        audited[i] = (*row[:_RIDERS], max(row[_RIDERS] + extra, 0), *row[_RIDERS + 1 :])
    return audited


_PROVOKES = {minibus_orders.GAP: minibus_orders.provoke_gap}
DEPARTMENT = Department(key="minibuses", title="区交通局小巷公交", build=build, live=live, provokes=_PROVOKES)
