"""The audit log: who did what, when, from where and how it went, each row sealed together with the one before it.

Whoever changes the table without the key breaks the chain; whoever cuts off its end must change the head as well, which is signed,
and `var/audit-head`, which is not in the store. What finds it: store/audit_check.py.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from dashboard.core.times import to_micros
from dashboard.store.schema import audit
from dashboard.store.schema_audit import audit_head
from dashboard.store.topics import bump

TOPIC = "audit"
TAMPERED = "audit.tampered"
SYSTEM = "system"
_LOCK = 0x5AFE0002  # one writer at a time on PostgreSQL; on SQLite BEGIN IMMEDIATE sees to it
_LONGEST = {"actor": 64, "role": 32, "session": 48, "client": 48, "action": 48, "object": 128, "detail": 4000, "outcome": 8}


class Outcome(StrEnum):
    """How it went."""

    DONE = "done"
    DENIED = "denied"  # it was not theirs to do
    FAILED = "failed"  # it was tried and did not succeed, as a wrong password


@dataclass(frozen=True)
class Origin:
    """From where: the role acted in, the session's public number, the client's address as `short_address` has it."""

    role: str = ""
    session: str = ""
    client: str = ""


@dataclass(frozen=True)
class Head:
    """Where the chain ends, and where what is kept of it begins."""

    seq: int = 0
    hash: str = ""
    first: int = 1
    before: str = ""

    def mac(self, key: bytes) -> str:
        """What only a holder of the key can write beside it."""
        return sealed(key, ["head", *astuple(self)])


NOWHERE = Origin()


def note_action(
    conn: sa.Connection,
    *,
    actor: str,
    action: str,
    about: str,
    detail: str,
    now: datetime,
    origin: Origin = NOWHERE,
    outcome: Outcome = Outcome.DONE,
) -> int:
    """Write a row in the same transaction as what it tells of, and return its number.

    Before topics are bumped, never after: writers wait for one another here, and must not hold what the first still needs.
    """
    key = key_of(conn)
    head = _head_to_write_after(conn, key, now)
    said = {"actor": actor, "action": action, "object": about, "detail": detail, "outcome": outcome.value}
    row = _fitting(said | {"role": origin.role, "session": origin.session, "client": origin.client})
    head = _append(conn, key, head, row, now)
    keep_head(conn, key, head)
    bump(conn, [TOPIC], now)
    return head.seq


def _append(conn: sa.Connection, key: bytes, head: Head, row: Mapping[str, Any], now: datetime) -> Head:
    full = {**row, "audit_id": head.seq + 1, "at": now, "prev": head.hash}
    full["hash"] = row_hash(key, full)
    conn.execute(sa.insert(audit).values(full))
    return Head(head.seq + 1, full["hash"], head.first, head.before)


def key_of(conn: sa.Connection) -> bytes:
    """The key the store was opened with."""
    return bytes(conn.get_execution_options().get("audit_key", b""))


def row_hash(key: bytes, row: Mapping[str, Any]) -> str:
    """The seal over a row and the seal before it."""
    words = [row[name] for name in ("actor", "role", "session", "client", "action", "object", "detail", "outcome", "prev")]
    return sealed(key, [row["audit_id"], to_micros(row["at"]), *words])


def sealed(key: bytes, parts: list[Any]) -> str:
    """HMAC-SHA256 over values written the one way JSON without spaces can be written."""
    return hmac.digest(key, json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode(), "sha256").hex()


def read_head(conn: sa.Connection) -> tuple[Head, str] | None:
    """The head as it is stored, with its signature; None where nothing was ever noted."""
    row = conn.execute(sa.select(audit_head)).first()
    return None if row is None else (Head(row.seq, row.hash, row.first, row.before), row.mac)


def keep_head(conn: sa.Connection, key: bytes, head: Head) -> None:
    """Store the head, signed."""
    values = {"seq": head.seq, "hash": head.hash, "first": head.first, "before": head.before, "mac": head.mac(key)}
    if not conn.execute(sa.update(audit_head).values(values)).rowcount:
        conn.execute(sa.insert(audit_head).values(head_id=1, **values))


def alone(conn: sa.Connection) -> None:
    """Wait until no other transaction writes to the log."""
    if conn.dialect.name == "postgresql":
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


def _head_to_write_after(conn: sa.Connection, key: bytes, now: datetime) -> Head:
    """The head, if it is ours and the last row is where it says. If not, the log goes on after the last row, and says so."""
    alone(conn)
    stored = read_head(conn)
    last = conn.execute(sa.select(audit.c.audit_id, audit.c.hash).order_by(audit.c.audit_id.desc()).limit(1)).first()
    if stored is None and (last is None or not last.hash):
        return _adopt(conn, key)
    head, mac = stored or (Head(), "")
    if hmac.compare_digest(mac, head.mac(key)) and (last is None or (last.audit_id, last.hash) == (head.seq, head.hash)):
        return head
    found = f"head {head.seq}, last row {last.audit_id if last else 0}"
    after = Head(last.audit_id, last.hash, head.first, head.before) if last and last.audit_id > head.seq else head
    told = {"actor": SYSTEM, "action": TAMPERED, "object": TOPIC, "detail": found, "outcome": Outcome.FAILED.value}
    return _append(conn, key, after, _fitting(told), now)


def _adopt(conn: sa.Connection, key: bytes) -> Head:
    """The first row of the chain follows those written before there was one: they are sealed as they are found."""
    head = Head()
    for row in conn.execute(sa.select(audit).order_by(audit.c.audit_id)).mappings().all():
        first = head.first if head.seq else row["audit_id"]
        full = {**row, "prev": head.hash}
        seal = {"prev": head.hash, "hash": row_hash(key, full)}
        conn.execute(sa.update(audit).where(audit.c.audit_id == row["audit_id"]).values(seal))
        head = Head(row["audit_id"], seal["hash"], first, "")
    return head


def _fitting(row: Mapping[str, str]) -> dict[str, str]:
    """Each text without control characters and no longer than its column: an address somebody made up must not break a line."""
    return {name: _plain(row.get(name, ""))[:longest] for name, longest in _LONGEST.items()}


def _plain(text: str) -> str:
    return "".join(" " if unicodedata.category(c)[0] == "C" else c for c in text)


def short_address(host: str) -> str:
    """A client's address as far as it says which house it is in: the last byte of IPv4 and the last ten of IPv6 are left out."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    address = getattr(address, "ipv4_mapped", None) or address
    if address.version == 4:
        return str(address).rpartition(".")[0] + ".x"
    return str(ipaddress.ip_network((address, 48), strict=False))
