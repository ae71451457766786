"""What screens read about linkages: runs with their steps and orders, and how steps did over a stretch of time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median
from typing import Any

import sqlalchemy as sa

from dashboard.store.schema import alert
from dashboard.store.schema_linkage import playbook_run, playbook_step, work_order

_OF_RUN = ("run_id", "playbook", "alert_id", "drill", "level", "state", "reason", "fault", "started_at", "ended_at")
_RUN = tuple(playbook_run.c[name] for name in _OF_RUN)
_ALERT = tuple(alert.c[name] for name in ("number", "asset_name", "street", "domain"))
_RUNS = sa.select(*_RUN, *_ALERT).select_from(playbook_run.join(alert, alert.c.alert_id == playbook_run.c.alert_id))


@dataclass
class StepFigures:
    """How a step did: begun, done, in time, how long it took, and what stopped it."""

    begun: int = 0
    done: int = 0
    in_time: int = 0
    took: list[float] = field(default_factory=list)  # seconds
    stopped: dict[str, int] = field(default_factory=dict)  # reason, both languages → times

    @property
    def median(self) -> float | None:
        """Seconds from the order to its being done."""
        return median(self.took) if self.took else None

    @property
    def on_time(self) -> float | None:
        """Share of what was done, or is late, that was in time."""
        return self.in_time / self.begun if self.begun else None


def live_runs(conn: sa.Connection) -> Sequence[Any]:
    """Runs under way, or done with an alert that is not closed yet: the newest first."""
    return conn.execute(_RUNS.where(playbook_run.c.ended_at.is_(None)).order_by(playbook_run.c.run_id.desc())).all()


def ended_runs(conn: sa.Connection, playbook: str, limit: int) -> Sequence[Any]:
    """The last runs of a playbook that are over."""
    mine = sa.and_(playbook_run.c.playbook == playbook, playbook_run.c.ended_at.is_not(None))
    return conn.execute(_RUNS.where(mine).order_by(playbook_run.c.started_at.desc()).limit(limit)).all()


def runs_of_alert(conn: sa.Connection, alert_id: int) -> Sequence[Any]:
    """The runs an alert set going, the newest first."""
    return conn.execute(_RUNS.where(playbook_run.c.alert_id == alert_id).order_by(playbook_run.c.run_id.desc())).all()


def steps_of(conn: sa.Connection, runs: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Steps of some runs with the order each had last, by run and step."""
    order = tuple(work_order.c[name].label(f"o_{name}") for name in ("state", "by_unit", "note", "error", "sent_at", "outbox"))
    joined = playbook_step.outerjoin(work_order, work_order.c.order_no == playbook_step.c.order_no)
    found: dict[int, dict[str, Any]] = {}
    for row in conn.execute(sa.select(playbook_step, *order).select_from(joined).where(playbook_step.c.run_id.in_(list(runs)))):
        found.setdefault(row.run_id, {})[row.step] = row
    return found


def figures(conn: sa.Connection, since: datetime) -> Mapping[tuple[str, str], StepFigures]:
    """How every step did in runs begun since a moment, by playbook and step; drills apart."""
    real = sa.and_(playbook_run.c.started_at >= since, playbook_run.c.drill.is_(False))
    query = sa.select(playbook_run.c.playbook, playbook_step).join(playbook_run, playbook_run.c.run_id == playbook_step.c.run_id)
    found: dict[tuple[str, str], StepFigures] = {}
    for row in conn.execute(query.where(real)):
        if row.state != "idle":
            _count(found.setdefault((row.playbook, row.step), StepFigures()), row)
    return found


def _count(of: StepFigures, row: Any) -> None:
    if row.state == "stopped":
        of.stopped[row.reason] = of.stopped.get(row.reason, 0) + 1
    if row.begun_at is None or not (row.late or row.state in ("done", "refused", "failed")):
        return
    of.begun += 1
    of.in_time += row.state == "done" and not row.late
    if row.state == "done":
        of.done += 1
        of.took.append((row.ended_at - row.begun_at).total_seconds())


def outcomes(conn: sa.Connection, since: datetime) -> Mapping[str, Mapping[str, int]]:
    """How runs begun since a moment ended, by playbook and state; drills apart."""
    at = playbook_run.c
    query = sa.select(at.playbook, at.state, sa.func.count()).where(at.started_at >= since, at.drill.is_(False))
    found: dict[str, dict[str, int]] = {}
    for playbook, state, number in conn.execute(query.group_by(at.playbook, at.state)):
        found.setdefault(playbook, {})[state] = number
    return found
