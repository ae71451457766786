"""Septic tanks: the published 150, gas in the right unit, and pumping that is checked afterwards."""

from __future__ import annotations

import sqlalchemy as sa

from data_sources.septic_tanks import EXPLOSIVE, HIGH_LEVEL
from tests.demo_city import built_home, picture, sensors_file


def test_a_hundred_and_fifty_old_compounds_are_watched() -> None:
    assert picture().district()["septic_tanks.compounds"] == 150


def test_the_two_tanks_behind_the_dead_gateway_are_not_online() -> None:
    assert picture().parts("septic_tanks.online") in ("[178.0, 180.0]", "[178.0, 178.0]")
    value = picture().district()["septic_tanks.online"]
    assert value is not None
    assert value < 100


def test_hydrogen_sulphide_in_ppm_becomes_milligrams() -> None:
    department = sa.create_engine(f"sqlite:///{sensors_file(built_home())}")
    newest = "select 硫化氢 from 化粪池监测数据 where 设施编号 = 'HFC0001' order by 入库时间 desc limit 1"
    with department.connect() as theirs, picture().engine.connect() as ours:
        ppm = theirs.execute(sa.text(newest)).scalar_one()
        shown = ours.scalar(sa.text("select value from reading_latest where asset_id = 'HFC0001' and metric = 'h2s'"))
    department.dispose()
    assert shown == round(ppm * 34.08 / 24.45, 12) or abs(shown - ppm * 34.08 / 24.45) < 1e-9


def test_counts_of_tanks_beyond_a_limit_agree_with_the_readings() -> None:
    found = picture()
    with found.engine.connect() as conn:
        query = sa.text(
            "select count(*) from reading_latest where domain = 'septic_tanks' and metric = :metric and value >= :limit and quality < 2"
        )
        full = conn.scalar(query, {"metric": "level", "limit": HIGH_LEVEL})
        gassy = conn.scalar(query, {"metric": "ch4", "limit": EXPLOSIVE})
    assert found.district()["septic_tanks.over_level"] == full
    assert found.district()["septic_tanks.over_gas"] == gassy


def test_verified_pumping_and_crews_in_time_are_shares_of_a_month() -> None:
    found = picture().district()
    for kpi in ("septic_tanks.verified", "septic_tanks.on_site"):
        assert found[kpi] is not None
        assert 85 < float(found[kpi] or 0) < 100


def test_rows_that_do_not_fit_are_set_aside_with_their_reason() -> None:
    with picture().engine.connect() as conn:
        reasons = " ".join(row[0] for row in conn.execute(sa.text("select reason from quarantine")))
    assert "0000-00-00" in reasons
    assert "约三车" in reasons
    assert "two different rows" in reasons
