"""docs/catalog.md out of the declarations: every pull, KPI, rule and threshold, so that the page cannot be behind the code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from dashboard.core.catalog import Catalog
from dashboard.core.configured import Parameter, Target, Threshold
from dashboard.core.declare import (
    Absence,
    AlertRule,
    Derived,
    Domain,
    Feed,
    Judged,
    Kpi,
    KpiValues,
    Missing,
    OutOfRange,
    RateOfChange,
    Readings,
    RowCount,
    Stillness,
    Text,
)
from dashboard.core.tables import ORIGIN
from dashboard.settings import PullConfig, Settings

_PULL = ("pull", "source", "department", "into", "table", "every", "late after")
_FEED = ("feed", "title", "holds", "required")
_KPI = ("KPI", "title", "unit", "how", "good / poor", "weight")
_RULE = ("rule", "title", "watches", "thresholds", "holds for", "no data")
_DERIVED = ("derived metric", "title", "unit", "from", "how")
_PARAMETER = ("number of", "name", "value", "reference")
_INHIBITION = ("inhibition", "cause", "consequences", "same", "why")
_STEP = ("playbook", "step", "kind", "by", "after", "else")
_FIGURE = ("figure", "value", "unit", "period", "source")


def catalog_markdown(catalog: Catalog, settings: Settings) -> str:
    """The whole catalog as Markdown. Depends on declarations and configuration alone: no address, no time of day."""
    parts = [
        "# 目录 · Catalog",
        "Everything this city declares. Written by `make docs`; `make check` fails when it is behind.",
        _counts(catalog, settings),
        "## 取数 · Pulls",
        _table(_PULL, _pull_rows(catalog, settings)),
    ]
    for vital in catalog.vitals.values():
        parts.append(f"## {vital.seal} {_both(vital.title)}")
        domains = catalog.of_vital(vital.key)
        parts += [part for domain in domains for part in _domain(catalog, domain)] or ["No domain yet."]
    parts += ["## 抑制与静默 · Inhibition and silence", _noise_limits(catalog), _table(_INHIBITION, _inhibition_rows(catalog))]
    parts += ["## 联动 · Linkages", *_linkages(catalog)]
    parts += ["## 公布数字 · Published figures", _table(_FIGURE, _published_rows(catalog))]
    return "\n\n".join(parts) + "\n"


def _counts(catalog: Catalog, settings: Settings) -> str:
    return (
        f"{len(catalog.vitals)} vital systems · {len(catalog.domains)} domains · {len(catalog.feeds)} feeds · "
        f"{len(settings.pulls)} pulls · {len(catalog.kpis)} KPIs · {len(catalog.rules)} rules · {len(catalog.thresholds)} thresholds"
    )


def _linkages(catalog: Catalog) -> Iterator[str]:
    """Playbooks, their steps, and their numbers with their references."""
    books = catalog.playbooks.values()
    yield "\n".join(f"- `{book.key}` {_both(book.title)}: {', '.join(f'`{rule}`' for rule in book.on)}" for book in books) or "None yet."
    steps = [(book, step) for book in books for step in book.steps]
    yield _table(_STEP, ((b.key, _both(s.title), s.kind, _both(s.by), ", ".join(s.after), s.instead) for b, s in steps))
    numbers = {book.numbers for book in books}
    yield _table(_PARAMETER, (_parameter_row(p) for p in catalog.parameters if p.rule in numbers))


def _domain(catalog: Catalog, domain: Domain) -> Iterator[str]:
    yield f"### {_both(domain.title)} `{domain.key}`"
    yield f"{_both(domain.department)}"
    yield _table(_FEED, (_feed_row(domain, feed) for feed in domain.feeds))
    if domain.kpis:
        yield _table(_KPI, (_kpi_row(catalog, domain, kpi) for kpi in domain.kpis))
    if domain.rules:
        yield _table(_RULE, (_rule_row(catalog, domain, rule) for rule in domain.rules))
    if domain.derived:
        yield _table(_DERIVED, (_derived_row(domain, one) for one in domain.derived))
    parameters = [p for p in catalog.parameters if p.rule.split(".")[0] == domain.key]
    if parameters:
        yield _table(_PARAMETER, (_parameter_row(p) for p in parameters))


def _pull_rows(catalog: Catalog, settings: Settings) -> Iterator[Sequence[str]]:
    for key in sorted(settings.pulls):
        pull = settings.pulls[key]
        source = settings.sources[pull.source]
        late = pull.late_after or catalog.feeds[pull.into][1].late_after
        whence = f"`{pull.source}` {source.title}"
        yield f"`{key}`", whence, source.department, f"`{pull.into}`", _origin(pull), span(pull.interval), span(late)


def _origin(pull: PullConfig) -> str:
    return pull.table or ("query" if pull.query else str(pull.options.get("path", "")))


def _feed_row(domain: Domain, feed: Feed) -> Sequence[str]:
    return f"`{domain.key}.{feed.key}`", _both(feed.title), _held(feed), ", ".join(_required(feed))


def _held(feed: Feed) -> str:
    """What a mapping may name: fields of a table, or metrics of readings."""
    if feed.table is None:
        return "metrics " + ", ".join(f"`{m.key}` {m.title.zh} {m.unit}".strip() for m in feed.metrics)
    return f"table `{feed.table.name}`: " + ", ".join(f"`{c.name}`" for c in feed.table.columns if c.name not in ORIGIN)


def _required(feed: Feed) -> list[str]:
    """What a row cannot be without."""
    if feed.table is None:
        return ["asset_id", "observed_at"]
    if feed.clean is not None:
        return list(feed.required)  # it fills in the rest
    never_empty = [c.name for c in feed.table.columns if not c.nullable and c.default is None and c.name not in (*ORIGIN, "name")]
    return list(dict.fromkeys([*never_empty, *feed.required]))


def _kpi_row(catalog: Catalog, domain: Domain, kpi: Kpi) -> Sequence[str]:
    key = f"{domain.key}.{kpi.key}"
    return f"`{key}`", _both(kpi.title), kpi.unit, kpi.formula.zh, _target(catalog.targets.get(key)), f"{kpi.weight:g}"


def _target(target: Target | None) -> str:
    return f"{target.good:g} / {target.poor:g} ({target.confidence})" if target else "—"


def _rule_row(catalog: Catalog, domain: Domain, rule: AlertRule) -> Sequence[str]:
    rows = [t for t in catalog.thresholds if t.rule == f"{domain.key}.{rule.key}"]
    thresholds = "<br>".join(_threshold(t, rule) for t in rows) or "—"
    return f"`{domain.key}.{rule.key}`", _both(rule.title), _watched(rule), thresholds, span(rule.hold), rule.no_data


def _derived_row(domain: Domain, one: Derived) -> Sequence[str]:
    metric = one.metric
    return f"`{domain.key}.{metric.key}`", _both(metric.title), metric.unit, ", ".join(f"`{key}`" for key in one.inputs), one.method.zh


def _parameter_row(p: Parameter) -> Sequence[str]:
    name = f"`{p.name}`" + (f" {p.level}" if p.level else "")
    return f"`{p.rule}`", name, f"{p.value:g} {p.unit}".rstrip(), f"{p.ref}; {p.confidence}"


def _threshold(t: Threshold, rule: AlertRule) -> str:
    return f"{t.level.value} {t.op} {t.value:g} {rule.unit}".rstrip() + f" ({t.ref}; {t.confidence})"


def _watched(rule: AlertRule) -> str:
    match rule.watches:
        case Readings(metric=metric):
            return f"each `{metric}`"
        case OutOfRange(metric=metric):
            return f"each `{metric}` against the same hour of four weeks, P10–P90"
        case RateOfChange(metric=metric, over=over):
            return f"how fast {metric} changes, per hour over {span(over)}"
        case Stillness(metric=metric):
            return f"how long each `{metric}` has not moved"
        case KpiValues(kpi=kpi, each_street=each):
            return f"KPI `{kpi.key}`" + (" per street" if each else "")
        case RowCount(table=table, over=over):
            return f"rows of `{table.name}` in {span(over)}"
        case Absence(feed=feed, metric=silent):
            return f"silence of `{feed}`" + (f" `{silent}`" if silent else "")
        case Missing(table=table):
            return f"rows of `{table.name}` due by `{rule.calendar}`"
        case Judged(reads=reads):
            return "judged from " + ", ".join(f"`{name}`" for name in reads)


def _noise_limits(catalog: Catalog) -> str:
    told = (
        f"From {n.valid_from}: within {n.near_m:g} m and {n.within_min:g} min; a situation up to {n.spread_m:g} m and {n.span_min:g} min; "
        f"a silence up to {n.silence_h:g} h ({n.ref}; {n.confidence})."
        for n in catalog.noise
    )
    grave = ", ".join(f"`{key}`" for key, (_, rule) in catalog.rules.items() if rule.life_safety)
    return "\n\n".join((*told, f"Matters of life, besides everything red: {grave}."))


def _inhibition_rows(catalog: Catalog) -> Iterator[Sequence[str]]:
    for one in catalog.inhibitions:
        yield f"`{one.key}`", f"`{one.cause}`", ", ".join(f"`{name}`" for name in one.consequences), one.where, _both(one.why)


def _published_rows(catalog: Catalog) -> Iterator[Sequence[str]]:
    for figure in catalog.published:
        yield _both(figure.title), str(figure.value), figure.unit.zh, figure.period.zh, figure.source.zh


def span(length: timedelta) -> str:
    """90 s, 10 min, 2 h, 3 d: the largest unit that leaves no remainder."""
    seconds = length.total_seconds()
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s" if seconds else "—"


def _both(text: Text) -> str:
    return f"{text.zh} · {text.en}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in lines)
