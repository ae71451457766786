"""Configuration into a plan: which expressions to read, what each becomes, checked before any department is asked."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa

from dashboard.core.catalog import Catalog
from dashboard.core.datum import DatumError, datum_name
from dashboard.core.declare import Domain, Feed, Metric
from dashboard.core.errors import ConfigurationError
from dashboard.core.tables import ORIGIN as ORIGIN
from dashboard.pull.units import Scale, scale
from dashboard.settings import PullConfig, Settings, SourceConfig

READING_FIELDS = ("asset_id", "observed_at", "metric", "value", "street", "quality", "lon", "lat")
METRIC = "metric."  # prefix of a wide table's metric among a plan's expressions
KINDS = ("sql", "gtfs", "gtfs_rt", "open311", "cap", "folder")
ROW_LIMIT = 1_000_000  # bytes; a row above this is a mistake of the department's, not a fact about the city


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One pull, understood."""

    pull: PullConfig
    source: SourceConfig
    domain: Domain
    feed: Feed
    expressions: Mapping[str, str]  # our field, or metric.<key> of a wide table → their expression
    key: tuple[str, ...]  # their expressions that identify a row
    zone: ZoneInfo
    datum: str
    units: Mapping[str, Scale]
    token_key: bytes
    row_limit: int

    @property
    def table(self) -> sa.Table | None:
        """The table to fill; None where the feed is readings."""
        return self.feed.table

    @cached_property
    def metrics(self) -> dict[str, Metric]:
        """The feed's metrics by key."""
        return {m.key: m for m in self.feed.metrics}

    @property
    def wide(self) -> bool:
        """One row holds several metrics."""
        return bool(self.pull.metrics)

    @cached_property
    def personal(self) -> frozenset[str]:
        """Fields that become tokens; a field read from a personal expression is personal by whatever name."""
        secret = {self.expressions[f] for f in self.feed.personal if f in self.expressions}
        return frozenset(f for f, e in self.expressions.items() if f in self.feed.personal or e in secret)

    @cached_property
    def personal_key(self) -> tuple[bool, ...]:
        """Which parts of their key are personal."""
        secret = {self.expressions[f] for f in self.personal}
        return tuple(part in secret for part in self.key)

    def pick(self, expression: str, row: Mapping[str, Any]) -> Any:
        """An expression over a row of a source that is not SQL: a name, 'a constant', or several joined by ||."""
        if expression in row:
            return row[expression]
        parts = [p.strip() for p in expression.split("||")]
        values = [p[1:-1] if _is_text(p) else row.get(p) for p in parts]
        return values[0] if len(values) == 1 else "".join("" if v is None else str(v) for v in values)

    def names(self) -> set[str]:
        """The source's own names this plan reads, for sources that are not SQL."""
        texts = [*self.expressions.values(), *self.key]
        return {p.strip() for t in texts for p in t.split("||") if not _is_text(p.strip())}


def _is_text(part: str) -> bool:
    return len(part) >= 2 and part[0] == part[-1] == "'"


def plan_pull(catalog: Catalog, settings: Settings, pull_key: str) -> Plan:
    """The plan of a pull. Raises ConfigurationError naming file, key and what would be right."""
    pull = settings.pulls.get(pull_key)
    if pull is None:
        raise ConfigurationError(settings.file, f"pull.{pull_key}", "no such pull", near(pull_key, settings.pulls))
    source = settings.sources[pull.source]
    if source.kind not in KINDS:
        file = source.file or settings.file
        raise ConfigurationError(file, f"source.{source.key}.kind", f"{source.kind!r} is not known", "known: " + ", ".join(KINDS))
    wrong = _Complaints(pull.file or settings.file, pull)
    if pull.into not in catalog.feeds:
        raise wrong("into", f"no feed {pull.into!r}", near(pull.into, catalog.feeds))
    domain, feed = catalog.feeds[pull.into]
    if source.kind == "sql" and bool(pull.table) == bool(pull.query):
        raise wrong("table", "give either table or query")
    expressions = _expressions(pull, feed, wrong)
    return Plan(
        pull=pull,
        source=source,
        domain=domain,
        feed=feed,
        expressions=expressions,
        key=pull.key_fields or _default_key(feed, expressions),
        zone=_zone(pull.timezone or source.timezone, wrong),
        datum=_datum(pull.datum or source.datum, wrong),
        units=_units(pull, expressions, wrong),
        token_key=settings.token_key,
        row_limit=int(pull.options.get("row_limit", ROW_LIMIT)),
    )


class _Complaints:
    """Errors of one pull's configuration."""

    def __init__(self, file: str, pull: PullConfig) -> None:
        self.file, self.pull = file, pull

    def __call__(self, key: str, problem: str, advice: str = "") -> ConfigurationError:
        return ConfigurationError(self.file, f"pull.{self.pull.key}.{key}", problem, advice)


def _expressions(pull: PullConfig, feed: Feed, wrong: _Complaints) -> dict[str, str]:
    _check_fields(pull, feed, wrong)
    for metric in pull.metrics:
        if metric not in {m.key for m in feed.metrics}:
            raise wrong(f"metrics.{metric}", "the feed has no such metric", near(metric, [m.key for m in feed.metrics]))
    return {k: str(v).strip() for k, v in pull.fields.items()} | {METRIC + k: str(v).strip() for k, v in pull.metrics.items()}


def _check_fields(pull: PullConfig, feed: Feed, wrong: _Complaints) -> None:
    """Every mapped field has a place to go, and every field that must be there is mapped."""
    known = [c.name for c in feed.table.columns if c.name not in ORIGIN] if feed.table is not None else list(READING_FIELDS)
    for name in pull.fields:
        if name not in known and name not in ("lon", "lat") and feed.clean is None:
            raise wrong(f"fields.{name}", "the feed has no such field", near(name, known))
    for name in _needed(pull, feed):
        if name not in pull.fields:
            raise wrong(f"fields.{name}", "must be mapped", f"fields.{name} = their column")
    mapped = [*pull.fields, *pull.metrics, *(m.key for m in feed.metrics)]
    for part, names in (("codes", pull.codes), ("units", pull.units)):
        for name in names:
            if name not in mapped:
                raise wrong(f"{part}.{name}", "nothing is mapped to that field", near(name, mapped))


def _needed(pull: PullConfig, feed: Feed) -> list[str]:
    if feed.table is None:
        return ["asset_id", "observed_at"] + ([] if pull.metrics else ["metric", "value"])
    if feed.clean is not None:
        return []  # it may derive what is not mapped
    return [c.name for c in feed.table.columns if c.name not in (*ORIGIN, "name") and not c.nullable and c.default is None]


def _default_key(feed: Feed, expressions: Mapping[str, str]) -> tuple[str, ...]:
    """What identifies a row where the mapping does not say: whatever our own key is read from."""
    ours = [c.name for c in feed.table.primary_key] if feed.table is not None else ["asset_id", "observed_at", "metric"]
    return tuple(dict.fromkeys(expressions[f] for f in ours if f in expressions))


def _zone(name: str, wrong: _Complaints) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as unknown:
        raise wrong("timezone", f"{name!r} is not a time zone", "such as Asia/Shanghai or UTC") from unknown


def _datum(name: str, wrong: _Complaints) -> str:
    try:
        return datum_name(name)
    except DatumError as unknown:
        raise wrong("datum", str(unknown)) from unknown


def _units(pull: PullConfig, expressions: Mapping[str, str], wrong: _Complaints) -> dict[str, Scale]:
    """Unit conversions by expression name; for a long table also by metric."""
    scales: dict[str, Scale] = {}
    for name, text in pull.units.items():
        try:
            scales[METRIC + name if METRIC + name in expressions else name] = scale(text)
        except ValueError as unknown:
            raise wrong(f"units.{name}", str(unknown)) from unknown
    return scales


def near(word: str, among: Mapping[str, Any] | list[str]) -> str:
    """The likeliest meant, then what there is."""
    names = list(among)
    close = difflib.get_close_matches(word, names, 3, 0.5) or difflib.get_close_matches(
        word.lower(), [n for n in names if n.lower()], 3, 0.5
    )
    shown = ", ".join(close) if close else ", ".join(sorted(names)[:30])
    return (f"near: {shown}" if close else f"there is: {shown}") if names else "there is nothing"
