"""What every sensor network is asked: which assets and which channels can be heard now."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.city import Measure, Metric, ago, largest, latest, smallest

UNUSABLE = 2  # quality of readings that are kept and count nowhere


def _flag(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.case((condition, 1), else_=0)


def heard_assets(assets: sa.Table, domain: str, within: timedelta, among: sa.ColumnElement[bool] | None = None) -> sa.Subquery:
    """Each asset with `online`: 1 if any of its channels delivered a usable reading within that time."""
    heard = sa.select(latest.c.asset_id).where(latest.c.domain == domain, latest.c.quality < UNUSABLE, latest.c.ts >= ago(within))
    found = sa.select(assets.c.asset_id, assets.c.name, assets.c.street, _flag(assets.c.asset_id.in_(heard)).label("online"))
    return (found if among is None else found.where(among)).subquery(f"{domain}_heard")


def channels(
    domain: str, within: timedelta, stuck_after: timedelta, may_rest: tuple[str, ...] = (), among: Iterable[Metric] = ()
) -> sa.Subquery:
    """Each channel with `heard`, `stuck` (has not moved for that long, unless its metric may rest) and `valid` (heard, usable, not stuck).

    `among`: the metrics instruments give, where others are worked out from them.
    """
    still = sa.and_(latest.c.metric.not_in(may_rest), _unmoved_for(stuck_after))
    in_time = latest.c.ts >= ago(within)
    mine = [latest.c.domain == domain, *([latest.c.metric.in_([m.key for m in among])] if among else [])]
    heard = sa.and_(latest.c.quality < UNUSABLE, in_time)
    stuck = sa.func.coalesce(_flag(still), 0)
    return (
        sa.select(
            latest.c.asset_id,
            latest.c.metric,
            latest.c.street,
            latest.c.ts,
            latest.c.value,
            latest.c.quality,
            latest.c.same_since,
            sa.func.coalesce(_flag(in_time), 0).label("heard"),
            stuck.label("stuck"),
            (sa.func.coalesce(_flag(heard), 0) * (1 - stuck)).label("valid"),
        )
        .where(*mine)
        .subquery(f"{domain}_channels")
    )


def _unmoved_for(time: timedelta) -> sa.ColumnElement[bool]:
    ts, since = (sa.type_coerce(column, sa.BigInteger) for column in (latest.c.ts, latest.c.same_since))
    return ts - since >= round(time.total_seconds()) * 1_000_000


def unmoved(domain: str, metrics: tuple[str, ...], time: timedelta) -> sa.ColumnElement[bool]:
    """The channels of some metrics that have said the same for that long: stuck, however calm they look."""
    return sa.and_(latest.c.domain == domain, latest.c.metric.in_(metrics), _unmoved_for(time))


def _of(domain: str, metric: str) -> sa.ColumnElement[bool]:
    return sa.and_(latest.c.domain == domain, latest.c.metric == metric)


def highest(domain: str, metric: str) -> Measure:
    """The largest newest reading of a metric."""
    return largest(latest.c.value, _of(domain, metric))


def lowest(domain: str, metric: str) -> Measure:
    """The smallest newest reading of a metric."""
    return smallest(latest.c.value, _of(domain, metric))


def beyond(domain: str, metric: str, value: float) -> sa.ColumnElement[Any]:
    """The newest readings of a metric at or above a value."""
    return sa.and_(_of(domain, metric), latest.c.value >= value)
