"""Transitions into tables: the alert, its history, and where each rule stands."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from dashboard.alerting.machine import Latch, Observation, Rule, Standing, Transition
from dashboard.alerting.reasons import reason
from dashboard.alerting.subjects import About, Subject
from dashboard.core.declare import Finding, Level
from dashboard.core.times import city_day, from_micros, to_micros
from dashboard.store import bulk
from dashboard.store.drills import REAL
from dashboard.store.schema import alert, alert_transition, handling, rule_state

_COLUMNS = ("rule", "asset_id", "state", "level", "since", "seen_ts", "value", "latches")


@dataclass(frozen=True)
class Change:
    """What a turn found for one rule and asset."""

    rule: str
    asset: str
    standing: Standing
    told: Sequence[Transition]
    last: Observation | None  # the newest with a value
    machine: Rule
    about: About
    found: Finding | None = None  # of a judged rule: its grounds
    again: timedelta = timedelta(0)  # raised again this soon after closing, it is the same matter and keeps its number
    said: str = ""  # why, where that is not for the machine to say


def open_key(rule: str, asset: str) -> str:
    """What only one open alert may have."""
    return f"{rule}|{asset}"


def record(conn: sa.Connection, change: Change, subject: Subject, numbers: Numbers, now: datetime) -> None:
    """Carry one asset's transitions out, in order, and keep the open alert's value up to date."""
    for told in change.told:
        if told.what == "open":
            if not _again(conn, change, told, now):
                _open(conn, change, told, subject, numbers, now)
        else:
            _move(conn, change, told, now)
    just = change.told[-1] if change.told else None
    if just and change.last and just.what in ("open", "level") and just.value == change.last.value:
        return  # it says so already
    if change.standing.level is not None and change.last is not None:
        current = _limit(change.machine, change.standing.level)
        _update(conn, change, value=change.last.value, threshold=current, updated_at=now)


def _open(conn: sa.Connection, change: Change, told: Transition, subject: Subject, numbers: Numbers, now: datetime) -> None:
    assert told.new is not None
    domain = change.rule.split(".", 1)[0]
    row = {
        "number": numbers.next(domain),
        "rule": change.rule,
        "rule_version": version(change.machine),
        "limits": limits_of(change.machine),
        "domain": domain,
        "vital": change.about.vital,
        "asset_id": change.asset,
        "asset_name": subject.name,
        "street": subject.street,
        "lon": subject.lon,
        "lat": subject.lat,
        "level": told.new.value,
        "worst_level": told.new.value,
        "state": "open",
        "value": told.value,
        "threshold": _limit(change.machine, told.new),
        "unit": change.about.unit,
        "opened_at": told.at,
        "level_at": told.at,
        "updated_at": now,
        "no_data": told.value is None and not change.said,
        "owner": change.about.owner,
        "open_key": open_key(change.rule, change.asset),
    }
    number = conn.execute(sa.insert(alert).values(row).returning(alert.c.alert_id)).scalar_one()
    _tell(conn, number, change, told, now)


def _again(conn: sa.Connection, change: Change, told: Transition, now: datetime) -> bool:
    """Raise the last alert of the rule and asset again, where people still have it or only just closed it: its number, its unit
    and everything written on it stay. False: there is none such."""
    assert told.new is not None
    mine = sa.and_(alert.c.rule == change.rule, alert.c.asset_id == change.asset, alert.c.state == "clear", REAL)
    lately = alert.c.closed_at >= told.at - change.again
    begun = sa.exists().where(handling.c.alert_id == alert.c.alert_id)
    columns = sa.select(alert.c.alert_id, alert.c.worst_level).where(mine, begun, sa.or_(alert.c.closed_at.is_(None), lately))
    row = conn.execute(columns.order_by(alert.c.alert_id.desc()).limit(1)).first()
    if row is None:
        return False
    worst = max((Level(row.worst_level), told.new), key=lambda level: level.severity)
    values: dict[str, Any] = {"state": "open", "cleared_at": None, "open_key": open_key(change.rule, change.asset), "refired_at": told.at}
    values |= {"level": told.new.value, "level_at": told.at, "worst_level": worst.value, "closed_at": None, "updated_at": now}
    values |= {"rule_version": version(change.machine), "limits": limits_of(change.machine)}
    values |= {"value": told.value, "threshold": _limit(change.machine, told.new), "no_data": told.value is None and not change.said}
    conn.execute(sa.update(alert).where(alert.c.alert_id == row.alert_id).values(values))
    _tell(conn, row.alert_id, change, told, now)
    return True


def _move(conn: sa.Connection, change: Change, told: Transition, now: datetime) -> None:
    mine = alert.c.open_key == open_key(change.rule, change.asset)
    row = conn.execute(sa.select(alert.c.alert_id, alert.c.worst_level).where(mine)).one()
    values: dict[str, Any] = {"updated_at": now}
    match told.what:
        case "level":
            assert told.new is not None
            worst = max((Level(row.worst_level), told.new), key=lambda level: level.severity)
            values |= {"level": told.new.value, "level_at": told.at, "worst_level": worst.value}
            values["threshold"] = _limit(change.machine, told.new)
        case "no_data":
            values |= {"no_data": True}
        case "data_back":
            values |= {"no_data": False}
        case "clear":
            values |= {"state": "clear", "cleared_at": told.at, "open_key": None, "no_data": told.value is None and not change.said}
    if told.value is not None:
        values["value"] = told.value
    conn.execute(sa.update(alert).where(alert.c.alert_id == row.alert_id).values(values))
    _tell(conn, row.alert_id, change, told, now)


def _update(conn: sa.Connection, change: Change, **values: Any) -> None:
    conn.execute(sa.update(alert).where(alert.c.open_key == open_key(change.rule, change.asset)).values(values))


def _tell(conn: sa.Connection, alert_id: int, change: Change, told: Transition, now: datetime) -> None:
    why = change.said or reason(told, change.machine, change.about.words, change.about.unit, change.about.decimals, change.found)
    row = {"alert_id": alert_id, "at": told.at, "noticed_at": now, "what": told.what, "reason": why, "value": told.value, "actor": "system"}
    conn.execute(sa.insert(alert_transition).values(row | {"old": told.old, "new": told.new if told.what != "clear" else "clear"}))


def _limit(machine: Rule, level: Level) -> float | None:
    return next((t.value for t in machine.thresholds if t.level == level), None)


def version(machine: Rule) -> str:
    """Which thresholds and holds raised an alert: another version means they were changed since."""
    text = repr([(t.level.value, t.op, t.value, t.clear) for t in machine.thresholds] + [machine.hold, machine.clear_hold, machine.no_data])
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def limits_of(machine: Rule) -> str:
    """The numbers of that version, worst level first: what raised an alert can be read after they were changed."""
    rows = [{"level": t.level.value, "op": t.op, "value": t.value, "clear": t.clear, "ref": t.ref} for t in machine.thresholds]
    holds = {"hold_s": machine.hold.total_seconds(), "clear_hold_s": machine.clear_hold.total_seconds()}
    return json.dumps({"thresholds": rows, **holds}, ensure_ascii=False)


class Numbers:
    """Numbers of the alerts opened in one transaction: place, domain, the day we noticed, and a count. YZ-ST-260520-0001."""

    def __init__(self, conn: sa.Connection, place: str, now: datetime) -> None:
        self._conn, self._place, self._day = conn, place, f"{city_day(now):%y%m%d}"
        self._last: dict[str, int] = {}

    def next(self, domain: str) -> str:
        """The next of a domain; what others took today is looked up once."""
        day = f"{self._place}-{initials(domain)}-{self._day}-"
        if day not in self._last:
            todays = sa.select(alert.c.number).where(alert.c.number.startswith(day, autoescape=True))
            last = self._conn.execute(todays.order_by(sa.func.length(alert.c.number).desc(), alert.c.number.desc()).limit(1)).scalar()
            self._last[day] = int(last.rsplit("-", 1)[1]) if last else 0
        self._last[day] += 1
        return f"{day}{self._last[day]:04d}"


def initials(domain: str) -> str:
    """Two letters for a domain: septic_tanks ST, bridges BR."""
    words = domain.split("_")
    return (words[0][0] + words[1][0] if len(words) > 1 else domain[:2]).upper()


Standings = dict[tuple[str, str], tuple[Standing, datetime | None, float | None]]  # by rule and asset: standing, seen up to, last value


def keep_standings(conn: sa.Connection, rows: Standings, now: datetime) -> None:
    """Where rules stand, for the next turn."""
    values = [
        (rule, asset, s.state, s.level.value if s.level else None, to_micros(now), to_micros(seen) if seen else None, value, dump(s))
        for (rule, asset), (s, seen, value) in rows.items()
    ]
    bulk.insert(conn, rule_state, _COLUMNS, values, update=_COLUMNS[2:])


def dump(standing: Standing) -> str:
    """A standing as text; empty at rest."""
    if standing.is_at_rest:
        return ""
    latches = {level.value: [latch.state, to_micros(latch.since) if latch.since else None] for level, latch in standing.latches.items()}
    return json.dumps({"latches": latches, "no_data": standing.no_data, "by_silence": standing.by_silence})


@lru_cache(maxsize=32_768)
def load(text: str) -> Standing:
    """A standing from its text. Most stand where they stood a turn ago."""
    if not text:
        return Standing()
    kept = json.loads(text)
    latches = {Level(k): Latch(state, from_micros(since) if since is not None else None) for k, (state, since) in kept["latches"].items()}
    return Standing(latches, kept["no_data"], Level(kept["by_silence"]) if kept["by_silence"] else None)
