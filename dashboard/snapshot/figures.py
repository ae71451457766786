"""KPIs and indexes as cells of a screen: value in words, level, target, comparison, line and age."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.sql import visitors

from dashboard.core.configured import Target, Threshold
from dashboard.core.declare import Domain, Kpi, KpiValues, Readings
from dashboard.core.scope import Scope
from dashboard.core.times import city_day, iso
from dashboard.snapshot.part import ONLY_OPEN
from dashboard.snapshot.picture import Fresh, Picture
from dashboard.snapshot.shapes import Spark, spark
from dashboard.snapshot.words import UNKNOWN, number, say, signed, unit_words
from dashboard.store.kpi_reads import KpiRow

_CROSSED: dict[str, Callable[[float, float], bool]] = {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt}
_MANY = 1000  # beyond this a ratio reads better as a percentage
_ALL_IN = 0.995  # completeness from which nothing need be said


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One number, ready to be placed."""

    key: str
    title: str
    value: str
    unit: str
    level: str = ""  # alert level whose line it has crossed
    down: bool = False  # crossed downwards
    fresh: Fresh
    line: Spark | None = None
    target: str = ""
    compare: str = ""
    note: str = ""
    lead: bool = False


def cell(picture: Picture, key: str, scope: Scope, lang: str, *, with_line: bool = True) -> Cell:
    """A KPI as a cell. A stale value is never drawn as a live one: it becomes a note."""
    domain, kpi = picture.catalog.kpis[key]
    row = picture.figure(key, scope)
    fresh = picture.fresh_of(picture.catalog.kpi_feeds(key))
    shown = row if fresh.state not in ("silent", "never") else None
    crossed = crossed_threshold(picture, domain, kpi, shown.value if shown else None)
    value, unit = worded(kpi, shown)
    return Cell(
        key=key,
        title=kpi.title(lang),
        value=value,
        unit=unit_words(unit, lang),
        level=crossed.level.value if crossed else "",
        down=bool(crossed and crossed.op.startswith("<")),
        fresh=fresh,
        line=spark(picture.line(key, scope), picture.band(key, scope)) if with_line else None,
        target=target_words(picture.catalog.targets.get(key), kpi, lang),
        compare=_comparison(picture, key, kpi, scope, row, lang),
        note=_note(kpi, row, shown, lang),
    )


def _note(kpi: Kpi, row: KpiRow | None, shown: KpiRow | None, lang: str) -> str:
    """What must be said beside a number: its last value where there is no live one, or how much of the input is in."""
    if row is None:
        return ""
    if shown is None:
        last = worded(kpi, row)[0]
        return say(lang, f"上次 {last}", f"last {last}") if row.value is not None else ""
    return say(lang, f"到数 {row.completeness:.0%}", f"{row.completeness:.0%} in") if row.completeness < _ALL_IN else ""


def index_cell(picture: Picture, key: str, scope: Scope, lang: str, title: str) -> Cell:
    """A vital system's index as the leading card."""
    row, whole = picture.figure(key, scope), picture.figure(key, Scope())
    delta = since_yesterday(row)
    return Cell(
        key=key,
        title=title,
        value=number(row.value if row else None, 0),
        unit="",
        fresh=_index_age(picture, key, row),
        line=spark(picture.line(key, scope), picture.band(key, scope), floor_span=4),
        target=say(lang, "满分100", "of 100") if scope.whole or whole is None else _district(number(whole.value, 0), lang),
        compare=say(lang, f"较昨 {delta}", f"day {delta}") if delta else "",
        note=ONLY_OPEN(lang) if picture.withheld(key) else "",
        lead=True,
    )


def _index_age(picture: Picture, key: str, row: KpiRow | None) -> Fresh:
    """When it was computed, while its inputs come; else how long they have not."""
    if row is None or row.freshness in ("silent", "never"):
        domains = picture.catalog.of_vital(key.removeprefix("vital."))
        return picture.fresh_of([feed for d in domains for k in d.kpis for feed in picture.catalog.kpi_feeds(f"{d.key}.{k.key}")])
    return Fresh(row.freshness, iso(row.computed_at), 120)


def since_yesterday(row: KpiRow | None) -> str:
    """How much an index moved in a day; nothing where either is unknown."""
    return "" if row is None or row.value is None or row.yesterday is None else signed(row.value - row.yesterday)


def _district(value: str, lang: str) -> str:
    return say(lang, f"全区 {value}", f"district {value}")


def worded(kpi: Kpi, row: KpiRow | None) -> tuple[str, str]:
    """Value and unit. A share of few things is written a/b: when a sensor drops out the denominator is the news."""
    if row is None or row.value is None:
        return UNKNOWN, kpi.unit
    parts = json.loads(row.parts) if row.parts else []
    if kpi.unit == "%" and not kpi.change and _few_of_few(parts):
        return f"{int(parts[0]):,}/{int(parts[1]):,}", ""
    return (signed(row.value, kpi.decimals) if kpi.change else number(row.value, kpi.decimals)), kpi.unit


def _few_of_few(parts: Sequence[float | None]) -> bool:
    whole = len(parts) == 2 and all(p is not None and float(p).is_integer() for p in parts)
    return whole and 0 < (parts[1] or 0) < _MANY


def target_words(target: Target | None, kpi: Kpi, lang: str) -> str:
    """目标 ≥95%."""
    if target is None:
        return ""
    wanted = number(target.good, _fewest(target.good)) + (kpi.unit if kpi.unit == "%" else "")
    sign = "≥" if target.good > target.poor else "≤"
    return say(lang, f"目标 {sign}{wanted}", f"target {sign} {wanted}")


def _fewest(value: float) -> int:
    return next((d for d in range(3) if abs(value - round(value, d)) < 1e-9), 3)


def _comparison(picture: Picture, key: str, kpi: Kpi, scope: Scope, row: KpiRow | None, lang: str) -> str:
    """Under a filter the whole district; else the same hour yesterday, else last year."""
    if not scope.whole:
        whole = picture.figure(key, Scope())
        return _district(worded(kpi, whole)[0], lang) if whole else ""
    if row is None or row.value is None or kpi.change:
        return ""
    if row.yesterday is not None:
        before = number(row.yesterday, kpi.decimals)
        return say(lang, f"昨日 {before}", f"yesterday {before}")
    if row.last_year is not None:
        before = number(row.last_year, kpi.decimals)
        return say(lang, f"去年 {before}", f"last year {before}")
    return ""


def crossed_threshold(picture: Picture, domain: Domain, kpi: Kpi, value: float | None) -> Threshold | None:
    """The worst threshold this value is past, of the rules that watch the KPI or, for an extreme, its metric."""
    if value is None:
        return None
    limits = thresholds_of_kpi(picture, domain, kpi)
    return next((t for t in limits if _CROSSED[t.op](value, t.value)), None)


def thresholds_of_kpi(picture: Picture, domain: Domain, kpi: Kpi) -> tuple[Threshold, ...]:
    """Thresholds a KPI can be held against, worst first."""
    day = city_day(picture.at).isoformat()
    metrics = _metrics_in(kpi) if kpi.measure.how != "sum" else set()
    for rule in domain.rules:
        watches = rule.watches
        if (isinstance(watches, KpiValues) and watches.kpi is kpi) or (isinstance(watches, Readings) and watches.metric in metrics):
            return picture.catalog.rule_thresholds(f"{domain.key}.{rule.key}", day)
    return ()


def thresholds_of_metric(picture: Picture, domain: Domain, metric: str) -> tuple[Threshold, ...]:
    """Thresholds of the first rule that watches a metric, worst first."""
    day = city_day(picture.at).isoformat()
    for rule in domain.rules:
        if isinstance(rule.watches, Readings) and rule.watches.metric == metric:
            return picture.catalog.rule_thresholds(f"{domain.key}.{rule.key}", day)
    return ()


def level_of_reading(limits: Sequence[Threshold], value: float | None) -> str:
    """The worst level a reading is past."""
    return next((t.level.value for t in limits if value is not None and _CROSSED[t.op](value, t.value)), "")


def near_limits(limits: Sequence[Threshold], line: Sequence[float | None]) -> list[Threshold]:
    """Thresholds worth drawing beside a line: all it has come to, and those not far beyond."""
    values = [v for v in line if v is not None]
    if not values or not limits:
        return []
    rising = limits[0].op.startswith(">")
    reach = max(values) if rising else min(values)
    far = 2 * max(max(values) - min(values), abs(reach) * 0.15, 1e-9)
    ordered = sorted(limits, key=lambda t: t.value, reverse=not rising)
    return [t for t in ordered if (t.value <= reach + far if rising else t.value >= reach - far)]


def _metrics_in(kpi: Kpi) -> set[str]:
    """Metric keys named in a KPI's condition."""
    if kpi.measure.where is None:
        return set()
    return {str(e.value) for e in visitors.iterate(kpi.measure.where) if isinstance(e, sa.BindParameter) and isinstance(e.value, str)}


def shown_kpis(picture: Picture, vital: str, scope: Scope) -> list[str]:
    """A vital system's KPIs, those past a line first, then by weight, one domain after another."""
    ranked: list[tuple[bool, int, float, int, str]] = []
    for domain in picture.catalog.of_vital(vital):
        for place, kpi in enumerate(sorted(domain.kpis, key=lambda k: -k.weight)):
            key = f"{domain.key}.{kpi.key}"
            row = picture.figure(key, scope)
            crossed = crossed_threshold(picture, domain, kpi, row.value if row else None) is not None
            ranked.append((not crossed, place, -kpi.weight, len(ranked), key))
    return [key for *_, key in sorted(ranked)]
