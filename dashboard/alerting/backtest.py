"""What a rule would have done: the live machine run over the past, with the thresholds in force then, or others to try."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import sqlalchemy as sa

from dashboard.alerting.machine import Observation, Rule, Standing, Transition, event_of, step
from dashboard.alerting.rate import rates
from dashboard.alerting.usual import departures
from dashboard.alerting.watch import FIRST_LOOK, SILENT_CADENCES, UNUSABLE
from dashboard.alerting.watch_channels import Judge
from dashboard.core.catalog import Catalog
from dashboard.core.configured import Threshold
from dashboard.core.declare import AlertRule, Domain, Freshness, KpiValues, Level, OutOfRange, RateOfChange, Readings, RowCount
from dashboard.core.errors import NotFoundError
from dashboard.core.scope import DISTRICT
from dashboard.core.times import day_number, day_of_number, from_micros, to_micros
from dashboard.store import alert_reads, series
from dashboard.store.block import Reading
from dashboard.store.kpi_reads import kpi_changes

_JUST = timedelta(microseconds=1)
InForce = Callable[[datetime], tuple[Threshold, ...]]  # worst level first


@dataclass(frozen=True)
class Episode:
    """One alert, raised or that would have been."""

    asset: str
    opened: datetime
    cleared: datetime | None
    worst: Level

    def hours(self, t0: datetime, t1: datetime) -> float:
        """Hours of it within a stretch of time."""
        return max((min(self.cleared or t1, t1) - max(self.opened, t0)).total_seconds(), 0.0) / 3600

    def meets(self, other: Episode) -> bool:
        """Same asset, and at some moment both open."""
        begun = max(self.opened, other.opened)
        return self.asset == other.asset and all(one.cleared is None or one.cleared >= begun for one in (self, other))


@dataclass(frozen=True)
class Trial:
    """What a rule would have done from t0 to t1, beside what is on record."""

    rule: str
    t0: datetime
    t1: datetime
    episodes: tuple[Episode, ...]
    recorded: tuple[Episode, ...]  # what the live engine raised in that time
    confirmed: tuple[Episode, ...]  # those of them that a person took in hand

    def hours(self, of: Sequence[Episode]) -> float:
        """Hours of alert, all assets together."""
        return sum(one.hours(self.t0, self.t1) for one in of)

    @property
    def met(self) -> int:
        """Confirmed alerts that the trial would have raised too."""
        return sum(any(known.meets(one) for one in self.episodes) for known in self.confirmed)

    def by_level(self) -> dict[Level, int]:
        """Episodes by the worst level they reached."""
        return {level: n for level in Level if (n := sum(one.worst is level for one in self.episodes))}


def backtest(
    conn: sa.Connection, catalog: Catalog, key: str, t0: datetime, t1: datetime, instead: Sequence[Threshold] | None = None
) -> Trial:
    """Run a rule over a stretch of the past; `instead`: thresholds to try in place of those in force.

    Rows and readings are taken as they are known now. Raises NotFoundError for a rule that does not exist, or that judges
    what leaves no trace: what was missing at a moment is not kept.
    """
    if key not in catalog.rules:
        raise NotFoundError(f"no rule {key!r}; `cockpit rule list` names them")
    domain, rule = catalog.rules[key]
    past = _Past(conn, catalog, domain, rule, t0 - FIRST_LOOK, t1, _in_force(catalog, key, t0 - FIRST_LOOK, t1, instead))
    found = [one for asset, told in past.by_asset() for one in _episodes(asset, told)]
    kept = sorted((one for one in found if one.cleared is None or one.cleared >= t0), key=lambda one: (one.opened, one.asset))
    recorded, confirmed = _on_record(conn, key, t0, t1)
    return Trial(key, t0, t1, tuple(kept), recorded, confirmed)


def _in_force(catalog: Catalog, key: str, t0: datetime, t1: datetime, instead: Sequence[Threshold] | None) -> InForce:
    if instead is not None:
        ordered = tuple(sorted(instead, key=lambda t: -t.level.severity))
        return lambda at: ordered
    first = day_number(t0)
    days = [catalog.rule_thresholds(key, day_of_number(day).isoformat()) for day in range(first, day_number(t1) + 2)]
    return lambda at: days[day_number(at) - first]


def _on_record(conn: sa.Connection, key: str, t0: datetime, t1: datetime) -> tuple[tuple[Episode, ...], tuple[Episode, ...]]:
    rows = alert_reads.raised_between(conn, key, t0, t1)
    told = [(Episode(asset, opened, cleared, Level(worst)), taken) for asset, opened, cleared, worst, taken in rows]
    told = [(one, taken) for one, taken in told if one.cleared is None or one.cleared >= t0]
    return tuple(one for one, _ in told), tuple(one for one, taken in told if taken)


def _episodes(asset: str, told: Iterable[Transition]) -> Iterator[Episode]:
    """Transitions in order of time, put together from opening to clearing."""
    opened: Transition | None = None
    worst: list[Level] = []
    for one in told:
        if one.what == "open" and one.new:
            opened, worst = one, [one.new]
        elif one.what == "level" and one.new:
            worst.append(one.new)
        elif one.what == "clear" and opened:
            yield Episode(asset, opened.at, one.at, _worst(worst))
            opened = None
    if opened:
        yield Episode(asset, opened.at, None, _worst(worst))


def _worst(levels: list[Level]) -> Level:
    return max(levels, key=lambda level: level.severity)


@dataclass(frozen=True)
class _Readings:
    """A channel's readings in step, and after which of them it fell silent."""

    at: Any
    value: Any
    usable: Any
    silent: Any
    quiet: int  # microseconds after a reading from which no other is silence

    @classmethod
    def of(cls, rows: list[Reading], judged: Iterable[float | None], cadence_s: int, until: int) -> _Readings:
        """From rows in order of time, and what the rule judges of each; None: nothing."""
        _, at, _, quality = (np.array(column) for column in zip(*rows, strict=True))
        value = np.array([np.nan if v is None else v for v in judged])
        quiet = SILENT_CADENCES * cadence_s * 1_000_000
        return cls(at, value, (quality < UNUSABLE) & ~np.isnan(value), np.append(np.diff(at), max(until - int(at[-1]), 0)) > quiet, quiet)

    def seen(self, i: int) -> Iterator[Observation]:
        """A reading, and the silence after it."""
        if self.usable[i]:
            yield Observation(from_micros(int(self.at[i])), float(self.value[i]))
        if self.silent[i]:
            yield Observation(from_micros(int(self.at[i]) + self.quiet), None)


@dataclass(frozen=True)
class _Past:
    """One rule over one stretch of the past."""

    conn: sa.Connection
    catalog: Catalog
    domain: Domain
    rule: AlertRule
    t0: datetime
    t1: datetime
    in_force: InForce

    @cached_property
    def ever_in_force(self) -> frozenset[Threshold]:
        """Every threshold that holds on some day of the stretch."""
        days = range((self.t1 - self.t0).days + 1)
        return frozenset(t for day in days for t in self.in_force(min(self.t0 + timedelta(days=day), self.t1)))

    def by_asset(self) -> Iterator[tuple[str, Iterator[Transition]]]:
        """What the machine would have told of each asset, in order of time."""
        match self.rule.watches:
            case Readings(metric=metric):
                return self._readings(metric, lambda rows: [value for _, _, value, _ in rows])
            case OutOfRange(metric=metric):
                decimals = self.catalog.metrics[self.domain.key, metric].decimals
                return self._readings(metric, lambda rows: departures(self.conn, rows, decimals))
            case RateOfChange() as watched:
                cadences = {row.channel_id: row.cadence_s for row in series.latest_values(self.conn, self.domain.key, watched.metric)}
                return self._readings(watched.metric, lambda rows: rates(self.conn, rows, watched, cadences))
            case KpiValues() as watched:
                return self._kpi_values(watched)
            case RowCount() as watched:
                return self._row_counts(watched)
        kind, rule = type(self.rule.watches).__name__, f"{self.domain.key}.{self.rule.key}"
        raise NotFoundError(f"{rule} watches {kind}: what was missing at a moment is not kept, so it cannot be run again")

    def _told(self, seen: Iterable[Observation]) -> Iterator[Transition]:
        standing = Standing()
        for observation in seen:
            if self._matters(standing, observation):
                standing, told = step(standing, observation, self._machine(observation.at))
                yield from told

    def _machine(self, at: datetime) -> Rule:
        return Rule(self.in_force(at), self.rule.hold, self.rule.clear_hold, self.rule.no_data)

    def _matters(self, standing: Standing, seen: Observation) -> bool:
        """As in the live engine: at rest, only what is beyond a threshold is looked at, and silence where the rule rings for it."""
        if not standing.is_at_rest:
            return seen.value is not None or not standing.no_data
        if seen.value is None:
            return self.rule.no_data == "alert" and not standing.no_data
        return any(event_of(seen.value, limit) == "beyond" for limit in self.in_force(seen.at))

    def _readings(self, metric: str, judge: Judge) -> Iterator[tuple[str, Iterator[Transition]]]:
        for row in series.latest_values(self.conn, self.domain.key, metric):
            readings = [(row.channel_id, *rest) for rest in series.readings_between(self.conn, row.channel_id, self.t0, self.t1)]
            if readings:
                told = _Readings.of(readings, judge(readings), row.cadence_s, to_micros(self.t1))
                yield row.asset_id, self._told_of_readings(told)

    def _told_of_readings(self, r: _Readings) -> Iterator[Transition]:
        """As `_told`, jumping over the long stretches at rest: most readings of most channels are well inside all limits."""
        telling = np.flatnonzero(self._may_be_beyond(r.value) & r.usable | (r.silent if self.rule.no_data == "alert" else False))
        standing, i = Standing(), 0
        while i < len(r.at):
            if standing.is_at_rest:
                after = int(np.searchsorted(telling, i))
                if after == len(telling):
                    return
                i = int(telling[after])
            for seen in r.seen(i):
                if self._matters(standing, seen):
                    standing, told = step(standing, seen, self._machine(seen.at))
                    yield from told
            i += 1

    def _may_be_beyond(self, value: Any) -> Any:
        """Beyond a threshold in force at some time of the stretch; the machine says which."""
        beyond = np.zeros(len(value), dtype=bool)
        for limit in self.ever_in_force:
            beyond |= value >= limit.value if limit.op.startswith(">") else value <= limit.value
        return beyond

    def _kpi_values(self, watched: KpiValues) -> Iterator[tuple[str, Iterator[Transition]]]:
        out = (Freshness.SILENT.value, Freshness.NEVER.value)
        by_scope: dict[str, list[tuple[datetime, float | None]]] = {}
        for scope, at, value, freshness in kpi_changes(self.conn, self.catalog.kpi_key(watched.kpi), self.t0, self.t1):
            if (scope != DISTRICT) == watched.each_street:
                by_scope.setdefault(scope, []).append((at, None if freshness in out else value))
        for scope, changes in by_scope.items():
            yield scope, self._told(_lasting(changes, self.t1))

    def _row_counts(self, watched: RowCount) -> Iterator[tuple[str, Iterator[Transition]]]:
        where = [watched.at > self.t0 - watched.over, watched.at <= self.t1, watched.by.is_not(None)]
        query = sa.select(watched.by, watched.at).where(*where, *([] if watched.where is None else [watched.where]))
        by_asset: dict[str, list[datetime]] = {}
        for asset, at in self.conn.execute(query):
            by_asset.setdefault(str(asset), []).append(at)
        for asset, moments in by_asset.items():
            moves = Counter(moments)
            moves.subtract(at + watched.over for at in moments if at + watched.over <= self.t1)
            ordered = sorted(moves.items())
            counts = np.cumsum([move for _, move in ordered]).tolist()
            stood = [(at, float(n)) for (at, _), n in zip(ordered, counts, strict=True)]
            yield asset, self._told(_lasting(stood, self.t1))


def _lasting(changes: Sequence[tuple[datetime, float | None]], until: datetime) -> Iterator[Observation]:
    """A value that stands until the next one: seen when it came and once more just before it went, for what must last."""
    for (at, value), (then, _) in pairwise([*changes, (until + _JUST, None)]):
        yield Observation(at, value)
        if then - _JUST > at:
            yield Observation(then - _JUST, value)
