"""New readings that came in behind their channel's newest one: rules look at the stretch they belong to once more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import numpy as np
import sqlalchemy as sa

from dashboard.core.times import to_micros
from dashboard.store import bulk
from dashboard.store.block import Block
from dashboard.store.schema_rules import reading_late
from dashboard.store.touched import newest_beside

_REACH = timedelta(hours=24)  # what is older changes lines and averages, not what rings now


def note_late(conn: sa.Connection, changed: Block, before: Mapping[int, int], now: datetime) -> None:
    """Note, channel by channel, the oldest of these readings of the last day that lie behind what was newest before them."""
    if not len(changed) or not before:
        return
    late = changed[(changed.times < newest_beside(changed, before)) & (changed.times >= to_micros(now - _REACH))]
    at = to_micros(now)
    rows = [(number, at, int(late.times[late.channels == number].min())) for number in np.unique(late.channels).tolist()]
    older = "CASE WHEN excluded.ts < reading_late.ts THEN excluded.ts ELSE reading_late.ts END"
    bulk.insert(conn, reading_late, ("channel_id", "noted_at", "ts"), rows, update={"ts": older})


def late_since(conn: sa.Connection, since: datetime, oldest: datetime) -> dict[int, int]:
    """Channels with such readings noted since a moment, and when the oldest of them was taken, none from before `oldest`."""
    late = reading_late.c
    query = sa.select(late.channel_id, sa.func.min(late.ts)).where(late.noted_at > since, late.ts >= to_micros(oldest))
    return {channel_id: ts for channel_id, ts in conn.execute(query.group_by(late.channel_id))}
