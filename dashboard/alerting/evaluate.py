"""One turn of alerting: what moved is looked at, the machine decides, transitions are stored."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from dashboard.alerting.channels import Newest
from dashboard.alerting.faults import about_itself, fault_of
from dashboard.alerting.judge import judge
from dashboard.alerting.judged import keep_findings, topics_read
from dashboard.alerting.looking import FIRST_LOOK, Looking, Stored
from dashboard.alerting.machine import Standing
from dashboard.alerting.pauses import pauses_of
from dashboard.alerting.record import Change, Numbers, Standings, keep_standings, load, record
from dashboard.alerting.subjects import Subject, find_subjects
from dashboard.alerting.watch import look
from dashboard.core.catalog import Catalog
from dashboard.core.configured import Threshold
from dashboard.core.declare import (
    Absence,
    AlertRule,
    Domain,
    Finding,
    Judged,
    KpiValues,
    Missing,
    OutOfRange,
    RateOfChange,
    Readings,
    RowCount,
    Stillness,
)
from dashboard.core.times import to_micros
from dashboard.settings import Settings
from dashboard.store import bulk
from dashboard.store.engine import writing
from dashboard.store.freshness import feeds_freshness
from dashboard.store.late import late_since
from dashboard.store.lease import check_fence
from dashboard.store.past import corrected_since
from dashboard.store.rule_faults import Fault, faults, itself, keep_faults
from dashboard.store.schema import rule_state
from dashboard.store.topics import bump, versions

_ITSELF = ""  # in place of an asset: what the rule as a whole was last judged from
_PULL_TAKES = timedelta(minutes=1)  # a correction may be stored this long after the moment its pull dates it; looking twice is harmless
_Limits = dict[tuple[str, str], tuple[Threshold, ...]]  # looked up in this turn: by rule and day
log = logging.getLogger(__name__)


@dataclass
class Turn:
    """What one turn found, to be stored together."""

    changes: list[tuple[Change, Subject]] = field(default_factory=list)
    standings: Standings = field(default_factory=dict)
    findings: dict[str, list[Finding]] = field(default_factory=dict)  # by judged rule
    marks: dict[str, tuple[str, datetime]] = field(default_factory=dict)  # what each rule was judged from, and when
    known: Mapping[str, Fault] = field(default_factory=dict)  # rules that could not judge before
    faults: dict[str, Fault] = field(default_factory=dict)  # those that cannot now


def evaluate(engine: sa.Engine, catalog: Catalog, settings: Settings, now: datetime, fence: int | None = None) -> int:
    """Judge every rule whose watched things moved; the number of transitions. Costs what moved, not what there is."""
    with engine.connect() as conn:
        topics = versions(conn)
        old_marks = _marks(conn)
        marks = {key: _mark(catalog, domain, rule, topics, now) for key, (domain, rule) in catalog.rules.items()}
        due = {key: mark for key, mark in marks.items() if key not in old_marks or mark != old_marks[key][0]}
        if not due:
            return 0
        turn, feeds, kept, known = Turn(known=faults(conn)), feeds_freshness(conn, now), _kept(conn, due), _Limits()
        newest: Newest = {}
        corrected, late = _second_words(conn, [old_marks[key][1] for key in due if key in old_marks], now)
        for key, mark in due.items():
            mine = kept.get(key, {})
            own = mine.pop(itself(key), None)
            at_hand = Looking(
                conn, catalog, *catalog.rules[key], key, mine, feeds, now, known, newest, pauses_of(catalog, key), corrected, late
            )
            well = _look_at(at_hand, turn, own.standing if own else Standing(), _city(settings))
            turn.marks[key] = (mark, now if well or key not in old_marks else old_marks[key][1])
    return _store(engine, settings, turn, now, fence)


def _look_at(at_hand: Looking, turn: Turn, itself_stood: Standing, city: str) -> bool:
    """One rule, guarded: one that cannot judge changes nothing of its own, is kept as such, and costs no other rule its turn."""
    key = at_hand.key
    try:
        found = _found(at_hand, city)
    except Exception as wrong:
        if isinstance(wrong, sa.exc.DBAPIError) and wrong.connection_invalidated:
            raise
        at_hand.conn.rollback()  # PostgreSQL answers nothing more in a transaction that failed
        fault = turn.faults[key] = fault_of(key, wrong, turn.known.get(key), at_hand.now)
        if key not in turn.known or not fault.same(turn.known[key]):
            log.error("rule %s cannot judge; its alerts stay as they are", key, exc_info=wrong)
    else:
        turn.changes += found.changes
        turn.standings |= found.standings
        turn.findings |= found.findings
    if told := about_itself(at_hand, itself_stood, turn.faults.get(key)):
        turn.changes.append(told)
        turn.standings[key, told[0].asset] = (told[0].standing, at_hand.now, None)
    return key not in turn.faults


def _found(at_hand: Looking, city: str) -> Turn:
    """What one rule finds."""
    found, sightings = Turn(), look(at_hand)
    if sightings.findings is not None:
        found.findings[at_hand.key] = sightings.findings
    judged = judge(at_hand, sightings, found.standings)
    if judged:
        names = find_subjects(at_hand, [change.asset for change in judged], sightings.places, city)
        found.changes = [(change, names[change.asset]) for change in judged]
    return found


def _city(settings: Settings) -> str:
    name = settings.city.get("name", ["全区"])
    return str(name if isinstance(name, str) else name[0])


def _mark(catalog: Catalog, domain: Domain, rule: AlertRule, topics: Mapping[str, int], now: datetime) -> str:
    """What a rule is judged from: the version of what it watches, and the minute, for holds and silences run by the clock."""
    match rule.watches:
        case Readings() | Absence() | OutOfRange() | RateOfChange() | Stillness():
            watched = frozenset({f"readings:{domain.key}"})
        case KpiValues():
            watched = frozenset({f"kpi:{domain.key}"})
        case RowCount(table=table) | Missing(table=table):
            watched = frozenset({f"table:{table.name}"})
        case Judged() as judge:
            watched = topics_read(judge, domain.key, catalog.domains)
    return json.dumps([sum(topics.get(topic, 0) for topic in watched), to_micros(now) // 60_000_000])


def _marks(conn: sa.Connection) -> dict[str, tuple[str, datetime]]:
    """What each rule was last judged from, and when."""
    columns = (rule_state.c.rule, rule_state.c.latches, rule_state.c.since)
    return {rule: (mark, at) for rule, mark, at in conn.execute(sa.select(*columns).where(rule_state.c.asset_id == _ITSELF))}


def _second_words(conn: sa.Connection, looked_at: list[datetime], now: datetime) -> tuple[dict[int, int], dict[int, int]]:
    """Channels with readings corrected, and with new ones from before their newest, since the rules due last looked."""
    if not looked_at:
        return {}, {}
    since, oldest = min(looked_at) - _PULL_TAKES, now - FIRST_LOOK
    return corrected_since(conn, since, oldest), late_since(conn, since, oldest)


def _kept(conn: sa.Connection, rules: Mapping[str, str]) -> dict[str, dict[str, Stored]]:
    columns = ("rule", "asset_id", "seen_ts", "value", "latches")
    found: dict[str, dict[str, Stored]] = {}
    for rule, asset, seen, value, latches in bulk.matching(conn, rule_state, ("rule",), [(rule,) for rule in rules], columns):
        if asset != _ITSELF:
            found.setdefault(rule, {})[asset] = Stored(load(latches), seen, value)
    return found


def _store(engine: sa.Engine, settings: Settings, turn: Turn, now: datetime, fence: int | None) -> int:
    """One short transaction for everything a turn found."""
    with writing(engine).begin() as conn:
        if fence is not None:
            check_fence(conn, fence)
        numbers = Numbers(conn, str(settings.city.get("code", "YZ")), now)
        for change, subject in turn.changes:
            record(conn, change, subject, numbers, now)
        keep_standings(conn, turn.standings, now)
        _keep_marks(conn, turn.marks)
        moved = [keep_findings(conn, rule, found, now) for rule, found in turn.findings.items()]
        if keep_faults(conn, turn.known, turn.faults, turn.marks, now) or turn.changes or any(moved):
            bump(conn, ["alerts"], now)
    return sum(len(change.told) for change, _ in turn.changes)


def _keep_marks(conn: sa.Connection, marks: Mapping[str, tuple[str, datetime]]) -> None:
    rows = [(rule, _ITSELF, "normal", to_micros(at), mark) for rule, (mark, at) in marks.items()]
    bulk.insert(conn, rule_state, ("rule", "asset_id", "state", "since", "latches"), rows, update=("since", "latches"))
