"""GTFS-Realtime: vehicle positions, trip updates or alerts from a file, a folder of captures or HTTP; protobuf or its JSON form."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from google.protobuf.message import DecodeError
from google.transit import gtfs_realtime_pb2 as rt

from dashboard.core.errors import SourceChangedError, SourceUnavailableError
from dashboard.core.times import to_micros
from dashboard.pull.batch import Batch, Cursor, Problem, Reject, from_rows, joined
from dashboard.pull.mapping import Plan
from dashboard.pull.readers.files import fetch, local_path, stamp
from dashboard.pull.readers.gtfs_watch import WATCHED, Watch, off_shape
from dashboard.pull.readers.schedule import Schedule, load_schedule
from dashboard.pull.readers.timetable import Timetable, load_timetable

Row: TypeAlias = dict[str, Any]
_CAPTURES = (".pb", ".bin", ".json", ".protobuf")
_REMEMBERED = 500  # captures of a folder kept in mind
_MESSAGES = 30  # stored in one transaction while there are many to catch up on
_TIME = re.compile(r"^\d{1,2}:\d{2}:\d{2}$")
_DAY = re.compile(r"^\d{8}$")


class EntityError(ValueError):
    """An entity breaks the rules of the format."""


def read_gtfs_rt(plan: Plan, cursor: Cursor | None, now: datetime) -> Iterator[Batch]:
    """Rows of `table`: what messages say (vehicle_positions, trip_updates, alerts), or what follows from watching vehicles along

    their timetable (stop_arrivals, trip_runs). Raises SourceError.
    """
    if plan.pull.table not in (*_ROWS, *WATCHED):
        raise SourceChangedError(f"{plan.source.key}: table {plan.pull.table!r} is not one of " + ", ".join((*_ROWS, *WATCHED)))
    look = _Look(plan, (cursor or {}).get("watch"))
    seen: dict[str, Any] = dict((cursor or {}).get("files", {}))
    refused: SourceChangedError | None = None
    waiting: list[Batch] = []
    for name, raw, mark in _captures(plan, seen):
        try:
            batch = look.batch(_parsed(plan, name, raw), now)
        except SourceChangedError as wrong:
            refused = refused or wrong  # one broken capture does not hide those that follow
            continue
        seen[name] = mark
        waiting.append(batch)
        if len(waiting) == _MESSAGES:
            yield _kept(waiting, seen, look)
            waiting = []
    if waiting:
        yield _kept(waiting, seen, look)
    if refused:
        raise refused


def _kept(messages: list[Batch], seen: dict[str, Any], look: _Look) -> Batch:
    """Messages to be stored, with what to remember once they are."""
    batch = joined(messages)
    batch.cursor = {"files": dict(list(seen.items())[-_REMEMBERED:])} | look.memory()
    return batch


class _Look:
    """How messages are read in one turn: against the schedule, and with what was seen before."""

    def __init__(self, plan: Plan, memory: dict[str, Any] | None) -> None:
        self.plan, self.watched = plan, plan.pull.table in WATCHED
        self.schedule = load_schedule(plan.source)
        self.timetable = load_timetable(plan.source, plan.zone) if self.watched or "off_shape_m" in plan.names() else None
        self.watch = Watch.of(memory)

    def memory(self) -> dict[str, Any]:
        """What the next turn must know."""
        return {"watch": self.watch.memory()} if self.watched else {}

    def batch(self, message: Any, now: datetime) -> Batch:
        """Rows of one message."""
        if not self.watched:
            return _batch(self.plan, message, self.schedule, self.timetable, now)
        if self.timetable is None:
            raise SourceChangedError(f"{self.plan.source.key}: {self.plan.pull.table} needs options.schedule, the GTFS zip of its trips")
        return from_rows(self.plan, WATCHED[self.plan.pull.table](message, self.timetable, self.watch))


def _captures(plan: Plan, seen: dict[str, Any]) -> Iterator[tuple[str, bytes, Any]]:
    path = local_path(plan.source.url)
    if path is None:
        yield "http", fetch(plan.source, plan.source.url), None
        return
    if not path.exists():
        raise SourceUnavailableError(f"{plan.source.key}: 没有这个文件 / there is no {path.name}")
    for file in _files(path):
        found = _capture(plan, file, seen.get(file.name))
        if found is not None:
            yield file.name, *found


def _capture(plan: Plan, file: Path, before: Any) -> tuple[bytes, Any] | None:
    """A capture and its mark; None where it is known, or was taken away since the folder was listed."""
    try:
        mark = stamp(file)
        return None if before == mark else (fetch(plan.source, str(file)), mark)
    except (FileNotFoundError, SourceUnavailableError):
        if file.exists():
            raise
        return None


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(f for f in path.iterdir() if f.suffix in _CAPTURES and f.is_file())


def _parsed(plan: Plan, name: str, raw: bytes) -> Any:
    """The message, whichever form it came in."""
    message = rt.FeedMessage()
    try:
        if raw.lstrip()[:1] == b"{":
            document = json.loads(raw)
            document.setdefault("header", {"gtfsRealtimeVersion": "2.0"})
            ParseDict(document, message, ignore_unknown_fields=True)
        else:
            message.ParseFromString(raw)
    except (DecodeError, ParseError, ValueError, AttributeError, TypeError) as broken:
        raise SourceChangedError(f"{plan.source.key}: 不是GTFS-Realtime格式 / {name} is not GTFS-Realtime: {str(broken)[:160]}") from broken
    return message


def _batch(plan: Plan, message: Any, schedule: Schedule | None, timetable: Timetable | None, now: datetime) -> Batch:
    flatten = _ROWS[plan.pull.table]
    off = off_shape(message, timetable) if timetable else {}
    header, rows, refused = int(message.header.timestamp), [], []
    for entity in message.entity:
        if entity.is_deleted:
            continue
        try:
            found = flatten(entity)
            for row in found:
                _check(row, now)
        except EntityError as wrong:
            given = MessageToDict(entity, preserving_proto_field_name=True)
            refused.append(Reject(str(entity.id), Problem.raised("type", wrong), {"entity": json.dumps(given)[:500]}))
            continue
        whole = {"header.timestamp": header or None, "entity_id": entity.id}
        rows += [_matched(row | whole | {"off_shape_m": off.get(row.get("vehicle_id", ""))}, schedule) for row in found]
    batch = from_rows(plan, rows)
    batch.rejects = refused
    return batch


def _matched(row: Row, schedule: Schedule | None) -> Row:
    """Say whether the trip is one of the schedule's: one that is not is kept and flagged."""
    if row.get("timestamp") is None:
        row["timestamp"] = row["header.timestamp"]  # the whole message speaks of that moment
    row["matched"] = None if schedule is None else row.get("trip_id") in schedule.trips
    if schedule is not None and not row.get("route_id"):
        row["route_id"] = schedule.trips.get(row.get("trip_id") or "")
    return row


def _check(row: Row, now: datetime) -> None:
    """The rules a row must keep to be of use; the words are those of the format."""
    for name in ("timestamp", "arrival_time", "departure_time"):
        value = row.get(name)
        if value is not None and not 1e8 <= value <= to_micros(now) / 1e6 + 400 * 86_400:
            raise EntityError(f"{name} {value} is not in POSIX seconds")
    if row.get("start_time") and not _is_time(row["start_time"]):
        raise EntityError(f"start_time {row['start_time']!r} is not HH:MM:SS")
    if row.get("start_date") and not _is_day(row["start_date"]):
        raise EntityError(f"start_date {row['start_date']!r} is not YYYYMMDD")


def _is_time(text: str) -> bool:
    """HH:MM:SS; hours go past 24 for a trip that began yesterday."""
    return bool(_TIME.match(text)) and all(int(part) < 60 for part in text.split(":")[1:])


def _is_day(text: str) -> bool:
    if not _DAY.match(text):
        return False
    try:
        date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return False
    return True


def _trip(trip: Any) -> Row:
    word = rt.TripDescriptor.ScheduleRelationship.Name
    return {
        "trip_id": trip.trip_id or None,
        "route_id": trip.route_id or None,
        "direction_id": trip.direction_id if trip.HasField("direction_id") else None,
        "start_time": trip.start_time or None,
        "start_date": trip.start_date or None,
        "schedule_relationship": word(trip.schedule_relationship) if trip.HasField("schedule_relationship") else None,
    }


def _vehicle(entity: Any) -> list[Row]:
    if not entity.HasField("vehicle"):
        return []
    given = entity.vehicle
    if not given.HasField("position"):
        raise EntityError("the vehicle has no position")
    at = given.position
    if not (-90 <= at.latitude <= 90 and -180 <= at.longitude <= 180) or at.latitude == 0 or at.longitude == 0:
        raise EntityError(f"position {at.latitude:g}, {at.longitude:g} is not on Earth")
    row = _trip(given.trip) | {
        "vehicle_id": given.vehicle.id or entity.id,
        "label": given.vehicle.label or None,
        "latitude": at.latitude,
        "longitude": at.longitude,
        "bearing": at.bearing if at.HasField("bearing") else None,
        "speed": at.speed if at.HasField("speed") else None,
        "odometer": at.odometer if at.HasField("odometer") else None,
        "stop_id": given.stop_id or None,
        "current_stop_sequence": given.current_stop_sequence if given.HasField("current_stop_sequence") else None,
        "current_status": rt.VehiclePosition.VehicleStopStatus.Name(given.current_status),
        "congestion_level": rt.VehiclePosition.CongestionLevel.Name(given.congestion_level),
        "occupancy_status": rt.VehiclePosition.OccupancyStatus.Name(given.occupancy_status) if given.HasField("occupancy_status") else None,
        "occupancy_percentage": given.occupancy_percentage if given.HasField("occupancy_percentage") else None,
        "timestamp": given.timestamp or None,
    }
    return [row]


def _trip_update(entity: Any) -> list[Row]:
    if not entity.HasField("trip_update"):
        return []
    update = entity.trip_update
    base = _trip(update.trip) | {
        "vehicle_id": update.vehicle.id or None,
        "timestamp": update.timestamp or None,
        "trip_delay": update.delay if update.HasField("delay") else None,
    }
    if not base["trip_id"] and not base["route_id"]:
        raise EntityError("the trip has neither trip_id nor route_id")
    stops = [_stop(base, stop) for stop in update.stop_time_update]
    _in_sequence(stops)
    return stops or [base | dict.fromkeys(_STOP)]


_STOP = ("stop_id", "stop_sequence", "arrival_time", "arrival_delay", "departure_time", "departure_delay", "stop_relationship")


def _stop(base: Row, stop: Any) -> Row:
    if not stop.stop_id and not stop.HasField("stop_sequence"):
        raise EntityError("a stop_time_update has neither stop_id nor stop_sequence")
    row = base | {
        "stop_id": stop.stop_id or None,
        "stop_sequence": stop.stop_sequence if stop.HasField("stop_sequence") else None,
        "stop_relationship": rt.TripUpdate.StopTimeUpdate.ScheduleRelationship.Name(stop.schedule_relationship),
    }
    for word in ("arrival", "departure"):
        event = getattr(stop, word)
        row[f"{word}_time"] = event.time if event.HasField("time") else None
        row[f"{word}_delay"] = event.delay if event.HasField("delay") else None
    if row["arrival_time"] and row["departure_time"] and row["arrival_time"] > row["departure_time"]:
        raise EntityError(f"stop {row['stop_id'] or row['stop_sequence']} is left before it is reached")
    return row


def _in_sequence(stops: list[Row]) -> None:
    numbers = [s["stop_sequence"] for s in stops if s["stop_sequence"] is not None]
    if any(b <= a for a, b in pairwise(numbers)):
        raise EntityError("stop_sequence does not grow along the trip")
    times = [t for s in stops for t in (s["arrival_time"], s["departure_time"]) if t is not None]
    if any(b < a for a, b in pairwise(times)):
        raise EntityError("times do not grow along the trip")


def _alert(entity: Any) -> list[Row]:
    if not entity.HasField("alert"):
        return []
    given = entity.alert
    period = given.active_period[0] if given.active_period else None
    informed = list(given.informed_entity)
    first = partial(_first, informed)
    row = {
        "header_text": _words(given.header_text),
        "description_text": _words(given.description_text),
        "url": _words(given.url),
        "cause": rt.Alert.Cause.Name(given.cause),
        "effect": rt.Alert.Effect.Name(given.effect),
        "severity_level": rt.Alert.SeverityLevel.Name(given.severity_level),
        "start": period.start or None if period else None,
        "end": period.end or None if period else None,
        "route_id": first("route_id"),
        "stop_id": first("stop_id"),
        "trip_id": next((i.trip.trip_id for i in informed if i.trip.trip_id), None),
    }
    return [row]


def _first(informed: list[Any], name: str) -> str | None:
    return next((getattr(i, name) for i in informed if getattr(i, name)), None)


def _words(text: Any) -> str | None:
    return text.translation[0].text if text.translation else None


_ROWS: dict[str, Callable[[Any], list[Row]]] = {"vehicle_positions": _vehicle, "trip_updates": _trip_update, "alerts": _alert}
