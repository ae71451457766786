"""Steps of a playbook under way, as a drawer and the page of linkages show them: unit, state, time against limit, what was answered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from dashboard.alerting.reasons import in_language, length
from dashboard.casework.linkage.decide import limits_of
from dashboard.casework.linkage.facts import numbers_of
from dashboard.casework.linkage.machine import State, state_words
from dashboard.core.declare import Level, Text
from dashboard.core.playbooks import Playbook, Step
from dashboard.core.times import iso
from dashboard.snapshot.alerts import unit_name
from dashboard.snapshot.handling import took_words
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.words import moment, say
from dashboard.store.linkage_reads import runs_of_alert, steps_of

RUN_WORDS: Mapping[str, Text] = {
    "running": Text("执行中", "Under way"),
    "done": Text("已办结", "Done"),
    "failed": Text("未办结", "Failed"),
    "stopped": Text("已停止", "Stopped"),
}


def of_alert(picture: Picture, alert_id: int, lang: str) -> list[dict[str, Any]]:
    """The playbooks an alert set going, the newest first."""
    with picture.reading() as conn:
        runs = runs_of_alert(conn, alert_id)
        steps = steps_of(conn, [run.run_id for run in runs])
    return [run_body(picture, run, steps.get(run.run_id, {}), lang) for run in runs if run.playbook in picture.catalog.playbooks]


def run_body(picture: Picture, run: Any, rows: Mapping[str, Any], lang: str) -> dict[str, Any]:
    """One run with its steps in the order they are declared; those that were not needed are left out once it is over."""
    playbook = picture.catalog.playbooks[run.playbook]
    shown = [step for step in playbook.steps if step.key in rows and not (rows[step.key].state == "idle" and _needless(step, run))]
    return {
        "run_id": run.run_id,
        "key": playbook.key,
        "title": playbook.title(lang),
        "drill": run.drill,
        "state": run.state,
        "state_words": RUN_WORDS[run.state](lang),
        "reason": in_language(run.reason, lang),
        "steps": [_step(picture, playbook, step, run, rows[step.key], lang) for step in shown],
    }


def _needless(step: Step, run: Any) -> bool:
    return run.state != "running" or step.standby or bool(step.levels and Level(run.level) not in step.levels)


def _step(picture: Picture, playbook: Playbook, step: Step, run: Any, row: Any, lang: str) -> dict[str, Any]:
    state = State(row.state)
    return {
        "key": step.key,
        "title": step.title(lang),
        "by": unit_name(picture.catalog, row.o_by_unit, lang) if row.o_by_unit else step.by(lang),
        "kind": step.kind,
        "state": state.value,
        "words": state_words(step.kind, state)(lang),
        "late": bool(row.late),
        "time": moment(row.begun_at or row.since, lang, picture.now) if state is not State.IDLE else "",
        "took": _took(row, lang),
        "due": iso(row.due_at) if row.due_at and state.is_under_way else "",
        "awaited": _awaited(picture, playbook, step, run, state, lang),
        "limit": _limit(picture, playbook, step, run, row, lang),
        "said": in_language(row.reason, lang),
        "waits": _waits(step, state, lang),
        "order": row.order_no or "",
        "sent": _sent(picture, step, row, lang),
        "answers": _answers(picture, step, state, lang),
    }


def _took(row: Any, lang: str) -> str:
    if row.begun_at is None or row.ended_at is None or row.state == "stopped":
        return ""
    return took_words(round((row.ended_at - row.begun_at).total_seconds()), row.limit_s, lang)


def _limit(picture: Picture, playbook: Playbook, step: Step, run: Any, row: Any, lang: str) -> str:
    """What the step may take: as it was begun under, else by today's numbers."""
    limit = timedelta(seconds=row.limit_s) if row.limit_s is not None else None
    limit = limit or limits_of(step, numbers_of(picture.catalog, playbook, picture.now), Level(run.level)).due
    return say(lang, f"限{length(limit, lang)}", f"limit {length(limit, lang)}")


_AWAITED = {"accept": Text("接单", "accept: "), "arrive": Text("到场", "on site: "), "due": Text("", "")}


def _awaited(picture: Picture, playbook: Playbook, step: Step, run: Any, state: State, lang: str) -> str:
    """What an order's clock is running for, where that is not yet its end."""
    limits = limits_of(step, numbers_of(picture.catalog, playbook, picture.now), Level(run.level))
    phases = {State.OPEN: ("accept", "arrive"), State.ACCEPTED: ("arrive",)}.get(state, ())
    phase = next((name for name in phases if getattr(limits, name)), "due")
    return _AWAITED[phase](lang)


def _waits(step: Step, state: State, lang: str) -> str:
    """What a step waits for."""
    if state is State.WAITING:
        return "；".join(need.said(lang) for need in step.needs)
    return step.holds.said(lang) if step.holds is not None and state in (State.IDLE, State.OPEN) else ""


def _sent(picture: Picture, step: Step, row: Any, lang: str) -> str:
    """Where the order is, as long as it is not with its department."""
    if not row.order_no or row.o_state != "waiting":
        return ""
    box = picture.settings.outboxes.get(step.to)
    if box is None or box.kind == "none":
        return say(lang, "未配置收件箱，请当面或电话下达", "No inbox is configured: tell them by hand")
    return say(lang, f"未送达：{row.o_error}", f"Not delivered: {row.o_error}") if row.o_error else say(lang, "送达中", "On its way")


def _answers(picture: Picture, step: Step, state: State, lang: str) -> list[dict[str, str]]:
    """What a person may say to it: a decision, or what became of an order told by hand."""
    if step.kind == "decision" and state is State.OPEN:
        return [{"state": "done", "words": say(lang, "同意", "Yes")}, {"state": "refused", "words": say(lang, "不同意", "No")}]
    box = picture.settings.outboxes.get(step.to)
    if step.kind == "order" and state.is_under_way and state is not State.WAITING and (box is None or box.kind == "none"):
        later = [] if state is State.ARRIVED else [{"state": "arrived", "words": say(lang, "已到场", "On site")}]
        return [
            *later,
            {"state": "done", "words": say(lang, "已完成", "Done")},
            {"state": "refused", "words": say(lang, "未能办", "Refused")},
        ]
    return []
