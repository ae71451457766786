"""`cockpit run`: everything on one machine. Builds the demo if there is none, starts each process, keeps them running, stops them all."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from dashboard.core.errors import ConfigurationError
from dashboard.settings import Settings

Report = Callable[[str], None]

LOOPBACK = ("127.0.0.1", "::1", "localhost")
LOOK_S = 0.25
READY_WITHIN_S = 90.0
STOP_WITHIN_S = 3.0  # then whoever still lives is killed; the store survives a kill at any moment
STEADY_S = 30.0  # lived this long: the next death is a new one, not the same again
LONGEST_WAIT_S = 8.0  # screens are waiting: no wall is left without its server for longer


@dataclass
class Child:
    """One process that should be running."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    deaths: int = 0
    again_at: float = 0.0

    def start(self) -> None:
        """Start it in a session of its own: Ctrl-C reaches us alone, and we stop the others in order."""
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, start_new_session=True)
        self.started = time.monotonic()

    @property
    def alive(self) -> bool:
        """Whether it runs now."""
        return self.process is not None and self.process.poll() is None


@dataclass
class Supervisor:
    """Starts processes, restarts those that die, stops them all."""

    children: list[Child]
    report: Report
    stop: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Start everything."""
        for child in self.children:
            child.start()

    def look(self) -> None:
        """Restart what died, waiting longer each time it dies at once."""
        now = time.monotonic()
        for child in self.children:
            if child.alive:
                continue
            if child.process is not None:
                self._died(child, now)
            elif now >= child.again_at:
                child.start()

    def _died(self, child: Child, now: float) -> None:
        assert child.process is not None
        child.deaths = 0 if now - child.started > STEADY_S else child.deaths + 1
        wait = min(LONGEST_WAIT_S, 0.5 * 2**child.deaths)
        self.report(f"{child.name} ended with {_ending(child.process.returncode)}; starting it again in {wait:.1f} s")
        child.process, child.again_at = None, now + wait

    def end(self) -> None:
        """Ask all to stop, then insist."""
        for child in self.children:
            self._signal(child, signal.SIGTERM)
        deadline = time.monotonic() + STOP_WITHIN_S
        for child in self.children:
            if child.process is None:
                continue
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.05, deadline - time.monotonic()))
            self._signal(child, signal.SIGKILL)
            child.process.wait()

    def _signal(self, child: Child, number: signal.Signals) -> None:
        if child.process is None or child.process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.process.pid, number)  # its own session: nobody else is in the group


def _ending(code: int | None) -> str:
    return f"signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"code {code}"


@contextlib.contextmanager
def stopping_on_signals(stop: threading.Event) -> Iterator[None]:
    """Ctrl-C and SIGTERM set the event instead of breaking into whatever runs."""
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def cockpit(*words: str) -> list[str]:
    """This product's command as a process of its own."""
    return [sys.executable, "-m", "dashboard", *words]


def bound(host: str, port: int) -> socket.socket:
    """The port, ours from now on. Raises ConfigurationError if somebody else has it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as taken:
        listener.close()
        advice = "choose another with PORT=…, or stop what uses it"
        raise ConfigurationError("PORT", f"{host}:{port}", taken.strerror or str(taken), advice) from taken
    listener.set_inheritable(True)
    return listener


def require_loopback(settings: Settings) -> None:
    """Beyond this machine people sign in, and their passwords travel over TLS. Raises ConfigurationError for anything else."""
    if settings.host in LOOPBACK or (settings.access.secure and not settings.access.open):
        return
    if settings.access.open:
        problem = "is open to others, and [access] mode is open: anybody would be let in"
        advice = "keep HOST=127.0.0.1 for the demo, or let people sign in with COCKPIT_ACCESS=accounts: docs/access.md"
    else:
        problem = "is open to others, and no address over TLS is given: passwords would travel in the clear"
        advice = "say COCKPIT_ADDRESS=https://… with a proxy in front, or keep HOST=127.0.0.1 behind one on this machine: docs/deploy.md"
    raise ConfigurationError("HOST", settings.host, problem, advice)


def run(settings: Settings, simulated: Sequence[str], report: Report) -> int:
    """Run it all until stopped; the exit code. `simulated`: the departments whose demo is built here and kept alive."""
    require_loopback(settings)
    bound(settings.host, settings.port).close()  # before any work: a taken port should be told at once
    stop = threading.Event()
    builds = [["demo", "build", *(word for key in simulated for word in ("--only", key))]] if simulated else []
    lives = [("demo", ["demo", "live"])] if simulated else []
    with stopping_on_signals(stop):
        began = time.monotonic()
        for words in (*builds, ["migrate"]):
            if code := _finish(Child(words[0], cockpit(*words)), stop, report):
                return code
        if stop.is_set():
            return 0
        commands = [*lives, ("worker", ["work"]), ("web", ["serve"])]
        supervisor = Supervisor([Child(name, cockpit(*words)) for name, words in commands], report, stop)
        try:
            supervisor.start()
            _watch(settings, supervisor, began)
        finally:
            report("stopping")
            supervisor.end()
    return 0


def _finish(child: Child, stop: threading.Event, report: Report) -> int:
    """Let a first step run to its end, or end it when told to stop: a build is begun anew next time."""
    if stop.is_set():
        return 0
    child.start()
    while child.alive and not stop.wait(0.05):
        pass
    Supervisor([child], report, stop).end()
    return 0 if stop.is_set() or child.process is None else child.process.returncode


def _watch(settings: Settings, supervisor: Supervisor, began: float) -> None:
    address = f"http://{'127.0.0.1' if settings.host in ('0.0.0.0', '::', '') else settings.host}:{settings.port}/"
    told = False
    while not supervisor.stop.wait(LOOK_S):
        supervisor.look()
        if told:
            continue
        waited = time.monotonic() - began
        if _ready(address):
            supervisor.report(f"ready after {waited:.0f} s: {address}   (Ctrl-C stops everything)")
            told = True
        elif waited > READY_WITHIN_S:
            supervisor.report(f"not ready after {waited:.0f} s; still trying: see {address}readyz and the lines above")
            began, told = time.monotonic(), False


def _ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}readyz", timeout=1) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
