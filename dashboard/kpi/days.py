"""Flow KPIs day by day: parts per street and city day, kept, and taken again only for the days that were touched."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import sqlalchemy as sa

from dashboard.core.declare import Domain, Kpi
from dashboard.core.times import city_day, day_number, day_of_number, day_start
from dashboard.kpi import measure, windows
from dashboard.kpi.parts import ByStreet, Parts, merge
from dashboard.kpi.windows import Span
from dashboard.store import bulk
from dashboard.store.schema import dirty_day, kpi_day, kpi_turn

ALL = "all"  # in `due_days`: nothing was ever taken
_PARTS = (kpi_day.c.p1, kpi_day.c.p2, kpi_day.c.p3, kpi_day.c.p4)
_MOST_STRETCHES = 8  # more separate stretches than this are one pass over all of them


@dataclass(frozen=True)
class Retaken:
    """Days of a KPI taken again: the stretches of days replaced, and what is in them now."""

    stretches: tuple[range, ...]
    rows: Mapping[tuple[str, int], Parts]


def claim(conn: sa.Connection, tables_of: Mapping[str, frozenset[str]]) -> None:
    """Hand the dirty days of tables over to the KPIs that count them: one short transaction, nothing lost if we die after."""
    dirty: dict[str, set[int]] = {}
    for name, day in conn.execute(sa.delete(dirty_day).returning(dirty_day.c.table_name, dirty_day.c.day)):
        dirty.setdefault(name, set()).add(day)
    known = {row.kpi: row.due_days for row in conn.execute(sa.select(kpi_turn.c.kpi, kpi_turn.c.due_days))}
    for kpi, tables in tables_of.items():
        touched = set[int]().union(*(dirty.get(name, set()) for name in tables))
        if touched and known.get(kpi, ALL) != ALL:
            due = sorted(touched | set(json.loads(known[kpi] or "[]")))
            conn.execute(sa.update(kpi_turn).where(kpi_turn.c.kpi == kpi).values(due_days=json.dumps(due)))


def due_stretches(due: str, kpi: Kpi, now: datetime) -> tuple[range, ...]:
    """Which days to take again. Nothing kept yet: everything the window and its comparison a year ago can reach."""
    if due != ALL:
        return stretches(json.loads(due or "[]"))
    assert kpi.over is not None
    first = windows.moved_back(windows.span(kpi.over, now).lo, "year") - timedelta(days=1)
    return (range(day_number(first), day_number(now) + 2),)


def stretches(days: Sequence[int]) -> tuple[range, ...]:
    """Sorted days as stretches; gaps of a day or two are bridged, and many stretches become one."""
    if not days:
        return ()
    breaks = [i + 1 for i, (a, b) in enumerate(pairwise(days)) if b - a > 3]
    edges = [0, *breaks, len(days)]
    found = tuple(range(days[a], days[b - 1] + 1) for a, b in pairwise(edges))
    return found if len(found) <= _MOST_STRETCHES else (range(days[0], days[-1] + 1),)


def retake(conn: sa.Connection, domain: Domain, kpi: Kpi, days: Iterable[range], now: datetime) -> Retaken:
    """Parts of these days from the rows."""
    wanted = tuple(days)
    rows: dict[tuple[str, int], Parts] = {}
    for stretch in wanted:
        between = Span(day_start(day_of_number(stretch.start)), day_start(day_of_number(stretch.stop)))
        rows.update(measure.parts_by_day(conn, domain, kpi, between, now))
    return Retaken(wanted, rows)


def replace(conn: sa.Connection, key: str, taken: Retaken) -> None:
    """Keep what was taken in place of what was kept for those days."""
    for stretch in taken.stretches:
        inside = kpi_day.c.day.between(stretch.start, stretch.stop - 1)
        conn.execute(sa.delete(kpi_day).where(kpi_day.c.kpi == key, inside))
    rows = [(key, street, day, *parts, *[None] * (len(_PARTS) - len(parts))) for (street, day), parts in taken.rows.items()]
    bulk.insert(conn, kpi_day, ("kpi", "street", "day", "p1", "p2", "p3", "p4"), rows)


class KeptDays:
    """The kept days of one KPI with those just taken laid over them, in memory for the length of a turn."""

    def __init__(self, conn: sa.Connection, domain: Domain, key: str, kpi: Kpi, taken: Retaken, now: datetime) -> None:
        self._conn, self._domain, self._key, self._kpi, self._taken, self._now = conn, domain, key, kpi, taken, now

    def over(self, stretch: Span) -> dict[str, Parts]:
        """Parts per street over a stretch; a last day that is not whole is taken from the rows."""
        days = stretch.days
        broken = stretch.hi != day_start(city_day(stretch.hi))
        whole = self._sums(range(days.start, days.stop - 1) if broken else days)
        if not broken:
            return whole
        last = Span(max(stretch.lo, day_start(day_of_number(days.stop - 1))), stretch.hi)
        return together(self._kpi, whole, measure.parts_by_street(self._conn, self._domain, self._kpi, last, self._now))

    def reaches(self, at: datetime) -> bool:
        """Whether days that far back are kept, so that a comparison is not made with a hole."""
        first = self._conn.execute(sa.select(sa.func.min(kpi_day.c.day)).where(kpi_day.c.kpi == self._key)).scalar()
        days = [day for _, day in self._taken.rows] + ([first] if first is not None else [])
        return bool(days) and min(days) <= day_number(at)

    def _sums(self, days: range) -> dict[str, Parts]:
        columns = _PARTS[: len(self._kpi.measure.parts)]
        replaced = [kpi_day.c.day.between(s.start, s.stop - 1) for s in self._taken.stretches]
        query = sa.select(kpi_day.c.street, *(measure.aggregate(self._kpi, c) for c in columns)).group_by(kpi_day.c.street)
        query = query.where(kpi_day.c.kpi == self._key, kpi_day.c.day.between(days.start, days.stop - 1), *(sa.not_(r) for r in replaced))
        kept = {row[0]: tuple(row[1:]) for row in self._conn.execute(query)}
        fresh: dict[str, list[Parts]] = {}
        for (street, day), parts in self._taken.rows.items():
            if day in days:
                fresh.setdefault(street, []).append(parts)
        return together(self._kpi, kept, {s: merge(self._kpi.measure, rows) for s, rows in fresh.items()})


def together(kpi: Kpi, one: ByStreet, other: ByStreet) -> dict[str, Parts]:
    """Parts of two stretches, street by street."""
    return {s: merge(kpi.measure, [group[s] for group in (one, other) if s in group]) for s in {**one, **other}}
