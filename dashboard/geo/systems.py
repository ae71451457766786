"""Outlines of any coordinate system met in China as WGS84: web-map datums by formula, survey projections by PROJ."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError
from shapely import transform
from shapely.geometry.base import BaseGeometry

from dashboard.core.datum import DatumError, datum_name, to_wgs84

WEB_MAPS = ("WGS84", "GCJ-02", "BD-09")
# CGCS2000 Gauss-Krüger around 105°E and 108°E: 3° zones without and with zone number, the 6° zone, and UTM 48N
SURVEYS = ("EPSG:4544", "EPSG:4545", "EPSG:4523", "EPSG:4524", "EPSG:4507", "EPSG:4496", "EPSG:32648")
_GROUNDS = {"world geodetic system 1984": "WGS84", "wgs 1984": "WGS84", "china 2000": "CGCS2000", "cgcs 2000": "CGCS2000"}
_WORDS = {"CGCS2000GK105": "EPSG:4544", "CGCS2000GK108": "EPSG:4545"}


def system_name(text: str) -> str:
    """The one spelling of a datum or projection; a .prj text is understood too. Raises DatumError."""
    short = _WORDS.get(re.sub(r"[^A-Z0-9]", "", text.upper()), text.strip())
    try:
        return datum_name(short.removeprefix("OGC:1.3:"))
    except DatumError as unknown:
        return _projection(short, unknown)


def _projection(text: str, unknown: DatumError) -> str:
    try:
        crs = CRS.from_user_input(text)
    except CRSError:
        raise DatumError(f"{unknown}, or a projection: EPSG:4544 (CGCS2000 Gauss-Krüger 105°E), EPSG:4545 (108°E)") from None
    base = crs.geodetic_crs.datum.name if crs.geodetic_crs and crs.geodetic_crs.datum else ""
    known = next((name for words, name in _GROUNDS.items() if words in base.lower().replace("_", " ")), "")
    if not known:
        raise DatumError(f"{crs.name} rests on another datum ({base}) and can be 100 m off: have its surveyor convert it to CGCS2000")
    if crs.is_geographic:
        return known
    code = crs.to_epsg(min_confidence=60)
    return f"EPSG:{code}" if code else text


def to_store(geometry: BaseGeometry, system: str) -> BaseGeometry:
    """A geometry in WGS84 degrees; `system` as `system_name` gives it. Heights are dropped."""
    try:
        name = datum_name(system)
    except DatumError:
        move = Transformer.from_crs(CRS.from_user_input(system), "EPSG:4326", always_xy=True).transform
        return transform(geometry, lambda xy: _columns(move(xy[:, 0], xy[:, 1])))
    return transform(geometry, lambda xy: _columns(to_wgs84(xy[:, 0], xy[:, 1], name)))


def _columns(xy: Any) -> Any:
    return np.column_stack(xy)


def candidates(bounds: tuple[float, float, float, float]) -> tuple[str, ...]:
    """The systems that coordinates of this size could be in."""
    west, south, east, north = bounds
    if abs(west) <= 180 and abs(east) <= 180 and abs(south) <= 90 and abs(north) <= 90:
        return WEB_MAPS
    return SURVEYS


def is_swapped(bounds: tuple[float, float, float, float]) -> bool:
    """Whether latitude was written first, as a person would say it: no longitude of China is below 60."""
    west, south, east, north = bounds
    return west > 0 and east < 60 < south and north < 180
