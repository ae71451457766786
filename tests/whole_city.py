"""A little of everything the product declares: assets, readings and matters of every domain in a store, computed and evaluated once."""

from __future__ import annotations

import atexit
import dataclasses
import shutil
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import sqlalchemy as sa

from dashboard.alerting.evaluate import evaluate
from dashboard.alerting.hush import quieten
from dashboard.alerting.situations import gather
from dashboard.casework.linkage.run import run_playbooks
from dashboard.core.catalog import Catalog, load_catalog
from dashboard.core.declare import Domain, Feed, Readings
from dashboard.core.places import streets
from dashboard.core.tables import metadata
from dashboard.core.times import to_micros
from dashboard.kpi.compute import compute
from dashboard.panels.screens import CityPanels
from dashboard.settings import Settings, load_settings
from dashboard.snapshot.picture import Picture, Reader
from dashboard.snapshot.view import View
from dashboard.store.engine import open_store, writing
from dashboard.store.readings import append_readings, open_channels
from dashboard.store.rows import write_rows
from dashboard.store.schema import pull_state
from dashboard.store.topics import bump

ROOT = Path(__file__).resolve().parents[1]
NOON = datetime(2026, 5, 20, 4, 0, tzinfo=UTC)  # 12:00 in the city
STEP = timedelta(minutes=10)
EAST, MIDDLE, WEST = (streets()[i] for i in (-1, 5, 0))
HOMES = (EAST, MIDDLE, WEST)
NASTY = "<script>alert('桥')</script>"


@dataclasses.dataclass
class Town:
    """A store, what is declared, and the panels over it."""

    engine: sa.Engine
    catalog: Catalog
    settings: Settings

    @property
    def panels(self) -> CityPanels:
        """Panels that remember nothing yet."""
        return CityPanels(self.settings, self.catalog, self.engine)

    def picture(self, now: datetime = NOON, view: View | None = None) -> Picture:
        """The store as a view sees it."""
        return self.reader.picture(now, view or View())

    @property
    def reader(self) -> Reader:
        """Opens pictures; remembers nothing yet."""
        return Reader(self.engine, self.catalog, self.settings)

    def heard(self, at: datetime, *domains: str) -> None:
        """Every pull (of these domains, if any are named) succeeded just now."""
        with writing(self.engine).begin() as conn:
            for name, pull in self.settings.pulls.items():
                if not domains or pull.into.split(".")[0] in domains:
                    conn.execute(sa.delete(pull_state).where(pull_state.c.pull == name))
                    conn.execute(sa.insert(pull_state).values(pull=name, source=pull.source, feed=pull.into, **_fine(at)))
            bump(conn, ["sources"], at)

    def turn(self, now: datetime) -> None:
        """What the worker does after its pulls."""
        compute(self.engine, self.catalog, self.settings, now)
        evaluate(self.engine, self.catalog, self.settings, now)
        quieten(self.engine, self.catalog, self.settings, now)
        gather(self.engine, self.catalog, self.settings, now)
        run_playbooks(self.engine, self.catalog, now)

    def read(self, domain: str, metric: str, values: Iterable[tuple[str, Any, datetime, float]], now: datetime) -> None:
        """Readings come in: (asset, street, at, value)."""
        declared, known = self.catalog.metrics[domain, metric], list(values)
        wanted = sorted({(asset, metric, street, int(declared.cadence.total_seconds())) for asset, street, _, _ in known})
        with writing(self.engine).begin() as conn:
            numbers = open_channels(conn, domain=domain, pull="test", source="test", wanted=wanted, now=now)
            append_readings(conn, [(numbers[a, metric], to_micros(at), v, 0) for a, _, at, v in known], run_id=1, now=now)
            bump(conn, [f"readings:{domain}"], now)

    def write(self, table: sa.Table, rows: Sequence[dict[str, Any]], now: datetime) -> None:
        """Rows of a domain's table come in."""
        full = [{"source_key": "k", "row_hash": str(hash(str(row))), **row} for row in rows]
        with writing(self.engine).begin() as conn:
            write_rows(conn, table, full, source="test", run_id=1, now=now)
            bump(conn, [f"table:{table.name}"], now)


def _fine(at: datetime) -> dict[str, Any]:
    return {"cadence_s": 600, "failures": 0, "newest_event_at": at, "last_ok_at": at, "rows_total": 3, "quarantined_total": 0}


@cache
def _built() -> Path:
    """The home folder of the town; not to be written to."""
    home = Path(mkdtemp(prefix="cockpit-town-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    town = open_town(home)
    for domain in town.catalog.domains.values():
        for feed in domain.feeds:
            _fill(town, domain, feed)
        for derived in domain.derived:
            town.read(domain.key, derived.metric.key, _readings(town, domain, derived.metric.key), NOON)
    town.heard(NOON)
    for now in (NOON - STEP, NOON):
        town.turn(now)
    town.engine.dispose()
    return home


def open_town(home: Path) -> Town:
    """The store of a home, made if it is not there."""
    settings = load_settings(str(ROOT / "cockpit.toml"), {"COCKPIT_HOME": str(home), "COCKPIT_TOKEN_KEY": "test"})
    catalog, engine = load_catalog(), open_store(settings.store_url)
    metadata.create_all(engine)
    return Town(engine, catalog, settings)


def copy_of_town(home: Path) -> Town:
    """A town of one's own."""
    place = home / "var" / "store.db"
    place.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(_built() / "var" / "store.db") as made, sqlite3.connect(place) as own:
        made.backup(own)
    return open_town(home)


def _fill(town: Town, domain: Domain, feed: Feed) -> None:
    if feed.table is None:
        for metric in feed.metrics:
            town.read(domain.key, metric.key, _readings(town, domain, metric.key), NOON)
    elif "asset_id" in feed.table.primary_key.columns:
        town.write(feed.table, [_asset(town, domain, feed.table, i) for i in range(len(HOMES))], NOON)
    else:
        town.write(feed.table, [_case(domain, feed.table, i) for i in range(len(HOMES))], NOON)


def asset_id(domain: Domain | str, i: int) -> str:
    return f"{domain if isinstance(domain, str) else domain.key}-{i}"


def _asset(town: Town, domain: Domain, table: sa.Table, i: int) -> dict[str, Any]:
    lon, lat = HOMES[i].label
    kind = next(iter(domain.asset_kinds), "")
    name = NASTY if (domain.key, i) == ("bridges", 0) else f"{domain.title.zh}{i}号"
    known = {"asset_id": asset_id(domain, i), "kind": kind, "name": name, "street": HOMES[i].code, "lon": lon, "lat": lat}
    return {**_needed(table), **known, "observed_at": NOON}


def _case(domain: Domain, table: sa.Table, i: int) -> dict[str, Any]:
    opened = NOON - timedelta(hours=i + 1)
    known = {"case_id": f"{domain.key}-{table.name}-{i}", "title": f"=1+{i}", "street": HOMES[i].code}
    return {**_needed(table), **known, "asset_id": asset_id(domain, i), "opened_at": opened, "due_at": opened + timedelta(minutes=30)}


def _needed(table: sa.Table) -> dict[str, Any]:
    """A value for what a domain's table may not go without."""
    given = {c.name for c in table.columns if c.nullable or c.default is not None}
    plain = ("source", "source_key", "pull_run", "learned_at", "row_hash", "opened_at")
    return {c.name: 1 for c in table.columns if c.name not in given and c.name not in plain and isinstance(c.type, sa.Integer | sa.Float)}


def _readings(town: Town, domain: Domain, metric: str) -> list[tuple[str, Any, datetime, float]]:
    """Two hours of a metric for three assets: the first past its worst limit, the others calm."""
    values = [_beyond(town, domain, metric), _calm(town, domain, metric), _calm(town, domain, metric)]
    times = [NOON - i * STEP for i in range(12, -1, -1)]
    return [(asset_id(domain, i), HOMES[i].code, at, values[i]) for i in range(len(HOMES)) for at in times]


def _limits(town: Town, domain: Domain, metric: str) -> Sequence[Any]:
    keys = [f"{domain.key}.{r.key}" for r in domain.rules if isinstance(r.watches, Readings) and r.watches.metric == metric]
    return town.catalog.rule_thresholds(keys[0], "2026-05-20") if keys else ()


def _beyond(town: Town, domain: Domain, metric: str) -> float:
    limits = _limits(town, domain, metric)
    return 1.0 if not limits else limits[0].value * (1.1 if limits[0].op.startswith(">") else 0.9)


def _calm(town: Town, domain: Domain, metric: str) -> float:
    limits = _limits(town, domain, metric)
    return 1.0 if not limits else limits[-1].clear * (0.5 if limits[-1].op.startswith(">") else 1.5)
