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
from dashboard.store.schema import channel, derived_mark, reading_boundary, reading_cold
from dashboard.store.series import latest_values
from dashboard.store.touched import Stretch

Board = Mapping[str, Mapping[str, Any]]  # newest readings: asset → metric → row

_DAY = 86_400_000_000
_AT_ONCE = 500  # channels asked for in one statement
_CHUNK = 10_000  # days of channels read and written at once
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


def tasks(conn: sa.Connection, domain: Domain, late: Mapping[int, Stretch]) -> list[Task]:
    """Everything that is due, asset by asset: what is worked out from the same readings is read once."""
    known, done = board(conn, domain), marks(conn, domain)
    paces = [(derived, Pace.of(domain, derived)) for derived in domain.derived]
    started = {(d.metric.key, asset) for d, _ in paces for asset in known if (d.metric.key, asset) in done}
    begun = _oldest(
        conn, [row.channel_id for d, _ in paces for a in known if (d.metric.key, a) not in started and (row := _heard(known[a], d))]
    )
    found = []
    for asset, channels in known.items():
        for derived, pace in paces:
            if (row := _heard(channels, derived)) is None:
                continue
            mark = done.get((derived.metric.key, asset))
            if (new := _new(row, mark, pace, begun)) is not None:
                found.append(Task(derived, asset, new, (new[0] - pace.reach, new[1]), new[1], row, pace, more=new[1] < to_micros(row.ts)))
            if mark is not None:
                found += _again(derived, asset, channels, pace, mark, late)
    return found


def _heard(channels: Mapping[str, Any], derived: Derived) -> Any:
    """The newest reading of a derived metric's first input, if there ever was one."""
    row = channels.get(derived.inputs[0])
    return None if row is None or row.ts is None else row


def _again(derived: Derived, asset: str, channels: Mapping[str, Any], pace: Pace, mark: int, late: Mapping[int, Stretch]) -> Iterator[Task]:
    """Stretches gone over before in which an input came late or was corrected."""
    for start, end in _late(derived, channels, late):
        again = (pace.slot_start(start), min(end + pace.reach, mark))
        if again[1] >= start:
            yield Task(derived, asset, again, (again[0] - pace.reach, again[1]), None, channels[derived.inputs[0]], pace)


def _new(row: Any, mark: int | None, pace: Pace, begun: Mapping[int, int]) -> Span | None:
    """The first slice of what the first input said after the mark."""
    newest = to_micros(row.ts)
    if mark is not None and (mark >= newest or pace.is_same_slot(mark, newest)):
        return None
    first = pace.slot_start(begun.get(row.channel_id, newest)) if mark is None else mark + 1
    return first, min(newest, first + _SLICE)


def _oldest(conn: sa.Connection, channels: list[int]) -> dict[int, int]:
    """When each channel's history begins: one index seek each; where all of it is hot, no later than hot begins."""
    found: dict[int, int] = {}
    for start in range(0, len(channels), _AT_ONCE):
        first = sa.select(sa.func.min(reading_cold.c.ts)).where(reading_cold.c.channel_id == channel.c.channel_id).scalar_subquery()
        hot = sa.select(reading_boundary.c.ts).scalar_subquery()
        wanted = sa.select(channel.c.channel_id, sa.func.coalesce(first, hot, 0))
        found |= {number: ts for number, ts in conn.execute(wanted.where(channel.c.channel_id.in_(channels[start : start + _AT_ONCE])))}
    return found


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
