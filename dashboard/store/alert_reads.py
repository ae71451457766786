"""What screens and machines read about alerts: those open at a moment, the life of one, counts, and the skyline of a day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.core.declare import Level
from dashboard.core.times import city_day, day_start
from dashboard.store.drills import REAL
from dashboard.store.schema import alert, alert_transition, handling

_MACHINES = ("open", "level", "no_data", "data_back", "clear")  # transitions that no person made
NEW, IN_HAND, CLOSED = "new", "in_hand", "closed"


@dataclass(frozen=True, kw_only=True)
class AlertRow:
    """An alert as it stood at the moment asked for."""

    alert_id: int
    number: str
    rule: str
    rule_version: str
    limits: str | None = None  # JSON: what that version held it against
    domain: str
    vital: str
    asset_id: str
    asset_name: str
    street: str | None
    lon: float | None
    lat: float | None
    level: str
    worst_level: str
    state: str  # open | clear
    value: float | None
    threshold: float | None
    unit: str
    opened_at: datetime
    level_at: datetime
    cleared_at: datetime | None
    updated_at: datetime
    no_data: bool
    owner: str
    refired_at: datetime | None = None
    closed_at: datetime | None = None  # people are done with it
    drill: bool = False
    life: str | None = None  # casework's stage; None: nobody has looked after it yet
    since: datetime | None = None  # of that stage
    due_at: datetime | None = None  # when the next step must be done
    given_to: str = ""  # the unit it was assigned to
    escalations: int = 0
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    reason: str = ""  # the newest transition's sentence

    @property
    def stage(self) -> str:
        """new, in_hand or closed: what the screens filter by."""
        over = self.closed_at is not None or (self.state == "clear" and self.life is None)
        return CLOSED if over else IN_HAND if self.acknowledged_at else NEW

    @property
    def ended_at(self) -> datetime | None:
        """When it was over for people; None: it is not."""
        return self.closed_at or (self.cleared_at if self.stage == CLOSED else None)


@dataclass(frozen=True, kw_only=True)
class TransitionRow:
    """One moment in the life of an alert."""

    at: datetime
    noticed_at: datetime
    what: str
    old: str | None
    new: str | None
    reason: str
    value: float | None
    actor: str
    unit: str | None = None
    code: str | None = None
    took_s: int | None = None
    limit_s: int | None = None


@dataclass(frozen=True, kw_only=True)
class AlertFilter:
    """Which alerts; an empty field lets everything pass."""

    streets: Sequence[str] = ()
    levels: Sequence[str] = ()
    stages: Sequence[str] = ()
    vital: str = ""
    domain: str = ""
    rule: str = ""
    asset: str = ""

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """What the database can judge; level and stage depend on the moment and are judged after."""
        given = ((alert.c.vital, self.vital), (alert.c.domain, self.domain), (alert.c.rule, self.rule), (alert.c.asset_id, self.asset))
        chosen = [REAL, *(column == value for column, value in given if value)]
        return chosen + ([alert.c.street.in_(list(self.streets))] if self.streets else [])

    def passes(self, row: AlertRow) -> bool:
        """Whether an alert as it stood is wanted."""
        return (not self.levels or row.level in self.levels) and (not self.stages or row.stage in self.stages)


ANY = AlertFilter()
_COLUMNS = [c for c in alert.columns if c.name in AlertRow.__dataclass_fields__]
_h = handling.c
_HANDLED = (
    *(_h.stage.label("life"), _h.since, _h.due_at, sa.func.coalesce(_h.unit, "").label("given_to")),
    *(sa.func.coalesce(_h.escalations, 0).label("escalations"), _h.acknowledged_at, _h.acknowledged_by),
)
_living = sa.and_(alert.c.closed_at.is_(None), sa.or_(alert.c.state == "open", _h.alert_id.is_not(None)))
_ended = sa.func.coalesce(alert.c.closed_at, sa.case((_h.alert_id.is_(None), alert.c.cleared_at)))


def _rows(conn: sa.Connection, *where: sa.ColumnElement[bool], order: Any = None, limit: int | None = None) -> list[AlertRow]:
    joined = alert.outerjoin(handling, handling.c.alert_id == alert.c.alert_id)
    query = sa.select(*_COLUMNS, *_HANDLED).select_from(joined).where(*where).order_by(*([] if order is None else [order])).limit(limit)
    return [AlertRow(**row._mapping) for row in conn.execute(query)]


def open_alerts(conn: sa.Connection, at: datetime | None = None, only: AlertFilter = ANY, *, reasons: bool = True) -> list[AlertRow]:
    """Alerts not over now, or at a moment as they stood then; worst first, newest first among equals.

    One whose reading is back is not over while people have it in hand. Without `reasons` nobody is asked why, which thousands are not.
    """
    if at is None:
        found = _rows(conn, _living, *only.conditions())
    else:
        was_open = sa.and_(alert.c.opened_at <= at, sa.or_(_ended.is_(None), _ended > at))
        found = _as_they_stood(conn, _rows(conn, was_open, *only.conditions()), at)
    found = [row for row in found if only.passes(row)]
    found = _with_reasons(conn, found, at) if reasons else found
    return sorted(found, key=lambda row: (-Level(row.level).severity, -row.opened_at.timestamp()))


def closed_alerts(conn: sa.Connection, since: datetime, until: datetime, only: AlertFilter = ANY) -> list[AlertRow]:
    """Alerts that were over in a stretch of time, the latest first."""
    found = [row for row in _rows(conn, _ended >= since, _ended <= until, *only.conditions(), order=_ended.desc()) if only.passes(row)]
    return _with_reasons(conn, found, until)


def raised_between(
    conn: sa.Connection, rule: str, t0: datetime, t1: datetime
) -> list[tuple[str, datetime, datetime | None, str, datetime | None]]:
    """What the engine raised of a rule and was open at some moment of a stretch of time, one for each time it was raised.

    (asset, opened, cleared, worst level, acknowledged by a person); an alert raised again stands once for each time.
    """
    touching = sa.and_(alert.c.opened_at <= t1, sa.or_(alert.c.cleared_at.is_(None), alert.c.cleared_at >= t0))
    rows = _rows(conn, touching, REAL, alert.c.rule == rule, order=alert.c.opened_at)
    told = _transitions(conn, [row.alert_id for row in rows], None)
    return [(row.asset_id, *once, row.acknowledged_at) for row in rows for once in _times_raised(told.get(row.alert_id, []))]


def _times_raised(life: Sequence[Any]) -> list[tuple[datetime, datetime | None, str]]:
    found: list[tuple[datetime, datetime | None, str]] = []
    for t in life:
        if t.what == "open":
            found.append((t.at, None, t.new))
        elif t.what == "level":
            opened, _, worst = found[-1]
            found[-1] = (opened, None, max(worst, t.new, key=lambda level: Level(level).severity))
        elif t.what == "clear":
            found[-1] = (found[-1][0], t.at, found[-1][2])
    return found


def closed_today(conn: sa.Connection, now: datetime, only: AlertFilter = ANY) -> list[AlertRow]:
    """Alerts that were over since the city's midnight."""
    return closed_alerts(conn, day_start(city_day(now)), now, only)


def alerts_page(
    conn: sa.Connection, state: str | None = None, after: int | None = None, limit: int = 100, only: AlertFilter = ANY
) -> list[AlertRow]:
    """Alerts by number of opening, newest first, below `after`: for lists that are read page by page."""
    where = [*only.conditions()]
    if state:
        where.append(alert.c.state == state)
    if after is not None:
        where.append(alert.c.alert_id < after)
    return _with_reasons(conn, _rows(conn, *where, order=alert.c.alert_id.desc(), limit=limit), None)


def one_alert(conn: sa.Connection, alert_id: int, at: datetime | None = None) -> AlertRow | None:
    """An alert by id, as it stood at a moment."""
    found = _rows(conn, alert.c.alert_id == alert_id)
    return next(iter(_with_reasons(conn, _as_they_stood(conn, found, at) if at else found, at)), None)


def alert_timeline(conn: sa.Connection, alert_id: int, at: datetime | None = None) -> list[TransitionRow]:
    """Every moment in the life of an alert up to `at`, oldest first."""
    query = sa.select(*(alert_transition.c[name] for name in TransitionRow.__dataclass_fields__)).where(
        alert_transition.c.alert_id == alert_id
    )
    if at is not None:
        query = query.where(alert_transition.c.at <= at)
    ordered = query.order_by(alert_transition.c.at, alert_transition.c.transition_id)
    return [TransitionRow(**row._mapping) for row in conn.execute(ordered)]


def _transitions(conn: sa.Connection, ids: Iterable[int], at: datetime | None) -> dict[int, list[Any]]:
    columns = (alert_transition.c[name] for name in ("alert_id", "at", "what", "old", "new", "reason", "value", "actor", "unit"))
    query = sa.select(*columns).where(alert_transition.c.alert_id.in_(list(ids)))
    if at is not None:
        query = query.where(alert_transition.c.at <= at)
    found: dict[int, list[Any]] = {}
    for row in conn.execute(query.order_by(alert_transition.c.at, alert_transition.c.transition_id)):
        found.setdefault(row.alert_id, []).append(row)
    return found


def _with_reasons(conn: sa.Connection, rows: Sequence[AlertRow], at: datetime | None) -> list[AlertRow]:
    """Each alert with why it is at its level: the newest sentence of the machine, not of people."""
    told = _transitions(conn, [row.alert_id for row in rows], at)
    reasons = {key: next((t.reason for t in reversed(life) if t.what in _MACHINES), "") for key, life in told.items()}
    return [replace(row, reason=reasons.get(row.alert_id, "")) for row in rows]


def _as_they_stood(conn: sa.Connection, rows: Sequence[AlertRow], at: datetime) -> list[AlertRow]:
    told = _transitions(conn, [row.alert_id for row in rows], at)
    return [_as_it_stood(row, told.get(row.alert_id, []), at) for row in rows]


def _as_it_stood(row: AlertRow, life: Sequence[Any], at: datetime) -> AlertRow:
    levels = [t for t in life if t.what in ("open", "level")]
    worst = max((Level(t.new) for t in levels), key=lambda level: level.severity, default=Level(row.level))
    silent = [t.what for t in life if t.what in ("no_data", "data_back")]
    values = [t.value for t in life if t.value is not None]
    turns = [t for t in life if t.what in ("open", "clear")]
    cleared = turns[-1].at if turns and turns[-1].what == "clear" else None
    return replace(
        row,
        level=levels[-1].new if levels else row.level,
        level_at=levels[-1].at if levels else row.opened_at,
        worst_level=worst.value,
        state="clear" if cleared else "open",
        cleared_at=cleared,
        value=values[-1] if values else row.value,
        no_data=silent[-1] == "no_data" if silent else False,
        **_handled(row, [t for t in life if t.what not in _MACHINES]),
    )


def _handled(row: AlertRow, steps: Sequence[Any]) -> dict[str, Any]:
    """Where people stood, from their steps so far; when the next was due then is not kept."""
    began = max((i for i, t in enumerate(steps) if t.new == "new"), default=-1) + 1
    taken = next((t for t in steps[began:] if t.new != t.old and t.what != "recover"), None)
    last = next((t for t in reversed(steps) if t.new != t.old), None)
    stage = last.new if last else None if row.life is None else "new"
    return {
        "life": stage,
        "since": last.at if last else None,
        "due_at": None,
        "given_to": next((t.unit for t in reversed(steps) if t.what == "assign"), "") or "",
        "escalations": 0,
        "acknowledged_at": taken.at if taken else None,
        "acknowledged_by": taken.actor if taken else None,
        "closed_at": last.at if last and stage in ("closed", "false_alarm") else None,
    }


def counts(rows: Iterable[AlertRow], by: str) -> dict[str, int]:
    """How many alerts by level, stage, vital, street, domain or rule."""
    found: dict[str, int] = {}
    for row in rows:
        key = getattr(row, by) or ""
        found[key] = found.get(key, 0) + 1
    return found


def skyline(
    conn: sa.Connection, t0: datetime, t1: datetime, step: timedelta = timedelta(minutes=15), only: AlertFilter = ANY
) -> list[tuple[datetime, Mapping[str, int]]]:
    """How many alerts of each level were open at the end of every step of a stretch of time."""
    rows = _rows(conn, alert.c.opened_at <= t1, sa.or_(_ended.is_(None), _ended > t0), *only.conditions())
    told = _transitions(conn, [row.alert_id for row in rows], t1)
    stretches = [stretch for row in rows for stretch in _levels_over_time(row, told.get(row.alert_id, []))]
    found: list[tuple[datetime, Mapping[str, int]]] = []
    at = t0 + step
    while at <= t1:
        there = [level for level, start, end in stretches if start <= at and (end is None or at < end)]
        wanted = [level for level in there if not only.levels or level in only.levels]
        found.append((at, {level.value: wanted.count(level.value) for level in Level if level.value in wanted}))
        at += step
    return found


def _levels_over_time(row: AlertRow, life: Sequence[Any]) -> list[tuple[str, datetime, datetime | None]]:
    """From when until when an alert was at each of its levels."""
    levels = [(t.new, t.at) for t in life if t.what in ("open", "level")]
    ends = [at for _, at in levels[1:]] + [row.ended_at]
    return [(level, start, end) for (level, start), end in zip(levels, ends, strict=True)] if levels else []


def opened_at(conn: sa.Connection, rule: str, asset: str) -> datetime | None:
    """Since when a rule's alert about an asset is open; None if there is none."""
    mine = sa.and_(alert.c.rule == rule, alert.c.asset_id == asset, alert.c.state == "open")
    return conn.scalar(sa.select(alert.c.opened_at).where(mine))
