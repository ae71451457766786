"""Two series whose failures are known, through the expected-range rule of the live engine: what it finds and what it misses."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

import pytest

from dashboard.alerting.evaluate import evaluate
from dashboard.core.catalog import Catalog
from dashboard.core.clock import SteppedClock
from dashboard.core.declare import Level, OutOfRange
from dashboard.core.times import to_micros
from dashboard.store.alert_reads import alerts_page
from dashboard.store.engine import writing
from dashboard.store.readings import append_readings, compact, open_channels
from dashboard.store.topics import bump
from data_sources import air
from data_sources.limits import limit
from tests.small_city import CATALOG, LIGHTING, SmallCity, threshold

DAY = timedelta(days=1)
RULE = next(rule for rule in air.DOMAIN.rules if rule.key == "no2_unusual")  # the thresholds and holds the demo city runs with
SERIES = {"machine_temperature_system_failure": 300, "ambient_temperature_system_failure": 3600}  # and seconds between readings
Stretch = tuple[datetime, datetime]


@pytest.fixture
def nab(shared: Path) -> Path:
    return shared / "data" / "sensors" / "nab"


@pytest.fixture
def town(tmp_path: Path) -> Iterator[SmallCity]:
    """A city whose one rule asks what is unusual."""
    rule = replace(RULE, key="odd", watches=OutOfRange(metric="heat"))
    reach = limit("air.no2_unusual", Level.BLUE)
    limits = (threshold("odd", Level.BLUE, ">=", reach, reach / 2),)
    catalog = Catalog({"lighting": replace(LIGHTING, rules=(rule,))}, CATALOG.vitals, limits)
    made = SmallCity(f"sqlite:///{tmp_path / 'store.db'}", tmp_path, catalog)
    yield made
    made.leave()


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _labelled(nab: Path, name: str) -> list[Stretch]:
    windows = json.loads((nab / "combined_windows.json").read_text())[f"realKnownCause/{name}.csv"]
    return [(_moment(begin), _moment(end)) for begin, end in windows]


def _live_through(town: SmallCity, nab: Path, name: str) -> list[Stretch]:
    """Read a series day by day as a worker would; the alerts raised."""
    with (nab / "realKnownCause" / f"{name}.csv").open() as file:
        rows = [(_moment(row["timestamp"]), float(row["value"])) for row in csv.DictReader(file)]
    for _, day in groupby(rows, key=lambda row: row[0].date()):
        readings = list(day)
        town.clock = SteppedClock(readings[-1][0] + timedelta(minutes=1))
        compact(town.engine, town.now)  # before the day comes in: what is older than the running hour goes where lines are read from
        with writing(town.engine).begin() as conn:
            wanted = [(name, "heat", None, SERIES[name])]
            number = open_channels(conn, domain="lighting", pull="heat", source="nab", wanted=wanted, now=town.now)[name, "heat"]
            append_readings(conn, [(number, to_micros(at), value, 0) for at, value in readings], run_id=1, now=town.now)
            bump(conn, ["readings:lighting"], town.now)
        evaluate(town.engine, town.catalog, town.settings, town.now)
    with town.engine.connect() as conn:
        return [(row.opened_at, row.cleared_at or town.now) for row in alerts_page(conn)]


def _meets(one: Stretch, other: Stretch) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


@pytest.mark.parametrize(
    ("name", "raised", "true", "found", "labelled"),
    [("machine_temperature_system_failure", 7, 4, 4, 4), ("ambient_temperature_system_failure", 5, 2, 2, 2)],
)
def test_known_failures_are_found_and_false_alarms_are_as_many_as_the_docs_say(
    town: SmallCity, nab: Path, name: str, raised: int, true: int, found: int, labelled: int
) -> None:
    alerts, windows = _live_through(town, nab, name), _labelled(nab, name)
    meeting = [one for one in alerts if any(_meets(one, window) for window in windows)]
    met = [window for window in windows if any(_meets(one, window) for one in alerts)]
    assert (len(alerts), len(meeting), len(met), len(windows)) == (raised, true, found, labelled)
    told = (Path(__file__).parents[2] / "docs" / "expected-range.md").read_text("utf-8")
    assert f"| {name} | {raised} | {true} | {true / raised:.2f} | {found} / {labelled} | {found / labelled:.2f} |" in told
