"""Coordinate systems used in China and the way between them: WGS84, GCJ-02, BD-09, CGCS2000; single points or whole arrays.

Longitude always comes before latitude, in degrees. The store keeps WGS84. CGCS2000 differs from it by about 0.1 m,
which no screen can show, so the two are one here. In Yuzhong GCJ-02 lies about 360 m east and 320 m south of WGS84.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import numpy as np

from dashboard.core.errors import CockpitError

Degrees = TypeVar("Degrees", float, np.ndarray[Any, np.dtype[np.float64]])
Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Step: TypeAlias = Callable[[Any, Any], tuple[Any, Any]]

_A = 6378245.0  # the ellipsoid the shift is defined on (Krasovsky)
_EE = 0.00669342162296594323
_WGS_A, _WGS_EE = 6378137.0, 0.00669437999014
_X_PI = np.pi * 3000.0 / 180.0
_WEST, _EAST, _SOUTH, _NORTH = 72.004, 137.8347, 0.8293, 55.8271  # the shift is defined in this box only
_ROUNDS = 6  # of the inverse; each gains two to three digits, so the rest is far below a millimetre

DATUMS: tuple[str, ...] = ("WGS84", "GCJ-02", "BD-09", "CGCS2000")
_ALIASES = {
    "WGS84": "WGS84", "EPSG4326": "WGS84", "CRS84": "WGS84",
    "GCJ02": "GCJ-02", "MARS": "GCJ-02", "AMAP": "GCJ-02",
    "BD09": "BD-09", "BD09LL": "BD-09", "BAIDU": "BD-09",
    "CGCS2000": "CGCS2000", "EPSG4490": "CGCS2000",
}  # fmt: skip


class DatumError(CockpitError):
    """A coordinate system nobody here knows."""


def datum_name(text: str) -> str:
    """The one spelling of a datum: `gcj02` and `GCJ-02` are the same.

    Raises DatumError naming the ones that are known.
    """
    name = _ALIASES.get("".join(c for c in text.upper() if c.isalnum()))
    if name is None:
        raise DatumError(f"{text!r} is not a known datum; write one of " + ", ".join(DATUMS))
    return name


def wgs84_to_gcj02(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """Add the shift of Chinese web maps; outside China nothing moves."""
    return _like(lon, _wgs_gcj(*_arrays(lon, lat)))


def gcj02_to_wgs84(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """Take the shift of Chinese web maps away, exact to well below a millimetre."""
    return _like(lon, _gcj_wgs(*_arrays(lon, lat)))


def gcj02_to_bd09(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """Add Baidu's own shift on top."""
    return _like(lon, _gcj_bd(*_arrays(lon, lat)))


def bd09_to_gcj02(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """Take Baidu's own shift away."""
    return _like(lon, _bd_gcj(*_arrays(lon, lat)))


def to_wgs84(lon: Degrees, lat: Degrees, datum: str) -> tuple[Degrees, Degrees]:
    """A point (or arrays of them) of any known datum, as the store keeps it. Raises DatumError."""
    return _walk(lon, lat, _TO_WGS84[datum_name(datum)])


def from_wgs84(lon: Degrees, lat: Degrees, datum: str) -> tuple[Degrees, Degrees]:
    """A stored point (or arrays of them) in the datum somebody else needs. Raises DatumError."""
    return _walk(lon, lat, _FROM_WGS84[datum_name(datum)])


def convert(lon: Degrees, lat: Degrees, source: str, target: str) -> tuple[Degrees, Degrees]:
    """From any known datum to any other. Raises DatumError."""
    if datum_name(source) == datum_name(target):
        return lon, lat
    return from_wgs84(*to_wgs84(lon, lat, source), target)


def _walk(lon: Degrees, lat: Degrees, steps: tuple[Step, ...]) -> tuple[Degrees, Degrees]:
    if not steps:
        return lon, lat
    x, y = _arrays(lon, lat)
    for step in steps:
        x, y = step(x, y)
    return _like(lon, (x, y))


def metres_between(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    """How far apart two places are on WGS84, along the ellipsoid's radii where they stand: to a millimetre within a kilometre."""
    middle = math.radians((lat + other_lat) / 2)
    flat = 1 - _WGS_EE * math.sin(middle) ** 2
    north = _WGS_A * (1 - _WGS_EE) / flat**1.5
    east = _WGS_A / math.sqrt(flat) * math.cos(middle)
    return math.hypot(math.radians(other_lat - lat) * north, math.radians(other_lon - lon) * east)


def _arrays(lon: Any, lat: Any) -> tuple[Floats, Floats]:
    return np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)


def _like(given: Any, point: tuple[Floats, Floats]) -> tuple[Any, Any]:
    """Floats to who gave floats, arrays to who gave arrays."""
    return point if isinstance(given, np.ndarray) else (float(point[0]), float(point[1]))


def _shift(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Degrees that GCJ-02 lies east and north of WGS84 at a WGS84 point."""
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    ripple = (20 * np.sin(6 * np.pi * x) + 20 * np.sin(2 * np.pi * x)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + ripple
    north = north + (20 * np.sin(np.pi * y) + 40 * np.sin(np.pi * y / 3)) * 2 / 3
    north = north + (160 * np.sin(np.pi * y / 12) + 320 * np.sin(np.pi * y / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + ripple
    east = east + (20 * np.sin(np.pi * x) + 40 * np.sin(np.pi * x / 3)) * 2 / 3
    east = east + (150 * np.sin(np.pi * x / 12) + 300 * np.sin(np.pi * x / 30)) * 2 / 3
    phi = np.radians(lat)
    m = 1 - _EE * np.sin(phi) ** 2
    north_deg = north * 180 / ((_A * (1 - _EE)) / (m * np.sqrt(m)) * np.pi)
    east_deg = east * 180 / (_A / np.sqrt(m) * np.cos(phi) * np.pi)
    inside = (lon >= _WEST) & (lon <= _EAST) & (lat >= _SOUTH) & (lat <= _NORTH)
    return np.where(inside, east_deg, 0.0), np.where(inside, north_deg, 0.0)


def _wgs_gcj(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    east, north = _shift(lon, lat)
    return lon + east, lat + north


def _gcj_wgs(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    x, y = lon, lat
    for _ in range(_ROUNDS):
        east, north = _shift(x, y)
        x, y = lon - east, lat - north
    return x, y


def _gcj_bd(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    z = np.hypot(lon, lat) + 2e-5 * np.sin(lat * _X_PI)
    theta = np.arctan2(lat, lon) + 3e-6 * np.cos(lon * _X_PI)
    return z * np.cos(theta) + 0.0065, z * np.sin(theta) + 0.006


def _bd_gcj(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """The published inverse is off by up to a metre, so it only starts the iteration."""
    x, y = lon - 0.0065, lat - 0.006
    for _ in range(_ROUNDS):
        back_lon, back_lat = _gcj_bd(x, y)
        x, y = x + lon - back_lon, y + lat - back_lat
    return x, y


_TO_WGS84: dict[str, tuple[Step, ...]] = {"WGS84": (), "CGCS2000": (), "GCJ-02": (_gcj_wgs,), "BD-09": (_bd_gcj, _gcj_wgs)}
_FROM_WGS84: dict[str, tuple[Step, ...]] = {"WGS84": (), "CGCS2000": (), "GCJ-02": (_wgs_gcj,), "BD-09": (_wgs_gcj, _gcj_bd)}
