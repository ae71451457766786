"""What happened around the water: roads under water, warnings and who answered them, patrols before rain, outfalls inspected.

Every function takes a stretch of time and gives the rows that changed in it, as the platform had them at its end. All moments
are whole minutes, and each is found again from any stretch, so that living in steps and at once write the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from data_sources.departments import water_shapes as shapes
from data_sources.departments.building import Row, local_text
from data_sources.departments.life import Floats
from data_sources.departments.registers import changed_at, told_at
from data_sources.departments.sensors_shapes import DAY, HOUR, Indexes, dice, rain_sum
from data_sources.departments.water_places import BUREAUS, GAUGES, OUTFALL_COUNT, SPOTS

MINUTE = 60.0
OFFSET = 8 * HOUR
TICK = 300.0
_DETECTED_MM, _DRY_MM = 100, 30  # a sensor tells of water from the first on, and that it has gone below the second
_LONGEST_PONDING, _LONGEST_RAIN, _LONGEST_FLOOD = DAY, 3 * DAY, 14 * DAY
_FORECAST = 600.0  # the forecast is looked at this often, s
RAIN, PONDING, FLOOD, DRILL = 1, 2, 3, 9
RED, ORANGE, YELLOW, BLUE = 1, 2, 3, 4
_ANSWER_IN_MIN = {RED: 5, ORANGE: 10, YELLOW: 15, BLUE: 30}
RESPONDERS = len(BUREAUS) + 11
_LATE_ANSWERS, _LATE_PATROLS, _FAULTS = 0.035, 0.06, 0.12
_MONTH = 30 * DAY
DEAD_SENSOR = 9  # position of the spot whose sensor has no battery left: its water is seen on video only


def _runs(on: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> list[tuple[int, int]]:
    """First and one-past-last index of each run that begins inside the stretch; one cut off at the end ends past it."""
    edges = np.diff(np.concatenate([on, [False]]).astype(np.int8))
    begins = np.flatnonzero(edges == 1) + 1
    ends = np.flatnonzero(edges == -1) + 1
    return [(int(b), int(ends[ends > b][0])) for b in begins]


def ponding_rows(seed: int, since: float, until: float) -> list[Row]:
    """Roads that came under water, were reached, or fell dry."""
    waters = _waters(seed, int((since - _LONGEST_PONDING) // TICK), int(until // TICK))
    return [row for water in waters for row in _ponding_row(seed, *water, since, until)]


Water: TypeAlias = tuple[int, Floats, Indexes, bool]


@lru_cache(maxsize=2)  # asked every minute, moving every five
def _waters(seed: int, first: int, last: int) -> list[Water]:
    """Spot, moments, depths and whether it is over, of all water deep enough to be told of."""
    ticks: Floats = np.arange(first, last + 1, dtype=np.float64) * TICK
    depths = shapes.spot_depths(seed, ticks)
    runs = [(who, begin, end) for who in range(len(SPOTS)) for begin, end in _runs(depths[who] >= _DRY_MM)]
    deep = [run for run in runs if depths[run[0], run[1] : run[2]].max() >= _DETECTED_MM]
    found: list[Water] = [(who, ticks[begin:end], depths[who, begin:end], end < len(ticks)) for who, begin, end in deep]
    return found


def _ponding_row(seed: int, who: int, ticks: Floats, water: Indexes, ended: bool, since: float, until: float) -> list[Row]:
    found = float(ticks[np.argmax(water >= _DETECTED_MM)])
    lot = np.array([int(found // TICK)])
    reached = found + float(np.floor(7 + 18 * dice(seed, 3100, np.array([who]), lot)[0])) * MINUTE
    dry = max(float(ticks[-1]) + TICK, reached + 2 * MINUTE) if ended else None
    changed = changed_at([found, reached, *([dry] if dry else [])], since, until)
    if changed is None:
        return []
    stage = 1 + (reached <= until) + (dry is not None and dry <= until)
    deepest = int(water[ticks <= changed].max())  # as it was when the row last changed
    seen_by = 2 if who == DEAD_SENSOR else 1
    return [
        (
            f"JS{SPOTS[who].code[2:]}-{int(found // MINUTE)}",
            SPOTS[who].code,
            seen_by,
            local_text(found),
            told_at(reached, until),
            told_at(dry, until),
            deepest,
            stage,
            local_text(changed),
        )
    ]


# ---- warnings


@dataclass(frozen=True)
class Warned:
    """A warning in its life: when it was issued, when it was lifted, and by when spots must have been patrolled."""

    kind: int
    level: int
    issued: float
    lifted: float
    rain_at: float

    @property
    def number(self) -> str:
        """Its number on paper."""
        return f"YJ{self.kind}-{int(self.issued // MINUTE)}"


def warnings_between(seed: int, since: float, until: float) -> list[Warned]:
    """Every warning that may still change in the stretch, drills of the first Monday of a month with them."""
    rain = _rain_warnings(seed, int((since - _LONGEST_RAIN) // _FORECAST), int(until // _FORECAST))
    flood = _flood_warnings(seed, int((since - _LONGEST_FLOOD) // HOUR), int(until // HOUR))
    return [w for w in (*rain, *flood, *_drills(since - DAY, until)) if w.issued <= until]


@lru_cache(maxsize=2)
def _rain_warnings(seed: int, first: int, last: int) -> list[Warned]:
    """Rain and ponding warnings out of what the forecast sees coming: 50 mm in 12, 6 or 3 h; 20, 35 or 50 mm in two."""
    ticks = np.arange(first, last + 2 * DAY // _FORECAST + 1) * _FORECAST
    ahead = {hours: rain_sum(seed, ticks + hours * HOUR, hours) for hours in (2, 3, 6, 12)}
    storm = np.select([ahead[3] >= 100, ahead[3] >= 50, ahead[6] >= 50, ahead[12] >= 50], [4, 3, 2, 1], 0)
    ponds = np.select([ahead[2] >= 50, ahead[2] >= 35, ahead[2] >= 20], [3, 2, 1], 0)
    return [*_graded(RAIN, ticks, storm, 2 * HOUR, 4 * HOUR), *_graded(PONDING, ticks, ponds, HOUR, 90 * MINUTE)]


def _graded(kind: int, ticks: Floats, grade: Indexes, calm: float, lead: float) -> list[Warned]:
    """Runs of a grade, joined across short calms; a warning has the worst grade foreseen for it."""
    step = float(ticks[1] - ticks[0])
    gap = int(calm // step)
    padded = np.concatenate([np.zeros(gap, dtype=grade.dtype), grade])
    held = np.lib.stride_tricks.sliding_window_view(padded, gap + 1).max(axis=1)
    return [
        Warned(kind, 5 - int(held[a:b].max()), float(ticks[a]), float(ticks[a]) + (b - a) * step, float(ticks[a]) + lead)
        for a, b in _runs(held > 0)
    ]


@lru_cache(maxsize=2)
def _flood_warnings(seed: int, first: int, last: int) -> list[Warned]:
    """Floods at the gauge that has a warning level in the district's plan, looked at by the hour."""
    ticks = np.arange(first, last + 2 * DAY // HOUR + 1) * HOUR
    level = shapes.river_levels(seed, np.zeros(len(ticks), dtype=np.int64), ticks)
    warning, guarantee = GAUGES[0].warning or np.inf, GAUGES[0].guarantee or np.inf
    grade = np.select([level >= guarantee, level >= warning, level >= warning - 1], [3, 2, 1], 0)
    return _graded(FLOOD, ticks, grade, 6 * HOUR, 6 * HOUR)


def _drills(start: float, until: float) -> list[Warned]:
    """Ten in the morning of each month's first Monday: everyone is called to see that everyone answers."""
    days = np.arange(np.floor((start + OFFSET) / DAY), np.floor((until + OFFSET) / DAY) + 1)
    dates = days.astype("datetime64[D]")
    of_month = (dates - dates.astype("datetime64[M]")).astype(int) + 1
    mondays = days[((days + 3) % 7 == 0) & (of_month <= 7)]
    begins = (mondays * DAY - OFFSET + 10 * HOUR).tolist()
    return [Warned(DRILL, BLUE, at, at + 2 * HOUR, at + 2 * HOUR) for at in begins]


def warning_rows(warned: list[Warned], since: float, until: float) -> list[Row]:
    """Warnings issued or lifted."""
    rows: list[Row] = []
    for w in warned:
        changed = changed_at([w.issued, w.lifted], since, until)
        if changed is not None:
            rows.append((w.number, w.kind, w.level, local_text(w.issued), told_at(w.lifted, until), local_text(changed)))
    return rows


def callout_rows(seed: int, warned: list[Warned], since: float, until: float) -> list[Row]:
    """Calls made to departments and streets, and their answers."""
    rows: list[Row] = []
    who = np.arange(RESPONDERS)
    for w in warned:
        if w.issued + 2 * HOUR + 5 * MINUTE <= since:
            continue  # every call of it is answered long ago
        lot = int(w.issued // MINUTE)
        limit = _ANSWER_IN_MIN[w.level]
        late = dice(seed, 3110, who, lot) < _LATE_ANSWERS
        luck = dice(seed, 3111, who, lot)
        night = 1.6 if (w.issued + OFFSET) % DAY < 6 * HOUR else 1.0
        answered_after = np.where(late, limit + 2 + np.floor(40 * luck), np.ceil(np.minimum((0.12 + 0.6 * luck**2) * limit * night, limit)))
        called = w.issued + (1 + np.floor(3 * dice(seed, 3112, who, lot))) * MINUTE
        for i, (call, minutes) in enumerate(zip(called.tolist(), answered_after.tolist(), strict=True), 1):
            answer = call + minutes * MINUTE
            changed = changed_at([call, answer], since, until)
            if changed is not None:
                keeper = f"值班{chr(0x7532 + i % 4)}" if answer <= until else ""
                due, told = local_text(call + limit * MINUTE), local_text(changed)
                rows.append((f"{w.number}-{i:02d}", w.number, f"DX{i:02d}", local_text(call), due, told_at(answer, until), keeper, told))
    return rows


def patrol_rows(seed: int, warned: list[Warned], since: float, until: float) -> list[Row]:
    """Every ponding spot is to be looked at before the rain that was warned of."""
    rows: list[Row] = []
    who = np.arange(len(SPOTS))
    for w in warned:
        if w.kind == FLOOD or w.rain_at + 2 * HOUR <= since:
            continue
        lot = int(w.issued // MINUTE)
        late = dice(seed, 3120, who, lot) < _LATE_PATROLS
        luck = dice(seed, 3121, who, lot)
        wanted = w.rain_at - w.issued
        done = w.issued + np.floor(np.where(late, wanted + (5 + 80 * luck) * MINUTE, wanted * (0.2 + 0.75 * luck)) / MINUTE) * MINUTE
        for i, at in enumerate(done.tolist()):
            changed = changed_at([w.issued, at], since, until)
            if changed is not None:
                result = 0 if at > until else 2 if luck[i] < 0.3 else 1
                head = (f"{w.number}-{SPOTS[i].code}", w.number, SPOTS[i].code, local_text(w.issued), local_text(w.rain_at))
                rows.append((*head, told_at(at, until), result, local_text(changed)))
    return rows


# ---- outfalls


@dataclass(frozen=True)
class Checks:
    """Inspections of some months, side by side: of which outfall, in which turn, when, what was found, when it was put right."""

    who: Indexes
    turn: Indexes
    at: Floats
    fault: Indexes  # 0: none
    fixed: Floats


@lru_cache(maxsize=2)
def _checks(seed: int, first: int, last: int) -> Checks:
    """Each outfall is walked once in thirty days, on a working hour; now and then a few days too late."""
    who, turn = (grid.ravel() for grid in np.meshgrid(np.arange(OUTFALL_COUNT), np.arange(first, last + 1)))
    late = np.where(dice(seed, 3131, who, turn) < 0.06, 4, 0)
    phase = np.floor(dice(seed, 3130, who) * 30) * DAY
    day = np.floor((phase + turn * _MONTH + OFFSET) / DAY) + np.floor(2 * dice(seed, 3132, who, turn)) + late
    at = day * DAY - OFFSET + 9 * HOUR + np.floor(420 * dice(seed, 3133, who, turn)) * MINUTE
    lot = dice(seed, 3134, who, turn)
    fault = np.where(lot < _FAULTS, 1 + np.floor(lot / _FAULTS * 4), 0).astype(np.int64)
    return Checks(who, turn, at, fault, at + np.floor((1.5 + 14.5 * dice(seed, 3135, who, turn)) * 24 * 60) * MINUTE)


def last_checks(seed: int, at: float) -> list[float]:
    """When each outfall was last inspected."""
    checks = _checks(seed, int(at // _MONTH) - 4, int(at // _MONTH))
    walked = np.where(checks.at <= at, checks.at, -np.inf)
    return [float(walked[checks.who == who].max()) for who in range(OUTFALL_COUNT)]


def check_rows(seed: int, since: float, until: float) -> list[Row]:
    """Inspections of outfalls, and faults found there put right."""
    checks = _checks(seed, int(since // _MONTH) - 4, int(until // _MONTH))
    recent = (checks.at <= until) & (np.where(checks.fault > 0, checks.fixed, checks.at) > since)
    rows: list[Row] = []
    for i in np.flatnonzero(recent).tolist():
        at, fixed, fault = float(checks.at[i]), float(checks.fixed[i]), int(checks.fault[i])
        changed = changed_at([at, fixed] if fault else [at], since, until)
        if changed is not None:
            code = f"PK{checks.who[i] + 1:02d}"
            due, done = (local_text(at + 15 * DAY), told_at(fixed, until)) if fault else ("", "")
            rows.append((f"{code}-{checks.turn[i]}", code, local_text(at), fault, due, done, local_text(changed)))
    return rows
