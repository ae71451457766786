"""The leak matrix: every kind of viewer asks every address for everything, tampered with in every way.

What is not theirs is not told, in no panel, file, answer or push, and of what is closed nothing tells that it is there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from dashboard.core.sight import Viewer
from dashboard.panels.policy import NEEDS
from dashboard.panels.screens import KINDS
from dashboard.store.schema import alert_transition, audit
from dashboard.web.routes import ROUTES
from tests.access.canaries import Canaries, alert_of, asset_of, fill
from tests.access.world import (
    CITYLESS,
    GRANTS,
    SEES_MUCH,
    World,
    drawers,
    exports,
    judged,
    machine_addresses,
    placed,
    tampered,
    watched,
    with_world,
    without,
)
from tests.whole_city import WEST


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canaries]:
    filled = fill(tmp_path_factory.mktemp("canaries"))
    yield filled
    filled.town.engine.dispose()


# ---- the matrix
def test_no_panel_says_what_is_not_the_viewers(made: Canaries, record_property: Callable[[str, object], None]) -> None:
    """Every panel of every page and every drawer, for every kind of viewer."""

    async def play(world: World) -> None:
        for who in GRANTS:
            for panel in placed() if who in CITYLESS else (*placed(), *drawers(made)):
                await world.look(who, f"/panels/{quote(panel, safe=':/')}/latest")

    world = with_world(made, play)
    judged(world)
    record_property("requests", world.asked.total())
    print(f"panels: {world.asked.total()} requests by {len(world.asked)} viewers, 0 leaks")
    every = {(whose, where) for whose in range(len(made.domains)) for where in (0, 1, 3)}
    for who in SEES_MUCH:  # the matrix would find nothing if nothing were said
        assert every <= world.seen[who]
    assert {where for _, where in world.seen["street-east"]} == {1}
    assert {whose for whose, _ in world.seen["head-bridges"]} == {list(made.domains).index("bridges")}
    for nothing in ("nobody", "head-nothing", "street-nothing", "security_admin", "auditor"):
        assert world.seen[nothing] == set(), nothing


CROSS = ("verdict", "alerts", "feed", "street-matters")
CROSS_TOO = ("asset-card", "asset-life", "chart:skeleton", "readings:skeleton")


def test_no_tampered_address_widens_a_panel(made: Canaries) -> None:
    async def play(world: World) -> None:
        for who in set(GRANTS) - {*CITYLESS, *SEES_MUCH, "wall"}:
            for query in tampered(made):
                for panel in (*CROSS, *CROSS_TOO, f"explain:{made.indices[1]}"):
                    await world.look(who, f"/panels/{panel}/latest?{query}")

    world = with_world(made, play)
    judged(world)
    print(f"tampered panels: {world.asked.total()} requests, 0 leaks")


def test_no_machine_is_told_what_is_not_its_own(made: Canaries) -> None:
    async def play(world: World) -> None:
        for who in GRANTS:
            for address in machine_addresses(made):
                await world.look(who, address)
            for i, address in enumerate(exports(made)):
                await world.look(who, f"{address}?{('', f'scope={WEST.code}', 'lang=en&at=20260520T033000Z')[i % 3]}")

    world = with_world(made, play)
    judged(world)
    print(f"machines and exports: {world.asked.total()} requests, 0 leaks")
    assert len(world.seen["leader"]) > 50


SPOOFS: Iterable[dict[str, str]] = (
    {"x-forwarded-for": "127.0.0.1", "x-forwarded-user": "leader", "x-real-ip": "127.0.0.1"},
    {"cookie": "cockpit_persona=leader; cockpit_session=leader; cockpit_wall=wall"},
    {"x-original-url": "/api/v1/alerts", "x-rewrite-url": "/panels/alerts/latest", "x-http-method-override": "POST"},
    {"forwarded": "for=127.0.0.1;host=cockpit", "x-role": "desk", "x-remote-user": "desk"},
)


def test_no_header_makes_somebody_else_of_a_viewer(made: Canaries) -> None:
    async def play(world: World) -> None:
        for who in GRANTS:
            for address in ("/panels/alerts/latest", "/panels/verdict/latest", "/api/v1/alerts?state=all", "/export/alerts.csv"):
                plain = await world.look(who, address)
                for spoof in SPOOFS:
                    told = await world.look(who, address, **spoof)
                    assert (told.status, told.body) == (plain.status, plain.body)

    judged(with_world(made, play))


STRANGE = (
    "//api/v1/alerts",
    "/API/v1/alerts",
    "/api//v1/alerts",
    "/api/v1/alerts/",
    "/panels/../api/v1/alerts",
    "/assets/../../cockpit.toml",
)


def test_no_spelling_of_an_address_passes_the_gate(made: Canaries) -> None:
    async def play(world: World) -> None:
        for who in GRANTS:
            for address in (
                *STRANGE,
                "/panels//latest",
                "/panels/alerts%00/latest",
                "/panels/" + "a" * 4000 + "/latest",
                "/live",
                "/live/events",
            ):
                await world.look(who, address)
            for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"):
                await world.look(who, "/api/v1/alerts?state=all", method=method)
                await world.look(who, "/panels/alerts/latest", method=method)

    judged(with_world(made, play))


def test_of_what_is_closed_it_is_answered_as_of_what_is_not_there(made: Canaries) -> None:
    """Not a byte tells whether it exists."""
    whose, gone, nothing = list(made.domains).index("rentals"), 999_999, "a" * 10
    ident, asset = alert_of(whose, 3), asset_of(whose, 3)
    pairs = (
        (f"/panels/alert:{ident}/latest", f"/panels/alert:{gone}/latest"),
        (f"/panels/asset:rentals/{asset}/latest", f"/panels/asset:rentals/{nothing}/latest"),
        (f"/panels/explain:rentals.{made.town.catalog.domains['rentals'].kpis[0].key}/latest", "/panels/explain:rentals.none/latest"),
        ("/panels/sheet:rentals/latest", "/panels/sheet:moon/latest"),
        (f"/api/v1/alerts/{ident}/photos/{ident:064x}", f"/api/v1/alerts/{gone}/photos/{gone:064x}"),
        (f"/api/v1/series/{asset}/battery", f"/api/v1/series/{nothing}/battery"),
        ("/api/v1/alerts?domain=rentals", "/api/v1/alerts?domain=moon"),
        ("/immunity", "/moon"),
    )

    async def play(world: World) -> None:
        for closed, missing in pairs:
            there, nowhere = await world.ask("head-bridges", closed), await world.ask("head-bridges", missing)
            assert there.status == nowhere.status == 404, closed
            assert without(there.text, closed) == without(nowhere.text, missing)

    with_world(made, play)


def test_a_step_on_somebody_elses_alert_is_a_step_on_none(made: Canaries) -> None:
    air = list(made.domains).index("air")

    def steps() -> int:
        with made.town.engine.connect() as conn:
            return int(conn.scalar(sa.select(sa.func.count()).select_from(alert_transition)) or 0)

    async def play(world: World) -> None:
        told = {"content-type": "application/json"}
        for who in ("head-bridges", "street-east", "head-skeleton"):
            for where in (0, 3):
                answer = await world.look(
                    who, f"/api/v1/alerts/{alert_of(air, where)}/steps/acknowledge", method="POST", body=b"{}", **told
                )
                assert answer.status == 404
        for body in (b'{"domain":"air"}', b'{"rule":"air.pm25"}', b'{"asset":"' + asset_of(air, 1).encode() + b'"}'):
            answer = await world.look("head-bridges", "/api/v1/silences/preview", method="POST", body=body, **told)
            assert answer.status in (404, 422)
        wide = await world.look("head-bridges", f"/api/v1/silences/{alert_of(air, 1)}/end", method="POST", **told)
        assert wide.status == 404
        for who in ("wall", "viewer", "leader", "auditor"):
            answer = await world.look(who, f"/api/v1/alerts/{alert_of(air, 1)}/steps/acknowledge", method="POST", body=b"{}", **told)
            assert answer.status == 403
        mine = await world.look(
            "operator-air", f"/api/v1/alerts/{alert_of(air, 1)}/steps/comment", method="POST", body=b'{"note":"x"}', **told
        )
        assert mine.status == 200

    before = steps()
    judged(with_world(made, play))
    assert steps() == before + 1
    with made.town.engine.connect() as conn:
        signed = conn.scalar(sa.select(alert_transition.c.actor).order_by(alert_transition.c.transition_id.desc()).limit(1))
        denied = conn.execute(sa.select(audit.c.actor, audit.c.object).where(audit.c.outcome == "denied")).all()
    assert signed == "operator-air", "who did it is who was signed in, whatever the request says"
    assert {"head-bridges", "street-east", "viewer", "auditor"} <= {row.actor for row in denied}


# ---- the live channel
def test_a_socket_pushes_nothing_that_is_not_the_viewers(made: Canaries) -> None:
    panels = ["alerts", "verdict", "vitals", "feed", "notices", "kpis:skeleton", "alert:1", "alert:50", f"asset:bridges/{asset_of(0, 2)}"]

    async def play(world: World) -> None:
        closes = {}
        for who in ("viewer", "leader", "head-bridges", "street-east", "auditor", "nobody"):
            for query in ("", f"scope={WEST.code}&system=air"):
                closes[who], sent = await watched(world, who, panels, query)
                world.judge(who, f"socket {query}", json.dumps(list(sent.values())))
        assert closes["nobody"] == [4401] and closes["leader"] == []
        assert world.seen["leader"] and not world.seen["auditor"]

    judged(with_world(made, play))


# ---- who shares what
def test_equal_sights_share_one_rendering_and_unequal_ones_nothing(made: Canaries) -> None:
    async def play(world: World) -> None:
        world.roster.viewers["twin"] = Viewer("twin", *[getattr(world.roster.viewers["street-east"], part) for part in ("role", "sight")])
        renderer = world.gate._app._live._renderer  # type: ignore[attr-defined]
        first = await world.ask("street-east", "/panels/feed/latest")
        made_so_far = renderer.tally.rendered
        second = await world.ask("twin", "/panels/feed/latest")
        assert (first.body, first.headers[b"etag"]) == (second.body, second.headers[b"etag"])
        assert renderer.tally.rendered == made_so_far
        for who in ("street-two", "leader", "viewer"):
            other = await world.ask(who, "/panels/feed/latest")
            assert other.headers[b"etag"] != first.headers[b"etag"]
        assert b"private" in first.headers[b"cache-control"] and b"cookie" in first.headers[b"vary"]
        stale = await world.ask("street-two", f"/panels/feed/{first.headers[b'etag'].decode().strip(chr(34))}")
        assert stale.status == 410

    with_world(made, play)


def test_the_table_of_routes_and_panels_has_a_line_for_all_and_no_more(made: Canaries) -> None:
    assert set(NEEDS) == set(KINDS)
    roles = made.town.catalog.roles.values()
    for key, policy in ROUTES.items():
        assert policy.public or any(policy.opens_to(role.actions) for role in roles), f"{key} opens to nobody"
