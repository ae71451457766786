"""Titles are in both languages, and the product speaks of itself alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dashboard.core.catalog import load_catalog
from dashboard.core.declare import Text

ROOT = Path(__file__).resolve().parents[2]
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def texts(value: Any, where: str, seen: set[int]) -> Iterator[tuple[str, Text]]:
    if isinstance(value, Text):
        yield where, value
    elif id(value) not in seen and hasattr(value, "__dataclass_fields__"):
        seen.add(id(value))
        for name in value.__dataclass_fields__:
            yield from texts(getattr(value, name), f"{where}.{getattr(value, 'key', '')}.{name}", seen)
    elif isinstance(value, tuple | list):
        for part in value:
            yield from texts(part, where, seen)
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from texts(part, f"{where}[{key}]", seen)


def declared() -> list[tuple[str, Text]]:
    catalog = load_catalog()
    return [
        pair
        for thing in (*catalog.domains.values(), *catalog.vitals.values(), *catalog.published, *catalog.playbooks.values())
        for pair in texts(thing, "", set())
    ]


def test_every_title_has_chinese_and_english_words() -> None:
    everything = declared()
    assert len(everything) > 200
    assert [where for where, text in everything if not text.zh.strip() or not text.en.strip()] == []
    assert [(where, text.en) for where, text in everything if CHINESE.search(text.en)] == []


def test_a_domains_titles_begin_in_chinese() -> None:
    domains = load_catalog().domains.values()
    plain = [t.zh for d in domains for t in (d.title, d.department, *(k.title for k in d.kpis), *(r.title for r in d.rules))]
    assert [zh for zh in plain if not CHINESE.search(zh) and not re.fullmatch(r"PM2\.5|PM10|AQI", zh)] == []


def test_no_file_names_a_place_on_one_machine() -> None:
    words = re.compile(r"/(home|root|tmp|Users)/")
    rooms = ("dashboard", "data_sources", "pages", "docs", "assets", "benchmarks", "cockpit.d")
    files = [p for room in rooms for p in (ROOT / room).rglob("*") if p.suffix in (".py", ".md", ".toml", ".js", ".css", ".html")]
    files += [p for p in ROOT.iterdir() if p.suffix in (".md", ".toml") or p.name in ("Makefile", "Procfile")]
    assert [str(p.relative_to(ROOT)) for p in files if words.search(p.read_text("utf-8", "replace"))] == []
