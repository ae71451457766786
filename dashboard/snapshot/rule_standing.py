"""How a rule itself stands: whether it can judge at all, and when it is not judged: out of service, or under maintenance."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from dashboard.core.calendars import Maintenance
from dashboard.core.declare import Text
from dashboard.core.times import city_day
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.words import LEVEL_WORDS, listed, moment, say, unit_words
from dashboard.store.alert_reads import AlertRow
from dashboard.store.rule_faults import Fault, faults, faults_between

_KINDS = {
    "KeyError": Text("缺少所需数据项", "something it needs is missing"),
    "AttributeError": Text("缺少所需字段", "a field it needs is missing"),
    "TypeError": Text("数据类型不符", "data of another type than expected"),
    "ValueError": Text("数据取值不符", "a value it cannot use"),
    "ZeroDivisionError": Text("除数为零", "division by zero"),
    "OperationalError": Text("读取数据失败", "its data could not be read"),
    "ProgrammingError": Text("读取数据失败", "its data could not be read"),
}


def blind(picture: Picture) -> Mapping[str, Fault]:
    """Rules that cannot judge as of the picture."""

    def made() -> Mapping[str, Fault]:
        with picture.reading() as conn:
            found = faults(conn, picture.at if picture.replay else None)
        return {rule: fault for rule, fault in found.items() if rule in picture.catalog.rules}

    return picture.kept("rule faults", ("alerts",), made)


def blind_words(fault: Fault, lang: str, now: datetime) -> str:
    """Since when and why, in words first, then as the program says it."""
    since, kind = moment(fault.since, lang, now), _KINDS.get(fault.kind)
    cause = kind(lang) if kind else say(lang, "程序出错", "the program failed")
    exact = f"{fault.kind} {fault.error} {fault.place}".strip()
    if fault.gone_at is not None:
        until = moment(fault.gone_at, lang, now)
        return say(lang, f"{since}至{until}判定出错：{cause}（{exact}）", f"could not judge from {since} to {until}: {cause} ({exact})")
    return say(lang, f"自{since}起，{cause}（{exact}）", f"since {since}: {cause} ({exact})")


def blind_while(picture: Picture, rule: str, t0: datetime, t1: datetime, lang: str) -> list[str]:
    """When a rule could not judge in the life of an alert: what stood then may have changed unseen."""
    with picture.reading() as conn:
        found = faults_between(conn, rule, t0, t1)
    title = say(lang, "判定出错：", "The rule could not judge: ")
    return [("" if one.gone_at else title) + blind_words(one, lang, picture.now) for one in found]


# ---- when it is not judged
_AHEAD = timedelta(days=30)


def work_words(one: Maintenance, lang: str, now: datetime) -> str:
    """From when until when, on what, why and by whom."""
    since, until = moment(one.since, lang, now), moment(one.until, lang, now)
    where = f" {one.asset}" if one.asset else ""
    return say(
        lang,
        f"检修窗口{where}，{since}至{until}，不判定：{one.why.zh}（{one.owner.zh}）",
        f"Maintenance{where}, {since} to {until}, not judged: {one.why.en} ({one.owner.en})",
    )


def resting_words(picture: Picture, key: str, lang: str) -> str:
    """Why a rule is not judged at the moment of the picture; empty: it is."""
    work = [one for one in picture.catalog.maintenance if one.covers(key) and one.since <= picture.at < one.until]
    if work:
        return work_words(work[0], lang, picture.now)
    calendar = picture.catalog.calendar_of(key)
    if calendar is None or calendar.serving(picture.at) is not None:
        return ""
    return say(lang, f"非服务时段，不判定（{calendar.title.zh}）", f"Out of service, not judged ({calendar.title.en})")


def pause_facts(picture: Picture, key: str, lang: str) -> Iterator[tuple[str, str]]:
    """A rule's calendar, and the work of the last and the next 30 days."""
    calendar = picture.catalog.calendar_of(key)
    if calendar is not None:
        yield say(lang, "服务日历", "Calendar"), calendar.title(lang)
    for one in picture.catalog.maintenance:
        if one.covers(key) and one.until > picture.at - _AHEAD and one.since < picture.at + _AHEAD:
            yield say(lang, "检修", "Maintenance"), work_words(one, lang, picture.now)


def work_while(picture: Picture, rule: str, asset: str, t0: datetime, t1: datetime, lang: str) -> list[str]:
    """The work that went on in the life of an alert: what its asset said then was not held against it."""
    return [
        work_words(one, lang, picture.now)
        for one in picture.catalog.maintenance
        if one.covers(rule, asset) and one.since < t1 and one.until > t0
    ]


# ---- what an alert was raised under
_SIGNS = {">=": "≥", ">": "＞", "<=": "≤", "<": "＜"}


def raised_under(picture: Picture, row: AlertRow | None, lang: str) -> str:
    """The version of its rule that raised an alert, with that version's limits, and whether they have been changed since."""
    if row is None or row.limits is None:
        return ""
    kept, unit = json.loads(row.limits)["thresholds"], unit_words(row.unit, lang)
    said = [f"{LEVEL_WORDS[t['level']](lang)} {_SIGNS[t['op']]} {t['value']:g}" for t in reversed(kept)]
    limits = f"{listed(lang, said)} {unit}".strip()
    today = picture.catalog.rule_thresholds(row.rule, city_day(picture.at).isoformat())
    same = {(t.level.value, t.op, t.value, t.clear) for t in today} == {(t["level"], t["op"], t["value"], t["clear"]) for t in kept}
    since = "" if same else say(lang, "；此后已改", "; changed since")
    return say(lang, f"版本{row.rule_version}：{limits}{since}", f"version {row.rule_version}: {limits}{since}")
