"""A store on each database, panels over it, and the front that serves them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from dashboard.core.clock import SteppedClock
from dashboard.store.engine import open_store, writing
from dashboard.store.schema import lease, metadata
from dashboard.web.front import Front, content_policy
from dashboard.web.hub import Hub
from dashboard.web.live import Live
from dashboard.web.pulse import Pulse
from dashboard.web.renderer import Renderer
from dashboard.web.static import Static
from tests.web.stage import START, City, House, NumberPanels, Unwatched, a_page, let_in


@pytest.fixture
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """SQLite, unless a test asks for PostgreSQL by ON_BOTH."""
    wanted = getattr(request, "param", "sqlite")
    return f"sqlite:///{tmp_path / 'store.db'}" if wanted == "sqlite" else str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def city(store_url: str) -> Iterator[City]:
    """The store."""
    engine = open_store(store_url)
    metadata.create_all(engine)
    with writing(engine).begin() as conn:
        conn.execute(sa.insert(lease).values(name="worker", holder="test", fence=1, beat_at=START))
    yield City(engine)
    engine.dispose()


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(START)


@pytest.fixture
def panels(city: City) -> NumberPanels:
    return NumberPanels(city)


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    folder = tmp_path / "assets"
    folder.mkdir()
    (folder / "app.css").write_text("body { color: black }\n" * 200, "utf-8")
    (folder / "tiny.js").write_text("1", "utf-8")
    (folder / ".secret").write_text("no", "utf-8")
    (tmp_path / "outside.txt").write_text("outside", "utf-8")
    return folder


@pytest.fixture
def house(city: City, panels: NumberPanels, clock: SteppedClock, assets: Path, tmp_path: Path) -> House:
    renderer = Renderer(panels, Pulse(city.engine), clock)
    hub = Hub(renderer, clock, "build-1")
    static = Static(assets, {"dash": {"dash-renderer/build/dash_renderer.min.js"}}, tmp_path / "packed")
    front = Front(a_page, a_page, Live(hub, renderer, panels, Unwatched()), hub, static, frozenset({"/"}), content_policy(["'sha256-x'"]))
    return House(let_in(front), hub, renderer, panels)
