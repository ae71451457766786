"""Every command in README and docs runs, and says what the text around it promises."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(?P<kind>\w+)(?: (?P<file>\S+))?\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
FOLLOWED = "add-a-domain.md"  # by test_add_a_domain, further than its commands go
RUNNABLE = [p for p in PAGES if "```sh\n" in p.read_text("utf-8") and p.name != FOLLOWED]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The project as a reader has it, without the demo departments' mappings: they are not what the pages are about."""
    for room in ("dashboard", "data_sources", "pages", "assets"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "cockpit.toml", tmp_path)
    (tmp_path / "cockpit.d").mkdir()
    (tmp_path / "var").mkdir()
    return tmp_path


def run(command: str, place: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COCKPIT_")} | {"PATH": path, "PYTHONPATH": str(place)}
    shell = ["bash", "-euo", "pipefail", "-c", command]
    return subprocess.run(shell, cwd=place, env=environment, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("page", RUNNABLE, ids=named)
def test_what_a_page_tells_to_type_works_in_order(page: Path, checkout: Path) -> None:
    for block in BLOCK.finditer(page.read_text("utf-8")):
        if block["file"]:
            (checkout / block["file"]).write_text(block["body"], "utf-8")
        elif block["kind"] == "sh":
            done = run(block["body"], checkout)
            assert done.returncode == 0, f"{block['body']}\n{done.stdout}\n{done.stderr}"


def test_the_first_database_of_the_readme_reaches_the_store(checkout: Path) -> None:
    """The promise of `connect your first database`: a row of theirs becomes an asset of ours, in its street."""
    test_what_a_page_tells_to_type_works_in_order(ROOT / "README.md", checkout)
    with closing(sqlite3.connect(checkout / "var" / "store.db")) as store:
        assert store.execute("select name, street from bridge").fetchall() == [("一号桥", "500103003")]


def test_the_mapping_in_the_readme_is_ten_lines() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    block = next(b for b in BLOCK.finditer(text) if b["file"] and b["file"].startswith("cockpit.d/"))
    assert block["body"].count("\n") <= 10


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_verb_of_make_that_is_named_exists(page: Path) -> None:
    verbs = set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    text = page.read_text("utf-8")
    said = set(re.findall(r"^make ([a-z]+)", text, re.MULTILINE)) | set(re.findall(r"`make ([a-z]+)", text))
    assert said <= verbs


@cache
def commands() -> frozenset[str]:
    shown = subprocess.run([sys.executable, "-m", "dashboard", "--help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return frozenset(re.findall(r"^  ([a-z]+)  ", shown, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_of_ours_that_is_named_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    said = set(re.findall(r"^cockpit ([a-z]+)", text, re.MULTILINE)) | set(re.findall(r"`cockpit ([a-z]+)", text))
    assert said <= commands()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
