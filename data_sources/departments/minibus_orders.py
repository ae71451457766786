"""The minibus dispatchers' box of orders: what they find there, what they answer, and how to take buses from a line."""

from __future__ import annotations

import numpy as np
import sqlalchemy as sa

from data_sources.departments import happenings, minibus_asked, minibus_schema
from data_sources.departments.happenings import Happening
from data_sources.departments.minibus_asked import Asked
from data_sources.departments.minibus_trips import DAY, OFFSET, Rounds, all_rounds
from data_sources.departments.orders import WITHDRAW, Box, Order, Receipt, State, answer, drilled, is_heard, is_refused, orders

GAP = "gap"
_DESK = "小巷公交调度室"
BOX = Box(
    inbox=minibus_schema.inbox,
    receipts=minibus_schema.receipts,
    names=minibus_schema.INBOX,
    kinds={"加派备车": "spare_bus", "撤销": WITHDRAW},
    states={State.ACCEPTED: "1", State.ARRIVED: "2", State.DONE: "3", State.REFUSED: "4"},
    own="DD",
)


def asked_of(conn: sa.Connection, since: float, until: float, seed: int) -> Asked:
    """Spare buses ordered, and lines buses were taken from."""
    lives = happenings.lives_since(conn, since, minibus_schema.metadata)
    found = tuple(order for order in orders(conn, BOX, since, until) if _is_carried_out(order, seed))
    return Asked(lives, found, happenings.happenings(conn, GAP, until))


def _is_carried_out(order: Order, seed: int) -> bool:
    known = minibus_asked.line_of(order) is not None and not order.drill
    return known and is_heard(order, seed) and not is_refused(order, seed) and order.withdrawn > minibus_asked.ready(order, seed)


def write_answers(conn: sa.Connection, asked: Asked, rounds: list[Rounds], since: float, until: float, seed: int) -> None:
    """Write what the dispatchers answer in a stretch."""
    said: list[Receipt] = []
    for order in orders(conn, BOX, since, until):
        said += minibus_asked.receipts(order, rounds, seed) if order in asked.orders else _told_by_the_desk(order, seed)
    answer(conn, BOX, said, since, until)


def _told_by_the_desk(order: Order, seed: int) -> list[Receipt]:
    if order.drill:
        return drilled(order, seed, _DESK)
    if minibus_asked.line_of(order) is None:
        return [Receipt(order, State.REFUSED, order.came + 60, _DESK, "没有这条线路", "无此线路")]
    if is_heard(order, seed) and is_refused(order, seed):
        return [Receipt(order, State.REFUSED, order.came + 100, _DESK, "备车均已派出", "无备车")]
    return []


def provoke_gap(conn: sa.Connection, at: float, seed: int) -> str:
    """A bus of a line breaks down, the next two do not leave. Raises LookupError while hardly any bus runs."""
    begin = int(at + 5)
    today = np.array([(begin + OFFSET) // DAY * DAY - OFFSET])
    taken = {gap.subject for gap in happenings.happenings(conn, GAP, at)}
    line = minibus_asked.next_gap([r for r in all_rounds(today, seed) if r.line.code not in taken], begin)
    if line is None:
        raise LookupError("此时没有公交要发出 / no minibus is to leave now")
    happenings.provoke(conn, GAP, Happening(line, begin, 0.0))
    return f"{line}路：途中一班抛锚，接着不发车"
