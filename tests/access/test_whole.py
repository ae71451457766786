"""The whole application where people sign in: nothing but the doors is open to a stranger, and a write needs our own page's mark."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

import pytest
from argon2 import PasswordHasher

from dashboard import app as application
from dashboard.access.lodge import Lodge, open_lodge
from dashboard.access.passwords import Passwords
from dashboard.app import Parts, create_app, found_pages
from dashboard.core.catalog import Catalog
from dashboard.core.clock import SteppedClock
from dashboard.core.doors import Access
from dashboard.core.tables import metadata
from dashboard.panels.screens import CityPanels
from dashboard.store.engine import open_store
from dashboard.web.shell import layout
from tests.access.people import START, City
from tests.access.test_pages import settings_with, signed_in
from tests.access.visitor import Visitor

STRANGER = {
    **dict.fromkeys(("/", "/accounts", "/audit"), 303),
    **dict.fromkeys(("/api/v1/kpis", "/panels/hero/latest", "/export/alerts.csv", "/_dash-layout", "/metrics"), 401),
    **dict.fromkeys(("/sign-in", "/healthz", "/who"), 200),
}


@pytest.fixture(scope="module")
def guarded(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, City]]:
    home = tmp_path_factory.mktemp("guarded")
    config = dataclasses.replace(settings_with(home, Access(mode="accounts")), store_url=f"sqlite:///{home / 'store.db'}")
    engine, clock = open_store(config.store_url), SteppedClock(START)
    metadata.create_all(engine)
    lodges: list[Lodge] = []

    def cheap(*words: Any) -> Lodge:
        lodge = open_lodge(*words)
        hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        lodges.append(dataclasses.replace(lodge, desk=dataclasses.replace(lodge.desk, passwords=Passwords(lodge.desk.limits, hasher))))
        return lodges[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(application, "open_lodge", cheap)
        parts = Parts(config, catalog, engine, CityPanels(config, catalog, engine), lambda: layout(catalog, config), found_pages(), clock)
        gate = create_app(parts)
    yield gate, City(lodges[0].desk, lodges[0].doorman, clock)
    engine.dispose()


@pytest.mark.parametrize(("path", "status"), STRANGER.items())
def test_a_stranger_finds_only_the_doors(guarded: tuple[Any, City], path: str, status: int) -> None:
    assert Visitor(guarded[0]).get(path).status_code == status


def test_each_comes_in_to_what_is_theirs(guarded: tuple[Any, City]) -> None:
    app, city = guarded
    leader, admin = (
        signed_in(Visitor(app), city.person(name, role)) for name, role in (("leader-1", "leader"), ("security-2", "security_admin"))
    )
    paths = ("/", "/api/v1/kpis", "/accounts", "/metrics", "/audit")
    assert [leader.get(path).status_code for path in paths] == [200, 200, 403, 403, 404]
    assert [admin.get(path).status_code for path in paths] == [404, 403, 200, 403, 404]


def test_a_step_of_an_alert_needs_the_mark_of_our_own_page(guarded: tuple[Any, City]) -> None:
    app, city = guarded
    desk = signed_in(Visitor(app), city.person("desk-1", "desk"))
    step = "/api/v1/alerts/7/steps/acknowledge"
    json = {"content-type": "application/json"}
    assert desk.post(step, **json).status_code == 403
    marked = desk.post(step, **json, **{"x-csrf-token": desk.cookies["cockpit_csrf"]})
    assert marked.status_code != 403, marked.text


@pytest.mark.parametrize(
    ("method", "path", "lasts"),
    [
        ("GET", "/", True),
        ("GET", "/who?here=1", True),
        ("POST", "/api/v1/alerts/7/steps/acknowledge", True),
        ("GET", "/who", False),
        ("GET", "/panels/hero/latest", False),
        ("GET", "/api/v1/kpis", False),
        ("POST", "/_dash-update-component", False),
    ],
)
def test_what_a_page_does_by_itself_does_not_keep_a_session_awake(guarded: tuple[Any, City], method: str, path: str, lasts: bool) -> None:
    app, city = guarded
    leader = signed_in(Visitor(app), city.person(re.sub(r"\W", "-", f"{method}{path}")))
    city.later(minutes=10)
    (leader.get if method == "GET" else leader.post)(path)
    city.later(minutes=8)
    assert (leader.get("/").status_code == 200) is lasts
