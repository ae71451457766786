"""Judged rules: rows of several tables read by their selects, given to a pure judge, and what it found kept with its grounds."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import visitors

from dashboard.alerting.looking import Looking, Place, Sightings
from dashboard.core.declare import Finding, Judged
from dashboard.core.measures import MOMENT
from dashboard.core.readings import latest
from dashboard.core.times import city_day, to_micros
from dashboard.store.findings import FindingRow, findings_now
from dashboard.store.schema import finding


def judged(at_hand: Looking, watched: Judged) -> Sightings:
    """What the judge finds now. An asset it does not name, or that a stop rule holds for, is at rest."""
    rows = {name: _rows(at_hand.conn, query, at_hand.now) for name, query in watched.reads.items()}
    parameters = at_hand.catalog.rule_parameters(at_hand.key, city_day(at_hand.now).isoformat())
    named = watched.judge(rows, parameters, at_hand.now)
    found = Sightings(findings=named)
    for one in named:
        value = 0.0 if one.stopped else one.value
        at = _since(at_hand, one)
        if at_hand.matters(found, one.asset, value, to_micros(at)):
            found.add(one.asset, at, value)
            found.seen[one.asset] = at_hand.now
        found.places[one.asset] = Place(one.name, one.street, one.lon, one.lat)
    for asset, stored in at_hand.kept.items():
        if asset not in found.by_asset and not stored.standing.is_at_rest:
            found.add(asset, at_hand.now, 0.0)
            found.seen[asset] = at_hand.now
    return found


def _since(at_hand: Looking, one: Finding) -> datetime:
    """When a finding became so: as the judge dates it, but never before the rule last looked at an alert of the same asset."""
    if not at_hand.standing(one.asset).is_at_rest:
        return at_hand.now
    seen = at_hand.kept[one.asset].seen if one.asset in at_hand.kept else None
    return min(max(one.at, seen or one.at), at_hand.now)


def _rows(conn: sa.Connection, query: sa.Select[Any], now: datetime) -> list[Any]:
    return list(conn.execute(query, {MOMENT: now} if MOMENT in query.compile().params else {}))


_topics: dict[int, tuple[Judged, frozenset[str]]] = {}  # by the rule's own identity: a judge is declared once and lives on


def topics_read(watched: Judged, domain: str, domains: Collection[str]) -> frozenset[str]:
    """What moves a judge's rows: the tables its selects name, and the readings of the domains they ask for."""
    if id(watched) not in _topics:
        _topics[id(watched)] = watched, _named(watched, domain, set(domains))
    return _topics[id(watched)][1]


def _named(watched: Judged, domain: str, domains: set[str]) -> frozenset[str]:
    topics: set[str] = set()
    for query in watched.reads.values():
        pieces = list(visitors.iterate(query))
        tables = {piece for piece in pieces if isinstance(piece, sa.Table)}
        topics |= {f"table:{table.name}" for table in tables if table is not latest}
        if latest in tables:
            asked = {piece.value for piece in pieces if isinstance(piece, sa.BindParameter) and isinstance(piece.value, str)}
            topics |= {f"readings:{name}" for name in (asked & domains) or {domain}}
    return frozenset(topics)


def keep_findings(conn: sa.Connection, rule: str, found: Sequence[Finding], now: datetime) -> bool:
    """Store what is found now where it is not what was found before; whether anything was."""
    before = findings_now(conn, rule)
    named = {one.asset: one for one in found}
    gone = [row.finding_id for asset, row in before.items() if asset not in named or not _is_same(row, named[asset])]
    fresh = [one for asset, one in named.items() if asset not in before or not _is_same(before[asset], one)]
    if gone:
        conn.execute(sa.update(finding).where(finding.c.finding_id.in_(gone)).values(gone_at=now))
    if fresh:
        conn.execute(sa.insert(finding), [_stored(rule, one, now) for one in fresh])
    return bool(gone or fresh)


def _is_same(row: FindingRow, one: Finding) -> bool:
    return (row.value, row.because, row.stopped) == (one.value, one.because, one.stopped)


def _stored(rule: str, one: Finding, now: datetime) -> dict[str, Any]:
    because = [[what.zh, what.en, said] for what, said in one.because]
    return {
        "rule": rule,
        "asset_id": one.asset,
        "at": one.at,
        "value": one.value,
        "because": json.dumps(because, ensure_ascii=False),
        "stopped": json.dumps([one.stopped.zh, one.stopped.en], ensure_ascii=False) if one.stopped else None,
        "name": one.name,
        "street": one.street,
        "lon": one.lon,
        "lat": one.lat,
        "learned_at": now,
    }
