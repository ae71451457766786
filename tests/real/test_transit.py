"""Caltrain's timetable and what its trains said on 7 November 2023, and a campus bus by frequency: places, headways, excess wait."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections import defaultdict
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
import sqlalchemy as sa
from google.transit import gtfs_realtime_pb2 as rt

from dashboard.pull.readers.gtfs_watch import Watch, scheduled_headways, stop_arrivals
from dashboard.pull.readers.timetable import Timetable, load_timetable
from dashboard.settings import SourceConfig
from data_sources.minibuses import DOMAIN
from data_sources.transit import excess_wait, headways, mean_wait

from .conftest import Cockpit

NOW = datetime(2023, 11, 8, 1, 6, 30, tzinfo=UTC)
TABLE = {f.key: f.table for f in DOMAIN.feeds}
MAPPING = """
[source.caltrain]
kind = "gtfs"
title = "Caltrain"
department = "Caltrain"
url_env = "CALTRAIN_URL"
timezone = "America/Los_Angeles"

[source.caltrain_vehicles]
kind = "gtfs_rt"
title = "Caltrain vehicles"
department = "Caltrain"
url_env = "VEHICLES_URL"
timezone = "UTC"

[source.caltrain_trips]
kind = "gtfs_rt"
title = "Caltrain trips"
department = "Caltrain"
url_env = "TRIPS_URL"
timezone = "UTC"

[pull.caltrain_routes]
source = "caltrain"
into = "minibuses.lines"
table = "routes"
fields = { asset_id = "route_id", name = "route_long_name", kind = "'line'" }

[pull.caltrain_stops]
source = "caltrain"
into = "minibuses.stops"
table = "stops"
fields = { asset_id = "stop_id", name = "stop_name", kind = "'stop'", lon = "stop_lon", lat = "stop_lat" }

[pull.caltrain_vehicles]
source = "caltrain_vehicles"
into = "minibuses.vehicles"
table = "vehicle_positions"
fields = { asset_id = "entity_id", name = "vehicle_id", line = "route_id", lon = "longitude", lat = "latitude", observed_at = "timestamp" }

[pull.caltrain_updates]
source = "caltrain_trips"
into = "minibuses.trips"
table = "trip_updates"
key = ["entity_id", "stop_id"]
fields = { case_id = "entity_id || '/' || stop_id", asset_id = "route_id", title = "trip_id", opened_at = "timestamp" }
"""


@pytest.fixture
def caltrain(cockpit: Cockpit, shared: Path) -> tuple[Cockpit, Path]:
    folder = shared / "data/bus/caltrain_2023"
    cockpit.knows(
        MAPPING,
        CALTRAIN_URL=str(folder / "gtfs.zip"),
        VEHICLES_URL=str(folder / "vehicle-positions_20231108T010559Z.pb"),
        TRIPS_URL=str(folder / "trip-updates_20231108T010534Z.pb"),
    )
    return cockpit, folder


def test_every_route_and_stop_of_the_timetable_is_there(caltrain: tuple[Cockpit, Path]) -> None:
    cockpit, folder = caltrain
    with zipfile.ZipFile(folder / "gtfs.zip") as archive:
        counts = {n: len(list(csv.DictReader(io.TextIOWrapper(archive.open(f"{n}.txt"), "utf-8-sig")))) for n in ("routes", "stops")}
    for name in counts:
        outcome = cockpit.pull(f"caltrain_{name}", NOW)
        assert (outcome.outcome, outcome.error, outcome.rows_new, outcome.rows_quarantined) == ("ok", "", counts[name], 0)
        assert cockpit.pull(f"caltrain_{name}", NOW).rows_read == 0  # the same timetable is not read twice


def test_every_vehicle_is_where_another_project_read_it_to_be(caltrain: tuple[Cockpit, Path]) -> None:
    cockpit, folder = caltrain
    table = TABLE["vehicles"]
    assert table is not None
    outcome = cockpit.pull("caltrain_vehicles", NOW)
    told = json.loads((folder / "transitland-vehicle-stats.json").read_text())["entity"]
    assert (outcome.outcome, outcome.error, outcome.rows_quarantined) == ("ok", "", 0)
    ours = {r[0]: r[1:] for r in cockpit.ask(sa.select(table.c.asset_id, table.c.lon, table.c.lat, table.c.observed_at))}
    known = [e for e in told if e["id"] in ours]
    assert len(ours) == len(known) == 14  # the other project added three made-up trains to its own count
    for entity in known:
        at = entity["vehicle"]["position"]
        moment = datetime.fromtimestamp(int(entity["vehicle"]["timestamp"]), UTC)
        assert ours[entity["id"]] == (pytest.approx(at["longitude"], abs=1e-5), pytest.approx(at["latitude"], abs=1e-5), moment)


def test_every_stop_of_every_trip_update_is_there_once(caltrain: tuple[Cockpit, Path]) -> None:
    cockpit, folder = caltrain
    outcome = cockpit.pull("caltrain_updates", NOW)
    assert (outcome.outcome, outcome.error, outcome.rows_quarantined) == ("ok", "", 0)
    told = json.loads((folder / "transitland-trip-stats.json").read_text())["entity"]
    stops = {e["id"]: sorted(s["stopId"] for s in e["tripUpdate"].get("stopTimeUpdate", [])) for e in told}
    ours: dict[str, list[str]] = {}
    for (case_id,) in cockpit.ask(sa.select(TABLE["trips"].c.case_id)):
        trip, stop = case_id.split("/")
        ours.setdefault(trip, []).append(stop)
    assert len(ours) == 19
    assert {trip: sorted(found) for trip, found in ours.items()} == {trip: stops[trip] for trip in ours}
    assert cockpit.pull("caltrain_updates", NOW).rows_read == 0


# ---- headways and excess wait: by our functions, and once more by pandas from the files themselves
PACIFIC, EASTERN = ZoneInfo("America/Los_Angeles"), ZoneInfo("America/New_York")
TUESDAY, WEDNESDAY = date(2023, 11, 7), date(2017, 9, 13)


def timetable(archive: Path, zone: ZoneInfo) -> Timetable:
    source = SourceConfig(key="t", kind="gtfs", title="", department="", url="", options={"schedule": str(archive)})
    found = load_timetable(source, zone)
    assert found is not None
    return found


def tables(archive: Path, *names: str) -> list[pd.DataFrame]:
    with zipfile.ZipFile(archive) as opened:
        return [pd.read_csv(opened.open(f"{name}.txt"), dtype=str, skipinitialspace=True) for name in names]


def seconds(clock: pd.Series[str]) -> pd.Series[float]:
    return pd.to_timedelta(clock).dt.total_seconds()


def ours(table: Timetable, day: date) -> dict[tuple[str, int, str], list[float]]:
    """Departures of a day by route, direction and stop."""
    found: dict[tuple[str, int, str], list[float]] = defaultdict(list)
    for run in table.runs(day).values():
        for call in run.calls:
            found[run.route_id, run.direction_id, call.stop_id].append(call.arrival)
    return found


def wait(gaps: list[float]) -> float:
    return mean_wait(sum(h * h for h in gaps), sum(gaps))


def test_caltrains_headways_and_scheduled_wait_agree_with_pandas_at_every_stop(shared: Path) -> None:
    archive = shared / "data/bus/caltrain_2023/gtfs.zip"
    trips, times = tables(archive, "trips", "stop_times")
    frame = times.merge(trips[trips.service_id == "72982"], on="trip_id")  # Monday to Friday
    frame["at"] = seconds(frame.arrival_time)
    theirs = frame.sort_values("at").groupby(["route_id", "direction_id", "stop_id"])["at"].agg(list)
    found = ours(timetable(archive, PACIFIC), TUESDAY)
    assert len(found) == len(theirs) > 100
    for (route, direction, stop), at in theirs.items():
        gaps = pd.Series(at).diff().dropna()
        assert headways(found[route, int(direction), stop]) == gaps.tolist()
        if len(gaps):
            assert wait(gaps.tolist()) == pytest.approx((gaps**2).sum() / (2 * gaps.sum()))


def test_caltrains_excess_wait_agrees_with_pandas(shared: Path) -> None:
    """Where trains were said to be at each stop that evening, against when they should have been."""
    folder = shared / "data/bus/caltrain_2023"
    raw = (folder / "trip-updates_20231108T010534Z.pb").read_bytes()
    table, message = timetable(folder / "gtfs.zip", PACIFIC), rt.FeedMessage.FromString(raw)
    pairs: dict[tuple[int, str], list[tuple[float, float]]] = defaultdict(list)
    said = {
        (e.trip_update.trip.trip_id, s.stop_id): float(s.arrival.time or s.departure.time)
        for e in message.entity
        for s in e.trip_update.stop_time_update
    }
    for run in table.runs(TUESDAY).values():
        for call in run.calls:
            if (run.trip_id, call.stop_id) in said:
                planned = table.moment(TUESDAY, call.arrival)
                pairs[run.direction_id, call.stop_id].append((said[run.trip_id, call.stop_id], planned))
    actual = [h for both in pairs.values() for h in headways([a for a, _ in both])]
    planned_gaps = [h for both in pairs.values() for h in headways([p for _, p in both])]
    square = [sum(h * h for h in gaps) for gaps in (actual, planned_gaps)]
    ewt = excess_wait(square[0], sum(actual), square[1], sum(planned_gaps))

    trips, times = tables(folder / "gtfs.zip", "trips", "stop_times")
    live = pd.DataFrame([(t, s, at) for (t, s), at in said.items()], columns=["trip_id", "stop_id", "at"])
    frame = live.merge(times, on=["trip_id", "stop_id"]).merge(trips, on="trip_id")
    midnight = pd.Timestamp("2023-11-07", tz=PACIFIC).timestamp()
    frame["planned"] = midnight + seconds(frame.arrival_time)
    places = [frame.direction_id, frame.stop_id]
    h = frame.sort_values("at").groupby([c.loc[frame.sort_values("at").index] for c in places])["at"].diff().dropna()
    big = frame.sort_values("planned").groupby([c.loc[frame.sort_values("planned").index] for c in places])["planned"].diff().dropna()
    assert len(actual) == len(h) > 50
    assert ewt == pytest.approx((h**2).sum() / (2 * h.sum()) - (big**2).sum() / (2 * big.sum()))


@pytest.fixture
def campus(shared: Path) -> Path:
    return shared / "data/bus/usf_bullrunner_2017"


def test_trips_that_repeat_by_frequency_run_as_often_as_pandas_says(campus: Path) -> None:
    """Every start of every trip, from frequencies.txt; exact_times is 0: what is kept is the headway, not the clock."""
    trips, often, calendar = tables(campus / "gtfs.zip", "trips", "frequencies", "calendar")
    runs = often.merge(trips, on="trip_id")
    runs = runs[runs.service_id.isin(calendar[calendar.wednesday == "1"].service_id)]
    theirs = [
        (row.route_id, start)
        for row in runs.itertuples()
        for start in range(int(seconds(pd.Series([row.start_time]))[0]), int(seconds(pd.Series([row.end_time]))[0]), int(row.headway_secs))
    ]
    found = timetable(campus / "gtfs.zip", EASTERN).runs(WEDNESDAY)
    assert sorted((run.route_id, run.calls[0].departure) for run in found.values()) == sorted(theirs)
    assert len(found) > 500


def test_the_campus_feeds_headways_are_the_ones_it_declares_and_half_of_one_is_the_wait(campus: Path) -> None:
    table = timetable(campus / "gtfs.zip", EASTERN)
    gaps = ours(table, WEDNESDAY)
    once = {run.route_id: run.calls[1].stop_id for run in table.runs(WEDNESDAY).values()}  # a loop calls twice where it begins
    (often, trips) = tables(campus / "gtfs.zip", "frequencies", "trips")
    declared = often.merge(trips[trips.service_id == "Mo"], on="trip_id").groupby("route_id").headway_secs.agg(lambda s: sorted(set(s)))
    for route, wanted in declared.items():
        if len(wanted) == 1:
            found = headways(gaps[route, 0, once[route]])
            assert set(found) == {float(wanted[0])}
            assert wait(found) == float(wanted[0]) / 2
    assert scheduled_headways(table, WEDNESDAY)["A", 0, once["A"]]["1", "07:10:00"] == 600


def test_a_campus_line_that_leaves_out_every_fifth_bus_makes_people_wait_longer_by_what_pandas_says(campus: Path) -> None:
    table = timetable(campus / "gtfs.zip", EASTERN)
    stop = next(run for run in table.runs(WEDNESDAY).values() if run.route_id == "A").calls[1].stop_id
    planned = sorted(ours(table, WEDNESDAY)["A", 0, stop])
    came = [at for i, at in enumerate(planned) if i % 5 != 4]
    h, big = headways(came), headways(planned)
    ewt = excess_wait(sum(x * x for x in h), sum(h), sum(x * x for x in big), sum(big))
    series, whole = (pd.Series(at).diff().dropna() for at in (came, planned))
    assert ewt == pytest.approx((series**2).sum() / (2 * series.sum()) - (whole**2).sum() / (2 * whole.sum()))
    assert ewt is not None and 110 < ewt < 130  # seconds; the timetable asks for a bus every ten minutes


def test_vehicles_whose_trips_match_nothing_make_no_arrivals(campus: Path) -> None:
    message = rt.FeedMessage.FromString((campus / "vehicle-positions_20170913T145255Z.pb").read_bytes())
    watch, table = Watch(), timetable(campus / "gtfs.zip", EASTERN)
    assert len(message.entity) > 0
    assert stop_arrivals(message, table, watch) == []
    message.header.timestamp += 15
    assert stop_arrivals(message, table, watch) == [] and watch.passed == {}


def test_a_trains_way_from_one_message_to_the_next_gives_its_arrival_at_the_station_between(shared: Path) -> None:
    """A real vehicle of the capture, driven on along its own shape: the moment is where it passed, not when it was heard."""
    folder = shared / "data/bus/caltrain_2023"
    table = timetable(folder / "gtfs.zip", PACIFIC)
    message = rt.FeedMessage.FromString((folder / "vehicle-positions_20231108T010559Z.pb").read_bytes())
    entity = next(e for e in message.entity if (e.vehicle.trip.trip_id, "") in table.runs(TUESDAY))
    run = table.runs(TUESDAY)[entity.vehicle.trip.trip_id, ""]
    del message.entity[:]
    message.entity.append(entity)
    watch = Watch()
    assert stop_arrivals(message, table, watch) == []
    here = watch.vehicles[entity.vehicle.vehicle.id or entity.id][1]
    ahead = next(call for call in run.calls if call.along > here + 100)
    place = int((run.way.metres >= ahead.along + 200).argmax())
    moving = message.entity[0].vehicle
    moving.position.longitude, moving.position.latitude = float(run.way.lon[place]), float(run.way.lat[place])
    moving.timestamp += 120
    message.header.timestamp += 120
    (found,) = stop_arrivals(message, table, watch)
    share = (ahead.along - here) / (float(run.way.metres[place]) - here)
    assert found["stop_id"] == ahead.stop_id
    assert found["arrival_time"] - (moving.timestamp - 120) == pytest.approx(120 * share, abs=3)
