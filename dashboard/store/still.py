"""Since when an instrument has said the same, put right after readings came late, were corrected or were taken away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import sqlalchemy as sa

from dashboard.core.readings import latest
from dashboard.store import bulk
from dashboard.store.block import Block
from dashboard.store.schema import reading_cold, reading_hot
from dashboard.store.touched import newest_beside

_LATEST = ("channel_id", "ts", "value", "quality", "same_since")


def follow(conn: sa.Connection, changed: Block, before: Mapping[int, int]) -> None:
    """After new and corrected readings: those behind what was newest `before` may have broken a stretch of sameness, or joined two."""
    if not len(changed) or not before:
        return
    newest = newest_beside(changed, before)
    late = changed.times <= newest
    if late.any():
        put_right(conn, _shaken(conn, changed[late]) | set(changed.channels[changed.times == newest].tolist()))


def _shaken(conn: sa.Connection, behind: Block) -> set[int]:
    """Channels whose sameness these readings bear on: another value within it, or the same value just before it."""
    channels = [(number,) for number in np.unique(behind.channels).tolist()]
    standing = {c: (value, since) for c, _, value, _, since in bulk.matching(conn, latest, ["channel_id"], channels, _LATEST)}
    found = set()
    for number, ts, value, _ in behind.rows():
        now_says, since = standing[number]
        if since is not None and (ts >= since) == (value != now_says):
            found.add(number)
    return found


def put_right(conn: sa.Connection, channels: Iterable[int]) -> None:
    """Take each channel's newest reading, and since when it has said that, from its readings."""
    rows = [(number, *_standing(conn, number)) for number in sorted(channels)]
    names = ("ts", "value", "quality", "same_since")
    mark = "?" if bulk.on_sqlite(conn) else "%s"
    to = ", ".join(f"{name} = {mark}" for name in names)
    if rows:
        conn.exec_driver_sql(f"UPDATE reading_latest SET {to} WHERE channel_id = {mark}", [(*row[1:], row[0]) for row in rows])


def _standing(conn: sa.Connection, number: int) -> tuple[int | None, float | None, int, int | None]:
    """Newest moment, value and quality, and the first moment of the run of that value; a walk back to the last other value."""
    newest = _first(conn, number, "desc")
    if newest is None:
        return None, None, 0, None
    ts, value, quality = newest
    other = _first(conn, number, "desc", unlike=value)
    start = _first(conn, number, "asc", after=other[0] if other else None)
    assert start is not None  # the newest one itself, if no other
    return ts, value, quality, start[0]


def _first(
    conn: sa.Connection, number: int, order: str, *, unlike: float | None = None, after: int | None = None
) -> tuple[int, float, int] | None:
    """The newest or the oldest reading of a channel that meets the conditions; one seek in the cold table, and what is hot at most."""
    found = []
    for table in (reading_hot, reading_cold):
        wanted = sa.select(table.c.ts, table.c.value, table.c.quality).where(table.c.channel_id == number)
        if unlike is not None:
            wanted = wanted.where(table.c.value != unlike)
        if after is not None:
            wanted = wanted.where(table.c.ts > after)
        found += [tuple(row) for row in conn.execute(wanted.order_by(table.c.ts.desc() if order == "desc" else table.c.ts).limit(1))]
    return (max if order == "desc" else min)(found, default=None)
