"""What a septic tank's controller and its crew do minute by minute once something has woken it.

A handling is played once from its beginning to its end, whoever asks for it and however late.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from data_sources.departments import tanks_life as tanks
from data_sources.departments import tanks_machine as machine
from data_sources.departments.life import Floats
from data_sources.departments.sensors_shapes import DAY, HOUR, Indexes, dice
from data_sources.departments.tanks_asked import UNASKED, Answer, Asked, Desk, desk_of
from data_sources.departments.tanks_life import MINUTE, Cause
from data_sources.departments.tanks_machine import Event, Seen, State

_TAIL_MIN = 180  # a handling is over three hours after what caused it: by then a crew has been and gone
_LATE_CREWS, _SLOW_MESSAGES = 0.04, 0.035


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
    pumped_early: bool = False  # by order: the level stays low for longer than two hours
    runs: list[Run] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)  # to orders

    @property
    def end(self) -> float:
        """Its last minute."""
        return self.start + (len(self.gas) - 1) * MINUTE


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

    def __init__(
        self, seed: int, causes: list[Cause], desk: Desk, waits: bool, world: tuple[list[float], list[float], list[float], list[float]]
    ) -> None:
        at, rest, surge, base = world
        self.seed, self.who, self.start, self.desk, self.waits = seed, causes[0].who, at[0], desk, waits
        self.until = max(c.end for c in causes)
        self.at, self.rest, self.surge, self.base, self.quiet, self.causes = at, rest, surge, base, base, causes
        self._plan()
        self.lines, self.lids, self.scales = (self._stretches(kind) for kind in ("line", "lid", "scale"))
        self.seen, self.state, self.failures, self.since = Seen(), State.NORMAL, 0, self.start
        self.alarm_at: float | None = None
        self.arrive = self.crew_at = np.inf
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
        self.fault, self.rate = int(tanks.fault_of(self.seed, one, cycle)[0]), float(tanks.pump_rate(self.seed, one, cycle)[0])
        high = float(tanks.full_level(self.seed, one, cycle)[0])
        self.base = [high + (at - self.due) / DAY * 4 if at >= self.due else level for at, level in zip(self.at, self.base, strict=True)]
        self.stirs = 30 + 40 * self._lot(72) if self.fault == tanks.STIRRED else 0.0
        self.stop_at = 0.0 if self.fault == tanks.FLOAT else machine.LEVEL_STOP

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
        self.out.answers = self.desk.answers
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
        if state is State.PUMPING and not self._blocked:
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

    @property
    def _blocked(self) -> bool:
        """Whether this run moves nothing: a blocked pipe frees itself at the second start, a worse one at the third."""
        return self.fault in (tanks.NO_FLOW, tanks.NO_FLOW_TWICE) and self.started <= (1 if self.fault == tanks.NO_FLOW else 2)

    def _owed(self, at: float) -> bool:
        return at >= self.due and not self.done

    # ---- control

    def _scan(self, at: float, gas: float, level: float) -> None:
        seen = self.seen
        self._see(at, gas, level)
        for alarm in self.out.alarms:
            if alarm.below == np.inf and gas < machine.GAS_ALARM and level < machine.LEVEL_HIGH_HIGH:
                alarm.below = at
        self._take_orders(at, gas, level)
        event = machine.event_of(self.state, seen)
        if event is None:
            return
        new, self.failures = machine.react(self.state, event, self.failures)
        if new is not self.state:
            self._step(at, new, event, gas, level)

    def _take_orders(self, at: float, gas: float, level: float) -> None:
        """Begin what was ordered, and wait a while for an order before handling gas alone."""
        for wish in self.desk.due(at, self.state, gas, level, self.arrive):
            if wish.kind == "pump":
                self.due, self.done, self.out.pumped_early = min(self.due, at), 0.0, True
            elif wish.kind == "crew" and self.state is not State.MANUAL_DISPATCH:
                self.crew_at = wish.arrive
        if any(wish.kind == "pump" for wish in self.desk.recalled(at)):
            self.due, self.done, self.started = np.inf, at, 0  # no pumping is owed, and none has to prove itself
        self.seen.crew_sent = self.crew_at < np.inf
        self.seen.ordered = self.desk.waiting
        self.seen.wanted = self._owed(at) and level > self.stop_at
        patient = self.waits and self.failures == 0 and level < machine.LEVEL_HIGH_HIGH
        self.seen.held = patient and not self.desk.waiting and at - self.since < machine.PATIENCE_S

    def _see(self, at: float, gas: float, level: float) -> None:
        seen = self.seen
        seen.ch4, seen.level, seen.in_state_s = gas, level, at - self.since
        seen.safe_s = seen.safe_s + MINUTE if gas < machine.GAS_WARN and self.state is State.VENTILATING else 0.0
        pumping = self.state is State.PUMPING
        seen.dry_s = seen.dry_s + MINUTE if pumping and self._blocked else 0.0
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
        if self.fault != tanks.LID or not self.out.runs:
            return False
        return 5 * MINUTE <= at - self.out.runs[0].begin < 20 * MINUTE

    def _step(self, at: float, new: State, event: Event, gas: float, level: float) -> None:
        old = self.state
        self.out.changes.append(Change(at, old, new, event))
        if old is State.PUMPING:
            self._stop_run(at, event, gas, level)
        self.desk.stepped(at, new, event, gas, self.full_level_at_start - level)
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
        self.out.runs.append(Run(at, 2 if self.desk.asks("pump") else 1 if own else 3, level, gas))

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
        """A crew is called once in a handling, at its first alarm, and told by text message; unless it was sent by order."""
        sent, self.crew_at = self.crew_at, np.inf
        if sent < np.inf or self.out.alarms:
            self.arrive = max(sent if sent < np.inf else self.out.alarms[0].arrived, at)
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
        self.desk.close(at)
        for alarm in self.out.alarms:
            alarm.below = min(alarm.below, at)
            alarm.closed = max(at, alarm.arrived + 5 * MINUTE)


@lru_cache(maxsize=128)
def handlings_of_day(seed: int, day: int, asked: Asked = UNASKED) -> tuple[Handling, ...]:
    """Every handling that begins on a day (of UTC)."""
    groups = tanks.causes_together(seed, day * DAY - 1, (day + 1) * DAY - 1, asked.causes())
    starts = [group[0].begin - 2 * MINUTE for group in groups]
    lengths = [int((max(c.end for c in g) - at) // MINUTE) + _TAIL_MIN for g, at in zip(groups, starts, strict=True)]
    who = np.repeat([group[0].who for group in groups], lengths).astype(np.int64)
    at = np.concatenate([start + np.arange(n) * MINUTE for start, n in zip(starts, lengths, strict=True)] or [np.zeros(0)])
    # The quiet world of all of a day's handlings at once: per handling it would cost more than playing it.
    surge = tanks.METHANE.height(seed, who, at) + asked.raised(who, at)
    worlds = [a.tolist() for a in (at, tanks.resting_gas(seed, who, at), surge, tanks.resting_level(seed, who, at))]
    ends = np.cumsum(lengths).tolist()
    cuts = [slice(end - n, end) for end, n in zip(ends, lengths, strict=True)]
    at_, gas_, surge_, level_ = worlds
    found = []
    for group, cut in zip(groups, cuts, strict=True):
        begin, end = at_[cut][0], at_[cut][-1]
        desk = desk_of(asked.wishes, group[0].who, begin, end)
        found.append(_Play(seed, group, desk, begin > asked.since, (at_[cut], gas_[cut], surge_[cut], level_[cut])).played())
    return tuple(found)


def handlings(seed: int, since: float, until: float, asked: Asked = UNASKED) -> list[Handling]:
    """Every handling any of which lies in a stretch."""
    days = range(int((since - 2 * DAY) // DAY), int(until // DAY) + 1)
    return [h for day in days for h in handlings_of_day(seed, day, asked.near(day)) if h.start <= until and h.end > since]
