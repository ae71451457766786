"""Work orders as they are written: numbered once, worded with the alert's facts, marked where they are a drill."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from dashboard.casework.linkage.decide import Answer
from dashboard.core.catalog import Catalog
from dashboard.core.declare import Level
from dashboard.core.places import street
from dashboard.core.playbooks import Step
from dashboard.store.schema_linkage import work_order

DRILL = "演练"
WITHDRAW = "withdraw"  # the action by which an order is called back; it names the order in its instruction
_LONGEST = 600


def instruction(catalog: Catalog, step: Step, about: Any, level: Level, lang: str = "zh") -> str:
    """What is to be done, with the facts of the alert."""
    rule = catalog.rules.get(about.rule)
    measures = step.measures.get(level)
    told = (step.instruction or step.title)(lang).format(
        asset=about.asset_name,
        street=_street(about, lang),
        level=level.words(lang),
        rule=rule[1].title(lang) if rule else about.rule,
        value="—" if about.value is None else f"{about.value:g}",
        unit=about.unit,
        measures=measures(lang) if measures else "",
    )
    return f"【{DRILL}】{told}" if about.drill else told


def issue(conn: sa.Connection, catalog: Catalog, step: Step, about: Any, level: Level, due: datetime, now: datetime) -> str:
    """Write an order for a step; its number."""
    told = instruction(catalog, step, about, level)
    return _write(conn, step, about, level, {"kind": step.action, "instruction": told, "due_at": due, "live": True}, now)


def withdraw(conn: sa.Connection, step: Step, about: Any, level: Level, order_no: str, reason: str, now: datetime) -> None:
    """Call an order back: it is not alive any more, and its department is told by an order of its own. One that never left just stays."""
    at = work_order.c
    conn.execute(sa.update(work_order).where(at.order_no == order_no).values(live=False))
    unsent = sa.update(work_order).where(at.order_no == order_no, at.state == "waiting", at.attempts == 0)
    if conn.execute(unsent.values(state="given_up", error="withdrawn before it was sent")).rowcount:
        return
    why = reason.partition(" / ")[0]
    told = f"撤销工单{order_no}：{why}" if why else f"撤销工单{order_no}"
    told = f"【{DRILL}】{told}" if about.drill else told
    _write(conn, step, about, level, {"kind": WITHDRAW, "instruction": told, "due_at": now, "live": False}, now)


def _write(conn: sa.Connection, step: Step, about: Any, level: Level, said: dict[str, Any], now: datetime) -> str:
    number = _next_number(conn, about)
    of = {"run_id": about.run_id, "step": step.key, "alert_id": about.alert_id, "outbox": step.to}
    what = {"playbook": about.playbook, "alert_no": about.number, "asset_id": about.asset_id, "priority": level.severity}
    where = {"place": f"{_street(about, 'zh')}{about.asset_name}"[:191]}
    mark = {"drill": about.drill, "watermark": DRILL if about.drill else ""}
    delivery = {"state": "waiting", "issued_at": now, "made_at": now, "next_at": now}
    conn.execute(sa.insert(work_order).values(order_no=number, **of, **what, **where, **mark, **delivery, **said))
    return number


def _street(about: Any, lang: str) -> str:
    """The alert's street; nothing where the asset's own name begins with it."""
    place = street(about.street) if about.street else None
    return "" if place is None or about.asset_name.startswith(place.title.zh) else place.title(lang)


def _next_number(conn: sa.Connection, about: Any) -> str:
    """The alert's number and a count: the same order is never numbered twice, no two orders alike."""
    known = conn.scalar(sa.select(sa.func.count()).where(work_order.c.alert_id == about.alert_id)) or 0
    return f"{about.number}.{known + 1}"


def note_answer(conn: sa.Connection, order_no: str, answer: Answer) -> None:
    """Keep beside the order what its department answered."""
    values: dict[str, Any] = {"by_unit": answer.unit[:64]} if answer.unit else {}
    if answer.state in ("accepted", "arrived"):
        values[f"{answer.state}_at"] = answer.at
    else:
        values |= {"answer": answer.state, "ended_at": answer.at, "live": False}
    if answer.note:
        values["note"] = answer.note[:_LONGEST]
    conn.execute(sa.update(work_order).where(work_order.c.order_no == order_no).values(values))
