"""Caltrain's timetable and what its trains said on 7 November 2023: every vehicle and every stop of every trip."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from data_sources.minibuses import DOMAIN

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
