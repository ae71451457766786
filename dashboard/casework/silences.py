"""Silences (静默): what a person wants nobody told of for a while, seen beforehand, always with an end. Matters of life still ring."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.core.catalog import Catalog
from dashboard.core.declare import Level
from dashboard.core.errors import NotFoundError, NotNowError
from dashboard.core.noise import Matcher, is_life_safety
from dashboard.core.places import known_streets
from dashboard.core.times import city_day
from dashboard.store.audit_log import NOWHERE, SYSTEM, Origin, note_action
from dashboard.store.drills import REAL
from dashboard.store.engine import writing
from dashboard.store.lease import check_fence
from dashboard.store.noise_reads import one_silence
from dashboard.store.schema import alert
from dashboard.store.schema_noise import silence
from dashboard.store.topics import bump

LOOKED_BACK = timedelta(days=30)
SHORTEST = timedelta(minutes=5)
LONGEST_REASON = 500


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What somebody wants silenced, for how long, and why."""

    matcher: Matcher
    lasts: timedelta
    actor: str
    reason: str
    seen: int  # how many open alerts the preview said it would hide
    origin: Origin = NOWHERE  # for the audit log


@dataclass(frozen=True)
class Preview:
    """What a silence would hide, and what would ring all the same."""

    hides: list[Any]  # open alerts
    rings: list[Any]  # open matters of life that it would have meant
    lately: int  # how many of those raised in the last 30 days nobody would have been told of
    lately_rings: int  # and how many would have rung all the same


def preview(conn: sa.Connection, catalog: Catalog, matcher: Matcher, now: datetime) -> Preview:
    """What a silence would do now, and would have done over the last 30 days. Raises NotNowError for one that means nothing."""
    _makes_sense(catalog, matcher)
    standing = sa.and_(alert.c.state == "open", alert.c.closed_at.is_(None))
    meant = list(conn.execute(_meant(matcher, alert.c.level).where(standing).order_by(alert.c.opened_at)))
    past = list(conn.execute(_meant(matcher, alert.c.worst_level).where(alert.c.opened_at > now - LOOKED_BACK, alert.c.opened_at <= now)))
    hides, rings = _parted(catalog, meant, "level")
    quiet, loud = _parted(catalog, past, "worst_level")
    return Preview(hides, rings, len(quiet), len(loud))


def _meant(matcher: Matcher, level: sa.ColumnElement[str]) -> sa.Select[Any]:
    """Alerts a matcher takes. Those of the worst level are meant too: they are shown as still ringing."""
    columns = ("alert_id", "number", "rule", "domain", "asset_id", "asset_name", "street", "level", "worst_level", "opened_at")
    pairs = (
        (alert.c.rule, matcher.rule),
        (alert.c.domain, matcher.domain),
        (alert.c.asset_id, matcher.asset),
        (alert.c.street, matcher.street),
    )
    where = [column == wanted for column, wanted in pairs if wanted]
    where += [level.in_([*matcher.levels, Level.RED.value])] if matcher.levels else []
    return sa.select(*(alert.c[name] for name in columns)).where(REAL, *where)


def _parted(catalog: Catalog, rows: Iterable[Any], level: str) -> tuple[list[Any], list[Any]]:
    """Those that may be silenced, and those that may not."""
    quiet, loud = list[Any](), list[Any]()
    for row in rows:
        declared = catalog.rules.get(row.rule)
        (loud if is_life_safety(declared[1] if declared else None, getattr(row, level)) else quiet).append(row)
    return quiet, loud


def make(engine: sa.Engine, catalog: Catalog, wish: Wish, now: datetime) -> int:
    """Silence from now on; the silence's number. Raises NotNowError, in words, for what may not be or was not looked at first."""
    _may_be(catalog, wish, now)
    _may_hide(catalog, wish.matcher)
    with writing(engine).begin() as conn:
        hides = len(preview(conn, catalog, wish.matcher, now).hides)
        if hides != wish.seen:
            raise NotNowError(
                f"现在会静默{hides}条，预览时是{wish.seen}条，请再看一次预览 (it would hide {hides} now, not {wish.seen}; preview it again)"
            )
        m = wish.matcher
        row = {"rule": m.rule, "domain": m.domain, "asset_id": m.asset, "street": m.street, "levels": ",".join(m.levels)}
        row |= {"owner": wish.actor, "reason": wish.reason.strip()}
        made = sa.insert(silence).values(**row, made_at=now, ends_at=now + wish.lasts).returning(silence.c.silence_id)
        number = int(conn.execute(made).scalar_one())
        detail = f"{told(m)} {wish.lasts} {wish.reason.strip()}"
        note_action(conn, actor=wish.actor, action="silence.make", about=str(number), detail=detail, now=now, origin=wish.origin)
        bump(conn, ["alerts"], now)
    return number


def end(engine: sa.Engine, silence_id: int, actor: str, now: datetime, origin: Origin = NOWHERE) -> None:
    """End a silence early. Raises NotFoundError, and NotNowError for one that is over."""
    with writing(engine).begin() as conn:
        found = one_silence(conn, silence_id)
        if found is None:
            raise NotFoundError(f"no silence {silence_id}")
        if found.ended_at is not None or found.ends_at <= now:
            raise NotNowError("这条静默已经结束 (this silence is over)")
        conn.execute(sa.update(silence).where(silence.c.silence_id == silence_id).values(ended_at=now, ended_by=actor))
        note_action(conn, actor=actor, action="silence.end", about=str(silence_id), detail=told(found.matcher), now=now, origin=origin)
        bump(conn, ["alerts"], now)


def expire(engine: sa.Engine, now: datetime, fence: int | None = None) -> int:
    """Note that silences whose time is up have ended; how many."""
    due = sa.and_(silence.c.ended_at.is_(None), silence.c.ends_at <= now)
    with engine.connect() as conn:
        if not conn.scalar(sa.select(sa.exists().where(due))):
            return 0
    with writing(engine).begin() as conn:
        if fence is not None:
            check_fence(conn, fence)
        over = [one_silence(conn, key) for key in conn.scalars(sa.select(silence.c.silence_id).where(due)).all()]
        for one in over:
            assert one is not None
            conn.execute(sa.update(silence).where(silence.c.silence_id == one.silence_id).values(ended_at=one.ends_at, ended_by=SYSTEM))
            note_action(conn, actor=SYSTEM, action="silence.expire", about=str(one.silence_id), detail=told(one.matcher), now=now)
        bump(conn, ["alerts"], now)
    return len(over)


def told(matcher: Matcher) -> str:
    """A matcher for the audit log."""
    parts = (matcher.rule, matcher.domain, matcher.asset, matcher.street, ",".join(matcher.levels))
    return " ".join(f"{name}={part}" for name, part in zip(("rule", "domain", "asset", "street", "levels"), parts, strict=True) if part)


def longest(catalog: Catalog, now: datetime) -> timedelta:
    """How long anything may be silenced on a day."""
    limits = catalog.noise_on(city_day(now).isoformat())
    return timedelta(hours=limits.silence_h) if limits else timedelta(0)


def _may_be(catalog: Catalog, wish: Wish, now: datetime) -> None:
    most = longest(catalog, now)
    if not SHORTEST <= wish.lasts <= most:
        hours = most.total_seconds() / 3600
        raise NotNowError(f"静默须有期限，5分钟以上、{hours:g}小时以内 (a silence lasts 5 minutes to {hours:g} h)")
    if not wish.reason.strip() or len(wish.reason) > LONGEST_REASON:
        raise NotNowError(f"静默须写明原因，不超过{LONGEST_REASON}字 (say why, in at most {LONGEST_REASON} characters)")


def _makes_sense(catalog: Catalog, matcher: Matcher) -> None:
    """Not everything at once, and nothing unknown."""
    if matcher.is_empty:
        raise NotNowError("静默须指明规则、领域、对象或街道 (name a rule, a domain, an asset or a street)")
    if matcher.rule and matcher.rule not in catalog.rules:
        raise NotNowError(f"没有规则 {matcher.rule} (no rule {matcher.rule})")
    if matcher.domain and matcher.domain not in catalog.domains:
        raise NotNowError(f"没有领域 {matcher.domain} (no domain {matcher.domain})")
    if matcher.street and matcher.street not in known_streets():
        raise NotNowError(f"没有街道 {matcher.street} (no street {matcher.street})")


def _may_hide(catalog: Catalog, matcher: Matcher) -> None:
    """Refuse what could never hide anything: it would only look like a silence."""
    if matcher.rule in catalog.rules and is_life_safety(catalog.rules[matcher.rule][1], ""):
        raise NotNowError("这条规则关系人身安全，不能静默 (lives may depend on this rule; it cannot be silenced)")
    if matcher.levels == (Level.RED.value,):
        raise NotNowError("红色预警不能静默 (red alerts cannot be silenced)")
