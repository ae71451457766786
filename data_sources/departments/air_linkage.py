"""How the demo city answers dust: sweepers called hour by hour, the delays and lapses of a real duty desk, what that does to PM10."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import exp

import numpy as np

from data_sources.departments.air_life import STATIONS, Station, drifting, pm25, road_dust
from data_sources.departments.happenings import Happening
from data_sources.departments.life import Floats, local_hour, noise, rain, temperature

HOUR = 3600.0
_BLOCK = 16 * 7 * 86_400.0  # weeks worked out together: what a call did before is forgotten at the seam
_WEEK_BEGINS = 4 * 86_400.0 - 8 * HOUR  # Monday's midnight in the city, seconds from 1970
_CALLS = 890  # noise streams of this file
_LIMITS = (100.0, 120.0, 250.0, 350.0)
_AGAIN_H = (4, 4, 2, 1)  # a level that lasts calls again after this long
_PROMISED = ((15, 45, 180), (10, 30, 120), (5, 20, 90), (5, 15, 60))  # minutes to accept, leave, be done
_REACH, _FALL_SHORT = 0.45, 0.15  # of the road's dust, laid by a call well done and by one left half done
_DRIES_S = 2.6 * HOUR
_FORGOTTEN_S = 10 * HOUR  # nothing is left of a call after this
_OUT_S = 600.0  # after its end every hour is out, as a rule
_RAISED_S, _SETTLES_S = 2 * HOUR, 1.2 * HOUR  # dust somebody raised stays in the air, then settles
_PLANNED = ((5.8, 0.13), (10.4, 0.10), (14.1, 0.13), (15.4, 0.10))  # hours the planned rounds are through, and what they lay


@dataclass(frozen=True)
class Call:
    """One call about one station, with everything that will happen to it."""

    station: Station
    level: int  # 1–4
    hour: float  # end of the hour it is about
    pm10: float
    outcome: str  # 办结 | 未办结 | 低温中止 | 降雨中止 | 误触发 | 漏派
    dispatched: float
    acked: float
    departed: float
    done: float
    number: str = ""  # of a call made because of an order

    @property
    def rolls(self) -> bool:
        """Whether anybody drove out."""
        return self.outcome in ("办结", "未办结")

    @property
    def seen(self) -> float:
        """When the department's system has it."""
        return self.dispatched if self.number else self.hour + 330.0

    def steps(self) -> tuple[float, ...]:
        """The moments its row changes, in order."""
        seen = self.seen
        if self.outcome == "漏派":
            return (seen,)
        return (seen, self.dispatched, self.acked, self.departed, self.done) if self.rolls else (seen, self.dispatched)


@dataclass(frozen=True)
class Asked:
    """What came of orders, since when sweepers go out on orders only, and dust that somebody raised."""

    since: float = np.inf  # up to here the department called its sweepers by itself
    calls: tuple[Call, ...] = ()
    dust: tuple[Happening, ...] = ()


UNASKED = Asked()


def raised_from(happening: Happening) -> float:
    """Dust is told of by the hour: what was raised now is in the newest hour that is out."""
    return (happening.at - _OUT_S) // HOUR * HOUR - HOUR


def calls(station: Station, since: float, until: float, seed: int, asked: Asked = UNASKED) -> list[Call]:
    """Calls about hours that ended after `since` up to `until`."""
    first, last = (int((t - _WEEK_BEGINS) // _BLOCK) for t in (since, until))
    own = [call for block in range(first, last + 1) for call in _decided(station, block, seed) if call.seen <= asked.since]
    ordered = [call for call in asked.calls if call.station is station]
    return [call for call in (*own, *ordered) if since < call.hour <= until]


@lru_cache(maxsize=512)  # years of blocks of eleven stations
def _decided(station: Station, block: int, seed: int) -> tuple[Call, ...]:
    """Some weeks decided hour by hour: each call lays dust that later hours no longer see. Each block begins afresh."""
    ends = _WEEK_BEGINS + block * _BLOCK + np.arange(1, _BLOCK // HOUR + 1) * HOUR
    middle = ends - HOUR / 2
    rest, dust = drifting(middle, station, seed), road_dust(middle, station, seed) * (1 - _planned(middle, seed))
    ticks = (ends // HOUR).astype(np.int64) * 100 + station.number
    luck = np.array([noise(seed, _CALLS + i, ticks) for i in range(6)]).T.tolist()
    sky = list(zip(pm25(middle, station, seed).tolist(), temperature(ends, seed).tolist(), rain(ends, seed).tolist(), strict=True))
    found: list[Call] = []
    before, last, held = 0.0, -99, 0
    for i, (end, mid, a, b) in enumerate(zip(ends.tolist(), middle.tolist(), rest.tolist(), dust.tolist(), strict=True)):
        value = a + b * (1 - min(0.5, sum(_laid(call, mid) for call in found[-4:])))
        level = level_of(value, before)
        if level and (i - last >= _AGAIN_H[level - 1] or level > held):
            found.append(_call(station, level, end, value, sky[i], luck[i]))
            last, held = i, level
        before, held = value, held if level else 0
    return tuple(found)


def level_of(value: float, before: float) -> int:
    """The level two hours ask for; 0: none."""
    level = sum(value >= limit for limit in _LIMITS)
    return 1 if level == 2 and before < _LIMITS[1] else level


def _call(station: Station, level: int, end: float, value: float, sky: tuple[float, float, float], luck: list[float]) -> Call:
    return sent_call(station, level, end, value, sky, luck, end + 340 + 200 * luck[0] + (1500 if luck[1] > 0.95 else 0))


def sent_call(
    station: Station, level: int, end: float, value: float, sky: tuple[float, float, float], luck: list[float], sent: float
) -> Call:
    """What becomes of a call sent at a moment, under a sky of fine particles, temperature and rain."""
    fine, degrees, wet = sky
    accept, leave, finish = (60.0 * minutes for minutes in _PROMISED[level - 1])
    acked = sent + accept * (0.2 + 0.6 * luck[2]) * (2.4 if luck[3] > 0.9 else 1)
    departed = max(sent + leave * (0.35 + 0.5 * luck[3]) * (1.9 if luck[4] > 0.92 else 1), acked + 120)
    done = max(sent + finish * (0.45 + 0.4 * luck[4]) * (1.6 if luck[5] > 0.94 else 1), departed + 1500)
    if degrees <= 4:
        outcome = "低温中止"
    elif wet >= 0.1:
        outcome = "降雨中止"
    elif value < 1.2 * fine:
        outcome = "误触发"
    elif luck[5] < 0.05:
        outcome = "漏派"
    else:
        outcome = "未办结" if luck[2] < 0.06 else "办结"
    return Call(station, level, end, value, outcome, sent, acked, departed, done)


def _laid(call: Call, at: float) -> float:
    """The share of the road's dust a call keeps down at a moment."""
    if not call.rolls or not call.departed < at < call.done + _FORGOTTEN_S:
        return 0.0
    share = _REACH if call.outcome == "办结" else _FALL_SHORT
    return float(share * min(1.0, (at - call.departed) / (call.done - call.departed)) * exp(-max(at - call.done, 0.0) / _DRIES_S))


def _planned(at: Floats, seed: int) -> Floats:
    """What the planned rounds of the day keep down; they do not go out in frost or rain."""
    hour, share = local_hour(at), np.zeros_like(at)
    for through, laid in _PLANNED:
        since = hour - through
        share = share + np.where(since > 0, laid * np.exp(-since * HOUR / _DRIES_S), 0.0)
    return np.asarray(share * ((temperature(at, seed) > 4) & (rain(at, seed) < 0.1)))


def pm10(at: Floats, station: Station, seed: int, asked: Asked = UNASKED) -> Floats:
    """Particles as they are at moments in order, µg/m³: what nobody can sweep, and the road's dust as far as it was not laid."""
    dust = road_dust(at, station, seed) + _raised(at, station, asked)
    return drifting(at, station, seed) + dust * (1 - _planned(at, seed)) * (1 - _called(at, station, seed, asked))


def _raised(at: Floats, station: Station, asked: Asked) -> Floats:
    dust = np.zeros_like(at)
    for happening in asked.dust:
        if happening.subject == station.code:
            age = at - raised_from(happening)
            dust += np.where(age > 0, happening.size * np.exp(-np.clip(age - _RAISED_S, 0, None) / _SETTLES_S), 0.0)
    return dust


def _called(at: Floats, station: Station, seed: int, asked: Asked) -> Floats:
    share = np.zeros_like(at)
    if not len(at):
        return share
    asking = sentinel(station)
    reach = 1.0 if station.is_micro else 0.75  # the big stations stand high above the road
    for call in calls(asking, float(at[0]) - 24 * HOUR, float(at[-1]), seed, asked):
        if call.rolls:
            first, last = np.searchsorted(at, (call.departed, call.done + _FORGOTTEN_S))
            share[first:last] += reach * _laid_over(call, at[first:last])
    return np.minimum(share, 0.5)


def sentinel(station: Station) -> Station:
    """The station whose dust sends sweepers to this one's street."""
    return next(s for s in STATIONS if s.is_micro and s.street == station.street)


def _laid_over(call: Call, at: Floats) -> Floats:
    share = _REACH if call.outcome == "办结" else _FALL_SHORT
    grown = np.clip((at - call.departed) / (call.done - call.departed), 0, 1)
    return np.asarray(share * grown * np.exp(-np.clip(at - call.done, 0, None) / _DRIES_S))
