"""Rows of the store as the API tells them: names looked up, nothing added."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from dashboard.core.catalog import Catalog
from dashboard.core.declare import Freshness, Text
from dashboard.core.sight import Action, Sight
from dashboard.settings import Settings, SourceConfig
from dashboard.store.freshness import FeedFreshness
from dashboard.web.models import AlertOut, KpiOut, PullOut, SourceOut, TargetOut, Words
from dashboard.web.reads import Found

_WORST_FIRST = (Freshness.SILENT, Freshness.LATE, Freshness.FRESH)


def words(text: Text) -> Words:
    """A title in both languages."""
    return Words(zh=text.zh, en=text.en)


def seen_settings(settings: Settings, catalog: Catalog, sight: Sight) -> Settings:
    """The sources and pulls that fill what is open; all of them for who looks after the engine."""
    if sight.domains is None or sight.may(Action.SOURCES):
        return settings
    pulls = {key: pull for key, pull in settings.pulls.items() if pull.into.partition(".")[0] in catalog.domains}
    of_these = {pull.source for pull in pulls.values()}
    return replace(settings, pulls=pulls, sources={key: source for key, source in settings.sources.items() if key in of_these})


def alert_out(row: Found, catalog: Catalog) -> AlertOut:
    """An alert."""
    declared = catalog.rules.get(row["rule"])
    title = declared[1].title if declared else Text(row["rule"], row["rule"])  # a rule may have been withdrawn since
    return AlertOut(
        id=row["alert_id"],
        title=words(title),
        asset=row["asset_id"],
        acknowledged=row["acknowledged_at"] is not None,
        **{
            name: row[name]
            for name in (
                *("number", "rule", "domain", "vital", "level", "state", "acknowledged_at", "stage", "due_at", "closed_at"),
                *("opened_at", "cleared_at", "asset_name"),
                *("street", "lon", "lat", "value", "threshold", "unit", "no_data", "owner"),
            )
        },
    )


def kpi_out(row: Found, catalog: Catalog) -> KpiOut:
    """A KPI, or an index over KPIs; a row of history has fewer columns."""
    key = row["kpi"]
    title, unit, vital = _named(key, catalog)
    target = catalog.targets.get(key)
    numbers = {name: row.get(name) for name in ("value", "low", "high", "score", "grade", "yesterday", "last_year", "freshness", "as_of")}
    return KpiOut(
        key=key,
        title=words(title),
        vital=vital,
        scope=row["scope"],
        unit=unit,
        target=TargetOut(good=target.good, poor=target.poor, ref=target.ref, confidence=target.confidence) if target else None,
        completeness=row["completeness"],
        **numbers,
    )


def _named(key: str, catalog: Catalog) -> tuple[Text, str, str | None]:
    if key in catalog.kpis:
        domain, kpi = catalog.kpis[key]
        return kpi.title, kpi.unit, domain.vital
    vital = catalog.vitals.get(key.removeprefix("vital."))
    if vital:
        return vital.title, "", vital.key
    return Text("全区指数", "District index") if key.startswith("district") else Text(key, key), "", None


@dataclass(frozen=True)
class Standing:
    """How all sources and pulls stand at a moment."""

    sources: Mapping[str, Found]
    pulls: Mapping[str, Found]
    feeds: Mapping[str, FeedFreshness]
    now: datetime


def source_out(config: SourceConfig, settings: Settings, standing: Standing) -> SourceOut:
    """A source with its pulls. It is as fresh, and lags as much, as the worst of those that ever brought something."""
    mine = [pull for pull in settings.pulls.values() if pull.source == config.key]
    told = [_pull_out(pull.key, pull.into, standing) for pull in mine]
    state = standing.sources.get(config.key)
    worst = _worst(Freshness(pull.freshness) for pull in told)
    lags = [pull.lag_s for pull in told if pull.lag_s is not None and pull.freshness == worst.value]
    return SourceOut(
        key=config.key,
        title=config.title,
        department=config.department,
        kind=config.kind,
        freshness=worst.value,
        lag_s=max(lags, default=None),
        rows=sum(pull.rows for pull in told),
        quarantined=sum(pull.quarantined for pull in told),
        error_kind=state["error_kind"] if state else None,
        last_error=state["last_error"] if state else None,
        last_ok_at=state["last_ok_at"] if state else None,
        failing_since=state["failing_since"] if state else None,
        pulls=told,
    )


def _worst(states: Iterable[Freshness]) -> Freshness:
    found = set(states)
    return next((state for state in _WORST_FIRST if state in found), Freshness.NEVER)


def _pull_out(key: str, feed: str, standing: Standing) -> PullOut:
    row, fresh, now = standing.pulls.get(key), standing.feeds.get(feed), standing.now
    newest = row["newest_event_at"] if row else None
    return PullOut(
        key=key,
        feed=feed,
        freshness=(fresh.state if fresh else Freshness.NEVER).value,
        lag_s=max(0.0, (now - newest).total_seconds()) if newest else None,
        cadence_s=row["cadence_s"] if row else 0,
        rows=row["rows_total"] if row else 0,
        quarantined=row["quarantined_total"] if row else 0,
        failures=row["failures"] if row else 0,
        last_ok_at=row["last_ok_at"] if row else None,
        next_due_at=row["next_due_at"] if row else None,
        last_error=row["last_error"] if row else None,
    )
