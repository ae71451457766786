"""The bureau's sensor platform: bridges, tunnels, slopes, rain and septic tanks; thirteen months behind it and still running."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial

import numpy as np
import sqlalchemy as sa

from data_sources.departments import (
    happenings,
    slopes_log,
    slopes_orders,
    slopes_rows,
    structures_rows,
    structures_schema,
    tanks_log,
    tanks_orders,
    tanks_rows,
)
from data_sources.departments import sensors_events as events
from data_sources.departments import sensors_schema as schema
from data_sources.departments import sensors_shapes as shapes
from data_sources.departments.bridges_life import design_strain
from data_sources.departments.building import Row, add_rows, bulk_insert, local_text, replace_rows
from data_sources.departments.life import Department, Floats, seconds
from data_sources.departments.registers import change_row, ticked
from data_sources.departments.sensors_assets import Thing, bridges, tunnels
from data_sources.departments.sensors_events import Change
from data_sources.departments.sensors_networks import NETWORKS as STRUCTURE_NETWORKS
from data_sources.departments.sensors_networks import THIN_AFTER, Network
from data_sources.departments.sensors_shapes import DAY, Indexes
from data_sources.departments.slopes_asked import Asked as SlopesAsked
from data_sources.departments.tanks_asked import Asked as TanksAsked
from data_sources.departments.tunnels_life import fans_of

Readings = Callable[[int, tuple[Thing, ...], Indexes, Floats], list[Row]]
_CAMERA_S = 600.0
_CLASS = {1: "Ⅰ", 2: "Ⅱ", 3: "Ⅲ", 4: "Ⅲ", 5: "Ⅴ", 6: "Ⅴ", 7: "Ⅰ", 8: "Ⅰ"}
NETWORKS = (*STRUCTURE_NETWORKS, slopes_rows.NETWORK, slopes_rows.RAIN, tanks_rows.NETWORK)
_WORN = 66  # a footbridge rated D, to be repaired this year
_DUTY_LOG_S = 95 * DAY  # patrols and warnings the platform still shows


def build(engine: sa.Engine, now: datetime, seed: int) -> None:
    """Create the schema in an empty database and write the history up to `now`."""
    schema.metadata.create_all(engine)
    at = seconds(now)
    with engine.begin() as conn:
        bulk_insert(conn, schema.structures, _structure_rows(seed, at))
        for network in NETWORKS:
            bulk_insert(conn, network.table, network.rows(seed, network.things, *network.history(at)))
        bulk_insert(conn, structures_schema.inspections, _inspections(seed, at - _DUTY_LOG_S, at))
        bulk_insert(conn, structures_schema.warnings, _warnings(seed, at - _DUTY_LOG_S, at))
        slopes_log.build(conn, seed, at)
        tanks_log.build(conn, seed, at)
        happenings.begin(conn, at)


def live(engine: sa.Engine, since: datetime, until: datetime, seed: int) -> None:
    """Write what the platform took in after `since` up to `until`."""
    start, end = seconds(since), seconds(until)
    with engine.begin() as conn:
        tanks_asked = tanks_orders.asked_of(conn, start, end, seed)
        slopes_asked = slopes_orders.asked_of(conn, start, end, seed)
        for network, rows in _networks(tanks_asked, slopes_asked):
            add_rows(conn, network.table, rows(seed, network.things, *network.due(start, end)))
        _move_registers(conn, seed, start, end)
        replace_rows(conn, structures_schema.inspections, _inspections(seed, start, end))
        replace_rows(conn, structures_schema.warnings, _warnings(seed, start, end))
        slopes_log.live(conn, seed, start, end, slopes_asked)
        tanks_log.live(conn, seed, start, end, tanks_asked)
        for hour in range(int(start // 3600) + 1, int(end // 3600) + 1):
            _thin(conn, hour * 3600.0)


def _networks(tanks: TanksAsked, slopes: SlopesAsked) -> Iterator[tuple[Network, Readings]]:
    """Every network with what writes its rows: tanks and slopes are as orders have made them."""
    told: dict[str, Readings] = {
        tanks_rows.NETWORK.table.name: partial(tanks_rows.reading_rows, asked=tanks),
        slopes_rows.NETWORK.table.name: partial(slopes_rows.reading_rows, asked=slopes),
        slopes_rows.RAIN.table.name: partial(slopes_rows.rain_rows, asked=slopes),
    }
    return ((network, told.get(network.table.name, network.rows)) for network in NETWORKS)


def _thin(conn: sa.Connection, hour: float) -> None:
    """Leave one reading an hour of what is now two days old."""
    old = hour - THIN_AFTER.total_seconds()
    for network in NETWORKS:
        came = network.table.c["入库时间"]
        kept_minutes = f"{int(network.cadence_s // 60):02d}"
        gone = [came >= local_text(old - 3600), came < local_text(old), sa.func.substr(came, 15, 2) >= kept_minutes]
        if "留痕" in network.table.c:
            gone.append(network.table.c.留痕 == 0)
        conn.execute(network.table.delete().where(*gone))


# ---- patrols and warnings of structures


def _inspections(seed: int, since: float, until: float) -> list[Row]:
    return structures_rows.inspection_rows(seed, [t for t in _all_structures() if t.iot], since, until)


def _warnings(seed: int, since: float, until: float) -> list[Row]:
    return structures_rows.warning_rows(seed, [b for b in bridges() if b.iot], tunnels(), since, until)


# ---- registers


def _all_structures() -> list[Thing]:
    return [*bridges(), *tunnels()]


def _regular(count: int, since: float, until: float, step: float) -> tuple[Indexes, Floats]:
    """Every multiple of a step in (since, until] for each of so many things, and the one before it."""
    ticks = np.arange(np.floor(since / step), np.floor(until / step) + 1) * step
    return np.repeat(np.arange(count), len(ticks)), np.tile(ticks, count)


def _now_of(count: int, at: float, step: float) -> tuple[Indexes, Floats]:
    return np.arange(count), np.full(count, np.floor(at / step) * step)


def _yes(flag: bool) -> str:
    return "是" if flag else "否"


def _decimal(value: float) -> str:
    return f"{value:,.2f} " if value else ""


def _structure_rows(seed: int, at: float) -> list[Row]:
    things = _all_structures()
    online = events.camera_states(seed, *_now_of(len(things), at, _CAMERA_S))
    changed = {c.who: c.at for c in _camera_changes(seed, len(things), at - 5 * DAY, at)}
    who = np.arange(len(things))
    age, strain, fans = shapes.dice(seed, 91, who), design_strain(seed, who), fans_of(seed, who - len(bridges()))
    rows = [
        _structure_row(
            i, thing, int(online[i]), changed.get(i, at - (5 + 20 * age[i]) * DAY), (float(age[i]), float(strain[i]), int(fans[i])), at
        )
        for i, thing in enumerate(things)
    ]
    twice = list(rows[20])
    twice[0], twice[2], twice[-1] = len(rows) + 1, f"{twice[2]}（重复录入）", local_text(at - 60 * DAY)
    return [*rows, tuple(twice)]


def _structure_row(index: int, thing: Thing, online: int, changed: float, drawn: tuple[float, float, int], at: float) -> Row:
    kind, (dice, strain, fans) = int(thing.kind), drawn
    # Class I structures are passed or failed, not rated on the index.
    bci = 58 + 6 * dice if index == _WORN else 71 + 8 * dice if index % 26 == 14 else 82 + 15 * dice
    rating, verdict = ("", "合格") if _CLASS[kind] == "Ⅰ" else (f"{bci:.1f} ", "")
    return (
        index + 1,
        thing.number,
        thing.name,
        kind,
        thing.managed,
        _CLASS[kind],
        thing.form,
        _decimal(thing.length),
        _decimal(thing.span),
        str(thing.built or ""),
        rating,
        verdict,
        local_text(at - (30 + 300 * dice) * DAY)[:10],
        thing.street,
        thing.lon,
        thing.lat,
        _yes(thing.iot),
        _yes(True),
        online,
        1,
        strain if thing.iot and kind <= 6 else None,
        fans if kind > 6 else None,
        "模拟" if thing.made_up else "公开",
        local_text(changed),
    )


# ---- registers, moving


def _camera_changes(seed: int, count: int, since: float, until: float) -> list[Change]:
    who, at = _regular(count, since, until, _CAMERA_S)
    return events.last_changes(who, at, events.camera_states(seed, who, at))


def _move_registers(conn: sa.Connection, seed: int, since: float, until: float) -> None:
    if ticked(since, until, _CAMERA_S):
        things = _all_structures()
        for change in _camera_changes(seed, len(things), since, until):
            change_row(conn, schema.structures, "设施编号", things[change.who].number, {"视频在线": change.state}, change.at)


_PROVOKES = {tanks_orders.GAS: tanks_orders.provoke_gas, slopes_orders.ROCK: slopes_orders.provoke_rock}
DEPARTMENT = Department(key="sensors", title="桥隧坡与化粪池感知库", build=build, live=live, provokes=_PROVOKES)
