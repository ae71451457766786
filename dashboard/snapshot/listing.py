"""Tables of a system's page: assets by risk with their readings, and matters by urgency."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.core.declare import Domain, Metric, Threshold
from dashboard.core.readings import latest
from dashboard.core.times import iso
from dashboard.snapshot.alerts import Alert, street_name
from dashboard.snapshot.figures import level_of_reading, thresholds_of_metric
from dashboard.snapshot.maps import asset_tables
from dashboard.snapshot.picture import Fresh, Picture
from dashboard.snapshot.shapes import Spark, spark
from dashboard.snapshot.view import View
from dashboard.snapshot.words import UNKNOWN, moment, number
from dashboard.store import series

_ROWS = 24


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One channel that may stand for its asset."""

    row: Any
    domain: Domain
    metric: Metric
    limits: tuple[Threshold, ...]
    nearness: float  # 1: at its worst threshold; beyond: past it
    alert: Alert | None


def readings(picture: Picture, view: View, vital: str) -> dict[str, Any]:
    """Assets of a system: those with an alert first, then by how near a limit they are."""
    zh = view.lang != "en"
    best, total = _worst_channels(picture, view, vital)
    ranked = sorted(best.values(), key=lambda c: (c.alert.number if c.alert and c.alert.state != "closed" else 999, -c.nearness))
    names = _names(picture, [(c.domain, c.row.asset_id) for c in ranked[:_ROWS]])
    rows = [_reading_row(picture, view, c, names) for c in ranked[:_ROWS]]
    return {
        "title": "设施" if zh else "Assets",
        "subtitle": f"{total}项，按风险排序" if zh else f"{total}, by risk",
        "rows": rows,
        "export": f"/export/readings/{vital}.csv?{view.key}",
        "empty": "所选范围没有设施读数" if zh else "No readings in this selection",
        "filtered": not view.scope.whole or bool(view.levels or view.states),
    }


def _worst_channels(picture: Picture, view: View, vital: str) -> tuple[dict[tuple[str, str], Candidate], int]:
    alerts = {(a.domain, a.asset_id): a for a in reversed(picture.alerts_in(view)) if a.state != "closed"}
    domains = {d.key: d for d in picture.catalog.of_vital(vital)}
    query = sa.select(latest).where(latest.c.domain.in_(list(domains)), latest.c.ts.is_not(None))
    with picture.reader.engine.connect() as conn:
        rows = conn.execute(query).all()
    limits = {key: thresholds_of_metric(picture, domains[key[0]], key[1]) for key in {(r.domain, r.metric) for r in rows}}
    best: dict[tuple[str, str], Candidate] = {}
    for r in rows:
        metric = picture.catalog.metrics.get((r.domain, r.metric))
        if metric is None or not view.scope.holds(r.street):
            continue
        key = (r.domain, r.asset_id)
        alert = alerts.get(key)
        if (view.levels or view.states) and alert is None:
            continue
        c = Candidate(
            row=r,
            domain=domains[r.domain],
            metric=metric,
            limits=limits[(r.domain, r.metric)],
            nearness=_nearness(limits[(r.domain, r.metric)], r.value),
            alert=alert,
        )
        if key not in best or c.nearness > best[key].nearness:
            best[key] = c
    return best, len(best)


def _nearness(limits: Sequence[Threshold], value: float | None) -> float:
    """How much of the way to the mildest threshold is used up."""
    if value is None or not limits:
        return -1.0
    mildest = limits[-1]
    if mildest.op.startswith(">"):
        return value / mildest.value if mildest.value else value
    return mildest.value / value if value > 0 else 2.0


def _names(picture: Picture, wanted: list[tuple[Domain, str]]) -> dict[tuple[str, str], Any]:
    found: dict[tuple[str, str], Any] = {}
    by_domain: dict[str, list[str]] = defaultdict(list)
    for domain, asset in wanted:
        by_domain[domain.key].append(asset)
    with picture.reader.engine.connect() as conn:
        for key, assets in by_domain.items():
            for table in asset_tables(picture.catalog.domains[key]):
                for row in conn.execute(
                    sa.select(table.c.asset_id, table.c.name, table.c.kind, table.c.street).where(table.c.asset_id.in_(assets))
                ):
                    found[(key, row.asset_id)] = row
    return found


def _reading_row(picture: Picture, view: View, c: Candidate, names: dict[tuple[str, str], Any]) -> dict[str, Any]:
    zh = view.lang != "en"
    known = names.get((c.domain.key, c.row.asset_id))
    kind = known.kind if known else ""
    level = level_of_reading(c.limits, c.row.value)
    fresh = reading_age(picture, c.row)
    return {
        "drawer": f"asset:{c.domain.key}/{c.row.asset_id}",
        "level": c.alert.level if c.alert else "",
        "number": c.alert.number if c.alert else "",
        "name": known.name if known else c.row.asset_id,
        "kind": c.domain.asset_kinds[kind](view.lang) if kind in c.domain.asset_kinds else c.domain.title(view.lang),
        "street": street_name(c.row.street, view.lang) or UNKNOWN,
        "metric": c.metric.title(view.lang),
        "value": number(c.row.value, c.metric.decimals) if fresh.state != "silent" else UNKNOWN,
        "value_level": level if fresh.state != "silent" else "",
        "unit": c.metric.unit,
        "bullet": _bullet(c.limits, c.row.value),
        "line": channel_line(picture, c.row.channel_id),
        "fresh": fresh,
        "owner": c.domain.department(view.lang),
        "state": c.alert.state if c.alert else "",
        "state_word": ("正常" if zh else "Normal")
        if fresh.state == "fresh"
        else (("按上次值" if zh else "Last value") if fresh.state == "late" else ("数据中断" if zh else "No data")),
    }


def reading_age(picture: Picture, row: Any) -> Fresh:
    """A channel's own age against its own cadence."""
    age = (picture.now - row.ts).total_seconds()
    state = "fresh" if age <= row.cadence_s else ("late" if age <= 3 * row.cadence_s else "silent")
    return Fresh(state, iso(row.ts), row.cadence_s)


def _bullet(limits: Sequence[Threshold], value: float | None) -> dict[str, Any] | None:
    """A dot on a track with the thresholds as ticks, evenly apart: limits a decade apart would else fall on one spot."""
    if not limits or value is None or not limits[0].op.startswith(">"):
        return None
    rising = sorted(limits, key=lambda t: t.value)
    stops = [0.0, *(t.value for t in rising), max(rising[-1].value * 1.5, 1e-9)]
    step = 92.0 / (len(stops) - 1)
    place = next((i for i in range(len(stops) - 1) if value < stops[i + 1]), len(stops) - 2)
    low, high = stops[place], stops[place + 1]
    x = step * (place + min(1.0, max(0.0, (value - low) / (high - low or 1.0))))
    return {
        "ticks": [{"x": f"{step * (i + 1):.1f}", "level": t.level.value} for i, t in enumerate(rising)],
        "x": f"{max(4.0, min(88.0, x)):.1f}",
    }


def channel_line(picture: Picture, channel_id: int) -> Spark:
    """A channel's last 24 hours against its expected range, by the hour; kept for five minutes."""
    start = picture.at.replace(minute=0, second=0, microsecond=0) - timedelta(hours=23)
    hours = [start + timedelta(hours=i) for i in range(24)]

    def make() -> Spark:
        with picture.reader.engine.connect() as conn:
            points = series.series(conn, channel_id, start, picture.at + timedelta(seconds=1), timedelta(hours=1))
            ranges = series.expected_ranges(conn, channel_id, hours)
        by_hour = {int(p.ts.timestamp()) // 3600: p.mean for p in points}
        return spark([by_hour.get(int(h.timestamp()) // 3600) for h in hours], ranges)

    return picture.reader.keep(("spark", channel_id), (int(picture.at.timestamp()) // 300, picture.replay), make)


# ---- matters
def cases(picture: Picture, view: View, table_name: str) -> dict[str, Any]:
    """Open matters of a case table, most pressing first; with a time window, those opened in it."""
    zh = view.lang != "en"
    domain, table, heading = _case_table(picture, table_name)
    c = table.c
    query = (
        sa.select(table).where(c.closed_at.is_(None))
        if not (view.t0 and view.t1)
        else sa.select(table).where(c.opened_at.between(view.t0, view.t1))
    )
    if not view.scope.whole:
        query = query.where(c.street.in_(view.scope.streets))
    with picture.reader.engine.connect() as conn:
        rows = conn.execute(query.order_by(c.opened_at.desc()).limit(_ROWS)).all()
    due = any(r.due_at for r in rows)
    columns = [
        ("事项" if zh else "Matter", ""),
        ("类别" if zh else "Kind", "hide-phone"),
        ("街道" if zh else "Street", ""),
        ("受理" if zh else "Received", "num"),
    ]
    columns += [("时限" if zh else "Due", "num hide-phone")] if due else []
    columns += [("状态" if zh else "State", "")]
    return {
        "title": heading(view.lang),
        "subtitle": (f"未办结，最近{len(rows)}件" if zh else f"open, latest {len(rows)}")
        if not (view.t0 and view.t1)
        else (f"所选时段，{len(rows)}件" if zh else f"in the chosen time, {len(rows)}"),
        "columns": [{"title": name, "css": css} for name, css in columns],
        "rows": [{"level": "", "number": "", "drawer": "", "cells": _case_cells(r, domain, view, picture.at, due)} for r in rows],
        "export": f"/export/cases/{table_name}.csv?{view.key}",
        "empty": "没有未办结的事项" if zh else "Nothing is open",
        "filtered": not view.scope.whole,
    }


def _case_table(picture: Picture, name: str) -> tuple[Domain, sa.Table, Any]:
    for domain in picture.catalog.domains.values():
        for feed in domain.feeds:
            if feed.table is not None and feed.table.name == name:
                return domain, feed.table, feed.title
    raise KeyError(name)


def _case_cells(row: Any, domain: Domain, view: View, now: datetime, due: bool) -> list[str]:
    category = domain.category_words.get(row.category or "")
    state = domain.states.get(row.state or "")
    kind = category(view.lang) if category else (row.category or "")
    named = row.title if row.title and row.title != kind else (row.asset_id or row.case_id)
    cells = [named, kind, street_name(row.street, view.lang) or UNKNOWN, moment(row.opened_at, view.lang, now)]
    if due:
        late = row.due_at is not None and row.closed_at is None and row.due_at < now
        text = moment(row.due_at, view.lang, now)
        cells.append((f"{text} 超时" if view.lang != "en" else f"{text} overdue") if late else text)
    return [*cells, state(view.lang) if state else (row.state or "")]
