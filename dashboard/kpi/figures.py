"""One KPI for the district and every street at once: measured, judged, and set beside last year."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import sqlalchemy as sa

from dashboard.core.configured import Target
from dashboard.core.declare import Freshness
from dashboard.core.scope import DISTRICT
from dashboard.kpi import measure, windows
from dashboard.kpi.days import KeptDays, Retaken, due_stretches, retake
from dashboard.kpi.grade import grade, score
from dashboard.kpi.inputs import Inputs, worst
from dashboard.kpi.measure import Channels
from dashboard.kpi.parts import ByStreet, Parts, combined, merge, value_of
from dashboard.store.kpi_reads import KpiRow


class FeedState(Protocol):
    """What a KPI needs to know of a feed."""

    @property
    def state(self) -> Freshness:
        """Its freshness."""

    @property
    def newest_event_at(self) -> datetime | None:
        """Event time of its newest row."""


@dataclass(frozen=True)
class Judging:
    """What numbers are judged by in a turn."""

    now: datetime
    feeds: Mapping[str, FeedState]
    streets: Sequence[str]
    late_weight: float


@dataclass(frozen=True)
class Measured:
    """Parts per street: now, in the window it is compared with, and a year ago."""

    parts: ByStreet
    before: ByStreet | None = None
    last_year: ByStreet | None = None
    channels: Mapping[str, Channels] | None = None
    taken: Retaken | None = None


def measured(conn: sa.Connection, inputs: Inputs, due_days: str, now: datetime) -> Measured:
    """Take a KPI's parts from the rows, or from its kept days."""
    domain, kpi = inputs.domain, inputs.kpi
    if kpi.at is None or kpi.over is None:
        channels = measure.channels_by_street(conn, domain, kpi, now) if measure.over_channels(kpi) else None
        return Measured(measure.parts_by_street(conn, domain, kpi, None, now), channels=channels)
    if inputs.by_day:
        return _by_day(conn, inputs, due_days, now)
    here = measure.parts_by_street(conn, domain, kpi, windows.span(kpi.over, now), now)
    if kpi.change is None:
        return Measured(here)
    return Measured(here, measure.parts_by_street(conn, domain, kpi, windows.earlier(kpi.over, kpi.change, now), now))


def _by_day(conn: sa.Connection, inputs: Inputs, due_days: str, now: datetime) -> Measured:
    kpi = inputs.kpi
    assert kpi.over is not None
    taken = retake(conn, inputs.domain, kpi, due_stretches(due_days, kpi, now), now)
    kept = KeptDays(conn, inputs.domain, inputs.key, kpi, taken, now)
    before = windows.earlier(kpi.over, kpi.change or "year", now)
    then = kept.over(before) if kpi.change or kept.reaches(before.lo) else None
    here = kept.over(windows.span(kpi.over, now))
    return Measured(here, then, taken=taken) if kpi.change else Measured(here, last_year=then, taken=taken)


def figures(inputs: Inputs, found: Measured, target: Target | None, previous: Mapping[str, KpiRow], by: Judging) -> list[KpiRow]:
    """The rows to keep for the district and each street.

    A silent source freezes its numbers: what it last said stands, marked, rather than a figure made from its silence.
    """
    scopes = [DISTRICT, *(by.streets if inputs.kpi.by_street and measure.street_column(inputs.kpi) is not None else ())]
    rows = [_figure(inputs, found, scope, target, by) for scope in scopes]
    return [_frozen(row, previous.get(row.scope)) for row in rows]


def _figure(inputs: Inputs, found: Measured, scope: str, target: Target | None, by: Judging) -> KpiRow:
    kpi = inputs.kpi
    parts = _of_scope(inputs, found.parts, scope) + (_of_scope(inputs, found.before, scope) if found.before is not None else ())
    value = value_of(kpi, parts)
    then = None if found.last_year is None else combined(kpi.measure, _of_scope(inputs, found.last_year, scope))
    points = score(value, target)
    state, complete, as_of = _inputs_state(inputs, found.channels, scope, by)
    return KpiRow(
        kpi=inputs.key,
        scope=scope,
        value=value,
        score=points,
        grade=grade(points),
        parts=json.dumps(parts),
        last_year=then,
        completeness=complete,
        freshness=state.value,
        as_of=as_of,
        computed_at=by.now,
    )


def _of_scope(inputs: Inputs, groups: ByStreet, scope: str) -> Parts:
    """The district is all rows, those without a street too."""
    chosen = list(groups.values()) if scope == DISTRICT else [groups[scope]] if scope in groups else []
    return merge(inputs.kpi.measure, chosen)


def _inputs_state(
    inputs: Inputs, channels: Mapping[str, Channels] | None, scope: str, by: Judging
) -> tuple[Freshness, float, datetime | None]:
    """Freshness, share of the inputs that are fresh, and the newest event among them."""
    feeds = [by.feeds[f] for f in inputs.feeds if f in by.feeds]
    states = [f.state for f in feeds] + [Freshness.NEVER] * (len(inputs.feeds) - len(feeds))
    state = worst(states)
    newest = max((f.newest_event_at for f in feeds if f.newest_event_at), default=None)
    if channels is None:
        weights = {Freshness.FRESH: 1.0, Freshness.LATE: by.late_weight}
        return state, sum(weights.get(s, 0.0) for s in states) / len(states) if states else 0.0, newest
    mine = sum((c for s, c in channels.items() if scope in (DISTRICT, s)), Channels())
    if not mine.there:
        return state, 0.0 if state in (Freshness.SILENT, Freshness.NEVER) else 1.0, newest
    if not mine.usable and not measure.judges_age(inputs.kpi):
        state = worst([state, Freshness.SILENT if mine.newest else Freshness.NEVER])
    return state, mine.usable / mine.there, mine.newest


def _frozen(row: KpiRow, before: KpiRow | None) -> KpiRow:
    if row.freshness not in (Freshness.SILENT.value, Freshness.NEVER.value):
        return row
    if before is not None and before.value is not None:
        return replace(before, freshness=row.freshness, completeness=row.completeness)
    counted = any(part is not None for part in json.loads(row.parts or "[]"))
    return row if counted else replace(row, value=None, score=None, grade=None, parts=None)  # none of nothing is no good news
