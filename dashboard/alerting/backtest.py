"""What a rule would have done: the live machine run over the past, with the thresholds in force then, or others to try."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from dashboard.alerting.machine import Transition
from dashboard.alerting.past import InForce, Past
from dashboard.alerting.pauses import pauses_of
from dashboard.alerting.watch import FIRST_LOOK
from dashboard.core.catalog import Catalog
from dashboard.core.configured import Threshold
from dashboard.core.declare import Level
from dashboard.core.errors import NotFoundError
from dashboard.core.times import day_number, day_of_number
from dashboard.store import alert_reads


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
    what leaves no trace: how several tables stood together at a moment is not kept.
    """
    if key not in catalog.rules:
        raise NotFoundError(f"no rule {key!r}; `cockpit rule list` names them")
    domain, rule = catalog.rules[key]
    in_force = _in_force(catalog, key, t0 - FIRST_LOOK, t1, instead)
    past = Past(conn, catalog, domain, rule, t0 - FIRST_LOOK, t1, in_force, pauses_of(catalog, key))
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
