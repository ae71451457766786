"""What Alembic runs: the engine's own tables, over the connection it is given. Domain tables are not its business."""

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context

from dashboard.core.times import UtcDateTime
from dashboard.store.migrate import ENGINE_TABLES
from dashboard.store.schema import metadata


def _is_engines(name: str | None, kind: str, parents: Any) -> bool:
    return kind != "table" or name in ENGINE_TABLES


def _plain_type(kind: str, thing: Any, _context: Any) -> str | Literal[False]:
    """Migrations name no class of ours: they must run unchanged when the class is long gone."""
    return "sa.BigInteger()" if kind == "type" and isinstance(thing, UtcDateTime) else False


def _declared(thing: Any, name: str | None, kind: str, reflected: bool, _other: Any) -> bool:
    table = thing if isinstance(thing, sa.Table) else getattr(thing, "table", None)
    return table is None or table.name in ENGINE_TABLES


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_name=_is_engines,
    include_object=_declared,
    render_item=_plain_type,
)
with context.begin_transaction():
    context.run_migrations()
