"""Bringing a store up to date: the engine's tables step by step with Alembic, domains' tables as they are declared.

A new domain, or a new column of one, needs no migration: what is missing is added and recorded in `schema_change`; nothing is
ever dropped. When the engine's own schema changes: `python -m dashboard.store.migrate "what is new"` writes the next step.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory

from dashboard.core.errors import ConfigurationError, DeclarationError
from dashboard.store import schema, schema_access, schema_audit, schema_linkage, schema_noise, schema_rules
from dashboard.store.engine import open_store, writing
from dashboard.store.schema import schema_change

_GATHERED = (schema, schema_access, schema_audit, schema_linkage, schema_noise, schema_rules)
ENGINE_TABLES = frozenset(thing.name for module in _GATHERED for thing in vars(module).values() if isinstance(thing, sa.Table))
_MIGRATIONS = Path(__file__).with_name("migrations")
_NAMED = 5  # of what a store lacks, named in a message
_LOCK = 0x5AFE0001  # two processes migrating one PostgreSQL store take turns; on SQLite BEGIN IMMEDIATE sees to it


def migrate(engine: sa.Engine, metadata: sa.MetaData = schema.metadata, *, now: datetime | None = None) -> list[str]:
    """Bring the store up to date with this release and the domains declared; returns what was added for domains.

    All or nothing on both databases. Raises DeclarationError if the engine's schema changed without a migration.
    """
    with writing(engine).begin() as conn:
        if conn.dialect.name == "postgresql":
            conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        command.upgrade(_config(conn), "head")
        _refuse_forgotten_steps(conn)
        added = [change for table in metadata.sorted_tables if table.name not in ENGINE_TABLES for change in _complete(conn, table)]
        for table_name, column_name in added:
            conn.execute(sa.insert(schema_change).values(table_name=table_name, column_name=column_name, at=now))
    return [f"{table}.{column}" if column else table for table, column in added]


def revision(conn: sa.Connection) -> str | None:
    """The step the store is at; None for an empty database."""
    return MigrationContext.configure(conn).get_current_revision()


def known_steps() -> frozenset[str]:
    """Every step this release knows."""
    return frozenset(step.revision for step in ScriptDirectory.from_config(_config()).walk_revisions())


def require_current(engine: sa.Engine, metadata: sa.MetaData = schema.metadata) -> None:
    """Refuse a store that was not migrated for this release, before anything stumbles over what it lacks.

    Raises ConfigurationError, and the driver's own error where the store does not answer.
    """
    with engine.connect() as conn:
        problem = _behind(conn, metadata)
    if problem:
        raise ConfigurationError("store", safe_address(engine), problem, "run cockpit migrate")


def _behind(conn: sa.Connection, metadata: sa.MetaData) -> str:
    """What the store lacks; nothing when it is as declared. A store of a newer release is fine as long as it has all we need."""
    at, steps = revision(conn), ScriptDirectory.from_config(_config())
    if at is None:
        return "nothing has been set up in it"
    if at != steps.get_current_head() and at in known_steps():
        return f"it is at step {at}, this release needs {steps.get_current_head()}"
    there = {name: {c["name"] for c in columns} for (_, name), columns in sa.inspect(conn).get_multi_columns().items()}
    lacking = [lack for table in metadata.sorted_tables for lack in _lacking(table, there.get(table.name))]
    return f"it lacks {_some(lacking)}" if lacking else ""


def _lacking(table: sa.Table, there: set[str] | None) -> list[str]:
    if there is None:
        return [table.name]
    return [f"{table.name}.{column.name}" for column in table.columns if column.name not in there]


def _some(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def safe_address(engine: sa.Engine) -> str:
    """Where the store is, without what would open it."""
    return engine.url.set(query={}).render_as_string(hide_password=True)


def _config(conn: sa.Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = conn
    return config


def _refuse_forgotten_steps(conn: sa.Connection) -> None:
    inspector = sa.inspect(conn)
    there = set(inspector.get_table_names())
    for name in sorted(ENGINE_TABLES):
        columns = {c["name"] for c in inspector.get_columns(name)} if name in there else set()
        missing = [c.name for c in schema.metadata.tables[name].columns if c.name not in columns]
        if missing:
            raise DeclarationError(
                f"the engine's table {name} is declared with {', '.join(missing)}, which no migration makes: "
                'run python -m dashboard.store.migrate "what is new" and look at the file it writes'
            )


def _complete(conn: sa.Connection, table: sa.Table) -> list[tuple[str, str]]:
    """Make a domain's table, or the columns and indexes it lacks."""
    inspector = sa.inspect(conn)
    if not inspector.has_table(table.name):
        table.create(conn)
        return [(table.name, "")]
    there = {column["name"] for column in inspector.get_columns(table.name)}
    missing = [column for column in table.columns if column.name not in there]
    for column in missing:
        Operations(MigrationContext.configure(conn)).add_column(table.name, _addable(column))
    indexes = {index["name"] for index in inspector.get_indexes(table.name)}
    for index in sorted(table.indexes, key=lambda i: str(i.name)):
        if index.name not in indexes:
            index.create(conn)
    return [(table.name, str(column.name)) for column in missing]


def _addable(column: sa.Column[Any]) -> sa.Column[Any]:
    """A column that rows already there can take: empty, or filled with its default where it may not be empty."""
    default = column.default.arg if isinstance(column.default, sa.ColumnDefault) and column.default.is_scalar else None
    if default is None:
        return sa.Column(column.name, column.type, nullable=True)
    return sa.Column(column.name, column.type, nullable=column.nullable, server_default=sa.literal(default, column.type))


def write_step(message: str) -> Path:
    """Write the migration from the last step to the schema as declared now; it should be read before it is committed."""
    number = 1 + len(list(_MIGRATIONS.glob("versions/[0-9]*.py")))
    with tempfile.TemporaryDirectory() as folder:
        engine = open_store(f"sqlite:///{folder}/last.db")
        with writing(engine).begin() as conn:
            command.upgrade(_config(conn), "head")
            command.revision(_config(conn), message, autogenerate=True, rev_id=f"{number:04}")
        engine.dispose()
    return next(_MIGRATIONS.glob(f"versions/{number:04}_*.py"))


if __name__ == "__main__":
    sys.stdout.write(f"{write_step(' '.join(sys.argv[1:]) or 'schema')}\n")
