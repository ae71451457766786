"""The lease: never two workers, and no write by one that was replaced."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from dashboard.core.errors import StaleWriterError
from dashboard.store.engine import open_store, writing
from dashboard.store.lease import Lease, check_fence
from dashboard.store.schema import lease as leases

NOW = datetime(2025, 6, 1, 4, 0, tzinfo=UTC)

HOLD = """
import sys
from datetime import UTC, datetime
from dashboard.store.engine import open_store
from dashboard.store.lease import Lease
held = Lease(open_store(sys.argv[1]), "worker", "other").acquire(datetime(2025, 6, 1, tzinfo=UTC))
print("held" if held else "refused", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other_machine(store_url: str) -> Iterator[sa.Engine]:
    """The same store as another process sees it."""
    engine = open_store(store_url)
    yield engine
    engine.dispose()


def test_only_one_of_two_workers_gets_the_lease(store: sa.Engine, other_machine: sa.Engine) -> None:
    first, second = Lease(store, "worker", "one"), Lease(other_machine, "worker", "two")
    assert first.acquire(NOW)
    assert not second.acquire(NOW)
    first.release()
    assert second.acquire(NOW)
    assert second.fence == 2
    second.release()


def test_leases_of_other_names_are_other_leases(store: sa.Engine) -> None:
    one, two = Lease(store, "worker", "one"), Lease(store, "demo", "one")
    assert one.acquire(NOW)
    assert two.acquire(NOW)
    one.release()
    two.release()


def test_a_killed_worker_leaves_the_lease_to_the_next_at_once(store: sa.Engine, store_url: str) -> None:
    ours = Lease(store, "worker", "us")
    with subprocess.Popen([sys.executable, "-c", HOLD, store_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout and other.stdout.readline() == "held\n"
        assert not ours.acquire(NOW)
        other.kill()
    assert _soon(ours)
    assert ours.fence == 2
    ours.release()


def _soon(lease: Lease) -> bool:
    """Whether the lease can be had: a server notices a dead client some milliseconds later, so it is asked repeatedly."""
    return any(lease.acquire(NOW) for _ in range(2000))


def test_the_beat_is_seen_by_those_who_ask_whether_the_worker_lives(store: sa.Engine) -> None:
    held = Lease(store, "worker", "one")
    held.acquire(NOW)
    held.beat(NOW + timedelta(seconds=2))
    with store.connect() as conn:
        assert conn.execute(sa.select(leases.c.holder, leases.c.beat_at)).all() == [("one", NOW + timedelta(seconds=2))]
    held.release()


def test_a_worker_that_was_replaced_may_neither_beat_nor_write(store: sa.Engine, other_machine: sa.Engine) -> None:
    frozen, successor = Lease(store, "worker", "frozen"), Lease(other_machine, "worker", "successor")
    frozen.acquire(NOW)
    stale = frozen.fence
    frozen.release()  # what the system does for the dead; this one wakes up again
    frozen.fence = stale
    successor.acquire(NOW)
    with pytest.raises(StaleWriterError), writing(store).begin() as conn:
        check_fence(conn, frozen.fence)
    with pytest.raises(StaleWriterError):
        frozen.beat(NOW)
    with writing(other_machine).begin() as conn:
        check_fence(conn, successor.fence)
    successor.release()


def test_a_person_at_a_shell_writes_without_a_lease(store: sa.Engine) -> None:
    with writing(store).begin() as conn:
        check_fence(conn, 0)
