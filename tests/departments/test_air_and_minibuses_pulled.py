"""Both departments read by the shipped configuration alone: nothing refused, and the published figures come out of the rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
import sqlalchemy as sa

from dashboard.core.catalog import load_catalog
from dashboard.kpi.compute import compute
from dashboard.pull.run import run_pull
from dashboard.settings import load_settings
from dashboard.store.engine import open_store
from dashboard.store.migrate import migrate
from dashboard.store.schema import kpi_latest, latest, quarantine
from data_sources.departments import air, minibuses
from data_sources.departments.building import open_department

NOW = datetime(2026, 11, 20, 9, 40, tzinfo=UTC)
HOME = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[sa.Engine, list[str]]]:
    """A store filled from both departments, and the outcome of each pull that was not well."""
    place = tmp_path_factory.mktemp("city")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(air, "HISTORY", timedelta(days=40))
        patch.setattr(air, "KEPT_FIVE_MINUTES", timedelta(hours=6))
        patch.setattr(minibuses, "KEPT_TRACKS", timedelta(hours=1))
        patch.setattr(minibuses, "KEPT_TRIPS", timedelta(days=9))
        for key, department in (("air", air), ("minibuses", minibuses)):
            engine = open_department(f"sqlite:///{place / key}.db")
            department.DEPARTMENT.build(engine, NOW, 7)
            engine.dispose()
    urls = {f"COCKPIT_{key.upper()}_URL": f"sqlite:///{place / key}.db" for key in ("air", "minibuses")}
    catalog, settings = load_catalog(), load_settings(str(HOME / "cockpit.toml"), {**urls, "COCKPIT_TOKEN_KEY": "k" * 32})
    store = open_store(f"sqlite:///{place / 'store.db'}")
    migrate(store, now=NOW)
    pulls = [key for key, pull in settings.pulls.items() if pull.source in ("air", "minibuses")]
    outcomes = [run_pull(store, catalog, settings, key, NOW) for key in pulls]
    compute(store, catalog, settings, NOW)
    yield store, [f"{o.pull}: {o.outcome} {o.error}" for o in outcomes if o.outcome != "ok" or not o.rows_new]
    store.dispose()


def value(store: sa.Engine, kpi: str, scope: str = "district") -> float | None:
    with store.connect() as conn:
        return conn.scalar(sa.select(kpi_latest.c.value).where(kpi_latest.c.kpi == kpi, kpi_latest.c.scope == scope))


def test_every_pull_brings_rows_and_none_is_refused(city: tuple[sa.Engine, list[str]]) -> None:
    store, unwell = city
    assert unwell == []
    with store.connect() as conn:
        assert conn.execute(sa.select(quarantine.c.pull, quarantine.c.reason)).all() == []


@pytest.mark.parametrize(
    ("kpi", "figure"),
    [("riders_year", 2_000_000), ("network_coverage", 91.0), ("community_served", 28), ("hospital_served", 30), ("school_served", 35)],
)
def test_published_figures_come_out_of_the_rows(city: tuple[sa.Engine, list[str]], kpi: str, figure: float) -> None:
    assert round(value(city[0], f"minibuses.{kpi}") or 0, 1) == figure


def test_carbon_monoxide_is_in_milligrams_whatever_the_table_it_came_from(city: tuple[sa.Engine, list[str]]) -> None:
    with city[0].connect() as conn:
        hourly = conn.execute(sa.select(latest.c.value).where(latest.c.domain == "air", latest.c.metric == "co")).scalars().all()
    assert hourly and all(0.1 < found < 5 for found in hourly)
    assert 0.1 < (value(city[0], "air.co") or 0) < 5


def test_streets_without_a_reference_station_have_particles_but_no_index(city: tuple[sa.Engine, list[str]]) -> None:
    assert value(city[0], "air.pm10", "500103012") is not None
    assert value(city[0], "air.aqi", "500103012") is None
    assert value(city[0], "air.aqi", "500103003") is not None


def test_all_vehicles_are_heard_from(city: tuple[sa.Engine, list[str]]) -> None:
    assert (value(city[0], "minibuses.vehicles_online") or 0) > 90
    assert (value(city[0], "minibuses.in_service") or 0) > 15


# ---- the field's formulas once more, by other means and from the department's own rows
@pytest.fixture(scope="module")
def visits(city: tuple[sa.Engine, list[str]]) -> pd.DataFrame:
    """A week of timing-point visits as the operator's database has them, in minutes."""
    theirs = sa.create_engine(str(city[0].url).replace("store.db", "minibuses.db"))
    frame = pd.read_sql("select 线路编号, 到站时间, 计划间隔, 实际间隔 from 计时点到站", theirs)
    theirs.dispose()
    days = pd.to_datetime(frame["到站时间"]).dt.date
    today = NOW.astimezone(ZoneInfo("Asia/Shanghai")).date()
    week = frame[(days > today - timedelta(days=7)) & (days <= today)]
    return week.assign(h=week["实际间隔"] / 60, planned=week["计划间隔"] / 60)


def test_excess_wait_agrees_with_pandas(city: tuple[sa.Engine, list[str]], visits: pd.DataFrame) -> None:
    actual = (visits.h**2).sum() / (2 * visits.h.sum())
    scheduled = (visits.planned**2).sum() / (2 * visits.planned.sum())
    assert value(city[0], "minibuses.excess_wait") == pytest.approx(actual - scheduled, rel=1e-9)


def test_headway_variation_agrees_with_pandas(city: tuple[sa.Engine, list[str]], visits: pd.DataFrame) -> None:
    spread = (visits.h - visits.planned).std(ddof=0) / visits.planned.mean()
    assert value(city[0], "minibuses.headway_variation") == pytest.approx(spread, rel=1e-9)


def test_particles_agree_with_pandas(city: tuple[sa.Engine, list[str]]) -> None:
    with city[0].connect() as conn:
        newest = pd.read_sql(sa.select(latest.c.asset_id, latest.c.value).where(latest.c.domain == "air", latest.c.metric == "pm10"), conn)
    assert value(city[0], "air.pm10") == pytest.approx(newest["value"].mean(), rel=1e-9)
