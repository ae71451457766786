"""Playbooks in the worker's turn: alerts set them going, answers and the clock move them on, one transaction for each.

A turn costs what happened to the playbooks under way, and what was raised. Everything a look at a run decides is kept
in one transaction: killed anywhere, the next turn sees the same facts and decides the same.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.casework.handling import find
from dashboard.casework.linkage import orders, progress
from dashboard.casework.linkage.decide import Answer, Facts, Move, Run, decide
from dashboard.casework.linkage.facts import look, numbers_of
from dashboard.casework.linkage.kept import begin_run, end_run, fault_words, faults, keep_fault, keep_run, read_run, runs
from dashboard.casework.linkage.machine import both
from dashboard.casework.linkage.news import looks_at, standings
from dashboard.core.catalog import Catalog
from dashboard.core.declare import Text
from dashboard.core.errors import NotNowError, StaleWriterError
from dashboard.core.playbooks import Playbook
from dashboard.store.engine import writing
from dashboard.store.lease import check_fence
from dashboard.store.schema import alert
from dashboard.store.schema_linkage import playbook_run
from dashboard.store.topics import bump

log = logging.getLogger(__name__)

_FRESH = timedelta(hours=2)  # where a playbook does not say: an alert raised longer ago is in people's hands


def run_playbooks(engine: sa.Engine, catalog: Catalog, now: datetime, fence: int = 0) -> int:
    """One turn: begin what alerts call for, move on what is under way; how many runs moved."""
    with engine.connect() as conn:
        called = [(book, row) for book in catalog.playbooks.values() for row in _called(conn, catalog, book, now)]
    for playbook, row in called:
        _begin(engine, playbook, row, now, fence)
    with engine.connect() as conn:
        under_way, troubled = standings(conn, catalog, now), faults(conn)
    looks, moved = looks_at(engine), 0
    for run_id in looks.calling(under_way, now):
        did, again = _guarded(engine, catalog, run_id, now, fence, troubled.get(run_id, ""))
        looks.rest(run_id, under_way[run_id], again, now)
        moved += did
    return moved


def _called(conn: sa.Connection, catalog: Catalog, playbook: Playbook, now: datetime) -> Sequence[Any]:
    """Open alerts bad enough and fresh enough that have not set the playbook going since they were raised.

    One raised again while its playbook runs is the same matter.
    """
    fresh = numbers_of(catalog, playbook, now).get("fresh")
    since = now - (timedelta(minutes=fresh) if fresh is not None else _FRESH)
    raised, at = sa.func.coalesce(alert.c.refired_at, alert.c.opened_at), playbook_run.c
    wanted = sa.and_(
        alert.c.state == "open", alert.c.closed_at.is_(None), alert.c.rule.in_(playbook.on), alert.c.level.in_(playbook.levels)
    )
    mine = sa.and_(at.alert_id == alert.c.alert_id, at.playbook == playbook.key)
    begun = sa.exists().where(mine, sa.or_(at.raised_at >= raised, at.state == "running"))
    query = sa.select(alert, raised.label("raised_at")).where(wanted, sa.or_(raised > since, alert.c.level_at > since), sa.not_(begun))
    return conn.execute(query.order_by(alert.c.alert_id)).all()


def _begin(engine: sa.Engine, playbook: Playbook, row: Any, now: datetime, fence: int) -> int:
    with writing(engine).begin() as conn:
        check_fence(conn, fence)
        return begin_run(conn, playbook, row, row.raised_at, now)


def _guarded(engine: sa.Engine, catalog: Catalog, run_id: int, now: datetime, fence: int, known: str) -> tuple[bool, datetime | None]:
    """One run's trouble is not the others'; whether it moved, and when it wants another look besides what happens to it."""
    try:
        with engine.connect() as conn:
            moves, again = _outlook(conn, catalog, run_id, now)
        if moves:
            advance(engine, catalog, run_id, now, fence)
    except NotNowError as quicker:
        log.info("run %d: %s", run_id, quicker)  # somebody acted on the alert meanwhile; the next turn looks again
        return False, now
    except StaleWriterError:
        raise
    except Exception as wrong:
        if isinstance(wrong, sa.exc.DBAPIError) and wrong.connection_invalidated:
            raise
        fault = fault_words(wrong)
        if fault != known:
            log.error("run %d of a playbook cannot go on; the others do", run_id, exc_info=wrong)
            _note_fault(engine, run_id, fault, now, fence)
        return False, now
    if known:
        log.info("run %d of a playbook: well again", run_id)
        _note_fault(engine, run_id, None, now, fence)
    return moves, now if moves else again


def _note_fault(engine: sa.Engine, run_id: int, fault: str | None, now: datetime, fence: int) -> None:
    with writing(engine).begin() as conn:
        check_fence(conn, fence)
        keep_fault(conn, run_id, fault)
        bump(conn, ["alerts"], now)


def advance(engine: sa.Engine, catalog: Catalog, run_id: int, now: datetime, fence: int = 0, said: dict[str, Answer] | None = None) -> None:
    """Carry out what follows for one run. `said`: what a person answers to a step just now."""
    with writing(engine).begin() as conn:
        check_fence(conn, fence)
        about = conn.execute(runs().where(playbook_run.c.run_id == run_id)).one()
        playbook = catalog.playbooks[about.playbook]
        run = read_run(conn, playbook, about)
        facts = look(conn, catalog, playbook, about, run, now)
        facts = replace(facts, answers={**facts.answers, **{key: [answer] for key, answer in (said or {}).items()}})
        if run.state == "running":
            _carry_out(conn, catalog, playbook, about, run, facts, now)
        _finish(conn, catalog, run_id, now)
        bump(conn, ["alerts"], now)


def _outlook(conn: sa.Connection, catalog: Catalog, run_id: int, now: datetime) -> tuple[bool, datetime | None]:
    """Whether a look would change anything, asked without a lock; if not, when what must last will have lasted."""
    about = conn.execute(runs().where(playbook_run.c.run_id == run_id)).one()
    playbook = catalog.playbooks.get(about.playbook)
    if playbook is None:
        return False, None  # no longer declared: what it ordered stays on record
    run = read_run(conn, playbook, about)
    if run.state != "running":
        return _closes(conn, catalog, about, now), None
    facts = look(conn, catalog, playbook, about, run, now)
    after, moves = decide(playbook, numbers_of(catalog, playbook, now), run, facts, now)
    again = min((one.due for one in facts.holds.values() if one.due is not None), default=None)
    return bool(moves) or after != run or after.level.value != about.level, again


def _closes(conn: sa.Connection, catalog: Catalog, about: Any, now: datetime) -> bool:
    return about.closed_at is not None or about.drill or progress.may_close(conn, find(conn, catalog, about.alert_id, now))


def _finish(conn: sa.Connection, catalog: Catalog, run_id: int, now: datetime) -> None:
    """A playbook that is done waits until its alert is closed, and closes it as soon as the plan lets it; a drill takes its alert along."""
    about = conn.execute(runs().where(playbook_run.c.run_id == run_id)).one()
    if about.state == "running":
        return
    if about.drill and about.alert_state == "open":
        progress.end_drill(conn, catalog, about.alert_id, now)
    closed = about.drill or about.closed_at is not None
    if about.ended_at is None and (closed or progress.close(conn, catalog, about.alert_id, now)):
        end_run(conn, run_id, now)


# ---- carrying out


def _carry_out(conn: sa.Connection, catalog: Catalog, playbook: Playbook, about: Any, run: Run, facts: Facts, now: datetime) -> None:
    after, moves = decide(playbook, numbers_of(catalog, playbook, now), run, facts, now)
    after = replace(after, steps=dict(after.steps))
    work = _Work(conn, catalog, playbook, about, after, now)
    for move in moves:
        work.do(move)
    work.conclude(moves)
    keep_run(conn, about.run_id, run, after, now)


class _Work:
    """What a look at a run asks for, done one by one in one transaction."""

    def __init__(self, conn: sa.Connection, catalog: Catalog, playbook: Playbook, about: Any, run: Run, now: datetime) -> None:
        self.conn, self.catalog, self.playbook, self.about, self.run, self.now = conn, catalog, playbook, about, run, now
        self.steps: dict[str, Any] = run.steps  # type: ignore[assignment]

    def do(self, move: Move) -> None:
        """One thing."""
        step, now = self.playbook.step(move.step), self.steps[move.step]
        alert_id = self.about.alert_id
        match move.what:
            case "order":
                due = (now.begun or self.now) + timedelta(seconds=now.limit_s or 0)
                number = orders.issue(self.conn, self.catalog, step, self.about, self.run.level, due, self.now)
                self.steps[move.step] = replace(now, order_no=number)
            case "withdraw" if now.order_no:
                orders.withdraw(self.conn, step, self.about, self.run.level, now.order_no, move.reason, self.now)
            case "answered" if move.answer:
                if now.order_no:
                    orders.note_answer(self.conn, now.order_no, move.answer)
                if step.kind == "order":
                    progress.answered(self.conn, self.catalog, alert_id, move.answer, step.by.zh, self.now)
            case "escalate":
                progress.escalate(self.conn, self.catalog, alert_id, _late(step.title, now.state == "refused"), self.now)
            case "stop":
                told = both(Text(f"步骤“{step.title.zh}”停止", f"Step “{step.title.en}” stopped"))
                progress.note(self.conn, self.catalog, alert_id, _joined(told, move.reason), self.now)
            case _:
                pass

    def conclude(self, moves: list[Move]) -> None:
        """Once nothing ordered is under way the matter is settled; once everything is checked, verified."""
        open_work = any(self.steps[s.key].state.is_under_way for s in self.playbook.steps if s.kind != "check")
        done = [m for m in moves if m.what == "answered" and m.answer and m.answer.state == "done"]
        if not open_work and (done or self.run.state == "done"):
            self._settle()
        if self.run.state == "done":
            proofs = [m.reason for m in moves if m.what == "verified" and m.reason]
            by = next((s.by.zh for s in reversed(self.playbook.steps) if s.kind == "check"), self.playbook.steps[-1].by.zh)
            progress.verified(self.conn, self.catalog, self.about.alert_id, by, "；".join(proofs), self.now)

    def _settle(self) -> None:
        told = [(s, self.steps[s.key]) for s in self.playbook.steps if s.kind == "order" and self.steps[s.key].state == "done"]
        if told:
            note = "；".join(f"{step.title.zh}：{now.reason}" for step, now in told if now.reason)
            progress.settled(self.conn, self.catalog, self.about.alert_id, told[-1][0].by.zh, note, self.now)


def _late(title: Text, refused: bool) -> Text:
    if refused:
        return Text(f"步骤“{title.zh}”被拒单", f"Step “{title.en}” was refused")
    return Text(f"步骤“{title.zh}”超过时限", f"Step “{title.en}” is past its limit")


def _joined(told: str, reason: str) -> str:
    """Two stored sentences as one, language by language."""
    (zh, _, en), (why_zh, _, why_en) = told.partition(" / "), reason.partition(" / ")
    return f"{zh}：{why_zh} / {en}: {why_en or why_zh}" if why_zh else told
