"""A source that is down, slow or changed is told apart, backed off from, and blocks nobody."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from dashboard.core.datum import from_wgs84
from dashboard.core.errors import ConfigurationError
from dashboard.core.places import streets
from dashboard.pull.mapping import plan_pull
from dashboard.pull.probe import probe
from dashboard.pull.readers.advice import advised, driver_words
from dashboard.pull.readers.connect import open_source
from dashboard.pull.schedule import delay, next_due
from dashboard.store.schema import pull_run, source_state
from tests.pull.bureau import POST_COLUMNS, Department, Desk, a_post, post

NEW = "2026-05-20 11:50:00"


def test_a_renamed_column_is_named_with_what_is_near(any_desk: Desk, any_bureau: Department) -> None:
    any_desk.remaps("posts", fields={**any_desk.pulls["posts"].fields, "height": "高度"})
    outcome = any_desk.pull("posts")
    assert outcome.outcome == "changed"
    assert "'高度'" in outcome.error and "高" in outcome.error.split("near:")[1]
    assert any_desk.state("posts").error_kind == "changed"


def test_a_missing_table_is_named_with_what_is_near(any_desk: Desk) -> None:
    any_desk.remaps("posts", table="灯杆表")
    outcome = any_desk.pull("posts")
    assert outcome.outcome == "changed" and "'灯杆表'" in outcome.error and "灯杆" in outcome.error.split("near:")[1]


def test_a_column_missing_inside_an_expression_is_a_change_too(any_desk: Desk) -> None:
    any_desk.remaps("posts", fields={**any_desk.pulls["posts"].fields, "height": "coalesce(没有, 1)"})
    outcome = any_desk.pull("posts")
    assert outcome.outcome == "changed" and "没有" in outcome.error


def test_the_departments_database_cannot_be_written_to(any_desk: Desk, any_bureau: Department) -> None:
    with open_source(any_desk.source).connect() as conn, pytest.raises(sa.exc.DBAPIError):
        conn.exec_driver_sql("DELETE FROM 灯杆")
    any_desk.remaps("posts", table="", query="DELETE FROM 灯杆")
    any_bureau.has("灯杆", POST_COLUMNS, [a_post("A1", NEW)])
    assert any_desk.pull("posts").outcome == "changed"
    with any_bureau.engine.connect() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM 灯杆").scalar() == 1


@pytest.mark.mariadb
def test_a_wrong_password_is_a_refusal_and_is_not_repeated(desk: Desk, mariadb_url: str) -> None:
    url = sa.make_url(mariadb_url).set(username="nobody_here", password="geheim#1").render_as_string(hide_password=False)
    desk.source = replace(desk.source, url=url)
    outcome = desk.pull("posts")
    assert outcome.outcome == "down" and "geheim" not in outcome.error + str(desk.state("posts").last_error)
    assert "账号或口令被拒绝" in outcome.error and "user or password refused" in outcome.error and "('" not in outcome.error
    report = str(probe(desk.catalog, desk.settings, "bureau", desk.now))
    assert "✗ down" in report and "geheim" not in report


def test_a_refused_connection_and_a_missing_file_are_down(desk: Desk, tmp_path: Path) -> None:
    desk.source = replace(desk.source, url="postgresql+psycopg://u:geheim@127.0.0.1:1/x")
    outcome = desk.pull("posts")
    assert outcome.outcome == "down" and "geheim" not in outcome.error
    assert "连接被拒绝" in outcome.error and "connection refused; check address and port" in outcome.error
    desk.source = replace(desk.source, url=f"sqlite:///{tmp_path / 'nowhere.db'}")
    assert desk.pull("posts").outcome == "down"
    assert not (tmp_path / "nowhere.db").exists()


def test_a_source_whose_address_nobody_gave_is_down_with_the_name_of_what_is_missing(desk: Desk) -> None:
    desk.source = replace(desk.source, url="", unset="COCKPIT_BUREAU_URL")
    outcome = desk.pull("posts")
    assert outcome.outcome == "down" and "环境变量 COCKPIT_BUREAU_URL 未设置" in outcome.error
    assert desk.state("posts").last_error == outcome.error and desk.state("posts").failures == 1
    report = probe(desk.catalog, desk.settings, "bureau", desk.now)
    assert not report.ok and "✗ COCKPIT_BUREAU_URL is not set" in str(report)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (OSError(1698, "Access denied for user 'root'@'localhost'"), "账号或口令被拒绝"),
        (RuntimeError('connection failed: FATAL:  password authentication failed for user "u"'), "账号或口令被拒绝"),
        (RuntimeError(1049, "Unknown database 'x'"), "没有这个数据库"),
        (RuntimeError('connection failed: FATAL:  database "x" does not exist'), "没有这个数据库"),
        (RuntimeError(2003, "Can't connect to MySQL server on '127.0.0.1' (timed out)"), "等待超时"),
        (RuntimeError(2003, "Can't connect to MySQL server on '127.0.0.1' ([Errno 111] Connection refused)"), "连接被拒绝"),
        (RuntimeError(2003, "Can't connect to MySQL server on 'db' ([Errno -2] Name or service not known)"), "找不到主机"),
        (RuntimeError(1146, "Table 'x.灯杆' doesn't exist"), "没有这张表"),
        (RuntimeError("no such table: 灯杆"), "没有这张表"),
        (RuntimeError(1142, "SELECT command denied to user 'u'@'h' for table '灯杆'"), "没有读取权限"),
        (RuntimeError("connection failed: SSL error: certificate verify failed"), "证书不被接受"),
    ],
)
def test_a_drivers_refusal_is_told_in_words_with_what_to_do(said: Exception, meant: str) -> None:
    told = advised(said, driver_words(said))
    assert told.startswith(meant) and " / " in told
    assert told.endswith(str(said)) or told.endswith(f"{said.args[1]} ({said.args[0]})"), "the driver's own words stay"


def test_a_refusal_nobody_foresaw_is_told_in_the_drivers_words() -> None:
    assert advised(RuntimeError("the moon is full"), "the moon is full") == "the moon is full"


def test_a_query_that_never_ends_is_cut(any_desk: Desk, any_bureau: Department) -> None:
    any_bureau.has("灯杆", POST_COLUMNS, [a_post("A1", NEW)])
    endless = {
        "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT 灯杆.* FROM 灯杆, n WHERE n.i < 0",
        "postgresql": "SELECT 灯杆.* FROM 灯杆, pg_sleep(30)",
        "mysql": "SELECT 灯杆.* FROM 灯杆 WHERE sleep(30) = 0",
    }
    any_desk.source = replace(any_desk.source, statement_timeout=timedelta(seconds=0.3))
    any_desk.remaps("posts", table="", query=endless[any_bureau.engine.dialect.name])
    started = time.monotonic()
    assert any_desk.pull("posts").outcome == "slow"
    assert time.monotonic() - started < 10


@contextmanager
def a_server_that_says_nothing() -> Iterator[int]:
    """Accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []
        stop = threading.Event()

        def hold() -> None:
            while not stop.is_set():
                try:
                    held.append(server.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=hold, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        stop.set()
        for one in held:
            one.close()


@pytest.mark.parametrize("scheme", ["postgresql+psycopg", "mysql+pymysql"])
def test_a_server_that_hangs_is_cut_and_blocks_nobody(desk: Desk, scheme: str) -> None:
    with a_server_that_says_nothing() as port:
        desk.source = replace(desk.source, url=f"{scheme}://u:geheim@127.0.0.1:{port}/x", connect_timeout=timedelta(seconds=1))
        desk.source = replace(desk.source, statement_timeout=timedelta(seconds=1))
        started = time.monotonic()
        assert desk.pull("posts").outcome in ("slow", "down")
        assert time.monotonic() - started < 12


def test_failures_back_off_are_counted_and_told_once(desk: Desk, bureau: Department, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "dashboard.pull")
    bureau.has("灯杆", POST_COLUMNS, [a_post("A1", NEW)])
    right = desk.pulls["posts"]
    desk.remaps("posts", table="没有的表")
    waits = []
    for _ in range(5):
        desk.pull("posts")
        waits.append(desk.state("posts").next_due_at - desk.now)
        desk.later(minutes=30)
    assert desk.state("posts").failures == 5 and waits[3] > 2 * waits[0]
    assert len(desk.rows(pull_run)) == 1 and len(caplog.records) == 1
    assert desk.rows(source_state)[0].failing_since is not None
    desk.pulls["posts"] = right
    assert desk.pull("posts").rows_new == 1
    state = desk.state("posts")
    assert (state.failures, state.error_kind, desk.rows(source_state)[0].failing_since) == (0, None, None)
    assert len(caplog.records) == 2 and "answers again" in caplog.text


def test_the_wait_grows_to_half_an_hour_and_no_further(desk: Desk) -> None:
    waits = [delay(desk.pulls["posts"], n) for n in range(1, 40)]
    assert max(waits) <= timedelta(minutes=36) and waits[0] >= timedelta(minutes=4)


def test_pulls_that_never_ran_are_due_first(desk: Desk) -> None:
    desk.pull("posts")
    with desk.store.connect() as conn:
        due = next_due(conn, desk.settings, desk.now)
    assert [key for key, _ in due] == ["gauges", "posts"] and due[1][1] == desk.now + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"into": "pulltest.post"}, "pulltest.posts"),
        ({"fields": {"asset_id": "编号", "name": "名称", "hight": "高"}}, "height"),
        ({"timezone": "Chongqing"}, "Asia/Shanghai"),
        ({"datum": "WGS48"}, "GCJ-02"),
        ({"units": {"height": "furlong->m"}}, "furlong"),
        ({"table": "", "query": ""}, "table or query"),
        ({"fields": {"name": "名称"}}, "asset_id"),
    ],
)
def test_a_mapping_that_cannot_be_right_says_what_would_be(desk: Desk, change: dict[str, object], says: str) -> None:
    desk.remaps("posts", **change)
    with pytest.raises(ConfigurationError, match=says):
        plan_pull(desk.catalog, desk.settings, "posts")


def test_a_wrong_datum_is_suspected_by_where_the_points_fall(desk: Desk, bureau: Department) -> None:
    points = [from_wgs84(*s.label, "BD-09") for s in streets()]
    rows = [(f"A{i}", "杆", f"{lon:.6f}", f"{lat:.6f}", "7", "", NEW) for i, (lon, lat) in enumerate(points)]
    bureau.has("灯杆", POST_COLUMNS, rows)
    report = str(probe(desk.catalog, desk.settings, "posts", desk.now))
    assert 'set datum = "BD-09"' in report
    desk.source = replace(desk.source, datum="BD-09")
    assert "coordinates look like" not in str(probe(desk.catalog, desk.settings, "posts", desk.now))


def test_a_trial_shows_rows_as_read_and_stores_nothing(any_desk: Desk, any_bureau: Department) -> None:
    any_bureau.has("灯杆", POST_COLUMNS, [a_post("A1", NEW), a_post("A2", NEW, "七"), a_post("A3", "2026-05-20 13:30:00")])
    report = probe(any_desk.catalog, any_desk.settings, "bureau", any_desk.now)
    text = str(report)
    assert "read only" in text and "7 columns" in text and "3 rows" in text
    assert "张三" not in text and "(token)" in text and "灯杆A1" in text
    assert "would go to quarantine (type)" in text and "h ahead of our clock" in text
    assert any_desk.rows(post) == [] and any_desk.aside() == []
