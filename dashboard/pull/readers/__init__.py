"""Readers: one kind of source each, all handing over the same batches."""

from __future__ import annotations

from collections.abc import Mapping

from dashboard.pull.batch import Reader
from dashboard.pull.readers.cap import read_cap
from dashboard.pull.readers.folder import read_folder
from dashboard.pull.readers.gtfs import read_gtfs
from dashboard.pull.readers.gtfs_rt import read_gtfs_rt
from dashboard.pull.readers.open311 import read_open311
from dashboard.pull.readers.sql import read_sql

READERS: Mapping[str, Reader] = {
    "sql": read_sql,
    "gtfs": read_gtfs,
    "gtfs_rt": read_gtfs_rt,
    "open311": read_open311,
    "cap": read_cap,
    "folder": read_folder,
}
