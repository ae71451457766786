"""Since when an instrument has said the same: what a stuck sensor is known by, however its readings come, go and are corrected."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from dashboard.core.readings import latest
from dashboard.core.times import to_micros
from dashboard.store.engine import writing
from dashboard.store.forget import forget_readings
from dashboard.store.readings import append_readings, compact, open_channels

NOW = datetime(2025, 6, 1, 4, 0, tzinfo=UTC)


class Gauge:
    """One channel of a store, its readings given by minutes after NOW."""

    def __init__(self, store: sa.Engine) -> None:
        self.store = store
        with writing(store).begin() as conn:
            opened = open_channels(conn, domain="d", pull="p", source="s", wanted=[("a", "m", None, 60)], now=NOW)
        (self.channel,) = opened.values()

    def says(self, readings: dict[int, float], run: int = 1) -> None:
        rows = [(self.channel, _at(minute), value, 0) for minute, value in readings.items()]
        with writing(self.store).begin() as conn:
            append_readings(conn, rows, run_id=run, now=NOW)

    def loses(self, *minutes: int) -> None:
        with writing(self.store).begin() as conn:
            forget_readings(conn, [(self.channel, _at(minute)) for minute in minutes], now=NOW)

    @property
    def since(self) -> int | None:
        """Minutes after NOW since when it has said the same."""
        with self.store.connect() as conn:
            found = conn.scalar(sa.select(latest.c.same_since))
        return None if found is None else round((found - NOW) / timedelta(minutes=1))


def _at(minute: int) -> int:
    return to_micros(NOW + timedelta(minutes=minute))


@pytest.fixture
def gauge(store: sa.Engine) -> Gauge:
    return Gauge(store)


def test_a_late_reading_that_says_otherwise_breaks_the_stillness(gauge: Gauge) -> None:
    gauge.says({0: 5.0, 5: 5.0, 10: 5.0})
    assert gauge.since == 0
    gauge.says({7: 6.0}, run=2)
    assert gauge.since == 10


def test_a_correction_breaks_or_restores_the_stillness(gauge: Gauge) -> None:
    gauge.says({0: 5.0, 5: 5.0, 10: 5.0})
    gauge.says({5: 6.0}, run=2)
    assert gauge.since == 10
    gauge.says({5: 5.0}, run=3)
    assert gauge.since == 0


def test_stillness_goes_on_through_compaction_and_repeats_of_the_look_back(gauge: Gauge) -> None:
    for minute in range(0, 60, 5):
        gauge.says({m: 5.0 for m in range(max(0, minute - 10), minute + 1, 5)}, run=minute)
        compact(gauge.store, NOW + timedelta(minutes=minute))
    assert gauge.since == 0
    gauge.says({60: 5.1})
    assert gauge.since == 60


def test_a_withdrawn_reading_joins_what_it_parted(gauge: Gauge) -> None:
    gauge.says({0: 5.0, 5: 6.0, 10: 5.0})
    assert gauge.since == 10
    gauge.loses(5)
    assert gauge.since == 0
    gauge.loses(0, 10)
    assert gauge.since is None


def test_in_whatever_order_readings_come_the_stillness_is_that_of_the_line(gauge: Gauge) -> None:
    dice = random.Random(4)
    line: dict[int, float] = {}
    for run in range(120):
        told = {dice.randrange(0, 90): float(dice.randrange(2)) for _ in range(dice.randrange(1, 4))}
        gauge.says(told, run=run)
        line |= told
        if run % 10 == 9:
            compact(gauge.store, NOW + timedelta(minutes=run // 2))
            lost = dice.choice(sorted(line))
            gauge.loses(lost)
            del line[lost]
        newest = max(line)
        unlike = [minute for minute, value in line.items() if value != line[newest]]
        assert gauge.since == min(minute for minute in line if minute > max(unlike, default=-1)), f"after run {run}"
