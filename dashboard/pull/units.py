"""Units of measurement: what a department writes, turned into what the metric is declared in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any, TypeAlias

Scale: TypeAlias = Callable[[Any], Any]  # a number or an array of numbers

# dimension → unit → (factor, offset) to the dimension's base: base = value · factor + offset
_DIMENSIONS: dict[str, dict[str, tuple[float, float]]] = {
    "concentration": {
        "kg/m3": (1e3, 0), "g/m3": (1, 0), "mg/m3": (1e-3, 0), "ug/m3": (1e-6, 0), "ng/m3": (1e-9, 0), "mg/l": (1, 0),
        "ug/l": (1e-3, 0),
    },
    "share": {
        "fraction": (1, 0), "1": (1, 0), "%": (1e-2, 0), "permille": (1e-3, 0), "‰": (1e-3, 0), "%lel": (1e-2, 0),
        "ppm": (1e-6, 0), "ppb": (1e-9, 0),
    },
    "length": {
        "km": (1e3, 0), "m": (1, 0), "dm": (1e-1, 0), "cm": (1e-2, 0), "mm": (1e-3, 0), "um": (1e-6, 0),
        "ft": (0.3048, 0), "in": (0.0254, 0), "mi": (1609.344, 0),
    },
    "speed": {
        "m/s": (1, 0), "km/h": (1 / 3.6, 0), "mph": (0.44704, 0), "knot": (0.514444444, 0),
        "mm/d": (1e-3 / 86_400, 0), "mm/h": (1e-3 / 3600, 0),
    },
    "temperature": {"c": (1, 0), "°c": (1, 0), "k": (1, -273.15), "f": (5 / 9, -160 / 9), "°f": (5 / 9, -160 / 9)},
    "pressure": {"pa": (1, 0), "hpa": (1e2, 0), "mbar": (1e2, 0), "kpa": (1e3, 0), "bar": (1e5, 0), "mpa": (1e6, 0)},
    "time": {"ms": (1e-3, 0), "s": (1, 0), "min": (60, 0), "h": (3600, 0), "d": (86_400, 0)},
    "mass": {"mg": (1e-6, 0), "g": (1e-3, 0), "kg": (1, 0), "t": (1e3, 0), "lb": (0.45359237, 0)},
    "volume": {"ml": (1e-6, 0), "l": (1e-3, 0), "m3": (1, 0)},
    "flow": {"l/s": (1e-3, 0), "m3/s": (1, 0), "m3/h": (1 / 3600, 0)},
    "area": {"m2": (1, 0), "km2": (1e6, 0), "ha": (1e4, 0), "亩": (10_000 / 15, 0)},
    "angle": {"deg": (1, 0), "°": (1, 0), "rad": (57.29577951308232, 0), "mrad": (0.05729577951308232, 0)},
    "force": {"n": (1, 0), "kn": (1e3, 0), "kgf": (9.80665, 0)},
    "acceleration": {"m/s2": (1, 0), "g0": (9.80665, 0), "mg0": (9.80665e-3, 0), "gal": (1e-2, 0)},
    "money": {"元": (1, 0), "cny": (1, 0), "万元": (1e4, 0), "亿元": (1e8, 0)},
    "count": {"次": (1, 0), "人次": (1, 0), "人": (1, 0), "万次": (1e4, 0), "万人次": (1e4, 0), "万人": (1e4, 0)},
    "energy": {"kwh": (1, 0), "wh": (1e-3, 0), "mj": (1 / 3.6, 0)},
}  # fmt: skip

# g/mol; ppm of a gas is a volume share, turned into mass at 25 °C and 101.325 kPa (24.45 l/mol)
_MOLAR = {
    "h2s": 34.08,
    "co": 28.01,
    "co2": 44.01,
    "no2": 46.006,
    "no": 30.006,
    "so2": 64.066,
    "o3": 48.0,
    "nh3": 17.031,
    "ch4": 16.043,
    "cl2": 70.906,
}
_MOLAR_LITRES = 24.45
_GAS = re.compile(r"^(ppm|ppb)\((\w+)\)$")
_ARITHMETIC = re.compile(r"^\*\s*(-?[\d.]+(?:e-?\d+)?)\s*([+-]\s*[\d.]+)?$", re.IGNORECASE)


def scale(text: str) -> Scale:
    """`ug/m3->mg/m3`, `ppm(H2S)->mg/m3` or plain arithmetic `*0.01+3` as a function.

    Raises ValueError with a sentence.
    """
    arithmetic = _ARITHMETIC.match(text.strip())
    if arithmetic:
        return _line(float(arithmetic[1]), float((arithmetic[2] or "0").replace(" ", "")))
    theirs, arrow, ours = text.partition("->")
    if not arrow:
        raise ValueError(f"{text!r} says no units: write from->to, or *factor")
    if _plain(theirs) == _plain(ours):
        return _line(1.0, 0.0)
    factor_in, offset_in, dimension_in = _known(theirs)
    factor_out, offset_out, dimension_out = _known(ours)
    if dimension_in != dimension_out:
        raise ValueError(f"{theirs.strip()} measures {dimension_in}, {ours.strip()} measures {dimension_out}")
    return _line(factor_in / factor_out, (offset_in - offset_out) / factor_out)


def _line(factor: float, offset: float) -> Scale:
    if offset == 0.0:
        return (lambda value: value) if factor == 1.0 else (lambda value: value * factor)
    return lambda value: value * factor + offset


def _plain(unit: str) -> str:
    return unicodedata.normalize("NFKC", unit).strip().lower().replace("μ", "u").replace("µ", "u").replace("^", "").replace(" ", "")


def _known(unit: str) -> tuple[float, float, str]:
    name = _plain(unit)
    gas = _GAS.match(name)
    if gas and gas[2] in _MOLAR:
        return (1e-3 if gas[1] == "ppm" else 1e-6) * _MOLAR[gas[2]] / _MOLAR_LITRES, 0.0, "concentration"
    for dimension, units in _DIMENSIONS.items():
        if name in units:
            return *units[name], dimension
    raise ValueError(
        f"unit {unit.strip()!r} is not known: write *factor instead, or one of "
        + ", ".join(sorted(u for d in _DIMENSIONS.values() for u in d))
    )
