"""The air quality index of HJ 633: from concentrations to index, grade and primary pollutants, by the edition in force that day."""

from __future__ import annotations

import math
import tomllib
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from functools import cache
from importlib.resources import files

from dashboard.city import Text, city_day

HOUR_POLLUTANTS = ("pm25", "pm10", "so2", "no2", "co", "o3")
DAY_POLLUTANTS = ("pm25", "pm10", "so2", "no2", "co", "o3_8h")
_INSTANT = timedelta(microseconds=1)
GRADE_LIMITS = (50, 100, 150, 200, 300)  # grades 1-6 are bounded by these in every edition
GRADES = (
    Text("优", "Good"),
    Text("良", "Moderate"),
    Text("轻度污染", "Lightly polluted"),
    Text("中度污染", "Moderately polluted"),
    Text("重度污染", "Heavily polluted"),
    Text("严重污染", "Severely polluted"),
)
POLLUTANT_WORDS: Mapping[str, Text] = {
    "pm25": Text("细颗粒物(PM2.5)", "PM2.5"),
    "pm10": Text("可吸入颗粒物(PM10)", "PM10"),
    "so2": Text("二氧化硫", "SO2"),
    "no2": Text("二氧化氮", "NO2"),
    "co": Text("一氧化碳", "CO"),
    "o3": Text("臭氧", "O3"),
    "o3_8h": Text("臭氧8小时", "O3 8 h"),
}


@dataclass(frozen=True)
class Edition:
    """One edition of the standard."""

    name: str
    ref: str
    confidence: str
    valid_from: str
    least: int
    incomplete_above: int
    beyond: Mapping[str, int]
    hour: Mapping[str, tuple[Fraction, ...]]
    day: Mapping[str, tuple[Fraction, ...]]
    levels: tuple[int, ...]


@dataclass(frozen=True)
class Aqi:
    """An index and what made it. `value` is None where the edition forbids publishing one."""

    value: int | None
    primary: tuple[str, ...]  # pollutants with the highest index, once it is above 50; ties together
    iaqi: Mapping[str, int] = field(default_factory=dict)
    edition: str = ""

    @property
    def grade(self) -> int | None:
        """1 (good) to 6 (severe)."""
        return None if self.value is None else bisect_left(GRADE_LIMITS, self.value) + 1

    @property
    def exceeding(self) -> tuple[str, ...]:
        """Pollutants above 100: a notion of the 2012 edition only."""
        return tuple(p for p, index in self.iaqi.items() if index > 100) if self.edition == "HJ 633-2012" else ()


@cache
def editions() -> tuple[Edition, ...]:
    """Every edition, newest first."""
    raw = tomllib.loads(files("data_sources").joinpath("aqi_tables.toml").read_text("utf-8"))
    made = []
    for row in raw["edition"]:
        lists = {span: {p: tuple(Fraction(str(b)) for b in points) for p, points in row[span].items()} for span in ("hour", "day")}
        made.append(Edition(**{**row, **lists, "levels": tuple(raw["iaqi"])}))
    return tuple(sorted(made, key=lambda e: e.valid_from, reverse=True))


def edition_of(day: date) -> Edition:
    """The edition in force on a city day: that of the observation, never of the calculation."""
    return next(e for e in editions() if e.valid_from <= day.isoformat())


def rounded(pollutant: str, value: float) -> Fraction:
    """A concentration rounded half to even as GB/T 8170 asks: CO to a tenth, others to whole numbers."""
    place = Decimal("0.1") if pollutant == "co" else Decimal(1)
    return Fraction(Decimal(repr(float(value))).quantize(place, ROUND_HALF_EVEN))


def iaqi(edition: Edition, points: tuple[Fraction, ...], pollutant: str, value: float) -> int | None:
    """The individual index of one concentration, rounded up; None where the edition does not score it."""
    found = rounded(pollutant, value)
    if found > points[-1]:
        return edition.levels[-1] if len(points) == len(edition.levels) else edition.beyond.get(pollutant)
    upper = max(1, bisect_left(points, found))
    low, high = edition.levels[upper - 1], edition.levels[upper]
    # exact fractions: a float's last bit would push a value that is whole up by one
    return math.ceil(low + (high - low) * (found - points[upper - 1]) / (points[upper] - points[upper - 1]))


def _index(edition: Edition, tables: Mapping[str, tuple[Fraction, ...]], found: Mapping[str, float | None], planned: frozenset[str]) -> Aqi:
    known = {p: v for p in tables if (v := found.get(p)) is not None and math.isfinite(v) and v >= 0}
    scored = {p: index for p, v in known.items() if (index := iaqi(edition, tables[p], p, v)) is not None}
    if not scored:
        return Aqi(None, (), {}, edition.name)
    worst = max(scored.values())
    whole = (planned & set(tables)) <= set(known)
    primary = tuple(p for p, index in scored.items() if index == worst) if worst > 50 else ()
    published = max(worst, edition.least) if whole or worst > edition.incomplete_above else None
    return Aqi(published, primary if published is not None else (), scored, edition.name)


def aqi_hour(found: Mapping[str, float | None], at: datetime, planned: frozenset[str] = frozenset(HOUR_POLLUTANTS)) -> Aqi:
    """The real-time index from one-hour means (µg/m³, CO mg/m³) of an hour ending at `at`: one that ends at midnight was of the day before.

    `planned` are the pollutants this station is meant to measure: only those can be missing.
    """
    edition = edition_of(city_day(at - _INSTANT))
    return _index(edition, edition.hour, found, planned)


def aqi_day(found: Mapping[str, float | None], day: date, planned: frozenset[str] = frozenset(DAY_POLLUTANTS)) -> Aqi:
    """The daily index from day means and the largest eight-hour mean of ozone (`o3_8h`)."""
    edition = edition_of(day)
    return _index(edition, edition.day, found, planned)


def pollutant_words(primary: str, lang: str = "zh") -> str:
    """Stored primary pollutants (`pm10+o3`) in words."""
    return "、".join(POLLUTANT_WORDS[p](lang) for p in primary.split("+") if p) if primary else "—"
