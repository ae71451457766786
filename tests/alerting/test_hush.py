"""Who tells nobody: while the cause stands in the right place, while a silence holds; never a matter of life; told after all."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from dashboard.casework.silences import Wish, end, make, preview
from dashboard.core.noise import Matcher, is_life_safety
from dashboard.store.noise_reads import hush_counts
from dashboard.store.rule_ledger import rule_ledgers
from dashboard.store.schema import alert, alert_transition
from dashboard.store.schema_noise import hush
from tests.crowd import GAP, GAS, SILENT, STUCK, Crowd, catalog
from tests.small_city import EAST, WEST, SmallCity, on_both


@pytest.fixture
def crowd(town: SmallCity) -> Iterator[Crowd]:
    yield Crowd(town)


def silenced(crowd: Crowd, hours: float = 1, **matcher: Any) -> int:
    wanted = Matcher(**matcher)
    with crowd.engine.connect() as conn:
        seen = len(preview(conn, catalog(), wanted, crowd.now).hides)
    wish = Wish(matcher=wanted, lasts=timedelta(hours=hours), actor="值班台", reason="检修", seen=seen)
    return make(crowd.engine, catalog(), wish, crowd.now)


def told_after_all(crowd: Crowd) -> list[int]:
    return [row.alert_id for row in crowd.rows(alert_transition, alert_transition.c.what == "resume")]


@on_both
def test_a_consequence_on_the_same_asset_is_hushed_while_its_cause_stands_and_told_when_it_ends(crowd: Crowd) -> None:
    stuck = crowd.raised(STUCK, "blue", "t1")
    crowd.raised(STUCK, "blue", "t2", 900)
    crowd.turn()
    assert crowd.hushed() == set()
    cause = crowd.raised(SILENT, "yellow", "t1")
    crowd.turn(minutes=1)
    (row,) = crowd.rows(hush)
    assert (row.alert_id, row.cause_id, row.inhibition, row.silence_id) == (stuck, cause, "tank_line", None)
    crowd.cleared(cause)
    crowd.turn(minutes=5)
    assert crowd.hushed() == set() and told_after_all(crowd) == [stuck]
    crowd.turn(minutes=1)
    assert told_after_all(crowd) == [stuck]


def test_a_consequence_that_ended_with_its_cause_is_not_told(crowd: Crowd) -> None:
    stuck, cause = crowd.raised(STUCK, "blue", "t1"), crowd.raised(SILENT, "yellow", "t1")
    crowd.turn()
    assert crowd.hushed() == {stuck}
    crowd.cleared(stuck, cause)
    crowd.turn(minutes=5)
    assert crowd.hushed() == set() and told_after_all(crowd) == []


PLACES = [
    ("asset", ("septic_tanks.silent", "t1", EAST), ("septic_tanks.gas_stuck", "t1", WEST), True),
    ("asset elsewhere", ("septic_tanks.silent", "t1", EAST), ("septic_tanks.gas_stuck", "t2", EAST), False),
    ("street", ("flood.ponding", "p1", EAST), ("minibuses.gap_out", "s9", EAST), True),
    ("street elsewhere", ("flood.ponding", "p1", EAST), ("minibuses.gap_out", "s9", WEST), False),
    ("street unknown", ("flood.ponding", "p1", None), ("minibuses.gap_out", "s9", None), False),
    ("district", ("rentals.locks_silent", "rentals.lock_events", None), ("rentals.lock_offline", "r1", WEST), True),
    ("feed", ("minibuses.vehicle_silent", "minibuses.positions", None), ("minibuses.not_started", "L1", WEST), True),
    ("one vehicle is no feed", ("minibuses.vehicle_silent", "bus-1", None), ("minibuses.not_started", "L1", WEST), False),
    ("source", ("bridges.silent", "bridges.readings", None), ("tunnels.silent", "tun-1", WEST), True),
    ("one bridge is no source", ("bridges.silent", "b1", None), ("tunnels.silent", "tun-1", WEST), False),
    ("another source", ("bridges.silent", "bridges.readings", None), ("slopes.silent", "s1", WEST), False),
]


@pytest.mark.parametrize(("cause", "consequence", "follows"), [case[1:] for case in PLACES], ids=[case[0] for case in PLACES])
def test_a_cause_reaches_as_far_as_is_declared(crowd: Crowd, cause: Any, consequence: Any, follows: bool) -> None:
    feeds = {"a": ("platform", "bridges.readings"), "b": ("platform", "tunnels.readings"), "c": ("elsewhere", "slopes.readings")}
    crowd.pulls = {key: SimpleNamespace(source=source, into=into) for key, (source, into) in feeds.items()}  # type: ignore[misc]
    crowd.raised(cause[0], "yellow", cause[1], street=cause[2])
    one = crowd.raised(consequence[0], "yellow", consequence[1], 2000, street=consequence[2])
    crowd.turn()
    assert crowd.hushed() == ({one} if follows else set())


@on_both
def test_a_silence_hushes_what_it_takes_until_its_time_is_up_and_what_still_stands_is_told(crowd: Crowd) -> None:
    one, _ = crowd.raised(GAP, "blue", "s1"), crowd.raised(GAP, "blue", "s2", 900, street=WEST)
    silenced(crowd, 1, rule=GAP, street=EAST)
    crowd.turn()
    assert crowd.hushed() == {one}
    late = crowd.raised(GAP, "yellow", "s3", 100)
    crowd.turn(minutes=30)
    assert crowd.hushed() == {one, late}
    crowd.cleared(late)
    crowd.turn(minutes=30)
    assert crowd.hushed() == set() and told_after_all(crowd) == [one]


def test_a_silence_ended_early_ends_at_once(crowd: Crowd) -> None:
    one = crowd.raised(GAP, "blue", "s1")
    key = silenced(crowd, rule=GAP)
    crowd.turn()
    end(crowd.engine, key, "值班台", crowd.now)
    crowd.turn(seconds=1)
    assert crowd.hushed() == set() and told_after_all(crowd) == [one]


def test_what_gets_worse_than_a_silence_takes_is_told_as_worse_and_not_twice(crowd: Crowd) -> None:
    one = crowd.raised(GAP, "blue", "s1")
    silenced(crowd, rule=GAP, levels=("blue", "yellow"))
    crowd.turn()
    crowd.worse(one, "yellow")
    crowd.turn(minutes=1)
    assert crowd.hushed() == {one}
    crowd.worse(one, "red")
    crowd.turn(minutes=1)
    assert crowd.hushed() == set() and told_after_all(crowd) == []


def test_what_got_worse_within_a_silence_is_told_when_it_ends(crowd: Crowd) -> None:
    one = crowd.raised(GAP, "blue", "s1")
    silenced(crowd, 1, rule=GAP)
    crowd.turn()
    crowd.worse(one, "orange")
    crowd.turn(minutes=1)
    crowd.turn(hours=1)
    assert told_after_all(crowd) == [one]


def test_a_silence_that_ends_while_a_cause_stands_changes_why_and_tells_nobody(crowd: Crowd) -> None:
    stuck = crowd.raised(STUCK, "blue", "t1")
    silenced(crowd, 1, rule=STUCK)
    crowd.turn()
    cause = crowd.raised(SILENT, "yellow", "t1")
    crowd.turn(minutes=1)
    crowd.turn(hours=2)
    assert [(row.cause_id, row.until is None) for row in crowd.rows(hush)] == [(None, False), (cause, True)]
    assert crowd.hushed() == {stuck} and told_after_all(crowd) == []


def test_the_account_of_a_rule_counts_how_often_it_was_hushed(crowd: Crowd) -> None:
    for rule, level, asset in ((STUCK, "blue", "t1"), (SILENT, "yellow", "t1"), (GAP, "blue", "s1")):
        crowd.raised(rule, level, asset)
    silenced(crowd, rule=GAP)
    crowd.turn(minutes=1)
    with crowd.engine.connect() as conn:
        assert hush_counts(conn, crowd.now - timedelta(days=30), crowd.now) == {STUCK: (1, 0), GAP: (0, 1)}
        assert hush_counts(conn, crowd.now, crowd.now + timedelta(days=1)) == {}
        known = rule_ledgers(conn, crowd.now - timedelta(days=30), crowd.now)
    assert (known[STUCK].inhibited, known[GAP].silenced, known[SILENT].inhibited) == (1, 1, 0)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_no_matter_of_life_is_ever_hushed_and_nothing_that_stands_is_forgotten(crowd: Crowd, seed: int) -> None:
    """Alerts come, worsen and go, silences are made and end: what was hushed and stands, and is not hushed now, was told."""
    dice, living = random.Random(seed), list[int]()
    rules = (GAP, STUCK, SILENT, GAS, "flood.ponding", "slopes.displacement", "bridges.silent")
    for _ in range(60):
        match dice.randrange(6):
            case 0 | 1:
                living.append(crowd.raised(dice.choice(rules), dice.choice(("blue", "yellow", "red")), f"t{dice.randrange(3)}"))
            case 2 if living:
                crowd.worse(dice.choice(living), dice.choice(("blue", "yellow", "orange", "red")))
            case 3 if living:
                crowd.cleared(living.pop(dice.randrange(len(living))))
            case 4:
                silenced(crowd, dice.choice((0.1, 0.5)), street=EAST)
        crowd.turn(minutes=dice.randrange(8))
        _holds(crowd)


def _holds(crowd: Crowd) -> None:
    standing = {row.alert_id: row for row in crowd.rows(alert, alert.c.state == "open")}
    hushed = crowd.hushed()
    for key in hushed:
        assert not is_life_safety(catalog().rules[standing[key].rule][1], standing[key].level)
    for row in crowd.rows(hush, hush.c.until.is_not(None)):
        if row.alert_id in standing and row.alert_id not in hushed:
            later = sa.and_(alert_transition.c.alert_id == row.alert_id, alert_transition.c.noticed_at >= row.since)
            assert {step.what for step in crowd.rows(alert_transition, later)} & {"resume", "level"}
