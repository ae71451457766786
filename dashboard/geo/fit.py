"""Whether a layer lies where the district lies: the check that tells one datum from another by overlap."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from dashboard.core.datum import DatumError
from dashboard.geo.systems import candidates, system_name, to_store

CLEARLY = 0.05  # another datum fits better by this much: the coarse sketch itself is good to about 0.02
NOWHERE = 0.2  # below this no datum explains the layer
AROUND = 0.004  # degrees about the district that are looked at: as far as a web map is off


@dataclass(frozen=True)
class Ground:
    """What we already know lies where: the district's land and the rivers' water, WGS84."""

    land: BaseGeometry
    water: BaseGeometry


@dataclass(frozen=True)
class Verdict:
    """How well each possible system fits; `trusted` if the claimed one may be believed."""

    claimed: str
    fits: dict[str, float]  # system → 0..1
    measurable: bool  # some layers, such as names of neighbours, overlap nothing

    @property
    def likely(self) -> str:
        """The system that fits best."""
        return max(self.fits, key=lambda k: self.fits[k])

    @property
    def fit(self) -> float:
        """How well the claimed system fits."""
        return self.fits[self.claimed]

    @property
    def trusted(self) -> bool:
        """The claimed system fits, and none fits clearly better."""
        return not self.measurable or (self.fit >= NOWHERE and self.fits[self.likely] - self.fit <= CLEARLY)


def judge(layer: str, geometries: Iterable[BaseGeometry], claimed: str, ground: Ground) -> Verdict:
    """Place the layer by the claimed system and by every other it could be in, and compare.

    CGCS2000 is tried as the WGS84 it equals, so that neither is preferred over the other.
    """
    whole = unary_union(list(geometries))
    others = [s for s in candidates(whole.bounds) if s != _twin(claimed)]
    fits = {s: _fit(layer, _placed(whole, s), ground) for s in (claimed, *others)}
    return Verdict(claimed, fits, layer != "neighbours")


def _twin(system: str) -> str:
    return "WGS84" if system == "CGCS2000" else system


def _placed(whole: BaseGeometry, system: str) -> BaseGeometry | None:
    try:
        placed = to_store(whole, system_name(system))
    except (DatumError, ValueError):
        return None
    west, south, east, north = placed.bounds
    return placed if -180 <= west <= east <= 180 and -90 <= south <= north <= 90 else None


def _fit(layer: str, placed: BaseGeometry | None, ground: Ground) -> float:
    if placed is None:
        return 0.0
    if layer in ("streets", "boundary"):
        return placed.intersection(ground.land).area / placed.union(ground.land).area
    seen = placed.intersection(ground.land.buffer(AROUND))
    target = ground.water if layer in ("rivers", "bridges") else ground.land
    size, hit = (seen.area, seen.intersection(target).area) if seen.area else (seen.length, seen.intersection(target).length)
    return hit / size if size else 0.0
