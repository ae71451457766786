"""Points of every Chinese datum reach the store where they are on the ground."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dashboard.core import datum

PUBLISHED = [  # WGS84, GCJ-02, BD-09 of one place
    ((106.560000, 29.560000), (106.563704, 29.557135), (106.570135, 29.563454)),
]


@pytest.mark.parametrize(("wgs", "gcj", "bd"), PUBLISHED)
def test_the_published_vector_is_reproduced_both_ways(wgs: tuple[float, float], gcj: tuple[float, float], bd: tuple[float, float]) -> None:
    assert datum.from_wgs84(*wgs, "GCJ-02") == pytest.approx(gcj, abs=1e-6)
    assert datum.from_wgs84(*wgs, "BD-09") == pytest.approx(bd, abs=1e-6)
    assert datum.to_wgs84(*gcj, "GCJ-02") == pytest.approx(wgs, abs=1e-6)
    assert datum.to_wgs84(*bd, "BD-09") == pytest.approx(wgs, abs=1e-6)


@pytest.mark.parametrize("name", datum.DATUMS)
def test_there_and_back_is_the_same_place_to_a_millimetre_all_over_china(name: str) -> None:
    lon, lat = (a.ravel() for a in np.meshgrid(np.linspace(75, 134, 40), np.linspace(18, 53, 40)))
    back = datum.to_wgs84(*datum.from_wgs84(lon, lat, name), name)
    assert np.abs(back[0] - lon).max() < 1e-8
    assert np.abs(back[1] - lat).max() < 1e-8


def test_in_yuzhong_a_web_map_is_off_by_the_known_distance() -> None:
    east, north = np.subtract(datum.from_wgs84(106.56, 29.56, "GCJ-02"), (106.56, 29.56))
    assert east * 111_320 * np.cos(np.radians(29.56)) == pytest.approx(358, abs=2)
    assert north * 110_900 == pytest.approx(-318, abs=2)


def test_outside_china_nothing_moves() -> None:
    assert datum.from_wgs84(11.58, 48.14, "GCJ-02") == (11.58, 48.14)


@pytest.mark.parametrize("spelling", ["gcj02", "GCJ-02", "gcj_02", "Amap", " GCJ 02 "])
def test_a_datum_is_known_by_any_usual_spelling(spelling: str) -> None:
    assert datum.datum_name(spelling) == "GCJ-02"


def test_an_unknown_datum_is_refused_with_the_known_ones() -> None:
    with pytest.raises(datum.DatumError, match="WGS84, GCJ-02, BD-09, CGCS2000"):
        datum.to_wgs84(106.5, 29.5, "Beijing54")


def test_arrays_stay_arrays_and_floats_stay_floats() -> None:
    assert isinstance(datum.to_wgs84(106.5, 29.5, "BD-09")[0], float)
    assert datum.to_wgs84(np.array([106.5, np.nan]), np.array([29.5, 29.5]), "BD-09")[0].shape == (2,)


def test_from_one_web_map_to_another_needs_no_detour_by_the_caller() -> None:
    assert datum.convert(106.563704, 29.557135, "GCJ-02", "BD-09") == pytest.approx((106.570135, 29.563454), abs=1e-6)


def test_points_converted_by_others_agree(shared: Path) -> None:
    known = json.loads((shared / "data/alerts_coords/coord_vectors/eviltransform_vectors.json").read_text())
    for lat, lon, gcj_lat, gcj_lon in known["wgs_gcj"]:
        assert datum.from_wgs84(lon, lat, "GCJ-02") == pytest.approx((gcj_lon, gcj_lat), abs=1e-9)
    for lat, lon, wgs_lat, wgs_lon in known["bd_wgs"]:  # measured on a map, good to some 50 m
        assert datum.to_wgs84(lon, lat, "BD-09") == pytest.approx((wgs_lon, wgs_lat), abs=5e-4)
