"""Warnings the demo city's environment bureau gives out: heavy pollution by the forecast of a day, ice on roads by the night's cold."""

from __future__ import annotations

import numpy as np

from data_sources.departments.air_life import STATIONS, drifting, pm25, road_dust
from data_sources.departments.building import Row, local_text
from data_sources.departments.life import Floats, noise, temperature

Days = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
DAY, _OFFSET = 86_400.0, 8 * 3600.0
_GIVEN = 17.5 * 3600.0  # the evening's consultation
_SPELL_DAYS = 12  # no spell is looked for further back
_FORECAST = 905  # noise stream of this file
_LEVELS = {2: ("黄色", "Ⅲ级"), 3: ("橙色", "Ⅱ级")}


def warning_rows(since: float, until: float, seed: int) -> list[Row]:
    """Warnings given or lifted after `since`, as they stand at `until`."""
    first, last = (int((t + _OFFSET - _GIVEN) // DAY) for t in (since, until))
    days = np.arange(first - _SPELL_DAYS, last + 1)
    bad, icy = _bad(days, seed), np.where(_coldest(days, seed) <= 1.5, 2, 0)
    named = ((bad, "WR", "重污染天气", "扩散条件不利，颗粒物持续累积"), (icy, "JB", "道路结冰", "夜间最低气温接近冰点"))
    rows = [row for levels, *words in named for row in _spells(days, levels, words, until)]
    return [row for row in rows if local_text(since) < str(row[-1]) <= local_text(until)]


def _bad(days: Days, seed: int) -> Days:
    """The level the forecast of the coming day asks for: the truth, a little off."""
    hours = ((days + 1) * DAY - _OFFSET)[:, None] + np.arange(0, 24, 2) * 3600.0
    fine = pm25(hours.ravel(), STATIONS[0], seed).reshape(hours.shape).mean(axis=1)
    coarse = drifting(hours.ravel(), STATIONS[0], seed) + road_dust(hours.ravel(), STATIONS[0], seed)
    worst = np.maximum(fine / 100.0, coarse.reshape(hours.shape).mean(axis=1) / 200.0) * (0.94 + 0.12 * noise(seed, _FORECAST, days))
    return np.asarray(np.select([worst >= 1.55, worst >= 1.0], [3, 2], 0))


def _coldest(days: Days, seed: int) -> Floats:
    hours = ((days + 1) * DAY - _OFFSET)[:, None] + np.arange(0, 8, 2) * 3600.0
    return np.asarray(temperature(hours.ravel(), seed).reshape(hours.shape).min(axis=1))


def _spells(
    days: Days,
    levels: Days,
    words: list[str],
    until: float,
) -> list[Row]:
    """Days running that ask for a warning are one warning, at the level the first of them asked for."""
    code, kind, why = words
    rows: list[Row] = []
    given: tuple[int, int] | None = None
    for day, level in zip(days.tolist(), levels.tolist(), strict=True):
        at = day * DAY - _OFFSET + _GIVEN
        if at > until:
            break
        if level and given is None:
            given = (day, level)
            rows.append(_row(code, kind, why, given, None))
        elif not level and given is not None:
            rows[-1] = _row(code, kind, why, given, at)
            given = None
    return rows


def _row(code: str, kind: str, why: str, given: tuple[int, int], lifted: float | None) -> Row:
    day, level = given
    issued, colour = day * DAY - _OFFSET + _GIVEN, _LEVELS[level]
    ended = None if lifted is None else local_text(lifted)
    return (
        f"{code}{day}",
        kind,
        *colour,
        why,
        local_text(issued),
        ended,
        "生效" if lifted is None else "解除",
        ended or local_text(issued),
    )
