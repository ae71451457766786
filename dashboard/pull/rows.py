"""A batch for a table feed: typed rows ready to be written, and those that do not fit."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from dashboard.core.declare import Row
from dashboard.core.times import UtcDateTime
from dashboard.pull.batch import Batch, Problem, Reject
from dashboard.pull.convert import Table, newest_of, reject, source_key, typed
from dashboard.pull.mapping import ORIGIN, Plan
from dashboard.pull.values import SKIP

_EVENT_TIMES = ("observed_at", "updated_at", "closed_at", "opened_at")  # the first one a row has is its moment


@dataclass
class Rows:
    """What became of a batch."""

    rows: list[Row] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    newest: datetime | None = None  # event time

    @property
    def keys(self) -> set[str]:
        """Source keys that came through."""
        return {row["source_key"] for row in self.rows}


def to_rows(plan: Plan, batch: Batch) -> Rows:
    """Typed rows by the feed's rules: codes, required fields, the domain's own `clean`, one row per key."""
    target = _target(plan)
    names = [source_key(plan, key) for key in batch.keys]
    table = typed(plan, batch, {c.name: c.type for c in target.columns if c.name not in ORIGIN})
    done = Rows(rejects=list(batch.rejects))
    good: dict[tuple[Any, ...], tuple[int, Row]] = {}
    for index, row in _candidates(table):
        problem = table.problems.get(index)
        if problem is None:
            row, problem = _settled(plan, target, row)
        if problem is not None:
            done.rejects.append(reject(plan, batch, index, names[index], problem))
        elif not _skipped(plan, row):
            _keep(plan, table, good, done, index, row, names)
    done.rows = [row for _, row in good.values()]
    done.newest = newest_of(_event_time(row) for row in done.rows)
    return done


def _target(plan: Plan) -> sa.Table:
    assert plan.table is not None  # the catalog gives every feed a table or metrics
    return plan.table


def _candidates(table: Table) -> list[tuple[int, Row]]:
    names = list(table.columns)
    return [(i, dict(zip(names, cells, strict=True))) for i, cells in enumerate(zip(*table.columns.values(), strict=True))]


def _skipped(plan: Plan, row: Row) -> bool:
    """A code mapped to nothing says the row is meant for somebody else."""
    return any(row.get(name) == SKIP for name in plan.pull.codes)


def _settled(plan: Plan, target: sa.Table, row: Row) -> tuple[Row, Problem | None]:
    """Defaults filled, `clean` applied, nothing missing that must be there."""
    if plan.feed.clean is not None:
        try:
            row = plan.feed.clean(row)
        except (ValueError, KeyError, TypeError, ArithmeticError) as wrong:
            return row, Problem("clean", str(wrong) or type(wrong).__name__)
    if "name" in target.c and not row.get("name"):
        row["name"] = row.get("asset_id")  # a thing without a name is still a thing
    for column in target.columns:
        if column.name in ORIGIN:
            continue
        if row.get(column.name) is None and column.default is not None and column.default.is_scalar:
            row[column.name] = column.default.arg  # type: ignore[attr-defined]
        if row.get(column.name) is None and not column.nullable:
            return row, Problem("missing", f"{column.name}: missing")
    for name in plan.feed.required:
        if row.get(name) in (None, ""):
            return row, Problem("place" if name == "street" else "missing", f"{name}: missing")
    return row, None


def _keep(plan: Plan, table: Table, good: dict[Any, tuple[int, Row]], done: Rows, index: int, row: Row, names: list[str]) -> None:
    """One row per key: the newest wins, the other goes to quarantine if it says something else."""
    target = _target(plan)
    cells = {c.name: row.get(c.name) for c in target.columns if c.name not in ORIGIN}
    key = tuple(cells[c.name] for c in target.primary_key)
    cells["row_hash"] = fingerprint([v for n, v in cells.items()])
    cells["source_key"] = names[index]
    earlier = good.pop(key, None)
    if earlier is not None and earlier[1]["row_hash"] != cells["row_hash"]:
        problem = Problem("duplicate", f"key {'|'.join(map(str, key))} stands for two different rows: the newer one is used")
        done.rejects.append(reject(plan, table.batch, earlier[0], names[earlier[0]], problem))
    good[key] = (index, cells)


def fingerprint(cells: Any) -> str:
    """A row's content as 32 hex digits."""
    return hashlib.blake2b(orjson.dumps(cells, default=str), digest_size=16).hexdigest()


def _event_time(row: Row) -> datetime | None:
    return next((row[n] for n in _EVENT_TIMES if isinstance(row.get(n), datetime)), None)


def has_event_time(target: sa.Table) -> bool:
    """Whether rows of a table say when they were so."""
    return any(n in target.c and isinstance(target.c[n].type, UtcDateTime) for n in _EVENT_TIMES)
