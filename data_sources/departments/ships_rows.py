"""What the tour ships' registry wrote down: minutes of telemetry as they were uploaded, urea tanks, and one row per engine and sailing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_sources.departments import ships_cruises as cruises
from data_sources.departments.building import Row, local_text, local_texts, rows_of
from data_sources.departments.life import Floats
from data_sources.departments.sensors_shapes import DAY, Indexes, dice
from data_sources.departments.ships_cruises import ENGINES, MINUTE, OFF, SHIPS, Mask, Running, Sailings

_STREAM = 9300  # noise streams of this file
_AFTER = 4 * MINUTE  # the box goes on writing this long after the engine stopped
_LATEST = 25 * MINUTE  # a box under the bridges uploads what it kept at most this late
_SAMPLE = 5 * MINUTE  # a sailing is summed up from a sample this often
_TANK_S = 10 * MINUTE
_ANALYSER_CHECKS = 9999.0


@dataclass(frozen=True)
class Moments:
    """Engines at moments of their sailings, side by side: which engine, which sailing, when, and from when to when it runs."""

    engine: Indexes
    turn: Indexes
    at: Floats
    begin: Floats
    end: Floats

    def only(self, keep: Mask) -> Moments:
        """Those for which `keep` holds."""
        return Moments(self.engine[keep], self.turn[keep], self.at[keep], self.begin[keep], self.end[keep])

    def run(self, seed: int) -> Running:
        """How the engines did."""
        return cruises.run_engines(self.engine, self.turn, self.at - self.begin, np.maximum(self.end - self.at, 0), self.at, seed)


def _moments(found: Sailings, step: float, after: float) -> Moments:
    """Both engines of each sailing at every step of it and for a while after."""
    counts = (np.floor((found.end + after - found.begin) / step)).astype(np.int64)
    row = np.repeat(np.arange(len(found.ship)), counts)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts) + 1
    port = found.ship[row] * 2
    twice = [np.tile(a, 2) for a in (found.begin[row] + nth * step, found.begin[row], found.end[row])]
    return Moments(np.concatenate([port, port + 1]), np.tile(found.turn[row], 2), *twice)


def uploaded(engine: Indexes, at: Floats, seed: int) -> Floats:
    """When a minute came ashore: at once, or all that was kept once the link is back."""
    block = np.floor(at / (20 * MINUTE)).astype(np.int64)
    kept = dice(seed, _STREAM, engine, block) < 0.02
    return np.where(kept, (block + 1) * 20 * MINUTE + np.floor(4 * dice(seed, _STREAM + 1, engine, block)) * MINUTE, at) + 2.0


def telemetry_rows(since: float, until: float, seed: int) -> list[Row]:
    """Minutes that came ashore in (since, until]."""
    found = cruises.every_sailing(since - _LATEST - _AFTER, until, seed)
    if not len(found.ship):
        return []
    minutes = _moments(found, MINUTE, _AFTER)
    came = uploaded(minutes.engine, minutes.at, seed)
    keep = (came > since) & (came <= until)
    return _telemetry(minutes.only(keep), came[keep], seed) if keep.any() else []


def _telemetry(minutes: Moments, came: Floats, seed: int) -> list[Row]:
    run, turn, on = minutes.run(seed), minutes.turn, minutes.at <= minutes.end
    first, last = 30 + 20 * dice(seed, _STREAM + 3, run.engine, turn), 25 + 15 * dice(seed, _STREAM + 4, run.engine, turn)
    minute = (minutes.at - minutes.begin) / MINUTE
    stuck = (dice(seed, _STREAM + 2, run.engine, turn) < 0.02) & (minute >= first) & (minute < first + last)
    outlet = np.where(stuck, np.round(55 + 40 * dice(seed, _STREAM + 5, run.engine, turn)), run.nox_out)
    checking = (dice(seed, _STREAM + 6, run.engine, turn) < 0.03) & (np.abs(minute - 12) < 0.5)
    inlet = np.where(checking, _ANALYSER_CHECKS, run.nox_in)

    def reads(values: Floats, decimals: int) -> list[float | None]:
        """A stopped engine has no exhaust to speak of."""
        return [round(v, decimals) if ok else None for v, ok in zip(values.tolist(), on.tolist(), strict=True)]

    power, fuel, urea = np.where(on, run.power, 0.0), np.where(on, run.fuel, 0.0), np.where(on, run.urea, 0.0)
    return rows_of(
        [ENGINES[e][0] for e in run.engine.tolist()],
        local_texts(run.at),
        np.where(on, run.state, OFF),
        np.round(power, 1),
        np.round(fuel, 2),
        reads(inlet, 0),
        reads(outlet, 0),
        reads(run.o2, 2),
        np.round(run.t_in, 1),
        np.round(urea, 2),
        reads(run.slip, 1),
        reads(run.drop, 2),
        np.where(on, run.valve, 0),
        local_texts(came),
    )


def tank_rows(since: float, until: float, seed: int) -> list[Row]:
    """The ships' urea tanks every ten minutes in (since, until], moored or not."""
    ticks = np.arange(np.floor(since / _TANK_S) + 1, np.floor(until / _TANK_S) + 1) * _TANK_S
    if not len(ticks):
        return []
    ship, at = np.repeat(np.arange(len(SHIPS)), len(ticks)), np.tile(ticks, len(SHIPS))
    # a gateway without shore power is silent for an hour or two
    silent = dice(seed, _STREAM + 10, ship, np.floor(at / (0.25 * DAY)).astype(np.int64)) < 0.012
    ship, at = ship[~silent], at[~silent]
    levels = np.round(cruises.tank_levels(ship, at, seed), 1)
    return rows_of([SHIPS[s].number for s in ship.tolist()], local_texts(at), levels, local_texts(at)) if len(at) else []


def trip_rows(since: float, until: float, seed: int, scale: float = 1.0, settled: float = 0.0) -> list[Row]:
    """Sailings that moved on in (since, until], summed up at their last five minutes; loads of those before `settled` are scaled."""
    found = cruises.every_sailing(since - _SAMPLE, until, seed)
    if not len(found.ship):
        return []
    steps = _moments(found, _SAMPLE, _SAMPLE)  # the last one is past the end: what is left is summed up as the engines stop
    at_end = Moments(steps.engine, steps.turn, np.minimum(steps.at, steps.end), steps.begin, steps.end)
    samples = at_end.only((at_end.at <= until) & (steps.at < steps.end + _SAMPLE))
    if not len(samples.at):
        return []
    stamp = local_text(since)
    return [row for row in _summed(samples, np.where(samples.begin < settled, scale, 1.0), seed) if row[-1] > stamp]


def _summed(samples: Moments, scale: Floats, seed: int) -> list[Row]:
    run, turn, begin, end, mark = samples.run(seed), samples.turn, samples.begin, samples.end, samples.at
    key = run.engine * (1 << 34) + turn
    order = np.lexsort((mark, key))
    edges = np.flatnonzero(np.diff(key[order], prepend=-1))
    hot = run.t_in >= cruises.WARM_C
    made = run.power * run.specific_in
    removed = made * (1 - run.nox_out / run.nox_in)

    def added(values: Floats) -> Floats:
        """Summed up per engine and sailing."""
        return np.asarray(np.add.reduceat(values[order], edges), dtype=np.float64)

    number = added(np.ones(len(key)))
    first, last = order[edges], order[np.append(edges[1:], len(order)) - 1]
    ended = mark[last] >= end[last]
    hours = (mark[last] - begin[last]) / 3600
    load = added(run.power) / number / cruises.RATED[run.engine[first]] * scale[first]
    specific = added(made) / added(run.power)
    shares = 100 * added(removed) / added(made)
    slips = np.maximum.reduceat(run.slip[order], edges)
    return rows_of(
        [f"{ENGINES[e][0]}-{t}" for e, t in zip(run.engine[first].tolist(), turn[first].tolist(), strict=True)],
        [ENGINES[e][0] for e in run.engine[first].tolist()],
        [SHIPS[ENGINES[e][1]].number for e in run.engine[first].tolist()],
        local_texts(begin[first]),
        [text if done else None for text, done in zip(local_texts(end[first]), ended.tolist(), strict=True)],
        np.where(ended, 2, 1),
        np.round(hours, 4),
        np.round(load, 5),
        np.round(specific, 4),
        np.round(shares, 3),
        added(np.where(hot, 1.0, 0.0)) * _SAMPLE / MINUTE,
        added(np.where(hot & (run.urea > 0), 1.0, 0.0)) * _SAMPLE / MINUTE,
        np.round(added(run.urea) / number * hours, 2),
        np.round(slips, 1),
        local_texts(mark[last]),
    )
