"""One bounded answer of a database, column by column; a row that is too big is emptied as it comes."""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from dashboard.core.declare import Text
from dashboard.pull.batch import Problem
from dashboard.pull.mapping import Plan
from dashboard.pull.readers.connect import deadline, read_any_text
from dashboard.pull.readers.statement import Column, Statement

_FETCH = 500  # rows held raw at once while their sizes are looked at


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


def fetch(conn: sa.Connection, plan: Plan, statement: Statement, wanted: sa.Select[Any]) -> Page:
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
                said = Text(f"一行{size}字节，超过{plan.row_limit}", f"the row holds {size} bytes, more than the {plan.row_limit} allowed")
                big[len(cells[0]) + i] = Problem("too_big", said)
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
