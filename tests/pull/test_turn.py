"""A turn takes what is new, corrected and late, and nothing twice, from every kind of database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from dashboard.store.schema import pull_run, row_past
from dashboard.store.topics import versions
from tests.pull.bureau import GAUGE_COLUMNS, POST_COLUMNS, Department, Desk, a_post, post


def test_rows_come_in_typed_placed_and_without_personal_data(any_desk: Desk, any_bureau: Department) -> None:
    any_bureau.has("灯杆", POST_COLUMNS, [a_post("A1", "2026-05-20 11:50:00"), a_post("A2", "2026-05-20 11:51:00", "1,234.50 ")])
    assert any_desk.pull("posts").rows_new == 2
    first, second = any_desk.rows(post)
    assert (first.asset_id, first.name, first.height, second.height) == ("A1", "灯杆A1", 7.5, 1234.5)
    assert first.street == "500103003"
    assert first.observed_at.isoformat() == "2026-05-20T03:50:00+00:00"
    assert first.keeper and "张" not in first.keeper and first.keeper == second.keeper
    assert (first.source, first.source_key) == ("bureau", "A1")


def test_a_second_turn_brings_only_what_changed_and_keeps_what_was(any_desk: Desk, any_bureau: Department) -> None:
    any_bureau.has("灯杆", POST_COLUMNS, [a_post("A1", "2026-05-20 11:50:00"), a_post("A2", "2026-05-20 11:51:00")])
    any_desk.pull("posts")
    with any_desk.store.connect() as conn:
        before = versions(conn)
    any_desk.later(minutes=5)
    quiet = any_desk.pull("posts")
    assert (quiet.rows_new, quiet.rows_changed, quiet.topics) == (0, 0, set())
    with any_desk.store.connect() as conn:
        assert versions(conn) == before
    assert len(any_desk.rows(pull_run)) == 1
    any_bureau.does("UPDATE 灯杆 SET 高 = '8', 更新时间 = '2026-05-20 12:04:00' WHERE 编号 = 'A1'")
    any_bureau.has("灯杆", POST_COLUMNS, [a_post("A3", "2026-05-20 12:04:30")])
    outcome = any_desk.pull("posts")
    assert (outcome.rows_new, outcome.rows_changed) == (1, 1)
    assert [r.height for r in any_desk.rows(post)] == [8.0, 7.5, 7.5]
    assert [r.row_key for r in any_desk.rows(row_past)] == ["A1"]


def test_a_row_that_arrives_late_within_the_look_back_is_taken(any_desk: Desk, any_bureau: Department) -> None:
    any_bureau.has("灯杆", POST_COLUMNS, [a_post("A1", "2026-05-20 11:59:00")])
    any_desk.pull("posts")
    any_bureau.has("灯杆", POST_COLUMNS, [a_post("A0", "2026-05-20 11:51:00")])
    assert any_desk.pull("posts").rows_new == 1


def test_rows_sharing_a_watermark_across_pages_are_all_taken(any_desk: Desk, any_bureau: Department) -> None:
    any_bureau.has("灯杆", POST_COLUMNS, [a_post(f"A{i:03}", "2026-05-20 11:50:00") for i in range(53)])
    any_desk.remaps("posts", batch=10)
    assert any_desk.pull("posts").rows_new == 53
    assert any_desk.pull("posts").rows_new == 0


def test_rows_without_watermark_are_not_lost(any_desk: Desk, any_bureau: Department) -> None:
    rows: list[tuple[Any, ...]] = [a_post("A1", "2026-05-20 11:50:00"), (*a_post("A2", "")[:6], None), a_post("A3", "")]
    any_bureau.has("灯杆", POST_COLUMNS, rows)
    any_desk.pull("posts")
    any_desk.later(minutes=5)
    any_bureau.has("灯杆", POST_COLUMNS, [(*a_post("A4", "")[:6], None), a_post("A5", "0000-00-00 00:00:00")])
    any_desk.pull("posts")
    assert [r.asset_id for r in any_desk.rows(post)] == ["A1", "A2", "A3", "A4"]
    assert [(q.source_key, q.reason_code) for q in any_desk.aside()] == [("A5", "date")]


def test_a_table_without_watermark_is_read_whole_every_turn(any_desk: Desk, any_bureau: Department) -> None:
    any_desk.remaps("posts", watermark="", batch=7)
    any_bureau.has("灯杆", POST_COLUMNS, [a_post(f"A{i:02}", "2026-05-20 11:50:00") for i in range(20)])
    assert any_desk.pull("posts").rows_new == 20
    any_bureau.does("UPDATE 灯杆 SET 高 = '9' WHERE 编号 = 'A03'")
    outcome = any_desk.pull("posts")
    assert (outcome.rows_new, outcome.rows_changed) == (0, 1)


def test_an_empty_table_is_no_error(any_desk: Desk) -> None:
    assert any_desk.pull("posts").outcome == "ok"
    assert any_desk.pull("gauges").outcome == "ok"


def test_readings_come_in_once_and_a_correction_replaces(any_desk: Desk, any_bureau: Department) -> None:
    rows = [(i, "G1", "温度", f"2026-05-20 11:{i:02}:00", f"{20 + i}", f"2026-05-20 11:{i:02}:30") for i in range(50, 60)]
    any_bureau.has("监测", GAUGE_COLUMNS, rows)
    assert any_desk.pull("gauges").rows_new == 10
    assert any_desk.pull("gauges").rows_new == 0
    any_bureau.does("UPDATE 监测 SET 数值 = '33' WHERE 序号 = 59")
    assert any_desk.pull("gauges").rows_changed == 1
    values = [v for v, _ in any_desk.readings().values()]
    assert len(values) == 10 and 33.0 in values


def test_integer_ids_serve_as_watermark(any_desk: Desk, any_bureau: Department) -> None:
    any_desk.remaps("gauges", watermark="序号", batch=4)
    any_bureau.has("监测", GAUGE_COLUMNS, [(i, "G1", "温度", f"2026-05-20 11:{i:02}:00", "20", "") for i in range(1, 12)])
    assert any_desk.pull("gauges").rows_new == 11
    any_bureau.has("监测", GAUGE_COLUMNS, [(99, "G1", "气体", "2026-05-20 11:59:00", "3", "")])
    assert any_desk.pull("gauges").rows_new == 1


def test_a_first_read_reaches_back_no_further_than_the_backfill(any_desk: Desk, any_bureau: Department) -> None:
    any_desk.remaps("gauges", backfill=timedelta(hours=1))
    any_bureau.has(
        "监测", GAUGE_COLUMNS, [(i, "G1", "温度", f"2026-05-20 {i:02}:30:00", "20", f"2026-05-20 {i:02}:30:00") for i in range(12)]
    )
    assert any_desk.pull("gauges").rows_new == 1


def test_a_wide_table_becomes_one_reading_a_metric(any_desk: Desk, any_bureau: Department) -> None:
    any_bureau.does("CREATE TABLE 宽表 (点 varchar(9), 时 varchar(20), 温 varchar(9), 气 varchar(9))")
    fields = {"asset_id": "点", "observed_at": "时"}
    any_desk.maps("wide", into="pulltest.gauges", table="宽表", watermark="时", fields=fields, metrics={"heat": "温", "gas": "气"})
    any_bureau.has("宽表", "点, 时, 温, 气", [("W1", "2026-05-20 11:50:00", "21", "三"), ("W2", "2026-05-20 11:50:00", "—", "7")])
    assert any_desk.pull("wide").rows_new == 2
    assert sorted((a, m, v) for (a, m, _), (v, _) in any_desk.readings().items()) == [("W1", "heat", 21.0), ("W2", "gas", 7.0)]
    (aside,) = any_desk.aside()
    assert aside.reason_code == "type" and "gas" in aside.reason and aside.source_key.endswith("#gas")
    any_bureau.does("UPDATE 宽表 SET 气 = '3' WHERE 点 = 'W1'")
    any_desk.pull("wide")
    assert [q.state for q in any_desk.aside()] == ["repaired"]
