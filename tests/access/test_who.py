"""Who a request is from: the open demo, the doorman's memory, and configuration that would let in the wrong people."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dashboard.access.sealed import Seal
from dashboard.access.totp import new_secret, step_of
from dashboard.access.who import Doorman, Shown, check_access
from dashboard.access.words import masked_words, may_words, scope_words
from dashboard.access_settings import load_access
from dashboard.core.catalog import Catalog
from dashboard.core.declare import Text
from dashboard.core.doors import Access, Persona
from dashboard.core.errors import ConfigurationError
from dashboard.core.sight import Viewer
from dashboard.run import require_loopback
from dashboard.settings import load_settings
from dashboard.web.gate import Gate, Keepers
from dashboard.web.routes import SEE, Routes
from tests.access.people import HERE, START, City

PERSONAS = {
    "viewer": Persona(key="viewer", role="viewer"),
    "head": Persona(key="head", role="head", domains=("bridges", "tunnels")),
    "street": Persona(key="street", role="street", streets=("500103003",)),
    "auditor": Persona(key="auditor", role="auditor"),
}


def greeted(city: City, **shown: Any) -> Viewer | None:
    open_demo = Access(mode="open", demo=PERSONAS)
    return Doorman(city.desk.engine, open_demo, city.desk.catalog.roles, city.desk.limits).who(
        Shown(**{"client": "127.0.0.1"} | shown), START
    )


@pytest.mark.parametrize(
    ("persona", "words"),
    [
        ("", Text("浏览 · 全区", "Viewer · whole district")),
        ("nobody-known", Text("浏览 · 全区", "Viewer · whole district")),
        ("head", Text("部门负责人 · 桥梁、隧道", "Department head · Bridges, Tunnels")),
        ("auditor", Text("审计员 · 不含城市数据", "Auditor · no city data")),
    ],
)
def test_a_newcomer_is_a_viewer_and_may_try_others(city: City, persona: str, words: Text) -> None:
    viewer = greeted(city, persona=persona)
    assert viewer is not None and scope_words(viewer, city.desk.catalog) == words
    assert viewer.name == viewer.role.title.zh and not viewer.session


def test_what_may_be_done_and_what_is_left_out_is_said_in_words(city: City) -> None:
    viewer, street = greeted(city), greeted(city, persona="street")
    assert viewer and street
    assert (may_words(viewer).zh, masked_words(viewer).en) == ("查看", "who acted, written notes, photographs, exact addresses")
    assert may_words(street).zh == "查看、下钻到行、导出、处置预警" and masked_words(street).zh == ""
    assert "解放碑" in scope_words(street, city.desk.catalog).zh


@pytest.mark.parametrize(("client", "let_in"), [("127.0.0.1", True), ("::1", True), ("10.0.0.7", False), ("", False), ("8.8.8.8", False)])
def test_the_open_demo_knows_nobody_on_another_machine(city: City, client: str, let_in: bool) -> None:
    assert (greeted(city, client=client, persona="head") is not None) is let_in


def test_in_accounts_mode_a_persona_is_nobody(city: City) -> None:
    for shown in (Shown(persona="head", client="127.0.0.1"), Shown(session="made-up", client=HERE), Shown(wall="x"), Shown(bearer="x")):
        assert city.doorman.who(shown, city.now) is None


def test_a_viewer_is_looked_up_once_in_five_seconds_and_nobody_is_not_remembered(city: City) -> None:
    person, asked = city.person("leader-1"), []
    sa.event.listen(city.desk.engine, "before_cursor_execute", lambda *words: asked.append(words[2]))
    for _ in range(50):
        assert city.who(person.entered) is not None
    once = len(asked)
    city.later(seconds=5)
    city.who(person.entered)
    assert once and len(asked) == 2 * once
    assert city.doorman.remembered(Shown(session="made-up", client=HERE), city.now) is None


@pytest.mark.parametrize(
    ("kind", "path", "told"),
    [
        ("http", "/", 503),
        ("http", "/api/v1/kpis", 503),
        ("http", "/healthz", 200),
        ("websocket", "/live", 1013),
        ("http", "/accounts", 503),
    ],
)
def test_a_store_that_is_away_signs_nobody_out(city: City, tmp_path: Path, kind: str, path: str, told: int) -> None:
    away = Doorman(sa.create_engine(f"sqlite:///{tmp_path}/none/x.db"), Access(mode="accounts"), city.desk.catalog.roles, city.desk.limits)
    said: list[dict[str, Any]] = []

    async def fine(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def hear() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        said.append(message)

    nobody: Any = None
    gate = Gate(fine, Keepers(away, nobody, nobody), Routes({"/": SEE}), city.desk.catalog, city.clock, secure=False)
    scope = {"type": kind, "method": "GET", "path": path, "query_string": b"", "headers": [(b"cookie", b"cockpit_session=x")]}
    asyncio.run(gate(scope, hear, send))
    assert said[0].get("status", said[0].get("code")) == told


# ---- configuration


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        ({"mode": "closed"}, "access.mode"),
        ({"mods": "open"}, "access.mods"),
        ({"address": "http://cockpit.example"}, "access.address"),
        ({"demo": {"x": {"title": ["甲", "A"]}}}, "access.demo.x.role"),
        ({"demo": {"x": {"role": "head", "title": ["甲"]}}}, "access.demo.x.title"),
        ({"demo": {"x": {"role": "head", "domains": "bridges"}}}, "access.demo.x.domains"),
        ({"demo": {"x": 3}}, "access.demo.x"),
        ({"oidc": {"issuer": "https://sso", "client_id": "c"}}, "access.address"),
        ({"address": "https://c", "oidc": {"issuer": "https://sso"}}, "access.oidc.client_id"),
        ({"address": "https://c", "oidc": {"issuer": "http://sso", "client_id": "c"}}, "access.oidc.issuer"),
        ({"address": "https://c", "oidc": {"issuer": "https://s", "client_id": "c", "grant": {"g": {}}}}, "access.oidc.grant.g.role"),
    ],
)
def test_a_wrong_way_in_is_refused_by_file_and_key(raw: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_access(raw, "cockpit.toml", {})
    assert (refused.value.file, refused.value.key) == ("cockpit.toml", key)


@pytest.mark.parametrize(
    ("persona", "key"),
    [
        (Persona(key="x", role="king"), "access.demo.x.role"),
        (Persona(key="x", role="head"), "access.demo.x.domains"),
        (Persona(key="x", role="head", domains=("moon",)), "access.demo.x.domains"),
    ],
)
def test_a_persona_of_what_is_not_declared_is_refused(catalog: Catalog, persona: Persona, key: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        check_access(Access(demo={"x": persona}), catalog.roles, catalog.domains)
    assert refused.value.key == key


def test_what_ships_is_an_open_demo_whose_personas_fit(catalog: Catalog, tmp_path: Path) -> None:
    access = load_settings(environ={"COCKPIT_HOME": str(tmp_path)}).access
    check_access(access, catalog.roles, catalog.domains)
    assert access.open and next(iter(access.demo)) == "viewer" and {"leader", "head", "operator", "desk"} <= set(access.demo)


@pytest.mark.parametrize(
    ("environ", "refused"),
    [
        ({"HOST": "0.0.0.0"}, "COCKPIT_ACCESS=accounts"),
        ({"HOST": "192.168.1.5"}, "COCKPIT_ACCESS=accounts"),
        ({"HOST": "::"}, "COCKPIT_ACCESS=accounts"),
        ({"HOST": "0.0.0.0", "COCKPIT_ADDRESS": "https://cockpit.example"}, "COCKPIT_ACCESS=accounts"),
        ({"HOST": "0.0.0.0", "COCKPIT_ACCESS": "accounts"}, "in the clear"),
        ({"HOST": "0.0.0.0", "COCKPIT_ACCESS": "accounts", "COCKPIT_ADDRESS": "https://cockpit.example"}, ""),
        ({"HOST": "127.0.0.1", "COCKPIT_ACCESS": "accounts"}, ""),
        ({"HOST": "127.0.0.1"}, ""),
        ({"HOST": "::1"}, ""),
    ],
)
def test_beyond_this_machine_people_sign_in_and_over_tls(environ: dict[str, str], refused: str, tmp_path: Path) -> None:
    settings = load_settings(environ=environ | {"COCKPIT_HOME": str(tmp_path)})
    if not refused:
        return require_loopback(settings)
    with pytest.raises(ConfigurationError, match=refused):
        require_loopback(settings)


# ---- secrets


def test_what_is_sealed_for_one_purpose_or_under_one_key_opens_nowhere_else() -> None:
    seal = Seal(b"ours")
    closed = seal.close("secret", "totp")
    assert seal.open(closed, "totp") == "secret"
    spoiled = ("A" if closed[20] != "A" else "B").join((closed[:20], closed[21:]))
    assert [seal.open(closed, "oidc"), Seal(b"theirs").open(closed, "totp"), seal.open(spoiled, "totp"), seal.open("é", "totp")] == [
        None
    ] * 4
    assert seal.marked("a", seal.mark("a", "csrf"), "csrf") and not seal.marked("a", seal.mark("a", "oidc"), "csrf")


def test_codes_are_those_of_rfc_6238() -> None:
    from datetime import UTC, datetime

    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # its appendix B, the last six digits
    for at, code in ((59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")):
        assert step_of(secret, code, datetime.fromtimestamp(at, UTC), 0) == at // 30
    assert step_of(new_secret(), "", START, 0) is None
