"""The door: files, headers, unknown addresses, and the pages Dash draws behind it."""

from __future__ import annotations

import asyncio
import gzip
import os
import re
from pathlib import Path
from typing import Any

import brotli
import httpx
import pytest

from dashboard.app import Parts, build_id, create_app, found_pages
from dashboard.core.catalog import load_catalog
from dashboard.core.clock import SteppedClock
from dashboard.web.shell import layout
from tests.web.stage import AllIn, City, House, NumberPanels, Web, in_loop, served
from tests.web.test_api import settings

BROWSER = {"accept-encoding": "gzip, br"}


def raw(port: int, path: str, **headers: str) -> httpx.Response:
    with httpx.Client() as client, client.stream("GET", f"http://127.0.0.1:{port}{path}", headers=headers) as answer:
        answer._content = b"".join(answer.iter_raw())
        return answer


def test_files_are_sent_compressed_once_they_have_been_packed(house: House, assets: Path, tmp_path: Path) -> None:
    plain = (assets / "app.css").read_bytes()

    async def fetch() -> None:
        async with served(house.front) as port:
            while len(list((tmp_path / "packed").glob("*.br"))) < 2:
                await asyncio.sleep(0.02)
            as_brotli = await asyncio.to_thread(raw, port, "/assets/app.css", **BROWSER)
            as_gzip = await asyncio.to_thread(raw, port, "/assets/app.css", **{"accept-encoding": "gzip"})
            as_is = await asyncio.to_thread(raw, port, "/assets/app.css", **{"accept-encoding": "identity"})
            assert brotli.decompress(as_brotli.content) == gzip.decompress(as_gzip.content) == as_is.content == plain
            assert as_brotli.headers["content-type"].startswith("text/css") and len(as_brotli.content) < len(plain) / 10
            again = await asyncio.to_thread(raw, port, "/assets/app.css", **{"if-none-match": as_brotli.headers["etag"]})
            assert again.status_code == 304

    in_loop(fetch())


def test_only_an_address_that_names_the_version_may_be_kept_for_ever(house: House, assets: Path) -> None:
    web = Web(house.front)
    modified = int((assets / "app.css").stat().st_mtime)
    assert web.get("/assets/app.css").headers["cache-control"] == "no-cache"
    assert "immutable" in web.get(f"/assets/app.css?m={modified}.25").headers["cache-control"]
    assert web.get(f"/assets/app.css?m={modified - 1}").headers["cache-control"] == "no-cache"
    suite = "/_dash-component-suites/dash/dash-renderer/build/dash_renderer.{}min.js"
    assert "immutable" in web.get(suite.format("v4_4_1m1700000000.")).headers["cache-control"]
    assert web.get(suite.format("")).headers["cache-control"] == "no-cache"


def test_a_changed_file_is_sent_anew(house: House, assets: Path) -> None:
    web = Web(house.front)
    old = web.get("/assets/tiny.js")
    (assets / "tiny.js").write_text("22", "utf-8")
    os.utime(assets / "tiny.js", (1, 1))
    new = web.get("/assets/tiny.js", headers={"if-none-match": old.headers["etag"]})
    assert (new.status_code, new.text) == (200, "22")


NOWHERE = ("none.js", "../outside.txt", "%2e%2e/outside.txt", ".secret", "")


@pytest.mark.parametrize(
    "path", [*(f"/assets/{name}" for name in NOWHERE), "/_dash-component-suites/dash/nothing.js", "/_dash-component-suites/os/path.py"]
)
def test_what_is_not_there_is_not_there(house: House, path: str) -> None:
    refused = Web(house.front).get(path)
    assert refused.status_code == 404 and "outside" not in refused.text


def test_an_address_that_is_no_page_says_so(house: House) -> None:
    web = Web(house.front)
    assert (web.get("/").status_code, web.get("/nowhere").status_code, web.ask("HEAD", "/").status_code) == (200, 404, 200)


# ---- the real pages


@pytest.fixture
def pages(city: City, panels: NumberPanels, clock: SteppedClock, tmp_path: Path) -> Web:
    catalog, config = load_catalog(), settings(tmp_path)
    parts = Parts(config, catalog, city.engine, panels, lambda: layout(catalog, config), found_pages(), clock, AllIn())
    return Web(create_app(parts))


def test_every_script_of_a_page_is_our_own_or_allowed_by_its_hash(pages: Web) -> None:
    import base64
    import hashlib

    page = pages.get("/")
    policy = page.headers["content-security-policy"]
    assert "unsafe-inline" not in policy.split("script-src")[1].split(";")[0]
    for attributes, script in re.findall(r"<script([^>]*)>(.*?)</script>", page.text, flags=re.S):
        if "src=" in attributes:
            assert re.search(r'src="/(?!/)', attributes), attributes
        elif "application/json" not in attributes:
            assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in policy
    assert not re.search(r'(?:src|href)="https?:', page.text)


def test_every_address_of_the_product_is_a_page(pages: Web) -> None:
    addresses = {page.path for page in found_pages()}
    systems = {"/breath", "/circulation", "/skeleton", "/metabolism", "/immunity", "/nerves", "/vigour", "/spirit"}
    assert addresses == {"/", "/alerts", "/rules", "/linkages", "/sources", "/audit", "/asset", "/street"} | systems
    statuses = {address: pages.get(address).status_code for address in addresses}
    assert set(statuses.values()) == {200}


@pytest.mark.parametrize("address", ["/", "/healthz", "/readyz", "/metrics", "/api/v1/status"])
def test_a_monitor_may_ask_for_the_head_alone(pages: Web, address: str) -> None:
    head, whole = pages.ask("HEAD", address), pages.get(address)
    assert (head.status_code, head.content) == (whole.status_code, b"")
    assert head.headers["content-type"] == whole.headers["content-type"]


def test_a_page_holds_only_empty_places_for_panels(pages: Web) -> None:
    sent: dict[str, Any] = pages.get("/_dash-layout").json()
    assert sent["props"]["id"] == "stage"
    assert pages.get("/docs").status_code == pages.get("/openapi.json").status_code == 404


def test_the_build_has_a_name_that_changes_only_with_what_is_shipped() -> None:
    assert build_id({}) == build_id({}) and build_id({"COCKPIT_BUILD": "2025.6"}) == "2025.6"
