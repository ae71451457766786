"""Screens on the live channel: what they are sent, when, and what happens when something goes wrong."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from dashboard.core.clock import SteppedClock
from dashboard.core.sight import EVERYTHING
from dashboard.web import renderer as rendering
from tests.web.stage import ON_BOTH, City, House, in_loop, screen, served

pytestmark = pytest.mark.usefixtures("clock")


def html(frame: dict[str, Any], panel: str) -> str:
    return str(frame["panels"][panel]["html"])


@ON_BOTH
def test_a_screen_is_sent_the_whole_picture_when_it_comes_and_then_only_what_changed(city: City, house: House) -> None:
    city.set("a", 1)
    city.set("other", 5, "kpi:other")

    async def watch() -> None:
        async with served(house.front) as port, screen(port) as wall:
            await wall.show("number:a", "number:other")
            first = await wall.frame()
            assert set(first["panels"]) == {"number:a", "number:other"}
            assert html(first, "number:a") == "<b>1.0</b> zh"
            city.set("a", 2)
            second = await wall.frame()
            assert set(second["panels"]) == {"number:a"} and html(second, "number:a") == "<b>2.0</b> zh"

    in_loop(watch())


def test_a_change_that_shows_nothing_new_is_not_sent(city: City, house: House) -> None:
    city.set("a", 1)

    async def watch() -> None:
        async with served(house.front) as port, screen(port) as wall:
            await wall.show("number:a")
            await wall.frame()
            city.set("a", 1)  # the topic moved, the picture did not
            while house.renderer.tally.unchanged == 0:
                await asyncio.sleep(0.01)
            city.set("a", 3)
            assert html(await wall.frame(), "number:a") == "<b>3.0</b> zh"

    in_loop(watch())


def test_screens_with_equal_views_share_one_rendering(city: City, house: House) -> None:
    city.set("a", 1)

    async def watch() -> None:
        async with served(house.front) as port, screen(port) as wall, screen(port) as desk, screen(port) as english:
            await wall.show("number:a", query="scope=district")
            await wall.frame()
            await desk.show("number:a", query="theme=night")  # how it is dressed is the screen's own matter
            await english.show("number:a", query="lang=en")
            await desk.frame()
            assert html(await english.frame(), "number:a").endswith("en")
            house.panels.made.clear()
            city.set("a", 2)
            frames = [await one.frame() for one in (wall, desk, english)]
            assert frames[0] == frames[1] != frames[2]
            assert sorted(house.panels.made) == ["number:a scope=district&lang=en", "number:a scope=district&lang=zh"]

    in_loop(watch())


def test_a_new_view_replaces_the_old_one_on_the_same_socket(city: City, house: House) -> None:
    city.set("a", 1)

    async def watch() -> None:
        async with served(house.front) as port, screen(port) as desk:
            await desk.show("number:a")
            assert (await desk.frame())["view"] == "scope=district&lang=zh"
            await desk.show("number:a", query="scope=500103003&lang=en")
            assert (await desk.frame())["view"] == "scope=500103003&lang=en"
            assert len(house.hub.clients) == 1

    in_loop(watch())


def test_a_screen_that_shows_nothing_is_sent_only_heartbeats(city: City, house: House) -> None:
    city.set("a", 1)

    async def watch() -> None:
        async with served(house.front) as port, screen(port) as hidden:
            await hidden.show("number:a")
            await hidden.frame()
            await hidden.show()  # the tab went to the background
            city.set("a", 2)
            while house.renderer.tally.rendered < 2:
                await asyncio.sleep(0.01)
            await hidden.show("number:a")
            assert html(await hidden.frame(), "number:a") == "<b>2.0</b> zh"  # the newest, not a backlog

    in_loop(watch())


def test_heartbeats_tell_the_time_the_build_and_the_age_of_the_worker(city: City, house: House, clock: SteppedClock) -> None:
    async def watch() -> None:
        async with served(house.front) as port:
            while house.renderer.worker_age is None:
                await asyncio.sleep(0.01)
            async with screen(port) as wall:
                beat = await wall.text()
        assert beat["now"] == "2025-06-18T06:32:00Z" and beat["build"] == "build-1" and beat["store"] is True
        assert 0 <= beat["worker_age_s"] < 5

    in_loop(watch())


def test_one_panel_that_cannot_be_made_says_so_and_leaves_its_neighbours_alone(
    city: City, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "RETRY_S", 0.05)
    city.set("a", 1)
    city.set("broken", 1)

    async def watch() -> None:
        async with served(house.front) as port, screen(port) as wall:
            await wall.show("broken:broken", "number:a")
            frame = await wall.frame()
            assert "未算出" in html(frame, "broken:broken") and html(frame, "number:a") == "<b>1.0</b> zh"
            city.set("broken", 0, "kpi:unrelated")  # nobody tells this panel; it is tried again by itself
            assert "0.0" in html(await wall.frame(), "broken:broken")

    in_loop(watch())


def test_where_an_unknown_panel_would_stand_nothing_is_said_to_be_and_the_others_come(city: City, house: House) -> None:
    city.set("a", 1)

    async def watch() -> None:
        async with served(house.front) as port, screen(port) as wall:
            await wall.show("nonsense", "number:a")
            shown: dict[str, Any] = {}
            while len(shown) < 2:
                shown |= (await wall.frame())["panels"]
            assert "没有内容" in shown["nonsense"]["html"] and "1.0" in shown["number:a"]["html"]

    in_loop(watch())


TOO_MANY = json.dumps({"panels": ["x"] * 65, "query": ""})


@pytest.mark.parametrize("words", ["not json", "[]", '{"panels": "a", "query": ""}', '{"panels": ["a"]}', TOO_MANY])
def test_a_screen_that_talks_nonsense_is_shown_out(city: City, house: House, words: str) -> None:
    async def watch() -> None:
        async with served(house.front) as port, screen(port) as stranger:
            await stranger.say(words)
            assert await stranger.closed_with() == 1008

    in_loop(watch())


def test_a_screen_that_changes_its_view_without_end_is_shown_out(city: City, house: House) -> None:
    async def watch() -> None:
        async with served(house.front) as port, screen(port) as stranger:
            for n in range(60):
                await stranger.show("number:a", query=f"asset={n}")
            assert await stranger.closed_with() == 1008

    in_loop(watch())


def test_a_message_too_long_ends_the_connection(city: City, house: House) -> None:
    async def watch() -> None:
        async with served(house.front) as port, screen(port) as stranger:
            await stranger.say("x" * 40_000)
            assert await stranger.closed_with() == 1009

    in_loop(watch())


def test_another_site_may_not_open_the_socket(city: City, house: House) -> None:
    async def watch() -> None:
        async with served(house.front) as port:
            with pytest.raises(InvalidStatus):
                async with screen(port, origin="http://elsewhere.example"):
                    pass
            async with screen(port, origin=f"http://127.0.0.1:{port}") as own:
                assert "pulse" in await own.text()

    in_loop(watch())


def test_views_nobody_looks_at_any_more_are_let_go(city: City, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "IDLE_S", 0.0)

    async def watch() -> None:
        async with served(house.front) as port:
            async with screen(port) as desk:
                await desk.show("number:a")
                await desk.frame()
                assert house.renderer.watched == 1
            while house.renderer.watched:
                await asyncio.sleep(0.01)
            assert not house.hub.clients

    in_loop(watch())


@pytest.mark.parametrize("packed", [True, False])
def test_where_sockets_do_not_pass_the_same_frames_come_as_events(city: City, house: House, packed: bool) -> None:
    city.set("a", 1)

    async def watch() -> None:
        async with served(house.front) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            accept = "Accept-Encoding: gzip\r\n" if packed else ""
            writer.write(f"GET /live/events?panels=number:a&lang=en HTTP/1.1\r\nHost: x\r\n{accept}\r\n".encode())
            events = Events(reader, packed)
            assert html(await events.frame(), "number:a") == "<b>1.0</b> en"
            city.set("a", 2)
            assert html(await events.frame(), "number:a") == "<b>2.0</b> en"
            writer.close()
            while house.hub.clients:
                await asyncio.sleep(0.01)

    in_loop(watch())


class Events:
    """Reads a chunked server-sent stream as a browser does."""

    def __init__(self, reader: asyncio.StreamReader, packed: bool) -> None:
        self._reader, self._text = reader, b""
        self._unpack = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress if packed else lambda data: data
        self._headers = False

    async def frame(self) -> dict[str, Any]:
        if not self._headers:
            await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), 5)
            self._headers = True
        while True:
            while b"\n\n" in self._text:
                event, self._text = self._text.split(b"\n\n", 1)
                said = json.loads(event.removeprefix(b"data: "))
                if "panels" in said:
                    return dict(said)
            size = int(await asyncio.wait_for(self._reader.readline(), 5), 16)
            self._text += self._unpack((await self._reader.readexactly(size + 2))[:-2])


def test_a_single_panel_can_be_fetched_and_kept_by_its_version(city: City, house: House) -> None:
    city.set("a", 1)

    async def fetch() -> None:
        async with served(house.front) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as web:
            latest = await web.get("/panels/figure:a/latest?lang=en")
            assert latest.json()["html"] == "<b>1.0</b> en" and latest.json()["figure"]["layout"]
            assert latest.headers["cache-control"] == "private, no-cache"
            version = latest.json()["v"]
            assert (await web.get("/panels/figure:a/latest?lang=en", headers={"if-none-match": f'"{version}"'})).status_code == 304
            kept = await web.get(f"/panels/figure:a/{version}?lang=en")
            assert "immutable" in kept.headers["cache-control"] and kept.content == latest.content
            city.set("a", 2)
            while (gone := await web.get(f"/panels/figure:a/{version}?lang=en")).status_code == 200:
                await asyncio.sleep(0.01)
            assert gone.status_code == 410 and gone.headers["content-type"] == "application/problem+json"
            assert (await web.get("/panels/nonsense/latest")).status_code == 404
            assert (await web.post("/panels/number:a/latest")).status_code == 405

    in_loop(fetch())


def test_a_screen_that_reads_slowly_gets_the_newest_whole_picture_not_a_backlog(city: City, house: House) -> None:
    from dashboard.web.content import piece_of
    from dashboard.web.hub import Client, Group

    async def watch() -> None:
        view = house.panels.parse({}, EVERYTHING)
        group, slow = Group(view, frozenset({"a", "b"})), Client()
        slow.group = group
        for panel, text in (("a", "1"), ("b", "1"), ("a", "2")):
            frame = group.take([piece_of(panel, {"html": text})])
            assert frame
            slow.put(frame)
        _, got = await slow.next()
        assert got
        sent = json.loads(gzip.decompress(got.packed))["panels"]
        assert {panel: body["html"] for panel, body in sent.items()} == {"a": "2", "b": "1"}

    in_loop(watch())
