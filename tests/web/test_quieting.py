"""Silences and situations over HTTP: seen, made, ended, taken apart; within what the viewer sees, from our own pages alone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dashboard.alerting.situations import gather
from dashboard.core.clock import SteppedClock
from dashboard.core.sight import EVERYTHING, Sight
from dashboard.web.api import House, machines
from dashboard.web.metrics import Metrics
from tests.crowd import GAP, GAS, Crowd, catalog
from tests.small_city import EAST, WEST, SmallCity
from tests.web.stage import START, City, Web, let_in
from tests.web.stage import House as Front


@pytest.fixture
def crowd(city: City, tmp_path: Path) -> Crowd:
    """Two that belong together in one street, a matter of life in another."""
    town = SmallCity.__new__(SmallCity)
    town.engine, town.clock, town.home = city.engine, SteppedClock(START), tmp_path  # type: ignore[misc]
    made = Crowd(town)
    for number in range(2):
        made.raised(GAP, "yellow", f"s{number}", 10 * number, street=EAST)
    made.raised(GAS, "orange", "t1", 2000, street=WEST)
    made.turn()
    return made


@pytest.fixture
def web(crowd: Crowd, house: Front, clock: SteppedClock) -> Any:
    metrics = Metrics(crowd.engine, house.hub, house.renderer)
    whole = House(crowd.settings, catalog(), crowd.engine, clock, house.hub, house.renderer, metrics)

    def seen_by(sight: Sight = EVERYTHING) -> Web:
        return Web(let_in(machines(whole), sight, name="值班台"))

    return seen_by


def wanted(**more: Any) -> dict[str, Any]:
    return {"rule": GAP, "minutes": 60, "reason": "检修", "seen": 2, **more}


def test_a_silence_is_seen_beforehand_made_listed_and_ended(web: Any, clock: SteppedClock) -> None:
    desk = web()
    shown = desk.post("/api/v1/silences/preview", json={"rule": GAP}).json()
    assert shown == {"hides": [1, 2], "rings": [], "lately": 2, "lately_rings": 0}
    made = desk.post("/api/v1/silences", json=wanted())
    assert made.status_code == 201
    told = made.json()
    assert (told["owner"], told["reason"], told["rule"], told["ended_at"]) == ("值班台", "检修", GAP, None)
    assert told["ends_at"] == "2025-06-18T07:32:00Z"
    assert [one["id"] for one in desk.get("/api/v1/silences").json()] == [told["id"]]
    clock.step(timedelta(minutes=5))
    over = desk.post(f"/api/v1/silences/{told['id']}/end", json={}).json()
    assert (over["ended_by"], over["ended_at"]) == ("值班台", "2025-06-18T06:37:00Z")
    assert desk.get("/api/v1/silences").json() == []
    assert [one["id"] for one in desk.get("/api/v1/silences?state=over").json()] == [told["id"]]
    again = desk.post(f"/api/v1/silences/{told['id']}/end", json={})
    assert (again.status_code, again.json()["detail"]) == (409, "这条静默已经结束 (this silence is over)")


def test_matters_of_life_are_told_as_ringing(web: Any) -> None:
    shown = web().post("/api/v1/silences/preview", json={"domain": "septic_tanks"}).json()
    assert shown == {"hides": [], "rings": [3], "lately": 0, "lately_rings": 1}


REFUSED: list[tuple[str, dict[str, Any], int]] = [
    ("/silences", wanted(seen=1), 409),
    ("/silences", wanted(minutes=100_000), 409),
    ("/silences", wanted(rule="", minutes=60), 409),
    ("/silences", wanted(rule=GAS, seen=0), 409),
    ("/silences", wanted(minutes=0), 422),
    ("/silences", wanted(reason=""), 422),
    ("/silences", wanted(levels="purple"), 422),
    ("/silences", {"rule": GAP}, 422),
    ("/silences/9/end", {}, 404),
    ("/situations/99/leave", {"alert": 1}, 404),
    ("/situations/1/leave", {"alert": 3}, 404),
    ("/situations/1/rejoin", {"alert": 1}, 409),
]


@pytest.mark.parametrize(("path", "said", "status"), REFUSED)
def test_what_cannot_be_is_refused_with_a_reason(web: Any, path: str, said: dict[str, Any], status: int) -> None:
    refused = web().post("/api/v1" + path, json=said)
    assert (refused.status_code, bool(refused.json()["detail"])) == (status, True)


@pytest.mark.parametrize("path", ["/silences", "/silences/preview", "/silences/1/end", "/situations/1/leave", "/situations/1/rejoin"])
def test_only_our_own_pages_may(web: Any, path: str) -> None:
    refused = web().post("/api/v1" + path, json=wanted(alert=1), headers={"origin": "http://elsewhere.example"})
    assert refused.status_code == 403


def test_a_situation_is_listed_with_why_taken_apart_and_put_together(web: Any) -> None:
    desk = web()
    (one,) = desk.get("/api/v1/situations").json()["items"]
    assert (one["street"], one["worst_level"], [m["alert"] for m in one["members"]]) == (EAST, "yellow", [1, 2])
    assert one["members"][1]["why"]["rule"] == "near" and one["members"][1]["why"]["metres"] < 11
    left = desk.post(f"/api/v1/situations/{one['id']}/leave", json={"alert": 2}).json()
    assert [m["left_at"] for m in left["members"]] == [None, "2025-06-18T06:32:00Z"]
    assert desk.get("/api/v1/situations").json()["items"] == []
    back = desk.post(f"/api/v1/situations/{one['id']}/rejoin", json={"alert": 2}).json()
    assert [m["left_at"] for m in back["members"]] == [None, None]


def test_situations_come_page_by_page(web: Any, crowd: Crowd) -> None:
    for number in range(4):
        for east in (0, 10):
            crowd.raised(GAP, "yellow", "", 5000 + 1000 * number + east)
    gather(crowd.engine, catalog(), crowd.settings, crowd.now)
    desk, found, cursor = web(), list[int](), ""
    while True:
        page = desk.get(f"/api/v1/situations?limit=2&cursor={cursor}").json()
        found += [one["id"] for one in page["items"]]
        cursor = page["next"]
        if not cursor:
            break
    assert len(found) == len(set(found)) == 5 and found == sorted(found, reverse=True)


def test_who_sees_a_part_silences_within_it(web: Any) -> None:
    street = web(Sight(streets=(WEST,)))
    assert street.post("/api/v1/silences/preview", json={"rule": GAP}).status_code == 403
    assert street.post("/api/v1/silences/preview", json={"rule": GAP, "street": WEST}).json()["hides"] == []
    assert street.get("/api/v1/situations").json()["items"] == []
    assert street.post("/api/v1/situations/1/leave", json={"alert": 1}).status_code == 404
    tanks = web(Sight(domains=frozenset({"septic_tanks"})))
    assert tanks.post("/api/v1/silences/preview", json={"street": EAST}).status_code == 404
    assert tanks.post("/api/v1/silences/preview", json={"rule": GAP}).status_code == 404
    assert tanks.post("/api/v1/silences/preview", json={"domain": "septic_tanks"}).json()["rings"] == [3]
