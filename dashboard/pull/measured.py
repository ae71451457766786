"""A batch for a readings feed, long (metric, value) or wide (a column per metric): arrays of readings, and those that do not fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import repeat
from typing import Any, TypeAlias

import numpy as np
import sqlalchemy as sa

from dashboard.core.declare import Metric, Text
from dashboard.core.times import from_micros, to_micros
from dashboard.pull import moments, values
from dashboard.pull.batch import MISSING, Batch, Problem, Reject
from dashboard.pull.clocks import AHEAD
from dashboard.pull.convert import Problems, Table, reject, source_key, typed
from dashboard.pull.mapping import METRIC, Plan
from dashboard.pull.values import SKIP, Floats

Mask: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]
Integers: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
Taken: TypeAlias = tuple[Integers, Integers, Floats]  # batch rows, number of their metric, value

ABSURD = timedelta(days=1)  # and this far is no clock error but no time at all
_KINDS: dict[str, Any] = {
    "asset_id": sa.String(96),
    "metric": sa.String(48),
    "street": sa.String(12),
    "quality": sa.SmallInteger(),
    "value": sa.Float(),
}


def _none() -> Integers:
    return np.empty(0, dtype=np.int64)


@dataclass
class Readings:
    """What became of a batch: one entry per reading, in step; instruments and metrics by their number."""

    plan: Plan
    batch: Batch
    names: list[str] = field(default_factory=list)  # of the instruments
    kinds: list[str] = field(default_factory=list)  # keys of the feed's metrics
    asset: Integers = field(default_factory=_none)
    metric: Integers = field(default_factory=_none)
    times: Integers = field(default_factory=_none)
    values: Floats = field(default_factory=lambda: np.empty(0))
    quality: Integers = field(default_factory=_none)
    rows: Integers = field(default_factory=_none)  # the batch row each came from
    streets: dict[str, str | None] = field(default_factory=dict)  # by asset, where the source says
    rejects: list[Reject] = field(default_factory=list)
    newest: datetime | None = None
    newest_by_now: datetime | None = None  # without what is dated in the future

    def __len__(self) -> int:
        return len(self.times)

    def name(self, row: int) -> str:
        """The source key of a batch row; worked out only for the few that need it."""
        return source_key(self.plan, self.batch.keys[row])

    def pairs(self) -> tuple[list[tuple[str, str]], Integers]:
        """Each (asset, metric) that occurs, and which of them every reading is of."""
        codes = self.asset * len(self.kinds) + self.metric
        found = np.flatnonzero(np.bincount(codes, minlength=len(self.names) * len(self.kinds)))
        place = np.zeros(len(self.names) * len(self.kinds), dtype=np.int64)
        place[found] = np.arange(len(found))
        return [(self.names[c // len(self.kinds)], self.kinds[c % len(self.kinds)]) for c in found.tolist()], place[codes]

    def keys(self, wide: bool) -> set[str]:
        """Source keys that came through; of a wide table with the metric."""
        rows = self.rows.tolist()
        if not wide:
            return {self.name(i) for i in rows}
        named = {i: self.name(i) for i in set(rows)}
        return set(named.values()) | {f"{named[i]}#{self.kinds[m]}" for i, m in zip(rows, self.metric.tolist(), strict=True)}


def to_readings(plan: Plan, batch: Batch, now: datetime) -> Readings:
    """Readings by the feed's rules: physical ranges, clocks, and a bad metric of a wide row leaves alone."""
    table = typed(plan, batch, {k: v for k, v in _KINDS.items() if k in batch.columns and k != "value"})
    done = Readings(plan, batch, kinds=list(plan.metrics), rejects=list(batch.rejects))
    times = _times(table, now)
    _cleaned(table, times)
    assets = table.columns["asset_id"]
    for i in [i for i, asset in enumerate(assets) if asset is None] if None in assets else ():
        table.problems.setdefault(i, Problem("missing", MISSING).of("asset_id"))
    suspect = _suspect(table, assets, times, now)
    sound = _sound(table)
    if plan.wide:
        taken = [
            _take_metric(table, done, plan.metrics[name.removeprefix(METRIC)], raw, sound)
            for name, raw in batch.columns.items()
            if name.startswith(METRIC)
        ]
    else:
        taken = [_take_long(table, sound)]
    _fill(table, done, taken, times, suspect)
    done.rejects += [reject(plan, batch, i, done.name(i), p) for i, p in sorted(table.problems.items())]
    if "street" in table.columns:
        done.streets = {a: s for a, s in dict(zip(assets, table.columns["street"], strict=True)).items() if a is not None}
    _date(done, suspect[done.rows], now)
    return done


def identities(plan: Plan, batch: Batch, now: datetime) -> set[tuple[str, str, int]]:
    """Instrument, metric ('' where a row holds several) and moment of each row, fit or not: what a reading is known by."""
    table = typed(plan, batch, {k: v for k, v in _KINDS.items() if k in batch.columns and k in ("asset_id", "metric")})
    times = _times(table, now)
    _cleaned(table, times)
    metrics = repeat("") if plan.wide else table.columns["metric"]
    return set(zip(table.columns["asset_id"], metrics, times.tolist()))  # noqa: B905  one of them may be endless


def _date(done: Readings, suspect: Mask, now: datetime) -> None:
    """The newest moment. Where only some instruments run ahead, what the others say; where most do, the source's clock does."""
    if not len(done):
        return
    few = 2 * len(np.unique(done.asset[suspect])) <= len(np.unique(done.asset))
    done.newest = from_micros(int(done.times[~suspect].max() if few else done.times.max()))
    by_now = done.times[done.times <= to_micros(now + AHEAD)]
    done.newest_by_now = from_micros(int(by_now.max())) if len(by_now) else None


def _times(table: Table, now: datetime) -> moments.Micros:
    """When each row was so; without a time, or far in the future, it is no reading."""
    form = str(table.plan.pull.options.get("formats", {}).get("observed_at", ""))
    found, problems = moments.moments(table.batch.columns["observed_at"], table.plan.zone, form)
    table.columns.pop("observed_at", None)
    table.blame(problems, "observed_at")
    for i in np.flatnonzero(found == moments.NEVER).tolist():
        table.problems.setdefault(i, Problem("missing", MISSING).of("observed_at"))
    for i in np.flatnonzero(found > to_micros(now + ABSURD)).tolist():
        at = f"{from_micros(int(found[i])):%Y-%m-%d %H:%M} UTC"
        table.problems.setdefault(
            i, Problem("date", Text(f"{at}比我方时钟快一天以上", f"{at} is more than a day ahead of our clock")).of("observed_at")
        )
    return found


def _cleaned(table: Table, times: moments.Micros) -> None:
    """The domain's own `clean`, row by row, where it has one."""
    clean = table.plan.feed.clean
    if clean is None:
        return
    for i in range(len(table)):
        row = {name: cells[i] for name, cells in table.columns.items()} | {
            "observed_at": from_micros(int(times[i])) if times[i] != moments.NEVER else None
        }
        row |= {n.removeprefix(METRIC): c[i] for n, c in table.batch.columns.items() if n == "value" or n.startswith(METRIC)}
        try:
            row = clean(row)
        except (ValueError, KeyError, TypeError, ArithmeticError) as wrong:
            table.problems.setdefault(i, Problem.raised("clean", wrong))
            continue
        for name, cells in table.columns.items():
            cells[i] = row.get(name)
        for name, raw in table.batch.columns.items():
            if name == "value" or name.startswith(METRIC):
                raw[i] = row.get(name.removeprefix(METRIC))


def _suspect(table: Table, assets: list[Any], times: moments.Micros, now: datetime) -> Mask:
    """Rows of instruments whose clock runs ahead, as long as it does; quality the source itself gives is looked at later."""
    ahead = times > to_micros(now + AHEAD)
    if not ahead.any():
        return np.zeros(len(table), dtype=bool)
    wrong = {assets[i] for i in np.flatnonzero(ahead).tolist()}
    return np.fromiter((a in wrong for a in assets), dtype=bool, count=len(assets))


def _sound(table: Table) -> Mask:
    mask = np.ones(len(table), dtype=bool)
    mask[list(table.problems)] = False
    return mask


def _take_metric(table: Table, done: Readings, metric: Metric, raw: list[Any], sound: Mask) -> Taken:
    """One column of a wide table. What is wrong here says nothing about the other columns."""
    found, problems = _measured(table.plan, METRIC + metric.key, metric.key, raw)
    problems |= _outside(metric, found, np.arange(len(found)))
    for i, problem in problems.items():
        if sound[i]:
            done.rejects.append(reject(table.plan, table.batch, i, f"{done.name(i)}#{metric.key}", problem.of(metric.key)))
    rows = _usable(sound, found, problems)
    return rows, np.full(len(rows), done.kinds.index(metric.key)), found[rows]


def _usable(sound: Mask, found: Floats, problems: Problems) -> Integers:
    """Batch rows that give a reading."""
    usable = sound & ~np.isnan(found)
    usable[list(problems)] = False
    return np.flatnonzero(usable)


def _take_long(table: Table, sound: Mask) -> Taken:
    """Rows that name their metric. A metric mapped to nothing is meant for another feed."""
    plan, metrics = table.plan, table.columns["metric"]
    found, problems = _measured(plan, "value", "", table.batch.columns["value"])
    numbers = {key: number for number, key in enumerate(plan.metrics)}
    metric_of = np.fromiter(map(numbers.get, metrics, repeat(-1)), dtype=np.int64, count=len(metrics))
    for i in np.flatnonzero(metric_of < 0).tolist():
        if metrics[i] == SKIP:
            sound[i] = False
        else:
            name, known = values.shown(metrics[i]), ", ".join(plan.metrics)
            problems.setdefault(i, Problem("code", Text(f"测项{name}不在其中：{known}", f"metric {name} is not one of {known}")))
    for number, metric in enumerate(plan.metrics.values()):
        at = np.flatnonzero(metric_of == number)
        if metric.key in plan.units:
            found[at] = plan.units[metric.key](found[at])
        problems |= {i: p for i, p in _outside(metric, found, at).items() if i not in problems}
    table.blame({i: p for i, p in problems.items() if sound[i]}, "value")
    rows = _usable(sound, found, problems)
    return rows, metric_of[rows], found[rows]


def _measured(plan: Plan, name: str, metric: str, raw: list[Any]) -> tuple[Floats, Problems]:
    if metric in plan.pull.codes or name in plan.pull.codes:
        raw, unknown = values.codes(raw, plan.pull.codes.get(metric) or plan.pull.codes[name])
        found, problems = values.numbers(raw)
        problems = unknown | problems
    else:
        found, problems = values.numbers(raw)
    return (plan.units[name](found) if name in plan.units else found), problems


def _outside(metric: Metric, found: Floats, at: np.ndarray[Any, Any]) -> Problems:
    """Values no working instrument gives."""
    low = -np.inf if metric.low is None else metric.low
    high = np.inf if metric.high is None else metric.high
    with np.errstate(invalid="ignore"):
        wrong = at[(found[at] < low) | (found[at] > high)]
    unit = metric.unit
    said = {int(i): Text(f"{found[i]:g} {unit}超出{low:g}至{high:g}", f"{found[i]:g} {unit} is outside {low:g} to {high:g}") for i in wrong}
    return {i: Problem("range", reason) for i, reason in said.items()}


def _fill(table: Table, done: Readings, taken: list[Taken], times: moments.Micros, suspect: Mask) -> None:
    """Put together what the columns gave."""
    rows, metric, found = (np.concatenate(parts) for parts in zip(*taken, strict=True))
    assets, given = table.columns["asset_id"], table.columns.get("quality")
    done.names = list(dict.fromkeys(assets))
    numbers = {name: number for number, name in enumerate(done.names)}
    done.asset = np.fromiter(map(numbers.__getitem__, assets), dtype=np.int64, count=len(assets))[rows]
    done.rows, done.metric, done.values, done.times = rows, metric, found, times[rows]
    done.quality = suspect[rows].astype(np.int64)
    if given is not None:
        done.quality = np.maximum(done.quality, np.array([q or 0 for q in given], dtype=np.int64)[rows])
