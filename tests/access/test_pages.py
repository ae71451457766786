"""The pages people sign in with: forms nobody else can send, cookies nobody else can set, one's own words in each language."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pyotp
import pytest

from dashboard.access.accounts import add_account
from dashboard.access.desk import CONSOLE
from dashboard.access.devices import offer_wall
from dashboard.access.lodge import Lodge
from dashboard.access.who import Shown
from dashboard.core.doors import Access, Grant, Persona
from dashboard.settings import Settings, load_settings
from dashboard.web.accounts import doors
from dashboard.web.visit import genuine, inside
from tests.access.people import ADMIN, GOOD, City, Person
from tests.access.visitor import Visitor

OPEN = Access(mode="open", demo={p.key: p for p in (Persona(key="viewer", role="viewer"), Persona(key="desk", role="desk"))})
CHINESE = re.compile(r"[\u4e00-\u9fff]+")


def settings_with(home: Path, access: Access) -> Settings:
    return dataclasses.replace(load_settings(environ={"COCKPIT_HOME": str(home)}), access=access)


@pytest.fixture
def app(city: City, tmp_path: Path) -> Any:
    return doors(settings_with(tmp_path, Access(mode="accounts")), Lodge(city.desk, city.doorman), city.clock)


@pytest.fixture
def visitor(app: Any) -> Visitor:
    return Visitor(app)


def signed_in(visitor: Visitor, person: Person) -> Visitor:
    person.city.later(minutes=1)
    visitor.get("/sign-in")
    visitor.post("/sign-in", {"name": person.name, "password": GOOD})
    if person.secret:
        visitor.follow()
        visitor.post("/sign-in", {"code": person.code()})
    assert visitor.last.status_code == 303, visitor.last.text
    return visitor


def test_a_newcomer_is_led_through_password_authenticator_and_paper_codes(city: City, visitor: Visitor) -> None:
    first = add_account(city.desk, CONSOLE, "desk-1", Grant(role="desk"), city.now)
    assert "登录" in visitor.get("/sign-in?next=/alerts").text
    visitor.post("/sign-in", {"name": "desk-1", "password": first, "next": "/alerts"})
    assert "请先换一个新口令" in visitor.follow().text
    assert "两次输入不一致" in visitor.post("/sign-in", {"old": first, "new": GOOD, "again": "other"}).text
    visitor.post("/sign-in", {"old": first, "new": GOOD, "again": GOOD, "next": "/alerts"})
    shown = visitor.follow().text
    assert "绑定手机验证器" in shown and 'src="data:image/svg+xml' in shown
    found = re.search(r"<code>([A-Z2-7]{32})</code>", shown)
    assert found
    visitor.post("/sign-in", {"sealed": visitor.hidden("sealed"), "code": "000000"})
    assert found[1] in visitor.last.text  # the same secret is shown again
    done = visitor.post("/sign-in", {"sealed": visitor.hidden("sealed"), "code": pyotp.TOTP(found[1]).at(city.now), "next": "/alerts"})
    assert len(re.findall(r"<li><code>", done.text)) == 8 and 'href="/alerts"' in done.text
    assert "指挥中心值班员 · 全区" in visitor.get("/who").text


def test_a_wrong_name_and_a_wrong_password_are_told_alike(city: City, visitor: Visitor) -> None:
    city.person("leader-1")
    answers = []
    for name in ("leader-1", "leader-2"):
        visitor.get("/sign-in")
        answer = visitor.post("/sign-in", {"name": name, "password": "wrong"})
        answers.append((answer.status_code, answer.text.replace(name, "NAME"), sorted(answer.headers)))
    assert answers[0] == answers[1] and answers[0][0] == 401


def test_a_form_without_our_mark_or_with_another_browsers_signs_nobody_in(city: City, app: Any) -> None:
    city.person("leader-1")
    mine, theirs = Visitor(app), Visitor(app)
    mine.get("/sign-in"), theirs.get("/sign-in")
    words = {"name": "leader-1", "password": GOOD}
    for token in ("", "0" * 64, theirs.hidden("csrf")):
        assert mine.post("/sign-in", words, token=token).status_code == 403
    assert "cockpit_session" not in mine.cookies
    mine.get("/sign-in")
    assert mine.post("/sign-in", words).status_code == 303 and "cockpit_session" in mine.cookies


def test_a_session_brought_along_is_never_taken_over(city: City, visitor: Visitor) -> None:
    person = city.person("leader-1")
    visitor.cookies["cockpit_session"] = "chosen-by-somebody-else"
    signed_in(visitor, person)
    first = visitor.cookies["cockpit_session"]
    assert first != "chosen-by-somebody-else"
    visitor.get("/account")
    new = "Another-good-password-8"
    assert visitor.post("/account", {"old": GOOD, "new": new, "again": new}).status_code == 303
    assert visitor.cookies["cockpit_session"] != first
    assert city.who(first) is None and city.who(visitor.cookies["cockpit_session"]) is not None


def test_signing_out_ends_the_session_and_not_only_the_cookie(city: City, visitor: Visitor) -> None:
    signed_in(visitor, city.person("leader-1"))
    token = visitor.cookies["cockpit_session"]
    visitor.get("/account")
    assert visitor.post("/sign-out", token="").status_code == 303 and city.who(token) is not None  # not ours: nothing happens
    visitor.get("/account")
    visitor.post("/sign-out")
    assert "cockpit_session" not in visitor.cookies and city.who(token) is None
    assert visitor.get("/account").headers["location"] == "/sign-in?next=/account"


@pytest.mark.parametrize(("address", "name"), [("https://cockpit.example", "__Host-cockpit_session"), ("", "cockpit_session")])
def test_cookies_are_kept_from_scripts_and_other_sites(city: City, tmp_path: Path, address: str, name: str) -> None:
    access = Access(mode="accounts", address=address)
    app = doors(settings_with(tmp_path, access), Lodge(city.desk, city.doorman), city.clock)
    visitor = signed_in(Visitor(app, address or "http://cockpit"), city.person("leader-1"))
    session, mark = (next(line for line in visitor.set if f"cockpit_{kind}=" in line) for kind in ("session", "csrf"))
    assert session.startswith(f"{name}=") and {"Path=/", "HttpOnly", "SameSite=Lax"} <= set(session.split("; "))
    assert ("Secure" in session, "Secure" in mark) == (bool(address), bool(address))
    assert "Domain" not in session and "HttpOnly" not in mark


@pytest.mark.parametrize(
    ("wanted", "goes"),
    [
        ("/alerts?level=red&lang=en", "/alerts?level=red&lang=en"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/a\r\nset-cookie: x=1", "/"),
        ("/sign-in", "/"),
        ("", "/"),
    ],
)
def test_nobody_is_sent_elsewhere(city: City, visitor: Visitor, wanted: str, goes: str) -> None:
    assert inside(wanted) == goes
    city.person("leader-1")
    visitor.get("/sign-in")
    assert visitor.post("/sign-in", {"name": "leader-1", "password": GOOD, "next": wanted}).headers["location"] == goes


def test_a_body_too_large_or_no_form_at_all_is_only_an_empty_form(visitor: Visitor) -> None:
    visitor.get("/sign-in")
    assert visitor.post("/sign-in", {"name": "x" * 70_000}).status_code == 403
    assert visitor.post("/sign-in", {}, token="x", **{"content-type": "application/json"}).status_code == 403


# ---- the API in somebody's cookies


def test_a_write_in_cookies_needs_the_mark_only_our_pages_can_read(city: City, app: Any) -> None:
    async def taken(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    visitor = signed_in(Visitor(app), city.person("leader-1"))
    api = Visitor(genuine(taken, city.desk.seal, False))
    api.cookies = {"cockpit_session": visitor.cookies["cockpit_session"]}
    assert api.get("/api/v1/status").status_code == 200
    assert [api.post("/api/v1/x", **{"x-csrf-token": mark}).status_code for mark in ("", "0" * 64)] == [403, 403]
    assert api.post("/api/v1/x", **{"x-csrf-token": visitor.cookies["cockpit_csrf"]}).status_code == 200
    program = Visitor(genuine(taken, city.desk.seal, False))
    assert program.post("/api/v1/x", authorization="Bearer whatever").status_code == 200  # no cookie, nothing to be abused


def test_who_is_led_here_from_an_english_page_is_asked_in_english(visitor: Visitor) -> None:
    visitor.get("/sign-in?next=%2Falerts%3Flang%3Den")
    assert "Sign in" in visitor.follow().text and visitor.hidden("next") == "/alerts?lang=en"


# ---- walls and the demo


def test_a_wall_enrols_with_its_code_and_is_remembered(city: City, visitor: Visitor) -> None:
    code = offer_wall(city.desk, ADMIN, "一号大屏", city.now)
    assert visitor.get("/enrol?code=11111111").status_code == 401
    answer = visitor.get(f"/enrol?code={code}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/?surface=wall")
    assert "Max-Age=31536000" in next(line for line in visitor.set if "cockpit_wall" in line)
    viewer = city.doorman.who(Shown(wall=visitor.cookies["cockpit_wall"]), city.now)
    assert viewer is not None and viewer.name == "一号大屏"
    assert "大屏终端 · 全区" in visitor.get("/who").text


def test_the_open_demo_lets_a_newcomer_try_others(city: City, tmp_path: Path) -> None:
    from dashboard.access.who import Doorman

    doorman = Doorman(city.desk.engine, OPEN, city.desk.catalog.roles, city.desk.limits)
    visitor = Visitor(doors(settings_with(tmp_path, OPEN), Lodge(city.desk, doorman), city.clock), client="127.0.0.1")
    assert visitor.get("/sign-in").headers["location"] == "/"
    assert 'value="viewer" aria-current="true"' in visitor.get("/who?next=/alerts").text
    assert visitor.post("/demo/as", {"persona": "desk"}, token="no").status_code == 303 and "cockpit_persona" not in visitor.cookies
    visitor.get("/who?next=/alerts")
    assert visitor.post("/demo/as", {"persona": "desk", "next": visitor.hidden("next")}).headers["location"] == "/alerts"
    assert 'value="desk" aria-current="true"' in visitor.get("/who").text


def test_where_people_sign_in_there_is_no_switch(city: City, visitor: Visitor) -> None:
    assert "/demo/as" not in visitor.get("/who").text and 'href="/sign-in"' in visitor.last.text
    visitor.get("/sign-in")
    visitor.post("/demo/as", {"persona": "desk"})
    assert "cockpit_persona" not in visitor.cookies


# ---- the security administrator


@pytest.fixture
def admin(city: City, app: Any) -> Visitor:
    return signed_in(Visitor(app), city.person("security-2", "security_admin"))


def test_an_administrator_comes_in_at_the_accounts(admin: Visitor) -> None:
    assert admin.last.headers["location"] == "/accounts"
    assert "security-2" in admin.follow().text


def test_an_account_made_on_the_page_shows_its_password_once(city: City, admin: Visitor) -> None:
    admin.get("/accounts")
    made = admin.post("/accounts", {"act": "add", "name": "桥隧值班", "role": "operator", "domains": ["bridges", "tunnels"]})
    found = re.search(r"<code>([\w-]{23})</code>", made.text)
    assert found and city.enter("桥隧值班", found[1]) is not None
    again = admin.get("/accounts").text
    assert "部门值班员 · 桥梁、隧道" in again and found[1] not in again


def test_acts_of_the_page_do_what_they_say(city: City, admin: Visitor) -> None:
    person = city.person("desk-1", "desk")
    number = city.number("desk-1")
    viewer = city.who(person.entered)
    assert viewer is not None

    def act(name: str, of: Any, **fields: Any) -> Any:
        admin.get("/accounts")
        return admin.post("/accounts", {"act": name, "number": str(of), **fields})

    act("end", viewer.session)
    assert city.who(person.entered) is None
    assert "Authorization: Bearer" in act("token", number, title="bus").text
    act("token-end", 1)
    assert re.search(r"<code>\d{4} \d{4}</code>", act("wall", "", title="一号大屏").text)
    act("wall-end", 1)
    assert "一号大屏" not in admin.get("/accounts").text
    act("second", number)
    act("grant", number, role="street", streets="500103003")
    act("lock", number)
    assert city.enter("desk-1") is None
    act("unlock", number)
    entered = city.enter("desk-1")
    assert entered and entered.stage == "enrol" and "街道用户" in admin.get("/accounts").text


def test_what_is_refused_is_said_in_the_language_of_the_page(city: City, admin: Visitor) -> None:
    admin.get("/accounts")
    assert "部门负责人须选领域</p>" in admin.post("/accounts", {"act": "add", "name": "head-1", "role": "head"}).text
    assert "Department head needs a domain</p>" in admin.post("/accounts?lang=en", {"act": "add", "name": "head-1", "role": "head"}).text
    own = city.number("security-2")
    assert admin.post("/accounts", {"act": "lock", "number": str(own)}).status_code == 409
    assert admin.post("/accounts", {"act": "lock", "number": str(own)}, token="x").status_code == 403


@pytest.mark.parametrize("role", ["leader", "desk", "auditor", "system_admin"])
def test_nobody_else_reaches_the_accounts(city: City, app: Any, role: str) -> None:
    visitor = signed_in(Visitor(app), city.person("somebody", role))
    mark = visitor.cookies["cockpit_csrf"]
    for answer in (visitor.get("/accounts"), visitor.post("/accounts", {"act": "add", "name": "me", "role": "desk"}, token=mark)):
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/accounts")


def test_a_program_of_an_administrator_or_a_persona_of_the_demo_reaches_no_accounts(city: City, tmp_path: Path) -> None:
    from dashboard.access.who import Doorman

    demo = Access(mode="open", demo={"boss": Persona(key="boss", role="security_admin")})
    doorman = Doorman(city.desk.engine, demo, city.desk.catalog.roles, city.desk.limits)
    visitor = Visitor(doors(settings_with(tmp_path, demo), Lodge(city.desk, doorman), city.clock), client="127.0.0.1")
    assert visitor.get("/accounts").status_code == 303


# ---- words


def test_english_pages_are_english(city: City, app: Any) -> None:
    admin = signed_in(Visitor(app), city.person("security-2", "security_admin"))
    city.person("desk-1", "desk", "bridges")
    stranger = Visitor(app)
    pages = [admin.get(f"/{path}?lang=en").text for path in ("accounts", "account", "who")]
    pages += [stranger.get(f"/{path}?lang=en").text for path in ("sign-in", "enrol", "who")]
    pages.append(stranger.post("/sign-in?lang=en", {"name": "x", "password": "y"}).text)
    stranger.get("/sign-in?lang=en")
    stranger.post("/sign-in?lang=en", {"name": "desk-1", "password": GOOD})
    pages += [stranger.follow().text, stranger.post("/sign-in?lang=en", {"code": "1"}).text]
    for text in pages:
        assert not CHINESE.findall(re.sub(r'<a href="\?" lang="zh-CN">中文</a>', "", text)), text
