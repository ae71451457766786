"""The demo city's road cleaning as it happens: sweeping trips, and inspections of dust, silt and litter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from data_sources.departments.air_life import STATIONS, drifting, road_dust
from data_sources.departments.air_linkage import UNASKED, Asked, Call, calls
from data_sources.departments.air_roads import DUST_LIMIT, LITTER, SEGMENTS, Segment, operations
from data_sources.departments.building import Row, local_text, local_texts, rows_of
from data_sources.departments.life import STREETS, Floats, episodes, noise, rain, temperature, wind

DAY = 86_400.0
WET = ("洒水", "冲洗", "雾炮")
_WORK = 670  # noise streams of this file
_DIGITS = str.maketrans("", "", "- :")
_LONGEST = 12 * 3600.0  # no call is still being worked on after this
_MIST_WIND = 8.0  # m/s
_MAINS = [s for s in SEGMENTS if s.grade <= 2]


@dataclass(frozen=True)
class Job:
    """A trip to be made; one made for a call keeps the call's times."""

    segment: Segment
    how: str
    due: float
    why: str  # 计划 | 联动
    seen: float  # when the department's system knows of it
    call: Call | None = None
    began: float = np.nan
    ended: float = np.nan


def _planned(day0: float) -> list[Job]:
    """Trips in the plan of one day, known from three in the morning."""
    mechanical = [(s, how, h) for s in SEGMENTS for how, _, at in operations(s) for h in at]
    due = [(s, how, day0 + h * 3600 + (s.number * 53) % 2700) for s, how, h in mechanical]
    every_other = [job for job in due if job[1] != "冲洗" or (int(day0 // DAY) + job[0].number) % 2 == 0]
    return [Job(s, how, at, "计划", min(day0 + 3 * 3600, at)) for s, how, at in every_other]


def recent_calls(since: float, until: float, seed: int, asked: Asked = UNASKED) -> list[Call]:
    """Calls that may still be moving after `since`."""
    return [call for s in STATIONS if s.is_micro for call in calls(s, since - _LONGEST, until, seed, asked)]


def _linked(since: float, until: float, seed: int, asked: Asked) -> list[Job]:
    """Extra trips for calls that were answered: three stretches of the street, one after the other."""
    return [job for call in recent_calls(since, until, seed, asked) if call.rolls for job in _jobs_of(call, seed)]


def _jobs_of(call: Call, seed: int) -> list[Job]:
    near = [s for s in _MAINS if s.street == call.station.street and s.has_machines][:3]
    blowing = float(wind(np.array([call.departed]), seed)[0]) >= _MIST_WIND
    ways = ("洗扫", "洒水", "洒水" if blowing else "雾炮")
    sent, part = call.dispatched, 0.1 * (call.done - call.departed)
    return [Job(s, ways[i], sent, "联动", sent, call, call.departed + i * part, call.done - (2 - i) * part) for i, s in enumerate(near)]


def trip_rows(days: list[float], since: float, until: float, seed: int, asked: Asked = UNASKED) -> list[Row]:
    """Trips of those days that became known, began or ended after `since`, as they stand at `until`."""
    jobs = [job for day in days for job in _planned(day)] + _linked(since, until, seed, asked)
    if not jobs:
        return []
    due, seen = np.array([job.due for job in jobs]), np.array([job.seen for job in jobs])
    length = np.array([job.segment.length for job in jobs])
    ticks = (due // 60).astype(np.int64) * 1000 + np.array([job.segment.number for job in jobs])
    called = np.array([job.call is not None for job in jobs])
    left, back = (np.array([getattr(job, name) for job in jobs]) for name in ("began", "ended"))
    began = np.where(called, left, due + 60 + 540 * noise(seed, _WORK + 1, ticks))
    ended = np.where(called, back, began + length / 1.1 + 240 + 300 * noise(seed, _WORK + 2, ticks))
    wet = np.array([job.how in WET for job in jobs]) & ~called  # a call was weighed against the weather already
    barred = wet & ((temperature(due, seed) <= 4) | (rain(due, seed) >= 0.1)) & (due <= until)
    spread = noise(seed, _WORK + 4, ticks)
    failed = np.array([job.call is not None and job.call.outcome == "未办结" for job in jobs])
    covered = np.where((noise(seed, _WORK + 3, ticks) < 0.965) & ~failed, 95.4 + 4.5 * spread, 60 + 34 * spread)
    moved = np.select([barred, ended <= until, began <= until], [due, ended, began], seen)
    state = np.select([barred, (ended <= until) & (covered >= 95), ended <= until, began <= until], [4, 2, 3, 1], 0)
    chosen = np.nonzero((seen <= until) & (moved > since))[0]
    texts = [local_texts(at[chosen]) for at in (due, began, ended, moved)]
    return [_trip_row(jobs[i], int(state[i]), float(covered[i]), *words) for i, *words in zip(chosen.tolist(), *texts, strict=True)]


def _trip_row(job: Job, state: int, covered: float, due: str, began: str, ended: str, moved: str) -> Row:
    segment, done = job.segment, state in (2, 3)
    code = f"{segment.code}-{job.how}-{due[2:16].translate(_DIGITS)}-{'L' if job.why == '联动' else 'J'}"
    told = (ended, f"{covered:.1f}%", round(segment.length / 1000 * covered / 100, 3)) if done else (None, None, None)
    water = round(segment.length * 0.0031, 2) if done and job.how != "机扫" else None
    vehicle = f"渝环{1 + segment.number % 46:03d}"
    call = call_code(job.call) if job.call else None
    return (
        code,
        segment.code,
        job.how,
        vehicle,
        job.why,
        call,
        due,
        began if state in (1, 2, 3) else None,
        *told,
        water,
        str(state),
        moved,
    )


def call_code(call: Call) -> str:
    """The number a call is filed under."""
    return call.number or f"LD{call.station.code[-3:]}{int(call.hour // 3600)}"


_STATES = ("已触发", "已派单", "已接单", "作业中")


def call_rows(since: float, until: float, seed: int, asked: Asked = UNASKED) -> list[Row]:
    """Calls that moved after `since`, as they stand at `until`."""
    return [_call_row(call, until) for call in recent_calls(since, until, seed, asked) if since < _moved(call, until) <= until]


def _moved(call: Call, until: float) -> float:
    return max((at for at in call.steps() if at <= until), default=np.inf)


def _call_row(call: Call, until: float) -> Row:
    steps = call.steps()
    past = [at for at in steps if at <= until]
    state = call.outcome if len(past) == len(steps) else _STATES[len(past) - 1]
    times: list[str | None] = [local_text(at) for at in past[1:]]
    times += [None] * (4 - len(times))
    seen = (call_code(call), call.station.code, f"L{call.level}", local_text(call.hour), f"{call.pm10:.0f}")
    return (*seen, *times, state, local_text(past[-1]))


@dataclass(frozen=True)
class Rounds:
    """Inspections over some days: which stretch, when, and a number for each of its own."""

    segments: list[Segment]
    at: Floats
    ticks: np.ndarray[tuple[int, ...], np.dtype[np.int64]]

    def noise(self, seed: int, stream: int) -> Floats:
        """Uniform numbers, one an inspection."""
        return noise(seed, _WORK + stream, self.ticks)


def _rounds(days: Floats, each_day: int, points: int, stream: int, seed: int, begins: float = 8.5, lasts: float = 8.0) -> Rounds:
    """Stretches picked at random, several points on each, spread over the working day."""
    stops = (days[:, None] // DAY * 1000 + np.arange(each_day)).ravel().astype(np.int64)
    picks = (noise(seed, _WORK + stream, stops) * len(SEGMENTS)).astype(int)
    at = (days[:, None] + begins * 3600 + np.arange(each_day) * (lasts * 3600 / each_day)).ravel()
    spread = (at[:, None] + np.arange(points) * 240.0).ravel()
    ticks = np.repeat(stops, points) * 10 + np.tile(np.arange(points), len(stops))
    return Rounds([SEGMENTS[i] for i in np.repeat(picks, points).tolist()], spread, ticks)


def _unswept(at: Floats, seed: int) -> Floats:
    return drifting(at, STATIONS[0], seed) + road_dust(at, STATIONS[0], seed)


def _dirt(rounds: Rounds, seed: int) -> Floats:
    """How dusty roads are against a usual day: dry dust settles, rain washes, better grades are swept more."""
    # one station stands for all: a road's dust follows the district's air, and asking eleven would cost eleven times as much
    air = _unswept(rounds.at - 6 * 3600.0, seed) / 50.0
    grade = np.array([0.62 + 0.13 * s.grade for s in rounds.segments])
    own = np.exp(0.22 * (noise(seed, _WORK + 6, np.array([s.number for s in rounds.segments])) * 2 - 1))
    return np.asarray(grade * own * (0.75 + 0.25 * np.clip(air, 0.4, 4)) / (1 + 0.3 * np.minimum(rain(rounds.at, seed), 1)))


def dust_rows(days: Floats, seed: int) -> list[Row]:
    """Residual dust by brush and balance: five points on each of six stretches a day, two of them on the pavement."""
    rounds = _rounds(days, 6, 5, 7, seed)
    walk = rounds.ticks % 10 >= 3
    grams = 3.1 * _dirt(rounds, seed) * np.where(walk, 1.9, 1.0) * np.exp(0.34 * (2 * rounds.noise(seed, 8) - 1))
    limits = np.array([DUST_LIMIT[s.grade] for s in rounds.segments]) * np.where(walk, 2, 1)
    kinds = ["人行道" if w else "车行道" for w in walk.tolist()]
    texts = local_texts(rounds.at)
    codes = [f"CJ{tick}" for tick in rounds.ticks.tolist()]
    return rows_of(codes, [s.code for s in rounds.segments], texts, kinds, [f"{g:.2f} " for g in grams.tolist()], "1.0", limits, texts)


def silt_rows(days: Floats, seed: int) -> list[Row]:
    """Fine silt by the sensing car: a drive over the main roads once a week."""
    driven = days[(days // DAY).astype(int) % 7 == 0]
    ticks = (driven[:, None] // DAY * 1000 + np.arange(len(_MAINS))).ravel().astype(np.int64)
    rounds = Rounds(_MAINS * len(driven), (driven[:, None] + 9 * 3600 + np.arange(len(_MAINS)) * 150.0).ravel(), ticks)
    load = 0.36 * _dirt(rounds, seed) * np.exp(0.4 * (2 * rounds.noise(seed, 9) - 1))
    texts = local_texts(rounds.at)
    codes = [f"ZH{tick}" for tick in ticks.tolist()]
    return rows_of(codes, [s.code for s in rounds.segments], texts, [s.length for s in rounds.segments], np.round(load, 3), texts)


def check_rows(days: Floats, seed: int) -> list[Row]:
    """Litter counted on the ground, stains, and how long a piece lay."""
    rounds = _rounds(days, 24, 1, 10, seed)
    dirt = _dirt(rounds, seed)
    crowds = 1 + 0.6 * episodes(rounds.at, seed, _WORK + 11, timedelta(days=8), timedelta(hours=20), 0.5)
    littered = dirt * crowds
    counts = [np.floor(littered * base * (0.4 + rounds.noise(seed, 12 + i))).astype(int) for i, base in enumerate((0.7, 1.4, 1.6, 0.5))]
    other = np.floor(littered * 0.9 * rounds.noise(seed, 17)).astype(int)
    water = np.round(0.3 * np.minimum(rain(rounds.at, seed), 2), 1)
    stain = np.round(3.2 * dirt * rounds.noise(seed, 18), 1)
    wait = np.floor(1 + 4.6 * dirt * rounds.noise(seed, 19)).astype(int)
    texts, codes = local_texts(rounds.at), [f"BJ{tick}" for tick in rounds.ticks.tolist()]
    litter_limits, dust_limits = [[table[s.grade] for s in rounds.segments] for table in (LITTER, DUST_LIMIT)]
    found = (500.0, *counts, water, other, litter_limits, np.round(3.1 * dirt, 2), dust_limits, stain, wait)
    return rows_of(codes, [s.code for s in rounds.segments], texts, *found, texts)


def scores(month0: float, seed: int) -> list[float]:
    """Streets' dust-load scores of a month: 100 is no dust."""
    air = float(_unswept(np.array([month0 + 15 * DAY]), seed)[0])
    luck = noise(seed, _WORK + 30, np.arange(len(STREETS)) + int(month0 // DAY) * 100)
    return [round(95.0 - 2.2 * air / 50 - 4 * value, 1) for value in luck.tolist()]
