"""A street is shown beside the district and in its place among the streets; a domain's sheet leaves nothing out."""

from __future__ import annotations

import sqlalchemy as sa

from dashboard.core.scope import Scope
from dashboard.snapshot.sheet import sheet, work
from dashboard.snapshot.street import at_risk, head, systems
from dashboard.snapshot.view import View
from dashboard.store.engine import writing
from dashboard.store.schema import kpi_latest
from dashboard.store.topics import bump
from tests.whole_city import EAST, NOON, WEST, Town

ONLY_EAST = View(scope=Scope((EAST.code,)))


def put(town: Town, key: str, values: dict[str, float]) -> None:
    """Streets' numbers as the worker leaves them."""
    with writing(town.engine).begin() as conn:
        for scope, value in values.items():
            here = sa.and_(kpi_latest.c.kpi == key, kpi_latest.c.scope == scope)
            conn.execute(sa.update(kpi_latest).where(here).values(value=value, freshness="fresh"))
        conn.execute(sa.update(kpi_latest).where(kpi_latest.c.kpi == key, kpi_latest.c.scope.not_in(values)).values(value=None))
        bump(conn, ["kpi:test"], NOON)


def test_a_street_has_its_place_by_index_and_the_districts_beside_it(own: Town) -> None:
    put(own, "vital.skeleton", {EAST.code: 70.0, WEST.code: 90.0, "district": 88.0})
    row = next(r for r in systems(own.picture(), ONLY_EAST)["rows"] if r["vital"].key == "skeleton")
    assert (row["vital"].index, row["district"], row["rank"]) == ("70", "88", "2/2")


def test_the_street_page_names_the_street_and_the_others_to_go_to(town: Town) -> None:
    body = head(town.picture(), ONLY_EAST)
    assert body["title"] == EAST.short and sum(s["on"] for s in body["streets"]) == 1 and len(body["streets"]) == 11
    assert not head(town.picture(), View())["chosen"]


def test_only_the_streets_own_assets_are_at_risk_in_it(town: Town) -> None:
    rows = at_risk(town.picture(), ONLY_EAST)["rows"]
    assert rows and {r["street"] for r in rows} == {EAST.short}


def test_a_domains_sheet_has_every_figure_of_it(town: Town) -> None:
    for key, domain in town.catalog.domains.items():
        assert [r["cell"].title for r in sheet(town.picture(), View(), key)["rows"]] == [k.title.zh for k in domain.kpis]


def test_a_streets_sheet_has_the_districts_value_and_leaves_out_what_has_no_streets(town: Town) -> None:
    body = sheet(town.picture(), ONLY_EAST, "flood")
    assert len(body["rows"]) == sum(k.by_street for k in town.catalog.domains["flood"].kpis)
    assert body["one"] and all(r["district"] for r in body["rows"])


def test_another_domain_picked_leaves_this_one_out(town: Town) -> None:
    picked = View(system="tunnels")
    assert sheet(town.picture(), picked, "bridges")["hidden"] and work(town.picture(), picked, "bridges")["hidden"]
    assert not sheet(town.picture(), picked, "tunnels")["hidden"]


def test_every_table_of_matters_of_a_domain_stands_in_its_work(town: Town) -> None:
    for key, domain in town.catalog.domains.items():
        tables = [f.title.zh for f in domain.feeds if f.table is not None and "case_id" in f.table.c]
        assert [w["title"] for w in work(town.picture(), View(), key)["tables"]] == tables
