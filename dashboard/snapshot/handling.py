"""What people may do about an alert now, by when, and what still bars closing it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.alerting.reasons import length
from dashboard.casework.handling import Case, find, grounds
from dashboard.casework.life import EVENT_WORDS, REASONS, STAGE_WORDS, TABLE, Event, Life, Stage, due_step, missing
from dashboard.core.declare import Text
from dashboard.core.times import iso
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.words import say, span
from dashboard.store.schema import photo

_E = Event
_FIRST = (_E.ACKNOWLEDGE, _E.DISPATCH, _E.ARRIVE, _E.SETTLE, _E.VERIFY, _E.CLOSE, _E.REOPEN)  # the step that leads on, one at a stage
_WRITTEN: dict[Event, tuple[str, ...]] = {  # steps that take words: their fields
    _E.ASSIGN: ("unit", "note"),
    _E.SETTLE: ("note",),
    _E.REJECT: ("note",),
    _E.FALSE_ALARM: ("code", "note"),
    _E.COMMENT: ("note",),
}
_AWAITED = {
    "acknowledge": Text("应确认", "acknowledge"),
    "dispatch": Text("应派单", "dispatch"),
    "arrive": Text("应到场", "arrive"),
    "settle": Text("应处置完成", "settle"),
    "verify": Text("应核实", "verify"),
    "close": Text("应闭环", "close"),
}


def handling(picture: Picture, alert_id: int, lang: str) -> dict[str, Any]:
    """Stage, limit, buttons and conditions of one alert, as things stand now."""
    with picture.reading() as conn:
        case = find(conn, picture.catalog, alert_id, picture.now)
        bars = missing(grounds(conn, case), case.plan)
        photos = conn.execute(sa.select(photo.c.photo_id).where(photo.c.alert_id == alert_id).order_by(photo.c.at)).scalars().all()
    allowed = TABLE[case.life.stage]
    lead = next((event for event in _FIRST if event in allowed), None)
    return {
        "stage": STAGE_WORDS[case.life.stage](lang),
        "over": case.life.stage.is_over,
        "unit": case.life.unit or case.row.owner,
        "awaited": _awaited(case, lang, picture.now),
        "lead": _button(lead, lang) if lead and lead not in _WRITTEN else None,
        "steps": [_button(event, lang) for event in (_E.DISPATCH, _E.ARRIVE) if event in allowed and event is not lead],
        "forms": [_form(event, lang) for event in _WRITTEN if event in allowed],
        "bars": [words(lang) for words in bars] if not case.life.stage.is_over and case.life.stage is not Stage.NEW else [],
        "closing": _E.CLOSE in allowed,
        "photos": list(photos),
    }


def _awaited(case: Case, lang: str, now: datetime) -> dict[str, Any] | None:
    """The next step: when it is due, how long that is, and what happens if it is missed."""
    life, plan = case.life, case.plan
    step = due_step(life.stage)
    if not step or plan is None or (life.due is None and not life.escalations):
        return None
    limit = length(timedelta(minutes=plan.limits.get(step, 0)), lang)
    return {
        "what": _AWAITED[step](lang),
        "at": iso(life.due) if life.due else "",
        "limit": say(lang, f"限{limit}", f"limit {limit}"),
        "over": life.escalations > 0 or bool(life.due and life.due <= now),
        "then": _then(life, plan.escalate_to, lang),
    }


def _then(life: Life, unit: str, lang: str) -> str:
    if not unit:
        return ""
    if life.escalations:
        return say(lang, f"已超时，升级至{unit}{life.escalations}次", f"late; {unit} told {life.escalations}×")
    return say(lang, f"逾期自动升级至{unit}", f"if late, {unit} is told")


def _button(event: Event, lang: str) -> dict[str, str]:
    return {"event": event.value, "words": EVENT_WORDS[event](lang)}


def _form(event: Event, lang: str) -> dict[str, Any]:
    fields: Sequence[str] = _WRITTEN[event]
    reasons = [{"code": code, "words": words(lang)} for code, words in REASONS.items()] if "code" in fields else []
    return {**_button(event, lang), "fields": fields, "reasons": reasons, "optional": event in (_E.ASSIGN, _E.FALSE_ALARM)}


def took_words(took_s: int | None, limit_s: int | None, lang: str) -> str:
    """2分，限5分; 14分，超4分."""
    if took_s is None or limit_s is None:
        return ""
    took, limit = span(timedelta(seconds=took_s), lang), length(timedelta(seconds=limit_s), lang)
    if took_s <= limit_s:
        return say(lang, f"{took}，限{limit}", f"{took}, limit {limit}")
    over = span(timedelta(seconds=took_s - limit_s), lang)
    return say(lang, f"{took}，超{over}", f"{took}, {over} over")
