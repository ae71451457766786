"""Medians and other quantiles out of counts per bin: counts can be added over streets, ranked values cannot."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, TypeAlias

import sqlalchemy as sa

from dashboard.city import Measure

_Rows: TypeAlias = sa.ColumnElement[bool]


def quantile(of: sa.ColumnElement[Any], edges: Sequence[float], share: float, where: _Rows, lost: _Rows | None = None) -> Measure:
    """The value a share of rows does not exceed, even within a bin; what is beyond the last edge counts as the last edge."""
    bins = [sa.case((sa.and_(of > low, of <= high), 1.0), else_=0.0) for low, high in zip((-1.0, *edges), edges, strict=False)]
    beyond = sa.case((of > edges[-1], 1.0), else_=0.0)

    def combine(*counts: float | None) -> float | None:
        return within([c or 0.0 for c in counts], edges, share)

    return Measure(parts=(*bins, beyond), combine=combine, where=sa.and_(of.is_not(None), where), lost=lost)


def within(counts: Sequence[float], edges: Sequence[float], share: float) -> float | None:
    """The quantile of counts per bin, taking values as spread evenly within each; the first bin begins at 0."""
    total = sum(counts)
    if not total:
        return None
    wanted = share * total
    for low, high, count, upto in zip((0.0, *edges), edges, counts, accumulate(counts), strict=False):
        if upto >= wanted and count:
            return low + (high - low) * (wanted - (upto - count)) / count
    return edges[-1]
