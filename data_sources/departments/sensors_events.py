"""What happened around the instruments: pump runs, call-outs, cameras that failed, warning levels set, patrols walked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_sources.departments import sensors_shapes as shapes
from data_sources.departments.building import Row, local_text, local_texts
from data_sources.departments.life import Floats
from data_sources.departments.sensors_assets import Thing
from data_sources.departments.sensors_shapes import DAY, PUMP_S, Indexes

MINUTE = 60.0
_PATROL_S = 3.2 * DAY
_ALARM_LEL = 25.0  # at which the platform calls a crew, as this bureau has set it
_LATE_CREWS, _FAILED_RUNS = 0.04, 0.03
NORMAL, WARNING, ALARM, PUMPING = 0, 1, 2, 3


@dataclass(frozen=True)
class Change:
    """The newest change of something's state in a stretch of time."""

    who: int
    at: float
    state: int


def last_changes(who: Indexes, at: Floats, state: Indexes) -> list[Change]:
    """Per asset the newest moment its state differed from the moment before; moments must rise within each asset."""
    order = np.lexsort((at, who))
    who, at, state = who[order], at[order], state[order]
    moved = np.flatnonzero((who[1:] == who[:-1]) & (state[1:] != state[:-1])) + 1
    newest = {int(who[i]): Change(int(who[i]), float(at[i]), int(state[i])) for i in moved}
    return list(newest.values())


def camera_states(seed: int, who: Indexes, at: Floats) -> Indexes:
    """1 while a structure's video is online."""
    return (shapes.CAMERA_DOWN.height(seed, who, at) < 0.4).astype(np.int64)


def hazard_levels(seed: int, who: Indexes, at: Floats) -> Indexes:
    """The warning level the bureau sets, in its numbering: 0 none, 4 blue … 1 red."""
    rate = shapes.slope_values(seed, who, at)["位移速率"]
    return np.select([rate >= 30, rate >= 10, rate >= 3, rate >= 1.05], [1, 2, 3, 4], 0).astype(np.int64)


def tank_states(seed: int, who: Indexes, at: Floats) -> Indexes:
    """What the platform shows of a tank: normal, warning, alarm, pumping."""
    gas = shapes.methane(seed, who, at)
    cycle = shapes.filling(seed, who, shapes.cycle_of(seed, who, at))
    pumping = at >= cycle.ends - PUMP_S
    return np.select([pumping, gas >= _ALARM_LEL, (gas >= 10) | (cycle.level(at) >= 80)], [PUMPING, ALARM, WARNING], NORMAL).astype(
        np.int64
    )


def patrols(seed: int, who: Indexes, at: Floats) -> Floats:
    """When each hazard point was last walked: about twice a week, now and then a little late."""
    phase = shapes.dice(seed, 80, who) * _PATROL_S
    turn = np.floor((at - phase) / _PATROL_S).astype(np.int64)
    walked = [phase + (k + 0.1 * shapes.dice(seed, 81, who, k)) * _PATROL_S for k in (turn, turn - 1)]
    return np.where(walked[0] <= at, walked[0], walked[1])


def pump_rows(seed: int, tanks: Sequence[Thing], since: float, until: float) -> list[Row]:
    """Pump runs that began, ran or ended after `since`, as the log had them at `until`."""
    everyone = np.arange(len(tanks))
    first, last = (shapes.cycle_of(seed, everyone, np.full(len(tanks), at)) for at in (since, until + PUMP_S))
    who = np.repeat(everyone, last - first + 1)
    number = np.concatenate([np.arange(a, b + 1) for a, b in zip(first, last, strict=True)])
    ends = shapes.filling(seed, who, number).ends
    wanted = (ends - PUMP_S <= until) & (ends > since)
    return _run_rows(seed, tanks, who[wanted], number[wanted], until) if wanted.any() else []


def _run_rows(seed: int, tanks: Sequence[Thing], who: Indexes, number: Indexes, until: float) -> list[Row]:
    cycle = shapes.filling(seed, who, number)
    begins = np.floor(cycle.ends - PUMP_S)
    before, after = (np.round(shapes.methane(seed, who, at), 1).tolist() for at in (begins, cycle.ends))
    by_hand, failed = shapes.dice(seed, 82, who, number) < 0.12, shapes.dice(seed, 83, who, number) < _FAILED_RUNS
    begun, ended = local_texts(begins), local_texts(cycle.ends)
    full, left = np.round(cycle.high, 1).tolist(), np.round(cycle.left, 1).tolist()
    rows = []
    for i, tank in enumerate(tanks[w] for w in who):
        head = (f"CP{tank.number[3:]}-{number[i]}", tank.number, tank.area, 2 if by_hand[i] else 1, begun[i])
        if cycle.ends[i] <= until:
            volume, result = f"{(full[i] - left[i]) * 0.24:.1f} ", 2 if failed[i] else 1
            rows.append((*head, ended[i], volume, full[i], left[i], before[i], after[i], result, ended[i]))
        else:
            rows.append((*head, "", "", full[i], None, before[i], None, 0, begun[i]))
    return rows


def callout_rows(seed: int, tanks: Sequence[Thing], since: float, until: float) -> list[Row]:
    """Crews called to methane alarms that were not yet closed at `since`, as the sheet had them at `until`."""
    surge = shapes.METHANE
    slots = np.arange(surge.slots(np.array([since]))[0] - 1, surge.slots(np.array([until]))[0] + 1)
    who, slot = (grid.ravel() for grid in np.meshgrid(np.arange(len(tanks)), slots))
    begin, span, peak = surge.events(seed, who, slot)
    rises = np.clip((_ALARM_LEL - 3.0) / np.maximum(peak, 1e-9), 0, 1)  # the share of the peak that a tank at rest adds to reach the alarm
    called = np.floor(begin + span * (np.arcsin(np.sqrt(rises)) / np.pi) ** 1.25)
    late = shapes.dice(seed, 84, who, slot) < _LATE_CREWS
    luck = shapes.dice(seed, 85, who, slot)
    arrived = np.floor(called + np.where(late, 31 + 17 * luck, 8 + 19 * luck) * MINUTE)
    closed = np.floor(np.maximum(begin + span, arrived) + 5 * MINUTE)
    wanted = np.flatnonzero((peak > _ALARM_LEL - 3.0) & (called <= until) & (closed > since))
    rows = []
    for i in wanted:
        stage = 1 + int(arrived[i] <= until) + int(closed[i] <= until)
        tank = tanks[who[i]]
        rows.append(
            (
                f"CZ{tank.number[3:]}-{slot[i]}",
                tank.number,
                tank.area,
                1,
                round(float(peak[i]) + 3.0, 1),
                local_text(called[i]),
                local_text(called[i] + 30 * MINUTE),
                local_text(arrived[i]) if stage > 1 else "",
                local_text(closed[i]) if stage > 2 else "",
                stage,
                local_text((called[i], arrived[i], closed[i])[stage - 1]),
            )
        )
    return rows
