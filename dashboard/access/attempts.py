"""Failed attempts, counted per name and per address: too many, and both stay out for a while, whoever asks."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from dashboard.access.limits import Limits
from dashboard.access.sealed import kept
from dashboard.store.schema_access import failure


def _of_name(name: str) -> str:
    return f"name:{kept(name)}"


def _of_client(client: str) -> str:
    return f"from:{client}"


def barred(conn: sa.Connection, name: str, client: str, now: datetime) -> bool:
    """Whether the name or the address is locked out now."""
    about = failure.c.about.in_([_of_name(name), _of_client(client)])
    return conn.scalar(sa.select(sa.func.count()).where(about, failure.c.until > now)) != 0


def bar(limits: Limits, conn: sa.Connection, name: str, client: str, now: datetime) -> None:
    """One more failure of both. What is forgotten anyway is thrown away, or made-up names would fill the table."""
    over = sa.or_(failure.c.until.is_(None), failure.c.until <= now)
    conn.execute(sa.delete(failure).where(failure.c.last_at < now - limits.lock, over))
    _count(limits, conn, _of_client(client), limits.failures_address, now)
    _count(limits, conn, _of_name(name), limits.failures, now)


def clear(conn: sa.Connection, name: str) -> None:
    """The name has proved itself. Not the address: who knows one password must not try a thousand others in between."""
    conn.execute(sa.delete(failure).where(failure.c.about == _of_name(name)))


def _count(limits: Limits, conn: sa.Connection, about: str, most: int, now: datetime) -> None:
    """The failure that reaches the most begins a lock, and none makes it longer; those older than a lock lasts are forgotten."""
    begun = {"about": about}
    conn.execute(sa.text("INSERT INTO sign_in_failure (about, count, last_at) VALUES (:about, 0, 0) ON CONFLICT (about) DO NOTHING"), begun)
    row = conn.execute(sa.select(failure).where(failure.c.about == about).with_for_update()).mappings().one()
    if row["until"] is not None and now < row["until"]:
        return
    count = 1 + (row["count"] if now - row["last_at"] <= limits.lock else 0)
    begins = {"count": 0, "until": now + limits.lock} if count >= most else {"count": count, "until": None}
    conn.execute(sa.update(failure).where(failure.c.about == about).values(last_at=now, **begins))
