"""A table of things to be sent: claimed, tried, marked; what failed is tried again, later and later.

At least once: a sender killed between sending and marking leaves one row that its successor sends again under the same key. A
claim carries the worker's fence: what a dead or replaced worker had claimed is free at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

LEASE = timedelta(minutes=2)  # a sender that takes longer over one row is taken for dead
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=10), timedelta(minutes=30)


@dataclass(frozen=True)
class Queue:
    """A table with the columns state, made_at, next_at, attempts, lease_until, fence, tried_at, sent_at and error."""

    table: sa.Table
    key: str

    def due(self, *where: sa.ColumnElement[bool], now: datetime) -> sa.ColumnElement[bool]:
        """What waits and may be tried now."""
        at = self.table.c
        return sa.and_(at.state == "waiting", at.next_at <= now, *where)

    def claim(self, conn: sa.Connection, where: sa.ColumnElement[bool], order: Sequence[Any], limit: int, now: datetime, fence: int) -> Any:
        """Rows that are ours for a while, as they were before. Counted as tries before anything is sent."""
        at = self.table.c
        free = sa.or_(at.lease_until.is_(None), at.lease_until <= now, at.fence != fence)
        rows = conn.execute(sa.select(self.table).where(self.due(where, free, now=now)).order_by(*order).limit(limit)).all()
        taken = sa.update(self.table).where(at[self.key].in_([getattr(row, self.key) for row in rows]))
        conn.execute(taken.values(lease_until=now + LEASE, fence=fence, attempts=at.attempts + 1, tried_at=now))
        return rows

    def sent(self, row: Any, now: datetime, fence: int) -> sa.Update:
        """It is with its receiver."""
        return self._mine(row, fence).values(state="sent", sent_at=now, lease_until=None, error=None)

    def put_off(self, row: Any, why: str, least: timedelta, give_up: timedelta, now: datetime, fence: int) -> tuple[sa.Update, bool]:
        """Later and later; after `give_up` no more. Also whether that is so."""
        wait = max(least, min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(row.attempts, 20)))
        over = now - row.made_at >= give_up
        values = {"error": why, "lease_until": None, "next_at": now + wait, "state": "given_up" if over else "waiting"}
        return self._mine(row, fence).values(values), over

    def release(self, rows: Sequence[Any], now: datetime, fence: int) -> sa.Update:
        """What was claimed and not come to: free for the next turn, and no try."""
        at = self.table.c
        mine = sa.and_(at[self.key].in_([getattr(row, self.key) for row in rows]), at.fence == fence)
        values = {"lease_until": None, "attempts": at.attempts - 1, "tried_at": None, "next_at": now + FIRST_WAIT}
        return sa.update(self.table).where(mine).values(values)

    def _mine(self, row: Any, fence: int) -> sa.Update:
        """A row as long as it is the try we claimed."""
        at = self.table.c
        return sa.update(self.table).where(at[self.key] == getattr(row, self.key), at.fence == fence, at.attempts == row.attempts + 1)
