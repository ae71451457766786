"""What all tests share: databases made and dropped, services that must be there, and a guard against the network."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import sqlalchemy as sa

LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0", "::ffff:127.")


def _postgresql() -> sa.URL:
    given = os.environ.get("COCKPIT_TEST_POSTGRESQL")
    if given:
        return sa.make_url(given)
    env = os.environ.get
    return sa.URL.create(
        "postgresql+psycopg",
        username=env("PGUSER", "postgres"),
        password=env("PGPASSWORD"),
        host=env("PGHOST", "127.0.0.1"),
        port=int(env("PGPORT", "5432")),
        database="postgres",
    )


def _mariadb() -> sa.URL:
    given = os.environ.get("COCKPIT_TEST_MARIADB")
    if given:
        return sa.make_url(given)
    env = os.environ.get
    return sa.URL.create(
        "mysql+pymysql",
        username=env("MYSQL_USER", "root"),
        password=env("MYSQL_PASSWORD") or env("MYSQL_PWD"),
        host=env("MYSQL_HOST", "127.0.0.1"),
        port=int(env("MYSQL_TCP_PORT", "3306")),
        query={"charset": "utf8mb4"},
    )


SERVERS = {"postgresql": _postgresql(), "mariadb": _mariadb()}


@cache
def _missing(service: str) -> str:
    """Why a service cannot be used here, or nothing."""
    if service == "browser":
        found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        return "" if found else "Chromium is not installed (apt-get install chromium, or set CHROMIUM to its path)"
    engine = sa.create_engine(SERVERS[service], connect_args={"connect_timeout": 3})
    try:
        engine.connect().close()
    except sa.exc.SQLAlchemyError as refused:
        return f"no {service} at {SERVERS[service]!r}: {str(refused.__cause__ or refused).splitlines()[0]}"
    finally:
        engine.dispose()
    return ""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test whose service is absent is skipped with the reason; in CI that is a failure, so that nothing goes untested unseen."""
    for service in ("postgresql", "mariadb", "browser"):
        if item.get_closest_marker(service) and (reason := _missing(service)):
            if os.environ.get("CI", "").lower() in ("1", "true", "yes"):
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)


def _made_and_dropped(service: str) -> Iterator[str]:
    """A database of its own on a server, gone afterwards."""
    name = f"cockpit_test_{uuid.uuid4().hex[:12]}"
    admin = sa.create_engine(SERVERS[service], isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    utf8 = " CHARACTER SET utf8mb4" if service == "mariadb" else ""
    forced = " WITH (FORCE)" if service == "postgresql" else ""
    with admin.connect() as conn:
        conn.exec_driver_sql(f"CREATE DATABASE {name}{utf8}")
    try:
        yield SERVERS[service].set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as conn:
            conn.exec_driver_sql(f"DROP DATABASE {name}{forced}")
        admin.dispose()


@pytest.fixture
def postgresql_url() -> Iterator[str]:
    """An empty PostgreSQL database; use with @pytest.mark.postgresql."""
    yield from _made_and_dropped("postgresql")


@pytest.fixture(scope="session")
def postgresql_for_session() -> Iterator[str]:
    """One PostgreSQL database for many tests, which empty it themselves; a test that asks for it carries the marker."""
    yield from _made_and_dropped("postgresql")


@pytest.fixture
def mariadb_url() -> Iterator[str]:
    """An empty MariaDB database; use with @pytest.mark.mariadb."""
    yield from _made_and_dropped("mariadb")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def any_store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store of each supported kind, one after the other."""
    return f"sqlite:///{tmp_path / 'store.db'}" if request.param == "sqlite" else str(request.getfixturevalue("postgresql_url"))


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.postgresql),
        pytest.param("mariadb", marks=pytest.mark.mariadb),
    ]
)
def any_department_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A department's database of each supported kind, one after the other."""
    return f"sqlite:///{tmp_path / 'department.db'}" if request.param == "sqlite" else str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def shared() -> Path:
    """The folder of real data beside the project, for tests that read it."""
    place = Path(__file__).resolve().parents[2] / "shared"
    if not place.is_dir():
        pytest.skip("the folder of real data is not beside this checkout")
    return place


def _stay_home(event: str, args: tuple[object, ...]) -> None:
    """Refuse a connection that leaves this machine or the test databases: the product must work without a network."""
    if event != "socket.connect" or not isinstance(args[1], tuple):
        return
    host = str(args[1][0])
    if not host.startswith(LOOPBACK) and host not in _allowed():
        raise OSError(f"a test reached for {host}: the product must not need the network")


@cache
def _allowed() -> frozenset[str]:
    names = {str(url.host) for url in SERVERS.values()}
    found = {info[4][0] for name in names for info in socket.getaddrinfo(name, None)}
    return frozenset(names | {str(address) for address in found})


sys.addaudithook(_stay_home)
