"""What septic tanks' controllers are asked to do by work orders, when the interlocks forbid it, and what they answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from data_sources.departments.happenings import Happening
from data_sources.departments.life import Floats
from data_sources.departments.orders import State as Answered
from data_sources.departments.sensors_shapes import DAY, Indexes
from data_sources.departments.tanks_life import MINUTE, Cause
from data_sources.departments.tanks_machine import GAS_ALARM, LEVEL_STOP, PROVED_DROP, Event, State

_RAISED_S = 3600.0
_ORDER_S = 40 * MINUTE  # a controller stays awake at least this long after an order
_FELT_S = 2 * DAY


@dataclass(frozen=True, slots=True)
class Wish:
    """An order as its controller gets it, on a whole minute."""

    number: str
    who: int
    at: float
    kind: str  # ventilate | pump | crew
    arrive: float = np.inf  # of a crew
    back: float = np.inf  # when it was called back


@dataclass(frozen=True, slots=True)
class Answer:
    """What a controller or who watches it answers to an order."""

    number: str
    state: Answered
    at: float
    note: str
    result: str = ""


@dataclass(frozen=True)
class Asked:
    """Orders, gas that somebody made gather, and since when controllers wait for orders before they handle gas by themselves."""

    since: float = np.inf
    wishes: tuple[Wish, ...] = ()
    gas: tuple[Happening, ...] = ()  # the subject is a tank's position

    def near(self, day: int) -> Asked:
        """As far as it concerns the handlings that begin on a day."""
        first, last = day * DAY - _FELT_S, (day + 1) * DAY + _FELT_S
        wishes = tuple(w for w in self.wishes if first < w.at < last)
        gas = tuple(g for g in self.gas if first < g.at < last)
        return Asked(self.since if self.since < last else np.inf, wishes, gas)

    def causes(self) -> list[Cause]:
        """What wakes controllers beside what time and seed bring."""
        ordered = [Cause(w.who, w.at, w.at + _ORDER_S, "order") for w in self.wishes]
        return ordered + [Cause(int(g.subject), g.at, g.at + _RAISED_S, "provoked") for g in self.gas]

    def raised(self, who: Indexes, at: Floats) -> Floats:
        """Methane beyond what is there by itself, %LEL: there within minutes, gone within the hour."""
        found = np.zeros(len(at))
        for g in self.gas:
            part = np.clip((at - g.at) / _RAISED_S, 0, 1)
            found += np.where(who == int(g.subject), g.size * np.sin(np.pi * part**0.35) ** 2, 0.0)
        return found


UNASKED = Asked()
# States in which nothing is done from afar, with the reason given.
_BARRED = {
    State.MAINTENANCE: ("井盖打开或检修挂牌，联锁禁止远程操作", "开盖"),
    State.SENSOR_FAULT: ("仪表故障，联锁禁止远程操作", "仪表故障"),
    State.COMM_LOST: ("终端失联，指令送不到", "失联"),
    State.MANUAL_DISPATCH: ("已转人工，人员在现场处置", "人工处置中"),
}
_TAKEN = {"ventilate": "指令已送达控制器", "pump": "指令已送达控制器", "crew": "班组已出发"}
_THERE = {"ventilate": "风机已启动", "pump": "风机已启动，通风后启泵", "crew": "班组到场，已设警戒"}
_PUMPED = {Event.DRAINED: "到停泵液位", Event.TOO_LONG: "满30分钟", Event.LOW_LOW: "低低液位"}


def _forbidden(wish: Wish, state: State, gas: float, level: float) -> tuple[str, str] | None:
    """Why an order may not be carried out now."""
    if wish.kind == "crew":
        return None
    if state in _BARRED:
        return _BARRED[state]
    if wish.kind == "pump" and gas >= GAS_ALARM:
        return f"甲烷 {gas:.1f} %LEL ≥ {GAS_ALARM:g}，联锁禁止启泵", "甲烷超限"
    if wish.kind == "pump" and level < LEVEL_STOP + PROVED_DROP:
        return f"液位 {level:.0f} %，可抽不足{PROVED_DROP:g}个百分点", "液位低"
    return None


@dataclass
class Desk:
    """The orders of one handling: which wait, which are under way, and what was answered."""

    wishes: list[Wish]
    under_way: list[Wish] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    waiting: bool = False  # an order wants the fan, and it does not run yet

    def due(self, at: float, state: State, gas: float, level: float, arrive: float = np.inf) -> list[Wish]:
        """Orders to be begun now; those the interlocks forbid are refused."""
        taken = []
        while self.wishes and self.wishes[0].at <= at:
            wish = self.wishes.pop(0)
            if why := _forbidden(wish, state, gas, level):
                self.answers.append(Answer(wish.number, Answered.REFUSED, at, *why))
                continue
            self.answers.append(Answer(wish.number, Answered.ACCEPTED, at, _TAKEN[wish.kind]))
            taken.append(wish)
        for wish in taken:
            self._begin(wish, at, state, arrive)
        return taken

    def _begin(self, wish: Wish, at: float, state: State, arrive: float) -> None:
        crew = wish.kind == "crew"
        there = max(min(wish.arrive, arrive), at + MINUTE) if crew else at + MINUTE
        self.answers.append(Answer(wish.number, Answered.ARRIVED, there, _THERE[wish.kind]))
        if state is State.VERIFYING and wish.kind == "ventilate":
            self.answers.append(Answer(wish.number, Answered.DONE, at + 2 * MINUTE, "通风已完成，正在核验", "通风达标"))
            return
        self.under_way.append(wish)
        self.waiting = self.waiting or (not crew and state not in (State.VENTILATING, State.PUMPING))

    def recalled(self, at: float) -> list[Wish]:
        """Orders called back meanwhile: nothing is answered to them any more, and nothing done that can be left undone."""
        gone = [wish for wish in self.under_way if wish.back <= at]
        self.under_way = [wish for wish in self.under_way if wish not in gone]
        self.waiting = self.waiting and any(wish.kind != "crew" for wish in self.under_way)
        return gone

    def asks(self, kind: str) -> bool:
        """Whether an order of a kind is under way."""
        return any(wish.kind == kind for wish in self.under_way)

    def stepped(self, at: float, new: State, event: Event, gas: float, fell: float) -> None:
        """A controller went from one state to another: some orders are done by it, some end there."""
        if new is State.VENTILATING:
            self.waiting = False
        for wish in list(self.under_way):
            if wish.kind == "crew":
                if event is Event.CREW_DONE:
                    self._end(wish, Answer(wish.number, Answered.DONE, at, f"人工处置完毕，甲烷 {gas:.1f} %LEL", "人工处置"))
            elif wish.kind == "pump" and event in _PUMPED:
                self._end(wish, Answer(wish.number, Answered.DONE, at, f"液位下降{fell:.0f}个百分点", _PUMPED[event]))
            elif wish.kind == "ventilate" and event in (Event.AIRED, Event.SAFE_TO_PUMP):
                self._end(wish, Answer(wish.number, Answered.DONE, at, f"通风至甲烷 {gas:.1f} %LEL", "通风达标"))
            elif new in _BARRED:
                self._end(wish, Answer(wish.number, Answered.REFUSED, at, *_BARRED[new]))

    def _end(self, wish: Wish, answer: Answer) -> None:
        self.under_way.remove(wish)
        self.answers.append(answer)

    def close(self, at: float) -> None:
        """What is still open when all is at rest again was not done."""
        self.waiting = False
        for wish in list(self.under_way):
            self._end(wish, Answer(wish.number, Answered.REFUSED, at, "处置结束，未执行完", "未完成"))


def desk_of(wishes: Sequence[Wish], who: int, start: float, end: float) -> Desk:
    """The orders of one tank in a stretch, in order of time."""
    return Desk(sorted((w for w in wishes if w.who == who and start <= w.at <= end), key=lambda w: (w.at, w.number)))
