"""Noticing that the store changed: topic versions, read only after a commit when the database can tell."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from dashboard.store import topics
from dashboard.store.schema import lease


@dataclass
class Pulse:
    """The newest topic versions, on a connection of its own so that SQLite can say whether anybody else committed."""

    engine: sa.Engine
    versions: dict[str, int] = field(default_factory=dict)
    total: int = 0  # grows with every change of any topic
    _connection: sa.Connection | None = None
    _mark: int | None = None

    @property
    def every(self) -> float:
        """Seconds between looks: a look costs microseconds on SQLite, a short query elsewhere."""
        return 0.05 if self.engine.dialect.name == "sqlite" else 0.1

    def moved(self) -> set[str]:
        """Topics whose version changed since the last look. Raises what the database raises; the next look connects anew."""
        try:
            if not self._committed():
                return set()
            now = self._read()
        except Exception:
            self.close()
            raise
        changed = {name for name, version in now.items() if self.versions.get(name) != version}
        self.versions = now
        self.total = sum(now.values())
        return changed

    def _connect(self) -> sa.Connection:
        if self._connection is None:
            self._connection = self.engine.connect()  # never begins: data_version stands still inside a transaction
        return self._connection

    def _committed(self) -> bool:
        if self.engine.dialect.name != "sqlite":
            return True
        driver = self._connect().connection.driver_connection
        assert driver is not None
        mark = int(driver.execute("PRAGMA data_version").fetchone()[0])
        before, self._mark = self._mark, mark
        return mark != before

    def _read(self) -> dict[str, int]:
        with self.engine.connect() as conn:
            return topics.versions(conn)

    def close(self) -> None:
        """Let the connection go; the next look opens another and sees everything as new."""
        if self._connection is not None:
            self._connection.close()
        self._connection, self._mark = None, None


def touched(by: frozenset[str], moved: set[str]) -> bool:
    """Whether a panel that depends on these topics is stale now."""
    if by & moved:
        return True
    return any(name.endswith("*") and any(m.startswith(name[:-1]) for m in moved) for name in by)


def worker_age(conn: sa.Connection, now: datetime) -> float | None:
    """Seconds since the worker last said it lives; None if it never did."""
    beat = conn.execute(sa.select(lease.c.beat_at).where(lease.c.name == "worker")).scalar()
    return None if beat is None else max(0.0, (now - beat).total_seconds())
