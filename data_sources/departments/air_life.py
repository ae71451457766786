"""What the demo city's air would be like at any moment and place if nobody swept: season, weather, traffic, dust that builds up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from data_sources.departments.life import (
    STREETS,
    Floats,
    day_of_year,
    episodes,
    local_hour,
    noise,
    rain,
    rush,
    smooth,
    temperature,
    wind,
)

_DUST = 610  # noise streams of this file


@dataclass(frozen=True)
class Station:
    """A place where air is measured."""

    code: str
    name: str
    kind: str  # 国控 | 市控 | 微站
    street: str
    lon: float
    lat: float
    inlet_m: float
    number: int  # for its own noise

    @property
    def is_micro(self) -> bool:
        """Low-cost sensors of particles: they say where dust is, never what the index is."""
        return self.kind == "微站"


def _stations() -> tuple[Station, ...]:
    reference = (
        Station("500103A01", "解放碑", "国控", "解放碑街道", 106.5735, 29.5577, 18.0, 1),
        Station("500103A02", "上清寺", "市控", "上清寺街道", 106.5455, 29.5625, 15.0, 2),
    )
    micro = tuple(
        Station(f"500103W{i:02d}", f"{name.removesuffix('街道')}微站", "微站", name, lon + 0.0012, lat - 0.0008, 4.0, 10 + i)
        for i, (_, name, lon, lat) in enumerate(STREETS, 1)
    )
    return reference + micro


STATIONS = _stations()


def pm25(at: Floats, station: Station, seed: int) -> Floats:
    """Fine particles, µg/m³: a winter lid of still air, washed out by rain, blown out by wind."""
    season = 25.0 + 15.0 * np.cos(2 * np.pi * (day_of_year(at) - 12) / 365.2425)
    lid = 1.7 * episodes(at, seed, _DUST + 1, timedelta(days=9), timedelta(hours=48), 0.55) * (season > 30)
    drift = np.exp(0.3 * smooth(seed, _DUST + 2, at, 30 * 3600.0) + 0.12 * smooth(seed, _DUST + 3, at, 3 * 3600.0))
    daily = 1 + 0.12 * np.cos(2 * np.pi * (local_hour(at) - 9.5) / 12)
    cleared = (1 + 0.5 * np.minimum(rain(at, seed), 2.5)) * (0.72 + 0.17 * wind(at, seed))
    place = 0.94 + 0.12 * noise(seed, _DUST + 4, np.array([station.number]))[0]
    return np.asarray(place * season * (1 + lid) * drift * daily / cleared + 2.0)


def drifting(at: Floats, station: Station, seed: int) -> Floats:
    """The part of PM10 no broom reaches, µg/m³: fine particles, and sand blown in from the north."""
    sand = 280.0 * episodes(at, seed, _DUST + 17, timedelta(days=40), timedelta(hours=14), 0.6)
    coarse = 1.3 + 0.17 * smooth(seed, _DUST + 33, at, 20 * 3600.0)  # in damp still air most of it is secondary
    return np.asarray(coarse * pm25(at, station, seed) + 5.0 + sand / _wet(at, seed))


def road_dust(at: Floats, station: Station, seed: int) -> Floats:
    """The part raised from the ground here, µg/m³, as if nobody swept: traffic, dry days, building sites in their hours, wind."""
    citywide = episodes(at, seed, _DUST + 11, timedelta(days=3.3), timedelta(hours=9), 0.55)
    sites = episodes(at, seed, _DUST + 20 + 5 * station.number, timedelta(days=5), timedelta(hours=4), 0.45)
    hour = local_hour(at)
    strength = 70.0 * np.exp(0.55 * smooth(seed, _DUST + 15, at, 2.5 * 86_400.0))
    raised = 16.0 * rush(at) + strength * citywide + 80.0 * sites * np.where((hour > 7) & (hour < 19), 1.0, 0.55)
    return np.asarray(raised * (0.84 + 0.1 * wind(at, seed)) / _wet(at, seed))


def _wet(at: Floats, seed: int) -> Floats:
    return np.asarray(1 + 2.0 * np.minimum(rain(at, seed), 1.5))


def wind_from(at: Floats, seed: int) -> Floats:
    """Where the wind comes from, degrees: mostly from the north-north-west along the Jialing, turning with fronts."""
    return np.asarray((340.0 + 75.0 * smooth(seed, _DUST + 31, at, 9 * 3600.0) + 14.0 * smooth(seed, _DUST + 32, at, 1200.0)) % 360)


def gases(at: Floats, station: Station, seed: int) -> dict[str, Floats]:
    """SO2, NO2, CO, O3 in µg/m³ (CO too: this department's loggers keep it so)."""
    busy, hour, heat = rush(at), local_hour(at), temperature(at, seed)
    still = np.exp(0.25 * smooth(seed, _DUST + 5, at, 20 * 3600.0))
    sun = np.clip(np.cos(2 * np.pi * (hour - 15.0) / 24), 0, None) ** 1.3 * np.clip(1 - 0.6 * rain(at, seed), 0.15, 1)
    shift = 1 + 0.04 * (station.number % 5 - 2)
    return {
        "so2": np.clip(7.0 * still + 2.0 * busy, 1, None) * shift,
        "no2": (17.0 + 26.0 * busy - 7.0 * sun) * still * shift,
        "co": (480.0 + 330.0 * busy + 6.0 * np.clip(14 - heat, 0, None)) * still * shift,
        "o3": np.clip(24.0 + 6.1 * np.clip(heat - 11, 0, None) * sun * still - 14.0 * busy * (1 - sun), 4, None),
    }


def eight_hour_peaks(o3: Floats) -> Floats:
    """The largest running eight-hour mean of each day, from hours of whole days (days × 24)."""
    sums = np.cumsum(np.concatenate([np.zeros((len(o3), 1)), o3], axis=1), axis=1)
    return np.asarray(((sums[:, 8:] - sums[:, :-8]) / 8).max(axis=1))
