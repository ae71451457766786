"""Rows that did not fit, kept with their reason: a repeat counts up, a good version that comes later marks it repaired."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from dashboard.pull.batch import Reject
from dashboard.pull.rows import fingerprint
from dashboard.store import bulk
from dashboard.store.schema import quarantine

_CHUNK = 500


def put_aside(conn: sa.Connection, pull: str, rejects: Sequence[Reject], now: datetime) -> int:
    """Keep rejected rows; how many of them are new."""
    rows = {(r.source_key, _hash(r)): r for r in rejects}
    keys = [(pull, key, digest) for key, digest in rows]
    natural = ("pull", "source_key", "row_hash")
    known = {found[:2] for found in bulk.matching(conn, quarantine, natural, keys, ("source_key", "row_hash", "quarantine_id"))}
    again = [{"p": pull, "k": key, "h": digest} for key, digest in rows if (key, digest) in known]
    new = [_row(pull, reject, digest, now) for (key, digest), reject in rows.items() if (key, digest) not in known]
    if again:
        conn.execute(_REPEAT.values(last_seen_at=now, times=quarantine.c.times + 1, state=_REOPENED), again)
    for start in range(0, len(new), _CHUNK):
        conn.execute(sa.insert(quarantine), new[start : start + _CHUNK])
    return len(new)


_REOPENED = sa.case((quarantine.c.state == "repaired", "open"), else_=quarantine.c.state)
_REPEAT = sa.update(quarantine).where(
    quarantine.c.pull == sa.bindparam("p"), quarantine.c.source_key == sa.bindparam("k"), quarantine.c.row_hash == sa.bindparam("h")
)


def _hash(reject: Reject) -> str:
    return fingerprint([reject.problem.code, reject.row])


def _row(pull: str, reject: Reject, digest: str, now: datetime) -> dict[str, Any]:
    return {
        "pull": pull,
        "source_key": reject.source_key[:191],
        "row_hash": digest,
        "reason_code": reject.problem.code,
        "reason": reject.problem.reason.en.replace("\x00", ""),
        "reason_zh": reject.problem.reason.zh.replace("\x00", ""),
        "row": _json(reject.row),
        "first_seen_at": now,
        "last_seen_at": now,
        "times": 1,
        "state": "open",
    }


def _json(row: Mapping[str, Any]) -> str:
    plain = {k: v if isinstance(v, (str, int, float, bool, type(None))) and not _odd(v) else str(v) for k, v in row.items()}
    clean = {k: v.encode("utf-8", "replace").decode().replace("\x00", "") if isinstance(v, str) else v for k, v in plain.items()}
    return orjson.dumps(clean).decode()


def _odd(value: Any) -> bool:
    return isinstance(value, int) and not -(2**63) <= value < 2**63


def open_keys(conn: sa.Connection, pull: str, with_duplicates: bool) -> set[str]:
    """Source keys with a row in quarantine that a good one would repair.

    A duplicate is repaired only where the whole table was read: otherwise its other half may just be out of sight.
    """
    wanted = sa.select(quarantine.c.source_key).where(quarantine.c.pull == pull, quarantine.c.state == "open")
    return set(conn.scalars(wanted if with_duplicates else wanted.where(quarantine.c.reason_code != "duplicate")))


def mark_repaired(conn: sa.Connection, pull: str, keys: Iterable[str], with_duplicates: bool) -> None:
    """Good versions of these keys have come."""
    spared = sa.true() if with_duplicates else quarantine.c.reason_code != "duplicate"
    given = sorted(keys)
    for start in range(0, len(given), _CHUNK):
        some = quarantine.c.source_key.in_(given[start : start + _CHUNK])
        conn.execute(
            sa.update(quarantine).where(quarantine.c.pull == pull, quarantine.c.state == "open", some, spared).values(state="repaired")
        )
