"""Read-only connections to departments' databases: cut when they hang, their errors told apart by what to do next."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import sqlite3
import threading
import urllib.parse
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from dashboard.core.errors import SourceChangedError, SourceError, SourceSlowError, SourceUnavailableError
from dashboard.pull.readers.advice import advised, driver_words
from dashboard.pull.values import decoded
from dashboard.settings import SourceConfig

_GRACE_S = 3.0  # beyond the database's own limit, before the line is cut from our side
_SAID = 300  # characters of a database's message that are kept

_CHANGED_TEXT = re.compile(
    r"no such (table|column|function)|not a database|malformed|syntax error|ambiguous column|wrong number of arguments|no tables used", re.I
)
_SLOW_TEXT = re.compile(r"interrupted|database is locked|database table is locked|timed? ?out", re.I)
_PG_SLOW = ("57014", "55P03", "25P03")
_PG_CHANGED = ("42", "22")  # names and types that are not what the mapping says; 42501, no privilege, is a refusal
_MY_SLOW = {1205, 1317, 1969, 3024}
_MY_CHANGED = {1051, 1052, 1054, 1064, 1146, 1305, 1582, 1248}


def require_address(source: SourceConfig) -> None:
    """Raises SourceUnavailableError for a source whose address nobody gave."""
    if source.unset:
        raise SourceUnavailableError(f"{source.key}: 环境变量 {source.unset} 未设置 / {source.unset} is not set")


def open_source(source: SourceConfig) -> sa.Engine:
    """An engine that holds no connection between reads and whose every session is read only."""
    try:
        url = sa.make_url(source.url)
        backend = url.get_backend_name()
        if backend == "sqlite":
            return _sqlite(url, source)
        engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args=_connect_args(backend, source))
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ImportError) as wrong:
        raise SourceUnavailableError(
            f"{source.key}: 地址用不了 / the address {source.safe_url} cannot be used: {clean_text(source, wrong)}"
        ) from None
    sa.event.listen(engine, "connect", lambda connection, _record: _read_only(backend, connection, source))
    return engine


def _sqlite(url: sa.URL, source: SourceConfig) -> sa.Engine:
    """A file is opened with mode=ro: nothing is created, not even by mistake."""
    path = url.database or ""
    if not os.path.exists(path):
        raise SourceUnavailableError(f"{source.key}: 没有这个文件 / there is no file {path}")

    def connect() -> sqlite3.Connection:
        address = f"file:{urllib.parse.quote(path)}?mode=ro"
        connection = sqlite3.connect(address, uri=True, timeout=source.connect_timeout.total_seconds(), check_same_thread=False)
        connection.execute("PRAGMA query_only=ON")
        if source.options.get("encoding"):
            connection.text_factory = lambda raw: raw.decode(str(source.options["encoding"]), "replace")
        return connection

    return sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool)


def read_any_text(conn: sa.Connection) -> bool:
    """Have a SQLite file's badly encoded text read as what Chinese Windows writes; whether that changed anything."""
    raw = conn.connection.driver_connection
    if not isinstance(raw, sqlite3.Connection) or raw.text_factory is not str:
        return False
    raw.text_factory = decoded
    return True


def _connect_args(backend: str, source: SourceConfig) -> dict[str, Any]:
    seconds = max(1, round(source.connect_timeout.total_seconds()))
    if backend == "postgresql":
        return {
            "connect_timeout": seconds,
            "application_name": "cockpit",
            "keepalives_idle": 15,
            "keepalives_interval": 5,
            "keepalives_count": 3,
        }
    if backend in ("mysql", "mariadb"):
        limit = round(source.statement_timeout.total_seconds() + _GRACE_S)
        return {"connect_timeout": seconds, "read_timeout": limit, "write_timeout": seconds}
    return {}


def _read_only(backend: str, connection: Any, source: SourceConfig) -> None:
    """Read only and with a time limit, kept by the server itself."""
    millis = int(source.statement_timeout.total_seconds() * 1000)
    if backend == "postgresql":
        connection.autocommit = True  # settings made inside a transaction would leave with it
        connection.execute("SET default_transaction_read_only = on")
        connection.execute(f"SET statement_timeout = {millis}")
        connection.autocommit = False
    elif backend in ("mysql", "mariadb"):
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION READ ONLY")
            limits = (f"SET SESSION max_statement_time = {millis / 1000}", f"SET SESSION max_execution_time = {millis}")
            cursor.execute(limits[0] if "mariadb" in str(connection.get_server_info()).lower() else limits[1])


@contextlib.contextmanager
def guarded(source: SourceConfig) -> Iterator[None]:
    """Turn a driver's error into one that says what to do next, without its password."""
    try:
        yield
    except SourceError:
        raise
    except sa.exc.DBAPIError as wrong:
        raise _told_apart(source, wrong.orig if wrong.orig is not None else wrong) from None
    except (OSError, sqlite3.Error) as wrong:
        raise _told_apart(source, wrong) from None


def _told_apart(source: SourceConfig, wrong: BaseException) -> SourceError:
    said = f"{source.key}: {advised(wrong, clean_text(source, wrong))}"
    state = getattr(wrong, "sqlstate", None)
    number = wrong.args[0] if wrong.args and isinstance(wrong.args[0], int) else 0
    if state in _PG_SLOW or number in _MY_SLOW or _SLOW_TEXT.search(str(wrong)):
        return SourceSlowError(said)
    if isinstance(state, str) and state.startswith(_PG_CHANGED) and state != "42501":
        return SourceChangedError(said)
    if number in _MY_CHANGED or (state is None and not number and _CHANGED_TEXT.search(str(wrong))):
        return SourceChangedError(said)
    return SourceUnavailableError(said)


def clean_text(source: SourceConfig, wrong: BaseException) -> str:
    """A database's message in one line, with no secret in it."""
    text = " ".join(driver_words(wrong).split())
    with contextlib.suppress(sa.exc.ArgumentError):
        url = sa.make_url(source.url)
        for secret in {url.password, urllib.parse.quote(url.password or ""), urllib.parse.quote_plus(url.password or "")}:
            text = text.replace(str(secret), "***") if secret else text
    return text.replace(source.url, source.safe_url)[:_SAID]


@contextlib.contextmanager
def deadline(conn: sa.Connection, source: SourceConfig) -> Iterator[None]:
    """Cut a statement that outlives its limit, even where the server itself has stopped answering."""
    cut = threading.Event()
    raw = conn.connection.driver_connection
    sqlite = isinstance(raw, sqlite3.Connection)
    seconds = source.statement_timeout.total_seconds() + (0.0 if sqlite else _GRACE_S)
    timer = threading.Timer(seconds, _cut, (raw, cut))
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception as wrong:
        if cut.is_set():
            limit = f"{source.statement_timeout.total_seconds():g}"
            raise SourceSlowError(f"{source.key}: {limit}秒内没有应答 / no answer within {limit} s") from wrong
        raise
    finally:
        timer.cancel()


def _cut(raw: Any, cut: threading.Event) -> None:
    cut.set()
    if isinstance(raw, sqlite3.Connection):
        raw.interrupt()
        return
    with contextlib.suppress(Exception):  # it may have ended by itself at this very moment
        line = raw.fileno() if hasattr(raw, "fileno") else raw._sock.fileno()
        held = socket.socket(fileno=os.dup(line))
        held.shutdown(socket.SHUT_RDWR)
        held.close()
