"""kill -9 between any two steps of a linkage: the department has each order once, the store every step, as if nothing had been."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dashboard.alerting.evaluate import evaluate
from dashboard.casework.linkage.run import run_playbooks
from dashboard.notify import inbox, orders
from dashboard.notify.orders import send_orders
from dashboard.store.lease import Lease
from tests.casework.linkage.yard import Yard
from tests.small_city import SmallCity

STAGES = ("raised", "accepted", "arrived", "done", "cool")  # what happened before the worker that is killed looks
POINTS = ("begun", "carrying", "carried", "claimed", "written", "marked")


def worker(yard: Yard, point: str) -> int:
    """A worker in a process of its own, killed at a point of its turn; how it ended."""
    yard.engine.dispose()
    child = os.fork()
    if child == 0:
        try:
            _work(yard, point)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _work(yard: Yard, point: str) -> None:
    lease = Lease(yard.engine, "worker", f"{os.getpid()}")
    assert lease.acquire(yard.now)
    put, mark, left = inbox.Inbox.put, orders._mark_sent, [{"carrying": 0, "begun": 1}.get(point, 99)]

    def commit(_conn: sa.Connection) -> None:
        left[0] -= 1
        if left[0] < 0:
            _die()

    def written(box: inbox.Inbox, order: Any) -> None:
        if point == "claimed":
            _die()
        put(box, order)
        if point == "written":
            _die()

    evaluate(yard.engine, yard.town.catalog, yard.settings, yard.now)
    sa.event.listen(yard.engine, "commit", commit)
    if run_playbooks(yard.engine, yard.town.catalog, yard.now, lease.fence) and point == "carried":
        _die()
    sa.event.remove(yard.engine, "commit", commit)
    inbox.Inbox.put = written  # type: ignore[method-assign]
    if point == "marked":
        orders._mark_sent = lambda *what: (mark(*what), _die())  # type: ignore[assignment, func-returns-value]
    send_orders(yard.engine, yard.settings, "lamps", yard.now, lease.fence)


def happen(yard: Yard, stage: str) -> None:
    """What the world does next."""
    if stage == "raised":
        for _ in range(3):
            yard.town.clock.step(yard.minute)
            yard.town.heat(("a", yard.now, 65.0))
    elif stage == "cool":
        for _ in range(3):
            yard.town.clock.step(yard.minute)
            yard.town.heat(("a", yard.now, 40.0))
    else:
        yard.tell(stage)


def undisturbed(yard: Yard) -> list[tuple[Any, ...]]:
    for stage in STAGES:
        happen(yard, stage)
        yard.turn()
    return picture(yard)


def picture(yard: Yard) -> list[tuple[Any, ...]]:
    """All there is to see of it, without the moments at which workers died."""
    sent = sorted((order["order_no"], order["kind"], order["instruction"]) for order in yard.inbox())
    return [*sent, *sorted(yard.steps().items()), (yard.run().state, yard.alert().closed_at is not None), *yard.life()]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    """How it goes when nobody is killed."""
    calm = yard_in(tmp_path_factory.mktemp("calm") / "yard")
    return undisturbed(calm)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_point_the_next_worker_goes_on_as_if_nothing_had_been(
    tmp_path: Path, expected: list[tuple[Any, ...]], stage: str, point: str
) -> None:
    struck, ends = yard_in(tmp_path / "struck"), []
    for each in STAGES:
        happen(struck, each)
        if each == stage:
            ends.append(worker(struck, point))
            worker(struck, "")
        else:
            struck.turn()
    assert picture(struck) == expected
    assert ends[0] in (0, -signal.SIGKILL), "a turn with nothing to send or carry out has fewer points to die at"
    if stage == "raised":
        assert ends[0] == -signal.SIGKILL
    struck.town.leave()


def test_killed_at_every_point_of_every_stage_in_one_life(tmp_path: Path, expected: list[tuple[Any, ...]]) -> None:
    struck, kills = yard_in(tmp_path / "struck"), 0
    for stage in STAGES:
        happen(struck, stage)
        kills += sum(worker(struck, point) == -signal.SIGKILL for point in POINTS)
        worker(struck, "")
    assert picture(struck) == expected
    assert kills >= len(POINTS)


def yard_in(home: Path) -> Yard:
    home.mkdir()
    return Yard(SmallCity(f"sqlite:///{home / 'store.db'}", home), home)
