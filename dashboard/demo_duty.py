"""The demo city's people on duty: they handle its alerts as people do, mostly in time, through the same commands as anybody."""

from __future__ import annotations

import hashlib
import io
from datetime import datetime, timedelta

import sqlalchemy as sa
from PIL import Image, ImageDraw

from dashboard.casework.handling import Case, Doing, act, case_of, cases
from dashboard.casework.life import Event, Stage
from dashboard.casework.linkage.said import answer_step
from dashboard.casework.photos import add_photo
from dashboard.core.catalog import Catalog
from dashboard.core.errors import NotNowError
from dashboard.store.drills import REAL
from dashboard.store.linkage_reads import live_runs, steps_of
from dashboard.store.schema import alert, photo

_LET_BE = {"blue": 0.75, "yellow": 0.6}  # the share of mild alerts that are watched, not gone to
_FALSE = 0.04
_LATE = 0.1  # of crews
_SIZE = (960, 640)
MINUTE = timedelta(minutes=1)
_THINKS = 3 * MINUTE  # over a decision
_BESIDE = (Event.ACKNOWLEDGE, Event.CLOSE)  # what the desk does about an alert whose playbook does the rest


def on_duty(engine: sa.Engine, catalog: Catalog, now: datetime) -> int:
    """Do everything that somebody would have done by now; how many steps were taken."""
    with engine.connect() as conn:
        waiting = [case_of(row, catalog, now) for row in conn.execute(cases().where(alert.c.closed_at.is_(None), REAL))]
        pictured = set(conn.execute(sa.select(photo.c.alert_id).distinct()).scalars())
        led = {run.alert_id for run in live_runs(conn)}
    done = _decided(engine, catalog, now)
    for case in waiting:
        number = case.row.alert_id
        try:
            if _wants_picture(case, now) and number not in pictured:
                add_photo(engine, catalog, number, _picture(case.row.number), _desk(case), now)
            elif (doing := next_step(case, now)) and (number not in led or doing.event in _BESIDE):
                act(engine, catalog, number, doing, now)
            else:
                continue
        except NotNowError:
            continue  # somebody else was quicker
        done += 1
    return done


def _decided(engine: sa.Engine, catalog: Catalog, now: datetime) -> int:
    """Decisions playbooks ask for, answered yes a few minutes later; how many."""
    with engine.connect() as conn:
        runs = {run.run_id: run for run in live_runs(conn) if run.playbook in catalog.playbooks and not run.drill}
        asked = [(run, row) for number, rows in steps_of(conn, runs).items() for row in rows.values() if (run := runs[number])]
    done = 0
    for run, row in asked:
        step = catalog.playbooks[run.playbook].step(row.step)
        if step.kind == "decision" and row.state == "open" and now - row.since >= _THINKS:
            answer_step(engine, catalog, run.run_id, row.step, "done", f"{step.by.zh}值班岗"[:64], "", now)
            done += 1
    return done


def next_step(case: Case, now: datetime) -> Doing | None:
    """What the one who has it would do now; None: nothing yet."""
    if case.version is None:
        return None
    step = _step(case, (now - case.life.since) / MINUTE)
    if step is None:
        return None
    note = f"现场检查{case.row.asset_name}，已处理并观察至恢复" if step is Event.SETTLE else ""
    return Doing(event=step, actor=_desk(case), note=note, code="environment" if step is Event.FALSE_ALARM else "")


def _step(case: Case, minutes: float) -> Event | None:
    stage, clear = case.life.stage, case.row.state == "clear"
    match stage:
        case Stage.NEW if minutes >= 1 + 5 * _luck(case, "take") + (9 if _luck(case, "slow") < _LATE else 0):
            return Event.ACKNOWLEDGE
        case Stage.ACKNOWLEDGED if not clear and minutes >= 2 + 6 * _luck(case, "send"):
            return _sent_or_not(case)
        case Stage.ACKNOWLEDGED if clear and not (case.plan and case.plan.closes_itself) and minutes >= 4:
            return Event.DISPATCH  # gone by itself, yet the plan wants it looked at
        case Stage.DISPATCHED if minutes >= (32 if _luck(case, "lost") < _LATE else 7) + 19 * _luck(case, "drive"):
            return Event.ARRIVE
        case Stage.ARRIVED if minutes >= (6 if clear else 45) + 30 * _luck(case, "work"):
            return Event.SETTLE
        case Stage.SETTLED if clear and minutes >= 5 + 12 * _luck(case, "check"):
            return Event.VERIFY
        case Stage.VERIFIED if clear and minutes >= 2 + 8 * _luck(case, "close"):
            return Event.CLOSE
    return None


def _sent_or_not(case: Case) -> Event | None:
    if _luck(case, "false") < _FALSE:
        return Event.FALSE_ALARM
    return None if _luck(case, "watch") < _LET_BE.get(case.row.level, 0.0) else Event.DISPATCH


def _wants_picture(case: Case, now: datetime) -> bool:
    wanted = case.plan is not None and case.plan.photos > 0
    there = case.life.stage in (Stage.ARRIVED, Stage.SETTLED, Stage.VERIFIED)
    return wanted and there and now - case.life.since >= 3 * MINUTE


def _luck(case: Case, what: str) -> float:
    """A number in [0, 1) of this alert and this matter alone: the same on every machine."""
    told = f"{case.row.number}|{case.life.reopened}|{what}".encode()
    return int.from_bytes(hashlib.blake2b(told, digest_size=6).digest()) / (1 << 48)


def _desk(case: Case) -> str:
    return f"{case.row.owner}值班岗"[:64]


def _picture(number: str) -> bytes:
    """What stands for a photograph in the demo, and says so."""
    grey = 90 + int(hashlib.blake2b(number.encode(), digest_size=1).hexdigest(), 16) // 4
    made = Image.new("RGB", _SIZE, (grey, grey + 6, grey + 14))
    draw = ImageDraw.Draw(made)
    for x in range(-_SIZE[1], _SIZE[0], 80):
        draw.line([(x, _SIZE[1]), (x + _SIZE[1], 0)], fill=(grey + 22, grey + 26, grey + 30), width=10)
    draw.text((40, 40), f"DEMO  {number}", fill=(245, 245, 245), font_size=44)
    out = io.BytesIO()
    made.save(out, "PNG")
    return out.getvalue()
