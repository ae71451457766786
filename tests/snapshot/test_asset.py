"""An asset's page tells everything that is known of it, in words, as it was known at the moment looked at."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from dashboard.core.errors import NotFoundError
from dashboard.snapshot.asset import card, find
from dashboard.snapshot.asset_life import life
from dashboard.snapshot.asset_readings import readings
from dashboard.snapshot.maps import asset_tables
from dashboard.snapshot.neighbours import REACH_M, neighbours
from dashboard.snapshot.readings import readings as assets_of
from dashboard.snapshot.view import View
from dashboard.store.engine import writing
from dashboard.store.rows import write_rows
from dashboard.store.topics import bump
from data_sources.column_words import COLUMNS
from tests.whole_city import EAST, NOON, Town, asset_id

SLOPE = f"slopes/{asset_id('slopes', 0)}"
HOUR = timedelta(hours=1)


def moved(town: Town, **changed: object) -> None:
    """The slope's row comes again an hour later, changed."""
    table = asset_tables(town.catalog.domains["slopes"])[0]
    with writing(town.engine).begin() as conn:
        row = dict(conn.execute(sa.select(table).where(table.c.asset_id == asset_id("slopes", 0))).mappings().one())
        row |= {**changed, "row_hash": "later"}
        write_rows(conn, table, [row], source="test", run_id=2, now=NOON + HOUR)
        bump(conn, [f"table:{table.name}"], NOON + HOUR)


def test_every_column_of_a_register_that_people_see_has_words(town: Town) -> None:
    shape = {*("asset_id", "kind", "name", "street", "lon", "lat", "state", "observed_at")}
    shape |= {*("source", "source_key", "pull_run", "learned_at", "row_hash")}
    tables = [table for d in town.catalog.domains.values() for table in asset_tables(d, on_map=True)]
    without = {f"{t.name}.{name}" for t in tables for name in t.c.keys() if name not in shape | set(COLUMNS)}  # noqa: SIM118
    assert {name for name in without if name not in COLUMNS} == set()


def test_an_asset_says_what_it_is_and_who_answers_for_it(town: Town) -> None:
    body = card(town.picture(), View(), SLOPE)
    told = dict(body["facts"])
    assert told["编号"] == asset_id("slopes", 0) and told["街道"] == EAST.short
    assert told["责任单位"] == town.catalog.domains["slopes"].department.zh
    assert body["worst"] and any(link["href"].startswith("/street?") for link in body["links"])


@pytest.mark.parametrize("ident", ["", "slopes", "slopes/none", "liver/x"])
def test_an_asset_nobody_knows_is_not_found(town: Town, ident: str) -> None:
    with pytest.raises(NotFoundError):
        find(town.picture(), ident)


def test_readings_past_a_limit_come_first_with_their_limits(town: Town) -> None:
    told = readings(town.picture(), View(), SLOPE)["readings"]
    assert told[0]["level"] and told[0]["limits"] and told[0]["plot"]["line"]
    levels = [bool(r["level"]) for r in told]
    assert levels == sorted(levels, reverse=True)


def test_a_past_moment_shows_the_reading_of_that_moment(own: Town) -> None:
    own.read("slopes", "soil_moisture", [(asset_id("slopes", 0), EAST.code, NOON + HOUR, 77.0)], NOON + HOUR)
    then, later = View(as_of=NOON), View()
    value = {view: _value(own, view) for view in (then, later)}
    assert value[later] == "77.0" and value[then] not in ("77.0", "—")


def _value(town: Town, view: View) -> str:
    told = readings(town.picture(NOON + HOUR, view), view, SLOPE)["readings"]
    return str(next(r["value"] for r in told if r["key"] == "soil_moisture"))


def test_what_fell_silent_is_no_value_but_says_its_last(town: Town) -> None:
    told = readings(town.picture(NOON + 9 * HOUR), View(), SLOPE)["readings"]
    assert {r["value"] for r in told} == {"—"} and all("上次" in r["note"] for r in told)


def test_a_change_of_its_record_is_told_with_what_it_was_before(own: Town) -> None:
    moved(own, name="改名危岩")
    history = life(own.picture(NOON + 2 * HOUR), View(), SLOPE)["history"]
    assert "名称：" in history[0]["changes"][0] and history[0]["changes"][0].endswith("→ 改名危岩")
    before = life(own.picture(NOON + 2 * HOUR, View(as_of=NOON)), View(as_of=NOON), SLOPE)["history"]
    assert len(before) == len(history) - 1
    assert find(own.picture(NOON + 2 * HOUR, View(as_of=NOON)), SLOPE).name != "改名危岩"


def test_its_alerts_open_and_past_are_told(own: Town) -> None:
    opened = life(own.picture(), View(), SLOPE)
    assert opened["open"] >= 1 and opened["alerts"][0].state != "closed"


def test_work_done_on_it_is_told_from_its_departments_records(town: Town) -> None:
    told = life(town.picture(), View(), f"septic_tanks/{asset_id('septic_tanks', 1)}")["work"]
    assert told and all(w["rows"] and w["total"] >= len(w["rows"]) for w in told)


def test_neighbours_are_of_any_department_within_reach_and_the_nearest_first(town: Town) -> None:
    picture = town.picture()
    found = neighbours(picture, View(), find(picture, SLOPE))
    distances = [n.distance for n in found]
    assert distances == sorted(distances) and distances[-1] <= REACH_M
    assert len({n.ident.split("/")[0] for n in found}) > 3 and SLOPE not in {n.ident for n in found}


def test_an_asset_is_told_by_a_channel_that_speaks_not_by_one_that_fell_silent(own: Town) -> None:
    """The limit's own channel went silent; the page of the system shows what still comes."""
    later, ident = NOON + 9 * HOUR, asset_id("slopes", 0)
    own.read("slopes", "soil_moisture", [(ident, EAST.code, later, 12.0)], later)
    rows = assets_of(own.picture(later), View(system="slopes"), "skeleton")["rows"]
    mine = next(r for r in rows if r["drawer"] == f"asset:slopes/{ident}")
    assert mine["value"] == "12.0" and mine["fresh"].state == "fresh"
    assert {r["drawer"].split("/")[0] for r in rows} == {"asset:slopes"}
