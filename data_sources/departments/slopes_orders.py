"""The geohazard desk's box of orders at the sensor platform: what it finds there, what it answers, and how to let a rock slip."""

from __future__ import annotations

import sqlalchemy as sa

from data_sources.departments import happenings, slopes_asked, slopes_rows, slopes_schema
from data_sources.departments.building import local_text
from data_sources.departments.happenings import Happening
from data_sources.departments.orders import WITHDRAW, Box, Order, Receipt, State, answer, drilled, is_heard, is_refused, orders
from data_sources.departments.registers import change_row
from data_sources.departments.sensors_schema import metadata
from data_sources.departments.slopes_asked import Asked
from data_sources.departments.slopes_life import MINUTE, THINGS

ROCK = "rock"
_RAIN_MM = 34.0  # in an hour: past the yellow line
_KINDS = ("call", "respond", "evacuate")
_DESK = "地灾值班室"
BOX = Box(
    inbox=slopes_schema.inbox,
    receipts=slopes_schema.receipts,
    names=slopes_schema.INBOX,
    kinds={"叫应": "call", "到点响应": "respond", "转移": "evacuate", "撤销": WITHDRAW},
    states={State.ACCEPTED: "已接收", State.ARRIVED: "已到位", State.DONE: "已办结", State.REFUSED: "退回"},
    own="DZ",
)


def asked_of(conn: sa.Connection, since: float, until: float, seed: int) -> Asked:
    """What the bureau was asked to do, and rocks let slip."""
    lives = happenings.lives_since(conn, since, metadata)
    found = tuple(order for order in orders(conn, BOX, since, until) if _is_carried_out(order, seed))
    return Asked(lives, found, happenings.happenings(conn, ROCK, until))


def _is_carried_out(order: Order, seed: int) -> bool:
    known = order.asset in slopes_asked.WHO and order.kind in _KINDS and not order.drill
    return known and is_heard(order, seed) and not is_refused(order, seed) and order.withdrawn > slopes_asked.accepted(order, seed)


def write_answers(conn: sa.Connection, asked: Asked, since: float, until: float, seed: int) -> None:
    """Write what the desk and its grid answer in a stretch; who went to a point has walked it."""
    said: list[Receipt] = []
    for order in orders(conn, BOX, since, until):
        said += slopes_asked.receipts(order, asked, seed, until) if order in asked.orders else _told_by_the_desk(order, seed)
    answer(conn, BOX, said, since, until)
    for there in (r for r in said if r.state is State.ARRIVED and not r.order.drill and since < r.at <= until):
        change_row(conn, slopes_schema.hazards, "隐患点编号", there.order.asset, {"最近巡查": local_text(there.at)}, there.at)


def _told_by_the_desk(order: Order, seed: int) -> list[Receipt]:
    if order.drill:
        return drilled(order, seed, _DESK)
    if order.asset not in slopes_asked.WHO:
        return [Receipt(order, State.REFUSED, order.came + MINUTE, _DESK, "台账无此隐患点", "无此隐患点")]
    if is_heard(order, seed) and is_refused(order, seed):
        return [Receipt(order, State.REFUSED, order.came + 3 * MINUTE, _DESK, "道路中断，网格人员暂不能到达", "道路中断")]
    return []


def provoke_rock(conn: sa.Connection, at: float, seed: int) -> str:
    """A cloudburst over a dangerous rock whose crack springs open; the one whose terminal speaks next."""
    begin, network = at + 5, slopes_rows.NETWORK
    held = slopes_rows.levels_at(seed, at)
    rocks = [i for i, t in enumerate(THINGS) if t.kind == "危岩" and not held[i] and i not in slopes_rows.ODD]
    free = [i for i in rocks if str(i) not in {rock.subject for rock in happenings.happenings(conn, ROCK, at)}]
    who = min(free or rocks, key=lambda i: (network.offset(i) - begin - slopes_asked.SLIP_S) % network.cadence_s)
    happenings.provoke(conn, ROCK, Happening(str(who), begin, _RAIN_MM))
    return (
        f"{THINGS[who].name} {THINGS[who].number}：裂缝突张，{slopes_rows.GAUGES[slopes_asked.nearest_gauge(who)].name} +{_RAIN_MM:g} mm/h"
    )
