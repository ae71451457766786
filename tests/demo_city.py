"""The demo's sensor platform, built once per test process, and the cockpit's picture of it."""

from __future__ import annotations

import atexit
import dataclasses
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import sqlalchemy as sa

from dashboard.core.catalog import Catalog, load_catalog
from dashboard.core.tables import metadata
from dashboard.demo import build_demo
from dashboard.kpi.compute import compute
from dashboard.pull.run import run_pull
from dashboard.settings import Settings, load_settings
from dashboard.store.engine import open_store
from dashboard.store.migrate import migrate

NOW = datetime(2026, 3, 12, 1, 30, tzinfo=UTC)  # half past nine in the city, a Thursday
SEED = 20260312
ROOT = Path(__file__).resolve().parents[1]


def settings_in(home: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """The project's own configuration with its databases under another home."""
    return load_settings(str(ROOT / "cockpit.toml"), {"COCKPIT_HOME": str(home), "COCKPIT_TOKEN_KEY": "test", **(environ or {})})


@cache
def built_home() -> Path:
    """A home folder whose demo has the sensor platform; not to be written to."""
    home = Path(mkdtemp(prefix="cockpit-demo-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    build_demo(settings_in(home), NOW, SEED, fresh=False, only=["sensors"], report=lambda _line: None)
    return home


def sensors_file(home: Path) -> Path:
    """Where a home keeps the sensor platform's database."""
    return home / "var" / "demo" / "sensors.db"


def copy_of_home(tmp_path: Path) -> Path:
    """A home of one's own, with the sensor platform in it."""
    place = sensors_file(tmp_path)
    place.parent.mkdir(parents=True)
    shutil.copy(sensors_file(built_home()), place)
    return tmp_path


@dataclasses.dataclass(frozen=True)
class Picture:
    """The store after one turn over the sensor platform."""

    engine: sa.Engine
    catalog: Catalog
    settings: Settings

    def district(self) -> dict[str, float | None]:
        """Every KPI of the district."""
        with self.engine.connect() as conn:
            return {row.kpi: row.value for row in conn.execute(sa.text("select kpi, value from kpi_latest where scope = 'district'"))}

    def parts(self, kpi: str) -> str:
        """What a KPI of the district was put together from, as text."""
        with self.engine.connect() as conn:
            return str(conn.scalar(sa.text("select parts from kpi_latest where scope = 'district' and kpi = :kpi"), {"kpi": kpi}))


@cache
def picture() -> Picture:
    """The platform's registers and its last half hour of readings, pulled by configuration and computed."""
    home = built_home()
    settings = settings_in(home)
    pulls = {
        key: dataclasses.replace(pull, backfill=timedelta(minutes=30) if pull.backfill else None)
        for key, pull in settings.pulls.items()
        if pull.source == "sensors"
    }
    settings = dataclasses.replace(settings, pulls=pulls)
    engine, catalog = open_store(settings.store_url), load_catalog()
    migrate(engine, metadata)
    for key in pulls:
        outcome = run_pull(engine, catalog, settings, key, NOW)
        assert outcome.outcome == "ok", outcome
    compute(engine, catalog, settings, NOW)
    return Picture(engine, catalog, settings)


def life_of(url: str, since: str) -> dict[str, tuple[int, list[tuple[object, ...]]]]:
    """Per table how many rows it has, and those that came or changed after a local time, in a fixed order."""
    engine = sa.create_engine(url)
    tables = sa.MetaData()
    tables.reflect(engine)
    found = {}
    with engine.connect() as conn:
        for name, table in tables.tables.items():
            moved = [table.c[column] >= since for column in ("入库时间", "更新时间") if column in table.c]
            rows = sorted((tuple(row) for row in conn.execute(sa.select(table).where(*moved))), key=repr)
            found[name] = (conn.execute(sa.select(sa.func.count()).select_from(table)).scalar_one(), rows)
    engine.dispose()
    return found
