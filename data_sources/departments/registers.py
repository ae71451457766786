"""Rows of a demo department that change while it lives: what of them has come by a moment, and a register row changed in place."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from data_sources.departments.building import local_text


def change_row(conn: sa.Connection, table: sa.Table, key: str, number: str, values: dict[str, object], at: float) -> None:
    """Change a register row by its number."""
    stamp, moved = local_text(at), table.c["更新时间"]
    conn.execute(table.update().where(table.c[key] == number).values(values | {"更新时间": sa.case((moved < stamp, stamp), else_=moved)}))


def ticked(since: float, until: float, step: float) -> bool:
    """Whether a multiple of a step lies in (since, until]."""
    return until // step > since // step


def changed_at(moments: Iterable[float], since: float, until: float) -> float | None:
    """The newest of a row's moments up to `until`, if it lies in the stretch."""
    newest = max((at for at in moments if at <= until), default=None)
    return newest if newest is not None and newest > since else None


def told_at(at: float | None, until: float) -> str:
    """A moment as the platform writes it, nothing while it has not come."""
    return "" if at is None or at > until else local_text(at)
