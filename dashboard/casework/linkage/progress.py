"""What a playbook's progress makes of its alert: a crew's answer is a step of the alert's own life, with the crew as its actor."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from dashboard.casework.handling import SYSTEM, Case, Doing, carry, find, grounds
from dashboard.casework.life import TABLE, Event, Stage, missing, step
from dashboard.casework.linkage.decide import Answer
from dashboard.casework.linkage.machine import both
from dashboard.core.catalog import Catalog
from dashboard.core.declare import Text
from dashboard.store.schema import alert, alert_transition

_ORDERS_DONE = Text("联动工单均已办结", "All work orders are done")
_DRILL_OVER = Text("演练结束", "The drill is over")


def answered(conn: sa.Connection, catalog: Catalog, alert_id: int, answer: Answer, unit: str, now: datetime) -> None:
    """A crew took an order or is there: the alert is theirs, they are on their way, they have arrived."""
    doing = Doing(event=Event.ACKNOWLEDGE, actor=answer.unit or unit, unit=answer.unit or unit)
    if answer.state in ("accepted", "arrived", "done"):
        _take(conn, catalog, alert_id, doing, now, only=(Stage.NEW,))
        _give(conn, catalog, alert_id, replace(doing, event=Event.ASSIGN), now)
        _take(conn, catalog, alert_id, replace(doing, event=Event.DISPATCH), now)
    if answer.state in ("arrived", "done"):
        _take(conn, catalog, alert_id, replace(doing, event=Event.ARRIVE, note=answer.note if answer.state == "arrived" else ""), now)


def settled(conn: sa.Connection, catalog: Catalog, alert_id: int, unit: str, note: str, now: datetime) -> None:
    """All that was ordered is done."""
    _take(conn, catalog, alert_id, Doing(event=Event.SETTLE, actor=unit, note=note or both(_ORDERS_DONE)), now)


def verified(conn: sa.Connection, catalog: Catalog, alert_id: int, unit: str, note: str, now: datetime) -> None:
    """Everything that was to be checked holds."""
    _take(conn, catalog, alert_id, Doing(event=Event.VERIFY, actor=unit, note=note), now)


def may_close(conn: sa.Connection, case: Case) -> bool:
    """Whether nothing the plan wants before closing is missing."""
    return case.life.stage is Stage.VERIFIED and not missing(grounds(conn, case), case.plan)


def close(conn: sa.Connection, catalog: Catalog, alert_id: int, now: datetime) -> bool:
    """Close the alert where the plan's conditions are met; whether it was."""
    case = find(conn, catalog, alert_id, now)
    if not may_close(conn, case):
        return False
    carry(conn, case, step(case.life, Event.CLOSE, now, case.plan), Doing(event=Event.CLOSE, actor=SYSTEM), now)
    return True


def escalate(conn: sa.Connection, catalog: Catalog, alert_id: int, words: Text, now: datetime) -> None:
    """Tell whom the plan names that a step is late or was refused."""
    case = find(conn, catalog, alert_id, now)
    unit = case.plan.escalate_to if case.plan else ""
    carry(conn, case, case.life, Doing(event=Event.LAPSE, actor=SYSTEM, note=both(words), unit=unit), now)


def note(conn: sa.Connection, catalog: Catalog, alert_id: int, words: str, now: datetime) -> None:
    """Write something into the alert's life that moves nothing."""
    case = find(conn, catalog, alert_id, now)
    carry(conn, case, case.life, Doing(event=Event.COMMENT, actor=SYSTEM, note=words), now)


def end_drill(conn: sa.Connection, catalog: Catalog, alert_id: int, now: datetime) -> None:
    """A drill ends with its playbook: its alert is clear and closed, whatever a real one would still want."""
    case = find(conn, catalog, alert_id, now)
    mine = alert.c.alert_id == alert_id
    conn.execute(sa.update(alert).where(mine).values(state="clear", cleared_at=now, open_key=None, updated_at=now))
    told = {"alert_id": alert_id, "at": now, "noticed_at": now, "what": "clear", "new": "clear", "reason": both(_DRILL_OVER)}
    conn.execute(sa.insert(alert_transition).values(told))
    if not case.life.stage.is_over:
        over = replace(case.life, stage=Stage.CLOSED, since=now, due=None, closed_at=now)
        carry(conn, case, over, Doing(event=Event.CLOSE, actor=SYSTEM, note=both(_DRILL_OVER)), now)


def _take(conn: sa.Connection, catalog: Catalog, alert_id: int, doing: Doing, now: datetime, only: tuple[Stage, ...] = ()) -> None:
    """A step of the alert's life, where it can happen at this stage; people may be further already."""
    case = find(conn, catalog, alert_id, now)
    if doing.event not in TABLE[case.life.stage] or (only and case.life.stage not in only):
        return
    unit = doing.unit if doing.event is Event.ASSIGN else ""
    carry(conn, case, step(case.life, doing.event, now, case.plan, unit), replace(doing, unit=unit), now)


def _give(conn: sa.Connection, catalog: Catalog, alert_id: int, doing: Doing, now: datetime) -> None:
    """The alert is the unit's that took the order, if nobody has been sent yet."""
    case = find(conn, catalog, alert_id, now)
    if case.life.stage is Stage.ACKNOWLEDGED and case.life.unit != doing.unit:
        _take(conn, catalog, alert_id, doing, now)
