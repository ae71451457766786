"""What screens read about notices: what was told on them, and what did not reach others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from dashboard.core.duty import SCREENS
from dashboard.store.schema import alert, notice, notice_message
from dashboard.store.schema_linkage import work_order


@dataclass(frozen=True, kw_only=True)
class ToldRow:
    """A notice on the screens, and the alert it is about."""

    transition_id: int
    event: str
    level: str
    made_at: datetime
    alert_id: int
    number: str
    rule: str
    asset_name: str
    street: str | None
    drill: bool = False


@dataclass(frozen=True, kw_only=True)
class UndeliveredRow:
    """A channel with messages that have failed at least once and have not gone."""

    channel: str
    messages: int
    given_up: int
    error: str


def told_on_screens(conn: sa.Connection, since: datetime, limit: int) -> list[ToldRow]:
    """The newest notices on the screens, newest first."""
    mine = (notice.c.transition_id, notice.c.event, notice.c.level, notice.c.made_at, notice.c.alert_id)
    about = (alert.c.number, alert.c.rule, alert.c.asset_name, alert.c.street, alert.c.drill)
    query = sa.select(*mine, *about).select_from(notice.join(alert, alert.c.alert_id == notice.c.alert_id))
    lately = query.where(notice.c.channel == SCREENS, notice.c.made_at >= since)
    return [ToldRow(**row._mapping) for row in conn.execute(lately.order_by(notice.c.transition_id.desc()).limit(limit))]


def undelivered_orders(conn: sa.Connection, since: datetime) -> list[UndeliveredRow]:
    """Departments whose inbox does not take orders: what waits after a failure, and what was given up since a moment."""
    at = work_order.c
    failing = sa.or_(
        sa.and_(at.state == "waiting", at.error.is_not(None)), sa.and_(at.state == "given_up", at.attempts > 0, at.made_at >= since)
    )
    lost = sa.func.sum(sa.case((at.state == "given_up", 1), else_=0))
    columns = (at.outbox.label("channel"), sa.func.count().label("messages"), lost.label("given_up"), sa.func.max(at.error).label("error"))
    found = conn.execute(sa.select(*columns).where(failing).group_by(at.outbox).order_by(at.outbox))
    return [UndeliveredRow(**row._mapping) for row in found]


def undelivered(conn: sa.Connection, since: datetime) -> list[UndeliveredRow]:
    """Channels in trouble: what waits after a failure, and what was given up since a moment."""
    at = notice_message.c
    failing = sa.or_(sa.and_(at.state == "waiting", at.error.is_not(None)), sa.and_(at.state == "given_up", at.made_at >= since))
    lost = sa.func.sum(sa.case((at.state == "given_up", 1), else_=0))
    columns = (at.channel, sa.func.count().label("messages"), lost.label("given_up"), sa.func.max(at.error).label("error"))
    found = conn.execute(sa.select(*columns).where(failing).group_by(at.channel).order_by(at.channel))
    return [UndeliveredRow(**row._mapping) for row in found]
