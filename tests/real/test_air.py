"""Air quality of 25 cities and of Beijing, read from PostgreSQL and MariaDB under its own names."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from dashboard.core.readings import latest
from dashboard.core.times import CITY_ZONE
from data_sources.air_tables import air_hour

from .conftest import Cockpit, load, read_csv

HOURLY = """
[source.pm25in]
kind = "sql"
title = "PM25.in"
department = "全国空气质量发布平台"
url_env = "PM25IN_URL"
timezone = "Asia/Shanghai"

[pull.pm25in_hours]
source = "pm25in"
into = "air.hours"
query = '''
select distinct on ("City", "Date", "Hour", "WatchPoint") *, "City" || '/' || "WatchPoint" || '/' || "Date" || '/' || "Hour" as id
from stations where "Date" >= '20200402' and "AQI" not in ('NaN', '', '—', '-')
'''
key = "id"
[pull.pm25in_hours.fields]
case_id = "id"
title = '"AQI"'
asset_id = '''"City" || '/' || "WatchPoint"'''
kind = "'national'"
opened_at = '''to_char(to_date("Date", 'YYYYMMDD'), 'YYYY-MM-DD') || ' ' || "Hour" || ':00''''
pm25 = '''"PM2.5"'''
pm10 = '''"PM10"'''
so2 = '''"SO2"'''
no2 = '''"NO2"'''
co = '''"CO"'''
o3 = '''"O3_1h"'''
"""


@pytest.mark.postgresql
def test_our_index_equals_the_published_one_on_every_row_that_has_data(cockpit: Cockpit, shared: Path, postgresql_url: str) -> None:
    header, rows = read_csv(shared / "data/air_quality/pm25in_hourly_2020/stations_20200402_0408.csv.gz")
    load(postgresql_url, "stations", header, rows)
    cockpit.knows(HOURLY, PM25IN_URL=postgresql_url)
    outcome = cockpit.pull("pm25in_hours", datetime(2020, 4, 9, tzinfo=UTC))
    assert (outcome.outcome, outcome.error) == ("ok", "")
    found = cockpit.ask(sa.select(air_hour.c.title, air_hour.c.aqi, air_hour.c.case_id).where(air_hour.c.aqi.is_not(None)))
    assert len(found) == outcome.rows_new > 18_500
    assert [(key, published, ours) for published, ours, key in found if float(published) != ours] == []


PRSA = """
[source.prsa]
kind = "sql"
title = "PRSA"
department = "Beijing Municipal Environmental Monitoring Center"
url_env = "PRSA_URL"
timezone = "Asia/Shanghai"

[pull.prsa_hours]
source = "prsa"
into = "air.hourly"
table = "prsa"
key = "No"
[pull.prsa_hours.fields]
asset_id = "station"
observed_at = "concat(`year`, '-', lpad(`month`, 2, '0'), '-', lpad(`day`, 2, '0'), ' ', lpad(`hour`, 2, '0'), ':00:00')"
[pull.prsa_hours.metrics]
pm25 = "nullif(`PM2.5`, 'NA')"
pm10 = "nullif(PM10, 'NA')"
so2 = "nullif(SO2, 'NA')"
no2 = "nullif(NO2, 'NA')"
co = "nullif(CO, 'NA')"
o3 = "nullif(O3, 'NA')"
[pull.prsa_hours.units]
co = "ug/m3->mg/m3"
"""


@pytest.mark.mariadb
def test_four_years_of_a_station_arrive_with_their_gaps_and_in_our_units(cockpit: Cockpit, shared: Path, mariadb_url: str) -> None:
    header, rows = read_csv(shared / "data/air_quality/prsa_beijing_hourly_2013_2017/PRSA_Dongsi_20130301-20170228.csv.gz")
    load(mariadb_url, "prsa", header, rows)
    cockpit.knows(PRSA, PRSA_URL=mariadb_url)
    outcome = cockpit.pull("prsa_hours", datetime(2017, 3, 1, tzinfo=UTC))
    assert (outcome.outcome, outcome.error) == ("ok", "")
    at = {name: i for i, name in enumerate(header)}
    wanted = sum(row[at[name]] != "NA" for row in rows for name in ("PM2.5", "PM10", "SO2", "NO2", "CO", "O3"))
    assert outcome.rows_new + outcome.rows_quarantined == wanted
    assert outcome.rows_quarantined < 50
    last = next(row for row in reversed(rows) if row[at["CO"]] != "NA")
    moment = datetime(*(int(last[at[n]]) for n in ("year", "month", "day", "hour")), tzinfo=CITY_ZONE)
    newest = cockpit.ask(sa.select(latest.c.ts, latest.c.value).where(latest.c.metric == "co"))
    assert newest == [(moment, pytest.approx(float(last[at["CO"]]) / 1000))]
