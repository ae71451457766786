"""Pull speed as a share of a bare executemany: the same readings into the same kind of SQLite file, in the same run.

Both take turns, and the best turn of each counts: it is the one least disturbed by whatever else runs on the machine. Told twice,
by the clock on the wall and by this process's CPU. What a pull does beyond the bare insert: read, convert, check, count hours, note.

Run: python benchmarks/pull.py [rows]
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dashboard.core.catalog import Catalog
from dashboard.core.declare import Domain, Feed, Metric, Text, Vital
from dashboard.core.tables import metadata
from dashboard.pull.run import run_pull
from dashboard.settings import PullConfig, Settings, SourceConfig
from dashboard.store.engine import open_store
from dashboard.store.migrate import migrate

NOW = datetime(2026, 5, 20, 4, 0, tzinfo=UTC)
CHANNELS = 700
TURNS = 5
WORDS = Text("测", "probe")


def department(path: Path, rows: int) -> None:
    """A department's readings: text times, text channel codes, a number each."""
    start = NOW + timedelta(hours=8) - timedelta(minutes=rows // CHANNELS)
    ticks = [(start + timedelta(minutes=i)).strftime("%Y-%m-%d %H:%M:%S") for i in range(rows // CHANNELS)]
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE 监测 (序号 INTEGER PRIMARY KEY, 测点 TEXT, 项目 TEXT, 时间 TEXT, 数值 REAL)")
        given = (
            (f"P{c:04}", "温度" if c % 2 else "应变", tick, 20 + (c * 7 + i) % 50 / 10)
            for i, tick in enumerate(ticks)
            for c in range(CHANNELS)
        )
        db.executemany("INSERT INTO 监测 (测点, 项目, 时间, 数值) VALUES (?, ?, ?, ?)", given)
        db.execute("CREATE INDEX i ON 监测 (时间)")


class Stopwatch:
    """Seconds gone by since it was made: on the wall, and of this process's CPU."""

    def __init__(self) -> None:
        self._began = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        return time.perf_counter() - self._began[0], time.process_time() - self._began[1]


def bare(source: Path, path: Path) -> tuple[float, float]:
    """Seconds of nothing but an executemany of ready tuples into our hot table's shape."""
    with sqlite3.connect(source) as db:
        rows = db.execute("SELECT 1779249000000000 + 序号, 序号 % 700, 数值, 0, 1 FROM 监测").fetchall()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        columns = "ts INTEGER, channel_id INTEGER, value FLOAT, quality INTEGER, run INTEGER"
        db.execute(f"CREATE TABLE r ({columns}, PRIMARY KEY (ts, channel_id)) WITHOUT ROWID")
        watch = Stopwatch()
        for start in range(0, len(rows), 5000):
            db.executemany("INSERT INTO r VALUES (?, ?, ?, ?, ?)", rows[start : start + 5000])
            db.commit()
        return watch.read()


def pulled(source: Path, path: Path) -> tuple[int, tuple[float, float]]:
    """Rows and seconds of a whole turn: read, convert, check, store, note."""
    metrics = tuple(Metric(key=k, title=WORDS, unit="", low=-100, high=100) for k in ("heat", "strain"))
    feed = Feed(key="readings", title=WORDS, metrics=metrics)
    domain = Domain(key="bench", title=WORDS, department=WORDS, vital="nerves", feeds=(feed,))
    vital = Vital(key="nerves", seal="神", title=WORDS, subtitle=WORDS, path="/nerves", css="nerve")
    fields = {"asset_id": "测点", "metric": "项目", "observed_at": "时间", "value": "数值"}
    codes = {"metric": {"温度": "heat", "应变": "strain"}}
    pull = PullConfig(
        key="p", source="s", into="bench.readings", table="监测", key_fields=("序号",), watermark="时间", fields=fields, codes=codes
    )
    engine = open_store(f"sqlite:///{path}")
    migrate(engine, metadata)
    settings = Settings(
        file="bench", home=path.parent, store_url="", port=0, host="", city={}, index={}, token_key=b"k",
        sources={"s": SourceConfig(key="s", kind="sql", title="s", department="d", url=f"sqlite:///{source}")}, pulls={"p": pull},
    )  # fmt: skip
    watch = Stopwatch()
    outcome = run_pull(engine, Catalog({"bench": domain}, {"nerves": vital}), settings, "p", NOW)
    if outcome.error:
        sys.exit(outcome.error)
    return outcome.rows_new, watch.read()


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 350_000
    plain, turns, new = [], [], 0
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        department(home / "department.db", rows)
        for turn in range(TURNS):
            plain.append(bare(home / "department.db", home / f"bare{turn}.db"))
            new, seconds = pulled(home / "department.db", home / f"store{turn}.db")
            turns.append(seconds)
    for kind, name in enumerate(("wall", "CPU")):
        fast, slow = (new / min(seconds[kind] for seconds in all_of) for all_of in (plain, turns))
        print(f"{new} rows, {name}: bare executemany {fast:,.0f} rows/s, pull {slow:,.0f} rows/s, ratio {slow / fast:.2f}")


if __name__ == "__main__":
    main()
