"""Which alerts belong together, pure: the same asset, parts of the same one, or near by place and time; within limits of spread and span.

A situation grows through its members, so its rectangle and its span are bounded: it must not swallow the city.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from dashboard.core.datum import metres_between
from dashboard.core.noise import NoiseLimits

_CELL = 0.01  # part of a degree more than need be: what is near is in the same cell or one beside it
_M_PER_DEGREE = 110_500.0  # of latitude, at least

Rule = Literal["asset", "part", "near"]
Cell = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Raised:
    """An alert as far as joining goes."""

    alert_id: int
    number: str
    at: datetime
    own: str  # domain/asset
    whole: str = ""  # domain/asset that its asset is part of
    lon: float | None = None
    lat: float | None = None

    @property
    def kin(self) -> tuple[str, ...]:
        """The things it is about, from the nearest to the whole."""
        return (self.own, self.whole) if self.whole else (self.own,)


@dataclass(frozen=True, kw_only=True)
class Joined:
    """Which situation an alert joins, and why: beside which member, how far from it, how long apart."""

    situation: int
    rule: Rule
    beside: str
    minutes: float
    metres: float | None = None
    through: str = ""  # the asset both are part of


@dataclass
class Gathering:
    """A situation as far as joining goes."""

    opened: datetime
    box: tuple[float, float, float, float] | None = None  # west, south, east, north

    def takes(self, one: Raised, limits: NoiseLimits) -> bool:
        """Whether it would stay within its limits."""
        if abs(one.at - self.opened) > limits.span:
            return False
        wider = self.around(one)
        return wider is None or metres_between(wider[0], wider[1], wider[2], wider[3]) <= limits.spread_m

    def around(self, one: Raised) -> tuple[float, float, float, float] | None:
        """Its rectangle once an alert is in it."""
        if one.lon is None or one.lat is None:
            return self.box
        west, south, east, north = self.box or (one.lon, one.lat, one.lon, one.lat)
        return min(west, one.lon), min(south, one.lat), max(east, one.lon), max(north, one.lat)


@dataclass
class Board:
    """Situations that are open, and their members by what they are about and by where they are."""

    limits: NoiseLimits
    situations: dict[int, Gathering] = field(default_factory=dict)
    _by_kin: dict[str, list[tuple[int, Raised]]] = field(default_factory=dict)
    _by_cell: dict[Cell, list[tuple[int, Raised]]] = field(default_factory=dict)

    def put(self, situation: int, one: Raised) -> None:
        """A member more."""
        known = self.situations.setdefault(situation, Gathering(one.at))
        known.box = known.around(one)
        for name in one.kin:
            self._by_kin.setdefault(name, []).append((situation, one))
        if (cell := self._cell(one)) is not None:
            self._by_cell.setdefault(cell, []).append((situation, one))

    def join(self, one: Raised) -> Joined | None:
        """Where an alert belongs; None: it begins a situation of its own. What is the same asset comes before what is near."""
        full: set[int] = set()  # looked at once however many of its members are near
        for found in self._candidates(one, full):
            if self.situations[found.situation].takes(one, self.limits):
                return found
            full.add(found.situation)
        return None

    def _candidates(self, one: Raised, full: set[int]) -> Iterator[Joined]:
        for name in one.kin:
            for situation, other in self._by_kin.get(name, ()):
                if situation not in full:
                    same = other.own == one.own
                    rule: Rule = "asset" if same else "part"
                    through = "" if same else name
                    yield Joined(situation=situation, rule=rule, beside=other.number, minutes=_minutes(one, other), through=through)
        within = timedelta(minutes=self.limits.within_min)
        for situation, other in self._around(one):
            if situation not in full and abs(one.at - other.at) <= within and (apart := _metres(one, other)) <= self.limits.near_m:
                yield Joined(situation=situation, rule="near", beside=other.number, minutes=_minutes(one, other), metres=round(apart, 1))

    def _around(self, one: Raised) -> Iterator[tuple[int, Raised]]:
        cell = self._cell(one)
        if cell is not None:
            for x in (0, -1, 1):
                for y in (0, -1, 1):
                    yield from self._by_cell.get((cell[0] + x, cell[1] + y), ())

    def _cell(self, one: Raised) -> Cell | None:
        """Squares a little wider than `near_m`, as wide everywhere within a degree of latitude."""
        if one.lon is None or one.lat is None:
            return None
        high = self.limits.near_m * (1 + _CELL) / _M_PER_DEGREE
        wide = high / math.cos(math.radians(min(abs(math.floor(one.lat)) + 1, 89)))
        return math.floor(one.lon / wide), math.floor(one.lat / high)


def _metres(one: Raised, other: Raised) -> float:
    assert one.lon is not None and one.lat is not None and other.lon is not None and other.lat is not None
    return metres_between(one.lon, one.lat, other.lon, other.lat)


def _minutes(one: Raised, other: Raised) -> float:
    return round(abs(one.at - other.at).total_seconds() / 60, 1)
