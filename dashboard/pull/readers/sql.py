"""Any database SQLAlchemy speaks, read in short statements: pages in the order (watermark, key), each resuming where the last ended.

A page is one bounded statement in its own transaction, so a long backfill neither holds the department's locks nor its
snapshots, and a cut at any moment loses nothing. Readings that reach far back begin with the newest stretch: what a screen
shows of today is there at once, and the history behind it is read from there back, newest first, until it is all in.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.core.errors import SourceChangedError
from dashboard.core.times import from_micros, to_micros
from dashboard.pull import cursor as marks
from dashboard.pull.batch import Batch, Cursor, Keys
from dashboard.pull.mapping import Plan
from dashboard.pull.readers.connect import deadline, guarded, open_source
from dashboard.pull.readers.page import Page, fetch
from dashboard.pull.readers.statement import KEYLESS, Statement, bound, position_after, prepare

NEWEST = timedelta(hours=26)  # read before all history: a line of 24 hours, and the hour and lateness at either end of it
_SLOW_PAGE_S = 0.5  # a page slower than this has no index behind it: fewer, larger pages
_LARGEST = 20  # times the batch
_BACKLOG = 4  # times the batch, page and transaction grow to while there is much to catch up on
_LONG_BACKLOG = 12  # the same where a row is a single reading
_STUCK = 64
_NULLS_MANY = KEYLESS  # rows without watermark are read each turn; above this many, once an hour


def read_sql(plan: Plan, cursor: Cursor | None, now: datetime) -> Iterator[Batch]:
    """Everything from the cursor less the look-back on. Raises SourceError."""
    source = plan.source
    engine = open_source(source)
    with guarded(source), engine.connect() as conn:
        statement = prepare(conn, plan)
        conn.rollback()
        state: Cursor = {k: v for k, v in (cursor or {}).items() if k != "unordered"}
        low = marks.resume(cursor, plan.pull.lookback, plan.zone) if statement.watermark is not None else None
        bounds = [] if statement.watermark is None or low is None else [statement.watermark >= bound(low)]
        if low is None and plan.pull.backfill is not None:
            bounds = since(conn, plan, statement, now - plan.pull.backfill)
        if low is None:
            state.pop("history", None)  # all is read again, history and all
            if cursor is None and (stretch := _newest_stretch(conn, plan, statement, now)):
                bounds, state["history"] = stretch
        yield from _absent(conn, plan, statement, low, state, now)
        yield from _pages(conn, plan, statement, [*bounds, *(c.is_not(None) for c in statement.order)], state, now)
        yield from _history(conn, plan, statement, state, now)
        if statement.watermark is not None and state != (cursor or {}):
            yield Batch({n: [] for n in statement.names}, [], cursor=state)


def since(conn: sa.Connection, plan: Plan, statement: Statement, at: datetime) -> list[sa.ColumnElement[bool]]:
    """What came from a moment on, said in the terms of the watermark, or of the time of observation; nothing where neither is a time."""
    times = [c for n, c in zip(statement.names, statement.columns, strict=True) if n == "observed_at"]
    for column in [c for c in (statement.watermark, *times) if c is not None]:
        sample = _newest_moment(conn, plan, statement, column)
        if sample is not None:
            low = bound(marks.like(sample, at, plan.zone))
            return [column >= low] if column is statement.watermark else [sa.or_(column >= low, column.is_(None))]
    return []


def _newest_moment(conn: sa.Connection, plan: Plan, statement: Statement, column: sa.ColumnElement[Any]) -> Any:
    """The newest value of a column that is a time; None where it holds none, or text that does not sort as it grows."""
    newest = sa.select(column).select_from(statement.source).where(column.is_not(None)).order_by(column.desc()).limit(20)
    with deadline(conn, plan.source):
        found = conn.execute(newest).scalars().all()
    conn.rollback()
    return next((v for v in found if marks.instant(v, plan.zone) is not None), None) if marks.in_order(found) else None


# ---- the newest stretch, and the history behind it


def _newest_stretch(conn: sa.Connection, plan: Plan, statement: Statement, now: datetime) -> tuple[list[Any], Cursor] | None:
    """What to read first of readings that reach far back, and what is left for later; None where all is read in one go."""
    back = plan.pull.backfill
    if back is None or back <= NEWEST or plan.table is not None or statement.watermark is None:
        return None
    sample = _newest_moment(conn, plan, statement, statement.watermark)
    at = None if sample is None else marks.instant(sample, plan.zone)
    if at is None or at < now - NEWEST:
        return None
    begin, end = (marks.like(sample, now - span, plan.zone) for span in (back, NEWEST))
    return [statement.watermark >= bound(end)], {"from": marks.encoded(begin), "to": marks.encoded(end)}


def _history(conn: sa.Connection, plan: Plan, statement: Statement, state: Cursor, now: datetime) -> Iterator[Batch]:
    """The history a cursor still owes, from where it stands back; first of all nothing, to say that the newest stretch is in."""
    left, column = state.get("history"), statement.watermark
    if left is None or column is None or state.get("unordered"):
        state.pop("history", None)
        return
    yield Batch({n: [] for n in statement.names}, [], cursor=dict(state), history=True)
    within = [column >= bound(marks.decoded(left["from"])), column <= bound(marks.decoded(left["to"]))]
    for batch in _pages(conn, plan, statement, [*within, *(c.is_not(None) for c in statement.key)], state, now, backwards=True):
        yield batch
        if state.get("unordered"):
            return
    state.pop("history")


# ---- pages


def _pages(
    conn: sa.Connection, plan: Plan, statement: Statement, bounds: list[Any], state: Cursor, now: datetime, backwards: bool = False
) -> Iterator[Batch]:
    limit, position = plan.pull.batch, None
    order = [column.desc() for column in statement.order] if backwards else statement.order
    while True:
        wanted = statement.select().where(*bounds, *position_after(statement.order, position, backwards)).order_by(*order).limit(limit)
        started = time.monotonic()
        page = fetch(conn, plan, statement, wanted)
        took = time.monotonic() - started
        full = len(page) == limit
        end = _whole_groups(page) if full else len(page)
        position = page.place(-1) if full else None
        if end:
            yield from _batches(plan, statement, page, end, state, now, backwards=backwards)
        if not full:
            return
        if end == 0:
            limit *= 4
            if limit > _STUCK * plan.pull.batch * 16:
                raise SourceChangedError(
                    f"{plan.source.key}: 多行共用一个主键 / more than {limit // 4} rows share one key ({', '.join(plan.key)})"
                )
        else:
            limit = max(limit, min(limit * 2, _LARGEST * plan.pull.batch if took > _SLOW_PAGE_S else _backlog(plan)))


def _backlog(plan: Plan) -> int:
    """Rows a transaction takes at most while there is much to catch up on."""
    return plan.pull.batch * (_LONG_BACKLOG if plan.table is None and not plan.wide else _BACKLOG)


def _whole_groups(page: Page) -> int:
    """Rows of a full page before its last (watermark, key): that group may go on, and is read again with the next page."""
    last, end = page.place(-1), len(page)
    while end and page.place(end - 1) == last:
        end -= 1
    return end


def _batches(
    plan: Plan, statement: Statement, page: Page, count: int, state: Cursor, now: datetime, skip: int = 0, backwards: bool = False
) -> Iterator[Batch]:
    """A page in pieces small enough for one store transaction each, cut where the watermark or key moves."""
    for start, end in _cuts(page, count, _backlog(plan)):
        cells = page.columns if (start, end) == (0, len(page)) else [column[start:end] for column in page.columns]
        if backwards:  # what a batch holds goes from old to new all the same
            cells = [column[::-1] for column in cells]
        ordered = cells[page.width :]
        keys = Keys(ordered[skip:] if statement.watermark is None else ordered[1:], end - start)
        batch = Batch(dict(zip(statement.names, map(list, cells[: page.width]), strict=True)), keys)
        batch.problems = {end - 1 - i if backwards else i - start: p for i, p in page.big.items() if start <= i < end}
        if backwards:
            _retreat(batch, ordered[0], state)
        elif statement.watermark is not None:
            _advance(plan, batch, ordered[0], state, now)
        yield batch


def _cuts(page: Page, count: int, size: int) -> Iterator[tuple[int, int]]:
    start = 0
    while start < count:
        end = min(start + size, count)
        while end < count and page.place(end) == page.place(end - 1):
            end += 1
        yield start, end
        start = end


def _advance(plan: Plan, batch: Batch, values: list[Any], state: Cursor, now: datetime) -> None:
    """Move the turn's cursor past a batch."""
    mark = marks.newest_mark(values, plan.zone)
    if mark is None:
        return
    if not marks.in_order(values) or _mixed(values):
        state["unordered"] = True  # text that does not sort as it grows: nothing may be skipped by it, so all is read each turn
    encoded = marks.encoded(marks.safe(mark, now, plan.zone))
    state.update(marks.not_before(encoded, state if "v" in state else None, plan.zone))
    batch.cursor, batch.newest = dict(state), mark.at


def _retreat(batch: Batch, values: list[Any], state: Cursor) -> None:
    """Move what is left of the history back to where a batch begins. A batch within one watermark is no place to go on from."""
    batch.history = True
    left = {**state["history"], "to": marks.encoded(values[0])}
    if not marks.in_order(values) or _mixed(values):
        state["unordered"] = True
    elif left == state["history"]:
        return
    state["history"] = left
    batch.cursor = dict(state)


def _mixed(values: list[Any]) -> bool:
    """Text beside numbers or times."""
    kinds = set(map(type, values))
    return len(kinds) > 1 and str in kinds and len({isinstance(v, str) for v in set(values) if _says_something(v)}) > 1


def _says_something(value: Any) -> bool:
    return value is not None and not (isinstance(value, str) and (not value.strip() or value.startswith("0000")))


# ---- rows that the order cannot find


def _absent(conn: sa.Connection, plan: Plan, statement: Statement, low: Any, state: Cursor, now: datetime) -> Iterator[Batch]:
    """Rows without a usable watermark each turn (hourly where they are many), rows without a key hourly."""
    due = now >= from_micros(int(state.get("swept_at", 0))) + _SWEEP
    if statement.watermark is not None and (due or state.get("nulls", 0) <= _NULLS_MANY):
        absent = [_no_mark(conn, plan, statement.watermark, low), *(k.is_not(None) for k in statement.key)]
        unmarked = replace(statement, watermark=None)
        state["nulls"] = 0
        if _is_there(conn, plan, statement, absent):
            for batch in _pages(conn, plan, unmarked, absent, state, now):
                state["nulls"] += len(batch)
                yield batch
    if statement.key and (due or statement.watermark is None):
        yield from _keyless(conn, plan, statement, state, now)
    if due:
        state["swept_at"] = to_micros(now)


def _is_there(conn: sa.Connection, plan: Plan, statement: Statement, where: list[Any]) -> bool:
    """Whether there is any such row. Asked without an order, the index on the watermark answers; a page in key order reads the table."""
    with deadline(conn, plan.source):
        found = conn.execute(sa.select(sa.literal(1)).select_from(statement.source).where(*where).limit(1)).first()
    conn.rollback()
    return found is not None


def _no_mark(conn: sa.Connection, plan: Plan, watermark: sa.ColumnElement[Any], low: Any) -> sa.ColumnElement[bool]:
    if isinstance(low, str) and marks.instant(low, plan.zone) is not None:
        return sa.or_(watermark.is_(None), watermark < bound("1"))  # '' and 0000-00-00 sort before every date
    if isinstance(low, datetime) and conn.dialect.name in ("mysql", "mariadb"):
        return sa.or_(watermark.is_(None), watermark < bound("1000-01-01"))
    return watermark.is_(None)


def _keyless(conn: sa.Connection, plan: Plan, statement: Statement, state: Cursor, now: datetime) -> Iterator[Batch]:
    wanted = statement.select().where(sa.or_(*(k.is_(None) for k in statement.key))).limit(KEYLESS)
    page = fetch(conn, plan, statement, wanted)
    yield from _batches(plan, replace(statement, watermark=None), page, len(page), state, now, len(statement.order) - len(statement.key))


_SWEEP = timedelta(hours=1)
