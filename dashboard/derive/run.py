"""One turn of working metrics out: what is new and what came late, in lots, each read, worked out and stored in a moment."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa

from dashboard.core.catalog import Catalog
from dashboard.core.declare import Derived, Domain
from dashboard.core.times import city_day, day_start, to_micros
from dashboard.derive.columns import NOTHING, Floats, Line, Span, in_step, lines
from dashboard.derive.due import Task, chunks, tasks
from dashboard.derive.learn import is_due, learn, stretches
from dashboard.store import bulk, touched
from dashboard.store.block import Block
from dashboard.store.engine import writing
from dashboard.store.lease import check_fence
from dashboard.store.models import Model, keep_models, models_of
from dashboard.store.readings import append_block, open_channels
from dashboard.store.schema import channel, derived_mark, reading_touched
from dashboard.store.topics import bump

_OURS = 0  # no pull run brought these readings
_PULL, _SOURCE = "derived", "cockpit"
_SPARE_DECIMALS = 3  # kept beyond those shown; more would be noise of the sums
_SECOND = 1_000_000


def derive(engine: sa.Engine, catalog: Catalog, now: datetime, fence: int | None = None, budget_s: float | None = None) -> frozenset[str]:
    """Work out what is due, for as long as the budget lasts; the domains that are not through yet. Costs what is new."""
    ends = None if budget_s is None else time.monotonic() + budget_s
    behind = set()
    for domain in catalog.domains.values():
        if domain.derived and not _domain(_Turn(engine, catalog, domain, now, fence, ends)):
            behind.add(domain.key)
    return frozenset(behind)


@dataclass(frozen=True)
class _Turn:
    """What a turn over one domain works with."""

    engine: sa.Engine
    catalog: Catalog
    domain: Domain
    now: datetime
    fence: int | None
    ends: float | None

    @property
    def is_over(self) -> bool:
        return self.ends is not None and time.monotonic() > self.ends

    def cadence_s(self, metric: str) -> float:
        return self.catalog.metrics[self.domain.key, metric].cadence.total_seconds()


@dataclass
class _Found:
    """What a lot gave."""

    blocks: list[tuple[Task, Block]] = field(default_factory=list)
    models: list[Model] = field(default_factory=list)


def _domain(turn: _Turn) -> bool:
    """Everything due in a domain, slice after slice; whether all of it was done."""
    while True:
        with turn.engine.connect() as conn:
            late = _late(conn, turn.domain)
            due = tasks(conn, turn.domain, late)
        for lot in chunks(due):
            if turn.is_over:
                return False
            with turn.engine.connect() as conn:
                found = _work_out(conn, turn, lot)
            _keep(turn, lot, found)
        if late:
            with writing(turn.engine).begin() as conn:
                touched.settle(conn, late.items())
        if not any(task.more for task in due):
            return True


def _late(conn: sa.Connection, domain: Domain) -> dict[int, touched.Stretch]:
    """Stretches of this domain's channels in which a reading came late or was corrected."""
    mine = reading_touched.join(channel, channel.c.channel_id == reading_touched.c.channel_id)
    t = reading_touched.c
    wanted = sa.select(t.channel_id, t.ts_from, t.ts_to).select_from(mine).where(channel.c.domain == domain.key)
    return {number: (start, end) for number, start, end in conn.execute(wanted)}


# ---- working out


def _work_out(conn: sa.Connection, turn: _Turn, lot: Sequence[Task]) -> _Found:
    channels = _channels(conn, turn.domain, lot)
    read = lines(conn, _spans(lot, channels))
    facts = _facts(conn, lot)
    found = _Found()
    known: dict[str, dict[str, list[Model]]] = {}
    for key in {task.derived.metric.key for task in lot if task.derived.train}:
        known[key] = models_of(conn, turn.domain.key, key, {task.asset for task in lot if task.derived.metric.key == key})
    for task in lot:
        mine, derived = channels[task.asset], task.derived
        models = known.get(derived.metric.key, {}).setdefault(task.asset, []) if derived.train else []
        if task.mark is not None and is_due(derived, models, turn.now):
            models.append(
                learn(conn, turn.domain.key, task.asset, derived, {k: c for k, c in mine.items() if k in derived.inputs}, turn.now)
            )
            found.models.append(models[-1])
        line = {name: read.get(mine.get(name, -1), NOTHING) for name in derived.inputs}
        found.blocks.append((task, _values(turn, task, line, models, facts.get(task.asset, {}))))
    return found


def _channels(conn: sa.Connection, domain: Domain, lot: Sequence[Task]) -> dict[str, dict[str, int]]:
    """Channel numbers of the inputs of each asset."""
    wanted = {(domain.key, task.asset, name) for task in lot for name in task.derived.inputs}
    found: dict[str, dict[str, int]] = {task.asset: {} for task in lot}
    for asset, metric, number in bulk.matching(
        conn, channel, ["domain", "asset_id", "metric"], sorted(wanted), ["asset_id", "metric", "channel_id"]
    ):
        found[asset][metric] = number
    return found


def _spans(lot: Sequence[Task], channels: Mapping[str, Mapping[str, int]]) -> dict[int, Span]:
    """What to read of each channel for all tasks of a lot."""
    spans: dict[int, Span] = {}
    for task in lot:
        for name in task.derived.inputs:
            if (number := channels[task.asset].get(name)) is not None:
                start, end = spans.get(number, task.reads)
                spans[number] = (min(start, task.reads[0]), max(end, task.reads[1]))
    return spans


def _facts(conn: sa.Connection, lot: Sequence[Task]) -> dict[str, dict[str, float]]:
    """Numbers of the assets' registers, by asset and column name."""
    found: dict[str, dict[str, float]] = {}
    for column in {column for task in lot for column in task.derived.facts}:
        assets = sorted({(task.asset,) for task in lot if column in task.derived.facts})
        for asset, value in bulk.matching(conn, column.table, ["asset_id"], assets, ["asset_id", column.name]):
            found.setdefault(asset, {})[column.name] = np.nan if value is None else float(value)
    return found


def _values(turn: _Turn, task: Task, line: Mapping[str, Line], models: Sequence[Model], facts: Mapping[str, float]) -> Block:
    """The derived readings of a task; a moment without a value, or with one outside the physical range, has none."""
    derived = task.derived
    first = line[derived.inputs[0]]
    columns = in_step(derived.inputs, _within(line, task.reads), {name: turn.cadence_s(name) for name in derived.inputs})
    moments = np.rint(columns["ts"] * _SECOND).astype(np.int64)
    values = np.full(len(moments), np.nan)
    register = {column.name: facts.get(column.name, np.nan) for column in derived.facts}
    learned = stretches(models, columns["ts"]) if derived.train else [({}, np.ones(len(moments), dtype=bool))]
    for numbers, holds in learned:
        for parameters, in_force in _parameters(turn, derived, moments):
            which = holds & in_force
            if which.any():
                values[which] = np.asarray(derived.apply(columns, {**parameters, **register, **numbers}))[which]
    keep = (moments >= task.moments[0]) & (moments <= task.moments[1]) & _possible(derived, values) & _in_turn(task, moments)
    quality = first.quality[np.searchsorted(first.times, moments[keep])]
    rounded = np.round(values[keep], derived.metric.decimals + _SPARE_DECIMALS)
    return Block(np.zeros(len(rounded), dtype=np.int64), moments[keep], rounded, quality)


def _within(line: Mapping[str, Line], span: Span) -> dict[str, Line]:
    """A task's own stretch of readings that were read for several, so that its values do not depend on the others."""
    cut = {}
    for name, one in line.items():
        start, end = np.searchsorted(one.times, (span[0], span[1] + 1))
        cut[name] = Line(one.times[start:end], one.values[start:end], one.quality[start:end])
    return cut


def _possible(derived: Derived, values: Floats) -> np.ndarray[Any, np.dtype[np.bool_]]:
    low = -np.inf if derived.metric.low is None else derived.metric.low
    high = np.inf if derived.metric.high is None else derived.metric.high
    with np.errstate(invalid="ignore"):
        return np.isfinite(values) & (values >= low) & (values <= high)


def _in_turn(task: Task, moments: np.ndarray[Any, np.dtype[np.int64]]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """All moments, or where the metric is wanted more seldom than its first input comes: the first in each slot."""
    if not task.pace.slot:
        return np.ones(len(moments), dtype=bool)
    before = np.append(task.moments[0] - 1, moments[:-1])
    return np.asarray(moments // task.pace.slot != np.maximum(before, task.moments[0] - 1) // task.pace.slot)


def _parameters(turn: _Turn, derived: Derived, moments: Any) -> list[tuple[Mapping[str, float], np.ndarray[Any, np.dtype[np.bool_]]]]:
    """The parameters of the metric, each set with the moments it was in force."""
    rule = f"{turn.domain.key}.{derived.metric.key}"
    changes = sorted({day for p in turn.catalog.parameters if p.rule == rule for day in _changes(p.valid_from, p.valid_to)})
    edges = [to_micros(day_start(date.fromisoformat(day))) for day in changes]
    days = [city_day(turn.now).isoformat()] if not changes else [_BEFORE, *changes]
    which = np.searchsorted(np.array(edges, dtype=np.int64), moments, side="right")
    return [(turn.catalog.rule_parameters(rule, day), which == i) for i, day in enumerate(days)]


_BEFORE, _FOR_EVER = "1970-01-02", "9999-12-31"


def _changes(valid_from: str, valid_to: str) -> list[str]:
    """The days on which a parameter comes into force or is out of it."""
    after = [] if valid_to >= _FOR_EVER else [(date.fromisoformat(valid_to) + timedelta(days=1)).isoformat()]
    return [valid_from, *after]


# ---- keeping


def _keep(turn: _Turn, lot: Sequence[Task], found: _Found) -> None:
    """One short transaction for a lot."""
    domain, spoke = turn.domain.key, [(task, block) for task, block in found.blocks if len(block)]
    with writing(turn.engine).begin() as conn:
        if turn.fence is not None:
            check_fence(conn, turn.fence)
        wanted = [(t.asset, t.derived.metric.key, t.row.street, _pace_s(t)) for t, _ in spoke]
        numbers = open_channels(conn, domain=domain, pull=_PULL, source=_SOURCE, wanted=wanted, now=turn.now) if wanted else {}
        for task, block in spoke:
            block.channels[:] = numbers[task.asset, task.derived.metric.key]
        if spoke:
            append_block(conn, _together([block for _, block in spoke]), run_id=_OURS, now=turn.now)
        keep_models(conn, found.models)
        done = [(domain, t.derived.metric.key, t.asset, t.mark) for t in lot if t.mark is not None]
        bulk.insert(conn, derived_mark, ("domain", "metric", "asset_id", "ts"), done, update=("ts",))
        bump(conn, [f"readings:{domain}"] if spoke else [], turn.now)


def _pace_s(task: Task) -> int:
    """How old the newest value may be: where there is one a slot, the slot and the time its first input may take."""
    return round(task.derived.metric.cadence.total_seconds()) + (task.row.cadence_s if task.pace.slot else 0)


def _together(blocks: Sequence[Block]) -> Block:
    columns = zip(*((b.channels, b.times, b.values, b.quality) for b in blocks), strict=True)
    return Block(*(np.concatenate(column) for column in columns))
