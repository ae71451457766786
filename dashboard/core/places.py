"""The streets of the district: their names and codes, their outlines, and which of them a point lies in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from dashboard.core.declare import Text
from dashboard.core.errors import ConfigurationError

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Ring: TypeAlias = tuple[tuple[float, float], ...]

ASSETS = Path(__file__).resolve().parents[2] / "assets" / "geo"
NEAR_M = 300.0  # a point this close outside still belongs: bridges stand in the river, drawn limits are coarse
_CHUNK = 4_000_000  # point × edge pairs held in memory at once


@dataclass(frozen=True)
class Street:
    """A street (街道) as the map draws it. Its rings fill even-odd, so holes and islands need no nesting."""

    code: str  # 9 digits
    zh: str  # 解放碑街道
    en: str  # Jiefangbei
    order: int  # from west to east, 0 first: the order of rows and columns on every screen
    label: tuple[float, float]  # where its name stands, lon and lat
    polygon: tuple[Ring, ...]

    @property
    def short(self) -> str:
        """The name without 街道."""
        return self.zh.removesuffix("街道")

    @property
    def title(self) -> Text:
        """Its name on a screen."""
        return Text(self.short, self.en)

    @cached_property
    def edges(self) -> Floats:
        """All edges, one a row: x1, y1, x2, y2."""
        return np.array([(*a, *b) for ring in self.polygon for a, b in pairwise(ring)], dtype=np.float64)


class _Current:
    """The streets this process works with: as shipped, until an authority's are put in their place at start."""

    streets: tuple[Street, ...] = ()
    version: int = 0


_current = _Current()


def streets() -> tuple[Street, ...]:
    """All streets, west to east."""
    if not _current.streets:
        use_streets(json.loads((ASSETS / "streets.geojson").read_text("utf-8"))["features"])
    return _current.streets


def use_streets(features: Iterable[Mapping[str, Any]]) -> tuple[Street, ...]:
    """Put other outlines in place for this process; west to east as given.

    Several features of one street become one. Raises ConfigurationError for a feature without code, name or outline.
    """
    rings: dict[str, list[Ring]] = {}
    props: dict[str, Mapping[str, Any]] = {}
    for feature in features:
        p = feature.get("properties") or {}
        code = str(p.get("code", ""))
        if not code or not p.get("zh"):
            raise ConfigurationError("streets.geojson", "properties", f"a street needs code and zh, found {sorted(p)}")
        props.setdefault(code, p)
        rings.setdefault(code, []).extend(_rings(feature.get("geometry") or {}))
    if not props:
        raise ConfigurationError("streets.geojson", "features", "no street in it")
    _current.streets = tuple(_street(code, p, order, tuple(rings[code])) for order, (code, p) in enumerate(props.items()))
    _current.version += 1
    return _current.streets


def _street(code: str, p: Mapping[str, Any], order: int, rings: tuple[Ring, ...]) -> Street:
    x, y = p.get("label") or _middle(rings)
    return Street(code, str(p["zh"]), str(p.get("en") or p["zh"]), order, (float(x), float(y)), rings)


def _rings(geometry: Mapping[str, Any]) -> list[Ring]:
    kind, coordinates = geometry.get("type"), geometry.get("coordinates", [])
    if kind not in ("Polygon", "MultiPolygon"):
        raise ConfigurationError("streets.geojson", "geometry", f"a street is a Polygon or MultiPolygon, not {kind}")
    polygons = [coordinates] if kind == "Polygon" else coordinates
    return [tuple((float(x), float(y)) for x, y, *_ in ring) for polygon in polygons for ring in polygon]


def _middle(rings: tuple[Ring, ...]) -> tuple[float, float]:
    """Where to write a name nobody placed: the middle of the longest ring."""
    ring = np.array(max(rings, key=len))
    return float(ring[:, 0].mean()), float(ring[:, 1].mean())


def street(code: str) -> Street | None:
    """The street of a 9-digit code."""
    return next((s for s in streets() if s.code == code), None)


def known_streets() -> frozenset[str]:
    """All street codes."""
    return frozenset(s.code for s in streets())


def street_code(text: str | None) -> str | None:
    """The code meant by a code (9 digits or longer), a Chinese name with or without 街道, or an English one."""
    if not text:
        return None
    return _by_name(_current.version, str(text))


@lru_cache(maxsize=4096)
def _by_name(_version: int, text: str) -> str | None:
    wanted = text.strip()
    digits = re.match(r"\d{9}", wanted)
    if digits:
        return digits[0] if street(digits[0]) else None
    zh = re.sub(r"^(重庆市?)?(渝中区?)?", "", wanted).removesuffix("办事处").removesuffix("街道")
    en = re.sub(r"[^a-z]", "", re.sub(r"\b(sub-?district|street|jiedao)\b", "", wanted.lower()))
    hits = (s.code for s in streets() if zh == s.short or (en and en == re.sub(r"[^a-z]", "", s.en.lower())))
    return next(hits, None)


def street_at(lon: float | None, lat: float | None) -> str | None:
    """The street a WGS84 point lies in, or the nearest one within 300 m."""
    return None if lon is None or lat is None else streets_at([lon], [lat])[0]


def streets_at(lons: Iterable[float | None] | Floats, lats: Iterable[float | None] | Floats) -> list[str | None]:
    """`street_at` for many points at once; a point without coordinates has no street."""
    x, y = _floats(lons), _floats(lats)
    found = np.full(x.shape, -1)
    everyone = streets()
    for one in everyone:
        open_ones = np.flatnonzero((found < 0) & _near(one, x, y, 0.0))
        found[open_ones[_inside(one.edges, x[open_ones], y[open_ones])]] = one.order
    _nearest(everyone, x, y, found)
    return [everyone[i].code if i >= 0 else None for i in found]


def _floats(values: Iterable[float | None] | Floats) -> Floats:
    if isinstance(values, np.ndarray):
        return values.astype(np.float64)
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)


def _near(one: Street, x: Floats, y: Floats, margin: float) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Points inside the street's bounding box, widened by a margin in degrees."""
    west, east = one.edges[:, 0].min() - margin, one.edges[:, 0].max() + margin
    south, north = one.edges[:, 1].min() - margin, one.edges[:, 1].max() + margin
    return np.asarray((x >= west) & (x <= east) & (y >= south) & (y <= north))


def _inside(edges: Floats, x: Floats, y: Floats) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Even-odd rule; half-open, so that a point on a shared edge is in exactly one of the two streets."""
    inside = np.zeros(x.shape, dtype=bool)
    for part in _parts(len(x), len(edges)):
        px, py = x[part, None], y[part, None]
        x1, y1, x2, y2 = edges.T
        crosses = (y1 > py) != (y2 > py)
        with np.errstate(divide="ignore", invalid="ignore"):
            left = px < (x2 - x1) * (py - y1) / (y2 - y1) + x1
        inside[part] = (crosses & left).sum(axis=1) % 2 == 1
    return inside


def _parts(points: int, edges: int) -> list[slice]:
    step = max(1, _CHUNK // max(1, edges))
    return [slice(i, i + step) for i in range(0, points, step)]


def _nearest(everyone: tuple[Street, ...], x: Floats, y: Floats, found: np.ndarray[Any, Any]) -> None:
    """Give points outside every street to the nearest one within reach."""
    best = np.full(x.shape, NEAR_M)
    for one in everyone:
        close = np.flatnonzero((found < 0) & _near(one, x, y, 0.004))
        metres = _distance(one.edges, x[close], y[close])
        closer = metres < best[close]
        best[close[closer]] = metres[closer]
        found[close[closer]] = -2 - one.order  # kept negative while others may be closer still
    taken = found <= -2
    found[taken] = -2 - found[taken]


def _distance(edges: Floats, x: Floats, y: Floats) -> Floats:
    """Metres from each point to the nearest edge, on a plane: good to a few per mille at these lengths."""
    per_lat = 110_900.0
    per_lon = 111_320.0 * np.cos(np.radians(edges[0, 1]))
    nearest = np.full(x.shape, np.inf)
    ax, ay = edges[:, 0] * per_lon, edges[:, 1] * per_lat
    dx, dy = edges[:, 2] * per_lon - ax, edges[:, 3] * per_lat - ay
    length = np.maximum(dx * dx + dy * dy, 1e-9)
    for part in _parts(len(x), len(edges)):
        px, py = x[part, None] * per_lon, y[part, None] * per_lat
        t = np.clip(((px - ax) * dx + (py - ay) * dy) / length, 0, 1)
        nearest[part] = np.hypot(px - ax - t * dx, py - ay - t * dy).min(axis=1)
    return nearest
