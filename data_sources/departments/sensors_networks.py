"""The sensor networks on structures: who reports what, how often, and how the rows look in its database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import sqlalchemy as sa

from data_sources.departments import sensors_schema as schema
from data_sources.departments.building import Row
from data_sources.departments.life import Floats
from data_sources.departments.sensors_assets import Thing, bridges, tunnels
from data_sources.departments.sensors_shapes import DAY, HOUR, Indexes
from data_sources.departments.structures_rows import CADENCE_S, SPREAD_S, bridge_rows, tunnel_rows

# What the platform keeps: everything for two hours, every ten minutes for two days, every hour for 37 days, then once a day.
_KEPT = ((395 * DAY, 37 * DAY, DAY), (37 * DAY, 2 * DAY, HOUR), (2 * DAY, 2 * HOUR, 600.0))
_FULL_S = 2 * HOUR
THIN_AFTER = timedelta(days=2)


@dataclass(frozen=True)
class Network:
    """Instruments of one kind: what they stand on, how often they report, and the rows they leave."""

    table: sa.Table
    things: tuple[Thing, ...]
    cadence_s: float
    spread_s: int  # each thing reports this much later within the cadence than the one before
    rows: Callable[[int, tuple[Thing, ...], Indexes, Floats], list[Row]]
    silent: frozenset[int] = frozenset()  # things whose gateway no longer answers
    silent_for: timedelta = timedelta(days=3)

    def offset(self, who: int) -> float:
        """How late in the cadence a thing reports, in seconds."""
        return float(who * self.spread_s % self.cadence_s)

    def history(self, now: float) -> tuple[Indexes, Floats]:
        """Every (thing, moment) still in the archive at `now`."""
        ticks = _archive_ticks(now, self.cadence_s)
        pairs = [(who, ticks + self.offset(who)) for who in range(len(self.things))]
        return _flat([(who, at[at <= (now - self.silent_for.total_seconds() if who in self.silent else now)]) for who, at in pairs])

    def due(self, since: float, until: float) -> tuple[Indexes, Floats]:
        """Every (thing, moment) reported after `since` up to `until`."""
        return _flat([(who, self._ticks(who, since, until)) for who in range(len(self.things)) if who not in self.silent])

    def _ticks(self, who: int, since: float, until: float) -> Floats:
        late, step = self.offset(who), self.cadence_s
        return np.arange(np.floor((since - late) / step) + 1, np.floor((until - late) / step) + 1) * step + late


def _archive_ticks(now: float, cadence_s: float) -> Floats:
    pieces = [np.arange(np.ceil((now - old) / step), np.ceil((now - young) / step)) * step for old, young, step in _KEPT]
    pieces.append(np.arange(np.ceil((now - _FULL_S) / cadence_s), np.floor(now / cadence_s) + 1) * cadence_s)
    return np.unique(np.concatenate(pieces))


def _flat(pairs: list[tuple[int, Floats]]) -> tuple[Indexes, Floats]:
    """One array of things and one of moments, in the order of time: tables are kept in that order."""
    who = np.concatenate([np.full(len(at), w, dtype=np.int64) for w, at in pairs] or [np.zeros(0, dtype=np.int64)])
    at = np.concatenate([at for _, at in pairs] or [np.zeros(0)])
    order = np.argsort(at, kind="stable")
    return who[order], at[order]


BRIDGES = Network(schema.bridge_data, tuple(b for b in bridges() if b.iot), CADENCE_S, SPREAD_S, bridge_rows)
TUNNELS = Network(schema.tunnel_data, tuple(tunnels()), 60.0, 11, tunnel_rows)
NETWORKS = (BRIDGES, TUNNELS)
