"""What a scanner would try on every address: headers, methods, made-up paths and hosts, words thrown back, cookies, loud crashes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from dashboard.app import Parts, create_app, found_pages
from dashboard.core.clock import SteppedClock
from dashboard.core.doors import Access
from dashboard.web.limits import load_door_limits
from dashboard.web.routes import ROUTES, needing
from dashboard.web.shell import layout
from dashboard.web.shield import Reach, Shield
from tests.web.stage import AllIn, Web
from tests.whole_city import NOON, Town, copy_of_town

HOST = "cockpit"
FILL = {
    "alert_id": "1",
    "event": "settle",
    "photo_id": "0" * 64,
    "asset:path": "bridges-0",
    "metric": "strain",
    "panel:path": "feed/latest",
}
FILL |= {"package_name": "dash", "fingerprinted_path:path": "dash-renderer/build/dash_renderer.min.js", "file:path": "live.js"}
TOLD_TOO_MUCH = re.compile(r"Traceback|File \"|sqlalchemy\.|sqlite3\.|psycopg|site-packages|\.py:\d+")
NASTY = "<script>alert(1)</script>"


def filled(template: str) -> str:
    return re.sub(r"\{([^}]*)\}", lambda m: FILL.get(m[1], "x"), template)


PAGES = {page.path: needing(*page.needs) for page in found_pages()}
ADDRESSES = sorted({*((("GET"), page) for page in PAGES), *(tuple(key.split(" ", 1)) for key in ROUTES if not key.startswith("SOCKET"))})
CALLS = [(method, filled(path)) for method, path in ADDRESSES if path != "/live/events"]
GETS = [path for method, path in CALLS if method == "GET"]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = copy_of_town(tmp_path_factory.mktemp("town"))
    yield made
    made.engine.dispose()


def standing(town: Town, doorman: Any, engine: sa.Engine | None = None) -> Web:
    """The product as strangers reach it over TLS, with this doorman; limits so wide that probing does not meet them."""
    settings = replace(town.settings, access=Access(mode="accounts", address=f"https://{HOST}"))
    parts = Parts(
        settings=settings,
        catalog=town.catalog,
        engine=engine or town.engine,
        panels=town.panels,
        layout=lambda: layout(town.catalog, settings),
        pages=found_pages(),
        clock=SteppedClock(NOON),
        doorman=doorman,
    )
    wide = replace(load_door_limits(date(2026, 5, 20)), ask_burst=10**6, api_burst=10**6, sign_in_burst=10**6, live_burst=10**6)
    whole: Any = create_app(parts)
    whole._app._hub._renderer.start()  # panels are made; no server is there to start it
    return Web(Shield(whole, Reach(hosts=frozenset({HOST}), secure=True), wide))


@pytest.fixture(scope="module", params=["signed in", "stranger"])
def web(town: Town, request: pytest.FixtureRequest) -> Web:
    doorman = AllIn()
    if request.param == "stranger":
        doorman.one = None
    return standing(town, doorman)


def test_every_answer_has_its_headers_tells_nothing_of_the_inside_and_is_no_crash(web: Web) -> None:
    for method, path in CALLS:
        answer = web.ask(method, path)
        where = f"{method} {path}: {answer.status_code}"
        assert answer.status_code < 500 or path == "/readyz", where
        for name in ("x-content-type-options", "x-frame-options", "referrer-policy", "permissions-policy", "strict-transport-security"):
            assert name in answer.headers, f"{where} lacks {name}"
        policy = answer.headers["content-security-policy"]
        assert "'unsafe-inline'" not in policy.split("script-src")[-1].split(";")[0] and "frame-ancestors" in policy, where
        assert "server" not in answer.headers and "x-powered-by" not in answer.headers, where
        kind = answer.headers.get("content-type", "")
        assert not TOLD_TOO_MUCH.search(answer.text if "html" in kind or "problem" in kind else ""), where
        shared = path.startswith(("/assets/", "/_dash-component-suites/"))
        assert shared or not re.search(r"public|s-maxage", answer.headers["cache-control"]), where


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"output":"x"}', b'{"output":"..a.b..","inputs":[],"changedPropIds":[]}'])
def test_a_question_no_page_asks_is_no_crash(town: Town, body: bytes) -> None:
    answer = standing(town, AllIn()).post("/_dash-update-component", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400 and not TOLD_TOO_MUCH.search(answer.text)


def test_a_stranger_gets_nothing_but_the_way_in(town: Town) -> None:
    nobody = AllIn()
    nobody.one = None
    web = standing(town, nobody)
    for method, path in CALLS:
        policy = PAGES.get(path) or next((p for key, p in ROUTES.items() if filled(key) == f"{method} {path}"), None)
        if policy is not None and not policy.public:
            answer = web.ask(method, path)
            assert answer.status_code in (303, 401), f"{method} {path}: {answer.status_code}"
            assert not answer.text or answer.json()["detail"] == "sign in first"


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PUT", "DELETE", "PATCH", "PROPFIND", "DEBUG"])
def test_methods_nobody_needs_are_refused_everywhere(web: Web, method: str) -> None:
    for path in GETS:
        assert web.ask(method, path).status_code in (401, 403, 404, 405), path


TRAVERSALS = (
    *("/assets/../pyproject.toml", "/assets/..%2fpyproject.toml", "/assets/%2e%2e/pyproject.toml", "/assets/....//pyproject.toml"),
    *("/assets/..%5cpyproject.toml", "/_dash-component-suites/dash/../../../../etc/passwd", "/panels/..%2f..%2fetc%2fpasswd/latest"),
    *("/.git/config", "/.env", "/cockpit.toml", "/var/store.db", "/api/v1/../../etc/passwd", "/export/..%2f..%2fvar/token.key.csv"),
    *("/assets//etc/passwd", "/assets/%00", "/server-status", "/docs", "/redoc", "/openapi.json", "/phpinfo.php", "/actuator/env"),
)


@pytest.mark.parametrize("path", TRAVERSALS)
def test_nothing_lies_beside_what_is_served(web: Web, path: str) -> None:
    answer = web.ask("GET", httpx.URL(f"https://{HOST}").copy_with(raw_path=path.encode()))
    assert answer.status_code in (303, 400, 401, 404)
    assert not re.search(r"root:x|\[project\]|\[core\]|SQLite format", answer.text)


def test_a_made_up_host_is_not_answered_nor_taken_for_ours(web: Web) -> None:
    for path in GETS:
        assert web.get(path, headers={"host": "evil.example"}).status_code == 421
        answer = web.get(
            path, headers={"x-forwarded-host": "evil.example", "x-forwarded-proto": "gopher", "forwarded": "host=evil.example"}
        )
        assert "evil.example" not in answer.headers.get("location", "") + answer.text, path


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "/%09/evil.example", "javascript:alert(1)"]
)
def test_nobody_is_sent_elsewhere(web: Web, target: str) -> None:
    for path in ("/sign-in", "/account", "/who", "/oidc/start", "/"):
        answer = web.get(f"{path}?next={target}")
        assert not re.match(r"https?:|//|/\\", answer.headers.get("location", "/")), path
        assert "evil.example" not in answer.text and "javascript:" not in answer.text, path


QUERIES = (f"scope={NASTY}&lang={NASTY}&q={NASTY}", f"next=/{NASTY}&code={NASTY}&name={NASTY}", f"at={NASTY}&who={NASTY}&kind={NASTY}")


def test_what_an_address_says_is_not_thrown_back_as_markup(web: Web) -> None:
    for path in GETS:
        for query in QUERIES:
            answer = web.get(f"{path}?{query}")
            assert answer.status_code < 500 or path == "/readyz", path
            if "html" in answer.headers.get("content-type", ""):
                assert NASTY not in answer.text, f"{path}?{query}"


def test_cookies_are_for_us_alone(web: Web) -> None:
    set_ = [cookie for path in ("/sign-in", "/account", "/enrol", "/who") for cookie in web.get(path).headers.get_list("set-cookie")]
    assert set_
    for cookie in set_:
        assert cookie.startswith("__Host-") and "; Secure" in cookie and "; SameSite=" in cookie and "Domain" not in cookie
        assert "; HttpOnly" in cookie or cookie.startswith("__Host-cockpit_csrf=")


def test_a_store_that_fails_is_told_of_without_its_words(town: Town) -> None:
    broken = sa.create_engine("sqlite:////nowhere/store.db")
    web = standing(town, AllIn(), broken)
    for path in ("/api/v1/alerts", "/api/v1/status", "/readyz", "/export/alerts.csv"):
        answer = web.get(path)
        assert answer.status_code == 503 and not TOLD_TOO_MUCH.search(answer.text) and "nowhere" not in answer.text, path
