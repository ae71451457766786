"""A writer killed at any moment: what was committed is whole, and the next one goes on from there."""

from __future__ import annotations

import random
import subprocess
import sys

import sqlalchemy as sa

from dashboard.store.engine import writing
from dashboard.store.schema import pull_run, reading_cold, reading_h1, reading_hot, reading_scope_h1, topic

WRITER = """
import sys
from datetime import UTC, datetime, timedelta
import sqlalchemy as sa
from dashboard.core.times import to_micros
from dashboard.store.engine import open_store, writing
from dashboard.store.readings import append_readings, compact, open_channels
from dashboard.store.schema import pull_run
from dashboard.store.topics import bump

store = open_store(sys.argv[1])
now = datetime(2025, 6, 1, tzinfo=UTC)
for turn in range(int(sys.argv[2]), 10_000):
    now = datetime(2025, 6, 1, tzinfo=UTC) + turn * timedelta(minutes=5)
    with writing(store).begin() as conn:
        wanted = [(f"a{k}", "strain", None, 300) for k in range(300)]
        numbers = open_channels(conn, domain="bridges", pull="p", source="s", wanted=wanted, now=now).values()
        late = [(n, to_micros(now - timedelta(days=3)), 1.0, 0) for n in numbers]
        append_readings(conn, [(n, to_micros(now), 1.0, 0) for n in numbers] + late, run_id=turn, now=now)
        conn.execute(sa.insert(pull_run).values(run_id=turn, pull="p", started_at=now, outcome="ok", rows_new=600))
        bump(conn, ["readings:bridges"], now)
    compact(store, now)
    print(turn, flush=True)
"""


def _write_until_killed(url: str, first: int, turns: int) -> None:
    """Let a writer work for some turns and kill it in the middle of the next."""
    with subprocess.Popen([sys.executable, "-c", WRITER, url, str(first)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        for _ in range(turns):
            assert writer.stdout.readline()
        writer.kill()
        writer.stdout.read()


def test_a_killed_writer_loses_and_doubles_nothing(store: sa.Engine, store_url: str) -> None:
    dice = random.Random(11)
    first = 1
    for _ in range(2):
        _write_until_killed(store_url, first, dice.randint(2, 12))
        with writing(store).begin() as conn:  # waits for what the dead one's server may still be finishing
            first = (conn.scalar(sa.select(sa.func.max(pull_run.c.run_id))) or 0) + 1
    with store.connect() as conn:
        hot, cold = (conn.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for table in (reading_hot, reading_cold))
        in_channels = conn.scalar(sa.select(sa.func.sum(reading_h1.c.n)))
        in_district = conn.scalar(sa.select(sa.func.sum(reading_scope_h1.c.n)))
        turns = conn.scalar(sa.select(topic.c.version))
    assert hot + cold == (first - 1) * 600
    assert in_channels == in_district == cold
    assert turns == first - 1
