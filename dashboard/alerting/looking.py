"""What is at hand while a rule is looked at, and what was seen: shared by every kind of watching."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal

import sqlalchemy as sa

from dashboard.alerting.channels import Newest
from dashboard.alerting.machine import Observation, Standing, event_of
from dashboard.alerting.pauses import Pauses
from dashboard.core.catalog import Catalog
from dashboard.core.configured import Threshold
from dashboard.core.declare import AlertRule, Domain, Finding
from dashboard.core.times import city_day, from_micros
from dashboard.store.freshness import FeedFreshness

FIRST_LOOK = timedelta(hours=24)  # how far back a rule that never looked begins
SILENT_CADENCES = 3  # a channel older than this many cadences has fallen silent
UNUSABLE = 2  # quality of a reading nobody should rely on
UNIT_SECONDS = {"s": 1.0, "秒": 1.0, "min": 60.0, "分钟": 60.0, "分": 60.0, "h": 3600.0, "小时": 3600.0, "d": 86_400.0, "天": 86_400.0}


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
    seen_ts: int | None  # microseconds
    value: float | None

    @property
    def seen(self) -> datetime | None:
        """Up to when it was looked at."""
        return None if self.seen_ts is None else from_micros(self.seen_ts)


@dataclass(frozen=True)
class Replay:
    """What had been judged already and was then corrected: where to begin again, and what is now known to have been so."""

    standing: Standing
    observations: list[Observation]
    why: Literal["corrected", "late"]


@dataclass
class Sightings:
    """Observations of one rule by asset, in order of time; up to when each was looked at; where unnamed assets are."""

    by_asset: dict[str, list[Observation]] = field(default_factory=dict)
    seen: dict[str, datetime] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    again: dict[str, Replay] = field(default_factory=dict)
    findings: list[Finding] | None = None  # of a judged rule: all there are now

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
    newest: Newest = field(default_factory=dict)  # channels already read in this turn
    pauses: Pauses = field(default_factory=Pauses)  # when it is not judged
    corrected: Mapping[int, int] = field(default_factory=dict)  # channel: the oldest moment corrected since rules last looked
    late: Mapping[int, int] = field(default_factory=dict)  # channel: the oldest moment of a new reading that came behind later ones

    def standing(self, asset: str) -> Standing:
        """Where the rule stands for an asset."""
        return self.kept[asset].standing if asset in self.kept else Standing()

    def thresholds(self, micros: int) -> tuple[Threshold, ...]:
        """The thresholds in force on the city day of a moment, worst first."""
        return _in_force(self.catalog, self.key, _city_day(micros // 900_000_000), self.known)

    def is_beyond(self, value: float, micros: int) -> bool:
        """Whether a value crosses any threshold in force at a moment."""
        return any(event_of(value, t) == "beyond" for t in self.thresholds(micros))

    def matters(self, found: Sightings, asset: str, value: float, micros: int) -> bool:
        """Whether an observation can change anything: most readings of most assets are well inside all limits."""
        return asset in found.by_asset or not self.standing(asset).is_at_rest or self.is_beyond(value, micros)


def _in_force(catalog: Catalog, rule: str, day: str, known: dict[tuple[str, str], tuple[Threshold, ...]]) -> tuple[Threshold, ...]:
    if (rule, day) not in known:
        known[rule, day] = catalog.rule_thresholds(rule, day)
    return known[rule, day]


@lru_cache(maxsize=4096)
def _city_day(quarter: int) -> str:
    """The city day of a quarter of an hour; every time zone's midnight falls on one."""
    return city_day(from_micros(quarter * 900_000_000)).isoformat()
