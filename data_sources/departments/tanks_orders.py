"""Septic tanks under orders: what the bureau's desk finds in its box becomes wishes for controllers, and is answered."""

from __future__ import annotations

from math import ceil

import numpy as np
import sqlalchemy as sa

from data_sources.departments import happenings, tanks_schema
from data_sources.departments import tanks_life as tanks
from data_sources.departments import tanks_rows as rows
from data_sources.departments.building import local_text
from data_sources.departments.happenings import Happening
from data_sources.departments.orders import WITHDRAW, Box, Order, Receipt, State, answer, drilled, is_heard, is_refused, orders
from data_sources.departments.sensors_schema import metadata
from data_sources.departments.sensors_shapes import HOUR
from data_sources.departments.tanks_asked import Asked, Wish
from data_sources.departments.tanks_life import MINUTE
from data_sources.departments.tanks_play import handlings
from data_sources.departments.tanks_told import told

GAS = "gas"
_RAISED = 27.0  # %LEL: past the alarm line
_LATE_CREWS = 0.06
_MIDDLING = (56.0, 76.0)  # percent of level: enough to pump, not yet due
_KINDS = ("ventilate", "pump", "crew")
_WHO = {thing.number: i for i, thing in enumerate(rows.THINGS)}
BOX = Box(
    inbox=tanks_schema.inbox,
    receipts=tanks_schema.receipts,
    names=tanks_schema.INBOX,
    kinds={"通风": "ventilate", "抽排": "pump", "到场": "crew", "撤销": WITHDRAW},
    states={State.ACCEPTED: "1", State.ARRIVED: "2", State.DONE: "3", State.REFUSED: "9"},
    own="CK",
)


def asked_of(conn: sa.Connection, since: float, until: float, seed: int) -> Asked:
    """What controllers are asked to do, and gas that was let gather."""
    lives = happenings.lives_since(conn, since, metadata)
    found = orders(conn, BOX, since, until)
    wishes = tuple(_wish(order, seed) for order in found if _is_carried_out(order, seed))
    return Asked(lives, wishes, happenings.happenings(conn, GAS, until))


def _is_carried_out(order: Order, seed: int) -> bool:
    return order.asset in _WHO and not order.drill and is_heard(order, seed) and not is_refused(order, seed) and order.kind in _KINDS


def _wish(order: Order, seed: int) -> Wish:
    given = order.came + 10 + 35 * order.luck(seed, 3)
    begin = ceil(given / MINUTE) * MINUTE
    return Wish(order.number, _WHO[order.asset], begin, order.kind, begin + _drive(order, seed), order.withdrawn)


def _drive(order: Order, seed: int) -> float:
    """How long a crew needs to get there: half an hour is not always kept."""
    luck = order.luck(seed, 4)
    return float(ceil(31 + 17 * luck if order.luck(seed, 2) < _LATE_CREWS else 8 + 19 * luck)) * MINUTE


def write_answers(conn: sa.Connection, asked: Asked, since: float, until: float, seed: int) -> None:
    """Write what controllers, and those who watch them, answer in a stretch."""
    found = orders(conn, BOX, since, until)
    said: list[Receipt] = []
    for order in found:
        said += _told_by_people(order, seed)
    known = {order.number: order for order in found}
    for h in rows.recent(seed, since, until, asked):
        unit = f"{rows.THINGS[h.who].area}片区控制室"
        said += [Receipt(known[a.number], a.state, a.at, unit, a.note, a.result) for a in h.answers if a.number in known]
    answer(conn, BOX, said, since, until)


def _told_by_people(order: Order, seed: int) -> list[Receipt]:
    """Answers to orders that no controller gets."""
    if order.drill:
        return drilled(order, seed, "化粪池值守组")
    if order.asset not in _WHO:
        return [Receipt(order, State.REFUSED, order.came + MINUTE, "化粪池值守组", "台账无此池", "无此池")]
    if is_heard(order, seed) and is_refused(order, seed):
        return [Receipt(order, State.REFUSED, order.came + 3 * MINUTE, "化粪池值守组", "现场无人监护，暂不远程启动", "无人监护")]
    return []


def keep_evidence(conn: sa.Connection, asked: Asked, since: float, until: float, seed: int) -> None:
    """Readings round a run that an order brought about are kept whole too: nobody knew of it when they came in."""
    data = tanks_schema.tank_data
    for h in rows.recent(seed, since, until, asked):
        for run in (run for run in h.runs if since < run.begin <= until and h.answers):
            near = data.c.入库时间.between(local_text(run.begin - rows.EVIDENCE_S), local_text(run.begin))
            conn.execute(data.update().where(near, data.c.设施编号 == rows.THINGS[h.who].number).values(留痕=1))


def provoke_gas(conn: sa.Connection, at: float, seed: int) -> str:
    """Methane in a tank that is at rest and half full, whose terminal speaks next."""
    begin = ceil((at + 5) / MINUTE) * MINUTE
    everyone = np.arange(tanks.TANK_COUNT)
    level = told(seed, everyone, np.full(tanks.TANK_COUNT, begin)).level
    busy = {h.who for h in handlings(seed, begin - 3 * HOUR, begin + 5 * HOUR)}
    odd = busy | {tanks.STUCK, *tanks.SILENT, *tanks.FAST_CLOCK, *(int(g.subject) for g in happenings.happenings(conn, GAS, at))}
    free = [who for who in everyone.tolist() if who not in odd and _MIDDLING[0] < level[who] < _MIDDLING[1]]
    who = min(free, key=lambda w: (rows.NETWORK.offset(w) - begin - 3 * MINUTE) % rows.NETWORK.cadence_s)
    happenings.provoke(conn, GAS, Happening(str(who), begin, _RAISED))
    return f"{rows.THINGS[who].name} {rows.THINGS[who].number}：甲烷 +{_RAISED:g} %LEL"
