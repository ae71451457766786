"""Readings taken away because their source no longer has them: what they said is kept, and all that is made of them is put right."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from dashboard.core.times import to_micros
from dashboard.store import bulk, rollups, still, touched
from dashboard.store.block import Block
from dashboard.store.schema import reading_cold, reading_hot, reading_past

_KEY = ("channel_id", "ts")
_KEPT = (*_KEY, "value", "quality", "pull_run")


def forget_readings(conn: sa.Connection, keys: Sequence[tuple[int, int]], *, now: datetime) -> int:
    """Take away readings by (channel, microseconds). How many there were."""
    gone: list[tuple[int, int]] = []
    for table in (reading_hot, reading_cold):
        there = bulk.matching(conn, table, _KEY, list(keys), _KEPT)
        bulk.insert(conn, reading_past, (*_KEPT, "replaced_at"), [(*row, to_micros(now)) for row in there])
        bulk.delete(conn, table, _KEY, [row[:2] for row in there])
        if table is reading_cold:
            rollups.retake(conn, [(row[0], row[1] // rollups.HOUR) for row in there])
        gone += [(row[0], row[1]) for row in there]
    if gone:
        removed = Block.of((number, ts, 0.0, 0) for number, ts in gone)
        touched.note(conn, removed, touched.newest_times(conn, removed))
        still.put_right(conn, {number for number, _ in gone})
    return len(gone)
