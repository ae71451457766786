"""Registers of a demo department that change while it lives: one row changed, its time of change only growing."""

from __future__ import annotations

import sqlalchemy as sa

from data_sources.departments.building import local_text


def change_row(conn: sa.Connection, table: sa.Table, key: str, number: str, values: dict[str, object], at: float) -> None:
    """Change a register row by its number."""
    stamp, moved = local_text(at), table.c["更新时间"]
    conn.execute(table.update().where(table.c[key] == number).values(values | {"更新时间": sa.case((moved < stamp, stamp), else_=moved)}))


def ticked(since: float, until: float, step: float) -> bool:
    """Whether a multiple of a step lies in (since, until]."""
    return until // step > since // step
