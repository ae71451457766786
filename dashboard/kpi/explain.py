"""A number opened: formula, target, feeds and ages, what each street brings, the rows counted and the rows that cost points."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.core.catalog import Catalog
from dashboard.core.configured import Target
from dashboard.core.declare import Derived, Domain, Kpi, Text
from dashboard.core.errors import NotFoundError
from dashboard.core.places import streets
from dashboard.core.readings import latest
from dashboard.core.scope import DISTRICT
from dashboard.kpi import measure, windows
from dashboard.kpi.explain_text import explanation_text
from dashboard.kpi.index import DISTRICT_INDEX, Around, IndexRules, alerts_that_cost, index_rows, vital_key
from dashboard.kpi.inputs import inputs_of
from dashboard.kpi.parts import ByStreet, Parts, merge, value_of
from dashboard.kpi.windows import Span
from dashboard.settings import Settings
from dashboard.store.freshness import FeedFreshness, feeds_freshness
from dashboard.store.kpi_reads import KpiRow, latest_figures
from dashboard.store.models import Model, in_force, models_of

__all__ = ["Explanation", "FeedAge", "Rows", "StreetPart", "explain", "explanation_text"]

MOST_ROWS = 200
_MODELS = 3  # of the assets listed first
_OURS = frozenset({"source_key", "pull_run", "row_hash", "learned_at", "channel_id"})  # housekeeping, not for readers


@dataclass(frozen=True, kw_only=True)
class StreetPart:
    """What one street brings to a number."""

    street: str  # code; empty: rows whose street is not known
    title: Text
    value: float | None
    parts: Parts


@dataclass(frozen=True, kw_only=True)
class FeedAge:
    """A feed a number lives on, and how old its newest data is."""

    feed: str
    title: Text
    state: str
    age: timedelta | None
    newest_event_at: datetime | None
    source: str
    pull: str


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Some rows of a table, as a person can read them, and how many there are in all."""

    columns: tuple[str, ...] = ()
    rows: Sequence[tuple[Any, ...]] = ()
    total: int = 0


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Everything behind one number in one scope."""

    key: str
    scope: str
    title: Text
    unit: str
    decimals: int
    formula: Text
    row: KpiRow | None  # as kept
    recomputed: float | None  # from the rows, for the moment it was computed
    target: Target | None = None
    window: Span | None = None
    streets: Sequence[StreetPart] = ()
    feeds: Sequence[FeedAge] = ()
    counted: Rows = field(default_factory=Rows)
    lost: Rows = field(default_factory=Rows)
    contributions: Mapping[str, Any] | None = None  # of an index: inputs, alerts, missing
    methods: Sequence[Text] = ()  # of metrics that are worked out: how
    models: Sequence[Model] = ()  # and what was learned of the assets listed first

    @property
    def agrees(self) -> bool:
        """Whether the rows still give the number that is shown."""
        shown = self.row.value if self.row else None
        if shown is None or self.recomputed is None:
            return shown is None and self.recomputed is None
        return abs(shown - self.recomputed) <= 1e-9 * max(1.0, abs(shown))


def explain(conn: sa.Connection, catalog: Catalog, settings: Settings, key: str, scope: str, now: datetime) -> Explanation:
    """Open a KPI or an index. Raises NotFoundError for a key that is neither."""
    row = latest_figures(conn, [key]).get((key, scope))
    if key in catalog.kpis:
        return _explain_kpi(conn, catalog, key, scope, row, now)
    if key == DISTRICT_INDEX or key in map(vital_key, catalog.vitals):
        return _explain_index(conn, catalog, settings, key, scope, row, now)
    raise NotFoundError(f"no KPI {key!r}; known: {', '.join(sorted(catalog.kpis))}")


def _explain_kpi(conn: sa.Connection, catalog: Catalog, key: str, scope: str, row: KpiRow | None, now: datetime) -> Explanation:
    """From the rows themselves, as of the moment the kept number was computed."""
    domain, kpi = catalog.kpis[key]
    moment = row.computed_at if row else now
    span = windows.span(kpi.over, moment) if kpi.at is not None and kpi.over else None
    groups = _groups(conn, domain, kpi, span, moment)
    where = _narrowed(domain, kpi, span, scope)
    unheard = row is not None and row.parts is None  # nothing has come of which a count of none could be told
    chosen = groups if scope == DISTRICT else {s: p for s, p in groups.items() if s == scope}
    counted = _rows(conn, kpi, where, moment)
    derived = _worked_out(domain, kpi)
    return Explanation(
        key=key,
        scope=scope,
        title=kpi.title,
        unit=kpi.unit,
        decimals=kpi.decimals,
        formula=kpi.formula,
        row=row,
        recomputed=None if unheard else value_of(kpi, _sum(kpi, chosen)),
        target=catalog.targets.get(key),
        window=span,
        streets=_street_parts(kpi, groups),
        feeds=_feed_ages(conn, catalog, inputs_of(catalog)[key].feeds, now),
        counted=counted,
        lost=Rows() if kpi.measure.lost is None else _rows(conn, kpi, [*where, kpi.measure.lost], moment),
        methods=[d.method for d in derived],
        models=[m for d in derived if d.train for m in _models(conn, domain, d, counted, moment)],
    )


def _worked_out(domain: Domain, kpi: Kpi) -> list[Derived]:
    """The derived metrics a number over newest readings is about."""
    named = {value for value in measure.compared_with(kpi) if isinstance(value, str)} if latest in measure.base_tables(kpi) else set()
    return [d for d in domain.derived if d.metric.key in named]


def _models(conn: sa.Connection, domain: Domain, derived: Derived, counted: Rows, moment: datetime) -> list[Model]:
    """The models in force of the assets on top of the rows counted."""
    if "asset_id" not in counted.columns:
        return []
    at = counted.columns.index("asset_id")
    assets = list(dict.fromkeys(str(row[at]) for row in counted.rows))[:_MODELS]
    known = models_of(conn, domain.key, derived.metric.key, assets)
    return [model for asset in assets if (model := in_force(known.get(asset, []), moment))]


def _groups(conn: sa.Connection, domain: Domain, kpi: Kpi, span: Span | None, moment: datetime) -> dict[str, Parts]:
    """Parts per street straight from the rows; for a change, those of the earlier window after those of now."""
    here = measure.parts_by_street(conn, domain, kpi, span, moment)
    if kpi.change is None or kpi.over is None:
        return here
    then = measure.parts_by_street(conn, domain, kpi, windows.earlier(kpi.over, kpi.change, moment), moment)
    nothing: Parts = (None,) * len(kpi.measure.parts)
    return {s: here.get(s, nothing) + then.get(s, nothing) for s in {**here, **then}}


def _sum(kpi: Kpi, groups: ByStreet) -> Parts:
    width = len(kpi.measure.parts)
    now = merge(kpi.measure, [p[:width] for p in groups.values()])
    return now if kpi.change is None else now + merge(kpi.measure, [p[width:] for p in groups.values()])


def _street_parts(kpi: Kpi, groups: ByStreet) -> list[StreetPart]:
    """Each street's own value, west to east, and what lies in none."""
    if not kpi.by_street:
        return []
    titles = {s.code: s.title for s in streets()}
    unknown = Text("街道不明", "Street not known")
    order = [*titles, *(s for s in groups if s not in titles)]
    return [
        StreetPart(street=s, title=titles.get(s, unknown), value=value_of(kpi, groups[s]), parts=groups[s]) for s in order if s in groups
    ]


def _feed_ages(conn: sa.Connection, catalog: Catalog, keys: Sequence[str], now: datetime) -> list[FeedAge]:
    states = feeds_freshness(conn, now)
    return [_feed_age(key, catalog.feeds[key][1].title, states.get(key)) for key in keys]


def _feed_age(key: str, title: Text, feed: FeedFreshness | None) -> FeedAge:
    if feed is None:
        return FeedAge(feed=key, title=title, state="never", age=None, newest_event_at=None, source="", pull="")
    return FeedAge(
        feed=key,
        title=title,
        state=feed.state.value,
        age=feed.age,
        newest_event_at=feed.newest_event_at,
        source=feed.source,
        pull=feed.pull,
    )


def _narrowed(domain: Domain, kpi: Kpi, span: Span | None, scope: str) -> list[sa.ColumnElement[bool]]:
    """The conditions of the rows counted in a scope."""
    street = measure.street_column(kpi)
    inside = [] if scope == DISTRICT or street is None else [street == scope]
    return [*measure.counted(domain, kpi), *(measure.within(kpi, span) if span else ()), *inside]


def _rows(conn: sa.Connection, kpi: Kpi, where: Sequence[sa.ColumnElement[bool]], moment: datetime) -> Rows:
    """The first rows, the telling ones on top, and how many there are."""
    columns = [c for c in kpi.table.c if c.name not in _OURS]
    query = sa.select(*columns).select_from(kpi.table).where(*where).limit(MOST_ROWS)
    found = conn.execute(query.order_by(*_telling_first(kpi)), measure.moment_of(moment)).all()
    total = len(found)
    if total == MOST_ROWS:
        count = sa.select(sa.func.count()).select_from(kpi.table).where(*where)
        total = conn.execute(count, measure.moment_of(moment)).scalar_one()
    return Rows(columns=tuple(c.name for c in columns), rows=[tuple(row) for row in found], total=total)


def _telling_first(kpi: Kpi) -> list[sa.ColumnElement[Any]]:
    """The extreme value on top where the measure is one; else the newest."""
    if kpi.measure.how != "sum":
        return [kpi.measure.parts[0].desc() if kpi.measure.how == "max" else kpi.measure.parts[0].asc()]
    return [kpi.at.desc()] if kpi.at is not None else []


def _explain_index(
    conn: sa.Connection, catalog: Catalog, settings: Settings, key: str, scope: str, row: KpiRow | None, now: datetime
) -> Explanation:
    """An index is opened into what it is made of; each contribution can be opened in turn."""
    figures = latest_figures(conn)
    scopes = [s.code for s in streets()] if scope != DISTRICT else []
    around = Around(catalog, IndexRules.of(settings.index), figures, alerts_that_cost(conn), figures, scopes, now)
    again = next((r for r in index_rows(around) if (r.kpi, r.scope) == (key, scope)), None)
    vital = catalog.vitals.get(key.removeprefix("vital."))
    title = vital.title if vital else Text("城市生命指数", "City index")
    return Explanation(
        key=key,
        scope=scope,
        title=title,
        unit="分",
        decimals=0,
        formula=_VITAL_FORMULA if vital else _DISTRICT_FORMULA,
        row=row,
        recomputed=again.value if again else None,
        contributions=json.loads(row.parts) if row and row.parts else None,
    )


_VITAL_FORMULA = Text(
    "各指标得分按权重与新鲜度加权平均，减去未闭环告警扣分；缺数的指标不抬高指数",
    "Scores of its KPIs, weighted by share and freshness, less points for open alerts; a missing input never raises it",
)
_DISTRICT_FORMULA = Text(
    "在线体征指数的平均值，缺失的体征注明并放宽区间", "Mean of the live systems; missing ones are named and widen the range"
)
