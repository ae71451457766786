"""Rules over readings: each new value of a metric, how fast it changes, how far from usual it is, and whether it still moves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from dashboard.alerting.channels import Channel, channels_of
from dashboard.alerting.looking import FIRST_LOOK, SILENT_CADENCES, UNIT_SECONDS, UNUSABLE, Looking, Place, Replay, Sightings
from dashboard.alerting.machine import Observation, Standing
from dashboard.alerting.rate import rates
from dashboard.alerting.usual import departures
from dashboard.core.declare import OutOfRange, RateOfChange, Readings, Stillness
from dashboard.core.times import from_micros, to_micros
from dashboard.store.alert_reads import opened_at
from dashboard.store.block import Reading
from dashboard.store.series import newer_readings, readings_between

JUDGED_AGAIN = timedelta(hours=6)  # a correction reaches this far back into what led up to it
Judge = Callable[[list[Reading]], Iterable[float | None]]


def readings(at_hand: Looking, watched: Readings) -> Sightings:
    """Every new reading of the metric in order of event time, so that onsets are true however late we look."""
    return _new_readings(at_hand, watched.metric, lambda rows: [value for _, _, value, _ in rows])


def out_of_range(at_hand: Looking, watched: OutOfRange) -> Sightings:
    """Every new reading as its distance from what is usual at its hour; a channel without enough of a past says nothing."""
    decimals = at_hand.catalog.metrics[at_hand.domain.key, watched.metric].decimals
    return _new_readings(at_hand, watched.metric, lambda rows: departures(at_hand.conn, rows, decimals))


def rate_of_change(at_hand: Looking, watched: RateOfChange) -> Sightings:
    """Every new reading as the change per hour over the window it ends; a window with holes says nothing."""
    cadences = {number: row.cadence_s for number, row in _channels(at_hand, watched.metric).items()}
    return _new_readings(at_hand, watched.metric, lambda rows: rates(at_hand.conn, rows, watched, cadences))


def _new_readings(at_hand: Looking, metric: str, judge: Judge) -> Sightings:
    channels = _channels(at_hand, metric)
    horizon, kept = to_micros(at_hand.now), at_hand.kept
    seen = _seen(at_hand, channels)
    found = Sightings()
    newest = {c: ts for c, ts in seen.items() if channels[c].ts > ts or channels[c].asset_id not in kept}
    rows = newer_readings(at_hand.conn, newest)
    for (channel_id, ts, _, quality), value in zip(rows, judge(rows), strict=True):
        asset = channels[channel_id].asset_id
        moment = min(ts, horizon)  # a clock ahead of ours must not date an alert in the future
        _silent_between(at_hand, found, channels[channel_id], newest[channel_id], moment)
        newest[channel_id] = max(newest[channel_id], moment)
        if quality < UNUSABLE and value is not None and at_hand.matters(found, asset, value, moment):
            found.add(asset, from_micros(moment), value)
    found.seen = {channels[c].asset_id: from_micros(ts) for c, ts in newest.items() if ts != seen[c] or channels[c].asset_id not in kept}
    _corrected(at_hand, found, channels, seen, judge)
    _silent_channels(at_hand, found, channels.values())
    _place(found, channels.values())
    return found


def _seen(at_hand: Looking, channels: Mapping[int, Channel]) -> dict[int, int]:
    """Up to when each channel was looked at."""
    start, kept = to_micros(at_hand.now - FIRST_LOOK), at_hand.kept
    return {c: (kept[row.asset_id].seen_ts or start) if row.asset_id in kept else start for c, row in channels.items()}


def _place(found: Sightings, channels: Iterable[Channel]) -> None:
    """Where that is which was seen."""
    told = found.by_asset.keys() | found.again.keys()
    found.places = {row.asset_id: Place(street=row.street) for row in channels if row.asset_id in told} if told else {}


def _silent_between(at_hand: Looking, found: Sightings, channel: Channel, before: int, moment: int) -> None:
    """A gap between two readings was silence when it lasted, whether we looked then or look now."""
    quiet_from = before + SILENT_CADENCES * channel.cadence
    if moment <= quiet_from:
        return
    standing = at_hand.standing(channel.asset_id)
    if channel.asset_id in found.by_asset or not (standing.is_at_rest or standing.no_data):
        found.add(channel.asset_id, from_micros(quiet_from), None)


def _channels(at_hand: Looking, metric: str) -> Mapping[int, Channel]:
    return channels_of(at_hand.conn, at_hand.newest, at_hand.domain.key, metric)


def _corrected(at_hand: Looking, found: Sightings, channels: Mapping[int, Channel], seen: Mapping[int, int], judge: Judge) -> None:
    """Readings already judged that now say something else, and new ones from before what was judged: what led to where the rule
    stands is gone through again.

    What is older than the first look is history: it changes lines and averages, not what rings now.
    """
    oldest, never = to_micros(at_hand.now - FIRST_LOOK), to_micros(at_hand.now) + 1
    for channel_id in (at_hand.corrected.keys() | at_hand.late.keys()) & channels.keys():
        ts, asset = min(at_hand.corrected.get(channel_id, never), at_hand.late.get(channel_id, never)), channels[channel_id].asset_id
        if oldest <= ts <= seen[channel_id] and asset in at_hand.kept:
            standing, start = _begin_again(at_hand, asset, from_micros(ts))
            rows = readings_between(at_hand.conn, channel_id, start, from_micros(seen[channel_id] + 1))
            usable = [(channel_id, *row) for row in rows if row[2] < UNUSABLE]
            values = zip(usable, judge(usable), strict=True)
            seen_again = [Observation(from_micros(r[1]), v) for r, v in values if v is not None]
            found.again[asset] = Replay(standing, seen_again, "corrected" if channel_id in at_hand.corrected else "late")


def _begin_again(at_hand: Looking, asset: str, corrected: datetime) -> tuple[Standing, datetime]:
    """From rest, a while before the correction or before the open alert began; an alert of yesterday or older is taken as given."""
    opened = opened_at(at_hand.conn, at_hand.key, asset)
    start = min(corrected, opened or corrected) - JUDGED_AGAIN
    earliest = at_hand.now - FIRST_LOOK - JUDGED_AGAIN
    if start >= earliest:
        return Standing(), start
    return (at_hand.standing(asset) if opened else Standing()), earliest


def _silent_channels(at_hand: Looking, found: Sightings, channels: Iterable[Channel]) -> None:
    """Channels more than three cadences old, where silence makes a difference."""
    always, now = at_hand.rule.no_data == "alert", to_micros(at_hand.now)
    for row in channels:
        quiet_from = row.ts + SILENT_CADENCES * row.cadence
        if now <= quiet_from:
            continue
        standing = at_hand.standing(row.asset_id)
        if not standing.no_data and (always or row.asset_id in found.by_asset or not standing.is_at_rest):
            found.add(row.asset_id, from_micros(quiet_from), None)


def stillness(at_hand: Looking, watched: Stillness) -> Sightings:
    """How long each instrument's word has been the same, as of its newest word: one that says nothing is silent, not still."""
    found, unit = Sightings(), UNIT_SECONDS.get(at_hand.rule.unit, 60.0) * 1_000_000
    channels, now = _channels(at_hand, watched.metric), to_micros(at_hand.now)
    limits = sorted(t.value for t in at_hand.thresholds(now))
    for row in channels.values():
        seen = at_hand.kept[row.asset_id].seen_ts if row.asset_id in at_hand.kept else None
        newest = min(row.ts, now)
        if row.same_since is None or (seen is not None and newest <= seen):
            continue
        still = max(newest - row.same_since, 0) / unit
        if not at_hand.matters(found, row.asset_id, still, newest):
            continue
        passed = [(row.same_since + round(limit * unit), limit) for limit in limits if limit < still]
        for at, limit in passed:  # so that onsets are true however late we look
            if seen is None or at > seen:
                found.add(row.asset_id, from_micros(at), limit)
        found.add(row.asset_id, from_micros(newest), still)
        found.seen[row.asset_id] = from_micros(newest)
    _silent_channels(at_hand, found, channels.values())
    _place(found, channels.values())
    return found
