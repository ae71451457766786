"""What a screen needs of an imported layer: outlines light enough to draw, names and codes; every other column stays behind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shapely import coverage_simplify, set_precision
from shapely.geometry import Point, Polygon, mapping, shape
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from dashboard.core.errors import CockpitError
from dashboard.core.places import Street, street_code
from dashboard.geo.files import Shape

FINE = 3e-5  # degrees, about 3 m: finer detail than any screen shows
_DRAWN = ("kind", "label", "arrow", "bearing")  # belongs to the old drawing, not to the thing drawn
_NAMES = {
    "zh": ("zh", "name_zh", "name:zh", "名称", "桥名", "隧道名称", "道路名称", "街道名称", "NAME", "name", "Name", "XZQMC"),
    "en": ("en", "name_en", "name:en", "NAME_EN", "英文名称"),
    "kind": ("kind", "fclass"),
}


class GeoRefusedError(CockpitError):
    """The layer was not taken in; the message says why and what to do."""


def street_features(shapes: list[Shape], known: tuple[Street, ...]) -> tuple[list[dict[str, Any]], list[str]]:
    """One feature per street we count by, west to east; a street abolished since goes to the one that lies there now."""
    parts: dict[str, list[BaseGeometry]] = {}
    findings = []
    for one in shapes:
        code = next((c for v in one.properties.values() if (c := street_code(str(v)))), None)
        if code is None:
            code = _successor(one.geometry, known)
            whose = _name(one.properties, "zh") or "an unnamed polygon"
            findings.append(f"{whose} is no street of the list; its area now belongs to {_named(code, known)}")
        parts.setdefault(code, []).append(one.geometry)
    missing = [s.zh for s in known if s.code not in parts]
    if missing:
        raise GeoRefusedError(f"not in the file: {', '.join(missing)}; each street needs its 9-digit code or its name in a column")
    whole = coverage_simplify([unary_union(parts[s.code]) for s in known], FINE)
    return [_street_feature(s, outline) for s, outline in zip(known, whole, strict=True)], findings


def _named(code: str, known: tuple[Street, ...]) -> str:
    return next(s.zh for s in known if s.code == code)


def _successor(outline: BaseGeometry, known: tuple[Street, ...]) -> str:
    def shared(street: Street) -> float:
        return sum(float(Polygon(ring).intersection(outline).area) for ring in street.polygon)

    best = max(known, key=shared)
    if not shared(best):
        raise GeoRefusedError("a polygon of the file lies on no street of this district and has no street's name or code")
    return best.code


def _street_feature(street: Street, outline: BaseGeometry) -> dict[str, Any]:
    at = Point(street.label) if outline.contains(Point(street.label)) else outline.representative_point()
    label = [round(at.x, 6), round(at.y, 6)]
    return _feature(outline, {"code": street.code, "zh": street.zh, "en": street.en, "label": label})


def layer_features(shapes: list[Shape], layer: str, before: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Features with the words of ours where the name is known, so that English and ids survive an import."""
    ours = {p["zh"]: {k: v for k, v in p.items() if k not in _DRAWN} for f in before["features"] if (p := f["properties"]).get("zh")}
    features = []
    for one in shapes:
        said = {key: name for key in _NAMES if (name := _name(one.properties, key))}
        if layer == "rivers":
            said["kind"] = "water" if one.geometry.area else "centre"
        words = {"zh": "", "en": "", **ours.get(said.get("zh", ""), {}), **said}
        features.append(_feature(one.geometry.simplify(FINE), words))
    if layer == "rivers" and not any(f["properties"]["kind"] == "centre" for f in features):
        features += [f for f in before["features"] if f["properties"].get("kind") == "centre"]  # the courses carry the names
    return features


def outline_of(features: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The district's limit as its streets draw it: two outlines that disagree would be worse than one."""
    whole = unary_union([shape(f["geometry"]) for f in features])
    return [_feature(whole, {"zh": "渝中区", "en": "Yuzhong District", "code": "500103"})]


def _name(properties: Mapping[str, Any], key: str) -> str:
    """The first of the usual columns that has a short word in it; no other column is ever kept."""
    found = (properties.get(column) for column in _NAMES[key])
    return next((text[:64] for value in found if isinstance(value, str) and (text := value.strip())), "")


def _feature(outline: BaseGeometry, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "properties": dict(properties), "geometry": mapping(set_precision(outline, 1e-6, mode="pointwise"))}


def collection(layer: str, features: list[dict[str, Any]], system: str, review_no: str) -> dict[str, Any]:
    return {
        "type": "FeatureCollection",
        "name": layer,
        "datum": "WGS84",
        "given_in": system,
        "schematic": False,
        "review_no": review_no,
        "note": f"审图号：{review_no}" if review_no else "未提供审图号",
        "features": features,
    }
