"""The shipped sketch map is clean, coarse, complete, and says that it is a sketch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from shapely.geometry import Point, shape
from shapely.ops import unary_union

from dashboard.core.places import ASSETS, streets

LAYERS = ("boundary", "bridges", "loop", "neighbours", "rivers", "roads", "streets", "tunnels")
CENTRES = {  # published estimates of where each street lies
    "500103001": (106.5615, 29.557), "500103003": (106.572, 29.5585), "500103004": (106.544, 29.556), "500103005": (106.545, 29.5625),
    "500103007": (106.546, 29.55), "500103008": (106.5675, 29.553), "500103010": (106.58, 29.5625), "500103011": (106.557, 29.564),
    "500103012": (106.523, 29.544), "500103013": (106.513, 29.553), "500103014": (106.506, 29.545),
}  # fmt: skip


def layer(name: str) -> dict[str, Any]:
    return dict(json.loads((ASSETS / f"{name}.geojson").read_text("utf-8")))


def numbers(coordinates: Any) -> list[float]:
    return [coordinates] if isinstance(coordinates, int | float) else [n for part in coordinates for n in numbers(part)]


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_says_it_is_a_sketch_and_keeps_to_the_coarse_grid(name: str) -> None:
    drawn = layer(name)
    assert "示意图" in drawn["note"]
    assert drawn["datum"] == "WGS84"
    for feature in drawn["features"]:
        assert feature["properties"]["zh"]
        assert feature["properties"]["en"]
        assert all(n == round(n, 3) for n in numbers(feature["geometry"]["coordinates"]))


def test_there_is_no_layer_nobody_draws() -> None:
    assert {p.stem for p in Path(ASSETS).glob("*.geojson")} == set(LAYERS)


def test_streets_meet_without_gap_or_overlap_and_fill_the_district() -> None:
    outlines = [shape(f["geometry"]) for f in layer("streets")["features"]]
    whole = unary_union(outlines)
    assert all(o.is_valid for o in outlines)
    assert whole.geom_type == "Polygon"
    assert not whole.interiors
    assert sum(o.area for o in outlines) == pytest.approx(whole.area, rel=1e-9)
    assert shape(layer("boundary")["features"][0]["geometry"]).symmetric_difference(whole).area < 1e-12


@pytest.mark.parametrize("code", CENTRES)
def test_each_street_holds_its_published_centre(code: str) -> None:
    outline = next(shape(f["geometry"]) for f in layer("streets")["features"] if f["properties"]["code"] == code)
    assert outline.contains(Point(CENTRES[code]))


def test_names_stand_inside_their_streets() -> None:
    for street, feature in zip(streets(), layer("streets")["features"], strict=True):
        assert shape(feature["geometry"]).contains(Point(street.label))


def test_rivers_touch_the_banks_and_flow_towards_their_meeting() -> None:
    features = layer("rivers")["features"]
    district = shape(layer("boundary")["features"][0]["geometry"])
    water = [shape(f["geometry"]) for f in features if f["properties"]["kind"] == "water"]
    assert [w.is_valid for w in water] == [True, True]
    assert all(w.intersection(district).area < 1e-12 and w.touches(district) for w in water)
    centres = {f["properties"]["en"]: f["geometry"]["coordinates"] for f in features if f["properties"]["kind"] == "centre"}
    assert centres["Jialing River"][0][0] < centres["Jialing River"][-1][0]
    assert centres["Yangtze River"][0][1] < centres["Yangtze River"][-1][1]


def test_sixteen_crossings_span_the_water_they_are_said_to_span() -> None:
    water = {f["properties"]["zh"]: shape(f["geometry"]) for f in layer("rivers")["features"] if f["properties"]["kind"] == "water"}
    bridges = layer("bridges")["features"]
    assert len(bridges) == 16
    for bridge in bridges:
        assert shape(bridge["geometry"]).intersection(water[bridge["properties"]["over"]]).length > 0.002
