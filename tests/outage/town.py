"""The cockpit's worker as a process of its own beside two departments, to be killed, starved and fed nonsense."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from dashboard.settings import Settings, load_settings
from dashboard.store.engine import open_store
from tests.demo_city import ROOT

CONFIG = """
[city]
name = "渝中区"

[source.posts]
kind = "sql"
title = "隐患点库"
department = "区规划自然资源局"
url = "sqlite:///posts.db"
statement_timeout = "1s"

[pull.slopes]
source = "posts"
into = "slopes.points"
table = "隐患点"
key = "编号"
watermark = "更新时间"
interval = "1s"
late_after = "1m"
fields = { asset_id = "编号", name = "名称", lon = "经度", lat = "纬度", threatened = "威胁人数", observed_at = "更新时间" }

[source.gauges]
kind = "sql"
title = "化粪池感知库"
department = "区城市管理局"
url = "sqlite:///gauges.db"

[pull.tanks]
source = "gauges"
into = "septic_tanks.readings"
table = "监测"
key = ["编号", "时间"]
watermark = "入库"
interval = "1s"
late_after = "1m"
batch = 200
fields = { asset_id = "编号", observed_at = "时间" }
metrics = { ch4 = "甲烷", level = "液位" }
"""
SLOPES = "CREATE TABLE 隐患点 (编号 TEXT PRIMARY KEY, 名称 TEXT, 经度 TEXT, 纬度 TEXT, 威胁人数 TEXT, 更新时间 TEXT)"
GAUGES = "CREATE TABLE 监测 (编号 TEXT, 时间 TEXT, 甲烷 TEXT, 液位 TEXT, 入库 TEXT)"


@dataclass
class Town:
    """A home folder with two departments' files in it, our store, and the worker."""

    home: Path
    worker: subprocess.Popen[bytes] | None = None
    engines: dict[str, sa.Engine] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """The deployment as the worker reads it."""
        return load_settings(str(self.home / "cockpit.toml"), self.environ)

    @property
    def environ(self) -> dict[str, str]:
        return {"COCKPIT_CONFIG": str(self.home / "cockpit.toml"), "COCKPIT_HOME": str(self.home), "COCKPIT_TOKEN_KEY": "test"}

    def department(self, name: str) -> Path:
        """A department's database file."""
        return self.home / f"{name}.db"

    def does(self, name: str, statement: str, rows: Any = None) -> None:
        """A department's own programs at work on its database."""
        engine = sa.create_engine(f"sqlite:///{self.department(name)}", poolclass=sa.NullPool)
        with engine.begin() as conn:
            conn.exec_driver_sql(statement, rows) if rows else conn.exec_driver_sql(statement)

    def read(self, name: str, query: str) -> list[tuple[Any, ...]]:
        """Rows of a department, or of our store under the name `store`."""
        url = self.settings.store_url if name == "store" else f"sqlite:///{self.department(name)}"
        engine = self.engines.setdefault(name, open_store(url))
        with engine.connect() as conn:
            return [tuple(row) for row in conn.exec_driver_sql(query)]

    def works(self) -> None:
        """Start the worker."""
        command = [sys.executable, "-m", "dashboard", "work"]
        self.worker = subprocess.Popen(command, cwd=ROOT, env=os.environ | self.environ, stderr=subprocess.DEVNULL)

    def ends(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End the worker: by default as a power cut would."""
        if self.worker:
            self.worker.send_signal(how)
            self.worker.wait()
            self.worker = None

    def away(self, name: str) -> None:
        """The department's database is gone."""
        shutil.move(self.department(name), self.home / f"{name}.away")

    def back(self, name: str) -> None:
        """And it is there again."""
        shutil.move(self.home / f"{name}.away", self.department(name))


def until(holds: Callable[[], object], otherwise: str, within_s: float = 25) -> None:
    """Wait until something holds in the other process. Fails with the words given."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < within_s, otherwise
        time.sleep(0.05)  # the worker is another process; its store tells how far it is
