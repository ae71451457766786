"""Rules over numbers and rows: a KPI as it stands, and how many rows an asset gathered lately."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from dashboard.alerting.looking import Looking, Place, Sightings
from dashboard.core.declare import Freshness, KpiValues, RowCount
from dashboard.core.scope import DISTRICT
from dashboard.core.times import from_micros, to_micros
from dashboard.store.kpi_reads import latest_figures


def kpi_values(at_hand: Looking, watched: KpiValues) -> Sightings:
    """The KPI as it stands, for the district or each street; one that is silent says nothing."""
    found = Sightings()
    out = (Freshness.SILENT.value, Freshness.NEVER.value)
    for (_, scope), row in latest_figures(at_hand.conn, [at_hand.catalog.kpi_key(watched.kpi)]).items():
        if (scope != DISTRICT) != watched.each_street:
            continue
        value = None if row.freshness in out else row.value
        standing = at_hand.standing(scope)
        if value is None and (standing.no_data or (standing.is_at_rest and at_hand.rule.no_data != "alert")):
            continue
        if value is None or at_hand.matters(found, scope, value, to_micros(at_hand.now)):
            found.add(scope, at_hand.now, value)
    return found


def row_counts(at_hand: Looking, watched: RowCount) -> Sightings:
    """How many rows each asset has in the rolling window; an asset whose rows have left it has none."""
    columns = watched.table.c
    moment = sa.func.max(sa.type_coerce(watched.at, sa.BigInteger))
    where = [watched.at > at_hand.now - watched.over, watched.at <= at_hand.now, watched.by.is_not(None)]
    places = [_any(columns, "street", sa.func.max), _any(columns, "lon", sa.func.avg), _any(columns, "lat", sa.func.avg)]
    query = sa.select(watched.by, sa.func.count(), moment, *places).where(*where, *([] if watched.where is None else [watched.where]))
    found = Sightings()
    for asset, n, newest, street, lon, lat in at_hand.conn.execute(query.group_by(watched.by)):
        at = at_hand.now if not at_hand.standing(str(asset)).is_at_rest else from_micros(int(newest))
        if at_hand.matters(found, str(asset), float(n), to_micros(at)):
            found.add(str(asset), at, float(n))
            found.places[str(asset)] = Place(str(asset), street, lon, lat)
    for asset, stored in at_hand.kept.items():
        if asset not in found.by_asset and not stored.standing.is_at_rest:
            found.add(asset, at_hand.now, 0.0)
    return found


def _any(columns: Any, name: str, take: Any) -> sa.ColumnElement[Any]:
    return take(columns[name]) if name in columns else sa.null()
