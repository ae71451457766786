"""Orders as the city writes them into a department's inbox, and what the department answered."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from data_sources.departments.building import local_text
from data_sources.departments.orders import Box

Answers = list[tuple[str, str, str]]  # state, local time, result


def send(
    engine: sa.Engine, box: Box, at: datetime, number: str, kind: str, asset: str, told: str = "请处置", *, drill: bool = False
) -> None:
    """Write an order; one that is there already is left alone."""
    word = next((theirs for theirs, ours in box.kinds.items() if ours == kind), kind)
    said = {"order_no": number, "kind": word, "asset_id": asset, "place": "某处", "instruction": told, "priority": 2}
    said |= {"issued_at": local_text(at), "due_at": local_text(at + timedelta(minutes=30)), "drill": int(drill)}
    row = {box.names[name]: value for name, value in said.items()}
    with engine.begin() as conn:
        there = conn.scalar(sa.select(sa.func.count()).where(box.column("order_no") == number))
        if not there:
            conn.execute(sa.insert(box.inbox).values(row))


def answers(engine: sa.Engine, box: Box, number: str) -> Answers:
    """What was answered to an order, in order of time."""
    words = {theirs: ours.value for ours, theirs in box.states.items()}
    _no, order, _asset, state, at, _unit, _note, result, _drill = box.receipts.c
    with engine.connect() as conn:
        rows = conn.execute(sa.select(state, at, result).where(order == number).order_by(at)).all()
    return [(words[row[0]], row[1], row[2]) for row in rows]
