"""Pages are places for panels and nothing else: they open without a store, and only ask for panels that exist."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.app import found_pages
from dashboard.core.catalog import load_catalog
from dashboard.panels.screens import KINDS

SURFACES = ("wall", "desk", "phone")
PAGES = found_pages()


def inside(component: Any) -> list[Any]:
    """A component and everything in it."""
    children = getattr(component, "children", None)
    listed = children if isinstance(children, list | tuple) else [] if children is None else [children]
    return [component, *(found for child in listed for found in inside(child))]


def panel_of(component: Any) -> str:
    return str(getattr(component, "data-panel", "") or "")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.path)
def test_a_page_opens_without_a_store_and_has_a_place_for_each_of_its_panels(page: Any) -> None:
    stand = [panel_of(c) for c in inside(page.layout()) if panel_of(c)]
    assert len(stand) == len(set(stand)), "a panel stands twice"
    assert set(stand) == {panel for surface in SURFACES for panel in page.panels(surface)}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.path)
def test_a_page_asks_only_for_panels_that_are_known(page: Any) -> None:
    assert {panel.partition(":")[0] for surface in SURFACES for panel in page.panels(surface)} <= set(KINDS)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.path)
def test_a_page_has_at_most_two_graphs(page: Any) -> None:
    assert sum(type(c).__name__ == "Graph" for c in inside(page.layout())) <= 2


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.path)
def test_a_page_shows_something_on_every_surface(page: Any) -> None:
    assert all(page.panels(surface) for surface in SURFACES)


def test_every_vital_system_has_its_page_and_so_have_alerts_sources_rules_linkages_the_audit_log_one_asset_and_one_street() -> None:
    vitals = {v.path for v in load_catalog().vitals.values()}
    assert {page.path for page in PAGES} == vitals | {"/", "/alerts", "/sources", "/rules", "/linkages", "/audit", "/asset", "/street"}
    assert PAGES[0].path == "/"


def test_every_domain_stands_in_full_on_its_systems_page_and_on_the_streets() -> None:
    catalog = load_catalog()
    shown = {page.path: set(page.panels("desk")) for page in PAGES}
    for domain in catalog.domains.values():
        path = catalog.vitals[domain.vital].path
        assert {f"sheet:{domain.key}", f"work:{domain.key}"} <= shown[path], domain.key
        assert f"sheet:{domain.key}" in shown["/street"], domain.key


def test_titles_are_in_both_languages() -> None:
    assert all(page.title.zh and page.title.en for page in PAGES)
