"""What the rules watch, read in batches: new readings in order of time, KPI values, row counts, and what did not come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from dashboard.alerting.machine import Observation, Standing, event_of
from dashboard.core.catalog import Catalog
from dashboard.core.declare import Absence, AlertRule, Domain, Freshness, KpiValues, Readings, RowCount, Threshold
from dashboard.core.scope import DISTRICT
from dashboard.core.times import city_day, from_micros, to_micros
from dashboard.store.freshness import FeedFreshness
from dashboard.store.kpi_reads import latest_figures
from dashboard.store.series import latest_values, newer_readings

FIRST_LOOK = timedelta(hours=24)  # how far back a rule that never looked begins
SILENT_CADENCES = 3
UNUSABLE = 2
_SECONDS = {"s": 1.0, "秒": 1.0, "min": 60.0, "分钟": 60.0, "分": 60.0, "h": 3600.0, "小时": 3600.0, "d": 86_400.0, "天": 86_400.0}


@dataclass(frozen=True)
class Place:
    """What the rows themselves say about where something is, for assets no register names."""

    name: str = ""
    street: str | None = None
    lon: float | None = None
    lat: float | None = None


@dataclass(frozen=True)
class Stored:
    """A rule's standing for an asset as last kept."""

    standing: Standing
    seen: datetime | None
    value: float | None


@dataclass
class Sightings:
    """Observations of one rule by asset, in order of time; up to when each was looked at; where unnamed assets are."""

    by_asset: dict[str, list[Observation]] = field(default_factory=dict)
    seen: dict[str, datetime] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)

    def add(self, asset: str, at: datetime, value: float | None) -> None:
        """Note an observation."""
        self.by_asset.setdefault(asset, []).append(Observation(at, value))


@dataclass(frozen=True)
class Looking:
    """What is at hand while looking for one rule."""

    conn: sa.Connection
    catalog: Catalog
    domain: Domain
    rule: AlertRule
    key: str
    kept: Mapping[str, Stored]
    feeds: Mapping[str, FeedFreshness]
    now: datetime
    known: dict[tuple[str, str], tuple[Threshold, ...]]  # thresholds already looked up in this turn

    def standing(self, asset: str) -> Standing:
        """Where the rule stands for an asset."""
        return self.kept[asset].standing if asset in self.kept else Standing()

    def thresholds(self, micros: int) -> tuple[Threshold, ...]:
        """The thresholds in force on the city day of a moment, worst first."""
        return _in_force(self.catalog, self.key, _city_day(micros // 900_000_000), self.known)


def _in_force(catalog: Catalog, rule: str, day: str, known: dict[tuple[str, str], tuple[Threshold, ...]]) -> tuple[Threshold, ...]:
    if (rule, day) not in known:
        known[rule, day] = catalog.rule_thresholds(rule, day)
    return known[rule, day]


@lru_cache(maxsize=4096)
def _city_day(quarter: int) -> str:
    """The city day of a quarter of an hour; every time zone's midnight falls on one."""
    return city_day(from_micros(quarter * 900_000_000)).isoformat()


def look(at_hand: Looking) -> Sightings:
    """Everything new a rule has to judge."""
    match at_hand.rule.watches:
        case Readings() as watched:
            return _readings(at_hand, watched)
        case KpiValues() as watched:
            return _kpi_values(at_hand, watched)
        case RowCount() as watched:
            return _row_counts(at_hand, watched)
        case Absence() as watched:
            return _absences(at_hand, watched)


def _readings(at_hand: Looking, watched: Readings) -> Sightings:
    """Every new reading of the metric in order of event time, so that onsets are true however late we look."""
    channels = {row.channel_id: row for row in latest_values(at_hand.conn, at_hand.domain.key, watched.metric) if row.ts is not None}
    start = at_hand.now - FIRST_LOOK
    kept = at_hand.kept
    seen = {c: to_micros(kept[row.asset_id].seen or start) if row.asset_id in kept else to_micros(start) for c, row in channels.items()}
    found = Sightings()
    newest = dict(seen)
    horizon = to_micros(at_hand.now)
    for channel_id, ts, value, quality in newer_readings(at_hand.conn, seen):
        asset = channels[channel_id].asset_id
        moment = min(ts, horizon)  # a clock ahead of ours must not date an alert in the future
        newest[channel_id] = max(newest[channel_id], moment)
        if quality < UNUSABLE and _matters(at_hand, found, asset, value, moment):
            found.add(asset, from_micros(moment), value)
    found.seen = {channels[c].asset_id: from_micros(ts) for c, ts in newest.items() if ts != seen[c] or channels[c].asset_id not in kept}
    found.places = {row.asset_id: Place(street=row.street) for row in channels.values()}
    _silent_channels(at_hand, found, channels.values())
    return found


def _matters(at_hand: Looking, found: Sightings, asset: str, value: float, moment: int) -> bool:
    """Whether an observation can change anything: most readings of most assets are well inside all limits."""
    if asset in found.by_asset or not at_hand.standing(asset).is_at_rest:
        return True
    return any(event_of(value, t) == "beyond" for t in at_hand.thresholds(moment))


def _silent_channels(at_hand: Looking, found: Sightings, channels: Iterable[Any]) -> None:
    """Channels more than three cadences old, where silence makes a difference."""
    always = at_hand.rule.no_data == "alert"
    for row in channels:
        quiet_from = row.ts + SILENT_CADENCES * timedelta(seconds=row.cadence_s)
        standing = at_hand.standing(row.asset_id)
        if at_hand.now > quiet_from and not standing.no_data and (always or row.asset_id in found.by_asset or not standing.is_at_rest):
            found.add(row.asset_id, quiet_from, None)


def _kpi_values(at_hand: Looking, watched: KpiValues) -> Sightings:
    """The KPI as it stands, for the district or each street; one that is silent says nothing."""
    found = Sightings()
    out = (Freshness.SILENT.value, Freshness.NEVER.value)
    for (_, scope), row in latest_figures(at_hand.conn, [at_hand.catalog.kpi_key(watched.kpi)]).items():
        if (scope != DISTRICT) != watched.each_street:
            continue
        value = None if row.freshness in out else row.value
        standing = at_hand.standing(scope)
        if value is None and (standing.no_data or (standing.is_at_rest and at_hand.rule.no_data != "alert")):
            continue
        if value is None or _matters(at_hand, found, scope, value, to_micros(at_hand.now)):
            found.add(scope, at_hand.now, value)
    return found


def _row_counts(at_hand: Looking, watched: RowCount) -> Sightings:
    """How many rows each asset has in the rolling window; an asset whose rows have left it has none."""
    columns = watched.table.c
    moment = sa.func.max(sa.type_coerce(watched.at, sa.BigInteger))
    where = [watched.at > at_hand.now - watched.over, watched.at <= at_hand.now, watched.by.is_not(None)]
    places = [_any(columns, "street", sa.func.max), _any(columns, "lon", sa.func.avg), _any(columns, "lat", sa.func.avg)]
    query = sa.select(watched.by, sa.func.count(), moment, *places).where(*where, *([] if watched.where is None else [watched.where]))
    found = Sightings()
    for asset, n, newest, street, lon, lat in at_hand.conn.execute(query.group_by(watched.by)):
        at = at_hand.now if not at_hand.standing(str(asset)).is_at_rest else from_micros(int(newest))
        if _matters(at_hand, found, str(asset), float(n), to_micros(at)):
            found.add(str(asset), at, float(n))
            found.places[str(asset)] = Place(str(asset), street, lon, lat)
    for asset, stored in at_hand.kept.items():
        if asset not in found.by_asset and not stored.standing.is_at_rest:
            found.add(asset, at_hand.now, 0.0)
    return found


def _any(columns: Any, name: str, take: Any) -> sa.ColumnElement[Any]:
    return take(columns[name]) if name in columns else sa.null()


def _absences(at_hand: Looking, watched: Absence) -> Sightings:
    """How long the feed, or each channel, has been silent. A silent feed is one matter, not one for each of its channels."""
    found = Sightings()
    feed = at_hand.feeds.get(watched.feed)
    if feed is None or feed.age is None:
        return found
    if watched.metric is None:
        _absent(at_hand, found, watched.feed, at_hand.now - feed.age, feed.cadence)
        return found
    channels = [row for row in latest_values(at_hand.conn, at_hand.domain.key, watched.metric) if row.ts is not None]
    newest = max((row.ts for row in channels), default=at_hand.now - feed.age)
    _absent(at_hand, found, watched.feed, newest, feed.cadence)
    if feed.state is Freshness.SILENT or (len(channels) > 1 and found.by_asset and _is_beyond(at_hand, newest, feed.cadence)):
        return found
    if len(channels) == 1 and at_hand.standing(watched.feed).is_at_rest:  # the only channel speaks for itself
        found = Sightings()
    in_time = at_hand.now - min((t.value for t in at_hand.thresholds(to_micros(at_hand.now))), default=0) * _shortest_unit(
        at_hand, channels
    )
    for row in channels:
        if row.ts > in_time and at_hand.standing(row.asset_id).is_at_rest:
            continue  # nearly all of them, nearly always
        _absent(at_hand, found, row.asset_id, row.ts, timedelta(seconds=row.cadence_s))
        found.places[row.asset_id] = Place(street=row.street)
    return found


def _shortest_unit(at_hand: Looking, channels: Iterable[Any]) -> timedelta:
    """The rule's unit of time; where it counts in cadences, the shortest cadence."""
    seconds = _SECONDS.get(at_hand.rule.unit) or min((row.cadence_s for row in channels), default=0)
    return timedelta(seconds=seconds)


def _silence(at_hand: Looking, last: datetime, cadence: timedelta) -> tuple[float, timedelta]:
    """How long nothing came, in the rule's unit (cadences where it has none), and that unit."""
    unit = timedelta(seconds=_SECONDS[at_hand.rule.unit]) if at_hand.rule.unit in _SECONDS else cadence
    return max(at_hand.now - last, timedelta(0)) / unit, unit


def _is_beyond(at_hand: Looking, last: datetime, cadence: timedelta) -> bool:
    silence, _ = _silence(at_hand, last, cadence)
    return any(event_of(silence, t) == "beyond" for t in at_hand.thresholds(to_micros(at_hand.now)))


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
