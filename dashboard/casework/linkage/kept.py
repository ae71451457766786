"""Runs and steps as they are kept: read into what `decide` takes, and written back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from dashboard.casework.linkage.decide import Run
from dashboard.casework.linkage.machine import Now, State
from dashboard.core.declare import Level
from dashboard.core.playbooks import Playbook
from dashboard.store.schema import alert
from dashboard.store.schema_linkage import playbook_run, playbook_step

_LONGEST = 300  # characters of an error's own words
_ALERT = ("number", "rule", "domain", "asset_id", "asset_name", "street", "value", "unit", "no_data", "closed_at")


def runs() -> sa.Select[Any]:
    """Runs with what is to be known of their alerts."""
    about = (alert.c[name] for name in _ALERT)
    standing = (alert.c.state.label("alert_state"), alert.c.level.label("alert_level"), alert.c.worst_level)
    joined = playbook_run.join(alert, alert.c.alert_id == playbook_run.c.alert_id)
    return sa.select(playbook_run, *about, *standing).select_from(joined)


def begin_run(conn: sa.Connection, playbook: Playbook, about: Any, raised: datetime, now: datetime) -> int:
    """A new run with all its steps idle."""
    row = {"playbook": playbook.key, "alert_id": about.alert_id, "raised_at": raised, "drill": about.drill, "level": about.worst_level}
    made = sa.insert(playbook_run).values(**row, state="running", reason="", started_at=now).returning(playbook_run.c.run_id)
    run_id = int(conn.execute(made).scalar_one())
    steps = [{"run_id": run_id, "step": step.key, "state": State.IDLE.value, "since": now} for step in playbook.steps]
    conn.execute(sa.insert(playbook_step), steps)
    return run_id


def read_run(conn: sa.Connection, playbook: Playbook, about: Any) -> Run:
    """Where a run stands. Its level is the worst its alert has been at since."""
    rows = conn.execute(sa.select(playbook_step).where(playbook_step.c.run_id == about.run_id))
    steps = {row.step: _now(row) for row in rows}
    for step in playbook.steps:  # a step declared since the run began
        steps.setdefault(step.key, Now(State.IDLE, about.started_at))
    level = max(Level(about.level), Level(about.alert_level), key=lambda one: one.severity)
    return Run(level, steps, about.state, about.reason)


def _now(row: Any) -> Now:
    times = {"since": row.since, "begun": row.begun_at, "ended": row.ended_at, "due": row.due_at}
    counts = {"limit_s": row.limit_s, "tries": row.tries, "escalations": row.escalations, "late": row.late}
    return Now(State(row.state), **times, **counts, order_no=row.order_no, reason=row.reason)


def keep_run(conn: sa.Connection, run_id: int, before: Run, after: Run, now: datetime) -> None:
    """Write what has changed."""
    for key, step in after.steps.items():
        if before.steps.get(key) != step:
            _keep_step(conn, run_id, key, step)
    over = now if after.state in ("failed", "stopped") else None
    values = {"level": after.level.value, "state": after.state, "reason": after.reason, "ended_at": over}
    conn.execute(sa.update(playbook_run).where(playbook_run.c.run_id == run_id).values(values))


def _keep_step(conn: sa.Connection, run_id: int, key: str, step: Now) -> None:
    times = {"since": step.since, "begun_at": step.begun, "ended_at": step.ended, "due_at": step.due}
    counts = {"limit_s": step.limit_s, "tries": step.tries, "escalations": step.escalations, "late": step.late}
    values = {**times, **counts, "state": step.state.value, "order_no": step.order_no, "reason": step.reason}
    mine = sa.and_(playbook_step.c.run_id == run_id, playbook_step.c.step == key)
    if not conn.execute(sa.update(playbook_step).where(mine).values(values)).rowcount:
        conn.execute(sa.insert(playbook_step).values(run_id=run_id, step=key, **values))


def end_run(conn: sa.Connection, run_id: int, now: datetime) -> None:
    """Nothing is left to wait for."""
    conn.execute(sa.update(playbook_run).where(playbook_run.c.run_id == run_id).values(ended_at=now))


def fault_words(wrong: Exception) -> str:
    """What stands in a run's way, in the error's own words."""
    return f"{type(wrong).__name__}: {wrong}"[:_LONGEST]


def faults(conn: sa.Connection) -> dict[int, str]:
    """Runs that could not be looked after when last tried."""
    at = playbook_run.c
    query = sa.select(at.run_id, at.fault).where(at.ended_at.is_(None), at.fault.is_not(None))
    return {run_id: fault for run_id, fault in conn.execute(query)}


def keep_fault(conn: sa.Connection, run_id: int, fault: str | None) -> None:
    """Keep what stands in a run's way; None: nothing any more."""
    conn.execute(sa.update(playbook_run).where(playbook_run.c.run_id == run_id).values(fault=fault))
