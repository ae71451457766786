"""Workers that die: each a fork of a process that has everything loaded and no thread besides its own."""

from __future__ import annotations

import os
import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from dashboard.alerting.evaluate import evaluate
from dashboard.casework.linkage.run import run_playbooks
from dashboard.notify import inbox, orders
from dashboard.notify.orders import send_orders
from dashboard.store.lease import Lease
from tests.casework.linkage.yard import Yard
from tests.small_city import SmallCity


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


def _born(home: str, now: str, point: str) -> None:
    town = SmallCity(f"sqlite:///{home}/store.db", Path(home))
    town.clock.step(datetime.fromisoformat(now) - town.now)
    _work(Yard(town, Path(home)), point)


if __name__ == "__main__":
    for line in sys.stdin:
        if (child := os.fork()) == 0:
            try:
                _born(*line.rstrip("\n").split("\t"))
            finally:
                os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
