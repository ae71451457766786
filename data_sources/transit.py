"""Arithmetic of public transport: headways, how long people wait more than they should and how sure that is, walking uphill."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise

_SURE = 1.959964  # standard errors either side that hold 95 % of a normal distribution


def headways(arrivals: Iterable[float]) -> list[float]:
    """Times between arrivals at one stop in one direction, in the unit they are given in."""
    return [after - before for before, after in pairwise(sorted(arrivals))]


def mean_wait(squares: float, total: float) -> float:
    """Mean wait of people who come at any moment, from Σh² and Σh: Σh²/2Σh."""
    return squares / (2 * total)


def excess_wait(squares: float | None, total: float | None, planned_squares: float | None, planned: float | None) -> float | None:
    """Actual less scheduled mean wait, from sums of headways and of their squares."""
    if not total or not planned:
        return None
    return mean_wait(squares or 0.0, total) - mean_wait(planned_squares or 0.0, planned)


def wait_margin(h: float | None, h2: float | None, h3: float | None, h4: float | None) -> float | None:
    """Half the width of the 95 % interval of the mean wait, from the sums of the headways' first four powers.

    Delta method for a ratio of sums, headways taken as independent: with r = Σh²/Σh, it is the deviations h² − r·h whose
    variance carries over. The timetable is not sampled, so the excess wait has the same interval. None of a single headway.
    """
    if not h or not h2 or h2 >= h * h * (1 - 1e-9):
        return None
    r = h2 / h
    deviations = max((h4 or 0.0) - 2 * r * (h3 or 0.0) + r * r * h2, 0.0)
    return _SURE * math.sqrt(deviations) / (2 * h)


def variation(n: float | None, total: float | None, squares: float | None, planned: float | None) -> float | None:
    """Spread of headway deviations over the mean scheduled headway."""
    if not n or not planned:
        return None
    mean = (total or 0.0) / n
    return float(max((squares or 0.0) / n - mean * mean, 0.0) ** 0.5) / (planned / n)


def walking_kmh(slope: float) -> float:
    """Tobler: how fast people walk up (positive) or down a slope; stairs are steep slopes."""
    return 6.0 * math.exp(-3.5 * abs(slope + 0.05))


def walk_minutes(metres: float, climb: float) -> float:
    """Minutes on foot over a way that climbs so many metres, the mean of there and back."""
    if metres <= 0:
        return 0.0
    slope = climb / metres
    return 0.06 * metres * (1 / walking_kmh(slope) + 1 / walking_kmh(-slope)) / 2


def level_metres(metres: float, climb: float) -> float:
    """How far one would come on level ground in the time this walk takes."""
    return walk_minutes(metres, climb) * walking_kmh(0.0) / 0.06
