"""Counters for Prometheus: what was pulled, what was sent, how old everything is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dashboard.core.declare import Level
from dashboard.web import reads
from dashboard.web.hub import Hub
from dashboard.web.renderer import Renderer


class Metrics:
    """The page behind /metrics, in a registry of its own."""

    def __init__(self, engine: sa.Engine, hub: Hub, renderer: Renderer) -> None:
        self._engine, self._hub, self._renderer = engine, hub, renderer

    def text(self, now: datetime) -> bytes:
        """Everything, in Prometheus' text format."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Now([*self._of_screens(), *self._of_store(now)]))
        return generate_latest(registry)

    def _of_screens(self) -> Iterable[Metric]:
        hub, renderer = self._hub, self._renderer
        yield GaugeMetricFamily("cockpit_clients", "screens connected", value=len(hub.clients))
        yield CounterMetricFamily("cockpit_frames", "updates sent to screens", value=hub.traffic.frames)
        yield CounterMetricFamily("cockpit_frame_bytes", "bytes of updates sent to screens", value=hub.traffic.bytes)
        yield GaugeMetricFamily("cockpit_watched_panels", "panels of views kept fresh", value=renderer.watched)
        yield CounterMetricFamily("cockpit_renders", "panels made", value=renderer.tally.rendered)
        yield CounterMetricFamily("cockpit_renders_unchanged", "panels made that came out the same", value=renderer.tally.unchanged)
        yield CounterMetricFamily("cockpit_render_failures", "panels that could not be made", value=renderer.tally.failed)
        yield CounterMetricFamily("cockpit_render_seconds", "time spent making panels", value=renderer.tally.seconds)
        yield GaugeMetricFamily("cockpit_pulse", "grows with every change in the store", value=renderer.pulse)
        if renderer.worker_age is not None:
            yield GaugeMetricFamily("cockpit_worker_age_seconds", "since the worker last said it lives", value=renderer.worker_age)

    def _of_store(self, now: datetime) -> Iterable[Metric]:
        try:
            with self._engine.connect() as conn:
                pulls, levels = reads.pulls(conn), reads.open_counts(conn)
        except sa.exc.SQLAlchemyError:  # the page must still tell of the process when the store is away
            yield GaugeMetricFamily("cockpit_store_up", "whether the store answers", value=0)
            return
        yield GaugeMetricFamily("cockpit_store_up", "whether the store answers", value=1)
        yield from _of_pulls(pulls, now)
        open_alerts = GaugeMetricFamily("cockpit_alerts_open", "open alerts", labels=("level",))
        for level in Level:
            open_alerts.add_metric((level.value,), levels.get(level.value, 0))
        yield open_alerts


def _of_pulls(pulls: dict[str, reads.Found], now: datetime) -> Iterable[Metric]:
    labels = ("pull", "source")
    rows = CounterMetricFamily("cockpit_pull_rows", "rows taken in", labels=labels)
    kept = CounterMetricFamily("cockpit_pull_quarantined", "rows that did not fit", labels=labels)
    failing = GaugeMetricFamily("cockpit_pull_failures", "turns failed in a row", labels=labels)
    lag = GaugeMetricFamily("cockpit_pull_lag_seconds", "age of the newest event", labels=labels)
    for key, row in sorted(pulls.items()):
        at = (key, row["source"])
        rows.add_metric(at, row["rows_total"])
        kept.add_metric(at, row["quarantined_total"])
        failing.add_metric(at, row["failures"])
        if row["newest_event_at"]:
            lag.add_metric(at, max(0.0, (now - row["newest_event_at"]).total_seconds()))
    return rows, kept, failing, lag


class _Now(Collector):
    """Hands over what was just counted."""

    def __init__(self, found: list[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        return self._found
