"""What is no longer at the source leaves our tables too: keys held against keys, rows taken away with what they said kept.

Tables read whole are compared at every turn, from what that turn read. Others every `reconcile` interval: only the keys are
read, in short statements, after ours were noted, so that a row which comes meanwhile is never missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import orjson
import sqlalchemy as sa

from dashboard.core.catalog import Catalog
from dashboard.core.errors import SourceError
from dashboard.pull import state
from dashboard.pull.gone import SHARE, Held, Missing, decide
from dashboard.pull.mapping import Plan, plan_pull
from dashboard.pull.readers.connect import require_address
from dashboard.pull.reconcile_readings import missing_readings
from dashboard.pull.reconcile_rows import missing_rows
from dashboard.settings import PullConfig, Settings
from dashboard.store.engine import writing
from dashboard.store.forget import forget_readings
from dashboard.store.lease import check_fence
from dashboard.store.rows import remove_rows
from dashboard.store.schema import pull_run, pull_state
from dashboard.store.topics import bump

_SOONEST = timedelta(minutes=5)
_TURNS = 10  # intervals between comparisons, where the mapping does not say


@dataclass(frozen=True)
class Compared:
    """What a comparison did."""

    gone: int = 0
    held: int = 0


def every(pull: PullConfig) -> timedelta | None:
    """How often a pull's keys are compared; None: never."""
    if pull.reconcile is None:
        return max(_TURNS * pull.interval, _SOONEST)
    return pull.reconcile or None


def compare(engine: sa.Engine, catalog: Catalog, settings: Settings, pull_key: str, now: datetime, fence: int = 0) -> Compared:
    """Compare now, whatever the interval. A source that fails says nothing about its rows; the pull's own turn tells of it.

    Raises ConfigurationError for a mapping that cannot be right, StaleWriterError where another worker took over.
    """
    plan = plan_pull(catalog, settings, pull_key)
    if plan.source.kind != "sql" or (plan.table is not None and not plan.pull.watermark and len(_together(catalog, settings, plan)) == 1):
        return Compared()  # a table read whole is compared by its own turns
    with engine.connect() as conn:
        before = state.comparing(conn, plan)
    if before.get("of", _key_of(plan)) != _key_of(plan):
        _read_anew(engine, plan, now, fence)
        return Compared()
    try:
        require_address(plan.source)
        missing = (
            missing_rows(engine, _together(catalog, settings, plan)) if plan.table is not None else missing_readings(engine, plan, now)
        )
    except SourceError:
        return Compared()
    return Compared() if missing is None else settle(engine, plan, missing, before, now, fence)


def compare_if_due(engine: sa.Engine, catalog: Catalog, settings: Settings, pull_key: str, now: datetime, fence: int = 0) -> Compared:
    """Compare if the interval is over. The first comparison comes an interval after the first turn."""
    interval = every(settings.pulls[pull_key])
    if interval is None:
        return Compared()
    with engine.connect() as conn:
        last = conn.scalar(sa.select(pull_state.c.compared_at).where(pull_state.c.pull == pull_key))
    if last is not None and now < last + interval:
        return Compared()
    if last is None:
        with writing(engine).begin() as conn:
            check_fence(conn, fence)
            conn.execute(sa.update(pull_state).where(pull_state.c.pull == pull_key).values(compared_at=now))
        return Compared()
    return compare(engine, catalog, settings, pull_key, now, fence)


def _together(catalog: Catalog, settings: Settings, plan: Plan) -> list[Plan]:
    """All pulls that fill the same table from the same source: a row of ours may be any one's."""
    keys = [k for k, p in settings.pulls.items() if (p.source, p.into) == (plan.pull.source, plan.pull.into)]
    return [plan_pull(catalog, settings, key) for key in keys]


def alone(settings: Settings, plan: Plan) -> bool:
    """Whether no other pull fills the same table from the same source."""
    return sum((p.source, p.into) == (plan.pull.source, plan.pull.into) for p in settings.pulls.values()) == 1


def _key_of(plan: Plan) -> str:
    """What keys are read from: another mapping's keys cannot be compared."""
    return "|".join((plan.source.key, *plan.key))


def _read_anew(engine: sa.Engine, plan: Plan, now: datetime, fence: int) -> None:
    """The mapping names rows by another key: they are read again, which renames ours, before anything is compared."""
    with writing(engine).begin() as conn:
        check_fence(conn, fence)
        state.save(conn, plan, {"watermark": None, "next_due_at": now, "compared_at": now, "comparing": _kept(plan, None)})


def _kept(plan: Plan, held: Held | None) -> str:
    return orjson.dumps({"of": _key_of(plan), "held": held.stored() if held else None}).decode()


# ---- settling


def settle(engine: sa.Engine, plan: Plan, missing: Missing, before: dict[str, Any], now: datetime, fence: int, run_id: int = 0) -> Compared:
    """Take away what is gone, or hold it back, in one transaction."""
    earlier = Held.read(before.get("held"))
    share = float(plan.pull.options.get("vanish_share", SHARE))
    held = decide(earlier, len(missing.keys), missing.ours, missing.theirs, now, share)
    with writing(engine).begin() as conn:
        check_fence(conn, fence)
        gone = 0 if held or not missing.keys else _take_away(conn, plan, missing.keys, now, fence, run_id)
        kept = {"compared_at": now, "comparing": _kept(plan, held)}
        state.save(conn, plan, kept)
        conn.execute(sa.update(pull_state).where(pull_state.c.pull == plan.pull.key).values(gone_total=pull_state.c.gone_total + gone))
        if gone or (held is None) != (earlier is None) or (held and earlier and held.rows != earlier.rows):
            bump(conn, topics_of(plan) if gone else {"sources"}, now)
    return Compared(gone, held.rows if held else 0)


def topics_of(plan: Plan) -> set[str]:
    """What moves when a pull's rows do."""
    return {"sources", f"table:{plan.table.name}" if plan.table is not None else f"readings:{plan.domain.key}"}


def _take_away(conn: sa.Connection, plan: Plan, keys: Sequence[tuple[Any, ...]], now: datetime, fence: int, run_id: int) -> int:
    if plan.table is not None:
        gone = remove_rows(conn, plan.table, keys, now=now)
    else:
        gone = forget_readings(conn, cast(Sequence[tuple[int, int]], keys), now=now)
    if run_id:
        conn.execute(sa.update(pull_run).where(pull_run.c.run_id == run_id).values(rows_gone=gone))
    elif gone:
        run = {"pull": plan.pull.key, "started_at": now, "finished_at": now, "outcome": "ok", "rows_gone": gone, "fence": fence}
        conn.execute(sa.insert(pull_run).values(**run))
    return gone
