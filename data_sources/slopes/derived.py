"""How fast slopes move, worked out from what their instruments read: rates, the improved tangent angle, a crack that speeds up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np

from dashboard import city
from dashboard.city import Text
from data_sources import trailing
from data_sources.slopes.tables import metric

_HOUR_S, _FEWEST = 3600.0, 4
_LOOKS_BACK = timedelta(hours=13)  # the longest window a rate may be set to, and the hour before
_A_WEEK_H = 7 * 24


def rate_of(name: str) -> Any:
    """How fast a line moves, per day, by least squares over the window set for it."""

    def apply(columns: Mapping[str, Any], numbers: Mapping[str, float]) -> Any:
        return trailing.slope_per_day(columns["ts"], columns[name], numbers["window_h"] * _HOUR_S, fewest=_FEWEST)

    return apply


def steady_rate(columns: Mapping[str, Any]) -> Mapping[str, float] | None:
    """The rate a slope creeps at when nothing drives it: the lower quartile of its daily rates; None in under a week."""
    rates = trailing.slope_per_day(columns["ts"], columns["displacement"], 24 * _HOUR_S, fewest=12)
    known = rates[np.isfinite(rates)]
    return {"steady": float(max(np.percentile(known, 25), 0.0))} if len(known) >= _A_WEEK_H else None


def tangent_angle(columns: Mapping[str, Any], numbers: Mapping[str, float]) -> Any:
    """Improved tangent angle: displacement over the steady rate is a time, and its slope against time an angle; 45° is steady."""
    rates = trailing.slope_per_day(columns["ts"], columns["displacement"], numbers["window_h"] * _HOUR_S, fewest=_FEWEST)
    steady = max(numbers["steady"], numbers["steady_least"])
    return np.degrees(np.arctan(np.clip(rates, 0, None) / steady))


def doubling(columns: Mapping[str, Any], numbers: Mapping[str, float]) -> Any:
    """How many times as fast a crack opens as an hour before; 1 while it is slower than what is worth looking at."""
    ts = columns["ts"]
    rates = trailing.slope_per_day(ts, columns["crack"], numbers["window_h"] * _HOUR_S, fewest=_FEWEST)
    before = np.searchsorted(ts, ts - _HOUR_S, side="right") - 1
    earlier = np.where(before >= 0, rates[np.maximum(before, 0)], np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        times = np.where(rates < numbers["least"], 1.0, rates / np.maximum(earlier, numbers["floor"]))
    return np.where(np.isfinite(rates) & np.isfinite(earlier), np.clip(times, 0, 20), np.nan)


def _rate(key: str, zh: str, en: str, unit: str, of: str, high: float, decimals: int) -> city.Derived:
    return city.Derived(
        metric=metric(key, Text(zh, en), unit, -high, high, decimals),
        method=Text("窗口内读数对时间最小二乘的斜率，折算到每天", "Least-squares slope of the readings in the window, per day"),
        inputs=(of,),
        apply=rate_of(of),
        back=_LOOKS_BACK,
    )


DERIVED = (
    _rate("displacement_rate", "位移速率", "Displacement rate", "mm/d", "displacement", 2000, 2),
    _rate("crack_rate", "裂缝张开速率", "Crack opening rate", "mm/d", "crack", 500, 2),
    _rate("tilt_rate", "倾斜速率", "Tilt rate", "°/d", "tilt", 90, 3),
    city.Derived(
        metric=metric("tangent_angle", Text("改进切线角", "Improved tangent angle"), "°", 0, 90),
        method=Text(
            "位移÷匀速阶段速率化为时间，再对时间取切线角；45°为匀速。匀速速率取近60天日速率下四分位，不低于设定下限",
            "Displacement ÷ steady rate is a time; the angle of its slope. Steady: lower quartile of 60 days, not below a floor",
        ),
        inputs=("displacement",),
        apply=tangent_angle,
        train=steady_rate,
        over=timedelta(days=60),
        again=timedelta(days=7),
        back=_LOOKS_BACK,
    ),
    city.Derived(
        metric=metric("crack_doubling", Text("裂缝提速倍数", "Crack speeding up"), "倍", 0, 20, 2),
        method=Text(
            "现裂缝速率÷1小时前裂缝速率；慢于起算速率时记1", "Crack rate now ÷ an hour before; 1 while slower than the least looked at"
        ),
        inputs=("crack",),
        apply=doubling,
        back=_LOOKS_BACK,
    ),
)
