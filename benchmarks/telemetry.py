"""Telemetry at 1 Hz for 2,000 channels on one SQLite file: what a second of it costs, and what pages wait for meanwhile.

Every simulated second the department's rows are pulled, numbers computed and rules judged, as the worker does; every half
minute hot readings are compacted. Four weeks of hours lie behind all channels and a day at 1 Hz behind some of them, so that lines and
expected ranges are as long as they get.

    python -m benchmarks.telemetry                  # ten minutes: 1.2 million readings
    python -m benchmarks.telemetry --minutes 60 --channels 2000
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from dashboard import city
from dashboard.alerting.evaluate import evaluate
from dashboard.core.catalog import Catalog
from dashboard.core.configured import Threshold
from dashboard.core.declare import AlertRule, Domain, Feed, Level, Metric, Readings, Text, Vital
from dashboard.core.places import streets
from dashboard.core.times import to_micros
from dashboard.kpi.compute import compute
from dashboard.pull.run import run_pull
from dashboard.settings import PullConfig, Settings, SourceConfig
from dashboard.store.block import Block
from dashboard.store.engine import open_store, writing
from dashboard.store.migrate import migrate
from dashboard.store.readings import append_block, compact, latest_values, open_channels, scope_series, series
from dashboard.store.series import expected_ranges

START = datetime(2026, 5, 20, 4, 0, tzinfo=UTC)
WORDS = Text("测", "probe")
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
WEEKS = 4
AT_FULL_RATE = 4  # channels with a day at 1 Hz behind them
COMPACT_EVERY = 30  # as the worker does
ASK_EVERY = 2  # simulated seconds between a page's reads

STRAIN = Metric(key="strain", title=WORDS, unit="", low=-1000, high=1000, cadence=SECOND)
FEED = Feed(key="readings", title=WORDS, metrics=(STRAIN,), late_after=timedelta(seconds=30))
KPI = city.Kpi(
    key="strain", title=WORDS, unit="", table=city.latest, measure=city.mean(city.latest.c.value), formula=WORDS, feeds=("bench.readings",)
)
RULE = AlertRule(key="strain", title=WORDS, watches=Readings(metric="strain"), hold=timedelta(seconds=10), clear_hold=timedelta(seconds=10))
DOMAIN = Domain(key="bench", title=WORDS, department=WORDS, vital="nerves", feeds=(FEED,), kpis=(KPI,), rules=(RULE,))
VITAL = Vital(key="nerves", seal="神", title=WORDS, subtitle=WORDS, path="/nerves", css="nerve")
LIMITS = (Threshold(rule="bench.strain", level=Level.YELLOW, op=">=", value=26, clear=25, ref="", confidence="default"),)
CATALOG = Catalog({"bench": DOMAIN}, {"nerves": VITAL}, thresholds=LIMITS)


@dataclass
class Bench:
    """A store and the department beside it."""

    home: Path
    count: int
    dice: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))

    def __post_init__(self) -> None:
        self.store = open_store(f"sqlite:///{self.home}/store.db")
        migrate(self.store, now=START)
        self.assets = [f"P{n:05}" for n in range(self.count)]
        self.source = sqlite3.connect(self.home / "department.db")
        self.source.execute("PRAGMA journal_mode=WAL")
        self.source.execute("PRAGMA synchronous=OFF")
        self.source.execute("CREATE TABLE 遥测 (测点 TEXT, 时间 TEXT, 数值 REAL, PRIMARY KEY (时间, 测点)) WITHOUT ROWID")
        fields = {"asset_id": "测点", "metric": "'strain'", "observed_at": "时间", "value": "数值"}
        pull = PullConfig(
            key="p", source="s", into="bench.readings", table="遥测", key_fields=("测点",), watermark="时间", fields=fields,
            lookback=2 * SECOND, interval=SECOND, batch=50_000,
        )  # fmt: skip
        source = SourceConfig(key="s", kind="sql", title="s", department="d", url=f"sqlite:///{self.home}/department.db")
        self.settings = Settings(
            file="bench", home=self.home, store_url="", port=0, host="", city={}, index={}, sources={"s": source}, pulls={"p": pull},
            token_key=b"k",
        )  # fmt: skip

    def remember(self) -> None:
        """Four weeks of hours behind every channel; a day at 1 Hz behind some."""
        codes = [s.code for s in streets()]
        wanted = [(asset, "strain", codes[i % len(codes)], 1) for i, asset in enumerate(self.assets)]
        with writing(self.store).begin() as conn:
            opened = open_channels(conn, domain="bench", pull="p", source="s", wanted=wanted, now=START)
        self.channels = [opened[asset, "strain"] for asset in self.assets]
        hours = np.arange(to_micros(START - WEEKS * 7 * DAY), to_micros(START - HOUR), to_micros(START) - to_micros(START - HOUR))
        for start in range(0, self.count, 200):
            self._write(self.channels[start : start + 200], hours)
        evaluate(self.store, CATALOG, self.settings, START)  # what lies behind is judged once, before the clock starts
        self._write(self.channels[:AT_FULL_RATE], np.arange(to_micros(START - DAY) + 500_000, to_micros(START), 1_000_000))

    def _write(self, channels: list[int], times: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
        numbers = np.repeat(np.array(channels, dtype=np.int64), len(times))
        values = self.dice.normal(20, 2, len(numbers)).round(3)
        with writing(self.store).begin() as conn:
            append_block(conn, Block(numbers, np.tile(times, len(channels)), values, np.zeros_like(numbers)), run_id=1, now=START)

    def measure(self, now: datetime) -> None:
        """The department's instruments report."""
        at = f"{now + timedelta(hours=8):%Y-%m-%d %H:%M:%S}"
        values = self.dice.normal(20, 2, self.count).round(3).tolist()
        with self.source:
            self.source.executemany("INSERT INTO 遥测 VALUES (?, ?, ?)", zip(self.assets, [at] * self.count, values, strict=True))

    def questions(self, now: datetime, dice: random.Random) -> dict[str, Callable[[sa.Connection], object]]:
        """What pages ask."""
        fast, any_one = dice.choice(self.channels[:AT_FULL_RATE]), dice.choice(self.channels)
        day = [now - h * HOUR for h in range(24)]
        street = dice.choice(streets()).code
        return {
            "24 h of a channel at 1 Hz, by the minute": lambda c: series(c, fast, now - DAY, now, timedelta(minutes=1)),
            "24 h of a channel at 1 Hz, by half hours": lambda c: series(c, fast, now - DAY, now, timedelta(minutes=30)),
            "last hour of a channel, as read": lambda c: series(c, any_one, now - HOUR, now),
            "7 days of a channel, hourly": lambda c: series(c, any_one, now - 7 * DAY, now),
            "expected range of 24 h": lambda c: expected_ranges(c, any_one, day),
            "24 h of a street": lambda c: scope_series(c, "bench", "strain", street, now - DAY, now),
            "24 h of the district": lambda c: scope_series(c, "bench", "strain", "district", now - DAY, now),
            "newest value of every channel": lambda c: latest_values(c, "bench"),
            "the ten highest": _ten_highest,
        }


def _ten_highest(conn: sa.Connection) -> object:
    at = city.latest.c
    return conn.execute(sa.select(at.asset_id, at.value).where(at.domain == "bench").order_by(at.value.desc()).limit(10)).all()


CLOCKS: list[Callable[[], float]] = [time.perf_counter]


@contextmanager
def clocked(into: list[float]) -> Iterator[None]:
    """Seconds of a piece of work."""
    began = CLOCKS[0]()
    yield
    into.append(CLOCKS[0]() - began)


def main() -> None:
    """Fill, run, report."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--minutes", type=int, default=10)
    asked.add_argument("--channels", type=int, default=2000)
    asked.add_argument("--cpu", action="store_true", help="count processor time, where other programs take the machine")
    options = asked.parse_args()
    CLOCKS[:] = [time.thread_time if options.cpu else time.perf_counter]
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), options.channels)
        bench.remember()
        before = _size(Path(folder))
        work, waits = run(bench, options.minutes * 60)
        compact(bench.store, START + timedelta(seconds=options.minutes * 60) + HOUR)
        report(options.minutes * 60, options.channels, work, waits, _size(Path(folder)) - before)


def run(bench: Bench, seconds: int) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Second by second: what each part of the work took, and how long each question of a page."""
    work: dict[str, list[float]] = {name: [] for name in ("pull", "compute", "evaluate", "compact")}
    waits: dict[str, list[float]] = {}
    dice = random.Random(3)
    for second in range(1, seconds + 1):
        now = START + second * SECOND
        bench.measure(now)
        steps = {
            "pull": partial(run_pull, bench.store, CATALOG, bench.settings, "p", now),
            "compute": partial(compute, bench.store, CATALOG, bench.settings, now),
            "evaluate": partial(evaluate, bench.store, CATALOG, bench.settings, now),
        }
        if second % COMPACT_EVERY == 0:
            steps["compact"] = partial(compact, bench.store, now)
        for name, step in steps.items():
            with clocked(work[name]):
                step()
        if second % ASK_EVERY == 0:
            name, ask = dice.choice(list(bench.questions(now, dice).items()))
            with bench.store.connect() as conn, clocked(waits.setdefault(name, [])):
                ask(conn)
    return work, waits


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("store.db*"))


def report(seconds: int, channels: int, work: dict[str, list[float]], waits: dict[str, list[float]], grown: int) -> None:
    """Work a simulated second, and what a question waits."""
    out = sys.stdout
    total = sum(sum(taken) for taken in work.values())
    out.write(f"{channels:,} channels at 1 Hz for {seconds:,} s: {channels * seconds:,} readings\n")
    out.write(
        f"work a second of telemetry: {total / seconds:.3f} s; the store grew by {grown / channels / seconds:.0f} bytes a reading\n\n"
    )
    for name, taken in work.items():
        if taken:
            out.write(f"{name:44}{_line(taken)}   {len(taken):>6} turns\n")
    out.write("\n")
    for name, taken in waits.items():
        out.write(f"{name:44}{_line(taken)}   {len(taken):>6} times\n")
    slowest = max(max(taken) for taken in waits.values())
    out.write(f"\nslowest question {slowest * 1000:.0f} ms\n")


def _line(taken: list[float]) -> str:
    ordered = sorted(1000 * t for t in taken)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return f"p50 {statistics.median(ordered):>8.1f} ms   p95 {p95:>8.1f} ms   max {ordered[-1]:>8.1f} ms"


if __name__ == "__main__":
    main()
