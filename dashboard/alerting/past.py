"""One rule over one stretch of the past: what the machine would have told of each asset, kind of watching by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import sqlalchemy as sa

from dashboard.alerting.looking import SILENT_CADENCES, UNIT_SECONDS, UNUSABLE
from dashboard.alerting.machine import Observation, Rule, Standing, State, Transition, event_of, paused, step
from dashboard.alerting.past_silence import Seen, Stretch, absences, limits_passed, missing, stood_still
from dashboard.alerting.pauses import Pauses
from dashboard.alerting.rate import past_rates
from dashboard.alerting.usual import past_departures
from dashboard.core.catalog import Catalog
from dashboard.core.configured import Threshold
from dashboard.core.declare import (
    Absence,
    AlertRule,
    Domain,
    Freshness,
    Judged,
    KpiValues,
    Level,
    Missing,
    OutOfRange,
    RateOfChange,
    Readings,
    RowCount,
    Stillness,
)
from dashboard.core.errors import NotFoundError
from dashboard.core.scope import DISTRICT
from dashboard.core.times import from_micros, to_micros
from dashboard.store import series
from dashboard.store.kpi_reads import kpi_changes
from dashboard.store.series import Columns

_JUST = timedelta(microseconds=1)
Judge = Callable[[Any, Columns], Any]  # of a channel's row and its readings: what is judged of each
_BEYOND = {">=": np.greater_equal, ">": np.greater, "<=": np.less_equal, "<": np.less}
InForce = Callable[[datetime], tuple[Threshold, ...]]  # worst level first


@dataclass(frozen=True)
class _Readings:
    """A channel's readings in step, and after which of them it fell silent."""

    at: Any
    value: Any
    usable: Any
    silent: Any
    quiet: int  # microseconds after a reading from which no other is silence

    @classmethod
    def of(cls, readings: Columns, judged: Any, cadence_s: int, until: int) -> _Readings:
        """From readings in order of time, and what the rule judges of each; NaN: nothing."""
        at, quiet = readings.at, SILENT_CADENCES * cadence_s * 1_000_000
        silent = np.append(np.diff(at), max(until - int(at[-1]), 0)) > quiet
        return cls(at, judged, (readings.quality < UNUSABLE) & ~np.isnan(judged), silent, quiet)

    def seen(self, i: int) -> Iterator[Observation]:
        """A reading, and the silence after it."""
        if self.usable[i]:
            yield Observation(from_micros(int(self.at[i])), float(self.value[i]))
        if self.silent[i]:
            yield Observation(from_micros(int(self.at[i]) + self.quiet), None)


@dataclass(frozen=True)
class _Still(_Readings):
    """How long a channel has said the same at each of its readings."""

    since: Any
    unit: timedelta
    limits: Sequence[float]

    @classmethod
    def of_still(cls, readings: Columns, cadence_s: int, until: int, unit: timedelta, limits: Sequence[float]) -> _Still:
        """From all readings in order of time, usable or not: an instrument that says anything is not silent."""
        still, since = stood_still(readings.at, readings.value, unit)
        plain = _Readings.of(readings._replace(quality=np.zeros(len(still))), still, cadence_s, until)
        return cls(plain.at, plain.value, plain.usable, plain.silent, plain.quiet, since, unit, limits)

    def seen(self, i: int) -> Iterator[Observation]:
        """The limits passed on the way, the reading, and the silence after it."""
        yield from limits_passed(int(self.since[i]), int(self.at[i - 1]) if i else None, int(self.at[i]), self.unit, self.limits)
        yield from super().seen(i)


class _Stirs:
    """Which readings of a channel may change where the rule stands; the machine says whether they do."""

    def __init__(self, r: _Readings, rule: AlertRule, limits: Collection[Threshold]) -> None:
        self._r, self._rule, self._limits = r, rule, limits
        self._found: dict[frozenset[tuple[Level, State]], Any] = {}

    def next(self, standing: Standing, i: int) -> int:
        """The first of them from `i` on; past the last reading where there is none."""
        if standing.no_data or standing.by_silence:
            return i  # it ends with whatever comes
        states = frozenset((level, latch.state) for level, latch in standing.latches.items())
        if states not in self._found:
            self._found[states] = self._stirring(dict(states))
        after = int(np.searchsorted(self._found[states], i))
        stirs = int(self._found[states][after]) if after < len(self._found[states]) else len(self._r.at)
        return min(stirs, max(i, self._due(standing)))

    def _due(self, standing: Standing) -> int:
        """The first reading at which a hold that runs is over."""
        holds = {"pending": self._rule.hold, "recovering": self._rule.clear_hold}
        ends = [latch.since + holds[latch.state] for latch in standing.latches.values() if latch.state in holds and latch.since]
        return int(np.searchsorted(self._r.at, to_micros(min(ends)))) if ends else len(self._r.at)

    def _stirring(self, states: Mapping[Level, State]) -> Any:
        """Readings at which a level may leave its state, by one of the limits it has in the stretch."""
        moves = np.zeros(len(self._r.at), dtype=bool)
        for level in {limit.level for limit in self._limits}:
            state = states.get(level, "normal")
            beyond, gone = self._events(level)
            match state:
                case "normal":
                    moves |= self._outlasting(beyond.any(axis=0), self._rule.hold)
                case "pending":
                    moves |= (~beyond).any(axis=0)
                case "firing":
                    moves |= self._outlasting(gone.any(axis=0), self._rule.clear_hold)
                case "recovering":
                    moves |= (~gone).any(axis=0)
        silent = self._r.silent if states or self._rule.no_data == "alert" else False
        return np.flatnonzero(moves & self._r.usable | silent)

    def _events(self, level: Level) -> tuple[Any, Any]:
        """For each limit of a level, the readings beyond it, and those past its clearing value."""
        value, mine = self._r.value, [limit for limit in self._limits if limit.level == level]
        beyond = [_BEYOND[limit.op](value, limit.value) for limit in mine]
        gone = [value <= limit.clear if limit.op.startswith(">") else value >= limit.clear for limit in mine]
        return np.array(beyond), np.array(gone)

    def _outlasting(self, so: Any, hold: timedelta) -> Any:
        """Of readings that are so, those from which it stays so for as long as must be: what is over before tells nobody anything."""
        if not hold or isinstance(self._r, _Still):  # a stillness is also seen between readings
            return so
        usable = np.flatnonzero(self._r.usable)
        here = so[usable]
        within, ends = usable[here], usable[here & ~np.append(here[1:], False)]
        found = np.zeros(len(so), dtype=bool)
        found[within[self._r.at[ends[np.searchsorted(ends, within)]] - self._r.at[within] >= hold // _JUST]] = True
        return found


@dataclass(frozen=True)
class Past:
    """One rule over one stretch of the past."""

    conn: sa.Connection
    catalog: Catalog
    domain: Domain
    rule: AlertRule
    t0: datetime
    t1: datetime
    in_force: InForce
    pauses: Pauses

    @property
    def stretch(self) -> Stretch:
        """The past gone through, and the limits in it."""
        return Stretch(self.t0, self.t1, sorted({t.value for t in self.ever_in_force}))

    @cached_property
    def ever_in_force(self) -> frozenset[Threshold]:
        """Every threshold that holds on some day of the stretch."""
        days = range((self.t1 - self.t0).days + 1)
        return frozenset(t for day in days for t in self.in_force(min(self.t0 + timedelta(days=day), self.t1)))

    def by_asset(self) -> Iterator[tuple[str, Iterator[Transition]]]:
        """What the machine would have told of each asset, in order of time."""
        if not self.ever_in_force:
            return iter(())
        match self.rule.watches:
            case Readings(metric=metric):
                return self._readings(metric, lambda _, readings: readings.value)
            case OutOfRange(metric=metric):
                decimals = self.catalog.metrics[self.domain.key, metric].decimals
                return self._readings(metric, lambda row, readings: past_departures(self.conn, row.channel_id, readings, decimals))
            case RateOfChange() as changing:
                return self._readings(
                    changing.metric, lambda row, readings: past_rates(self.conn, row.channel_id, readings, changing, row.cadence_s)
                )
            case KpiValues() as watched:
                return self._kpi_values(watched)
            case RowCount() as watched:
                return self._row_counts(watched)
            case Stillness(metric=metric):
                return self._stillness(metric)
            case Absence() as watched:
                return self._all_told(absences(self.conn, self.catalog, self.domain, watched, self.rule.unit, self.stretch))
            case Missing() as watched:
                calendar = self.catalog.calendar_of(self.key)
                assert calendar is not None, "refused when the catalog is loaded"
                return self._all_told(missing(self.conn, self.catalog, watched, calendar, self.rule.unit, self.stretch))
            case Judged():
                why = "judged from several tables: how they stood at a moment is not kept"
                raise NotFoundError(f"{self.key} is {why}, so it cannot be run again")

    @property
    def key(self) -> str:
        """The rule as `domain.rule`."""
        return f"{self.domain.key}.{self.rule.key}"

    def _all_told(self, seen: Seen) -> Iterator[tuple[str, Iterator[Transition]]]:
        return ((asset, self._told(asset, observations)) for asset, observations in seen)

    def _told(self, asset: str, seen: Iterable[Observation]) -> Iterator[Transition]:
        standing = Standing()
        for observation in seen:
            if self.pauses.hold(asset, observation.at):
                standing = paused(standing)
            elif self._matters(standing, observation):
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
            readings = series.columns_between(self.conn, row.channel_id, self.t0, self.t1)
            if len(readings.at):
                told = _Readings.of(readings, judge(row, readings), row.cadence_s, to_micros(self.t1))
                yield row.asset_id, self._told_of_readings(row.asset_id, told)

    def _stillness(self, metric: str) -> Iterator[tuple[str, Iterator[Transition]]]:
        unit, limits = timedelta(seconds=UNIT_SECONDS.get(self.rule.unit, 60.0)), self.stretch.limits
        for row in series.latest_values(self.conn, self.domain.key, metric):
            readings = series.columns_between(self.conn, row.channel_id, self.t0 - limits[-1] * unit, self.t1)
            if len(readings.at):
                still = _Still.of_still(readings, row.cadence_s, to_micros(self.t1), unit, limits)
                yield row.asset_id, self._told_of_readings(row.asset_id, still)

    def _told_of_readings(self, asset: str, r: _Readings) -> Iterator[Transition]:
        """As `_told`, jumping over what changes nothing: most readings are well inside all limits, or keep an alert where it is."""
        standing, i, stirs = Standing(), 0, _Stirs(r, self.rule, self.ever_in_force)
        while (i := stirs.next(standing, i)) < len(r.at):
            for seen in r.seen(i):
                if self.pauses.hold(asset, seen.at):
                    standing = paused(standing)
                elif self._matters(standing, seen):
                    standing, told = step(standing, seen, self._machine(seen.at))
                    yield from told
            i += 1

    def _kpi_values(self, watched: KpiValues) -> Iterator[tuple[str, Iterator[Transition]]]:
        out = (Freshness.SILENT.value, Freshness.NEVER.value)
        by_scope: dict[str, list[tuple[datetime, float | None]]] = {}
        for scope, at, value, freshness in kpi_changes(self.conn, self.catalog.kpi_key(watched.kpi), self.t0, self.t1):
            if (scope != DISTRICT) == watched.each_street:
                by_scope.setdefault(scope, []).append((at, None if freshness in out else value))
        for scope, changes in by_scope.items():
            yield scope, self._told(scope, _lasting(changes, self.t1))

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
            yield asset, self._told(asset, _lasting(stood, self.t1))


def _lasting(changes: Sequence[tuple[datetime, float | None]], until: datetime) -> Iterator[Observation]:
    """A value that stands until the next one: seen when it came and once more just before it went, for what must last."""
    for (at, value), (then, _) in pairwise([*changes, (until + _JUST, None)]):
        yield Observation(at, value)
        if then - _JUST > at:
            yield Observation(then - _JUST, value)
