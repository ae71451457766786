"""Both departments read by the shipped configuration alone: nothing refused, and the published figures come out of the rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from dashboard.core.catalog import load_catalog
from dashboard.kpi.compute import compute
from dashboard.pull.batch import Batch, key_text
from dashboard.pull.mapping import plan_pull
from dashboard.pull.readers.gtfs_rt import read_gtfs_rt
from dashboard.pull.run import run_pull
from dashboard.settings import load_settings
from dashboard.store.engine import open_store
from dashboard.store.migrate import migrate
from dashboard.store.schema import kpi_latest, latest, quarantine
from data_sources.departments import air, minibuses
from data_sources.departments.building import open_department
from data_sources.minibuses.tables import visit

NOW = datetime(2026, 11, 20, 9, 40, tzinfo=UTC)
HOME = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[sa.Engine, list[str]]]:
    """A store filled from both departments, and the outcome of each pull that was not well."""
    home = tmp_path_factory.mktemp("city")
    place = home / "var" / "demo"
    place.mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(air, "HISTORY", timedelta(days=40))
        patch.setattr(air, "KEPT_FIVE_MINUTES", timedelta(hours=6))
        patch.setattr(minibuses, "KEPT_TRIPS", timedelta(days=9))
        for key, department in (("air", air), ("minibuses", minibuses)):
            engine = open_department(f"sqlite:///{place / key}.db")
            department.DEPARTMENT.build(engine, NOW, 7)
            engine.dispose()
    catalog, settings = (
        load_catalog(),
        load_settings(str(HOME / "cockpit.toml"), {"COCKPIT_HOME": str(home), "COCKPIT_TOKEN_KEY": "k" * 32}),
    )
    store = open_store(f"sqlite:///{home / 'store.db'}")
    migrate(store, now=NOW)
    sources = ("air", "minibuses", "minibus_timetable", "minibus_live")
    pulls = [key for key, pull in settings.pulls.items() if pull.source in sources and pull.into.split(".")[1] != "receipts"]  # none yet
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
    """A week of arrivals as the operator's archive has them, with the headways between them in minutes."""
    theirs = sa.create_engine(str(city[0].url).replace("store.db", "var/demo/minibuses.db"))
    frame = pd.read_sql("select 站点编号, 方向, 到站编号, 计划到站, 到站时间 from 到站档案", theirs, parse_dates=["计划到站", "到站时间"])
    theirs.dispose()
    days = frame["计划到站"].dt.date
    today = NOW.astimezone(ZoneInfo("Asia/Shanghai")).date()
    week = frame[(days > today - timedelta(days=7)) & (days <= today)]
    places = [week["站点编号"], week["方向"], week["计划到站"].dt.date]
    h = week.sort_values("到站时间")["到站时间"].groupby(places).diff().dt.total_seconds() / 60
    planned = week.sort_values("计划到站")["计划到站"].groupby(places).diff().dt.total_seconds() / 60
    return week.assign(h=h, planned=planned)


@pytest.fixture(scope="module")
def ours(city: tuple[sa.Engine, list[str]]) -> pd.DataFrame:
    """Arrivals in our store."""
    with city[0].connect() as conn:
        return pd.read_sql(sa.select(visit), conn).set_index("case_id")


def test_headways_are_worked_out_from_arrivals_alone(ours: pd.DataFrame, visits: pd.DataFrame) -> None:
    both = visits.set_index("到站编号").join(ours, how="inner")
    known = both[both.h.notna() & both.planned.notna()]
    assert len(both) == len(visits) and len(known) > 5000
    assert (known.h - known.actual_min).abs().max() < 1e-9
    assert (known.planned - known.planned_min).abs().max() < 1e-9


@pytest.fixture(scope="module")
def often(ours: pd.DataFrame, visits: pd.DataFrame) -> pd.DataFrame:
    """Headways of frequent service: the archived ones, and those only the realtime feed has told so far."""
    live = ours[~ours.index.isin(visits["到站编号"]) & (ours.source == "minibus_live")]
    live = live.rename(columns={"actual_min": "h", "planned_min": "planned"})
    both = pd.concat([visits[["h", "planned"]], live[["h", "planned"]]]).dropna()
    return both[both.planned <= 12]


def test_excess_wait_agrees_with_pandas(city: tuple[sa.Engine, list[str]], often: pd.DataFrame) -> None:
    frame = often
    actual = (frame.h**2).sum() / (2 * frame.h.sum())
    scheduled = (frame.planned**2).sum() / (2 * frame.planned.sum())
    assert value(city[0], "minibuses.excess_wait") == pytest.approx(actual - scheduled, rel=1e-9)


def test_the_interval_of_the_excess_wait_is_that_of_resampled_weeks(city: tuple[sa.Engine, list[str]], often: pd.DataFrame) -> None:
    h = often.h.to_numpy()
    picks = np.random.default_rng(3).choice(h, (400, len(h)))
    waits = (picks**2).sum(axis=1) / (2 * picks.sum(axis=1))
    assert value(city[0], "minibuses.excess_wait_margin") == pytest.approx(1.96 * waits.std(), rel=0.15)


def test_headway_variation_agrees_with_pandas(city: tuple[sa.Engine, list[str]], often: pd.DataFrame) -> None:
    frame = often
    spread = (frame.h - frame.planned).std(ddof=0) / frame.planned.mean()
    assert value(city[0], "minibuses.headway_variation") == pytest.approx(spread, rel=1e-9)


def test_what_the_messages_say_is_what_the_archive_says_half_an_hour_later(city: tuple[sa.Engine, list[str]], visits: pd.DataFrame) -> None:
    """Arrivals worked out of positions every fifteen seconds, against the on-board units' own."""
    store = city[0]
    settings = load_settings(str(HOME / "cockpit.toml"), {"COCKPIT_HOME": str(Path(str(store.url.database)).parent)})
    plan = plan_pull(load_catalog(), settings, "minibus_visits")
    seen = {key_text(key): row for batch in read_gtfs_rt(plan, None, NOW) for key, row in _rows(batch)}
    kept = visits.set_index(visits["到站编号"].str.replace("/", "|"))
    off = [
        (pd.Timestamp(row["opened_at"], unit="s", tz="Asia/Shanghai").tz_localize(None) - kept["到站时间"][key]).total_seconds()
        for key, row in seen.items()
        if key in kept.index
    ]
    assert len(off) > 20
    assert max(abs(o) for o in off) <= 30 and abs(sum(off)) / len(off) < 10


def _rows(batch: Batch) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    return [(key, batch.row(i)) for i, key in enumerate(batch.keys)]


def test_kinds_of_line_have_their_own_timetables(city: tuple[sa.Engine, list[str]]) -> None:
    assert value(city[0], "minibuses.health_trips") == 92  # as published
    assert (value(city[0], "minibuses.school_trips") or 0) > 40
    assert (value(city[0], "minibuses.tour_trips") or 0) > 100


def test_particles_agree_with_pandas(city: tuple[sa.Engine, list[str]]) -> None:
    with city[0].connect() as conn:
        newest = pd.read_sql(sa.select(latest.c.asset_id, latest.c.value).where(latest.c.domain == "air", latest.c.metric == "pm10"), conn)
    assert value(city[0], "air.pm10") == pytest.approx(newest["value"].mean(), rel=1e-9)
