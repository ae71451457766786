"""One turn of alerting: what moved is looked at, the machine decides, transitions are stored."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from dashboard.alerting.judged import keep_findings, topics_read
from dashboard.alerting.looking import Looking, Replay, Sightings, Stored
from dashboard.alerting.machine import Observation, Rule, Standing, Transition, between, step
from dashboard.alerting.record import Change, Standings, keep_standings, load, record
from dashboard.alerting.subjects import Subject, about, find_subjects
from dashboard.alerting.watch import look
from dashboard.core.catalog import Catalog
from dashboard.core.configured import Threshold
from dashboard.core.declare import Absence, AlertRule, Domain, Finding, Judged, KpiValues, OutOfRange, Readings, RowCount, Stillness
from dashboard.core.times import city_day, to_micros
from dashboard.settings import Settings
from dashboard.store import bulk
from dashboard.store.engine import writing
from dashboard.store.freshness import feeds_freshness
from dashboard.store.lease import check_fence
from dashboard.store.past import corrected_since
from dashboard.store.schema import rule_state
from dashboard.store.topics import bump, versions

Findings = dict[str, list[Finding]]  # by judged rule
_ITSELF = ""  # in place of an asset: what the rule as a whole was last judged from
_PULL_TAKES = timedelta(minutes=1)  # a correction may be stored this long after the moment its pull dates it; looking twice is harmless


def evaluate(engine: sa.Engine, catalog: Catalog, settings: Settings, now: datetime, fence: int | None = None) -> int:
    """Judge every rule whose watched things moved; the number of transitions. Costs what moved, not what there is."""
    changes: list[tuple[Change, Subject]] = []
    standings: Standings = {}
    findings: Findings = {}
    with engine.connect() as conn:
        topics = versions(conn)
        old_marks = _marks(conn)
        marks = {key: _mark(catalog, domain, rule, topics, now) for key, (domain, rule) in catalog.rules.items()}
        due = {key: mark for key, mark in marks.items() if key not in old_marks or mark != old_marks[key][0]}
        if not due:
            return 0
        feeds, kept, known = feeds_freshness(conn, now), _kept(conn, due), dict[tuple[str, str], tuple[Threshold, ...]]()
        corrected = _corrected(conn, [old_marks[key][1] for key in due if key in old_marks])
        for key in due:
            domain, rule = catalog.rules[key]
            at_hand = Looking(conn, catalog, domain, rule, key, kept.get(key, {}), feeds, now, known, corrected)
            sightings = look(at_hand)
            if sightings.findings is not None:
                findings[key] = sightings.findings
            judged = _judge(at_hand, sightings, standings)
            if judged:
                names = find_subjects(at_hand, [change.asset for change in judged], sightings.places, _city(settings))
                changes += [(change, names[change.asset]) for change in judged]
    return _store(engine, settings, changes, standings, findings, due, now, fence)


def _city(settings: Settings) -> str:
    name = settings.city.get("name", ["全区"])
    return str(name if isinstance(name, str) else name[0])


def _mark(catalog: Catalog, domain: Domain, rule: AlertRule, topics: Mapping[str, int], now: datetime) -> str:
    """What a rule is judged from: the version of what it watches, and the minute, for holds and silences run by the clock."""
    match rule.watches:
        case Readings() | Absence() | OutOfRange() | Stillness():
            watched = frozenset({f"readings:{domain.key}"})
        case KpiValues():
            watched = frozenset({f"kpi:{domain.key}"})
        case RowCount(table=table):
            watched = frozenset({f"table:{table.name}"})
        case Judged() as judge:
            watched = topics_read(judge, domain.key, catalog.domains)
    return json.dumps([sum(topics.get(topic, 0) for topic in watched), to_micros(now) // 60_000_000])


def _marks(conn: sa.Connection) -> dict[str, tuple[str, datetime]]:
    """What each rule was last judged from, and when."""
    columns = (rule_state.c.rule, rule_state.c.latches, rule_state.c.since)
    return {rule: (mark, at) for rule, mark, at in conn.execute(sa.select(*columns).where(rule_state.c.asset_id == _ITSELF))}


def _corrected(conn: sa.Connection, looked_at: list[datetime]) -> dict[int, int]:
    return corrected_since(conn, min(looked_at) - _PULL_TAKES) if looked_at else {}


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
    words = about(at_hand.catalog, at_hand.domain, at_hand.rule)
    grounds = _grounds(found, at_hand.now)
    for asset in dict.fromkeys([*found.by_asset, *found.again]):
        observations = found.by_asset.get(asset, [])
        begun, put_right = _put_right(at_hand, asset, found.again.get(asset))
        after, told, machine = _through(at_hand, begun, observations)
        known = [*(found.again[asset].observations if asset in found.again else ()), *observations]
        last = next((o for o in reversed(known) if o.value is not None), None)
        kept = at_hand.kept.get(asset)
        value = last.value if last else kept.value if kept else None
        standings[at_hand.key, asset] = (after, found.seen.get(asset) or (kept.seen if kept else None), value)
        if put_right or told or (after.level and (kept is None or value != kept.value)):
            found_so, again = grounds and grounds(asset), _again(at_hand, told)
            changes.append(Change(at_hand.key, asset, after, put_right + told, last, machine, words, found_so, again))
    for asset, seen_at in found.seen.items():
        kept = at_hand.kept.get(asset)
        standings.setdefault((at_hand.key, asset), (at_hand.standing(asset), seen_at, kept.value if kept else None))
    return changes


def _grounds(found: Sightings, now: datetime) -> Callable[[str], Finding] | None:
    """What the judge found about an asset: nothing any more for one it does not name. None: the rule judges numbers."""
    if found.findings is None:
        return None
    named = {one.asset: one for one in found.findings}
    return lambda asset: named.get(asset) or Finding(asset=asset, at=now, value=0.0, because=())


def _put_right(at_hand: Looking, asset: str, replay: Replay | None) -> tuple[Standing, list[Transition]]:
    """Where the rule stands once corrected readings are gone through again, and the one step from what was told to what is so.

    What was told stays told: an alert that came and went by a reading since corrected is not undone.
    """
    before = at_hand.standing(asset)
    if replay is None:
        return before, []
    after, _, machine = _through(at_hand, replay.standing, replay.observations)
    after = replace(after, no_data=before.no_data, by_silence=before.by_silence)
    seen = Observation(at_hand.now, replay.observations[-1].value if replay.observations else None)
    return after, [replace(told, corrected=True) for told in between(before, after, seen, machine)]


def _again(at_hand: Looking, told: list[Transition]) -> timedelta:
    """How soon after closing the plan for a level takes an alert raised again for the same matter."""
    level = next((one.new for one in told if one.what == "open"), None)
    plan = at_hand.catalog.plan(at_hand.domain.key, level, city_day(at_hand.now).isoformat()) if level else None
    return timedelta(minutes=plan.again_min) if plan else timedelta(0)


def _through(at_hand: Looking, standing: Standing, observations: list[Observation]) -> tuple[Standing, list[Transition], Rule]:
    told: list[Transition] = []
    machine = _machine(at_hand, observations[-1].at if observations else at_hand.now)
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
    findings: Findings,
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
        moved = [keep_findings(conn, rule, found, now) for rule, found in findings.items()]
        if changes or any(moved):
            bump(conn, ["alerts"], now)
    return sum(len(change.told) for change, _ in changes)


def _keep_marks(conn: sa.Connection, marks: Mapping[str, str], now: datetime) -> None:
    rows = [(rule, _ITSELF, "normal", to_micros(now), mark) for rule, mark in marks.items()]
    bulk.insert(conn, rule_state, ("rule", "asset_id", "state", "since", "latches"), rows, update=("since", "latches"))
