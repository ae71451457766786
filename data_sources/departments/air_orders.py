"""Sanitation under orders: sweepers go out because the city asks them to, and say what became of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

import numpy as np
import sqlalchemy as sa

from data_sources.departments import air_schema, happenings
from data_sources.departments.air_hours import hourly
from data_sources.departments.air_life import STATIONS, Station, pm25
from data_sources.departments.air_linkage import HOUR, Asked, Call, level_of, pm10, sent_call, sentinel
from data_sources.departments.happenings import Happening
from data_sources.departments.life import rain, temperature
from data_sources.departments.orders import WITHDRAW, Box, Order, Receipt, State, drilled, is_heard, is_refused, orders

DUST = "dust"
_RAISED = 150.0  # µg/m³: over the first limit on any day, swept or not
_HEARD_AFTER_S = 5.0  # a provoked hour is sent anew in the next step of life
_WHY = {
    "低温中止": "气温不高于4 °C，停止湿式作业",
    "降雨中止": "正在降雨，不再洒水",
    "误触发": "复核为二次颗粒物，洒扫无效",
    "漏派": "车辆均已派出，无车可派",
}
BOX = Box(
    inbox=air_schema.inbox,
    receipts=air_schema.receipts,
    names=air_schema.INBOX,
    kinds={"加派洗扫": "sweep", "撤销": WITHDRAW},
    states={State.ACCEPTED: "接单", State.ARRIVED: "到场", State.DONE: "完成", State.REFUSED: "拒单"},
    own="HW",
)


def asked_of(conn: sa.Connection, since: float, until: float, seed: int) -> tuple[Asked, list[Receipt]]:
    """What this department does because of orders, and what it answers."""
    lives = happenings.lives_since(conn, since, air_schema.metadata)
    found = tuple(orders(conn, BOX, since, until))
    asked = answered(found, lives, happenings.happenings(conn, DUST, until), seed)
    by_number = {call.number: call for call in asked.calls}
    return asked, [r for order in found if is_heard(order, seed) for r in _receipts(order, by_number.get(call_number(order)), seed)]


def call_number(order: Order) -> str:
    """The number an order's call is filed under."""
    return f"LD{order.asset[-3:]}{int(order.came)}{int(order.luck(0, 9) * 100):02d}"


@lru_cache(maxsize=4)
def answered(found: tuple[Order, ...], lives: float, dust: tuple[Happening, ...], seed: int) -> Asked:
    """Orders as calls, one after the other: each meets the air the calls before it left."""
    asked = Asked(lives, (), dust)
    for order in found:
        station = next((s for s in STATIONS if s.code == order.asset), None)
        if station is not None and not order.drill:
            asked = Asked(lives, (*asked.calls, _call_for(order, sentinel(station), seed, asked)), dust)
    return asked


def _call_for(order: Order, station: Station, seed: int, asked: Asked) -> Call:
    end = order.came // HOUR * HOUR
    middles, at = np.array([end - 1.5 * HOUR, end - 0.5 * HOUR]), np.array([order.came])
    before, value = pm10(middles, station, seed, asked).tolist()
    sky = (float(pm25(middles, station, seed)[1]), float(temperature(at, seed)[0]), float(rain(at, seed)[0]))
    luck = [order.luck(seed, 10 + i) for i in range(6)]
    luck[5] = 0.0 if not is_heard(order, seed) or is_refused(order, seed) else max(luck[5], 0.06)
    made = sent_call(station, max(level_of(value, before), 1), end, value, sky, luck, order.came)
    return _called_back(replace(made, number=call_number(order)), order.withdrawn)


def _called_back(call: Call, at: float) -> Call:
    """Sweepers that have not left stay; those that have turn round."""
    if not call.rolls or at >= call.done:
        return call
    return replace(call, outcome="误触发") if at < call.departed else replace(call, outcome="未办结", done=max(at, call.departed + 60))


def _receipts(order: Order, call: Call | None, seed: int) -> Iterable[Receipt]:
    unit = f"环卫{1 + int(order.luck(seed, 8) * 6)}班"
    if order.drill:
        yield from drilled(order, seed, unit)
    elif call is None:
        yield Receipt(order, State.REFUSED, order.came + 60, unit, "不是本单位的站点", "无此站点")
    elif not call.rolls:
        yield Receipt(order, State.REFUSED, call.acked, unit, _WHY[call.outcome], _RESULTS[call.outcome])
    else:
        yield from _of_trip(order, call, unit)


def _of_trip(order: Order, call: Call, unit: str) -> Iterable[Receipt]:
    yield Receipt(order, State.ACCEPTED, call.acked, unit, f"{call.station.street}，洗扫、洒水各一遍")
    yield Receipt(order, State.ARRIVED, call.departed, unit, "已出车")
    short = call.outcome == "未办结"
    yield Receipt(order, State.DONE, call.done, unit, "轨迹覆盖不足95%" if short else "各路段已作业一遍", "未达标" if short else "达标")


_RESULTS = {"低温中止": "低温", "降雨中止": "降雨", "误触发": "二次颗粒物", "漏派": "无车"}


def provoke_dust(conn: sa.Connection, at: float, seed: int) -> str:
    """Dust over one street, in the hour that has just ended and the ones to come."""
    told = at + _HEARD_AFTER_S
    hour = np.array([told // HOUR * HOUR])
    # where it is dusty anyway, so that fine particles are not the greater part
    station = max((s for s in STATIONS if s.is_micro), key=lambda s: float((h := hourly(hour, s, seed))["pm10"][0] / h["pm2_5"][0]))
    happenings.provoke(conn, DUST, Happening(station.code, told, _RAISED))
    return f"{station.name}：PM10 +{_RAISED:g} µg/m³"
