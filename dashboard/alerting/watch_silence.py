"""Rules over what should have come and did not: a whole feed, or one of its channels."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from dashboard.alerting.looking import UNIT_SECONDS, Looking, Place, Sightings
from dashboard.core.declare import Absence, Freshness
from dashboard.core.times import to_micros
from dashboard.store.resting import resting_assets
from dashboard.store.series import latest_values


def absences(at_hand: Looking, watched: Absence) -> Sightings:
    """How long the feed, or each channel, has been silent. A silent feed is one matter, not one for each of its channels."""
    found = Sightings()
    feed = at_hand.feeds.get(watched.feed)
    if feed is None or feed.age is None:
        return found
    if watched.metric is None:
        _absent(at_hand, found, watched.feed, at_hand.now - feed.age, feed.cadence)
        return found
    resting = resting_assets(at_hand.conn, at_hand.domain)
    spoken = [row for row in latest_values(at_hand.conn, at_hand.domain.key, watched.metric) if row.ts is not None]
    channels = [row for row in spoken if row.asset_id not in resting]
    _put_to_rest(at_hand, found, [*resting, *([] if channels or not spoken else [watched.feed])])
    if spoken and not channels:
        return found
    newest = max((row.ts for row in channels), default=at_hand.now - feed.age)
    if len(channels) != 1 or not at_hand.standing(watched.feed).is_at_rest:  # the only channel speaks for itself
        _absent(at_hand, found, watched.feed, newest, feed.cadence)
    if len(channels) != 1 and (feed.state is Freshness.SILENT or (found.by_asset and _is_beyond(at_hand, newest, feed.cadence))):
        return found
    in_time = at_hand.now - min((t.value for t in at_hand.thresholds(to_micros(at_hand.now))), default=0) * _shortest_unit(
        at_hand, channels
    )
    for row in channels:
        if row.ts > in_time and at_hand.standing(row.asset_id).is_at_rest:
            continue  # nearly all of them, nearly always
        _absent(at_hand, found, row.asset_id, row.ts, timedelta(seconds=row.cadence_s))
        found.places[row.asset_id] = Place(street=row.street)
    return found


def _put_to_rest(at_hand: Looking, found: Sightings, subjects: Iterable[str]) -> None:
    """The silence of what rests is meant: it is no longer absent."""
    for subject in subjects:
        if not at_hand.standing(subject).is_at_rest:
            found.add(subject, at_hand.now, 0.0)


def _shortest_unit(at_hand: Looking, channels: Iterable[Any]) -> timedelta:
    """The rule's unit of time; where it counts in cadences, the shortest cadence."""
    seconds = UNIT_SECONDS.get(at_hand.rule.unit) or min((row.cadence_s for row in channels), default=0)
    return timedelta(seconds=seconds)


def _silence(at_hand: Looking, last: datetime, cadence: timedelta) -> tuple[float, timedelta]:
    """How long nothing came, in the rule's unit (cadences where it has none), and that unit."""
    unit = timedelta(seconds=UNIT_SECONDS[at_hand.rule.unit]) if at_hand.rule.unit in UNIT_SECONDS else cadence
    return max(at_hand.now - last, timedelta(0)) / unit, unit


def _is_beyond(at_hand: Looking, last: datetime, cadence: timedelta) -> bool:
    return at_hand.is_beyond(_silence(at_hand, last, cadence)[0], to_micros(at_hand.now))


def _absent(at_hand: Looking, found: Sightings, subject: str, last: datetime, cadence: timedelta) -> None:
    """Silence so far, and each limit it passed at the moment it passed it, so that onsets are true however late we look."""
    if at_hand.standing(subject).is_at_rest and not _is_beyond(at_hand, last, cadence):
        return
    silence, unit = _silence(at_hand, last, cadence)
    before = at_hand.kept[subject].seen if subject in at_hand.kept else None
    for limit in sorted(t.value for t in at_hand.thresholds(to_micros(at_hand.now))):
        passed = last + limit * unit
        if (before is None or passed > before) and passed < at_hand.now:
            found.add(subject, passed, limit)
    found.add(subject, at_hand.now, silence)
    found.seen[subject] = at_hand.now
