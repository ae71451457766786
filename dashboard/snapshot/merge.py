"""Several streets looked at together: parts are added up again, indexes averaged."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from dashboard.core.declare import Kpi
from dashboard.store.kpi_reads import KpiRow

_JOIN: dict[str, Callable[[Sequence[float]], float]] = {"sum": sum, "max": max, "min": min}
_WORST_LAST = ("good", "fair", "poor")
_FRESHEST_LAST = ("never", "silent", "late", "fresh")


def merged(rows: Sequence[KpiRow], kpi: Kpi | None) -> KpiRow:
    """One row for a union of streets. A KPI is combined from its parts; an index is the mean of those known, graded as the worst."""
    parts = [json.loads(row.parts) for row in rows if row.parts]
    value = _combined(parts, kpi) if kpi and parts and not kpi.change else _mean([row.value for row in rows])
    known = [row.as_of for row in rows if row.as_of]
    return KpiRow(
        kpi=rows[0].kpi,
        scope="+".join(row.scope for row in rows),
        value=value,
        score=_mean([row.score for row in rows]),
        grade=None if kpi else max((row.grade for row in rows if row.grade), key=_WORST_LAST.index, default=None),
        yesterday=_mean([row.yesterday for row in rows]) if not kpi or kpi.measure.how != "sum" else None,
        completeness=min(row.completeness for row in rows),
        freshness=min((row.freshness for row in rows), key=_FRESHEST_LAST.index),
        as_of=max(known) if known else None,
        computed_at=max(row.computed_at for row in rows),
    )


def joined(values: Sequence[float | None], kpi: Kpi | None) -> float | None:
    """One hour of a union of streets. Of a share only the result is kept by the hour, so that several have none together."""
    if kpi is None:
        return _mean(values)
    known = [v for v in values if v is not None]
    alone = kpi.measure.how != "sum" or (len(kpi.measure.parts) == 1 and not kpi.change)
    return _JOIN[kpi.measure.how](known) if known and alone else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if known else None


def _combined(parts: Sequence[Sequence[float | None]], kpi: Kpi) -> float | None:
    columns = [[p for p in column if p is not None] for column in zip(*parts, strict=True)]
    join = _JOIN[kpi.measure.how]
    return kpi.measure.combine(*[join(column) if column else None for column in columns])
