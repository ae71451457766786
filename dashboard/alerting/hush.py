"""Which standing alerts tell nobody of their own: consequences while their cause stands, and what a person silenced.

They are raised, kept and timed like all others. What is no longer hushed and still stands is told at once, by a transition of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from dashboard.alerting.reasons import BETWEEN
from dashboard.core.catalog import Catalog
from dashboard.core.declare import Absence, Level
from dashboard.core.noise import Inhibition, Matcher, Where, is_life_safety
from dashboard.core.times import to_micros
from dashboard.settings import Settings
from dashboard.store import bulk
from dashboard.store.drills import REAL
from dashboard.store.engine import writing
from dashboard.store.lease import check_fence
from dashboard.store.noise_reads import silences_in_force
from dashboard.store.schema import alert, alert_transition
from dashboard.store.schema_noise import hush
from dashboard.store.topics import bump

RESUMED = "resume"  # the transition by which an alert is told after all
_COLUMNS = (alert.c.alert_id, alert.c.rule, alert.c.domain, alert.c.asset_id, alert.c.street, alert.c.level, alert.c.value)


@dataclass(frozen=True, kw_only=True)
class Why:
    """Why an alert is hushed: it follows from another, or somebody silenced it."""

    cause: int | None = None
    inhibition: str | None = None
    silence: int | None = None


@dataclass(frozen=True)
class Turn:
    """What a turn has to write. Nobody else writes there; what was decided meanwhile is for the next one."""

    begun: Mapping[int, tuple[Why, str]]  # and at which level
    over: list[Any]  # rows of hush
    moved: Mapping[int, str]  # still hushed, at another level
    told: list[Any]  # alerts that still stand, and nothing hushes any more

    @property
    def is_empty(self) -> bool:
        """Nothing changed."""
        return not (self.begun or self.over or self.moved)


def quieten(engine: sa.Engine, catalog: Catalog, settings: Settings, now: datetime, fence: int | None = None) -> int:
    """Bring what is hushed up to date; how many alerts began or ceased to be. Costs nothing while no cause stands and no silence holds."""
    with engine.connect() as conn:
        turn = _turn(conn, catalog, settings, now)
    if turn.is_empty:
        return 0
    with writing(engine).begin() as conn:
        if fence is not None:
            check_fence(conn, fence)
        _write(conn, turn, now)
        bump(conn, ["alerts"], now)
    return len(turn.begun) + len(turn.over)


def _turn(conn: sa.Connection, catalog: Catalog, settings: Settings, now: datetime) -> Turn:
    """How things are against how they were."""
    silences = [(one.silence_id, one.matcher) for one in silences_in_force(conn, now)]
    before = {row.alert_id: row for row in conn.execute(sa.select(hush).where(hush.c.until.is_(None)))}
    standing = {row.alert_id: row for row in _concerned(conn, catalog, silences, some=bool(before))}
    wanted = dict(_hushed(standing.values(), _Reach(catalog, settings), silences))
    begun = {key: (why, standing[key].level) for key, why in wanted.items() if key not in before or _why(before[key]) != why}
    over = [row for key, row in before.items() if wanted.get(key) != _why(row)]
    moved = {key: standing[key].level for key in wanted if key in before and key not in begun and before[key].level != standing[key].level}
    told = [standing[row.alert_id] for row in over if row.alert_id not in wanted and row.alert_id in standing and not _rose(row, standing)]
    return Turn(begun, over, moved, told)


def _stands() -> sa.ColumnElement[bool]:
    return sa.and_(alert.c.state == "open", alert.c.closed_at.is_(None), REAL)


def _concerned(conn: sa.Connection, catalog: Catalog, silences: list[tuple[int, Matcher]], *, some: bool) -> list[Any]:
    """The standing alerts there is anything to decide about: causes, their consequences, what a silence names, what is hushed."""
    causing = {one.cause for one in catalog.inhibitions}
    stand = conn.scalar(sa.select(sa.exists().where(_stands(), alert.c.rule.in_(causing))))
    ruled = {name for one in catalog.inhibitions for name in (one.cause, *one.consequences)} if stand else set()
    named = [_named(matcher) for _, matcher in silences]
    hushed = sa.select(hush.c.alert_id).where(hush.c.until.is_(None))
    if not ruled and not named and not some:
        return []
    concerned = sa.or_(alert.c.rule.in_(ruled), alert.c.alert_id.in_(hushed), *named)
    return list(conn.execute(sa.select(*_COLUMNS).where(_stands(), concerned).order_by(alert.c.alert_id)).all())


def _named(m: Matcher) -> sa.ColumnElement[bool]:
    """What a matcher takes, whatever the level, as the database judges it."""
    pairs = ((alert.c.rule, m.rule), (alert.c.domain, m.domain), (alert.c.asset_id, m.asset), (alert.c.street, m.street))
    return sa.and_(*(column == wanted for column, wanted in pairs if wanted))


def _why(row: Any) -> Why:
    return Why(cause=row.cause_id, inhibition=row.inhibition, silence=row.silence_id)


def _rose(row: Any, standing: Mapping[int, Any]) -> bool:
    """Whether it is no longer hushed because it got worse: that is told as such."""
    return Level(standing[row.alert_id].level).severity > Level(row.level).severity


# ---- what hushes what


@dataclass(frozen=True)
class _Reach:
    """Where a cause stands, and where a consequence must to follow from it."""

    catalog: Catalog
    settings: Settings

    def of_cause(self, where: Where, row: Any) -> Iterator[str]:
        """The places a standing cause reaches."""
        is_feed = row.asset_id in self.catalog.feeds
        match where:
            case "asset":
                yield row.asset_id
            case "street" if row.street:
                yield row.street
            case "domain":
                yield ""
            case "feed" if is_feed:
                yield ""
            case "source" if is_feed:
                yield from self._sources(row.asset_id)

    def of_consequence(self, where: Where, row: Any) -> Iterator[str]:
        """The places a consequence may be reached at."""
        watches = self.catalog.rules[row.rule][1].watches if row.rule in self.catalog.rules else None
        match where:
            case "asset":
                yield row.asset_id
            case "street":
                yield row.street or "-"
            case "domain" | "feed":
                yield ""
            case "source" if isinstance(watches, Absence):
                yield from self._sources(watches.feed)

    def _sources(self, feed: str) -> set[str]:
        return {pull.source for pull in self.settings.pulls.values() if pull.into == feed}


def _hushed(standing: Iterable[Any], reach: _Reach, silences: list[tuple[int, Matcher]]) -> Iterator[tuple[int, Why]]:
    """Each alert that is hushed, and why: what follows from another before what is silenced. A matter of life never is."""
    rows = list(standing)
    causes = _causes(rows, reach)
    follows = {name: [one for one in reach.catalog.inhibitions if name in one.consequences] for name in {row.rule for row in rows}}
    for row in rows:
        declared = reach.catalog.rules.get(row.rule)
        if is_life_safety(declared[1] if declared else None, row.level):
            continue
        why = _follows(row, follows[row.rule], causes, reach) or _silenced(row, silences)
        if why is not None:
            yield row.alert_id, why


def _causes(rows: list[Any], reach: _Reach) -> dict[tuple[str, str], int]:
    """The oldest standing cause of each inhibition at each place."""
    by_cause: dict[str, list[Inhibition]] = {}
    for one in reach.catalog.inhibitions:
        by_cause.setdefault(one.cause, []).append(one)
    found: dict[tuple[str, str], int] = {}
    for row in rows:
        for one in by_cause.get(row.rule, ()):
            for place in reach.of_cause(one.where, row):
                found.setdefault((one.key, place), row.alert_id)
    return found


def _follows(row: Any, inhibitions: list[Inhibition], causes: Mapping[tuple[str, str], int], reach: _Reach) -> Why | None:
    for one in inhibitions:
        for place in reach.of_consequence(one.where, row):
            if (one.key, place) in causes:
                return Why(cause=causes[one.key, place], inhibition=one.key)
    return None


def _silenced(row: Any, silences: list[tuple[int, Matcher]]) -> Why | None:
    found = (key for key, matcher in silences if matcher.takes(row.rule, row.domain, row.asset_id, row.street, row.level))
    key = next(found, None)
    return None if key is None else Why(silence=key)


# ---- into tables


def _write(conn: sa.Connection, turn: Turn, now: datetime) -> None:
    bulk.update(conn, hush, "until", ("hush_id",), [(to_micros(now), row.hush_id) for row in turn.over])
    for key, level in turn.moved.items():
        conn.execute(sa.update(hush).where(hush.c.alert_id == key, hush.c.until.is_(None)).values(level=level))
    rows = [
        {
            "alert_id": key,
            "cause_id": why.cause,
            "inhibition": why.inhibition,
            "silence_id": why.silence,
            "level": level,
            "since": now,
        }
        for key, (why, level) in turn.begun.items()
    ]
    if rows:
        conn.execute(sa.insert(hush), rows)
    why_of = {row.alert_id: _why(row) for row in turn.over}
    steps = [_resumed(row, why_of[row.alert_id], now) for row in turn.told]
    if steps:
        conn.execute(sa.insert(alert_transition), steps)


def _resumed(row: Any, was: Why, now: datetime) -> dict[str, Any]:
    """What is told when a hush is over and the alert still stands."""
    ended = ("静默结束", "The silence is over") if was.silence else ("抑制它的预警已解除", "What it followed from is over")
    said = BETWEEN.join((f"{ended[0]}，本预警仍在持续", f"{ended[1]}; this still stands"))
    return {"alert_id": row.alert_id, "at": now, "noticed_at": now, "what": RESUMED, "reason": said, "value": row.value, "actor": "system"}
