"""How slopes move: rain soaks them hours later, wet ones creep faster, some move on their own; and what the bureau makes of it.

The world of slopes is kept by the hour from a fixed day on, so that displacement is the sum of what was moved, whoever asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

import numpy as np

from data_sources.departments import life
from data_sources.departments.life import Floats
from data_sources.departments.sensors_assets import slopes
from data_sources.departments.sensors_shapes import DAY, HOUR, Indexes, Surge, between, dice, rain_sum, wander

THINGS = tuple(slopes())
BEGIN = 1_717_200_000.0  # 2024-06-01 UTC: before it nothing is known to have moved
MINUTE = 60.0
_WARM_UP_H = 120  # hours of rain looked back at
_DRY = 18.0  # mm of antecedent rain a slope takes without moving faster
CREEP = Surge(1070, timedelta(days=12), timedelta(hours=30), 0.45, ((0.80, 0.8, 2.4), (0.18, 3.0, 6.0), (0.02, 10.0, 16.0)))
_TICK = 300.0

Grid = np.ndarray[tuple[int, int], np.dtype[np.float64]]


@dataclass(frozen=True)
class World:
    """Hours side by side: rain of all, and per slope how wet, how fast and how far."""

    hours: Floats
    rain_day: Floats  # mm of 24 h
    rain_hour: Floats
    wet: Floats  # mm of rain still in the ground
    rate: Grid  # mm/d
    moved: Grid  # mm


def world(seed: int, until: float) -> World:
    """The world up to two days after the day of a moment."""
    return _world(seed, int(until // DAY))


@lru_cache(maxsize=4)
def _world(seed: int, day: int) -> World:
    hours = np.arange(BEGIN, (day + 3) * DAY, HOUR)
    minutes = np.arange(BEGIN - _WARM_UP_H * HOUR, (day + 3) * DAY, 600.0)
    fallen = (life.rain(minutes, seed) / 6).reshape(-1, 6).sum(axis=1)
    running = np.concatenate([[0.0], np.cumsum(fallen)])

    def last(span: int, lag: int = 0) -> Floats:
        ends = np.arange(len(hours)) + _WARM_UP_H - lag
        return np.asarray(running[ends] - running[ends - span])

    wet = 0.45 * last(12, 2) + 0.35 * last(24, 8) + 0.2 * last(48, 24)
    rate = np.stack([_rates(seed, who, hours, wet) for who in range(len(THINGS))])
    return World(hours, last(24), last(1), wet, rate, np.cumsum(rate, axis=1) / 24)


def sensitivity(seed: int) -> Floats:
    """mm/d a slope moves for each mm of rain beyond what it takes: most hardly, a few a lot."""
    return 0.012 + 0.13 * dice(seed, 1240, np.arange(len(THINGS))) ** 3


def _rates(seed: int, who: int, hours: Floats, wet: Floats) -> Floats:
    one = np.full(len(hours), who, dtype=np.int64)
    steady = 0.10 + 0.28 * float(dice(seed, 40, np.array([who]))[0])
    soaked = sensitivity(seed)[who] * np.clip(wet - _DRY, 0, None)
    own = np.clip(0.06 * wander(seed, 41, one, hours, 0.6 * DAY), -0.08, None)
    return np.asarray(np.clip(steady + own + soaked + CREEP.height(seed, one, hours), 0.01, None))


def _at(grid: Floats, hours: Floats, at: Floats) -> Floats:
    return np.interp(at, hours, grid)


def _of(grid: Grid, hours: Floats, who: Indexes, at: Floats) -> Floats:
    """A slope's line between the hours."""
    x = np.clip((at - BEGIN) / HOUR, 0, len(hours) - 1.001)
    left = x.astype(np.int64)
    part = x - left
    return np.asarray(grid[who, left] * (1 - part) + grid[who, left + 1] * part)


def _fine(seed: int, stream: int, who: Indexes, at: Floats) -> Floats:
    """What an instrument adds to each reading."""
    return life.gauss(seed, stream, (at // 10).astype(np.int64) + (who + 1) * (1 << 34))


def slope_values(seed: int, who: Indexes, at: Floats) -> dict[str, Floats]:
    """What the instruments of a hazard point read."""
    known = world(seed, float(at.max()))
    moved, warm = _of(known.moved, known.hours, who, at), life.temperature(at, seed)
    restless = np.clip(_of(known.rate, known.hours, who, at) - 2, 0, None)
    spike = between(
        np.clip(dice(seed, 1250, who, (at // _TICK).astype(np.int64)) / (0.0012 * (1 + restless)), 0, 1), ((0.8, 30, 6), (0.2, 6, 1.2))
    )
    wet = _at(known.wet, known.hours, at)
    return {
        "累计位移": 4 + 30 * dice(seed, 42, who) + moved + 0.1 * wander(seed, 43, who, at, 2 * DAY) + 0.03 * _fine(seed, 1251, who, at),
        "裂缝宽度": 6 + 20 * dice(seed, 44, who) + 0.34 * moved - 0.008 * (warm - 18) + 0.006 * _fine(seed, 1252, who, at),
        "倾角": 0.2 + 1.6 * dice(seed, 45, who) + 0.021 * moved + 0.0006 * (warm - 18) + 0.0006 * _fine(seed, 1253, who, at),
        "振动峰值": np.clip(np.maximum(0.9 + 0.25 * _fine(seed, 1254, who, at), spike), 0.2, None),
        "含水率": np.clip(15 + 3 * dice(seed, 46, who) + 0.19 * wet + 0.6 * wander(seed, 47, who, at, 2 * DAY), 4, 55),
    }


def rain_values(seed: int, who: Indexes, at: Floats) -> dict[str, Floats]:
    """The gauges see the same rain, each a little differently."""
    catch = 0.85 + 0.3 * dice(seed, 50, who)
    return {"小时雨量": catch * rain_sum(seed, at, 1), "日雨量": catch * rain_sum(seed, at, 24)}


# ---- what the bureau makes of it

BLUE, YELLOW, ORANGE, RED = 4, 3, 2, 1  # in its own numbering, as on paper
_RATES, _SOAKED_MM, _SOAKED_WET = (1.0, 3.0, 10.0, 30.0), 50.0, 40.0
_CALM_H = 6
_ANSWER_IN_MIN = {BLUE: 30, YELLOW: 15, ORANGE: 10, RED: 5}
_LATE = 0.05


@dataclass(frozen=True)
class Warned:
    """A warning in its life. Moments that never come are infinite; levels are in the bureau's numbering."""

    who: int
    issued: float
    raised: tuple[tuple[float, int], ...]  # when it became which level
    people: int
    to_move: int
    staying: int  # who would not leave
    called: float
    answered: float
    moving: float
    moved: float
    observing: float
    lifted: float

    @property
    def number(self) -> str:
        """Its number on paper."""
        return f"DY{THINGS[self.who].number[2:]}-{int(self.issued // MINUTE)}"

    def level(self, at: float) -> int:
        """The worst it has been up to a moment."""
        return min(level for since, level in self.raised if since <= max(at, self.issued))


def people(seed: int) -> Indexes:
    """Who lives or works under each hazard point."""
    return np.asarray((20 + 160 * dice(seed, 92, np.arange(len(THINGS)))).astype(np.int64))


def grades(known: World, who: int) -> Indexes:
    """Severity 0–4 of a slope by the hour: by how fast it moves, one more where rain, wet ground and movement come together."""
    rate = known.rate[who]
    grade = np.searchsorted(np.array(_RATES), rate, side="right")
    following = np.array([*_RATES, np.inf])[grade]
    coupled = (known.rain_day >= _SOAKED_MM) & (known.wet >= _SOAKED_WET) & (rate >= 0.7 * following)
    return np.asarray(np.minimum(grade + coupled, 4))


def warned(seed: int, until: float) -> tuple[Warned, ...]:
    """Every warning begun up to the end of the day after a moment."""
    return _warned(seed, int(until // DAY))


@lru_cache(maxsize=4)
def _warned(seed: int, day: int) -> tuple[Warned, ...]:
    known = _world(seed, day)
    found = []
    for who in range(len(THINGS)):
        grade = grades(known, who)
        held = np.lib.stride_tricks.sliding_window_view(np.concatenate([np.zeros(_CALM_H, dtype=np.int64), grade]), _CALM_H + 1).max(axis=1)
        edges = np.diff(np.concatenate([[0], (held > 0).astype(np.int8), [0]]))
        for first, after in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
            found.append(_life(seed, who, known.hours[first:after], grade[first:after], after == len(grade)))
    return tuple(sorted(found, key=lambda w: (w.issued, w.who)))


def _life(seed: int, who: int, hours: Floats, grade: Indexes, unended: bool) -> Warned:
    """From the hours a slope was restless: decided on, called out, answered, people moved, watched, lifted."""
    lot = np.array([int(hours[0] // HOUR)])
    draw = [float(dice(seed, stream, np.array([who]), lot)[0]) for stream in range(1260, 1267)]
    begin = float(hours[0]) + (4 + np.floor(25 * draw[0])) * MINUTE  # somebody looks at the line before a warning goes out
    worst = np.maximum.accumulate(grade)
    steps = np.flatnonzero(np.diff(np.concatenate([[0], worst])))
    raised = tuple((max(begin, float(hours[i]) + 4 * MINUTE), 5 - int(worst[i])) for i in steps)
    level = raised[0][1]
    called = begin + (1 + np.floor(4 * draw[1])) * MINUTE
    limit = _ANSWER_IN_MIN[level]
    answered = called + np.ceil(limit * (1.2 + draw[2]) if draw[3] < _LATE else limit * (0.1 + 0.7 * draw[2] ** 2)) * MINUTE
    ends = np.inf if unended else float(hours[-1]) - (_CALM_H - 1) * HOUR
    order = next((since for since, graded in raised if graded <= ORANGE), np.inf)
    everybody = int(people(seed)[who])
    to_move = everybody if raised[-1][1] == RED else int(np.ceil(everybody * (0.35 + 0.25 * draw[4]))) if order < np.inf else 0
    moving = max(order + (8 + np.floor(18 * draw[5])) * MINUTE, answered + 3 * MINUTE)
    moved = moving + np.floor(35 + 90 * draw[6] + to_move * 0.25) * MINUTE
    observing = max(ends + 30 * MINUTE, answered + MINUTE, moved if order < np.inf else 0.0)
    return Warned(
        *(who, begin, raised, everybody, to_move, int(to_move * 0.08 * draw[0]), float(called), float(answered)),
        *(float(moving), float(moved), float(observing), float(observing + _CALM_H * HOUR)),
    )


def answer_limit(w: Warned) -> float:
    """How long the grid has to answer, by the level it was called at, s."""
    return _ANSWER_IN_MIN[w.raised[0][1]] * MINUTE


def answer_of(seed: int, w: Warned, role: int) -> float:
    """When one of the four answered; the first of them answers for the bureau."""
    if role == 1:
        return w.answered
    one, lot, limit = np.array([w.who * 8 + role]), int(w.issued // MINUTE), answer_limit(w)
    late, luck = float(dice(seed, 1290, one, lot)[0]) < _LATE, float(dice(seed, 1291, one, lot)[0])
    return w.called + float(np.ceil(limit * (1.1 + 2 * luck) if late else limit * (0.08 + 0.85 * luck**2)))


# ---- rain spells, round which slopes are walked


@dataclass(frozen=True)
class Spell:
    """A stretch of rain worth walking the slopes for."""

    begin: float
    end: float


_SPELL_MM, _SPELL_CALM_H = 10.0, 12


def spells(seed: int, until: float) -> tuple[Spell, ...]:
    """Rain of ten millimetres in six hours and more, joined across half a day, up to two days ahead as forecast."""
    return _spells(seed, int(until // DAY))


@lru_cache(maxsize=4)
def _spells(seed: int, day: int) -> tuple[Spell, ...]:
    known = _world(seed, day)
    six: np.ndarray[Any, Any] = np.convolve(known.rain_hour, np.ones(6))[: len(known.hours)]
    padded = np.concatenate([np.zeros(_SPELL_CALM_H), six])
    held = np.lib.stride_tricks.sliding_window_view(padded, _SPELL_CALM_H + 1).max(axis=1) >= _SPELL_MM
    edges = np.diff(np.concatenate([[0], held.astype(np.int8), [0]]))
    begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return tuple(
        Spell(float(known.hours[b]) - 2 * HOUR, float(known.hours[e - 1]) - (_SPELL_CALM_H - 1) * HOUR if e < len(held) else np.inf)
        for b, e in zip(begins, ends, strict=True)
    )
