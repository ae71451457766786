"""The page of rules: what each watches, its limits with their source, and what became of it in the last 30 days."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import visitors

from dashboard.alerting.reasons import length
from dashboard.core.configured import Threshold
from dashboard.core.declare import (
    Absence,
    AlertRule,
    Domain,
    Judged,
    KpiValues,
    Missing,
    OutOfRange,
    RateOfChange,
    Readings,
    RowCount,
    Stillness,
    Text,
)
from dashboard.core.times import city_day
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.rule_standing import blind, blind_words, resting_words
from dashboard.snapshot.view import View
from dashboard.snapshot.vitals import query_of
from dashboard.snapshot.words import UNKNOWN, listed, number, say, span, sure, unit_words
from dashboard.store.rule_ledger import Ledger, rule_ledgers

LOOKED_BACK = timedelta(days=30)
_SIGNS = {">=": "≥", ">": "＞", "<=": "≤", "<": "＜"}
_BRIEFLY = {
    "verified": Text("原文已核", "checked"),
    "recalled": Text("凭记忆引用", "from memory"),
    "default": Text("设计缺省", "our default"),
}
_DEFAULT_MARK = "设计缺省："  # how the source of a default begins: said once is enough
_NO_DATA = {
    "keep": Text("断数时保持原状态", "silence keeps what is known"),
    "clear": Text("断数时解除", "silence clears it"),
    "alert": Text("断数即告警", "silence rings"),
}
_ORDERS: Mapping[str, tuple[Text, Callable[[Ledger], tuple[float, ...]]]] = {
    "false": (Text("误报占比最高", "Most often false"), lambda one: (one.false_share or 0.0, one.false_alarms, one.fires)),
    "fires": (Text("触发最多", "Rings most"), lambda one: (one.fires, one.hours)),
    "hours": (Text("历时最长", "Rings longest"), lambda one: (one.hours, one.fires)),
}


# ---- the page
def counts(picture: Picture, view: View) -> dict[str, Any]:
    """The account of all rules together, and of each domain: what a wall shows."""
    known, whole = ledgers(picture), Ledger()
    domains = []
    for domain in picture.catalog.domains.values():
        own = Ledger()
        for rule in domain.rules:
            own.add(known.get(f"{domain.key}.{rule.key}", _QUIET))
        whole.add(own)
        v = picture.catalog.vitals[domain.vital]
        vital = {"css": v.css, "title": v.title(view.lang)}
        domains.append({"title": domain.title(view.lang), "vital": vital, "rules": len(domain.rules), **account(own, view.lang)})
    rang = sum(known[key].fires > 0 for key in picture.catalog.rules if key in known)
    return {
        "rules": len(picture.catalog.rules),
        "rang": rang,
        "blind": len(blind(picture)),
        "whole": account(whole, view.lang),
        "domains": domains,
    }


def rules(picture: Picture, view: View) -> dict[str, Any]:
    """Every rule, by vital system and domain; or all in one table in the order the address asks for."""
    return {"orders": _orders(view), "groups": list(_sorted(picture, view) if view.order else _grouped(picture, view))}


def _orders(view: View) -> list[dict[str, Any]]:
    kept = query_of(view)
    plain = {"words": say(view.lang, "按体征", "By system"), "href": f"/rules{kept}", "on": not view.order}
    glue = "&" if kept else "?"
    chosen = ((key, words(view.lang)) for key, (words, _) in _ORDERS.items())
    return [plain, *({"words": words, "href": f"/rules{kept}{glue}order={key}", "on": view.order == key} for key, words in chosen)]


def _grouped(picture: Picture, view: View) -> Iterable[dict[str, Any]]:
    for vital in picture.catalog.vitals.values():
        for domain in picture.catalog.of_vital(vital.key):
            if domain.rules:
                seal = {"css": vital.css, "title": vital.title(view.lang)}
                rows = [_row(picture, view, domain, rule) for rule in domain.rules]
                yield {"title": domain.title(view.lang), "of": domain.department(view.lang), "vital": seal, "rows": rows}


def _sorted(picture: Picture, view: View) -> Iterable[dict[str, Any]]:
    words, worth = _ORDERS[view.order]
    known = ledgers(picture)
    ordered = sorted(picture.catalog.rules, key=lambda key: (*(-part for part in worth(known.get(key, _QUIET))), key))
    rows = [
        _row(picture, view, *picture.catalog.rules[key]) | {"domain": picture.catalog.rules[key][0].title(view.lang)} for key in ordered
    ]
    yield {"title": words(view.lang), "of": say(view.lang, "近30天", "last 30 days"), "vital": None, "rows": rows}


def _row(picture: Picture, view: View, domain: Domain, rule: AlertRule) -> dict[str, Any]:
    lang, key = view.lang, f"{domain.key}.{rule.key}"
    fault = blind(picture).get(key)
    return {
        "key": key,
        "blind": blind_words(fault, lang, picture.now) if fault else "",
        "resting": resting_words(picture, key, lang),
        "title": rule.title(lang),
        "domain": "",
        "watches": watched(picture, domain, rule, lang),
        "limits": limits(picture, key, rule, lang),
        "sources": _sources(picture, key, lang),
        "holds": holds(rule, lang),
        **account(ledgers(picture).get(key, _QUIET), lang),
    }


# ---- the ledger
_QUIET = Ledger()


def ledgers(picture: Picture) -> Mapping[str, Ledger]:
    """What each rule did in the last 30 days; looked up again when an alert moves, and every hour."""
    hour = picture.at.replace(minute=0, second=0, microsecond=0)
    stamp = (picture.at if picture.replay else hour, picture.versions.get("alerts"))

    def made() -> Mapping[str, Ledger]:
        with picture.reading() as conn:
            return rule_ledgers(conn, picture.at - LOOKED_BACK, picture.at)

    return picture.keep("rule ledgers", stamp, made)


def account(one: Ledger, lang: str) -> dict[str, Any]:
    """A ledger as a screen writes it; what does not apply to a quiet rule is blank."""
    share = one.false_share
    return {
        "fires": number(one.fires, 0),
        "hours": number(one.hours, 0 if one.hours >= 10 or not one.hours else 1) if one.alerts or one.hours else "",
        "alerts": number(one.alerts, 0),
        "taken": f"{one.acknowledged:,}/{one.alerts:,}" if one.alerts else "",
        "wait": "" if not one.alerts else UNKNOWN if one.wait is None else span(timedelta(seconds=one.wait), lang),
        "false_alarms": number(one.false_alarms, 0) if one.alerts else "",
        "false_share": "" if share is None else f"{share:.0%}",
        "inhibited": number(one.inhibited, 0) if one.inhibited else "",
        "silenced": number(one.silenced, 0) if one.silenced else "",
        "quiet": not one.alerts and not one.hours,
    }


# ---- a rule in words
def limits(picture: Picture, key: str, rule: AlertRule, lang: str) -> list[dict[str, Any]]:
    """Its thresholds of today, the worst level first, each with its clearing value and source."""
    return [_limit(t, unit_words(rule.unit, lang), lang) for t in picture.catalog.rule_thresholds(key, city_day(picture.at).isoformat())]


def _limit(t: Threshold, unit: str, lang: str) -> dict[str, Any]:
    return {
        "level": t.level.value,
        "beyond": f"{_SIGNS[t.op]} {t.value:g} {unit}".strip(),
        "back": f"{t.clear:g} {unit}".strip(),
        "ref": t.ref,
        "confidence": sure(t.confidence, lang),
    }


def _sources(picture: Picture, key: str, lang: str) -> list[dict[str, Any]]:
    """Where its thresholds come from, those we are equally sure of together."""
    by_confidence: dict[str, dict[str, None]] = {}
    for t in picture.catalog.rule_thresholds(key, city_day(picture.at).isoformat()):
        by_confidence.setdefault(t.confidence, {})[t.ref.removeprefix(_DEFAULT_MARK)] = None
    return [
        {"confidence": _BRIEFLY[known](lang), "certain": known == "verified", "refs": list(refs)} for known, refs in by_confidence.items()
    ]


def holds(rule: AlertRule, lang: str) -> list[tuple[str, str]]:
    """How long a condition must last to ring, and be gone to be quiet."""
    at_once = say(lang, "立即", "at once")
    ring = length(rule.hold, lang) if rule.hold else at_once
    quiet = length(rule.clear_hold, lang) if rule.clear_hold else at_once
    return [(say(lang, "持续", "Holds"), ring), (say(lang, "解除", "Clears"), quiet)]


def on_silence(rule: AlertRule, lang: str) -> str:
    """What it makes of missing data."""
    return _NO_DATA[rule.no_data](lang)


def watched(picture: Picture, domain: Domain, rule: AlertRule, lang: str) -> str:
    """What it watches, in one line."""
    match rule.watches:
        case Readings(metric=metric):
            name = _metric(picture, domain, metric, lang)
            return say(lang, f"每个测点的{name}", f"{name} at each point")
        case OutOfRange(metric=metric):
            name = _metric(picture, domain, metric, lang)
            return say(lang, f"{name}偏离近四周同时段常见范围多少个幅宽", f"{name}: widths beyond what four weeks had at this hour")
        case RateOfChange(metric=metric) as changing:
            name, window = _metric(picture, domain, metric, lang), length(changing.over, lang)
            return say(lang, f"每个测点{window}内{name}的变化速度", f"how fast {name} changes at each point, over {window}")
        case Stillness(metric=metric):
            name = _metric(picture, domain, metric, lang)
            return say(lang, f"{name}多久没有变化", f"how long {name} has not moved")
        case KpiValues(kpi=kpi, each_street=each):
            return kpi.title(lang) + (say(lang, "，分街道", ", by street") if each else say(lang, "，全区", ", whole district"))
        case RowCount() as counted:
            name, over = _tables(picture, [counted.table], lang), length(counted.over, lang)
            return say(lang, f"{over}内{name}的条数，按对象累计", f"{name} within {over}, counted by asset")
        case Absence(feed=feed, metric=metric):
            name = _metric(picture, domain, metric, lang) if metric else picture.catalog.feeds[feed][1].title(lang)
            return say(lang, f"{name}多久没有来数", f"how long {name} has not come in")
        case Missing() as due:
            name = _tables(picture, [due.table], lang)
            return say(lang, f"服务时段内应到的{name}", f"{name} due in service time")
        case Judged(reads=reads):
            tables = [t for query in reads.values() for t in visitors.iterate(query) if isinstance(t, sa.Table)]
            return say(lang, "合看：", "together: ") + _tables(picture, tables, lang)


def _metric(picture: Picture, domain: Domain, key: str, lang: str) -> str:
    return picture.catalog.metrics[domain.key, key].title(lang)


def _tables(picture: Picture, tables: Iterable[sa.Table], lang: str) -> str:
    """Tables by the titles of the feeds that fill them; readings have none of their own."""
    wanted = {table.name for table in tables}
    titles = [feed.title(lang) for _, feed in picture.catalog.feeds.values() if feed.table is not None and feed.table.name in wanted]
    return listed(lang, titles) or say(lang, "各测点读数", "readings of its points")
