"""What happens in the septic tanks: they fill, gas gathers, and each tank's controller deals with it minute by minute.

At rest a tank is a pure function of time. Whatever wakes its controller (gas, a full tank, an open lid, a dead line) is known
beforehand by seed, so a handling is played once from its beginning to its end, whoever asks for it and however late.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache

import numpy as np

from data_sources.departments import life
from data_sources.departments import tanks_machine as machine
from data_sources.departments.life import Floats
from data_sources.departments.sensors_shapes import DAY, HOUR, Indexes, Surge, between, dice, wander
from data_sources.departments.tanks_machine import Event, Seen, State

MINUTE = 60.0
TANK_COUNT = 180
_TAIL_MIN = 180  # a handling is over three hours after what caused it: by then a crew has been and gone
_APART_S = 3.5 * HOUR  # causes closer than this are one handling
_LEAD_S = 3.2 * HOUR  # a full tank rises to its top in this time

METHANE = Surge(1080, timedelta(days=5), timedelta(hours=1.4), 0.8, ((0.84, 7, 18), (0.157, 23, 34), (0.003, 52, 60)))
SULPHIDE = Surge(1090, timedelta(days=20), timedelta(hours=1.2), 0.7, ((0.80, 3.5, 8.5), (0.20, 8.5, 15)))
MONOXIDE = Surge(1100, timedelta(days=60), timedelta(hours=1.2), 0.6, ((0.88, 10, 26), (0.12, 30, 44)))
AMMONIA = Surge(1200, timedelta(days=45), timedelta(hours=1.6), 0.6, ((0.9, 8, 17), (0.1, 20, 34)))
LINE_DOWN = Surge(1210, timedelta(days=24), timedelta(hours=1.2), 0.5, ((1.0, 1, 1),))
LID_UP = Surge(1220, timedelta(days=60), timedelta(hours=1.1), 0.55, ((1.0, 1, 1),))
FULL_SCALE = Surge(1230, timedelta(days=150), timedelta(hours=3), 0.5, ((1.0, 1, 1),))

_FILLED = ((0.945, 66, 78), (0.040, 80.5, 86), (0.015, 90.5, 93))
# What may go wrong when a tank is pumped: (share, code). The rest goes as it should.
NO_FLOW, NO_FLOW_TWICE, SLOW, STIRRED, LID, FLOAT = 1, 2, 3, 4, 5, 6
_FAULTS = ((0.030, NO_FLOW), (0.010, NO_FLOW_TWICE), (0.025, SLOW), (0.030, STIRRED), (0.015, LID), (0.006, FLOAT))
_LATE_CREWS, _SLOW_MESSAGES = 0.04, 0.035
FAST_CLOCK = range(90, 96)  # six terminals of one gateway whose clock is an hour ahead
STUCK = 61  # its methane sensor froze
SILENT = (37, 38)  # behind a gateway that no longer answers


# ---- filling


def _period(seed: int, who: Indexes) -> Floats:
    return (4 + 7 * dice(seed, 60, who)) * DAY


def _phase(seed: int, who: Indexes) -> Floats:
    return dice(seed, 61, who) * 11 * DAY


def cycle_of(seed: int, who: Indexes, at: Floats) -> Indexes:
    """The number of the filling cycle each tank is in; it ends when the tank is to be pumped."""
    return np.floor((at - _phase(seed, who)) / _period(seed, who)).astype(np.int64)


def cycle_end(seed: int, who: Indexes, cycle: Indexes) -> Floats:
    """When a cycle's pumping is due, on a whole minute."""
    return np.floor((_phase(seed, who) + (cycle + 1) * _period(seed, who)) / MINUTE) * MINUTE


def full_level(seed: int, who: Indexes, cycle: Indexes) -> Floats:
    """Level a cycle ends at."""
    return between(dice(seed, 63, who, cycle), _FILLED)


def fault_of(seed: int, who: Indexes, cycle: Indexes) -> Indexes:
    """What goes wrong in the pumping at a cycle's end; 0: nothing."""
    lot, edges = dice(seed, 70, who, cycle), np.cumsum([share for share, _ in _FAULTS])
    codes = np.array([code for _, code in _FAULTS] + [0])
    return np.asarray(codes[np.searchsorted(edges, lot, side="right")])


def pump_rate(seed: int, who: Indexes, cycle: Indexes) -> Floats:
    """Points a minute; a worn pump manages a fifth."""
    worn = fault_of(seed, who, cycle) == SLOW
    return np.where(worn, 0.22 + 0.3 * dice(seed, 71, who, cycle), 1.6 + 1.2 * dice(seed, 71, who, cycle))


def left_level(seed: int, who: Indexes, cycle: Indexes) -> Floats:
    """Level the pumping at a cycle's end leaves behind."""
    fault, high = fault_of(seed, who, cycle), full_level(seed, who, cycle)
    worn = high - machine.RUN_MOST_S / MINUTE * pump_rate(seed, who, cycle)
    return np.select([fault == SLOW, fault == FLOAT, fault == NO_FLOW_TWICE], [worn, 19.5, 34.0], 39.4)


def resting_level(seed: int, who: Indexes, at: Floats) -> Floats:
    """Level of a tank nobody is at, percent: it fills for days, some in the end within hours."""
    cycle = cycle_of(seed, who, at)
    low, high = left_level(seed, who, cycle - 1), full_level(seed, who, cycle)
    ends, usual = cycle_end(seed, who, cycle), np.minimum(high, 78.0)
    passed = np.clip(1 - (ends - at) / _period(seed, who), 0, 1)
    return np.asarray(low + (usual - low) * passed + (high - usual) * np.clip(1 - (ends - at) / (3 * HOUR), 0, 1))


def resting_gas(seed: int, who: Indexes, at: Floats) -> Floats:
    """Methane the liquid gives off at rest, %LEL."""
    rest = 1.2 + 2.6 * dice(seed, 64, who) + 0.5 * wander(seed, 65, who, at, 3 * HOUR) + 0.03 * (life.temperature(at, seed) - 10)
    return np.asarray(np.clip(rest, 0.1, 9))


# ---- what wakes a controller


@dataclass(frozen=True)
class Cause:
    """Something that wakes a tank's controller: gas gathering (`gas`), pumping due (`pump`), a line, a lid or an instrument."""

    who: int
    begin: float
    end: float
    kind: str
    cycle: int = 0


def _stretch(seed: int, surge: Surge, who: Indexes, slot: Indexes) -> tuple[Floats, Floats, Floats]:
    """Begin and end of an incident on whole minutes, and its peak."""
    begin, span, peak = surge.events(seed, who, slot)
    return np.floor(begin / MINUTE) * MINUTE, np.ceil((begin + span) / MINUTE) * MINUTE, peak


def _under_way(seed: int, surge: Surge, who: Indexes, at: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    begin, end, peak = _stretch(seed, surge, who, surge.slots(at))
    return np.asarray((peak > 0) & (at > begin) & (at <= end))


def _surges(seed: int, surge: Surge, kind: str, since: float, until: float, least: float) -> list[Cause]:
    slots = np.arange(surge.slots(np.array([since]))[0] - 1, surge.slots(np.array([until]))[0] + 1)
    who, slot = (grid.ravel() for grid in np.meshgrid(np.arange(TANK_COUNT), slots))
    begin, end, peak = _stretch(seed, surge, who, slot)
    wanted = np.flatnonzero((peak >= least) & (end > since) & (begin <= until))
    return [Cause(int(who[i]), float(begin[i]), float(end[i]), kind) for i in wanted]


def _pumpings(seed: int, since: float, until: float) -> list[Cause]:
    everyone = np.arange(TANK_COUNT)
    first = cycle_of(seed, everyone, np.full(TANK_COUNT, since - _LEAD_S)) - 1
    last = cycle_of(seed, everyone, np.full(TANK_COUNT, until + _LEAD_S))
    who = np.repeat(everyone, last - first + 1)
    cycle = np.concatenate([np.arange(a, b + 1) for a, b in zip(first, last, strict=True)])
    ends, high = cycle_end(seed, who, cycle), full_level(seed, who, cycle)
    begins = ends - np.where(high >= machine.LEVEL_HIGH, _LEAD_S // MINUTE * MINUTE, 0)
    wanted = np.flatnonzero((ends + HOUR > since) & (begins <= until))
    return [Cause(int(who[i]), float(begins[i]), float(ends[i] + HOUR), "pump", int(cycle[i])) for i in wanted]


def _handlings(seed: int, since: float, until: float) -> list[list[Cause]]:
    """Causes that fall together, per tank, of every handling that begins in (since, until]."""
    wide = (since - 2 * DAY, until + DAY)
    causes = [*_surges(seed, METHANE, "gas", *wide, 5.0), *_pumpings(seed, *wide)]
    for surge, kind in ((LINE_DOWN, "line"), (LID_UP, "lid"), (FULL_SCALE, "scale")):
        causes += _surges(seed, surge, kind, *wide, 0.5)
    causes = sorted((c for c in causes if c.who not in SILENT), key=lambda c: (c.who, c.begin, c.kind))
    groups: list[list[Cause]] = []
    ends = -np.inf
    for cause in causes:
        if groups and groups[-1][0].who == cause.who and cause.begin < ends + _APART_S:
            groups[-1].append(cause)
            ends = max(ends, cause.end)
        else:
            groups.append([cause])
            ends = cause.end
    return [group for group in groups if since < group[0].begin <= until]


# ---- a handling, played


@dataclass
class Run:
    """One stretch a pump was on."""

    begin: float
    trigger: int  # 1 by its own alarm, 2 by hand, 3 by timetable
    level_before: float
    ch4_before: float
    end: float = np.inf
    level_after: float = 0.0
    ch4_after: float = 0.0
    pumped: float = 0.0  # points
    stop: int = 0
    told: float = np.inf  # when its outcome was written
    claimed: int = 0  # 1 done, 2 not done, as the platform's own check says


@dataclass
class Alarm:
    """One time a crew was called."""

    at: float
    kind: int  # 1 gas, 2 level, 3 handling failed
    value: float
    notified: float
    arrived: float
    below: float = np.inf  # gas or level under the alarm line again
    closed: float = np.inf


@dataclass(frozen=True)
class Change:
    """A controller's step from one state to another."""

    at: float
    old: State
    new: State
    why: Event


@dataclass
class Handling:
    """A stretch of a tank's life its controller was awake in, minute by minute."""

    who: int
    start: float
    gas: Floats
    level: Floats
    state: Indexes
    gas_gap: float = 0.0  # what it left behind, beyond what a tank at rest would have
    level_gap: float = 0.0
    runs: list[Run] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    @property
    def end(self) -> float:
        """Its last minute."""
        return self.start + (len(self.gas) - 1) * MINUTE


@lru_cache(maxsize=128)
def handlings_of_day(seed: int, day: int) -> tuple[Handling, ...]:
    """Every handling that begins on a day (of UTC)."""
    groups = _handlings(seed, day * DAY - 1, (day + 1) * DAY - 1)
    starts = [group[0].begin - 2 * MINUTE for group in groups]
    lengths = [int((max(c.end for c in g) - at) // MINUTE) + _TAIL_MIN for g, at in zip(groups, starts, strict=True)]
    who = np.repeat([group[0].who for group in groups], lengths).astype(np.int64)
    at = np.concatenate([start + np.arange(n) * MINUTE for start, n in zip(starts, lengths, strict=True)] or [np.zeros(0)])
    # The quiet world of all of a day's handlings at once: per handling it would cost more than playing it.
    worlds = [a.tolist() for a in (at, resting_gas(seed, who, at), METHANE.height(seed, who, at), resting_level(seed, who, at))]
    ends = np.cumsum(lengths).tolist()
    cuts = [slice(end - n, end) for end, n in zip(ends, lengths, strict=True)]
    return tuple(_Play(seed, group, *(world[cut] for world in worlds)).played() for group, cut in zip(groups, cuts, strict=True))


def handlings(seed: int, since: float, until: float) -> list[Handling]:
    """Every handling any of which lies in a stretch."""
    days = range(int((since - 2 * DAY) // DAY), int(until // DAY) + 1)
    return [h for day in days for h in handlings_of_day(seed, day) if h.start <= until and h.end > since]


_STOP_OF = {
    **{Event.DRAINED: 1, Event.TOO_LONG: 2, Event.NO_FLOW: 3, Event.LOW_LOW: 4, Event.GAS: 5, Event.LID_OPEN: 6},
    **{Event.TAG_SET: 7, Event.SILENT: 8, Event.FAULT: 9, Event.CREW_DONE: 10, Event.SEVERE: 5},
}


def _since(stretches: list[tuple[float, float]], at: float) -> float:
    """How long one of some stretches has been going on; 0: none is."""
    for begin, end in stretches:
        if begin < at <= end:
            return at - begin
    return 0.0


class _Play:
    """Plays a handling from its first cause to its end, a scan a minute."""

    def __init__(self, seed: int, causes: list[Cause], at: list[float], rest: list[float], surge: list[float], base: list[float]) -> None:
        self.seed, self.who, self.start = seed, causes[0].who, at[0]
        self.until = max(c.end for c in causes)
        self.at, self.rest, self.surge, self.base, self.quiet, self.causes = at, rest, surge, base, base, causes
        self._plan()
        self.lines, self.lids, self.scales = (self._stretches(kind) for kind in ("line", "lid", "scale"))
        self.seen, self.state, self.failures, self.since = Seen(), State.NORMAL, 0, self.start
        self.alarm_at: float | None = None
        self.arrive = np.inf
        self.air, self.stir, self.pumped, self.started = 1.0, 0.0, 0.0, 0
        self.done = self.full_level_at_start = 0.0
        self.out = Handling(self.who, self.start, np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.int64))

    def _plan(self) -> None:
        """What is to be pumped, when, and what will go wrong; from then on the level as it would be if nobody pumped."""
        due = next((c for c in self.causes if c.kind == "pump"), None)
        self.fault, self.rate, self.due, self.stop_at, self.stirs = 0, 2.0, np.inf, machine.LEVEL_STOP, 0.0
        if due is None:
            return
        one, cycle = np.array([self.who]), np.array([due.cycle])
        self.due = due.end - HOUR
        self.fault, self.rate = int(fault_of(self.seed, one, cycle)[0]), float(pump_rate(self.seed, one, cycle)[0])
        high = float(full_level(self.seed, one, cycle)[0])
        self.base = [high + (at - self.due) / DAY * 4 if at >= self.due else level for at, level in zip(self.at, self.base, strict=True)]
        self.stirs = 30 + 40 * self._lot(72) if self.fault == STIRRED else 0.0
        self.stop_at = 0.0 if self.fault == FLOAT else machine.LEVEL_STOP

    def _lot(self, stream: int) -> float:
        return float(dice(self.seed, stream, np.array([self.who]), int(self.start // MINUTE))[0])

    def _stretches(self, kind: str) -> list[tuple[float, float]]:
        return [(c.begin, c.end) for c in self.causes if c.kind == kind]

    def played(self) -> Handling:
        """The handling."""
        gases, levels, states = [], [], []
        for i, at in enumerate(self.at):
            gas, level = self._physics(i, at)
            self._scan(at, gas, level)
            gases.append(gas)
            levels.append(level)
            states.append(int(self.state))
            if at >= self.until and self.state is State.NORMAL:
                break
        self._close(float(self.start + (len(gases) - 1) * MINUTE), gases[-1], levels[-1])
        self.out.gas, self.out.level = np.array(gases), np.array(levels)
        last = len(gases) - 1
        self.out.gas_gap, self.out.level_gap = gases[last] - self.rest[last] - self.surge[last], levels[last] - self.quiet[last]
        states[-1] = int(State.NORMAL)
        self.out.state = np.array(states, dtype=np.int64)
        return self.out

    # ---- physics

    def _physics(self, i: int, at: float) -> tuple[float, float]:
        """A minute of liquid and gas under what the controller or the crew is doing."""
        state, crew = self.state, self.state is State.MANUAL_DISPATCH and at >= self.arrive
        blocked = self.fault in (NO_FLOW, NO_FLOW_TWICE) and self.started <= (1 if self.fault == NO_FLOW else 2)
        if state is State.PUMPING and not blocked:
            self.pumped += self.rate
            if self.started == 1:
                self.stir += (self.stirs - self.stir) * 0.2
        elif crew and self._owed(at) and self.base[i] - self.pumped > 35:
            self.pumped += 2.4
        else:
            self.stir *= 0.93
        fan = state in (State.VENTILATING, State.PUMPING, State.VERIFYING) or crew
        aim, pace = (0.05, 0.12) if crew else (0.1, 0.05) if fan else (0.9, 0.03) if state is State.PRE_ALARM else (1.0, 0.007)
        self.air += (aim - self.air) * pace
        gas = self.rest[i] + self.surge[i] * self.air + self.stir * (0.4 + 0.6 * self.air)
        return gas, self.base[i] - self.pumped

    def _owed(self, at: float) -> bool:
        return at >= self.due and not self.done

    # ---- control

    def _scan(self, at: float, gas: float, level: float) -> None:
        seen = self.seen
        self._see(at, gas, level)
        for alarm in self.out.alarms:
            if alarm.below == np.inf and gas < machine.GAS_ALARM and level < machine.LEVEL_HIGH_HIGH:
                alarm.below = at
        event = machine.event_of(self.state, seen)
        if event is None:
            return
        new, self.failures = machine.react(self.state, event, self.failures)
        if new is not self.state:
            self._step(at, new, event, gas, level)

    def _see(self, at: float, gas: float, level: float) -> None:
        seen = self.seen
        seen.ch4, seen.level, seen.in_state_s = gas, level, at - self.since
        seen.safe_s = seen.safe_s + MINUTE if gas < machine.GAS_WARN and self.state is State.VENTILATING else 0.0
        pumping = self.state is State.PUMPING
        blocked = self.fault in (NO_FLOW, NO_FLOW_TWICE) and self.started <= (1 if self.fault == NO_FLOW else 2)
        seen.dry_s = seen.dry_s + MINUTE if pumping and blocked else 0.0
        if pumping and level <= self.stop_at:
            self.done = at
        if level >= machine.LEVEL_HIGH_HIGH:
            self.due = min(self.due, at)
        seen.wanted = self._owed(at) and level > self.stop_at
        seen.drop, seen.pumped = self.full_level_at_start - level, self.started > 0
        seen.silent_s = _since(self.lines, at)
        seen.lid_open = _since(self.lids, at) > 0 or self._lid_lifted(at)
        seen.faulty = _since(self.scales, at) > 0
        on_site = self.state is State.MANUAL_DISPATCH and at >= self.arrive
        seen.crew_done = on_site and at >= self.arrive + 12 * MINUTE and gas < machine.GAS_WARN and (not self._owed(at) or level <= 36)

    def _lid_lifted(self, at: float) -> bool:
        """Somebody lifts the lid six minutes into the first run and looks in for a quarter of an hour."""
        if self.fault != LID or not self.out.runs:
            return False
        return 5 * MINUTE <= at - self.out.runs[0].begin < 20 * MINUTE

    def _step(self, at: float, new: State, event: Event, gas: float, level: float) -> None:
        old = self.state
        self.out.changes.append(Change(at, old, new, event))
        if old is State.PUMPING:
            self._stop_run(at, event, gas, level)
        if event is Event.UNPROVED and self.full_level_at_start - level < machine.PROVED_DROP:
            self.done = 0.0  # there is as much to pump as before
        if new in (State.ALARM, State.MANUAL_DISPATCH):
            self._call(at, old, gas, level)
        if new is State.PUMPING:
            self._start_run(at, gas, level)
        if new is State.NORMAL:
            self._tell_runs(at, event, gas)
        self.state, self.since = new, at

    def _start_run(self, at: float, gas: float, level: float) -> None:
        self.started += 1
        if self.started == 1:
            self.full_level_at_start = level
        own = any(c.new is State.ALARM and c.why is Event.DANGEROUS for c in self.out.changes)
        self.out.runs.append(Run(at, 1 if own else 3, level, gas))

    def _stop_run(self, at: float, event: Event, gas: float, level: float) -> None:
        run = self.out.runs[-1]
        run.end, run.level_after, run.ch4_after, run.stop = at, level, gas, _STOP_OF[event]
        run.pumped = run.level_before - level
        if event in (Event.TOO_LONG, Event.LOW_LOW):
            self.done = at

    def _tell_runs(self, at: float, event: Event, gas: float) -> None:
        """What the platform writes of the runs now that the handling is over; its own check is kinder than the rule."""
        if event is Event.CREW_DONE and self._owed(at):
            begin = self.arrive
            self.out.runs.append(Run(begin, 2, self._base_at(begin), gas, at, self._base_at(at) - self.pumped, gas, self.pumped, 10))
            self.done = at
        for n, run in enumerate(self.out.runs):
            if run.told == np.inf:
                run.told = max(at, run.end + machine.VERIFY_S)
                kind = float(dice(self.seed, 83, np.array([self.who]), int(run.begin // MINUTE))[0]) < 0.35
                run.claimed = 1 if run.pumped >= machine.PROVED_DROP or (kind and n == len(self.out.runs) - 1) else 2

    def _base_at(self, at: float) -> float:
        return self.base[min(len(self.base) - 1, int((at - self.start) // MINUTE))]

    def _call(self, at: float, old: State, gas: float, level: float) -> None:
        """A crew is called once in a handling, at its first alarm, and told by text message."""
        if self.out.alarms:
            self.arrive = max(self.out.alarms[0].arrived, at)
            return
        late, luck, slow, message = self._lot(84) < _LATE_CREWS, self._lot(85), self._lot(86) < _SLOW_MESSAGES, self._lot(87)
        self.arrive = at + float(np.floor(31 + 17 * luck if late else 8 + 19 * luck)) * MINUTE
        notified = at + float(np.ceil(14 + 70 * message if slow else 1 + 6 * message))
        kind = 1 if gas >= machine.GAS_ALARM else 2 if level >= machine.LEVEL_HIGH_HIGH else 3
        value = gas if kind == 1 else level
        self.out.alarms.append(Alarm(at, kind, round(value, 1), notified, self.arrive, at if kind == 3 else np.inf))

    def _close(self, at: float, gas: float, level: float) -> None:
        """Whatever is still open when the handling ends is put right by the crew."""
        if self.state is not State.NORMAL:
            if self.state is State.PUMPING:
                self._stop_run(at, Event.CREW_DONE, gas, level)
            self.out.changes.append(Change(at, self.state, State.NORMAL, Event.CREW_DONE))
        self._tell_runs(at, Event.PROVED, gas)
        for alarm in self.out.alarms:
            alarm.below = min(alarm.below, at)
            alarm.closed = max(at, alarm.arrived + 5 * MINUTE)


# ---- what terminals read


@dataclass(frozen=True)
class Told:
    """Gas, level and state of (tank, moment) pairs, and whether the terminal's line was up and its instrument at full scale."""

    gas: Floats
    level: Floats
    state: Indexes
    up: np.ndarray[tuple[int], np.dtype[np.bool_]]
    full_scale: np.ndarray[tuple[int], np.dtype[np.bool_]]


def told(seed: int, who: Indexes, at: Floats) -> Told:
    """Tanks as they are: at rest, or as the handling they are in has made them."""
    gas = resting_gas(seed, who, at) + METHANE.height(seed, who, at)
    level, state = resting_level(seed, who, at), np.zeros(len(who), dtype=np.int64)
    state[np.isin(who, SILENT)] = int(State.COMM_LOST)
    order = np.lexsort((at, who))
    first, last = (float(at.min()), float(at.max())) if len(at) else (0.0, 0.0)
    bounds = np.searchsorted(who[order], np.arange(TANK_COUNT + 1))
    for h in handlings(seed, max(first, last - LOG_S) - _BLEND_S, last) if len(at) else []:
        mine = order[bounds[h.who] : bounds[h.who + 1]]
        span = mine[np.searchsorted(at[mine], h.start) : np.searchsorted(at[mine], h.end + _BLEND_S, side="right")]
        if len(span):
            _lay_over(h, span, at[span], gas, level, state)
    return Told(gas, level, state, ~_under_way(seed, LINE_DOWN, who, at), _under_way(seed, FULL_SCALE, who, at))


LOG_S = 40 * DAY  # handlings are played this far back; before that only the filling and the gas are known
_BLEND_S = 2 * HOUR


def _lay_over(h: Handling, span: Indexes, at: Floats, gas: Floats, level: Floats, state: Indexes) -> None:
    """A handling over tanks at rest; what it left differs a little from the plan and blends in over two hours."""
    inside = at <= h.end
    minute = np.clip((at[inside] - h.start) // MINUTE, 0, len(h.gas) - 1).astype(np.int64)
    gas[span[inside]], level[span[inside]], state[span[inside]] = h.gas[minute], h.level[minute], h.state[minute]
    rest = span[~inside]
    if len(rest):
        fade = 1 - (at[~inside] - h.end) / _BLEND_S
        level[rest] = level[rest] + h.level_gap * fade
        gas[rest] = gas[rest] + h.gas_gap * fade
