"""An office on a store of its own, and a receiver."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.notify.office import WEBHOOK, Office, Receiver, notify_of, receiving
from tests.small_city import SmallCity


@pytest.fixture
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """SQLite, unless a test asks for PostgreSQL by ON_BOTH."""
    wanted = getattr(request, "param", "sqlite")
    return f"sqlite:///{tmp_path / 'store.db'}" if wanted == "sqlite" else str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def office(store_url: str, tmp_path: Path) -> Iterator[Office]:
    city = SmallCity(store_url, tmp_path)
    yield Office(city)
    city.leave()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as kept:
        yield kept


@pytest.fixture
def hooked(office: Office, receiver: Receiver) -> Office:
    """An office whose duty desk is told of everything over a webhook."""
    office.notify = notify_of(WEBHOOK, HOOK_URL=receiver.url, HOOK_SECRET="s3cret")
    return office
