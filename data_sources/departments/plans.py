"""Plans of city days as columns side by side: several as one, some of their rows, and what of them has come by a moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar

import numpy as np

from data_sources.departments.building import local_texts
from data_sources.departments.life import Floats

DAY, HOUR = 86_400.0, 3_600.0
NEVER = float("inf")
Ints = np.ndarray[Any, np.dtype[np.int64]]
T = TypeVar("T")


def midnight(day: int) -> float:
    """The first second of a city day."""
    return day * DAY - 8 * HOUR


def day_of(at: float) -> int:
    """The city day of a moment."""
    return int((at + 8 * HOUR) // DAY)


@cache
def day_text(day: int) -> str:
    """A city day as 20261122."""
    return str(np.datetime64("1970-01-01") + np.timedelta64(day, "D")).replace("-", "")


def join(parts: Sequence[T]) -> T:
    """Several plans as one."""
    kind = type(parts[0])
    return kind(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(kind)))  # type: ignore[arg-type]


def pick(plan: T, rows: np.ndarray[Any, Any]) -> T:
    """Some of a plan's rows."""
    return type(plan)(*(getattr(plan, f.name)[rows] for f in fields(plan)))  # type: ignore[arg-type]


def over_days(plan: Callable[[int, int], T], seed: int, first: int, last: int) -> T:
    """A plan of each day from first to last, as one."""
    return join([plan(seed, day) for day in range(first, last + 1)])


def numbers(prefix: str, day: Ints, number: Ints, width: int) -> list[str]:
    """Numbers as a department gives them out: prefix, date, count within the day."""
    return [f"{prefix}{day_text(d)}{n:0{width}d}" for d, n in zip(day.tolist(), number.tolist(), strict=True)]


def come(at: Floats, until: float) -> list[str | None]:
    """Local times, nothing for what has not happened yet."""
    known = at <= until
    words = iter(local_texts(at[known]))
    return [next(words) if k else None for k in known.tolist()]


def newest(until: float, *times: Floats) -> Floats:
    """The latest of several times that has come."""
    latest: Floats = np.max([np.where(t <= until, t, -NEVER) for t in times], axis=0)
    return latest
