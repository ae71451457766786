"""The past weeks of each KPI and index filled in after the first pull, in slices, so that lines and usual ranges are there at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.core.catalog import Catalog
from dashboard.core.declare import Freshness
from dashboard.core.places import streets
from dashboard.core.scope import DISTRICT
from dashboard.core.times import to_micros
from dashboard.kpi.grade import grade, score
from dashboard.kpi.hours import Values, Weeks, past_values
from dashboard.kpi.index import DISTRICT_INDEX, IndexRules, Input, OpenAlert, index_of, vital_key
from dashboard.kpi.inputs import Inputs, inputs_of
from dashboard.settings import Settings
from dashboard.store import bulk
from dashboard.store.drills import REAL
from dashboard.store.engine import writing
from dashboard.store.freshness import FeedFreshness, feeds_freshness
from dashboard.store.kpi_reads import HOUR, latest_figures
from dashboard.store.lease import check_fence
from dashboard.store.schema import alert, kpi_h1, kpi_history, kpi_turn
from dashboard.store.topics import bump

WEEKS = timedelta(weeks=4)
_RECENT = 48  # hours of history as well, so that yesterday stands beside today and replay reaches back
_H1 = tuple(c.name for c in kpi_h1.columns)
_HISTORY = tuple(c.name for c in kpi_history.columns)


def backfill(
    engine: sa.Engine,
    catalog: Catalog,
    settings: Settings,
    now: datetime,
    fence: int | None = None,
    waiting: frozenset[str] = frozenset(),
) -> int:
    """Fill in the past of one KPI whose feeds have caught up; once all are filled, that of the indices.

    Domains in `waiting` have history still to be read or worked out.

    Returns how many are still to do (those whose feeds have not caught up do not count): call again until 0.
    """
    weeks, rules = Weeks(to_micros(now - WEEKS) // HOUR, to_micros(now) // HOUR), IndexRules.of(settings.index)
    with engine.connect() as conn:
        filled = {row.kpi: row.filled_to for row in conn.execute(sa.select(kpi_turn.c.kpi, kpi_turn.c.filled_to))}
        feeds = feeds_freshness(conn, now)
        due = [i for i in inputs_of(catalog).values() if i.key in filled and filled[i.key] is None and not _domains(i) & waiting]
        ready = [i for i in due if _caught_up(i, feeds)]
        codes = [s.code for s in streets()]
        if ready:
            rows = {ready[0].key: past_values(conn, ready[0], weeks, codes)}
        elif _indices_due(filled, catalog):
            rows = _past_indices(conn, catalog, rules, weeks, codes)
        else:
            return 0
    _write(engine, _Filling(catalog, rules, weeks, now), rows, fence)
    return len(ready)


def _domains(inputs: Inputs) -> set[str]:
    """Where a number's data come from."""
    return {inputs.domain.key, *(feed.split(".")[0] for feed in inputs.feeds)}


def _caught_up(inputs: Inputs, feeds: dict[str, FeedFreshness]) -> bool:
    """Whether what feeds a number comes as it should; one that is silent may be about to bring its past."""
    states = [feeds[f].state if f in feeds else Freshness.NEVER for f in inputs.feeds]
    return all(state in (Freshness.FRESH, Freshness.LATE) for state in states)


def _indices_due(filled: dict[str, int | None], catalog: Catalog) -> bool:
    """The indices are filled in once something is known of the past, and again whenever more of it came to light."""
    known = any(at is not None for key, at in filled.items() if key in catalog.kpis)
    return known and DISTRICT_INDEX in filled and filled[DISTRICT_INDEX] is None


@dataclass(frozen=True)
class _Filling:
    """What a slice of filling in works with."""

    catalog: Catalog
    rules: IndexRules
    weeks: Weeks
    now: datetime


def _write(engine: sa.Engine, filling: _Filling, found: dict[str, Values], fence: int | None) -> None:
    """Only hours nobody lived through with us: what was computed at the time stands."""
    kpis = filling.catalog.kpis
    with writing(engine).begin() as conn:
        if fence is not None:
            check_fence(conn, fence)
        for key, values in found.items():
            end = _lived_since(conn, key)
            hours = [(key, scope, h, v, v, v, v, 1) for (scope, h), v in values.items() if h < end]
            bulk.insert(conn, kpi_h1, _H1, hours, update=_H1[3:])
            bulk.insert(conn, kpi_history, _HISTORY, list(_history(filling, key, values, end)), update=_HISTORY[3:])
        filled = [key if key in kpis else DISTRICT_INDEX for key in found]
        conn.execute(sa.update(kpi_turn).where(kpi_turn.c.kpi == DISTRICT_INDEX).values(filled_to=None))
        conn.execute(sa.update(kpi_turn).where(kpi_turn.c.kpi.in_(filled)).values(filled_to=filling.weeks.end))
        _have_computed_again(conn, filled)
        bump(conn, {f"kpi:{kpis[k][0].key}" if k in kpis else f"kpi:{k.removeprefix('vital.')}" for k in found}, filling.now)


def _have_computed_again(conn: sa.Connection, keys: list[str]) -> None:
    """A number whose past came to light is computed again, so that yesterday stands beside it at once."""
    for key, seen in conn.execute(sa.select(kpi_turn.c.kpi, kpi_turn.c.seen).where(kpi_turn.c.kpi.in_(keys))).all():
        kept = {name: value for name, value in json.loads(seen).items() if name != "clock"}
        conn.execute(sa.update(kpi_turn).where(kpi_turn.c.kpi == key).values(seen=json.dumps(kept)))


def _lived_since(conn: sa.Connection, key: str) -> int:
    """The first hour in which this number was computed at the time. Rows filled in stand on the last microsecond of their hour."""
    at = sa.type_coerce(kpi_history.c.at, sa.BigInteger)
    lived = sa.select(sa.func.min(at)).where(kpi_history.c.kpi == key, at % sa.literal_column(str(HOUR)) != HOUR - 1)
    return int(conn.execute(lived).scalar() or 0) // HOUR


def _history(filling: _Filling, key: str, values: Values, end: int) -> Iterator[tuple[Any, ...]]:
    """The last two days as history rows, at each hour's end."""
    is_kpi, rules = key in filling.catalog.kpis, filling.rules
    for (scope, hour), value in values.items():
        if end - _RECENT <= hour < end:
            points = score(value, filling.catalog.targets.get(key)) if is_kpi else value
            mark = grade(points) if is_kpi else rules.grade(points)
            yield key, scope, (hour + 1) * HOUR - 1, value, points, 1.0, mark, Freshness.FRESH.value


def _past_indices(conn: sa.Connection, catalog: Catalog, rules: IndexRules, weeks: Weeks, codes: list[str]) -> dict[str, Values]:
    """Indices of past hours from the scores of those hours, less what alerts open then cost.

    A register without a past counts as it stands today.
    """
    past, costly = _past_scores(conn, catalog, weeks), _alerts_by_hour(conn, weeks)
    today = {at: row.score for at, row in latest_figures(conn).items()}
    found: dict[str, Values] = {key: {} for key in (*map(vital_key, catalog.vitals), DISTRICT_INDEX)}
    for scope in (DISTRICT, *codes):
        scored = {vital: _scored(catalog, vital, scope, today) for vital in catalog.vitals}
        for hour in range(weeks.first, weeks.end):
            live = []
            for vital, inputs in scored.items():
                mine = [a for a in costly.get((vital, hour), ()) if scope in (DISTRICT, a.street)]
                value = index_of([_then(i, past.get((i.key, scope)), hour) for i in inputs], mine, rules).value
                if value is not None:
                    found[vital_key(vital)][scope, hour] = value
                    live.append(value)
            if live:
                found[DISTRICT_INDEX][scope, hour] = sum(live) / len(live)
    return found


def _alerts_by_hour(conn: sa.Connection, weeks: Weeks) -> dict[tuple[str, int], list[OpenAlert]]:
    """The alerts that were open at the end of each hour, by vital system."""
    opened, cleared = (sa.type_coerce(alert.c[name], sa.BigInteger) for name in ("opened_at", "cleared_at"))
    query = sa.select(alert.c.number, alert.c.vital, alert.c.street, alert.c.level, opened.label("since"), cleared.label("until"))
    found: dict[tuple[str, int], list[OpenAlert]] = {}
    for row in conn.execute(query.where(REAL, sa.or_(cleared.is_(None), cleared >= weeks.first * HOUR))):
        end = weeks.end if row.until is None else min(weeks.end, row.until // HOUR)
        for hour in range(max(weeks.first, row.since // HOUR), end):
            found.setdefault((row.vital, hour), []).append(OpenAlert(row.number, row.vital, row.street, row.level))
    return found


def _past_scores(conn: sa.Connection, catalog: Catalog, weeks: Weeks) -> dict[tuple[str, str], dict[int, float]]:
    columns = (kpi_h1.c.kpi, kpi_h1.c.scope, kpi_h1.c.hour, kpi_h1.c.last)
    scored = [key for key, (_, kpi) in catalog.kpis.items() if key in catalog.targets and kpi.weight > 0]
    query = sa.select(*columns).where(kpi_h1.c.kpi.in_(scored), kpi_h1.c.hour >= weeks.first, kpi_h1.c.hour < weeks.end)
    found: dict[tuple[str, str], dict[int, float]] = {}
    for key, scope, hour, value in conn.execute(query):
        points = score(value, catalog.targets[key])
        if points is not None:
            found.setdefault((key, scope), {})[hour] = points
    return found


def _scored(catalog: Catalog, vital: str, scope: str, today: dict[tuple[str, str], float | None]) -> list[Input]:
    keys = [(f"{d.key}.{k.key}", k.weight) for d in catalog.of_vital(vital) for k in d.kpis if k.weight > 0]
    known = [(key, weight, today.get((key, scope))) for key, weight in keys if key in catalog.targets]
    return [Input(key=k, weight=w, score=points, there=1.0, freshness="fresh") for k, w, points in known if points is not None]


def _then(today: Input, past: dict[int, float] | None, hour: int) -> Input:
    """An input as it was in an hour: what is not known of a number that has a past is missing."""
    if past is None:
        return today
    points = past.get(hour)
    return replace(today, score=points, there=0.0 if points is None else 1.0)
