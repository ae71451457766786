"""A receiver on loopback that keeps what it was sent, and alerts put into a store as a turn of alerting leaves them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa

from dashboard.core.duty import Notify
from dashboard.notify_settings import load_notify
from dashboard.settings import duration
from dashboard.store.engine import writing
from dashboard.store.schema import alert, alert_transition
from dashboard.store.topics import bump
from tests.small_city import EAST, SmallCity, settings


@dataclass
class Post:
    """One thing that came."""

    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def key(self) -> str:
        return self.headers["idempotency-key"]

    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class Receiver:
    """Keeps every POST; answers as it is told to."""

    url: str = ""
    came: list[Post] = field(default_factory=list)
    answer: Callable[[Post], tuple[int, bytes]] = lambda post: (200, b'{"errcode": 0, "errmsg": "ok"}')

    def transitions(self) -> list[int]:
        """What was told, once for every time it was told."""
        return [item["transition_id"] for post in self.came for item in post.json()["items"]]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a port of its own."""
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # head and body leave in two writes

        def do_POST(self) -> None:
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            post = Post(path, query, {k.lower(): v for k, v in self.headers.items()}, body)
            kept.came.append(post)
            status, said = kept.answer(post)
            self.send_response(status)
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    kept.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


WEBHOOK = """
[channel.hook]
kind = "webhook"
url_env = "HOOK_URL"
secret_env = "HOOK_SECRET"
[recipient.desk]
title = ["值班室", "Duty desk"]
channels = ["hook"]
[route.all]
to = ["desk"]
"""


def notify_of(text: str, **environ: str) -> Notify:
    """`[notify]` as a file would give it."""
    import tomllib

    return load_notify(tomllib.loads(text), "cockpit.toml", environ, duration)


@dataclass
class Office:
    """A store with alerts in it, and who is told of them."""

    city: SmallCity
    notify: Notify = field(default_factory=Notify)
    number: int = 0

    @property
    def engine(self) -> sa.Engine:
        return self.city.engine

    @property
    def settings(self) -> Any:
        from dataclasses import replace

        return replace(settings(Path("nowhere")), notify=self.notify)

    def raised(self, level: str = "yellow", *, count: int = 1, street: str | None = EAST, at: datetime | None = None) -> list[int]:
        """Alerts open; their ids."""
        at = at or self.city.now
        made = []
        with writing(self.engine).begin() as conn:
            for _ in range(count):
                self.number += 1
                made.append(self._open(conn, level, street, at))
            bump(conn, ["alerts"], at)
        return made

    def _open(self, conn: sa.Connection, level: str, street: str | None, at: datetime) -> int:
        row = {
            "number": f"YZ-LI-260520-{self.number:04}", "rule": "lighting.too_hot", "rule_version": "1", "domain": "lighting",
            "vital": "nerves", "asset_id": f"L{self.number}", "asset_name": f"{self.number}号灯", "street": street, "lon": 106.57,
            "lat": 29.55, "level": level, "worst_level": level, "state": "open", "value": 61.5, "threshold": 60.0, "unit": "°C",
            "opened_at": at, "level_at": at, "updated_at": at, "no_data": False, "owner": "照明管理处", "open_key": f"k{self.number}",
        }  # fmt: skip
        alert_id = int(conn.execute(sa.insert(alert).values(row).returning(alert.c.alert_id)).scalar_one())
        _tell(conn, alert_id, "open", None, level, at, "灯温 61.5 °C ≥ 黄色限值 60 °C / Heat 61.5 °C ≥ the yellow limit 60 °C")
        return alert_id

    def moved(self, alert_id: int, what: str, new: str = "", at: datetime | None = None, unit: str | None = None) -> None:
        """The next moment in the life of an alert."""
        at = at or self.city.now
        with writing(self.engine).begin() as conn:
            row = conn.execute(sa.select(alert.c.level, alert.c.worst_level).where(alert.c.alert_id == alert_id)).one()
            values: dict[str, Any] = {"updated_at": at}
            if what == "level":
                order = ("blue", "yellow", "orange", "red")
                values |= {"level": new, "worst_level": max(new, row.worst_level, key=order.index)}
            if what == "clear":
                values |= {"state": "clear", "cleared_at": at, "open_key": None}
            conn.execute(sa.update(alert).where(alert.c.alert_id == alert_id).values(values))
            _tell(conn, alert_id, what, row.level, "clear" if what == "clear" else new or row.level, at, f"{what} / {what}", unit)

    def later(self, **span: float) -> datetime:
        return self.city.clock.step(timedelta(**span))


def _tell(
    conn: sa.Connection, alert_id: int, what: str, old: str | None, new: str, at: datetime, why: str, unit: str | None = None
) -> None:
    row = {"alert_id": alert_id, "at": at, "noticed_at": at, "what": what, "old": old, "new": new, "reason": why, "value": 61.5}
    conn.execute(sa.insert(alert_transition).values(row | {"actor": "system", "unit": unit}))
