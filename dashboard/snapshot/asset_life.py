"""What happened to an asset: its alerts with how long they lasted, the work done on it, how its record changed."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from dashboard.core.declare import Feed, Text
from dashboard.core.tables import ORIGIN
from dashboard.snapshot.alerts import card, closed_of_asset, street_name
from dashboard.snapshot.asset import Subject, alerts_on, find, in_words
from dashboard.snapshot.cases import in_words as case_words
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.view import View
from dashboard.snapshot.words import UNKNOWN, moment, say, span
from dashboard.store.past import versions_of

_ALERTS, _WORK, _DETAILS, _VERSIONS = 20, 8, 6, 24
_OWN_WORDS = {"name": Text("名称", "Name"), "kind": Text("类型", "Kind"), "street": Text("街道", "Street"), "state": Text("状态", "State")}
_UNTOLD = {*ORIGIN, "asset_id", "observed_at"}  # move with every delivery and say nothing about the thing itself


def life(picture: Picture, view: View, ident: str) -> dict[str, Any]:
    """Alerts open and past, work, and the versions of its record."""
    subject = find(picture, ident)
    return {
        **_alerts(picture, view, subject),
        "work": [told for feed in subject.domain.feeds if (told := _work(picture, view, subject, feed))],
        "history": _history(picture, view, subject),
        "versioned": any(f.table is subject.table and f.versioned for f in subject.domain.feeds),
    }


def _alerts(picture: Picture, view: View, subject: Subject) -> dict[str, Any]:
    opened = [a for a in alerts_on(picture, subject) if a.is_open]
    with picture.reading() as conn:
        found = opened + closed_of_asset(conn, picture.catalog, subject.domain.key, subject.asset_id, picture.at)
    return {
        "alerts": [card(a, picture.catalog, view.lang, picture.at) for a in found[:_ALERTS]],
        "alert_count": len(found),
        "open": len(opened),
    }


# ---- work
def _work(picture: Picture, view: View, subject: Subject, feed: Feed) -> dict[str, Any] | None:
    """The newest records of one kind that name the asset; None where there are none."""
    table = feed.table
    if table is None or "case_id" not in table.c:
        return None
    mine = sa.and_(table.c.asset_id == subject.asset_id, table.c.opened_at <= picture.at)
    with picture.reading() as conn:
        total = conn.scalar(sa.select(sa.func.count()).select_from(table).where(mine))
        rows = conn.execute(sa.select(table).where(mine).order_by(table.c.opened_at.desc()).limit(_WORK)).all()
    pieces = [_piece(picture, view, subject, table, row) for row in rows]
    return {"title": feed.title(view.lang), "total": total, "rows": pieces} if pieces else None


def _piece(picture: Picture, view: View, subject: Subject, table: sa.Table, row: Any) -> dict[str, Any]:
    lang = view.lang
    named, kind, state = case_words(row, subject.domain, lang)
    closed = row.closed_at if row.closed_at and row.closed_at <= picture.at else None
    told = (in_words(subject.domain, table, name, row._mapping[name], lang) for name in row._mapping)
    details = [f"{title} {value}" for title, value in (d for d in told if d)]
    return {
        "at": moment(row.opened_at, lang, picture.now),
        "what": kind or (named if named != subject.asset_id else row.case_id),
        "details": say(lang, "，", ", ").join(details[:_DETAILS]),
        "took": span(closed - row.opened_at, lang) if closed else "",
        "state": state,
    }


# ---- history
def _history(picture: Picture, view: View, subject: Subject) -> list[dict[str, Any]]:
    """What changed in its record, the newest first."""
    if subject.table is None:
        return []
    with picture.reading() as conn:
        known = versions_of(conn, subject.table, subject.asset_id, picture.at, _VERSIONS)
    changes = [_change(picture, view, subject, at, now, before) for (at, now), (_, before) in pairwise(known)]
    oldest = say(view.lang, "所知最早的一版", "the oldest version known")
    first = [{"at": moment(at, view.lang, picture.now), "changes": [oldest]} for at, _ in known[-1:]]
    return [c for c in changes if c["changes"]] + first


def _change(picture: Picture, view: View, subject: Subject, at: datetime, now: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    moved = [name for name in now if name not in _UNTOLD and now[name] != before.get(name)]
    told = [text for name in moved if (text := _moved(subject, view.lang, name, before.get(name), now[name]))]
    if {"lon", "lat"} & set(moved):
        told.append(say(view.lang, "位置有更正", "place corrected"))
    return {"at": moment(at, view.lang, picture.now), "changes": told}


def _moved(subject: Subject, lang: str, name: str, before: Any, now: Any) -> str:
    """One column's change in words; '' for one that has none."""
    if name in _OWN_WORDS:
        return f"{_OWN_WORDS[name](lang)}：{_own(subject, name, before, lang)} → {_own(subject, name, now, lang)}"
    assert subject.table is not None
    then, after = (in_words(subject.domain, subject.table, name, value, lang) for value in (before, now))
    title = (after or then or ("", ""))[0]
    return f"{title}：{then[1] if then else UNKNOWN} → {after[1] if after else UNKNOWN}" if title else ""


def _own(subject: Subject, name: str, value: Any, lang: str) -> str:
    worded = {"state": subject.domain.states, "kind": subject.domain.asset_kinds}.get(name, {}).get(value or "")
    if worded:
        return worded(lang)
    return (street_name(value, lang) if name == "street" else "") or str(value or UNKNOWN)
