"""A situation at the side: its members with why each belongs to it, and who was taken out; and the same said of one alert."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboard.core.catalog import Catalog
from dashboard.core.declare import Level
from dashboard.core.errors import NotFoundError
from dashboard.core.sight import Action
from dashboard.snapshot.alerts import Alert, AlertCard, card, one_alert
from dashboard.snapshot.fold import lines
from dashboard.snapshot.line_cards import crowd_title, level_counts
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.view import View
from dashboard.snapshot.words import moment, say, together
from dashboard.store import noise_reads
from dashboard.store.noise_reads import MemberRow

_MOST = 200  # members listed


def situation(picture: Picture, view: View, key: str) -> dict[str, Any]:
    """One situation, its open members first. Raises NotFoundError."""
    lang = view.lang
    with picture.reading() as conn:
        row = noise_reads.one_situation(conn, int(key)) if key.isdigit() else None
        members = noise_reads.members(conn, row.situation_id) if row else []
    if row is None or not members:
        raise NotFoundError(f"no situation {key}")
    known = {a.alert_id: a for a in picture.alerts}
    found = [(m, a) for m in members[:_MOST] if (a := known.get(m.alert_id) or _older(picture, m.alert_id))]
    found.sort(key=lambda pair: (pair[0].left_at is not None, not pair[1].is_open, -Level(pair[1].level).severity, pair[0].joined_at))
    there = [a for m, a in found if m.left_at is None]
    opened = [a for a in there if a.is_open] or there
    folded = _folded(picture, row.situation_id) or opened
    apart = len(opened) - len(folded)
    return {
        "id": row.situation_id,
        "number": row.number,
        "level": row.worst_level,
        "stands": row.closed_at is None,
        "title": crowd_title(folded, lang) if folded else row.number,
        "counts": level_counts(folded, lang),
        "apart": say(lang, f"另有{apart}条单列", f"{apart} more on lines of their own") if apart else "",
        "opened": moment(row.opened_at, lang, picture.now),
        "closed": moment(row.closed_at, lang, picture.now) if row.closed_at else "",
        "members": [_member(picture, m, a, lang) for m, a in found],
        "more": max(0, len(members) - _MOST),
        "may": may(picture),
    }


def _folded(picture: Picture, situation_id: int) -> list[Alert]:
    """The alerts its line stands for: matters of life, consequences and the silenced stand elsewhere."""
    mine = (line for line in lines(picture.alerts) if line.kind == "situation" and line.lead.situation == situation_id)
    return list(next((line.alerts for line in mine), ()))


def may(picture: Picture) -> bool:
    """Whether the viewer may take situations apart and silence alerts, here and now."""
    return not picture.replay and picture.sight.may(Action.SILENCE)


def _older(picture: Picture, alert_id: int) -> Alert | None:
    with picture.reading() as conn:
        return one_alert(conn, picture.catalog, str(alert_id), picture.at)


def _member(picture: Picture, m: MemberRow, a: Alert, lang: str) -> dict[str, Any]:
    said: AlertCard = card(a, picture.catalog, lang, picture.at)
    left = m.left_at is not None
    by = say(lang, f"{m.left_by or ''}移出", f"taken out by {m.left_by or ''}") if left else ""
    return {"alert": said, "why": together(lang, (why_words(m.why, lang), by)), "left": left}


def why_words(why: Mapping[str, Any], lang: str) -> str:
    """Why an alert belongs to its situation, with the numbers."""
    if not why:
        return say(lang, "首条", "the first")
    beside, minutes = why["beside"], f"{why['minutes']:g}"
    apart = say(lang, f"相隔{minutes}分钟", f"{minutes} min apart")
    match why["rule"]:
        case "asset":
            return say(lang, f"与 {beside} 同一对象，{apart}", f"the same asset as {beside}, {apart}")
        case "part":
            whole = str(why.get("through", "")).partition("/")[2]
            return say(lang, f"与 {beside} 同属 {whole}，{apart}", f"part of {whole}, as {beside} is, {apart}")
    metres = f"{why['metres']:g}"
    return say(lang, f"距 {beside} {metres}米，{apart}", f"{metres} m from {beside}, {apart}")


# ---- said of one alert
def noise_of(picture: Picture, a: Alert, lang: str) -> dict[str, Any]:
    """What an alert belongs to, what hushes it and what it hushes; whether it may be silenced."""
    with picture.reading() as conn:
        member = noise_reads.membership(conn, a.alert_id)
        stretches = noise_reads.hushes_of(conn, a.alert_id, picture.at)
    under = [f for line in lines(picture.alerts) for f in line.follows if f.hush and f.hush.cause_id == a.alert_id]
    return {
        "situation": _place(picture, a, member, lang) if member else None,
        "hushes": [_hush(picture, h, lang) for h in stretches],
        "follows": [card(f, picture.catalog, lang, picture.at) for f in under],
        "may_silence": may(picture) and a.is_open and not a.life_safety and not a.hush,
        "may": may(picture),
    }


def _place(picture: Picture, a: Alert, member: MemberRow, lang: str) -> dict[str, Any] | None:
    """Its situation, where it is not alone in it."""
    others = [b for b in picture.alerts if b.situation == member.situation_id and b.is_open and b.alert_id != a.alert_id]
    out = member.left_at is not None
    if not others:
        return None
    title = crowd_title(_folded(picture, member.situation_id) or [*([] if out else [a]), *others], lang)
    return {"id": member.situation_id, "title": title, "why": why_words(member.why, lang), "out": out}


def _hush(picture: Picture, h: noise_reads.HushRow, lang: str) -> dict[str, Any]:
    """A stretch in which it told nobody: since when, until when, and by what."""
    since = moment(h.since, lang, picture.now)
    until = moment(h.until, lang, picture.now) if h.until and h.until <= picture.at else ""
    stretch = say(lang, f"{since} 至 {until}", f"{since} to {until}") if until else say(lang, f"{since} 起", f"since {since}")
    return {"stretch": stretch, "over": bool(until), **_by(picture, h, lang)}


def _by(picture: Picture, h: noise_reads.HushRow, lang: str) -> dict[str, str]:
    if h.silence_id:
        with picture.reading() as conn:
            made = noise_reads.one_silence(conn, h.silence_id)
        said = together(lang, (made.owner, made.reason)) if made else ""
        return {"what": say(lang, "已静默", "Silenced"), "said": said, "drawer": ""}
    cause = next((a for a in picture.alerts if a.alert_id == h.cause_id), None) or _older(picture, h.cause_id or 0)
    titled = card(cause, picture.catalog, lang, picture.at).title if cause else str(h.cause_id)
    what = say(lang, f"被“{titled}”抑制", f"Inhibited by “{titled}”")
    return {"what": what, "said": _reason(picture.catalog, h.inhibition, lang), "drawer": f"alert:{h.cause_id}" if cause else ""}


def _reason(catalog: Catalog, key: str | None, lang: str) -> str:
    return next((one.why(lang) for one in catalog.inhibitions if one.key == key), "")
