"""Where the demo city's minibuses are: a position every fifteen seconds on the road, one a minute while charging."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_sources.departments.life import Floats, noise, rush, smooth
from data_sources.departments.minibus_network import SHAPE_POINTS, Line, shape, vehicles
from data_sources.departments.minibus_trips import AT_STOP, LAYOVER, Counts, Rounds, Truths

ON_ROAD, RESTING = 15.0, 60.0
SEATS = 14.0
_TRACK = 760  # noise streams of this file
_SLOT = 1200.0  # a terminal falls silent, if it does, for part of one such slot
_SILENCE = 480.0
_DETOUR_SLOT, _DETOUR, _DETOUR_DEG = 7200.0, 900.0, 0.0032  # round road works: how often it may happen, how long, how far


@dataclass(frozen=True)
class Track:
    """A vehicle at some moments."""

    at: Floats
    lon: Floats
    lat: Floats
    speed: Floats
    load: Counts
    state: Counts  # 1 in service, 2 waiting to depart, 3 charging
    day: Counts  # of its trip, as an index into the rounds' days; -1 while on none
    turn: Counts
    direction: Counts
    heard: Truths  # a position came in


def follow(number: int, rounds: Rounds, at: Floats, seed: int) -> Track:
    """Vehicle `number` of all at each moment; its rounds are every n-th of its line."""
    line = rounds.line
    first = next(v for v, (_, ln) in enumerate(vehicles()) if ln is line)
    mine = slice(number - first, None, line.vehicles)
    ran = (rounds.scheduled & ~rounds.cancelled & ~rounds.missing)[:, mine].ravel()
    began, turned, ended, failed = (a[:, mine].ravel()[ran] for a in (rounds.began, rounds.turned, rounds.ended, rounds.failed))
    riders, broken, fails = rounds.riders[:, mine].ravel()[ran], rounds.broken[:, mine].ravel()[ran], rounds.fails[:, mine].ravel()[ran]
    indices = np.indices(rounds.planned.shape)
    days, turns = indices[0][:, mine].ravel()[ran], indices[1][:, mine].ravel()[ran]
    if not len(began):
        return _idle(number, line, at, seed)
    nth = np.clip(np.searchsorted(began, at, side="right") - 1, 0, None)
    moving = (at >= began[nth]) & (at < ended[nth])
    soon = np.append(began, np.inf)[np.searchsorted(began, at, side="right")] - at
    rested = np.where(at >= ended[nth], at - ended[nth], np.inf)
    waiting = ~moving & (soon < 3600) & ((rested < 3600) | (soon < 900))
    lame = broken[nth] & (at >= failed[nth])
    out = np.clip((at - began[nth]) / (turned[nth] - began[nth]), 0, np.where(broken[nth], fails[nth], 1.0))
    back = np.where(broken[nth], 0, np.clip((at - turned[nth] - LAYOVER) / (ended[nth] - turned[nth] - LAYOVER), 0, 1))
    along = np.where(moving, out - back, 0.0) * (len(line.stops) - 1)
    standing = ~moving | lame | (np.abs(along - np.round(along)) < AT_STOP)
    lon, lat = _place(line, along)
    detour = np.where(moving & ~standing, _detour(number, at, seed), 0.0)
    pace = 22.0 - 9.0 * rush(at) + 4.0 * smooth(seed, _TRACK + number, at, 60.0)
    load = np.where(
        moving & ~lame, 100 * riders[nth] / SEATS * 0.55 * np.sin(np.pi * np.clip(np.where(back > 0, back, out), 0.08, 0.92)), 0
    )
    state: Counts = np.where(moving & ~lame, 1, np.where(waiting, 2, 3)).astype(np.int64)
    speed = np.asarray(np.round(np.where(standing, 0.0, np.clip(pace, 3, 45)), 1), dtype=np.float64)
    on_trip = state == 1
    day, turn = (np.where(on_trip, axis[nth], -1) for axis in (days, turns))
    direction = np.where(at < turned[nth], 0, 1)
    crowd = np.clip(load, 0, 120).astype(np.int64)
    return Track(at, lon, lat + detour, speed, crowd, state, day, turn, direction, _heard(number, at, state, seed))


def _idle(number: int, line: Line, at: Floats, seed: int) -> Track:
    """A vehicle on days without a trip: charging at the first stop."""
    nowhere = np.zeros(len(at), dtype=np.int64)
    state = nowhere + 3
    heard = _heard(number, at, state, seed)
    lon, lat = _place(line, np.zeros(len(at)))
    return Track(at, lon, lat, np.zeros(len(at)), nowhere, state, nowhere - 1, nowhere - 1, nowhere, heard)


def _place(line: Line, along: Floats) -> tuple[Floats, Floats]:
    """Where on the ground so many stops along is. A bus stands at each for a while: its way has treads like a stair."""
    stops = len(line.stops) - 1
    held = (np.floor(along) + np.clip((along - np.floor(along) - AT_STOP) / (1 - 2 * AT_STOP), 0, 1)) / stops
    lon, lat = (np.interp(held * (SHAPE_POINTS - 1), np.arange(SHAPE_POINTS), axis) for axis in shape(line))
    return np.asarray(lon), np.asarray(lat)


def _detour(number: int, at: Floats, seed: int) -> Floats:
    """How far north of its line a bus drives, degrees: some hundred metres for a quarter of an hour, a few times a day over all."""
    slot = np.floor(at / _DETOUR_SLOT)
    happens = noise(seed, _TRACK + 61, slot.astype(np.int64) * 100 + number) < 0.012
    share = np.clip((at - slot * _DETOUR_SLOT - 1800) / _DETOUR, 0, 1)
    return np.asarray(np.where(happens, _DETOUR_DEG * np.sin(np.pi * share), 0.0))


def _heard(number: int, at: Floats, state: Counts, seed: int) -> Truths:
    """Moments a position came in: rarely a terminal is out of touch for some minutes."""
    slot = np.floor(at / _SLOT)
    mute = (noise(seed, _TRACK + 60, slot.astype(np.int64) * 100 + number) < 0.003) & (at - slot * _SLOT < _SILENCE)
    return np.asarray(~mute & ((state < 3) | (at % RESTING == 0)))
