"""Sign-in through a real OpenID provider: there and back, renewed, refused, signed out, and everything that does not fit turned away."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hmac
import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from dashboard.access.accounts import account_named, lock
from dashboard.access.lodge import Lodge
from dashboard.access.oidc import Asked, Provider, ProviderAwayError
from dashboard.access.sealed import kept
from dashboard.access.sso import Sso
from dashboard.access.who import Doorman
from dashboard.core.clock import SteppedClock
from dashboard.core.doors import Access, Grant, Oidc
from dashboard.core.errors import NotAllowedError
from dashboard.store.engine import writing
from dashboard.store.schema_access import account
from dashboard.web.accounts import doors
from tests.access.people import ADMIN, City
from tests.access.test_pages import settings_with
from tests.access.visitor import Visitor

CLIENT, SECRET, LASTS_S = "cockpit", "cockpit-secret-of-the-tests", 300  # as provider.py has them
BACK, HOME = "http://127.0.0.1:9/oidc/back", "http://127.0.0.1:9"
GRANTS = {"指挥中心": Grant(role="desk"), "桥梁处": Grant(role="head", domains=("bridges",))}


@dataclass(frozen=True)
class Office:
    """The provider as a process."""

    issuer: str

    def ask(self, path: str, **query: str) -> None:
        answer = httpx.get(self.issuer.removesuffix("/o") + path, params=query, trust_env=False)
        assert answer.status_code == 200, answer.text


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    if importlib.util.find_spec("oauth2_provider") is None:
        (pytest.fail if os.environ.get("CI", "").lower() in ("1", "true", "yes") else pytest.skip)("django-oauth-toolkit is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, str(Path(__file__).with_name("provider.py")), str(port), BACK, f"{HOME}/sign-in"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    office = Office(f"http://127.0.0.1:{port}/o")
    try:
        for _ in range(300):
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{office.issuer}/.well-known/openid-configuration", trust_env=False).status_code == 200:
                    break
            assert process.poll() is None, process.stderr and process.stderr.read().decode()
            time.sleep(0.1)
        yield office
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def clock() -> SteppedClock:
    """The provider keeps real time; we start with it."""
    return SteppedClock(datetime.now(UTC))


def config_of(office: Office, **other: Any) -> Oidc:
    return dataclasses.replace(Oidc(issuer=office.issuer, client_id=CLIENT, client_secret=SECRET, grants=GRANTS), **other)


@dataclass
class Meeting:
    """A browser between our doors and the provider's."""

    city: City
    sso: Sso
    visitor: Visitor

    def recognised(self, user: str, change: Callable[[str], str] = lambda address: address) -> str:
        """Sign in at the provider as somebody; the address they are sent back to."""
        there = change(self.visitor.get("/oidc/start?next=/alerts").headers["location"])
        with httpx.Client(trust_env=False) as client:
            origin = "{0.scheme}://{0.netloc}".format(urlsplit(there))
            client.get(f"{origin}/be", params={"user": user})
            return client.get(there).headers["location"]

    def arrive(self, address: str) -> httpx.Response:
        """Come back to us."""
        return self.visitor.get(address.removeprefix(HOME))

    def enter(self, user: str) -> str:
        """The session of somebody who signed in."""
        answer = self.arrive(self.recognised(user))
        assert (answer.status_code, answer.headers["location"]) == (303, "/alerts"), answer.text
        return self.visitor.cookies["cockpit_session"]


@pytest.fixture
def meeting(city: City, office: Office, tmp_path: Path) -> Meeting:
    for user, groups in (("head", "桥梁处"), ("desk", "食堂,指挥中心,桥梁处"), ("stranger", "食堂")):
        office.ask("/test/groups", user=user, groups=groups)
    config = config_of(office)
    access = Access(mode="accounts", address=HOME, oidc=config)
    sso = Sso(city.desk, Provider(config, BACK))
    city.doorman = Doorman(city.desk.engine, access, city.desk.catalog.roles, city.desk.limits, sso.renew)
    return Meeting(city, sso, Visitor(doors(settings_with(tmp_path, access), Lodge(city.desk, city.doorman, sso), city.clock)))


@pytest.mark.parametrize(
    ("user", "role", "domains"), [("head", "head", frozenset({"bridges"})), ("desk", "desk", None)]
)  # the first configured group that fits counts
def test_groups_of_the_provider_become_a_role_with_its_part_of_the_city(meeting: Meeting, user: str, role: str, domains: Any) -> None:
    viewer = meeting.city.who(meeting.enter(user))
    assert viewer is not None and (viewer.name, viewer.role.key, viewer.sight.domains) == (f"{user}@sso", role, domains)
    assert meeting.city.noted("session.begin")[-1] == (f"{user}@sso", f"{user}@sso", "done")


def test_somebody_without_a_group_of_ours_is_recognised_and_not_let_in(meeting: Meeting) -> None:
    answer = meeting.arrive(meeting.recognised("stranger"))
    assert answer.status_code == 403 and "没有授权" in answer.text and "stranger@sso" in answer.text
    assert "cockpit_session" not in meeting.visitor.cookies


def test_an_account_locked_here_stays_out_whatever_the_provider_says(meeting: Meeting) -> None:
    meeting.enter("head")
    lock(meeting.city.desk, ADMIN, account_named(meeting.city.desk, "head@sso").account_id, True, meeting.city.now)
    assert meeting.arrive(meeting.recognised("head")).status_code == 403


def swapped(name: str) -> Callable[[str], str]:
    """The address we send people to, with another value of a parameter."""

    def change(address: str) -> str:
        value = parse_qs(urlsplit(address).query)[name][0]
        return address.replace(f"{name}={value}", f"{name}={value[::-1]}")

    return change


@pytest.mark.parametrize("name", ["state", "nonce", "code_challenge"])
def test_an_answer_to_another_question_is_refused(meeting: Meeting, name: str) -> None:
    answer = meeting.arrive(meeting.recognised("head", swapped(name)))
    assert answer.status_code == 403 and "cockpit_session" not in meeting.visitor.cookies


def test_a_code_counts_once_and_only_in_the_browser_that_asked(meeting: Meeting) -> None:
    address = meeting.recognised("head")
    mine = meeting.visitor.cookies.pop("cockpit_oidc")
    assert meeting.arrive(address).status_code == 403  # in another browser
    meeting.visitor.cookies["cockpit_oidc"] = mine
    assert meeting.arrive(address).status_code == 303
    meeting.visitor.cookies["cockpit_oidc"] = mine
    assert meeting.arrive(address).status_code == 403


def test_whoever_takes_too_long_begins_again(meeting: Meeting) -> None:
    address = meeting.recognised("head")
    meeting.city.later(minutes=11)
    assert meeting.arrive(address).status_code == 403


def test_a_refusal_of_the_provider_is_told_as_one(meeting: Meeting) -> None:
    state = parse_qs(urlsplit(meeting.visitor.get("/oidc/start").headers["location"]).query)["state"][0]
    assert meeting.visitor.get(f"/oidc/back?error=access_denied&state={state}").status_code == 403


def test_an_issuer_that_is_not_what_it_says_is_no_provider(office: Office, clock: SteppedClock) -> None:
    other = config_of(office, issuer=office.issuer.replace("127.0.0.1", "localhost"))
    with pytest.raises(ProviderAwayError, match="says it is"):
        Provider(other, BACK).away(clock.now())


# ---- while the session lives


def test_a_session_is_renewed_with_the_provider_as_long_as_it_lives(meeting: Meeting) -> None:
    session = meeting.enter("head")
    before = meeting.city.row(session).provider
    for _ in range(3):
        meeting.city.later(seconds=LASTS_S)
        assert meeting.city.who(session) is not None
    assert meeting.city.row(session).provider != before


def test_a_refused_renewal_ends_the_session(meeting: Meeting, office: Office) -> None:
    session = meeting.enter("head")
    office.ask("/test/revoke")
    assert meeting.city.who(session) is not None
    meeting.city.later(seconds=LASTS_S)
    assert meeting.city.who(session) is None and meeting.city.row(session) is None
    assert meeting.city.noted("session.end")[-1][0] == "provider"


def test_groups_that_changed_end_the_session_and_the_next_one_has_the_new_role(meeting: Meeting, office: Office) -> None:
    session = meeting.enter("head")
    office.ask("/test/groups", user="head", groups="指挥中心")
    meeting.city.later(seconds=LASTS_S)
    assert meeting.city.who(session) is None
    viewer = meeting.city.who(meeting.enter("head"))
    assert viewer is not None and viewer.role.key == "desk"


def test_a_provider_that_is_away_ends_nobody_and_is_not_asked_for_each(meeting: Meeting) -> None:
    sessions, asked = [meeting.enter(user) for user in ("head", "desk")], []

    def silent(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        raise httpx.ConnectTimeout("no answer")

    meeting.sso.provider = Provider(meeting.sso.provider.config, BACK, httpx.MockTransport(silent))
    meeting.city.later(seconds=LASTS_S)
    assert all(meeting.city.who(session) is not None for session in sessions) and len(asked) == 1
    meeting.city.later(seconds=61)
    assert all(meeting.city.who(session) is not None for session in sessions) and len(asked) == 2


def test_signing_out_here_signs_out_there(meeting: Meeting, office: Office) -> None:
    session = meeting.enter("head")
    meeting.visitor.get("/who")
    there = meeting.visitor.post("/sign-out").headers["location"]
    assert there.startswith(f"{office.issuer}/logout/") and meeting.city.row(session) is None
    with httpx.Client(trust_env=False) as client:
        client.get(f"{office.issuer.removesuffix('/o')}/be", params={"user": "head"})
        back = client.get(there)
        assert back.status_code == 302 and back.headers["location"].startswith(f"{HOME}/sign-in")
        again = client.get(meeting.visitor.get("/oidc/start").headers["location"])
        assert urlsplit(again.headers["location"]).path == "/be"  # the provider asks who they are


def test_keys_that_turned_are_read_anew(meeting: Meeting, office: Office) -> None:
    meeting.enter("head")
    office.ask("/test/turn")
    meeting.city.later(minutes=2)
    meeting.enter("head")


# ---- tokens that do not hold, signed by a provider of our own making

KEY, STRANGERS = RSAKey.generate_key(2048, {"kid": "ours"}), RSAKey.generate_key(2048, {"kid": "ours"})
ISSUER = "https://sso.example"
EVENTS = {"http://schemas.openid.net/event/backchannel-logout": {}}


def provider_that_says(token: str, nonce: str = "n") -> Provider:
    document = {"issuer": ISSUER, "token_endpoint": f"{ISSUER}/token", "jwks_uri": f"{ISSUER}/keys"}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/keys":
            return httpx.Response(200, json=KeySet([KEY]).as_dict())
        return httpx.Response(200, json={"id_token": token, "access_token": "a"} if request.url.path == "/token" else document)

    return Provider(Oidc(issuer=ISSUER, client_id=CLIENT), BACK, httpx.MockTransport(answer))


def token_of(now: datetime, key: RSAKey = KEY, algorithm: str = "RS256", **other: Any) -> str:
    at = int(now.timestamp())
    said = {"iss": ISSUER, "aud": CLIENT, "sub": "7", "iat": at, "exp": at + 60, "nonce": "n", "groups": [], "preferred_username": "x"}
    claims = {name: value for name, value in (said | other).items() if value is not None}
    return jwt.encode({"alg": algorithm, "kid": "ours"}, claims, key)


@pytest.mark.parametrize(
    ("key", "other"),
    [
        (KEY, {"iss": "https://evil.example"}),
        (KEY, {"aud": "somebody-else"}),
        (KEY, {"aud": None}),
        (KEY, {"exp": 1}),
        (KEY, {"exp": None}),
        (KEY, {"sub": None}),
        (KEY, {"nonce": "other"}),
        (KEY, {"nonce": None}),
        (STRANGERS, {}),
    ],
)
def test_a_token_that_does_not_hold_is_refused(clock: SteppedClock, key: RSAKey, other: dict[str, Any]) -> None:
    now = clock.now()
    asked, given = Asked("s", "n", "v"), {"state": "s", "code": "c"}
    assert provider_that_says(token_of(now)).back(given, asked, now).claims["sub"] == "7"
    with pytest.raises(NotAllowedError):
        provider_that_says(token_of(now, key, **other)).back(given, asked, now)


def test_a_token_signed_with_nothing_or_with_the_public_key_as_a_secret_is_refused(clock: SteppedClock) -> None:
    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).decode().rstrip("=")

    now = clock.now()
    claims = {"iss": ISSUER, "aud": CLIENT, "sub": "7", "exp": int(now.timestamp()) + 60, "nonce": "n"}
    body = part(json.dumps(claims).encode())
    unsigned, confused = (part(json.dumps({"alg": alg, "kid": "ours"}).encode()) + f".{body}" for alg in ("none", "HS256"))
    mac = part(hmac.digest(KEY.as_pem(private=False), confused.encode(), "sha256"))
    for token in (f"{unsigned}.", f"{confused}.{mac}", "no.token", ""):
        with pytest.raises(NotAllowedError):
            provider_that_says(token).back({"state": "s", "code": "c"}, Asked("s", "n", "v"), now)


def test_the_provider_ends_sessions_by_a_logout_token_and_by_nothing_else(meeting: Meeting) -> None:
    session, now = meeting.enter("head"), meeting.city.now
    meeting.sso.provider = provider_that_says("")
    row = account_named(meeting.city.desk, "head@sso")
    with writing(meeting.city.desk.engine).begin() as conn:
        conn.execute(account.update().where(account.c.account_id == row.account_id).values(subject=kept(f"{ISSUER}|7")))
    for token in (
        token_of(now),
        token_of(now, nonce=None),
        token_of(now, events=EVENTS),
        token_of(now, STRANGERS, nonce=None, events=EVENTS),
    ):
        assert meeting.visitor.post("/oidc/ended", {"logout_token": token}).status_code == 400
    assert meeting.city.who(session) is not None
    good = token_of(now, nonce=None, exp=None, events=EVENTS)
    assert meeting.visitor.post("/oidc/ended", {"logout_token": good}).status_code == 200
    assert meeting.city.who(session) is None
