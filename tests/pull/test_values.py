"""Numbers, texts, times, units and codes as departments really write them."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dashboard.core.times import from_micros
from dashboard.core.tokens import token
from dashboard.pull import cursor
from dashboard.pull.moments import NEVER, moment, moments
from dashboard.pull.units import scale
from dashboard.pull.values import codes, flags, integers, number, numbers, text, texts

CITY = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("12.50 ", 12.5),
        ("1,234", 1234),
        ("-1,234,567.8", -1234567.8),
        ("１２", 12),
        ("１２．５", 12.5),
        ("45%", 45),
        ("1e3", 1000),
        (Decimal("2.5"), 2.5),
        (True, 1),
        (b"7", 7),
        ("+3", 3),
        ("—", None),
        ("", None),
        ("NA", None),
        ("NaN", None),
        (float("nan"), None),
        (None, None),
        ("--", None),
        ("无", None),
    ],
)
def test_a_number_is_read_however_it_is_written(written: Any, meant: float | None) -> None:
    assert number(written) == meant
    found, problems = numbers([written, 1.0])
    assert not problems and (math.isnan(found[0]) if meant is None else found[0] == meant)


@pytest.mark.parametrize("written", ["约七米", "12.5 mm", "1,23", "1_000", "0x10", "1.2.3", "inf", float("inf"), "1-2"])
def test_what_is_no_number_is_a_problem(written: Any) -> None:
    found, problems = numbers([3, written])
    assert set(problems) == {1} and found[0] == 3


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2025-03-01 08:05:00", "2025-03-01T00:05:00"),
        ("2025-03-01T08:05:00.123456", "2025-03-01T00:05:00.123456"),
        ("2025-03-01", "2025-02-28T16:00:00"),
        ("2025/3/1 8:05", "2025-03-01T00:05:00"),
        ("2025.3.1 8:05", "2025-03-01T00:05:00"),
        ("2025年3月1日", "2025-02-28T16:00:00"),
        ("2025年3月1日 下午3时5分", "2025-03-01T07:05:00"),
        ("2025年03月01日08时05分09秒", "2025-03-01T00:05:09"),
        ("2025-03-01T08:05:00+00:00", "2025-03-01T08:05:00"),
        ("2025-03-01T08:05:00Z", "2025-03-01T08:05:00"),
        ("2025-03-01 08:05:00 -0500", "2025-03-01T13:05:00"),
        ("2025-03-01 24:00:00", "2025-03-01T16:00:00"),
        ("20250301", "2025-02-28T16:00:00"),
        ("20250301080509", "2025-03-01T00:05:09"),
        (20250301, "2025-02-28T16:00:00"),
        (45717.336805555555, "2025-03-01T00:05:00"),
        ("45717", "2025-02-28T16:00:00"),
        (1740787500, "2025-03-01T00:05:00"),
        (1740787500123, "2025-03-01T00:05:00.123000"),
        ("1740787500", "2025-03-01T00:05:00"),
        (datetime(2025, 3, 1, 8, 5), "2025-03-01T00:05:00"),  # noqa: DTZ001
        (datetime(2025, 3, 1, 8, 5, tzinfo=UTC), "2025-03-01T08:05:00"),
        (date(2025, 3, 1), "2025-02-28T16:00:00"),
    ],
)
def test_a_time_is_read_however_it_is_written(written: Any, meant: str) -> None:
    found = moment(written, CITY)
    assert found is not None and from_micros(found) == datetime.fromisoformat(meant).replace(tzinfo=UTC)
    column, problems = moments([written, written], CITY)
    assert not problems and column.tolist() == [found, found]


@pytest.mark.parametrize(
    "written", ["0000-00-00", "0000-00-00 00:00:00", "2025-02-30", "2025-13-01", "明天", "12", 7, "1025-01-01", "2025-03-01 25:00"]
)
def test_what_is_no_time_is_a_problem(written: Any) -> None:
    _, problems = moments(["2025-03-01 08:05:00", written], CITY)
    assert set(problems) == {1} and problems[1].code == "date"


def test_an_ambiguous_way_of_writing_dates_is_read_as_configured() -> None:
    found, problems = moments(["04/16/2024 03:03:15 PM", "2024-04-16 15:03:15"], CITY, "%m/%d/%Y %I:%M:%S %p")
    assert not problems and found[0] == found[1]


def test_local_times_follow_the_summer_time_of_their_zone() -> None:
    found, _ = moments(["2024-01-15 12:00:00", "2024-07-15 12:00:00"], ZoneInfo("America/New_York"))
    assert [from_micros(t).hour for t in found.tolist()] == [17, 16]


@pytest.mark.parametrize(
    ("unit", "given", "meant"),
    [
        ("ug/m3->mg/m3", 1500, 1.5),
        ("µg/m³->mg/m3", 1500, 1.5),
        ("ppm(H2S)->mg/m3", 10, 13.939),
        ("km/h->m/s", 36, 10),
        ("%->fraction", 45, 0.45),
        ("F->C", 212, 100),
        ("K->C", 273.15, 0),
        ("*0.01", 250, 2.5),
        ("*2+3", 4, 11),
        ("万元->元", 1.5, 15000),
        ("mm->mm", 7, 7),
        ("kN->N", 2, 2000),
    ],
)
def test_units_are_converted(unit: str, given: float, meant: float) -> None:
    assert scale(unit)(given) == pytest.approx(meant, rel=1e-4)


@pytest.mark.parametrize("unit", ["mm->mg/m3", "smoots->m", "mm", "ppm(xyz)->mg/m3"])
def test_a_unit_that_makes_no_sense_is_refused(unit: str) -> None:
    with pytest.raises(ValueError, match=r"unit|measures|says"):
        scale(unit)


def test_texts_lose_what_spreadsheets_add_and_databases_refuse() -> None:
    given = [1001.0, " 桥 ", "a\x00b", "—", b"\xc7\xc5", "\ud83d", None, Decimal("7"), True]
    assert texts(given) == ["1001", "桥", "ab", None, "桥", "?", None, "7", "True"]


def test_a_json_column_is_kept_as_json() -> None:
    given = [{"名": "甲", "n": [1, None, True]}, ["乙", 2.5], "丙", None]
    assert texts(given) == ['{"名": "甲", "n": [1, null, true]}', '["乙", 2.5]', "丙", None]


def test_codes_flags_and_whole_numbers() -> None:
    found, problems = codes([1, "2", 3.0, None, "9"], {"1": "normal", "2": "fault", "3": "off"})
    assert found[:4] == ["normal", "fault", "off", None] and problems[4].code == "code"
    assert flags(["是", 0, "offline", None])[0][:2] == [True, False]
    whole, wrong = integers([3, "4", 5.0, "5.5", 2**40, None], -(2**31), 2**31 - 1)
    assert whole[:3] == [3, 4, 5] and {i: p.code for i, p in wrong.items()} == {3: "type", 4: "range"}


def test_one_person_has_one_token_and_nobody_can_guess_it() -> None:
    assert token(b"k", "50010319900101123x") == token(b"k", " 500103 19900101 123X")
    assert token(b"k", "a") != token(b"other", "a")
    assert token(b"k", None) is None and token(b"k", " - ") is None


@pytest.mark.parametrize(
    "value",
    [
        "2026-05-20 11:50:00",
        "2026-05-20T11:50:00.250+08:00",
        "20260520115000",
        "2026/05/20",
        1779249000,
        1779249000123,
        datetime(2026, 5, 20, 11, 50),  # noqa: DTZ001
    ],
)
def test_a_watermark_steps_back_in_its_own_way_of_writing(value: Any) -> None:
    kept = cursor.encoded(value)
    back = cursor.resume(kept, timedelta(days=1), CITY)
    assert back is not None and type(back) is type(value) and back < value
    assert cursor.decoded(kept) == value
    at, before = cursor.instant(value, CITY), cursor.instant(back, CITY)
    assert at is not None and before is not None and at - before == timedelta(days=1)


def one_by_one(read: Callable[[Any], Any], column: list[Any]) -> list[Any]:
    """Each value by itself; what cannot be read is a mark."""
    found = []
    for value in column:
        try:
            found.append(read(value))
        except ValueError:
            found.append("wrong")
    return found


@pytest.mark.parametrize(
    "column",
    [
        ["2026-05-20 08:00:00", "2026-05-20 08:00:10"],
        ["2026-05-20 08:00:00", None, "2026-05-21 23:59:59"],
        ["2026-05-20 08:00:00", "0000-00-00 00:00:00"],
        ["2026/5/9 8:05", None, ""],
        [1_779_249_000, 1_779_249_001],
        [1_779_249_000_123, None, 1_779_249_000_124],
        [1_779_249_000, 1_779_249_000_123],
        [None, None],
    ],
)
def test_a_column_of_times_reads_as_its_values_do_one_by_one(column: list[Any]) -> None:
    found, problems = moments(column, CITY)
    told = ["wrong" if i in problems else None if t == NEVER else t for i, t in enumerate(found.tolist())]
    assert told == one_by_one(lambda v: moment(v, CITY), column)


def test_a_night_the_clocks_were_changed_is_read_the_same_in_a_column() -> None:
    nights = [f"1988-04-{day:02} {hour:02}:30:00" for day in (16, 17, 18) for hour in range(24)]
    assert moments(nights, CITY)[0].tolist() == one_by_one(lambda v: moment(v, CITY), nights)


@pytest.mark.parametrize(
    "column",
    [
        ["33.5 ", "0.2"],
        ["33.5", None],
        ["1,200", "3"],
        ["12%", "-"],
        ["1_0", "2"],
        ["+5", ".5", "-7."],
        ["9" * 400, "1"],
        [1, None, 2.5],
        ["１２", "3"],
    ],
)
def test_a_column_of_numbers_reads_as_its_values_do_one_by_one(column: list[Any]) -> None:
    found, problems = numbers(column)
    told = ["wrong" if i in problems else None if v != v else v for i, v in enumerate(found.tolist())]
    assert told == one_by_one(number, column)


@pytest.mark.parametrize(
    "column",
    [["甲 ", " 乙"], ["A\x00", "B"], ["--", "NULL", "x"], ["\ud83d", "y"], ["1", None], [1, None, 2], [1, True, 1.0], [b"\xb9\xe3"]],
)
def test_a_column_of_texts_reads_as_its_values_do_one_by_one(column: list[Any]) -> None:
    assert texts(column) == one_by_one(text, column)


@pytest.mark.parametrize(
    ("column", "sorts"),
    [
        (["2025-03-01", "2025-03-02"], True),
        (["2025-03-01 08:00", "2025-03-01 08:00:01.5"], True),
        (["2025/3/1", "2025/3/10"], False),
        (["A9", "A10"], False),
        (["A09", "B10"], False),
        ([3, 20], True),
        ([None, "2025-03-01"], True),
    ],
)
def test_text_that_does_not_sort_as_it_grows_is_noticed(column: list[Any], sorts: bool) -> None:
    assert cursor.in_order(column) is sorts
