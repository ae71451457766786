"""Bridges: the published figures come out of the rows, each share with its own denominator."""

from __future__ import annotations

from dashboard.city import Level
from data_sources.limits import limit
from tests.demo_city import NOW, picture


def test_the_published_counts_and_coverage_come_out_of_the_rows() -> None:
    found = picture().district()
    assert found["bridges.iot_bridges"] == 51
    assert found["bridges.video_structures"] == 101
    assert found["bridges.fused_coverage"] == 100


def test_sensors_video_and_both_together_have_denominators_of_their_own() -> None:
    assert picture().parts("bridges.iot_coverage") == "[51.0, 51.0]"
    assert picture().parts("bridges.video_coverage") == "[101.0, 101.0]"
    assert picture().parts("bridges.video_online").endswith("101.0]")


def test_one_frozen_gauge_is_found_and_costs_one_channel() -> None:
    assert picture().parts("bridges.availability").endswith("301.0]")
    found = picture().district()
    assert found["bridges.availability"] is not None
    assert found["bridges.availability"] > 98


def test_class_one_bridges_are_not_in_the_condition_rating() -> None:
    assert picture().parts("bridges.bci_good").endswith("77.0]")


def test_every_rule_has_limits_and_every_limit_says_where_it_is_from() -> None:
    catalog = picture().catalog
    for domain in ("bridges", "tunnels", "slopes", "septic_tanks"):
        for rule in catalog.domains[domain].rules:
            rows = catalog.rule_thresholds(f"{domain}.{rule.key}", NOW.date().isoformat())
            assert rows, rule.key
            assert all(row.ref and row.confidence in ("verified", "recalled", "default") for row in rows)
            assert all((row.clear <= row.value) == (row.op[0] == ">") for row in rows)


def test_every_weighted_kpi_has_a_target_and_every_shown_figure_of_the_documents_a_kpi_that_exists() -> None:
    catalog = picture().catalog
    for domain in ("bridges", "tunnels", "slopes", "septic_tanks"):
        missing = [k.key for k in catalog.domains[domain].kpis if k.weight and f"{domain}.{k.key}" not in catalog.targets]
        assert missing == []
    assert [p.key for p in catalog.published if p.kpi and p.kpi not in catalog.kpis] == []
    assert {p.vital for p in catalog.published} == set(catalog.vitals)


def test_a_limit_used_by_a_number_is_the_one_its_alert_uses() -> None:
    assert limit("septic_tanks.level", Level.YELLOW) == 80
