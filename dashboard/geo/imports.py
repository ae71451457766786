"""An authority's map layer taken in: datum proven by overlap, names and codes kept, everything else left behind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from shapely import force_2d
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from dashboard.core.places import streets, use_streets
from dashboard.geo.features import GeoRefusedError, collection, layer_features, outline_of, street_features
from dashboard.geo.files import Drawing, Shape, read_drawing
from dashboard.geo.fit import Verdict, judge
from dashboard.geo.layers import LAYERS, ground, read_layer, write_layer
from dashboard.geo.systems import is_swapped, system_name, to_store
from dashboard.store.engine import writing

_NEEDS = {"streets": "Polygon", "boundary": "Polygon", "rivers": "Polygon", "neighbours": "Point"}  # the others are lines


@dataclass(frozen=True)
class Imported:
    """What was put in force, and what a person should know about it."""

    layer: str
    features: int
    datum: str
    fit: float
    findings: tuple[str, ...]


def import_layer(
    engine: sa.Engine, path: Path, layer: str, datum: str, review_no: str, now: datetime, *, actor: str = "operator", sure: bool = False
) -> Imported:
    """Replace a map layer by the content of a file; nothing changes unless all of it is good.

    `datum` is a datum or projection, or empty to believe the file. `sure` skips the comparison with the map in force.
    Raises GeoFileError, DatumError or GeoRefusedError.
    """
    if layer not in LAYERS:
        raise GeoRefusedError(f"no layer {layer!r}; known: " + ", ".join(LAYERS))
    drawing = read_drawing(path)
    system = system_name(datum or drawing.claims or _unsaid(path, drawing))
    with engine.connect() as conn:
        known, before = ground(conn), read_layer(conn, layer)
        street_list = streets()
    shapes, findings = _chosen(drawing, layer)
    verdict = judge(layer, [s.geometry for s in shapes], system, known)
    if not sure:
        _believe(verdict, path.name, layer, [s.geometry for s in shapes])
    placed = [Shape(force_2d(to_store(s.geometry, system)), s.properties) for s in shapes]
    features, more = street_features(placed, street_list) if layer == "streets" else (layer_features(placed, layer, before), [])
    with writing(engine).begin() as conn:
        write_layer(conn, layer, collection(layer, features, system, review_no), system, actor, now)
        limit_now = read_layer(conn, "boundary")
        if layer == "streets" and (limit_now.get("schematic") or limit_now.get("follows")):
            limit = {**collection("boundary", outline_of(features), system, review_no), "follows": True}
            write_layer(conn, "boundary", limit, system, actor, now)
    if layer == "streets":
        use_streets(features)
    findings += more + ([] if review_no else ["no review number (审图号) was given: the map must not be published without one"])
    return Imported(layer, len(features), system, verdict.fit, tuple(findings))


def _unsaid(path: Path, drawing: Drawing) -> str:
    east = unary_union([s.geometry for s in drawing.shapes]).bounds[2]
    seems = "degrees, so one of WGS84, CGCS2000, GCJ-02, BD-09" if east <= 180 else "metres, so a projection: EPSG:4544, EPSG:4545 …"
    raise GeoRefusedError(f"{path.name} does not say its datum; ask who made it and name it with --datum (it is in {seems})")


def _chosen(drawing: Drawing, layer: str) -> tuple[list[Shape], list[str]]:
    """The features meant: of a file with many districts, only ours; of a mixed file, only the right kind of geometry."""
    wanted = _NEEDS.get(layer, "LineString")
    fitting = [s for s in drawing.shapes if wanted in s.geometry.geom_type or (layer == "rivers" and "LineString" in s.geometry.geom_type)]
    if not fitting:
        found = ", ".join(sorted({s.geometry.geom_type for s in drawing.shapes}))
        raise GeoRefusedError(f"layer {layer} is made of {wanted}s, the file has {found}")
    ours = [s for s in fitting if {"500103", "渝中区"} & {str(v).strip() for v in s.properties.values()}] if layer == "boundary" else []
    findings = [f"{len(ours)} of {len(drawing.shapes)} features taken: the one of this district"] if len(ours) == 1 < len(fitting) else []
    if findings:
        fitting = ours
    elif len(fitting) < len(drawing.shapes):
        findings = [f"{len(drawing.shapes) - len(fitting)} features are no {wanted}s and were left out"]
    return fitting, findings


def _believe(verdict: Verdict, name: str, layer: str, geometries: list[BaseGeometry]) -> None:
    """Refuse a datum that puts the layer where the district is not."""
    if verdict.trusted:
        return
    if is_swapped(unary_union(geometries).bounds):
        raise GeoRefusedError(f"{name}: latitude is written before longitude; swap the two")
    best = verdict.fits[verdict.likely]
    if best < 0.4:
        raise GeoRefusedError(
            f"{name} does not lie on this district as {verdict.claimed} (overlap {verdict.fit:.2f}), "
            f"nor by any datum we know (best {best:.2f}); is it the right file for layer {layer}?"
        )
    raise GeoRefusedError(
        f"{name} is not in {verdict.claimed}: as that it overlaps what we know of the district by {verdict.fit:.2f} only, "
        f"as {verdict.likely} by {best:.2f}. Import it with --datum {verdict.likely}; if you are certain of {verdict.claimed}, add --sure"
    )
