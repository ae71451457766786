"""Slopes as rows of the sensor platform: readings with what goes wrong in them, warnings, who was called, patrols, the register."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from data_sources.departments import slopes_asked, slopes_schema
from data_sources.departments import slopes_life as slopes
from data_sources.departments.building import Row, local_text, local_texts, rows_of
from data_sources.departments.life import Floats
from data_sources.departments.registers import changed_at, told_at
from data_sources.departments.sensors_assets import Thing, gauges
from data_sources.departments.sensors_networks import Network
from data_sources.departments.sensors_shapes import DAY, HOUR, Indexes, dice
from data_sources.departments.slopes_asked import UNASKED, Asked
from data_sources.departments.slopes_life import MINUTE, THINGS, Warned

GAUGES = tuple(gauges())
_STUCK, _SILENT, _FAST_CLOCK = 9, 12, 5  # a crack gauge that froze, a terminal that no longer answers, a clock an hour ahead
ODD = frozenset({_STUCK, _SILENT, _FAST_CLOCK})
_FROZEN_MM = 17.42
_NO_FIX, _LOST = -9999.0, 0.0012
_PATROL_S = 3.2 * DAY
_LATE_PATROLS = 0.07
_LONGEST = 20 * DAY  # of a warning
ROLES = 4


# ---- readings


def reading_rows(seed: int, things: tuple[Thing, ...], who: Indexes, at: Floats, asked: Asked = UNASKED) -> list[Row]:
    """What the terminals sent. Rocks have a vibration sensor; a receiver without a fix says -9999."""
    if not len(who):
        return []
    read = slopes_asked.slipped(slopes.slope_values(seed, who, at), who, at, asked)
    lost = dice(seed, 1270, who, (at // 60).astype(np.int64)) < _LOST
    far = np.where(lost, _NO_FIX, np.round(read["累计位移"], 2))
    crack = np.where(who == _STUCK, _FROZEN_MM, np.round(read["裂缝宽度"], 3))
    rock = np.array([t.kind == "危岩" for t in things])[who].tolist()
    shaken = [value if on else None for value, on in zip(np.round(read["振动峰值"], 1).tolist(), rock, strict=True)]
    came, said = local_texts(at), local_texts(np.where(who == _FAST_CLOCK, at + HOUR, at))
    numbers, areas = [things[i].number for i in who], [things[i].area for i in who]
    return rows_of(came, numbers, said, areas, far, crack, np.round(read["倾角"], 4), shaken, np.round(read["含水率"], 1))


def rain_rows(seed: int, things: tuple[Thing, ...], who: Indexes, at: Floats, asked: Asked = UNASKED) -> list[Row]:
    """What the gauges sent."""
    if not len(who):
        return []
    came, read = local_texts(at), slopes_asked.rained(slopes.rain_values(seed, who, at), who, at, asked)
    numbers, areas = [things[i].number for i in who], [things[i].area for i in who]
    return rows_of(came, numbers, came, areas, *(np.round(values, 1) for values in read.values()))


# ---- warnings and calls


def _warned(seed: int, since: float, until: float, asked: Asked) -> Iterator[Warned]:
    """Warnings a stretch may still change."""
    return (w for w in slopes_asked.warned(seed, until, asked) if w.issued <= until and (w.lifted > since or w.issued > since - _LONGEST))


def _moves(w: Warned, at: float) -> bool:
    """Whether people have been told to leave by a moment."""
    return w.level(at) <= slopes.ORANGE


def warning_rows(seed: int, since: float, until: float, asked: Asked = UNASKED) -> list[Row]:
    """Warnings issued, raised, answered, acted on or lifted in a stretch, as the bureau had them at its end."""
    rows = []
    for w in _warned(seed, since, until, asked):
        raised = (at for at, _ in w.raised)
        moving = [w.moving, w.moving + (w.moved - w.moving) / 2 // MINUTE * MINUTE, w.moved] if w.to_move else []
        changed = changed_at([w.issued, *raised, w.called, w.answered, *moving, w.observing, w.lifted], since, until)
        if changed is not None:
            rows.append(_warning_row(w, until, changed))
    return rows


def _stage(w: Warned, at: float) -> int:
    """1 warned, 2 called, 3 answered, 4 people moving, 5 all moved, 6 watched, 7 lifted."""
    if at >= w.lifted:
        return 7
    if at >= w.observing:
        return 6
    if w.to_move and at >= w.moving:
        return 5 if at >= w.moved else 4
    return 3 if at >= w.answered else 2 if at >= w.called else 1


def _gone(w: Warned, ordered: int, at: float) -> int:
    """How many of those told to leave have: somewhat over half by half time."""
    if at < w.moving:
        return 0
    return ordered - w.staying if at >= w.moved else int(ordered * 0.55) if at >= (w.moving + w.moved) / 2 else 0


def _warning_row(w: Warned, until: float, changed: float) -> Row:
    thing, ordered = THINGS[w.who], w.to_move if _moves(w, until) else 0
    gone = _gone(w, ordered, until)
    steps = (w.called, w.answered, w.moving if w.to_move else np.inf, w.moved if w.to_move else np.inf, w.observing, w.lifted)
    return (
        *(w.number, thing.number, thing.area, w.level(until), _stage(w, until), local_text(w.issued)),
        *(told_at(at, until) for at in steps),
        *(w.people, ordered, gone, local_text(changed)),
    )


def call_rows(seed: int, since: float, until: float, asked: Asked = UNASKED) -> list[Row]:
    """The four of a warning's grid called and answering: the first to answer is the bureau's own answer."""
    rows = []
    for w in _warned(seed, since, until, asked):
        limit = slopes.answer_limit(w)
        for role in range(1, ROLES + 1):
            answered = slopes.answer_of(seed, w, role)
            changed = changed_at((w.called, answered), since, until)
            if changed is not None:
                thing = THINGS[w.who]
                head = (f"{w.number}-{role}", w.number, thing.number, thing.area, role, local_text(w.called))
                rows.append((*head, local_text(w.called + limit), told_at(answered, until), local_text(changed)))
    return rows


# ---- patrols


def patrol_rows(seed: int, since: float, until: float) -> list[Row]:
    """Every point is walked before, during and after a spell of rain; a few are late, some find something."""
    rows = []
    everyone = np.arange(len(THINGS))
    for spell in slopes.spells(seed, until):
        if spell.begin - DAY > until or (spell.end + 3 * DAY < since):
            continue
        lot = int(spell.begin // HOUR)
        for phase, (issued, due) in enumerate(_phases(spell), 1):
            late = dice(seed, 1280 + phase, everyone, lot) < _LATE_PATROLS
            luck = dice(seed, 1284 + phase, everyone, lot)
            done = (
                issued
                + np.floor(np.where(late, (due - issued) + (10 + 200 * luck) * MINUTE, (due - issued) * (0.1 + 0.85 * luck)) / MINUTE)
                * MINUTE
            )
            odd = dice(seed, 1288 + phase, everyone, lot) < (0.02, 0.05, 0.07)[phase - 1]
            for who, thing in enumerate(THINGS):
                changed = changed_at((issued, float(done[who])), since, until)
                if changed is not None:
                    head = (f"XC{thing.number[2:]}-{lot}-{phase}", thing.number, thing.area, phase, local_text(issued), local_text(due))
                    walked = float(done[who]) <= until
                    rows.append((*head, told_at(float(done[who]), until), int(not odd[who]) if walked else None, local_text(changed)))
    return rows


def _phases(spell: slopes.Spell) -> tuple[tuple[float, float], ...]:
    """When each round is ordered and by when it must be walked."""
    return (
        (spell.begin - 6 * HOUR, spell.begin),
        (spell.begin + HOUR, spell.begin + 4 * HOUR),
        (spell.end, spell.end + 12 * HOUR),
    )


def last_walked(seed: int, at: float) -> Floats:
    """When each point was last on its round: about twice a week, now and then a little late."""
    who = np.arange(len(THINGS))
    phase = dice(seed, 80, who) * _PATROL_S
    turn = np.floor((at - phase) / _PATROL_S).astype(np.int64)
    walked = [phase + (k + 0.1 * dice(seed, 81, who, k)) * _PATROL_S for k in (turn, turn - 1)]
    return np.where(walked[0] <= at, walked[0], walked[1])


# ---- the register


def levels_at(seed: int, at: float, asked: Asked = UNASKED) -> list[int]:
    """The level each point is held at, in the bureau's numbering; 0: none."""
    held = [0] * len(THINGS)
    for w in slopes_asked.warned(seed, at, asked):
        if w.issued <= at < w.lifted:
            held[w.who] = w.level(at)
    return held


def level_changes(seed: int, since: float, until: float, asked: Asked = UNASKED) -> dict[int, float]:
    """When the level of each point last changed in a stretch; points whose level did not are left out."""
    found: dict[int, float] = {}
    for w in _warned(seed, since, until, asked):
        moments = [at for at in (*(at for at, _ in w.raised), w.lifted) if since < at <= until]
        if moments:
            found[w.who] = max(*moments, found.get(w.who, 0.0))
    return found


def register_rows(seed: int, at: float) -> list[Row]:
    """The register as it stands at a moment."""
    held, walked, living = levels_at(seed, at), last_walked(seed, at), slopes.people(seed)
    return [
        (
            *(t.number, t.name, t.kind, t.street, t.lon, t.lat, int(living[i]), held[i]),
            *(local_text(walked[i]), "模拟", local_text(walked[i])),
        )
        for i, t in enumerate(THINGS)
    ]


NETWORK = Network(slopes_schema.slope_data, THINGS, 300.0, 20, reading_rows, silent=frozenset({_SILENT}))
RAIN = Network(slopes_schema.rain_data, GAUGES, 300.0, 100, rain_rows)
