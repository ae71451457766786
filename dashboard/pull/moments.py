"""Times as departments write them, column by column, into UTC microseconds."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np

from dashboard.core.declare import Text
from dashboard.core.times import to_micros
from dashboard.pull.batch import Problem, Unfit

Micros: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
NEVER = np.iinfo(np.int64).min  # stands for a missing time

_HOUR = 3_600_000_000
_MANY_HOURS = 200_000  # some twenty years: beyond, distinct hours are looked for instead of counted through
_ISO_LENGTHS = {10, 16, 19, 23, 26}  # whole forms numpy reads as we do, and which carry no offset
_MISSING = frozenset({"", "-", "--", "—", "——", "/", "na", "n/a", "nan", "nat", "none", "null", "\\n", "无", "暂无"})
_TEXT = re.compile(
    r"^(?P<y>\d{4})\s*[-/.年]\s*(?P<m>\d{1,2})\s*(?:[-/.月]\s*(?:(?P<d>\d{1,2})\s*日?)?)?"
    r"(?:[T\s]*(?P<half>上午|下午|中午|凌晨|晚上|AM|PM)?\s*(?P<H>\d{1,2})\s*[:时点]\s*(?P<M>\d{1,2})?\s*分?"
    r"(?:\s*:?\s*(?P<S>\d{1,2})\s*秒?(?:[.,](?P<f>\d{1,9}))?)?\s*(?P<half2>AM|PM)?)?\s*(?P<z>Z|UTC|GMT|[+-]\d{2}:?(?:\d{2})?)?$",
    re.IGNORECASE,
)
_COMPACT = re.compile(r"^((?:19|20)\d{2})(\d{2})(\d{2})(?:T?(\d{2})(?:(\d{2})(\d{2})?)?)?(Z)?$")
_YEARS = range(1900, 2201)
_EPOCHS = ((10**8, 1_000_000), (10**11, 1_000), (10**14, 1))  # seconds, milli- and microseconds: their ranges do not meet


def moments(values: list[Any], zone: ZoneInfo, form: str = "") -> tuple[Micros, dict[int, Problem]]:
    """A column of times; what has no offset is in `zone`. Missing becomes NEVER; what cannot be read is a problem.

    `form` is a strptime pattern for departments whose way of writing dates is ambiguous, such as 04/16/2024.
    """
    kinds = set(map(type, values))
    if type(None) in kinds and len(kinds) > 1:
        return _with_gaps(values, zone, form)
    if not form and kinds in ({str}, {int}):
        quick = _iso_texts(values, zone) if kinds == {str} else _epochs(values)
        if quick is not None:
            return quick, {}
    if kinds == {datetime} and all(v.tzinfo is None for v in values):
        return _checked(local_to_utc(np.array(values, dtype="datetime64[us]").astype(np.int64), zone))
    return _one_by_one(values, zone, form)


def _with_gaps(values: list[Any], zone: ZoneInfo, form: str) -> tuple[Micros, dict[int, Problem]]:
    """The times that are there as a column of their own, put back where they were."""
    there = [i for i, value in enumerate(values) if value is not None]
    found, problems = moments([values[i] for i in there], zone, form)
    out = np.full(len(values), NEVER, dtype=np.int64)
    out[there] = found
    return out, {there[i]: problem for i, problem in problems.items()}


def _epochs(values: list[int]) -> Micros | None:
    """Epoch numbers that are all of one unit; None otherwise."""
    low, high = min(values), max(values)
    unit = next((unit for start, unit in _EPOCHS if start <= low and high < start * 1000), None)
    return None if unit is None else np.array(values, dtype=np.int64) * unit


def _iso_texts(values: list[str], zone: ZoneInfo) -> Micros | None:
    """The usual case, all of it at once: text like 2025-03-01 08:05:00. None where any value is anything else."""
    width = len(values[0])
    if width not in _ISO_LENGTHS or len(set(map(len, values))) != 1 or values[0][4] != "-":
        return None
    try:
        local = np.array(values, dtype="datetime64[us]").astype(np.int64)
    except ValueError:
        return None
    low, high = int(local.min()), int(local.max())
    return local_to_utc(local, zone) if low >= _EARLIEST and high <= _LATEST else None


def _checked(found: Micros) -> tuple[Micros, dict[int, Problem]]:
    wrong = np.flatnonzero((found < _EARLIEST) | (found > _LATEST))
    problems = {int(i): Problem("date", Text("年份不在1900至2200之间", "the year is not between 1900 and 2200")) for i in wrong}
    return found, problems


def _one_by_one(values: list[Any], zone: ZoneInfo, form: str) -> tuple[Micros, dict[int, Problem]]:
    """Each distinct value once: instruments report on the same ticks, so there are few of them."""
    known: dict[Any, int | Problem] = {}
    out = np.full(len(values), NEVER, dtype=np.int64)
    problems: dict[int, Problem] = {}
    for i, value in enumerate(values):
        found = known.get(value)
        if found is None:
            found = known[value] = _read(value, zone, form)
        if isinstance(found, Problem):
            problems[i] = found
        else:
            out[i] = found
    return out, problems


def _read(value: Any, zone: ZoneInfo, form: str) -> int | Problem:
    try:
        at = moment(value, zone, form)
    except ValueError as wrong:
        return Problem.raised("date", wrong)
    return NEVER if at is None else at


def moment(value: Any, zone: ZoneInfo, form: str = "") -> int | None:
    """One time in UTC microseconds; None where nothing is there. Raises ValueError with a sentence."""
    if value is None or value != value:
        return None
    if isinstance(value, datetime):
        return _sane(value, zone)
    if isinstance(value, date):
        return _sane(datetime(value.year, value.month, value.day), zone)  # noqa: DTZ001  the zone follows
    if isinstance(value, bool):
        raise Unfit(f"{value}不是时间", f"{value} is not a time")
    if isinstance(value, (int, float, Decimal)):
        return _number(float(value) if isinstance(value, Decimal) else value, zone)
    return _text(_as_text(value), zone, form)


def _as_text(value: Any) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return unicodedata.normalize("NFKC", text).strip()


def _text(text: str, zone: ZoneInfo, form: str) -> int | None:
    if text.lower() in _MISSING:
        return None
    if form:
        try:
            return _sane(datetime.strptime(text, form), zone)  # noqa: DTZ007  the zone follows
        except ValueError:
            pass  # a mixed column: the unambiguous ways of writing are still read below
    if text.startswith("0000"):
        raise Unfit(f"日期为{text[:10]}，是占位符，不是日期", f"the date is {text[:10]}: a placeholder, not a day")
    parts = _TEXT.match(text)
    if parts:
        return _sane(_built(parts, text), zone)
    compact = _COMPACT.match(text)
    if compact:
        return _sane(_from_compact(compact, text), zone)
    try:
        return _number(float(text), zone)
    except ValueError:
        raise Unfit(f"{text[:40]!r}不是能读懂的日期", f"{text[:40]!r} is not a date we can read") from None


def _built(parts: re.Match[str], text: str) -> datetime:
    """A matched date; 24:00 is the midnight that ends the day."""
    hour = _hour(int(parts["H"] or 0), (parts["half"] or parts["half2"] or "").upper())
    micros = int((parts["f"] or "0").ljust(6, "0")[:6])
    try:
        day = datetime(int(parts["y"]), int(parts["m"]), int(parts["d"] or 1), tzinfo=_offset(parts["z"]))
        if hour > 24 or int(parts["M"] or 0) > 59 or int(parts["S"] or 0) > 60:
            raise ValueError("no such time of day")
        return day + timedelta(hours=hour, minutes=int(parts["M"] or 0), seconds=int(parts["S"] or 0), microseconds=micros)
    except (ValueError, OverflowError) as wrong:
        raise Unfit(f"{text[:40]!r}这一天不存在", f"{text[:40]!r} is not a day that exists ({wrong})") from wrong


def _hour(hour: int, half: str) -> int:
    if half in ("PM", "下午", "晚上") and hour < 12:
        return hour + 12
    return 0 if half in ("AM", "上午", "凌晨") and hour == 12 else hour


def _offset(text: str | None) -> timezone | None:
    if not text:
        return None
    if text[0] not in "+-":
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    span = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-span if text[0] == "-" else span)


def _from_compact(parts: re.Match[str], text: str) -> datetime:
    year, month, day, hour, minute, second, z = parts.groups()
    try:
        return datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC if z else None)
    except ValueError as wrong:
        raise Unfit(f"{text!r}这一天不存在", f"{text!r} is not a day that exists ({wrong})") from wrong


def _number(value: float, zone: ZoneInfo) -> int:
    """Epoch seconds, milli- or microseconds, yyyymmdd, or a spreadsheet's day number: their ranges do not meet."""
    if 19_000_101 <= value <= 21_001_231 and float(value).is_integer():
        return _sane(_from_compact(_must(str(int(value))), str(int(value))), zone)
    if 20_000 <= value < 90_000:  # days since 1899-12-30, in the spreadsheet's local time: 1954 to 2146
        return _sane(datetime(1899, 12, 30) + timedelta(seconds=round(value * 86_400, 3)), zone)  # noqa: DTZ001
    for low, per_unit in _EPOCHS:
        if low <= value < low * 1000:
            return round(value * per_unit)
    raise Unfit(
        f"{value:g}不是时间：既不是时间戳，也不是表格的日序号",
        f"{value:g} is not a time: neither epoch seconds nor a spreadsheet's day number",
    )


def _must(text: str) -> re.Match[str]:
    found = _COMPACT.match(text)
    if not found:
        raise Unfit(f"{text}这一天不存在", f"{text} is not a day that exists")
    return found


def _sane(at: datetime, zone: ZoneInfo) -> int:
    if at.year not in _YEARS:
        raise Unfit(f"年份{at.year}不在{_YEARS[0]}至{_YEARS[-1]}之间", f"the year {at.year} is not between {_YEARS[0]} and {_YEARS[-1]}")
    return to_micros(at if at.tzinfo else at.replace(tzinfo=zone))


def local_to_utc(local: Micros, zone: ZoneInfo) -> Micros:
    """Local wall-clock microseconds to UTC, asking the zone once per hour that occurs."""
    hours = local // _HOUR
    first = int(hours.min())
    if int(hours.max()) - first > _MANY_HOURS:
        distinct, where = np.unique(hours, return_inverse=True)
        return local - np.array([_shift(h, zone) for h in distinct.tolist()], dtype=np.int64)[where]
    where = hours - first
    shifts = np.zeros(int(where.max()) + 1, dtype=np.int64)
    shifts[where] = 1
    for hour in np.flatnonzero(shifts).tolist():
        shifts[hour] = _shift(first + hour, zone)
    return local - shifts[where]


@lru_cache(maxsize=65_536)
def _shift(hour: int, zone: ZoneInfo) -> int:
    offset = zone.utcoffset(datetime(1970, 1, 1) + timedelta(hours=hour))  # noqa: DTZ001  a wall clock's reading
    return 0 if offset is None else offset // timedelta(microseconds=1)


def newest(found: Iterable[int]) -> int | None:
    """The latest of some times that are there at all."""
    return max((t for t in found if t != NEVER), default=None)


_EARLIEST = to_micros(datetime(1900, 1, 1, tzinfo=UTC))
_LATEST = to_micros(datetime(2200, 12, 31, tzinfo=UTC))
