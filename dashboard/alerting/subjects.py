"""What an alert is about, for people: the name, street and place of an asset, a scope, or a feed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from dashboard.alerting.looking import Looking, Place
from dashboard.core.catalog import Catalog
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
from dashboard.core.places import streets
from dashboard.core.scope import DISTRICT


@dataclass(frozen=True)
class Subject:
    """Who or what an alert names, and where that is."""

    name: str
    street: str | None = None
    lon: float | None = None
    lat: float | None = None


@dataclass(frozen=True)
class About:
    """What a rule watches, in words and units."""

    words: Text
    unit: str
    decimals: int
    vital: str
    owner: str


def about(catalog: Catalog, domain: Domain, rule: AlertRule) -> About:
    """The words a reason is made with."""
    owner = (rule.owner or domain.department).zh
    match rule.watches:
        case Readings(metric=key):
            metric = catalog.metrics[domain.key, key]
            return About(metric.title, rule.unit or metric.unit, metric.decimals, domain.vital, owner)
        case OutOfRange(metric=key):
            title = catalog.metrics[domain.key, key].title
            words = Text(f"{title.zh}偏离同期常态的幅宽数", f"{title.en}, distance from what is usual at this hour")
            return About(words, rule.unit or "倍", 1, domain.vital, owner)
        case RateOfChange(metric=key):
            metric = catalog.metrics[domain.key, key]
            words = Text(f"{metric.title.zh}每小时变化", f"{metric.title.en}, change per hour")
            return About(words, rule.unit or f"{metric.unit}/h", max(metric.decimals, 1), domain.vital, owner)
        case Stillness(metric=key):
            title = catalog.metrics[domain.key, key].title
            return About(Text(f"{title.zh}读数不变", f"{title.en} unmoved for"), rule.unit or "min", 0, domain.vital, owner)
        case KpiValues(kpi=kpi):
            return About(kpi.title, rule.unit or kpi.unit, kpi.decimals, domain.vital, owner)
        case RowCount():
            return About(Text("时段内数量", "Count in the window"), rule.unit, 0, domain.vital, owner)
        case Judged():
            return About(rule.title, rule.unit, 1, domain.vital, owner)
        case Missing():
            return About(Text("应到未到", "Not come in service time, for"), rule.unit or "min", 0, domain.vital, owner)
        case Absence():
            return About(Text("无数据时长", "Time without data"), rule.unit, 0, domain.vital, owner)


def find_subjects(at_hand: Looking, ids: Collection[str], places: Mapping[str, Place], city: str) -> dict[str, Subject]:
    """Names and places of what a rule's alerts are about, in one statement per register."""
    if isinstance(at_hand.rule.watches, KpiValues):
        return _scopes(city)
    found = {key: Subject(place.name or key, place.street, place.lon, place.lat) for key, place in places.items() if key in ids}
    for key in ids:
        if key in at_hand.catalog.feeds:
            found[key] = Subject(at_hand.catalog.feeds[key][1].title.zh)
        found.setdefault(key, Subject(key))
    for register in _registers(at_hand.domain):
        columns = (register.c.asset_id, register.c.name, register.c.street, register.c.lon, register.c.lat)
        for row in at_hand.conn.execute(sa.select(*columns).where(register.c.asset_id.in_(list(ids)))):
            found[row.asset_id] = Subject(row.name, row.street or found[row.asset_id].street, row.lon, row.lat)
    return found


def _scopes(city: str) -> dict[str, Subject]:
    return {DISTRICT: Subject(city), **{s.code: Subject(s.zh, s.code, *s.label) for s in streets()}}


def _registers(domain: Domain) -> list[sa.Table]:
    """The domain's tables that say what and where its assets are."""
    tables = [f.table for f in domain.feeds if f.table is not None]
    return [t for t in tables if {"asset_id", "name", "street", "lon", "lat"} <= set(t.c.keys()) and t.c.asset_id.primary_key]
