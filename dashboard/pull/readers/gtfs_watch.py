"""What follows from vehicle positions watched one after another: arrivals at stops with their headways, and which trips ran."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any, TypeAlias

from google.transit import gtfs_realtime_pb2 as rt

from dashboard.pull.readers.timetable import Call, Run, Timetable, service_days

Row: TypeAlias = dict[str, Any]
Memory: TypeAlias = dict[str, Any]  # kept as JSON in the cursor between turns

_WITHIN_M = 15.0  # of a stop: a bus stands where there is room
_UNWATCHED_S = 180.0  # without a message this long, what passed meanwhile was not seen
_ROAM_M = 2000.0  # a vehicle is looked for this far ahead of where it was, before anywhere else
_BACK_M = 60.0  # and this far behind: positions jitter
_ENDED_M = 60.0  # from the last stop
_FAR_M = 300.0  # from the first


@dataclass(frozen=True)
class Seen:
    """A vehicle in a message, on a run of the timetable."""

    vehicle_id: str
    at: float
    day: date
    run: Run
    lon: float
    lat: float

    @property
    def name(self) -> str:
        """The run of the day, one text."""
        return run_name(self.day, self.run)


def run_name(day: date, run: Run) -> str:
    """The run of a day, one text."""
    return f"{run.trip_id}|{run.start_time}|{day:%Y%m%d}"


def sightings(message: Any, timetable: Timetable) -> Iterator[Seen]:
    """Vehicles of a message that are on a run we know."""
    for entity in message.entity:
        given = entity.vehicle
        if not entity.HasField("vehicle") or not given.HasField("position") or not given.trip.trip_id:
            continue
        at = float(given.timestamp or message.header.timestamp)
        found = find_run(given.trip, at, timetable)
        if found:
            yield Seen(given.vehicle.id or entity.id, at, *found, given.position.longitude, given.position.latitude)


def find_run(trip: Any, at: float, timetable: Timetable) -> tuple[date, Run] | None:
    """The run a realtime trip speaks of: of its start date, else of the nearer service day."""
    days: tuple[date, ...] = service_days(at, timetable.zone)
    if trip.start_date:
        days = tuple(d for d in days if f"{d:%Y%m%d}" == trip.start_date) or days[:0]
    known = [
        (day, run) for day in days if (run := timetable.runs(day).get((trip.trip_id, trip.start_time)) or _plain(timetable, day, trip))
    ]
    return min(known, key=lambda found: _away(found, at, timetable)) if known else None


def _plain(timetable: Timetable, day: date, trip: Any) -> Run | None:
    """A trip that does not repeat, whatever start time the feed gives it."""
    return timetable.runs(day).get((trip.trip_id, ""))


def _away(found: tuple[date, Run], at: float, timetable: Timetable) -> float:
    day, run = found
    begin, end = (timetable.moment(day, s) for s in (run.calls[0].departure, run.calls[-1].arrival))
    return max(begin - at, at - end, 0.0)


@dataclass
class Watch:
    """What is remembered from one message to the next."""

    heard: float = 0.0  # the newest message
    vehicles: dict[str, list[Any]] = field(default_factory=dict)  # vehicle → [run, metres along, moment]
    passed: dict[str, float] = field(default_factory=dict)  # stop|route|direction → the last arrival
    told: dict[str, list[Any]] = field(default_factory=dict)  # run of these days → the state last told, when it began
    days: list[str] = field(default_factory=list)  # service days whose runs have been told

    @staticmethod
    def of(memory: Memory | None) -> Watch:
        """What a cursor remembers."""
        return Watch(**memory) if memory else Watch()

    def memory(self) -> Memory:
        """To be kept in a cursor."""
        return dict(self.__dict__)

    def state(self, run: str) -> str | None:
        """What was last told of a run."""
        return self.told[run][0] if run in self.told else None

    def listen(self, moment: float) -> bool:
        """Whether a message is newer than all before. After a silence, headways begin anew."""
        if moment <= self.heard:
            return False
        if moment - self.heard > _UNWATCHED_S:
            self.passed.clear()
        self.heard = moment
        return True

    def move(self, seen: Seen) -> tuple[float, float, float, float]:
        """Where on its run a vehicle was and is: metres and moments, before and now. A run just begun comes from its start."""
        before = self.vehicles.get(seen.vehicle_id)
        same = before is not None and before[0] == seen.name
        since = max(float(before[1]) - _BACK_M, 0.0) if before and same else 0.0
        along, off = seen.run.way.place(seen.lon, seen.lat, since, since + _ROAM_M)
        if off > _ROAM_M / 10:
            along = seen.run.way.place(seen.lon, seen.lat)[0]
        was, when = (float(before[1]), float(before[2])) if before and same else (along, seen.at)
        along = max(along, was)
        self.vehicles[seen.vehicle_id] = [seen.name, round(along, 1), seen.at]
        return was, along, when, seen.at


def stop_arrivals(message: Any, timetable: Timetable, watch: Watch) -> list[Row]:
    """Arrivals at timing points since the message before, each with its headway and the scheduled one."""
    if not watch.listen(float(message.header.timestamp)):
        return []
    found = []
    for seen in sightings(message, timetable):
        was, now, when, at = watch.move(seen)
        for call in seen.run.calls[1:]:
            mark = call.along - _WITHIN_M
            if call.timing and was < mark <= now:
                moment = when + (at - when) * (mark - was) / (now - was)
                found.append((moment, seen, call))
    return [_arrival(moment, seen, call, timetable, watch) for moment, seen, call in sorted(found, key=lambda f: (f[0], f[1].vehicle_id))]


def _arrival(moment: float, seen: Seen, call: Call, timetable: Timetable, watch: Watch) -> Row:
    run = seen.run
    place = f"{call.stop_id}|{run.route_id}|{run.direction_id}"
    before = watch.passed.get(place)
    watch.passed[place] = moment
    scheduled = scheduled_headways(timetable, seen.day)[run.route_id, run.direction_id, call.stop_id].get(run.key)
    due = round(timetable.moment(seen.day, call.arrival))
    headway = None if before is None else round(moment) - round(before)
    lon, lat = timetable.stops[call.stop_id]
    return {
        **_named(seen.day, run, timetable),
        "vehicle_id": seen.vehicle_id,
        "stop_id": call.stop_id,
        "longitude": lon,
        "latitude": lat,
        "arrival_time": round(moment),
        "scheduled_time": due,
        "previous_arrival": None if before is None else round(before),
        "previous_scheduled": None if scheduled is None else due - scheduled,
        "headway_ratio": round(headway / scheduled, 3) if headway is not None and scheduled else None,
        "timestamp": round(moment),
    }


Headways: TypeAlias = dict[tuple[str, int, str], dict[tuple[str, str], int | None]]


@lru_cache(maxsize=8)
def scheduled_headways(timetable: Timetable, day: date) -> Headways:
    """Seconds since the run before at the same stop of a route and direction; None for the first of the day."""
    calls: dict[tuple[str, int, str], list[tuple[int, tuple[str, str]]]] = defaultdict(list)
    for run in timetable.runs(day).values():
        for call in run.calls[1:]:
            if call.timing:
                calls[run.route_id, run.direction_id, call.stop_id].append((call.arrival, run.key))
    found: Headways = {}
    for place, times in calls.items():
        times.sort()
        found[place] = {key: at - times[i - 1][0] if i else None for i, (at, key) in enumerate(times)}
    return found


def trip_runs(message: Any, timetable: Timetable, watch: Watch) -> list[Row]:
    """Runs whose state is new: all of a service day when it is first seen, then as each begins, ends, is cancelled or given up."""
    moment = float(message.header.timestamp)
    if not watch.listen(moment):
        return []
    rows = _planned(moment, timetable, watch)
    for entity in message.entity:
        if entity.HasField("trip_update") and entity.trip_update.trip.schedule_relationship == rt.TripDescriptor.CANCELED:
            found = find_run(entity.trip_update.trip, moment, timetable)
            if found and watch.state(run_name(*found)) != "CANCELED":
                watch.told[run_name(*found)] = ["CANCELED", None]
                rows.append(_state("CANCELED", *found, timetable, moment))
    on_road = list(sightings(message, timetable))
    for seen in on_road:
        rows += _moved(seen, timetable, watch)
    rows += _given_up({s.vehicle_id for s in on_road}, message, timetable, watch)
    return rows


def _planned(moment: float, timetable: Timetable, watch: Watch) -> list[Row]:
    today = service_days(moment, timetable.zone)[0]
    if f"{today:%Y%m%d}" in watch.days:
        return []
    watch.days = [*watch.days, f"{today:%Y%m%d}"][-3:]
    watch.told = {name: state for name, state in watch.told.items() if name.rpartition("|")[2] in watch.days}
    # what began before anybody watched is not called planned: whoever keeps the record will tell
    runs = [r for r in timetable.runs(today).values() if timetable.moment(today, r.calls[0].departure) > moment]
    return [_state("PLANNED", today, run, timetable, moment) for run in runs]


def _moved(seen: Seen, timetable: Timetable, watch: Watch) -> list[Row]:
    new = watch.vehicles.get(seen.vehicle_id, [""])[0] != seen.name
    was, along, _, _ = watch.move(seen)
    told, length = watch.state(seen.name), seen.run.calls[-1].along
    if told is None and _WITHIN_M < along < length / 2:
        # first met far from its first stop, it began we do not know when
        began = None if new and was > _FAR_M else seen.at
        watch.told[seen.name] = ["RUNNING", began]
        return [_state("RUNNING", seen.day, seen.run, timetable, seen.at, seen.vehicle_id, (began, None))]
    if told == "RUNNING" and along >= length - _ENDED_M:
        return [_ended("COMPLETED", seen.day, seen.run, timetable, watch, seen.at, seen.vehicle_id)]
    return []


def _ended(state: str, day: date, run: Run, timetable: Timetable, watch: Watch, at: float, vehicle_id: str) -> Row:
    name = run_name(day, run)
    began = watch.told[name][1]
    watch.told[name] = [state, began]
    return _state(state, day, run, timetable, at, vehicle_id, (began, at))


def _given_up(on_road: set[str], message: Any, timetable: Timetable, watch: Watch) -> list[Row]:
    """Runs of vehicles that go on talking but are on no run any more, short of the last stop."""
    rows = []
    talking = {e.vehicle.vehicle.id or e.id: e.vehicle for e in message.entity if e.HasField("vehicle") and not e.vehicle.trip.trip_id}
    for vehicle_id in sorted(talking.keys() - on_road):
        name = watch.vehicles.pop(vehicle_id, [""])[0]
        if watch.state(name) == "RUNNING":
            trip, start, text = name.split("|")
            day = datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007
            found = timetable.runs(day).get((trip, start))
            if found:
                at = float(talking[vehicle_id].timestamp or message.header.timestamp)
                rows.append(_ended("INTERRUPTED", day, found, timetable, watch, at, vehicle_id))
    return rows


def _state(
    state: str,
    day: date,
    run: Run,
    timetable: Timetable,
    at: float,
    vehicle_id: str | None = None,
    times: tuple[float | None, float | None] = (None, None),
) -> Row:
    lon, lat = timetable.stops[run.calls[0].stop_id]
    started, ended = (None if t is None else round(t) for t in times)
    return {
        **_named(day, run, timetable),
        "state": state,
        "vehicle_id": vehicle_id,
        "longitude": lon,
        "latitude": lat,
        "scheduled_start": round(timetable.moment(day, run.calls[0].departure)),
        "scheduled_end": round(timetable.moment(day, run.calls[-1].arrival)),
        "started": started,
        "ended": ended,
        "timestamp": round(at),
    }


def _named(day: date, run: Run, timetable: Timetable) -> Row:
    route = timetable.routes.get(run.route_id, {})
    return {
        "trip_id": run.trip_id,
        "start_date": f"{day:%Y%m%d}",
        "start_time": run.start_time or None,
        "route_id": run.route_id,
        "route_name": route.get("route_long_name") or route.get("route_short_name"),
        "route_desc": route.get("route_desc"),
        "direction_id": run.direction_id,
    }


def off_shape(message: Any, timetable: Timetable) -> dict[str, float]:
    """Metres each vehicle on a run is away from the line it should drive along."""
    return {seen.vehicle_id: round(seen.run.way.place(seen.lon, seen.lat)[1], 1) for seen in sightings(message, timetable)}


WATCHED = {"stop_arrivals": stop_arrivals, "trip_runs": trip_runs}
