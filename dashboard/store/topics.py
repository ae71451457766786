"""The pulse: each topic's version grows when anything under it changes; screens redraw what moved and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from dashboard.core.times import to_micros
from dashboard.store.schema import topic


def bump(conn: sa.Connection, topics: Iterable[str], now: datetime) -> None:
    """Say that something under these topics changed. In the same transaction as the change, so nothing is lost between."""
    mark = "?" if conn.dialect.name == "sqlite" else "%s"
    rows = [(name, to_micros(now)) for name in sorted(set(topics))]  # sorted: two writers never wait for each other in a ring
    if rows:
        conn.exec_driver_sql(
            f"INSERT INTO topic (topic, version, at) VALUES ({mark}, 1, {mark}) "
            "ON CONFLICT (topic) DO UPDATE SET version = topic.version + 1, at = excluded.at",
            rows,
        )


def versions(conn: sa.Connection) -> dict[str, int]:
    """Every topic's present version."""
    return {name: version for name, version in conn.execute(sa.select(topic.c.topic, topic.c.version))}
