"""An authority's layer replaces the sketch once its datum is proven; anything doubtful is refused with advice and changes nothing."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import shapefile
import sqlalchemy as sa
from pyproj import Transformer
from shapely import transform
from shapely.geometry import Polygon, mapping, shape
from shapely.geometry.polygon import orient

from dashboard.core import datum, places
from dashboard.core.datum import DatumError
from dashboard.geo.features import GeoRefusedError
from dashboard.geo.files import GeoFileError
from dashboard.geo.imports import Imported, import_layer
from dashboard.geo.layers import drop_layer, read_layer, shipped_layer, use_stored_streets
from dashboard.store.engine import open_store, writing
from dashboard.store.schema import audit, metadata, topic

NOW = datetime(2025, 6, 18, 6, 32, tzinfo=UTC)
Move = Callable[[Any, Any], tuple[Any, Any]]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    metadata.create_all(engine)
    yield engine
    engine.dispose()
    places.use_streets(shipped_layer("streets")["features"])


def drawn(tmp_path: Path, layer: str, move: Move, **crs: Any) -> Path:
    """The sketch's layer as an authority would hand it over: another datum, other columns."""
    features = [
        {
            "type": "Feature",
            "properties": {"名称": f["properties"]["zh"], "联系人": "张三", "电话": "13800000000"},
            "geometry": mapping(transform(shape(f["geometry"]), lambda xy: _columns(move, xy))),
        }
        for f in shipped_layer(layer)["features"]
    ]
    path = tmp_path / f"{layer}.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features, **crs}, ensure_ascii=False), "utf-8")
    return path


def _columns(move: Move, xy: Any) -> Any:
    out = xy.copy()
    out[:, 0], out[:, 1] = move(xy[:, 0], xy[:, 1])
    return out


def same(x: Any, y: Any) -> tuple[Any, Any]:
    return x, y


def gcj(x: Any, y: Any) -> tuple[Any, Any]:
    return datum.from_wgs84(x, y, "GCJ-02")


def bd(x: Any, y: Any) -> tuple[Any, Any]:
    return datum.from_wgs84(x, y, "BD-09")


def gauss_krueger(code: str) -> Move:
    move = Transformer.from_crs("EPSG:4490", code, always_xy=True).transform
    return lambda x, y: move(x, y)


def taken(store: sa.Engine, path: Path, layer: str, system: str, **more: Any) -> Imported:
    return import_layer(store, path, layer, system, "GS(2025)1234号", NOW, **more)


def in_force(store: sa.Engine, layer: str) -> dict[str, Any]:
    with store.connect() as conn:
        return read_layer(conn, layer)


@pytest.mark.parametrize(
    ("system", "move"),
    [
        ("WGS84", same),
        ("CGCS2000", same),
        ("GCJ-02", gcj),
        ("BD-09", bd),
        ("EPSG:4544", gauss_krueger("EPSG:4544")),
        ("EPSG:4545", gauss_krueger("EPSG:4545")),
        ("EPSG:4523", gauss_krueger("EPSG:4523")),
    ],
)
def test_streets_of_any_usual_system_come_to_lie_where_they_are(store: sa.Engine, tmp_path: Path, system: str, move: Move) -> None:
    result = taken(store, drawn(tmp_path, "streets", move), "streets", system)
    assert result.fit > 0.99
    layer = in_force(store, "streets")
    assert (layer["schematic"], layer["review_no"]) == (False, "GS(2025)1234号")
    for old, new in zip(shipped_layer("streets")["features"], layer["features"], strict=True):
        assert new["properties"]["code"] == old["properties"]["code"]
        assert shape(new["geometry"]).symmetric_difference(shape(old["geometry"])).area < 2e-8  # some square metres


@pytest.mark.parametrize(
    ("layer", "move", "claimed", "likely"),
    [
        ("streets", gcj, "WGS84", "GCJ-02"),
        ("streets", gcj, "CGCS2000", "GCJ-02"),
        ("streets", same, "GCJ-02", "WGS84"),
        ("streets", bd, "GCJ-02", "BD-09"),
        ("boundary", gcj, "WGS84", "GCJ-02"),
        ("boundary", gauss_krueger("EPSG:4545"), "EPSG:4544", "EPSG:4545"),
        ("roads", gcj, "WGS84", "GCJ-02"),
        ("rivers", bd, "WGS84", "BD-09"),
    ],
)
def test_a_wrong_datum_is_refused_and_the_likely_one_named(
    store: sa.Engine, tmp_path: Path, layer: str, move: Move, claimed: str, likely: str
) -> None:
    with pytest.raises(GeoRefusedError, match=f"--datum {likely}"):
        taken(store, drawn(tmp_path, layer, move), layer, claimed)
    assert in_force(store, layer)["schematic"] is True


def test_who_is_certain_may_insist(store: sa.Engine, tmp_path: Path) -> None:
    taken(store, drawn(tmp_path, "boundary", gcj), "boundary", "WGS84", sure=True)
    assert in_force(store, "boundary")["schematic"] is False


def test_the_file_may_say_its_datum_itself_and_one_that_does_not_is_asked_about(store: sa.Engine, tmp_path: Path) -> None:
    said = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}}
    assert taken(store, drawn(tmp_path, "streets", same, crs=said), "streets", "").datum == "CGCS2000"
    with pytest.raises(GeoRefusedError, match="does not say its datum"):
        taken(store, drawn(tmp_path, "streets", same), "streets", "")


def test_only_names_are_kept_of_what_the_file_says(store: sa.Engine, tmp_path: Path) -> None:
    taken(store, drawn(tmp_path, "bridges", same), "bridges", "WGS84")
    layer = in_force(store, "bridges")
    assert "张三" not in json.dumps(layer, ensure_ascii=False)
    assert "13800000000" not in json.dumps(layer)
    assert layer["features"][0]["properties"]["en"] == "Hongyancun Bridge"  # known from the sketch by its Chinese name


def test_imported_streets_decide_where_points_belong_now_and_after_a_restart(store: sa.Engine, tmp_path: Path) -> None:
    before = places.street_at(106.5775, 29.5575)
    swapped = {"解放碑街道": "朝天门街道", "朝天门街道": "解放碑街道"}
    path = drawn(tmp_path, "streets", same)
    content = json.loads(path.read_text("utf-8"))
    for feature in content["features"]:
        feature["properties"] = {"街道名称": swapped.get(feature["properties"]["名称"], feature["properties"]["名称"])}
    path.write_text(json.dumps(content), "utf-8")
    taken(store, path, "streets", "WGS84")
    assert {before, places.street_at(106.5775, 29.5575)} == {"500103003", "500103010"}
    places.use_streets(shipped_layer("streets")["features"])
    with store.connect() as conn:
        assert use_stored_streets(conn)
    assert places.street_at(106.5775, 29.5575) != before


def test_a_street_abolished_since_goes_to_the_one_that_lies_there_now(store: sa.Engine, tmp_path: Path) -> None:
    path = drawn(tmp_path, "streets", same)
    content = json.loads(path.read_text("utf-8"))
    east = next(f for f in content["features"] if f["properties"]["名称"] == "朝天门街道")
    outline = shape(east["geometry"])
    west, south, east_edge, north = outline.bounds
    middle = (south + north) / 2
    halves = [outline.intersection(shape({"type": "Polygon", "coordinates": [box]})) for box in (
        [(west, south), (east_edge, south), (east_edge, middle), (west, middle), (west, south)],
        [(west, middle), (east_edge, middle), (east_edge, north), (west, north), (west, middle)],
    )]  # fmt: skip
    east["geometry"] = mapping(halves[1])
    content["features"].append({"type": "Feature", "properties": {"名称": "望龙门街道"}, "geometry": mapping(halves[0])})
    path.write_text(json.dumps(content), "utf-8")
    result = taken(store, path, "streets", "WGS84")
    assert any("望龙门街道" in f and "朝天门街道" in f for f in result.findings)
    assert places.street_at(106.582, 29.560) == "500103010"


def test_a_file_without_one_of_the_streets_is_refused_by_its_name(store: sa.Engine, tmp_path: Path) -> None:
    path = drawn(tmp_path, "streets", same)
    content = json.loads(path.read_text("utf-8"))
    content["features"] = [f for f in content["features"] if f["properties"]["名称"] != "大溪沟街道"]
    path.write_text(json.dumps(content), "utf-8")
    with pytest.raises(GeoRefusedError, match="大溪沟街道"):
        taken(store, path, "streets", "WGS84")


def shapefile_zip(tmp_path: Path, encoding: str, name: str = "街道/streets", *, wound_back: bool = False) -> Path:
    parts = {"shp": io.BytesIO(), "shx": io.BytesIO(), "dbf": io.BytesIO()}
    with shapefile.Writer(**parts, shapeType=shapefile.POLYGON, encoding=encoding) as out:
        out.field("NAME", "C", 40)
        for feature in shipped_layer("streets")["features"]:
            rings = mapping(transform(shape(feature["geometry"]), lambda xy: _columns(gauss_krueger("EPSG:4544"), xy)))["coordinates"]
            out.poly([orient(Polygon(ring), 1.0).exterior.coords for ring in rings] if wound_back else rings)
            out.record(feature["properties"]["zh"])
    path = tmp_path / "streets.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for ending, content in parts.items():
            archive.writestr(f"{name}.{ending}", content.getvalue())
        archive.writestr(f"{name}.prj", Transformer.from_crs("EPSG:4544", "EPSG:4490").source_crs.to_wkt("WKT1_ESRI"))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_zipped_survey_shapefile_needs_no_words_at_all(store: sa.Engine, tmp_path: Path, encoding: str) -> None:
    result = taken(store, shapefile_zip(tmp_path, encoding), "streets", "")
    assert (result.datum, result.features) == ("EPSG:4544", 11)
    assert places.street_at(106.57385, 29.55768) == "500103003"


def test_rings_wound_the_other_way_are_taken_without_a_word(store: sa.Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    result = taken(store, shapefile_zip(tmp_path, "utf-8", wound_back=True), "streets", "")
    assert result.features == 11 and caplog.records == []


def test_an_archive_with_a_path_leading_out_is_refused(store: sa.Engine, tmp_path: Path) -> None:
    with pytest.raises(GeoFileError, match="leads out of the archive"):
        taken(store, shapefile_zip(tmp_path, "utf-8", "../streets"), "streets", "EPSG:4544")


BROKEN = {
    "not json": ("x.geojson", b"{", "not valid JSON"),
    "not geojson": ("x.geojson", b"[1, 2]", "not GeoJSON"),
    "no feature": ("x.geojson", b'{"type": "FeatureCollection", "features": []}', "no feature"),
    "no outline": ("x.geojson", b'{"type": "Feature", "geometry": {"type": "Polygon", "coordinates": 5}}', "feature 1"),
    "bytes": ("x.geojson", b"\xff\xfe\x00", "not UTF-8"),
    "no zip": ("x.zip", b"PK nothing", "not a readable zip"),
    "another kind": ("x.kml", b"<kml/>", "write a .geojson"),
    "half a shapefile": ("x.shp", b"\x00\x00\x27\x0a", "needs its .shp and .dbf"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_file_that_is_not_what_it_should_be_is_explained(store: sa.Engine, tmp_path: Path, case: str) -> None:
    name, content, words = BROKEN[case]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(GeoFileError, match=words):
        taken(store, tmp_path / name, "streets", "WGS84")


def test_latitude_written_first_is_noticed(store: sa.Engine, tmp_path: Path) -> None:
    with pytest.raises(GeoRefusedError, match="swap"):
        taken(store, drawn(tmp_path, "streets", lambda x, y: (y, x)), "streets", "WGS84")


def test_another_citys_map_is_refused(store: sa.Engine, tmp_path: Path) -> None:
    with pytest.raises(GeoRefusedError, match="does not lie on this district"):
        taken(store, drawn(tmp_path, "boundary", lambda x, y: (x + 1, y)), "boundary", "WGS84")


def test_the_wrong_kind_of_geometry_or_layer_or_datum_is_refused(store: sa.Engine, tmp_path: Path) -> None:
    with pytest.raises(GeoRefusedError, match="Polygon"):
        taken(store, drawn(tmp_path, "bridges", same), "streets", "WGS84")
    with pytest.raises(GeoRefusedError, match="no layer"):
        taken(store, drawn(tmp_path, "bridges", same), "bridge", "WGS84")
    with pytest.raises(DatumError, match="EPSG:4544"):
        taken(store, drawn(tmp_path, "bridges", same), "bridges", "somewhere")


def test_a_survey_on_an_old_ellipsoid_is_refused_because_it_may_be_a_hundred_metres_off(store: sa.Engine, tmp_path: Path) -> None:
    with pytest.raises(DatumError, match="100 m off"):
        taken(store, drawn(tmp_path, "bridges", same), "bridges", "EPSG:4610")


def test_an_import_is_on_record_redraws_the_screens_and_can_be_taken_back(store: sa.Engine, tmp_path: Path) -> None:
    taken(store, drawn(tmp_path, "roads", same), "roads", "WGS84", actor="王工")
    with writing(store).begin() as conn:
        assert conn.execute(sa.select(audit.c.actor, audit.c.action, audit.c.object)).all() == [("王工", "geo.import", "roads")]
        assert conn.execute(sa.select(topic.c.version).where(topic.c.topic == "geo")).scalar() == 1
        assert drop_layer(conn, "roads", "王工", NOW)
        assert not drop_layer(conn, "roads", "王工", NOW)
    assert in_force(store, "roads")["schematic"] is True


def test_without_a_review_number_the_map_says_so(store: sa.Engine, tmp_path: Path) -> None:
    result = import_layer(store, drawn(tmp_path, "roads", same), "roads", "WGS84", "", NOW)
    assert any("审图号" in f for f in result.findings)


def test_the_limit_follows_the_streets_unless_an_authority_gave_its_own(store: sa.Engine, tmp_path: Path) -> None:
    def east(x: Any, y: Any) -> tuple[Any, Any]:
        return x + 0.0005, y

    taken(store, drawn(tmp_path, "streets", east), "streets", "WGS84")
    follows = shape(in_force(store, "boundary")["features"][0]["geometry"])
    assert follows.bounds[0] == pytest.approx(shape(shipped_layer("boundary")["features"][0]["geometry"]).bounds[0] + 0.0005)
    with writing(store).begin() as conn:
        drop_layer(conn, "streets", "operator", NOW)
    assert in_force(store, "boundary")["schematic"] is True
    taken(store, drawn(tmp_path, "boundary", same), "boundary", "WGS84")
    taken(store, drawn(tmp_path, "streets", east), "streets", "WGS84")
    assert "follows" not in in_force(store, "boundary")


def test_rivers_without_courses_keep_their_names(store: sa.Engine, tmp_path: Path) -> None:
    path = drawn(tmp_path, "rivers", same)
    content = json.loads(path.read_text("utf-8"))
    content["features"] = [f for f in content["features"] if f["geometry"]["type"] == "Polygon"]
    path.write_text(json.dumps(content), "utf-8")
    taken(store, path, "rivers", "WGS84")
    kinds = [(f["properties"]["kind"], f["properties"]["zh"]) for f in in_force(store, "rivers")["features"]]
    assert ("centre", "长江") in kinds
    assert ("water", "长江") in kinds
