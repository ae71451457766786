"""The table of a domain's matters: open ones, latest first, or those received in a stretch of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from dashboard.core.catalog import words
from dashboard.core.declare import Domain, Text
from dashboard.core.errors import NotFoundError
from dashboard.snapshot.alerts import street_name
from dashboard.snapshot.maps import asset_tables
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.view import View
from dashboard.snapshot.words import UNKNOWN, moment, say

_ROWS = 24
_DONE = 3  # of what is closed, where nothing is open


@dataclass(frozen=True)
class CaseTable:
    """A table of matters and the domain it belongs to."""

    domain: Domain
    table: sa.Table
    title: Text


def cases(picture: Picture, view: View, table_name: str) -> dict[str, Any]:
    """The matters of a selection."""
    return case_rows(picture, view, case_table(picture, table_name), _ROWS)


def case_rows(picture: Picture, view: View, of: CaseTable, limit: int) -> dict[str, Any]:
    """The first matters of a table, each leading to the asset it is about."""
    rows, lang = matters(picture, view, of.table, limit), view.lang
    done = not rows and view.window is None
    if done:
        rows = matters(picture, view, of.table, _DONE, done=True)
    due, known = any(r.due_at for r in rows), known_assets(picture, of.domain, [r.asset_id for r in rows if r.asset_id])
    return {
        "title": of.title(lang),
        "subtitle": _subtitle(view, len(rows), done=done) if any(r.state for r in rows) else _latest(view, len(rows)),
        "columns": _columns(lang, due),
        "rows": [
            {
                "drawer": f"asset:{of.domain.key}/{r.asset_id}" if r.asset_id in known else "",
                "cells": _cells(r, of.domain, view, picture.at, due),
            }
            for r in rows
        ],
        "export": f"/export/cases/{of.table.name}.csv?{view.query}",
        "empty": say(lang, "没有未办结的事项", "Nothing is open"),
        "filtered": view.picked,
    }


def known_assets(picture: Picture, domain: Domain, wanted: Sequence[str]) -> set[str]:
    """Those of some assets that a register has: a matter may name one that none does."""
    if not wanted:
        return set()
    with picture.reading() as conn:
        return {one for t in asset_tables(domain) for one in conn.scalars(sa.select(t.c.asset_id).where(t.c.asset_id.in_(wanted)))}


def case_tables(domain: Domain) -> list[CaseTable]:
    """The tables of a domain that hold matters."""
    return [CaseTable(domain, f.table, f.title) for f in domain.feeds if f.table is not None and "case_id" in f.table.c]


def case_table(picture: Picture, name: str) -> CaseTable:
    """The declared table of that name that holds matters. Raises NotFoundError."""
    for domain in picture.catalog.domains.values():
        for of in case_tables(domain):
            if of.table.name == name:
                return of
    raise NotFoundError(f"no table of matters {name!r}")


def matters(picture: Picture, view: View, table: sa.Table, limit: int, *, done: bool = False) -> Sequence[Any]:
    """The open rows of a selection, or those of a stretch of time, latest first; `done`: whatever came last. A few are kept."""

    def read() -> Sequence[Any]:
        with picture.reading() as conn:
            return conn.execute(_chosen(picture, view, table, done=done).limit(limit)).all()

    key = ("matters", table.name, view.scope.key, view.window, limit, done)
    return picture.kept(key, (f"table:{table.name}",), read) if limit <= _ROWS else read()


def _chosen(picture: Picture, view: View, table: sa.Table, *, done: bool) -> sa.Select[Any]:
    c = table.c
    query = sa.select(table).where(c.opened_at.between(*view.window) if view.window else c.opened_at <= picture.at)
    if picture.replay and not (view.window or done):
        query = query.where(sa.or_(c.closed_at.is_(None), c.closed_at > picture.at))
    elif not (view.window or done):
        query = query.where(c.closed_at.is_(None))
    if not view.scope.whole:
        query = query.where(c.street.in_(view.scope.streets))
    return query.order_by(c.opened_at.desc())


def _latest(view: View, many: int) -> str:
    """Of a log, whose rows are neither open nor closed."""
    return say(view.lang, f"最近{many}条", f"latest {many}") if many else ""


def _subtitle(view: View, many: int, *, done: bool) -> str:
    if done and many:
        return say(view.lang, f"无未办结，最近办结{many}件", f"nothing open, latest {many} closed")
    if view.window:
        return say(view.lang, f"所选时段，{many}件", f"in the chosen time, {many}")
    return say(view.lang, f"未办结，最近{many}件", f"open, latest {many}")


def _columns(lang: str, due: bool) -> list[dict[str, str]]:
    named = [
        (say(lang, "事项", "Matter"), ""),
        (say(lang, "类别", "Kind"), "hide-phone"),
        (say(lang, "街道", "Street"), ""),
        (say(lang, "受理", "Received"), "num hide-phone"),
        *([(say(lang, "时限", "Due"), "num hide-phone")] if due else []),
        (say(lang, "状态", "State"), ""),
    ]
    return [{"title": title, "css": css} for title, css in named]


def in_words(row: Any, domain: Domain, lang: str) -> tuple[str, str, str]:
    """What a matter is about, its kind, its state."""
    kind = words(domain.category_words.get(row.category or ""), lang, row.category or "")
    named = row.title if row.title and row.title != kind else (row.asset_id or row.case_id)
    return named, kind, words(domain.states.get(row.state or ""), lang, row.state or "")


def _cells(row: Any, domain: Domain, view: View, now: datetime, due: bool) -> list[str]:
    named, kind, state = in_words(row, domain, view.lang)
    received = moment(row.opened_at, view.lang, now)
    until = [_due(row, view.lang, now)] if due else []
    return [named, kind, street_name(row.street, view.lang) or UNKNOWN, received, *until, state]


def _due(row: Any, lang: str, now: datetime) -> str:
    text = moment(row.due_at, lang, now)
    late = row.due_at is not None and row.closed_at is None and row.due_at < now
    return say(lang, f"{text} 超时", f"{text} overdue") if late else text
