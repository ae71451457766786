"""Bad air and the sweepers it called: the latest calls with their reasons, their times against what was promised, and what they did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Any

import sqlalchemy as sa

from dashboard.core.catalog import words
from dashboard.core.declare import Text
from dashboard.core.errors import NotFoundError
from dashboard.snapshot.alerts import street_name
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.view import View
from dashboard.snapshot.words import UNKNOWN, moment, number, say, signed, together
from dashboard.store.findings import FindingRow, findings
from data_sources.road_cleaning.calls import BARRED, EFFECT, LEVELS, LIMITS, PROMISED, RULE, swept, treated
from data_sources.road_cleaning.tables import linkage

_ROWS, _BARRED_ROWS = 8, 3  # a rainy night bars a call at every station: that must not hide those that were answered
_REASONS = 2  # of a finding's grounds, those that made the level
_STEPS = (
    ("ack", "acked_at", Text("接单", "accepted")),
    ("depart", "departed_at", Text("出车", "left")),
    ("done", "closed_at", Text("完成", "done")),
)


def calls(picture: Picture, view: View) -> dict[str, Any]:
    """The latest calls of a selection, or those of a stretch of time."""
    lang, domain = view.lang, picture.catalog.domains.get(RULE.partition(".")[0])
    if domain is None:
        raise NotFoundError(f"no domain {RULE.partition('.')[0]!r}")
    with picture.reading() as conn:
        rows = _calls(conn, picture.at, view)
        ids = [row.case_id for row in rows]
        effects = {row.case_id: row for row in conn.execute(sa.select(swept, EFFECT.label("effect")).where(swept.c.case_id.in_(ids)))}
        done = _work(conn, ids, picture.at)
        since = min((row.opened_at for row in rows), default=picture.at) - timedelta(hours=1)
        found = findings(conn, [RULE], since, picture.at)
    return {
        "subtitle": say(
            lang, f"最近{len(rows)}次，出车前后与同期无人洒扫的站点相比", f"latest {len(rows)}, against stations nobody swept near"
        ),
        "rows": [
            {
                "drawer": f"asset:air/{row.asset_id}",
                "level": row.category if row.category in LEVELS else "",
                "station": row.title,
                "street": street_name(row.street, lang),
                "when": moment(row.opened_at, lang, picture.now),
                "pm10": number(row.pm10_then, 0),
                "why": _why(row, found, lang),
                "state": words(domain.states.get(_state(row, picture.at)), lang),
                "steps": _steps(row, picture.at, lang),
                "work": _told_work(done.get(row.case_id), lang),
                **_effect(effects.get(row.case_id), row, picture.at, lang),
            }
            for row in rows
        ],
        "empty": say(lang, "近来没有因空气触发的清扫", "No sweepers were called by bad air lately"),
        "filtered": view.picked or view.window is not None,
    }


def _calls(conn: sa.Connection, at: datetime, view: View) -> Sequence[Any]:
    c = linkage.c
    query = sa.select(linkage).where(c.opened_at.between(*view.window) if view.window else c.opened_at <= at)
    if not view.scope.whole:
        query = query.where(c.street.in_(view.scope.streets))
    latest = query.order_by(c.opened_at.desc(), c.case_id)
    barred = conn.execute(latest.where(c.state.in_(BARRED)).limit(_BARRED_ROWS)).all()
    others = conn.execute(latest.where(c.state.not_in(BARRED)).limit(_ROWS - len(barred))).all()
    return sorted([*others, *barred], key=lambda row: (row.opened_at, row.case_id), reverse=True)


def _work(conn: sa.Connection, ids: Sequence[str], at: datetime) -> Mapping[str, Any]:
    """Trips, kilometres and square metres of each call, as far as they had ended."""
    t = treated.c
    sums = sa.select(t.linkage, sa.func.count().label("trips"), sa.func.sum(t.km).label("km"), sa.func.sum(t.area_m2).label("area_m2"))
    return {row.linkage: row for row in conn.execute(sums.where(t.linkage.in_(ids), t.closed_at <= at).group_by(t.linkage))}


def _state(row: Any, at: datetime) -> str:
    """How far it had come at a moment."""
    if row.closed_at is None or row.closed_at <= at:
        return str(row.state)
    past = [
        state
        for state, when in (("rolling", row.departed_at), ("acked", row.acked_at), ("dispatched", row.dispatched_at))
        if when and when <= at
    ]
    return past[0] if past else "triggered"


def _why(row: Any, found: Sequence[FindingRow], lang: str) -> str:
    """Our own rule's reasons at that hour; the department's word alone for an hour before we looked, or where we found nothing."""
    mine = next((f for f in reversed(found) if f.asset_id == row.asset_id and f.at == row.opened_at), None)
    if mine is None:
        limit = number(LIMITS.get(row.category), 0)
        return say(lang, f"部门自定，该级PM10 ≥ {limit}；本系统未判定", f"the department's own, PM10 ≥ {limit}; not judged here")
    reasons = [f"{what(lang)} {said}" for what, said in mine.because[:_REASONS]]
    return together(lang, ([mine.stopped(lang)] if mine.stopped else []) + reasons)


def _steps(row: Any, at: datetime, lang: str) -> list[dict[str, Any]]:
    """Minutes from the dispatch to each step, beside what its level promises."""
    if row.state in (*BARRED, "missed") or row.dispatched_at is None:
        return []
    found = []
    for step, column, title in _STEPS:
        when, promised = getattr(row, column), PROMISED[step].get(row.category)
        known = when is not None and when <= at
        minutes = ceil((when - row.dispatched_at).total_seconds() / 60) if known else None  # begun minutes: 30.4 of 30 is late
        late = minutes is not None and promised is not None and minutes > promised
        found.append({"title": title(lang), "minutes": number(minutes, 0), "promised": number(promised, 0), "late": late})
    return found


def _told_work(row: Any, lang: str) -> str:
    if row is None:
        return UNKNOWN
    area = number((row.area_m2 or 0) / 10_000, 1)
    return say(lang, f"{row.trips}班，{number(row.km, 1)} km，{area}万m²", f"{row.trips} trips, {number(row.km, 1)} km, {area}×10⁴ m²")


def _effect(row: Any, call: Any, at: datetime, lang: str) -> dict[str, str]:
    """What is left of the fall once what fell elsewhere is taken off; why there is none to tell, where there is none."""
    if call.state not in ("done", "short"):
        return {"effect": UNKNOWN, "grounds": ""}
    if row is None or row.before is None or call.closed_at > at:
        return {"effect": UNKNOWN, "grounds": say(lang, "前后整点值未到或无效", "an hour before or after is not in, or not valid")}
    here = f"{number(row.before, 0)}→{number(row.after, 0)}"
    if not row.controls:
        return {
            "effect": UNKNOWN,
            "grounds": say(lang, f"{here}，各街道同期都在洒扫，无对照", f"{here}; every street was swept, no control"),
        }
    there = f"{number(row.control_before, 0)}→{number(row.control_after, 0)}"
    grounds = say(lang, f"本站{here}，对照{row.controls}站{there}", f"here {here}, {row.controls} controls {there}")
    return {"effect": f"{signed(-row.effect, 0)}%", "grounds": grounds}
