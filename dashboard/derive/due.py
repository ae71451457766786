"""What is to be worked out: for each asset and derived metric the stretch that is new, and those where a reading came late."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.core.declare import Derived, Domain
from dashboard.core.times import to_micros
from dashboard.derive.columns import Span
from dashboard.store.schema import derived_mark, reading_cold, reading_hot
from dashboard.store.series import latest_values
from dashboard.store.touched import Stretch

Board = Mapping[str, Mapping[str, Any]]  # newest readings: asset → metric → row

_DAY = 86_400_000_000
_CHUNK = 2000  # days of channels read and written at once
_SLICE = 120 * _DAY  # of an asset's past gone through at once


@dataclass(frozen=True)
class Pace:
    """How often a derived metric is wanted and how far around a moment its inputs matter, in microseconds."""

    reach: int
    slot: int  # one value in each; 0: one for every reading of the first input

    @staticmethod
    def of(domain: Domain, derived: Derived) -> Pace:
        """By the cadences of the metrics."""
        metrics = {m.key: m for feed in domain.feeds for m in feed.metrics} | {d.metric.key: d.metric for d in domain.derived}
        cadences = [_micros(metrics[key].cadence) for key in derived.inputs]
        own = _micros(derived.metric.cadence)
        return Pace(_micros(derived.back) + max(cadences), own if own > cadences[0] else 0)

    def slot_start(self, ts: int) -> int:
        """Where the slot of a moment begins."""
        return ts // self.slot * self.slot if self.slot else ts

    def is_same_slot(self, one: int, other: int) -> bool:
        """Whether a value at one moment stands for the other too."""
        return self.slot > 0 and one // self.slot == other // self.slot


@dataclass(frozen=True)
class Task:
    """One derived metric of one asset over one stretch."""

    derived: Derived
    asset: str
    moments: Span  # values are wanted for these
    reads: Span  # and these have to be read for them
    mark: int | None  # up to here is done afterwards; None: a stretch gone over again
    row: Any  # newest reading of the first input
    pace: Pace
    more: bool = False  # a slice of what is due

    @property
    def cost(self) -> float:
        """Rough days of channels to read."""
        return len(self.derived.inputs) * (0.02 + (self.reads[1] - self.reads[0]) / _DAY)


def board(conn: sa.Connection, domain: Domain) -> Board:
    """The newest reading of every channel of a domain, by asset and metric."""
    found: dict[str, dict[str, Any]] = {}
    for row in latest_values(conn, domain.key):
        found.setdefault(row.asset_id, {})[row.metric] = row
    return found


def marks(conn: sa.Connection, domain: Domain) -> dict[tuple[str, str], int]:
    """Up to when each derived metric of each asset has been worked out."""
    m = derived_mark.c
    rows = conn.execute(sa.select(m.metric, m.asset_id, m.ts).where(m.domain == domain.key))
    return {(metric, asset): ts for metric, asset, ts in rows}


def tasks(conn: sa.Connection, domain: Domain, late: Mapping[int, Stretch]) -> Iterator[Task]:
    """Everything that is due, derived metrics in the order they are declared: one may be an input of the next."""
    known, done = board(conn, domain), marks(conn, domain)
    for derived in domain.derived:
        pace = Pace.of(domain, derived)
        for asset, channels in known.items():
            row = channels.get(derived.inputs[0])
            if row is None or row.ts is None:
                continue
            mark = done.get((derived.metric.key, asset))
            if (new := _new(conn, row, mark, pace)) is not None:
                yield Task(derived, asset, new, (new[0] - pace.reach, new[1]), new[1], row, pace, more=new[1] < to_micros(row.ts))
            if mark is not None:
                for start, end in _late(derived, channels, late):
                    again = (pace.slot_start(start), min(end + pace.reach, mark))
                    if again[1] >= start:
                        yield Task(derived, asset, again, (again[0] - pace.reach, again[1]), None, row, pace)


def _new(conn: sa.Connection, row: Any, mark: int | None, pace: Pace) -> Span | None:
    """The first slice of what the first input said after the mark."""
    newest = to_micros(row.ts)
    if mark is not None and (mark >= newest or pace.is_same_slot(mark, newest)):
        return None
    first = pace.slot_start(_oldest(conn, row.channel_id, newest)) if mark is None else mark + 1
    return first, min(newest, first + _SLICE)


def _oldest(conn: sa.Connection, channel_id: int, newest: int) -> int:
    """When a channel's history begins."""
    for table in (reading_cold, reading_hot):
        first = conn.scalar(sa.select(sa.func.min(table.c.ts)).where(table.c.channel_id == channel_id))
        if first is not None:
            return int(first)
    return newest


def _late(derived: Derived, channels: Mapping[str, Any], late: Mapping[int, Stretch]) -> list[Stretch]:
    return [late[row.channel_id] for key in derived.inputs if (row := channels.get(key)) is not None and row.channel_id in late]


def _micros(span: timedelta) -> int:
    return round(span / timedelta(microseconds=1))


def chunks(due: Iterable[Task]) -> Iterator[list[Task]]:
    """Tasks put together so that each lot is read and written in a moment."""
    lot: list[Task] = []
    cost = 0.0
    for task in due:
        if lot and (cost + task.cost > _CHUNK or any(t.derived.metric.key in task.derived.inputs for t in lot)):
            yield lot
            lot, cost = [], 0.0
        lot.append(task)
        cost += task.cost
    if lot:
        yield lot
