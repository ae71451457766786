"""How near a value is to its limits: a dot on a track."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboard.core.configured import Threshold


def bullet(limits: Sequence[Threshold], value: float | None) -> dict[str, Any] | None:
    """A dot on a track with the thresholds as ticks, evenly apart: limits a decade apart would else fall on one spot."""
    if not limits or value is None or not limits[0].op.startswith(">"):
        return None
    rising = sorted(limits, key=lambda t: t.value)
    stops = [0.0, *(t.value for t in rising), max(rising[-1].value * 1.5, 1e-9)]
    step = 92.0 / (len(stops) - 1)
    place = next((i for i in range(len(stops) - 1) if value < stops[i + 1]), len(stops) - 2)
    low, high = stops[place], stops[place + 1]
    x = step * (place + min(1.0, max(0.0, (value - low) / (high - low or 1.0))))
    return {
        "ticks": [{"x": f"{step * (i + 1):.1f}", "level": t.level.value} for i, t in enumerate(rising)],
        "x": f"{max(4.0, min(88.0, x)):.1f}",
    }
