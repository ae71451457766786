"""The usual measures, spelled out: how many, what share, what mean, the worst."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.core.declare import Measure, Where
from dashboard.core.times import UtcDateTime


def _one(total: float | None) -> float | None:
    return None if total is None else float(total)


def _count(total: float | None) -> float | None:
    return 0.0 if total is None else float(total)


def _percent(part: float | None, whole: float | None) -> float | None:
    return 100.0 * (part or 0.0) / whole if whole else None


def _quotient(top: float | None, bottom: float | None) -> float | None:
    return (top or 0.0) / bottom if bottom else None


def _as_number(condition: Where) -> sa.ColumnElement[Any]:
    return sa.case((condition, 1.0), else_=0.0)


MOMENT = "computed_at_moment"  # the bind parameter a turn fills with its own now


def ago(back: timedelta = timedelta(0)) -> sa.ColumnElement[Any]:
    """The moment of computing, or that long before it: `cases.c.due_at < ago()` is overdue now."""
    moment = sa.bindparam(MOMENT, type_=UtcDateTime())
    micros = round(back.total_seconds() * 1_000_000)
    return sa.type_coerce(moment - sa.literal_column(str(micros)), UtcDateTime())


def count(where: Where | None = None, *, lost: Where | None = None) -> Measure:
    """How many rows; 0 where there are none."""
    return Measure(parts=(sa.literal_column("1.0"),), combine=_count, where=where, lost=lost)


def total(of: sa.ColumnElement[Any], where: Where | None = None) -> Measure:
    """The sum of a column; 0 where there are no rows."""
    return Measure(parts=(of,), combine=_count, where=where)


def share(of: Where, among: Where | None = None, *, unwanted: bool = False) -> Measure:
    """Percent of rows for which `of` holds. What costs points: the others, or where it is `unwanted` those rows themselves."""
    lost = of if unwanted else _as_number(of) == 0.0  # a row that does not say is a row that does not count for us
    return Measure(parts=(_as_number(of), sa.literal_column("1.0")), combine=_percent, where=among, lost=lost)


def mean(of: sa.ColumnElement[Any], where: Where | None = None) -> Measure:
    """The mean of a column over rows that have it."""
    has = of.is_not(None)
    return Measure(parts=(sa.func.coalesce(of, 0.0), _as_number(has)), combine=_quotient, where=where)


def ratio(top: sa.ColumnElement[Any], bottom: sa.ColumnElement[Any], where: Where | None = None, *, percent: bool = False) -> Measure:
    """Sum of one column over sum of another."""
    return Measure(parts=(top, bottom), combine=_percent if percent else _quotient, where=where)


def largest(of: sa.ColumnElement[Any], where: Where | None = None) -> Measure:
    """The largest value."""
    return Measure(parts=(of,), combine=_one, how="max", where=where)


def smallest(of: sa.ColumnElement[Any], where: Where | None = None) -> Measure:
    """The smallest value."""
    return Measure(parts=(of,), combine=_one, how="min", where=where)
