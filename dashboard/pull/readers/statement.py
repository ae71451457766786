"""A mapping compiled for one database: their columns by their exact names, each expression selected once."""

from __future__ import annotations

import operator
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import sqlalchemy as sa

from dashboard.core.errors import SourceChangedError
from dashboard.pull.mapping import Plan, near
from dashboard.pull.readers.connect import deadline, guarded

Column: TypeAlias = Any  # a sequence of one column's cells; laying out hands on whatever it is given

KEYLESS = 20_000  # rows without a key that are looked at in one go
_PLAIN_NAME = re.compile(r"^[^\W\d]\w*$")


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


def bound(value: Any) -> sa.BindParameter[Any]:
    """A value with no type of ours put on it, so that the database compares it as its own column's type."""
    return sa.bindparam(None, value, type_=sa.types.NullType(), unique=True)


def position_after(
    order: tuple[sa.ColumnElement[Any], ...], position: tuple[Any, ...] | None, backwards: bool = False
) -> list[sa.ColumnElement[bool]]:
    """At or after a position in the order, or at or before it; the plain bound on the first part lets an index be used."""
    if position is None:
        return []
    beyond, here_or_beyond = (operator.lt, operator.le) if backwards else (operator.gt, operator.ge)
    condition: sa.ColumnElement[bool] = here_or_beyond(order[-1], bound(position[-1]))
    for column, value in reversed(list(zip(order[:-1], position[:-1], strict=True))):
        condition = sa.or_(beyond(column, bound(value)), sa.and_(column == bound(value), condition))
    return [condition] if len(order) == 1 else [here_or_beyond(order[0], bound(position[0])), condition]


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
        raise SourceChangedError(f"{plan.source.key}: 没有这张表 / there is no table {name!r} ({near(name, names)})") from None


def expression(plan: Plan, there: list[str], text: str, where: str) -> sa.ColumnElement[Any]:
    """A column of theirs by its exact name, quoted as their database wants; anything else is left as SQL."""
    if text in there:
        return sa.column(sa.quoted_name(text, True))
    folded = [name for name in there if name.lower() == text.lower()]
    if folded:
        return sa.column(sa.quoted_name(folded[0], True))
    if _PLAIN_NAME.match(text) and text.upper() not in ("NULL", "TRUE", "FALSE", "CURRENT_TIMESTAMP", "CURRENT_DATE"):
        place = plan.pull.table or "the query"
        said = f"没有映射里的这一列 / {place} has no column {text!r}, wanted for {where}"
        raise SourceChangedError(f"{plan.source.key}: {said} ({near(text, there)})")
    return sa.literal_column(f"({text})")
