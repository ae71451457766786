"""A value held against its target: points from 0 to 100, and good, fair or poor."""

from __future__ import annotations

from typing import Literal

from dashboard.core.configured import Target

Grade = Literal["good", "fair", "poor"]
GOOD_POINTS, POOR_POINTS = 100.0, 60.0


def score(value: float | None, target: Target | None) -> float | None:
    """100 at `good` and better, 60 at `poor`, linear between and on down to 0; None where nothing can be said."""
    if value is None or target is None or target.good == target.poor:
        return None
    way = (value - target.poor) / (target.good - target.poor)
    return min(GOOD_POINTS, max(0.0, POOR_POINTS + (GOOD_POINTS - POOR_POINTS) * way))


def grade(points: float | None) -> Grade | None:
    """good: the target is met; poor: beyond the poor limit; fair between."""
    return grade_between(points, GOOD_POINTS, POOR_POINTS)


def grade_between(points: float | None, good: float, poor: float) -> Grade | None:
    """A grade by two limits of points; None where the points are unknown."""
    if points is None:
        return None
    return "good" if points >= good else "fair" if points >= poor else "poor"
