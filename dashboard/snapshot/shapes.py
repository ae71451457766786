"""Lines and bands as SVG path data in a 100 × 100 box (y down); gaps stay gaps, nothing is smoothed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spark:
    """A small line with its expected range: path data, and the end dot in percent."""

    line: str
    band: str
    x: float | None = None
    y: float | None = None
    gap_from: float | None = None  # percent of the width where data stops, if it stops early


@dataclass(frozen=True)
class Scale:
    """Maps values to percent of the height, top is high."""

    low: float
    high: float

    def y(self, value: float) -> float:
        """Percent from the top."""
        return 100.0 * (self.high - value) / (self.high - self.low)


def scale_of(values: Sequence[float | None], floor_span: float = 0.0) -> Scale:
    """A scale that shows the values with a little air; a flat line stands in the middle."""
    known = [v for v in values if v is not None]
    if not known:
        return Scale(0.0, 1.0)
    low, high = min(known), max(known)
    span = max(high - low, floor_span, abs(high) * 0.02, 1e-6)
    middle = (low + high) / 2
    return Scale(middle - span * 0.6, middle + span * 0.6)


def path(points: Sequence[tuple[float, float | None]]) -> str:
    """Path data of (x, y) in percent; None breaks the line."""
    text: list[str] = []
    pen_down = False
    for x, y in points:
        if y is None:
            pen_down = False
            continue
        text.append(f"{'L' if pen_down else 'M'}{x:.1f} {y:.1f}")
        pen_down = True
    return "".join(text)


def area(upper: Sequence[tuple[float, float]], lower: Sequence[tuple[float, float]]) -> str:
    """Closed path between two lines."""
    if len(upper) < 2:
        return ""
    there = "".join(f"{'L' if i else 'M'}{x:.1f} {y:.1f}" for i, (x, y) in enumerate(upper))
    back = "".join(f"L{x:.1f} {y:.1f}" for x, y in reversed(lower))
    return there + back + "Z"


def spark(values: Sequence[float | None], band: Sequence[tuple[float, float] | None], floor_span: float = 0.0) -> Spark:
    """A sparkline of equally spaced values over an expected range of the same length (or none)."""
    limits = [v for pair in band if pair for v in pair]
    scale = scale_of([*values, *limits], floor_span)
    width = max(len(values) - 1, 1)
    xs = [100.0 * i / width for i in range(len(values))]
    clamp = [None if v is None else scale.y(v) for v in values]
    known = [i for i, v in enumerate(values) if v is not None]
    upper = [(xs[i], scale.y(p[1])) for i, p in enumerate(band) if p and i < len(xs)]
    lower = [(xs[i], scale.y(p[0])) for i, p in enumerate(band) if p and i < len(xs)]
    last = known[-1] if known else None
    end_y = clamp[last] if last is not None else None
    return Spark(
        line=path(list(zip(xs, clamp, strict=True))),
        band=area(upper, lower),
        x=None if last is None else xs[last],
        y=end_y,
        gap_from=xs[last] if last is not None and last < len(values) - 1 else None,
    )
