"""No way past the gate: bodies have no door to the store of their own, and only doors say what a viewer may see."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.app import found_pages
from dashboard.core.catalog import load_catalog
from dashboard.panels.policy import NEEDS
from dashboard.panels.screens import KINDS
from tests.whole_city import EAST

DASHBOARD = Path(__file__).resolve().parents[2] / "dashboard"
BODIES = sorted(f for f in (DASHBOARD / "snapshot").glob("*.py") if f.name != "picture.py")


def names(file: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(file.read_text("utf-8")))


@pytest.mark.parametrize("file", BODIES, ids=lambda f: f.stem)
def test_a_body_reads_through_the_picture_alone(file: Path) -> None:
    """It is given a narrowed connection; it opens none, writes no SQL, and knows neither engine nor reader."""
    for node in names(file):
        if isinstance(node, ast.Attribute):
            assert node.attr not in ("engine", "connect", "begin", "reader", "_reader", "_window", "exec_driver_sql"), f"{node.lineno}"
            assert (node.attr, getattr(node.value, "id", "")) != ("text", "sa"), f"{node.lineno}"
        if isinstance(node, ast.ImportFrom) and node.module in ("dashboard.store.engine", "dashboard.snapshot.picture"):
            assert not {"open_store", "writing", "Reader"} & {alias.name for alias in node.names}, f"{node.lineno}"


def test_only_the_parser_of_addresses_makes_a_view_and_only_doors_call_it() -> None:
    """A view made elsewhere would see everything: that is what tests and the command line ask for by name."""
    made, parsed = [], []
    for file in DASHBOARD.rglob("*.py"):
        calls = [node.func.id for node in names(file) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
        made += [file.stem] * calls.count("View")
        parsed += [file.stem] * calls.count("parse_view")
    assert (made, sorted(parsed)) == (["view"], ["export", "screens"])


def test_nothing_a_stranger_reaches_sees_everything_by_default() -> None:
    files = [(f"{f.parent.name}/{f.name}", f) for f in DASHBOARD.rglob("*.py")]
    wide = [name for name, file in files for node in names(file) if isinstance(node, ast.Name) and node.id == "EVERYTHING"]
    assert sorted(set(wide)) == ["core/sight.py", "panels/screens.py", "snapshot/view.py"]  # screens: the topics of a panel


def test_every_page_and_kind_of_panel_has_a_policy_and_every_policy_something_to_open() -> None:
    assert all(page.needs for page in found_pages())
    assert set(KINDS) == set(NEEDS)


def test_every_role_says_what_it_may_do() -> None:
    roles = load_catalog().roles
    assert {key for key, role in roles.items() if not role.city} == {"security_admin", "auditor", "system_admin"}
    for role in roles.values():
        if role.needs:  # an account that names too little sees nothing rather than everything
            sight = role.sight()
            assert sight.domains == frozenset() or not sight.holds_street(EAST.code), role.key
