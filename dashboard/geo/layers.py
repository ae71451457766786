"""Map layers by name: what the store holds, else the sketch that ships with the product."""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from shapely.geometry import shape
from shapely.ops import unary_union

from dashboard.core import places
from dashboard.geo.fit import Ground
from dashboard.store.audit_log import note_action
from dashboard.store.schema import geo_layer
from dashboard.store.topics import bump

LAYERS = ("boundary", "bridges", "loop", "neighbours", "rivers", "roads", "streets", "tunnels")


def read_layer(conn: sa.Connection, layer: str) -> dict[str, Any]:
    """A layer as a GeoJSON FeatureCollection in WGS84, with `schematic`, `review_no` (审图号) and `note`."""
    stored = conn.execute(sa.select(geo_layer.c.geojson).where(geo_layer.c.layer == layer)).scalar()
    return dict(json.loads(stored)) if stored else shipped_layer(layer)


@cache
def _shipped(layer: str) -> str:
    return (places.ASSETS / f"{layer}.geojson").read_text("utf-8")


def shipped_layer(layer: str) -> dict[str, Any]:
    """The sketch's own layer."""
    return {"review_no": "", **json.loads(_shipped(layer))}


def use_stored_streets(conn: sa.Connection) -> bool:
    """Let points find their streets by the authority's outlines, if the store holds any; every process calls this when it starts."""
    collection = read_layer(conn, "streets")
    places.use_streets(collection["features"])
    return not collection.get("schematic", False)


def ground(conn: sa.Connection) -> Ground:
    """Land and water as the map in force draws them."""
    land = unary_union([shape(f["geometry"]) for f in read_layer(conn, "streets")["features"]])
    rivers = [shape(f["geometry"]) for f in read_layer(conn, "rivers")["features"]]
    return Ground(land, unary_union([r for r in rivers if r.area]))


def write_layer(conn: sa.Connection, layer: str, collection: dict[str, Any], datum: str, actor: str, now: datetime) -> None:
    """Put a layer in force, leave a trace of who did so, and let the screens redraw."""
    row = {
        "geojson": json.dumps(collection, ensure_ascii=False, separators=(",", ":")),
        "datum": datum,
        "review_no": collection["review_no"],
        "imported_at": now,
    }
    if not conn.execute(sa.update(geo_layer).where(geo_layer.c.layer == layer).values(**row)).rowcount:
        conn.execute(sa.insert(geo_layer).values(layer=layer, **row))
    detail = f"{len(collection['features'])} features, given in {datum}, review no. {collection['review_no'] or '-'}"
    note_action(conn, actor=actor, action="geo.import", about=layer, detail=detail, now=now)
    bump(conn, ["geo"], now)


def drop_layer(conn: sa.Connection, layer: str, actor: str, now: datetime) -> bool:
    """Go back to the sketch."""
    gone = conn.execute(sa.delete(geo_layer).where(geo_layer.c.layer == layer)).rowcount > 0
    if gone and layer == "streets" and read_layer(conn, "boundary").get("follows"):
        drop_layer(conn, "boundary", actor, now)
    if gone:
        note_action(conn, actor=actor, action="geo.drop", about=layer, detail="back to the sketch", now=now)
        bump(conn, ["geo"], now)
    return gone
