"""Where on the underground loop something is, by chainage alone: its arc, its way along the one-way ring, its place on the sketch."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any


@dataclass(frozen=True)
class Arc:
    """A stretch of the ring between two chainages."""

    id: str
    zh: str
    en: str
    start: float
    end: float

    @property
    def length(self) -> float:
        """Metres."""
        return self.end - self.start


@cache
def _ring() -> dict[str, Any]:
    return tomllib.loads(files("data_sources").joinpath("loop_ring.toml").read_text("utf-8"))


@cache
def arcs() -> tuple[Arc, ...]:
    """The ring's arcs in the order they are driven."""
    return tuple(Arc(a["id"], a["zh"], a["en"], float(a["from"]), float(a["to"])) for a in _ring()["arc"])


def ring_length() -> float:
    """Metres once round."""
    return float(_ring()["length_m"])


def arc_at(chainage: float) -> Arc:
    """The arc a chainage lies on. Raises ValueError beyond the ring: a chainage is never folded back by guess."""
    if not 0 <= chainage < ring_length():
        raise ValueError(f"桩号{chainage:g}不在0至{ring_length():g}米的环道上")
    return next(a for a in arcs() if a.start <= chainage < a.end)


def advance(start: float, end: float) -> float:
    """How far something came between two fixes, metres along the traffic; negative against it.

    The shorter way round is taken: a fix just past the zero point went on, it did not drive back a whole ring.
    """
    length = ring_length()
    ahead = (end - start) % length
    return ahead if ahead <= length / 2 else ahead - length


def flow_index(free_kmh: float, actual_kmh: float) -> float:
    """Free-flow time over actual time: 1 is free, near 0 stands still."""
    if free_kmh <= 0:
        raise ValueError("自由流车速必须大于零")
    return min(actual_kmh / free_kmh, 1.0)


def place_at(chainage: float) -> tuple[float, float]:
    """Longitude and latitude on the schematic map."""
    points = [(float(x), float(y)) for x, y in _ring()["drawn"]]
    legs = [math.hypot((b[0] - a[0]) * math.cos(math.radians(a[1])), b[1] - a[1]) for a, b in pairwise(points)]
    way = (chainage % ring_length()) / ring_length() * sum(legs)
    for (a, b), leg in zip(pairwise(points), legs, strict=True):
        if way <= leg:
            return a[0] + (b[0] - a[0]) * way / leg, a[1] + (b[1] - a[1]) * way / leg
        way -= leg
    return points[-1]
