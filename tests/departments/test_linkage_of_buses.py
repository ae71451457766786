"""A linkage end to end with its department alive: a gap between minibuses rings while people wait, and a spare bus ends the wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from dashboard.store.schema import alert
from data_sources.departments import happenings, minibus_orders, minibus_schema, minibuses
from data_sources.departments.minibus_asked import Asked
from data_sources.departments.minibus_trips import DAY, OFFSET, all_rounds, visit_rows
from data_sources.minibuses.tables import visit
from tests.demo_city import SEED
from tests.departments.alive import Alive, built

MINUTE = timedelta(minutes=1)
NOW = datetime(2026, 5, 20, 6, 0, tzinfo=UTC)  # 14:00 in the city


def test_a_gap_rings_before_the_next_bus_is_there_and_the_spare_bus_is_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minibuses, "HISTORY", timedelta(days=38))
    monkeypatch.setattr(minibuses, "KEPT_TRIPS", timedelta(days=1))
    city = built(tmp_path, "minibuses", ["minibuses"], NOW)
    line = city.provoke("gap").partition("路")[0]
    city.live(110, 1, until="done", playbook="gap")
    assert (city.run("gap")["state"], city.closed("gap")) == ("done", True)
    assert city.orders("gap")[-1]["answer"] == "done"
    (last, first), headway = arrivals(city, line), timedelta(minutes=13)
    rang, ordered = raised(city, line), city.orders("gap")[0]["issued_at"]
    assert timedelta(0) <= rang - (last + 1.75 * headway) <= 2 * MINUTE
    assert timedelta(0) <= ordered - (last + 2 * headway) <= 2 * MINUTE
    assert without_order(city, line, last) - first > 10 * MINUTE
    with city.department.connect() as conn:
        assert set(conn.scalars(sa.select(minibus_schema.inbox.c.对象编号))) == {line}
    city.end()


def raised(city: Alive, line: str) -> datetime:
    """When the gap rang first."""
    with city.engine.connect() as conn:
        query = sa.select(sa.func.min(alert.c.opened_at)).where(alert.c.rule == "minibuses.gap_open", alert.c.asset_id == line)
        rang: datetime = conn.scalars(query).one()
    return rang


def arrivals(city: Alive, line: str) -> tuple[datetime, datetime]:
    """The last bus outbound before the hole, and the first after it."""
    with city.engine.connect() as conn:
        query = sa.select(visit.c.before_at, visit.c.opened_at).where(visit.c.line == line, visit.c.category == "out")
        longest = conn.execute(query.where(visit.c.opened_at > NOW).order_by(visit.c.actual_min.desc())).first()
    assert longest is not None
    return longest.before_at, longest.opened_at


def without_order(city: Alive, line: str, last: datetime) -> datetime:
    """When the first bus outbound after the hole would have come, had nobody sent one."""
    with city.department.connect() as conn:
        gaps = happenings.happenings(conn, minibus_orders.GAP, city.now.timestamp())
        lives = happenings.lives_since(conn, city.now.timestamp(), minibus_schema.metadata)
    today = np.array([(NOW.timestamp() + OFFSET) // DAY * DAY - OFFSET])
    rounds = next(r for r in all_rounds(today, SEED, Asked(lives, (), gaps)) if r.line.code == line)
    came = [row[5] for row in visit_rows(rounds, NOW.timestamp(), NOW.timestamp() + DAY / 2) if row[2] == "0"]
    moments = [datetime.fromisoformat(f"{text}+08:00") for text in came]
    return min(at for at in moments if at > last + MINUTE)
