"""What is kept about pulls and sources between turns: watermark, last success, failures, the run that brought rows."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa

from dashboard.core.errors import SourceError
from dashboard.pull.batch import Cursor
from dashboard.pull.clocks import AHEAD, lags_with, skew
from dashboard.pull.mapping import Plan
from dashboard.pull.schedule import delay
from dashboard.store.schema import pull_run, pull_state, source_state

log = logging.getLogger("dashboard.pull")


@dataclass(frozen=True)
class Before:
    """Where a pull stood when its turn began."""

    cursor: Cursor | None = None
    newest: datetime | None = None
    failures: int = 0
    error_kind: str | None = None
    known: bool = False  # it ran before
    lags: tuple[int, ...] = ()  # how old the newest row was in its turns lately, seconds
    rows: int = 0  # it ever brought


def load(conn: sa.Connection, plan: Plan) -> Before:
    """The state of a pull. A mapping that now fills another feed or reads another watermark starts anew."""
    row = conn.execute(sa.select(pull_state).where(pull_state.c.pull == plan.pull.key)).mappings().one_or_none()
    if row is None:
        return Before()
    kept = orjson.loads(row["watermark"]) if row["watermark"] else {}
    lags = tuple(orjson.loads(row["lags"])) if row["lags"] else ()
    same = row["feed"] == plan.pull.into and kept.get("of") == reads(plan)
    return Before(
        kept.get("at") if same else None,
        row["newest_event_at"] if same else None,
        row["failures"],
        row["error_kind"],
        True,
        lags,
        row["rows_total"],
    )


def filling(conn: sa.Connection) -> set[str]:
    """The pulls whose newest stretch is in and whose history is not."""
    kept = conn.execute(sa.select(pull_state.c.pull, pull_state.c.watermark).where(pull_state.c.watermark.is_not(None)))
    return {pull for pull, watermark in kept if owes_history(orjson.loads(watermark).get("at"))}


def owes_history(cursor: Cursor | None) -> bool:
    """Whether a cursor stands past rows that are still to be read."""
    return cursor is not None and "history" in cursor


def comparing(conn: sa.Connection, plan: Plan) -> dict[str, Any]:
    """Where holding our keys against theirs stands."""
    kept = conn.scalar(sa.select(pull_state.c.comparing).where(pull_state.c.pull == plan.pull.key))
    return dict(orjson.loads(kept)) if kept else {}


def reads(plan: Plan) -> str:
    """What a watermark is a watermark of: a position in one column of one place means nothing in another."""
    return "|".join((plan.source.key, plan.pull.table or plan.pull.query, plan.pull.watermark))


def save(conn: sa.Connection, plan: Plan, values: dict[str, Any]) -> None:
    """Write part of a pull's state, making the row where there is none."""
    here = pull_state.c.pull == plan.pull.key
    common = {"source": plan.source.key, "feed": plan.pull.into, "cadence_s": cadence(plan), "judged_by": judged_by(plan)}
    if conn.execute(sa.update(pull_state).where(here).values(**common, **values)).rowcount == 0:
        conn.execute(sa.insert(pull_state).values(pull=plan.pull.key, **common, **values))


def cadence(plan: Plan) -> int:
    """Seconds after which the feed is late: as the mapping or the feed says, but never under two turns."""
    late = plan.pull.late_after or plan.feed.late_after
    return round(max(late, 2 * plan.pull.interval).total_seconds())


def judged_by(plan: Plan) -> str:
    """Readings and things that move must keep coming; a register or a list of cases is current once it has been read."""
    return str(plan.pull.options.get("judged_by") or ("event" if plan.table is None or not plan.feed.versioned else "contact"))


def watermark(plan: Plan, cursor: Cursor) -> str:
    """A cursor as the state keeps it."""
    return orjson.dumps({"of": reads(plan), "at": cursor}).decode()


def newest(plan: Plan, before: Before, known: datetime | None, found: datetime | None, now: datetime) -> dict[str, Any]:
    """The newest event time and how their clock goes; unchanged unless something newer has come.

    One row from the future says nothing more once others come with the time of day.
    """
    wrong = known is not None and found is not None and known > now + AHEAD >= found
    if found is None or (known is not None and found <= known and not wrong):
        return {}
    lags = lags_with(before.lags, found, now) if before.known and judged_by(plan) == "event" else []
    off = skew(found, now, lags, timedelta(seconds=cadence(plan)))
    return {"newest_event_at": found, "clock_skew_s": off, "lags": orjson.dumps(lags).decode()}


def succeeded(conn: sa.Connection, plan: Plan, before: Before, now: datetime, more: bool) -> bool:
    """Note a turn that went well; whether that is news."""
    due = now if more else now + delay(plan.pull, 0)
    well = {"last_try_at": now, "last_ok_at": now, "next_due_at": due, "failures": 0, "error_kind": None, "last_error": None}
    save(conn, plan, well)
    _save_source(conn, plan, {"last_try_at": now, "last_ok_at": now, "failing_since": None, "error_kind": None, "last_error": None})
    if before.error_kind:
        log.info("pull %s: source %s answers again", plan.pull.key, plan.source.key)
    return before.error_kind is not None


def failed(conn: sa.Connection, plan: Plan, before: Before, wrong: Exception, now: datetime, fence: int) -> bool:
    """Note a turn that failed; whether that is news."""
    kind, said = (wrong.kind if isinstance(wrong, SourceError) else "error"), str(wrong)[:2000]
    failures = before.failures + 1
    save(
        conn,
        plan,
        {"last_try_at": now, "next_due_at": now + delay(plan.pull, failures), "failures": failures, "error_kind": kind, "last_error": said},
    )
    since = conn.scalar(sa.select(source_state.c.failing_since).where(source_state.c.source == plan.source.key))
    _save_source(conn, plan, {"last_try_at": now, "failing_since": since or now, "error_kind": kind, "last_error": said})
    if kind == before.error_kind:
        return False
    log.warning("pull %s: %s: %s", plan.pull.key, kind, said)
    run = {"pull": plan.pull.key, "started_at": now, "finished_at": now, "outcome": kind, "error": said, "fence": fence}
    conn.execute(sa.insert(pull_run).values(**run))
    return True


def _save_source(conn: sa.Connection, plan: Plan, values: dict[str, Any]) -> None:
    here = source_state.c.source == plan.source.key
    if conn.execute(sa.update(source_state).where(here).values(**values)).rowcount == 0:
        conn.execute(sa.insert(source_state).values(source=plan.source.key, **values))
