"""kill -9 between any two steps of a linkage: the department has each order once, the store every step, as if nothing had been."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.casework.linkage.yard import Yard
from tests.small_city import SmallCity

STAGES = ("raised", "accepted", "arrived", "done", "cool")  # what happened before the worker that is killed looks
POINTS = ("begun", "carrying", "carried", "claimed", "written", "marked")


Worker = Callable[[Yard, str], int]


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """A worker in a process of its own, killed at a point of its turn; how it ended."""
    root = Path(__file__).resolve().parents[3]
    command = [sys.executable, "-m", "tests.casework.linkage.nursery"]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as nursery:
        assert nursery.stdin and nursery.stdout
        said, heard = nursery.stdin, nursery.stdout

        def one(yard: Yard, point: str) -> int:
            said.write(f"{yard.town.home}\t{yard.now.isoformat()}\t{point}\n")
            said.flush()
            return int(heard.readline())

        yield one
        said.close()


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
    tmp_path: Path, worker: Worker, expected: list[tuple[Any, ...]], stage: str, point: str
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


def test_killed_at_every_point_of_every_stage_in_one_life(tmp_path: Path, worker: Worker, expected: list[tuple[Any, ...]]) -> None:
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
