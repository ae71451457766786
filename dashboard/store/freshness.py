"""How old each feed's newest data is, against its cadence: fresh, late, silent, never. Not whether the job ran."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.core.declare import Freshness
from dashboard.store.schema import pull_state

_LATE, _SILENT = 1, 3  # cadences: late after one, silent after three
_WORST = (Freshness.FRESH, Freshness.LATE, Freshness.SILENT, Freshness.NEVER)


@dataclass(frozen=True, kw_only=True)
class FeedFreshness:
    """A feed as one pull has it; asked for a feed of several pulls, as the least fresh has it."""

    feed: str
    state: Freshness
    age: timedelta | None  # of the newest data; None: never had any
    newest_event_at: datetime | None
    last_ok_at: datetime | None
    cadence: timedelta
    source: str
    pull: str
    error_kind: str | None


def feeds_freshness(conn: sa.Connection, now: datetime) -> dict[str, FeedFreshness]:
    """Every feed that has a pull. A feed with several is as fresh as the worst of them: half a city silent is not fresh."""
    feeds: dict[str, FeedFreshness] = {}
    for found in pulls_freshness(conn, now).values():
        known = feeds.get(found.feed)
        if known is None or _WORST.index(found.state) > _WORST.index(known.state):
            feeds[found.feed] = found
    return feeds


def pulls_freshness(conn: sa.Connection, now: datetime) -> dict[str, FeedFreshness]:
    """Every pull by itself: what a list of sources shows."""
    return {row.pull: _of_pull(row, now) for row in conn.execute(sa.select(pull_state).order_by(pull_state.c.pull))}


def _of_pull(row: Any, now: datetime) -> FeedFreshness:
    known_until, cadence = _known_until(row), timedelta(seconds=row.cadence_s)
    age = None if known_until is None else max(now - known_until, timedelta(0))
    since_contact = None if row.last_ok_at is None else now - row.last_ok_at
    return FeedFreshness(
        feed=row.feed,
        state=freshness_of(age, cadence, since_contact if row.error_kind else timedelta(0)),
        age=age,
        newest_event_at=row.newest_event_at,
        last_ok_at=row.last_ok_at,
        cadence=cadence,
        source=row.source,
        pull=row.pull,
        error_kind=row.error_kind,
    )


def _known_until(row: Any) -> datetime | None:
    """The moment up to which we know: the newest event, by our clock; for a register, when we last read it whole.

    Where their clock seems slow, what they sent is not made younger for it: it may be late after all.
    """
    if row.judged_by == "contact":
        return row.last_ok_at  # type: ignore[no-any-return]
    if row.newest_event_at is None:
        return None
    return row.newest_event_at - timedelta(seconds=max(row.clock_skew_s or 0, 0))  # type: ignore[no-any-return]


def freshness_of(age: timedelta | None, cadence: timedelta, since_contact: timedelta | None = timedelta(0)) -> Freshness:
    """Fresh within one cadence, late within three, silent beyond; a source failing for three is silent whatever came before."""
    if age is None:
        return Freshness.NEVER
    if age > _SILENT * cadence or since_contact is None or since_contact > _SILENT * cadence:
        return Freshness.SILENT
    return Freshness.LATE if age > _LATE * cadence else Freshness.FRESH
