"""Parts of a measure put together: numbers that can be added up over streets, days or both, and the value they make."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping

from dashboard.core.declare import Kpi, Measure

Parts = tuple[float | None, ...]
ByStreet = Mapping[str, Parts]  # '' holds what has no known street

_TOGETHER: Mapping[str, Callable[[list[float]], float]] = {"sum": sum, "max": max, "min": min}


def merge(measure: Measure, groups: Iterable[Parts]) -> Parts:
    """The parts of a union of groups; all None where there is no group."""
    columns = list(zip(*groups, strict=True)) or [()] * len(measure.parts)
    known = [[float(x) for x in column if x is not None] for column in columns]
    return tuple(_TOGETHER[measure.how](column) if column else None for column in known)


def combined(measure: Measure, parts: Parts) -> float | None:
    """The value parts make; None where there is nothing to divide by or nothing at all."""
    try:
        value = measure.combine(*parts)
    except ZeroDivisionError:
        return None
    except TypeError:
        if any(part is not None for part in parts):
            raise
        return None
    return None if value is None else float(value)


def value_of(kpi: Kpi, parts: Parts) -> float | None:
    """The value of a KPI: for a change, the parts of now are followed by those of the earlier window."""
    width = len(kpi.measure.parts)
    now = combined(kpi.measure, parts[:width])
    if kpi.change is None:
        return now
    earlier = combined(kpi.measure, parts[width:])
    return None if now is None or not earlier else 100.0 * (now - earlier) / earlier


def value_of_several(kpi: Kpi, stored: Iterable[str | None]) -> float | None:
    """The value for several streets together, from the parts kept with each."""
    rows = [tuple(json.loads(text)) for text in stored if text]
    if not rows:
        return None
    width = len(kpi.measure.parts)
    now = merge(kpi.measure, [row[:width] for row in rows])
    earlier = merge(kpi.measure, [row[width:] for row in rows]) if kpi.change else ()
    return value_of(kpi, now + earlier)
