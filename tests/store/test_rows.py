"""Rows of domain tables: nothing lost, nothing doubled, and what we believed before can be asked for."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from dashboard.core.times import day_number
from dashboard.store.engine import writing
from dashboard.store.past import row_as_of, rows_as_of, table_as_of
from dashboard.store.rows import Written, write_rows
from dashboard.store.schema import dirty_day, row_past

NOW = datetime(2025, 6, 1, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def lamp(number: int, state: str = "lit", **more: Any) -> dict[str, Any]:
    return {
        "asset_id": f"L{number}",
        "name": f"路灯{number}",
        "state": state,
        "source_key": f"L{number}",
        "row_hash": f"{state}{sorted(more.items())}"[:32],
    } | more


def write(store: sa.Engine, table: sa.Table, rows: list[dict[str, Any]], at: datetime = NOW, **options: Any) -> Written:
    with writing(store).begin() as conn:
        return write_rows(conn, table, rows, source="lighting", run_id=7, now=at, **options)


def stored(store: sa.Engine, table: sa.Table) -> list[dict[str, Any]]:
    with store.connect() as conn:
        return [dict(row) for row in conn.execute(sa.select(table).order_by(*table.primary_key)).mappings()]


def test_a_new_row_is_stored_with_where_it_came_from(store: sa.Engine, lamps: sa.Table) -> None:
    told = lamp(1, height=6.5, is_old=True, built=date(1998, 3, 2), observed_at=NOW - HOUR)
    assert write(store, lamps, [told]).new == 1
    (row,) = stored(store, lamps)
    assert row == told | {"kind": "", "street": None, "lon": None, "lat": None, "source": "lighting", "pull_run": 7, "learned_at": NOW}


def test_the_same_rows_again_change_nothing(store: sa.Engine, lamps: sa.Table) -> None:
    rows = [lamp(n) for n in range(5)]
    write(store, lamps, rows)
    before = stored(store, lamps)
    again = write(store, lamps, rows, NOW + HOUR)
    assert (again.new, again.changed, again.unchanged) == (0, 0, 5)
    assert stored(store, lamps) == before


def test_a_changed_row_is_replaced_and_the_others_are_left_alone(store: sa.Engine, lamps: sa.Table) -> None:
    write(store, lamps, [lamp(1), lamp(2)])
    done = write(store, lamps, [lamp(1, "dark"), lamp(2), lamp(3)], NOW + HOUR)
    assert (done.new, done.changed, done.unchanged) == (1, 1, 1)
    assert [(row["state"], row["learned_at"]) for row in stored(store, lamps)] == [("dark", NOW + HOUR), ("lit", NOW), ("lit", NOW + HOUR)]


def test_a_row_can_be_read_as_we_knew_it_at_any_moment(store: sa.Engine, lamps: sa.Table) -> None:
    first = lamp(1, height=6.5, is_old=False, built=date(1998, 3, 2), observed_at=NOW - HOUR)
    write(store, lamps, [first])
    original = stored(store, lamps)[0]
    write(store, lamps, [lamp(1, "dark", is_old=True)], NOW + HOUR)
    write(store, lamps, [lamp(1, "gone")], NOW + 2 * HOUR)
    with store.connect() as conn:
        asked = {minutes: row_as_of(conn, lamps, "L1", NOW + timedelta(minutes=minutes)) for minutes in (-1, 0, 59, 60, 119, 120, 999)}
    assert asked[-1] is None
    assert asked[0] == asked[59] == original
    states = {minutes: (row["state"], row["is_old"], row["built"]) for minutes, row in asked.items() if row}
    assert states[60] == states[119] == ("dark", True, None)
    assert states[120] == states[999] == ("gone", None, None)


def test_a_condition_on_past_rows_is_judged_by_what_they_said_then(store: sa.Engine, lamps: sa.Table) -> None:
    write(store, lamps, [lamp(1, "dark"), lamp(2), lamp(3, "dark", height=6.5)])
    write(store, lamps, [lamp(1), lamp(2, "dark"), lamp(4, "dark")], NOW + HOUR)
    dark = lamps.c.state == "dark"
    with store.connect() as conn:
        then = rows_as_of(conn, lamps, NOW + HOUR / 2, dark)
        now = rows_as_of(conn, lamps, NOW + HOUR, sa.and_(dark, lamps.c.learned_at >= NOW))
        tall = rows_as_of(conn, lamps, NOW, lamps.c.height > 6)
    assert sorted(row["asset_id"] for row in then) == ["L1", "L3"]
    assert sorted(row["asset_id"] for row in now) == ["L2", "L3", "L4"]
    assert [row["height"] for row in tall] == [6.5]


def test_a_count_can_be_taken_over_a_table_as_it_stood(store: sa.Engine, lamps: sa.Table) -> None:
    write(store, lamps, [lamp(n, "dark") for n in range(10)])
    write(store, lamps, [lamp(n) for n in range(4)], NOW + HOUR)
    with store.connect() as conn:
        for at, expected in ((NOW, 10), (NOW + HOUR, 6)):
            then = table_as_of(lamps, at, conn)
            assert conn.scalar(sa.select(sa.func.count()).where(then.c.state == "dark")) == expected


def test_things_that_move_all_the_time_keep_no_past(store: sa.Engine, lamps: sa.Table) -> None:
    write(store, lamps, [lamp(1)])
    write(store, lamps, [lamp(1, "dark")], NOW + HOUR, versioned=False)
    with store.connect() as conn:
        assert conn.scalar(sa.select(sa.func.count()).select_from(row_past)) == 0


def test_a_version_that_stood_for_no_time_is_not_kept(store: sa.Engine, lamps: sa.Table) -> None:
    write(store, lamps, [lamp(1)])
    write(store, lamps, [lamp(1, "dark")], NOW + HOUR)
    write(store, lamps, [lamp(1, "gone")], NOW + HOUR)
    with store.connect() as conn:
        assert [body["state"] for body in conn.scalars(sa.select(row_past.c.body))] == ["lit"]


def test_of_a_key_given_twice_the_last_one_wins(store: sa.Engine, lamps: sa.Table) -> None:
    assert write(store, lamps, [lamp(1), lamp(1, "dark")]).new == 1
    assert [row["state"] for row in stored(store, lamps)] == ["dark"]


def test_a_key_may_have_two_columns(store: sa.Engine, counts: sa.Table) -> None:
    common = {"source_key": "x", "row_hash": "1"}
    rows = [common | {"line": line, "hour_at": NOW + k * HOUR, "riders": k} for line in ("A", "B") for k in (1, 2)]
    assert write(store, counts, rows).new == 4
    corrected = rows[0] | {"riders": 40, "row_hash": "new"}
    assert write(store, counts, [corrected, rows[1]], NOW + HOUR).changed == 1
    with store.connect() as conn:
        before, after = (row_as_of(conn, counts, ("A", NOW + HOUR), at) for at in (NOW, NOW + HOUR))
    assert before and after
    assert (before["riders"], after["riders"]) == (1, 40)


def test_the_city_days_of_old_and_new_versions_are_taken_again(store: sa.Engine, cases: sa.Table) -> None:
    midnight = datetime(2025, 5, 31, 16, 0, tzinfo=UTC)  # 00:00 of June 1 in the city
    opened = {"case_id": "c", "opened_at": midnight - timedelta(seconds=1), "closed_at": midnight, "source_key": "c", "row_hash": "1"}
    done = write(store, cases, [opened])
    today = day_number(midnight)
    assert done.days == {"opened_at": {today - 1}, "closed_at": {today}, "due_at": set(), "updated_at": set()}
    write(store, cases, [opened | {"closed_at": midnight + timedelta(days=5), "row_hash": "2"}], NOW + HOUR)
    with store.connect() as conn:
        assert conn.execute(sa.select(dirty_day).order_by(dirty_day.c.day)).all() == [("store_case", today + k) for k in (-1, 0, 5)]


@pytest.mark.parametrize("many", [1, 300])
def test_any_text_comes_back_as_it_went_in(store: sa.Engine, lamps: sa.Table, many: int) -> None:
    strange = ["渝中区“解放碑”", "tab\tnew\nline\rback\\slash", "quote' \" %s ? :x", "🌉", r"\N", "", "NULL"]
    rows = [lamp(n, name=f"{strange[n % len(strange)]}{n}", state=strange[n % len(strange)]) for n in range(many * 7)]
    write(store, lamps, rows)
    assert {row["asset_id"]: row["name"] for row in stored(store, lamps)} == {row["asset_id"]: row["name"] for row in rows}
    assert {row["state"] for row in stored(store, lamps)} == set(strange)


def test_a_broken_transaction_leaves_rows_past_and_days_as_they_were(store: sa.Engine, lamps: sa.Table) -> None:
    write(store, lamps, [lamp(1)])
    before = stored(store, lamps)
    with pytest.raises(RuntimeError), writing(store).begin() as conn:
        write_rows(conn, lamps, [lamp(1, "dark"), lamp(2)], source="s", run_id=8, now=NOW + HOUR)
        raise RuntimeError("pulled the plug")
    assert stored(store, lamps) == before
    with store.connect() as conn:
        assert conn.scalar(sa.select(sa.func.count()).select_from(row_past)) == 0
