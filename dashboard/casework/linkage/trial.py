"""A dry run: what a playbook would do for an alert, step by step as if all went well, then what happens if it does not. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.casework.linkage.decide import Answer, Facts, Holding, Run, decide
from dashboard.casework.linkage.drill import find_playbook
from dashboard.casework.linkage.facts import look, numbers_of
from dashboard.casework.linkage.machine import Now, State
from dashboard.casework.linkage.orders import instruction
from dashboard.core.catalog import Catalog
from dashboard.core.declare import Level
from dashboard.core.errors import NotFoundError
from dashboard.core.playbooks import Playbook, Step
from dashboard.settings import Settings
from dashboard.store.alert_reads import AlertRow, one_alert
from dashboard.store.drills import REAL
from dashboard.store.schema import alert

_ANSWERED = ("accepted", "arrived", "done")


@dataclass(frozen=True)
class Tried:
    """One step of a dry run."""

    step: Step
    at: datetime
    due: datetime | None
    told: str  # what would be ordered or asked


@dataclass(frozen=True)
class Trial:
    """What a playbook would do."""

    number: str
    level: Level
    steps: tuple[Tried, ...]
    waits: tuple[str, ...]  # interlocks that forbid a step as things stand
    stops: tuple[str, ...]  # stop rules that hold as things stand
    unsent: tuple[str, ...]  # outboxes nothing could be written into


def try_playbook(conn: sa.Connection, catalog: Catalog, settings: Settings, key: str, number: str, now: datetime) -> Trial:
    """Run a playbook for an alert (its number or id; without one the newest of its rules) as of a moment, on paper.

    Raises NotFoundError.
    """
    playbook = find_playbook(catalog, key)
    about = _About(_alert(conn, playbook, number, now), playbook.key, now)
    run = Run(Level(about.level), {step.key: Now(State.IDLE, now) for step in playbook.steps})
    known = look(conn, catalog, playbook, about, run, now)
    stops = tuple(h.seen or stop.when.said.zh for stop in playbook.stops if (h := known.holds.get(stop.key, Holding(False))).yes)
    needs = [step for step in playbook.steps if step.needs]
    waits = tuple(f"{s.title.zh}：{s.needs[0].said.zh}" for s in needs if not known.holds.get(f"{s.key}.needs", Holding(False)).yes)
    outboxes = {step.to for step in playbook.steps if step.kind == "order"}
    unsent = tuple(sorted(key for key in outboxes if _shut(settings, key)))
    return Trial(about.number, Level(about.level), tuple(_walk(catalog, playbook, about, run, now)), waits, stops, unsent)


def _shut(settings: Settings, outbox: str) -> bool:
    box = settings.outboxes.get(outbox)
    return box is None or box.kind == "none" or bool(box.unset)


def _walk(catalog: Catalog, playbook: Playbook, about: Any, run: Run, now: datetime) -> Iterator[Tried]:
    """Every step in its turn, each answered halfway to its limit, every interlock and check held."""
    numbers = numbers_of(catalog, playbook, now)
    holds = {f"{step.key}.needs": Holding(True) for step in playbook.steps}
    facts = Facts(holds=holds)
    for _ in range(4 * len(playbook.steps)):
        run, moves = decide(playbook, numbers, run, facts, now)
        for move in moves:
            if move.what in ("order", "ask"):
                step = playbook.step(move.step)
                told = instruction(catalog, step, about, run.level) if step.kind != "check" else (step.holds.said.zh if step.holds else "")
                limit = run.steps[move.step].limit_s
                yield Tried(step, now, now + timedelta(seconds=limit) if limit else None, told)
        if run.state != "running":
            return
        under_way = [step for step in playbook.steps if run.steps[step.key].state.is_under_way]
        now += min(timedelta(seconds=(run.steps[step.key].limit_s or 0) / 2) for step in under_way)
        answers = {step.key: [Answer(state, now) for state in _ANSWERED] for step in under_way if step.kind != "check"}
        facts = replace(facts, answers=answers, holds={**holds, **{s.key: Holding(True) for s in under_way if s.kind == "check"}})


def _alert(conn: sa.Connection, playbook: Playbook, number: str, now: datetime) -> AlertRow:
    """The alert as it stood then."""
    mine = [alert.c.rule.in_(playbook.on), alert.c.opened_at <= now, REAL]
    if number:
        mine = [alert.c.alert_id == int(number) if number.isdigit() else alert.c.number == number]
    ident = conn.scalar(sa.select(alert.c.alert_id).where(*mine).order_by(alert.c.alert_id.desc()).limit(1))
    row = None if ident is None else one_alert(conn, ident, now)
    if row is None:
        raise NotFoundError(f"no alert {number}" if number else f"no alert of {', '.join(playbook.on)} so far")
    return row


class _About:
    """An alert as a run would see it that began now."""

    def __init__(self, row: AlertRow, playbook: str, now: datetime) -> None:
        self._row, self.playbook, self.started_at = row, playbook, now
        self.alert_state, self.closed_at, self.drill, self.run_id = row.state, None, False, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, name)
