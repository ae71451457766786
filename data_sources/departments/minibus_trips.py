"""How the demo city's minibuses run: rounds that start late, meet traffic, bunch up, now and then fail, and carry people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np

from data_sources.departments.building import Row, local_texts, rows_of
from data_sources.departments.life import Floats, day_of_year, episodes, gauss, noise, rain, rush, weekday
from data_sources.departments.minibus_network import LINES, Line

DAY = 86_400.0
OFFSET = 8 * 3600.0
PLANNED_AT = 3.5 * 3600  # the day's timetable is put in before the first bus
OVERDUE = 300.0
LAYOVER = 180.0
RIDERS = 10.72  # boardings of an ordinary round: two million a year over all lines
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
    cancelled: Truths
    broken: Truths


def run(line: Line, days: Floats, seed: int) -> Rounds:
    """A line's rounds. A vehicle takes every n-th one, and starts none before it is back."""
    hours = np.array(line.rounds)
    planned = days[:, None] + hours * 3600
    ticks = (days[:, None] // DAY * 1000 + np.arange(len(hours))).astype(np.int64) * 10 + line.number
    trouble = episodes(planned, seed, _RUN + 10 + line.number * 3, timedelta(days=2.2), timedelta(hours=1.6), 0.6)
    slow = 0.92 + 0.3 * rush(planned) + 0.05 * np.minimum(rain(planned, seed), 4) + 0.5 * trouble
    late = 8 + 55 * np.abs(gauss(seed, _RUN, ticks)) + 40 * rush(planned) + 420 * trouble * noise(seed, _RUN + 1, ticks)
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
        cancelled=luck < 0.006,
        broken=(luck >= 0.006) & (luck < 0.0075),
    )


def _riders(line: Line, planned: Floats, ticks: Counts, seed: int) -> Counts:
    """Boardings of each round: more at rush, fewer at weekends, in the holidays and in the rain."""
    season = 1 + 0.06 * np.cos(2 * np.pi * (day_of_year(planned) - 300) / 182.6)
    week = np.where(weekday(planned) < 5, 1.05, 0.88)
    wet = 1 - 0.1 * (rain(planned, seed) > 0.5)
    popular = (1.25, 1.0, 1.35, 1.1, 0.85, 0.9, 0.95, 0.8)[line.number]
    wanted = RIDERS * popular * season * week * wet * (0.63 + 0.75 * rush(planned)) * np.exp(0.22 * gauss(seed, _RUN + 5, ticks))
    return np.floor(wanted + noise(seed, _RUN + 6, ticks)).astype(np.int64)


def trip_rows(rounds: Rounds, since: float, until: float) -> list[Row]:
    """Trips that were planned, overdue, began or ended after `since`, as they stand at `until`."""
    r, line = rounds, rounds.line
    known = np.broadcast_to(r.days[:, None] + PLANNED_AT, r.planned.shape)
    failed = r.began + 0.5 * (r.ended - r.began)
    late = r.planned + OVERDUE
    cases = [
        (r.cancelled & (r.planned - 600 <= until), 3, r.planned - 600),
        (~r.cancelled & r.broken & (failed <= until), 4, failed),
        (~r.cancelled & ~r.broken & (r.ended <= until), 2, r.ended),
        (~r.cancelled & (r.began <= until), 1, r.began),
        (~r.cancelled & (late <= until), 5, late),
    ]
    state = np.select([case[0] for case in cases], [case[1] for case in cases], 0)
    moved = np.select([case[0] for case in cases], [case[2] for case in cases], known)
    which = np.nonzero((known <= until) & (moved > since))
    texts = [local_texts(at[which]) for at in (r.planned, r.began, r.ended, moved)]
    numbers = zip(which[1].tolist(), state[which].tolist(), r.riders[which].tolist(), *texts, strict=True)
    return [_trip_row(line, *row) for row in numbers]


def _trip_row(line: Line, turn: int, state: int, riders: int, planned: str, began: str, ended: str, moved: str) -> Row:
    code = f"{line.code}-{planned[:10].replace('-', '')}-{turn + 1:03d}"
    bus = f"渝A{line.number + 1}{turn % line.vehicles + 1:02d}D"
    started, done = state in (1, 2, 4), state == 2
    return (code, line.code, bus, planned, began if started else None, ended if done else None, riders if done else None, str(state), moved)


def day_rows(rounds: Rounds, since: float, until: float) -> list[Row]:
    """The line's daily report, brought up to date as each round ends: those that changed after `since`, as they stand at `until`."""
    ended = np.where(rounds.cancelled | rounds.broken, np.inf, rounds.ended)
    done = ended <= until
    known = rounds.days + PLANNED_AT
    moved = np.maximum(np.where(done, ended, -np.inf).max(axis=1), known)
    keep = (known <= until) & (moved > since)
    dates, changed = [text[:10] for text in local_texts(rounds.days[keep])], local_texts(moved[keep])
    codes = [f"{rounds.line.code}-{date.replace('-', '')}" for date in dates]
    riders = np.where(done, rounds.riders, 0).sum(axis=1)[keep]
    return rows_of(codes, rounds.line.code, dates, rounds.planned.shape[1], done.sum(axis=1)[keep], riders, changed)


def visit_rows(rounds: Rounds, since: float, until: float) -> list[Row]:
    """Arrivals at the timing stop, out and back, with the time since the bus before."""
    line = rounds.line
    share = line.timing_stop / (len(line.stops) - 1)
    out = rounds.began + share * (rounds.turned - rounds.began)
    back = rounds.turned + LAYOVER + (1 - share) * (rounds.ended - rounds.turned - LAYOVER)
    rows: list[Row] = []
    for day in range(len(rounds.days)):
        for direction, arrived, missing in ((0, out, rounds.cancelled), (1, back, rounds.cancelled | rounds.broken)):
            rows += _headways(line, direction, rounds.planned[day], arrived[day], ~missing[day], since, until)
    return rows


def _headways(line: Line, direction: int, planned: Floats, arrived: Floats, ran: Truths, since: float, until: float) -> list[Row]:
    wanted = np.diff(planned, prepend=np.nan)
    turns = np.nonzero(ran)[0]
    order = turns[np.argsort(arrived[turns], kind="stable")]
    gaps = np.diff(arrived[order], prepend=np.nan)
    times = arrived[order]
    keep = np.isfinite(gaps) & np.isfinite(wanted[order]) & (times > since) & (times <= until)
    texts = local_texts(times[keep])
    stop = f"{line.code}-{line.timing_stop + 1:02d}"
    turns_kept = order[keep].tolist()
    codes = [f"{line.code}{direction}{text[:10].replace('-', '')}{turn + 1:03d}" for turn, text in zip(turns_kept, texts, strict=True)]
    aims, seen = (np.round(column).astype(np.int64) for column in (wanted[order][keep], gaps[keep]))
    return rows_of(codes, line.code, str(direction), stop, texts, aims, seen)


def all_rounds(days: Floats, seed: int) -> list[Rounds]:
    """Every line's rounds over some days."""
    return [run(line, days, seed) for line in LINES]
