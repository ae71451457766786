"""How soon and at what cost a commit reaches many screens: N simulated screens on one web process over a store being written.

    python benchmarks/live.py                  1,000 screens, 12 changes, one every 2 s
    python benchmarks/live.py --screens 3000 --views 20

Prints, per change: time from commit to the last byte of the new picture at each screen, and the web process's processor time
per screen and change. Screens are plain sockets in a process of their own; they read frames and do not draw.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import multiprocessing
import os
import random
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from bisect import bisect_right
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from dashboard.core import places
from dashboard.core.catalog import Catalog, load_catalog
from dashboard.core.clock import SystemClock
from dashboard.core.times import to_micros
from dashboard.store.engine import open_store, writing
from dashboard.store.migrate import migrate
from dashboard.store.schema import kpi_h1, kpi_latest
from dashboard.store.topics import bump
from pages.overview import PAGE

ROOT = Path(__file__).resolve().parents[1]
HOUR = 3_600_000_000


class Screen(asyncio.Protocol):
    """A socket that notes when each picture has wholly arrived."""

    def __init__(self, wish: bytes) -> None:
        self._wish, self._buffer, self._open = wish, bytearray(), False
        self.arrivals: list[float] = []
        self.bytes = 0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._open:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            del self._buffer[: end + 4]
            self._open = True
            self._transport.write(masked(1, self._wish))
        while self._take():
            pass

    def _take(self) -> bool:
        buffer = self._buffer
        if len(buffer) < 2:
            return False
        kind, size, start = buffer[0] & 15, buffer[1] & 127, 2
        if size > 125:
            start = 4 if size == 126 else 10
            if len(buffer) < start:
                return False
            size = int.from_bytes(buffer[2:start], "big")
        if len(buffer) < start + size:
            return False
        if kind == 2:
            self.arrivals.append(time.time())
            self.bytes += size
        elif kind == 9:
            self._transport.write(masked(10, bytes(buffer[start : start + size])))
        del buffer[: start + size]
        return True


def masked(kind: int, body: bytes) -> bytes:
    """A client's frame; the mask of zeros is allowed and costs nothing."""
    size = bytes([128 | len(body)]) if len(body) < 126 else bytes([128 | 126]) + len(body).to_bytes(2, "big")
    return bytes([128 | kind]) + size + bytes(4) + body


def watch(port: int, screens: int, wishes: list[bytes], ready: Any, stop: Any, told: Any) -> None:
    """All screens, in a process of their own; hands back arrivals and bytes."""

    async def all_of_them() -> list[Screen]:
        loop, shown = asyncio.get_running_loop(), []
        for number in range(screens):
            _, screen = await loop.create_connection(lambda n=number: Screen(wishes[n % len(wishes)]), "127.0.0.1", port)  # type: ignore[misc]
            shown.append(screen)
        while not all(screen.arrivals for screen in shown):
            await asyncio.sleep(0.1)
        ready.set()
        while not stop.is_set():
            await asyncio.sleep(0.1)
        return shown

    _allow_many_files()
    shown = asyncio.run(all_of_them())
    told.send(([screen.arrivals for screen in shown], sum(screen.bytes for screen in shown)))


def _allow_many_files() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def fill(engine: sa.Engine, catalog: Catalog, scopes: list[str]) -> None:
    """Every KPI and index for every scope, with a day of hours behind it."""
    migrate(engine)
    now = SystemClock().now()
    hour = to_micros(now) // HOUR
    rows, hours = [], []
    fresh = {"value": 80.0, "score": 80.0, "completeness": 1.0, "freshness": "fresh", "computed_at": now, "as_of": now}
    for key in [*catalog.kpis, *(f"vital.{vital}" for vital in catalog.vitals), "district.index"]:
        rows += [{"kpi": key, "scope": scope, **fresh} for scope in scopes]
        past = range(hour - 24 * 28, hour)
        hours += [{"kpi": key, "scope": "district", "hour": h, "mean": 80 + random.random(), "n": 1} for h in past]
    with writing(engine).begin() as conn:
        conn.execute(sa.insert(kpi_latest), rows)
        conn.execute(sa.insert(kpi_h1), hours)


def change(engine: sa.Engine, catalog: Catalog) -> float:
    """New values everywhere, as a turn of the worker writes them; the moment of the commit."""
    now = SystemClock().now()
    with writing(engine).begin() as conn:
        conn.execute(sa.update(kpi_latest).values(value=60 + sa.func.abs(sa.func.random() % 4000) / 100.0, computed_at=now))
        bump(conn, {f"kpi:{vital}" for vital in catalog.vitals} | {"kpi:district", "alerts"}, now)
    return time.time()


def processor_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_until_ready(port: int, web: subprocess.Popen[bytes]) -> None:
    """Until the web process answers."""
    while web.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise SystemExit("the web process ended before it was ready")


def free_port() -> int:
    """A port nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def measure(arguments: argparse.Namespace, home: Path) -> dict[str, Any]:
    """One run: start, fill, change, count."""
    catalog, port = load_catalog(), free_port()
    scopes = ["district", *(street.code for street in places.streets())]
    engine = open_store(f"sqlite:///{home / 'store.db'}")
    fill(engine, catalog, scopes)
    place = {"COCKPIT_STORE_URL": f"sqlite:///{home / 'store.db'}", "COCKPIT_HOME": str(home), "PORT": str(port), "HOST": "127.0.0.1"}
    _allow_many_files()
    web = subprocess.Popen([sys.executable, "-m", "dashboard", "serve"], cwd=ROOT, env={**os.environ, **place})
    context = multiprocessing.get_context("spawn")
    ready, stop, (ours, theirs) = context.Event(), context.Event(), context.Pipe(False)
    queries = [f"asset=view-{n}" for n in range(arguments.views)] if arguments.views > 1 else [""]
    wishes = [json.dumps({"panels": PAGE.panels("wall"), "query": query}).encode() for query in queries]
    simulator = context.Process(target=watch, args=(port, arguments.screens, wishes, ready, stop, theirs))
    try:
        wait_until_ready(port, web)
        simulator.start()
        while not ready.wait(1):
            if web.poll() is not None or not simulator.is_alive():
                raise SystemExit("the web process or the screens ended before every screen had its first picture")
        time.sleep(3)
        before, commits = processor_seconds(web.pid), []
        for _ in range(arguments.changes):
            commits.append(change(engine, catalog))
            time.sleep(arguments.every)
        spent = processor_seconds(web.pid) - before
        stop.set()
        arrivals, size = ours.recv()
    finally:
        stop.set()
        web.terminate()
        web.wait(10)
        if simulator.pid:
            simulator.join(10)
    return judged(arguments, commits, arrivals, size, spent)


def judged(arguments: argparse.Namespace, commits: list[float], arrivals: list[list[float]], size: int, spent: float) -> dict[str, Any]:
    """For each screen and change, the arrival of the last frame that tells of it."""
    last: dict[tuple[int, int], float] = {}
    for screen, times in enumerate(arrivals):
        for at in times:
            number = bisect_right(commits, at) - 1
            if number >= 0:
                last[screen, number] = at - commits[number]
    waits = sorted(last.values())
    wanted = arguments.screens * arguments.changes
    return {
        "screens": arguments.screens,
        "views": arguments.views,
        "updates": len(waits),
        "missed": wanted - len(waits),
        "p50_ms": round(statistics.median(waits) * 1000),
        "p95_ms": round(waits[int(len(waits) * 0.95)] * 1000),
        "max_ms": round(waits[-1] * 1000),
        "cpu_ms_per_update": round(spent * 1000 / wanted, 3),
        "cores": round(spent / (arguments.changes * arguments.every), 2),
        "kb_per_screen": round(size / arguments.screens / 1024),
        "screens_per_core": round(arguments.screens * arguments.changes * arguments.every / spent),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--screens", type=int, default=1000)
    parser.add_argument("--views", type=int, default=1, help="different views among the screens")
    parser.add_argument("--changes", type=int, default=12)
    parser.add_argument("--every", type=float, default=2.0, help="seconds between changes")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        told = measure(arguments, Path(home))
    sys.stdout.write(json.dumps(told, indent=2) + "\n")
    held = told["p95_ms"] <= 1000 and told["cpu_ms_per_update"] <= 0.5 and not told["missed"]
    wanted = "p95 at most 1000 ms, at most 0.5 ms of processor per screen and change, none missed"
    sys.stdout.write(f"{'held' if held else 'NOT HELD'}: {wanted}\n")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
