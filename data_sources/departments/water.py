"""The demo department of rivers and drainage: levels, rain, roads under water, warnings and answers, water quality and outfalls."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import numpy as np
import sqlalchemy as sa

from data_sources.departments import water_events as events
from data_sources.departments import water_places as places
from data_sources.departments import water_schema as schema
from data_sources.departments.building import Row, add_rows, bulk_insert, local_text, replace_rows
from data_sources.departments.life import Department
from data_sources.departments.sensors_shapes import DAY, HOUR
from data_sources.departments.water_rows import DEPTHS, LEVELS, QUALITY, RAIN, Series, corrected_rows, sample_rows

HISTORY_S = 395 * DAY
SILENT_FOR_S = 3 * DAY
KEPT_S = 28 * DAY  # of five-minute readings; older ones by the hour
Write = Callable[[sa.Connection, sa.Table, list[Row]], None]


def build(engine: sa.Engine, now: datetime, seed: int) -> None:
    """Make the schema and thirteen months of history."""
    schema.metadata.create_all(engine)
    end = float(np.floor(now.timestamp()))
    start = end - HISTORY_S
    with engine.begin() as conn:
        _registers(conn, local_text(start), seed, end)
        for series in (LEVELS, RAIN, DEPTHS, QUALITY):
            _history(conn, series, seed, start, end)
        replace_rows(conn, schema.levels, corrected_rows(seed, end - KEPT_S, end))
        _write_events(conn, seed, start, end, bulk_insert)


def live(engine: sa.Engine, since: datetime, until: datetime, seed: int) -> None:
    """Write what happened after `since` up to `until`."""
    start, end = since.timestamp(), until.timestamp()
    with engine.begin() as conn:
        for series in (LEVELS, RAIN, DEPTHS, QUALITY):
            add_rows(conn, series.table, series.rows(seed, start, end))
        if end // 60 > start // 60:  # everything below happens on whole minutes
            replace_rows(conn, schema.levels, corrected_rows(seed, start, end))
            _write_events(conn, seed, start, end, replace_rows)
            _move_outfalls(conn, seed, start, end)
        for hour in range(int(start // HOUR) + 1, int(end // HOUR) + 1):
            _thin(conn, hour * HOUR)


def _history(conn: sa.Connection, series: Series, seed: int, start: float, end: float) -> None:
    recent = max(start, np.floor((end - KEPT_S) / HOUR) * HOUR)
    if series.thinned:
        bulk_insert(conn, series.table, series.rows(seed, start, recent, hourly=True))
        bulk_insert(conn, series.table, series.rows(seed, recent, end))
    else:
        bulk_insert(conn, series.table, series.rows(seed, recent if series.short_lived else start, end))
    if series.silent:
        bulk_insert(conn, series.table, series.rows(seed, recent, end - SILENT_FOR_S, among=series.silent))


def _thin(conn: sa.Connection, hour: float) -> None:
    """Leave one reading an hour of what is now four weeks old; of depths and rain nothing."""
    old = hour - KEPT_S
    for series in (LEVELS, RAIN, DEPTHS):
        came = series.table.c["入库时间"]
        gone = [came >= local_text(old - HOUR), came < local_text(old)]
        if series.thinned:
            gone.append(sa.func.substr(series.table.c["观测时间"], 15, 2) != "00")
        conn.execute(series.table.delete().where(*gone))


def _registers(conn: sa.Connection, changed: str, seed: int, end: float) -> None:
    for table, rows in (
        (schema.gauges, places.gauge_rows(changed)),
        (schema.rain_gauges, places.rain_gauge_rows(changed)),
        (schema.spots, places.spot_rows(changed)),
        (schema.responders, places.responder_rows(changed)),
        (schema.sections, places.section_rows(changed)),
        (schema.outfalls, _outfall_rows(seed, end)),
    ):
        bulk_insert(conn, table, rows)


def _outfall_rows(seed: int, end: float) -> list[Row]:
    checked = [local_text(at) for at in events.last_checks(seed, end)]
    return [(*place, at, places.MADE_UP, at) for place, at in zip(places.outfall_places(), checked, strict=True)]


def _move_outfalls(conn: sa.Connection, seed: int, since: float, until: float) -> None:
    """The register shows when each outfall was last inspected."""
    outfalls = schema.outfalls
    for i, (before, after) in enumerate(zip(events.last_checks(seed, since), events.last_checks(seed, until), strict=True), 1):
        if after > before:
            stamp = local_text(after)
            conn.execute(outfalls.update().where(outfalls.c.排口编号 == f"PK{i:02d}").values(最近巡查=stamp, 更新时间=stamp))


def _write_events(conn: sa.Connection, seed: int, since: float, until: float, write: Write) -> None:
    warned = events.warnings_between(seed, since, until)
    write(conn, schema.ponding, events.ponding_rows(seed, since, until))
    write(conn, schema.warnings, events.warning_rows(warned, since, until))
    write(conn, schema.callouts, events.callout_rows(seed, warned, since, until))
    write(conn, schema.patrols, events.patrol_rows(seed, warned, since, until))
    write(conn, schema.samples, sample_rows(seed, since, until))
    write(conn, schema.outfall_checks, events.check_rows(seed, since, until))


DEPARTMENT = Department(key="water", title="水环境与内涝库", build=build, live=live)
