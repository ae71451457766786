"""What is asked about noise: silences, who is hushed and why, which alerts belong together, as of now or of a moment."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from dashboard.core.noise import Matcher
from dashboard.store.schema import alert
from dashboard.store.schema_noise import hush, silence, situation, situation_member

_SOME = 500  # keys in one statement


@dataclass(frozen=True, kw_only=True)
class SilenceRow:
    """A silence, in force or over."""

    silence_id: int
    matcher: Matcher
    owner: str
    reason: str
    made_at: datetime
    ends_at: datetime
    ended_at: datetime | None
    ended_by: str | None


@dataclass(frozen=True, kw_only=True)
class SituationRow:
    """A situation as it is kept."""

    situation_id: int
    number: str
    opened_at: datetime
    closed_at: datetime | None
    asset_name: str
    street: str | None
    worst_level: str


@dataclass(frozen=True, kw_only=True)
class MemberRow:
    """An alert's place in a situation; `why` is empty for the first."""

    alert_id: int
    situation_id: int
    joined_at: datetime
    why: Mapping[str, Any]
    left_at: datetime | None
    left_by: str | None


@dataclass(frozen=True, kw_only=True)
class HushRow:
    """A stretch of time in which an alert told nobody."""

    alert_id: int
    cause_id: int | None
    inhibition: str | None
    silence_id: int | None
    since: datetime
    until: datetime | None
    ends_at: datetime | None = None  # when its silence ends


def silences_in_force(conn: sa.Connection, at: datetime) -> list[SilenceRow]:
    """What is silenced at a moment, the first to end first. One that expired holds no longer, whether or not that was noted yet."""
    holds = sa.and_(silence.c.made_at <= at, silence.c.ends_at > at, sa.or_(silence.c.ended_at.is_(None), silence.c.ended_at > at))
    return _silences(conn, holds, silence.c.ends_at)


def silences_ended(conn: sa.Connection, since: datetime, until: datetime) -> list[SilenceRow]:
    """Silences that ended in a stretch of time, the latest first."""
    return _silences(conn, sa.and_(silence.c.ended_at > since, silence.c.ended_at <= until), silence.c.ended_at.desc())


def one_silence(conn: sa.Connection, silence_id: int) -> SilenceRow | None:
    """A silence by its number."""
    return next(iter(_silences(conn, silence.c.silence_id == silence_id, silence.c.silence_id)), None)


def _silences(conn: sa.Connection, where: sa.ColumnElement[bool], order: Any) -> list[SilenceRow]:
    return [_silence(row) for row in conn.execute(sa.select(silence).where(where).order_by(order, silence.c.silence_id))]


def _silence(row: Any) -> SilenceRow:
    levels = tuple(row.levels.split(",")) if row.levels else ()
    matcher = Matcher(rule=row.rule, domain=row.domain, asset=row.asset_id, street=row.street, levels=levels)
    names = ("silence_id", "owner", "reason", "made_at", "ends_at", "ended_at", "ended_by")
    return SilenceRow(matcher=matcher, **{name: getattr(row, name) for name in names})


def hushes(conn: sa.Connection, alerts: Iterable[int], at: datetime | None = None) -> dict[int, HushRow]:
    """Which of some alerts tell nobody, now or at a moment."""
    then = hush.c.until.is_(None) if at is None else sa.and_(hush.c.since <= at, sa.or_(hush.c.until.is_(None), hush.c.until > at))
    wanted = set(alerts)
    return {row.alert_id: _hush(row) for row in conn.execute(_stretches().where(then)) if row.alert_id in wanted}


def hushes_of(conn: sa.Connection, alert_id: int, until: datetime) -> list[HushRow]:
    """Every stretch in which an alert told nobody, the oldest first."""
    mine = sa.and_(hush.c.alert_id == alert_id, hush.c.since <= until)
    return [_hush(row) for row in conn.execute(_stretches().where(mine).order_by(hush.c.since))]


def _stretches() -> sa.Select[Any]:
    return sa.select(hush, silence.c.ends_at).outerjoin(silence, silence.c.silence_id == hush.c.silence_id)


def _hush(row: Any) -> HushRow:
    return HushRow(**{name: getattr(row, name) for name in HushRow.__dataclass_fields__})


def hushed_by(conn: sa.Connection, at: datetime) -> dict[int, int]:
    """How many alerts each silence hushes at a moment."""
    then = sa.and_(hush.c.since <= at, sa.or_(hush.c.until.is_(None), hush.c.until > at), hush.c.silence_id.is_not(None))
    return {key: n for key, n in conn.execute(sa.select(hush.c.silence_id, sa.func.count()).where(then).group_by(hush.c.silence_id))}


def hush_counts(conn: sa.Connection, t0: datetime, t1: datetime) -> dict[str, tuple[int, int]]:
    """By rule, how often its alerts began to be inhibited and silenced in a stretch of time."""
    silenced = sa.func.count(hush.c.silence_id)
    query = sa.select(alert.c.rule, sa.func.count() - silenced, silenced).join(hush, hush.c.alert_id == alert.c.alert_id)
    return {rule: (inhibited, quiet) for rule, inhibited, quiet in conn.execute(_between(query, t0, t1).group_by(alert.c.rule))}


def _between(query: sa.Select[Any], t0: datetime, t1: datetime) -> sa.Select[Any]:
    return query.where(hush.c.since > t0, hush.c.since <= t1)


def members_of(conn: sa.Connection, alerts: Sequence[int], at: datetime | None = None) -> dict[int, int]:
    """The situation each of some alerts is in, now or at a moment."""
    m = situation_member.c
    there = m.left_at.is_(None) if at is None else sa.and_(m.joined_at <= at, sa.or_(m.left_at.is_(None), m.left_at > at))
    found: dict[int, int] = {}
    for i in range(0, len(alerts), _SOME):
        query = sa.select(m.alert_id, m.situation_id).where(m.alert_id.in_(alerts[i : i + _SOME]), there)
        found |= {row.alert_id: row.situation_id for row in conn.execute(query)}
    return found


def situations(conn: sa.Connection, *, still_open: bool, after: int | None, limit: int) -> list[SituationRow]:
    """Situations of more than one alert, the newest first, below `after`."""
    m = situation_member.c
    several = sa.select(m.situation_id).where(m.left_at.is_(None)).group_by(m.situation_id).having(sa.func.count() > 1)
    where: list[sa.ColumnElement[bool]] = [situation.c.situation_id.in_(several)]
    where += [situation.c.closed_at.is_(None)] if still_open else []
    where += [situation.c.situation_id < after] if after is not None else []
    rows = conn.execute(sa.select(situation).where(*where).order_by(situation.c.situation_id.desc()).limit(limit))
    return [_situation(row) for row in rows]


def one_situation(conn: sa.Connection, situation_id: int) -> SituationRow | None:
    """A situation by its number in the store."""
    row = conn.execute(sa.select(situation).where(situation.c.situation_id == situation_id)).first()
    return _situation(row) if row else None


def members(conn: sa.Connection, situation_id: int) -> list[MemberRow]:
    """All that ever belonged to a situation, those that were taken out too, in the order they joined."""
    mine = sa.select(situation_member).where(situation_member.c.situation_id == situation_id)
    return [_member(row) for row in conn.execute(mine.order_by(situation_member.c.joined_at, situation_member.c.alert_id))]


def membership(conn: sa.Connection, alert_id: int) -> MemberRow | None:
    """An alert's place in its situation."""
    row = conn.execute(sa.select(situation_member).where(situation_member.c.alert_id == alert_id)).first()
    return _member(row) if row else None


def _situation(row: Any) -> SituationRow:
    return SituationRow(**{name: getattr(row, name) for name in SituationRow.__dataclass_fields__})


def _member(row: Any) -> MemberRow:
    why = json.loads(row.why) if row.why else {}
    return MemberRow(why=why, **{name: getattr(row, name) for name in MemberRow.__dataclass_fields__ if name != "why"})
