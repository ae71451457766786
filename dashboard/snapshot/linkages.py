"""Linkages: every declared playbook as a track of steps, how it did in thirty days, what is under way, what stopped it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from dashboard.alerting.reasons import in_language, length
from dashboard.casework.linkage.decide import limits_of
from dashboard.casework.linkage.drill import assets, find_playbook
from dashboard.casework.linkage.facts import numbers_of
from dashboard.core.playbooks import Playbook, Step
from dashboard.snapshot.alerts import street_name
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.timed_steps import RUN_WORDS, run_body
from dashboard.snapshot.view import View
from dashboard.snapshot.words import UNKNOWN, moment, say, span
from dashboard.store.linkage_reads import StepFigures, ended_runs, figures, live_runs, outcomes, steps_of

LOOKED_BACK = timedelta(days=30)
_ENDED = 5  # of each playbook
_KINDS = {"order": ("工单", "Order"), "decision": ("决定", "Decision"), "check": ("核验", "Check")}


def linkages(picture: Picture, view: View) -> dict[str, Any]:
    """Every playbook whose rule the viewer may see. In replay nothing is told: what was under way then is in the alerts' drawers."""
    lang, seen = view.lang, picture.catalog
    shown = [book for book in seen.playbooks.values() if any(rule in seen.rules for rule in book.on)]
    with picture.reading() as conn:
        counted, ends = figures(conn, picture.now - LOOKED_BACK), outcomes(conn, picture.now - LOOKED_BACK)
        live = [run for run in live_runs(conn) if view.scope.holds(run.street)]
        last = [run for book in shown for run in ended_runs(conn, book.key, _ENDED) if view.scope.holds(run.street)]
        steps = steps_of(conn, [run.run_id for run in (*live, *last)])
        things = {book.key: assets(conn, book) for book in shown}
    runs = {"live": live, "last": last}
    return {
        "books": [
            {
                **_book(picture, book, counted, ends.get(book.key, {}), lang),
                **{name: [_run(picture, run, steps, lang) for run in some if run.playbook == book.key] for name, some in runs.items()},
                "assets": [{"id": ident, "name": name} for ident, name in things[book.key]],
            }
            for book in shown
        ],
        "replay": picture.replay,
    }


def drill_form(picture: Picture, view: View, key: str) -> dict[str, Any]:
    """What a drill of a playbook can be about. Raises NotFoundError."""
    book = find_playbook(picture.catalog, key)
    with picture.reading() as conn:
        things = assets(conn, book)
    levels = [level.value for level in sorted(book.levels, key=lambda level: -level.severity)]
    return {"key": key, "title": book.title(view.lang), "levels": levels, "assets": [{"id": ident, "name": name} for ident, name in things]}


def _book(picture: Picture, book: Playbook, counted: Any, ends: Any, lang: str) -> dict[str, Any]:
    numbers = numbers_of(picture.catalog, book, picture.now)
    of_steps = {step.key: counted.get((book.key, step.key), StepFigures()) for step in book.steps}
    begun, in_time = sum(f.begun for f in of_steps.values()), sum(f.in_time for f in of_steps.values())
    rules = [{"key": key, "title": picture.catalog.rules[key][1].title(lang)} for key in book.on if key in picture.catalog.rules]
    return {
        "key": book.key,
        "title": book.title(lang),
        "rules": rules,
        "levels": [level.value for level in sorted(book.levels, key=lambda level: -level.severity)],
        "steps": [_declared(book, step, of_steps[step.key], numbers, lang) for step in book.steps],
        "stops": [_stop(book, stop, of_steps, lang) for stop in book.stops],
        "counts": [{"words": RUN_WORDS[state](lang), "n": ends[state]} for state in RUN_WORDS if ends.get(state)],
        "runs": sum(ends.values()),
        "on_time": UNKNOWN if not begun else f"{in_time / begun:.0%}",
    }


def _declared(book: Playbook, step: Step, known: StepFigures, numbers: dict[str, float], lang: str) -> dict[str, Any]:
    worst = max(book.levels, key=lambda level: level.severity)
    limit = limits_of(step, numbers, (step.levels or (worst,))[-1]).due
    return {
        "title": step.title(lang),
        "by": step.by(lang),
        "kind": say(lang, *_KINDS[step.kind]),
        "css": step.kind,
        "standby": step.standby,
        "levels": [level.value for level in step.levels],
        "after": [book.step(key).title(lang) for key in step.after],
        "instead": book.step(step.instead).title(lang) if step.instead else "",
        "needs": [need.said(lang) for need in step.needs],
        "limit": length(limit, lang),
        "median": UNKNOWN if known.median is None else span(timedelta(seconds=known.median), lang),
        "on_time": UNKNOWN if known.on_time is None else f"{known.on_time:.0%}",
        "done": known.done,
        "begun": known.begun,
    }


def _stop(book: Playbook, stop: Any, known: dict[str, StepFigures], lang: str) -> dict[str, Any]:
    """A stop rule, how often it acted, and the last words it did so with where they are the judge's own."""
    acted = [_acted(known[key], stop.when.said.zh) for key in stop.steps or tuple(known)]
    most = max(acted, key=lambda reasons: sum(reasons.values()), default={})
    words = sorted({in_language(reason, lang).removeprefix(stop.when.said(lang)).lstrip("：: ") for reason in most} - {""})
    return {"title": stop.when.said(lang), "n": sum(most.values()), "words": words[:3]}


def _acted(known: StepFigures, said: str) -> dict[str, int]:
    """How often a stop rule stopped a step, by reason."""
    return {reason: n for reason, n in known.stopped.items() if reason.startswith(said)}


def _run(picture: Picture, run: Any, steps: dict[int, dict[str, Any]], lang: str) -> dict[str, Any]:
    body = run_body(picture, run, steps.get(run.run_id, {}), lang)
    now = next((one for one in body["steps"] if one["state"] in ("open", "accepted", "arrived", "waiting")), None)
    return {
        **body,
        "level": run.level,
        "alert_id": run.alert_id,
        "number": run.number,
        "asset": run.asset_name,
        "street": street_name(run.street, lang),
        "when": moment(run.started_at, lang, picture.now),
        "lasted": span((run.ended_at or picture.now) - run.started_at, lang),
        "now": now,
        "fault": run.fault or "",
    }
