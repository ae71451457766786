"""What a page asks of the store, timed at a short history and at a long one, in one run: the ratio is what matters.

    python benchmarks/store.py                                  # a million against ten million readings, under two minutes
    python benchmarks/store.py --small 1e6 --large 1e8          # a hundred million: about ten minutes and 5 GB of disk
    python benchmarks/store.py --server postgresql+psycopg://postgres@127.0.0.1/postgres
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count

import sqlalchemy as sa

from dashboard.core.times import to_micros
from dashboard.store.engine import open_store, writing
from dashboard.store.migrate import migrate
from dashboard.store.readings import append_readings, compact, latest_values, newer_readings, open_channels, scope_series, series
from dashboard.store.series import expected_ranges

NOW = datetime(2025, 6, 1, 4, 0, tzinfo=UTC)
CADENCE = timedelta(minutes=10)
STREETS = [f"5001030{n:02}" for n in range(1, 12)]
BATCH = 50_000
DAY = timedelta(days=1)


def main() -> None:
    """Fill two stores; then ask them in turn, so that whatever else the machine does falls on both."""
    asked = _arguments()
    sizes = int(asked.small), int(asked.large)
    with ExitStack() as stack:
        stores = [stack.enter_context(_store(asked.server, size)) for size in sizes]
        channels = [_channels(store, asked.channels) for store in stores]
        speed = [_fill(store, numbers, size) for store, numbers, size in zip(stores, channels, sizes, strict=True)]
        times = _timed(stores, channels[0])
    _report(sizes, times, speed, as_json=asked.json)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=float, default=1e6)
    parser.add_argument("--large", type=float, default=1e7)
    parser.add_argument("--channels", type=int, default=1000)
    parser.add_argument("--server", help="a PostgreSQL server where two databases are made and dropped; default: two SQLite files")
    parser.add_argument("--json", action="store_true", help="machine-readable")
    return parser.parse_args()


@contextmanager
def _store(server: str | None, size: int) -> Iterator[sa.Engine]:
    with ExitStack() as stack:
        if server:
            address = stack.enter_context(_database(server, f"cockpit_benchmark_{size}"))
        else:
            address = f"sqlite:///{stack.enter_context(tempfile.TemporaryDirectory())}/store.db"
        store = open_store(address)
        migrate(store)
        yield store
        store.dispose()


@contextmanager
def _database(server: str, name: str) -> Iterator[str]:
    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as conn:
        conn.exec_driver_sql(f"CREATE DATABASE {name}")
        try:
            yield sa.make_url(server).set(database=name).render_as_string(hide_password=False)
        finally:
            conn.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


def _channels(store: sa.Engine, count: int) -> list[int]:
    wanted = [(f"asset{n}", "strain", STREETS[n % 11], 600) for n in range(count)]
    with writing(store).begin() as conn:
        return list(open_channels(conn, domain="bridges", pull="p", source="s", wanted=wanted, now=NOW).values())


def _fill(store: sa.Engine, channels: list[int], size: int) -> float:
    """Readings per second, written as a backfill would: channel by channel, up to an hour ago."""
    step, newest = int(CADENCE.total_seconds() * 1e6), to_micros(NOW - timedelta(hours=1))
    dice, batch, began = random.Random(1), [], time.perf_counter()
    for channel in channels:
        batch += [(channel, newest - k * step, dice.gauss(20, 5), 0) for k in range(size // len(channels))]
        while len(batch) >= BATCH or (batch and channel == channels[-1]):
            with writing(store).begin() as conn:
                append_readings(conn, batch[:BATCH], run_id=1, now=NOW)
            batch = batch[BATCH:]
    return size / (time.perf_counter() - began)


Question = Callable[[sa.Connection], object]


def _questions(channels: list[int]) -> dict[str, Question]:
    dice = random.Random(2)
    day = [NOW - timedelta(hours=h) for h in range(24)]
    seen = dict.fromkeys(channels, to_micros(NOW - timedelta(hours=2)))
    return {
        "24 h of a channel": lambda conn: series(conn, dice.choice(channels), NOW - DAY, NOW, timedelta(minutes=30)),
        "7 days of a channel, hourly": lambda conn: series(conn, dice.choice(channels), NOW - 7 * DAY, NOW),
        "24 h of a street": lambda conn: scope_series(conn, "bridges", "strain", dice.choice(STREETS), NOW - DAY, NOW),
        "24 h of the district": lambda conn: scope_series(conn, "bridges", "strain", "district", NOW - DAY, NOW),
        "newest value of every channel": lambda conn: latest_values(conn, "bridges"),
        "expected range of 24 h": lambda conn: expected_ranges(conn, dice.choice(channels), day),
        "an hour's news of every channel": lambda conn: newer_readings(conn, seen),
    }


def _timed(stores: list[sa.Engine], channels: list[int]) -> dict[str, list[float]]:
    """Milliseconds of each question in each store, medians over channels chosen at random; then what writing costs."""
    times = {}
    with ExitStack() as stack:
        conns = [stack.enter_context(store.connect()) for store in stores]
        for name, ask in _questions(channels).items():
            times[name] = _medians([partial(ask, conn) for conn in conns], 41)
    ticks = [partial(_tick, store, channels, count(1)) for store in stores]
    times[f"a tick of {len(channels)} channels"] = _medians(ticks, 21)
    times["compaction of those ticks"] = _medians([partial(compact, store, NOW + DAY) for store in stores], 1)
    return times


def _tick(store: sa.Engine, channels: list[int], seconds: Iterator[int]) -> None:
    at = NOW + timedelta(seconds=next(seconds))
    with writing(store).begin() as conn:
        append_readings(conn, [(channel, to_micros(at), 20.5, 0) for channel in channels], run_id=2, now=at)


def _medians(asks: Sequence[Callable[[], object]], times: int) -> list[float]:
    taken: list[list[float]] = [[] for _ in asks]
    for turn in range(times if times == 1 else times + 1):
        for mine, ask in zip(taken, asks, strict=True):
            began = time.perf_counter()
            ask()
            if turn or times == 1:  # the first of many warms the cache
                mine.append(time.perf_counter() - began)
    return [statistics.median(mine) * 1000 for mine in taken]


def _report(sizes: tuple[int, int], times: dict[str, list[float]], speed: list[float], *, as_json: bool) -> None:
    if as_json:
        rows = {name: {"small_ms": a, "large_ms": b, "ratio": b / a} for name, (a, b) in times.items()}
        sys.stdout.write(json.dumps({"sizes": sizes, "rows_per_s": speed, "questions": rows}) + "\n")
        return
    sys.stdout.write(f"{'':36}{sizes[0]:>14,}{sizes[1]:>14,}   ratio\n")
    for name, (a, b) in times.items():
        sys.stdout.write(f"{name:36}{a:>11.2f} ms{b:>11.2f} ms{b / a:>8.2f}\n")
    sys.stdout.write(f"{'filled at':36}{speed[0]:>12,.0f}/s{speed[1]:>12,.0f}/s\n")


if __name__ == "__main__":
    main()
