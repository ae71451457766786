"""One turn of one pull: read the department, then one store transaction per batch for rows, watermark and all that depends on them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import sqlalchemy as sa

from dashboard.core.catalog import Catalog
from dashboard.core.declare import Text
from dashboard.core.errors import SourceError
from dashboard.pull import quarantine, state
from dashboard.pull.batch import Batch, Cursor, Problem, Reject
from dashboard.pull.convert import reject
from dashboard.pull.mapping import Plan, plan_pull
from dashboard.pull.measured import Readings, to_readings
from dashboard.pull.readers import READERS
from dashboard.pull.readers.connect import require_address
from dashboard.pull.reconcile import alone, settle, topics_of
from dashboard.pull.reconcile_rows import Hashes, hashed, missing_of
from dashboard.pull.rows import Rows, to_rows
from dashboard.pull.state import comparing
from dashboard.settings import Settings
from dashboard.store.block import Block, Integers
from dashboard.store.engine import writing
from dashboard.store.lease import check_fence
from dashboard.store.readings import append_block, open_channels
from dashboard.store.rows import Written, write_columns
from dashboard.store.schema import pull_run, pull_state
from dashboard.store.topics import bump


@dataclass
class PullOutcome:
    """What a turn brought."""

    pull: str
    outcome: str = "ok"  # ok | down | slow | changed | error
    error: str = ""
    rows_read: int = 0
    rows_new: int = 0
    rows_changed: int = 0
    rows_quarantined: int = 0  # not seen before
    rows_gone: int = 0  # no longer at the source
    more: bool = False  # the turn's time was up; there is more to read at once
    filling: bool = False  # the newest stretch is in; older history is still to be read
    topics: set[str] = field(default_factory=set)


@dataclass
class _Turn:
    """What one turn carries from batch to batch."""

    engine: sa.Engine
    catalog: Catalog
    plan: Plan
    now: datetime
    fence: int
    before: state.Before
    outcome: PullOutcome
    run_id: int = 0
    alone: bool = False  # no other pull fills the same table from the same source
    newest: datetime | None = None
    cursor: Cursor | None = None  # as stored
    newest_is_in: bool = False  # what is read now is history
    channels: dict[tuple[str, str], int] = field(default_factory=dict)
    placed: dict[str, str | None] = field(default_factory=dict)  # asset → street its channels were opened with
    there: list[Hashes] = field(default_factory=list)  # keys of all rows the turn found, where it reads the whole table

    @property
    def whole(self) -> bool:
        """The source is read from end to end every turn."""
        return self.plan.source.kind == "sql" and not self.plan.pull.watermark

    @property
    def counts_keys(self) -> bool:
        """What this turn does not find is gone: it reads all there is, and no other pull fills the same table from there."""
        return self.plan.table is not None and (self.whole or self.plan.source.kind == "gtfs") and self.alone


def run_pull(
    engine: sa.Engine,
    catalog: Catalog,
    settings: Settings,
    pull_key: str,
    now: datetime,
    fence: int = 0,
    budget_s: float | None = None,
    history: bool = True,
) -> PullOutcome:
    """Take one turn. A source's failure is noted and told in the outcome, never raised.

    `budget_s` ends a long backfill after that many seconds; what is stored stays, and the next turn goes on from there.
    Without `history` only the newest stretch is read, where what lies behind it can wait.
    Raises ConfigurationError for a mapping that cannot be right, StaleWriterError where another worker took over.
    """
    plan = plan_pull(catalog, settings, pull_key)
    with engine.connect() as conn:
        before = state.load(conn, plan)
    turn = _Turn(engine, catalog, plan, now, fence, before, PullOutcome(pull_key), alone=alone(settings, plan), newest=before.newest)
    turn.cursor = before.cursor
    try:
        _read_all(turn, budget_s, history)
    except SourceError as wrong:
        _fail(turn, wrong)
    else:
        _finish(turn)
    turn.outcome.filling = turn.newest_is_in and state.owes_history(turn.cursor)
    return turn.outcome


def _read_all(turn: _Turn, budget_s: float | None, history: bool) -> None:
    require_address(turn.plan.source)
    ends = None if budget_s is None else time.monotonic() + budget_s
    for batch in READERS[turn.plan.source.kind](turn.plan, _from(turn), turn.now):
        _take(turn, batch)
        turn.newest_is_in |= batch.history
        if batch.history and not history:
            return
        if ends is not None and time.monotonic() > ends and batch.cursor is not None:
            turn.outcome.more = True
            return


def _from(turn: _Turn) -> Cursor | None:
    """Where to read from. What is read anew, mapped another way, is read as it came, so that each row puts ours right."""
    return {} if turn.before.cursor is None and turn.before.rows and turn.plan.source.kind == "sql" else turn.before.cursor


def _take(turn: _Turn, batch: Batch) -> None:
    """One batch, converted outside the transaction and stored in one."""
    turn.outcome.rows_read += len(batch) + len(batch.rejects)
    if turn.plan.table is not None:
        rows = to_rows(turn.plan, batch)
        _store(turn, batch, rows)
        if turn.counts_keys:
            keys = [*rows.columns["source_key"], *(r.source_key for r in rows.rejects)]
            turn.there.append(hashed(keys, len(keys)))
    else:
        readings = to_readings(turn.plan, batch, turn.now)
        _store(turn, batch, readings)


def _store(turn: _Turn, batch: Batch, found: Rows | Readings) -> None:
    plan = turn.plan
    with writing(turn.engine).begin() as conn:
        if turn.fence:
            check_fence(conn, turn.fence)
        run_id = turn.run_id or _open_run(conn, turn)
        rejects = list(found.rejects)
        written = _write(conn, turn, found, run_id) if isinstance(found, Rows) else _append(conn, turn, batch, found, rejects, run_id)
        aside = _settle_quarantine(conn, turn, found, rejects)
        known_newer = batch.history and turn.newest is not None
        fresh = {} if known_newer else state.newest(plan, turn.before, turn.newest, _newest(turn, batch, found, written), turn.now)
        if batch.cursor is not None:
            fresh["watermark"] = state.watermark(plan, batch.cursor)
        if written.new or written.changed or aside:
            _count(conn, turn, run_id, written, aside)
            _publish(conn, turn, written)
        elif not turn.run_id:
            conn.execute(sa.delete(pull_run).where(pull_run.c.run_id == run_id))  # it brought nothing: no trace of it
            run_id = 0
        if fresh:
            state.save(conn, plan, fresh)
    turn.run_id, turn.cursor = run_id, turn.cursor if batch.cursor is None else batch.cursor
    turn.newest = fresh.get("newest_event_at", turn.newest)


def _newest(turn: _Turn, batch: Batch, found: Rows | Readings, written: Written) -> datetime | None:
    """The newest moment a batch brought; once new readings come with the time of day, those from the future say nothing more."""
    if isinstance(found, Rows):
        return found.newest or batch.newest
    if turn.newest is None or found.newest is None:
        return found.newest
    if not written.new:
        return None
    return found.newest if found.newest > turn.newest else found.newest_by_now


def _open_run(conn: sa.Connection, turn: _Turn) -> int:
    made = conn.execute(sa.insert(pull_run).values(pull=turn.plan.pull.key, started_at=turn.now, outcome="ok", fence=turn.fence))
    key = made.inserted_primary_key
    assert key is not None
    return int(key[0])


def _write(conn: sa.Connection, turn: _Turn, found: Rows, run_id: int) -> Written:
    if not len(found):
        return Written()
    return write_columns(
        conn, found.target, found.columns, source=turn.plan.source.key, run_id=run_id, now=turn.now, versioned=turn.plan.feed.versioned
    )


def _append(conn: sa.Connection, turn: _Turn, batch: Batch, found: Readings, rejects: list[Reject], run_id: int) -> Written:
    if not len(found):
        return Written()
    block = Block(_channels(conn, turn, found), found.times, found.values, found.quality)
    order = block.order()
    if block[order].repeats().any():
        rejects += _doubles(turn, batch, found, block, order)
    return append_block(conn, block, run_id=run_id, now=turn.now, history=batch.history)


def _channels(conn: sa.Connection, turn: _Turn, found: Readings) -> Integers:
    """The channel of each reading; opened where new, moved where the asset's street has become known or another."""
    pairs, which = found.pairs()
    assets = {asset for asset, _ in pairs}
    streets = {a: found.streets.get(a) or turn.placed.get(a) for a in assets}
    unplaced = [a for a in assets if streets[a] is None and a not in turn.placed]
    streets |= _registered(conn, turn, unplaced)
    wanted = [
        (a, m, streets[a], _cadence(turn, m)) for a, m in sorted(pairs) if (a, m) not in turn.channels or turn.placed.get(a) != streets[a]
    ]
    if wanted:
        plan = turn.plan
        turn.channels |= open_channels(
            conn, domain=plan.domain.key, pull=plan.pull.key, source=plan.source.key, wanted=wanted, now=turn.now
        )
    turn.placed |= streets
    return np.array([turn.channels[pair] for pair in pairs], dtype=np.int64)[which]


def _cadence(turn: _Turn, metric: str) -> int:
    return round(turn.plan.metrics[metric].cadence.total_seconds())


def _registered(conn: sa.Connection, turn: _Turn, assets: list[str]) -> dict[str, str | None]:
    """Streets of assets as the domain's own registers have them, for readings that name only the asset."""
    found: dict[str, str | None] = {}
    tables = [f.table for f in turn.plan.domain.feeds if f.table is not None and {"asset_id", "street"} <= set(f.table.c.keys())]
    for table in (t for t in tables if [c.name for c in t.primary_key] == ["asset_id"]):
        for start in range(0, len(assets), 500):
            wanted = sa.select(table.c.asset_id, table.c.street).where(
                table.c.asset_id.in_(assets[start : start + 500]), table.c.street.is_not(None)
            )
            found |= {asset: street for asset, street in conn.execute(wanted)}
    return found


def _doubles(turn: _Turn, batch: Batch, found: Readings, block: Block, order: Integers) -> list[Reject]:
    """Two different values for one instrument and moment: the later is used, the earlier goes to quarantine."""
    rejects = []
    for i in np.flatnonzero(block[order].repeats()).tolist():
        earlier, later = int(order[i]), int(order[i + 1])
        if block.values[earlier] != block.values[later] and not batch.is_update(int(found.rows[earlier]), int(found.rows[later])):
            asset, metric, at = found.names[found.asset[earlier]], found.kinds[found.metric[earlier]], int(found.rows[earlier])
            problem = Problem(
                "duplicate",
                Text(
                    f"{asset} {metric}同一时刻有两个值，取后到的", f"{asset} {metric} has two values for one moment: the later one is used"
                ),
            )
            rejects.append(reject(turn.plan, batch, at, found.name(at) + (f"#{metric}" if turn.plan.wide else ""), problem))
    return rejects


def _settle_quarantine(conn: sa.Connection, turn: _Turn, found: Rows | Readings, rejects: list[Reject]) -> int:
    key = turn.plan.pull.key
    waiting = quarantine.open_keys(conn, key, turn.whole)
    if waiting:
        came = found.keys if isinstance(found, Rows) else found.keys(turn.plan.wide)
        quarantine.mark_repaired(conn, key, waiting & came - {r.source_key for r in rejects}, turn.whole)
    return quarantine.put_aside(conn, key, rejects, turn.now) if rejects else 0


def _count(conn: sa.Connection, turn: _Turn, run_id: int, written: Written, aside: int) -> None:
    """Into the run, and into the pull's totals."""
    out = turn.outcome
    out.rows_new, out.rows_changed, out.rows_quarantined = (
        out.rows_new + written.new,
        out.rows_changed + written.changed,
        out.rows_quarantined + aside,
    )
    counts = {
        "rows_read": out.rows_read,
        "rows_new": out.rows_new,
        "rows_changed": out.rows_changed,
        "rows_quarantined": out.rows_quarantined,
    }
    conn.execute(sa.update(pull_run).where(pull_run.c.run_id == run_id).values(finished_at=turn.now, **counts))
    came = written.new + written.changed
    state.save(conn, turn.plan, {})
    totals = {"rows_total": pull_state.c.rows_total + came, "quarantined_total": pull_state.c.quarantined_total + aside}
    conn.execute(sa.update(pull_state).where(pull_state.c.pull == turn.plan.pull.key).values(**totals))


def _publish(conn: sa.Connection, turn: _Turn, written: Written) -> None:
    """Say what moved, in the transaction that moved it."""
    topics: set[str] = {"sources"}
    if written.new or written.changed:
        topics.add(f"table:{turn.plan.table.name}" if turn.plan.table is not None else f"readings:{turn.plan.domain.key}")
    bump(conn, topics, turn.now)
    turn.outcome.topics |= topics


def _finish(turn: _Turn) -> None:
    if turn.counts_keys and turn.before.known and (turn.there or turn.whole):
        _reconcile(turn)
    with writing(turn.engine).begin() as conn:
        if turn.fence:
            check_fence(conn, turn.fence)
        if state.succeeded(conn, turn.plan, turn.before, turn.now, turn.outcome.more):
            _tell(conn, turn, {"sources"})


def _reconcile(turn: _Turn) -> None:
    """What the whole table no longer has leaves ours."""
    theirs = np.concatenate(turn.there) if turn.there else np.empty(0, np.int64)
    with turn.engine.connect() as conn:
        missing, before = missing_of(conn, turn.plan, theirs), comparing(conn, turn.plan)
    if not missing.keys and not before.get("held"):
        return
    done = settle(turn.engine, turn.plan, missing, before, turn.now, turn.fence, turn.run_id)
    turn.outcome.rows_gone = done.gone
    turn.outcome.topics |= topics_of(turn.plan) if done.gone else {"sources"}


def _fail(turn: _Turn, wrong: SourceError) -> None:
    turn.outcome.outcome, turn.outcome.error = wrong.kind, str(wrong)
    with writing(turn.engine).begin() as conn:
        if turn.fence:
            check_fence(conn, turn.fence)
        if state.failed(conn, turn.plan, turn.before, wrong, turn.now, turn.fence):
            _tell(conn, turn, {"sources"})


def _tell(conn: sa.Connection, turn: _Turn, topics: Iterable[str]) -> None:
    bump(conn, topics, turn.now)
    turn.outcome.topics |= set(topics)
