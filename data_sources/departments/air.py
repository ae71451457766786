"""The demo department of environment and sanitation: air by the hour and by five minutes, roads and the work of keeping them clean."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa

from data_sources.departments import air_orders, air_roads, air_schema, happenings
from data_sources.departments.air_cleaning import DAY, call_rows, check_rows, dust_rows, scores, silt_rows, trip_rows
from data_sources.departments.air_hours import five_minutes, hourly, weather
from data_sources.departments.air_life import STATIONS, Station, eight_hour_peaks
from data_sources.departments.air_linkage import UNASKED, Asked, raised_from
from data_sources.departments.air_warnings import warning_rows
from data_sources.departments.building import Row, bulk_insert, local_text, local_texts, replace_rows
from data_sources.departments.life import STREETS, ZONE, Department, Floats, grid, noise
from data_sources.departments.orders import answer

_OFFSET = 8 * 3600.0
_FLAGS = 690  # noise streams of this file
HISTORY = timedelta(days=396)
KEPT_FIVE_MINUTES = timedelta(days=14)
KEPT_TRIPS = timedelta(days=35)
WARNINGS_KEPT = timedelta(days=3 * 365)
GASES = ("so2", "no2", "co", "o3")
DASH = "—"
Truths = np.ndarray[Any, np.dtype[np.bool_]]


def build(engine: sa.Engine, now: datetime, seed: int) -> None:
    """Make the schema and thirteen months of history."""
    air_schema.metadata.create_all(engine)
    start, end = (now - HISTORY).timestamp(), now.timestamp()
    with engine.begin() as conn:
        _registers(conn, end)
        for station in STATIONS:
            bulk_insert(conn, air_schema.hours, hour_rows(station, start, end, seed))
            bulk_insert(conn, air_schema.current, current_rows(station, end, seed))
            bulk_insert(conn, air_schema.days, day_rows(station, start, end, seed))
            if station.is_micro:
                bulk_insert(conn, air_schema.five_minutes, five_minute_rows(station, end - KEPT_FIVE_MINUTES.total_seconds(), end, seed))
            else:
                bulk_insert(conn, air_schema.weather, weather_rows(station, end - KEPT_FIVE_MINUTES.total_seconds(), end, seed))
        bulk_insert(conn, air_schema.warnings, warning_rows(end - WARNINGS_KEPT.total_seconds(), end, seed))
        _write_work(conn, start, end, seed, bulk_insert, UNASKED)
        happenings.begin(conn, end)


def live(engine: sa.Engine, since: datetime, until: datetime, seed: int) -> None:
    """Write what happened after `since` up to `until`."""
    start, end = since.timestamp(), until.timestamp()
    with engine.begin() as conn:
        asked, receipts = air_orders.asked_of(conn, start, end, seed)
        for station in STATIONS:
            fresh = hour_rows(station, start, end, seed, asked)
            if fresh:
                replace_rows(conn, air_schema.hours, fresh)
                replace_rows(conn, air_schema.current, current_rows(station, end, seed, asked))
            replace_rows(conn, air_schema.days, day_rows(station, start, end, seed, asked))
            if station.is_micro:
                replace_rows(conn, air_schema.five_minutes, five_minute_rows(station, start, end, seed, asked))
            else:
                replace_rows(conn, air_schema.weather, weather_rows(station, start, end, seed))
        replace_rows(conn, air_schema.warnings, warning_rows(start, end, seed))
        _write_work(conn, start, end, seed, replace_rows, asked)
        answer(conn, air_orders.BOX, receipts, start, end)
        _thin(conn, end)


def _thin(conn: sa.Connection, end: float) -> None:
    """Drop what this department does not keep."""
    for table, column, kept in (
        (air_schema.five_minutes, air_schema.five_minutes.c.时间, KEPT_FIVE_MINUTES),
        (air_schema.weather, air_schema.weather.c.时间, KEPT_FIVE_MINUTES),
        (air_schema.trips, air_schema.trips.c.更新时间, KEPT_TRIPS),
        (air_schema.calls, air_schema.calls.c.更新时间, KEPT_TRIPS),
    ):
        conn.execute(table.delete().where(column <= local_text(end - kept.total_seconds())))


def _registers(conn: sa.Connection, end: float) -> None:
    made = [(s.code, s.name, s.kind, s.lon, s.lat, s.street, f"{s.inlet_m}m") for s in STATIONS]
    bulk_insert(conn, air_schema.stations, made)
    bulk_insert(conn, air_schema.segments, air_roads.segment_rows(local_text(end - HISTORY.total_seconds())))
    bulk_insert(conn, air_schema.plans, air_roads.plan_rows())


def hour_rows(station: Station, since: float, until: float, seed: int, asked: Asked = UNASKED) -> list[Row]:
    """Hours that came in, or were corrected, after `since`; as they stand at `until`.

    A few come hours late; a few are first marked over-limit and corrected the next morning: the pull must take both.
    """
    ends = np.arange(np.floor((since - 2 * DAY) / 3600) + 1, np.floor(until / 3600) + 1) * 3600.0
    ticks = (ends // 3600).astype(np.int64) * 100 + station.number
    luck = noise(seed, _FLAGS, ticks)
    came = ends + 240 + 300 * noise(seed, _FLAGS + 1, ticks) + np.where(luck > 0.995, 3 * 3600.0, 0.0)
    doubted = (luck > 0.006) & (luck < 0.010)
    settled = np.floor((ends + _OFFSET) / DAY + 1) * DAY - _OFFSET + 10 * 3600
    corrected = doubted & (settled <= until)
    changed = _sent_anew(station, ends, np.where(corrected, settled, came), until, asked)
    keep = (came <= until) & (changed > since) & (ends > until - HISTORY.total_seconds())
    kinds = np.select([luck < 0.004, luck < 0.006, doubted & ~corrected, _calibrating(ends, station)], [1, 2, 3, 4], 0)
    return _hour_texts(station, ends[keep], ["NDMLC"[kind] for kind in kinds[keep].tolist()], changed[keep], seed, asked)


def _calibrating(ends: Floats, station: Station) -> Truths:
    """Zero and span are checked in one hour of one night a week."""
    local = ends + _OFFSET
    return np.asarray((local % (7 * DAY) == (station.number % 7) * DAY + 4 * 3600) & (not station.is_micro))


def _sent_anew(station: Station, ends: Floats, changed: Floats, until: float, asked: Asked) -> Floats:
    """Hours in which dust was raised are told of again where they were out before anybody knew."""
    for dust in asked.dust:
        if dust.subject == station.code and dust.at <= until:
            changed = np.where(ends > raised_from(dust), np.maximum(changed, dust.at), changed)
    return changed


def _hour_texts(station: Station, ends: Floats, flags: list[str], changed: Floats, seed: int, asked: Asked) -> list[Row]:
    if not len(ends):
        return []
    found = hourly(ends, station, seed, asked)
    doubt = np.array([1.7 if flag == "L" else 1.0 for flag in flags])
    columns = [[f"{v:.0f}" for v in (found[p] * doubt).tolist()] if p in found else [""] * len(ends) for p in ("pm2_5", "pm10", *GASES)]
    times = local_texts(ends)
    rows = zip(times, *columns, flags, local_texts(changed), strict=True)
    return [_hour_row(station, row) for row in rows]


def _hour_row(station: Station, row: tuple[str, ...]) -> Row:
    time, *values, flag, changed = row
    if flag in "DMC":  # nothing measured: some loggers leave it empty, some write a dash
        values = ["" if flag == "D" else DASH for _ in values]
    return (f"{station.code}{time[:13].replace('-', '').replace(' ', '')}", station.code, time, *values, flag, changed)


def current_rows(station: Station, until: float, seed: int, asked: Asked = UNASKED) -> list[Row]:
    """The newest hour that has come in."""
    seen = hour_rows(station, until - 8 * 3600, until, seed, asked)
    newest = max(seen, key=lambda row: str(row[2]), default=None)
    return [] if newest is None else [newest[1:]]


def day_rows(station: Station, since: float, until: float, seed: int, asked: Asked = UNASKED) -> list[Row]:
    """Daily reports, out at ten the next morning. Micro-stations have none."""
    if station.is_micro:
        return []
    first, last = (int(np.floor((t - 10 * 3600 + _OFFSET) / DAY)) for t in (since, until))
    starts = np.asarray(np.arange(first, last) * DAY - _OFFSET, dtype=np.float64)
    if not len(starts):
        return []
    ends = starts[:, None] + np.arange(1, 25) * 3600.0
    found = {p: v.reshape(ends.shape) for p, v in hourly(ends.ravel(), station, seed, asked).items()}
    valid = noise(seed, _FLAGS, (ends.ravel() // 3600).astype(np.int64) * 100 + station.number).reshape(ends.shape) >= 0.006
    valid = valid & ~_calibrating(ends, station)
    means = {p: (v * valid).sum(axis=1) / np.maximum(valid.sum(axis=1), 1) for p, v in found.items()}
    means["co"] = means["co"] / 1000.0
    columns = [[f"{v:.1f}" if p == "co" else f"{v:.0f}" for v in means[p].tolist()] for p in ("pm2_5", "pm10", "so2", "no2", "co")]
    peaks = [f"{v:.0f}" for v in eight_hour_peaks(found["o3"]).tolist()]
    days, issued = [t[:10] for t in local_texts(starts)], local_texts(starts + (DAY + 10 * 3600.0))
    codes = [f"{station.code}{d.replace('-', '')}" for d in days]
    return list(zip(codes, [station.code] * len(days), days, *columns, peaks, valid.sum(axis=1).tolist(), issued, strict=True))


def five_minute_rows(station: Station, since: float, until: float, seed: int, asked: Asked = UNASKED) -> list[Row]:
    """A micro-station's own series; now and then one is off the air for half an hour."""
    at = grid(datetime.fromtimestamp(since, ZONE), datetime.fromtimestamp(until, ZONE), timedelta(minutes=5))
    gap = noise(seed, _FLAGS + 5, (at // 2400).astype(np.int64) * 100 + station.number) < 0.004
    at = at[~gap]
    if not len(at):
        return []
    found = five_minutes(at, station, seed, asked)
    columns = [np.round(found[name], 1).tolist() for name in ("pm2_5", "pm10", "temp", "rh")]
    return list(zip([station.code] * len(at), local_texts(at), *columns, strict=True))


def weather_rows(station: Station, since: float, until: float, seed: int) -> list[Row]:
    """A reference station's rain gauge and vane, every five minutes."""
    at = grid(datetime.fromtimestamp(since, ZONE), datetime.fromtimestamp(until, ZONE), timedelta(minutes=5))
    if not len(at):
        return []
    found = weather(at, station, seed)
    rain, blowing = np.round(found["rain"] / 12, 2).tolist(), np.round(found["wind"], 1).tolist()
    return list(zip([station.code] * len(at), local_texts(at), rain, blowing, found["wind_from"].astype(int).tolist(), strict=True))


Write = Callable[[sa.Connection, sa.Table, list[Row]], None]


def _write_work(conn: sa.Connection, since: float, until: float, seed: int, write: Write, asked: Asked) -> None:
    """The sanitation half: trips, inspections and scores of the days between."""
    first, last = (float(np.floor((t + _OFFSET) / DAY)) * DAY - _OFFSET for t in (since, until))
    days = np.arange(first, last + 1, DAY)
    after, before = local_text(since), local_text(until)
    inspections = ((air_schema.dust, dust_rows), (air_schema.silt, silt_rows), (air_schema.checks, check_rows))
    for table, rows_of_days in inspections:
        write(conn, table, [row for row in rows_of_days(days, seed) if after < row[-1] <= before])
    begin = max(since, until - KEPT_TRIPS.total_seconds())
    write(conn, air_schema.trips, trip_rows([day for day in days.tolist() if day + DAY > begin], begin, until, seed, asked))
    write(conn, air_schema.calls, call_rows(begin, until, seed, asked))
    write(conn, air_schema.scores, score_rows(since, until, seed))


def score_rows(since: float, until: float, seed: int) -> list[Row]:
    """Streets' dust-load scores, out on the second of the next month."""
    after, before = datetime.fromtimestamp(since, ZONE), datetime.fromtimestamp(until, ZONE)
    rows: list[Row] = []
    for year, month in ((y, m) for y in range(after.year - 1, before.year + 1) for m in range(1, 13)):
        issued = datetime(year + month // 12, month % 12 + 1, 2, 9, tzinfo=ZONE)
        if after < issued <= before:
            points = scores(datetime(year, month, 1, tzinfo=ZONE).timestamp(), seed)
            names = [name for _, name, _, _ in STREETS]
            stamp = f"{year}-{month:02d}"
            rows += [(f"PF{stamp}-{n}", s, stamp, p, local_text(issued)) for n, (s, p) in enumerate(zip(names, points, strict=True), 1)]
    return rows


DEPARTMENT = Department(key="air", title="区生态环境局与环卫", build=build, live=live, provokes={air_orders.DUST: air_orders.provoke_dust})
