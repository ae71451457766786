"""Septic tanks as rows of the sensor platform: readings with what goes wrong in them, runs, crews, clean-outs, the register."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from data_sources.departments import life, tanks_schema
from data_sources.departments import tanks_life as tanks
from data_sources.departments.building import Row, local_text, local_texts, rows_of
from data_sources.departments.life import Floats
from data_sources.departments.registers import changed_at, told_at
from data_sources.departments.sensors_assets import Thing, septic_tanks
from data_sources.departments.sensors_networks import Network
from data_sources.departments.sensors_shapes import DAY, HOUR, Indexes, dice, wander
from data_sources.departments.tanks_asked import UNASKED, Asked
from data_sources.departments.tanks_life import MINUTE
from data_sources.departments.tanks_play import Alarm, Handling, Run, handlings
from data_sources.departments.tanks_told import LOG_S, told

THINGS = tuple(septic_tanks())
EVIDENCE_S = 660.0  # readings this long before and after a run are kept: two of a terminal's
_FROZEN_GAS = 3.4
_MEASURED_S = 28 * DAY
_CLEAN_WITHIN_S = 10 * DAY
_FORGOTTEN, _LATE_CLEANING = 0.05, 0.15


def _area(who: int) -> int:
    return THINGS[who].area


# ---- readings


def reading_rows(seed: int, things: tuple[Thing, ...], who: Indexes, at: Floats, asked: Asked = UNASKED) -> list[Row]:
    """What the terminals sent. One gateway's clock is an hour ahead, one methane sensor froze, lines go down for an hour."""
    read = told(seed, who, at, asked)
    who, at = who[read.up], at[read.up]
    gas = read.gas[read.up]
    if not len(who):
        return []
    shown = np.where(who == tanks.STUCK, _FROZEN_GAS, np.where(read.full_scale[read.up], 100.0, np.clip(gas, 0, 99)))
    came = local_texts(at)
    said = local_texts(np.where(np.isin(who, list(tanks.FAST_CLOCK)), at + HOUR, at))
    columns = {
        name: np.round(values, 2 if name == "硫化氢" else 0 if name == "二氧化碳" else 1)
        for name, values in _gases(seed, who, at, gas).items()
    }
    level = np.round(np.clip(read.level[read.up] + 0.4 * wander(seed, 69, who, at, 1800), 5, 100), 1)
    numbers, areas = [things[i].number for i in who], [things[i].area for i in who]
    return rows_of(came, numbers, said, areas, np.round(shown, 1), *columns.values(), level, _kept(seed, who, at, asked))


def _gases(seed: int, who: Indexes, at: Floats, gas: Floats) -> dict[str, Floats]:
    """What comes with methane; hydrogen sulphide in ppm as the terminals report it."""
    return {
        "硫化氢": np.clip(0.3 + 0.09 * gas + tanks.SULPHIDE.height(seed, who, at) + 0.15 * wander(seed, 66, who, at, HOUR), 0, None),
        "一氧化碳": np.clip(0.8 + 0.12 * gas + tanks.MONOXIDE.height(seed, who, at) + 0.2 * wander(seed, 67, who, at, HOUR), 0, None),
        "氨气": np.clip(
            1.5
            + 0.15 * gas
            + 0.05 * life.temperature(at, seed)
            + tanks.AMMONIA.height(seed, who, at)
            + 0.3 * wander(seed, 73, who, at, HOUR),
            *(0, None),
        ),
        "二氧化碳": np.clip(1500 + 120 * gas + 150 * wander(seed, 74, who, at, HOUR), 600, None),
        "氧气": 20.8 - 0.022 * gas - 0.08 * np.abs(wander(seed, 68, who, at, HOUR)),
    }


def _kept(seed: int, who: Indexes, at: Floats, asked: Asked) -> Indexes:
    """1 for readings that are evidence of a pump run."""
    kept = np.zeros(len(at), dtype=np.int64)
    order = np.lexsort((at, who))
    bounds = np.searchsorted(who[order], np.arange(len(THINGS) + 1))
    last = float(at.max())
    # an hour on: a run's first evidence comes before what woke the controller
    for h in handlings(seed, max(float(at.min()), last - LOG_S) - HOUR, last + HOUR, asked):
        mine = order[bounds[h.who] : bounds[h.who + 1]]
        for run in h.runs:
            first, after = np.searchsorted(at[mine], (run.begin - EVIDENCE_S, run.end + EVIDENCE_S))
            kept[mine[first:after]] = 1
    return kept


def evidence(seed: int, network: Network, now: float) -> tuple[Indexes, Floats]:
    """The (tank, moment) pairs around every run in the log: what the archive keeps whole."""
    pairs = [
        (h.who, tick)
        for h in handlings(seed, now - LOG_S, now)
        for run in h.runs
        for tick in _around(network, h.who, run.begin, run.end)
        if tick <= now
    ]
    pairs = sorted(set(pairs), key=lambda pair: (pair[1], pair[0]))
    return np.array([who for who, _ in pairs], dtype=np.int64), np.array([at for _, at in pairs])


def _around(network: Network, who: int, begin: float, end: float) -> Iterable[float]:
    late, step = network.offset(who), network.cadence_s
    before = np.floor((begin - late) / step) * step + late
    after = np.ceil((end - late) / step) * step + late
    return (float(t) for t in (before - step, before, after, after + step))


# ---- what controllers and crews wrote


def recent(seed: int, since: float, until: float, asked: Asked = UNASKED) -> list[Handling]:
    """Handlings whose rows may still change in a stretch: an outcome is written after the tank is at rest again."""
    return handlings(seed, since - 3 * HOUR, until, asked)


def step_rows(seed: int, since: float, until: float, asked: Asked = UNASKED) -> list[Row]:
    """Steps controllers took after `since` up to `until`."""
    return [
        (
            *(f"KZ{THINGS[h.who].number[3:]}-{int(c.at // MINUTE)}-{n}", THINGS[h.who].number, _area(h.who)),
            *(int(c.old), int(c.new), c.why.value, local_text(c.at), local_text(c.at)),
        )
        for h in recent(seed, since, until, asked)
        for n, c in enumerate(h.changes)
        if since < c.at <= until
    ]


def run_rows(seed: int, since: float, until: float, asked: Asked = UNASKED) -> list[Row]:
    """Pump runs begun, ended or checked in a stretch, as the log had them at its end."""
    rows = []
    for h in recent(seed, since, until, asked):
        for run in h.runs:
            changed = changed_at((run.begin, run.end, run.told), since, until)
            if changed is not None:
                rows.append(_run_row(seed, h.who, run, until, changed))
    return rows


def _run_row(seed: int, who: int, run: Run, until: float, changed: float) -> Row:
    tank, minute = THINGS[who], int(run.begin // MINUTE)
    head = (f"CP{tank.number[3:]}-{minute}", tank.number, tank.area, run.trigger, local_text(run.begin))
    full, before = round(run.level_before, 1), round(run.ch4_before, 1)
    if run.end > until:
        return (*head, "", "", full, None, before, None, None, 0, local_text(changed))
    left = round(run.level_after, 1)
    if float(dice(seed, 75, np.array([who]), minute)[0]) < _MISTYPED and run.told <= until:
        left = 40.0  # what it says on the pump's plate, not what the level was
    volume = f"{max(0.0, run.pumped) * _litres_per_point(seed, who):.1f} "
    ended = (local_text(run.end), volume, full, left, before, round(run.ch4_after, 1), run.stop)
    return (*head, *ended, run.claimed if run.told <= until else 0, local_text(changed))


_MISTYPED = 0.012


def _litres_per_point(seed: int, who: int) -> float:
    return (20 + 80 * float(dice(seed, 93, np.array([who]))[0])) / 100


def callout_rows(seed: int, since: float, until: float, asked: Asked = UNASKED) -> list[Row]:
    """Crews called, arrived or done in a stretch, as the sheet had them at its end."""
    rows = []
    for h in recent(seed, since, until, asked):
        for alarm in h.alarms:
            changed = changed_at((alarm.at, alarm.notified, alarm.arrived, alarm.below, alarm.closed), since, until)
            if changed is not None:
                rows.append(_callout_row(h.who, alarm, until, changed))
    return rows


def _callout_row(who: int, alarm: Alarm, until: float, changed: float) -> Row:
    tank = THINGS[who]
    stage = 1 + int(alarm.arrived <= until) + int(alarm.closed <= until)
    return (
        *(f"CZ{tank.number[3:]}-{int(alarm.at // MINUTE)}", tank.number, tank.area, alarm.kind, alarm.value),
        *(local_text(alarm.at), told_at(alarm.notified, until), local_text(alarm.at + 30 * MINUTE)),
        *(told_at(at, until) for at in (alarm.arrived, alarm.below, alarm.closed)),
        *(stage, local_text(changed)),
    )


# ---- scum, sludge and clean-outs


def _cleaning(seed: int, who: Indexes, turn: Indexes) -> tuple[Floats, Floats, Floats]:
    """When a tank's layers pass a third of its depth, when that is ordered to be cleaned, and when it is."""
    every = (260 + 170 * dice(seed, 76, who)) * DAY
    done = np.floor((dice(seed, 77, who) * 430 * DAY + (turn + 1) * every) / HOUR) * HOUR
    late = dice(seed, 78, who, turn) < _LATE_CLEANING
    luck = dice(seed, 79, who, turn)
    ordered = done - np.where(late, (12 + 18 * luck) * DAY, (3 + 6 * luck) * DAY) // MINUTE * MINUTE
    passed = ordered - np.where(dice(seed, 95, who, turn) < _FORGOTTEN, 21 * DAY, 2 * HOUR)
    return passed, ordered, done


def _turn_of(seed: int, who: Indexes, at: float) -> Indexes:
    every = (260 + 170 * dice(seed, 76, who)) * DAY
    return np.asarray(np.floor((at - dice(seed, 77, who) * 430 * DAY) / every)).astype(np.int64)


def layer_shares(seed: int, who: Indexes, at: float) -> Floats:
    """Scum and sludge of tanks as a share of their effective depth, as last measured."""
    measured = np.floor((at - who * HOUR) / _MEASURED_S) * _MEASURED_S + who * HOUR
    turn = np.array([_turn_of(seed, who[i : i + 1], float(t))[0] for i, t in enumerate(measured)])
    before, passed = _cleaning(seed, who, turn - 1)[2], _cleaning(seed, who, turn)[0]
    grown = np.clip((measured - before) / (passed - before), 0, 1.1)
    return np.asarray(0.05 + (0.336 - 0.05) * grown)


def _depths(seed: int, who: Indexes) -> Floats:
    return np.round(2.2 + 2.3 * dice(seed, 93, who), 2)


def layers(seed: int, at: float) -> list[tuple[float, float]]:
    """Scum and sludge of every tank, cm, as last measured."""
    who = np.arange(len(THINGS))
    deep = layer_shares(seed, who, at) * _depths(seed, who) * _EFFECTIVE * 100
    return [(round(0.4 * d, 1), round(0.6 * d, 1)) for d in deep.tolist()]


_EFFECTIVE = 0.8  # of a tank's depth is water depth


def clean_rows(seed: int, since: float, until: float) -> list[Row]:
    """Clean-outs ordered or done in a stretch."""
    rows = []
    everyone = np.arange(len(THINGS))
    depth = np.round(_depths(seed, everyone) * _EFFECTIVE, 2)
    first, last = _turn_of(seed, everyone, since), _turn_of(seed, everyone, until + 45 * DAY)
    for who in range(len(THINGS)):
        turns = np.arange(first[who] - 1, last[who] + 1)
        _passed, ordered, done = _cleaning(seed, np.full(len(turns), who), turns)
        for turn, at, end in zip(turns.tolist(), ordered.tolist(), done.tolist(), strict=True):
            changed = changed_at((at, end), since, until)
            if changed is not None:
                thick = 0.336 * float(depth[who]) * 100
                head = (f"QT{THINGS[who].number[3:]}-{turn}", THINGS[who].number, _area(who), round(0.4 * thick, 1), round(0.6 * thick, 1))
                due = local_text(at + _CLEAN_WITHIN_S)
                rows.append((*head, float(depth[who]), local_text(at), due, told_at(end, until), local_text(changed)))
    return rows


# ---- the register


def states_at(seed: int, at: float) -> list[int]:
    """What every controller is doing at a moment, by number."""
    who = np.arange(len(THINGS))
    return [int(s) for s in told(seed, who, np.full(len(THINGS), at)).state]


def last_steps(seed: int, since: float, until: float, asked: Asked = UNASKED) -> dict[int, tuple[float, int]]:
    """Per tank its newest step in a stretch: when, and the state it led to."""
    found: dict[int, tuple[float, int]] = {}
    for h in recent(seed, since, until, asked):
        for change in h.changes:
            if since < change.at <= until and change.at >= found.get(h.who, (0.0, 0))[0]:
                found[h.who] = (change.at, int(change.new))
    return found


def register_rows(seed: int, at: float) -> list[Row]:
    """The register as it stands at a moment."""
    who = np.arange(len(THINGS))
    states, thick, moved = states_at(seed, at), layers(seed, at), last_steps(seed, at - DAY, at)
    size, risk = dice(seed, 93, who), dice(seed, 94, who)
    words = ("人流", "明火", "学校", "")
    return [
        (
            *(t.number, t.name, t.kind, t.form, t.street, t.lon, t.lat, f"{20 + 80 * float(size[i]):,.2f} "),
            *(round(2.2 + 2.3 * float(size[i]), 2), words[int(risk[i] * 4)], states[i], *thick[i], "模拟"),
            local_text(moved[i][0] if i in moved else at - DAY - 3600 * i),
        )
        for i, t in enumerate(THINGS)
    ]


NETWORK = Network(tanks_schema.tank_data, THINGS, 300.0, 13, reading_rows, silent=frozenset(tanks.SILENT))
