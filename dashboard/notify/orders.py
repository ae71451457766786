"""Work orders on their way to departments: claimed, written into the inbox or posted, marked; a second copy is dropped there."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa

from dashboard.core.duty import Channel
from dashboard.core.playbooks import ORDER_FIELDS, Outbox
from dashboard.core.times import iso
from dashboard.notify.failure import NotSentError
from dashboard.notify.inbox import open_inbox
from dashboard.notify.outbox import Sent
from dashboard.notify.post import post
from dashboard.notify.route import TOPIC
from dashboard.notify.webhook import signed
from dashboard.settings import Settings
from dashboard.store.claims import Queue
from dashboard.store.engine import writing
from dashboard.store.lease import check_fence
from dashboard.store.schema_linkage import work_order
from dashboard.store.topics import bump

_QUEUE = Queue(work_order, "order_no")
_CLAIM = 50  # orders a turn
_GIVE_UP = timedelta(hours=24)


def send_orders(engine: sa.Engine, settings: Settings, outbox: str, now: datetime, fence: int = 0) -> Sent:
    """One turn of one outbox, the most urgent first. A department that does not answer is left alone until it does."""
    box = settings.outboxes.get(outbox) or Outbox(key=outbox, kind="none", source="")
    claimed = _claim(engine, box, now, fence)
    sent, failures = 0, list[NotSentError]()
    for number, row in enumerate(claimed):
        try:
            _deliver(box, row, now)
        except NotSentError as failure:
            failures.append(failure)
            _put_off(engine, row, failure, now, fence)
            if failure.channel_is_down:
                _release(engine, claimed[number + 1 :], now, fence)
                break
            continue
        _mark_sent(engine, row, now, fence)
        sent += 1
    return Sent(sent, len(failures), str(failures[-1]) if failures else "")


def _claim(engine: sa.Engine, box: Outbox, now: datetime, fence: int) -> list[Any]:
    mine = work_order.c.outbox == box.key
    with engine.connect() as conn:
        if box.kind == "none" or not conn.scalar(sa.select(sa.exists().where(_QUEUE.due(mine, now=now)))):
            return []
    with writing(engine).begin() as conn:
        check_fence(conn, fence)
        at = work_order.c
        return list(_QUEUE.claim(conn, mine, (at.priority.desc(), at.made_at, at.order_no), _CLAIM, now, fence))


def _deliver(box: Outbox, row: Any, now: datetime) -> None:
    if box.unset:
        raise NotSentError(f"{box.unset} is not set: put it in the environment and restart the worker", channel_is_down=True)
    order = {name: getattr(row, name) for name in ORDER_FIELDS}
    if box.kind == "sql":
        open_inbox(box).put(order)
        return
    body = orjson.dumps({**order, "issued_at": iso(row.issued_at), "due_at": iso(row.due_at)})
    way = Channel(key=box.key, kind="webhook", url=box.url, secret=box.secret)
    post(way, body, signed(way, body, row.order_no, now))


def _mark_sent(engine: sa.Engine, row: Any, now: datetime, fence: int) -> None:
    with writing(engine).begin() as conn:
        check_fence(conn, fence)
        conn.execute(_QUEUE.sent(row, now, fence))
        bump(conn, ["alerts", TOPIC] if row.error else ["alerts"], now)  # screens that showed it as not delivered


def _put_off(engine: sa.Engine, row: Any, failure: NotSentError, now: datetime, fence: int) -> None:
    later, _ = _QUEUE.put_off(row, str(failure), failure.wait, _GIVE_UP, now, fence)
    with writing(engine).begin() as conn:
        check_fence(conn, fence)
        conn.execute(later)
        if row.error != str(failure):
            bump(conn, ["alerts", TOPIC], now)


def _release(engine: sa.Engine, rows: list[Any], now: datetime, fence: int) -> None:
    if rows:
        with writing(engine).begin() as conn:
            check_fence(conn, fence)
            conn.execute(_QUEUE.release(rows, now, fence))
