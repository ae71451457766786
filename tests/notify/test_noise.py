"""Nobody is woken twice for one thing: situations in one message, the hushed in none; matters of life always alone and at once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dashboard.casework.silences import Wish, make
from dashboard.casework.situations import leave
from dashboard.core.noise import Matcher
from dashboard.notify.outbox import send
from dashboard.store.schema import notice_message
from dashboard.store.schema_noise import situation
from tests.crowd import GAP, GAS, SILENT, STUCK, Crowd, catalog
from tests.notify.office import WEBHOOK, Receiver, notify_of
from tests.small_city import EAST, WEST, SmallCity

ON_BOTH = pytest.mark.parametrize("store_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
TWO_DESKS = WEBHOOK.replace('to = ["desk"]', 'to = ["desk"]\nstreets = ["500103003"]') + (
    '[recipient.west]\ntitle = ["西", "West"]\nchannels = ["hook"]\n[route.west]\nto = ["west"]\nstreets = ["500103013"]\n'
)


@pytest.fixture
def crowd(store_url: str, tmp_path: Path, receiver: Receiver) -> Iterator[Crowd]:
    city = SmallCity(store_url, tmp_path)
    yield Crowd(city, notify_of(WEBHOOK, HOOK_URL=receiver.url, HOOK_SECRET="s3cret"))
    city.leave()


def went(crowd: Crowd, **later: float) -> None:
    """A turn, its notices, and a turn of the channel."""
    crowd.turn(**later)
    crowd.routed()
    send(crowd.engine, catalog(), crowd.settings, "hook", crowd.now)


def subjects(receiver: Receiver) -> list[list[int]]:
    """The alerts of each message that came."""
    return [[item["alert_id"] for item in post.json()["items"]] for post in receiver.came]


@ON_BOTH
def test_what_belongs_together_and_comes_at_once_is_one_message(crowd: Crowd, receiver: Receiver) -> None:
    keys = [crowd.raised(GAP, "yellow", east=10 * i) for i in range(5)]
    went(crowd)
    assert [sorted(one) for one in subjects(receiver)] == [keys]


@ON_BOTH
def test_later_members_wait_for_the_situations_next_message_and_come_in_one(crowd: Crowd, receiver: Receiver) -> None:
    first = crowd.raised()
    went(crowd)
    later = []
    for i in range(3):
        later.append(crowd.raised(east=20 * i))
        went(crowd, minutes=2)
    assert subjects(receiver) == [[first]]
    went(crowd, minutes=30)
    assert [sorted(one) for one in subjects(receiver)] == [[first], later]


def test_worse_than_anything_so_far_goes_at_once_and_as_bad_as_that_does_not(crowd: Crowd, receiver: Receiver) -> None:
    first = crowd.raised(level="yellow")
    went(crowd)
    worse = crowd.raised(level="orange", east=10)
    went(crowd, minutes=1)
    crowd.raised(level="orange", east=20)
    went(crowd, minutes=1)
    crowd.worse(first, "orange")
    went(crowd, minutes=1)
    assert subjects(receiver) == [[first], [worse]]


@pytest.mark.parametrize(("rule", "level"), [(GAP, "red"), (GAS, "blue"), (GAS, "orange")])
def test_a_matter_of_life_goes_alone_and_at_once_however_mild_beside_worse_ones(
    crowd: Crowd, receiver: Receiver, rule: str, level: str
) -> None:
    crowd.raised(level="red")
    went(crowd)
    grave, other = crowd.raised(rule, level, "t1", 10), crowd.raised(level="yellow", east=20)
    went(crowd, minutes=1)
    assert subjects(receiver)[1:] == [[grave]] and other


def test_each_desk_is_woken_by_the_first_it_hears_of(crowd: Crowd, receiver: Receiver) -> None:
    crowd.notify = notify_of(TWO_DESKS, HOOK_URL=receiver.url, HOOK_SECRET="s3cret")
    crowd.raised(street=EAST)
    went(crowd)
    crowd.raised(street=WEST, east=10)
    went(crowd, minutes=1)
    assert [post.json()["recipient"] for post in receiver.came] == ["desk", "west"]


def test_who_was_taken_out_is_told_of_alone(crowd: Crowd, receiver: Receiver) -> None:
    one, two = crowd.raised(), crowd.raised(east=10)
    went(crowd)
    (row,) = crowd.rows(situation)
    leave(crowd.engine, row.situation_id, two, "值班台", crowd.now)
    crowd.cleared(one)
    crowd.cleared(two)
    went(crowd, minutes=1)
    assert sorted(map(sorted, subjects(receiver))) == [[one], [one, two], [two]]


def test_ends_of_members_are_told_together(crowd: Crowd, receiver: Receiver) -> None:
    keys = [crowd.raised(east=10 * i) for i in range(3)]
    went(crowd)
    for key in keys:
        crowd.cleared(key)
        went(crowd, minutes=1)
    assert len(receiver.came) == 1
    went(crowd, minutes=30)
    assert [sorted(one) for one in subjects(receiver)] == [keys, keys]


@ON_BOTH
def test_a_consequence_tells_nobody_until_its_cause_ends(crowd: Crowd, receiver: Receiver) -> None:
    cause, stuck = crowd.raised(SILENT, "yellow", "t1"), crowd.raised(STUCK, "yellow", "t1", 900)
    went(crowd)
    assert subjects(receiver) == [[cause]]
    crowd.cleared(cause)
    went(crowd, minutes=5)
    went(crowd, minutes=30)
    told = [key for one in subjects(receiver) for key in one]
    assert told.count(stuck) == 1 and told.count(cause) == 2
    (item,) = [item for post in receiver.came for item in post.json()["items"] if item["alert_id"] == stuck]
    assert item["event"] == "open" and item["why"] == "抑制它的预警已解除，本预警仍在持续"


def test_the_silenced_tells_nobody_not_even_its_end_and_what_outlasts_the_silence_is_told(crowd: Crowd, receiver: Receiver) -> None:
    made = Wish(matcher=Matcher(rule=GAP), lasts=timedelta(hours=1), actor="值班台", reason="检修", seen=0)
    make(crowd.engine, catalog(), made, crowd.now)
    gone, stays = crowd.raised(asset="s1"), crowd.raised(asset="s2", east=900)
    went(crowd, minutes=1)
    crowd.cleared(gone)
    went(crowd, minutes=10)
    assert (subjects(receiver), crowd.notices("screens")) == ([], [])
    went(crowd, hours=1)
    assert subjects(receiver) == [[stays]]


def test_what_nobody_joined_in_time_is_told_all_the_same(crowd: Crowd) -> None:
    crowd.turn()
    crowd.raised()
    crowd.routed()
    assert crowd.notices() == []
    crowd.city.clock.step(timedelta(seconds=31))
    crowd.routed()
    assert len(crowd.notices()) == 1


def test_a_flood_wakes_a_desk_a_few_times_and_loses_nothing(crowd: Crowd, receiver: Receiver) -> None:
    """A thousand alerts in ten minutes, a score of them matters of life."""
    dice, grave, all_of_them = random.Random(3), set[int](), set[int]()
    for _ in range(10):
        for i in range(100):
            rule, level = (GAS, "orange") if i % 50 == 0 else (GAP, dice.choice(("yellow", "orange")))
            key = crowd.raised(rule, level, "", dice.gauss(dice.choice((0, 2000, 4000)), 40))
            all_of_them.add(key)
            grave |= {key} if rule == GAS else set()
        went(crowd, minutes=1)
    alone = [one[0] for one in subjects(receiver) if len(one) == 1]
    assert grave <= set(alone)
    assert len(receiver.came) - len(grave) <= 12
    went(crowd, minutes=30)
    went(crowd, minutes=30)
    told: list[Any] = [key for one in subjects(receiver) for key in one]
    assert set(told) == all_of_them and len(told) == len(all_of_them)
    assert {row.state for row in crowd.rows(notice_message)} == {"sent"}
