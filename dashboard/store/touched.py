"""Readings that came behind their channel's newest one, or were corrected: noted until what is worked out from them follows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import sqlalchemy as sa

from dashboard.core.readings import latest
from dashboard.store import bulk
from dashboard.store.block import Block, Integers
from dashboard.store.schema import reading_touched

_NEVER = np.iinfo(np.int64).min

Stretch = tuple[int, int]  # microseconds, both ends included
_WIDER = {
    "ts_from": "CASE WHEN excluded.ts_from < reading_touched.ts_from THEN excluded.ts_from ELSE reading_touched.ts_from END",
    "ts_to": "CASE WHEN excluded.ts_to > reading_touched.ts_to THEN excluded.ts_to ELSE reading_touched.ts_to END",
}


def newest_times(conn: sa.Connection, block: Block) -> dict[int, int]:
    """When each channel of a block last spoke, before the block; a channel that never did is left out."""
    channels = [(number,) for number in np.unique(block.channels).tolist()]
    return {c: ts for c, ts in bulk.matching(conn, latest, ["channel_id"], channels, ["channel_id", "ts"]) if ts is not None}


def newest_beside(block: Block, before: Mapping[int, int]) -> Integers:
    """For each reading of a block, when its channel last spoke before."""
    known, index = np.unique(block.channels, return_inverse=True)
    return np.array([before.get(number, _NEVER) for number in known.tolist()], dtype=np.int64)[index]


def note(conn: sa.Connection, changed: Block, before: Mapping[int, int]) -> None:
    """Note the stretch of new and corrected readings that lie at or behind what was newest before them."""
    if not len(changed) or not before:
        return
    behind = changed[changed.times <= newest_beside(changed, before)]
    rows = [
        (number, int(times.min()), int(times.max()))
        for number in np.unique(behind.channels).tolist()
        if len(times := behind.times[behind.channels == number])
    ]
    bulk.insert(conn, reading_touched, ("channel_id", "ts_from", "ts_to"), rows, update=_WIDER)


def settle(conn: sa.Connection, done: Iterable[tuple[int, Stretch]]) -> None:
    """Forget stretches that were followed up, unless they grew meanwhile."""
    t = reading_touched.c
    for number, (start, end) in done:
        conn.execute(sa.delete(reading_touched).where(t.channel_id == number, t.ts_from == start, t.ts_to == end))
