"""A department and the cockpit over it, alive by a stepped clock: what it writes is pulled, judged, ordered, answered, pulled."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from dashboard.alerting.evaluate import evaluate
from dashboard.casework.linkage.run import run_playbooks
from dashboard.casework.tend import tend
from dashboard.core.catalog import load_catalog
from dashboard.core.tables import metadata
from dashboard.demo import build_demo, live_step, provoke
from dashboard.demo_duty import on_duty
from dashboard.derive.run import derive
from dashboard.notify.orders import send_orders
from dashboard.pull.run import run_pull
from dashboard.store.engine import open_store
from dashboard.store.migrate import migrate
from dashboard.store.schema import alert
from dashboard.store.schema_linkage import playbook_run, playbook_step, work_order
from data_sources.departments.building import open_department
from tests.demo_city import SEED, settings_in


class Alive:
    """One department's home, alive."""

    def __init__(self, home: Path, key: str, domains: Sequence[str], now: datetime, back: timedelta) -> None:
        settings, catalog = settings_in(home), load_catalog()
        pulls = {
            name: dataclasses.replace(pull, backfill=back if pull.backfill else None)
            for name, pull in settings.pulls.items()
            if pull.into.split(".")[0] in domains
        }
        self.key, self.now, self.began = key, now, now
        self.due: dict[str, datetime] = {}
        self.settings = dataclasses.replace(settings, pulls=pulls)
        self.catalog = dataclasses.replace(catalog, domains={d: catalog.domains[d] for d in domains})
        self.engine, self.department = open_store(settings.store_url), open_department(settings.sources[key].url)
        migrate(self.engine, metadata)
        self.turn()

    def turn(self, *, people: bool = True) -> None:
        """Everybody does what is due by now."""
        live_step(self.key, self.department, self.now)
        for name, pull in self.settings.pulls.items():
            if self.now >= self.due.get(name, self.now):
                outcome = run_pull(self.engine, self.catalog, self.settings, name, self.now)
                assert outcome.outcome == "ok", outcome
                self.due[name] = self.now + pull.interval
        derive(self.engine, self.catalog, self.now, 0, 5)
        evaluate(self.engine, self.catalog, self.settings, self.now)
        tend(self.engine, self.catalog, self.now)
        run_playbooks(self.engine, self.catalog, self.now)
        for outbox in self.settings.outboxes:
            send_orders(self.engine, self.settings, outbox, self.now)
        if people:
            on_duty(self.engine, self.catalog, self.now)

    def provoke(self, what: str) -> str:
        """Let something happen now."""
        return provoke(self.settings, what, self.now)

    def live(self, minutes: float, step: float, *, until: str = "", playbook: str = "") -> None:
        """Go on for so long, or until the newest run of a playbook is in a state and its alert closed."""
        for _ in range(int(minutes / step)):
            self.now += timedelta(minutes=step)
            self.turn()
            if until and self.run(playbook).get("state") == until and (until != "done" or self.closed(playbook)):
                return

    def run(self, playbook: str) -> dict[str, Any]:
        """The newest run of a playbook."""
        query = sa.select(playbook_run).where(playbook_run.c.playbook == playbook).order_by(playbook_run.c.run_id.desc())
        return self._first(query)

    def steps(self, playbook: str) -> dict[str, str]:
        """The steps of the newest run and their states."""
        with self.engine.connect() as conn:
            query = sa.select(playbook_step.c.step, playbook_step.c.state).where(playbook_step.c.run_id == self.run(playbook)["run_id"])
            return {row.step: row.state for row in conn.execute(query)}

    def orders(self, playbook: str) -> list[dict[str, Any]]:
        """The orders of the newest run."""
        with self.engine.connect() as conn:
            query = sa.select(work_order).where(work_order.c.run_id == self.run(playbook)["run_id"]).order_by(work_order.c.order_no)
            return [dict(row) for row in conn.execute(query).mappings()]

    def closed(self, playbook: str) -> bool:
        """Whether the alert of the newest run is closed."""
        row = self._first(sa.select(alert.c.closed_at).where(alert.c.alert_id == self.run(playbook)["alert_id"]))
        return row["closed_at"] is not None

    def _first(self, query: sa.Select[Any]) -> dict[str, Any]:
        with self.engine.connect() as conn:
            row = conn.execute(query).mappings().first()
        return dict(row) if row is not None else {}

    def end(self) -> None:
        """Let go of both databases."""
        self.engine.dispose()
        self.department.dispose()


def built(home: Path, key: str, domains: Sequence[str], now: datetime) -> Alive:
    """A department built for the occasion, alive."""
    build_demo(settings_in(home), now, SEED, fresh=False, only=[key], report=lambda _line: None)
    return Alive(home, key, domains, now, timedelta(hours=3))
