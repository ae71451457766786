"""What the demo's minibus operator gives to the world: a GTFS timetable, and a GTFS-Realtime message every fifteen seconds."""

from __future__ import annotations

import csv
import io
import zipfile
from bisect import bisect_right
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from google.transit import gtfs_realtime_pb2 as rt

from data_sources.departments.building import local_texts
from data_sources.departments.life import ZONE, Floats
from data_sources.departments.minibus_network import HOLIDAYS, KINDS, LINES, SERVICES, Line, shape, vehicles
from data_sources.departments.minibus_tracks import ON_ROAD, Track, follow
from data_sources.departments.minibus_trips import LAYOVER, Rounds, Trips, Truths, both_ways

KEPT = 2700.0  # seconds of messages that stay in the folder: longer than until the archive has what they say
_LOOK_BACK = 720.0  # a vehicle not heard from for longer is left out
_TOLD_AHEAD = 600.0  # a cancelled trip is told of this long before it should begin
_OCCUPANCY = (5, 50, 85, 100, 110)  # percent at which EMPTY becomes MANY_SEATS, FEW_SEATS, STANDING, CRUSHED, FULL
Table = tuple[tuple[str, ...], list[tuple[Any, ...]]]


def folder(engine: sa.Engine) -> Path | None:
    """Where the operator puts its files: beside its database; a database on a server has no such place."""
    name = engine.url.database
    if engine.dialect.name != "sqlite" or not name or name == ":memory:":
        return None
    return Path(name).parent / "minibuses-gtfs"


def publish_timetable(place: Path, now: datetime) -> None:
    """Write the timetable; messages of an earlier life go."""
    messages = place / "live"
    messages.mkdir(parents=True, exist_ok=True)
    for old in messages.iterdir():
        old.unlink()
    part = place / "timetable.part"
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (header, rows) in _timetable(now).items():
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows([header, *rows])
            archive.writestr(zipfile.ZipInfo(f"{name}.txt", (2020, 6, 18, 0, 0, 0)), text.getvalue())
    part.rename(place / "timetable.zip")


def _timetable(now: datetime) -> dict[str, Table]:
    first, last = now - timedelta(days=400), now + timedelta(days=730)
    days = [(first + timedelta(days=i)).astimezone(ZONE) for i in range((last - first).days + 1)]
    week = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    out = [("school", f"{day:%Y%m%d}", 2) for day in days if day.month in HOLIDAYS and day.weekday() in SERVICES["school"]]
    services = [(key, *(int(d in wanted) for d in range(7)), f"{days[0]:%Y%m%d}", f"{days[-1]:%Y%m%d}") for key, wanted in SERVICES.items()]
    trips, times = _trips()
    return {
        "agency": (
            ("agency_id", "agency_name", "agency_url", "agency_timezone"),
            [("YZ", "渝中小巷公交", "https://example.invalid", ZONE.key)],
        ),
        "routes": (
            ("route_id", "agency_id", "route_short_name", "route_long_name", "route_desc", "route_type"),
            [(line.code, "YZ", line.code, line.name, KINDS[line.kind], 3) for line in LINES],
        ),
        "stops": (
            ("stop_id", "stop_name", "stop_lat", "stop_lon"),
            [(_stop(line, i), name, f"{lat:.6f}", f"{lon:.6f}") for line in LINES for i, (name, lon, lat) in enumerate(line.stops)],
        ),
        "calendar": (("service_id", *week, "start_date", "end_date"), services),
        "calendar_dates": (("service_id", "date", "exception_type"), out),
        "trips": (("route_id", "service_id", "trip_id", "direction_id", "shape_id"), trips),
        "stop_times": (("trip_id", "arrival_time", "departure_time", "stop_id", "stop_sequence", "timepoint"), times),
        "shapes": (("shape_id", "shape_pt_lat", "shape_pt_lon", "shape_pt_sequence"), _shapes()),
        "feed_info": (
            ("feed_publisher_name", "feed_publisher_url", "feed_lang", "feed_start_date", "feed_end_date"),
            [("渝中小巷公交", "https://example.invalid", "zh", f"{days[0]:%Y%m%d}", f"{days[-1]:%Y%m%d}")],
        ),
    }


def _stop(line: Line, index: int) -> str:
    return f"{line.code}-{index + 1:02d}"


def _trips() -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    trips: list[tuple[Any, ...]] = []
    times: list[tuple[Any, ...]] = []
    for line in LINES:
        for turn, (hour, service) in enumerate(line.rounds):
            for direction in (0, 1):
                name = f"{line.code}-{direction}-{turn + 1:03d}"
                trips.append((line.code, service, name, direction, f"{line.code}-{direction}"))
                times += _calls(line, name, hour * 3600 + direction * (line.run_min * 60 + LAYOVER), direction)
    return trips, times


def _calls(line: Line, trip: str, start: float, direction: int) -> list[tuple[Any, ...]]:
    """A trip's stops. Only the first, the timing point and the last keep to the minute."""
    last = len(line.stops) - 1
    order = range(last + 1) if direction == 0 else range(last, -1, -1)
    found = []
    for nth, index in enumerate(order):
        at = _clock(start + nth / last * line.run_min * 60)
        found.append((trip, at, at, _stop(line, index), nth + 1, int(index == line.timing_stop)))
    return found


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def _shapes() -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for line in LINES:
        points = list(zip(*(axis.tolist() for axis in shape(line)), strict=True))
        for direction, way in ((0, points), (1, points[::-1])):
            rows += [(f"{line.code}-{direction}", f"{lat:.6f}", f"{lon:.6f}", i + 1) for i, (lon, lat) in enumerate(way)]
    return rows


def publish_messages(place: Path, rounds: list[Rounds], since: float, until: float, seed: int) -> None:
    """Write the messages of (since, until] that are still kept at `until`, and take away those that are not."""
    oldest = until - KEPT
    for file in (place / "live").glob("*.pb"):
        if float(file.stem) <= oldest:
            file.unlink()
    at = np.arange(np.floor(max(since, oldest) / ON_ROAD) + 1, np.floor(until / ON_ROAD) + 1) * ON_ROAD
    if not len(at):
        return
    entities = _vehicles(rounds, at, seed)
    for i, moment in enumerate(at.astype(np.int64).tolist()):
        message = rt.FeedMessage()
        message.header.gtfs_realtime_version = "2.0"
        message.header.timestamp = moment
        message.entity.extend(entities[i])
        message.entity.extend(_updates(rounds, float(moment)))
        part = place / "live" / f"{moment}.part"
        part.write_bytes(message.SerializeToString(deterministic=True))
        part.rename(part.with_suffix(".pb"))


def _vehicles(rounds: list[Rounds], at: Floats, seed: int) -> list[list[Any]]:
    """Every vehicle at every moment, as last heard from."""
    before = np.arange(-_LOOK_BACK / ON_ROAD, 0) * ON_ROAD + at[0]
    moments, skip = np.concatenate([before, at]), len(before)
    found: list[list[Any]] = [[] for _ in at]
    by_line = {r.line.code: r for r in rounds}
    for number, (plate, line) in enumerate(vehicles()):
        track = follow(number, by_line[line.code], moments, seed)
        heard = np.maximum.accumulate(np.where(track.heard, np.arange(len(moments)), -1))
        dates = [text[:10].replace("-", "") for text in local_texts(by_line[line.code].days)]
        for i, last in enumerate(heard[skip:].tolist()):
            if last >= 0 and moments[skip + i] - moments[last] < _LOOK_BACK:
                found[i].append(_vehicle(plate, line, track, last, dates, by_line[line.code].spare))
    return found


def _vehicle(plate: str, line: Line, track: Track, i: int, dates: list[str], spare: Truths) -> Any:
    entity = rt.FeedEntity(id=plate)
    vehicle = entity.vehicle
    vehicle.vehicle.id = plate
    if spare[track.day[i], track.turn[i]] and track.turn[i] >= 0:
        vehicle.vehicle.label = "备车"
    vehicle.trip.route_id = line.code
    if track.turn[i] >= 0:
        vehicle.trip.trip_id = f"{line.code}-{track.direction[i]}-{track.turn[i] + 1:03d}"
        vehicle.trip.start_date = dates[track.day[i]]
        vehicle.trip.direction_id = int(track.direction[i])
        crowd: Any = bisect_right(_OCCUPANCY, int(track.load[i]))
        vehicle.occupancy_status = crowd
    vehicle.position.longitude, vehicle.position.latitude = float(track.lon[i]), float(track.lat[i])
    vehicle.position.speed = float(track.speed[i]) / 3.6
    vehicle.timestamp = int(track.at[i])
    return entity


def _updates(rounds: list[Rounds], at: float) -> list[Any]:
    """Trips under way with their delay, and those that are not going to run."""
    return [update for r in rounds for trips in both_ways(r) for update in _trip_updates(trips, at)]


def _trip_updates(trips: Trips, at: float) -> list[Any]:
    start, began, state = trips.planned[0], trips.times, trips.state
    off = (state == 3) & ~trips.rounds.missing & (start - _TOLD_AHEAD <= at) & (at < start + 3600)
    if trips.direction == 1:
        off &= trips.rounds.cancelled | (trips.rounds.failed <= at)  # nobody knows beforehand that a bus will break down
    running = (state == 2) & (began[0] <= at) & (at < began[1])
    found = []
    for day, turn in np.argwhere(off | running).tolist():
        entity = rt.FeedEntity(id=f"{trips.name(turn)}/{day}")
        trip = entity.trip_update.trip
        trip.trip_id, trip.route_id = trips.name(turn), trips.rounds.line.code
        trip.start_date = local_texts(trips.rounds.days[day : day + 1])[0][:10].replace("-", "")
        if off[day, turn]:
            trip.schedule_relationship = rt.TripDescriptor.CANCELED
        else:
            entity.trip_update.delay = round(float(began[0][day, turn] - start[day, turn]))
        entity.trip_update.timestamp = int(at)
        found.append(entity)
    return found
