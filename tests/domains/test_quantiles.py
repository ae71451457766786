"""Quantiles out of counts per bin."""

from __future__ import annotations

import pytest

from data_sources.quantiles import within

EDGES = (1.0, 2.0, 5.0, 10.0)


def test_a_quantile_lies_where_its_share_of_rows_is_reached() -> None:
    assert within([4, 4, 0, 0, 0], EDGES, 0.5) == pytest.approx(1.0)
    assert within([0, 0, 10, 0, 0], EDGES, 0.5) == pytest.approx(3.5)
    assert within([0, 19, 0, 1, 0], EDGES, 0.95) == pytest.approx(2.0)


def test_nothing_counted_has_no_quantile_and_beyond_the_last_edge_is_the_last_edge() -> None:
    assert within([0, 0, 0, 0, 0], EDGES, 0.5) is None
    assert within([0, 0, 0, 0, 7], EDGES, 0.5) == 10.0
