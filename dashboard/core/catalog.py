"""Everything declared, found by place and looked up by key."""

from __future__ import annotations

import importlib
import pkgutil
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.resources import files
from types import ModuleType
from typing import Any

import sqlalchemy as sa

from dashboard.core.calendars import Calendar, Maintenance, calendars_of, check_calendars, maintenance_of
from dashboard.core.configured import Parameter, Plan, Published, Target, Threshold
from dashboard.core.declare import AlertRule, Cause, Domain, Feed, Kpi, Level, Metric, Text, Vital
from dashboard.core.errors import ConfigurationError, DeclarationError
from dashboard.core.noise import Inhibition, NoiseLimits, inhibitions_misfit
from dashboard.core.playbooks import Playbook, misfits
from dashboard.core.sight import Action, Mask, Role, Sight


@dataclass(frozen=True)
class Catalog:
    """The city as declared: domains, vital systems, thresholds, targets, published figures."""

    domains: Mapping[str, Domain]
    vitals: Mapping[str, Vital]
    thresholds: tuple[Threshold, ...] = ()
    targets: Mapping[str, Target] = field(default_factory=dict)
    published: tuple[Published, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    causes: Mapping[str, Cause] = field(default_factory=dict)
    plans: tuple[Plan, ...] = ()
    playbooks: Mapping[str, Playbook] = field(default_factory=dict)
    roles: Mapping[str, Role] = field(default_factory=dict)
    inhibitions: tuple[Inhibition, ...] = ()
    noise: tuple[NoiseLimits, ...] = ()
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    maintenance: tuple[Maintenance, ...] = ()

    @cached_property
    def feeds(self) -> dict[str, tuple[Domain, Feed]]:
        """Feeds by `domain.feed`."""
        return {f"{d.key}.{f.key}": (d, f) for d in self.domains.values() for f in d.feeds}

    @cached_property
    def kpis(self) -> dict[str, tuple[Domain, Kpi]]:
        """KPIs by `domain.kpi`."""
        return {f"{d.key}.{k.key}": (d, k) for d in self.domains.values() for k in d.kpis}

    @cached_property
    def rules(self) -> dict[str, tuple[Domain, AlertRule]]:
        """Alert rules by `domain.rule`."""
        return {f"{d.key}.{r.key}": (d, r) for d in self.domains.values() for r in d.rules}

    @cached_property
    def metrics(self) -> dict[tuple[str, str], Metric]:
        """Metrics by (domain, metric), measured and derived."""
        measured = {(d.key, m.key): m for d in self.domains.values() for f in d.feeds for m in f.metrics}
        return measured | {(d.key, one.metric.key): one.metric for d in self.domains.values() for one in d.derived}

    def kpi_key(self, kpi: Kpi) -> str:
        """The `domain.kpi` key of a declared KPI."""
        return next(key for key, (_, declared) in self.kpis.items() if declared is kpi)

    def kpi_feeds(self, key: str) -> tuple[str, ...]:
        """The feeds whose freshness a KPI has: as declared, else those of its domain that fill its table."""
        domain, kpi = self.kpis[key]
        if kpi.feeds:
            return kpi.feeds
        if isinstance(kpi.table, sa.Table) and kpi.table.name != "reading_latest":
            return tuple(f"{domain.key}.{f.key}" for f in domain.feeds if f.table is kpi.table)
        return tuple(f"{domain.key}.{f.key}" for f in domain.feeds if f.metrics)

    def rule_thresholds(self, rule: str, day: str) -> tuple[Threshold, ...]:
        """The thresholds of a rule in force on a city day (ISO), worst level first."""
        rows = [t for t in self.thresholds if t.rule == rule and t.valid_from <= day <= t.valid_to]
        return tuple(sorted(rows, key=lambda t: -t.level.severity))

    def rule_parameters(self, rule: str, day: str) -> dict[str, float]:
        """The parameters of a rule in force on a city day (ISO), by `name`, or `name.level`."""
        rows = [p for p in self.parameters if p.rule == rule and p.valid_from <= day <= p.valid_to]
        return {f"{p.name}.{p.level}" if p.level else p.name: p.value for p in rows}

    def calendar_of(self, rule: str) -> Calendar | None:
        """The service calendar of a rule, its own or its domain's; None: always in service."""
        domain, declared = self.rules[rule]
        named = declared.calendar or domain.calendar
        return self.calendars[named] if named else None

    def plan(self, domain: str, level: Level, day: str) -> Plan | None:
        """The plan for alerts of a level on a city day (ISO): the domain's own row, else the one for all."""
        rows = [p for p in self.plans if p.level is level and p.domain in ("", domain) and p.valid_from <= day <= p.valid_to]
        return max(rows, key=lambda p: p.domain != "", default=None)

    def noise_on(self, day: str) -> NoiseLimits | None:
        """The limits of noise in force on a city day (ISO); None: nothing is joined or silenced."""
        return next((n for n in self.noise if n.valid_from <= day <= n.valid_to), None)

    def of_vital(self, vital: str) -> list[Domain]:
        """The domains of a vital system."""
        return [d for d in self.domains.values() if d.vital == vital]

    def seen_by(self, sight: Sight) -> Catalog:
        """What of the city is declared as far as a viewer's domains go; a vital system shows while one of its domains does."""
        if sight.domains is None:
            return self
        domains = {key: domain for key, domain in self.domains.items() if key in sight.domains}

        def shown(line: str) -> bool:
            return line.partition(".")[0] in domains

        vitals = {d.vital for d in domains.values()}
        playbooks = {key: playbook for key, playbook in self.playbooks.items() if any(map(shown, playbook.on))}
        numbers = {playbook.numbers for playbook in playbooks.values()}
        return replace(
            self,
            domains=domains,
            vitals={key: vital for key, vital in self.vitals.items() if key in vitals},
            thresholds=tuple(t for t in self.thresholds if shown(t.rule)),
            targets={key: target for key, target in self.targets.items() if shown(key)},
            published=tuple(p for p in self.published if p.vital in vitals and (not p.kpi or shown(p.kpi))),
            parameters=tuple(p for p in self.parameters if p.rule in numbers or shown(p.rule)),
            causes={key: cause for key, cause in self.causes.items() if shown(cause.driver) and shown(cause.effect)},
            plans=tuple(p for p in self.plans if p.domain in ("", *domains)),
            playbooks=playbooks,
            maintenance=tuple(one for one in self.maintenance if shown(one.rule or one.domain)),
        )

    def figures_seen_by(self, sight: Sight) -> list[str] | None:
        """The keys of figures open to a viewer; None: all. An index is open where everything it is made of is."""
        if sight.domains is None:
            return None
        whole = {d.vital for d in self.domains.values()} - {d.vital for d in self.domains.values() if d.key not in sight.domains}
        return [key for key, (domain, _) in self.kpis.items() if sight.holds_domain(domain.key)] + [f"vital.{v}" for v in sorted(whole)]


def _domain_modules(package: ModuleType) -> Iterable[ModuleType]:
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda i: i.name):
        if info.name != "departments":
            yield importlib.import_module(f"{package.__name__}.{info.name}")


def load_catalog(package: str = "data_sources") -> Catalog:
    """Find every module with a DOMAIN in the package, read its configuration tables, and check them all.

    Raises DeclarationError or ConfigurationError naming the culprit.
    """
    home = importlib.import_module(package)
    modules = list(_domain_modules(home))
    domains = {m.DOMAIN.key: m.DOMAIN for m in modules if hasattr(m, "DOMAIN")}
    vitals = {v.key: v for m in modules for v in getattr(m, "VITALS", ())}
    catalog = Catalog(
        domains,
        vitals,
        tuple(Threshold(**{**row, "level": Level(row["level"])}) for row in _rows(package, "thresholds", "threshold")),
        {row["kpi"]: Target(**row) for row in _rows(package, "thresholds", "target")},
        tuple(_published(row) for row in _rows(package, "published", "figure")),
        tuple(Parameter(**row) for row in _rows(package, "thresholds", "parameter")),
        {c.key: c for m in modules for c in getattr(m, "CAUSES", ())},
        tuple(_plan(row) for row in _rows(package, "thresholds", "plan")),
        playbooks={p.key: p for m in modules for p in getattr(m, "PLAYBOOKS", ())},
        roles={role.key: role for role in (_role(row, f"{package}/access/roles.toml") for row in _rows(package, "access", "role"))},
        inhibitions=tuple(one for m in modules for one in getattr(m, "INHIBITIONS", ())),
        noise=tuple(NoiseLimits(**row) for row in _rows(package, "thresholds", "noise")),
        calendars=calendars_of(_rows(package, "calendars", "calendar"), _rows(package, "calendars", "holiday")),
        maintenance=tuple(maintenance_of(row) for row in _rows(package, "calendars", "maintenance")),
    )
    check_catalog(catalog)
    return catalog


def _rows(package: str, folder: str, table: str) -> list[dict[str, Any]]:
    """All rows of one kind from the TOML files of a folder beside the domains."""
    rows: list[dict[str, Any]] = []
    place = files(package).joinpath(folder)
    for file in sorted((f for f in place.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name) if place.is_dir() else ():
        try:
            rows += tomllib.loads(file.read_text("utf-8")).get(table, [])
        except tomllib.TOMLDecodeError as wrong:
            raise ConfigurationError(f"{package}/{folder}/{file.name}", table, str(wrong)) from wrong
    return rows


def _published(row: dict[str, Any]) -> Published:
    words: dict[str, Any] = {key: Text(*value) if isinstance(value, list) else value for key, value in row.items()}
    return Published(**words)


_STEPS = ("acknowledge", "dispatch", "arrive", "settle", "verify", "close")


def _plan(row: dict[str, Any]) -> Plan:
    limits = {name: float(row[name]) for name in _STEPS if name in row}
    return Plan(**{k: v for k, v in row.items() if k not in _STEPS} | {"level": Level(row["level"]), "limits": limits})


def _role(row: Mapping[str, Any], file: str) -> Role:
    """A row of roles.toml. Raises ConfigurationError naming the role and the word that does not fit."""
    where = f"role {row.get('key', '?')}"
    if unknown := set(row) - {"key", "title", "actions", "masks", "city", "needs"}:
        raise ConfigurationError(file, where, f"no such key: {', '.join(sorted(unknown))}")
    if row.get("needs", "") not in ("", "domains", "streets"):
        raise ConfigurationError(file, where, f"needs {row['needs']!r}", "domains, streets, or leave it out")
    try:
        actions, masks = frozenset(map(Action, row["actions"])), frozenset(map(Mask, row.get("masks", ())))
        return Role(row["key"], Text(*row["title"]), actions, masks, row.get("city", True), row.get("needs", ""))
    except (KeyError, TypeError, ValueError) as wrong:
        raise ConfigurationError(file, where, str(wrong)) from wrong


def check_catalog(catalog: Catalog) -> None:
    """Refuse a catalog whose parts do not fit together."""
    for domain in catalog.domains.values():
        if domain.vital not in catalog.vitals:
            raise DeclarationError(f"domain {domain.key}: vital system {domain.vital!r} is not declared in vitals.py")
        for feed in domain.feeds:
            if (feed.table is None) == (not feed.metrics):
                raise DeclarationError(f"feed {domain.key}.{feed.key}: give either a table or metrics")
    check_calendars(catalog.calendars, catalog.maintenance, catalog.rules, catalog.domains)
    inhibitions_misfit(catalog.inhibitions, {key: rule for key, (_, rule) in catalog.rules.items()}, catalog.thresholds)
    for threshold in catalog.thresholds:
        if threshold.rule not in catalog.rules:
            raise ConfigurationError("thresholds", threshold.rule, "no such rule", "known: " + ", ".join(sorted(catalog.rules)))
    numbers = {*catalog.rules, *catalog.kpis, *(f"{domain}.{metric}" for domain, metric in catalog.metrics)}
    numbers |= {playbook.numbers for playbook in catalog.playbooks.values()}
    for parameter in catalog.parameters:
        if parameter.rule not in numbers:
            raise ConfigurationError("thresholds", parameter.rule, "parameter of no rule, KPI or metric")
    for domain in catalog.domains.values():
        for derived in domain.derived:
            for key in derived.inputs:
                if (domain.key, key) not in catalog.metrics:
                    raise DeclarationError(f"derived metric {domain.key}.{derived.metric.key}: no metric {key!r} in its domain")
    lines = {*catalog.kpis, *numbers}
    for cause in catalog.causes.values():
        for line in (cause.driver, cause.effect):
            if line not in lines:
                raise DeclarationError(f"cause {cause.key}: {line!r} is neither a metric nor a KPI")
    for playbook in catalog.playbooks.values():
        known = {parameter.name for parameter in catalog.parameters if parameter.rule == playbook.numbers}
        for problem in misfits(playbook, set(catalog.rules), {f"{d}.{m}" for d, m in catalog.metrics}, known):
            raise DeclarationError(f"playbook {playbook.key}: {problem}")
    for key in catalog.targets:
        if key not in catalog.kpis:
            raise ConfigurationError("thresholds", key, "no such KPI")


def words(text: Text | None, lang: str, otherwise: str = "") -> str:
    """A text in a language, or what stands in for it."""
    return text(lang) if text else otherwise
