"""The sensor networks on structures and slopes of the platform: who reports what, how often, and how the rows look in its database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import sqlalchemy as sa

from data_sources.departments import sensors_schema as schema
from data_sources.departments import sensors_shapes as shapes
from data_sources.departments.building import Row, local_texts, rows_of
from data_sources.departments.life import Floats
from data_sources.departments.sensors_assets import CABLE_STAYED, Thing, bridges, gauges, slopes, tunnels
from data_sources.departments.sensors_shapes import DAY, HOUR, Indexes

Values = Callable[[int, Indexes, Floats], Mapping[str, Floats]]

# What the platform keeps: everything for two hours, every ten minutes for two days, every hour for 37 days, then once a day.
_KEPT = ((395 * DAY, 37 * DAY, DAY), (37 * DAY, 2 * DAY, HOUR), (2 * DAY, 2 * HOUR, 600.0))
_FULL_S = 2 * HOUR
THIN_AFTER = timedelta(days=2)
_STUCK_BRIDGE, _FAST_CLOCK_BRIDGE = 30, 35  # a gauge that froze, and a logger whose clock is an hour ahead
_FAULT_SHARE = 0.0004  # of tunnel CO readings say 设备故障


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


def _labels(things: tuple[Thing, ...], who: Indexes) -> tuple[list[str], list[int]]:
    numbers, areas = [t.number for t in things], [t.area for t in things]
    return [numbers[i] for i in who], [areas[i] for i in who]


def _wide(values: Values, decimals: Mapping[str, int]) -> Callable[[int, tuple[Thing, ...], Indexes, Floats], list[Row]]:
    def rows(seed: int, things: tuple[Thing, ...], who: Indexes, at: Floats) -> list[Row]:
        if not len(who):
            return []
        times, (numbers, areas) = local_texts(at), _labels(things, who)
        read = values(seed, who, at)
        return rows_of(times, numbers, times, areas, *(np.round(read[name], places) for name, places in decimals.items()))

    return rows


def _tunnel_rows(seed: int, things: tuple[Thing, ...], who: Indexes, at: Floats) -> list[Row]:
    """Numbers as this gateway writes them: text with a blank behind, and a word where an instrument failed."""
    if not len(who):
        return []
    times, (numbers, areas) = local_texts(at), _labels(things, who)
    read = shapes.tunnel_values(seed, who, at)
    places = {"一氧化碳": 1, "烟尘系数": 5, "二氧化氮": 2, "积水深度": 1, "平均车速": 1, "衬砌收敛": 2}
    texts = {name: [f"{value:.{digits}f} " for value in read[name].tolist()] for name, digits in places.items()}
    for i in np.flatnonzero(shapes.dice(seed, 90, who, at.astype(np.int64)) < _FAULT_SHARE):
        texts["一氧化碳"][i] = "设备故障"
    return rows_of(times, numbers, times, areas, *texts.values())


_BASIC = ("结构温度", "应变", "应变占比", "挠度")
_JOINTED = (*_BASIC, "伸缩缝位移", "伸缩缝残差")
_RIVER = (*_JOINTED, "风速", "基频下降")
_PLACES = {"伸缩缝位移": 2, "伸缩缝残差": 2, "基频下降": 2, "索力": 0}


def items_of(bridge: Thing) -> tuple[str, ...]:
    """What is measured on a bridge: everything on river bridges, joints on road bridges, the basics on footbridges."""
    if bridge.kind == 1:
        return (*_RIVER, "索力") if bridge.number in CABLE_STAYED else _RIVER
    return _BASIC if bridge.kind == 5 else _JOINTED


def _bridge_rows(seed: int, things: tuple[Thing, ...], who: Indexes, at: Floats) -> list[Row]:
    if not len(who):
        return []
    lengths = np.array([t.length or 600.0 for t in things])
    read = shapes.bridge_values(seed, who, at, lengths[who])
    times, (numbers, areas) = local_texts(at), _labels(things, who)
    ahead = local_texts(at + HOUR)
    rows: list[Row] = []
    for item, values in read.items():
        has = np.array([item in items_of(t) for t in things])[who]
        shown = np.round(values, _PLACES.get(item, 1)).tolist()
        for i in np.flatnonzero(has):
            wrong_clock = who[i] == _FAST_CLOCK_BRIDGE and item == "挠度"
            frozen = who[i] == _STUCK_BRIDGE and item == "应变"
            rows.append((times[i], numbers[i], ahead[i] if wrong_clock else times[i], areas[i], item, 214.6 if frozen else shown[i]))
    rows.sort(key=lambda row: (row[0], row[1], row[4]))
    return rows


BRIDGES = Network(schema.bridge_data, tuple(b for b in bridges() if b.iot), 60.0, 7, _bridge_rows)
TUNNELS = Network(schema.tunnel_data, tuple(tunnels()), 60.0, 11, _tunnel_rows)
SLOPES = Network(
    schema.slope_data,
    tuple(slopes()),
    300.0,
    20,
    _wide(shapes.slope_values, {"裂缝速率": 3, "倾斜速率": 4, "位移速率": 2, "累计位移": 2, "含水率": 1}),
)
RAIN = Network(schema.rain_data, tuple(gauges()), 300.0, 100, _wide(shapes.rain_values, {"小时雨量": 1, "日雨量": 1}))
NETWORKS = (BRIDGES, TUNNELS, SLOPES, RAIN)
