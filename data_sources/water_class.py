"""The class of surface water by GB 3838: every factor's class, and the section's as that of the worst factor."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from dashboard.city import Text

INFERIOR = 6  # worse than class Ⅴ
CLASSES: Mapping[int, Text] = {
    1: Text("Ⅰ类", "Class I"),
    2: Text("Ⅱ类", "Class II"),
    3: Text("Ⅲ类", "Class III"),
    4: Text("Ⅳ类", "Class IV"),
    5: Text("Ⅴ类", "Class V"),
    INFERIOR: Text("劣Ⅴ类", "Worse than V"),
}
FACTORS: Mapping[str, Text] = {
    "ph": Text("pH", "pH"),
    "do": Text("溶解氧", "Dissolved oxygen"),
    "codmn": Text("高锰酸盐指数", "Permanganate index"),
    "cod": Text("化学需氧量", "COD"),
    "bod5": Text("五日生化需氧量", "BOD5"),
    "nh3n": Text("氨氮", "Ammonia nitrogen"),
    "tp": Text("总磷", "Total phosphorus"),
    "petroleum": Text("石油类", "Petroleum"),
    "fluoride": Text("氟化物", "Fluoride"),
}
AUTOMATIC = ("ph", "do", "codmn", "nh3n", "tp")  # what an automatic station must deliver before its water has a class


@dataclass(frozen=True)
class Standard:
    """The table in force."""

    ref: str
    confidence: str
    ph: tuple[float, float]
    at_least: Mapping[str, tuple[float, ...]]
    at_most: Mapping[str, tuple[float, ...]]
    lake: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class Assessed:
    """A class and the factors that set it. `number` is None where a factor that must be there is missing."""

    number: int | None
    worst: tuple[str, ...] = ()


@cache
def standard() -> Standard:
    """The limits as configured."""
    raw = tomllib.loads(files("data_sources").joinpath("water_class.toml").read_text("utf-8"))
    tables: dict[str, Any] = {name: {k: tuple(map(float, v)) for k, v in raw[name].items()} for name in ("at_least", "at_most", "lake")}
    return Standard(raw["ref"], raw["confidence"], (float(raw["ph"][0]), float(raw["ph"][1])), **tables)


def factor_class(factor: str, value: float, body: str = "river") -> int:
    """The class one factor meets, 1 to 6; the limit itself still belongs to the better class. KeyError: no such factor."""
    table = standard()
    if factor == "ph":
        return 1 if table.ph[0] <= value <= table.ph[1] else INFERIOR
    if factor in table.at_least:
        return 1 + sum(value < limit for limit in table.at_least[factor])
    limits = table.lake.get(factor) if body == "lake" else None
    return 1 + sum(value > limit for limit in limits or table.at_most[factor])


def assess(values: Mapping[str, float | None], body: str = "river", needs: Collection[str] = AUTOMATIC) -> Assessed:
    """The class by the worst factor. A missing factor can only make water look better than it is, so none of `needs` may be missing."""
    if any(values.get(factor) is None for factor in needs):
        return Assessed(None)
    found = {factor: factor_class(factor, value, body) for factor in FACTORS if (value := values.get(factor)) is not None}
    number = max(found.values(), default=None)
    worst = tuple(factor for factor, its in found.items() if its == number) if number and number > 1 else ()
    return Assessed(number, worst)
