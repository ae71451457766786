"""The controller on a septic tank: its states, what moves it from one to the next, and the interlocks it must never break. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

# As this bureau has set its controllers. Gas in %LEL, level in percent, times in seconds.
GAS_WARN, GAS_ALARM, GAS_SEVERE = 10.0, 25.0, 50.0
LEVEL_HIGH, LEVEL_HIGH_HIGH, LEVEL_STOP, LEVEL_LOW_LOW = 80.0, 90.0, 40.0, 20.0
SAFE_FOR_S, VENT_MOST_S, RUN_MOST_S, DRY_S, VERIFY_S, LOST_S = 180.0, 1800.0, 1800.0, 60.0, 600.0, 1800.0
PROVED_DROP = 10.0
PATIENCE_S = 600.0  # where the city gives orders, a controller waits this long for one before it airs a tank by itself
MOST_FAILURES = 2


class State(IntEnum):
    """What a tank's controller is doing, numbered as in the platform's register."""

    NORMAL = 0
    PRE_ALARM = 1
    ALARM = 2
    PUMPING = 3
    VENTILATING = 4
    VERIFYING = 5
    SENSOR_FAULT = 6
    MAINTENANCE = 7
    MANUAL_DISPATCH = 8
    COMM_LOST = 9


class Event(StrEnum):
    """What can happen to a controller."""

    RAISED = "raised"  # gas or level at its warning line
    CALM = "calm"  # both below it again
    DANGEROUS = "dangerous"  # gas or level at its alarm line
    SEVERE = "severe"  # gas at severity 4
    CREW_SENT = "crew_sent"  # somebody has ordered people to go there
    SCHEDULED = "scheduled"  # the timetable asks for pumping
    ORDERED = "ordered"  # the city asks for airing or pumping
    READY = "ready"  # nothing forbids handling by itself
    SAFE_TO_PUMP = "safe_to_pump"  # gas low for long enough, and there is something to pump
    AIRED = "aired"  # gas low for long enough, nothing to pump
    VENT_TOO_LONG = "vent_too_long"
    DRAINED = "drained"
    TOO_LONG = "too_long"
    NO_FLOW = "no_flow"
    LOW_LOW = "low_low"
    GAS = "gas"  # gas at its alarm line while a pump that could spark runs
    LID_OPEN = "lid_open"
    TAG_SET = "tag_set"
    UNLOCKED = "unlocked"
    FAULT = "fault"
    SOUND = "sound"
    SILENT = "silent"
    HEARD = "heard"
    PROVED = "proved"
    UNPROVED = "unproved"
    CREW_DONE = "crew_done"


FAILURES = frozenset({Event.NO_FLOW, Event.VENT_TOO_LONG, Event.UNPROVED})
_AUTOMATIC = (State.NORMAL, State.PRE_ALARM, State.ALARM, State.VENTILATING, State.PUMPING, State.VERIFYING)
# People at the tank, an instrument that lies or a line that is dead stop everything that runs by itself.
_STOPS = {
    Event.LID_OPEN: State.MAINTENANCE,
    Event.TAG_SET: State.MAINTENANCE,
    Event.FAULT: State.SENSOR_FAULT,
    Event.SILENT: State.COMM_LOST,
    Event.SEVERE: State.MANUAL_DISPATCH,
}
_BEGUN = {Event.SCHEDULED: State.VENTILATING, Event.ORDERED: State.VENTILATING}
_OWN: Mapping[State, Mapping[Event, State]] = {
    State.NORMAL: {**_BEGUN, Event.RAISED: State.PRE_ALARM, Event.DANGEROUS: State.ALARM},
    State.PRE_ALARM: {**_BEGUN, Event.CALM: State.NORMAL, Event.DANGEROUS: State.ALARM},
    State.ALARM: {Event.READY: State.VENTILATING},
    State.VENTILATING: {Event.SAFE_TO_PUMP: State.PUMPING, Event.AIRED: State.VERIFYING, Event.VENT_TOO_LONG: State.ALARM},
    State.PUMPING: {
        Event.DRAINED: State.VERIFYING,
        Event.TOO_LONG: State.VERIFYING,
        Event.LOW_LOW: State.VERIFYING,
        Event.NO_FLOW: State.ALARM,
        Event.GAS: State.VENTILATING,
    },
    State.VERIFYING: {Event.PROVED: State.NORMAL, Event.UNPROVED: State.ALARM, Event.ORDERED: State.VENTILATING},
    State.SENSOR_FAULT: {Event.SOUND: State.NORMAL, Event.TAG_SET: State.MAINTENANCE, Event.SILENT: State.COMM_LOST},
    State.MAINTENANCE: {Event.UNLOCKED: State.NORMAL, Event.SILENT: State.COMM_LOST},
    State.MANUAL_DISPATCH: {Event.CREW_DONE: State.NORMAL},
    State.COMM_LOST: {Event.HEARD: State.NORMAL},
}
_SENT = {Event.CREW_SENT: State.MANUAL_DISPATCH}
_NEXT = {state: {**(_STOPS if state in _AUTOMATIC else {}), **_SENT, **own} for state, own in _OWN.items()}


def react(state: State, event: Event, failures: int = 0) -> tuple[State, int]:
    """The state after an event, and how often handling by itself has failed since the tank was last at rest."""
    following = _NEXT[state].get(event)
    if following is None:
        return state, failures
    if event in FAILURES:
        failures += 1
        following = State.MANUAL_DISPATCH if failures >= MOST_FAILURES else following
    return following, 0 if following is State.NORMAL else failures


@dataclass(slots=True)
class Seen:
    """What a controller sees in one scan. Reused from scan to scan: there are hundreds of thousands."""

    ch4: float = 0.0
    level: float = 0.0
    drop: float = 0.0  # points the level has fallen since the pump was first started
    pumped: bool = False  # a pump has run in this handling
    wanted: bool = False  # there is something to pump
    in_state_s: float = 0.0
    safe_s: float = 0.0  # how long gas has been below its warning line
    dry_s: float = 0.0  # how long the pump has run without flow
    silent_s: float = 0.0
    lid_open: bool = False
    tagged: bool = False
    faulty: bool = False
    crew_done: bool = False
    ordered: bool = False  # an order waits to be begun
    crew_sent: bool = False
    held: bool = False  # an order may still come


def event_of(state: State, seen: Seen) -> Event | None:
    """The one thing that matters in a scan: dead lines first, then people, instruments, danger, and last the work itself."""
    if seen.crew_sent and state is not State.MANUAL_DISPATCH:
        return Event.CREW_SENT
    if state is State.COMM_LOST:
        return Event.HEARD if seen.silent_s <= 0 else None
    if state is State.MANUAL_DISPATCH:
        return Event.CREW_DONE if seen.crew_done else None
    if seen.silent_s > LOST_S:
        return Event.SILENT
    if seen.tagged or seen.lid_open:
        return None if state is State.MAINTENANCE else Event.TAG_SET if seen.tagged else Event.LID_OPEN
    if state is State.MAINTENANCE:
        return Event.UNLOCKED
    if state is State.SENSOR_FAULT or seen.faulty:
        return _of_instrument(state, seen)
    return Event.SEVERE if seen.ch4 >= GAS_SEVERE else _of_work(state, seen)


def _of_instrument(state: State, seen: Seen) -> Event | None:
    if state is State.SENSOR_FAULT:
        return None if seen.faulty else Event.SOUND
    return Event.FAULT


def _of_work(state: State, seen: Seen) -> Event | None:
    if state is State.NORMAL or state is State.PRE_ALARM:
        return _at_rest(state, seen)
    if state is State.ALARM:
        return None if seen.held else Event.READY
    if state is State.VENTILATING:
        if seen.safe_s >= SAFE_FOR_S:
            return Event.SAFE_TO_PUMP if seen.wanted else Event.AIRED
        return Event.VENT_TOO_LONG if seen.in_state_s >= VENT_MOST_S else None
    if state is State.PUMPING:
        return _pumping(seen)
    return _verifying(seen)


def _at_rest(state: State, seen: Seen) -> Event | None:
    if seen.ch4 >= GAS_ALARM or seen.level >= LEVEL_HIGH_HIGH:
        return Event.DANGEROUS
    if seen.ordered:
        return Event.ORDERED
    if seen.wanted:
        return Event.SCHEDULED
    raised = seen.ch4 >= GAS_WARN or seen.level >= LEVEL_HIGH
    if state is State.NORMAL:
        return Event.RAISED if raised else None
    return None if raised else Event.CALM


def _pumping(seen: Seen) -> Event | None:
    if seen.ch4 >= GAS_ALARM:
        return Event.GAS
    if seen.level <= LEVEL_LOW_LOW:
        return Event.LOW_LOW
    if seen.dry_s >= DRY_S:
        return Event.NO_FLOW
    if not seen.wanted:  # the stop float has risen
        return Event.DRAINED
    return Event.TOO_LONG if seen.in_state_s >= RUN_MOST_S else None


def _verifying(seen: Seen) -> Event | None:
    if seen.ordered:
        return Event.ORDERED
    if seen.in_state_s < VERIFY_S:
        return None
    proved = seen.ch4 < GAS_WARN and (not seen.pumped or seen.drop >= PROVED_DROP)
    return Event.PROVED if proved else Event.UNPROVED
