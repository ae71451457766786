"""Nothing the product ships asks another host for anything: the command centre may have no network."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = sorted(
    p
    for room in ("assets", "dashboard", "data_sources", "pages")
    for p in (ROOT / room).rglob("*")
    if p.suffix in (".py", ".js", ".css", ".html", ".svg", ".toml") and p.is_file()
)
NAMES_ONLY = (  # addresses that name a thing and are never fetched
    "http://www.w3.org/", "https://www.w3.org/", "https://json-schema.org/", "about:blank",
    "http://127.0.0.1", "http://localhost", "ws://127.0.0.1", "https://example", "http://example",
    "http://schemas.", "http://purl.org/", "http://www.incident.com/cap/", "urn:",
)  # fmt: skip


def test_no_shipped_file_holds_an_address_outside() -> None:
    found = [
        f"{p.relative_to(ROOT)}: {address}"
        for p in SHIPPED
        for address in re.findall(r"(?:https?:|wss?:)?//[a-zA-Z0-9][\w.-]+\.[a-z]{2,}[^\s\"'`)>\]]*", p.read_text("utf-8", "replace"))
        if address.startswith(("http", "ws", "//")) and not address.startswith(NAMES_ONLY) and is_address(address)
    ]
    assert found == []


def is_address(text: str) -> bool:
    """`//` also begins comments in scripts; those have no scheme and no known ending."""
    return text.startswith(("http", "ws")) or text.split("/")[2].endswith((".com", ".org", ".net", ".cn", ".io"))


def test_a_test_that_reaches_out_is_stopped() -> None:
    import socket

    with socket.socket() as out, pytest.raises(OSError, match="must not need the network"):
        out.connect(("192.0.2.1", 80))
