"""Watermarks: where the next turn resumes, in the source's own terms, with look-back and never ahead of the clock."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np

from dashboard.core.times import from_micros, to_micros
from dashboard.pull.batch import Cursor
from dashboard.pull.moments import moment

Value: TypeAlias = Any  # what the source's driver gives for a watermark

IDS_BACK = 1000  # a transaction that took its number earlier may commit later: so many ids are read again
_PADDED = re.compile(
    r"^(?P<y>\d{4})(?P<s1>[-/.]?)(?P<m>\d{2})(?P<s2>[-/.]?)(?P<d>\d{2})"
    r"(?:(?P<s3>[T ]?)(?P<H>\d{2})(?P<s4>:?)(?P<M>\d{2})(?:(?P<s5>:?)(?P<S>\d{2})(?P<f>[.,]\d{1,9})?)?)?(?P<z>Z|[+-]\d{2}:?\d{2})?$"
)
_TAIL = re.compile(r"([.,]\d+)?(Z|[+-]\d{2}:?\d{2})?$")
_SCALES = ((5e8, 5e9, 1_000_000), (5e11, 5e12, 1_000), (5e14, 5e15, 1))  # epoch s, ms, µs: about 1985 to 2128


@dataclass(frozen=True)
class Mark:
    """A watermark value with what it means."""

    value: Value
    at: datetime | None  # the moment it stands for, where it is a time


def instant(value: Value, zone: ZoneInfo) -> datetime | None:
    """The moment a watermark value stands for; None for ids and other text."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float, Decimal)):
        micros = next((float(value) * unit for low, high, unit in _SCALES if low <= value < high), None)
        return None if micros is None else from_micros(round(micros))
    if isinstance(value, str) and not _PADDED.match(value.strip()):
        return None
    try:
        at = moment(value, zone)
    except ValueError:
        return None
    return None if at is None else from_micros(at)


def like(sample: Value, at: datetime, zone: ZoneInfo) -> Value:
    """A moment written the way a sample watermark is: same type, same format, same zone."""
    if isinstance(sample, datetime):
        return at.astimezone(sample.tzinfo) if sample.tzinfo else at.astimezone(zone).replace(tzinfo=None)
    if isinstance(sample, date):
        return at.astimezone(zone).date()
    if isinstance(sample, (int, float, Decimal)):
        unit = next(unit for low, high, unit in _SCALES if low <= sample < high)
        return type(sample)(to_micros(at) // unit if isinstance(sample, int) else to_micros(at) / unit)
    return _written(str(sample).strip(), at, zone)


def _written(sample: str, at: datetime, zone: ZoneInfo) -> str:
    parts = _PADDED.match(sample)
    if parts is None:
        raise ValueError(f"{sample!r} is not a time")
    p = {k: v or "" for k, v in parts.groupdict().items()}
    local = at.astimezone(_zone_of(p["z"], zone))
    text = f"{local:%Y}{p['s1']}{local:%m}{p['s2']}{local:%d}"
    if p["H"]:
        text += f"{p['s3']}{local:%H}{p['s4']}{local:%M}"
    if p["S"]:
        text += f"{p['s5']}{local:%S}"
    if p["f"]:
        text += p["f"][0] + f"{local.microsecond:06d}000"[: len(p["f"]) - 1]
    return text + p["z"]


def _zone_of(text: str, zone: ZoneInfo) -> Any:
    return datetime.fromisoformat("2000-01-01T00:00:00" + text).tzinfo if text else zone


def newest_mark(values: Sequence[Value], zone: ZoneInfo) -> Mark | None:
    """The mark of a page read in the source's order: its last value, or where that is no time among times, the last that is."""
    last = next((v for v in reversed(values) if v is not None), None)
    if last is None:
        return None
    for value in reversed(values):
        at = instant(value, zone)
        if at is not None:
            return Mark(value, at)
    return Mark(last, None)


def in_order(values: Sequence[Value]) -> bool:
    """Whether a text watermark sorts as it grows: `2025-03-01` does, `2025/3/1` and `A9`, `A10` do not."""
    if _one_shape(values):
        return True
    texts = {_TAIL.sub("", v.strip()) for v in set(values) if isinstance(v, str) and v.strip() and not v.startswith("0000")}
    shapes = {tuple(re.findall(r"\d+|\D+", re.sub(r"\d", "0", t))) for t in texts}
    dated = {s for s in shapes if s and len(s[0]) == 4 and s[0] == "0000" and len(s) > 1} or shapes
    longest = max(dated, key=len, default=())
    return all(longest[: len(s)] == s for s in dated)


def _one_shape(values: Sequence[Value]) -> bool:
    """No text at all, or the usual case found at once: as many characters each, digits and signs in the same places."""
    kinds = set(map(type, values))
    if str not in kinds:
        return True
    if kinds != {str} or len(set(map(len, values))) != 1 or not values[0]:
        return False
    letters = np.array(values).view(np.uint32).reshape(len(values), -1)
    digits = (letters >= ord("0")) & (letters <= ord("9"))
    return bool((digits == digits[0]).all() and (letters == letters[0])[:, ~digits[0]].all())


def resume(cursor: Cursor | None, lookback: timedelta, zone: ZoneInfo) -> Value | None:
    """Where to read from: the watermark less the look-back; None to read everything."""
    if not cursor or cursor.get("unordered") or "v" not in cursor:
        return None
    value = decoded(cursor)
    at = instant(value, zone)
    if at is not None:
        return like(value, at - lookback, zone)
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return value - IDS_BACK
    return value


def safe(mark: Mark, now: datetime, zone: ZoneInfo) -> Value:
    """The mark, but never ahead of our clock: one row from a clock that is wrong must not hide all that follow."""
    return like(mark.value, now, zone) if mark.at is not None and mark.at > now else mark.value


def encoded(value: Value) -> Cursor:
    """A watermark value as JSON that keeps its type."""
    if isinstance(value, datetime):
        return {"t": "datetime", "v": value.isoformat()}
    if isinstance(value, date):
        return {"t": "date", "v": value.isoformat()}
    if isinstance(value, Decimal):
        return {"t": "decimal", "v": str(value)}
    if isinstance(value, (str, int, float)):
        return {"t": type(value).__name__, "v": value}
    return {"t": "str", "v": str(value)}


def decoded(cursor: Cursor) -> Value:
    """The watermark value a cursor holds."""
    kinds: dict[str, Callable[[Any], Any]] = {
        "datetime": datetime.fromisoformat,
        "date": date.fromisoformat,
        "decimal": Decimal,
        "int": int,
        "float": float,
        "str": str,
    }
    return kinds[cursor["t"]](cursor["v"])


def not_before(first: Cursor, second: Cursor | None, zone: ZoneInfo) -> Cursor:
    """The later of two cursors, so that a late row never moves the watermark back."""
    if not second or second.get("unordered") or first.get("unordered") or first.get("t") != second.get("t"):
        return first
    a, b = decoded(first), decoded(second)
    return first if a >= b else {**first, "v": second["v"]}
