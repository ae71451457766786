"""Septic tanks: the published 150, gas in the right unit, and pumping that is checked afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from data_sources.septic_tanks.kpis import EXPLOSIVE, HIGH_LEVEL
from data_sources.septic_tanks.runs import judge_reading, judge_run, share_of_layers
from tests.demo_city import NOW, built_home, picture, sensors_file


def test_a_hundred_and_fifty_old_compounds_are_watched() -> None:
    assert picture().district()["septic_tanks.compounds"] == 150


def test_the_two_tanks_behind_the_dead_gateway_are_not_online() -> None:
    assert picture().parts("septic_tanks.online") == "[177.0, 180.0]"  # and one whose line is down just now
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


def test_managed_and_ownerless_tanks_are_counted_apart() -> None:
    found = picture().district()
    assert (found["septic_tanks.managed"], found["septic_tanks.ownerless"]) == (18, 12)


BEGUN, ENDED = datetime(2026, 3, 12, 1, 0, tzinfo=UTC), datetime(2026, 3, 12, 1, 16, tzinfo=UTC)
A_RUN = {
    **{"opened_at": BEGUN, "closed_at": ENDED, "state": "verified"},
    **{"level_before": 74.0, "level_after": 39.5, "ch4_after": 3.0},
    **{"seen_before_at": BEGUN - timedelta(minutes=4), "level_seen_before": 74.3},
    **{"seen_after_at": ENDED + timedelta(minutes=3), "level_seen_after": 39.9, "ch4_seen_after": 3.1},
}


@pytest.mark.parametrize(
    ("change", "judged", "word"),
    [
        ({}, "verified", "一致"),
        ({"level_after": 64.1, "level_seen_after": 64.0}, "failed", "不足10点"),
        ({"level_after": 64.0, "level_seen_after": 64.3}, "verified", "一致"),
        ({"ch4_after": 10.0}, "failed", "未复位"),
        ({"ch4_seen_after": 12.0}, "failed", "监测甲烷"),
        ({"level_seen_after": 70.0}, "failed", "监测液位只降"),
        ({"level_seen_after": 45.0}, "failed", "相差超过5点"),
        ({"seen_after_at": ENDED + timedelta(minutes=16)}, "unseen", "无监测读数"),
        ({"seen_before_at": None, "level_seen_before": None}, "unseen", "无监测读数"),
        ({"level_after": None}, "failed", "记录缺"),
    ],
)
def test_a_run_is_judged_by_its_record_and_by_the_terminals_own_readings(change: dict[str, Any], judged: str, word: str) -> None:
    row = judge_run({**A_RUN, **change})
    assert row["judged"] == judged
    assert word in row["verdict"]
    assert row["disputed"] == (judged != "verified")


def test_a_run_still_going_or_not_yet_checked_is_not_disputed() -> None:
    assert judge_run({**A_RUN, "closed_at": None, "state": "running"})["judged"] is None
    assert judge_run({**A_RUN, "state": "ended"})["disputed"] is None


def test_a_methane_detector_at_full_scale_is_a_fault_and_no_alarm() -> None:
    assert judge_reading({"ch4": 100.0, "level": 60}) == {"ch4": None, "ch4_fault": 1.0, "level": 60}
    assert judge_reading({"ch4": "62.5"}) == {"ch4": 62.5, "ch4_fault": 0.0}
    assert judge_reading({"ch4": "坏"}) == {"ch4": "坏"}


def test_layers_are_a_share_of_the_effective_depth() -> None:
    assert share_of_layers({"scum_cm": 30.0, "sludge_cm": 45.0, "water_m": 2.25})["layers"] == pytest.approx(1 / 3)
    assert share_of_layers({"scum_cm": 30.0, "sludge_cm": None, "water_m": 2.25})["layers"] is None


def test_our_verdict_on_pumping_is_below_what_the_department_says_and_the_rows_between_are_listed() -> None:
    found = picture()
    told = found.district()
    ours, theirs = told["septic_tanks.verified"], told["septic_tanks.claimed"]
    assert ours is not None
    assert theirs is not None
    assert 85 < ours < theirs < 100
    with found.engine.connect() as conn:
        since = NOW - timedelta(days=29)
        query = sa.text("select count(*) from pump_run where disputed = 1 and opened_at >= :since")
        listed = conn.scalar(query, {"since": int(since.timestamp() * 1e6)})
    assert 0 < listed <= (told["septic_tanks.disputed"] or 0)


def test_crews_and_messages_are_mostly_in_time() -> None:
    found = picture().district()
    assert 85 < (found["septic_tanks.on_site"] or 0) < 100
    assert 3 < (found["septic_tanks.notified_p95"] or 0) < 30


def test_tanks_to_be_cleaned_without_an_order_are_found_by_their_layers() -> None:
    found = picture()
    with found.engine.connect() as conn:
        ordered = "select 1 from tank_clean_order o where o.asset_id = t.asset_id and o.closed_at is null"
        forgotten = conn.scalar(sa.text(f"select count(*) from septic_tank t where layers > 0.3333 and not exists ({ordered})"))
        overdue = conn.scalar(
            sa.text("select count(*) from tank_clean_order where closed_at is null and due_at < :now"), {"now": int(NOW.timestamp() * 1e6)}
        )
    assert found.district()["septic_tanks.clean_unordered"] == forgotten
    assert found.district()["septic_tanks.clean_overdue"] == overdue


def test_rows_that_do_not_fit_are_set_aside_with_their_reason() -> None:
    with picture().engine.connect() as conn:
        reasons = " ".join(row[0] for row in conn.execute(sa.text("select reason from quarantine")))
    assert "0000-00-00" in reasons
    assert "约三车" in reasons
    assert "two different rows" in reasons
