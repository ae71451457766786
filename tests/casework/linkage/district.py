"""The declared rules and playbooks over an empty store: readings come in by hand, departments' inboxes are one table."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from dashboard.alerting.evaluate import evaluate
from dashboard.casework.linkage.run import run_playbooks
from dashboard.casework.linkage.said import answer_step
from dashboard.casework.photos import add_photo
from dashboard.casework.tend import tend
from dashboard.core.catalog import load_catalog
from dashboard.core.playbooks import Outbox
from dashboard.core.receipts import order_receipt
from dashboard.core.tables import metadata
from dashboard.demo_duty import _picture
from dashboard.notify.orders import send_orders
from dashboard.settings import load_settings
from dashboard.store.engine import open_store
from dashboard.store.schema import alert, alert_transition
from dashboard.store.schema_linkage import playbook_run, playbook_step
from tests.casework.linkage.yard import COLUMNS, INBOX
from tests.whole_city import NOON, Town

CATALOG = load_catalog()
BOXES = ("cleaning", "tanks", "slopes", "minibuses")
STREET = "500103003"


class District:
    """A store with one rule and its playbook, the clock at noon."""

    def __init__(self, home: Path, *rules: str) -> None:
        domain = CATALOG.rules[rules[0]][0]
        kept = replace(domain, rules=tuple(CATALOG.rules[rule][1] for rule in rules))
        domains = {key: replace(one, rules=()) for key, one in CATALOG.domains.items()} | {domain.key: kept}
        (home / "cockpit.toml").write_text("")
        theirs = f"sqlite:///{home / 'departments.db'}"
        self.theirs = sa.create_engine(theirs)
        made = ", ".join(f'"{column}" TEXT' + (" PRIMARY KEY" if ours == "order_no" else "") for ours, column in COLUMNS.items())
        with self.theirs.begin() as conn:
            conn.exec_driver_sql(f'CREATE TABLE "{INBOX}" ({made})')
        boxes = {key: Outbox(key=key, kind="sql", source="x", table=INBOX, fields=COLUMNS, url=theirs) for key in BOXES}
        settings = replace(load_settings(str(home / "cockpit.toml"), {}), outboxes=boxes)
        engine = open_store(f"sqlite:///{home / 'store.db'}")
        metadata.create_all(engine)
        self.town = Town(engine, replace(CATALOG, domains=domains), settings)
        self.engine, self.now, self.receipts = engine, NOON, 0

    def turn(self) -> None:
        """The worker's turn, and every outbox's."""
        evaluate(self.engine, self.town.catalog, self.town.settings, self.now)
        tend(self.engine, self.town.catalog, self.now)
        run_playbooks(self.engine, self.town.catalog, self.now)
        for box in BOXES:
            send_orders(self.engine, self.town.settings, box, self.now)

    def wait(self, minutes: float) -> None:
        """Time goes by, and a turn."""
        self.now += timedelta(minutes=minutes)
        self.turn()

    def read(self, domain: str, asset: str, back: timedelta = timedelta(0), **values: float) -> None:
        """Readings of an asset, now or a while ago."""
        for metric, value in values.items():
            self.town.read(domain, metric, [(asset, STREET, self.now - back, value)], self.now)

    def rows(self, table: sa.Table, *rows: dict[str, Any]) -> None:
        self.town.write(table, list(rows), self.now)

    def answers(self, kind: str, *states: str, note: str = "") -> None:
        """The department's receipts to the newest order of a kind, and a turn."""
        number = next(order["order_no"] for order in reversed(self.inbox()) if order["kind"] == kind)
        for state in states:
            self.receipts += 1
            row = {"case_id": f"r{self.receipts:03}", "order_no": number, "state": state, "opened_at": self.now}
            self.rows(order_receipt, {**row, "by_unit": "班组", "note": note})
        self.turn()

    def decides(self, step: str, state: str) -> None:
        answer_step(self.engine, self.town.catalog, self.run().run_id, step, state, "值班长", "", self.now)
        self.turn()

    def photographs(self) -> None:
        add_photo(self.engine, self.town.catalog, self.alert().alert_id, _picture("x"), "值班台", self.now)

    # ---- what is to be seen
    def inbox(self) -> list[dict[str, Any]]:
        with self.theirs.connect() as conn:
            rows = conn.exec_driver_sql(f'SELECT * FROM "{INBOX}" ORDER BY rowid').mappings().all()
        ours = {column: name for name, column in COLUMNS.items()}
        return [{ours[column]: value for column, value in row.items()} for row in rows]

    def ordered(self) -> list[str]:
        """What came into inboxes, by kind."""
        return [order["kind"] for order in self.inbox()]

    def run(self) -> Any:
        with self.engine.connect() as conn:
            return conn.execute(sa.select(playbook_run).order_by(playbook_run.c.run_id.desc())).first()

    def steps(self) -> dict[str, str]:
        with self.engine.connect() as conn:
            return dict(conn.execute(sa.select(playbook_step.c.step, playbook_step.c.state)).all())

    def alert(self) -> Any:
        with self.engine.connect() as conn:
            return conn.execute(sa.select(alert).order_by(alert.c.alert_id.desc())).first()

    def told(self) -> list[str]:
        """What happened to the alert."""
        with self.engine.connect() as conn:
            return list(conn.execute(sa.select(alert_transition.c.what).order_by(alert_transition.c.transition_id)).scalars())

    def order(self, kind: str) -> dict[str, Any]:
        return next(order for order in reversed(self.inbox()) if order["kind"] == kind)

    def minutes_allowed(self, kind: str) -> float:
        """From the order to its limit, as the department reads it."""
        order = self.order(kind)
        issued, due = (datetime.fromisoformat(order[name]) for name in ("issued_at", "due_at"))
        return (due - issued) / timedelta(minutes=1)
