"""kill -9 at each named point between a transition and its delivery: nothing is lost, repeats bear the key they are dropped by."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from dashboard.store.schema import notice, notice_message
from tests.notify.office import Office, Receiver

POINTS = ("routing", "routed", "gathering", "claimed", "sent", "marked")
# Everything is loaded once; each worker is a fork of it, and dies for itself.
NURSERY = """
import os, signal, sys
from pathlib import Path
import sqlalchemy as sa
from dashboard.notify import channels, outbox
from dashboard.notify.route import route
from dashboard.store.lease import Lease
from tests.notify.office import WEBHOOK, Office, notify_of
from tests.small_city import CATALOG, NOON, SmallCity

def work(store, home, hook, point, together, nth):
    left = 1 if point in ("routing", "routed", "gathering") else int(nth)

    def die(*_):
        nonlocal left
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def claimed(*what):
        die()  # before it is sent
        real(*what)

    def sent(*what):
        real(*what)
        die()  # before it is marked

    office = Office(SmallCity(store, Path(home)), notify_of(f"together_from = {together}\\n" + WEBHOOK, HOOK_URL=hook, HOOK_SECRET="x"))
    engine, real, marked = office.engine, channels.DELIVER["webhook"], outbox._mark_sent
    lease = Lease(engine, "worker", "w")
    assert lease.acquire(NOON)
    if point == "routing":
        sa.event.listen(engine, "commit", die)
    route(engine, office.settings, NOON, lease.fence)
    if point == "routed":
        die()
    if point == "gathering":
        sa.event.listen(engine, "commit", die)
    channels.DELIVER["webhook"] = {"claimed": claimed, "sent": sent}.get(point, real)
    if point == "marked":
        outbox._mark_sent = lambda *what: (marked(*what), die())
    while outbox.send(engine, CATALOG, office.settings, "hook", NOON, lease.fence).sent:
        pass

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
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", NURSERY]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin
        process.stdin.close()


@dataclass
class Workers:
    """Workers of one office, one after the other."""

    office: Office
    receiver: Receiver
    nursery: subprocess.Popen[str]

    def one(self, point: str, together: int = 10_000, nth: int = 1) -> int:
        """A worker that is killed at a point, at the nth message there; how it ended."""
        assert self.nursery.stdin and self.nursery.stdout
        told = (self.office.engine.url, self.office.city.home, self.receiver.url, point, together, nth)
        self.nursery.stdin.write("\t".join(map(str, told)) + "\n")
        self.nursery.stdin.flush()
        return int(self.nursery.stdout.readline())


@pytest.fixture
def workers(office: Office, receiver: Receiver, nursery: subprocess.Popen[str]) -> Workers:
    return Workers(office, receiver, nursery)


def states(office: Office) -> Counter[str]:
    with office.engine.connect() as conn:
        return Counter(conn.execute(sa.select(notice_message.c.state)).scalars())


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_point_the_next_worker_tells_all_of_it_and_a_repeat_is_known_by_its_key(
    office: Office, receiver: Receiver, workers: Workers, point: str
) -> None:
    office.raised("orange", count=7)
    assert workers.one(point, nth=3) == -signal.SIGKILL
    assert workers.one("") == 0
    assert set(receiver.transitions()) == set(range(1, 8))
    first_of_each = {post.key: post for post in receiver.came}.values()
    assert sorted(item["transition_id"] for post in first_of_each for item in post.json()["items"]) == list(range(1, 8))
    assert len(receiver.came) == 7 + (1 if point == "sent" else 0)
    assert states(office) == {"sent": 7}


LOADS = {"a quiet day": (40, 10_000), "a storm, one by one": (1200, 10_000), "a flood, together": (3000, 10)}


@pytest.mark.parametrize(("alerts", "together"), LOADS.values(), ids=LOADS)
def test_killed_again_and_again_under_load_nothing_is_lost_and_one_message_at_most_comes_twice(
    office: Office, receiver: Receiver, workers: Workers, alerts: int, together: int
) -> None:
    office.raised("orange", count=alerts)
    nth = 1 if together == 10 else alerts // 8
    kills = [workers.one(point, together, nth) for point in POINTS]
    assert kills.count(-signal.SIGKILL) >= 5
    assert workers.one("", together) == 0
    told = Counter(receiver.transitions())
    assert set(told) == set(range(1, alerts + 1)), "lost"
    by_key = {post.key: post for post in receiver.came}
    assert Counter(item["transition_id"] for post in by_key.values() for item in post.json()["items"]) == dict.fromkeys(told, 1)
    assert len(receiver.came) - len(by_key) == 1, "only a kill between sending and marking repeats, and one message"
    with office.engine.connect() as conn:
        assert conn.scalar(sa.select(sa.func.count()).where(notice.c.channel == "hook", notice.c.message.is_(None))) == 0
