"""Exactly one worker: a lock the system takes back from the dead, and a fence number on everything the living write.

The lock (flock beside a SQLite file, advisory lock on PostgreSQL) decides who may work. The fence catches a worker that
was frozen, lost the lock and wakes: its number is no longer the lease's, so its next write transaction is refused.
"""

from __future__ import annotations

import fcntl
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import sqlalchemy as sa

from dashboard.core.errors import NotNowError, StaleWriterError
from dashboard.store.engine import writing
from dashboard.store.schema import lease as leases

_NAMESPACE = 0x5AFE  # keeps our advisory locks apart from other programs' in the same database


class Lease:
    """The right to be the one that works under a name."""

    def __init__(self, engine: sa.Engine, name: str, holder: str) -> None:
        self.engine, self.name, self.holder = engine, name, holder
        self.fence = 0  # 0: not held
        self._file: int | None = None
        self._connection: sa.Connection | None = None

    def acquire(self, now: datetime) -> bool:
        """Take the lease if nobody living holds it; never waits for them."""
        if self.fence:
            return True
        if not self._lock():
            return False
        try:
            self.fence = self._next_fence(now)
        except BaseException:
            self.release()  # a lock without a fence would shut everyone out, ourselves included
            raise
        return True

    def _next_fence(self, now: datetime) -> int:
        with writing(self.engine).begin() as conn:
            before = conn.scalar(sa.select(leases.c.fence).where(leases.c.name == self.name).with_for_update())
            fence = (before or 0) + 1
            conn.execute(sa.delete(leases).where(leases.c.name == self.name))
            conn.execute(sa.insert(leases).values(name=self.name, holder=self.holder, fence=fence, beat_at=now))
        return fence

    def beat(self, now: datetime) -> None:
        """Say that we live. Raises StaleWriterError if the lease is no longer ours."""
        if self._connection is not None:
            self._still_connected(self._connection)
        mine = sa.and_(leases.c.name == self.name, leases.c.fence == self.fence)
        with writing(self.engine).begin() as conn:
            if conn.execute(sa.update(leases).where(mine).values(beat_at=now)).rowcount == 0:
                raise StaleWriterError(f"lease {self.name!r}: {self.holder} (fence {self.fence}) was replaced by another worker")

    def release(self) -> None:
        """Let the next worker in at once."""
        self.fence = 0
        if self._file is not None:
            os.close(self._file)
            self._file = None
        if self._connection is not None:
            self._connection.invalidate()  # closed for good, not pooled: the lock belongs to the session
            self._connection.close()
            self._connection = None

    def _lock(self) -> bool:
        return self._lock_file() if self.engine.dialect.name == "sqlite" else self._lock_session()

    def _lock_file(self) -> bool:
        file = os.open(f"{self.engine.url.database}.{self.name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    def _lock_session(self) -> bool:
        connection = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        number = zlib.crc32(self.name.encode()) & 0x7FFFFFFF
        if not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(_NAMESPACE, number))):
            connection.close()
            return False
        self._connection = connection
        return True

    def _still_connected(self, connection: sa.Connection) -> None:
        try:
            connection.execute(sa.text("SELECT 1"))
        except sa.exc.DBAPIError as gone:
            raise StaleWriterError(f"lease {self.name!r}: the database ended the session that held the lock") from gone


@contextmanager
def nobody_works(engine: sa.Engine, name: str = "worker") -> Iterator[None]:
    """Keep workers out without writing to the store, which may be empty. Raises NotNowError while one is at work."""
    lease = Lease(engine, name, "")
    if not lease._lock():
        raise NotNowError("a worker is at work on this store: stop it first")
    try:
        yield
    finally:
        lease.release()


def check_fence(conn: sa.Connection, fence: int, name: str = "worker") -> None:
    """First thing in a write transaction: refuse a writer whose lease was taken over. 0 is a person at a shell, with no lease.

    On PostgreSQL the row stays shared until the end, so a successor's `acquire` waits for this transaction and no longer.
    """
    if fence == 0:
        return
    held = conn.scalar(sa.select(leases.c.fence).where(leases.c.name == name).with_for_update(read=True, key_share=True))
    if held != fence:
        raise StaleWriterError(f"lease {name!r} has fence {held}, this writer has {fence}: another worker took over")
