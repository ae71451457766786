"""New York's street cleanliness 2005–2018: our previous month and previous year are the published ones."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from dashboard.core.catalog import Catalog
from dashboard.core.declare import Domain, Kpi, Text, Vital, Window
from dashboard.core.measures import mean
from dashboard.core.times import CITY_ZONE, city_day
from dashboard.kpi.compute import compute
from dashboard.settings import load_settings
from dashboard.store.engine import writing
from dashboard.store.schema import kpi_day, kpi_latest, kpi_turn
from data_sources.road_cleaning import DOMAIN

from .conftest import Cockpit, load, read_csv

SCORE = next(f.table for f in DOMAIN.feeds if f.key == "scores")
MAPPING = """
[source.scorecard]
kind = "sql"
title = "Scorecard"
department = "Mayor's Office of Operations"
url_env = "SCORECARD_URL"
timezone = "Asia/Shanghai"             # months begin at the city's midnight

[pull.scorecard]
source = "scorecard"
into = "road_cleaning.scores"
query = '''select *, "Cleaning Section" || ' ' || "Month" as id, replace("Month", ' / ', '-') || '-01' as day from ratings
           where "Acceptable Streets %" <> \\'\\''''
key = "id"
[pull.scorecard.fields]
case_id = "id"
asset_id = '"Cleaning Section"'
opened_at = "day"
score = '"Acceptable Streets %"'
""".replace("\\'\\'", "''")


def months_before(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, 1)


@pytest.fixture
def ratings(cockpit: Cockpit, shared: Path, postgresql_url: str) -> tuple[Cockpit, list[dict[str, str]]]:
    """The ratings pulled, and the rows as published."""
    header, rows = read_csv(shared / "data/road_cleanliness/nyc_scorecard/Scorecard_Ratings.csv.gz")
    load(postgresql_url, "ratings", header, rows)
    cockpit.knows(MAPPING, SCORECARD_URL=postgresql_url)
    outcome = cockpit.pull("scorecard", datetime(2018, 6, 1, tzinfo=UTC))
    assert (outcome.outcome, outcome.error, outcome.rows_quarantined) == ("ok", "", 0)
    return cockpit, [dict(zip(header, row, strict=True)) for row in rows]


@pytest.mark.postgresql
def test_every_previous_month_and_year_is_the_published_one(ratings: tuple[Cockpit, list[dict[str, str]]]) -> None:
    cockpit, published = ratings
    assert SCORE is not None
    ours = {(a, city_day(at)): score for a, at, score in cockpit.ask(sa.select(SCORE.c.asset_id, SCORE.c.opened_at, SCORE.c.score))}
    compared = 0
    for row in published:
        day = date(int(row["Month"][:4]), int(row["Month"][-2:]), 1)
        for column, back in (("Previous Month", 1), ("Previous Year", 12)):
            said = row[f"Acceptable Streets % - {column}"]
            before = ours.get((row["Cleaning Section"], months_before(day, back)))
            if said and before is not None:
                assert before == pytest.approx(float(said)), (row["Cleaning Section"], row["Month"], column)
                compared += 1
    assert compared > 60_000


@pytest.mark.postgresql
def test_the_engines_change_on_last_year_is_the_one_the_published_columns_give(ratings: tuple[Cockpit, list[dict[str, str]]]) -> None:
    cockpit, published = ratings
    assert SCORE is not None
    kpi = Kpi(
        key="streets_year",
        title=Text("街道洁净度同比", "Streets on last year"),
        unit="%",
        table=SCORE,
        measure=mean(SCORE.c.score),
        formula=Text("各清扫片区均值同比", "Mean of sections on last year"),
        at=SCORE.c.opened_at,
        over=Window(days=10),
        change="year",
    )
    vital = Vital(key="breath", seal="呼", title=Text("呼吸", "Breath"), subtitle=Text("", ""), path="/breath", css="breath")
    domain = Domain(key="scorecard", title=kpi.title, department=kpi.title, vital="breath", feeds=DOMAIN.feeds, kpis=(kpi,))
    catalog = Catalog({"scorecard": domain}, {"breath": vital})
    settings = load_settings(str(cockpit.home / "cockpit.toml"), {"SCORECARD_URL": "sqlite://"})
    for month in (date(2009, 3, 1), date(2012, 11, 1), date(2017, 6, 1)):
        with writing(cockpit.store).begin() as conn:  # each month as a cockpit sees it that opened on that day
            for kept in (kpi_latest, kpi_turn, kpi_day):
                conn.execute(sa.delete(kept))
        now = datetime.combine(month, datetime.min.time(), CITY_ZONE) + timedelta(days=3)
        compute(cockpit.store, catalog, settings, now)
        rows = [r for r in published if r["Month"] == month.strftime("%Y / %m") and r["Acceptable Streets %"]]
        last = [r for r in published if r["Month"] == months_before(month, 12).strftime("%Y / %m") and r["Acceptable Streets %"]]
        mean_of = [sum(float(r["Acceptable Streets %"]) for r in group) / len(group) for group in (rows, last)]
        is_ours = (kpi_latest.c.scope == "district") & (kpi_latest.c.kpi == "scorecard.streets_year")
        ours = cockpit.ask(sa.select(kpi_latest.c.value).where(is_ours))[0][0]
        assert ours == pytest.approx(100 * (mean_of[0] - mean_of[1]) / mean_of[1])
