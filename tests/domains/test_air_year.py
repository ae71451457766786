"""A year of air in numbers, against numpy over the same days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from dashboard.core.measures import MOMENT
from dashboard.core.tables import metadata
from dashboard.store.engine import open_store
from data_sources.air_tables import air_day
from data_sources.air_year import CO_P95, COMPOSITE, O3_P90, between

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 19, 16, tzinfo=UTC)
DICE = np.random.default_rng(3)
DAYS = {
    name: DICE.gamma(4, scale, size=(2, 200))
    for name, scale in (("so2", 2), ("no2", 9), ("pm10", 14), ("pm25", 9), ("co", 0.2), ("o3_8h", 22))
}


@pytest.fixture
def conn(tmp_path: Any) -> Iterator[sa.Connection]:
    """Two reference stations over 200 days, a micro-station and a day without an index that must not count."""
    engine = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    metadata.create_all(engine, tables=[air_day])
    origin = {"source": "air", "pull_run": 1, "learned_at": NOON, "row_hash": ""}
    rows = [
        {"case_id": f"{s}-{d}", "opened_at": MIDNIGHT - timedelta(days=d), "kind": "national", "aqi": 60, "grade": 2}
        | {name: float(values[s, d]) for name, values in DAYS.items()}
        for s in range(2)
        for d in range(200)
    ]
    wild = {name: 900.0 for name in DAYS}
    rows.append({"case_id": "micro", "opened_at": MIDNIGHT, "kind": "micro", "aqi": 60, "grade": 2} | wild)
    rows.append({"case_id": "invalid", "opened_at": MIDNIGHT, "kind": "national", "aqi": None, "grade": None} | wild)
    rows.append({"case_id": "old", "opened_at": MIDNIGHT - timedelta(days=366), "kind": "national", "aqi": 60, "grade": 2} | wild)
    with engine.connect() as made:
        made.execute(sa.insert(air_day), [{**row, **origin, "source_key": row["case_id"]} for row in rows])
        yield made
    engine.dispose()


def value(conn: sa.Connection, kpi: Any) -> float | None:
    parts = conn.execute(sa.select(*(sa.func.max(part) for part in kpi.measure.parts)).select_from(kpi.table), {MOMENT: NOON}).one()
    found: float | None = kpi.measure.combine(*parts)
    return found


@pytest.mark.parametrize(("kpi", "pollutant", "percent"), [(CO_P95, "co", 95), (O3_P90, "o3_8h", 90)])
def test_percentiles_of_the_districts_days_agree_with_numpy(conn: sa.Connection, kpi: Any, pollutant: str, percent: int) -> None:
    assert value(conn, kpi) == pytest.approx(np.percentile(DAYS[pollutant].mean(axis=0), percent))


def test_the_composite_index_is_the_sum_of_six_shares_of_their_limits(conn: sa.Connection) -> None:
    means = {name: values.mean(axis=0) for name, values in DAYS.items()}
    limits = {"so2": 60, "no2": 40, "pm10": 60, "pm25": 30}
    expected = sum(means[name].mean() / limit for name, limit in limits.items())
    expected += np.percentile(means["co"], 95) / 4 + np.percentile(means["o3_8h"], 90) / 160
    assert value(conn, COMPOSITE) == pytest.approx(expected)


def test_without_days_there_is_no_number(conn: sa.Connection) -> None:
    conn.execute(sa.delete(air_day))
    assert [value(conn, kpi) for kpi in (CO_P95, O3_P90, COMPOSITE)] == [None, None, None]


def test_one_day_is_its_own_percentile() -> None:
    assert between(3.0, 3.0, 0.0) == 3.0 and between(2.0, 4.0, 0.25) == 2.5
