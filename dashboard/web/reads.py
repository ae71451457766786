"""What the API reads from the store: plain queries, always with an end, nothing computed."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from dashboard.core.catalog import Catalog
from dashboard.core.errors import CockpitError
from dashboard.core.times import iso
from dashboard.store.drills import REAL
from dashboard.store.schema import alert, channel, handling, kpi_history, kpi_latest, pull_state, source_state

Found = sa.RowMapping
History = kpi_history.alias("h")
LARGEST_ID = 2**63 - 1  # what a database counts to


class BadCursorError(CockpitError):
    """A cursor this API never gave."""


def cursor_of(*position: str | int) -> str:
    """A place in a list, opaque to the reader."""
    return base64.urlsafe_b64encode(orjson.dumps(position)).decode().rstrip("=")


def position_of(cursor: str | None, *shape: type) -> list[Any] | None:
    """Where a cursor points; it must be of the given shape."""
    if not cursor:
        return None
    try:
        position = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError) as wrong:
        raise BadCursorError("cursor: not one of ours; start again without it") from wrong
    if not isinstance(position, list) or [type(p) for p in position] != list(shape):
        raise BadCursorError("cursor: it belongs to another list")
    if any(isinstance(p, int) and p > LARGEST_ID for p in position):
        raise BadCursorError("cursor: it belongs to another list")
    return position


def alerts(
    conn: sa.Connection, *, state: str, levels: Sequence[str], domain: str | None, street: str | None, after: int | None, limit: int
) -> Sequence[Found]:
    """Alerts, newest first, with their acknowledgement."""
    query = _alerts().where(REAL)
    if state != "all":
        query = query.where(alert.c.state == state)
    if levels:
        query = query.where(alert.c.level.in_(levels))
    if domain:
        query = query.where(alert.c.domain == domain)
    if street:
        query = query.where(alert.c.street == street)
    if after is not None:
        query = query.where(alert.c.alert_id < after)
    return conn.execute(query.order_by(alert.c.alert_id.desc()).limit(limit)).mappings().all()


def one_alert(conn: sa.Connection, alert_id: int) -> Found | None:
    """One alert, or None."""
    return conn.execute(_alerts().where(alert.c.alert_id == alert_id)).mappings().first()


def _alerts() -> sa.Select[Any]:
    joined = alert.outerjoin(handling, handling.c.alert_id == alert.c.alert_id)
    return sa.select(alert, handling.c.acknowledged_at, handling.c.stage, handling.c.due_at).select_from(joined)


def open_counts(conn: sa.Connection) -> dict[str, int]:
    """Open alerts by level."""
    query = sa.select(alert.c.level, sa.func.count()).where(alert.c.state == "open", REAL).group_by(alert.c.level)
    return {level: number for level, number in conn.execute(query)}


def kpis(conn: sa.Connection, scopes: Sequence[str], after: Sequence[str] | None, limit: int) -> Sequence[Found]:
    """KPIs as they stand, in order of key and scope."""
    query = sa.select(kpi_latest).where(kpi_latest.c.scope.in_(scopes))
    return conn.execute(_page(query, after, limit)).mappings().all()


def kpis_at(conn: sa.Connection, scopes: Sequence[str], at: datetime, after: Sequence[str] | None, limit: int) -> Sequence[Found]:
    """KPIs as they stood at a moment: for each the last history row until then, found by key."""
    last = (
        sa.select(sa.func.max(kpi_history.c.at))
        .where(kpi_history.c.kpi == kpi_latest.c.kpi, kpi_history.c.scope == kpi_latest.c.scope, kpi_history.c.at <= at)
        .correlate(kpi_latest)
        .scalar_subquery()
    )
    same = sa.and_(History.c.kpi == kpi_latest.c.kpi, History.c.scope == kpi_latest.c.scope, History.c.at == last)
    figures = (History.c.value, History.c.score, History.c.grade, History.c.freshness, History.c.completeness)
    columns = (kpi_latest.c.kpi, kpi_latest.c.scope, *figures, History.c.at.label("as_of"))
    query = sa.select(*columns).select_from(kpi_latest.join(History, same)).where(kpi_latest.c.scope.in_(scopes))
    return conn.execute(_page(query, after, limit)).mappings().all()


def _page(query: sa.Select[Any], after: Sequence[str] | None, limit: int) -> sa.Select[Any]:
    if after:
        key, scope = after
        query = query.where(sa.or_(kpi_latest.c.kpi > key, sa.and_(kpi_latest.c.kpi == key, kpi_latest.c.scope > scope)))
    return query.order_by(kpi_latest.c.kpi, kpi_latest.c.scope).limit(limit)


def channels(conn: sa.Connection, asset: str, metric: str, domain: str | None) -> Sequence[Found]:
    """The channels of a metric of an asset: one, unless two domains share the id."""
    query = sa.select(channel).where(channel.c.asset_id == asset, channel.c.metric == metric)
    if domain:
        query = query.where(channel.c.domain == domain)
    return conn.execute(query).mappings().all()


def pulls(conn: sa.Connection) -> dict[str, Found]:
    """How each pull stands."""
    return {row["pull"]: row for row in conn.execute(sa.select(pull_state)).mappings()}


def sources(conn: sa.Connection) -> dict[str, Found]:
    """How each source stands."""
    return {row["source"]: row for row in conn.execute(sa.select(source_state)).mappings()}


def asset_tables(catalog: Catalog, domain: str | None) -> list[tuple[str, sa.Table]]:
    """(domain, table) of everything that stands somewhere; the order cursors go by."""
    found = {
        feed.table.name: (holder.key, feed.table)
        for holder in catalog.domains.values()
        for feed in holder.feeds
        if feed.table is not None and {"asset_id", "lon", "lat"} <= set(feed.table.c.keys()) and "case_id" not in feed.table.c
    }
    return [found[name] for name in sorted(found) if domain in (None, found[name][0])]


def features(
    conn: sa.Connection, tables: Iterable[tuple[str, sa.Table]], after: Sequence[str] | None, limit: int
) -> list[tuple[str, dict[str, Any]]]:
    """(table, GeoJSON feature) of assets that have a place, in order of table and id."""
    found: list[tuple[str, dict[str, Any]]] = []
    for domain, table in tables:
        if after and table.name < after[0]:
            continue
        wanted = [table.c[name] for name in ("asset_id", "kind", "name", "street", "lon", "lat", "state", "observed_at") if name in table.c]
        query = sa.select(*wanted).where(table.c.lon.is_not(None), table.c.lat.is_not(None)).order_by(table.c.asset_id)
        if after and table.name == after[0]:
            query = query.where(table.c.asset_id > after[1])
        found += [(table.name, _feature(domain, row)) for row in conn.execute(query.limit(limit - len(found))).mappings()]
        if len(found) >= limit:
            break
    return found


def _feature(domain: str, row: Found) -> dict[str, Any]:
    seen = row.get("observed_at")
    properties = {name: row.get(name) for name in ("kind", "name", "street", "state")}
    properties |= {"domain": domain, "observed_at": iso(seen) if seen else None}
    place = {"type": "Point", "coordinates": [row["lon"], row["lat"]]}
    return {"type": "Feature", "id": row["asset_id"], "geometry": place, "properties": properties}
