"""Retention: what is old goes, a little at a time; what is kept reads as before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from dashboard.core.times import to_micros
from dashboard.store.engine import writing
from dashboard.store.readings import append_readings, open_channels, series
from dashboard.store.retention import Retention, thin
from dashboard.store.schema import kpi_history, kpi_latest, pull_run, reading_cold, row_past

NOW = datetime(2025, 6, 1, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def test_old_readings_go_and_the_long_line_stays(store: sa.Engine) -> None:
    with writing(store).begin() as conn:
        channels = open_channels(conn, domain="air", pull="p", source="s", wanted=[("st", "pm25", None, 3600)], now=NOW)
        channel = channels["st", "pm25"]
        append_readings(conn, [(channel, to_micros(NOW - k * DAY), float(k), 0) for k in range(500)], run_id=1, now=NOW)
    before = _line(store, channel)
    assert thin(store, NOW, Retention(readings=100 * DAY))["reading_cold"] == 399
    with store.connect() as conn:
        assert conn.scalar(sa.select(sa.func.count()).select_from(reading_cold)) == 100
    assert _line(store, channel) == before
    assert thin(store, NOW, Retention(readings=100 * DAY)) == {}


def _line(store: sa.Engine, channel: int) -> list[object]:
    with store.connect() as conn:
        return list(series(conn, channel, NOW - 600 * DAY, NOW + DAY))


def test_an_indicators_old_history_keeps_the_last_value_of_each_hour(store: sa.Engine) -> None:
    old, young = NOW - 40 * DAY, NOW - 10 * DAY
    minutes = [timedelta(minutes=m) for m in (0, 10, 59, 60, 61)]
    with writing(store).begin() as conn:
        conn.execute(sa.insert(kpi_latest).values(kpi="air.aqi", scope="district", completeness=1, freshness="fresh", computed_at=NOW))
        value = {"kpi": "air.aqi", "scope": "district", "value": 1.0, "completeness": 1.0}
        conn.execute(sa.insert(kpi_history), [value | {"at": at + m} for at in (old, young) for m in minutes])
    assert thin(store, NOW) == {"kpi_history": 3}
    with store.connect() as conn:
        kept = list(conn.scalars(sa.select(kpi_history.c.at).order_by(kpi_history.c.at)))
    assert kept == [old + minutes[2], old + minutes[4], *(young + m for m in minutes)]


def test_more_than_a_slice_of_old_rows_goes_in_one_call(store: sa.Engine) -> None:
    runs = [{"pull": "p", "started_at": NOW - k * timedelta(hours=1), "outcome": "ok"} for k in range(5000)]
    past = {"table_name": "channel", "learned_at": NOW, "pull_run": 1, "body": {}}
    with writing(store).begin() as conn:
        conn.execute(sa.insert(pull_run), runs)
        conn.execute(sa.insert(row_past), [past | {"row_key": f"{age}", "replaced_at": NOW - age * DAY} for age in (1, 399, 401)])
    assert thin(store, NOW) == {"pull_run": 5000 - 90 * 24 - 1, "row_past": 1}
