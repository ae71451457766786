"""Backups: taken while the store is written to, brought back whole, compared, and refused when something is not right."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dashboard.core.errors import ConfigurationError, NotNowError
from dashboard.store import backup_postgresql
from dashboard.store.audit_check import head_file, lines_of, verify, write_down
from dashboard.store.audit_log import note_action
from dashboard.store.backup import backup, read_manifest, restore
from dashboard.store.engine import open_store, writing
from dashboard.store.lease import Lease
from dashboard.store.migrate import migrate
from dashboard.store.schema import audit, photo, topic
from tests.conftest import _made_and_dropped
from tests.store.conftest import OURS

NOW = datetime(2025, 6, 1, 4, 0, tzinfo=UTC)
KEY = b"a key that is not in the store"


@pytest.fixture
def other_url(store_url: str, tmp_path: Path) -> Iterator[str]:
    """Where a backup is brought back to: an empty place of the same kind."""
    if store_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path / 'other' / 'store.db'}"
    elif shutil.which("pg_dump"):
        yield from _made_and_dropped("postgresql")
    elif os.environ.get("CI"):
        pytest.fail("pg_dump is not installed (apt-get install postgresql-client)", pytrace=False)
    else:
        pytest.skip("pg_dump is not installed (apt-get install postgresql-client)")


@pytest.fixture
def lived(store: sa.Engine, tmp_path: Path) -> sa.Engine:
    """A store somebody worked with: an action in its log, a photograph, words of all kinds."""
    keyed = store.execution_options(audit_key=KEY)
    with writing(keyed).begin() as conn:
        note_action(conn, actor="值班台", action="alert.settle", about="A-7", detail="第一行\n\\N\t“引号”'", now=NOW)
        body = bytes(range(256))
        conn.execute(sa.insert(photo).values(photo_id="p", alert_id=1, at=NOW, actor="值班台", width=1, height=1, body=body))
        write_down(conn, head_file(tmp_path), NOW)
    return keyed


@pytest.fixture
def other(other_url: str) -> Iterator[sa.Engine]:
    engine = open_store(other_url, KEY)
    yield engine
    engine.dispose()


def everything(engine: sa.Engine) -> dict[str, list[Any]]:
    found = sa.MetaData()
    with engine.connect() as conn:
        found.reflect(conn)
        return {
            table.name: conn.execute(sa.select(table).order_by(*table.primary_key or table.columns)).all() for table in found.sorted_tables
        }


def test_what_is_brought_back_is_what_was_there(lived: sa.Engine, other: sa.Engine, tmp_path: Path) -> None:
    before = everything(lived)
    file = backup(lived, KEY, tmp_path, tmp_path / "kept", NOW)
    assert file.stat().st_mode & 0o077 == 0
    told = restore(other, KEY, tmp_path / "elsewhere", file, NOW + timedelta(hours=1))
    after = everything(other)
    assert told.rows == sum(map(len, before.values())) and set(told.tables) == set(before)
    moved = {"audit", "audit_head", "topic"}  # the log tells of it
    assert {n: rows for n, rows in after.items() if n not in moved} == {n: rows for n, rows in before.items() if n not in moved}
    with other.connect() as conn:
        actions = conn.scalars(sa.select(audit.c.action).order_by(audit.c.audit_id)).all()
    assert actions == ["alert.settle", "store.restore"]
    assert verify(other, lines_of(head_file(tmp_path / "elsewhere"))).whole
    migrate(other, OURS)
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), writing(other).begin() as conn:
        conn.exec_driver_sql("DELETE FROM audit")


def test_a_backup_is_of_one_moment_though_others_write(lived: sa.Engine, other: sa.Engine, tmp_path: Path) -> None:
    """Two rows always move together; no backup may see one without the other."""
    stop = threading.Event()
    with writing(lived).begin() as conn:
        conn.execute(sa.insert(topic), [{"topic": name, "version": 0, "at": NOW} for name in ("a", "z")])

    def write() -> None:
        while not stop.is_set():
            with writing(lived).begin() as conn:
                for name in ("a", "z"):
                    conn.execute(sa.update(topic).where(topic.c.topic == name).values(version=topic.c.version + 1))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        file = backup(lived, KEY, tmp_path, tmp_path / "kept", NOW)
    finally:
        stop.set()
        writer.join()
    restore(other, KEY, tmp_path / "elsewhere", file, NOW)
    with other.connect() as conn:
        first, last = conn.scalars(sa.select(topic.c.version).where(topic.c.topic.in_(["a", "z"])).order_by(topic.c.topic))
    assert first == last


def test_a_store_that_holds_something_or_is_worked_on_is_left_alone(lived: sa.Engine, other: sa.Engine, tmp_path: Path) -> None:
    file = backup(lived, KEY, tmp_path, tmp_path / "kept", NOW)
    before = everything(lived)
    with pytest.raises(ConfigurationError, match="is not empty"):
        restore(lived, KEY, tmp_path, file, NOW)
    assert everything(lived) == before and head_file(tmp_path).exists()
    migrate(other, OURS)
    lease = Lease(other, "worker", "test")
    assert lease.acquire(NOW)
    try:
        with pytest.raises(NotNowError, match="a worker is at work"):
            restore(other, KEY, tmp_path, file, NOW)
    finally:
        lease.release()


def test_what_a_store_moved_away_left_lying_is_not_played_into_the_one_brought_back(sqlite_store: sa.Engine, tmp_path: Path) -> None:
    file = backup(sqlite_store, KEY, tmp_path, tmp_path / "kept", NOW)
    place = tmp_path / "home" / "store.db"
    place.parent.mkdir()
    with open_store(f"sqlite:///{place}").connect() as writes:  # held open: its last words stay in the -wal file
        writes.exec_driver_sql("CREATE TABLE stray (x)")
        writes.commit()
        left = {kind: place.with_name(place.name + kind).read_bytes() for kind in ("-wal", "-shm")}
    place.unlink()
    for kind, body in left.items():
        place.with_name(place.name + kind).write_bytes(body)
    restored = open_store(f"sqlite:///{place}", KEY)
    restore(restored, KEY, place.parent, file, NOW)
    assert "stray" not in sa.inspect(restored).get_table_names() and verify(restored).whole
    restored.dispose()


def repacked(file: Path, change: Callable[[str, bytes], bytes]) -> Path:
    """The archive with its members changed."""
    made = file.with_name("cockpit-changed.tar")
    with tarfile.open(file) as old, tarfile.open(made, "w") as new:
        for member in old.getmembers():
            body = change(member.name, old.extractfile(member).read())  # type: ignore[union-attr]
            member.size = len(body)
            new.addfile(member, io.BytesIO(body))
    return made


def _newer(name: str, body: bytes) -> bytes:
    return body.replace(b'"revision": "00', b'"revision": "99') if name == "manifest.json" else body


def _cut(name: str, body: bytes) -> bytes:
    return body[: len(body) // 2] if name.startswith("store.") else body


def _no_list(name: str, body: bytes) -> bytes:
    return b"{}" if name == "manifest.json" else body


@pytest.mark.parametrize(
    ("change", "told"),
    [(_newer, "was changed, or made with another audit key"), (_cut, "is broken"), (_no_list, "no backup of this product, or broken")],
)
def test_an_archive_that_was_changed_is_refused(
    lived: sa.Engine, other: sa.Engine, tmp_path: Path, change: Callable[[str, bytes], bytes], told: str
) -> None:
    file = repacked(backup(lived, KEY, tmp_path, tmp_path / "kept", NOW), change)
    with pytest.raises(NotNowError, match=told):
        restore(other, KEY, tmp_path, file, NOW)
    assert other.dialect.name == "postgresql" or not Path(str(other.url.database)).exists() or not everything(other)


def test_a_backup_of_a_newer_release_or_under_another_key_is_refused(lived: sa.Engine, other: sa.Engine, tmp_path: Path) -> None:
    with writing(lived).begin() as conn:
        (at,) = conn.exec_driver_sql("SELECT version_num FROM alembic_version").scalars()
        conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    file = backup(lived, KEY, tmp_path, tmp_path / "kept", NOW)
    with writing(lived).begin() as conn:
        conn.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{at}'")
    with pytest.raises(NotNowError, match=r"step 9999: this release, .* is older"):
        restore(other, KEY, tmp_path, file, NOW)
    with pytest.raises(NotNowError, match="another audit key"):
        restore(other, b"other", tmp_path, file, NOW)


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cockpit.tar").write_text(json.dumps({"manifest": {}}), "utf-8")
    with pytest.raises(NotNowError, match="no backup of this product"):
        read_manifest(tmp_path / "cockpit.tar", KEY)


def test_only_the_newest_are_kept_when_told_so(lived: sa.Engine, tmp_path: Path) -> None:
    if lived.dialect.name == "postgresql" and not shutil.which("pg_dump"):
        pytest.skip("pg_dump is not installed")
    for hour in range(3):
        backup(lived, KEY, tmp_path, tmp_path / "kept", NOW + timedelta(hours=hour), keep=2)
    assert [file.name for file in sorted((tmp_path / "kept").iterdir())] == ["cockpit-20250601T050000Z.tar", "cockpit-20250601T060000Z.tar"]


def test_without_postgresqls_programs_it_is_said_which_and_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigurationError, match=r"pg_dump: not found .*postgresql-client"):
        backup_postgresql.tool("pg_dump", sa.make_url("postgresql://u:p@h/d"))
