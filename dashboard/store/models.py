"""What was learned of assets' past for metrics that are worked out: kept for ever, so that an old number can be opened."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from dashboard.core.times import to_micros
from dashboard.store import bulk
from dashboard.store.schema import derived_model

_AT_ONCE = 500  # assets asked for in one statement


@dataclass(frozen=True, kw_only=True)
class Model:
    """Numbers learned from one stretch of an asset's past; None: there was too little to learn from."""

    domain: str
    metric: str
    asset: str
    fitted_at: datetime
    stretch_from: datetime | None
    stretch_to: datetime | None
    hours: int
    numbers: Mapping[str, float] | None


def models_of(conn: sa.Connection, domain: str, metric: str, assets: Iterable[str] | None = None) -> dict[str, list[Model]]:
    """Every model of a derived metric by asset, oldest first; of some assets or of all."""
    mine = sa.select(derived_model).where(derived_model.c.domain == domain, derived_model.c.metric == metric)
    wanted = [mine] if assets is None else [mine.where(derived_model.c.asset_id.in_(some)) for some in _slices(list(assets))]
    found: dict[str, list[Model]] = {}
    for query in wanted:
        for row in conn.execute(query.order_by(derived_model.c.fitted_at)):
            found.setdefault(row.asset_id, []).append(_model(row))
    return found


def _slices(assets: list[str]) -> Iterable[list[str]]:
    return (assets[start : start + _AT_ONCE] for start in range(0, len(assets), _AT_ONCE))


def _model(row: sa.Row[tuple[object, ...]]) -> Model:
    return Model(
        domain=row.domain,
        metric=row.metric,
        asset=row.asset_id,
        fitted_at=row.fitted_at,
        stretch_from=row.stretch_from,
        stretch_to=row.stretch_to,
        hours=row.hours,
        numbers=None if row.numbers is None else json.loads(row.numbers),
    )


def keep_models(conn: sa.Connection, models: Iterable[Model]) -> None:
    """Add models; one learned again at the same moment takes the place of the other."""
    rows = [
        (
            m.domain,
            m.metric,
            m.asset,
            to_micros(m.fitted_at),
            *(None if at is None else to_micros(at) for at in (m.stretch_from, m.stretch_to)),
            m.hours,
            None if m.numbers is None else json.dumps(dict(m.numbers)),
        )
        for m in models
    ]
    ordered = ("domain", "metric", "asset_id", "fitted_at", "stretch_from", "stretch_to", "hours", "numbers")
    bulk.insert(conn, derived_model, ordered, rows, update=ordered[4:])


def in_force(models: list[Model], at: datetime) -> Model | None:
    """The model a moment's number has: the newest learned by then; before the first, the first."""
    usable = [m for m in models if m.numbers is not None]
    return next((m for m in reversed(usable) if m.fitted_at <= at), usable[0] if usable else None)
