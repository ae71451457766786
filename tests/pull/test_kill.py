"""A worker killed at any moment has lost nothing and doubled nothing: the next turns end row for row like the source."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.pull.bureau import GAUGE_COLUMNS, Department, Desk, mapped, open_desk

ROWS = 12_000
PULL_FOREVER = """
import sys
from datetime import timedelta
from pathlib import Path
from tests.pull import bureau
from dashboard.store.engine import open_store
from dashboard.settings import SourceConfig
source = SourceConfig(key="bureau", kind="sql", title="x", department="x", url=sys.argv[2])
desk = bureau.mapped(bureau.Desk(open_store(sys.argv[1]), source))
desk.remaps("gauges", batch=300)
print("ready", flush=True)
while True:
    desk.pull("gauges")
    desk.later(minutes=1)
"""


def killed_after(desk: Desk, bureau: Department, seconds: float) -> None:
    """Let a worker pull for a while, then kill it without warning."""
    command = [sys.executable, "-c", PULL_FOREVER, str(desk.store.url), bureau.url]
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root) as worker:
        assert worker.stdout is not None and worker.stdout.readline() == b"ready\n"
        time.sleep(seconds)  # the moment of death is the point here
        worker.send_signal(signal.SIGKILL)


def test_a_worker_killed_again_and_again_ends_row_for_row_like_the_source(tmp_path: Path, bureau: Department) -> None:
    times = [f"2026-05-20 {8 + i // 3600:02}:{i // 60 % 60:02}:{i % 60:02}" for i in range(ROWS)]
    rows = [(i, f"G{i % 7}", "温度", times[i], str(i % 50), times[i]) for i in range(ROWS)]
    bureau.has("监测", GAUGE_COLUMNS, rows)
    desk = mapped(open_desk(tmp_path / "store.db", bureau.url))
    desk.remaps("gauges", batch=300)
    chance = random.Random(7)
    grown = []
    for _ in range(4):
        killed_after(desk, bureau, chance.uniform(0.02, 0.12))
        grown.append(len(desk.readings()))
    assert grown[0] < ROWS, "the worker was too quick to be killed half way"
    desk.pull("gauges")
    found = {(asset, ts): value for (asset, _, ts), (value, _) in desk.readings().items()}
    assert len(found) == ROWS
    assert sorted(found.values()) == sorted(float(r[4]) for r in rows)
    assert desk.pull("gauges").rows_new == 0
    assert desk.aside() == []
    with desk.store.connect() as conn:
        counted = conn.exec_driver_sql("SELECT sum(rows_new) FROM pull_run").scalar()
    assert counted == ROWS == desk.state("gauges").rows_total
