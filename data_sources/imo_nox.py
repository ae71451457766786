"""NOx of ships' engines: what the IMO allows by rated speed, what a concentration means per kWh, and what a catalyst took away."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

_SLOW_RPM, _FAST_RPM = 130, 2000


@cache
def _tables() -> dict[str, Any]:
    return tomllib.loads(files("data_sources").joinpath("imo_nox.toml").read_text("utf-8"))


def nox_limit(tier: int, rated_rpm: float) -> float:
    """The limit of a tier (1, 2, 3) at a rated speed, g/kWh. Raises ValueError for a tier or speed that cannot be."""
    curve = _tables()["tier"].get(str(tier))
    if curve is None:
        raise ValueError(f"排放阶段{tier}不在I、II、III之列")
    if rated_rpm <= 0:
        raise ValueError(f"额定转速{rated_rpm:g}不成立")
    if rated_rpm < _SLOW_RPM:
        return float(curve["slow"])
    if rated_rpm >= _FAST_RPM:
        return float(curve["fast"])
    return float(curve["factor"] * rated_rpm ** curve["power"])


def is_bound(rated_kw: float) -> bool:
    """Whether the limits speak of an engine of this size at all."""
    return rated_kw > float(_tables()["least_kw"])


def removal(nox_in: float, nox_out: float) -> float:
    """Share of NOx taken away, %; both concentrations dry and at the same oxygen. Below 0 where the outlet reads more."""
    if nox_in <= 0:
        raise ValueError("进口氮氧化物为零，去除率无从算起")
    return 100.0 * (1.0 - nox_out / nox_in)


def specific_nox(ppm: float, o2: float, fuel_kg_h: float, power_kw: float) -> float:
    """Grams of NOx per kWh at the shaft, from dry ppm, dry oxygen (%), fuel burnt and power delivered."""
    tables = _tables()["exhaust"]
    if not 0 <= o2 < tables["air_o2"] or power_kw <= 0:
        raise ValueError("氧含量或功率不成立，不能折算比排放")
    heat = fuel_kg_h * tables["heat_mj_kg"] / power_kw  # MJ per kWh
    excess = tables["air_o2"] / (tables["air_o2"] - o2)
    return float(ppm * tables["nox_g_m3_ppm"] * tables["dry_m3_mj"] * excess * heat)


def abated_kg(power_kw: float, load: float, hours: float, specific_in: float, share_removed: float) -> float:
    """NOx kept out of the air: rated power · load factor · hours · g/kWh before · share removed · 10⁻³."""
    return power_kw * load * hours * specific_in * share_removed * 1e-3


def urea_litres(nox_kg: float, ratio: float = 1.0) -> float:
    """Litres of 40 % urea solution that take so much NOx away at a normalised stoichiometric ratio."""
    tables = _tables()["urea"]
    return float(nox_kg * ratio * tables["solution_kg_kg"] / tables["solution_kg_l"])
