"""kill -9 at each named point between what is seen and the transition stored: no alert is lost, none is doubled, at three loads."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from dashboard.alerting.evaluate import evaluate
from dashboard.store.engine import open_store
from dashboard.store.schema import alert, alert_transition, rule_state
from tests.small_city import NOON, SmallCity

MINUTE_S = 60
POINTS = ("looked", "recording", "recorded", "committing", "committed")
# Everything is loaded once; each worker is a fork of it, and dies for itself.
NURSERY = """
import os, signal, sys
from pathlib import Path
import sqlalchemy as sa
from dashboard.alerting import evaluate as turn
from tests.small_city import CATALOG, NOON, SmallCity

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def work(store, home, point, nth):
    town = SmallCity(store, Path(home))
    real, keep, left = turn.record, turn.keep_standings, int(nth)

    def recording(*what):
        nonlocal left
        left -= 1
        if left <= 0:
            die()  # some alerts are written, others are not, nothing is committed
        real(*what)

    if point == "looked":
        turn._store = die  # all is judged, nothing is written
    if point == "recording":
        turn.record = recording
    if point == "recorded":
        turn.keep_standings = die  # alerts are written, where the rules stand is not
    if point == "committing":
        sa.event.listen(town.engine, "commit", die)
    turn.evaluate(town.engine, CATALOG, town.settings, NOON)
    if point == "committed":
        die()

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        work(*line.rstrip().split("\\t"))
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def nursery() -> Iterator[subprocess.Popen[str]]:
    """Where workers come from."""
    command = [sys.executable, "-c", NURSERY]
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin
        process.stdin.close()


def _turn(nursery: subprocess.Popen[str], town: SmallCity, point: str, nth: int) -> int:
    """A worker's turn, killed at a point (at the nth alert there); how it ended."""
    assert nursery.stdin and nursery.stdout
    nursery.stdin.write("\t".join(map(str, (town.engine.url, town.home, point, nth))) + "\n")
    nursery.stdin.flush()
    return int(nursery.stdout.readline())


@pytest.mark.parametrize("load", [1, 100, 1000])
def test_killed_at_any_point_again_and_again_each_alert_is_there_once(nursery: subprocess.Popen[str], tmp_path: Path, load: int) -> None:
    town = SmallCity(f"sqlite:///{tmp_path / 'store.db'}", tmp_path)
    minutes = [NOON.timestamp() - n * MINUTE_S for n in range(4)]
    town.heat(*((f"lamp{i}", NOON.fromtimestamp(at, NOON.tzinfo), 90.0) for i in range(load) for at in minutes))
    town.engine.dispose()  # a fork must not share what we hold open
    kills = [_turn(nursery, town, point, max(1, load // 2)) for point in POINTS]
    assert kills == [-signal.SIGKILL] * len(POINTS)
    assert _turn(nursery, town, "", 0) == 0
    with open_store(town.url).connect() as conn:
        raised = [asset for (asset,) in conn.execute(sa.select(alert.c.asset_id).where(alert.c.state == "open"))]
        told = conn.execute(sa.select(alert_transition.c.alert_id, alert_transition.c.what)).all()
        numbers = conn.scalar(sa.select(sa.func.count(sa.distinct(alert.c.number))))
        standing = conn.scalar(sa.select(sa.func.count()).where(rule_state.c.rule == "lighting.too_hot", rule_state.c.asset_id != ""))
    assert sorted(raised) == sorted(f"lamp{i}" for i in range(load)), "lost or doubled"
    assert len(told) == len(set(told)) == load and {what for _, what in told} == {"open"}
    assert (numbers, standing) == (load, load)
    assert evaluate(town.engine, town.catalog, town.settings, NOON) == 0, "nothing is left to tell"
    town.leave()
