"""`cockpit run`: what dies comes back, what is told to stop stops, and a taken port is told at once."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

import pytest

from dashboard.core.errors import ConfigurationError
from dashboard.run import Child, Supervisor, bound

SAYS_AND_WAITS = "import os, pathlib, sys, time; pathlib.Path(sys.argv[1]).open('a').write(f'{os.getpid()}\\n'); time.sleep(60)"
IGNORES_SIGTERM = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SAYS_AND_WAITS


def child(name: str, script: str, diary: Path) -> Child:
    return Child(name, [sys.executable, "-c", script, str(diary)])


def started(diary: Path, times: int, supervisor: Supervisor) -> list[int]:
    """The process ids of so many starts, looked after all the while."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        supervisor.look()
        pids = [int(line) for line in diary.read_text().split()] if diary.exists() else []
        if len(pids) >= times:
            return pids
        threading.Event().wait(0.02)
    raise AssertionError(f"{diary.name} was not started {times} times")


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_process_that_dies_is_started_again_and_the_others_are_left_alone(tmp_path: Path) -> None:
    said: list[str] = []
    children = [child(name, SAYS_AND_WAITS, tmp_path / name) for name in ("worker", "web")]
    supervisor = Supervisor(children, said.append)
    supervisor.start()
    try:
        first = started(tmp_path / "worker", 1, supervisor)[0]
        web = started(tmp_path / "web", 1, supervisor)
        os.kill(first, signal.SIGKILL)
        again = started(tmp_path / "worker", 2, supervisor)[1]
        assert lives(again) and again != first and started(tmp_path / "web", 1, supervisor) == web
        assert len(said) == 1 and "worker ended with signal SIGKILL" in said[0]
    finally:
        supervisor.end()
    assert not lives(again) and not lives(web[0])


def test_a_process_that_dies_at_once_is_waited_for_longer_each_time(tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor([Child("demo", [sys.executable, "-c", "raise SystemExit(7)"])], said.append)
    supervisor.start()
    deadline = time.monotonic() + 15
    while len(said) < 2 and time.monotonic() < deadline:
        supervisor.look()
        threading.Event().wait(0.02)
    supervisor.end()
    assert ["code 7" in line for line in said] == [True, True] and said[0].endswith("in 1.0 s") and said[1].endswith("in 2.0 s")


def test_everything_has_stopped_within_five_seconds_even_what_will_not(tmp_path: Path) -> None:
    supervisor = Supervisor([child("worker", IGNORES_SIGTERM, tmp_path / "worker"), child("web", SAYS_AND_WAITS, tmp_path / "web")], print)
    supervisor.start()
    pids = started(tmp_path / "worker", 1, supervisor) + started(tmp_path / "web", 1, supervisor)
    began = time.monotonic()
    supervisor.end()
    assert time.monotonic() - began < 5 and not any(map(lives, pids))


def test_a_taken_port_is_told_with_advice() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(ConfigurationError, match="PORT"):
            bound("127.0.0.1", other.getsockname()[1])
