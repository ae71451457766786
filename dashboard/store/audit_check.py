"""Looking the audit log through: every seal, every link, both ends, and the heads that were written down outside the store."""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from dashboard.core.times import iso
from dashboard.store.audit_log import SYSTEM, TOPIC, Head, alone, keep_head, key_of, note_action, read_head, row_hash, sealed
from dashboard.store.engine import writing
from dashboard.store.schema import audit
from dashboard.store.schema_audit import audit_check
from dashboard.store.topics import bump

log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(minutes=5)  # the head is written down; what is cut off the end within this time could go unseen
_WHOLE_EVERY = timedelta(hours=6)  # the whole log is looked through
LEAST_KEPT = timedelta(days=180)  # six months: Cybersecurity Law of the PRC, article 21
KEPT = timedelta(days=400)
_AT_ONCE = 2000
_TOLD = 20  # problems named; the others only count


@dataclass
class Verdict:
    """What was looked at, and what was found."""

    first: int = 0
    last: int = 0
    looked: int = 0
    problems: int = 0
    told: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Nothing was changed, removed, inserted, reordered or cut off."""
        return self.problems == 0

    def add(self, what: str) -> None:
        """One more problem."""
        self.problems += 1
        if len(self.told) < _TOLD:
            self.told.append(what)


def verify(engine: sa.Engine, written_down: Iterable[str] = (), start: int = 0) -> Verdict:
    """Look through the log from a row on (0: all that is kept). `written_down`: the lines of `var/audit-head`."""
    with engine.connect() as conn:
        if conn.dialect.name == "postgresql":  # head and rows of one moment; on SQLite every reading transaction is that
            conn = conn.execution_options(isolation_level="REPEATABLE READ")
        return _verify(conn, written_down, start)


def _verify(conn: sa.Connection, written_down: Iterable[str], start: int) -> Verdict:
    key, stored, verdict = key_of(conn), read_head(conn), Verdict()
    head, mac = stored or (Head(), "")
    known = dict(_known(key, written_down, verdict))
    if stored and not hmac.compare_digest(mac, head.mac(key)):
        verdict.add(f"the head at row {head.seq} was not signed by us")
    link = _link(conn, head, start)
    for row in _rows(conn, start):
        _look(key, row, link, known.pop(row["audit_id"], None), verdict)
        link = row["hash"]
    if link != head.hash:
        verdict.add(f"the log ends at row {verdict.last}, its head is at row {head.seq}" if stored else "the head is gone")
    for seq in sorted(seq for seq in known if seq >= max(start, head.first)):
        verdict.add(f"row {seq}, written down at {known[seq][0]}, is gone")
    return verdict


def _link(conn: sa.Connection, head: Head, start: int) -> str:
    """The seal that the first row looked at must follow."""
    if start <= head.first:
        return head.before
    return conn.scalar(sa.select(audit.c.hash).where(audit.c.audit_id < start).order_by(audit.c.audit_id.desc()).limit(1)) or ""


def _rows(conn: sa.Connection, start: int, end: int | None = None) -> Iterator[Mapping[str, Any]]:
    wanted = sa.select(audit).where(audit.c.audit_id >= start).order_by(audit.c.audit_id).execution_options(yield_per=_AT_ONCE)
    yield from (row._asdict() for row in conn.execute(wanted if end is None else wanted.where(audit.c.audit_id <= end)))


def _look(key: bytes, row: Mapping[str, Any], link: str, known: tuple[str, str] | None, verdict: Verdict) -> None:
    seq = row["audit_id"]
    verdict.first, verdict.last, verdict.looked = verdict.first or seq, seq, verdict.looked + 1
    if not hmac.compare_digest(row["hash"], row_hash(key, row)):
        verdict.add(f"row {seq} was changed, or not written by us")
    if row["prev"] != link:
        verdict.add(f"row {seq} does not follow the row before it: rows were removed, inserted or put in another order")
    if known is not None and known[1] != row["hash"]:
        verdict.add(f"row {seq} is another than the one written down at {known[0]}")


# ---- heads written down outside the store
def head_file(home: Path) -> Path:
    """Where they are written: copy it to another machine, and nobody can shorten the log unseen."""
    return home / "var" / "audit-head"


def write_down(conn: sa.Connection, file: Path, now: datetime) -> bool:
    """Add a line with the present head, if it moved since the last line. A log cut off later ends before what stands here."""
    stored = read_head(conn)
    if stored is None:
        return False
    head, lines = stored[0], lines_of(file)
    if lines and lines[-1].split()[1:3] == [str(head.seq), head.hash]:
        return False
    words = [iso(now), str(head.seq), head.hash]
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="ascii") as out:
        out.write(" ".join([*words, sealed(key_of(conn), ["line", *words])]) + "\n")
    return True


def lines_of(file: Path) -> list[str]:
    """The lines written down so far."""
    return file.read_text("ascii", "replace").splitlines() if file.exists() else []


def _known(key: bytes, lines: Iterable[str], verdict: Verdict) -> Iterator[tuple[int, tuple[str, str]]]:
    """Each row that was once the head: when, and its seal."""
    for number, line in enumerate(lines, 1):
        words = line.split()
        if len(words) != 4 or not hmac.compare_digest(words[3], sealed(key, ["line", *words[:3]])):
            verdict.add(f"line {number} of audit-head was not written by us")
        else:
            yield int(words[1]), (words[0], words[2])


# ---- what the worker does, and what is handed out
def care(engine: sa.Engine, home: Path, now: datetime) -> None:
    """What the log needs every few minutes: its head written down; every few hours all of it looked through, and old rows let go."""
    with engine.connect() as conn:
        write_down(conn, head_file(home), now)
        looked = conn.scalar(sa.select(sa.func.max(audit_check.c.at)))
    if looked is not None and now - looked < _WHOLE_EVERY:
        return
    thin_audit(engine, now, KEPT)
    for what in look_through(engine, head_file(home), now).told:
        log.error("audit log: %s", what)


def look_through(engine: sa.Engine, file: Path, now: datetime) -> Verdict:
    """The whole log, and what was found, kept for the page of the auditor."""
    found = verify(engine, lines_of(file))
    row = {"first": found.first, "last": found.last, "looked": found.looked, "problems": found.problems, "told": "\n".join(found.told)}
    with writing(engine).begin() as conn:
        conn.execute(sa.delete(audit_check).where(audit_check.c.at == now))
        conn.execute(sa.insert(audit_check).values(at=now, **row))
        bump(conn, [TOPIC], now)
    return found


def thin_audit(engine: sa.Engine, now: datetime, keep: timedelta) -> int:
    """Let rows older than is kept go; the signed head then says where the log begins, so that what is left can still be verified."""
    oldest = now - max(keep, LEAST_KEPT)
    with writing(engine).begin() as conn:
        alone(conn)
        stored = read_head(conn)
        first = conn.scalar(sa.select(audit.c.audit_id).where(audit.c.at >= oldest).order_by(audit.c.audit_id).limit(1))
        if stored is None or first is None or first <= stored[0].first:
            return 0
        head = stored[0]
        before = conn.scalar(sa.select(audit.c.hash).where(audit.c.audit_id < first).order_by(audit.c.audit_id.desc()).limit(1)) or ""
        keep_head(conn, key_of(conn), Head(head.seq, head.hash, first, before))
        gone = conn.execute(sa.delete(audit).where(audit.c.audit_id < first)).rowcount
        note_action(conn, actor=SYSTEM, action="audit.thin", about=f"rows before {first}", detail=f"{gone} rows", now=now)
    return gone


def exported(conn: sa.Connection, start: int = 0, end: int | None = None) -> Iterator[str]:
    """Rows as lines of JSON, seals included: whoever has the key can verify them elsewhere."""
    for row in _rows(conn, start, end):
        yield json.dumps({**row, "at": row["at"].isoformat()}, ensure_ascii=False)
