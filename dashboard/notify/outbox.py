"""The outbox: notices are gathered into messages, messages claimed, sent, and marked; what failed is tried again, later and later.

At least once: a sender killed between sending and marking leaves one message that its successor sends again, under the same
key, by which receivers drop it. A claim carries the worker's fence: what a dead or replaced worker had claimed is free at once.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.core.catalog import Catalog
from dashboard.core.declare import Level
from dashboard.core.duty import Channel
from dashboard.notify.channels import DELIVER
from dashboard.notify.failure import NotSentError
from dashboard.notify.letters import letter
from dashboard.notify.route import TOPIC
from dashboard.settings import Settings
from dashboard.store.claims import Queue
from dashboard.store.engine import writing
from dashboard.store.lease import check_fence
from dashboard.store.schema import alert, notice, notice_message
from dashboard.store.schema_noise import situation_member
from dashboard.store.topics import bump

log = logging.getLogger(__name__)

_MINUTE = timedelta(minutes=1)
_CLAIM = 50  # messages a turn
_GATHER = 10_000  # notices a turn
_QUEUE = Queue(notice_message, "message")
_NAMESPACE = uuid.UUID("6d0f0f0e-6f6c-4b5a-9c39-8a4b8a4b0c17")


@dataclass(frozen=True)
class Sent:
    """What a turn of one channel did."""

    sent: int = 0
    failed: int = 0
    error: str = ""


def send(engine: sa.Engine, catalog: Catalog, settings: Settings, channel: str, now: datetime, fence: int = 0) -> Sent:
    """One turn of one channel: gather what is due, claim, deliver and mark, the worst first. A channel that is down is left alone."""
    way = settings.notify.channels[channel]
    claimed = _claim(engine, settings, way, now, fence)
    sent, failures = 0, list[NotSentError]()
    for number, row in enumerate(claimed):
        try:
            _deliver(engine, catalog, settings, way, row, now)
        except NotSentError as failure:
            failures.append(failure)
            _put_off(engine, settings, row, failure, now, fence)
            if failure.channel_is_down:
                _release(engine, claimed[number + 1 :], now, fence)
                break
            continue
        _mark_sent(engine, row, now, fence)
        sent += 1
    return Sent(sent, len(failures), str(failures[-1]) if failures else "")


def waiting(conn: sa.Connection, channel: str, now: datetime) -> bool:
    """Whether a channel has anything to do: two index seeks, asked every turn."""
    ungathered = sa.and_(notice.c.message.is_(None), notice.c.due_at <= now, notice.c.channel == channel)
    due = _QUEUE.due(notice_message.c.channel == channel, now=now)
    return bool(conn.scalar(sa.select(sa.or_(sa.exists().where(ungathered), sa.exists().where(due)))))


# ---- claim


def _claim(engine: sa.Engine, settings: Settings, way: Channel, now: datetime, fence: int) -> list[Any]:
    """Messages of a channel that are ours for a while, the worst first. Counted as tries before anything is sent."""
    with engine.connect() as conn:
        if not waiting(conn, way.key, now):
            return []
    with writing(engine).begin() as conn:
        check_fence(conn, fence)
        left = _allowance(conn, way, now)
        if left <= 0:
            return []
        _gather(conn, settings, way, now, left)
        at = notice_message.c
        order = (at.severity.desc(), at.made_at, at.message)
        rows = _QUEUE.claim(conn, at.channel == way.key, order, min(left, _CLAIM), now, fence)
    return list(rows)


def _allowance(conn: sa.Connection, way: Channel, now: datetime) -> int:
    """How many more messages a channel takes in this minute."""
    if not way.rate:
        return _GATHER
    recent = sa.and_(notice_message.c.channel == way.key, notice_message.c.tried_at > now - _MINUTE)
    return way.rate - (conn.scalar(sa.select(sa.func.count()).where(recent)) or 0)


# ---- gather


def _gather(conn: sa.Connection, settings: Settings, way: Channel, now: datetime, left: int) -> None:
    """Notices that are due become messages. What comes in a flood is told together, life-safety apart from the rest."""
    due = sa.and_(notice.c.message.is_(None), notice.c.due_at <= now, notice.c.channel == way.key)
    member = situation_member.c
    crowd = sa.case((member.left_at.is_(None), member.situation_id)).label("situation_id")
    here = notice.outerjoin(situation_member, member.alert_id == notice.c.alert_id).join(alert, alert.c.alert_id == notice.c.alert_id)
    query = sa.select(notice, crowd, member.life_safety, alert.c.drill).select_from(here)
    rows = conn.execute(query.where(due).order_by(notice.c.transition_id).limit(_GATHER)).all()
    by_recipient: dict[tuple[str, bool], list[Any]] = {}  # a drill never shares a message with what is real
    for row in rows:
        by_recipient.setdefault((row.recipient, row.drill), []).append(row)
    few = min(settings.notify.together_from, left + 1)
    for mine in by_recipient.values():
        for parts in parted(mine, few):
            _message(conn, parts, now)


def parted(rows: Sequence[Any], few: int) -> list[list[Any]]:
    """Which notices share a message: those of a situation do; fewer than `few` messages go one by one, more go together, as held
    notices do. Matters of life each go alone, or in a flood of them apart from the rest.
    """
    found: list[list[Any]] = []
    for is_grave in (True, False):
        mine = [row for row in rows if _is_grave(row) is is_grave]
        single = [row for row in mine if row.alone]
        held = [row for row in mine if not row.alone]
        bundles = [[row] for row in single] if is_grave else _bundles(single)
        found += bundles if len(bundles) < few else [single]
        found += [held] if held else []
    return found


def _is_grave(row: Any) -> bool:
    return row.level == Level.RED or bool(row.life_safety)


def _bundles(rows: Sequence[Any]) -> list[list[Any]]:
    """What happened in one situation together, the rest one by one."""
    found: dict[tuple[str, int], list[Any]] = {}
    for row in rows:
        found.setdefault(("situation", row.situation_id) if row.situation_id else ("alone", row.transition_id), []).append(row)
    return list(found.values())


def _message(conn: sa.Connection, rows: Sequence[Any], now: datetime) -> None:
    first = rows[0]
    told = " ".join(str(row.transition_id) for row in rows)
    key = str(uuid.uuid5(_NAMESPACE, f"{first.channel} {first.recipient} {first.made_at.isoformat()} {told}"))
    severity = max(Level(row.level).severity for row in rows)
    values = {"message": key, "channel": first.channel, "recipient": first.recipient, "severity": severity}
    conn.execute(sa.insert(notice_message).values(**values, state="waiting", made_at=now, next_at=now, attempts=0, fence=0))
    mine = sa.and_(
        notice.c.transition_id.in_([row.transition_id for row in rows]),
        notice.c.channel == first.channel,
        notice.c.recipient == first.recipient,
    )
    conn.execute(sa.update(notice).where(mine).values(message=key))


# ---- deliver and mark


def _deliver(engine: sa.Engine, catalog: Catalog, settings: Settings, way: Channel, row: Any, now: datetime) -> None:
    recipient = settings.notify.recipients.get(row.recipient)
    if recipient is None:
        raise NotSentError(f"no recipient {row.recipient!r} is configured any more")
    unset = way.unset or (recipient.unset if way.kind == "mail" else "")
    if unset:
        why = f"{unset} is not set: put it in the environment and restart the worker"
        raise NotSentError(why, channel_is_down=bool(way.unset))
    with engine.connect() as conn:
        told = letter(conn, catalog, settings, recipient, row.message)
    DELIVER[way.kind](told, way, recipient, now)


def _mark_sent(engine: sa.Engine, row: Any, now: datetime, fence: int) -> None:
    with writing(engine).begin() as conn:
        check_fence(conn, fence)
        conn.execute(_QUEUE.sent(row, now, fence))
        if row.error:
            bump(conn, [TOPIC], now)  # screens that showed it as not delivered


def _put_off(engine: sa.Engine, settings: Settings, row: Any, failure: NotSentError, now: datetime, fence: int) -> None:
    """Later and later; after `give_up_after` no more, which the screens then show."""
    later, over = _QUEUE.put_off(row, str(failure), failure.wait, settings.notify.give_up_after, now, fence)
    with writing(engine).begin() as conn:
        check_fence(conn, fence)
        conn.execute(later)
        bump(conn, [TOPIC], now)
    if over:
        log.error("%s: message %s to %s given up after %d tries: %s", row.channel, row.message, row.recipient, row.attempts + 1, failure)


def _release(engine: sa.Engine, rows: Sequence[Any], now: datetime, fence: int) -> None:
    """What was claimed and not come to: free for the next turn, and no try. Its turn comes when the channel is well again."""
    if rows:
        with writing(engine).begin() as conn:
            check_fence(conn, fence)
            conn.execute(_QUEUE.release(rows, now, fence))
