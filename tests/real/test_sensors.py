"""A bridge in Munich at 100 Hz and seven series with known failures, kept reading by reading."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from dashboard.core.readings import latest
from dashboard.store.readings import compact
from dashboard.store.schema import channel
from dashboard.store.series import series

from .conftest import Cockpit, load, read_csv

NAB = """
[source.nab]
kind = "sql"
title = "NAB"
department = "Numenta"
url_env = "NAB_URL"
timezone = "UTC"
"""
SERIES = """
[pull.{pull}]
source = "nab"
into = "bridges.readings"
table = "{table}"
key = "timestamp"
watermark = "timestamp"
fields = {{ asset_id = "'{table}'", metric = "'{metric}'", observed_at = "`timestamp`", value = "value" }}
units = {{ value = "{unit}" }}
"""
KNOWN = {  # series → what it is closest to among a bridge's metrics, and its unit
    "ambient_temperature_system_failure": ("structure_temperature", "F->C"),
    "machine_temperature_system_failure": ("structure_temperature", "F->C"),
    "cpu_utilization_asg_misconfiguration": ("capacity_used", "%->%"),
    "ec2_request_latency_system_failure": ("cable_force", "kN->kN"),
    "nyc_taxi": ("cable_force", "N->kN"),
    "rogue_agent_key_hold": ("wind", "m/s->m/s"),
    "rogue_agent_key_updown": ("wind", "m/s->m/s"),
}


@pytest.mark.mariadb
def test_every_reading_of_seven_series_is_kept_or_set_aside_with_a_reason(cockpit: Cockpit, shared: Path, mariadb_url: str) -> None:
    given: dict[str, list[list[str]]] = {}
    mapping = NAB
    for name, (metric, unit) in KNOWN.items():
        header, rows = read_csv(shared / f"data/sensors/nab/realKnownCause/{name}.csv")
        load(mariadb_url, name, header, rows)
        given[name] = rows
        mapping += SERIES.format(pull=name, table=name, metric=metric, unit=unit)
    cockpit.knows(mapping, NAB_URL=mariadb_url)
    now = datetime(2015, 3, 1, tzinfo=UTC)
    for name, rows in given.items():
        outcome = cockpit.pull(name, now)
        assert (outcome.outcome, outcome.error) == ("ok", "")
        moments = {row[0] for row in rows}  # the hour that summer time repeats is one moment here
        assert len(moments) - outcome.rows_quarantined <= outcome.rows_new <= len(moments)
        assert outcome.rows_quarantined <= 0.01 * len(rows)
        again = cockpit.pull(name, now + timedelta(minutes=1))
        assert (again.rows_new, again.rows_changed) == (0, 0)
    newest = {a: (ts, value) for a, ts, value in cockpit.ask(sa.select(latest.c.asset_id, latest.c.ts, latest.c.value))}
    for name in ("ambient_temperature_system_failure", "machine_temperature_system_failure"):
        at, value = given[name][-1]
        moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
        assert newest[name] == (moment, pytest.approx((float(value) - 32) * 5 / 9))


FOLDER = """
[source.bridge_folder]
kind = "folder"
title = "Test bridge"
department = "Universität der Bundeswehr München"
url_env = "BRIDGE_FOLDER"
timezone = "Europe/Berlin"

[pull.bridge_folder]
source = "bridge_folder"
into = "bridges.readings"
table = "*DMS*.zip"
key = "Time (-)"
fields = { asset_id = "'DMS'", metric = "'strain'", observed_at = "Time (-)", value = "DMS_CN (um\\\\m)" }
"""
STRAIN = """
[source.bridge]
kind = "sql"
title = "Test bridge"
department = "Universität der Bundeswehr München"
url_env = "BRIDGE_URL"
timezone = "Europe/Berlin"

[pull.bridge_strain]
source = "bridge"
into = "bridges.readings"
table = "ReferenceState"
key = '"Time (-)"'
watermark = '"Time (-)"'
lookback = "1s"
[pull.bridge_strain.fields]
asset_id = "'Testbrücke'"
metric = "'strain'"
observed_at = '"Time (-)"'
value = '"DMS_CN (um\\m)"'
"""


def test_an_archive_with_paths_leading_out_is_refused_by_name(cockpit: Cockpit, shared: Path) -> None:
    cockpit.knows(FOLDER, BRIDGE_FOLDER=str(shared / "data/sensors/munich_bridge_2022/ReferenceState"))
    outcome = cockpit.pull("bridge_folder", datetime(2026, 1, 1, tzinfo=UTC))
    assert outcome.outcome == "changed"
    assert "../" in outcome.error
    assert outcome.rows_new == 0


@pytest.mark.postgresql
def test_a_hundred_strains_a_second_are_kept_to_the_millisecond(cockpit: Cockpit, shared: Path, postgresql_url: str) -> None:
    place = shared / "data/sensors/munich_bridge_2022/ReferenceState/ReferenceStateDMS_CNAt100Hz.csv.zip"
    with zipfile.ZipFile(place) as archive:
        lines = list(csv.reader(io.StringIO(archive.read(archive.infolist()[0]).decode("latin-1"))))
    header, rows = lines[0], lines[1:]
    load(postgresql_url, "ReferenceState", header, rows)
    cockpit.knows(STRAIN, BRIDGE_URL=postgresql_url)
    now = datetime(2022, 3, 7, 18, tzinfo=UTC)
    outcome = cockpit.pull("bridge_strain", now)
    assert (outcome.outcome, outcome.error, outcome.rows_quarantined) == ("ok", "", 0)
    assert outcome.rows_new == len({r[0] for r in rows})
    compact(cockpit.store, now + timedelta(hours=2))
    with cockpit.store.connect() as conn:
        ours = conn.execute(sa.select(channel.c.channel_id)).scalar_one()
        first = datetime(2022, 3, 7, 15, 35, 15, 601000, UTC)  # 16:35:15.601 in Munich
        found = series(conn, ours, first, first + timedelta(seconds=10), None)
    expected = [float(v) for t, v in rows if t < "2022-03-07 16:35:25.601"]
    assert [round(float(value), 6) for value in (p[1] for p in found)][: len(expected)] == [round(v, 6) for v in expected]
