"""What the demo city's instruments say of its air: hourly means, five-minute values, weather at the stations."""

from __future__ import annotations

import numpy as np

from data_sources.departments.air_life import Station, gases, pm25, wind_from
from data_sources.departments.air_linkage import UNASKED, Asked, pm10
from data_sources.departments.life import Floats, gauss, humidity, rain, temperature, wind

_OWN = 700  # noise streams of this file


def hourly(at: Floats, station: Station, seed: int, asked: Asked = UNASKED) -> dict[str, Floats]:
    """One-hour means of hours ending at `at`, with the instrument's own scatter."""
    middle = at - 1800.0
    found = {"pm2_5": pm25(middle, station, seed), "pm10": pm10(middle, station, seed, asked)}
    if not station.is_micro:
        found |= gases(middle, station, seed)
    ticks = (at // 3600).astype(np.int64)
    own = _OWN + 8 * station.number
    return {k: np.maximum(v * (1 + 0.02 * gauss(seed, own + i, ticks)), 1) for i, (k, v) in enumerate(found.items())}


def five_minutes(at: Floats, station: Station, seed: int, asked: Asked = UNASKED) -> dict[str, Floats]:
    """What a micro-station reports every five minutes."""
    ticks = (at // 300).astype(np.int64)
    scatter = 1 + 0.04 * gauss(seed, _OWN + 5 + 8 * station.number, ticks)
    local = 0.4 * gauss(seed, _OWN + 6 + 8 * station.number, ticks)
    return {
        "pm2_5": pm25(at, station, seed) * scatter,
        "pm10": pm10(at, station, seed, asked) * scatter,
        "temp": temperature(at, seed) + local,
        "rh": np.clip(humidity(at, seed) + 2 * local, 20, 100),
    }


def weather(at: Floats, station: Station, seed: int) -> dict[str, Floats]:
    """Rain in tenths of a millimetre an hour, wind and where it comes from, at a reference station."""
    ticks = (at // 300).astype(np.int64)
    gusts = 1 + 0.08 * gauss(seed, _OWN + 4 + 8 * station.number, ticks)
    return {
        "rain": rain(at, seed) * (0.9 + 0.1 * (station.number % 3)),
        "wind": np.maximum(wind(at, seed) * gusts, 0.1),
        "wind_from": wind_from(at + 97.0 * station.number, seed),
    }
