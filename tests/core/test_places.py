"""A point, a code or a name leads to its street, as fast as a pull needs it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from time import perf_counter

import numpy as np
import pytest

from dashboard.core import places
from dashboard.core.errors import ConfigurationError


@pytest.fixture
def as_shipped() -> Iterator[None]:
    """The shipped streets are back after a test that replaces them."""
    yield
    places.use_streets(json.loads((places.ASSETS / "streets.geojson").read_text("utf-8"))["features"])


def test_there_are_eleven_streets_from_west_to_east() -> None:
    assert "".join(s.short for s in places.streets()) == "化龙桥石油路大坪上清寺两路口菜园坝大溪沟七星岗南纪门解放碑朝天门"
    assert [s.order for s in places.streets()] == list(range(11))


@pytest.mark.parametrize(
    "text", ["500103003", "500103003001", "解放碑街道", "解放碑", "重庆市渝中区解放碑街道办事处", "Jiefangbei", "jiefangbei street"]
)
def test_a_street_is_known_by_code_and_by_either_name(text: str) -> None:
    assert places.street_code(text) == "500103003"


@pytest.mark.parametrize("text", [None, "", "渝中区", "500103002", "望龙门街道", "Street"])
def test_what_is_no_street_today_is_none(text: str | None) -> None:
    assert places.street_code(text) is None


def test_a_monument_is_in_its_street() -> None:
    assert places.street_at(106.57385, 29.55768) == "500103003"  # 解放碑
    assert places.street_at(106.58451, 29.56906) == "500103010"  # 朝天门广场


def test_a_pier_in_the_river_belongs_to_the_bank_beside_it_and_the_far_bank_to_none() -> None:
    assert places.street_at(106.5505, 29.5695) == "500103005"  # 曾家岩大桥, on the water
    assert places.street_at(106.578, 29.5885) is None  # 朝天门大桥, between other districts


def test_a_point_without_coordinates_has_no_street() -> None:
    assert places.street_at(None, 29.5) is None
    assert places.streets_at([106.57385, None], [29.55768, None]) == ["500103003", None]


def test_a_point_on_a_shared_limit_is_in_exactly_one_street() -> None:
    lons, lats = zip(*{p for s in places.streets() for ring in s.polygon for p in ring}, strict=True)
    assert None not in places.streets_at(lons, lats)


def test_a_hundred_thousand_points_take_well_under_a_second() -> None:
    rng = np.random.default_rng(1)
    lons, lats = rng.uniform(106.48, 106.59, 100_000), rng.uniform(29.53, 29.575, 100_000)
    start = perf_counter()
    found = places.streets_at(lons, lats)
    assert perf_counter() - start < 1.0
    assert len(found) == 100_000


def test_an_authoritys_streets_take_the_place_of_the_sketch(as_shipped: None) -> None:
    square = [[106.0, 29.0], [107.0, 29.0], [107.0, 30.0], [106.0, 30.0], [106.0, 29.0]]
    outline = {"type": "Polygon", "coordinates": [square]}
    places.use_streets([{"properties": {"code": "500103003", "zh": "解放碑街道"}, "geometry": outline}])
    assert places.street_at(106.1, 29.1) == "500103003"
    assert places.street_code("朝天门") is None


def test_a_street_without_a_code_is_refused_by_name_of_what_is_missing() -> None:
    with pytest.raises(ConfigurationError, match="needs code and zh"):
        places.use_streets([{"properties": {"name": "某街道"}, "geometry": {"type": "Polygon", "coordinates": []}}])
