"""What happened to alerts becomes notices: who is told, over which channel, and when at the earliest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.core.declare import Level
from dashboard.core.duty import SCREENS, Notify, Recipient
from dashboard.core.times import city_day, day_start, to_micros
from dashboard.notify.noise import RESUMED, Noise, Notice, noise_around, ready
from dashboard.settings import Settings
from dashboard.store import bulk
from dashboard.store.engine import writing
from dashboard.store.lease import check_fence
from dashboard.store.schema import alert, alert_transition, notice, notice_mark
from dashboard.store.topics import bump

TOPIC = "notices"
_MARK = 1  # the mark's only row
_SLICE = 5000  # transitions a transaction
_TO_A_UNIT = ("assign", "lapse")  # events that name the unit they concern
_COLUMNS = ("transition_id", "channel", "recipient", "alert_id", "event", "level", "made_at", "due_at", "alone", "message")


def route(engine: sa.Engine, settings: Settings, now: datetime, fence: int = 0) -> int:
    """Turn every transition since the mark into notices; how many were made. Each transition is routed exactly once."""
    with engine.connect() as conn:
        if ready(conn, now) <= _marked(conn):
            return 0
    made = 0
    with writing(engine).begin() as conn:
        check_fence(conn, fence)
        if conn.dialect.name == "postgresql":  # wait for writers under way: a lower number committed later would be passed over
            conn.exec_driver_sql("LOCK TABLE alert_transition IN SHARE MODE")
        last = ready(conn, now)
        while rows := _since(conn, _marked(conn), last):
            made += _store(conn, settings.notify, rows, now)
            _mark(conn, rows[-1].transition_id)
        if made:
            bump(conn, [TOPIC], now)
    return made


def _marked(conn: sa.Connection) -> int:
    return conn.scalar(sa.select(notice_mark.c.transition_id)) or 0


def _mark(conn: sa.Connection, transition_id: int) -> None:
    bulk.insert(conn, notice_mark, ("mark_id", "transition_id"), [(_MARK, transition_id)], update=("transition_id",))


def _since(conn: sa.Connection, mark: int, last: int) -> list[Any]:
    told = alert_transition.c
    columns = (told.transition_id, told.alert_id, told.noticed_at, told.what, told.old, told.new, told.unit)
    standing = (alert.c.domain, alert.c.street, alert.c.level, alert.c.worst_level)
    joined = alert_transition.join(alert, alert.c.alert_id == told.alert_id)
    query = sa.select(*columns, *standing).select_from(joined).where(told.transition_id > mark, told.transition_id <= last)
    return list(conn.execute(query.order_by(told.transition_id).limit(_SLICE)).all())


def _store(conn: sa.Connection, notify: Notify, rows: list[Any], now: datetime) -> int:
    values = []
    noise = noise_around(conn, rows)
    for row in rows:
        event, level = event_of(row.what, row.old, row.new), _level_of(row)
        if noise.is_hushed(row, event):
            continue
        for one in _placed(notify, noise, event, level, row):
            sent = SCREENS if one.channel == SCREENS else None
            made, due = to_micros(now), to_micros(one.due)
            key = (row.transition_id, one.channel, one.recipient, row.alert_id)
            values.append((*key, event, level.value, made, due, one.alone, sent))
    return bulk.insert(conn, notice, _COLUMNS, values)


def event_of(what: str, old: str | None, new: str | None) -> str:
    """A transition in the words of routes: a change of level is told as up or down, and what is told after all as raised."""
    if what == RESUMED:
        return "open"
    if what != "level" or old is None or new is None:
        return what
    return "up" if Level(new).severity > Level(old).severity else "down"


def _level_of(row: Any) -> Level:
    """At which level something is told: the end of an alert as loud as the worst of it, so that all who knew hear of it."""
    match event_of(row.what, row.old, row.new):
        case "open" | "up" if row.new:
            return Level(row.new)
        case "down" if row.old:
            return Level(row.old)
        case "clear":
            return Level(row.worst_level)
    return Level(row.level)


def _placed(notify: Notify, noise: Noise, event: str, level: Level, row: Any) -> Iterator[Notice]:
    """The notices of a transition, those that only follow in a situation held back until its next message."""
    later = next_digest(row.noticed_at, notify.digest)
    at_once = noise.is_grave(row, level) and event in ("open", "up")
    for one in _notices(notify, event, level, row, at_once=at_once):
        if placed := noise.placed(row, event, level, one, later):
            yield placed


def _notices(notify: Notify, event: str, level: Level, row: Any, *, at_once: bool) -> Iterator[Notice]:
    """Each channel of each recipient once, however many routes lead there."""
    at = row.noticed_at
    if notify.screens.takes(event, level, row.domain, row.street):
        yield Notice(SCREENS, SCREENS, at, True)
    told: set[str] = set()
    for way in notify.routes:
        if way.takes(event, level, row.domain, row.street):
            told |= set(notify.on_duty(way.to, at))
    if event in _TO_A_UNIT and row.unit:
        told |= set(notify.on_duty(notify.of_unit(row.unit), at))
    for key in sorted(told):
        recipient = notify.recipients[key]
        due = None if at_once else due_at(notify, recipient, level, at)
        for channel in recipient.channels:
            yield Notice(channel, key, due or at, due is None)


def due_at(notify: Notify, recipient: Recipient, level: Level, at: datetime) -> datetime | None:
    """When a notice that may not go at once is due; None: at once."""
    due = next_digest(at, notify.digest) if level.severity < notify.digest_below.severity else None
    return recipient.quiet_until(due or at, level) or due


def next_digest(at: datetime, every: timedelta) -> datetime:
    """The end of the digest's stretch that a moment lies in; stretches are counted from the city's midnight."""
    midnight = day_start(city_day(at))
    return midnight + ((at - midnight) // every + 1) * every
