"""How long a rule takes to be run over 90 days of a domain, kind by kind; beside it, reading those readings and nothing else.

python -m benchmarks.backtest                     # 100 points at five minutes: 8 million readings
python -m benchmarks.backtest --points 300
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import numpy as np
import sqlalchemy as sa

from dashboard.alerting.backtest import Trial, backtest
from dashboard.core.catalog import Catalog, load_catalog
from dashboard.core.places import streets
from dashboard.core.times import to_micros
from dashboard.store.block import Block
from dashboard.store.engine import open_store, writing
from dashboard.store.migrate import migrate
from dashboard.store.readings import append_block, open_channels
from dashboard.store.rows import write_rows
from dashboard.store.series import latest_values, readings_between
from data_sources.minibuses.tables import line, trip

T = TypeVar("T")
NOW = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)
STEP = timedelta(minutes=5)
RULES = {  # one of each kind
    "Readings": "septic_tanks.gas",
    "RateOfChange": "septic_tanks.gas_rising",
    "OutOfRange": "air.no2_unusual",
    "Stillness": "septic_tanks.gas_stuck",
    "Absence": "septic_tanks.silent",
    "Missing": "minibuses.idle",
}
METRICS = (("septic_tanks", "ch4"), ("septic_tanks", "level"), ("air", "no2"))


def main() -> None:
    """Fill a store, then run each rule once."""
    asked = _arguments()
    catalog = load_catalog()
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/store.db")
        migrate(store)
        count = sum(_fill(store, domain, metric, asked.points, asked.days, n) for n, (domain, metric) in enumerate(METRICS))
        _trips(store, asked.points, asked.days)
        sys.stdout.write(f"{count:,} readings of {asked.points} points, {asked.days} days\n")
        with store.connect() as conn:
            plain = _seconds(lambda: _read(conn, "septic_tanks", "ch4", asked.days))[0]
            sys.stdout.write(f"{'reading alone':14}{plain:8.2f} s\n")
            for kind, rule in RULES.items():
                took, trial = _seconds(lambda rule=rule: _run(conn, catalog, rule, asked.days))  # type: ignore[misc]
                sys.stdout.write(f"{kind:14}{took:8.2f} s  ratio {took / plain:5.1f}  {len(trial.episodes):6} episodes  {rule}\n")
        store.dispose()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=100)
    parser.add_argument("--days", type=int, default=90)
    return parser.parse_args()


def _fill(store: sa.Engine, domain: str, metric: str, points: int, days: int, seed: int) -> int:
    """A day's wave with noise, a rise past the limits now and then, hours of silence, and days of standing still."""
    wanted = [(f"{domain}-{n}", metric, streets()[n % 11].code, int(STEP.total_seconds())) for n in range(points)]
    with writing(store).begin() as conn:
        numbers = open_channels(conn, domain=domain, pull="p", source="s", wanted=wanted, now=NOW)
    dice, step = np.random.default_rng(seed), int(STEP.total_seconds() * 1e6)
    at = np.arange(to_micros(NOW) - (days + 2) * 86_400_000_000, to_micros(NOW), step)
    for channel in numbers.values():
        value = 6 + 2 * np.sin(2 * np.pi * at / 86_400e6) + dice.normal(0, 0.4, len(at))
        for start in dice.integers(0, len(at) - 300, 6):
            value[start : start + 12] += dice.uniform(3, 40)
            value[start + 100 : start + 100 + int(dice.integers(20, 200))] = 6.0
        kept = dice.random(len(at)) > 0.01
        for start in dice.integers(0, len(at) - 30, 4):
            kept[start : start + int(dice.integers(4, 30))] = False
        block = Block.of(
            zip(np.full(len(at), channel)[kept].tolist(), at[kept].tolist(), value[kept].tolist(), [0] * int(kept.sum()), strict=True)
        )
        with writing(store).begin() as conn:
            append_block(conn, block, run_id=1, now=NOW)
    return len(at) * points


def _trips(store: sa.Engine, points: int, days: int) -> None:
    """A trip of each of ten lines every twenty minutes, some days a few hours without."""
    codes, dice = [f"L{n}" for n in range(min(10, points))], np.random.default_rng(9)
    known = {"source_key": "k", "row_hash": "h"}
    rows = [
        {**known, "case_id": f"{code}/{day}/{n}", "asset_id": code, "state": "done", "opened_at": at, "started_at": at}
        for code in codes
        for day in range(days)
        for n in range(39)
        if dice.random() > 0.1
        for at in [NOW - timedelta(days=day, hours=5) + n * timedelta(minutes=20)]
    ]
    with writing(store).begin() as conn:
        lines = [{**known, "asset_id": code, "name": code, "kind": "alley", "observed_at": NOW} for code in codes]
        write_rows(conn, line, lines, source="s", run_id=1, now=NOW)
        write_rows(conn, trip, rows, source="s", run_id=1, now=NOW)


def _seconds(work: Callable[[], T]) -> tuple[float, T]:
    began = time.perf_counter()
    done = work()
    return time.perf_counter() - began, done


def _read(conn: sa.Connection, domain: str, metric: str, days: int) -> int:
    channels = [row.channel_id for row in latest_values(conn, domain, metric)]
    return sum(len(readings_between(conn, channel, NOW - timedelta(days=days), NOW)) for channel in channels)


def _run(conn: sa.Connection, catalog: Catalog, rule: str, days: int) -> Trial:
    return backtest(conn, catalog, rule, NOW - timedelta(days=days), NOW)


if __name__ == "__main__":
    main()
