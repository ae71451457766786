"""Indices: what a vital system and the district are worth by their scored KPIs, their open alerts, and what is missing."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from dashboard.core.catalog import Catalog
from dashboard.core.declare import Freshness, Level
from dashboard.core.scope import DISTRICT
from dashboard.kpi.grade import Grade, grade_between
from dashboard.store.drills import REAL
from dashboard.store.kpi_reads import Figures, KpiRow
from dashboard.store.schema import alert

DISTRICT_INDEX = "district.index"
_OUT = (Freshness.SILENT.value, Freshness.NEVER.value)


def vital_key(vital: str) -> str:
    """The key of a vital system's index among the KPIs."""
    return f"vital.{vital}"


@dataclass(frozen=True, kw_only=True)
class IndexRules:
    """How indices are made; a deployment sets these under [index]."""

    loss_red: float = 25
    loss_orange: float = 10
    loss_yellow: float = 4
    loss_blue: float = 1
    loss_cap: float = 40
    late_weight: float = 0.5
    least_fresh: float = 0.6
    steady: float = 75
    weak: float = 60

    @classmethod
    def of(cls, configured: Mapping[str, Any]) -> IndexRules:
        """The rules as configured."""
        return cls(**{name: float(configured[name]) for name in cls.__dataclass_fields__ if name in configured})

    def grade(self, points: float | None) -> Grade | None:
        """An index's grade, of its points as they are printed."""
        return grade_between(None if points is None else round(points), self.steady, self.weak)

    def loss(self, level: str) -> float:
        """Points an open alert takes."""
        return float(getattr(self, f"loss_{level}"))


@dataclass(frozen=True, kw_only=True)
class Input:
    """Something an index is made of: its weight, its score (the last known where it is missing), the share of it that is there."""

    key: str
    weight: float
    score: float | None
    there: float  # 1 fresh and complete … 0 missing
    freshness: str
    low: float = 0.0  # what the missing share could at worst and best be worth
    high: float = 100.0


@dataclass(frozen=True)
class OpenAlert:
    """An open alert as indices see it."""

    number: str
    vital: str
    street: str | None
    level: str


def alerts_that_cost(conn: sa.Connection) -> list[OpenAlert]:
    """The alerts open now; one that people found false costs nothing."""
    standing = sa.and_(alert.c.state == "open", alert.c.closed_at.is_(None), REAL)
    query = sa.select(alert.c.number, alert.c.vital, alert.c.street, alert.c.level).where(standing)
    return [OpenAlert(*row) for row in conn.execute(query)]


@dataclass(frozen=True)
class Index:
    """An index with the range it could be in, and where its points were lost."""

    value: float | None
    low: float | None
    high: float | None
    there: float
    inputs: list[dict[str, Any]] = field(default_factory=list)
    alerts: list[dict[str, Any]] = field(default_factory=list)


def index_of(inputs: Sequence[Input], alerts: Sequence[OpenAlert], rules: IndexRules) -> Index:
    """The weighted mean of what is there, less what open alerts cost; withheld where too little is there.

    A missing input must not flatter: the value is also held down by the mean with last known scores in the gaps.
    """
    whole = sum(i.weight for i in inputs)
    if not whole:
        return Index(None, None, None, 0.0)
    costs = alert_losses(alerts, rules)
    lost = sum(cost["lost"] for cost in costs)
    present = sum(i.weight * i.there for i in inputs if i.score is not None)
    low = sum(i.weight * _filled(i, i.low) for i in inputs) / whole
    high = sum(i.weight * _filled(i, i.high) for i in inputs) / whole
    shares = [_contribution(i, present) for i in inputs]
    value = None
    if present / whole >= rules.least_fresh:
        known = [i for i in inputs if i.score is not None]
        seen = sum(i.weight * i.there * (i.score or 0.0) for i in known) / present
        remembered = sum(i.weight * (i.score or 0.0) for i in known) / sum(i.weight for i in known)
        value = _clamp(min(seen, remembered) - lost)
    return Index(value, _clamp(low - lost), _clamp(high - lost), present / whole, shares, costs)


def _filled(given: Input, gap: float) -> float:
    """A score with its missing share at `gap`; nothing known at all is all gap."""
    return gap if given.score is None else given.there * given.score + (1 - given.there) * gap


def _clamp(points: float) -> float:
    return min(100.0, max(0.0, points))


def _contribution(given: Input, present: float) -> dict[str, Any]:
    known = given.score is not None and given.there > 0 and present > 0
    lost = given.weight * given.there / present * (100.0 - (given.score or 0.0)) if known else 0.0
    shown = {"kpi": given.key, "weight": given.weight, "score": given.score, "freshness": given.freshness}
    return shown | {"lost": round(lost, 3), "there": given.there}


def alert_losses(alerts: Sequence[OpenAlert], rules: IndexRules) -> list[dict[str, Any]]:
    """What each open alert costs, worst first, until the cap is reached."""
    left = rules.loss_cap
    costs = []
    for costly in sorted(alerts, key=lambda a: (-Level(a.level).severity, a.number)):
        cost = min(left, rules.loss(costly.level))
        left -= cost
        costs.append({"number": costly.number, "level": costly.level, "lost": cost})
    return costs


@dataclass(frozen=True)
class Around:
    """What indices are made from in a turn."""

    catalog: Catalog
    rules: IndexRules
    figures: Figures
    alerts: Sequence[OpenAlert]
    previous: Figures
    streets: Sequence[str]
    now: datetime


def index_rows(around: Around, moved: Collection[str] | None = None) -> list[KpiRow]:
    """Every vital system's index and the district's, for the district and each street; `moved`: only these systems', and the district's."""
    rows: list[KpiRow] = []
    for scope in (DISTRICT, *around.streets):
        vitals = [row for vital in around.catalog.vitals if (row := _vital_row(around, vital, scope, moved))]
        rows += [row for row in vitals if row.computed_at == around.now]
        if vitals:
            rows.append(_district_row(around, vitals, scope))
    return rows


def scored_inputs(around: Around, vital: str, scope: str) -> list[tuple[Input, KpiRow]]:
    """The KPIs that count in a vital system's index there. One that has nothing to count in a street is not missing, it does not apply."""
    found = []
    for domain in around.catalog.of_vital(vital):
        for kpi in domain.kpis:
            row = around.figures.get((f"{domain.key}.{kpi.key}", scope))
            target = around.catalog.targets.get(f"{domain.key}.{kpi.key}")
            if row is None or target is None or kpi.weight <= 0:
                continue
            if row.value is None and row.freshness not in _OUT:
                continue
            found.append((_input(row, kpi.weight, around.rules), row))
    return found


def _input(row: KpiRow, weight: float, rules: IndexRules) -> Input:
    by_age = {Freshness.FRESH.value: 1.0, Freshness.LATE.value: rules.late_weight}.get(row.freshness, 0.0)
    there = min(by_age, row.completeness) if row.score is not None else 0.0
    return Input(key=row.kpi, weight=weight, score=row.score, there=there, freshness=row.freshness)


def _vital_row(around: Around, vital: str, scope: str, moved: Collection[str] | None) -> KpiRow | None:
    if moved is not None and vital not in moved:
        return around.figures.get((vital_key(vital), scope))
    inputs = scored_inputs(around, vital, scope)
    if not inputs:
        return None
    mine = [a for a in around.alerts if a.vital == vital and scope in (DISTRICT, a.street)]
    found = index_of([i for i, _ in inputs], mine, around.rules)
    as_of = max((row.as_of for _, row in inputs if row.as_of), default=None)
    return _row(around, vital_key(vital), scope, found, as_of, gaps=any(i.there == 0.0 for i, _ in inputs))


def _district_row(around: Around, vitals: Sequence[KpiRow], scope: str) -> KpiRow:
    """The mean of the vital systems that are live, each as much as the other; the missing ones are named and widen the range."""
    inputs = [
        Input(
            key=row.kpi,
            weight=1.0,
            score=_last(row),
            there=0.0 if row.value is None else 1.0,
            freshness=row.freshness,
            low=row.low or 0.0,
            high=100.0 if row.high is None else row.high,
        )
        for row in vitals
    ]
    found = index_of(inputs, (), around.rules)
    if found.value is not None:  # a live system brings its own range, not a point
        low = sum(row.low or 0.0 for row in vitals) / len(vitals)
        high = sum(100.0 if row.high is None else row.high for row in vitals) / len(vitals)
        found = Index(found.value, low, high, found.there, found.inputs)
    as_of = max((row.as_of for row in vitals if row.as_of), default=None)
    return _row(around, DISTRICT_INDEX, scope, found, as_of, gaps=any(row.value is None or _missing(row) for row in vitals))


def _missing(row: KpiRow) -> list[str]:
    """What an index had to do without."""
    return list(json.loads(row.parts or "{}").get("missing", ()))


def _safe_points(found: Index, rules: IndexRules, gaps: bool) -> float | None:
    """What an index is graded by: its value; with inputs missing, the low end of its range once that is no longer steady."""
    if found.value is None or found.low is None or not gaps or round(found.low) >= rules.steady:
        return found.value
    return min(found.value, found.low)


def _last(row: KpiRow) -> float | None:
    """The value an index last had, if it is withheld now."""
    if row.value is not None:
        return row.value
    last = json.loads(row.parts or "{}").get("last")
    return None if last is None else float(last)


def _row(around: Around, key: str, scope: str, found: Index, as_of: datetime | None, *, gaps: bool) -> KpiRow:
    before = around.previous.get((key, scope))
    last = found.value if found.value is not None else _last(before) if before else None
    missing = [i["kpi"] for i in found.inputs if i["there"] == 0.0]
    parts = {"inputs": found.inputs, "alerts": found.alerts, "missing": missing, "last": last}
    return KpiRow(
        kpi=key,
        scope=scope,
        value=found.value,
        low=found.low,
        high=found.high,
        score=found.value,
        grade=around.rules.grade(_safe_points(found, around.rules, gaps)),
        parts=json.dumps(parts),
        completeness=found.there,
        freshness=_freshness(found).value,
        as_of=as_of,
        computed_at=around.now,
    )


def _freshness(found: Index) -> Freshness:
    """An index is silent when withheld, late when anything in it is not fresh."""
    if found.value is None:
        return Freshness.NEVER if all(i["freshness"] == Freshness.NEVER for i in found.inputs) else Freshness.SILENT
    return Freshness.FRESH if all(i["freshness"] == Freshness.FRESH for i in found.inputs) else Freshness.LATE
