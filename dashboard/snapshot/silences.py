"""Silences on screens: those in force and just over, the form for a new one, and what it would hide before it is made."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode

from dashboard.alerting.reasons import length
from dashboard.casework.silences import LONGEST_REASON, longest, preview
from dashboard.core.declare import Level
from dashboard.core.errors import NotFoundError, NotNowError
from dashboard.core.noise import Matcher
from dashboard.core.times import iso
from dashboard.snapshot.alerts import Alert, card, street_name
from dashboard.snapshot.drawer_situation import may
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.view import View
from dashboard.snapshot.words import LEVEL_WORDS, listed, moment, say, span, together, written
from dashboard.store import noise_reads
from dashboard.store.noise_reads import SilenceRow

_LATELY = timedelta(hours=24)
_LENGTHS = tuple(timedelta(minutes=m) for m in (30, 60, 240, 720, 1440, 4320))
_MILD = tuple(level.value for level in sorted(Level, key=lambda level: level.severity) if level is not Level.RED)
_LISTED = 12
_FIELDS = ("rule", "domain", "asset", "street")


# ---- the list
def silences(picture: Picture, view: View) -> dict[str, Any]:
    """What is silenced now, and what was until lately."""
    with picture.reading() as conn:
        held = noise_reads.silences_in_force(conn, picture.at)
        over = noise_reads.silences_ended(conn, picture.at - _LATELY, picture.at)
        counted = noise_reads.hushed_by(conn, picture.at)
    return {
        "held": [_held(picture, one, counted.get(one.silence_id, 0), view.lang) for one in held],
        "over": [_over(picture, one, view.lang) for one in over[:_LISTED]],
        "may": may(picture),
    }


def _held(picture: Picture, one: SilenceRow, hides: int, lang: str) -> dict[str, Any]:
    return {
        **_said(picture, one, lang),
        "id": one.silence_id,
        "hides": hides,
        "ends_at": iso(one.ends_at),
        "left": _left(one, picture.at, lang),
    }


def _left(one: SilenceRow, at: datetime, lang: str) -> str:
    left = span(one.ends_at - at, lang)
    return say(lang, f"剩{left}", f"{left} left")


def _over(picture: Picture, one: SilenceRow, lang: str) -> dict[str, Any]:
    early = one.ended_at is not None and one.ended_at < one.ends_at
    how = say(lang, f"{one.ended_by}提前结束", f"ended early by {one.ended_by}") if early else say(lang, "到期", "expired")
    ended = moment(one.ended_at, lang, picture.now) if one.ended_at else ""
    return {**_said(picture, one, lang), "ended": together(lang, (ended, how))}


def _said(picture: Picture, one: SilenceRow, lang: str) -> dict[str, str]:
    return {"what": matcher_words(picture, one.matcher, lang), "owner": one.owner, "reason": written(one.reason, lang)}


def matcher_words(picture: Picture, m: Matcher, lang: str) -> str:
    """What a silence takes, in words."""
    rule, domain = picture.catalog.rules.get(m.rule), picture.catalog.domains.get(m.domain)
    parts = (
        street_name(m.street, lang) or m.street,
        m.asset,
        rule[1].title(lang) if rule else m.rule,
        domain.title(lang) if domain else m.domain,
        listed(lang, (LEVEL_WORDS[level](lang) for level in m.levels)),
    )
    return together(lang, parts)


# ---- a new one
def form(picture: Picture, view: View, key: str) -> dict[str, Any]:
    """What may be silenced from an alert on, for how long. Raises NotFoundError."""
    found = next((a for a in picture.alerts if str(a.alert_id) == key and a.is_open), None)
    if found is None or not may(picture):
        raise NotFoundError(f"no alert {key} to silence")
    most = longest(picture.catalog, picture.now)
    choices = list(_choices(picture, found, view.lang))
    milder = _MILD[: _MILD.index(found.level) + 1] if found.level in _MILD else _MILD
    return {
        "alert": card(found, picture.catalog, view.lang, picture.at),
        "choices": choices,
        "levels": [{"key": "", "words": say(view.lang, "各等级（红色除外）", "all levels but red")}, *_up_to(milder, view.lang)],
        "lengths": [{"minutes": int(one.total_seconds() // 60), "words": length(one, view.lang)} for one in _LENGTHS if one <= most],
        "longest": length(most, view.lang),
        "reason": LONGEST_REASON,
        "first": choices[0]["match"],
    }


def _up_to(levels: tuple[str, ...], lang: str) -> Iterable[dict[str, str]]:
    """Levels from the mildest up to the alert's own, as a person thinks of them."""
    for i in range(len(levels)):
        yield {
            "key": ",".join(levels[: i + 1]),
            "words": say(lang, "只静默", "only ") + listed(lang, (LEVEL_WORDS[x](lang) for x in levels[: i + 1])),
        }


def _choices(picture: Picture, a: Alert, lang: str) -> Iterable[dict[str, str]]:
    """From the narrowest to the widest."""
    wanted = [
        Matcher(rule=a.rule, asset=a.asset_id),
        Matcher(domain=a.domain, asset=a.asset_id),
        *([Matcher(rule=a.rule, street=a.street), Matcher(domain=a.domain, street=a.street)] if a.street else []),
        Matcher(rule=a.rule),
    ]
    names = (
        *(("这个对象的这条规则", "this rule on this asset"), ("这个对象的各条规则", "every rule on this asset")),
        *((("本街道的这条规则", "this rule in this street"), ("本街道的这个领域", "this domain in this street")) if a.street else ()),
        ("全区的这条规则", "this rule everywhere"),
    )
    for matcher, (zh, en) in zip(wanted, names, strict=True):
        yield {"match": match_key(matcher), "words": say(lang, zh, en), "what": matcher_words(picture, matcher, lang)}


def match_key(m: Matcher) -> str:
    """A matcher as the key of its preview."""
    return urlencode(
        {name: value for name in _FIELDS if (value := getattr(m, name))} | ({"levels": ",".join(m.levels)} if m.levels else {})
    )


def matcher_of(key: str) -> Matcher:
    """The matcher a preview's key stands for; what is not understood is dropped."""
    said = {name: values[0] for name, values in parse_qs(key).items()}
    levels = tuple(level for level in said.get("levels", "").split(",") if level in {one.value for one in Level})
    return Matcher(**{name: said.get(name, "")[:96] for name in _FIELDS}, levels=levels)


def shown_before(picture: Picture, view: View, key: str) -> dict[str, Any]:
    """What a silence would hide: open alerts, those of the last 30 days by number, and what rings all the same."""
    if not may(picture):
        raise NotFoundError("no preview")
    lang = view.lang
    try:
        with picture.reading() as conn:
            found = preview(conn, picture.catalog, matcher_of(key), picture.now)
    except NotNowError as no:
        return {"wrong": _half(str(no), lang), "hides": 0}
    known = {a.alert_id: a for a in picture.alerts}
    return {
        "wrong": "",
        "hides": len(found.hides),
        "hidden": [card(known[r.alert_id], picture.catalog, lang, picture.at) for r in found.hides[:_LISTED] if r.alert_id in known],
        "more": max(0, len(found.hides) - _LISTED),
        "rings": [card(known[r.alert_id], picture.catalog, lang, picture.at) for r in found.rings[:_LISTED] if r.alert_id in known],
        "rings_all": len(found.rings),
        "lately": found.lately,
        "lately_rings": found.lately_rings,
    }


def _half(said: str, lang: str) -> str:
    """A refusal comes as 中文 (English)."""
    zh, _, en = said.partition(" (")
    return en.rstrip(")") if lang == "en" and en else zh
