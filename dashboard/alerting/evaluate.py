"""One turn of alerting: what moved is looked at, the machine decides, transitions are stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from dashboard.alerting.machine import Observation, Rule, Standing, Transition, step
from dashboard.alerting.record import Change, Standings, keep_standings, load, record
from dashboard.alerting.subjects import Subject, about, find_subjects
from dashboard.alerting.watch import Looking, Sightings, Stored, look
from dashboard.core.catalog import Catalog
from dashboard.core.declare import Absence, AlertRule, Domain, KpiValues, Readings, RowCount, Threshold
from dashboard.core.times import to_micros
from dashboard.settings import Settings
from dashboard.store import bulk
from dashboard.store.engine import writing
from dashboard.store.freshness import feeds_freshness
from dashboard.store.lease import check_fence
from dashboard.store.schema import rule_state
from dashboard.store.topics import bump, versions

_ITSELF = ""  # in place of an asset: what the rule as a whole was last judged from


def evaluate(engine: sa.Engine, catalog: Catalog, settings: Settings, now: datetime, fence: int | None = None) -> int:
    """Judge every rule whose watched things moved; the number of transitions. Costs what moved, not what there is."""
    changes: list[tuple[Change, Subject]] = []
    standings: Standings = {}
    with engine.connect() as conn:
        topics = versions(conn)
        old_marks = _marks(conn)
        marks = {key: _mark(domain, rule, topics, now) for key, (domain, rule) in catalog.rules.items()}
        due = {key: mark for key, mark in marks.items() if mark != old_marks.get(key)}
        if not due:
            return 0
        feeds, kept, known = feeds_freshness(conn, now), _kept(conn, due), dict[tuple[str, str], tuple[Threshold, ...]]()
        for key in due:
            domain, rule = catalog.rules[key]
            at_hand = Looking(conn, catalog, domain, rule, key, kept.get(key, {}), feeds, now, known)
            sightings = look(at_hand)
            judged = _judge(at_hand, sightings, standings)
            if judged:
                names = find_subjects(at_hand, [change.asset for change in judged], sightings.places, _city(settings))
                changes += [(change, names[change.asset]) for change in judged]
    return _store(engine, settings, changes, standings, due, now, fence)


def _city(settings: Settings) -> str:
    name = settings.city.get("name", ["全区"])
    return str(name if isinstance(name, str) else name[0])


def _mark(domain: Domain, rule: AlertRule, topics: Mapping[str, int], now: datetime) -> str:
    """What a rule is judged from: the version of what it watches, and the minute, for holds and silences run by the clock."""
    match rule.watches:
        case Readings() | Absence():
            topic = f"readings:{domain.key}"
        case KpiValues():
            topic = f"kpi:{domain.key}"
        case RowCount(table=table):
            topic = f"table:{table.name}"
    return json.dumps([topics.get(topic, 0), to_micros(now) // 60_000_000])


def _marks(conn: sa.Connection) -> dict[str, str]:
    rows = conn.execute(sa.select(rule_state.c.rule, rule_state.c.latches).where(rule_state.c.asset_id == _ITSELF))
    return {rule: mark for rule, mark in rows}


def _kept(conn: sa.Connection, rules: Mapping[str, str]) -> dict[str, dict[str, Stored]]:
    columns = (rule_state.c.rule, rule_state.c.asset_id, rule_state.c.seen_ts, rule_state.c.value, rule_state.c.latches)
    query = sa.select(*columns).where(rule_state.c.rule.in_(list(rules)), rule_state.c.asset_id != _ITSELF)
    found: dict[str, dict[str, Stored]] = {}
    for rule, asset, seen, value, latches in conn.execute(query):
        found.setdefault(rule, {})[asset] = Stored(load(latches), seen, value)
    return found


def _judge(at_hand: Looking, found: Sightings, standings: Standings) -> list[Change]:
    """Every asset's observations through the machine. Standings to keep go into `standings`; changes worth storing are returned."""
    changes = []
    for asset, observations in found.by_asset.items():
        before = at_hand.standing(asset)
        after, told, machine = _through(at_hand, before, observations)
        last = next((o for o in reversed(observations) if o.value is not None), None)
        kept = at_hand.kept.get(asset)
        value = last.value if last else kept.value if kept else None
        standings[at_hand.key, asset] = (after, found.seen.get(asset) or (kept.seen if kept else None), value)
        if told or (after.level and (kept is None or value != kept.value)):
            words = about(at_hand.catalog, at_hand.domain, at_hand.rule)
            changes.append(Change(at_hand.key, asset, after, told, last, machine, words))
    for asset, seen_at in found.seen.items():
        kept = at_hand.kept.get(asset)
        standings.setdefault((at_hand.key, asset), (at_hand.standing(asset), seen_at, kept.value if kept else None))
    return changes


def _through(at_hand: Looking, standing: Standing, observations: list[Observation]) -> tuple[Standing, list[Transition], Rule]:
    told: list[Transition] = []
    machine = _machine(at_hand, observations[-1].at)
    for observation in observations:
        machine = _machine(at_hand, observation.at)
        standing, more = step(standing, observation, machine)
        told += more
    return standing, told, machine


def _machine(at_hand: Looking, at: datetime) -> Rule:
    rule = at_hand.rule
    return Rule(at_hand.thresholds(to_micros(at)), rule.hold, rule.clear_hold, rule.no_data)


def _store(
    engine: sa.Engine,
    settings: Settings,
    changes: list[tuple[Change, Subject]],
    standings: Standings,
    marks: Mapping[str, str],
    now: datetime,
    fence: int | None,
) -> int:
    """One short transaction for everything a turn found."""
    prefix = str(settings.city.get("code", "YZ"))
    with writing(engine).begin() as conn:
        if fence is not None:
            check_fence(conn, fence)
        for change, subject in changes:
            record(conn, change, subject, prefix, now)
        keep_standings(conn, standings, now)
        _keep_marks(conn, marks, now)
        if changes:
            bump(conn, ["alerts"], now)
    return sum(len(change.told) for change, _ in changes)


def _keep_marks(conn: sa.Connection, marks: Mapping[str, str], now: datetime) -> None:
    rows = [(rule, _ITSELF, "normal", to_micros(now), mark) for rule, mark in marks.items()]
    bulk.insert(conn, rule_state, ("rule", "asset_id", "state", "since", "latches"), rows, update=("since", "latches"))
