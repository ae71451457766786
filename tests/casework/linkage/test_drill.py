"""A drill goes through every step, marked wherever it is read, and counts for nothing."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from dashboard.casework.linkage.drill import assets, begin_drill
from dashboard.casework.linkage.run import run_playbooks
from dashboard.casework.linkage.trial import try_playbook
from dashboard.core.errors import NotFoundError, NotNowError
from dashboard.kpi.compute import compute
from dashboard.kpi.index import alerts_that_cost
from dashboard.notify.cap import document, message, newest_messages
from dashboard.notify.outbox import send
from dashboard.notify.route import route
from dashboard.store.alert_reads import closed_alerts, open_alerts, raised_between, skyline
from dashboard.store.notice_reads import told_on_screens
from dashboard.store.rule_ledger import rule_ledgers
from dashboard.store.schema import alert, audit
from dashboard.store.schema_linkage import playbook_run, work_order
from tests.casework.linkage.yard import COOL, Yard
from tests.notify.office import WEBHOOK, notify_of, receiving
from tests.small_city import MINUTE

HOT, COLD = (65.0, 65.0, 65.0), (40.0, 40.0, 40.0)


def drill(yard: Yard, level: str = "orange") -> int:
    alert_id = begin_drill(yard.engine, yard.town.catalog, "cool", "a", "值班长", yard.now, level)
    yard.turn()
    return alert_id


def of(yard: Yard, alert_id: int) -> sa.Row[tuple[object, ...]]:
    with yard.engine.connect() as conn:
        return conn.execute(sa.select(alert).where(alert.c.alert_id == alert_id)).one()


def test_a_drill_is_ordered_answered_checked_and_over_and_says_so_everywhere(yard: Yard) -> None:
    alert_id = drill(yard)
    (order,) = yard.inbox()
    assert (order["drill"], order["watermark"]) == ("1", "演练")
    assert order["instruction"].startswith("【演练】")
    assert order["order_no"].startswith("演练-260520-0001")
    yard.answers("accepted")
    yard.answers("done")
    assert yard.steps()["repair"] == "open", "no reading is moved by a drill, so none is waited for"
    yard.answers("done")
    assert yard.run().state == "done"
    row = of(yard, alert_id)
    assert (row.state, row.closed_at, row.open_key) == ("clear", yard.now, None)
    with yard.engine.connect() as conn:
        assert conn.execute(sa.select(work_order.c.drill)).scalars().all() == [True, True]
        assert ("值班长", "playbook.drill") in [(row.actor, row.action) for row in conn.execute(sa.select(audit))]


def test_a_drill_counts_for_nothing(yard: Yard) -> None:
    compute(yard.engine, yard.town.catalog, yard.settings, yard.now)
    before = yard.town.figure("vital.nerves")
    drill(yard)
    yard.town.clock.step(MINUTE)
    compute(yard.engine, yard.town.catalog, yard.settings, yard.now)
    after = yard.town.figure("vital.nerves")
    assert (after.value, after.score) == (before.value, before.score)
    with yard.engine.connect() as conn:
        assert alerts_that_cost(conn) == []
        assert open_alerts(conn) == []
        assert rule_ledgers(conn, yard.now - 60 * MINUTE, yard.now) == {}
        assert raised_between(conn, "lighting.too_hot", yard.now - 60 * MINUTE, yard.now) == []
        assert all(not levels for _, levels in skyline(conn, yard.now - 30 * MINUTE, yard.now))
    yard.answers("done")
    yard.answers("done")
    with yard.engine.connect() as conn:
        assert closed_alerts(conn, yard.now - 60 * MINUTE, yard.now) == []


def test_a_drill_and_the_real_thing_at_once_keep_apart(yard: Yard) -> None:
    drilled = drill(yard)
    yard.minutes(*HOT)
    with yard.engine.connect() as conn:
        rows = conn.execute(sa.select(alert.c.alert_id, alert.c.drill, alert.c.state).where(alert.c.rule == "lighting.too_hot")).all()
        by_run = dict(conn.execute(sa.select(work_order.c.order_no, work_order.c.drill)).all())
    assert sorted((row.drill, row.state) for row in rows) == [(False, "open"), (True, "open")]
    assert sorted(by_run.values()) == [False, True]
    drill_order, real_order = sorted(by_run, key=lambda number: not by_run[number])
    yard.answers("done", drill_order)
    yard.minutes(*COLD)
    assert of(yard, drilled).state == "open", "the reading that is back is not the drill's"
    assert {order["order_no"]: order["live"] for order in yard.orders()}[real_order], "a drill's answer is not the real order's"
    yard.answers("done", real_order)
    with yard.engine.connect() as conn:
        ended = dict(conn.execute(sa.select(playbook_run.c.drill, playbook_run.c.ended_at)).all())
    assert (ended[True], ended[False]) == (None, yard.now)


def test_what_is_told_and_published_of_a_drill_says_exercise_even_where_all_else_is_actual(yard: Yard) -> None:
    with receiving() as receiver:
        notify = notify_of(WEBHOOK + '[cap]\nstatus = "Actual"\n', HOOK_URL=receiver.url, HOOK_SECRET="x")
        yard.settings = yard.town.settings = type(yard.settings)(**{**yard.settings.__dict__, "notify": notify})
        drill(yard)
        yard.minutes(*HOT)
        route(yard.engine, yard.settings, yard.now)
        send(yard.engine, yard.town.catalog, yard.settings, "hook", yard.now)
        told = {post.json()["items"][0]["number"]: post.json() for post in receiver.came}
    drilled = next(number for number in told if number.startswith("演练-"))
    assert (told[drilled]["exercise"], told[drilled]["subject"][:4]) == (True, "【演练】")
    real = next(number for number in told if number.startswith("YZ-"))
    assert told[real]["exercise"] is False
    with yard.engine.connect() as conn:
        by_number = {one.of.number: one for one in newest_messages(conn, yard.settings, yard.now, 10)}
        status = {number: document(one, yard.town.catalog, yard.settings).findtext("{*}status") for number, one in by_number.items()}
        assert (status[drilled], status[real]) == ("Exercise", "Actual")
        assert message(conn, yard.settings, by_number[drilled].identifier)
        assert {row.drill for row in told_on_screens(conn, yard.now - 60 * MINUTE, 10)} == {False, True}


def test_a_drill_never_shares_a_message_with_what_is_real(yard: Yard) -> None:
    with receiving() as receiver:
        notify = notify_of("together_from = 2\n" + WEBHOOK, HOOK_URL=receiver.url, HOOK_SECRET="x")
        yard.settings = yard.town.settings = type(yard.settings)(**{**yard.settings.__dict__, "notify": notify})
        yard.minutes(*HOT)
        drill(yard, "yellow")
        route(yard.engine, yard.settings, yard.now)
        send(yard.engine, yard.town.catalog, yard.settings, "hook", yard.now)
    for post in receiver.came:
        assert len({item["number"].startswith("演练-") for item in post.json()["items"]}) == 1
    assert len(receiver.came) >= 2


def test_one_drill_of_an_asset_at_a_time_and_none_of_what_there_is_not(yard: Yard) -> None:
    drill(yard)
    with pytest.raises(NotNowError, match="正在演练"):
        drill(yard)
    with pytest.raises(NotFoundError, match="no asset 'z'"):
        begin_drill(yard.engine, yard.town.catalog, "cool", "z", "值班长", yard.now)
    with pytest.raises(NotFoundError, match="no playbook 'gone'"):
        begin_drill(yard.engine, yard.town.catalog, "gone", "a", "值班长", yard.now)
    with yard.engine.connect() as conn:
        assert assets(conn, COOL) == [("a", "a号灯")]


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(yard: Yard) -> None:
    yard.town.catalog, declared = type(yard.town.catalog)(**{**yard.town.catalog.__dict__, "playbooks": {}}), yard.town.catalog
    yard.minutes(85.0, 85.0, 85.0)
    with yard.engine.connect() as conn:
        trial = try_playbook(conn, declared, yard.settings, "cool", "", yard.now)
        counts = [conn.scalar(sa.select(sa.func.count()).select_from(table)) for table in (playbook_run, work_order)]
    assert [one.step.key for one in trial.steps] == ["cut", "repair", "verify"]
    assert trial.steps[0].told.endswith("a号灯橙色85°C：断电")
    assert trial.waits == ("检修：灯温低于50满2分钟",)
    assert (trial.unsent, counts, yard.inbox()) == ((), [0, 0], [])
    with yard.engine.connect() as conn, pytest.raises(NotFoundError):
        try_playbook(conn, declared, yard.settings, "cool", "YZ-none", yard.now)
    assert run_playbooks(yard.engine, yard.town.catalog, yard.now) == 0


def test_a_dry_run_as_of_a_moment_sees_what_was_known_then(yard: Yard) -> None:
    yard.minutes(65.0, 65.0, 65.0)
    then = yard.now
    yard.minutes(85.0, 85.0, 85.0)
    with yard.engine.connect() as conn:
        first = try_playbook(conn, yard.town.catalog, yard.settings, "cool", "", then)
        later = try_playbook(conn, yard.town.catalog, yard.settings, "cool", "", yard.now)
    assert (first.level.value, later.level.value) == ("yellow", "orange")
    assert [one.step.key for one in first.steps] == ["cut", "verify"]
