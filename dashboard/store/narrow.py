"""The store as one sight sees it: an engine that reads, and of each table only what is open, however a statement is put together."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import visitors

from dashboard.core.catalog import Catalog
from dashboard.core.errors import NotAllowedError
from dashboard.core.sight import Action, Sight
from dashboard.store.open_rows import OpenRows
from dashboard.store.schema import channel


def seen_by(engine: sa.Engine, catalog: Catalog, sight: Sight) -> sa.Engine:
    """The same store, narrowed. Who sees everything unmasked reads the tables themselves."""
    if sight.whole and not sight.masks and sight.may(Action.SOURCES):
        return engine
    narrowed = engine.execution_options(narrowed=True)
    sa.event.listen(narrowed, "before_execute", _Narrowing(OpenRows(catalog, sight)).before_execute, retval=True)
    sa.event.listen(narrowed, "before_cursor_execute", _only_built)
    return narrowed


class _Narrowing:
    """Puts what is open of a table in place of the table."""

    def __init__(self, rows: OpenRows) -> None:
        self._rows = rows
        self._tables: dict[sa.Table, sa.FromClause | None] = {}

    def before_execute(self, _conn: Any, clause: Any, several: Any, params: Any, _options: Any) -> tuple[Any, Any, Any]:
        """Every statement passes here. Raises NotAllowedError for one that does not merely read."""
        if not isinstance(clause, sa.SelectBase):
            raise NotAllowedError(f"a narrowed store is only read: {type(clause).__name__}")
        return self.narrowed(clause), several, params

    def narrowed(self, statement: sa.SelectBase) -> Any:
        """The statement over what is open."""
        aliases: dict[sa.FromClause, sa.FromClause | None] = {}

        def stand_in(source: Any) -> sa.FromClause | None:
            if isinstance(source, sa.Table):
                return self._of_table(source)
            if isinstance(source, sa.Alias) and isinstance(source.element, sa.Table):
                if source not in aliases:
                    aliases[source] = self._open(source.element, source.name)
                return aliases[source]
            return None

        def replace(element: Any, **_: Any) -> Any:
            if isinstance(element, sa.FromClause):
                return stand_in(element)
            if isinstance(element, sa.ColumnClause) and element.table is not None:
                other = stand_in(element.table)
                return None if other is None else other.c[element.key]
            return None

        return visitors.replacement_traverse(statement, {}, replace)

    def _of_table(self, table: sa.Table) -> sa.FromClause | None:
        if table not in self._tables:
            self._tables[table] = self._open(table, table.name)
        return self._tables[table]

    def _open(self, table: sa.Table, name: str) -> sa.FromClause | None:
        """What is open of a table under its own name; None where all of it is."""
        where, masked = self._rows.of(table, table.c), self._rows.masked(table, table.c)
        if not where and not masked:
            return None
        columns = [masked[c.key].label(c.key) if c.key in masked else c for c in table.c]
        return sa.select(*columns).where(*where).subquery(name)


def is_open(conn: sa.Connection, channel_id: Any) -> bool:
    """Whether a channel may be read on this connection: for the few statements over readings that are written by hand for speed."""
    if not conn.get_execution_options().get("narrowed"):
        return True
    return conn.scalar(sa.select(channel.c.channel_id).where(channel.c.channel_id == channel_id)) is not None


def _only_built(_conn: Any, _cursor: Any, statement: str, _params: Any, context: Any, _many: bool) -> None:
    """Written SQL names tables that nobody can narrow. What asked `is_open` first says so."""
    if context.compiled is None and statement not in ("BEGIN", "BEGIN IMMEDIATE") and not context.execution_options.get("asked_first"):
        raise NotAllowedError("a narrowed store takes statements built from tables, no written SQL")
