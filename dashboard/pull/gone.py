"""Deciding about what is missed at a source: a few rows are gone at once, a large share only when missed again an hour later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dashboard.core.times import from_micros, to_micros

MANY = 20  # fewer rows than this are never held: a small register may well lose most of them
SHARE = 0.2  # of our rows; missing at once, this much is a source read in the middle of its own reload more often than a deletion
SEEN_AGAIN = timedelta(hours=1)


@dataclass(frozen=True)
class Missing:
    """What we hold and the source does not: our keys, out of how many, and how many it has."""

    keys: Sequence[tuple[Any, ...]]  # of a table its key; of readings (channel, microseconds)
    ours: int
    theirs: int


@dataclass(frozen=True)
class Held:
    """Rows missed at the source and not yet taken away."""

    rows: int
    of: int  # rows we hold
    since: datetime
    empty: bool  # the source had nothing at all

    def stored(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return {"rows": self.rows, "of": self.of, "since": to_micros(self.since), "empty": self.empty}

    @staticmethod
    def read(kept: dict[str, Any] | None) -> Held | None:
        """As JSON kept it."""
        return Held(kept["rows"], kept["of"], from_micros(kept["since"]), kept["empty"]) if kept else None


def decide(before: Held | None, missing: int, ours: int, theirs: int, now: datetime, share: float = SHARE) -> Held | None:
    """What to hold back; None: take away what is missing.

    A source that has nothing left where we hold many rows is never believed: a person empties that table.
    """
    many = missing > MANY and missing > share * ours
    if not missing or (not many and theirs):
        return None
    if before is not None and now - before.since >= SEEN_AGAIN and (theirs or ours <= MANY):
        return None
    return Held(missing, ours, before.since if before else now, not theirs)
