"""Slopes under orders: who is called, goes there and moves people because the city says so; and a rock that somebody let slip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil

import numpy as np

from data_sources.departments import slopes_life as slopes
from data_sources.departments.happenings import Happening
from data_sources.departments.life import Floats
from data_sources.departments.orders import Manner, Order, Receipt, State, times
from data_sources.departments.sensors_assets import gauges
from data_sources.departments.sensors_shapes import DAY, HOUR, Indexes
from data_sources.departments.slopes_life import MINUTE, ORANGE, THINGS, YELLOW, Warned

WHO = {thing.number: i for i, thing in enumerate(THINGS)}
_BY_ITSELF = 30 * MINUTE  # a bureau nobody asks calls this much later
_EARLIER = HOUR  # an order may come before the bureau's own warning
_CALM_S = 6 * HOUR
_SHARE = 0.45  # of the people below who are told to leave where the bureau itself would not have
_CALL, _WATCH, _MOVE = Manner(2, 0, 0), Manner(3, 14, 60), Manner(2, 9, 0)
_SLIP_MM, _SOAKED, _DRIES_S = 1.1, 12.0, 8 * HOUR  # of a rock let slip: its crack, and soil moisture in points
SLIP_S = 60.0


@dataclass(frozen=True)
class Asked:
    """Orders that are carried out, since when the bureau waits for them, and rocks that somebody let slip."""

    since: float = np.inf
    orders: tuple[Order, ...] = ()
    rocks: tuple[Happening, ...] = ()  # the subject is a point's position, the size the rain in mm


UNASKED = Asked()


# ---- what instruments read


def slipped(values: dict[str, Floats], who: Indexes, at: Floats, asked: Asked) -> dict[str, Floats]:
    """Readings with what a rock let slip adds: a crack that springs open, wet ground."""
    for rock in asked.rocks:
        here, age = who == int(rock.subject), at - rock.at
        opened = np.clip(age / SLIP_S, 0, 1) * _SLIP_MM
        wet = np.where(age > 0, _SOAKED * np.exp(-np.clip(age - HOUR, 0, None) / _DRIES_S), 0.0)
        values["裂缝宽度"] = values["裂缝宽度"] + np.where(here, opened, 0.0)
        values["含水率"] = values["含水率"] + np.where(here, wet, 0.0)
    return values


def rained(values: dict[str, Floats], who: Indexes, at: Floats, asked: Asked) -> dict[str, Floats]:
    """Readings of gauges with the cloudburst over a rock let slip."""
    for rock in asked.rocks:
        here, age = who == nearest_gauge(int(rock.subject)), at - rock.at
        hour = np.where(age > 0, rock.size * np.clip(2 - age / HOUR, 0, 1), 0.0)
        day = np.where((age > 0) & (age < DAY), rock.size, 0.0)
        values["小时雨量"], values["日雨量"] = values["小时雨量"] + np.where(here, hour, 0), values["日雨量"] + np.where(here, day, 0)
    return values


def nearest_gauge(who: int) -> int:
    """The gauge that stands for a point."""
    point = THINGS[who]
    return min(range(len(gauges())), key=lambda i: (gauges()[i].lon - point.lon) ** 2 + (gauges()[i].lat - point.lat) ** 2)


# ---- what the bureau does


def warned(seed: int, until: float, asked: Asked = UNASKED) -> tuple[Warned, ...]:
    """Every warning begun up to the end of the day after a moment, answered as the bureau was asked to."""
    return _warned(seed, int(until // DAY), asked)


@lru_cache(maxsize=8)
def _warned(seed: int, day: int, asked: Asked) -> tuple[Warned, ...]:
    own = slopes.warned(seed, day * DAY)
    if asked.since == np.inf:
        return own
    known = [w for w in own if w.issued <= asked.since]
    begun = [w for w in own if w.issued > asked.since] + [_of_rock(seed, rock) for rock in asked.rocks]
    begun += [_of_order(seed, order) for order in asked.orders if not any(_concerns(order, w) for w in (*known, *begun))]
    found = [*known, *(_acted_on(seed, w, asked) for w in _one_at_a_time(begun))]
    return tuple(sorted(found, key=lambda w: (w.issued, w.who)))


def _one_at_a_time(begun: list[Warned]) -> Iterator[Warned]:
    """Orders about one point that came one after the other are about one warning."""
    last: dict[int, Warned] = {}
    for w in sorted(begun, key=lambda w: (w.issued, w.who)):
        if w.who not in last or w.issued >= last[w.who].lifted:
            last[w.who] = w
            yield w


def _concerns(order: Order, w: Warned) -> bool:
    return WHO.get(order.asset) == w.who and w.issued - _EARLIER <= order.came < w.lifted


def _of_rock(seed: int, rock: Happening) -> Warned:
    """The bureau's own warning of a rock let slip: yellow when it is seen, orange when it does not stop."""
    begin = ceil((rock.at + 12 * MINUTE) / MINUTE) * MINUTE
    return _plain(seed, int(rock.subject), begin, ((begin, YELLOW), (begin + 30 * MINUTE, ORANGE)), begin + 2 * HOUR)


def _of_order(seed: int, order: Order) -> Warned:
    """A warning made because the city asked for a point the bureau saw nothing wrong with."""
    begin = ceil(order.came / MINUTE) * MINUTE
    return _plain(seed, WHO[order.asset], begin, ((begin, YELLOW),), begin + HOUR)


def _plain(seed: int, who: int, begin: float, raised: tuple[tuple[float, int], ...], calm: float) -> Warned:
    called, everybody = begin + 2 * MINUTE, int(slopes.people(seed)[who])
    never = float("inf")
    return Warned(who, begin, raised, everybody, 0, 0, called, called + 6 * MINUTE, never, never, calm, calm + _CALM_S)


def _acted_on(seed: int, w: Warned, asked: Asked) -> Warned:
    """A warning as it went under orders; without them the bureau does what it must, late."""
    mine = [order for order in asked.orders if _concerns(order, w)]
    called = min([w.called + _BY_ITSELF, *(accepted(order, seed) for order in mine if order.kind == "call")])
    issued = min(w.issued, called)
    w = replace(w, issued=issued, raised=((issued, w.raised[0][1]), *w.raised[1:]), called=called, answered=called + w.answered - w.called)
    w = _moved(seed, w, min((order for order in mine if order.kind == "evacuate"), key=lambda o: arrived(o, seed), default=None))
    watched = max(w.observing, w.answered + MINUTE, w.moved if w.to_move else 0.0)
    return replace(w, observing=watched, lifted=watched + _CALM_S)


def _moved(seed: int, w: Warned, order: Order | None) -> Warned:
    if order is None or arrived(order, seed) > w.moving + _BY_ITSELF:
        return replace(w, moving=w.moving + _BY_ITSELF, moved=w.moved + _BY_ITSELF)
    begin, to_move = arrived(order, seed), w.to_move or ceil(w.people * _SHARE)
    lasts = w.moved - w.moving if w.to_move else ceil(30 + 60 * order.luck(seed, 5) + 0.25 * to_move) * MINUTE
    raised = w.raised if w.level(begin) <= ORANGE else (*w.raised, (begin, ORANGE))
    staying = w.staying or int(to_move * 0.06 * order.luck(seed, 6))
    return replace(w, to_move=to_move, staying=staying, raised=raised, moving=begin, moved=begin + lasts)


# ---- what it answers


def accepted(order: Order, seed: int) -> float:
    """When somebody takes an order, on a whole minute."""
    return ceil(times(order, seed, _CALL)[0] / MINUTE) * MINUTE


def arrived(order: Order, seed: int) -> float:
    """When those sent are there, on a whole minute."""
    return ceil(times(order, seed, _MOVE if order.kind == "evacuate" else _WATCH)[1] / MINUTE) * MINUTE


def receipts(order: Order, asked: Asked, seed: int, until: float) -> Iterator[Receipt]:
    """What is answered to an order that is carried out."""
    w = next((w for w in warned(seed, until, asked) if WHO[order.asset] == w.who and w.issued <= accepted(order, seed) <= w.lifted), None)
    if w is None:
        return
    thing = THINGS[w.who]
    unit = f"{thing.street}地灾网格"
    yield Receipt(order, State.ACCEPTED, accepted(order, seed), unit, "已接令")
    if order.kind == "call":
        last = max(*(slopes.answer_of(seed, w, role) for role in range(1, 5)), accepted(order, seed) + MINUTE)
        yield Receipt(order, State.DONE, last, unit, "群测群防员、片区负责人、驻守地质员、区县技术员", "均已应答")
    elif order.kind == "respond":
        there = arrived(order, seed)
        yield Receipt(order, State.ARRIVED, there, unit, "到点值守，崖下通道已封闭")
        yield Receipt(order, State.DONE, there + ceil(45 + 50 * order.luck(seed, 5)) * MINUTE, unit, "首轮值守完毕", "未见落石")
    elif order.kind == "evacuate":
        yield Receipt(order, State.ARRIVED, max(w.moving, accepted(order, seed)), unit, f"开始转移，应转移{w.to_move}人")
        gone = w.to_move - w.staying
        note = f"{w.staying}人劝离未果" if w.staying else "无人滞留"
        yield Receipt(order, State.DONE, max(w.moved, accepted(order, seed) + MINUTE), unit, note, f"转移{gone}人")
