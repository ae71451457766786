"""What the clock and the machine do to alerts in people's hands: begin them, close what closes itself, tell of limits passed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from dashboard.casework.handling import SYSTEM, Case, Doing, carry, case_of, cases, keep
from dashboard.casework.life import TABLE, Event, hastened, step
from dashboard.core.catalog import Catalog
from dashboard.store.engine import writing
from dashboard.store.lease import check_fence
from dashboard.store.schema import alert, handling
from dashboard.store.topics import bump

_TENDED = 1000  # a turn; a flood of alerts is tended in several


def tend(engine: sa.Engine, catalog: Catalog, now: datetime, fence: int | None = None) -> int:
    """Look after every alert that needs it; how many steps were taken. Costs the alerts not over, whatever the history."""
    with engine.connect() as conn:
        waiting = [row.alert_id for row in conn.execute(_waiting(now)) if _due(case_of(row, catalog, now), now)]
    if not waiting:
        return 0
    with writing(engine).begin() as conn:
        if fence is not None:
            check_fence(conn, fence)
        rows = conn.execute(cases().where(alert.c.alert_id.in_(waiting[:_TENDED])).order_by(alert.c.alert_id)).all()
        done = sum(_look_after(conn, case_of(row, catalog, now), now) for row in rows)
        bump(conn, ["alerts"], now)
    return done


def _waiting(now: datetime) -> sa.Select[Any]:
    """Alerts nobody began, those past a limit, those clear that nobody was sent to, those raised again, and those that got worse."""
    living = alert.c.closed_at.is_(None)
    unbegun = sa.and_(living, handling.c.alert_id.is_(None))
    late = sa.and_(living, handling.c.due_at <= now)
    may_close = [stage.value for stage, events in TABLE.items() if Event.RECOVER in events]
    back = sa.and_(living, alert.c.state == "clear", handling.c.stage.in_(may_close))
    looked = sa.and_(handling.c.refired_at.is_not(None), handling.c.refired_at == alert.c.refired_at)
    again = sa.and_(living, alert.c.state == "open", alert.c.refired_at.is_not(None), sa.not_(looked))
    worse = sa.and_(living, sa.or_(handling.c.level.is_(None), handling.c.level != alert.c.worst_level))
    return cases().where(sa.or_(unbegun, late, back, again, worse))


def _due(case: Case, now: datetime) -> Event | bool | None:
    """What is to be done now: True to begin it or to set its limit anew, an event, or nothing."""
    row, life, plan = case.row, case.life, case.plan
    if case.version is None or row.h_level != row.worst_level:
        return True
    if row.state == "open" and row.refired_at is not None and row.refired_at != row.h_refired_at:
        return Event.REFIRE
    if row.state == "clear" and plan is not None and plan.closes_itself and Event.RECOVER in TABLE[life.stage]:
        return Event.RECOVER
    return Event.LAPSE if life.due is not None and life.due <= now else None


def _look_after(conn: sa.Connection, case: Case, now: datetime) -> int:
    """One step of one alert."""
    row, life = case.row, case.life
    match _due(case, now):
        case True:
            keep(conn, case, life if case.version is None else hastened(life, row.level_at, case.plan), SYSTEM)
        case Event.REFIRE:
            _take(conn, case, Event.REFIRE, now)
        case Event.RECOVER:
            _take(conn, case, Event.RECOVER, max(row.cleared_at or now, life.since), note="恢复正常，按预案自动闭环")
        case Event.LAPSE:
            _take(conn, case, Event.LAPSE, life.due or now, unit=case.plan.escalate_to if case.plan else "")
        case _:
            return 0  # somebody was quicker
    return 1


def _take(conn: sa.Connection, case: Case, event: Event, at: datetime, note: str = "", unit: str = "") -> None:
    carry(conn, case, step(case.life, event, at, case.plan), Doing(event=event, actor=SYSTEM, note=note, unit=unit), at)
