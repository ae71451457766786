"""A list goes out whole, opens in a spreadsheet, and cannot run anything there."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI

from dashboard.core.clock import SteppedClock
from dashboard.snapshot.picture import Reader
from dashboard.web.export import exporting
from dashboard.web.eyes import Eyes
from dashboard.web.refusals import explain_errors
from tests.web.stage import Web, let_in
from tests.whole_city import EAST, NOON, Town, copy_of_town


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = copy_of_town(tmp_path)
    yield made
    made.engine.dispose()


@pytest.fixture
def web(town: Town) -> Web:
    app = FastAPI()
    explain_errors(app)
    app.include_router(exporting(Eyes(Reader(town.engine, town.catalog, town.settings), town.engine), SteppedClock(NOON)))
    return Web(let_in(app))


def table(web: Web, address: str) -> list[list[str]]:
    answer = web.get(address)
    assert answer.status_code == 200, answer.text
    text = answer.content.decode("utf-8")
    assert text.startswith("\ufeff"), "a spreadsheet takes Chinese without a mark for something else"
    mark, *rows = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    assert len(mark) == 1 and mark[0].startswith("# ")
    return rows


def test_every_row_of_the_selection_goes_out_not_only_those_shown(web: Web, town: Town) -> None:
    bridge = town.catalog.feeds["bridges.structures"][1].table
    assert bridge is not None
    many = [(f"more-{i}", EAST.code, NOON, 1.0) for i in range(700)]
    town.read("bridges", "capacity_used", many, NOON)
    town.write(bridge, [{"asset_id": a, "kind": "", "name": f"桥{a}", "street": s} for a, s, _, _ in many], NOON)
    head, *rows = table(web, "/export/readings/skeleton.csv")
    assert {r[0] for r in rows} >= {a for a, *_ in many}
    assert head[0] == "编号" and len({r[0] for r in rows}) == len(rows)
    assert next(r for r in rows if r[0] == "more-699")[1] == "桥more-699"


def test_a_filter_narrows_the_file_as_it_narrows_the_screen(web: Web, town: Town) -> None:
    _, *everywhere = table(web, "/export/alerts.csv?lang=en")
    _, *red = table(web, f"/export/alerts.csv?lang=en&level=red&scope={EAST.code}")
    assert 0 < len(red) < len(everywhere) and {r[1] for r in red} == {"Red"}
    assert len(everywhere) == len(town.picture().alerts)
    assert table(web, "/export/alerts.csv?scope=999999999")[1:] == []


def test_column_titles_are_in_the_language_of_the_view(web: Web) -> None:
    assert table(web, "/export/cases/hotline_case.csv")[0][1] == "事项"
    assert table(web, "/export/cases/hotline_case.csv?lang=en")[0][1] == "Matter"


def test_text_that_looks_like_a_formula_stays_text(web: Web) -> None:
    _, *rows = table(web, "/export/cases/hotline_case.csv")
    assert {r[1] for r in rows} == {"'=1+0", "'=1+1", "'=1+2"}


def test_numbers_stay_numbers_below_zero_too(web: Web, town: Town) -> None:
    town.read("bridges", "structure_temperature", [("cold", EAST.code, NOON, -4.5)], NOON)
    _, *rows = table(web, "/export/readings/skeleton.csv")
    assert next(r for r in rows if r[0] == "cold")[5] == "-4.5"


def test_with_a_window_the_matters_received_in_it_go_out(web: Web) -> None:
    hour = NOON - timedelta(hours=2, minutes=30), NOON - timedelta(minutes=90)
    span = "&".join(f"{name}={at:%Y%m%dT%H%M%SZ}" for name, at in zip(("t0", "t1"), hour, strict=True))
    assert [r[0] for r in table(web, f"/export/cases/hotline_case.csv?{span}")[1:]] == ["hotline-hotline_case-1"]


def test_the_file_is_named_by_what_it_holds_and_the_city_s_time(web: Web) -> None:
    answer = web.get("/export/cases/hotline_case.csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="hotline-case-20260520-1200.csv"'
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"


@pytest.mark.parametrize("of", ["cases/alert", "cases/bridge", "readings/liver", "audit/x"])
def test_what_is_no_list_is_not_given_out(web: Web, of: str) -> None:
    answer = web.get(f"/export/{of}.csv")
    assert answer.status_code == 404 and answer.headers["content-type"] == "application/problem+json"
