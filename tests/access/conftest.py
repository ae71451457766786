"""A desk on an empty store, with a hasher that costs nothing, and a clock that moves when told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from dashboard.access.desk import Desk
from dashboard.access.limits import Limits, load_limits
from dashboard.access.passwords import Passwords
from dashboard.access.sealed import Seal
from dashboard.access.who import Doorman
from dashboard.core.catalog import Catalog, load_catalog
from dashboard.core.clock import SteppedClock
from dashboard.core.doors import Access
from dashboard.core.tables import metadata
from dashboard.core.times import city_day
from dashboard.store import schema_access
from dashboard.store.engine import open_store
from dashboard.store.schema import audit, topic
from dashboard.store.schema_audit import audit_head
from tests.access.people import START, City


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture(scope="session")
def limits() -> Limits:
    return load_limits(city_day(START))


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(START)


@pytest.fixture
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """SQLite, unless a test asks for PostgreSQL by ON_BOTH."""
    wanted = getattr(request, "param", "sqlite")
    return f"sqlite:///{tmp_path / 'store.db'}" if wanted == "sqlite" else str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def city(store_url: str, catalog: Catalog, limits: Limits, clock: SteppedClock) -> Iterator[City]:
    engine = open_store(store_url)
    metadata.create_all(engine, [*(getattr(schema_access, name) for name in schema_access.__all__), audit, audit_head, topic])
    cheap = Passwords(limits, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    desk = Desk(engine, catalog, limits, cheap, Seal(b"k"))
    yield City(desk, Doorman(engine, Access(mode="accounts"), catalog.roles, limits), clock)
    engine.dispose()
