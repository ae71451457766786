"""One turn of computing: every KPI whose inputs moved, for all scopes; then the indices; then what changed is said."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from dashboard.core.catalog import Catalog
from dashboard.core.places import streets
from dashboard.core.scope import DISTRICT
from dashboard.core.times import to_micros
from dashboard.kpi import days
from dashboard.kpi.figures import FeedState, Judging, Measured, figures, measured
from dashboard.kpi.index import DISTRICT_INDEX, Around, IndexRules, alerts_that_cost, index_rows
from dashboard.kpi.inputs import Inputs, Turn, inputs_of
from dashboard.kpi.keep import keep
from dashboard.kpi.windows import moved_back
from dashboard.settings import Settings
from dashboard.store import bulk
from dashboard.store.engine import writing
from dashboard.store.freshness import feeds_freshness
from dashboard.store.kpi_reads import Figures, KpiRow, kpi_at, latest_figures
from dashboard.store.lease import check_fence
from dashboard.store.schema import dirty_day, kpi_turn
from dashboard.store.topics import bump, versions

_A_DAY = timedelta(days=1)
_YESTERDAY_WITHIN = timedelta(hours=3)  # an older row is not "this time yesterday"
_LAST_YEAR_WITHIN = timedelta(days=2)


def compute(engine: sa.Engine, catalog: Catalog, settings: Settings, now: datetime, fence: int | None = None) -> set[str]:
    """Compute what is due and keep it; the keys whose shown numbers changed. Costs what moved, not what there is."""
    inputs = inputs_of(catalog)
    _claim_days(engine, inputs)
    with engine.connect() as conn:
        turn, feeds, due_days, marks = _look(conn, now)
        due = [i for i in inputs.values() if turn.is_due(i) or due_days.get(i.key)]
        quiet = turn.seen.get(DISTRICT_INDEX) == _index_mark(turn)
        if not due and quiet:
            return set()
        before = _as_kept(engine, conn, marks)
        rules = IndexRules.of(settings.index)
        judging = Judging(now, feeds, [s.code for s in streets()], rules.late_weight)
        found = {i.key: measured(conn, i, days.ALL if turn.is_redefined(i) else due_days.get(i.key, days.ALL), now) for i in due}
        rows = [row for i in due for row in figures(i, found[i.key], catalog.targets.get(i.key), _of(before, i.key, judging), judging)]
        overlay = {**before, **{(r.kpi, r.scope): r for r in rows}}
        around = Around(catalog, rules, overlay, alerts_that_cost(conn), before, judging.streets, now)
        rows += index_rows(around, {i.domain.vital for i in due} if quiet else None)
        rows = _beside_the_past(conn, rows, now)
    return _keep(engine, catalog, turn, due, found, rows, before, marks, fence)


# What the last turn of this process kept, by store: good for as long as the marks are the ones it left.
_last_kept: WeakKeyDictionary[sa.Engine, tuple[dict[str, str], Figures]] = WeakKeyDictionary()


def _as_kept(engine: sa.Engine, conn: sa.Connection, marks: Mapping[str, str]) -> Figures:
    """Every figure as last kept: remembered if no other process computed since, else read."""
    left, kept = _last_kept.get(engine, ({}, {}))
    return kept if kept and left == marks else latest_figures(conn)


def _claim_days(engine: sa.Engine, inputs: Mapping[str, Inputs]) -> None:
    with engine.connect() as conn:
        if conn.execute(sa.select(dirty_day.c.day).limit(1)).first() is None:
            return
    with writing(engine).begin() as conn:
        days.claim(conn, {i.key: i.tables for i in inputs.values() if i.by_day})


def _look(conn: sa.Connection, now: datetime) -> tuple[Turn, Mapping[str, FeedState], dict[str, str], dict[str, str]]:
    """The topics first: what moves while we read is then seen next time, never missed. With it each KPI's due days and mark."""
    moved = versions(conn)
    feeds = feeds_freshness(conn, now)
    kept = conn.execute(sa.select(kpi_turn.c.kpi, kpi_turn.c.seen, kpi_turn.c.due_days)).all()
    seen = {key: _read_mark(mark) for key, mark, _ in kept}
    turn = Turn(now, moved, {key: feed.state for key, feed in feeds.items()}, seen)
    return turn, feeds, {key: days_due for key, _, days_due in kept}, {key: mark for key, mark, _ in kept}


@lru_cache(maxsize=2048)  # most marks are those of the turn before
def _read_mark(text: str) -> Mapping[str, Any]:
    return json.loads(text)  # type: ignore[no-any-return]


def _index_mark(turn: Turn) -> dict[str, int]:
    return {"alerts": turn.versions.get("alerts", 0), "clock": to_micros(turn.now) // 3_600_000_000}


def _of(rows: Figures, key: str, by: Judging) -> dict[str, KpiRow]:
    return {scope: row for scope in (DISTRICT, *by.streets) if (row := rows.get((key, scope)))}


def _beside_the_past(conn: sa.Connection, rows: Sequence[KpiRow], now: datetime) -> list[KpiRow]:
    """Each number beside what it was at this hour yesterday, and a year ago where its window has not told already."""
    keys = sorted({row.kpi for row in rows})
    yesterday = kpi_at(conn, now - _A_DAY, keys, _YESTERDAY_WITHIN)
    last_year = kpi_at(conn, moved_back(now, "year"), keys, _LAST_YEAR_WITHIN)
    return [
        replace(
            row,
            yesterday=old.value if (old := yesterday.get((row.kpi, row.scope))) else None,
            last_year=row.last_year if row.last_year is not None else then.value if (then := last_year.get((row.kpi, row.scope))) else None,
        )
        for row in rows
    ]


def _keep(
    engine: sa.Engine,
    catalog: Catalog,
    turn: Turn,
    due: Sequence[Inputs],
    found: Mapping[str, Measured],
    rows: Sequence[KpiRow],
    before: Figures,
    marks: Mapping[str, str],
    fence: int | None,
) -> set[str]:
    decimals = {key: kpi.decimals for key, (_, kpi) in catalog.kpis.items()}
    with writing(engine).begin() as conn:
        if fence is not None:
            check_fence(conn, fence)
        for inputs in due:
            if taken := found[inputs.key].taken:
                days.replace(conn, inputs.key, taken)
        news, kept = keep(conn, rows, before, decimals, turn.now)
        left = {i.key: json.dumps(turn.mark(i)) for i in due} | {DISTRICT_INDEX: json.dumps(_index_mark(turn))}
        bulk.insert(conn, kpi_turn, ("kpi", "seen", "due_days"), [(*mark, "") for mark in left.items()], update=("seen", "due_days"))
        bump(conn, _topics(catalog, news), turn.now)
    _last_kept[engine] = ({**marks, **left}, {**before, **kept})
    return news


def _topics(catalog: Catalog, news: set[str]) -> set[str]:
    """kpi:<domain> and kpi:<vital> of what changed; kpi:district for the district's index."""
    topics = set()
    for key in news:
        owner = key.split(".", 1)
        if key in catalog.kpis:
            topics |= {f"kpi:{owner[0]}", f"kpi:{catalog.kpis[key][0].vital}"}
        else:
            topics.add(f"kpi:{owner[1] if owner[0] == 'vital' else 'district'}")
    return topics
