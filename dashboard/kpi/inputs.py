"""What each KPI is computed from, and whether any of it moved since it was last computed."""

from __future__ import annotations

import hashlib
import json
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.core.catalog import Catalog
from dashboard.core.declare import Domain, Freshness, Kpi
from dashboard.core.readings import latest
from dashboard.core.times import to_micros
from dashboard.kpi import measure

_MINUTE, _HOUR = 60_000_000, 3_600_000_000
_WORSE = (Freshness.FRESH, Freshness.LATE, Freshness.SILENT, Freshness.NEVER)


@dataclass(frozen=True)
class Inputs:
    """One KPI and everything that can move it."""

    key: str
    domain: Domain
    kpi: Kpi
    tables: frozenset[str]
    topics: frozenset[str]
    feeds: tuple[str, ...]
    tick: int  # microseconds after which the clock alone can move it
    definition: str
    by_day: bool  # its parts are kept per city day


@dataclass(frozen=True)
class Turn:
    """The world as a turn of computing finds it."""

    now: datetime
    versions: Mapping[str, int]
    freshness: Mapping[str, Freshness]
    seen: Mapping[str, Mapping[str, Any]]

    def mark(self, inputs: Inputs) -> dict[str, Any]:
        """What a KPI computed in this turn was computed from."""
        return {
            "topics": {t: self.versions.get(t, 0) for t in sorted(inputs.topics)},
            "feeds": [self.freshness.get(f, Freshness.NEVER).value for f in inputs.feeds],
            "clock": to_micros(self.now) // inputs.tick,
            "definition": inputs.definition,
        }

    def is_due(self, inputs: Inputs) -> bool:
        """Whether anything a KPI is computed from moved since."""
        return self.mark(inputs) != self.seen.get(inputs.key)

    def is_redefined(self, inputs: Inputs) -> bool:
        """Whether the declaration itself is not the one kept days were taken by."""
        return self.seen.get(inputs.key, {}).get("definition") != inputs.definition


def worst(states: list[Freshness]) -> Freshness:
    """The freshness of several inputs together: that of the worst."""
    return max(states, key=_WORSE.index, default=Freshness.NEVER)


_last: tuple[weakref.ref[Catalog], dict[str, Inputs]] | None = None


def inputs_of(catalog: Catalog) -> dict[str, Inputs]:
    """Every KPI's inputs; worked out once for a catalog."""
    global _last
    if _last is None or _last[0]() is not catalog:
        _last = (weakref.ref(catalog), {key: _inputs(catalog, key) for key in catalog.kpis})
    return _last[1]


def _inputs(catalog: Catalog, key: str) -> Inputs:
    domain, kpi = catalog.kpis[key]
    tables = frozenset(t.name for t in measure.base_tables(kpi))
    readings = latest.name in tables
    topics = {f"table:{name}" for name in tables if name != latest.name} | ({f"readings:{domain.key}"} if readings else set())
    by_minute = readings or measure.needs_moment(kpi) or (kpi.over is not None and kpi.over.rolling is not None)
    tick = _MINUTE if by_minute else _HOUR
    return Inputs(key, domain, kpi, tables, frozenset(topics), _feeds(catalog, key), tick, _definition(kpi), by_day=measure.is_by_day(kpi))


def _feeds(catalog: Catalog, key: str) -> tuple[str, ...]:
    """The feeds a KPI's freshness comes from: declared, or those that fill its tables or carry its metrics."""
    domain, kpi = catalog.kpis[key]
    if kpi.feeds:
        return kpi.feeds
    tables = measure.base_tables(kpi)
    filling = [f.key for f in domain.feeds if f.table is not None and f.table in tables]
    if latest in tables:
        named = {value for value in measure.compared_with(kpi) if isinstance(value, str)}
        carrying = [f.key for f in domain.feeds if f.metrics]
        filling += [f.key for f in domain.feeds if named & {m.key for m in f.metrics}] or carrying
    return tuple(f"{domain.key}.{f}" for f in filling) or catalog.kpi_feeds(key)


def _definition(kpi: Kpi) -> str:
    """A fingerprint of what is computed; another one means everything kept was taken by another rule."""
    parts = [*(str(p) for p in kpi.measure.parts), kpi.measure.how, str(kpi.measure.where), *map(repr, measure.compared_with(kpi))]
    text = json.dumps([parts, str(kpi.at), str(kpi.over), str(kpi.table), kpi.change])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
