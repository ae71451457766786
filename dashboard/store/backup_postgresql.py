"""A PostgreSQL store as of one moment: pg_dump on a snapshot of ours, so that what it writes and what we count are the same.

pg_dump and no dump of our own: it brings back triggers, functions, sequences and indexes as they were, of releases we do not know too.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from dashboard.core.errors import ConfigurationError, NotNowError

PAYLOAD = "store.pgdump"
_FROM_ADDRESS = {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY"}


def take(engine: sa.Engine, file: Path) -> dict[str, tuple[int, str]]:
    """Dump the store, and count it, both on one snapshot; writers do not wait."""
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as conn:
        snapshot = conn.scalar(sa.text("SELECT pg_export_snapshot()"))
        tool("pg_dump", engine.url, "--format=custom", "--compress=1", "--no-owner", "--no-acl", f"--snapshot={snapshot}", f"--file={file}")
        return _counted(conn)


def put(engine: sa.Engine, file: Path, tables: Mapping[str, tuple[int, str]]) -> None:
    """All of it or nothing, then compare."""
    database = f"--dbname={engine.url.database}"
    tool("pg_restore", engine.url, "--exit-on-error", "--single-transaction", "--no-owner", "--no-acl", database, str(file))
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as conn:
        found = _counted(conn)
    if found != dict(tables):
        raise NotNowError("the store does not hold the rows the backup's manifest tells of: do not use it")


def is_empty(engine: sa.Engine) -> bool:
    """No tables in our schema."""
    return not sa.inspect(engine).get_table_names()


def tool(name: str, url: sa.URL, *words: str) -> None:
    """Run one of PostgreSQL's own programs on a store; the password goes by the environment, where nobody can read it off a list."""
    path = shutil.which(name)
    if path is None:
        advice = "install PostgreSQL's client programs, of the server's version or newer (Debian: postgresql-client)"
        raise ConfigurationError("PATH", name, "not found", advice)
    given = {"PGHOST": url.host, "PGPORT": url.port, "PGUSER": url.username, "PGPASSWORD": url.password, "PGDATABASE": url.database}
    tls = {variable: str(url.query[key]) for key, variable in _FROM_ADDRESS.items() if key in url.query}
    environment = os.environ | {key: str(value) for key, value in given.items() if value is not None} | tls
    done = subprocess.run([path, *words], env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise NotNowError(f"{name}: {' '.join(done.stderr.split()) or f'ended with {done.returncode}'}")


def _counted(conn: sa.Connection) -> dict[str, tuple[int, str]]:
    inspector = sa.inspect(conn)
    return {name: _table(conn, name, _order(inspector, name)) for name in sorted(inspector.get_table_names())}


def _order(inspector: sa.Inspector, name: str) -> list[str]:
    return inspector.get_pk_constraint(name)["constrained_columns"] or [column["name"] for column in inspector.get_columns(name)]


def _table(conn: sa.Connection, name: str, order: list[str]) -> tuple[int, str]:
    rows, digest = 0, hashlib.blake2b(digest_size=16)
    quoted = ", ".join(f'"{column}"' for column in order)
    driver: Any = conn.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f'COPY (SELECT * FROM "{name}" ORDER BY {quoted}) TO STDOUT') as copy:
        for part in copy:  # a row each: line ends inside of values are written as \n
            rows += bytes(part).count(b"\n")
            digest.update(part)
    return rows, digest.hexdigest()
