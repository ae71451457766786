"""The district's real outline, streets, roads and water take the place of the sketch; a web map's datum does not slip in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from shapely.geometry import shape
from shapely.ops import unary_union

from dashboard.core import places
from dashboard.geo.features import GeoRefusedError
from dashboard.geo.imports import Imported, import_layer
from dashboard.geo.layers import read_layer, shipped_layer

from .conftest import Cockpit

NOW = datetime(2026, 1, 1, tzinfo=UTC)
YUZHONG = "yuzhong_streets_roads_water_wgs84/{}_500103.json"
DISTRICTS = "chongqing_districts/districts_{}.geojson"


@pytest.fixture
def geometry(cockpit: Cockpit, shared: Path) -> Iterator[tuple[Cockpit, Path]]:
    yield cockpit, shared / "data/geometry"
    places.use_streets(shipped_layer("streets")["features"])


def taken(given: tuple[Cockpit, Path], file: str, layer: str, datum: str) -> Imported:
    cockpit, folder = given
    return import_layer(cockpit.store, folder / file, layer, datum, "", NOW)


@pytest.mark.parametrize(("file", "layer"), [("streets", "streets"), ("roads", "roads"), ("rail", "roads"), ("water", "rivers")])
def test_a_wgs84_layer_is_taken_as_such_and_refused_as_a_web_maps(geometry: tuple[Cockpit, Path], file: str, layer: str) -> None:
    with pytest.raises(GeoRefusedError, match="--datum WGS84"):
        taken(geometry, YUZHONG.format(file), layer, "GCJ-02")
    assert taken(geometry, YUZHONG.format(file), layer, "WGS84").datum == "WGS84"


@pytest.mark.parametrize(
    ("kind", "datum", "wrong"),
    [("amap_gcj02", "GCJ-02", "WGS84"), ("amap_wgs84", "WGS84", "GCJ-02"), ("tianditu_cgcs2000", "CGCS2000", "GCJ-02")],
)
@pytest.mark.parametrize("streets_first", [False, True], ids=["against the sketch", "against the real streets"])
def test_the_outline_is_found_among_all_districts_and_its_datum_proven(
    geometry: tuple[Cockpit, Path], kind: str, datum: str, wrong: str, streets_first: bool
) -> None:
    if streets_first:
        taken(geometry, YUZHONG.format("streets"), "streets", "WGS84")
    with pytest.raises(GeoRefusedError, match="Import it with --datum"):
        taken(geometry, DISTRICTS.format(kind), "boundary", wrong)
    result = taken(geometry, DISTRICTS.format(kind), "boundary", datum)
    assert result.features == 1
    assert result.fit > (0.95 if streets_first and datum != "CGCS2000" else 0.8)


def test_the_old_division_of_twelve_streets_becomes_todays_eleven(geometry: tuple[Cockpit, Path]) -> None:
    result = taken(geometry, YUZHONG.format("streets"), "streets", "WGS84")
    assert any("望龙门街道" in finding for finding in result.findings)
    given = json.loads((geometry[1] / YUZHONG.format("streets")).read_text("utf-8"))["features"]
    with geometry[0].store.connect() as conn:
        drawn = [shape(f["geometry"]) for f in read_layer(conn, "streets")["features"]]
    assert len(drawn) == 11
    before, after = unary_union([shape(f["geometry"]) for f in given]), unary_union(drawn)
    assert before.symmetric_difference(after).area / before.area < 0.005


def test_points_are_then_found_by_the_real_limits(geometry: tuple[Cockpit, Path]) -> None:
    taken(geometry, YUZHONG.format("streets"), "streets", "WGS84")
    given = json.loads((geometry[1] / YUZHONG.format("streets")).read_text("utf-8"))["features"]
    inside = [(f["properties"]["name"], shape(f["geometry"]).representative_point()) for f in given]
    found = places.streets_at([p.x for _, p in inside], [p.y for _, p in inside])
    assert [places.street_code(name) or "500103010" for name, _ in inside] == found
