"""The outbox: at least once, worst first, together in a flood, later after a failure, given up in the end and never silently."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from dashboard.core.errors import StaleWriterError
from dashboard.notify.outbox import Sent, send
from dashboard.notify.route import route
from dashboard.store.engine import writing
from dashboard.store.retention import thin
from dashboard.store.schema import lease, notice, notice_message, topic
from tests.notify.office import WEBHOOK, Office, Receiver, notify_of

ON_BOTH = pytest.mark.parametrize("store_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)


def turn(office: Office, channel: str = "hook") -> Sent:
    """One turn of routing and of a channel."""
    route(office.engine, office.settings, office.city.now)
    return send(office.engine, office.city.catalog, office.settings, channel, office.city.now)


def messages(office: Office) -> list[Any]:
    with office.engine.connect() as conn:
        return list(conn.execute(sa.select(notice_message).order_by(notice_message.c.made_at, notice_message.c.message)))


@ON_BOTH
def test_each_alert_is_told_once_and_a_quiet_turn_sends_nothing(hooked: Office, receiver: Receiver) -> None:
    hooked.raised(count=3)
    assert turn(hooked).sent == 3
    assert turn(hooked).sent == 0
    assert sorted(receiver.transitions()) == [1, 2, 3]
    assert {row.state for row in messages(hooked)} == {"sent"}


def test_the_worst_goes_first(hooked: Office, receiver: Receiver) -> None:
    for level in ("yellow", "red", "orange"):
        hooked.raised(level)
    turn(hooked)
    assert [post.json()["level"] for post in receiver.came] == ["red", "orange", "yellow"]


@ON_BOTH
def test_a_flood_becomes_two_messages_and_the_life_safety_one_is_not_among_the_rest(hooked: Office, receiver: Receiver) -> None:
    hooked.raised("yellow", count=1000)
    hooked.raised("red")
    turn(hooked)
    red, rest = receiver.came
    assert [item["level"] for item in red.json()["items"]] == ["red"]
    assert len(rest.json()["items"]) == 1000
    assert len(set(receiver.transitions())) == 1001


def test_notices_held_for_a_digest_come_as_one_message_when_it_is_due(hooked: Office, receiver: Receiver) -> None:
    hooked.raised("blue")
    hooked.later(minutes=5)
    hooked.raised("blue", count=2)
    turn(hooked)
    assert receiver.came == []
    hooked.later(minutes=26)
    turn(hooked)
    (digest,) = receiver.came
    assert len(digest.json()["items"]) == 3


@ON_BOTH
def test_a_receiver_that_is_down_is_tried_later_and_later_and_gets_everything_in_the_end(hooked: Office, receiver: Receiver) -> None:
    well = receiver.answer
    receiver.answer = lambda post: (503, b"")
    hooked.raised(count=2)
    assert turn(hooked) == Sent(0, 1, "hook: answered 503")
    assert len(receiver.came) == 1, "a channel that is down is not asked for the rest of its messages"
    assert turn(hooked) == Sent(), "not before its time"
    waits, before = [], hooked.city.now
    for _ in range(400):
        hooked.later(seconds=10)
        if turn(hooked).failed:
            waits.append(hooked.city.now - before)
            before = hooked.city.now
    assert waits[0] <= timedelta(seconds=10)
    assert max(waits) > timedelta(minutes=10)
    receiver.answer = well
    for _ in range(4):
        hooked.later(minutes=30)
        turn(hooked)
    assert {row.state for row in messages(hooked)} == {"sent"}
    delivered = {post.key for post in receiver.came}
    assert delivered == {row.message for row in messages(hooked)}, "every try of a message bears the same key"


def test_one_refused_message_does_not_hold_up_the_others(hooked: Office, receiver: Receiver) -> None:
    receiver.answer = lambda post: (400, b"") if post.json()["items"][0]["transition_id"] == 2 else (200, b"")
    hooked.raised(count=3)
    assert turn(hooked) == Sent(2, 1, "hook: answered 400: are address and secret those of the receiver?")


def test_a_message_nobody_takes_for_a_day_is_given_up_in_the_open(
    hooked: Office, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answer = lambda post: (500, b"")
    hooked.raised("red")
    turn(hooked)
    hooked.later(hours=25)
    turn(hooked)
    (row,) = messages(hooked)
    assert (row.state, row.error, row.attempts) == ("given_up", "hook: answered 500", 2)
    assert "given up after 2 tries" in caplog.text
    hooked.later(hours=25)
    assert turn(hooked) == Sent()


def test_an_address_that_was_not_set_is_named_and_its_notices_wait(office: Office, receiver: Receiver) -> None:
    office.notify = notify_of(WEBHOOK)
    office.raised("red")
    assert "HOOK_URL is not set" in turn(office).error
    office.notify = notify_of(WEBHOOK, HOOK_URL=receiver.url, HOOK_SECRET="x")
    office.later(minutes=1)
    assert turn(office).sent == 1


def test_neither_address_nor_secret_is_kept_or_told(hooked: Office, receiver: Receiver) -> None:
    receiver.answer = lambda post: (500, b"")
    hooked.raised()
    said = turn(hooked).error
    everything = [*messages(hooked)]
    with hooked.engine.connect() as conn:
        everything += list(conn.execute(sa.select(notice)))
    text = said + repr(everything) + repr(hooked.notify)
    assert receiver.url not in text
    assert "s3cret" not in text


def test_a_robot_takes_twenty_a_minute_and_what_waits_is_told_together(office: Office, receiver: Receiver) -> None:
    text = WEBHOOK.replace('kind = "webhook"', 'kind = "webhook"\nrate = 20') + ""
    office.notify = notify_of("together_from = 1000\n" + text, HOOK_URL=receiver.url, HOOK_SECRET="x")
    office.raised(count=15)
    assert turn(office).sent == 15
    office.raised(count=40)
    assert turn(office).sent == 1, "five more may go: forty are told in one"
    office.raised(count=3)
    assert turn(office).sent == 3
    office.raised(count=30)
    turn(office)
    assert len(receiver.came) <= 20
    office.later(seconds=61)
    turn(office)
    assert sorted(receiver.transitions()) == list(range(1, 89))


@ON_BOTH
def test_a_replaced_worker_neither_routes_nor_sends(hooked: Office, receiver: Receiver) -> None:
    with writing(hooked.engine).begin() as conn:
        conn.execute(sa.insert(lease).values(name="worker", holder="the next", fence=2, beat_at=hooked.city.now))
    hooked.raised()
    with pytest.raises(StaleWriterError):
        route(hooked.engine, hooked.settings, hooked.city.now, 1)
    route(hooked.engine, hooked.settings, hooked.city.now, 2)
    with pytest.raises(StaleWriterError):
        send(hooked.engine, hooked.city.catalog, hooked.settings, "hook", hooked.city.now, 1)
    assert receiver.came == []


def test_screens_hear_of_new_notices_and_of_messages_that_did_not_go(hooked: Office, receiver: Receiver) -> None:
    def version() -> int:
        with hooked.engine.connect() as conn:
            return conn.scalar(sa.select(topic.c.version).where(topic.c.topic == "notices")) or 0

    receiver.answer = lambda post: (500, b"")
    hooked.raised()
    route(hooked.engine, hooked.settings, hooked.city.now)
    routed = version()
    turn(hooked)
    failed = version()
    receiver.answer = lambda post: (200, b"")
    hooked.later(minutes=1)
    turn(hooked)
    assert 0 < routed < failed < version()


def test_old_messages_are_thinned_and_what_still_waits_never(hooked: Office, receiver: Receiver) -> None:
    hooked.raised()
    turn(hooked)
    receiver.answer = lambda post: (500, b"")
    hooked.raised()
    turn(hooked)
    hooked.later(days=401)
    hooked.raised()
    route(hooked.engine, hooked.settings, hooked.city.now)
    thin(hooked.engine, hooked.city.now)
    assert [row.state for row in messages(hooked)] == ["waiting"]
    with hooked.engine.connect() as conn:
        left = conn.execute(sa.select(notice.c.transition_id, notice.c.message).where(notice.c.channel == "hook")).all()
    assert sorted(row.transition_id for row in left) == [2, 3]
