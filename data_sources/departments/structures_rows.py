"""Rows of bridges and tunnels: readings as their gateways write them, patrols walked, and what the duty room did about warnings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from data_sources.departments import bridges_life as bridge
from data_sources.departments import tunnels_life as tunnel
from data_sources.departments.building import Row, local_text, local_texts, rows_of
from data_sources.departments.life import Floats
from data_sources.departments.sensors_assets import Thing
from data_sources.departments.sensors_shapes import DAY, HOUR, Indexes, Surge, dice

SPREAD_S, CADENCE_S = 7, 60.0  # each bridge reports this much later than the one before
_STUCK, _FAST_CLOCK = 30, 35  # a gauge that froze, and a logger whose clock is an hour ahead
_FROZEN_AT = 214.6
_ABSURD, _ABSURD_SHARE = 9999.0, 0.00015  # what a joint's gauge says when its cable is loose
_FAULT_SHARE = 0.0004  # of tunnel CO readings say 设备故障
_IN_CALIBRATION = 1
MINUTE = 60.0


# ---- readings


def bridge_rows(seed: int, things: tuple[Thing, ...], who: Indexes, at: Floats) -> list[Row]:
    """One row per item; an instrument being calibrated says so, and nothing that can be used."""
    if not len(who):
        return []
    moments = bridge.Moments.of(seed, who, at, things)
    times, ahead = local_texts(at), local_texts(at + HOUR)
    numbers, areas = [t.number for t in things], [t.area for t in things]
    on_ten = np.rint((at - who * SPREAD_S % CADENCE_S) / CADENCE_S).astype(np.int64) % 10 == 0
    calibrated = bridge.CALIBRATED.height(seed, who, at) > 0.01
    rows: list[Row] = []
    for item in dict.fromkeys(item for t in things for item in bridge.items_of(t)):
        has = np.array([item in bridge.items_of(t) for t in things])[who]
        which = has & on_ten if item in bridge.SLOW else has
        shown = _shown(seed, item, moments.of_some(which), calibrated[which])
        in_work = (calibrated[which] & (item in ("应变", "挠度"))).astype(int).tolist()
        for i, number, state in zip(np.flatnonzero(which).tolist(), shown, in_work, strict=True):
            b = int(who[i])
            taken = ahead[i] if b == _FAST_CLOCK and item == "挠度" else times[i]
            rows.append((times[i], numbers[b], taken, areas[b], item, number, state))
    rows.sort(key=lambda row: (row[0], row[1], row[4]))
    return rows


def _shown(seed: int, item: str, m: bridge.Moments, calibrated: bridge.Mask) -> list[float]:
    """Values as they are written down, with what is wrong with them."""
    read = np.round(bridge.value(item, m), bridge.PLACES.get(item, 1))
    if item == "应变":
        read = np.where(m.who == _STUCK, _FROZEN_AT, read)
    if item in ("应变", "挠度"):
        read = np.where(calibrated & (m.who != _STUCK), 0.0, read)
    if item == "伸缩缝位移":
        read = np.where(dice(seed, 95, m.who, m.at.astype(np.int64)) < _ABSURD_SHARE, _ABSURD, read)
    values: list[float] = read.tolist()
    return values


def tunnel_rows(seed: int, things: tuple[Thing, ...], who: Indexes, at: Floats) -> list[Row]:
    """Numbers as this gateway writes them: text with a blank behind, and a word where an instrument failed."""
    if not len(who):
        return []
    times, numbers, areas = local_texts(at), [things[i].number for i in who], [things[i].area for i in who]
    read = tunnel.tunnel_values(seed, who, at)
    places = {"一氧化碳": 1, "烟尘系数": 5, "二氧化氮": 2, "积水深度": 1, "平均车速": 1, "衬砌收敛": 2, "风机运行": 0}
    texts = {name: [f"{value:.{digits}f} " for value in read[name].tolist()] for name, digits in places.items()}
    for i in np.flatnonzero(dice(seed, 90, who, at.astype(np.int64)) < _FAULT_SHARE):
        texts["一氧化碳"][i] = "设备故障"
    return rows_of(times, numbers, times, areas, *texts.values())


# ---- patrols

_PATROL_S, _PATROL_DUE_S = 7 * DAY, 2 * DAY
_WALKED_LATE, _NEVER_WALKED = 0.04, 0.015


def inspection_rows(seed: int, things: Sequence[Thing], since: float, until: float) -> list[Row]:
    """Weekly patrols planned or done after `since` up to `until`, as they stand at `until`; every eighth is a regular inspection."""
    rows = []
    for who, thing in enumerate(things):
        one = np.array([who])
        phase = float(dice(seed, 82, one)[0]) * _PATROL_S
        for turn in range(int((since - 4 * DAY - phase) // _PATROL_S), int((until - phase) // _PATROL_S) + 1):
            planned = phase + turn * _PATROL_S
            done = planned + _until_walked(*(float(dice(seed, stream, one, turn)[0]) for stream in (83, 84)))
            if since < planned <= until or since < done <= until:
                rows.append(_inspection_row(thing, turn, planned, done, until, float(dice(seed, 85, one, turn)[0])))
    return rows


def _until_walked(chance: float, speed: float) -> float:
    if chance < _NEVER_WALKED:
        return float("inf")
    return (2.1 + 1.4 * speed) * DAY if chance < _NEVER_WALKED + _WALKED_LATE else (0.1 + 1.5 * speed) * DAY


def _inspection_row(thing: Thing, turn: int, planned: float, done: float, until: float, chance: float) -> Row:
    walked = done <= until
    return (
        f"XJ{thing.number}-{turn}",
        thing.number,
        thing.area,
        2 if turn % 8 == 0 else 1,
        local_text(planned),
        local_text(planned + _PATROL_DUE_S),
        local_text(done) if walked else None,
        int(chance * chance * 4) if walked else None,
        2 if walked else 1,
        local_text(done if walked else planned),
    )


# ---- warnings, and what the duty room did

_CONFIRM_S = 10 * MINUTE
_CONFIRMED_LATE = 0.06
_REPAIRED, _RECALIBRATED, _NOTHING = 1, 2, 3
_WATCHED: tuple[tuple[str, Surge, float], ...] = (  # what the platform warns of, and from which peak on
    ("伸缩缝位移", bridge.JAMMED, 1.3),
    ("支座反力", bridge.LIFTED, 5.0),
    ("一阶频率", bridge.SOFTENING, 5.0),
    ("裂缝宽度", bridge.CRACKED, 0.2),
)
_WATCHED_UNDERGROUND: tuple[tuple[str, Surge, float], ...] = (("一氧化碳", tunnel.FOUL, 40.0), ("积水深度", tunnel.SEEPAGE, 10.0))


@dataclass(frozen=True)
class _Incident:
    thing: Thing
    item: str
    slot: int
    begin: float
    span: float
    dice: tuple[float, float, float]


def warning_rows(seed: int, bridges: Sequence[Thing], tunnels: Sequence[Thing], since: float, until: float) -> list[Row]:
    """Warnings on which something was done after `since` up to `until`, as they stand at `until`."""
    rows = []
    for things, watched in ((bridges, _WATCHED), (tunnels, _WATCHED_UNDERGROUND)):
        for incident in _incidents(seed, things, watched, since, until):
            times = _life(incident)
            if any(since < at <= until for at in times):
                rows.append(_warning_row(incident, times, until))
    return rows


def _incidents(
    seed: int, things: Sequence[Thing], watched: Sequence[tuple[str, Surge, float]], since: float, until: float
) -> Iterator[_Incident]:
    for item, surge, from_peak in watched:
        every = surge.every.total_seconds()
        slots = np.arange(int((since - every) // every), int(until // every) + 1)
        measured = [i for i, t in enumerate(things) if not isinstance(t.kind, int) or t.kind > 6 or item in bridge.items_of(t)]
        who, slot = np.repeat(np.array(measured, dtype=np.int64), len(slots)), np.tile(slots, len(measured))
        begin, span, peak = surge.events(seed, who, slot)
        chances = np.stack([dice(seed, surge.stream + 5 + k, who, slot) for k in range(3)], axis=1)
        for i in np.flatnonzero(peak >= from_peak).tolist():
            a, b, c = chances[i].tolist()
            yield _Incident(things[int(who[i])], item, int(slot[i]), float(begin[i]), float(span[i]), (a, b, c))


def _life(incident: _Incident) -> tuple[float, float, float, float]:
    """Warned, confirmed, on site, closed."""
    quick, way, _result = incident.dice
    warned = incident.begin + 0.3 * incident.span
    late = quick < _CONFIRMED_LATE
    confirmed = warned + (11 + 200 * quick if late else 1 + 8.5 * quick) * MINUTE
    there = confirmed + (15 + 60 * way) * MINUTE
    return warned, confirmed, there, max(there + 10 * MINUTE, incident.begin + incident.span)


def _warning_row(incident: _Incident, times: tuple[float, float, float, float], until: float) -> Row:
    warned, *steps = times
    done = [at for at in times if at <= until]
    result = incident.dice[2]
    verdict = _REPAIRED if result < 0.45 else _NOTHING if result < 0.9 else _RECALIBRATED
    return (
        f"YJ{incident.thing.number}-{incident.item[0]}{incident.slot}",
        incident.thing.number,
        incident.thing.area,
        incident.item,
        local_text(warned),
        local_text(warned + _CONFIRM_S),
        *(local_text(at) if at <= until else None for at in steps),
        len(done),
        verdict if len(done) == len(times) else None,
        local_text(done[-1]),
    )
