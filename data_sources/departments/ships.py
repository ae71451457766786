"""The demo department that keeps the tour ships' exhaust registry: seven ships, fourteen engines, every sailing of thirteen months."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import sqlalchemy as sa

from data_sources.departments import ships_cruises as cruises
from data_sources.departments import ships_rows, ships_schema
from data_sources.departments.building import Row, add_rows, bulk_insert, local_text, replace_rows
from data_sources.departments.life import Department
from data_sources.departments.registers import ticked
from data_sources.departments.sensors_shapes import DAY
from data_sources.departments.ships_cruises import ENGINES, OFF, OFFSET, SHIPS

HISTORY = timedelta(days=396)
KEPT_TELEMETRY = timedelta(days=8)
KEPT_TANKS = timedelta(days=35)
YEARLY_TONNES = 60.0  # as published for a year, all seven ships
_SETTLED = timedelta(days=36)  # sailings older than this are audited; younger ones can still be added up
_MOVING_S, _MOORED_S = 15.0, 180.0


def build(engine: sa.Engine, now: datetime, seed: int) -> None:
    """Make the schema and thirteen months of history."""
    ships_schema.metadata.create_all(engine)
    end = now.timestamp()
    with engine.begin() as conn:
        bulk_insert(conn, ships_schema.ships, ship_rows(end, seed))
        bulk_insert(conn, ships_schema.engines, engine_rows(end, seed))
        bulk_insert(conn, ships_schema.trips, _audited_trips(end, seed))
        bulk_insert(conn, ships_schema.tanks, ships_rows.tank_rows(end - KEPT_TANKS.total_seconds(), end, seed))
        bulk_insert(conn, ships_schema.telemetry, ships_rows.telemetry_rows(end - KEPT_TELEMETRY.total_seconds(), end, seed))


def live(engine: sa.Engine, since: datetime, until: datetime, seed: int) -> None:
    """Write what happened after `since` up to `until`."""
    start, end = since.timestamp(), until.timestamp()
    with engine.begin() as conn:
        if ticked(start, end, _MOVING_S):
            replace_rows(conn, ships_schema.ships, ship_rows(end, seed))
        if ticked(start, end, cruises.MINUTE):
            replace_rows(conn, ships_schema.engines, engine_rows(end, seed))
        add_rows(conn, ships_schema.telemetry, ships_rows.telemetry_rows(start, end, seed))
        add_rows(conn, ships_schema.tanks, ships_rows.tank_rows(start, end, seed))
        replace_rows(conn, ships_schema.trips, ships_rows.trip_rows(start, end, seed))
        if ticked(start, end, 3600.0):
            _thin(conn, np.floor(end / 3600.0) * 3600.0)


def _thin(conn: sa.Connection, end: float) -> None:
    """Drop what this department does not keep."""
    for table, kept in ((ships_schema.telemetry, KEPT_TELEMETRY), (ships_schema.tanks, KEPT_TANKS)):
        conn.execute(table.delete().where(table.c.入库时间 <= local_text(end - kept.total_seconds())))


def ship_rows(end: float, seed: int) -> list[Row]:
    """The register of ships with where each one is: every fifteen seconds under way, every three minutes at its berth."""
    who = np.arange(len(SHIPS))
    _, _, moving = cruises.places(who, np.full(len(SHIPS), np.floor(end / _MOVING_S) * _MOVING_S), seed)
    step = np.where(moving, _MOVING_S, _MOORED_S)
    at = np.floor(end / step) * step
    lon, lat, moving = cruises.places(who, at, seed)
    return [
        (
            *(ship.number, ship.name, ship.owner, ship.batch, ship.accepted, "朝天门街道"),
            *(f"{lon[i]:.6f}", f"{lat[i]:.6f}", int(moving[i]), 7.5 if moving[i] else 0.0, local_text(at[i])),
        )
        for i, ship in enumerate(SHIPS)
    ]


def engine_rows(end: float, seed: int) -> list[Row]:
    """The register of engines with the state each catalyst is in, as of the last whole minute."""
    at = np.floor(end / cruises.MINUTE) * cruises.MINUTE
    state = _states(at, seed)
    return [
        (
            *(number, SHIPS[i].number, SHIPS[i].name + word, f"{SHIPS[i].rated_kw:,.0f}", SHIPS[i].rated_rpm, 1),
            *(state[e], local_text(at), "示例"),
        )
        for e, (number, i, word) in enumerate(ENGINES)
    ]


def _states(at: float, seed: int) -> list[int]:
    found = cruises.every_sailing(at, at, seed)
    engine = np.concatenate([found.ship * 2, found.ship * 2 + 1])
    turn, since, left = np.tile(found.turn, 2), np.tile(at - found.begin, 2), np.tile(found.end - at, 2)
    states = [OFF] * len(ENGINES)
    run = cruises.run_engines(engine, turn, since, left, np.full(len(engine), at), seed)
    for who, state in zip(engine.tolist(), run.state.tolist(), strict=True):
        states[who] = state
    return states


def _audited_trips(end: float, seed: int) -> list[Row]:
    """Every sailing of thirteen months; older ones' loads scaled evenly so that the last twelve come to what was published for a year."""
    start = end - HISTORY.total_seconds()
    rows = ships_rows.trip_rows(start, end, seed)
    settled = end - _SETTLED.total_seconds()
    year = local_text((np.floor((end + OFFSET) / DAY) - 364) * DAY - OFFSET)
    rated = {number: SHIPS[i].rated_kw for number, i, _ in ENGINES}
    old, young = 0.0, 0.0
    for row in rows:
        if row[3] >= year:
            tonnes = rated[row[1]] * row[7] * row[6] * row[8] * row[9] / 100 * 1e-6
            old, young = (old + tonnes, young) if row[3] < local_text(settled) else (old, young + tonnes)
    return ships_rows.trip_rows(start, end, seed, (YEARLY_TONNES - young) / old, settled) if old else rows


DEPARTMENT = Department(key="ships", title="两江游船尾气库", build=build, live=live)
