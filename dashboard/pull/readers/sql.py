"""Any database SQLAlchemy speaks, read in short statements: pages in the order (watermark, key), each resuming where the last ended.

A page is one bounded statement in its own transaction, so a long backfill neither holds the department's locks nor its
snapshots, and a cut at any moment loses nothing.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, TypeAlias

import sqlalchemy as sa

from dashboard.core.errors import SourceChangedError
from dashboard.core.times import from_micros, to_micros
from dashboard.pull import cursor as marks
from dashboard.pull.batch import Batch, Cursor, Keys, Problem
from dashboard.pull.mapping import Plan, near
from dashboard.pull.readers.connect import deadline, guarded, open_source, read_any_text

Column: TypeAlias = Any  # a sequence of one column's cells; selecting hands on whatever it is given

_PLAIN_NAME = re.compile(r"^[^\W\d]\w*$")
_SLOW_PAGE_S = 0.5  # a page slower than this has no index behind it: fewer, larger pages
_LARGEST = 20  # times the batch
_BACKLOG = 4  # times the batch, page and transaction grow to while there is much to catch up on
_STUCK = 64
_NULLS_MANY = 20_000  # rows without watermark are read each turn; above this many, once an hour
_FETCH = 500  # rows held raw at once while their sizes are looked at


@dataclass(frozen=True)
class Statement:
    """A mapping compiled for one database: what is selected, and from where."""

    names: tuple[str, ...]
    columns: tuple[sa.ColumnElement[Any], ...]
    key: tuple[sa.ColumnElement[Any], ...]
    watermark: sa.ColumnElement[Any] | None
    source: sa.FromClause

    @property
    def order(self) -> tuple[sa.ColumnElement[Any], ...]:
        """Watermark first, then key: the order rows are read in."""
        return self.key if self.watermark is None else (self.watermark, *self.key)

    def select(self) -> sa.Select[Any]:
        """Our fields and the columns rows are ordered by, each expression once: a text fetched twice is built twice."""
        return sa.select(*(c.label(f"f{i}") for i, c in enumerate(self._distinct[0]))).select_from(self.source)

    def laid_out(self, cells: Sequence[Column]) -> list[Column]:
        """What was selected as a column per field, then one per part of the order."""
        return [cells[i] for i in self._distinct[1]]

    @cached_property
    def _distinct(self) -> tuple[list[sa.ColumnElement[Any]], list[int]]:
        kept: list[sa.ColumnElement[Any]] = []
        places = []
        for column in (*self.columns, *self.order):
            place = next((i for i, other in enumerate(kept) if column.compare(other)), len(kept))
            places.append(place)
            kept += [column] if place == len(kept) else []
        return kept, places


@dataclass
class Page:
    """Rows in the source's order, column by column: the fields, then the parts of the order."""

    columns: list[Column]
    big: dict[int, Problem]  # rows emptied because they are too big
    width: int  # how many of the columns are fields

    def __len__(self) -> int:
        return len(self.columns[-1])

    def place(self, row: int) -> tuple[Any, ...]:
        """Where a row stands in the order."""
        return tuple(column[row] for column in self.columns[self.width :])


def read_sql(plan: Plan, cursor: Cursor | None, now: datetime) -> Iterator[Batch]:
    """Everything from the cursor less the look-back on. Raises SourceError."""
    source = plan.source
    engine = open_source(source)
    with guarded(source), engine.connect() as conn:
        statement = prepare(conn, plan)
        conn.rollback()
        state: Cursor = {k: v for k, v in (cursor or {}).items() if k != "unordered"}
        low = marks.resume(cursor, plan.pull.lookback, plan.zone) if statement.watermark is not None else None
        bounds = _window(conn, plan, statement, now) if low is None or statement.watermark is None else [statement.watermark >= _bound(low)]
        yield from _absent(conn, plan, statement, low, state, now)
        yield from _pages(conn, plan, statement, [*bounds, *(c.is_not(None) for c in statement.order)], state, now)
        if statement.watermark is not None and state != (cursor or {}):
            yield Batch({n: [] for n in statement.names}, [], cursor=state)


# ---- the statement


def prepare(conn: sa.Connection, plan: Plan) -> Statement:
    """The mapping against what is really there. Raises SourceChangedError naming the column and its nearest matches."""
    source = source_of(plan)
    there = columns_there(conn, plan, source)
    names = tuple(plan.expressions)
    columns = tuple(expression(plan, there, plan.expressions[n], f"fields.{n}") for n in names)
    key = tuple(expression(plan, there, text, "key") for text in plan.key)
    watermark = expression(plan, there, plan.pull.watermark, "watermark") if plan.pull.watermark else None
    return Statement(names, columns, key, watermark, source)


def source_of(plan: Plan) -> sa.FromClause:
    """Their table, or their query as one."""
    if plan.pull.query:
        body = plan.pull.query.strip().rstrip(";").replace("\\", "\\\\").replace(":", "\\:")
        return sa.text(f"({body}) q")  # type: ignore[return-value]
    schema, dot, name = plan.pull.table.rpartition(".")
    return sa.table(sa.quoted_name(name, True), schema=sa.quoted_name(schema, True) if dot else None)


def columns_there(conn: sa.Connection, plan: Plan, source: sa.FromClause) -> list[str]:
    """Their column names, by asking for no row. Raises SourceChangedError where there is no such table."""
    try:
        with guarded(plan.source), deadline(conn, plan.source):
            return list(conn.execute(sa.select(sa.text("*")).select_from(source).where(sa.text("1=0"))).keys())
    except SourceChangedError:
        conn.rollback()
        _missing_table(conn, plan)
        raise


def _missing_table(conn: sa.Connection, plan: Plan) -> None:
    """A table that is not there, by name, with what is."""
    if not plan.pull.table:
        return
    try:
        inspector = sa.inspect(conn)
        schema, dot, name = plan.pull.table.rpartition(".")
        names = [*inspector.get_table_names(schema if dot else None), *inspector.get_view_names(schema if dot else None)]
    except sa.exc.SQLAlchemyError:
        return
    if name not in names:
        raise SourceChangedError(f"{plan.source.key}: there is no table {name!r} ({near(name, names)})") from None


def expression(plan: Plan, there: list[str], text: str, where: str) -> sa.ColumnElement[Any]:
    """A column of theirs by its exact name, quoted as their database wants; anything else is left as SQL."""
    if text in there:
        return sa.column(sa.quoted_name(text, True))
    folded = [name for name in there if name.lower() == text.lower()]
    if folded:
        return sa.column(sa.quoted_name(folded[0], True))
    if _PLAIN_NAME.match(text) and text.upper() not in ("NULL", "TRUE", "FALSE", "CURRENT_TIMESTAMP", "CURRENT_DATE"):
        place = plan.pull.table or "the query"
        raise SourceChangedError(f"{plan.source.key}: {place} has no column {text!r}, wanted for {where} ({near(text, there)})")
    return sa.literal_column(f"({text})")


def _bound(value: Any) -> sa.BindParameter[Any]:
    """A value with no type of ours put on it, so that the database compares it as its own column's type."""
    return sa.bindparam(None, value, type_=sa.types.NullType(), unique=True)


def _window(conn: sa.Connection, plan: Plan, statement: Statement, now: datetime) -> list[sa.ColumnElement[bool]]:
    """How far back a first read reaches, said in the terms of the watermark, or of the time of observation."""
    if plan.pull.backfill is None:
        return []
    times = [c for n, c in zip(statement.names, statement.columns, strict=True) if n == "observed_at"]
    for column in [c for c in (statement.watermark, *times) if c is not None]:
        with deadline(conn, plan.source):
            found = (
                conn.execute(sa.select(column).select_from(statement.source).where(column.is_not(None)).order_by(column.desc()).limit(20))
                .scalars()
                .all()
            )
        conn.rollback()
        sample = next((v for v in found if marks.instant(v, plan.zone) is not None), None)
        if sample is not None and marks.in_order(found):
            low = _bound(marks.like(sample, now - plan.pull.backfill, plan.zone))
            return [column >= low] if column is statement.watermark else [sa.or_(column >= low, column.is_(None))]
    return []


# ---- pages


def _pages(conn: sa.Connection, plan: Plan, statement: Statement, bounds: list[Any], state: Cursor, now: datetime) -> Iterator[Batch]:
    limit, position = plan.pull.batch, None
    while True:
        wanted = statement.select().where(*bounds, *_from(statement.order, position)).order_by(*statement.order).limit(limit)
        started = time.monotonic()
        page = _fetch(conn, plan, statement, wanted)
        took = time.monotonic() - started
        full = len(page) == limit
        end = _whole_groups(page) if full else len(page)
        position = page.place(-1) if full else None
        if end:
            yield from _batches(plan, statement, page, end, state, now)
        if not full:
            return
        if end == 0:
            limit *= 4
            if limit > _STUCK * plan.pull.batch * 16:
                raise SourceChangedError(
                    f"{plan.source.key}: more than {limit // 4} rows share one key ({', '.join(plan.key)}): it does not identify a row"
                )
        else:
            limit = max(limit, min(limit * 2, (_LARGEST if took > _SLOW_PAGE_S else _BACKLOG) * plan.pull.batch))


def _whole_groups(page: Page) -> int:
    """Rows of a full page before its last (watermark, key): that group may go on, and is read again with the next page."""
    last, end = page.place(-1), len(page)
    while end and page.place(end - 1) == last:
        end -= 1
    return end


def _from(order: tuple[sa.ColumnElement[Any], ...], position: tuple[Any, ...] | None) -> list[sa.ColumnElement[bool]]:
    """At or after a position in the order; the plain bound on the first part lets an index be used."""
    if position is None:
        return []
    condition: sa.ColumnElement[bool] = order[-1] >= _bound(position[-1])
    for column, value in reversed(list(zip(order[:-1], position[:-1], strict=True))):
        condition = sa.or_(column > _bound(value), sa.and_(column == _bound(value), condition))
    return [condition] if len(order) == 1 else [order[0] >= _bound(position[0]), condition]


def _fetch(conn: sa.Connection, plan: Plan, statement: Statement, wanted: sa.Select[Any]) -> Page:
    """One page. One badly encoded cell does not stop the rest: the page is read again, forgivingly."""
    try:
        return _fetch_page(conn, plan, statement, wanted)
    except (sa.exc.OperationalError, sqlite3.OperationalError) as wrong:
        conn.rollback()
        if "Could not decode" not in str(wrong) or not read_any_text(conn):
            raise
        return _fetch_page(conn, plan, statement, wanted)


def _fetch_page(conn: sa.Connection, plan: Plan, statement: Statement, wanted: sa.Select[Any]) -> Page:
    """Rows become columns as they come: they are never held twice, and one beyond the limit is emptied before the next is asked for."""
    order = set(statement.laid_out(range(len(wanted.selected_columns)))[len(statement.names) :])
    cells: list[Column] = [[] for _ in wanted.selected_columns]
    big: dict[int, Problem] = {}
    with deadline(conn, plan.source):
        for part in _parts(conn, wanted):
            columns = list(zip(*part, strict=True))
            for i in _oversized(columns, plan.row_limit):
                size = sum(map(_size, part[i]))
                big[len(cells[0]) + i] = Problem("too_big", f"the row holds {size} bytes, more than the {plan.row_limit} allowed")
                columns = _emptied(columns, i, order)
            for column, more in zip(cells, columns, strict=True):
                column += more
    conn.rollback()
    return Page(statement.laid_out(cells), big, len(statement.names))


def _emptied(columns: list[tuple[Any, ...]], row: int, order: Container[int]) -> list[tuple[Any, ...]]:
    """A row without its long values; what it is ordered by stays, as the next page begins there."""
    return [
        (*column[:row], None, *column[row + 1 :]) if number not in order and _size(column[row]) > 1000 else column
        for number, column in enumerate(columns)
    ]


def _parts(conn: sa.Connection, wanted: sa.Select[*tuple[Any, ...]]) -> Iterator[Sequence[Any]]:
    """The answer a few hundred rows at a time; from SQLite as the driver's own tuples, which saves a third of the time."""
    if conn.dialect.name != "sqlite":
        yield from conn.execution_options(stream_results=True, max_row_buffer=_FETCH).execute(wanted).partitions(_FETCH)
        return
    compiled = wanted.compile(dialect=conn.dialect)
    cursor = conn.connection.cursor()
    cursor.execute(str(compiled), tuple(compiled.params[name] for name in compiled.positiontup or ()))
    while part := cursor.fetchmany(_FETCH):
        yield part
    cursor.close()


def _oversized(columns: Sequence[Sequence[Any]], limit: int) -> list[int]:
    """Rows beyond the limit; column maxima rule out nearly every part at once."""
    widest = 0
    for cells in columns:
        kinds = set(map(type, cells))
        if kinds & {str, bytes}:
            widest += max(map(len, cells)) if kinds <= {str, bytes} else max(map(_size, cells))
    if widest * 4 <= limit:  # a character is at most four bytes
        return []
    return [i for i, row in enumerate(zip(*columns, strict=True)) if sum(map(_size, row)) > limit]


def _size(value: Any) -> int:
    return len(value.encode("utf-8", "replace")) if isinstance(value, str) else len(value) if isinstance(value, bytes) else 8


def _batches(
    plan: Plan, statement: Statement, page: Page, count: int, state: Cursor, now: datetime, skip: int = 0
) -> Iterator[Batch]:
    """A page in pieces small enough for one store transaction each, cut where the watermark or key moves."""
    for start, end in _cuts(page, count, _BACKLOG * plan.pull.batch):
        cells = page.columns if (start, end) == (0, len(page)) else [column[start:end] for column in page.columns]
        ordered = cells[page.width :]
        keys = Keys(ordered[skip:] if statement.watermark is None else ordered[1:], end - start)
        batch = Batch(dict(zip(statement.names, map(list, cells[: page.width]), strict=True)), keys)
        batch.problems = {i - start: p for i, p in page.big.items() if start <= i < end}
        if statement.watermark is not None:
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
        for batch in _pages(conn, plan, unmarked, absent, state, now):
            state["nulls"] += len(batch)
            yield batch
    if statement.key and (due or statement.watermark is None):
        yield from _keyless(conn, plan, statement, state, now)
    if due:
        state["swept_at"] = to_micros(now)


def _no_mark(conn: sa.Connection, plan: Plan, watermark: sa.ColumnElement[Any], low: Any) -> sa.ColumnElement[bool]:
    if isinstance(low, str) and marks.instant(low, plan.zone) is not None:
        return sa.or_(watermark.is_(None), watermark < _bound("1"))  # '' and 0000-00-00 sort before every date
    if isinstance(low, datetime) and conn.dialect.name in ("mysql", "mariadb"):
        return sa.or_(watermark.is_(None), watermark < _bound("1000-01-01"))
    return watermark.is_(None)


def _keyless(conn: sa.Connection, plan: Plan, statement: Statement, state: Cursor, now: datetime) -> Iterator[Batch]:
    wanted = statement.select().where(sa.or_(*(k.is_(None) for k in statement.key))).limit(_NULLS_MANY)
    page = _fetch(conn, plan, statement, wanted)
    yield from _batches(plan, replace(statement, watermark=None), page, len(page), state, now, len(statement.order) - len(statement.key))


_SWEEP = timedelta(hours=1)
