"""Every number can be opened, and what is behind it gives the same number."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dashboard.core.errors import NotFoundError
from dashboard.kpi.compute import compute
from dashboard.kpi.explain import Explanation, explain, explanation_text
from tests.small_city import CATALOG, EAST, NOON, WEST, SmallCity, on_both

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def _busy(town: SmallCity) -> None:
    """Something for every KPI, then some minutes in which a part of it grows old."""
    year_ago = NOON.replace(year=2025)
    town.lamps({"a": (EAST, "lit"), "b": (EAST, "dark"), "c": (WEST, "lit"), "d": (None, "dark")})
    town.heat(("a", NOON, 61.5), ("b", NOON - 5 * MINUTE, 90.0))
    town.calls(*((f"o{i}", NOON - i * 7 * MINUTE, (EAST, WEST, None)[i % 3]) for i in range(40)), due=NOON)
    town.calls(*((f"c{i}", NOON - i * DAY / 2, WEST) for i in range(9)), closed=True)
    town.calls(*((f"y{i}", year_ago - i * DAY, EAST) for i in range(5)), closed=True)
    compute(town.engine, town.catalog, town.settings, town.now)
    town.clock.step(25 * MINUTE)
    town.heard("calls")
    compute(town.engine, town.catalog, town.settings, town.now)


def _explain(town: SmallCity, key: str, scope: str = "district") -> Explanation:
    with town.engine.connect() as conn:
        return explain(conn, town.catalog, town.settings, key, scope, town.now)


@pytest.mark.parametrize("scope", ["district", EAST, WEST])
def test_rows_give_the_number_that_is_shown(town: SmallCity, scope: str) -> None:
    _busy(town)
    for key in [*CATALOG.kpis, "vital.nerves", "district.index"]:
        opened = _explain(town, key, scope)
        assert opened.agrees, f"{key}: shown {opened.row and opened.row.value}, rows give {opened.recomputed}"
        assert opened.row is not None


@on_both
def test_the_rows_that_cost_points_are_listed(town: SmallCity) -> None:
    _busy(town)
    opened = _explain(town, "lighting.lit")
    names = [dict(zip(opened.lost.columns, row, strict=True))["name"] for row in opened.lost.rows]
    assert sorted(names) == ["b号灯", "d号灯"]
    assert opened.counted.total == 4
    assert "row_hash" not in opened.counted.columns


def test_street_parts_add_up_and_the_unknown_street_is_named(town: SmallCity) -> None:
    _busy(town)
    parts = {p.street: p.value for p in _explain(town, "lighting.lit").streets}
    assert parts == {EAST: 50.0, WEST: 100.0, "": 0.0}


@on_both
def test_the_extreme_reading_stands_on_top(town: SmallCity) -> None:
    town.heat(("a", NOON, 61.5), ("b", NOON, 70.0))
    compute(town.engine, town.catalog, town.settings, town.now)
    opened = _explain(town, "lighting.hottest")
    assert dict(zip(opened.counted.columns, opened.counted.rows[0], strict=True))["asset_id"] == "b"


def test_target_window_and_feeds_are_told_in_words(town: SmallCity) -> None:
    _busy(town)
    text = explanation_text(_explain(town, "lighting.answered"))
    assert "目标  好 100，差 80" in text and "时段  2026-05-14 00:00 至 2026-05-21 00:00" in text
    assert "来源  来电  lighting.calls  fresh  0分" in text and "与明细一致" in text
    assert "组成  lighting.lit" in explanation_text(_explain(town, "vital.nerves"))


def test_an_unknown_key_is_refused_with_the_known_ones(town: SmallCity) -> None:
    with pytest.raises(NotFoundError, match=r"lighting\.lit"):
        _explain(town, "lighting.nothing")
