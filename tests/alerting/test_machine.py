"""The alert machine as a table: every state with every event, and what is told of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import get_args

import pytest

from dashboard.alerting.machine import Event, Latch, Observation, Rule, Standing, State, Transition, event_of, step, step_latch
from dashboard.core.configured import Threshold
from dashboard.core.declare import Level

T0 = datetime(2026, 5, 20, 4, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOLD, CLEAR_HOLD = 3 * MINUTE, 2 * MINUTE

# state, event, minutes in the state → next state, minutes of `since` after T0 (the state began at T0)
TABLE: dict[tuple[State, Event, int], tuple[State, int]] = {
    ("normal", "beyond", 1): ("pending", 1),
    ("normal", "between", 1): ("normal", 0),
    ("normal", "gone", 1): ("normal", 0),
    ("normal", "beyond", 9): ("pending", 9),
    ("normal", "between", 9): ("normal", 0),
    ("normal", "gone", 9): ("normal", 0),
    ("pending", "beyond", 1): ("pending", 0),
    ("pending", "between", 1): ("normal", 1),
    ("pending", "gone", 1): ("normal", 1),
    ("pending", "beyond", 9): ("firing", 3),  # it fired when the hold was over, however late we looked
    ("pending", "between", 9): ("normal", 9),
    ("pending", "gone", 9): ("normal", 9),
    ("firing", "beyond", 1): ("firing", 0),
    ("firing", "between", 1): ("firing", 0),
    ("firing", "gone", 1): ("recovering", 1),
    ("firing", "beyond", 9): ("firing", 0),
    ("firing", "between", 9): ("firing", 0),
    ("firing", "gone", 9): ("recovering", 9),
    ("recovering", "beyond", 1): ("firing", 1),
    ("recovering", "between", 1): ("firing", 1),
    ("recovering", "gone", 1): ("recovering", 0),
    ("recovering", "beyond", 9): ("firing", 9),
    ("recovering", "between", 9): ("firing", 9),
    ("recovering", "gone", 9): ("normal", 2),
}


def test_the_table_knows_every_state_with_every_event() -> None:
    assert set(TABLE) == set(product(get_args(State), get_args(Event), (1, 9)))


@pytest.mark.parametrize(("state", "event", "minutes"), TABLE)
def test_each_state_takes_each_event(state: State, event: Event, minutes: int) -> None:
    after = step_latch(Latch(state, T0), event, T0 + minutes * MINUTE, HOLD, CLEAR_HOLD)
    wanted, since = TABLE[state, event, minutes]
    assert (after.state, after.since) == (wanted, T0 + since * MINUTE)


def test_without_holds_it_rings_and_clears_at_once() -> None:
    fired = step_latch(Latch(), "beyond", T0, timedelta(0), timedelta(0))
    assert fired == Latch("firing", T0)
    assert step_latch(fired, "gone", T0 + MINUTE, timedelta(0), timedelta(0)) == Latch("normal", T0 + MINUTE)


def _threshold(level: Level, value: float, clear: float, op: str = ">=") -> Threshold:
    return Threshold(rule="a.b", level=level, op=op, value=value, clear=clear, ref="", confidence="default")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("op", "value", "event"),
    [
        (">=", 60, "beyond"), (">=", 59, "between"), (">=", 54, "gone"), (">", 60, "between"), (">", 61, "beyond"), (">", 54, "gone"),
        ("<=", 60, "beyond"), ("<=", 61, "between"), ("<=", 66, "gone"), ("<", 60, "between"), ("<", 59, "beyond"), ("<", 66, "gone"),
    ],
)  # fmt: skip
def test_a_value_is_beyond_between_or_gone(op: str, value: float, event: Event) -> None:
    assert event_of(value, _threshold(Level.YELLOW, 60, 54 if op.startswith(">") else 66, op)) == event


def test_a_count_clears_at_its_clearing_value_and_a_clearing_value_equal_to_the_limit_does_not_clear_it() -> None:
    assert event_of(0, _threshold(Level.BLUE, 1, 0)) == "gone"
    assert event_of(3, _threshold(Level.BLUE, 3, 3)) == "beyond"


RULE = Rule((_threshold(Level.ORANGE, 80, 72), _threshold(Level.YELLOW, 60, 54)), hold=2 * MINUTE, clear_hold=2 * MINUTE)


def _run(rule: Rule, *values: float | None) -> tuple[Standing, list[Transition]]:
    standing, told = Standing(), []
    for minute, value in enumerate(values):
        standing, more = step(standing, Observation(T0 + minute * MINUTE, value), rule)
        told += more
    return standing, told


def _brief(told: list[Transition]) -> list[tuple[str, float, str | None]]:
    return [(t.what, (t.at - T0) / MINUTE, t.new.value if t.new else None) for t in told]


def test_a_condition_that_does_not_last_does_not_ring() -> None:
    assert _run(RULE, 70, 70, 50, 70, 70, 50)[1] == []


def test_it_opens_once_at_the_true_moment_and_clears_once() -> None:
    _, told = _run(RULE, 70, 70, 70, 70, 58, 53, 53, 53, 50)
    assert _brief(told) == [("open", 2, "yellow"), ("clear", 7, None)]


def test_a_value_hovering_at_the_limit_rings_once() -> None:
    _, told = _run(RULE, 61, 61, 61, 59, 61, 59, 55, 61, 59, 61)
    assert _brief(told) == [("open", 2, "yellow")]


def test_a_rise_moves_the_open_alert_and_a_fall_moves_it_back() -> None:
    _, told = _run(RULE, 70, 70, 70, 85, 85, 85, 75, 70, 70, 70, 50, 50, 50)
    assert _brief(told) == [("open", 2, "yellow"), ("level", 5, "orange"), ("level", 9, "yellow"), ("clear", 12, None)]


def test_a_jump_opens_at_the_worst_level_alone() -> None:
    assert _brief(_run(RULE, 90, 90, 90)[1]) == [("open", 2, "orange")]


def test_silence_keeps_what_fires_and_says_so_once() -> None:
    standing, told = _run(RULE, 70, 70, 70, None, None, 70)
    assert _brief(told) == [("open", 2, "yellow"), ("no_data", 3, "yellow"), ("data_back", 5, "yellow")]
    assert standing.level is Level.YELLOW and not standing.no_data


def test_silence_begins_a_wait_anew_and_undoes_a_recovery() -> None:
    assert _run(RULE, 70, 70, None, 70)[1] == []
    standing, told = _run(RULE, 70, 70, 70, 50, None, 50, 50)
    assert _brief(told) == [("open", 2, "yellow"), ("no_data", 4, "yellow"), ("data_back", 5, "yellow")]
    assert standing.state == "recovering"


def test_a_rule_may_clear_on_silence() -> None:
    _, told = _run(Rule(RULE.thresholds, no_data="clear"), 70, None, None, 50)
    assert _brief(told) == [("open", 0, "yellow"), ("clear", 1, None)]


def test_a_rule_may_ring_on_silence_at_its_mildest_level() -> None:
    _, told = _run(Rule(RULE.thresholds, no_data="alert"), 50, None, None, 50)
    assert _brief(told) == [("open", 1, "yellow"), ("data_back", 3, "yellow"), ("clear", 3, None)]


def test_data_that_come_back_worse_keep_the_alert_of_silence_open() -> None:
    _, told = _run(Rule(RULE.thresholds, no_data="alert"), None, 85)
    assert _brief(told) == [("open", 0, "yellow"), ("data_back", 1, "yellow"), ("level", 1, "orange")]
