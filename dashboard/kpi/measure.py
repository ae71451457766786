"""A measure as a statement: its parts per street (and per city day), and how much of its input can be used."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import visitors

from dashboard.core.declare import Domain, Kpi, Where
from dashboard.core.measures import MOMENT
from dashboard.core.readings import latest
from dashboard.core.times import CITY_ZONE, from_micros
from dashboard.kpi.parts import Parts
from dashboard.kpi.windows import Span
from dashboard.store.resting import of_resting

SILENT_CADENCES = 3  # a channel older than this many cadences says nothing about now
UNUSABLE = 2  # quality of a reading nobody should rely on
_DAY = 86_400_000_000
_OFFSET = int(datetime(2000, 1, 1, tzinfo=CITY_ZONE).utcoffset().total_seconds()) * 1_000_000  # type: ignore[union-attr]
_TELLS_AGE = frozenset({latest.c.ts, latest.c.quality, latest.c.same_since, latest.c.learned_at})


def elements(kpi: Kpi) -> Iterable[Any]:
    """Every piece of the expressions a KPI is made of."""
    roots = [kpi.table, *kpi.measure.parts, *(x for x in (kpi.measure.where, kpi.at) if x is not None)]
    for root in roots:
        yield from visitors.iterate(root)


def base_tables(kpi: Kpi) -> frozenset[sa.Table]:
    """The tables whose rows a KPI reads, under joins and subqueries too."""
    return frozenset(e for e in elements(kpi) if isinstance(e, sa.Table))


def over_channels(kpi: Kpi) -> bool:
    """Whether its rows are channels with their newest reading, so that too old ones must be left out and counted as missing."""
    return latest in _joined(kpi.table)


def _joined(table: sa.FromClause) -> set[sa.FromClause]:
    return _joined(table.left) | _joined(table.right) if isinstance(table, sa.Join) else {table}


def judges_age(kpi: Kpi) -> bool:
    """Whether the measure itself looks at how old or good readings are (an online rate): then none is left out."""
    return any(e in _TELLS_AGE for e in elements(kpi) if isinstance(e, sa.Column))


def needs_moment(kpi: Kpi) -> bool:
    """Whether its conditions speak of now (overdue), so that it changes by the clock alone."""
    return any(isinstance(e, sa.BindParameter) and e.key == MOMENT for e in elements(kpi))


def is_by_day(kpi: Kpi) -> bool:
    """Whether a KPI looks at whole city days, so that its parts are kept per day; not if its conditions themselves speak of now."""
    return kpi.at is not None and kpi.over is not None and kpi.over.rolling is None and not needs_moment(kpi)


def compared_with(kpi: Kpi) -> list[Any]:
    """The values its conditions compare with: metric keys, states, limits."""
    values = [e.value for e in elements(kpi) if isinstance(e, sa.BindParameter)]
    return [v for value in values for v in (value if isinstance(value, list | tuple) else [value])]


def street_column(kpi: Kpi) -> sa.ColumnElement[Any] | None:
    """The column that says in which street a row is."""
    return next((c for c in kpi.table.c if c.name == "street"), None)


def is_usable() -> Where:
    """A newest reading that still says something about now."""
    oldest = sa.bindparam(MOMENT, type_=latest.c.ts.type) - sa.cast(latest.c.cadence_s, sa.BigInteger) * (SILENT_CADENCES * 1_000_000)
    age_ok = sa.type_coerce(latest.c.ts, sa.BigInteger) >= sa.type_coerce(oldest, sa.BigInteger)
    return sa.and_(latest.c.ts.is_not(None), age_ok, latest.c.quality < UNUSABLE)


def counted(domain: Domain, kpi: Kpi) -> list[Where]:
    """The conditions a row must meet to count at all, window aside."""
    rows = [] if kpi.measure.where is None else [kpi.measure.where]
    if kpi.table is latest:
        rows.append(latest.c.domain == domain.key)
    if over_channels(kpi) and not judges_age(kpi):
        rows.append(is_usable())
    return rows


def within(kpi: Kpi, stretch: Span) -> list[Where]:
    """The condition that a row's event time falls in a stretch."""
    return [] if kpi.at is None else [kpi.at >= stretch.lo, kpi.at < stretch.hi]


def city_day_of(at: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    """The city day of an event time, in the database."""
    return (sa.type_coerce(at, sa.BigInteger) + sa.literal_column(str(_OFFSET))) // sa.literal_column(str(_DAY))


def _aggregates(kpi: Kpi) -> list[sa.ColumnElement[Any]]:
    return [aggregate(kpi, part).label(f"part{i}") for i, part in enumerate(kpi.measure.parts)]


def aggregate(kpi: Kpi, part: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """One part over a group of rows (or of kept parts), as the measure puts parts together."""
    match kpi.measure.how:
        case "sum":
            return sa.func.sum(part)
        case "max":
            return sa.func.max(part)
        case "min":
            return sa.func.min(part)


def parts_by_street(conn: sa.Connection, domain: Domain, kpi: Kpi, stretch: Span | None, now: datetime) -> dict[str, Parts]:
    """Parts per street ('' where unknown) over the rows of a stretch, or over the table as it stands."""
    street = street_column(kpi)
    key = sa.literal_column("''") if street is None else sa.func.coalesce(street, "")
    query = sa.select(key, *_aggregates(kpi)).select_from(kpi.table)
    query = query.where(*counted(domain, kpi), *(within(kpi, stretch) if stretch else ())).group_by(key)
    return {row[0]: _numbers(row[1:]) for row in conn.execute(query, moment_of(now))}


def parts_by_day(conn: sa.Connection, domain: Domain, kpi: Kpi, stretch: Span, now: datetime) -> dict[tuple[str, int], Parts]:
    """Parts per street and city day over a stretch, in one pass."""
    assert kpi.at is not None
    street = street_column(kpi)
    key = sa.literal_column("''") if street is None else sa.func.coalesce(street, "")
    day = city_day_of(kpi.at).label("city_day")
    query = sa.select(key, day, *_aggregates(kpi)).select_from(kpi.table)
    query = query.where(*counted(domain, kpi), *within(kpi, stretch)).group_by(key, day)
    return {(row[0], int(row[1])): _numbers(row[2:]) for row in conn.execute(query, moment_of(now))}


def moment_of(now: datetime) -> dict[str, datetime]:
    """The parameter of statements that speak of now; others leave it aside."""
    return {MOMENT: now}


def _numbers(values: Iterable[Any]) -> Parts:
    return tuple(None if v is None else float(v) for v in values)


class Channels:
    """How many channels a KPI could use in a street, how many it can, and the newest event among them."""

    def __init__(self, there: int = 0, usable: int = 0, newest: datetime | None = None) -> None:
        self.there, self.usable, self.newest = there, usable, newest

    def __add__(self, other: Channels) -> Channels:
        newest = max((n for n in (self.newest, other.newest) if n), default=None)
        return Channels(self.there + other.there, self.usable + other.usable, newest)


def channels_by_street(conn: sa.Connection, domain: Domain, kpi: Kpi, now: datetime) -> dict[str, Channels]:
    """Usable and all channels per street, those of assets at rest aside; what a value reads does not decide which should be there."""
    street = street_column(kpi)
    key = sa.literal_column("''") if street is None else sa.func.coalesce(street, "")
    usable = sa.func.sum(sa.case((is_usable(), 1), else_=0))
    query = sa.select(key, sa.func.count(), usable, sa.func.max(sa.type_coerce(latest.c.ts, sa.BigInteger))).select_from(kpi.table)
    awake = [sa.or_(is_usable(), sa.not_(of_resting(domain)))] if domain.resting_states else []
    query = query.where(*_places(kpi), latest.c.domain == domain.key, *awake).group_by(key)
    found = conn.execute(query, moment_of(now))
    return {s: Channels(int(n), int(u or 0), None if ts is None else min(from_micros(int(ts)), now)) for s, n, u, ts in found}


def _places(kpi: Kpi) -> list[Where]:
    """The conditions of a measure that say which channels it is about, not what they must read."""
    where = kpi.measure.where
    if where is None:
        return []
    clauses = list(where.clauses) if isinstance(where, sa.BooleanClauseList) and where.operator is sa.sql.operators.and_ else [where]
    return [c for c in clauses if not _looks_at_reading(c)]


def _looks_at_reading(clause: Where) -> bool:
    return any(e is latest.c.value or e in _TELLS_AGE for e in visitors.iterate(clause) if isinstance(e, sa.Column))
