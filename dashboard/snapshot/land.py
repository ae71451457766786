"""The map as shapes: streets, rivers, bridges, roads and marks in metres, y down, ready to be drawn."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

from dashboard.core import places
from dashboard.core.declare import Text

LAYERS = ("boundary", "rivers", "roads", "bridges", "tunnels", "loop", "neighbours")
_M_PER_DEGREE = 111_320.0


@dataclass(frozen=True)
class Box:
    """A window on the land, metres."""

    x: float
    y: float
    w: float
    h: float

    def padded(self, share: float) -> Box:
        """The same window with air around it."""
        dx, dy = self.w * share, self.h * share
        return Box(self.x - dx, self.y - dy, self.w + 2 * dx, self.h + 2 * dy)

    def shaped(self, aspect: float) -> Box:
        """Widened or heightened around its middle to an aspect (w / h)."""
        w, h = max(self.w, self.h * aspect), max(self.h, self.w / aspect)
        return Box(self.x - (w - self.w) / 2, self.y - (h - self.h) / 2, w, h)

    def holds(self, x: float, y: float) -> bool:
        """Whether a point is in view."""
        return self.x < x < self.x + self.w and self.y < y < self.y + self.h

    @property
    def text(self) -> str:
        """As a viewBox."""
        return f"{self.x:.0f} {self.y:.0f} {self.w:.0f} {self.h:.0f}"


@dataclass(frozen=True)
class Named:
    """A drawn thing with its name and path data."""

    name: Text
    d: str
    at: tuple[float, float] = (0.0, 0.0)
    code: str = ""


@dataclass(frozen=True)
class Letter:
    """One character of a river's name along its course."""

    char: str
    x: float
    y: float
    turn: float


@dataclass(frozen=True)
class Land:
    """All layers, projected around the district's middle (equirectangular with cos φ, north up)."""

    layers: Mapping[str, Sequence[Mapping[str, Any]]]
    review_no: str = ""  # 审图号 of an authority's base map; empty: our own sketch
    origin: tuple[float, float] = field(default=(0.0, 0.0))

    def point(self, lon: float, lat: float) -> tuple[float, float]:
        """Metres east and south of the origin."""
        west, north = self.origin
        return (lon - west) * _M_PER_DEGREE * math.cos(math.radians(north)), (north - lat) * _M_PER_DEGREE

    def line(self, coordinates: Iterable[Sequence[float]]) -> str:
        """Path data of a line."""
        return "M" + "L".join(f"{x:.0f} {y:.0f}" for x, y in (self.point(c[0], c[1]) for c in coordinates))

    def shape(self, geometry: Mapping[str, Any]) -> str:
        """Path data of any geometry."""
        kind, c = geometry["type"], geometry["coordinates"]
        if kind == "LineString":
            return self.line(c)
        if kind == "MultiLineString":
            return "".join(self.line(part) for part in c)
        rings = c if kind == "Polygon" else [ring for part in c for ring in part]
        return "".join(self.line(ring) + "Z" for ring in rings)

    @cached_property
    def streets(self) -> list[Named]:
        """The streets, west to east."""
        return [
            Named(s.title, "".join(self.line(ring) + "Z" for ring in s.polygon), self.point(*s.label), s.code) for s in places.streets()
        ]

    @cached_property
    def outline(self) -> str:
        """The district's limit: as given, else all streets together."""
        given = self.layers.get("boundary", ())
        return "".join(self.shape(f["geometry"]) for f in given) or "".join(s.d for s in self.streets)

    def drawn(self, layer: str) -> list[Named]:
        """The lines and areas of a layer."""
        return [
            Named(_name(f), self.shape(f["geometry"]))
            for f in self.layers.get(layer, ())
            if f["geometry"]["type"] != "Point" and f["properties"].get("kind") != "centre"
        ]

    @cached_property
    def neighbours(self) -> list[Named]:
        """Names outside, where they stand."""
        return [
            Named(_name(f), "", self.point(*f["geometry"]["coordinates"][:2]))
            for f in self.layers.get("neighbours", ())
            if f["geometry"]["type"] == "Point"
        ]

    @cached_property
    def whole(self) -> Box:
        """The district with its rivers' near halves."""
        return self.around([s.code for s in places.streets()]).padded(0.045)

    def around(self, codes: Sequence[str]) -> Box:
        """The box of some streets."""
        points = [self.point(*p) for s in places.streets() if s.code in codes for ring in s.polygon for p in ring]
        if not points:
            return self.whole
        xs, ys = [p[0] for p in points], [p[1] for p in points]
        return Box(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))

    def river_names(self, size: float, lang: str) -> list[tuple[list[Letter], Letter]]:
        """Each river's name set along its course with an arrow downstream; `size` is the letter height in metres."""
        named = [f for f in self.layers.get("rivers", ()) if f["properties"].get("kind") == "centre" and "label" in f["properties"]]
        return [self._lettered(f, size, lang) for f in named]

    def _lettered(self, river: Mapping[str, Any], size: float, lang: str) -> tuple[list[Letter], Letter]:
        course = [self.point(c[0], c[1]) for c in river["geometry"]["coordinates"]]
        start = _nearest(course, self.point(*river["properties"]["label"]))
        word = _name(river)(lang)
        step = size * (0.72 if lang == "en" else 2.0)
        letters = [Letter(ch, *_along(course, start + i * step)) for i, ch in enumerate(word)]
        return letters, Letter("", *_along(course, start + len(word) * step + size * 0.6))


def _name(feature: Mapping[str, Any]) -> Text:
    p = feature["properties"]
    zh = str(p.get("zh") or p.get("name") or p.get("NAME") or "")
    return Text(zh, str(p.get("en") or zh))


def _nearest(course: Sequence[tuple[float, float]], at: tuple[float, float]) -> float:
    """Distance along a course of its vertex nearest to a point."""
    run, best, found = 0.0, math.inf, 0.0
    for i, p in enumerate(course):
        if i:
            run += math.dist(course[i - 1], p)
        if (d := math.dist(p, at)) < best:
            best, found = d, run
    return found


def _along(course: Sequence[tuple[float, float]], distance: float) -> tuple[float, float, float]:
    """The point at a distance along a course and the heading there, degrees."""
    run = 0.0
    for a, b in pairwise(course):
        length = math.dist(a, b)
        if run + length >= distance or b is course[-1]:
            t = (distance - run) / (length or 1.0)
            return a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, math.degrees(math.atan2(b[1] - a[1], b[0] - a[0]))
        run += length
    return course[-1][0], course[-1][1], 0.0


def load_land(imported: Mapping[str, tuple[str, str]]) -> Land:
    """The shipped sketch with an authority's layers put in place: layer → (GeoJSON text, 审图号)."""
    layers: dict[str, Sequence[Mapping[str, Any]]] = {}
    for name in LAYERS:
        text = imported[name][0] if name in imported else (places.ASSETS / f"{name}.geojson").read_text("utf-8")
        layers[name] = json.loads(text)["features"]
    if "streets" in imported and "boundary" not in imported:
        layers["boundary"] = ()
    labels = [s.label for s in places.streets()]
    origin = (sum(p[0] for p in labels) / len(labels), sum(p[1] for p in labels) / len(labels))
    return Land(layers, " ".join(sorted({no for _, no in imported.values() if no})), origin)
