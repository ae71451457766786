"""The audit log: it only grows, and whatever is done to it behind our back is found, on both databases."""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from dashboard.store.audit_check import care, exported, head_file, lines_of, look_through, thin_audit, verify, write_down
from dashboard.store.audit_log import TAMPERED, Origin, Outcome, note_action, short_address
from dashboard.store.engine import writing
from dashboard.store.schema import audit
from dashboard.store.schema_audit import audit_check
from dashboard.store.topics import versions

NOW = datetime(2025, 6, 1, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
KEY = b"a key that is not in the store"


@pytest.fixture
def log(store: sa.Engine) -> sa.Engine:
    """A store with a key and ten rows in its log, an hour apart."""
    keyed = store.execution_options(audit_key=KEY)
    for hour in range(10):
        note(keyed, f"step {hour}", NOW + hour * HOUR)
    return keyed


def note(engine: sa.Engine, detail: str, at: datetime = NOW, **more: object) -> int:
    with writing(engine).begin() as conn:
        return note_action(conn, actor="值班台", action="alert.settle", about="A-7", detail=detail, now=at, **more)  # type: ignore[arg-type]


def behind_our_back(engine: sa.Engine, *statements: str) -> None:
    """What somebody with the database's password can do, triggers notwithstanding."""
    if engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(str(engine.url.database))) as raw, raw:
            raw.executescript("DROP TRIGGER audit_keeps; DROP TRIGGER audit_stays;" + ";".join(statements))
        return
    address = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as raw:
        raw.execute("ALTER TABLE audit DISABLE TRIGGER USER")
        for statement in statements:
            raw.execute(statement.encode())
        raw.execute("ALTER TABLE audit ENABLE TRIGGER USER")


def test_a_row_says_who_did_what_from_where_and_how_it_went(store: sa.Engine) -> None:
    note(store, "已\x00处\n置", origin=Origin("desk", "17", short_address("203.0.113.77")), outcome=Outcome.DENIED)
    with store.connect() as conn:
        row = conn.execute(sa.select(audit)).one()
        assert versions(conn)["audit"] == 1
    assert (row.at, row.actor, row.role, row.session, row.client) == (NOW, "值班台", "desk", "17", "203.0.113.x")
    assert (row.action, row.object, row.detail, row.outcome) == ("alert.settle", "A-7", "已 处 置", "denied")


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("203.0.113.77", "203.0.113.x"),
        ("::ffff:203.0.113.77", "203.0.113.x"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_an_address_is_kept_as_far_as_it_names_a_house(address: str, kept: str) -> None:
    assert short_address(address) == kept


def test_an_untouched_log_is_whole_from_any_row_on(log: sa.Engine) -> None:
    found = verify(log)
    assert (found.whole, found.first, found.last, found.looked) == (True, 1, 10, 10)
    assert (verify(log, start=4).whole, verify(log, start=4).looked) == (True, 7)
    with log.connect() as conn:
        lines = [json.loads(line) for line in exported(conn)]
    assert [line["audit_id"] for line in lines] == list(range(1, 11)) and all(len(line["hash"]) == 64 for line in lines)


def test_with_another_key_nothing_holds(log: sa.Engine) -> None:
    assert verify(log.execution_options(audit_key=b"guessed")).problems == 11  # ten rows and the head


@pytest.mark.parametrize("statement", ["UPDATE audit SET detail = 'nothing happened'", "DELETE FROM audit WHERE audit_id = 10"])
def test_the_database_itself_refuses_to_change_or_remove_rows(log: sa.Engine, statement: str) -> None:
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), writing(log).begin() as conn:
        conn.exec_driver_sql(statement)
    assert verify(log).whole


def test_postgresql_refuses_to_empty_it_at_once(log: sa.Engine) -> None:
    if log.dialect.name == "postgresql":
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), log.begin() as conn:
            conn.exec_driver_sql("TRUNCATE audit")


COLUMNS = "audit_id, at, actor, action, object, detail, role, session, client, outcome, prev, hash"
EIGHTH = "SELECT hash FROM audit WHERE audit_id = 8"


@pytest.mark.parametrize(
    ("done", "found"),
    [
        (["UPDATE audit SET actor = '别人' WHERE audit_id = 4"], "row 4 was changed"),
        (["UPDATE audit SET at = at + 1 WHERE audit_id = 4"], "row 4 was changed"),
        (["UPDATE audit SET outcome = 'denied' WHERE audit_id = 1"], "row 1 was changed"),
        (["DELETE FROM audit WHERE audit_id = 4"], "row 5 does not follow"),
        (["DELETE FROM audit WHERE audit_id = 1"], "row 2 does not follow"),
        (["DELETE FROM audit WHERE audit_id > 8"], "the log ends at row 8, its head is at row 10"),
        (["DELETE FROM audit"], "the log ends at row 0, its head is at row 10"),
        (
            [f"UPDATE audit SET audit_id = {new} WHERE audit_id = {old}" for old, new in ((4, 99), (5, 4), (99, 5))],
            "row 4 does not follow",
        ),
        (
            [f"INSERT INTO audit ({COLUMNS}) SELECT 11, {COLUMNS[10:-10]}hash, hash FROM audit WHERE audit_id = 10"],
            "row 11 was changed, or not written by us",
        ),
        (["DELETE FROM audit_head"], "the head is gone"),
        (
            ["DELETE FROM audit WHERE audit_id > 8", f"UPDATE audit_head SET seq = 8, hash = ({EIGHTH})"],
            "the head at row 8 was not signed by us",
        ),
    ],
)
def test_what_was_done_to_it_is_found(log: sa.Engine, done: list[str], found: str) -> None:
    behind_our_back(log, *done)
    verdict = verify(log)
    assert not verdict.whole and any(told.startswith(found) for told in verdict.told), verdict.told


def test_a_log_put_back_to_an_earlier_day_with_its_own_head_is_found_by_what_was_written_down(log: sa.Engine, tmp_path: Path) -> None:
    with log.connect() as conn:
        (old,) = conn.exec_driver_sql("SELECT seq, hash, mac FROM audit_head").all()
    note(log, "what must not be known", NOW + 11 * HOUR)
    with log.connect() as conn:
        assert write_down(conn, tmp_path / "audit-head", NOW + 12 * HOUR)
        assert not write_down(conn, tmp_path / "audit-head", NOW + 13 * HOUR)  # nothing moved
    back = f"UPDATE audit_head SET seq = {old.seq}, hash = '{old.hash}', mac = '{old.mac}'"
    behind_our_back(log, "DELETE FROM audit WHERE audit_id = 11", back)
    assert verify(log).whole
    found = verify(log, lines_of(tmp_path / "audit-head"))
    assert found.told == ["row 11, written down at 2025-06-01T16:00:00Z, is gone"]
    note(log, "another row in its place", NOW + 14 * HOUR)
    assert verify(log, lines_of(tmp_path / "audit-head")).told[0].startswith("row 11 is another than the one written down")


def test_a_line_written_down_by_somebody_else_is_found(log: sa.Engine, tmp_path: Path) -> None:
    with log.connect() as conn:
        write_down(conn, tmp_path / "audit-head", NOW)
    (line,) = lines_of(tmp_path / "audit-head")
    assert verify(log, [line]).whole
    forged = line.replace(" 10 ", " 9 ")
    assert verify(log, [forged, "rubbish"]).told == [f"line {n} of audit-head was not written by us" for n in (1, 2)]


def test_a_log_whose_end_was_cut_goes_on_and_says_so_itself(log: sa.Engine) -> None:
    behind_our_back(log, "DELETE FROM audit WHERE audit_id > 8")
    note(log, "life goes on")
    with log.connect() as conn:
        later = conn.execute(sa.select(audit.c.audit_id, audit.c.action).where(audit.c.audit_id > 8).order_by(audit.c.audit_id)).all()
    assert later == [(11, TAMPERED), (12, "alert.settle")]
    assert [told[:23] for told in verify(log).told] == ["row 11 does not follow "]


def test_rows_from_before_there_was_a_chain_are_taken_into_it(store: sa.Engine) -> None:
    old = {"at": NOW, "actor": "值班甲", "action": "alert.acknowledge", "object": "A-1", "detail": ""}
    with writing(store).begin() as conn:
        conn.execute(sa.insert(audit), [{**old, "audit_id": number} for number in (3, 5)])
    note(store, "the first of the chain")
    assert (verify(store).whole, verify(store).first, verify(store).looked) == (True, 3, 3)
    behind_our_back(store, "UPDATE audit SET actor = '值班乙' WHERE audit_id = 3")
    assert verify(store).told == ["row 3 was changed, or not written by us"]


def test_writers_at_the_same_time_make_one_chain(log: sa.Engine) -> None:
    def write(name: int) -> None:
        for step in range(8):
            note(log, f"{name} {step}")

    threads = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (verify(log).whole, verify(log).looked) == (True, 42)


def test_what_was_rolled_back_leaves_no_gap(log: sa.Engine) -> None:
    with pytest.raises(RuntimeError), writing(log).begin() as conn:
        note_action(conn, actor="值班台", action="alert.settle", about="A-7", detail="", now=NOW)
        raise RuntimeError
    assert note(log, "next") == 11 and verify(log).whole


def test_rows_go_after_their_time_and_what_is_left_still_verifies(log: sa.Engine) -> None:
    assert thin_audit(log, NOW + timedelta(days=100), timedelta(0)) == 0  # never before six months are over
    assert thin_audit(log, NOW + timedelta(days=180) + 4.5 * HOUR, timedelta(0)) == 5
    found = verify(log)
    assert (found.whole, found.first, found.last, found.looked) == (True, 6, 11, 6)  # and one row tells of it
    behind_our_back(log, "DELETE FROM audit WHERE audit_id = 6")
    assert verify(log).told[0].startswith("row 7 does not follow")


def test_the_auditor_finds_each_look_and_what_came_of_it(log: sa.Engine, tmp_path: Path) -> None:
    assert look_through(log, tmp_path / "none", NOW).whole
    behind_our_back(log, "UPDATE audit SET detail = '' WHERE audit_id IN (2, 3)")
    look_through(log, tmp_path / "none", NOW + HOUR)
    with log.connect() as conn:
        looks = conn.execute(sa.select(audit_check).order_by(audit_check.c.at)).all()
    assert [(look.at, look.looked, look.problems) for look in looks] == [(NOW, 10, 0), (NOW + HOUR, 10, 2)]
    assert looks[1].told.splitlines()[0] == "row 2 was changed, or not written by us"


def test_the_worker_writes_the_head_down_often_and_looks_through_the_log_a_few_times_a_day(log: sa.Engine, tmp_path: Path) -> None:
    for hour in range(13):
        note(log, f"later {hour}", NOW + (10 + hour) * HOUR)
        care(log, tmp_path, NOW + (10 + hour) * HOUR)
    assert len(lines_of(head_file(tmp_path))) == 13
    with log.connect() as conn:
        assert list(conn.scalars(sa.select(audit_check.c.problems))) == [0, 0, 0]
