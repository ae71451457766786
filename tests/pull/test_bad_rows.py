"""What does not fit goes to quarantine with its reason, costs no other row, and comes back once repaired."""

from __future__ import annotations

from datetime import timedelta

from dashboard.pull.probe import probe
from dashboard.snapshot.picture import Reader
from dashboard.snapshot.sources import sources
from dashboard.snapshot.view import View
from dashboard.store.schema import channel
from tests.pull.bureau import GAUGE_COLUMNS, POST_COLUMNS, Department, Desk, a_post, post

NEW = "2026-05-20 11:50:00"


def test_text_in_a_number_costs_only_its_row_and_is_repaired_by_a_good_version(any_desk: Desk, any_bureau: Department) -> None:
    any_bureau.has("灯杆", POST_COLUMNS, [a_post("A1", NEW), a_post("A2", NEW, "约七米", "李四")])
    assert any_desk.pull("posts").rows_quarantined == 1
    (aside,) = any_desk.aside()
    assert (aside.source_key, aside.reason_code, aside.state) == ("A2", "type", "open")
    assert (aside.reason, aside.reason_zh) == ("height: '约七米' is not a number", "height：'约七米'不是数字")
    assert "李四" not in aside.row and "约七米" in aside.row
    assert any_desk.pull("posts").rows_quarantined == 0
    assert [(q.times, q.state) for q in any_desk.aside()] == [(2, "open")]
    any_bureau.does("UPDATE 灯杆 SET 高 = '7' WHERE 编号 = 'A2'")
    assert any_desk.pull("posts").rows_new == 1
    assert [q.state for q in any_desk.aside()] == ["repaired"]


def test_a_zero_date_is_named_as_such(any_desk: Desk, any_bureau: Department) -> None:
    any_bureau.has("灯杆", POST_COLUMNS, [a_post("A1", "0000-00-00 00:00:00"), a_post("A2", NEW)])
    assert any_desk.pull("posts").rows_new == 1
    (aside,) = any_desk.aside()
    assert aside.reason_code == "date" and "0000-00-00" in aside.reason


def test_of_two_rows_with_one_key_the_newer_is_used_and_the_other_kept_aside(any_desk: Desk, any_bureau: Department) -> None:
    any_desk.remaps("gauges", key_fields=("测点", "时间"), watermark="入库")
    rows = [(1, "G1", "温度", NEW, "20", "2026-05-20 11:50:10"), (2, "G1", "温度", NEW, "21", "2026-05-20 11:50:20")]
    any_bureau.has("监测", GAUGE_COLUMNS, rows)
    any_desk.pull("gauges")
    any_desk.pull("gauges")
    assert [v for v, _ in any_desk.readings().values()] == [21.0]
    assert [(q.reason_code, q.state) for q in any_desk.aside()] == [("duplicate", "open")]


def test_a_duplicate_key_in_a_register_keeps_the_newer_row(desk: Desk, bureau: Department) -> None:
    desk.remaps("posts", table="旧杆", watermark="更新时间")
    bureau.does("CREATE TABLE 旧杆 AS SELECT * FROM 灯杆")
    bureau.has("旧杆", POST_COLUMNS, [a_post("A1", "2026-05-20 11:58:00", "8"), a_post("A1", "2026-05-20 11:57:00", "7")])
    desk.pull("posts")
    desk.pull("posts")
    assert [r.height for r in desk.rows(post)] == [8.0]
    assert [(q.reason_code, q.times) for q in desk.aside()] == [("duplicate", 2)]


def test_a_huge_row_is_put_aside_by_size_and_key_without_its_content(any_desk: Desk, any_bureau: Department) -> None:
    any_desk.remaps("posts", options={"row_limit": 2000})
    any_bureau.has("灯杆", POST_COLUMNS, [a_post("A1", NEW, "9" * 3000), a_post("A2", NEW)])
    assert any_desk.pull("posts").rows_new == 1
    (aside,) = any_desk.aside()
    assert (aside.reason_code, aside.source_key) == ("too_big", "A1")
    assert "99999" not in aside.row and "3" in aside.reason


def test_a_row_of_a_hundred_megabytes_is_put_aside(desk: Desk, bureau: Department) -> None:
    bureau.does("INSERT INTO 灯杆 (编号, 名称, 高, 更新时间) VALUES ('A1', '大', hex(zeroblob(50000000)), '2026-05-20 11:50:00')")
    bureau.has("灯杆", POST_COLUMNS, [a_post("A2", NEW)])
    assert desk.pull("posts").rows_new == 1
    assert [(q.reason_code, len(q.row) < 1000) for q in desk.aside()] == [("too_big", True)]


def test_a_value_no_instrument_gives_is_put_aside(desk: Desk, bureau: Department) -> None:
    rows = [(1, "G1", "温度", NEW, "999", NEW), (2, "G1", "气体", NEW, "30", NEW), (3, "G1", "噪声", NEW, "30", NEW)]
    bureau.has("监测", GAUGE_COLUMNS, rows)
    assert desk.pull("gauges").rows_new == 1
    assert sorted((q.reason_code, q.source_key) for q in desk.aside()) == [("code", "3"), ("range", "1")]


def test_a_code_mapped_to_nothing_is_another_feeds_business(desk: Desk, bureau: Department) -> None:
    desk.remaps("gauges", codes={"metric": {"温度": "heat", "*": ""}})
    bureau.has("监测", GAUGE_COLUMNS, [(1, "G1", "温度", NEW, "20", NEW), (2, "G1", "噪声", NEW, "30", NEW)])
    assert desk.pull("gauges").rows_new == 1
    assert desk.aside() == []


def test_a_clock_an_hour_ahead_is_noticed_and_hides_no_other_instrument(desk: Desk, bureau: Department) -> None:
    bureau.has("监测", GAUGE_COLUMNS, [(1, "G1", "温度", "2026-05-20 12:58:00", "20", "2026-05-20 12:58:00")])
    desk.pull("gauges")
    assert 3400 < desk.state("gauges").clock_skew_s <= 3600
    desk.later(minutes=5)
    bureau.has("监测", GAUGE_COLUMNS, [(2, "G2", "温度", "2026-05-20 12:04:00", "21", "2026-05-20 12:04:00")])
    desk.pull("gauges")
    assert sorted((asset, quality) for (asset, _, _), (_, quality) in desk.readings().items()) == [("G1", 1), ("G2", 0)]


def test_a_time_far_in_the_future_is_no_reading_and_does_not_stop_the_pull(desk: Desk, bureau: Department) -> None:
    bureau.has("监测", GAUGE_COLUMNS, [(1, "G1", "温度", "2099-01-01 00:00:00", "20", "2099-01-01 00:00:00")])
    desk.pull("gauges")
    desk.later(minutes=5)
    bureau.has("监测", GAUGE_COLUMNS, [(2, "G1", "温度", "2026-05-20 12:04:00", "21", "2026-05-20 12:04:00")])
    assert desk.pull("gauges").rows_new == 1
    assert [q.reason_code for q in desk.aside()] == ["date"]


def test_a_text_date_that_does_not_sort_is_read_whole_so_that_nothing_is_lost(desk: Desk, bureau: Department) -> None:
    bureau.has("灯杆", POST_COLUMNS, [a_post("A1", "2026/5/9 8:05"), a_post("A2", "2026/5/10 11:00")])
    assert desk.pull("posts").rows_new == 2
    desk.later(days=1)
    bureau.has("灯杆", POST_COLUMNS, [a_post("A3", "2026/5/21 9:00")])
    assert desk.pull("posts").rows_new == 1
    assert "does not sort" in str(probe(desk.catalog, desk.settings, "posts", desk.now))


def test_a_point_that_is_not_on_earth_says_whether_it_is_swapped(desk: Desk, bureau: Department) -> None:
    bureau.has("灯杆", POST_COLUMNS, [("A1", "杆", "29.5585", "106.572", "7", "张三", NEW)])
    desk.pull("posts")
    (aside,) = desk.aside()
    assert aside.reason_code == "place" and "swapped" in aside.reason


def test_a_street_is_found_by_its_name_before_its_point(desk: Desk, bureau: Department) -> None:
    desk.remaps("posts", fields={"asset_id": "编号", "name": "名称", "street": "名称", "observed_at": "更新时间"})
    bureau.has("灯杆", POST_COLUMNS, [("A1", "大溪沟街道", "1", "1", "7", "张三", NEW), ("A2", "别处", "1", "1", "7", "张三", NEW)])
    desk.pull("posts")
    assert [r.street for r in desk.rows(post)] == ["500103011", None]


def test_readings_of_a_registered_asset_get_its_street(desk: Desk, bureau: Department) -> None:
    bureau.has("监测", GAUGE_COLUMNS, [(1, "A1", "温度", NEW, "20", NEW)])
    desk.pull("gauges")
    bureau.has("灯杆", POST_COLUMNS, [a_post("A1", NEW)])
    desk.pull("posts")
    desk.later(minutes=5)
    bureau.has("监测", GAUGE_COLUMNS, [(2, "A1", "温度", "2026-05-20 12:04:00", "21", "2026-05-20 12:04:00")])
    desk.pull("gauges")
    assert [c.street for c in desk.rows(channel)] == ["500103003"]


def test_a_personal_key_is_kept_as_a_token_only(desk: Desk, bureau: Department) -> None:
    desk.remaps("posts", key_fields=("管护人",))
    bureau.has("灯杆", POST_COLUMNS, [a_post("A1", NEW), a_post("A2", NEW, "七", "王五")])
    desk.pull("posts")
    (row,), (aside,) = desk.rows(post), desk.aside()
    assert "张三" not in row.source_key and "王五" not in aside.source_key + aside.row + aside.reason


def test_the_watermark_never_moves_back_for_a_late_row(desk: Desk, bureau: Department) -> None:
    bureau.has("灯杆", POST_COLUMNS, [a_post("A1", "2026-05-20 11:59:00")])
    desk.pull("posts")
    mark = desk.state("posts").watermark
    bureau.does("DELETE FROM 灯杆")
    bureau.has("灯杆", POST_COLUMNS, [a_post("A0", "2026-05-20 11:52:00")])
    desk.later(minutes=1)
    assert desk.pull("posts").rows_new == 1
    assert "11:59:00" in mark and "11:59:00" in desk.state("posts").watermark


def test_a_look_back_of_nothing_still_takes_rows_of_the_same_second(desk: Desk, bureau: Department) -> None:
    desk.remaps("posts", lookback=timedelta(0))
    bureau.has("灯杆", POST_COLUMNS, [a_post("A1", NEW)])
    desk.pull("posts")
    bureau.has("灯杆", POST_COLUMNS, [a_post("A2", NEW)])
    assert desk.pull("posts").rows_new == 1


def test_badly_encoded_text_stops_nothing(desk: Desk, bureau: Department) -> None:
    bureau.has("灯杆", POST_COLUMNS, [a_post("A1", NEW)])
    bureau.does("INSERT INTO 灯杆 (编号, 名称, 更新时间) VALUES ('A2', CAST(x'C7C5' AS TEXT), '2026-05-20 11:50:00')")
    assert desk.pull("posts").rows_new == 2
    assert [r.name for r in desk.rows(post)] == ["灯杆A1", "桥"]


def sent(desk: Desk, bureau: Department, number: int, minutes_off: int) -> None:
    """A minute passes, and a reading comes that is dated so far off."""
    desk.later(minutes=1)
    at = f"{desk.now + timedelta(hours=8, minutes=minutes_off):%Y-%m-%d %H:%M:%S}"
    bureau.has("监测", GAUGE_COLUMNS, [(number, "G1", "温度", at, "20", at)])
    desk.pull("gauges")


def standing(desk: Desk) -> tuple[str, str]:
    """The feed's freshness, and what the sources page says about it in Chinese."""
    picture = Reader(desk.store, desk.catalog, desk.settings).picture(desk.now, View())
    (department,) = sources(picture, View())["departments"]
    (gauges,) = (p for p in department["pulls"] if p["key"] == "gauges")
    return gauges["fresh"].state, gauges["error"]


def test_a_source_whose_clock_is_an_hour_slow_is_told_as_such_and_its_data_is_not_passed_off_as_fresh(
    desk: Desk, bureau: Department
) -> None:
    desk.pull("gauges")
    for number in range(8):
        assert standing(desk)[1] == ""
        sent(desk, bureau, number, -60)
    assert standing(desk) == ("silent", "来源时钟慢约1小时，或每次都迟这么久")
    sent(desk, bureau, 9, 0)
    assert standing(desk) == ("fresh", "")


def test_a_source_that_was_away_for_an_hour_and_catches_up_has_no_wrong_clock(desk: Desk, bureau: Department) -> None:
    desk.pull("gauges")
    for number in range(30):
        sent(desk, bureau, number, -2 * max(0, 30 - number))
        assert desk.state("gauges").clock_skew_s is None


def test_a_source_whose_clock_is_an_hour_fast_is_told_as_such_until_it_is_put_right(desk: Desk, bureau: Department) -> None:
    desk.pull("gauges")
    sent(desk, bureau, 1, 60)
    assert standing(desk) == ("fresh", "来源时钟快约1小时")
    assert {quality for _, quality in desk.readings().values()} == {1}
    sent(desk, bureau, 2, 0)
    assert standing(desk) == ("fresh", "")
    desk.later(minutes=50)
    desk.pull("gauges")
    assert standing(desk)[0] == "silent", "a date in the future keeps nothing fresh"
