"""Where the demo city's minibuses are: a position every fifteen seconds on the road, one a minute while charging."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_sources.departments.building import Row, local_texts, rows_of
from data_sources.departments.life import Floats, noise, rush, smooth
from data_sources.departments.minibus_network import SHAPE_POINTS, shape, vehicles
from data_sources.departments.minibus_trips import LAYOVER, Counts, Rounds, Truths

ON_ROAD, RESTING = 15.0, 60.0
SEATS = 14.0
_TRACK = 760  # noise streams of this file
_SLOT = 1200.0  # a terminal falls silent, if it does, for part of one such slot
_SILENCE = 480.0


@dataclass(frozen=True)
class Track:
    """A vehicle at some moments."""

    at: Floats
    lon: Floats
    lat: Floats
    speed: Floats
    load: Counts
    state: Counts  # 1 in service, 2 waiting to depart, 3 charging


def follow(number: int, rounds: Rounds, at: Floats, seed: int) -> Track:
    """Vehicle `number` of all at each moment; its rounds are every n-th of its line."""
    line = rounds.line
    first = next(v for v, (_, ln) in enumerate(vehicles()) if ln is line)
    mine = slice(number - first, None, line.vehicles)
    ran = ~rounds.cancelled[:, mine].ravel()
    began, turned, ended, riders = (a[:, mine].ravel()[ran] for a in (rounds.began, rounds.turned, rounds.ended, rounds.riders))
    turn = np.clip(np.searchsorted(began, at, side="right") - 1, 0, None)
    moving = (at >= began[turn]) & (at < ended[turn])
    soon = np.append(began, np.inf)[np.searchsorted(began, at, side="right")] - at
    rested = np.where(at >= ended[turn], at - ended[turn], np.inf)
    waiting = ~moving & (soon < 3600) & ((rested < 3600) | (soon < 900))
    out = np.clip((at - began[turn]) / (turned[turn] - began[turn]), 0, 1)
    back = np.clip((at - turned[turn] - LAYOVER) / (ended[turn] - turned[turn] - LAYOVER), 0, 1)
    progress = np.where(moving, out - back, 0.0)
    # a bus stands at each stop for a while, so its way along the line has treads like a stair
    stops = len(line.stops) - 1
    along = progress * stops
    held = (np.floor(along) + np.clip((along - np.floor(along) - 0.06) / 0.88, 0, 1)) / stops
    lon, lat = (np.interp(held * (SHAPE_POINTS - 1), np.arange(SHAPE_POINTS), axis) for axis in shape(line))
    standing = ~moving | (np.abs(along - np.round(along)) < 0.06)
    pace = 22.0 - 9.0 * rush(at) + 4.0 * smooth(seed, _TRACK + number, at, 60.0)
    load = np.where(moving, 100 * riders[turn] / SEATS * 0.55 * np.sin(np.pi * np.clip(np.where(back > 0, back, out), 0.08, 0.92)), 0)
    state = np.select([moving, waiting], [1, 2], 3)
    speed = np.asarray(np.round(np.where(standing, 0.0, np.clip(pace, 3, 45)), 1), dtype=np.float64)
    return Track(at, np.asarray(lon), np.asarray(lat), speed, np.clip(load, 0, 120).astype(np.int64), state)


def _heard(number: int, track: Track, seed: int) -> Truths:
    """Moments a position came in: rarely a terminal is out of touch for some minutes."""
    slot = np.floor(track.at / _SLOT)
    mute = (noise(seed, _TRACK + 60, slot.astype(np.int64) * 100 + number) < 0.003) & (track.at - slot * _SLOT < _SILENCE)
    return np.asarray(~mute & ((track.state < 3) | (track.at % RESTING == 0)))


def tracks(rounds: list[Rounds], since: float, until: float, seed: int) -> list[Row]:
    """Positions of all vehicles in (since, until]."""
    at = np.arange(np.floor(since / ON_ROAD) + 1, np.floor(until / ON_ROAD) + 1) * ON_ROAD
    if not len(at):
        return []
    rows: list[Row] = []
    by_line = {r.line.code: r for r in rounds}
    for number, (plate, line) in enumerate(vehicles()):
        track = follow(number, by_line[line.code], at, seed)
        heard = _heard(number, track, seed)
        rows += _track_rows(number, plate, track, heard)
    return rows


def _track_rows(number: int, plate: str, track: Track, heard: Truths) -> list[Row]:
    at = track.at[heard]
    codes = (at.astype(np.int64) * 100 + number).tolist()
    lon, lat = ([f"{v:.6f}" for v in axis[heard].tolist()] for axis in (track.lon, track.lat))
    return rows_of(codes, plate, lon, lat, track.speed[heard], track.load[heard], local_texts(at))


def current_rows(rounds: list[Rounds], until: float, seed: int) -> list[Row]:
    """Each vehicle's newest position that came in."""
    at = np.arange(np.floor(until / ON_ROAD) - 4 * 45, np.floor(until / ON_ROAD) + 1) * ON_ROAD
    by_line = {r.line.code: r for r in rounds}
    rows: list[Row] = []
    for number, (plate, line) in enumerate(vehicles()):
        track = follow(number, by_line[line.code], at, seed)
        last = int(np.nonzero(_heard(number, track, seed))[0][-1])
        place = (f"{track.lon[last]:.6f}", f"{track.lat[last]:.6f}", f"{track.speed[last]:.1f}")
        rows.append((plate, line.code, *place, int(track.load[last]), str(track.state[last]), local_texts(track.at[last : last + 1])[0]))
    return rows
