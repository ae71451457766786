"""Numbers, texts, codes and yes/no as departments write them, column by column."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from itertools import repeat
from typing import Any, TypeAlias

import numpy as np

from dashboard.core.declare import Text
from dashboard.pull.batch import Problem, Unfit

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

NO_NUMBER = frozenset({"", "-", "--", "—", "——", "/", "na", "n/a", "nan", "none", "null", "nil", "\\n", "无", "暂无", "缺测"})
NO_TEXT = frozenset({"", "-", "--", "—", "——", "NULL", "null", "\\N"})
_GROUPED = re.compile(r"^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$")
_PLAIN = re.compile(r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
_UNUSUAL = re.compile(r"[^0-9. +-]")  # anything float() may read otherwise than we do
_YES = frozenset({"1", "true", "t", "yes", "y", "on", "是", "有", "在线", "开", "开启", "正常", "已"})
_NO = frozenset({"0", "false", "f", "no", "n", "off", "否", "无", "离线", "关", "关闭", "异常", "未"})
_ENDLESS = Text("数值为无穷大", "the number is infinite")
_SHOWN = 60  # characters of a wrong value repeated in its reason


def shown(value: Any) -> str:
    """A value as a reason may repeat it: short."""
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def numbers(values: list[Any]) -> tuple[Floats, dict[int, Problem]]:
    """A column of numbers; missing becomes NaN, text that is no number a problem."""
    kinds = set(map(type, values))
    if kinds <= {int, float, type(None)}:
        found = np.array(values, dtype=np.float64)
        return (found, {}) if not np.isinf(found).any() else _endless(found)
    if kinds <= {int, float, type(None), Decimal}:
        return numbers([float("nan") if v is None else float(v) for v in values])
    plain = _plain_numbers(values) if kinds <= {str, type(None)} else None
    return (plain, {}) if plain is not None else _numbers_one_by_one(values)


def _plain_numbers(values: list[Any]) -> Floats | None:
    """Text like `33.5 `, all of it at once. None where any is written otherwise, to be looked at one by one."""
    if _UNUSUAL.search("".join(v for v in values if v is not None)):
        return None
    try:
        found = np.array([math.nan if v is None else float(v) for v in values])
    except ValueError:
        return None
    return None if np.isinf(found).any() else found


def _endless(found: Floats) -> tuple[Floats, dict[int, Problem]]:
    return found, {int(i): Problem("type", _ENDLESS) for i in np.flatnonzero(np.isinf(found))}


def _numbers_one_by_one(values: list[Any]) -> tuple[Floats, dict[int, Problem]]:
    out = np.full(len(values), np.nan)
    problems: dict[int, Problem] = {}
    for i, value in enumerate(values):
        try:
            found = number(value)
        except ValueError as wrong:
            problems[i] = Problem.raised("type", wrong)
        else:
            if found is not None:
                out[i] = found
    return out, problems


def number(value: Any) -> float | None:
    """One number; None where nothing is there. Raises ValueError with a sentence."""
    if value is None or isinstance(value, (int, float, Decimal)):
        found = None if value is None or value != value else float(value)
    else:
        text = unicodedata.normalize("NFKC", value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)).strip()
        if text.lower() in NO_NUMBER:
            return None
        digits = text.removesuffix("%").rstrip()
        if _GROUPED.match(digits):
            digits = digits.replace(",", "")
        if not _PLAIN.match(digits):
            raise Unfit(f"{shown(value)}不是数字", f"{shown(value)} is not a number")
        found = float(digits)
    if found in (float("inf"), float("-inf")):
        raise Unfit(_ENDLESS.zh, _ENDLESS.en)
    return found


def integers(values: list[Any], low: int, high: int) -> tuple[list[int | None], dict[int, Problem]]:
    """A column of whole numbers that fit where they are kept."""
    if set(map(type, values)) <= {int, type(None)}:
        present = [v for v in values if v is not None]
        if not present or (low <= min(present) and max(present) <= high):
            return list(values), {}
    out: list[int | None] = list(repeat(None, len(values)))
    problems: dict[int, Problem] = {}
    for i, value in enumerate(values):
        try:
            found = value if type(value) is int else _whole(value)
        except ValueError as wrong:
            problems[i] = Problem.raised("type", wrong)
            continue
        if found is not None and not low <= found <= high:
            problems[i] = Problem("range", Text(f"{found}太大，存不下", f"{found} is too large to be kept"))
        else:
            out[i] = found
    return out, problems


def _whole(value: Any) -> int | None:
    text = value.strip() if isinstance(value, str) else None
    if text and text.isascii() and text.lstrip("+-").isdigit():
        return int(text) if len(text) <= 20 else 10**20  # beyond any column: a range problem, and no slow conversion
    found = number(value)
    if found is None:
        return None
    if not found.is_integer():
        raise Unfit(f"{shown(value)}不是整数", f"{shown(value)} is not a whole number")
    return int(found)


def texts(values: list[Any]) -> list[str | None]:
    """A column of texts; markers of nothing become None."""
    kinds = set(map(type, values))
    if kinds == {str}:
        plain = _plain_texts(values)
        if plain is not None:
            return plain
    if len(kinds - {str, type(None)}) > 1:  # 1, 1.0 and True are one dictionary key but not one text
        return [text(v) for v in values]
    try:
        known = {value: text(value) for value in set(values)}
    except TypeError:  # a list or a dict from a document
        return [text(v) for v in values]
    return [known[v] for v in values]


def _plain_texts(values: list[str]) -> list[str | None] | None:
    """Text without any oddity, all of it at once; None where there is one, to be looked at one by one."""
    joined = "".join(values)
    if "\x00" in joined or (not joined.isascii() and _has_half_characters(joined)):
        return None
    found: list[str | None] = list(map(str.strip, values))
    return found if NO_TEXT.isdisjoint(found) else [None if v in NO_TEXT else v for v in found]


def _has_half_characters(joined: str) -> bool:
    try:
        joined.encode()
    except UnicodeEncodeError:
        return True
    return False


def text(value: Any) -> str | None:
    """One text: numbers without a spreadsheet's .0, no control zero, no half characters."""
    if value is None or value != value:
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    if isinstance(value, Decimal) and value == value.to_integral_value():
        value = int(value)
    plain = decoded(value) if isinstance(value, bytes) else _document(value) if isinstance(value, (dict, list)) else str(value)
    plain = plain.strip().replace("\x00", "")
    if not plain.isascii():
        plain = plain.encode("utf-8", "replace").decode("utf-8")
    return None if plain in NO_TEXT else plain


def _document(value: Any) -> str:
    """A JSON column or an array, as the department's own programs would read it again."""
    return json.dumps(value, ensure_ascii=False, default=str)


def decoded(value: bytes) -> str:
    """Text of bytes; where they are not UTF-8 they are what Chinese systems wrote before it."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("gb18030", "replace")


def fitted(values: list[str | None], length: int, whole: bool) -> tuple[list[str | None], dict[int, Problem]]:
    """Texts no longer than their column: words are cut with an ellipsis; a code or an id cut short would be another one."""
    problems: dict[int, Problem] = {}
    if max(map(len, filter(None, values)), default=0) <= length:
        return values, problems
    out = list(values)
    for i, value in enumerate(values):
        if value is None or len(value) <= length:
            continue
        if whole:
            problems[i] = Problem(
                "too_big", Text(f"长{len(value)}字，最多存{length}字", f"{len(value)} characters where at most {length} are kept")
            )
        else:
            out[i] = value[: length - 1] + "…"
    return out, problems


SKIP = ""  # their code mapped to nothing: the row is meant for somebody else


def codes(values: list[Any], table: Mapping[str, str]) -> tuple[list[str | None], dict[int, Problem]]:
    """Their codes as ours; `"*"` stands for every other code."""
    plain = texts(values)
    otherwise = table.get("*")
    known = {word: None if word is None else table.get(word, otherwise) for word in set(plain)}
    unknown = {word for word, found in known.items() if word is not None and found is None}
    problems: dict[int, Problem] = {}
    for i, word in enumerate(plain) if unknown else ():
        if word in unknown:
            known_ones = ", ".join(list(table)[:12])
            said = Text(f"{shown(word)}不在已知代码之内：{known_ones}", f"{shown(word)} is not among the known codes: {known_ones}")
            problems[i] = Problem("code", said)
    return [known[word] for word in plain], problems


def flags(values: list[Any]) -> tuple[list[bool | None], dict[int, Problem]]:
    """A column of yes and no."""
    out: list[bool | None] = []
    problems: dict[int, Problem] = {}
    for i, value in enumerate(texts(values)):
        word = None if value is None else value.lower()
        out.append(None if word is None else word in _YES)
        if word is not None and word not in _YES and word not in _NO:
            problems[i] = Problem("type", Text(f"{shown(value)}既非是也非否", f"{shown(value)} is neither yes nor no"))
    return out, problems
