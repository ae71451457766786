"""Rules over what should have come by a schedule and did not: service time gone by without a row of an asset expected."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.alerting.looking import UNIT_SECONDS, Looking, Sightings
from dashboard.core.declare import Freshness, Missing
from dashboard.core.times import from_micros, to_micros


def missing(at_hand: Looking, watched: Missing) -> Sightings:
    """How long each asset expected has been missing, in service time of the running stretch; a silent feed says nothing."""
    found = Sightings()
    calendar = at_hand.catalog.calendar_of(at_hand.key)
    assert calendar is not None, "refused when the catalog is loaded"
    begun = calendar.serving(at_hand.now)
    if begun is None:
        _put_to_rest(at_hand, found, calendar.ended(at_hand.now))
        return found
    expected = expected_assets(at_hand.conn, watched)
    _put_to_rest(at_hand, found, at_hand.now, besides=expected)
    feed = at_hand.feeds.get(watched.feed)
    if feed is None or feed.state in (Freshness.SILENT, Freshness.NEVER):
        _say_nothing(at_hand, found, expected)
        return found
    came = _newest(at_hand.conn, watched, begun[0], at_hand.now)
    for asset in expected:
        _since(at_hand, found, asset, came.get(asset, begun[0]))
    return found


def expected_assets(conn: sa.Connection, watched: Missing) -> list[str]:
    """The assets something should come of."""
    return [str(row.asset_id) for row in conn.execute(watched.of)]


def rows_of(watched: Missing, since: datetime, until: datetime) -> list[sa.ColumnElement[bool]]:
    """Which rows count."""
    within = [watched.at >= since, watched.at <= until, watched.by.is_not(None)]
    return within if watched.where is None else [*within, watched.where]


def unit_of(at_hand_unit: str) -> timedelta:
    """The rule's unit of time; minutes where it names none."""
    return timedelta(seconds=UNIT_SECONDS.get(at_hand_unit, 60.0))


def _newest(conn: sa.Connection, watched: Missing, since: datetime, until: datetime) -> dict[str, datetime]:
    moment = sa.func.max(sa.type_coerce(watched.at, sa.BigInteger))
    query = sa.select(watched.by, moment).where(*rows_of(watched, since, until)).group_by(watched.by)
    return {str(asset): from_micros(int(newest)) for asset, newest in conn.execute(query)}


def _since(at_hand: Looking, found: Sightings, asset: str, last: datetime) -> None:
    """The time gone by, and each limit it passed at the moment it passed it, so that onsets are true however late we look."""
    unit = unit_of(at_hand.rule.unit)
    value = max(at_hand.now - last, timedelta(0)) / unit
    if not at_hand.matters(found, asset, value, to_micros(at_hand.now)):
        return
    before = at_hand.kept[asset].seen if asset in at_hand.kept else None
    for limit in sorted(t.value for t in at_hand.thresholds(to_micros(at_hand.now))):
        passed = last + limit * unit
        if (before is None or passed > before) and passed < at_hand.now:
            found.add(asset, passed, limit)
    found.add(asset, at_hand.now, value)
    found.seen[asset] = at_hand.now


def _put_to_rest(at_hand: Looking, found: Sightings, at: datetime, besides: Any = ()) -> None:
    """What is not expected, or not expected at this time, is not missing."""
    wanted = set(besides)
    for asset, stored in at_hand.kept.items():
        if asset not in wanted and not stored.standing.is_at_rest:
            found.add(asset, max(at, stored.seen or at), 0.0)
            found.seen[asset] = at_hand.now


def _say_nothing(at_hand: Looking, found: Sightings, expected: list[str]) -> None:
    """Nothing fresh is known of any of them."""
    for asset in expected:
        standing = at_hand.standing(asset)
        if not standing.no_data and (at_hand.rule.no_data == "alert" or not standing.is_at_rest):
            found.add(asset, at_hand.now, None)
