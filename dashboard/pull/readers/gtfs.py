"""GTFS schedules: one of the tables of a zip, a folder or an HTTP address, read whole whenever the file has changed."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from dashboard.core.errors import SourceChangedError, SourceUnavailableError
from dashboard.pull.batch import Batch, Cursor, from_rows
from dashboard.pull.mapping import Plan, near
from dashboard.pull.readers.files import fetch, local_path, open_member, open_zip, unsafe


def read_gtfs(plan: Plan, cursor: Cursor | None, now: datetime) -> Iterator[Batch]:
    """All rows of `table` (stops, routes, trips, stop_times, …). Raises SourceError."""
    place = _Place(plan)
    if cursor and cursor.get("seen") == place.version:
        return  # the schedule is the one we have
    with place.open(plan.pull.table) as lines:
        reader = csv.DictReader(lines, strict=True)
        _check_header(plan, [n.strip() for n in reader.fieldnames or []])
        batch: Batch | None = None
        for rows in _parts(plan, reader):
            batch = from_rows(plan, rows)
            yield batch
    yield Batch({n: [] for n in plan.expressions}, [], cursor={"seen": place.version})


def _parts(plan: Plan, reader: Iterable[dict[str | None, Any]]) -> Iterator[list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    try:
        for row in reader:
            rows.append({k.strip(): (v.strip() if isinstance(v, str) else v) for k, v in row.items() if k is not None})
            if len(rows) == plan.pull.batch:
                yield rows
                rows = []
    except (csv.Error, UnicodeDecodeError, zipfile.BadZipFile, EOFError) as broken:
        raise SourceChangedError(
            f"{plan.source.key}: {plan.pull.table}.txt读不了 / {plan.pull.table}.txt cannot be read: {broken}"
        ) from broken
    if rows:
        yield rows


def _check_header(plan: Plan, header: list[str]) -> None:
    """A column the mapping needs and the file lacks is said by name; optional GTFS columns may be absent."""
    for name in sorted(plan.names()):
        if name not in header and name not in _OPTIONAL:
            raise SourceChangedError(
                f"{plan.source.key}: {plan.pull.table}.txt缺列 / {plan.pull.table}.txt has no column {name!r} ({near(name, header)})"
            )


class _Place:
    """A schedule wherever it lies; its version moves when its content does."""

    def __init__(self, plan: Plan) -> None:
        self.source = plan.source
        path = local_path(plan.source.url)
        self.folder = path if path is not None and path.is_dir() else None
        if self.folder:
            raw = b"".join(f"{f.name}{f.stat().st_size}{f.stat().st_mtime_ns}".encode() for f in sorted(self.folder.glob("*.txt")))
            self.names = {f.stem: f.name for f in self.folder.glob("*.txt")}
        else:
            raw = fetch(plan.source, plan.source.url)
            self.archive = open_zip(plan.source, raw)
            self.names = {Path(n).stem: n for n in self.archive.namelist() if n.endswith(".txt")}
        self.version = hashlib.blake2b(raw, digest_size=16).hexdigest()

    @contextmanager
    def open(self, table: str) -> Iterator[io.TextIOBase]:
        """The lines of a table. Raises SourceChangedError where the schedule has none."""
        if table not in self.names or unsafe(table):
            raise SourceChangedError(
                f"{self.source.key}: 时刻表里没有这张表 / the schedule has no {table}.txt ({near(table, list(self.names))})"
            )
        try:
            raw = (self.folder / self.names[table]).open("rb") if self.folder else open_member(self.source, self.archive, self.names[table])
        except OSError as wrong:
            raise SourceUnavailableError(f"{self.source.key}: {table}.txt: {wrong.strerror}") from None
        with raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as lines:
            yield lines


_OPTIONAL_NAMES = (
    "stop_code stop_desc stop_url zone_id location_type parent_station wheelchair_boarding stop_timezone platform_code agency_id "
    "route_short_name route_long_name route_desc route_url route_color route_text_color route_sort_order trip_headsign "
    "trip_short_name direction_id block_id shape_id wheelchair_accessible bikes_allowed stop_headsign pickup_type drop_off_type "
    "shape_dist_traveled timepoint exact_times tts_stop_name level_id "
)
_OPTIONAL = frozenset(_OPTIONAL_NAMES.split())
