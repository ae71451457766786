"""The table of a system's assets: by risk, each with the reading that is nearest its limits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from dashboard.core.catalog import words
from dashboard.core.declare import Domain, Metric, Threshold
from dashboard.core.readings import latest
from dashboard.core.times import city_day
from dashboard.snapshot.alerts import Alert, street_name
from dashboard.snapshot.channels import channel_line, reading_age
from dashboard.snapshot.figures import level_of_reading, thresholds_of_metric
from dashboard.snapshot.maps import asset_tables
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.view import View
from dashboard.snapshot.words import UNKNOWN, number, say, unit_words

_ROWS = 24
_AT_ONCE = 500  # names asked for in one statement

Names = dict[tuple[str, str], Any]  # (domain, asset) → its name, kind and street


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One channel that may stand for its asset."""

    row: Any
    domain: Domain
    metric: Metric
    limits: tuple[Threshold, ...]
    nearness: float  # 1: at its mildest threshold; beyond: past it
    alert: Alert | None = None

    @property
    def rank(self) -> tuple[float, float]:
        """Those with an alert first, by its number, then by how near a limit they are."""
        return (float(self.alert.number) if self.alert else float("inf"), -self.nearness)


def readings(picture: Picture, view: View, vital: str) -> dict[str, Any]:
    """The first assets of a system."""
    ranked = ranked_assets(picture, view, vital)
    shown = ranked[:_ROWS]
    names = names_of(picture, shown)
    return {
        "title": say(view.lang, "设施", "Assets"),
        "subtitle": say(view.lang, f"{len(ranked)}项，按风险排序", f"{len(ranked)}, by risk"),
        "rows": [_row(picture, view, c, names) for c in shown],
        "export": f"/export/readings/{vital}.csv?{view.key}",
        "empty": say(view.lang, "所选范围没有设施读数", "No readings in this selection"),
        "filtered": not view.scope.whole or bool(view.levels or view.states),
    }


def ranked_assets(picture: Picture, view: View, vital: str) -> list[Candidate]:
    """Every asset of a selection by the channel that is nearest its limits, the most pressing first."""
    alerts = {(a.domain, a.asset_id): a for a in reversed(picture.open_in(view))}
    narrowed = bool(view.levels or view.states)
    found = []
    for key, c in _nearest(picture, vital).items():
        alert = alerts.get(key)
        if view.scope.holds(c.row.street) and (alert or not narrowed):
            found.append(replace(c, alert=alert) if alert else c)
    return sorted(found, key=lambda c: c.rank)


def _nearest(picture: Picture, vital: str) -> dict[tuple[str, str], Candidate]:
    """Each asset's channel that is nearest its limits; worked out once for all views until a reading comes in."""
    topics = [f"readings:{d.key}" for d in picture.catalog.of_vital(vital)]
    return picture.kept(("nearest", vital, city_day(picture.at)), topics, lambda: _compared(picture, _channels(picture, vital)))


def _compared(picture: Picture, rows: Sequence[Any]) -> dict[tuple[str, str], Candidate]:
    limits = {m: thresholds_of_metric(picture, picture.catalog.domains[m[0]], m[1]) for m in {(r.domain, r.metric) for r in rows}}
    best: dict[tuple[str, str], Candidate] = {}
    for r in rows:
        key, c = (r.domain, r.asset_id), _candidate(picture, r, limits[(r.domain, r.metric)])
        if key not in best or c.nearness > best[key].nearness:
            best[key] = c
    return best


def _channels(picture: Picture, vital: str) -> list[Any]:
    """The newest reading of every channel of a system's domains."""
    domains = [d.key for d in picture.catalog.of_vital(vital)]
    query = sa.select(latest).where(latest.c.domain.in_(domains), latest.c.ts.is_not(None))
    with picture.reader.engine.connect() as conn:
        return [r for r in conn.execute(query) if (r.domain, r.metric) in picture.catalog.metrics]


def _candidate(picture: Picture, row: Any, limits: tuple[Threshold, ...]) -> Candidate:
    metric, domain = picture.catalog.metrics[(row.domain, row.metric)], picture.catalog.domains[row.domain]
    return Candidate(row=row, domain=domain, metric=metric, limits=limits, nearness=_nearness(limits, row.value))


def _nearness(limits: Sequence[Threshold], value: float | None) -> float:
    """How much of the way to the mildest threshold is used up."""
    if value is None or not limits:
        return -1.0
    mildest = limits[-1]
    if mildest.op.startswith(">"):
        return value / mildest.value if mildest.value else value
    return mildest.value / value if value > 0 else 2.0


def names_of(picture: Picture, candidates: Sequence[Candidate]) -> Names:
    """Name, kind and street of each candidate's asset, where a register has it."""
    by_domain: dict[str, list[str]] = defaultdict(list)
    for c in candidates:
        by_domain[c.domain.key].append(c.row.asset_id)
    found: Names = {}
    with picture.reader.engine.connect() as conn:
        for key, assets in by_domain.items():
            for table in asset_tables(picture.catalog.domains[key]):
                found |= {(key, row.asset_id): row for row in _named(conn, table, assets)}
    return found


def _named(conn: sa.Connection, table: sa.Table, assets: Sequence[str]) -> Iterable[Any]:
    columns = sa.select(table.c.asset_id, table.c.name, table.c.kind, table.c.street)
    for start in range(0, len(assets), _AT_ONCE):
        yield from conn.execute(columns.where(table.c.asset_id.in_(assets[start : start + _AT_ONCE])))


def in_words(picture: Picture, view: View, c: Candidate, names: Names) -> dict[str, Any]:
    """What any list says about a candidate. A value whose channel fell silent is not shown as one."""
    known, fresh = names.get((c.domain.key, c.row.asset_id)), reading_age(picture, c.row)
    live = fresh.state != "silent"
    kind = c.domain.asset_kinds.get(known.kind) if known else None
    return {
        "name": known.name if known else c.row.asset_id,
        "kind": words(kind or c.domain.title, view.lang),
        "street": street_name(c.row.street, view.lang) or UNKNOWN,
        "metric": c.metric.title(view.lang),
        "value": number(c.row.value, c.metric.decimals) if live else UNKNOWN,
        "value_level": level_of_reading(c.limits, c.row.value) if live else "",
        "unit": unit_words(c.metric.unit, view.lang),
        "fresh": fresh,
        "owner": c.domain.department(view.lang),
        "state_word": _state_word(fresh.state, view.lang),
    }


def _state_word(state: str, lang: str) -> str:
    if state == "fresh":
        return say(lang, "正常", "Normal")
    return say(lang, "按上次值", "Last value") if state == "late" else say(lang, "数据中断", "No data")


def _row(picture: Picture, view: View, c: Candidate, names: Names) -> dict[str, Any]:
    return {
        **in_words(picture, view, c, names),
        "drawer": f"asset:{c.domain.key}/{c.row.asset_id}",
        "level": c.alert.level if c.alert else "",
        "number": c.alert.number if c.alert else "",
        "state": c.alert.state if c.alert else "",
        "bullet": _bullet(c.limits, c.row.value),
        "line": channel_line(picture, c.row.channel_id),
    }


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
