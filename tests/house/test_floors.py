"""The house stands as docs/architecture.md says: floors, domains apart from one another, files that can be read in one go."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import sqlalchemy as sa

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("dashboard", "data_sources", "pages")
FILES = sorted(p for room in ROOMS for p in (ROOT / room).rglob("*.py"))
MOST_LINES = 340
LOOKED_UP = ("dashboard/store/schema.py", "dashboard/store/migrations/", "dashboard/__main__.py")  # lists are looked up, not read


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_every_floor_imports_only_what_is_below() -> None:
    """In a process of its own: the linter silences every logger of the one it runs in."""
    linted = subprocess.run([Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert linted.returncode == 0, linted.stdout


def test_domains_know_at_most_one_anothers_tables() -> None:
    """Bridges and tunnels may be counted together; a KPI or rule of another domain is nobody else's business."""
    homes = {p.stem if p.stem != "__init__" else p.parent.name: p for p in (ROOT / "data_sources").glob("**/*.py") if declares_domain(p)}
    assert len(homes) >= 5
    for name, home in homes.items():
        files = [home] if home.stem != "__init__" else list(home.parent.rglob("*.py"))
        known = {part for file in files for part in imports(file)}
        strange = {k for k in known for other in homes if other != name and k.startswith(f"data_sources.{other}.") and not is_table(k)}
        assert not strange, f"{name} imports {strange}"


def is_table(path: str) -> bool:
    """A table, or the module of tables it is taken from."""
    module, _, name = path.rpartition(".")
    return name == "tables" or isinstance(getattr(importlib.import_module(module), name, None), sa.Table)


def declares_domain(path: Path) -> bool:
    return bool(re.search(r"^DOMAIN\b", path.read_text("utf-8"), re.MULTILINE))


def test_domains_and_departments_do_not_know_the_engine_room() -> None:
    for path in (ROOT / "data_sources").rglob("*.py"):
        allowed = ("dashboard.city", "dashboard.core.datum") if "departments" in path.parts else ("dashboard.city",)
        strange = {i for i in imports(path) if i.startswith("dashboard.") and not i.startswith(allowed)}
        assert not strange, f"{named(path)} imports {strange}; dashboard.city has the words a domain may use"


@pytest.mark.parametrize("path", FILES, ids=named)
def test_a_file_says_first_what_is_in_it_and_can_be_read_in_one_go(path: Path) -> None:
    text = path.read_text("utf-8")
    if not text.strip():
        return
    sentence = (ast.get_docstring(ast.parse(text)) or "").split("\n\n")[0]
    assert sentence.rstrip().endswith((".", "。", ":", "?")), "the first thing in a file is one sentence"
    assert text.count("\n") <= MOST_LINES or named(path).startswith(LOOKED_UP), "split it: nobody reads more in one go"


def test_nothing_is_left_for_later() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError\(\)")
    assert [named(p) for p in FILES if marks.search(p.read_text("utf-8"))] == []


def test_clocks_are_read_by_entry_points_only() -> None:
    """`now` is an argument everywhere else: it is what makes a three-in-the-morning failure repeatable."""
    entry = {"dashboard/core/clock.py", "dashboard/__main__.py", "dashboard/worker.py", "dashboard/serving.py", "dashboard/asgi.py"}
    reads = re.compile(r"\bdatetime\.(now|utcnow|today)\(|\bdate\.today\(|\btime\.time\(\)")
    assert [named(p) for p in FILES if named(p) not in entry and reads.search(p.read_text("utf-8"))] == []


def test_every_dependency_is_explained() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [re.split(r"[\[<>=;! ]", d)[0] for d in project["dependencies"] + project["optional-dependencies"]["dev"]]
    explained = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
    assert [d for d in wanted if f"`{d}`" not in explained] == []


def test_dependencies_are_locked_with_hashes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for lock, names in (
        ("requirements.lock", project["dependencies"]),
        ("requirements-dev.lock", project["dependencies"] + project["optional-dependencies"]["dev"]),
    ):
        text = (ROOT / lock).read_text("utf-8").lower()
        locked = set(re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==[^\n]*\\\n\s+--hash=sha256:", text, re.MULTILINE))
        assert {re.split(r"[\[<>=;! ]", name)[0].lower() for name in names} <= locked, lock
