"""A batch for a table feed: typed rows ready to be written, and those that do not fit."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from dashboard.core.declare import Clean, Row, Text
from dashboard.core.times import UtcDateTime, from_micros, to_micros
from dashboard.pull.batch import MISSING, Batch, Problem, Reject
from dashboard.pull.convert import Column, Table, reject, source_keys, typed
from dashboard.pull.mapping import ORIGIN, Plan
from dashboard.pull.values import SKIP

_EVENT_TIMES = ("observed_at", "updated_at", "closed_at", "opened_at")  # the first one a row has is its moment


@dataclass
class Rows:
    """What became of a batch: our columns as the store keeps them, moments as microseconds, one entry per row in step."""

    target: sa.Table
    columns: dict[str, Column] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    newest: datetime | None = None  # event time

    def __len__(self) -> int:
        return len(self.columns["source_key"])

    @property
    def keys(self) -> set[str]:
        """Source keys that came through."""
        return set(self.columns["source_key"])

    def first(self, count: int) -> list[Row]:
        """The first rows one by one, moments as such: for people to look at."""
        return [
            {n: _moment(cells[i]) if _is_moment(self.target, n) else cells[i] for n, cells in self.columns.items()}
            for i in range(min(count, len(self)))
        ]


def _is_moment(target: sa.Table, name: str) -> bool:
    return isinstance(target.c[name].type, UtcDateTime)


def _moment(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


def to_rows(plan: Plan, batch: Batch) -> Rows:
    """Typed rows by the feed's rules: codes, required fields, the domain's own `clean`, one row per key."""
    target = _target(plan)
    names = [str(c.name) for c in target.columns if c.name not in ORIGIN]
    table = typed(plan, batch, {n: target.c[n].type for n in names})
    if plan.feed.clean is not None:
        _cleaned(table, target, plan.feed.clean)
    _completed(table, target, names)
    sources = source_keys(plan, batch.keys)
    done = Rows(target, rejects=list(batch.rejects))
    done.rejects += [reject(plan, batch, i, sources[i], problem) for i, problem in sorted(table.problems.items())]
    columns = {n: table.columns[n] for n in names}
    hashes = list(map(fingerprint, zip(*columns.values(), strict=True)))
    keep = _newest_of_each(table, [columns[str(c.name)] for c in target.primary_key], _meant(table), hashes, sources, done.rejects)
    columns |= {"row_hash": hashes, "source_key": sources}
    done.columns = columns if len(keep) == len(batch) else {n: [cells[i] for i in keep] for n, cells in columns.items()}
    done.newest = _newest(target, done.columns)
    return done


def _target(plan: Plan) -> sa.Table:
    assert plan.table is not None  # the catalog gives every feed a table or metrics
    return plan.table


def _cleaned(table: Table, target: sa.Table, clean: Clean) -> None:
    """The domain's own `clean`, row by row, with moments as such; what it gives stands in the place of what came."""
    moments = {n for n in table.columns if n in target.c and _is_moment(target, n)}
    given = {n: list(map(_moment, cells)) if n in moments else cells for n, cells in table.columns.items()}
    names, rows = list(given), []
    for i, values in enumerate(zip(*given.values(), strict=True)):
        row = dict(zip(names, values, strict=True))
        try:
            rows.append(clean(row) if i not in table.problems else row)
        except (ValueError, KeyError, TypeError, ArithmeticError) as wrong:
            table.problems[i] = Problem.raised("clean", wrong)
            rows.append(row)
    for name in (str(c.name) for c in target.columns if c.name not in ORIGIN):
        cells = [row.get(name) for row in rows]
        if name not in given or cells != given[name]:
            table.columns[name] = [None if v is None else to_micros(v) for v in cells] if _is_moment(target, name) else cells


def _completed(table: Table, target: sa.Table, names: list[str]) -> None:
    """Defaults filled, and nothing missing that must be there."""
    if "name" in names:
        given, assets = table.columns.get("name") or [None] * len(table), table.columns["asset_id"]
        table.columns["name"] = [name or asset for name, asset in zip(given, assets, strict=True)]  # a thing without one is still a thing
    for name in names:
        column = target.c[name]
        cells = table.columns.get(name)
        default = column.default.arg if isinstance(column.default, sa.ColumnDefault) and column.default.is_scalar else None
        if cells is None:
            cells = [default] * len(table)
        elif default is not None and None in cells:
            cells = [default if v is None else v for v in cells]
        table.columns[name] = cells
        if not column.nullable and None in cells:
            _miss(table, name, cells, "missing")
    for name in table.plan.feed.required:
        cells = table.columns[name]
        if None in cells or "" in cells:
            _miss(table, name, cells, "place" if name == "street" else "missing")


def _miss(table: Table, name: str, cells: Column, code: str) -> None:
    for i, value in enumerate(cells):
        if value is None or value == "":
            table.problems.setdefault(i, Problem(code, MISSING).of(name))


def _meant(table: Table) -> list[int]:
    """Rows without a problem; a code mapped to nothing says the row is meant for somebody else."""
    coded = [table.columns[n] for n in table.plan.pull.codes if n in table.columns and SKIP in table.columns[n]]
    others = {i for cells in coded for i, value in enumerate(cells) if value == SKIP}
    return [i for i in range(len(table)) if i not in table.problems and i not in others]


def _newest_of_each(
    table: Table, keys: list[Column], meant: list[int], hashes: list[str], names: list[str], rejects: list[Reject]
) -> list[int]:
    """One row per key: the newest wins, the other goes to quarantine if it says something else."""
    ours = list(zip(*keys, strict=True))
    last: dict[tuple[Any, ...], int] = {}
    for i in meant:
        earlier = last.pop(ours[i], None)
        if earlier is not None and hashes[earlier] != hashes[i] and not table.batch.is_update(earlier, i):
            key = "|".join(map(str, ours[i]))
            problem = Problem(
                "duplicate",
                Text(f"主键{key}对应两行不同内容，取较新的一行", f"key {key} stands for two different rows: the newer one is used"),
            )
            rejects.append(reject(table.plan, table.batch, earlier, names[earlier], problem))
        last[ours[i]] = i
    return list(last.values())


def fingerprint(cells: Any) -> str:
    """A row's content as 32 hex digits."""
    return hashlib.blake2b(orjson.dumps(cells, default=str), digest_size=16).hexdigest()


def _newest(target: sa.Table, columns: dict[str, Column]) -> datetime | None:
    """The latest moment of all rows; a row's own is the first of the event times it has."""
    times = [columns[n] for n in _EVENT_TIMES if n in target.c and _is_moment(target, n)]
    if times and None in times[0]:
        moments = (next((t for t in row if t is not None), None) for row in zip(*times, strict=True))
        return _moment(max((t for t in moments if t is not None), default=None))
    return _moment(max(times[0], default=None)) if times else None


def has_event_time(target: sa.Table) -> bool:
    """Whether rows of a table say when they were so."""
    return any(n in target.c and isinstance(target.c[n].type, UtcDateTime) for n in _EVENT_TIMES)
