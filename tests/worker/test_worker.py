"""The worker: one at a time, everything on schedule, gone when told."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from dashboard.core.catalog import Catalog, load_catalog
from dashboard.core.clock import SystemClock
from dashboard.core.declare import Absence, Readings
from dashboard.settings import PullConfig, Settings, SourceConfig
from dashboard.store.engine import open_store
from dashboard.store.migrate import migrate
from dashboard.store.schema import alert, kpi_latest, lease, metadata, pull_state
from dashboard.worker import Worker

BRIDGES = 'CREATE TABLE "桥梁台账" ("桥梁编号" TEXT PRIMARY KEY, "桥名" TEXT, "经度" REAL, "纬度" REAL, "更新时间" TEXT)'
FIELDS = {"asset_id": "桥梁编号", "name": "桥名", "lon": "经度", "lat": "纬度", "observed_at": "更新时间"}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture
def department(tmp_path: Path) -> Path:
    """A department with three bridges."""
    file = tmp_path / "bridges.db"
    with sqlite3.connect(file) as db:
        db.execute(BRIDGES)
    add_bridges(file, "1", "2", "3")
    return file


def add_bridges(file: Path, *numbers: str) -> None:
    at = (datetime.now().astimezone() - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%S%z")
    with sqlite3.connect(file) as db:
        db.executemany('INSERT INTO "桥梁台账" VALUES (?, ?, 106.57, 29.558, ?)', [(n, f"{n}号桥", at) for n in numbers])


def settings(tmp_path: Path, department: Path) -> Settings:
    here = SourceConfig(key="here", kind="sql", title="桥梁库", department="桥梁处", url=f"sqlite:///{department}")
    gone = SourceConfig(key="gone", kind="sql", title="隧道库", department="隧道处", url=f"sqlite:///{tmp_path / 'gone.db'}")
    how = {"fields": FIELDS, "key_fields": ("桥梁编号",), "interval": timedelta(seconds=1)}
    pulls = {
        "bridges": PullConfig(key="bridges", source="here", into="bridges.structures", table="桥梁台账", **how),  # type: ignore[arg-type]
        "tunnels": PullConfig(key="tunnels", source="gone", into="tunnels.structures", table="隧道台账", **how),  # type: ignore[arg-type]
    }
    return Settings(
        file="cockpit.toml",
        home=tmp_path,
        store_url=f"sqlite:///{tmp_path / 'store.db'}",
        port=0,
        host="127.0.0.1",
        city={},
        index={},
        sources={"here": here, "gone": gone},
        pulls=pulls,
        token_key=b"k",
    )


@pytest.fixture
def store(tmp_path: Path, catalog: Catalog) -> Iterator[sa.Engine]:
    engine = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    migrate(engine)
    yield engine
    engine.dispose()


class Running:
    """A worker at work in a thread of its own."""

    def __init__(self, worker: Worker) -> None:
        self.stop = threading.Event()
        self.thread = threading.Thread(target=worker.run, args=(self.stop,))
        self.thread.start()

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join(10)
        assert not self.thread.is_alive()


def until(store: sa.Engine, question: sa.Select[tuple[int]], wanted: int, within: float = 30.0) -> None:
    """Wait for what the worker writes."""
    deadline, found = time.monotonic() + within, None
    while time.monotonic() < deadline:
        with store.connect() as conn:
            found = conn.scalar(question)
        if found == wanted:
            return
        threading.Event().wait(0.05)
    raise AssertionError(f"{question} gave {found}, not {wanted}, for {within} s")


def bridges_counted() -> sa.Select[tuple[int]]:
    return sa.select(sa.func.count()).select_from(metadata.tables["bridge"])


def test_what_a_department_writes_becomes_rows_and_numbers_while_another_department_is_down(
    tmp_path: Path, department: Path, store: sa.Engine, catalog: Catalog
) -> None:
    worker = Worker(settings(tmp_path, department), catalog, store, SystemClock())
    with Running(worker):
        until(store, bridges_counted(), 3)
        until(store, sa.select(sa.func.count()).where(kpi_latest.c.kpi == "bridges.iot_bridges", kpi_latest.c.scope == "district"), 1)
        add_bridges(department, "4")
        until(store, bridges_counted(), 4)
        until(store, sa.select(sa.func.count()).where(pull_state.c.pull == "tunnels", pull_state.c.failures >= 1), 1)
    assert not worker.lost


def test_a_second_worker_stands_by_until_the_first_is_gone(tmp_path: Path, department: Path, store: sa.Engine, catalog: Catalog) -> None:
    config = settings(tmp_path, department)
    fence = sa.select(lease.c.fence).where(lease.c.name == "worker")
    with Running(Worker(config, catalog, store, SystemClock())) as first:
        until(store, fence, 1)
        with Running(Worker(config, catalog, store, SystemClock())):
            assert store.connect().scalar(fence) == 1
            first.stop.set()
            until(store, fence, 2)


def test_the_process_ends_at_once_when_told_and_survives_being_killed(tmp_path: Path, department: Path, store: sa.Engine) -> None:
    (tmp_path / "cockpit.toml").write_text("[store]\nurl = 'sqlite:///store.db'\n", "utf-8")
    (tmp_path / "cockpit.d").mkdir()
    fields = "\n".join(f'{ours} = "{theirs}"' for ours, theirs in FIELDS.items())
    (tmp_path / "cockpit.d" / "here.toml").write_text(
        f'[source.here]\nkind = "sql"\ntitle = "桥梁库"\ndepartment = "桥梁处"\nurl = "sqlite:///{department}"\n'
        f'[pull.bridges]\nsource = "here"\ninto = "bridges.structures"\ntable = "桥梁台账"\nkey = "桥梁编号"\ninterval = "1s"\n'
        f"[pull.bridges.fields]\n{fields}\n",
        "utf-8",
    )
    for number in (signal.SIGKILL, signal.SIGTERM):
        add_bridges(department, f"after {number.name}")
        env = {**os.environ, "COCKPIT_CONFIG": str(tmp_path / "cockpit.toml"), "COCKPIT_HOME": str(tmp_path)}
        process = subprocess.Popen([sys.executable, "-m", "dashboard", "work"], env=env, stderr=subprocess.DEVNULL)
        try:
            until(store, bridges_counted(), 4 if number is signal.SIGKILL else 5)
            process.send_signal(number)
            assert process.wait(6) == (-signal.SIGKILL if number is signal.SIGKILL else 0)
        finally:
            process.kill()


def _watching_today(catalog: Catalog, domain: str) -> list[str]:
    measured = {metric.key for feed in catalog.domains[domain].feeds for metric in feed.metrics} | {None}
    return [r.key for r in catalog.domains[domain].rules if isinstance(r.watches, Readings | Absence) and r.watches.metric in measured]


def test_a_domain_still_reading_history_raises_no_alarm_about_it(
    tmp_path: Path, department: Path, store: sa.Engine, catalog: Catalog
) -> None:
    worker = Worker(settings(tmp_path, department), catalog, store, SystemClock())
    worker._behind = {"bridges"}
    assert worker._settled().domains["bridges"].rules == () != catalog.domains["tunnels"].rules
    worker._behind, worker._filling = set(), {"bridges"}
    assert [rule.key for rule in worker._settled().domains["bridges"].rules] == _watching_today(catalog, "bridges") != []
    worker._filling = set()
    assert worker._settled() is catalog
    with store.connect() as conn:
        assert conn.scalar(sa.select(sa.func.count()).select_from(alert)) == 0
