"""Citizens' matters: New York's 311 from PostgreSQL, and Chinese messages from the spreadsheet they came in."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest
import sqlalchemy as sa

from data_sources.hotline import DOMAIN

from .conftest import Cockpit, load, read_csv

CASE = next(f.table for f in DOMAIN.feeds if f.key == "cases")
NYC = """
[source.nyc]
kind = "sql"
title = "NYC 311"
department = "City of New York"
url_env = "NYC_URL"
timezone = "America/New_York"

[pull.nyc_requests]
source = "nyc"
into = "hotline.cases"
table = "service_requests"
key = "unique_key"
watermark = "created_date"
[pull.nyc_requests.fields]
case_id = "unique_key"
category = "complaint_type"
title = "descriptor"
state = "status"
opened_at = "created_date"
closed_at = "nullif(closed_date, '')"
lon = "nullif(longitude, '')"
lat = "nullif(latitude, '')"
[pull.nyc_requests.codes.state]
STATES
"""
MESSAGES = """
[source.messages]
kind = "folder"
title = "群众留言"
department = "网信办"
url_env = "MESSAGES_URL"
timezone = "Asia/Shanghai"

[pull.messages]
source = "messages"
into = "hotline.cases"
table = "attachment3*.xlsx"
key = "留言编号"
options = { sheet = "Sheet1" }
fields = { case_id = "留言编号", title = "留言主题", opened_at = "留言时间", state = "'received'" }
"""


@pytest.mark.postgresql
def test_every_request_arrives_with_its_moments_in_new_york_time(cockpit: Cockpit, shared: Path, postgresql_url: str) -> None:
    assert CASE is not None
    header, rows = read_csv(shared / "data/cases/nyc_311_api_2024_04/311_Service_Requests.csv.gz")
    header = [name.replace("\n", " ").strip(" ,") or f"unnamed_{i}" for i, name in enumerate(header)]
    at = {name: i for i, name in enumerate(header)}
    states = "\n".join(f'"{s}" = "{s.lower().replace(" ", "_")}"' for s in sorted({r[at["status"]] for r in rows}))
    load(postgresql_url, "service_requests", header, rows)
    cockpit.knows(NYC.replace("STATES", states), NYC_URL=postgresql_url)
    outcome = cockpit.pull("nyc_requests", datetime(2024, 5, 1, tzinfo=UTC))
    assert (outcome.outcome, outcome.rows_new, outcome.rows_quarantined) == ("ok", len({r[0] for r in rows}), 0)
    new_york = ZoneInfo("America/New_York")
    given = {row[0]: row for row in rows}
    for key, opened, closed in cockpit.ask(sa.select(CASE.c.case_id, CASE.c.opened_at, CASE.c.closed_at)):
        row = given[key]
        assert opened == datetime.fromisoformat(row[at["created_date"]]).replace(tzinfo=new_york)
        shut = row[at["closed_date"]]
        assert closed == (datetime.fromisoformat(shut).replace(tzinfo=new_york) if shut else None)
    assert cockpit.pull("nyc_requests", datetime(2024, 5, 1, 1, tzinfo=UTC)).rows_new == 0


def test_four_thousand_chinese_messages_come_out_of_a_spreadsheet_with_two_ways_to_write_a_date(cockpit: Cockpit, shared: Path) -> None:
    assert CASE is not None
    folder = shared / "data/cases/cn_gov_messages"
    cockpit.knows(MESSAGES, MESSAGES_URL=str(folder))
    outcome = cockpit.pull("messages", datetime(2026, 1, 1, tzinfo=UTC))
    sheet = openpyxl.load_workbook(folder / "attachment3_hot_topics.xlsx", read_only=True)["Sheet1"]
    given = {str(row[0]): row for row in list(sheet.iter_rows(values_only=True))[1:] if row[0] is not None}
    assert (outcome.outcome, outcome.rows_new, outcome.rows_quarantined) == ("ok", len(given), 0)
    shanghai = ZoneInfo("Asia/Shanghai")
    for key, title, opened in cockpit.ask(sa.select(CASE.c.case_id, CASE.c.title, CASE.c.opened_at)):
        said = given[key][3]
        moment = said if isinstance(said, datetime) else datetime.strptime(str(said), "%Y/%m/%d %H:%M:%S")  # noqa: DTZ007
        assert opened == moment.replace(tzinfo=shanghai)
        assert title.split() == str(given[key][2])[:255].split()
    assert cockpit.pull("messages", datetime(2026, 1, 2, tzinfo=UTC)).rows_read == 0
