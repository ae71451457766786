"""A bridge in Munich at 100 Hz and seven series with known failures, kept reading by reading."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from dashboard.alerting.evaluate import evaluate
from dashboard.core.readings import latest
from dashboard.derive.run import derive
from dashboard.settings import load_settings
from dashboard.store.models import models_of
from dashboard.store.readings import compact
from dashboard.store.schema import alert, channel
from dashboard.store.series import readings_between, series

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
    "cpu_utilization_asg_misconfiguration": ("vehicle_load", "t->t"),
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


STRETCHED = """
[source.bridge]
kind = "sql"
title = "Test bridge"
department = "Universität der Bundeswehr München"
url_env = "BRIDGE_URL"
timezone = "UTC"

[pull.bridge_register]
source = "bridge"
into = "bridges.structures"
table = "register"
key = "id"
fields = { asset_id = "id", name = "name", strain_limit = "strain_limit" }

[pull.bridge_stretched]
source = "bridge"
into = "bridges.readings"
table = "record"
key = ["item", "at"]
watermark = "at"
lookback = "1s"
backfill = "400d"
fields = { asset_id = "'Testbrücke'", metric = "item", observed_at = "at", value = "value" }
"""
DESIGN_STRAIN = 200.0  # µm/m; not published with the record, chosen here
ALARM = (1.0, 3.0, 5.0)


def _record(shared: Path, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """One column of the record at 100 Hz."""
    place = shared / f"data/sensors/munich_bridge_2022/ReferenceState/ReferenceState{name}At100Hz.csv.zip"
    with zipfile.ZipFile(place) as archive:
        rows = csv.reader(io.StringIO(archive.read(archive.infolist()[0]).decode("latin-1")))
        next(rows)
        return np.array([float(row[1]) for row in rows])


def test_a_real_bridge_goes_through_the_joint_and_strain_rules_and_they_find_the_step_in_it(cockpit: Cockpit, shared: Path) -> None:
    """Ten minutes at 100 Hz, stretched to a sample a minute, as the models learn from hours.

    What moved is the strain; what drives it in the record is the force of the press, a tenth of a kN where a degree would be.
    The first half is what is learned from, the second is judged, here and by numpy alone.
    """
    strain, force = _record(shared, "DMS_CN"), _record(shared, "Force") / 10
    began = datetime(2022, 3, 7, tzinfo=UTC)
    half, end = (began + timedelta(minutes=n) for n in (len(strain) // 2, len(strain)))
    url = f"sqlite:///{cockpit.home / 'bridge.db'}"
    times = [(began + timedelta(minutes=i)).isoformat() for i in range(len(strain))]
    items = {"joint_displacement": strain, "strain": strain, "structure_temperature": force}
    _say(url, "register", ["id", "name", "strain_limit"], [("Testbrücke", "Testbrücke", DESIGN_STRAIN)])
    rows = [(item, at, value) for item, values in items.items() for at, value in zip(times, values.tolist(), strict=True)]
    _say(url, "record", ["item", "at", "value"], [row for row in rows if row[1] < half.isoformat()])
    cockpit.knows(STRETCHED, BRIDGE_URL=url)
    cockpit.pull("bridge_register", half)
    assert cockpit.pull("bridge_stretched", half).rows_new == len(strain) // 2 * 3
    taught = half + timedelta(hours=1)
    compact(cockpit.store, taught)  # so that the last hour is learned from whole
    derive(cockpit.store, cockpit.catalog, taught)
    _say(url, "record", ["item", "at", "value"], [row for row in rows if row[1] >= half.isoformat()])
    cockpit.pull("bridge_stretched", end)
    derive(cockpit.store, cockpit.catalog, end)

    with cockpit.store.connect() as conn:
        model = models_of(conn, "bridges", "joint_residual")["Testbrücke"][0]
    a, b, sigma = _by_numpy(strain, force)
    assert model.numbers == {"a": pytest.approx(a), "b": pytest.approx(b), "sigma": pytest.approx(sigma)}
    ours, expected = _second_half(cockpit, "joint_residual", half), _residuals(strain, force, a, b, sigma)
    assert ours == pytest.approx(expected, abs=1e-4)
    assert [int((np.array(ours) >= limit).sum()) for limit in ALARM] == [int((expected >= limit).sum()) for limit in ALARM]
    used = _second_half(cockpit, "capacity_used", half)
    assert used == pytest.approx(np.abs(strain[len(strain) // 2 :]) / DESIGN_STRAIN * 100, abs=1e-3)
    evaluate(cockpit.store, cockpit.catalog, load_settings(str(cockpit.home / "cockpit.toml"), cockpit.environ), end)
    assert dict(map(tuple, cockpit.ask(sa.select(alert.c.rule, alert.c.level)))) == {
        "bridges.joint_residual": "red",
        "bridges.capacity": "yellow",
    }
    assert sum(v >= 5 for v in ours) > 1000  # the step in the record's last fifth is far out of what the first half taught


def _say(url: str, table: str, header: list[str], rows: list[tuple[Any, ...]]) -> None:
    """The owner's database takes rows."""
    engine = sa.create_engine(url)
    with engine.begin() as conn:
        conn.exec_driver_sql(f"create table if not exists {table} ({', '.join(header)})")
        conn.exec_driver_sql(f"insert into {table} values ({', '.join('?' * len(header))})", rows)
    engine.dispose()


def _by_numpy(strain: Any, force: Any) -> tuple[float, float, float]:
    """The regression from its textbook, over whole hours of the first half."""
    d, t = (column[: len(column) // 2].reshape(-1, 60).mean(axis=1) for column in (strain, force))
    b, a = np.polyfit(t, d, 1)
    return float(a), float(b), float(np.sqrt(((d - a - b * t) ** 2).sum() / (len(d) - 2)))


def _residuals(strain: Any, force: Any, a: float, b: float, sigma: float) -> Any:
    """Trailing hourly means of what the regression leaves, in sigma."""
    left = strain - a - b * force
    means = np.convolve(left, np.ones(60) / 60)[: len(left)]
    return np.abs(means[len(left) // 2 :]) / sigma


def _second_half(cockpit: Cockpit, metric: str, since: datetime) -> list[float]:
    with cockpit.store.connect() as conn:
        number = conn.execute(sa.select(channel.c.channel_id).where(channel.c.metric == metric)).scalar_one()
        return [value for _ts, value, _quality in readings_between(conn, number, since, since + timedelta(days=400))]
