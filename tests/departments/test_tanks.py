"""Septic tanks of the demo city: the controller's every answer to every event, and handlings that are believable and repeatable."""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from data_sources.departments import tanks_rows
from data_sources.departments.sensors_shapes import DAY, HOUR
from data_sources.departments.tanks_life import MINUTE
from data_sources.departments.tanks_machine import Event, Seen, State, event_of, react
from data_sources.departments.tanks_play import Handling, handlings
from data_sources.departments.tanks_told import told
from tests.demo_city import NOW, SEED

AT = NOW.timestamp()

# One line a state: event>state, every pair not named leaves the state as it is.
SENT = "crew_sent>MANUAL_DISPATCH"
STOPS = f"{SENT} lid_open>MAINTENANCE tag_set>MAINTENANCE fault>SENSOR_FAULT silent>COMM_LOST severe>MANUAL_DISPATCH"
TABLE = {
    State.NORMAL: f"{STOPS} raised>PRE_ALARM dangerous>ALARM scheduled>VENTILATING ordered>VENTILATING",
    State.PRE_ALARM: f"{STOPS} calm>NORMAL dangerous>ALARM scheduled>VENTILATING ordered>VENTILATING",
    State.ALARM: f"{STOPS} ready>VENTILATING",
    State.VENTILATING: f"{STOPS} safe_to_pump>PUMPING aired>VERIFYING vent_too_long>ALARM",
    State.PUMPING: f"{STOPS} drained>VERIFYING too_long>VERIFYING low_low>VERIFYING no_flow>ALARM gas>VENTILATING",
    State.VERIFYING: f"{STOPS} proved>NORMAL unproved>ALARM ordered>VENTILATING",
    State.SENSOR_FAULT: f"{SENT} sound>NORMAL tag_set>MAINTENANCE silent>COMM_LOST",
    State.MAINTENANCE: f"{SENT} unlocked>NORMAL silent>COMM_LOST",
    State.MANUAL_DISPATCH: "crew_done>NORMAL",
    State.COMM_LOST: f"{SENT} heard>NORMAL",
}
EVERY_PAIR = [
    (state, event, State[dict(pair.split(">") for pair in TABLE[state].split()).get(event.value, state.name)])
    for state in State
    for event in Event
]


@pytest.mark.parametrize("state", list(State))
def test_every_event_in_every_state_leads_where_the_table_says(state: State) -> None:
    wrong = [
        (event, react(state, event)[0], meant) for at, event, meant in EVERY_PAIR if at is state and react(state, event)[0] is not meant
    ]
    assert not wrong


def test_a_second_failure_sends_a_crew_and_rest_forgets_failures() -> None:
    for state, event in ((State.PUMPING, Event.NO_FLOW), (State.VERIFYING, Event.UNPROVED), (State.VENTILATING, Event.VENT_TOO_LONG)):
        assert react(state, event, 0) == (State.ALARM, 1)
        assert react(state, event, 1) == (State.MANUAL_DISPATCH, 2)
    assert react(State.VERIFYING, Event.PROVED, 1) == (State.NORMAL, 0)


@pytest.mark.parametrize(
    ("seen", "event"),
    [
        (Seen(ch4=25, level=70, wanted=True), Event.GAS),
        (Seen(ch4=24.9, level=70, wanted=True), None),
        (Seen(ch4=50, level=70, wanted=True), Event.SEVERE),
        (Seen(level=20, wanted=True), Event.LOW_LOW),
        (Seen(level=70, wanted=True, dry_s=60), Event.NO_FLOW),
        (Seen(level=70, wanted=True, in_state_s=1800), Event.TOO_LONG),
        (Seen(level=40, wanted=False), Event.DRAINED),
        (Seen(level=70, wanted=True, lid_open=True), Event.LID_OPEN),
        (Seen(level=70, wanted=True, tagged=True), Event.TAG_SET),
        (Seen(ch4=100, level=70, wanted=True, faulty=True), Event.FAULT),
        (Seen(level=70, wanted=True, silent_s=1801), Event.SILENT),
        (Seen(level=70, wanted=True, silent_s=1800), None),
    ],
)
def test_a_running_pump_is_stopped_by_each_interlock_and_by_nothing_else(seen: Seen, event: Event | None) -> None:
    assert event_of(State.PUMPING, seen) is event


def test_a_pump_is_not_started_before_gas_was_low_for_three_minutes() -> None:
    assert event_of(State.VENTILATING, Seen(ch4=5, wanted=True, safe_s=179)) is None
    assert event_of(State.VENTILATING, Seen(ch4=5, wanted=True, safe_s=180)) is Event.SAFE_TO_PUMP
    assert event_of(State.VENTILATING, Seen(ch4=5, wanted=False, safe_s=180)) is Event.AIRED


def test_a_run_counts_as_proved_only_with_ten_points_down_and_gas_gone() -> None:
    assert event_of(State.VERIFYING, Seen(ch4=9.9, drop=10, in_state_s=600, pumped=True)) is Event.PROVED
    assert event_of(State.VERIFYING, Seen(ch4=9.9, drop=9.9, in_state_s=600, pumped=True)) is Event.UNPROVED
    assert event_of(State.VERIFYING, Seen(ch4=10, drop=30, in_state_s=600, pumped=True)) is Event.UNPROVED
    assert event_of(State.VERIFYING, Seen(ch4=2, in_state_s=599)) is None


@cache
def month() -> list[Handling]:
    """Every handling of thirty days."""
    return handlings(SEED, AT - 30 * DAY, AT)


def test_no_pump_ever_ran_with_gas_at_its_alarm_line_a_lid_up_or_for_longer_than_half_an_hour() -> None:
    for h in month():
        pumping = h.state == State.PUMPING
        assert h.gas[:-1][pumping[:-1]].max(initial=0) < 25
        assert all(run.end - run.begin <= 1800 for run in h.runs if run.trigger != 2)
        assert all(run.level_after > 17 for run in h.runs)  # a scan past the dry-run trip at most


def test_level_falls_while_a_pump_runs_and_gas_falls_while_a_fan_does() -> None:
    fell = [run.level_before - run.level_after for h in month() for run in h.runs if run.stop == 1]
    assert min(fell) > 5
    aired = [h.gas[a : a + 8] for h in month() for a in np.flatnonzero(np.diff((h.state == State.VENTILATING) & (h.gas > 20)) == 1) + 1]
    assert aired
    assert np.mean([gas[-1] < gas[0] for gas in aired]) > 0.9


def test_every_handling_ends_at_rest_and_every_interlock_stopped_some_run() -> None:
    assert all(h.changes[-1].new is State.NORMAL for h in month() if h.changes)
    stopped = Counter(run.stop for h in month() for run in h.runs)
    assert stopped[1] > 0.85 * sum(stopped.values())
    assert {1, 2, 3, 4, 5, 6} <= set(stopped)


def test_a_month_has_alarms_every_day_and_severe_ones_rarely() -> None:
    alarms = Counter(a.kind for h in month() for a in h.alarms)
    by_hand = sum(c.new is State.MANUAL_DISPATCH for h in month() for c in h.changes)
    assert 40 < alarms[1] < 300
    assert 0 < by_hand < 60


def test_what_is_told_of_tanks_does_not_depend_on_when_one_asks() -> None:
    who = np.repeat(np.arange(180), 12)
    at = np.tile(AT - HOUR + np.arange(12) * 5 * MINUTE, 180)
    whole = told(SEED, who, at)
    for i in range(0, len(at), 97):
        one = told(SEED, who[i : i + 1], at[i : i + 1])
        assert (one.level[0], one.gas[0], one.state[0]) == (whole.level[i], whole.gas[i], whole.state[i])


def test_rows_written_in_steps_are_those_written_at_once() -> None:
    edges = np.array([0, 7, 30, 31, 95, 180]) * MINUTE + AT
    for rows in (tanks_rows.step_rows, tanks_rows.run_rows, tanks_rows.callout_rows, tanks_rows.clean_rows):
        at_once = {row[0]: row for row in rows(SEED, edges[0], edges[-1])}
        stepped = {row[0]: row for a, b in pairwise(edges) for row in rows(SEED, a, b)}
        assert stepped == at_once


def test_tanks_whose_layers_pass_a_third_are_ordered_to_be_cleaned_out() -> None:
    shares = tanks_rows.layer_shares(SEED, np.arange(180), AT)
    rows = tanks_rows.clean_rows(SEED, AT - 60 * DAY, AT)
    assert 0.04 < shares.min() < 0.15
    assert shares.max() > 1 / 3
    assert all((scum + sludge) / depth / 100 > 1 / 3 for _, _, _, scum, sludge, depth, *_ in rows)
