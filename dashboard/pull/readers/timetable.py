"""A GTFS timetable day by day: which runs there are, where and when each should stop, and the line each drives along."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np

from dashboard.core.errors import SourceChangedError
from dashboard.pull.readers.files import fetch, local_path, open_member, open_zip, stamp
from dashboard.settings import SourceConfig

Row: TypeAlias = dict[str, str]
Floats = np.ndarray[Any, np.dtype[np.float64]]
_METRES = 111_195.0  # of a degree of latitude
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, eq=False)
class Way:
    """A line on the ground, measured in metres from its beginning."""

    lon: Floats
    lat: Floats
    metres: Floats

    @property
    def length(self) -> float:
        """From one end to the other."""
        return float(self.metres[-1])

    def place(self, lon: float, lat: float, since: float = 0.0, until: float = np.inf) -> tuple[float, float]:
        """How far along a point is, and how far off, looking between two distances only: a loop passes a corner twice."""
        east = _METRES * np.cos(np.radians(lat))
        x, y = (self.lon - lon) * east, (self.lat - lat) * _METRES
        dx, dy, wide = np.diff(x), np.diff(y), np.diff(self.metres)
        square = np.maximum(dx * dx + dy * dy, 1e-9)
        share = np.clip(-(x[:-1] * dx + y[:-1] * dy) / square, 0, 1)
        along = self.metres[:-1] + share * wide
        off = np.hypot(x[:-1] + share * dx, y[:-1] + share * dy)
        allowed = (along >= since) & (along <= until)
        best = int(np.argmin(np.where(allowed, off, np.inf))) if allowed.any() else int(np.argmin(off))
        return float(along[best]), float(off[best])


def way(lon: Floats, lat: Floats) -> Way:
    """A line through points."""
    east = _METRES * np.cos(np.radians(lat.mean()))
    steps = np.hypot(np.diff(lon) * east, np.diff(lat) * _METRES)
    return Way(lon, lat, np.concatenate([[0.0], np.cumsum(steps)]))


@dataclass(frozen=True)
class Call:
    """A stop a run makes: when, counted in seconds from the beginning of the service day, and where along its way."""

    stop_id: str
    arrival: int
    departure: int
    along: float
    timing: bool  # a stop at which the timetable is kept


@dataclass(frozen=True)
class Run:
    """A trip on a day. A trip that repeats by frequency is a run each time it starts."""

    trip_id: str
    start_time: str  # given where the trip repeats, else empty
    route_id: str
    direction_id: int
    way: Way
    calls: tuple[Call, ...]

    @property
    def key(self) -> tuple[str, str]:
        """What a realtime feed names it by."""
        return self.trip_id, self.start_time


class Timetable:
    """A schedule, asked by service day."""

    def __init__(self, tables: dict[str, list[Row]], zone: ZoneInfo) -> None:
        self.zone = zone
        self._services = tables.get("calendar", [])
        self._exceptions = {(r["service_id"], r["date"]): r["exception_type"] for r in tables.get("calendar_dates", [])}
        self._repeats: dict[str, list[Row]] = defaultdict(list)
        for row in tables.get("frequencies", []):
            self._repeats[row["trip_id"]].append(row)
        self.stops = {r["stop_id"]: (float(r["stop_lon"]), float(r["stop_lat"])) for r in tables["stops"] if r.get("stop_lon")}
        self.routes = {r["route_id"]: r for r in tables.get("routes", [])}
        self._trips = tables["trips"]
        self._runs = _patterns(tables, self.stops)
        self._days: dict[date, dict[tuple[str, str], Run]] = {}

    def runs(self, day: date) -> dict[tuple[str, str], Run]:
        """Every run of a service day by its key."""
        if day not in self._days:
            services = self._running(day)
            wanted = [t for t in self._trips if t["service_id"] in services and t["trip_id"] in self._runs]
            self._days = {d: runs for d, runs in self._days.items() if abs((d - day).days) < 3}
            self._days[day] = {run.key: run for trip in wanted for run in self._starts(self._runs[trip["trip_id"]])}
        return self._days[day]

    def moment(self, day: date, seconds: int) -> float:
        """Epoch seconds of a time of a service day. The day begins twelve hours before its noon, as GTFS has it."""
        noon = datetime.combine(day, time(12), self.zone)
        return noon.timestamp() - 43_200 + seconds

    def _running(self, day: date) -> set[str]:
        text, weekday = f"{day:%Y%m%d}", _WEEKDAYS[day.weekday()]
        services = {s["service_id"] for s in self._services if s["start_date"] <= text <= s["end_date"] and s[weekday] == "1"}
        given = {service: kind for (service, on), kind in self._exceptions.items() if on == text}
        return services - {s for s, kind in given.items() if kind == "2"} | {s for s, kind in given.items() if kind == "1"}

    def _starts(self, run: Run) -> Iterator[Run]:
        """The trip itself, or each of its starts; the last second of a period belongs to the next."""
        if run.trip_id not in self._repeats:
            yield run
            return
        for row in self._repeats[run.trip_id]:
            first = run.calls[0].departure
            for start in range(_seconds(row["start_time"]), _seconds(row["end_time"]), max(int(row["headway_secs"]), 1)):
                calls = (Call(c.stop_id, c.arrival - first + start, c.departure - first + start, c.along, c.timing) for c in run.calls)
                text = f"{start // 3600:02d}:{start // 60 % 60:02d}:{start % 60:02d}"
                yield Run(run.trip_id, text, run.route_id, run.direction_id, run.way, tuple(calls))


def _seconds(text: str) -> int:
    hours, minutes, seconds = (int(part) for part in text.split(":"))
    return hours * 3600 + minutes * 60 + seconds


def _patterns(tables: dict[str, list[Row]], stops: dict[str, tuple[float, float]]) -> dict[str, Run]:
    """Each trip as it would run, times as written."""
    calls: dict[str, list[Row]] = defaultdict(list)
    for row in tables["stop_times"]:
        if row["stop_id"] in stops and row.get("arrival_time"):
            calls[row["trip_id"]].append(row)
    told = {row.get("timepoint", "") for row in tables["stop_times"]}
    shapes = _shapes(tables.get("shapes", []))
    ways: dict[tuple[str, ...], tuple[Way, list[float]]] = {}
    found = {}
    for trip in tables["trips"]:
        rows = sorted(calls.get(trip["trip_id"], []), key=lambda r: int(r["stop_sequence"]))
        if len(rows) < 2:
            continue
        pattern = (trip.get("shape_id", ""), *(r["stop_id"] for r in rows))
        if pattern not in ways:
            ways[pattern] = _along(shapes.get(pattern[0]), [stops[r["stop_id"]] for r in rows])
        line, places = ways[pattern]
        made = tuple(_call(r, at, told) for r, at in zip(rows, places, strict=True))
        found[trip["trip_id"]] = Run(trip["trip_id"], "", trip["route_id"], int(trip.get("direction_id") or 0), line, made)
    return found


def _call(row: Row, along: float, told: set[str]) -> Call:
    # where the schedule tells its timing points from the others, only those are
    timing = row.get("timepoint") == "1" if {"0", "1"} <= told else True
    return Call(row["stop_id"], _seconds(row["arrival_time"]), _seconds(row.get("departure_time") or row["arrival_time"]), along, timing)


def _shapes(rows: list[Row]) -> dict[str, Way]:
    points: dict[str, list[tuple[int, float, float]]] = defaultdict(list)
    for row in rows:
        points[row["shape_id"]].append((int(row["shape_pt_sequence"]), float(row["shape_pt_lon"]), float(row["shape_pt_lat"])))
    return {key: way(*(np.array([p[i] for p in sorted(found)]) for i in (1, 2))) for key, found in points.items() if len(found) > 1}


def _along(shape: Way | None, stops: list[tuple[float, float]]) -> tuple[Way, list[float]]:
    """The way of a trip and where its stops are on it, each beyond the one before."""
    line = shape or way(np.array([s[0] for s in stops]), np.array([s[1] for s in stops]))
    places, since = [], 0.0
    for lon, lat in stops:
        since = line.place(lon, lat, since)[0]
        places.append(since)
    return line, places


def load_timetable(source: SourceConfig, zone: ZoneInfo) -> Timetable | None:
    """The timetable named by the source's option `schedule`; None where it names none. Raises SourceError."""
    address = str(source.options.get("schedule", ""))
    if not address:
        return None
    path = local_path(address)
    if path is None:
        return _parsed(source, fetch(source, address), zone)
    return _cached(_Key(source, path, zone), str(stamp(path)) if path.exists() else "")


@dataclass(frozen=True)
class _Key:
    source: SourceConfig
    path: Path
    zone: ZoneInfo

    def __hash__(self) -> int:
        return hash((self.source.key, self.path))


@lru_cache(maxsize=4)
def _cached(key: _Key, _stamp: str) -> Timetable:
    return _parsed(key.source, fetch(key.source, str(key.path)), key.zone)


_TABLES = ("stops", "routes", "trips", "stop_times", "calendar", "calendar_dates", "frequencies", "shapes")


def _parsed(source: SourceConfig, raw: bytes, zone: ZoneInfo) -> Timetable:
    archive = open_zip(source, raw)
    try:
        tables = {name: _table(source, archive, f"{name}.txt") for name in _TABLES if f"{name}.txt" in archive.namelist()}
        return Timetable(tables, zone)
    except (KeyError, ValueError, csv.Error, zipfile.BadZipFile) as wrong:
        raise SourceChangedError(f"{source.key}: the schedule cannot be used: {type(wrong).__name__} {wrong}") from wrong


def _table(source: SourceConfig, archive: zipfile.ZipFile, name: str) -> list[Row]:
    with open_member(source, archive, name) as member, io.TextIOWrapper(member, "utf-8-sig", newline="") as lines:
        return [{k.strip(): v.strip() for k, v in row.items() if k and isinstance(v, str)} for row in csv.DictReader(lines)]


def service_days(moment: float, zone: ZoneInfo) -> tuple[date, date]:
    """The days a run seen at a moment may belong to, likelier first: runs go on past midnight."""
    today = datetime.fromtimestamp(moment, zone).date()
    return today, today - timedelta(days=1)
