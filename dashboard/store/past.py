"""What we believed at a moment: rows as they stood then, corrections since undone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.util import ClauseAdapter

from dashboard.core.declare import Row
from dashboard.core.times import to_micros
from dashboard.store.rows import bind, row_key
from dashboard.store.schema import reading_past, row_past


def row_as_of(conn: sa.Connection, table: sa.Table, key: Any, at: datetime) -> Row | None:
    """A row as we knew it at a moment; None if we had not heard of it. `key` is a value, or a tuple where there are several."""
    values = key if isinstance(key, tuple) else (key,)
    mine = sa.and_(*(column == value for column, value in zip(table.primary_key, values, strict=True)))
    present = conn.execute(sa.select(table).where(mine, table.c.learned_at <= at)).mappings().first()
    if present is not None:
        return dict(present)
    then = _then(table, at)
    stored = row_key(bind(value, column, conn.dialect) for column, value in zip(table.primary_key, values, strict=True))
    found = conn.execute(sa.select(*_columns(table, conn)).where(then, row_past.c.row_key == stored)).mappings().first()
    return None if found is None else dict(found)


def rows_as_of(conn: sa.Connection, table: sa.Table, at: datetime, where: sa.ColumnElement[bool] | None = None) -> list[Row]:
    """The rows as we knew them at a moment, of those for which `where` (over the table's columns) held then."""
    then = table_as_of(table, at, conn)
    wanted = sa.select(then)
    if where is not None:
        wanted = wanted.where(ClauseAdapter(then).traverse(where))
    return [dict(row) for row in conn.execute(wanted).mappings()]


def table_as_of(table: sa.Table, at: datetime, conn: sa.Connection) -> sa.Subquery:
    """The table as we knew it at a moment, to select from: same columns, same types."""
    present = sa.select(*table.columns).where(table.c.learned_at <= at)
    past = sa.select(*_columns(table, conn)).where(_then(table, at))
    return sa.union_all(present, past).subquery(table.name)


def versions_of(conn: sa.Connection, table: sa.Table, key: str, at: datetime, limit: int) -> list[tuple[datetime, Row]]:
    """What we believed of a row up to a moment, each with when we learned it, the newest first."""
    mine = sa.and_(row_past.c.table_name == table.name, row_past.c.row_key == row_key((key,)), row_past.c.learned_at <= at)
    past = sa.select(*_columns(table, conn)).where(mine).order_by(row_past.c.replaced_at.desc()).limit(limit)
    present = sa.select(table).where(next(iter(table.primary_key)) == key, table.c.learned_at <= at)
    return [(row["learned_at"], dict(row)) for query in (present, past) for row in conn.execute(query).mappings()]


def _then(table: sa.Table, at: datetime) -> sa.ColumnElement[bool]:
    """The earlier versions that were the present one at that moment: learned by then, not yet replaced."""
    return sa.and_(row_past.c.table_name == table.name, row_past.c.learned_at <= at, row_past.c.replaced_at > at)


def _columns(table: sa.Table, conn: sa.Connection) -> list[sa.ColumnElement[Any]]:
    """A past version's columns out of its JSON, as the types they have in the table."""
    return [_typed(column, conn.dialect.name).label(column.name) for column in table.columns]


def _typed(column: sa.Column[Any], dialect: str) -> sa.ColumnElement[Any]:
    if dialect == "sqlite":  # its JSON gives numbers as numbers; a cast to DATE would make a number of a date
        return sa.func.json_extract(row_past.c.body, f'$."{column.name}"', type_=column.type)
    return sa.cast(row_past.c.body[column.name].as_string(), column.type)


def corrected_since(conn: sa.Connection, since: datetime, oldest: datetime) -> dict[int, int]:
    """Channels with readings corrected since a moment, and when the oldest of those readings was taken (microseconds).

    Readings from before `oldest` are not looked at.
    """
    past = reading_past.c
    query = sa.select(past.channel_id, sa.func.min(past.ts)).where(past.replaced_at > since, past.ts >= to_micros(oldest))
    query = query.group_by(past.channel_id)
    return {channel_id: ts for channel_id, ts in conn.execute(query)}
