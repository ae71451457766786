"""What happens in a demo department beside what time and seed bring: since when it lives, and what somebody provoked in it."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from data_sources.departments.building import add_rows

_LIVE = "live"
_KNOWN_FOR_S = 3 * 86_400  # nothing provoked is felt for longer
_table = sa.Table(
    "demo_happening",
    sa.MetaData(),
    sa.Column("kind", sa.String(8), primary_key=True),
    sa.Column("subject", sa.String(24), primary_key=True),
    sa.Column("at", sa.BigInteger, primary_key=True),
    sa.Column("size", sa.Float, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Happening:
    """Something provoked: where, from when on, and how much."""

    subject: str
    at: float
    size: float


def begin(conn: sa.Connection, at: float) -> None:
    """From here on the department lives: what came before was written as its past."""
    _table.create(conn, checkfirst=True)
    add_rows(conn, _table, [(_LIVE, "", int(at), 0.0)])


def lives_since(conn: sa.Connection, at: float, metadata: sa.MetaData) -> float:
    """Since when a department lives. One built by an earlier release begins now, and gets the tables it lacks."""
    metadata.create_all(conn)
    _table.create(conn, checkfirst=True)
    query = sa.select(sa.func.min(_table.c.at)).where(_table.c.kind == _LIVE)
    since = conn.scalar(query)
    if since is None:
        begin(conn, at)
        since = conn.scalar(query)
    return float(since or at)


def provoke(conn: sa.Connection, kind: str, happening: Happening) -> None:
    """Let something happen."""
    _table.create(conn, checkfirst=True)
    add_rows(conn, _table, [(kind, happening.subject, int(happening.at), happening.size)])


def happenings(conn: sa.Connection, kind: str, at: float) -> tuple[Happening, ...]:
    """What was provoked of a kind in the days before a moment."""
    _table.create(conn, checkfirst=True)
    c = _table.c
    rows = conn.execute(sa.select(c.subject, c.at, c.size).where(c.kind == kind, c.at > at - _KNOWN_FOR_S).order_by(c.at, c.subject))
    return tuple(Happening(subject, float(began), size) for subject, began, size in rows)
