"""The table of a system's assets: by risk, each with the reading that is nearest its limits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import sqlalchemy as sa

from dashboard.core.catalog import words
from dashboard.core.configured import Threshold
from dashboard.core.declare import Domain, Metric
from dashboard.core.readings import latest
from dashboard.core.times import city_day
from dashboard.snapshot.alerts import Alert, street_name
from dashboard.snapshot.bullet import bullet
from dashboard.snapshot.channels import channel_line, reading_age
from dashboard.snapshot.figures import level_of_reading, thresholds_of_metric
from dashboard.snapshot.maps import asset_tables
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.resting import RESTING, rest_words
from dashboard.snapshot.view import View
from dashboard.snapshot.words import UNKNOWN, number, say, unit_words

_ROWS = 24
_KEPT_S = 60
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
    silent: bool  # nothing for three cadences: what it said last is no reading
    alert: Alert | None = None

    @property
    def tells(self) -> tuple[bool, float]:
        """How much a channel tells of its asset: one that speaks before one that fell silent, then the nearest to a limit."""
        return (not self.silent, self.nearness)

    @property
    def rank(self) -> tuple[float, bool, float]:
        """Those with an alert first, by its number, then those that speak, by how near a limit they are."""
        return (float(self.alert.number) if self.alert else float("inf"), self.silent, -self.nearness)


def readings(picture: Picture, view: View, vital: str) -> dict[str, Any]:
    """The first assets of a system."""
    shown = shown_rows(picture, view, ranked_assets(picture, view, vital), _ROWS)
    return shown | {"export": f"/export/readings/{vital}.csv?{view.query}", "domains": _domains(picture, view, vital)}


def _domains(picture: Picture, view: View, vital: str) -> list[dict[str, Any]]:
    """The domains of a system to choose from."""
    found = picture.catalog.of_vital(vital)
    return [{"key": d.key, "title": d.title(view.lang), "on": view.system == d.key} for d in found] if len(found) > 1 else []


def shown_rows(picture: Picture, view: View, ranked: Sequence[Candidate], limit: int) -> dict[str, Any]:
    """The first of some assets as a table."""
    shown = ranked[:limit]
    names = names_of(picture, shown)
    return {
        "title": say(view.lang, "设施", "Assets"),
        "subtitle": say(view.lang, f"{len(ranked)}项，按风险排序", f"{len(ranked)}, by risk"),
        "rows": [_row(picture, view, c, names) for c in shown],
        "export": "",
        "domains": [],
        "empty": say(view.lang, "所选范围没有设施读数", "No readings in this selection"),
        "filtered": view.picked or bool(view.levels or view.states or view.system),
    }


def ranked_assets(picture: Picture, view: View, vital: str) -> list[Candidate]:
    """Every asset of a selection by the channel that is nearest its limits, the most pressing first."""
    alerts = {(a.domain, a.asset_id): a for a in reversed(picture.open_in(view)) if a.stands}
    narrowed = bool(view.levels or view.states)
    found = []
    for key, c in _nearest(picture, vital).items():
        alert = alerts.get(key)
        if view.scope.holds(c.row.street) and (alert or not narrowed) and view.system in ("", vital, key[0]):
            found.append(replace(c, alert=alert) if alert else c)
    return sorted(found, key=lambda c: c.rank)


def _nearest(picture: Picture, vital: str) -> dict[tuple[str, str], Candidate]:
    """Each asset's channel that is nearest its limits; worked out once for all views until a reading comes in."""
    topics = [f"readings:{d.key}" for d in picture.catalog.of_vital(vital)]
    kept_for = int(picture.now.timestamp()) // _KEPT_S  # a channel falls silent by time alone
    return picture.kept(("nearest", vital, city_day(picture.at), kept_for), topics, lambda: _compared(picture, _channels(picture, vital)))


def _compared(picture: Picture, rows: Sequence[Any]) -> dict[tuple[str, str], Candidate]:
    limits = {m: thresholds_of_metric(picture, picture.catalog.domains[m[0]], m[1]) for m in {(r.domain, r.metric) for r in rows}}
    rest = _at_rest(rows)
    best: dict[tuple[str, str], Candidate] = {}
    for r in rows:
        metric = (r.domain, r.metric)
        key, c = (r.domain, r.asset_id), _candidate(picture, r, limits[metric], rest[metric])
        if key not in best or c.tells > best[key].tells:
            best[key] = c
    return best


def _at_rest(rows: Sequence[Any]) -> dict[tuple[str, str], float]:
    """What each metric says where nothing is the matter: the middle of all its channels."""
    values: dict[tuple[str, str], list[float]] = defaultdict(list)
    for r in rows:
        values[(r.domain, r.metric)].append(r.value)
    return {metric: median(known) for metric, known in values.items()}


def _channels(picture: Picture, vital: str) -> list[Any]:
    """The newest reading of every channel of a system's domains."""
    domains = [d.key for d in picture.catalog.of_vital(vital)]
    query = sa.select(latest).where(latest.c.domain.in_(domains), latest.c.ts.is_not(None))
    with picture.reading() as conn:
        return [r for r in conn.execute(query) if (r.domain, r.metric) in picture.catalog.metrics]


def _candidate(picture: Picture, row: Any, limits: tuple[Threshold, ...], rest: float) -> Candidate:
    metric, domain = picture.catalog.metrics[(row.domain, row.metric)], picture.catalog.domains[row.domain]
    silent = reading_age(picture, row).state not in ("fresh", "late")
    nearness = _nearness(limits, row.value, rest)
    return Candidate(row=row, domain=domain, metric=metric, limits=limits, nearness=nearness, silent=silent)


def _nearness(limits: Sequence[Threshold], value: float | None, rest: float) -> float:
    """How much of the way to the mildest threshold is used up: from nothing, or down from what is usual elsewhere."""
    if value is None or not limits:
        return -1.0
    mildest = limits[-1]
    if mildest.op.startswith(">"):
        return value / mildest.value if mildest.value else value
    if rest > mildest.value:
        return (rest - value) / (rest - mildest.value)
    return mildest.value / value if value > 0 else 2.0


def names_of(picture: Picture, candidates: Sequence[Candidate]) -> Names:
    """Name, kind and street of each candidate's asset, where a register has it."""
    by_domain: dict[str, list[str]] = defaultdict(list)
    for c in candidates:
        by_domain[c.domain.key].append(c.row.asset_id)
    found: Names = {}
    with picture.reading() as conn:
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
    live = fresh.state in ("fresh", "late")
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
        "state_word": rest_words(picture, c.row, view.lang) if fresh.state == RESTING else _state_word(fresh.state, view.lang),
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
        "bullet": bullet(c.limits, c.row.value),
        "line": channel_line(picture, c.row.channel_id),
    }
