"""Rows and readings that vanish at the source leave our tables, with what they said kept; a source half read takes nothing away."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from dashboard.pull.reconcile import Compared, compare, compare_if_due
from dashboard.snapshot.picture import Reader
from dashboard.snapshot.sources import pull_detail, sources
from dashboard.snapshot.view import View
from dashboard.store.past import row_as_of
from dashboard.store.schema import dirty_day, latest, pull_run, reading_past, row_past
from dashboard.store.series import series
from dashboard.store.topics import versions
from tests.pull.bureau import GAUGE_COLUMNS, NOON, POST_COLUMNS, Department, Desk, a_post, call, post

NEW = "2026-05-20 11:50:00"
CALL_TABLE = "CREATE TABLE 来电 (单号 varchar(20) PRIMARY KEY, 来电时间 varchar(20), 更新时间 varchar(20))"
CALL_FIELDS = {"case_id": "单号", "opened_at": "来电时间", "updated_at": "更新时间"}


def compared(desk: Desk, key: str) -> Compared:
    return compare(desk.store, desk.catalog, desk.settings, key, desk.now)


def names(desk: Desk, table: sa.Table = post) -> list[str]:
    return [row[0] for row in desk.rows(table)]


def has_posts(desk: Desk, bureau: Department, count: int) -> None:
    bureau.has("灯杆", POST_COLUMNS, [a_post(f"A{i:03}", NEW) for i in range(count)])
    desk.pull("posts")
    desk.later(minutes=5)


def test_a_row_deleted_at_the_source_leaves_our_table_and_is_there_in_the_past(any_desk: Desk, any_bureau: Department) -> None:
    has_posts(any_desk, any_bureau, 30)
    any_bureau.does("DELETE FROM 灯杆 WHERE 编号 = 'A007'")
    with any_desk.store.connect() as conn:
        before = versions(conn)
    assert any_desk.pull("posts").rows_gone == 0, "a watermark cannot see a deletion"
    assert compared(any_desk, "posts") == Compared(gone=1)
    assert len(names(any_desk)) == 29 and "A007" not in names(any_desk)
    with any_desk.store.connect() as conn:
        past = row_as_of(conn, post, "A007", any_desk.now - timedelta(minutes=1))
        assert past and past["height"] == 7.5
        assert row_as_of(conn, post, "A007", any_desk.now) is None
        moved = {topic for topic, version in versions(conn).items() if version != before.get(topic)}
        assert conn.scalar(sa.select(sa.func.count()).select_from(dirty_day).where(dirty_day.c.table_name == post.name)) == 1
    assert moved == {"sources", "table:pulltest_post"}
    assert any_desk.state("posts").gone_total == 1 and any_desk.rows(pull_run)[-1].rows_gone == 1
    assert compared(any_desk, "posts") == Compared()


def test_a_row_that_comes_back_is_taken_again(desk: Desk, bureau: Department) -> None:
    has_posts(desk, bureau, 3)
    bureau.does("DELETE FROM 灯杆 WHERE 编号 = 'A001'")
    compared(desk, "posts")
    desk.later(minutes=5)
    bureau.has("灯杆", POST_COLUMNS, [a_post("A001", "2026-05-20 12:09:00")])
    assert desk.pull("posts").rows_new == 1
    assert names(desk) == ["A000", "A001", "A002"]


def test_a_register_read_whole_loses_a_row_with_the_very_next_turn(any_desk: Desk, any_bureau: Department) -> None:
    any_desk.remaps("posts", watermark="")
    has_posts(any_desk, any_bureau, 5)
    any_bureau.does("DELETE FROM 灯杆 WHERE 编号 = 'A003'", "UPDATE 灯杆 SET 高 = '约七米' WHERE 编号 = 'A004'")
    assert any_desk.pull("posts").rows_gone == 1
    assert names(any_desk) == ["A000", "A001", "A002", "A004"], "a row that became unreadable is not a row that is gone"


def test_the_last_row_of_many_pages_is_compared_too(any_desk: Desk, any_bureau: Department, monkeypatch: Any) -> None:
    monkeypatch.setattr("dashboard.pull.reconcile_rows._PAGE", 7)
    has_posts(any_desk, any_bureau, 50)
    assert compared(any_desk, "posts") == Compared()
    any_bureau.does("DELETE FROM 灯杆 WHERE 编号 = 'A049'")
    assert compared(any_desk, "posts") == Compared(gone=1)


def test_many_rows_missing_at_once_are_held_and_go_only_when_missing_an_hour_later(desk: Desk, bureau: Department) -> None:
    has_posts(desk, bureau, 100)
    bureau.does("DELETE FROM 灯杆 WHERE 编号 > 'A069'")
    assert compared(desk, "posts") == Compared(held=30)
    desk.later(minutes=50)
    assert compared(desk, "posts") == Compared(held=30)
    assert len(names(desk)) == 100
    desk.later(minutes=11)
    assert compared(desk, "posts") == Compared(gone=30)
    assert len(names(desk)) == 70


def test_rows_that_were_only_away_for_a_reload_are_never_taken(desk: Desk, bureau: Department) -> None:
    has_posts(desk, bureau, 100)
    bureau.does("CREATE TABLE 旁 AS SELECT * FROM 灯杆", "DELETE FROM 灯杆 WHERE 编号 > 'A009'")
    assert compared(desk, "posts") == Compared(held=90)
    bureau.does("INSERT INTO 灯杆 SELECT * FROM 旁 WHERE 编号 > 'A009'")
    desk.later(hours=2)
    assert compared(desk, "posts") == Compared()
    bureau.does("DELETE FROM 灯杆 WHERE 编号 > 'A009'")
    assert compared(desk, "posts") == Compared(held=90), "the hour begins anew"


def test_an_empty_source_deletes_nothing_however_long_it_is_empty(desk: Desk, bureau: Department) -> None:
    has_posts(desk, bureau, 100)
    bureau.does("DELETE FROM 灯杆")
    for _ in range(3):
        assert compared(desk, "posts") == Compared(held=100)
        desk.later(hours=2)
    desk.remaps("posts", watermark="")
    assert desk.pull("posts").rows_gone == 0
    assert len(names(desk)) == 100


def test_a_source_that_fails_deletes_nothing(desk: Desk, bureau: Department) -> None:
    has_posts(desk, bureau, 3)
    bureau.does("ALTER TABLE 灯杆 RENAME TO 旧灯杆")
    assert compared(desk, "posts") == Compared()
    assert len(names(desk)) == 3


def test_old_cases_a_department_files_away_stay_with_us(any_desk: Desk, any_bureau: Department) -> None:
    any_bureau.does(CALL_TABLE)
    any_desk.maps("calls", table="来电", key_fields=("单号",), watermark="更新时间", fields=CALL_FIELDS)
    days = [f"2026-05-{d:02} 08:00:00" for d in range(1, 20)]
    any_bureau.has("来电", "单号, 来电时间, 更新时间", [(f"C{i:02}", at, at) for i, at in enumerate(days)])
    any_desk.pull("calls")
    any_bureau.does("DELETE FROM 来电 WHERE 来电时间 < '2026-05-08'", "DELETE FROM 来电 WHERE 单号 = 'C15'")
    assert compared(any_desk, "calls") == Compared(gone=1)
    assert len(names(any_desk, call)) == 18 and "C00" in names(any_desk, call) and "C15" not in names(any_desk, call)


def test_two_pulls_into_one_table_do_not_take_each_others_rows(desk: Desk, bureau: Department) -> None:
    tall = desk.pulls["posts"].fields
    desk.remaps("posts", table="", query="select * from 灯杆 where 编号 < 'A003'", watermark="")
    desk.maps("others", into="pulltest.posts", table="", query="select * from 灯杆 where 编号 >= 'A003'", key_fields=("编号",), fields=tall)
    bureau.has("灯杆", POST_COLUMNS, [a_post(f"A{i:03}", NEW) for i in range(6)])
    for _ in range(2):
        assert desk.pull("posts").rows_gone == desk.pull("others").rows_gone == 0
    assert compared(desk, "posts") == Compared()
    bureau.does("DELETE FROM 灯杆 WHERE 编号 = 'A004'")
    assert compared(desk, "posts") == Compared(gone=1)
    assert len(names(desk)) == 5


def test_a_mapping_that_names_rows_by_another_key_reads_them_again_before_it_compares(desk: Desk, bureau: Department) -> None:
    has_posts(desk, bureau, 40)
    compared(desk, "posts")
    desk.remaps("posts", key_fields=("名称",))
    for _ in range(2):
        assert compared(desk, "posts") == Compared()
        desk.pull("posts")
        desk.later(hours=2)
    assert len(names(desk)) == 40
    bureau.does("DELETE FROM 灯杆 WHERE 编号 = 'A001'")
    assert compared(desk, "posts") == Compared(gone=1)


def test_keys_are_compared_at_their_interval_and_never_where_that_is_off(desk: Desk, bureau: Department) -> None:
    has_posts(desk, bureau, 3)
    bureau.does("DELETE FROM 灯杆 WHERE 编号 = 'A001'")

    def due(key: str = "posts") -> Compared:
        return compare_if_due(desk.store, desk.catalog, desk.settings, key, desk.now)

    assert due() == Compared(), "the first one comes an interval after the first turn"
    desk.later(minutes=49)
    assert due() == Compared()
    desk.later(minutes=1)
    assert due() == Compared(gone=1)
    desk.remaps("posts", reconcile=timedelta(0))
    bureau.does("DELETE FROM 灯杆 WHERE 编号 = 'A002'")
    desk.later(days=1)
    assert due() == Compared()


def test_a_worker_killed_while_rows_are_taken_away_has_taken_none_or_all(
    desk: Desk, bureau: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_posts(desk, bureau, 10)
    bureau.does("DELETE FROM 灯杆 WHERE 编号 IN ('A001', 'A002')")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("dashboard.pull.reconcile.bump", killed)
        with pytest.raises(KeyboardInterrupt):
            compared(desk, "posts")
    assert len(names(desk)) == 10 and desk.rows(row_past) == [] and desk.state("posts").gone_total == 0
    assert compared(desk, "posts") == Compared(gone=2)
    assert desk.state("posts").gone_total == 2


def test_the_sources_page_tells_what_is_held_and_what_left(desk: Desk, bureau: Department) -> None:
    has_posts(desk, bureau, 100)

    def told(lang: str = "zh") -> str:
        picture = Reader(desk.store, desk.catalog, desk.settings).picture(desk.now, View(lang=lang))
        (department,) = sources(picture, View(lang=lang))["departments"]
        return next(str(p["error"]) for p in department["pulls"] if p["key"] == "posts")

    bureau.does("DELETE FROM 灯杆 WHERE 编号 > 'A069'")
    compared(desk, "posts")
    assert told() == "来源少了30行，待复核" and told("en") == "30 rows fewer at the source, to be looked at"
    desk.later(minutes=61)
    compared(desk, "posts")
    assert told() == "已随来源删除30行"
    detail = dict(pull_detail(Reader(desk.store, desk.catalog, desk.settings).picture(desk.now, View()), View(), "posts")["facts"])
    assert detail["核对删除"].startswith("每50分核对一次主键") and detail["核对删除"].endswith("已随来源删除30行")


def test_a_refusal_is_told_in_chinese_and_english_and_in_english_alone_on_an_english_screen(desk: Desk, bureau: Department) -> None:
    bureau.does("DROP TABLE 灯杆")
    desk.pull("posts")
    kept = {}
    for lang in ("zh", "en"):
        picture = Reader(desk.store, desk.catalog, desk.settings).picture(desk.now, View(lang=lang))
        (department,) = sources(picture, View(lang=lang))["departments"]
        kept[lang] = next(str(p["error"]) for p in department["pulls"] if p["key"] == "posts")
    assert kept["zh"].startswith("结构已变：bureau: 没有这张表") and "there is no table '灯杆'" in kept["zh"]
    assert kept["en"].startswith("schema changed: bureau: there is no table '灯杆'")


# ---- readings


def has_readings(desk: Desk, bureau: Department, values: list[str]) -> None:
    rows = []
    for i, value in enumerate(values):
        at = f"{NOON + timedelta(hours=8, minutes=i - len(values)):%Y-%m-%d %H:%M:%S}"
        rows.append((i, "G1", "温度", at, value, at))
    bureau.has("监测", GAUGE_COLUMNS, rows)
    desk.pull("gauges")


def newest(desk: Desk) -> tuple[datetime, float, datetime]:
    with desk.store.connect() as conn:
        row = conn.execute(sa.select(latest)).one()
        return row.ts, row.value, row.same_since


def test_a_reading_withdrawn_at_the_source_leaves_and_the_one_before_is_the_newest(any_desk: Desk, any_bureau: Department) -> None:
    has_readings(any_desk, any_bureau, ["20", "20", "20", "35"])
    any_bureau.does("DELETE FROM 监测 WHERE 数值 = '35'")
    any_desk.pull("gauges")
    assert compared(any_desk, "gauges") == Compared(gone=1)
    assert newest(any_desk) == (NOON - timedelta(minutes=2), 20.0, NOON - timedelta(minutes=4))
    assert [r.value for r in any_desk.rows(reading_past)] == [35.0]
    assert compared(any_desk, "gauges") == Compared()


def test_an_hour_is_put_right_when_one_of_its_readings_is_withdrawn(desk: Desk, bureau: Department) -> None:
    has_readings(desk, bureau, [str(i) for i in range(80)])
    bureau.does("DELETE FROM 监测 WHERE 数值 = '30'")
    assert compared(desk, "gauges") == Compared(gone=1)
    with desk.store.connect() as conn:
        (channel_id,) = conn.scalars(sa.select(latest.c.channel_id))
        values = [p.mean for p in series(conn, channel_id, NOON - timedelta(hours=3), NOON)]
        hours = conn.exec_driver_sql("SELECT sum(n), sum(total) FROM reading_scope_h1 WHERE scope = 'district'").one()
        cold = conn.exec_driver_sql("SELECT count(*), sum(value) FROM reading_cold").one()
    assert len(values) == 79 and 30.0 not in values
    assert tuple(hours) == tuple(cold)


def test_readings_a_department_thins_out_after_some_hours_stay_with_us(desk: Desk, bureau: Department) -> None:
    has_readings(desk, bureau, [str(i) for i in range(60)])
    desk.later(hours=3)
    bureau.does("DELETE FROM 监测 WHERE 序号 % 10 > 0")
    assert compared(desk, "gauges") == Compared()
    assert len(desk.readings()) == 60


def test_a_table_that_keeps_only_the_newest_value_takes_no_history_away(desk: Desk, bureau: Department) -> None:
    desk.remaps("gauges", key_fields=("测点",))
    for minute in range(30):
        at = f"{desk.now + timedelta(hours=8):%Y-%m-%d %H:%M:%S}"
        bureau.does("DELETE FROM 监测")
        bureau.has("监测", GAUGE_COLUMNS, [(minute, "G1", "温度", at, "20", at)])
        desk.pull("gauges")
        desk.later(minutes=1)
    assert compared(desk, "gauges") == Compared()
    desk.remaps("gauges", key_fields=("序号",))
    desk.pull("gauges")
    assert compared(desk, "gauges") == Compared()
    assert len(desk.readings()) == 30
