"""Work orders into departments' inboxes: once each, in their own words and by their clock, and nothing but orders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dashboard.core.errors import ConfigurationError, NotAllowedError
from dashboard.core.playbooks import Outbox
from dashboard.notify.inbox import insert_order, open_inbox
from dashboard.notify.orders import send_orders
from dashboard.notify.webhook import signature
from dashboard.outbox_settings import load_outbox
from dashboard.settings import load_settings
from dashboard.store.engine import open_store, writing
from dashboard.store.migrate import migrate
from dashboard.store.schema_linkage import work_order
from tests.notify.office import receiving
from tests.small_city import NOON

MINUTE = timedelta(minutes=1)
FIELDS = {
    "order_no": "工单号",
    "kind": "类别",
    "asset_id": "对象",
    "instruction": "内容",
    "issued_at": "下达时间",
    "due_at": "时限",
    "drill": "演练",
}
CODES = {"kind": {"sweep": "洗扫"}, "drill": {"0": "否", "1": "是"}}
ORDER = {
    **{"order_no": "YZ-1.1", "kind": "sweep", "asset_id": "S1", "place": "解放碑", "instruction": "洗扫", "priority": 3},
    **{"issued_at": NOON, "due_at": NOON + MINUTE, "drill": False, "playbook": "dust", "alert_no": "YZ-1", "watermark": ""},
}


def box(url: str, **more: Any) -> Outbox:
    return Outbox(
        **{"key": "cleaning", "kind": "sql", "source": "air", "table": "工单收件箱", "fields": FIELDS, "codes": CODES, "url": url, **more}
    )


@pytest.fixture
def department(any_department_url: str) -> Iterator[sa.Engine]:
    """A department's database with an inbox and a table of its own."""
    engine = sa.create_engine(any_department_url)
    columns = [sa.Column(c, sa.String(64), primary_key=c == "工单号") for c in FIELDS.values() if c not in ("下达时间", "时限")]
    made = sa.MetaData()
    sa.Table("工单收件箱", made, *columns, sa.Column("下达时间", sa.DateTime), sa.Column("时限", sa.DateTime))
    sa.Table("作业班次", made, sa.Column("班次号", sa.String(16), primary_key=True))
    made.create_all(engine)
    yield engine
    engine.dispose()


def rows(engine: sa.Engine) -> list[dict[str, str]]:
    table = sa.table("工单收件箱", *(sa.column(c) for c in FIELDS.values()))
    with engine.connect() as conn:
        return [{key: str(value) for key, value in row._mapping.items()} for row in conn.execute(sa.select(table))]


def test_an_order_is_there_once_however_often_it_is_written(department: sa.Engine) -> None:
    inbox = open_inbox(box(department.url.render_as_string(hide_password=False)))
    for _ in range(3):
        inbox.put(ORDER)
    inbox.put({**ORDER, "order_no": "YZ-1.2", "drill": True})
    inbox.engine.dispose()
    first, second = sorted(rows(department), key=lambda row: row["工单号"])
    assert first["下达时间"].startswith("2026-05-20 12:00:00"), "by the department's clock"
    assert (first["类别"], first["演练"], second["演练"]) == ("洗扫", "否", "是")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM 作业班次",
        "DELETE FROM 工单收件箱",
        "UPDATE 工单收件箱 SET 内容 = ''",
        "INSERT INTO 作业班次 VALUES ('1')",
        "INSERT INTO 工单收件箱 (工单号) VALUES ('1')",
        "DROP TABLE 作业班次",
    ],
)
def test_nothing_but_an_order_can_be_sent_to_a_department(department: sa.Engine, statement: str) -> None:
    inbox = open_inbox(box(department.url.render_as_string(hide_password=False)))
    with pytest.raises(NotAllowedError), inbox.engine.begin() as conn:
        conn.exec_driver_sql(statement)
    inbox.engine.dispose()
    assert rows(department) == []


def test_an_order_says_only_what_orders_say() -> None:
    with pytest.raises(NotAllowedError, match="state"):
        insert_order(box("sqlite://"), {**ORDER, "state": "x"}, "sqlite")
    told = str(insert_order(box("sqlite://"), ORDER, "sqlite"))
    assert told.startswith('INSERT INTO "工单收件箱" (') or told.startswith("INSERT INTO 工单收件箱 (")


@pytest.fixture
def store(tmp_path: Path) -> sa.Engine:
    engine = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    migrate(engine, now=NOON)
    with writing(engine).begin() as conn:
        for number in (1, 2, 3):
            row = {
                **ORDER,
                "order_no": f"YZ-1.{number}",
                "run_id": 1,
                "step": "sweep",
                "alert_id": 1,
                "outbox": "cleaning",
                "priority": number,
            }
            conn.execute(sa.insert(work_order).values(**row, live=True, state="waiting", made_at=NOON, next_at=NOON))
    return engine


def settings(tmp_path: Path, outbox: Outbox) -> Any:
    (tmp_path / "cockpit.toml").write_text("")
    return replace(load_settings(str(tmp_path / "cockpit.toml"), {}), outboxes={"cleaning": outbox})


def states(store: sa.Engine) -> dict[str, tuple[str, int]]:
    with store.connect() as conn:
        found = conn.execute(sa.select(work_order.c.order_no, work_order.c.state, work_order.c.attempts))
        return {row.order_no: (row.state, row.attempts) for row in found}


def test_by_webhook_it_is_signed_and_carries_its_number_as_key(store: sa.Engine, tmp_path: Path) -> None:
    with receiving() as receiver:
        way = Outbox(key="cleaning", kind="webhook", source="", url=receiver.url, secret="s3")
        assert send_orders(store, settings(tmp_path, way), "cleaning", NOON).sent == 3
        first = receiver.came[0]
    assert first.key == "YZ-1.3", "the most urgent first"
    stamp = first.headers["x-cockpit-timestamp"]
    assert first.headers["x-cockpit-signature"] == signature("s3", stamp, first.body)
    assert (first.json()["order_no"], first.json()["issued_at"][:19], first.json()["drill"]) == ("YZ-1.3", "2026-05-20T04:00:00", False)


def test_a_department_that_does_not_answer_is_tried_again_later_and_nothing_is_lost(store: sa.Engine, tmp_path: Path) -> None:
    with receiving() as receiver:
        receiver.answer = lambda post: (503, b"")
        way = settings(tmp_path, Outbox(key="cleaning", kind="webhook", source="", url=receiver.url))
        turn = send_orders(store, way, "cleaning", NOON)
        assert (turn.sent, turn.failed, len(receiver.came)) == (0, 1, 1), "the others are not even tried"
        assert send_orders(store, way, "cleaning", NOON).failed == 0, "not before its time"
        receiver.answer = lambda post: (200, b"")
        assert send_orders(store, way, "cleaning", NOON + 2 * MINUTE).sent == 3
    assert set(states(store)) == {"YZ-1.1", "YZ-1.2", "YZ-1.3"}
    assert {state for state, _ in states(store).values()} == {"sent"}


@pytest.mark.parametrize(
    ("outbox", "said"),
    [
        (Outbox(key="cleaning", kind="sql", source="air", table="t", fields=FIELDS, unset="AIR_ORDERS_URL"), "AIR_ORDERS_URL is not set"),
        (box("nonsense"), "is not one of a database"),
        (box("sqlite:////nowhere/at/all.db"), "does not answer"),
    ],
    ids=["no credential", "no address", "no database"],
)
def test_what_is_wrong_with_an_outbox_is_said_and_the_orders_wait(store: sa.Engine, tmp_path: Path, outbox: Outbox, said: str) -> None:
    turn = send_orders(store, settings(tmp_path, outbox), "cleaning", NOON)
    assert said in turn.error
    assert {state for state, _ in states(store).values()} == {"waiting"}


def test_an_outbox_told_not_to_be_sends_nothing(store: sa.Engine, tmp_path: Path) -> None:
    assert send_orders(store, settings(tmp_path, Outbox(key="cleaning", kind="none", source="")), "cleaning", NOON).sent == 0


def test_orders_of_a_killed_sender_are_free_for_its_successor_at_once(store: sa.Engine, tmp_path: Path) -> None:
    with writing(store).begin() as conn:
        conn.execute(sa.update(work_order).values(lease_until=NOON + MINUTE, fence=7, attempts=1))
    with receiving() as receiver:
        way = Outbox(key="cleaning", kind="webhook", source="", url=receiver.url)
        assert send_orders(store, settings(tmp_path, way), "cleaning", NOON).sent == 3


ZONES = {"air": "Asia/Shanghai"}
WHOLE = {"source": "air", "table": "工单收件箱", "url_env": "AIR_ORDERS_URL", "fields": FIELDS}


def test_the_write_credential_comes_from_the_environment_and_is_not_shown() -> None:
    made = load_outbox("cleaning", WHOLE, "air.toml", ZONES, {"AIR_ORDERS_URL": "sqlite:///a.db?secret"})
    assert (made.url, made.unset, made.timezone) == ("sqlite:///a.db?secret", "", "Asia/Shanghai")
    assert "secret" not in repr(made)
    assert load_outbox("cleaning", WHOLE, "air.toml", ZONES, {}).unset == "AIR_ORDERS_URL"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sorce": "air"}, "unknown key"),
        ({"kind": "fax"}, "'fax' is not known"),
        ({"source": "gone"}, "no source 'gone'"),
        ({"table": ""}, "missing"),
        ({"fields": {"order_no": "工单号"}}, "lacks kind"),
        ({"fields": {**FIELDS, "state": "状态"}}, "is not said by an order"),
        ({"url_env": ""}, "no address"),
    ],
)
def test_an_outbox_that_cannot_be_right_is_refused_with_file_and_key(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        load_outbox("cleaning", {**WHOLE, **change}, "air.toml", ZONES, {})
