"""The schedule a realtime feed is held against: which trips there are, and of which route."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from dashboard.core.errors import SourceChangedError
from dashboard.pull.readers.files import fetch, local_path, open_member, open_zip, stamp
from dashboard.settings import SourceConfig


@dataclass(frozen=True)
class Schedule:
    """Trips of a GTFS schedule."""

    trips: Mapping[str, str]  # trip_id → route_id


def load_schedule(source: SourceConfig) -> Schedule | None:
    """The schedule named by the source's option `schedule` (a zip); None where it names none. Raises SourceError."""
    address = str(source.options.get("schedule", ""))
    if not address:
        return None
    path = local_path(address)
    if path is None:
        return _parsed(source, fetch(source, address))
    return _cached(_Key(source, path), str(stamp(path)) if path.exists() else "")


@dataclass(frozen=True)
class _Key:
    source: SourceConfig
    path: Path

    def __hash__(self) -> int:
        return hash((self.source.key, self.path))


@lru_cache(maxsize=8)
def _cached(key: _Key, _stamp: str) -> Schedule:
    return _parsed(key.source, fetch(key.source, str(key.path)))


def _parsed(source: SourceConfig, raw: bytes) -> Schedule:
    archive = open_zip(source, raw)
    if "trips.txt" not in archive.namelist():
        raise SourceChangedError(f"{source.key}: 时刻表里没有班次表 / the schedule has no trips.txt")
    with open_member(source, archive, "trips.txt") as member, io.TextIOWrapper(member, "utf-8-sig", newline="") as lines:
        return Schedule(
            {row["trip_id"].strip(): (row.get("route_id") or "").strip() for row in csv.DictReader(lines) if row.get("trip_id")}
        )
