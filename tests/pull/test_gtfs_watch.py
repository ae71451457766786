"""Buses watched along their timetable: what is planned, runs, ends, is cancelled or given up, and headways that silence interrupts."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.transit import gtfs_realtime_pb2 as rt

from dashboard.pull.readers.gtfs_watch import Watch, off_shape, stop_arrivals, trip_runs
from dashboard.pull.readers.timetable import Timetable

DAY = date(2026, 3, 2)  # a Monday
SEVEN = datetime(2026, 3, 2, 7, tzinfo=UTC).timestamp()
STOPS = {"A": 106.50, "B": 106.51, "C": 106.52}  # a straight road, about 970 m from stop to stop


def trip(name: str, start: str, middle: str, end: str) -> list[dict[str, str]]:
    times = zip(STOPS, (start, middle, end), strict=True)
    return [
        {"trip_id": name, "stop_id": s, "arrival_time": t, "departure_time": t, "stop_sequence": str(i)} for i, (s, t) in enumerate(times)
    ]


def week(service: str, days: str) -> dict[str, str]:
    names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    return {"service_id": service, "start_date": "20260101", "end_date": "20261231", **dict(zip(names, days, strict=True))}


@pytest.fixture
def table() -> Timetable:
    """Two trips ten minutes apart on working days, one on Saturdays."""
    trips = (("t1", "work"), ("t2", "work"), ("t3", "saturday"))
    return Timetable(
        {
            "stops": [{"stop_id": s, "stop_lon": str(lon), "stop_lat": "29.55"} for s, lon in STOPS.items()],
            "routes": [{"route_id": "R", "route_long_name": "一路", "route_desc": "小巷"}],
            "trips": [{"trip_id": t, "route_id": "R", "service_id": s, "direction_id": "0"} for t, s in trips],
            "stop_times": [
                *trip("t1", "07:05:00", "07:08:00", "07:11:00"),
                *trip("t2", "07:15:00", "07:18:00", "07:21:00"),
                *trip("t3", "07:05:00", "07:08:00", "07:11:00"),
            ],
            "calendar": [week("work", "1111100"), week("saturday", "0000010")],
            "calendar_dates": [{"service_id": "work", "date": "20260303", "exception_type": "2"}],
        },
        ZoneInfo("UTC"),
    )


def said(minute: float, *buses: tuple[str, str, float], cancelled: str = "", north: float = 0.0) -> Any:
    """A message: (bus, trip or '', longitude) each."""
    message = rt.FeedMessage()
    message.header.gtfs_realtime_version, message.header.timestamp = "2.0", int(SEVEN + 60 * minute)
    for bus, name, lon in buses:
        vehicle = message.entity.add(id=bus).vehicle
        vehicle.vehicle.id, vehicle.trip.trip_id, vehicle.timestamp = bus, name, message.header.timestamp
        vehicle.position.longitude, vehicle.position.latitude = lon, 29.55 + north
    if cancelled:
        update = message.entity.add(id="off").trip_update
        update.trip.trip_id, update.trip.schedule_relationship = cancelled, rt.TripDescriptor.CANCELED
    return message


def states(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(row["trip_id"], row["state"]) for row in rows]


def test_a_day_without_service_has_no_trips_and_saturday_has_its_own(table: Timetable) -> None:
    assert {key[0] for key in table.runs(DAY)} == {"t1", "t2"}
    assert table.runs(date(2026, 3, 3)) == {}
    assert {key[0] for key in table.runs(date(2026, 3, 7))} == {"t3"}


def test_a_trip_is_planned_runs_from_when_it_leaves_its_first_stop_and_is_done_at_its_last(table: Timetable) -> None:
    watch = Watch()
    assert states(trip_runs(said(0), table, watch)) == [("t1", "PLANNED"), ("t2", "PLANNED")]
    assert trip_runs(said(4, ("v", "t1", 106.5)), table, watch) == []  # waiting at its first stop
    (left,) = trip_runs(said(6, ("v", "t1", 106.503)), table, watch)
    assert (left["state"], left["started"], left["vehicle_id"]) == ("RUNNING", SEVEN + 360, "v")
    assert trip_runs(said(9, ("v", "t1", 106.513)), table, watch) == []
    (done,) = trip_runs(said(12, ("v", "t1", 106.52)), table, watch)
    assert (done["state"], done["started"], done["ended"]) == ("COMPLETED", SEVEN + 360, SEVEN + 720)
    assert trip_runs(said(13, ("v", "t1", 106.52)), table, watch) == []


def test_a_cancelled_trip_is_told_once_and_a_bus_that_gives_up_half_way_interrupts_its_trip(table: Timetable) -> None:
    watch = Watch()
    trip_runs(said(0), table, watch)
    trip_runs(said(6, ("v", "t1", 106.503)), table, watch)
    assert states(trip_runs(said(8, ("v", "", 106.508), cancelled="t2"), table, watch)) == [("t2", "CANCELED"), ("t1", "INTERRUPTED")]
    assert trip_runs(said(9, ("v", "", 106.508), cancelled="t2"), table, watch) == []


def test_what_is_remembered_survives_being_written_down(table: Timetable) -> None:
    watch = Watch()
    trip_runs(said(0), table, watch)
    trip_runs(said(6, ("v", "t1", 106.503)), table, watch)
    again = Watch.of(watch.memory())
    assert states(trip_runs(said(12, ("v", "t1", 106.52)), table, again)) == [("t1", "COMPLETED")]
    assert trip_runs(said(12, ("v", "t1", 106.52)), table, again) == []  # the same message once more


def arrive(table: Timetable, watch: Watch, at: float, bus: str, name: str) -> dict[str, Any]:
    """A bus passes B half way between two messages a minute apart."""
    stop_arrivals(said(at - 0.5, (bus, name, 106.505)), table, watch)
    (row,) = stop_arrivals(said(at + 0.5, (bus, name, 106.515)), table, watch)
    return row


def keep_listening(table: Timetable, watch: Watch, since: int, until: int) -> None:
    for minute in range(since, until, 2):
        stop_arrivals(said(minute), table, watch)


def test_a_headway_is_between_two_buses_at_a_stop_and_the_first_has_none(table: Timetable) -> None:
    watch = Watch()
    first = arrive(table, watch, 8, "v", "t1")
    assert (first["stop_id"], first["previous_arrival"], first["headway_ratio"]) == ("B", None, None)
    assert first["arrival_time"] == pytest.approx(SEVEN + 480, abs=3)
    keep_listening(table, watch, 10, 22)
    second = arrive(table, watch, 23, "w", "t2")
    assert (second["previous_arrival"], second["headway_ratio"]) == (first["arrival_time"], 1.5)
    assert second["scheduled_time"] - second["previous_scheduled"] == 600


def test_after_a_silence_the_next_bus_has_no_headway_for_nobody_saw_who_passed(table: Timetable) -> None:
    watch = Watch()
    arrive(table, watch, 8, "v", "t1")
    assert arrive(table, watch, 23, "w", "t2")["previous_arrival"] is None


def test_a_bus_beside_its_road_is_off_the_line_by_so_many_metres(table: Timetable) -> None:
    assert off_shape(said(8, ("v", "t1", 106.512)), table)["v"] < 1
    assert off_shape(said(8, ("v", "t1", 106.512), north=0.002), table)["v"] == pytest.approx(222, abs=2)
