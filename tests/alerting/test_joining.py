"""Which alerts belong together: every rule at its limit and just past it, in order and in floods of any shape."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pyproj import Geod

from dashboard.alerting.joining import Board, Joined, Raised
from dashboard.core.datum import metres_between
from dashboard.core.noise import NoiseLimits

NOON = datetime(2026, 5, 20, 4, 0, tzinfo=UTC)
LIMITS = NoiseLimits(near_m=150, within_min=10, spread_m=400, span_min=60, silence_h=72, ref="测试", confidence="default")
LON, LAT = 106.57, 29.56
EAST_M = 1 / (111_320 * math.cos(math.radians(LAT)))  # degrees a metre, roughly


def raised(number: int, minutes: float = 0, east: float | None = 0, own: str = "", whole: str = "") -> Raised:
    """An alert so many minutes after noon and metres to the east."""
    place = (LON + east * EAST_M, LAT) if east is not None else (None, None)
    at = NOON + timedelta(minutes=minutes)
    return Raised(alert_id=number, number=f"A{number}", at=at, own=own or f"bridges/{number}", whole=whole, lon=place[0], lat=place[1])


def joined(first: Raised, second: Raised, limits: NoiseLimits = LIMITS) -> Joined | None:
    board = Board(limits)
    board.put(1, first)
    return board.join(second)


CASES = [
    ("near, both just within", raised(1), raised(2, 10, 149), "near"),
    ("as near before as after", raised(1, 10), raised(2, 0, 149), "near"),
    ("a little too far", raised(1), raised(2, 0, 152), None),
    ("a little too late", raised(1), raised(2, 10.1, 0), None),
    ("the same asset within the hour", raised(1, own="bridges/7"), raised(2, 60, own="bridges/7"), "asset"),
    ("the same asset after the hour", raised(1, own="bridges/7"), raised(2, 61, own="bridges/7"), None),
    ("the same asset without a place", raised(1, 0, None, "loop/x"), raised(2, 20, None, "loop/x"), "asset"),
    ("rooms of one building", raised(1, 0, None, "rentals/r1", "rentals/b"), raised(2, 20, None, "rentals/r2", "rentals/b"), "part"),
    ("a room and its building", raised(1, 0, None, "rentals/b"), raised(2, 20, None, "rentals/r2", "rentals/b"), "part"),
    ("the same number in another domain", raised(1, 0, None, "air/7"), raised(2, 0, None, "water/7"), None),
    ("two without a place", raised(1, 0, None), raised(2, 0, None), None),
    ("one asset, too far apart for one rectangle", raised(1, own="ships/1"), raised(2, 5, 401, own="ships/1"), None),
]


@pytest.mark.parametrize(("first", "second", "rule"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_each_rule_at_its_limit_and_past_it(first: Raised, second: Raised, rule: str | None) -> None:
    found = joined(first, second)
    assert (found.rule if found else None) == rule


def test_a_join_is_explained_with_its_numbers() -> None:
    near = joined(raised(1), raised(2, 4, 120))
    assert near == Joined(situation=1, rule="near", beside="A1", minutes=4.0, metres=near.metres if near else 0)
    assert near is not None and near.metres is not None and abs(near.metres - 120) < 1
    part = joined(raised(1, 0, None, "rentals/r1", "rentals/b"), raised(2, 2, None, "rentals/r2", "rentals/b"))
    assert part is not None and (part.rule, part.through, part.minutes) == ("part", "rentals/b", 2.0)


def test_the_same_asset_comes_before_what_is_only_near() -> None:
    board = Board(LIMITS)
    board.put(1, raised(1, 0, 10))
    board.put(2, raised(2, 0, 100, own="bridges/7"))
    found = board.join(raised(3, 1, 100, own="bridges/7"))
    assert found is not None and (found.situation, found.rule) == (2, "asset")


def test_a_row_of_neighbours_is_one_until_it_is_too_long() -> None:
    """Each is near the one before it; the chain is cut where the rectangle would be too wide."""
    board, found = Board(LIMITS), []
    for number in range(8):
        one = raised(number, number, number * 140)
        place = board.join(one)
        found.append(place.situation if place else number)
        board.put(found[-1], one)
    assert found == [0, 0, 0, 3, 3, 3, 6, 6]


def test_metres_are_those_of_the_ellipsoid() -> None:
    geod, dice = Geod(ellps="WGS84"), random.Random(1)
    for _ in range(500):
        lon, lat = dice.uniform(-170, 170), dice.uniform(-70, 70)
        east, north = dice.uniform(-0.004, 0.004), dice.uniform(-0.004, 0.004)
        true = geod.inv(lon, lat, lon + east, lat + north)[2]
        assert metres_between(lon, lat, lon + east, lat + north) == pytest.approx(true, abs=0.002)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_comes_no_situation_is_too_wide_or_too_long_and_every_join_is_true(seed: int) -> None:
    dice, board = random.Random(seed), Board(LIMITS)
    members: dict[int, list[Raised]] = {}
    for number in range(400):
        own = f"bridges/{dice.randrange(60)}" if dice.random() < 0.3 else ""
        whole = f"bridges/w{dice.randrange(20)}" if dice.random() < 0.2 else ""
        east = dice.choice((None, dice.uniform(0, 3000), dice.gauss(500, 90)))
        one = raised(number, dice.uniform(0, 180), east, own, whole)
        one = replace(one, lat=LAT + dice.uniform(0, 0.004)) if one.lat else one
        found = board.join(one)
        place = found.situation if found else number
        if found:
            beside = next(m for m in members[place] if m.number == found.beside)
            _is_true(found, one, beside)
        members.setdefault(place, []).append(one)
        board.put(place, one)
    for crowd in members.values():
        assert max(m.at for m in crowd) - min(m.at for m in crowd) <= 2 * LIMITS.span
        assert all(abs(m.at - crowd[0].at) <= LIMITS.span for m in crowd)
        placed = [(m.lon, m.lat) for m in crowd if m.lon is not None and m.lat is not None]
        assert all(metres_between(*a, *b) <= LIMITS.spread_m + 0.01 for a in placed for b in placed)


def _is_true(found: Joined, one: Raised, beside: Raised) -> None:
    if found.rule == "near":
        assert one.lon is not None and one.lat is not None and beside.lon is not None and beside.lat is not None
        assert metres_between(one.lon, one.lat, beside.lon, beside.lat) <= LIMITS.near_m
        assert abs(one.at - beside.at) <= timedelta(minutes=LIMITS.within_min)
    else:
        assert (found.rule == "asset") == (one.own == beside.own)
        assert set(one.kin) & set(beside.kin)


@pytest.mark.parametrize("seed", range(5))
def test_what_is_near_is_found_wherever_the_squares_lie(seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(400):
        lon, lat = dice.uniform(106, 107), dice.uniform(29.1, 29.9)
        a = replace(raised(1), lon=lon, lat=lat)
        b = replace(raised(2), lon=lon + dice.uniform(-0.0025, 0.0025), lat=lat + dice.uniform(-0.0025, 0.0025))
        assert a.lon is not None and a.lat is not None and b.lon is not None and b.lat is not None
        assert (joined(a, b) is not None) == (metres_between(a.lon, a.lat, b.lon, b.lat) <= LIMITS.near_m)
