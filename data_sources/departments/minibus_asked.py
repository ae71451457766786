"""Minibuses that do not leave, and the spare ones a dispatcher sends by order: what that makes of a line's rounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import numpy as np

from data_sources.departments.happenings import Happening
from data_sources.departments.life import Floats, noise
from data_sources.departments.minibus_network import LINES, Line
from data_sources.departments.orders import Manner, Order, Receipt, State, times

HOUR, MINUTE = 3600.0, 60.0
_STREAM = 4600  # noise streams of this file
_SLOT, _CHANCE = 8 * HOUR, 0.17  # a line loses three buses in a sixth of these stretches
_OUT_S = 45 * MINUTE
_BUSES_OUT = 3  # one after the other: a hole of four headways
_OVERDUE_S, _AHEAD_S = 45 * MINUTE, 2 * HOUR  # rounds a spare bus makes up for, and those it takes over
_TURN_S = 60.0
_NEAR = 0.12  # of its way: a bus so near the timing stop reaches it
_SENT = Manner(0.8, 4, 0)
Rounds = Any  # of minibus_trips, which builds on this
Truths = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Asked:
    """Since when buses may fail to leave, spare buses ordered, and lines somebody took buses from."""

    since: float = np.inf
    orders: tuple[Order, ...] = ()
    gaps: tuple[Happening, ...] = ()  # the subject is a line


UNASKED = Asked()


def line_of(order: Order) -> Line | None:
    """The line an order is about: it names the line or one of its stops."""
    return next((line for line in LINES if line.code == order.asset.partition("-")[0]), None)


def ready(order: Order, seed: int) -> float:
    """When the spare bus stands at the first stop."""
    return times(order, seed, _SENT)[1]


def as_asked(rounds: Rounds, asked: Asked, seed: int) -> Rounds:
    """A line's rounds with those that did not leave, and those a spare bus made."""
    begins = list(_begins(rounds, asked, seed))
    if not begins:
        return rounds
    made = replace(rounds, **{name: getattr(rounds, name).copy() for name in _MOVED})
    for begin in begins:
        _lose(made, begin)
    for order in sorted((o for o in asked.orders if line_of(o) is rounds.line), key=lambda o: (ready(o, seed), o.number)):
        _send_spare(made, ready(order, seed))
    _no_bus_twice(made)
    return made


_TIMES = ("began", "turned", "ended")
_MOVED = (*_TIMES, "missing", "spare", "broken", "fails")


def _begins(rounds: Rounds, asked: Asked, seed: int) -> Iterator[float]:
    """When buses stop leaving: by chance since the department lives, and where somebody wanted it."""
    first, last = (float(t) for t in (rounds.days[0], rounds.days[-1] + 86_400))
    slots = np.arange(first // _SLOT - 1, last // _SLOT + 1).astype(np.int64)
    ticks = slots * 10 + rounds.line.number
    at = (slots + 0.8 * noise(seed, _STREAM + 1, ticks)) * _SLOT
    for begin, luck in zip(at.tolist(), noise(seed, _STREAM, ticks).tolist(), strict=True):
        if luck < _CHANCE and begin > asked.since:
            yield begin
    yield from (gap.at for gap in asked.gaps if gap.subject == rounds.line.code)


def _lose(rounds: Rounds, begin: float) -> None:
    """A bus still short of the timing stop breaks down; the next do not leave, nor do their buses meanwhile."""
    stalled = _short_of_timing_stop(rounds, begin)
    rounds.broken[stalled] = True
    rounds.fails[stalled] = _along(rounds, begin)[stalled]
    due = _to_leave(rounds, begin)
    turns = np.argwhere(due)[: _BUSES_OUT - int(stalled.sum()), 1] % rounds.line.vehicles
    own = np.isin(np.arange(rounds.planned.shape[1]) % rounds.line.vehicles, turns)
    rounds.missing[due & (rounds.planned < begin + _OUT_S) & own[None, :]] = True


def _along(rounds: Rounds, at: float) -> Floats:
    """Which share of its way out each round has made."""
    return np.asarray((at - rounds.began) / (rounds.turned - rounds.began))


def _short_of_timing_stop(rounds: Rounds, at: float) -> Truths:
    """The last round on its way to the stop where headways are watched."""
    share, mark = _along(rounds, at), rounds.line.timing_stop / (len(rounds.line.stops) - 1)
    on_way = rounds.scheduled & ~rounds.cancelled & ~rounds.missing & ~rounds.broken & (share >= 0) & (share < mark - _NEAR)
    last: Truths = np.zeros(on_way.shape, dtype=np.bool_)
    last[tuple(np.argwhere(on_way)[-1:].T)] = True
    return last


def _to_leave(rounds: Rounds, at: float) -> Truths:
    return np.asarray(rounds.scheduled & ~rounds.cancelled & ~rounds.missing & (rounds.planned > at) & (rounds.began > at))


def _send_spare(rounds: Rounds, at: float) -> None:
    """A spare bus makes up for the last round that did not leave, then takes over the next ones."""
    free = at
    for day, turn in _wanted(rounds, at):
        start = max(rounds.planned[day, turn] + 20.0, free)
        if start - rounds.planned[day, turn] <= _OVERDUE_S:
            _shift(rounds, (day, turn), start)
            rounds.missing[day, turn], rounds.spare[day, turn] = False, True
            free = float(rounds.ended[day, turn]) + _TURN_S


def _wanted(rounds: Rounds, at: float) -> list[tuple[int, int]]:
    planned = rounds.planned
    overdue = np.argwhere(rounds.missing & (planned > at - _OVERDUE_S) & (planned <= at))[-1:]
    ahead = np.argwhere(rounds.missing & (planned > at) & (planned < at + _AHEAD_S))
    return [(int(day), int(turn)) for day, turn in (*overdue, *ahead)]


def _shift(rounds: Rounds, which: tuple[int, int], start: float) -> None:
    later = start - rounds.began[which]
    for name in _TIMES:
        getattr(rounds, name)[which] += later


def _no_bus_twice(rounds: Rounds) -> None:
    """A bus that made a round late starts its next one when it is back."""
    step = rounds.line.vehicles
    for day in range(len(rounds.days)):
        for turn in range(step, rounds.planned.shape[1]):
            back = rounds.ended[day, turn - step] + 30.0
            if not rounds.missing[day, turn - step] and back - rounds.began[day, turn] > 1:
                _shift(rounds, (day, turn), float(back))


# ---- what the dispatchers answer


def receipts(order: Order, lines: list[Rounds], seed: int) -> Iterator[Receipt]:
    """What is answered to an order that is carried out."""
    line = line_of(order)
    rounds = next(r for r in lines if r.line is line)
    accepted, at = times(order, seed, _SENT)[0], ready(order, seed)
    unit = f"{rounds.line.code}路调度室"
    yield Receipt(order, State.ACCEPTED, accepted, unit, "备车待发")
    taken = np.argwhere(rounds.spare & (rounds.began >= at) & (rounds.began < at + HOUR))
    if not len(taken):
        yield Receipt(order, State.ARRIVED, at, unit, "备车已到首站")
        yield Receipt(order, State.DONE, at + ceil(8 + 6 * order.luck(seed, 6)) * MINUTE, unit, "班次均已发出，备车驻站", "驻站")
        return
    day, turn = (int(i) for i in taken[0])
    began, turned = float(rounds.began[day, turn]), float(rounds.turned[day, turn])
    share = rounds.line.timing_stop / (len(rounds.line.stops) - 1)
    yield Receipt(order, State.ARRIVED, ceil(began), unit, f"备车发出，顶第{turn + 1}班")
    yield Receipt(order, State.DONE, ceil(began + share * (turned - began)), unit, "备车已过计时点", "已发出")


def next_gap(lines: list[Rounds], at: float) -> str | None:
    """The line on which a hole would be noticed first; None where no bus is to leave soon."""
    seen: dict[str, float] = {}
    for rounds in lines:
        left = np.argwhere(_to_leave(rounds, at) & (rounds.planned < at + _OUT_S))
        lost = _BUSES_OUT - int(_short_of_timing_stop(rounds, at).sum())
        if len(left) > lost:
            after = tuple(left[lost])
            seen[rounds.line.code] = float((rounds.began[after] + rounds.turned[after]) / 2)
    return min(seen, key=lambda code: seen[code], default=None)
