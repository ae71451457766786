"""What a panel costs to make, in processor time: the first time, and again while nothing has changed. Reads this deployment's own store.

    python -m benchmarks.panels [--most 20] [--page /skeleton]
"""

from __future__ import annotations

import argparse
import time
from datetime import timedelta

import sqlalchemy as sa

from dashboard.app import found_pages
from dashboard.core.catalog import load_catalog
from dashboard.panels.screens import CityPanels
from dashboard.settings import load_settings
from dashboard.snapshot.view import View
from dashboard.store.engine import open_store
from dashboard.store.schema import kpi_latest

AGAIN = 5  # warm renderings; the median counts


def main() -> None:
    """Print a table, the slowest first."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--most", type=int, default=100, help="rows of the table")
    asked.add_argument("--page", default="", help="only the panels of this address")
    options = asked.parse_args()
    settings, catalog = load_settings(), load_catalog()
    engine = open_store(settings.store_url)
    with engine.connect() as conn:
        newest = conn.scalar(sa.select(sa.func.max(kpi_latest.c.computed_at)))
    if newest is None:
        raise SystemExit("this store has no numbers yet: let the worker run first")
    now = newest + timedelta(seconds=1)
    pages = [page for page in found_pages() if options.page in ("", page.path)]
    keys = sorted({panel for page in pages for surface in ("wall", "desk", "phone") for panel in page.panels(surface)})
    rows = []
    for key in keys:
        panels = CityPanels(settings, catalog, engine)
        times = []
        for turn in range(1 + AGAIN):
            began = time.process_time()
            made = panels.content(key, View(), now + timedelta(milliseconds=turn))
            times.append(1000 * (time.process_time() - began))
        rows.append((times[0], sorted(times[1:])[AGAIN // 2], len(str(made)), key))
    print(f"{'panel':28} {'cold ms':>8} {'warm ms':>8} {'kB':>7}")
    for cold, warm, size, key in sorted(rows, reverse=True)[: options.most]:
        print(f"{key:28} {cold:8.1f} {warm:8.1f} {size / 1000:7.1f}")
    print(f"{'all':28} {sum(r[0] for r in rows):8.1f} {sum(r[1] for r in rows):8.1f}")


if __name__ == "__main__":
    main()
