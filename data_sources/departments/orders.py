"""How a demo department takes work orders: a box of its own that others may write to, and what its crews answer.

A crew finds an order when it next looks. From then on what becomes of it is known by the order's number and the seed, so that
a department that lives in steps answers as one that lives an hour at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from math import ceil, inf
from typing import Any

import numpy as np
import sqlalchemy as sa

from data_sources.departments.building import add_rows, local_text
from data_sources.departments.life import ZONE, noise

_LUCK = 4400  # noise streams of this file
_KNOWN_FOR_S = 3 * 86_400.0  # after that nothing of an order moves any more
WITHDRAW = "withdraw"  # an order that names another in its instruction: 撤销工单<number>：<why>
_WITHDRAWN = re.compile(r"撤销工单([^\s：]+)")
_UNHEARD, _REFUSED, _LATE = 0.035, 0.04, 0.12
S = sa.String


class State(StrEnum):
    """What a crew may answer."""

    ACCEPTED = "accepted"
    ARRIVED = "arrived"
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Order:
    """A work order as the department has it."""

    number: str
    kind: str
    asset: str
    came: float  # when somebody of the department found it
    drill: bool = False
    withdrawn: float = inf  # when it was called back

    def luck(self, seed: int, stream: int) -> float:
        """A number in [0, 1) of this order alone."""
        own = int.from_bytes(blake2b(self.number.encode(), digest_size=6).digest())
        return float(noise(seed, _LUCK + stream, np.array([own]))[0])


@dataclass(frozen=True, slots=True)
class Receipt:
    """An answer of a crew."""

    order: Order
    state: State
    at: float
    unit: str
    note: str
    result: str = ""


@dataclass(frozen=True)
class Box:
    """A department's two tables, and what it calls things in them: our name → its column, its word → our action."""

    inbox: sa.Table
    receipts: sa.Table
    names: Mapping[str, str]  # order_no, kind, asset_id, instruction, issued_at, drill, found_at
    kinds: Mapping[str, str]
    states: Mapping[State, str]
    drills: tuple[str, str] = ("0", "1")  # what it writes for no and yes
    own: str = ""  # with what its receipts' numbers begin

    def column(self, name: str) -> sa.Column[Any]:
        """The inbox's column of ours."""
        return self.inbox.c[self.names[name]]


_KINDS: Mapping[str, Any] = {
    **{"order_no": S(64), "asset_id": S(96), "place": S(200), "instruction": sa.Text},
    **{"priority": sa.SmallInteger, "drill": sa.SmallInteger},
}


def inbox_columns(names: Mapping[str, str]) -> list[sa.Column[Any]]:
    """The columns of an inbox: what an order says, by the department's names, and when a crew found it."""
    made = [
        sa.Column(theirs, _KINDS.get(ours, S(48)), primary_key=ours == "order_no", nullable=ours != "order_no")
        for ours, theirs in names.items()
        if ours != "found_at"
    ]
    return [*made, sa.Column(names["found_at"], S(19), index=True)]


def orders(conn: sa.Connection, box: Box, since: float, until: float) -> list[Order]:
    """Orders found up to `until`, those of the last days. One that came since is marked as found now."""
    for number, issued in conn.execute(sa.select(box.column("order_no"), box.column("issued_at")).where(box.column("found_at").is_(None))):
        came = ceil(max(moment(issued), since))
        if came <= until:
            conn.execute(box.inbox.update().where(box.column("order_no") == number).values({box.names["found_at"]: local_text(came)}))
    wanted = [box.column(name) for name in ("order_no", "kind", "asset_id", "found_at", "drill", "instruction")]
    since_then = box.column("found_at") > local_text(since - _KNOWN_FOR_S)
    rows = conn.execute(sa.select(*wanted).where(since_then).order_by(wanted[3], wanted[0])).all()
    back = {said[1]: moment(row[3]) for row in rows if box.kinds.get(row[1]) == WITHDRAW and (said := _WITHDRAWN.search(row[5]))}
    return [
        Order(number, box.kinds.get(kind, kind), asset, moment(came), str(drill) == box.drills[1], back.get(number, inf))
        for number, kind, asset, came, drill, _told in rows
        if box.kinds.get(kind) != WITHDRAW
    ]


def answer(conn: sa.Connection, box: Box, receipts: Iterable[Receipt], since: float, until: float) -> None:
    """Write the receipts of a stretch. An order called back is not answered any further."""
    due = sorted((r for r in receipts if since < r.at <= min(until, r.order.withdrawn)), key=lambda r: (r.at, r.order.number))
    add_rows(conn, box.receipts, [_row(box, r) for r in due])


def _row(box: Box, r: Receipt) -> tuple[Any, ...]:
    note = f"【演练】{r.note}" if r.order.drill else r.note
    number = f"{box.own}{r.order.number}-{list(State).index(r.state) + 1}"
    said = (number, r.order.number, r.order.asset, box.states[r.state], local_text(r.at), r.unit, note, r.result)
    return (*said, box.drills[r.order.drill])


def receipt_columns(*names: str) -> list[sa.Column[Any]]:
    """The columns of receipts by the department's names: number, order, asset, state, time, crew, note, result, drill."""
    widths = (80, 64, 96, 8, 19, 40, 200, 40, 8)
    return [
        sa.Column(name, S(width), primary_key=i == 0, nullable=i > 3, index=i == 4)
        for i, (name, width) in enumerate(zip(names, widths, strict=True))
    ]


def moment(text: object) -> float:
    """A moment as somebody wrote it; without an offset it is the city's."""
    at = text if isinstance(text, datetime) else datetime.fromisoformat(str(text))
    return (at if at.tzinfo else at.replace(tzinfo=ZONE)).timestamp()


# ---- how crews take orders


@dataclass(frozen=True)
class Manner:
    """How a crew goes about an order: minutes to accept, to arrive after that, and to be done after that."""

    accept: float
    arrive: float
    work: float


def is_heard(order: Order, seed: int) -> bool:
    """Whether anybody takes notice; a drill is always taken part in."""
    return order.drill or order.luck(seed, 0) >= _UNHEARD


def is_refused(order: Order, seed: int) -> bool:
    """Whether the crew says that it cannot come."""
    return not order.drill and order.luck(seed, 1) < _REFUSED


def times(order: Order, seed: int, manner: Manner) -> tuple[float, float, float]:
    """When an order is accepted, the crew arrives, and the work is done; whole seconds. Some are late."""
    slow = 2.6 if not order.drill and order.luck(seed, 2) < _LATE else 1.0
    accepted = order.came + ceil(60 * manner.accept * slow * (0.4 + order.luck(seed, 3)))
    arrived = accepted + ceil(60 * manner.arrive * slow * (0.6 + 0.7 * order.luck(seed, 4)))
    return accepted, arrived, arrived + ceil(60 * manner.work * (0.7 + 0.6 * order.luck(seed, 5)))


_DRILLED = Manner(accept=2, arrive=4, work=6)


def drilled(order: Order, seed: int, unit: str) -> list[Receipt]:
    """How a drill is answered: people go where they would go, and touch nothing."""
    accepted, arrived, done = times(order, seed, _DRILLED)
    return [
        Receipt(order, State.ACCEPTED, accepted, unit, "收到，按演练方案进行"),
        Receipt(order, State.ARRIVED, arrived, unit, "人员车辆到位，不作业"),
        Receipt(order, State.DONE, done, unit, "演练结束", "演练"),
    ]
