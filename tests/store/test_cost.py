"""What a page asks of the store is answered by index, so that it costs the same after a year as on the first day."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from dashboard.core.times import to_micros
from dashboard.store.engine import writing
from dashboard.store.past import row_as_of, rows_as_of
from dashboard.store.readings import append_readings, compact, latest_values, newer_readings, open_channels, scope_series, series
from dashboard.store.rows import write_rows
from dashboard.store.series import expected_range

NOW = datetime(2025, 6, 1, 4, 0, tzinfo=UTC)
HISTORY = ("reading_hot", "reading_cold", "reading_h1", "reading_scope_h1", "reading_past", "row_past", "store_lamp")
DAY = timedelta(days=1)

READS: dict[str, Callable[[sa.Connection], object]] = {
    "a day of a channel": lambda conn: series(conn, 1, NOW - DAY, NOW, timedelta(minutes=10)),
    "a year of a channel": lambda conn: series(conn, 1, NOW - 365 * DAY, NOW),
    "a day of a street": lambda conn: scope_series(conn, "air", "pm25", "500103001", NOW - DAY, NOW + DAY),
    "newest values": lambda conn: latest_values(conn, "air", "pm25"),
    "what is new": lambda conn: newer_readings(conn, {1: to_micros(NOW - DAY), 2: 0}),
    "what is usual": lambda conn: expected_range(conn, 1, NOW),
    "what is usual in a street": lambda conn: expected_range(conn, ("air", "pm25", "district"), NOW),
}


@contextmanager
def plans(engine: sa.Engine) -> Iterator[list[str]]:
    """How SQLite answers every statement run inside."""
    found: list[str] = []

    def explain(_conn: sa.Connection, cursor: Any, statement: str, parameters: Any, _context: object, many: bool) -> None:
        if statement.lstrip().split()[0] in ("SELECT", "INSERT", "UPDATE", "DELETE"):
            first = parameters[0] if many else parameters
            found.extend(row[3] for row in cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", first))

    sa.event.listen(engine, "before_cursor_execute", explain)
    yield found
    sa.event.remove(engine, "before_cursor_execute", explain)


def scans(steps: list[str]) -> list[str]:
    """Steps that walk through a table of history from end to end."""
    return [step for step in steps if any(step.startswith(f"SCAN {name}") for name in (*HISTORY, "t"))]


def fill(engine: sa.Engine, channels: int = 2) -> None:
    wanted = [(f"st{k}", "pm25", "500103001", 60) for k in range(channels)]
    with writing(engine).begin() as conn:
        open_channels(conn, domain="air", pull="p", source="s", wanted=wanted, now=NOW)
        rows = [(k + 1, to_micros(NOW - m * timedelta(minutes=20)), 1.0, 0) for k in range(channels) for m in range(100)]
        append_readings(conn, rows, run_id=1, now=NOW)


@pytest.fixture
def filled(sqlite_store: sa.Engine) -> sa.Engine:
    """A SQLite store with a little history; PostgreSQL is sent the same statements."""
    fill(sqlite_store)
    return sqlite_store


@pytest.mark.parametrize("read", READS)
def test_a_page_never_walks_through_history(filled: sa.Engine, read: str) -> None:
    with filled.connect() as conn, plans(filled) as steps:
        READS[read](conn)
    assert steps
    assert scans(steps) == []


def test_a_tick_never_walks_through_history(filled: sa.Engine) -> None:
    now = NOW + DAY
    with plans(filled) as steps, writing(filled).begin() as conn:
        for at in (now, now, now + DAY / 1440):  # new, told again, newer
            append_readings(conn, [(1, to_micros(at), 1.0, 0)], run_id=2, now=now)
    assert len(steps) > 5
    assert scans(steps) == []


def test_late_and_corrected_readings_walk_through_what_is_hot_at_most(filled: sa.Engine) -> None:
    now = NOW + DAY
    with plans(filled) as steps, writing(filled).begin() as conn:
        for value in (1.0, 2.0):
            append_readings(conn, [(1, to_micros(now), value, 0), (1, to_micros(NOW - 9 * DAY), value, 0)], run_id=2, now=now)
    assert len(steps) > 10
    assert [step for step in scans(steps) if "reading_hot" not in step] == []


def test_compaction_reads_what_is_hot_and_no_more(filled: sa.Engine) -> None:
    with plans(filled) as steps:
        assert compact(filled, NOW + DAY) == 4
    assert [step for step in scans(steps) if "reading_hot" not in step] == []


def test_taking_rows_in_and_asking_what_was_believed_go_by_index(filled: sa.Engine, lamps: sa.Table) -> None:
    rows = [{"asset_id": f"L{n}", "name": "路灯", "source_key": f"L{n}", "row_hash": "1"} for n in range(9)]
    with plans(filled) as steps:
        for hashed in ("1", "2"):
            with writing(filled).begin() as conn:
                now = NOW + DAY * int(hashed)
                write_rows(conn, lamps, [row | {"row_hash": hashed} for row in rows], source="s", run_id=1, now=now)
        with filled.connect() as conn:
            assert row_as_of(conn, lamps, "L1", NOW + DAY)
    assert scans(steps) == []
    with filled.connect() as conn, plans(filled) as steps:
        assert len(rows_as_of(conn, lamps, NOW + DAY, lamps.c.name == "路灯")) == 9
    assert [step for step in scans(steps) if "store_lamp" not in step] == []  # all lamps there are, of the past only what was asked
