"""How the demo city's minibuses run: rounds that start late, meet traffic, bunch up, now and then fail, and carry people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

import numpy as np

from data_sources.departments.building import Row, local_texts, rows_of
from data_sources.departments.life import Floats, day_of_year, episodes, gauss, noise, rain, rush, weekday
from data_sources.departments.minibus_asked import UNASKED, Asked, as_asked
from data_sources.departments.minibus_network import HOLIDAYS, LINES, SERVICES, Line

DAY = 86_400.0
OFFSET = 8 * 3600.0
PLANNED_AT = 3.5 * 3600  # the day's timetable is put in before the first bus
LAYOVER = 180.0
RIDERS = 10.72  # boardings of an ordinary round: two million a year over all lines
_SPARE = 90  # the number of a line's spare vehicle
ARCHIVED = 1800.0  # on-board units hand over what they kept every half hour
_GIVEN_UP = 2700.0  # a trip that has not begun this long after its time is filed as not run
AT_STOP = 0.06  # a bus opens its doors this share of the way between stops before it would have passed
_RUN = 730  # noise streams of this file
Counts = np.ndarray[Any, np.dtype[np.int64]]
Truths = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Rounds:
    """Every round of a line over some days, as it will have been: arrays of days × rounds, epoch seconds."""

    line: Line
    days: Floats
    planned: Floats
    began: Floats
    turned: Floats  # at the last stop
    ended: Floats
    riders: Counts
    scheduled: Truths  # the timetable has it on that day
    cancelled: Truths
    broken: Truths  # on the way out; the way back is cancelled then
    fails: Floats  # after which share of the way out it breaks down, if it does
    missing: Truths  # did not leave, and nobody said so
    spare: Truths  # made by a spare bus

    @property
    def failed(self) -> Floats:
        """Where it breaks down, if it does."""
        return self.began + self.fails * (self.turned - self.began)


def on_days(line: Line, days: Floats) -> Truths:
    """Which rounds of a line the timetable has on which days."""
    columns = []
    months = (days + OFFSET).astype("datetime64[s]").astype("datetime64[M]").astype(int) % 12 + 1
    for _, service in line.rounds:
        runs = np.isin(weekday(days), list(SERVICES[service]))
        columns.append(runs & ~np.isin(months, HOLIDAYS) if service == "school" else runs)
    return np.stack(columns, axis=1)


def run(line: Line, days: Floats, seed: int) -> Rounds:
    """A line's rounds. A vehicle takes every n-th one, and starts none before it is back."""
    hours = np.array([hour for hour, _ in line.rounds])
    planned = days[:, None] + hours * 3600
    ticks = (days[:, None] // DAY * 1000 + np.arange(len(hours))).astype(np.int64) * 10 + line.number
    trouble = episodes(planned, seed, _RUN + 10 + line.number * 3, timedelta(days=2.2), timedelta(hours=1.6), 0.6)
    wet = np.minimum(rain(planned, seed), 6) / 6  # slower streets, and starts spread as people shake their umbrellas out
    slow = 0.92 + 0.3 * rush(planned) + 0.25 * wet + 0.5 * trouble
    late = 8 + 55 * np.abs(gauss(seed, _RUN, ticks)) + 40 * rush(planned)
    late += 420 * trouble * noise(seed, _RUN + 1, ticks) + 360 * wet * noise(seed, _RUN + 7, ticks)
    out = line.run_min * 60 * slow + 50 * gauss(seed, _RUN + 2, ticks)
    back = line.run_min * 60 * slow + 50 * gauss(seed, _RUN + 3, ticks)
    began = planned + late
    for first in range(line.vehicles, len(hours), line.vehicles):
        now, before = slice(first, first + line.vehicles), slice(first - line.vehicles, first)
        width = began[:, now].shape[1]
        home = (began[:, before] + out[:, before] + LAYOVER + back[:, before])[:, :width]
        began[:, now] = np.maximum(began[:, now], home + 30)
    luck = noise(seed, _RUN + 4, ticks)
    return Rounds(
        *(line, days, planned, began, began + out, began + out + LAYOVER + back),
        riders=_riders(line, planned, ticks, seed),
        scheduled=on_days(line, days),
        cancelled=luck < 0.006,
        broken=(luck >= 0.006) & (luck < 0.0075),
        fails=np.full(planned.shape, 0.5),
        missing=np.zeros(planned.shape, dtype=bool),
        spare=np.zeros(planned.shape, dtype=bool),
    )


def _riders(line: Line, planned: Floats, ticks: Counts, seed: int) -> Counts:
    """Boardings of each round: more at rush, fewer at weekends, in the holidays and in the rain."""
    season = 1 + 0.06 * np.cos(2 * np.pi * (day_of_year(planned) - 300) / 182.6)
    week = np.where(weekday(planned) < 5, 1.05, 0.88)
    wet = 1 - 0.1 * (rain(planned, seed) > 0.5)
    popular = (1.25, 1.0, 1.35, 1.1, 0.85, 0.9, 0.95, 0.8)[line.number]
    wanted = RIDERS * popular * season * week * wet * (0.63 + 0.75 * rush(planned)) * np.exp(0.22 * gauss(seed, _RUN + 5, ticks))
    return np.floor(wanted + noise(seed, _RUN + 6, ticks)).astype(np.int64)


@dataclass(frozen=True)
class Trips:
    """The single trips of a line's rounds in one direction, days × rounds."""

    rounds: Rounds
    direction: int

    @property
    def planned(self) -> tuple[Floats, Floats]:
        """Scheduled start and end."""
        way = self.rounds.line.run_min * 60
        start = self.rounds.planned + (way + LAYOVER) * self.direction
        return start, start + way

    @property
    def times(self) -> tuple[Floats, Floats]:
        """Actual start and end."""
        r = self.rounds
        return (r.began, r.turned) if self.direction == 0 else (r.turned + LAYOVER, r.ended)

    @property
    def state(self) -> Counts:
        """2 done, 3 cancelled, 4 broken down; 0 where the timetable has none."""
        r = self.rounds
        broken = np.where(r.broken, 4 if self.direction == 0 else 3, 2)
        return np.where(r.scheduled, np.where(r.cancelled | r.missing, 3, broken), 0)

    @property
    def settled(self) -> Floats:
        """When it is over: at the last stop, where it broke down, or when it should have begun."""
        r = self.rounds
        over = np.where(r.broken, r.failed, self.times[1])
        return np.where(r.missing, self.planned[0] + _GIVEN_UP, np.where(r.cancelled, self.planned[0], over))

    def name(self, turn: int) -> str:
        """What the timetable calls a trip."""
        return f"{self.rounds.line.code}-{self.direction}-{turn + 1:03d}"


def both_ways(rounds: Rounds) -> tuple[Trips, Trips]:
    """Out and back."""
    return Trips(rounds, 0), Trips(rounds, 1)


def _archived(at: Floats) -> Floats:
    return np.ceil(at / ARCHIVED) * ARCHIVED


def plate(line: Line, turn: int, spare: bool = False) -> str:
    """The vehicle that takes a round: every n-th is the same one's, unless a spare one stands in for it."""
    return f"渝A{line.number + 1}{_SPARE if spare else turn % line.vehicles + 1:02d}D"


def trip_rows(rounds: Rounds, since: float, until: float) -> list[Row]:
    """Trips put into the archive after `since` up to `until`."""
    return [row for trips in both_ways(rounds) for row in _trip_rows(trips, since, until)]


def _trip_rows(trips: Trips, since: float, until: float) -> list[Row]:
    rounds, state, known = trips.rounds, trips.state, _archived(trips.settled)
    which = np.nonzero((state > 0) & (known > since) & (known <= until))
    half = rounds.riders[which] // 2
    riders = (half if trips.direction == 0 else rounds.riders[which] - half).tolist()
    dates, start, end, began, ended, archived = (
        local_texts(at[which]) for at in (np.broadcast_to(rounds.days[:, None], known.shape), *trips.planned, *trips.times, known)
    )
    broke = local_texts(rounds.failed[which])
    rows: list[Row] = []
    spare = rounds.spare[which].tolist()
    for i, (turn, kind) in enumerate(zip(which[1].tolist(), state[which].tolist(), strict=True)):
        code, bus = f"{trips.name(turn)}/{dates[i][:10].replace('-', '')}", plate(rounds.line, turn, spare[i])
        over = {2: ended[i], 3: None, 4: broke[i]}[kind]
        actual = (began[i] if kind != 3 else None, over, riders[i] if kind == 2 else None)
        rows.append((code, rounds.line.code, str(trips.direction), bus, start[i], end[i], *actual, str(kind), archived[i]))
    return rows


def day_rows(rounds: Rounds, since: float, until: float) -> list[Row]:
    """The line's daily report, brought up to date as each round ends: those that changed after `since`, as they stand at `until`."""
    ended = np.where(rounds.cancelled | rounds.broken | rounds.missing | ~rounds.scheduled, np.inf, rounds.ended)
    done = ended <= until
    known = rounds.days + PLANNED_AT
    moved = np.maximum(np.where(done, ended, -np.inf).max(axis=1), known)
    planned = rounds.scheduled.sum(axis=1)
    keep = (known <= until) & (moved > since) & (planned > 0)
    dates, changed = [text[:10] for text in local_texts(rounds.days[keep])], local_texts(moved[keep])
    codes = [f"{rounds.line.code}-{date.replace('-', '')}" for date in dates]
    riders = np.where(done, rounds.riders, 0).sum(axis=1)[keep]
    return rows_of(codes, rounds.line.code, dates, planned[keep], done.sum(axis=1)[keep], riders, changed)


def visit_rows(rounds: Rounds, since: float, until: float) -> list[Row]:
    """Arrivals at the timing stop, out and back, put into the archive after `since` up to `until`."""
    return [row for trips in both_ways(rounds) for row in _visit_rows(trips, since, until)]


def _visit_rows(trips: Trips, since: float, until: float) -> list[Row]:
    line, last = trips.rounds.line, len(trips.rounds.line.stops) - 1
    nth = line.timing_stop if trips.direction == 0 else last - line.timing_stop
    (start, end), (began, ended) = trips.planned, trips.times
    due = start + nth / last * (end - start)
    came = began + (nth - AT_STOP) / last * (ended - began)
    known = _archived(came)
    ran = (trips.state == 2) & (known > since) & (known <= until)
    which = np.nonzero(ran)
    day, aim, at, archived = (local_texts(t[which]) for t in (np.broadcast_to(trips.rounds.days[:, None], came.shape), due, came, known))
    stop = f"{line.code}-{line.timing_stop + 1:02d}"
    codes = [f"{trips.name(turn)}/{date[:10].replace('-', '')}/{stop}" for turn, date in zip(which[1].tolist(), day, strict=True)]
    return rows_of(codes, line.code, str(trips.direction), stop, aim, at, archived) if codes else []


def all_rounds(days: Floats, seed: int, asked: Asked = UNASKED) -> list[Rounds]:
    """Every line's rounds over some days."""
    return _rounds(days.tobytes(), seed, asked)


@lru_cache(maxsize=4)  # asked every few seconds, other days once a day
def _rounds(days: bytes, seed: int, asked: Asked) -> list[Rounds]:
    return [as_asked(run(line, np.frombuffer(days), seed), asked, seed) for line in LINES]
