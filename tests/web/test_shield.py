"""Before the door: proxies are believed only where configured, misshapen and too many requests end here, every answer is dressed."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from typing import Any

import httpx
import pytest

from dashboard.web.limits import Buckets, load_door_limits
from dashboard.web.shield import Reach, Shield
from tests.web.stage import in_loop, served

LIMITS = load_door_limits(date(2026, 1, 1))
NGINX = (ipaddress.ip_network("10.0.0.0/8"),)


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Says what it was asked, and by whom; reads the body as an application does."""
    if scope["type"] == "lifespan":
        return
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RuntimeError("cut off")
        body, more = body + message.get("body", b""), message.get("more_body", False)
    told = f"{scope['client'][0]} {scope['scheme']} {len(body)} {dict(scope['headers']).get(b'x-forwarded-for', b'')!r}"
    headers = [(b"content-type", b"text/plain"), (b"cache-control", b"public, max-age=9"), (b"server", b"echo/1.0")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": told.encode()})


def ask(shield: Shield, method: str = "GET", path: str = "/", client: str = "192.0.2.1", **options: Any) -> httpx.Response:
    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(shield, client=(client, 4000))
        async with httpx.AsyncClient(transport=transport, base_url=options.pop("base", "http://cockpit.example")) as web:
            return await web.request(method, path, **options)

    return asyncio.run(once())


def shield(reach: Reach = Reach(), **limits: int) -> Shield:  # noqa: B008 - a frozen value
    return Shield(echo, reach, replace(LIMITS, **limits))


# ---- proxies
@pytest.mark.parametrize(
    ("client", "forwarded", "believed"),
    [
        ("192.0.2.1", "127.0.0.1", "192.0.2.1"),  # anybody can write that
        ("10.0.0.5", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.5", "127.0.0.1, 198.51.100.7", "198.51.100.7"),  # what the client wrote stands before what the proxy added
        ("10.0.0.5", "127.0.0.1, 198.51.100.7, 10.0.0.6", "198.51.100.7"),
        ("10.0.0.5", "198.51.100.7:4711", "198.51.100.7"),
        ("10.0.0.5", "[2001:db8::1]:4711", "2001:db8::1"),
        ("10.0.0.5", "<script>", ""),
        ("10.0.0.5", "", "10.0.0.5"),
    ],
)
def test_only_our_proxies_say_who_a_request_is_from(client: str, forwarded: str, believed: str) -> None:
    told = ask(shield(Reach(NGINX)), client=client, headers={"x-forwarded-for": forwarded}).text
    assert told.split()[0] == (believed or "http") and told.endswith("b''")


@pytest.mark.parametrize(("client", "scheme"), [("192.0.2.1", "http"), ("10.0.0.5", "https")])
def test_only_our_proxies_say_that_it_came_over_tls(client: str, scheme: str) -> None:
    answer = ask(shield(Reach(NGINX)), client=client, headers={"x-forwarded-for": "198.51.100.7", "x-forwarded-proto": "https"})
    assert answer.text.split()[1] == scheme
    assert ("strict-transport-security" in answer.headers) == (scheme == "https")


# ---- what no request may be
@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("TRACE", "/", {}, 405),
        ("CONNECT", "/", {}, 405),
        ("PROPFIND", "/", {}, 405),
        ("GET", "/" + "a" * 9000, {}, 414),
        ("GET", "/?" + "a" * 9000, {}, 414),
        ("GET", "/", {"x-big": "a" * 40_000}, 431),
        ("GET", "/", {"host": "evil.example"}, 421),
        ("GET", "/", {"host": "cockpit.example:99999999"}, 400),
        ("GET", "/", {"host": "cockpit.example/evil.example"}, 400),
        ("GET", "/", {"host": "COCKPIT.example:8443"}, 200),
        ("GET", "/a%0d%0aset-cookie:%20x=1", {}, 400),
        ("GET", "/a%00b", {}, 400),
        ("GET", "//evil.example/x", {}, 400),
        ("POST", "/", {"origin": "https://evil.example"}, 403),
        ("POST", "/", {"origin": "null"}, 403),
        ("POST", "/", {"sec-fetch-site": "cross-site"}, 403),
        ("POST", "/", {"sec-fetch-site": "same-site"}, 403),
        ("POST", "/", {"origin": "http://cockpit.example", "sec-fetch-site": "same-origin"}, 200),
        ("POST", "/", {}, 200),
        ("GET", "/", {"origin": "https://evil.example"}, 200),  # reading is kept from it by the browser
    ],
)
def test_what_no_request_may_be_is_refused(method: str, path: str, headers: dict[str, str], status: int) -> None:
    answer = ask(shield(Reach(hosts=frozenset({"cockpit.example"}))), method, httpx.URL("http://cockpit.example" + path), headers=headers)
    assert answer.status_code == status
    assert "location" not in answer.headers and "set-cookie" not in answer.headers


@pytest.mark.parametrize(("path", "size", "status"), [("/x", 1001, 413), ("/x", 1000, 200), ("/api/v1/alerts/7/photos", 1001, 200)])
def test_a_body_is_no_larger_than_what_it_is_for(path: str, size: int, status: int) -> None:
    async def in_parts() -> AsyncIterator[bytes]:
        for _ in range(size):
            yield b"x"

    guarded = shield(body_bytes=1000)
    assert ask(guarded, "POST", path, content=b"x" * size).status_code == status
    assert ask(guarded, "POST", path, content=in_parts()).status_code == status


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async def slow() -> None:
        async with served(shield(body_s=0)) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"POST / HTTP/1.1\r\nhost: cockpit.example\r\ncontent-length: 10\r\n\r\nx")
            answer = await asyncio.wait_for(reader.read(4096), 5)
            writer.close()
            assert b" 408 " in answer.splitlines()[0] and b"did not come in time" in answer

    in_loop(slow())


HOST = b"host: cockpit.example\r\n"
RAW = {
    "no host": (b"GET / HTTP/1.1\r\n\r\n", b" 400 "),
    "two hosts": (b"GET / HTTP/1.1\r\n" + HOST + b"host: evil.example\r\n\r\n", b" 400 "),
    "another host in the address": (
        b"GET http://evil.example/ HTTP/1.1\r\n" + HOST + b"\r\n",
        b" 200 ",
    ),  # the header counts; nothing is fetched
    "length and chunks": (
        b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /x",
        b" 400 ",
    ),
    "two lengths": (b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 1\r\ncontent-length: 2\r\n\r\nab", b" 400 "),
    "a header without a name": (b"GET / HTTP/1.1\r\n" + HOST + b": x\r\n\r\n", b" 400 "),
    "a header over lines": (b"GET / HTTP/1.1\r\n" + HOST + b"x-a: b\r\n c: d\r\n\r\n", b" 400 "),
    "large headers": (b"GET / HTTP/1.1\r\n" + HOST + b"x-a: " + b"a" * 60_000 + b"\r\n\r\n", b" 431 "),
    "a long address": (b"GET /" + b"a" * 60_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", b" 414 "),
    "no http": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b" 400 "),
}


def test_a_server_behind_it_takes_no_misshapen_request_for_another_and_lives_on() -> None:
    answers: dict[str, bytes] = {}

    async def say() -> None:
        async with served(shield(Reach(hosts=frozenset({"cockpit.example"})))) as port:
            for name, (words, _) in {**RAW, "after all that": (b"GET / HTTP/1.1\r\n" + HOST + b"\r\n", b" 200 ")}.items():
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(words)
                answers[name] = (await asyncio.wait_for(reader.read(4096), 5)).split(b"\r\n")[0]
                writer.close()

    in_loop(say())
    assert {name: line for name, line in answers.items() if RAW.get(name, (b"", b" 200 "))[1] not in line} == {}


# ---- how many
def statuses(guarded: Shield, times: int, path: str = "/", **options: Any) -> list[int]:
    return [ask(guarded, path=path, **options).status_code for _ in range(times)]


def test_who_asks_too_often_is_told_when_to_come_back_and_others_are_not_held_up() -> None:
    guarded = shield(ask_burst=3, ask_per_s=1)
    assert statuses(guarded, 4) == [200, 200, 200, 429]
    refused = ask(guarded)
    assert int(refused.headers["retry-after"]) >= 1 and refused.headers["content-type"] == "application/problem+json"
    assert statuses(guarded, 1, client="192.0.2.2") == [200]


def test_sessions_of_one_address_are_counted_apart_up_to_what_a_house_may_ask() -> None:
    guarded = shield(ask_burst=2, ask_per_s=1, address_burst=5, address_per_s=1)
    made_up = [ask(guarded, headers={"cookie": f"cockpit_session=s{n}"}).status_code for n in range(8)]
    assert made_up == [200] * 5 + [429] * 3
    guarded = shield(ask_burst=2, ask_per_s=1)
    assert statuses(guarded, 3, headers={"cookie": "cockpit_session=a"}) == [200, 200, 429]
    assert statuses(guarded, 1, headers={"cookie": "cockpit_session=b"}) == [200]


def test_signing_in_is_counted_by_address_alone_and_strictly() -> None:
    guarded = shield(sign_in_burst=2)
    tried = [ask(guarded, "POST", "/sign-in", headers={"cookie": f"cockpit_session={n}"}).status_code for n in range(4)]
    assert tried == [200, 200, 429, 429]
    assert ask(guarded, "GET", "/enrol?code=12345678").status_code == ask(guarded, "POST", "/account").status_code == 429
    assert ask(guarded, "GET", "/enrol").status_code == 200
    assert ask(guarded, "GET", "/sign-in").status_code == 200


def test_files_and_watchmen_are_never_held_up() -> None:
    guarded = shield(ask_burst=1, ask_per_s=1, api_burst=1, api_per_s=1)
    assert {s for path in ("/healthz", "/readyz", "/assets/app.css") for s in statuses(guarded, 5, path)} == {200}


def test_a_wall_of_screens_comes_back_at_once_and_a_flood_of_sockets_does_not() -> None:
    assert LIMITS.live_burst >= 2 * 1000
    guarded = shield(live_burst=1)
    said: list[dict[str, Any]] = []

    async def knock() -> None:
        async def send(message: Any) -> None:
            said.append(message)

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        scope = {"type": "websocket", "path": "/live", "scheme": "ws", "query_string": b"", "client": ("192.0.2.1", 1)}
        await guarded({**scope, "headers": [(b"host", b"cockpit.example")]}, receive, send)

    asyncio.run(knock())
    said.clear()
    asyncio.run(knock())
    assert said == [{"type": "websocket.close", "code": 1008}]


def test_buckets_fill_again_and_forget_who_was_longest_away() -> None:
    buckets = Buckets(replace(LIMITS, ask_burst=2, ask_per_s=1, clients=100))
    assert [buckets.wait("a", "ask", at) for at in (0.0, 0.0, 0.0, 0.5, 1.5)] == [0, 0, 1, 0.5, 0]
    for number in range(1000):
        buckets.wait(f"client {number}", "ask", 2.0)
    assert len(buckets) == 100


# ---- headers
def test_every_answer_is_dressed_and_names_no_server() -> None:
    for answer in (ask(shield()), ask(shield(), "TRACE")):
        for name in ("x-content-type-options", "x-frame-options", "referrer-policy", "permissions-policy", "content-security-policy"):
            assert answer.headers[name]
        assert answer.headers["cross-origin-opener-policy"] == answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "server" not in answer.headers
    assert "strict-transport-security" in ask(shield(Reach(secure=True))).headers


def test_what_differs_between_viewers_is_kept_by_no_cache_in_between() -> None:
    assert ask(shield(), path="/panels/feed/v1").headers["cache-control"] == "private, max-age=9"
    assert ask(shield(), path="/assets/app.css").headers["cache-control"] == "public, max-age=9"
    assert ask(shield(), "TRACE").headers["cache-control"] == "no-store"
