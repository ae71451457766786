"""What a person says to a step of a playbook: a decision, or what became of an order whose department cannot say it itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from dashboard.casework.linkage.decide import Answer
from dashboard.casework.linkage.machine import Event, State, allows
from dashboard.casework.linkage.run import advance
from dashboard.core.catalog import Catalog
from dashboard.core.errors import NotFoundError, NotNowError
from dashboard.store.audit_log import NOWHERE, Origin, note_action
from dashboard.store.engine import writing
from dashboard.store.schema import alert
from dashboard.store.schema_linkage import playbook_run, playbook_step

LONGEST_NOTE = 500


def answer_step(
    engine: sa.Engine, catalog: Catalog, run_id: int, step: str, state: str, actor: str, note: str, now: datetime, origin: Origin = NOWHERE
) -> None:
    """Take a person's answer: done for yes, refused for no; of an order also accepted and arrived.

    Raises NotFoundError for a step there is not, NotNowError, in words, for what cannot be said of it now.
    """
    if len(note) > LONGEST_NOTE:
        raise NotNowError(f"说明不超过{LONGEST_NOTE}字 (a note has at most {LONGEST_NOTE} characters)")
    with engine.connect() as conn:
        row = _step(conn, run_id, step)
    playbook = catalog.playbooks.get(row.playbook) if row else None
    if row is None or playbook is None:
        raise NotFoundError(f"no step {step!r} of run {run_id}")
    declared = playbook.step(step)
    if row.ended_at is not None or not allows(declared.kind, State(row.state), Event(state)) or declared.kind == "check":
        raise NotNowError("这一步现在不能这样答复，请看最新状态 (this cannot be said of the step now; look again)")
    advance(engine, catalog, run_id, now, said={step: Answer(state, now, actor, note)})
    with writing(engine).begin() as conn:
        detail = f"{row.playbook} {step} {state} {note}".strip()
        note_action(conn, actor=actor, action="playbook.answer", about=row.number, detail=detail, now=now, origin=origin)


def _step(conn: sa.Connection, run_id: int, step: str) -> Any:
    of_run = playbook_run.join(playbook_step, playbook_step.c.run_id == playbook_run.c.run_id)
    joined = of_run.join(alert, alert.c.alert_id == playbook_run.c.alert_id)
    columns = (playbook_run.c.playbook, playbook_run.c.ended_at, playbook_step.c.state, alert.c.number)
    return conn.execute(
        sa.select(*columns).select_from(joined).where(playbook_run.c.run_id == run_id, playbook_step.c.step == step)
    ).first()
