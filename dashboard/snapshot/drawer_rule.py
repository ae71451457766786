"""One rule at the side: all that is declared of it, its last 30 days, and what it would have done beside what is on record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.alerting.backtest import Episode, Trial, backtest
from dashboard.alerting.machine import Rule
from dashboard.alerting.record import version
from dashboard.core.configured import Parameter
from dashboard.core.declare import AlertRule, Domain, Judged, Level, Text
from dashboard.core.errors import NotFoundError
from dashboard.core.times import CITY_ZONE, city_day, day_number, day_of_number
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.rule_standing import blind, blind_words, pause_facts, resting_words
from dashboard.snapshot.rules import LOOKED_BACK, account, holds, ledgers, limits, on_silence, watched
from dashboard.snapshot.view import View
from dashboard.snapshot.words import moment, number, say, sure, unit_words
from dashboard.store import series
from dashboard.store.rule_ledger import Ledger
from dashboard.store.schema import alert_transition

_CHOICES = (30, 90)  # days to run it over
_AT_ONCE = 9000  # points × days that are gone through while somebody waits
_SHORTEST = 7
_TALL = {Level.RED: 40.0, Level.ORANGE: 31.0, Level.YELLOW: 22.0, Level.BLUE: 13.0}  # worse stands higher: told apart without colour
_THIN = 0.35  # percent of the strip below which an episode could not be seen
_TICKS = 6
_CONTACT = Text("何时读到过台账没有逐次留存，不能重算", "when a register was read is not kept time by time")
_FOUND = Text("合看的几张表当时是什么样没有留存，不能重算", "how the tables it reads together stood at a past moment is not kept")


def rule(picture: Picture, view: View, asked: str) -> dict[str, Any]:
    """One rule by `domain.rule`, run over 30 days, or over as many as stand after an @. Raises NotFoundError."""
    key, _, days = asked.partition("@")
    if key not in picture.catalog.rules:
        raise NotFoundError(f"no rule {key!r}")
    (domain, declared), lang = picture.catalog.rules[key], view.lang
    fault = blind(picture).get(key)
    return {
        "key": key,
        "blind": blind_words(fault, lang, picture.now) if fault else "",
        "resting": resting_words(picture, key, lang),
        "title": declared.title(lang),
        "domain": domain.title(lang),
        "watches": watched(picture, domain, declared, lang),
        "facts": [*holds(declared, lang), *_facts(domain, declared, lang), *pause_facts(picture, key, lang)],
        "limits": limits(picture, key, declared, lang),
        "parameters": [_parameter(p, lang) for p in _in_force(picture, key)],
        "record_since": _record_since(picture, lang),
        "ledger": account(ledgers(picture).get(key, Ledger()), lang),
        "trial": _trial_body(picture, view, key, int(days) if days in map(str, _CHOICES) else _CHOICES[0]),
    }


def _facts(domain: Domain, declared: AlertRule, lang: str) -> list[tuple[str, str]]:
    owner = declared.owner or domain.department
    return [(say(lang, "断数", "Silence"), on_silence(declared, lang)), (say(lang, "责任单位", "Responsible"), owner(lang))]


def _in_force(picture: Picture, key: str) -> Iterator[Parameter]:
    day = city_day(picture.at).isoformat()
    return (p for p in picture.catalog.parameters if p.rule == key and p.valid_from <= day <= p.valid_to)


def _parameter(p: Parameter, lang: str) -> dict[str, str]:
    value = f"{p.value:g} {unit_words(p.unit, lang)}".strip()
    return {"name": p.name, "level": p.level, "value": value, "ref": p.ref, "confidence": sure(p.confidence, lang)}


def _record_since(picture: Picture, lang: str) -> str:
    """Since when rules are looked at, where that is less than the stretch."""
    with picture.reading() as conn:
        first = conn.scalar(sa.select(alert_transition.c.noticed_at).order_by(alert_transition.c.transition_id).limit(1))
    if first is None or first <= picture.at - LOOKED_BACK:
        return ""
    since = moment(first, lang, picture.now)
    return say(lang, f"自{since}起值守", f"watched since {since}")


# ---- what it would have done
def _trial_body(picture: Picture, view: View, key: str, days: int) -> dict[str, Any]:
    lang, (domain, declared) = view.lang, picture.catalog.rules[key]
    trial = _trial(picture, key, domain, declared, days)
    if trial is None:
        return {"refused": _why_not(declared)(lang), "note": ""}
    return {
        "refused": "",
        "note": _note(picture, trial, days, lang),
        "choices": [{"days": n, "key": f"{key}@{n}", "on": n == days} for n in _CHOICES],
        "lanes": [
            _lane(say(lang, "会触发", "Would ring"), trial, trial.episodes),
            _lane(say(lang, "实际记录", "On record"), trial, trial.recorded),
        ],
        "ticks": list(_ticks(trial.t0, trial.t1, lang)),
        "confirmed": f"{trial.met}/{len(trial.confirmed)}" if trial.confirmed else "",
    }


def _why_not(declared: AlertRule) -> Text:
    """Why a rule cannot be run over the past."""
    return _FOUND if isinstance(declared.watches, Judged) else _CONTACT


def _trial(picture: Picture, key: str, domain: Domain, declared: AlertRule, days: int) -> Trial | None:
    """Run once per version of the rule and hour, up to the full hour; None where it cannot be run."""
    hour = picture.at.replace(minute=0, second=0, microsecond=0)
    in_force = picture.catalog.rule_thresholds(key, city_day(hour).isoformat())
    stamp = (hour, version(Rule(in_force, declared.hold, declared.clear_hold, declared.no_data)))

    def made() -> Trial | None:
        with picture.reading() as conn:
            back = min(days, max(_AT_ONCE // max(_channels(conn, domain, declared), 1), _SHORTEST))
            try:
                return backtest(conn, picture.catalog, key, hour - timedelta(days=back), hour)
            except NotFoundError:
                return None

    return picture.keep(("rule trial", key, days), stamp, made)


def _channels(conn: Any, domain: Domain, declared: AlertRule) -> int:
    metric = getattr(declared.watches, "metric", None)
    return len(series.latest_values(conn, domain.key, metric)) if metric else 0


def _note(picture: Picture, trial: Trial, wanted: int, lang: str) -> str:
    days, until = (trial.t1 - trial.t0).days, moment(trial.t1, lang, picture.now)
    if days < wanted:
        return say(lang, f"测点多，只算近{days}天，截至{until}", f"many points: {days} days only, until {until}")
    return say(lang, f"近{days}天，截至{until}", f"{days} days until {until}")


def _lane(title: str, trial: Trial, episodes: Sequence[Episode]) -> dict[str, Any]:
    counted = [(level.value, sum(one.worst is level for one in episodes)) for level in _TALL]
    return {
        "title": title,
        "times": number(len(episodes), 0),
        "hours": number(trial.hours(episodes), 1),
        "assets": number(len({one.asset for one in episodes}), 0),
        "levels": [(level, n) for level, n in counted if n],
        "blocks": [{"level": level.value, "d": d} for level in reversed(_TALL) if (d := _blocks(trial, level, episodes))],
    }


def _blocks(trial: Trial, level: Level, episodes: Sequence[Episode]) -> str:
    """Path data of one level's episodes in a box 100 wide and 44 high, those that touch drawn as one."""
    whole = (trial.t1 - trial.t0).total_seconds()

    def x(at: datetime) -> float:
        return min(max(100 * (at - trial.t0).total_seconds() / whole, 0.0), 100.0)

    spans = sorted((x(one.opened), max(x(one.cleared or trial.t1), x(one.opened) + _THIN)) for one in episodes if one.worst is level)
    return "".join(f"M{a:.2f} 44V{44 - _TALL[level]:.0f}H{b:.2f}V44Z" for a, b in _joined(spans))


def _joined(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    for a, b in spans:
        if found and a <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], b))
        else:
            found.append((a, b))
    return found


def _ticks(t0: datetime, t1: datetime, lang: str) -> Iterator[dict[str, Any]]:
    """City midnights, each fifth of a month and every other of a week."""
    first, last = day_number(t0) + 1, day_number(t1)
    for day in range(first, last + 1, max(2, (last - first) // _TICKS)):
        at = datetime.combine(day_of_number(day), datetime.min.time(), CITY_ZONE)
        x = 100 * (at - t0) / (t1 - t0)
        if 2 < x < 96:
            yield {"x": x, "text": say(lang, f"{at.month}月{at.day}日", f"{at:%d %b}")}
