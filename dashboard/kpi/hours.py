"""A KPI hour by hour through the past weeks, from rollups and kept days: what it would have shown at the end of each hour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import visitors

from dashboard.core.declare import Domain, Kpi, Where, Window
from dashboard.core.readings import latest
from dashboard.core.scope import DISTRICT
from dashboard.core.times import day_number, from_micros, to_micros
from dashboard.kpi import measure, windows
from dashboard.kpi.inputs import Inputs
from dashboard.kpi.parts import ByStreet, Parts, merge, value_of
from dashboard.kpi.windows import Span
from dashboard.store.kpi_reads import HOUR
from dashboard.store.schema import channel, kpi_day, reading_h1

Values = dict[tuple[str, int], float]  # by scope and hour
Groups = dict[int, dict[str, Parts]]  # by hour (or day), then street
_TODAY = Window(days=1)


@dataclass(frozen=True)
class Weeks:
    """The hours to fill: from `first` up to but not including `end`."""

    first: int
    end: int

    @property
    def span(self) -> Span:
        """The same as moments."""
        return Span(from_micros(self.first * HOUR), from_micros(self.end * HOUR))


def past_values(conn: sa.Connection, inputs: Inputs, weeks: Weeks, streets: list[str]) -> Values:
    """A value per scope and hour; nothing for KPIs whose past cannot be known from what is kept."""
    kpi = inputs.kpi
    if kpi.at is None or kpi.over is None:
        groups = _channel_hours(conn, inputs.domain, kpi, weeks) if kpi.table is latest and not measure.judges_age(kpi) else {}
    elif inputs.by_day:
        groups = _window_hours(conn, inputs, weeks)
    elif kpi.over.rolling and not measure.needs_moment(kpi):
        groups = _rolling_hours(conn, inputs.domain, kpi, weeks)
    else:
        groups = {}
    scopes = streets if kpi.by_street else []
    return {(scope, hour): v for hour, group in groups.items() for scope, v in _by_scope(kpi, group, scopes)}


def _by_scope(kpi: Kpi, group: ByStreet, streets: list[str]) -> list[tuple[str, float]]:
    """Values of the district and each street from the parts of an hour."""
    width = len(kpi.measure.parts)
    whole = merge(kpi.measure, [p[:width] for p in group.values()])
    if kpi.change:
        whole += merge(kpi.measure, [p[width:] for p in group.values()])
    nothing: Parts = (None,) * len(whole)
    values = [(DISTRICT, value_of(kpi, whole)), *((s, value_of(kpi, group.get(s, nothing))) for s in streets)]
    return [(scope, value) for scope, value in values if value is not None]


def _channel_hours(conn: sa.Connection, domain: Domain, kpi: Kpi, weeks: Weeks) -> Groups:
    """The measure over each hour's last reading of every channel, in place of the newest reading of all."""
    named = [value for value in measure.compared_with(kpi) if isinstance(value, str)]
    then = (
        sa.select(
            channel.c.domain,
            channel.c.metric,
            channel.c.asset_id,
            channel.c.street,
            channel.c.cadence_s,
            reading_h1.c.last.label("value"),
            reading_h1.c.hour,
        )
        .select_from(channel.join(reading_h1, reading_h1.c.channel_id == channel.c.channel_id))
        .where(channel.c.domain == domain.key, reading_h1.c.hour >= weeks.first, reading_h1.c.hour < weeks.end)
    )
    if named:
        then = then.where(channel.c.metric.in_(named))
    past = then.subquery("past_hour")
    parts = [_moved(part, past) for part in kpi.measure.parts]
    where = [] if kpi.measure.where is None else [_moved(kpi.measure.where, past)]
    street = sa.func.coalesce(past.c.street, "")
    query = sa.select(past.c.hour, street, *(measure.aggregate(kpi, part) for part in parts)).where(*where).group_by(past.c.hour, street)
    return _grouped(conn.execute(query))


def _moved(expression: Any, past: sa.Subquery) -> Any:
    """The same expression, about another hour's readings."""

    def replacement(element: Any, **_: Any) -> Any:
        return past.c[element.name] if isinstance(element, sa.Column) and element.table is latest else None

    return visitors.replacement_traverse(expression, {}, replacement)


def _grouped(rows: Any) -> Groups:
    found: Groups = {}
    for key, street, *parts in rows:
        found.setdefault(int(key), {})[street] = tuple(None if p is None else float(p) for p in parts)
    return found


def _per_hour(conn: sa.Connection, domain: Domain, kpi: Kpi, stretch: Span) -> Groups:
    """One grouped pass over the rows of a stretch: parts per hour and street."""
    assert kpi.at is not None
    street = measure.street_column(kpi)
    key = sa.literal_column("''") if street is None else sa.func.coalesce(street, "")
    hour = (sa.type_coerce(kpi.at, sa.BigInteger) // sa.literal_column(str(HOUR))).label("hour")
    where: list[Where] = [*measure.counted(domain, kpi), *measure.within(kpi, stretch)]
    parts = (measure.aggregate(kpi, part) for part in kpi.measure.parts)
    query = sa.select(hour, key, *parts).select_from(kpi.table).where(*where).group_by(hour, key)
    return _grouped(conn.execute(query, measure.moment_of(stretch.hi)))


def _rolling_hours(conn: sa.Connection, domain: Domain, kpi: Kpi, weeks: Weeks) -> Groups:
    """A rolling window at each hour's end: the hours it covers."""
    assert kpi.over is not None and kpi.over.rolling is not None
    if kpi.change is not None:
        return {}
    width = max(1, round(kpi.over.rolling / timedelta(hours=1)))
    hours = _per_hour(conn, domain, kpi, Span(from_micros((weeks.first - width) * HOUR), weeks.span.hi))
    return {h: _union(kpi, [hours.get(back, {}) for back in range(h - width + 1, h + 1)]) for h in range(weeks.first, weeks.end)}


def _union(kpi: Kpi, groups: list[Mapping[str, Parts]]) -> dict[str, Parts]:
    """Parts of several hours or days together, street by street."""
    by_street: dict[str, list[Parts]] = {}
    for group in groups:
        for street, parts in group.items():
            by_street.setdefault(street, []).append(parts)
    return {street: merge(kpi.measure, parts) for street, parts in by_street.items()}


def _window_hours(conn: sa.Connection, inputs: Inputs, weeks: Weeks) -> Groups:
    """A window of city days at each hour's end: the whole days before, and today's hours so far."""
    kpi = inputs.kpi
    now = _running(conn, inputs, weeks)
    if kpi.change is None:
        return now
    shift = windows.moved_back(weeks.span.hi, kpi.change)
    back = (to_micros(weeks.span.hi) - to_micros(shift)) // HOUR
    before = _running(conn, inputs, Weeks(weeks.first - back, weeks.end - back))
    nothing: Parts = (None,) * len(kpi.measure.parts)
    return {
        h: {s: group.get(s, nothing) + before[h - back].get(s, nothing) for s in {**group, **before[h - back]}} for h, group in now.items()
    }


def _running(conn: sa.Connection, inputs: Inputs, weeks: Weeks) -> Groups:
    """Parts of the window ending with each hour. The whole days before are summed up once a day, not once an hour."""
    kpi = inputs.kpi
    assert kpi.over is not None
    hours = _per_hour(conn, inputs.domain, kpi, Span(_midnight_before(weeks.span.lo), weeks.span.hi))
    first = day_number(windows.span(kpi.over, weeks.span.lo).lo)
    kept = _kept_days(conn, inputs, range(first, day_number(weeks.span.hi) + 1))
    found: Groups = {}
    day, before, today = -1, dict[str, Parts](), dict[str, Parts]()
    for hour in range(to_micros(_midnight_before(weeks.span.lo)) // HOUR, weeks.end):
        at = from_micros(hour * HOUR)
        if day_number(at) != day:
            day, today = day_number(at), {}
            before = _union(kpi, [kept.get(d, {}) for d in range(day_number(windows.span(kpi.over, at).lo), day)])
        today = _union(kpi, [today, hours.get(hour, {})])
        if hour >= weeks.first:
            found[hour] = _union(kpi, [before, today])
    return found


def _midnight_before(at: datetime) -> datetime:
    return windows.span(_TODAY, at).lo


def _kept_days(conn: sa.Connection, inputs: Inputs, days: range) -> Groups:
    columns = (kpi_day.c.p1, kpi_day.c.p2, kpi_day.c.p3, kpi_day.c.p4)[: len(inputs.kpi.measure.parts)]
    query = sa.select(kpi_day.c.day, kpi_day.c.street, *columns)
    return _grouped(conn.execute(query.where(kpi_day.c.kpi == inputs.key, kpi_day.c.day >= days.start, kpi_day.c.day < days.stop)))
