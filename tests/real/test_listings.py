"""Beijing's short-term rentals: emoji, mixed languages and 9,344 points, read from MariaDB."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from data_sources.rentals import DOMAIN

from .conftest import Cockpit, load, read_csv

NOW = datetime(2021, 2, 1, tzinfo=UTC)
MAPPING = """
[source.airbnb]
kind = "sql"
title = "Inside Airbnb"
department = "Beijing"
url_env = "AIRBNB_URL"

[pull.airbnb_rooms]
source = "airbnb"
into = "rentals.rooms"
table = "room"
key = "room_id"
[pull.airbnb_rooms.fields]
asset_id = "room_id"
name = "left(name, 180)"
kind = "room_type"
lon = "longitude"
lat = "latitude"
operator = "host_id"
beds = "nullif(beds, '')"
smart_lock = "case when instant_bookable = 't' then 1 else 0 end"
[pull.airbnb_rooms.codes.kind]
"Entire home/apt" = "flat"
"Private room" = "studio"
"Shared room" = "homestay"
"Hotel room" = "loft"
"""


@pytest.mark.mariadb
def test_every_listing_becomes_a_room_with_its_name_as_written(cockpit: Cockpit, shared: Path, mariadb_url: str) -> None:
    header, rows = read_csv(shared / "data/listings/inside_airbnb_beijing_202101/room.csv.gz")
    load(mariadb_url, "room", header, rows)
    cockpit.knows(MAPPING, AIRBNB_URL=mariadb_url)
    outcome = cockpit.pull("airbnb_rooms", NOW)
    room = next(f.table for f in DOMAIN.feeds if f.key == "rooms")
    assert room is not None
    assert (outcome.outcome, outcome.rows_quarantined, outcome.rows_new) == ("ok", 0, len({r[0] for r in rows}))
    at = {name: i for i, name in enumerate(header)}
    given = {row[0]: row for row in rows}
    for key, name, lon, lat, beds in cockpit.ask(sa.select(room.c.asset_id, room.c.name, room.c.lon, room.c.lat, room.c.beds)):
        row = given[key]
        assert (lon, lat) == (pytest.approx(float(row[at["longitude"]])), pytest.approx(float(row[at["latitude"]])))
        assert name == row[at["name"]][:180] or name.split() == row[at["name"]][:180].split()
        assert beds == (float(row[at["beds"]]) if row[at["beds"]] else None)


@pytest.mark.mariadb
def test_reading_it_all_again_stores_nothing_and_a_changed_price_is_not_a_change(cockpit: Cockpit, shared: Path, mariadb_url: str) -> None:
    header, rows = read_csv(shared / "data/listings/inside_airbnb_beijing_202101/room.csv.gz")
    load(mariadb_url, "room", header, rows[:500])
    cockpit.knows(MAPPING, AIRBNB_URL=mariadb_url)
    assert cockpit.pull("airbnb_rooms", NOW).rows_new == 500
    department = sa.create_engine(mariadb_url)
    with department.begin() as conn:
        conn.exec_driver_sql("update room set price = '1'")
        conn.exec_driver_sql(f"update room set name = 'renamed' where room_id = '{rows[0][0]}'")
    again = cockpit.pull("airbnb_rooms", NOW)
    assert (again.rows_new, again.rows_changed) == (0, 1)
    department.dispose()
