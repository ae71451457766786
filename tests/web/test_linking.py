"""Linkages over HTTP: a step answered, a drill begun; within what the viewer sees, from our own pages alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dashboard.core.clock import SteppedClock
from dashboard.core.sight import EVERYTHING, Sight
from dashboard.store.schema import alert, audit
from dashboard.web.api import House, machines
from dashboard.web.metrics import Metrics
from tests.casework.linkage.yard import Yard
from tests.small_city import SmallCity, settings
from tests.web.stage import START, City, Web, let_in
from tests.web.stage import House as Front

HOT = (65.0, 65.0, 65.0)


@pytest.fixture
def yard(city: City, tmp_path: Path, clock: SteppedClock) -> Yard:
    """A hot lamp whose crew is told by hand: its department has no inbox."""
    town = SmallCity.__new__(SmallCity)
    town.engine, town.clock, town.home = city.engine, SteppedClock(START), tmp_path  # type: ignore[misc]
    town.settings = settings(tmp_path)
    made = Yard(town, tmp_path)
    made.settings = town.settings = type(made.settings)(**{**made.settings.__dict__, "outboxes": {}})
    made.minutes(*HOT)
    return made


@pytest.fixture
def web(yard: Yard, house: Front, clock: SteppedClock) -> Any:
    whole = House(
        yard.settings, yard.town.catalog, yard.engine, clock, house.hub, house.renderer, Metrics(yard.engine, house.hub, house.renderer)
    )

    def seen_by(sight: Sight = EVERYTHING) -> Web:
        return Web(let_in(machines(whole), sight, name="值班长"))

    return seen_by


def test_what_became_of_an_order_told_by_hand_is_said_and_noted(web: Any, yard: Yard) -> None:
    said = web().post("/api/v1/linkages/runs/1/steps/cut", json={"state": "done", "note": "电话确认已断电"})
    assert said.status_code == 204
    assert yard.steps()["cut"] == "done"
    again = web().post("/api/v1/linkages/runs/1/steps/cut", json={"state": "done"})
    assert (again.status_code, "请看最新状态" in again.json()["detail"]) == (409, True)
    with yard.engine.connect() as conn:
        assert ("值班长", "playbook.answer") in [(row.actor, row.action) for row in conn.execute(sa.select(audit))]


def test_a_drill_is_begun_by_a_button_once(web: Any, yard: Yard) -> None:
    begun = web().post("/api/v1/linkages/cool/drill", json={"asset": "a", "level": "orange"})
    assert begun.status_code == 201
    with yard.engine.connect() as conn:
        row = conn.execute(sa.select(alert).where(alert.c.alert_id == begun.json()["alert_id"])).one()
    assert (row.drill, row.level, row.number[:3]) == (True, "orange", "演练-")
    assert web().post("/api/v1/linkages/cool/drill", json={"asset": "a"}).status_code == 409


@pytest.mark.parametrize(
    ("path", "said", "status"),
    [
        ("runs/99/steps/cut", {"state": "done"}, 404),
        ("runs/1/steps/gone", {"state": "done"}, 404),
        ("runs/1/steps/verify", {"state": "done"}, 409),
        ("runs/1/steps/cut", {"state": "held"}, 422),
        ("runs/1/steps/cut", {"state": "done", "note": "长" * 501}, 422),
        ("gone/drill", {"asset": "a"}, 404),
        ("cool/drill", {"asset": "z"}, 404),
        ("cool/drill", {}, 422),
    ],
)
def test_what_is_not_there_or_cannot_be_said_is_refused(web: Any, path: str, said: dict[str, str], status: int) -> None:
    assert web().post(f"/api/v1/linkages/{path}", json=said).status_code == status


def test_of_a_domain_a_viewer_does_not_see_there_is_no_run(web: Any, yard: Yard) -> None:
    other = web(Sight(domains=frozenset({"elsewhere"})))
    assert other.post("/api/v1/linkages/runs/1/steps/cut", json={"state": "done"}).status_code == 404
    assert other.post("/api/v1/linkages/cool/drill", json={"asset": "a"}).status_code == 404
    assert yard.steps()["cut"] == "open"


def test_from_a_page_that_is_not_ours_nothing_is_done(web: Any, yard: Yard) -> None:
    strange = web().post("/api/v1/linkages/runs/1/steps/cut", json={"state": "done"}, headers={"origin": "https://elsewhere.example"})
    assert strange.status_code == 403
    assert yard.steps()["cut"] == "open"
