"""Stretches of time in which rules could not judge: kept, so that no screen takes a blind rule for a calm one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from dashboard.core.times import to_micros
from dashboard.store import bulk
from dashboard.store.schema_rules import rule_fault

_ABOUT = "rule:"


def itself(rule: str) -> str:
    """In place of an asset: what an alert about a rule that cannot judge is about."""
    return _ABOUT + rule


def is_itself(asset: str) -> bool:
    """Whether an alert is about a rule, not about the city."""
    return asset.startswith(_ABOUT)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Why a rule could not judge, and from when until when."""

    rule: str
    since: datetime
    kind: str  # the error's class
    error: str
    place: str  # file and line of ours
    gone_at: datetime | None = None

    def same(self, other: Fault) -> bool:
        """The same trouble, whenever it began."""
        return (self.kind, self.error, self.place) == (other.kind, other.error, other.place)


def faults(conn: sa.Connection, at: datetime | None = None) -> dict[str, Fault]:
    """Rules that cannot judge now, or could not at a moment."""
    f = rule_fault.c
    standing = f.gone_at.is_(None) if at is None else sa.and_(f.since <= at, sa.or_(f.gone_at.is_(None), f.gone_at > at))
    return {row.rule: Fault(**row._mapping) for row in conn.execute(sa.select(rule_fault).where(standing).order_by(f.since))}


def faults_between(conn: sa.Connection, rule: str, t0: datetime, t1: datetime) -> list[Fault]:
    """When a rule could not judge in a stretch of time, the latest first."""
    f = rule_fault.c
    touching = sa.and_(f.rule == rule, f.since <= t1, sa.or_(f.gone_at.is_(None), f.gone_at > t0))
    return [Fault(**row._mapping) for row in conn.execute(sa.select(rule_fault).where(touching).order_by(f.since.desc()))]


def keep_faults(conn: sa.Connection, known: Mapping[str, Fault], found: Mapping[str, Fault], looked: Iterable[str], now: datetime) -> bool:
    """Store what fails now and end what judges again, of the rules looked at; whether anything changed."""
    over = [known[rule] for rule in looked if rule in known and rule not in found]
    bulk.update(conn, rule_fault, "gone_at", ("rule", "since"), [(to_micros(now), one.rule, to_micros(one.since)) for one in over])
    fresh = [one for one in found.values() if one.rule not in known or not one.same(known[one.rule])]
    rows = [(one.rule, to_micros(one.since), one.kind, one.error, one.place) for one in fresh]
    bulk.insert(conn, rule_fault, ("rule", "since", "kind", "error", "place"), rows, update=("kind", "error", "place"))
    return bool(over or fresh)
