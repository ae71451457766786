"""The one statement we ever send to a department: an order into the table it keeps for that, and nothing else.

The engine opened here refuses whatever is not that insert, so that nothing built on it can write, read or change anything of
theirs, whatever the credential would allow.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from dashboard.core.errors import NotAllowedError
from dashboard.core.playbooks import ORDER_FIELDS, Outbox
from dashboard.notify.failure import NotSentError

_TIMES = ("issued_at", "due_at")
_DUPLICATE = 1062  # MySQL and MariaDB: the key is there already
_ANSWER_S = 10


@dataclass(frozen=True)
class Inbox:
    """A department's inbox, open for orders."""

    outbox: Outbox
    engine: sa.Engine

    def put(self, order: Mapping[str, Any]) -> None:
        """Write an order, unless it is there already. Raises NotSentError."""
        try:
            with self.engine.begin() as conn:
                conn.execute(insert_order(self.outbox, order, self.engine.dialect.name))
        except sa.exc.IntegrityError as refused:
            if not _is_there(refused):
                raise NotSentError(f"{self.outbox.key}: the inbox refused the order: {_told(refused)}") from None
        except sa.exc.OperationalError as away:
            raise NotSentError(f"{self.outbox.key}: the database does not answer: {_told(away)}", channel_is_down=True) from None
        except sa.exc.SQLAlchemyError as wrong:
            raise NotSentError(f"{self.outbox.key}: the order could not be written: {_told(wrong)}", channel_is_down=True) from None


def insert_order(outbox: Outbox, order: Mapping[str, Any], dialect: str) -> sa.Insert:
    """The insert of one order in the department's own words. Raises NotAllowedError for anything an order does not say."""
    if strange := set(order) - set(ORDER_FIELDS):
        raise NotAllowedError(f"an order does not say {', '.join(sorted(strange))}")
    table = sa.table(outbox.table, *(sa.column(column) for column in outbox.fields.values()))
    values = {column: _theirs(outbox, ours, order[ours]) for ours, column in outbox.fields.items()}
    if dialect == "postgresql":
        return postgresql_insert(table).values(values).on_conflict_do_nothing()
    if dialect == "sqlite":
        return sqlite_insert(table).values(values).on_conflict_do_nothing()
    return sa.insert(table).values(values)  # here a second copy is refused by the key, which says the same


def _theirs(outbox: Outbox, ours: str, value: Any) -> Any:
    """A value as the department writes it: times by its own clock, codes in its own words."""
    if ours in _TIMES and isinstance(value, datetime):
        value = value.astimezone(ZoneInfo(outbox.timezone)).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, bool):
        value = int(value)
    return outbox.codes.get(ours, {}).get(str(value), value)


_OPEN: dict[tuple[str, str, str], Inbox] = {}
_LOCK = threading.Lock()


def open_inbox(outbox: Outbox) -> Inbox:
    """The inbox of a department, one for the process. Raises NotSentError where its address cannot be used."""
    key = (outbox.url, outbox.table, repr(outbox.fields))
    with _LOCK:
        if key not in _OPEN:
            _OPEN[key] = Inbox(outbox, _engine(outbox))
        return _OPEN[key]


def _engine(outbox: Outbox) -> sa.Engine:
    try:
        url = sa.make_url(outbox.url)
        options = {"connect_args": {"timeout" if url.get_backend_name() == "sqlite" else "connect_timeout": _ANSWER_S}}
        engine = sa.create_engine(url, pool_size=1, max_overflow=0, pool_pre_ping=True, **options)
    except (sa.exc.ArgumentError, ImportError):
        raise NotSentError(f"{outbox.key}: the address in its url_env is not one of a database", channel_is_down=True) from None
    sa.event.listen(engine, "before_cursor_execute", _only_inserts_into(outbox))
    return engine


def _only_inserts_into(outbox: Outbox) -> Any:
    """Refuses every statement but the insert of an order."""

    def guard(conn: sa.Connection, _cursor: Any, statement: str, _parameters: Any, _context: Any, many: bool) -> None:
        allowed = str(insert_order(outbox, dict.fromkeys(ORDER_FIELDS), conn.dialect.name).compile(dialect=conn.dialect))
        if statement != allowed or many:
            raise NotAllowedError(f"{outbox.key}: only orders are written into {outbox.table}")

    return guard


def _is_there(refused: sa.exc.IntegrityError) -> bool:
    return bool(getattr(refused.orig, "args", ()) and refused.orig.args[0] == _DUPLICATE)  # type: ignore[union-attr]


def _told(wrong: sa.exc.SQLAlchemyError) -> str:
    """What the database said, on one line, without what was written."""
    return " ".join(str(getattr(wrong, "orig", None) or type(wrong).__name__).split())[:200]
