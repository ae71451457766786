"""Departments made of real data, each set under its own column names, and a cockpit that knows it by configuration alone."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dashboard.core.catalog import Catalog, load_catalog
from dashboard.pull.run import PullOutcome, run_pull
from dashboard.settings import load_settings
from dashboard.store.engine import open_store
from dashboard.store.migrate import migrate


def read_csv(path: Path, encoding: str = "utf-8-sig") -> tuple[list[str], list[list[str]]]:
    """Header and rows of a plain or gzipped CSV file; a header that repeats its first name elsewhere is taken as it is."""
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    rows = csv.reader(io.StringIO(raw.decode(encoding), newline=""))
    header = [name.strip() for name in next(rows)]
    return header, [(row + [""] * len(header))[: len(header)] for row in rows if row]


def load(url: str, table: str, header: list[str], rows: Iterable[list[Any]]) -> int:
    """Fill a table of texts with native column names, as a department that never heard of types would keep it."""
    engine = sa.create_engine(url)
    made = sa.Table(table, sa.MetaData(), *(sa.Column(name, sa.Text) for name in header))
    with engine.begin() as conn:
        made.create(conn)
        quote = engine.dialect.identifier_preparer.quote
        columns = ", ".join(quote(name) for name in header)
        marks = ", ".join(["%s"] * len(header))
        given = [tuple(row) for row in rows]
        for start in range(0, len(given), 5000):
            conn.exec_driver_sql(f"INSERT INTO {quote(table)} ({columns}) VALUES ({marks})", given[start : start + 5000])
    engine.dispose()
    return len(given)


@dataclass
class Cockpit:
    """A cockpit on its own store, configured by text."""

    home: Path
    catalog: Catalog
    store: sa.Engine
    environ: dict[str, str] = field(default_factory=dict)

    def knows(self, mapping: str, **urls: str) -> None:
        """Put a mapping in cockpit.d, and the departments' addresses in the environment."""
        (self.home / "cockpit.d" / f"real{len(list((self.home / 'cockpit.d').iterdir()))}.toml").write_text(mapping, "utf-8")
        self.environ |= urls

    def pull(self, key: str, now: datetime) -> PullOutcome:
        """One turn."""
        settings = load_settings(str(self.home / "cockpit.toml"), self.environ)
        return run_pull(self.store, self.catalog, settings, key, now)

    def ask(self, statement: Any) -> list[Any]:
        """Rows of the store."""
        with self.store.connect() as conn:
            return list(conn.execute(statement).all())


@pytest.fixture
def cockpit(tmp_path: Path) -> Iterator[Cockpit]:
    """An empty cockpit, up to date."""
    (tmp_path / "cockpit.d").mkdir()
    (tmp_path / "cockpit.toml").write_text("", "utf-8")
    catalog = load_catalog()
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    migrate(store, next(iter(catalog.feeds.values()))[1].table.metadata)  # type: ignore[union-attr]
    yield Cockpit(tmp_path, catalog, store)
    store.dispose()


Loader = Callable[[str, str, list[str], Iterable[list[Any]]], int]
