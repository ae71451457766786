"""Features out of a GeoJSON file or a shapefile, read in memory and within limits; nothing is ever unpacked to disk."""

from __future__ import annotations

import io
import json
import logging
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import shapefile
from shapely import get_num_coordinates, make_valid
from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from dashboard.core.errors import CockpitError

logging.getLogger("shapefile").setLevel(logging.ERROR)  # it warns of every ring wound the other way, which we put right

MOST_BYTES = 200_000_000  # of a file, and of what a zip unpacks to
MOST_VERTICES = 3_000_000
_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")


class GeoFileError(CockpitError):
    """The file is not one we can read; the message says what to do."""


@dataclass(frozen=True)
class Shape:
    """One feature of the file: its outline as given, and what the file says about it."""

    geometry: BaseGeometry
    properties: dict[str, Any]


@dataclass(frozen=True)
class Drawing:
    """All features of a file, and the coordinate system the file itself claims, if it does."""

    shapes: tuple[Shape, ...]
    claims: str = ""


def read_drawing(path: Path) -> Drawing:
    """Read .geojson, .json, .shp (with its neighbours) or a .zip holding either. Raises GeoFileError."""
    if not path.is_file():
        raise GeoFileError(f"{path}: no such file")
    if (size := path.stat().st_size) > MOST_BYTES:
        raise GeoFileError(f"{path.name}: {size // 1_000_000} MB is more than a map layer needs; cut it to the district first")
    kind = path.suffix.lower()
    if kind == ".zip":
        drawing = _from_zip(path)
    elif kind == ".shp":
        drawing = _from_shapefile({e: p.read_bytes() for e in _PARTS if (p := _beside(path, e))}, path.name)
    elif kind in (".geojson", ".json"):
        drawing = _from_geojson(path.read_bytes(), path.name)
    else:
        raise GeoFileError(f"{path.name}: write a .geojson, .shp or .zip file")
    return _sound(drawing, path.name)


def _beside(path: Path, ending: str) -> Path | None:
    return next((p for p in (path.with_suffix(ending), path.with_suffix(ending.upper())) if p.is_file()), None)


def _sound(drawing: Drawing, name: str) -> Drawing:
    if not drawing.shapes:
        raise GeoFileError(f"{name}: there is no feature with a geometry in it")
    vertices = sum(int(get_num_coordinates(s.geometry)) for s in drawing.shapes)
    if vertices > MOST_VERTICES:
        raise GeoFileError(f"{name}: {vertices:,} vertices are more than a map layer needs; simplify it to a metre or so first")
    return drawing


def _from_geojson(raw: bytes, name: str) -> Drawing:
    try:
        content = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as wrong:
        raise GeoFileError(f"{name}: not UTF-8 text, which GeoJSON must be") from wrong
    except (ValueError, RecursionError) as wrong:
        raise GeoFileError(f"{name}: not valid JSON: {wrong}") from wrong
    if not isinstance(content, dict) or content.get("type") not in ("FeatureCollection", "Feature"):
        raise GeoFileError(f"{name}: not GeoJSON: a FeatureCollection is expected")
    features = content.get("features", [content])
    crs = content.get("crs") or {}
    claims = str((crs.get("properties") or {}).get("name", "")) if isinstance(crs, dict) else ""
    return Drawing(tuple(_features(features, name)), claims.replace("urn:ogc:def:crs:", "").replace("::", ":"))


def _features(features: Any, name: str) -> Iterator[Shape]:
    if not isinstance(features, list):
        raise GeoFileError(f"{name}: features is not a list")
    for number, feature in enumerate(features):
        geometry = feature.get("geometry") if isinstance(feature, dict) else None
        if geometry:
            yield Shape(_geometry(geometry, name, number), dict(feature.get("properties") or {}))


def _geometry(raw: Any, name: str, number: int) -> BaseGeometry:
    """The geometry, repaired where it crosses itself, as hand-digitised outlines do."""
    try:
        found = shape(raw)
    except (ShapelyError, AttributeError, KeyError, IndexError, TypeError, ValueError) as wrong:
        raise GeoFileError(f"{name}: feature {number + 1} has no readable geometry: {wrong}") from wrong
    return found if found.is_valid else make_valid(found, method="structure", keep_collapsed=False)


def _from_zip(path: Path) -> Drawing:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
            for member in members:
                _safe(member.filename, path.name)
            if sum(m.file_size for m in members) > MOST_BYTES:
                raise GeoFileError(f"{path.name}: unpacks to more than {MOST_BYTES // 1_000_000} MB")
            return _from_members(archive, members, path.name)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as wrong:
        raise GeoFileError(f"{path.name}: not a readable zip file: {wrong}") from wrong


def _safe(member: str, name: str) -> None:
    """A name that would leave the folder marks an archive nobody should trust, although we unpack nothing."""
    place = PurePosixPath(member.replace("\\", "/"))
    if place.is_absolute() or ".." in place.parts or ":" in place.parts[0]:
        raise GeoFileError(f"{name}: holds the path {member!r}, which leads out of the archive; refused")


def _from_members(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], name: str) -> Drawing:
    visible = [m for m in members if not PurePosixPath(m.filename).name.startswith(".") and "__MACOSX" not in m.filename]
    drawings = [m for m in visible if m.filename.lower().endswith((".shp", ".geojson", ".json"))]
    if len(drawings) != 1:
        found = ", ".join(m.filename for m in drawings) or "none"
        raise GeoFileError(f"{name}: one layer is expected in a zip, found {found}")
    chosen = drawings[0].filename
    if not chosen.lower().endswith(".shp"):
        return _from_geojson(archive.read(chosen), f"{name}/{chosen}")
    stem = chosen[:-4].lower()
    parts = {m.filename[-4:].lower(): archive.read(m) for m in visible if m.filename[:-4].lower() == stem}
    return _from_shapefile({e: b for e, b in parts.items() if e in _PARTS}, f"{name}/{chosen}")


def _from_shapefile(parts: dict[str, bytes], name: str) -> Drawing:
    if ".shp" not in parts or ".dbf" not in parts:
        raise GeoFileError(f"{name}: a shapefile needs its .shp and .dbf together; zip them")
    streams = {e[1:]: io.BytesIO(parts[e]) for e in (".shp", ".dbf", ".shx") if e in parts}
    try:
        with shapefile.Reader(**streams, encoding=_encoding(parts), encodingErrors="replace") as reader:
            shapes = tuple(_records(reader, name))
    except (shapefile.ShapefileException, OSError, ValueError, AssertionError, LookupError) as wrong:
        raise GeoFileError(f"{name}: not a readable shapefile: {wrong}") from wrong
    return Drawing(shapes, parts.get(".prj", b"").decode("utf-8", "replace").strip())


def _records(reader: Any, name: str) -> Iterator[Shape]:
    for number, record in enumerate(reader.iterShapeRecords()):
        if record.shape.shapeType != shapefile.NULL:
            yield Shape(_geometry(record.shape.__geo_interface__, name, number), dict(record.record.as_dict()))


def _encoding(parts: dict[str, bytes]) -> str:
    """What the .cpg says, else UTF-8 if the table is that, else the Chinese standard."""
    said = parts.get(".cpg", b"").decode("ascii", "ignore").strip()
    if said:
        return {"936": "gb18030", "GBK": "gb18030", "GB2312": "gb18030"}.get(said.upper().removeprefix("CP"), said)
    try:
        parts[".dbf"][32:].decode("utf-8")
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8"
