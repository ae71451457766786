"""The worker tells people by itself: each channel on its own, so that one that hangs holds up no other."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa

from dashboard.core.clock import SystemClock
from dashboard.core.playbooks import Outbox
from dashboard.store.engine import writing
from dashboard.store.schema_linkage import work_order
from dashboard.worker import Worker
from tests.notify.office import Office, Post, Receiver, notify_of

TWO_WAYS = """
[channel.slow]
kind = "webhook"
url_env = "SLOW"
[channel.quick]
kind = "webhook"
url_env = "QUICK"
[recipient.a]
title = ["甲", "A"]
channels = ["slow"]
[recipient.b]
title = ["乙", "B"]
channels = ["quick"]
[route.all]
to = ["a", "b"]
"""


def test_a_channel_that_hangs_holds_up_no_other(office: Office, receiver: Receiver, tmp_path: Path) -> None:
    let_go = threading.Event()

    def answer(post: Post) -> tuple[int, bytes]:
        if post.path == "/slow":
            let_go.wait(20)
        return 200, b""

    receiver.answer = answer
    office.notify = notify_of(TWO_WAYS, SLOW=f"{receiver.url}/slow", QUICK=f"{receiver.url}/quick")
    office.raised("red", at=SystemClock().now())
    stop = threading.Event()
    worker = Worker(replace(office.settings, home=tmp_path), office.city.catalog, office.engine, SystemClock())
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        deadline = time.monotonic() + 30
        while {post.path for post in receiver.came} != {"/slow", "/quick"} and time.monotonic() < deadline:
            stop.wait(0.05)
        office.raised("red", at=SystemClock().now())
        while [post.path for post in receiver.came].count("/quick") < 2 and time.monotonic() < deadline:
            stop.wait(0.05)
        paths = [post.path for post in receiver.came]
    finally:
        let_go.set()
        stop.set()
        thread.join(20)
    assert (paths.count("/quick"), paths.count("/slow")) == (2, 1)


def test_the_worker_sends_orders_by_itself(office: Office, receiver: Receiver, tmp_path: Path) -> None:
    now = SystemClock().now()
    told = {"kind": "sweep", "playbook": "dust", "alert_no": "YZ-1", "asset_id": "S", "place": "", "instruction": "洗扫", "priority": 3}
    delivery = {"state": "waiting", "issued_at": now, "due_at": now, "made_at": now, "next_at": now}
    with writing(office.engine).begin() as conn:
        row = {"order_no": "YZ-1.1", "run_id": 1, "step": "sweep", "alert_id": 1, "outbox": "cleaning", **told, **delivery}
        conn.execute(sa.insert(work_order).values(row))
    box = Outbox(key="cleaning", kind="webhook", source="", url=receiver.url)
    stop = threading.Event()
    settings = replace(office.settings, home=tmp_path, outboxes={"cleaning": box})
    thread = threading.Thread(target=Worker(settings, office.city.catalog, office.engine, SystemClock()).run, args=(stop,))
    thread.start()
    try:
        deadline = time.monotonic() + 30
        while not receiver.came and time.monotonic() < deadline:
            stop.wait(0.05)
    finally:
        stop.set()
        thread.join(20)
    assert [post.key for post in receiver.came] == ["YZ-1.1"]
