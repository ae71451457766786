"""A batch of raw rows into rows that fit our tables, or into readings; what does not fit leaves with its reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import sqlalchemy as sa

from dashboard.core.datum import to_wgs84
from dashboard.core.declare import Text
from dashboard.core.places import street_code, streets_at
from dashboard.core.times import UtcDateTime, from_micros
from dashboard.core.tokens import token
from dashboard.pull import moments, values
from dashboard.pull.batch import Batch, Problem, Reject, key_text
from dashboard.pull.mapping import Plan
from dashboard.pull.values import Floats

Problems: TypeAlias = dict[int, Problem]
Column: TypeAlias = list[Any]

_INTEGERS = ((sa.SmallInteger, 15), (sa.BigInteger, 63), (sa.Integer, 31))
_KEY_LENGTH = 191
_WITHHELD = Text("值不合格式", "the value does not fit")


@dataclass
class Table:
    """Columns typed as ours, and the rows found wanting so far."""

    plan: Plan
    batch: Batch
    columns: dict[str, Column] = field(default_factory=dict)
    problems: Problems = field(default_factory=dict)  # by row; the first one found counts
    floats: dict[str, Floats] = field(default_factory=dict)  # number columns also as arrays

    def __len__(self) -> int:
        return len(self.batch)

    def blame(self, found: Problems, name: str) -> None:
        """Note what is wrong with a column; a personal value is not repeated."""
        for row, problem in found.items():
            told = Problem(problem.code, _WITHHELD) if name in self.plan.personal else problem
            self.problems.setdefault(row, told.of(name))


def typed(plan: Plan, batch: Batch, kinds: dict[str, Any]) -> Table:
    """Every column of a batch in our types, units, codes, datum and streets. `kinds`: our field → SQLAlchemy type."""
    table = Table(plan, batch, problems=dict(batch.problems))
    for name, raw in batch.columns.items():
        if name in kinds or not name.startswith("metric."):
            _take_column(table, name, raw, kinds.get(name))
    _place(table, "street" in kinds)
    return table


def _take_column(table: Table, name: str, raw: Column, kind: Any) -> None:
    plan = table.plan
    if name in plan.personal:
        table.columns[name] = _tokens(plan, raw)
        return
    if name in plan.pull.codes:
        raw, found = values.codes(raw, plan.pull.codes[name])
        table.blame(found, name)
        if _class_of(name, kind) == "text":
            table.columns[name] = raw
            return
    if kind is None and name not in ("lon", "lat"):
        table.columns[name] = list(raw)  # for the domain's own `clean`
        return
    table.columns[name], found = _CONVERTERS[_class_of(name, kind)](table, name, raw, kind)
    table.blame(found, name)


def _tokens(plan: Plan, raw: Column) -> Column:
    """Pseudonyms, one for each distinct value: people come back."""
    try:
        known = {v: token(plan.token_key, v) for v in set(raw)} if len(set(map(type, raw))) == 1 else {}
    except TypeError:  # a list or a dict from a document
        known = {}
    return [known[v] for v in raw] if known else [token(plan.token_key, v) for v in raw]


def _class_of(name: str, kind: Any) -> str:
    if name in ("lon", "lat"):
        return "number"
    if isinstance(kind, UtcDateTime):
        return "moment"
    for types, word in ((sa.Boolean, "flag"), (sa.Integer, "integer"), ((sa.Numeric, sa.Float), "number"), (sa.Date, "day")):
        if isinstance(kind, types):
            return word
    return "text"


def _number(table: Table, name: str, raw: Column, kind: Any) -> tuple[Column, Problems]:
    found, problems = values.numbers(raw)
    if name in table.plan.units:
        found = table.plan.units[name](found)
    table.floats[name] = found
    return _with_nones(found), problems


def _with_nones(found: Floats) -> Column:
    out: Column = found.tolist()
    for i in np.flatnonzero(np.isnan(found)).tolist():
        out[i] = None
    return out


def _integer(table: Table, name: str, raw: Column, kind: Any) -> tuple[Column, Problems]:
    if name in table.plan.units:
        scaled, problems = values.numbers(raw)
        raw = [None if v is None else round(v) for v in _with_nones(table.plan.units[name](scaled))]
        return raw, problems
    bits = next(b for types, b in _INTEGERS if isinstance(kind, types))
    return values.integers(raw, -(2**bits), 2**bits - 1)


def _moment(table: Table, name: str, raw: Column, kind: Any) -> tuple[Column, Problems]:
    """As microseconds: a datetime is made only for who looks at one."""
    found, problems = moments.moments(raw, table.plan.zone, _form(table.plan, name))
    out: Column = found.tolist()
    for i in np.flatnonzero(found == moments.NEVER).tolist():
        out[i] = None
    return out, problems


def _day(table: Table, name: str, raw: Column, kind: Any) -> tuple[Column, Problems]:
    found, problems = _moment(table, name, raw, kind)
    days = {t: None if t is None else from_micros(t).astimezone(table.plan.zone).date() for t in set(found)}
    return [days[t] for t in found], problems


def _form(plan: Plan, name: str) -> str:
    return str(plan.pull.options.get("formats", {}).get(name, ""))


def _flag(table: Table, name: str, raw: Column, kind: Any) -> tuple[Column, Problems]:
    return values.flags(raw)


def _text(table: Table, name: str, raw: Column, kind: Any) -> tuple[Column, Problems]:
    found = values.texts(raw)
    length = getattr(kind, "length", None)
    if not length:
        return found, {}
    keys = {c.name for c in table.plan.table.primary_key} if table.plan.table is not None else {"asset_id"}
    return values.fitted(found, length, name in keys or name.endswith("_id"))


_CONVERTERS: dict[str, Callable[[Table, str, Column, Any], tuple[Column, Problems]]] = {
    "number": _number, "integer": _integer, "moment": _moment, "day": _day, "flag": _flag, "text": _text,
}  # fmt: skip


def _place(table: Table, wants_street: bool) -> None:
    """Points to WGS84; a street by its code or name, else by where the point lies."""
    if "lon" in table.floats and "lat" in table.floats:
        _locate(table)
    if not wants_street and "street" not in table.columns:
        return
    named = table.columns.get("street", [None] * len(table))
    known = {name: street_code(name) for name in set(named) if name is not None}
    streets = [known.get(name) for name in named]
    open_ones = [i for i, s in enumerate(streets) if s is None]
    if open_ones and "lon" in table.floats and "lat" in table.floats:
        found = streets_at(table.floats["lon"][open_ones], table.floats["lat"][open_ones])
        for i, street in zip(open_ones, found, strict=True):
            streets[i] = street
    table.columns["street"] = streets


def _locate(table: Table) -> None:
    lon, lat = table.floats["lon"], table.floats["lat"]
    with np.errstate(invalid="ignore"):
        nowhere = np.isnan(lon) | np.isnan(lat) | ((lon == 0) & (lat == 0))
        off = ~nowhere & ((np.abs(lon) > 180) | (np.abs(lat) > 90))
    for i in np.flatnonzero(off).tolist():
        swapped = abs(lat[i]) <= 180 and abs(lon[i]) <= 90
        zh = f"经度{lon[i]:g}、纬度{lat[i]:g}不在地球上" + ("，像是经纬度颠倒" if swapped else "")
        en = f"lon {lon[i]:g}, lat {lat[i]:g} is not on Earth" + (": longitude and latitude look swapped" if swapped else "")
        table.problems.setdefault(i, Problem("place", Text(zh, en)))
    usable = ~(nowhere | off)
    x, y = np.where(usable, lon, np.nan), np.where(usable, lat, np.nan)
    if usable.any():
        x[usable], y[usable] = to_wgs84(lon[usable], lat[usable], table.plan.datum)
    for name, found in (("lon", x), ("lat", y)):
        table.floats[name], table.columns[name] = found, _with_nones(found)


# ---- what leaves


def source_key(plan: Plan, key: tuple[Any, ...]) -> str:
    """A row's key as we keep it: personal parts as tokens, and never longer than its column."""
    if any(plan.personal_key):
        key = tuple(token(plan.token_key, p) if secret else p for p, secret in zip(key, plan.personal_key, strict=True))
    text = key_text(key)
    return text if len(text) <= _KEY_LENGTH else text[: _KEY_LENGTH - 1] + "…"


def source_keys(plan: Plan, keys: Sequence[tuple[Any, ...]]) -> list[str]:
    """`source_key` of every row."""
    if len(plan.key) == 1 and not any(plan.personal_key):
        texts = ["" if part is None else str(part) for (part,) in keys]
        if max(map(len, texts), default=0) <= _KEY_LENGTH:
            return texts
    return [source_key(plan, key) for key in keys]


def plain_row(plan: Plan, batch: Batch, index: int) -> dict[str, Any]:
    """A raw row fit to be kept beside its reason: personal fields as tokens, long values cut."""
    return {name: token(plan.token_key, v) if name in plan.personal else _cut(v) for name, v in batch.row(index).items()}


def _cut(value: Any) -> Any:
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    return value[:500] + "…" if isinstance(value, str) and len(value) > 500 else value


def reject(plan: Plan, batch: Batch, index: int, source_key: str, problem: Problem) -> Reject:
    """A row on its way to quarantine."""
    return Reject(source_key, problem, plain_row(plan, batch, index))
