"""What a tunnel's readings come to: CO against its own limit, the mean that NO₂ limits are written for, fans that do not answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np

from dashboard.city import Derived, Level, Metric, Text
from data_sources import trailing
from data_sources.limits import limit, parameter
from data_sources.tunnels.instruments import CADENCE
from data_sources.tunnels.tables import tunnel


def _design_co(length_m: float, numbers: Mapping[str, float]) -> float:
    """The CO a tunnel is designed for: one value for short ones, one for long ones, between them by length; unknown: the stricter."""
    if np.isnan(length_m):
        return numbers["long_limit"]
    return float(np.interp(length_m, [numbers["short_m"], numbers["long_m"]], [numbers["short_limit"], numbers["long_limit"]]))


def _co_of_limit(columns: Mapping[str, Any], numbers: Mapping[str, float]) -> Any:
    return columns["co"] / _design_co(numbers["length_m"], numbers) * 100


def _no2_mean(columns: Mapping[str, Any], numbers: Mapping[str, float]) -> Any:
    return trailing.mean(columns["ts"], columns["no2"], numbers["over_minutes"] * 60)


def _fans_short(columns: Mapping[str, Any], numbers: Mapping[str, float]) -> Any:
    """Fans that should run for this air and do not: one from the warning on, all from the alarm on."""
    foul = [
        (columns["co"] >= limit("tunnels.co", level)) | (columns["smoke"] >= limit("tunnels.smoke", level))
        for level in (Level.YELLOW, Level.ORANGE)
    ]
    wanted = np.where(foul[1], numbers["fans"], np.where(foul[0], 1.0, 0.0))
    return np.clip(wanted - columns["fans_running"], 0, None)


DERIVED = (
    Derived(
        metric=Metric(
            key="co_of_limit", title=Text("CO占设计限值", "CO of design limit"), unit="%", low=0, high=1000, decimals=0, cadence=CADENCE
        ),
        method=Text(
            "一氧化碳÷按隧道长度内插的设计限值（≤1 km 150，>3 km 100 ppm）；长度未知按从严值",
            "CO ÷ the design limit for the length, interpolated (150 ppm up to 1 km, 100 beyond 3 km); length unknown: the stricter",
        ),
        inputs=("co",),
        apply=_co_of_limit,
        facts=(tunnel.c.length_m,),
    ),
    Derived(
        metric=Metric(
            key="no2_mean",
            title=Text("二氧化氮20分钟均值", "NO₂, 20-minute mean"),
            unit="ppm",
            low=0,
            high=50,
            decimals=2,
            cadence=CADENCE,
        ),
        method=Text("二氧化氮近20分钟读数的平均", "Mean of NO₂ over the last 20 minutes"),
        inputs=("no2",),
        apply=_no2_mean,
        back=timedelta(minutes=parameter("tunnels.no2_mean", "over_minutes")),
    ),
    Derived(
        metric=Metric(
            key="fans_short", title=Text("应开未开风机", "Fans not answering"), unit="台", low=0, high=200, decimals=0, cadence=CADENCE
        ),
        method=Text(
            "按预警至少开一台、报警全开，减去实际运行台数", "One fan from the warning on, all from the alarm on, less the fans that run"
        ),
        inputs=("co", "smoke", "fans_running"),
        apply=_fans_short,
        facts=(tunnel.c.fans,),
    ),
)
