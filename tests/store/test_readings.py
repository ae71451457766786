"""Readings: hot, cold, late, corrected, counted into their hours; and what is read of them."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from dashboard.core.readings import latest
from dashboard.core.times import from_micros, to_micros
from dashboard.store.block import Reading
from dashboard.store.engine import writing
from dashboard.store.readings import append_readings, compact, latest_values, newer_readings, open_channels, scope_series, series
from dashboard.store.rollups import HOUR
from dashboard.store.rows import Written
from dashboard.store.schema import reading_cold, reading_h1, reading_hot, reading_past, reading_scope_h1
from dashboard.store.series import expected_range, expected_ranges, readings_between

NOW = datetime(2025, 6, 1, 4, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
STREETS = {"a": "500103001", "b": "500103001", "c": "500103002", "d": None}


@pytest.fixture
def channels(store: sa.Engine) -> dict[str, int]:
    """Four strain gauges: two in one street, one in another, one nowhere known."""
    wanted = [(asset, "strain", street, 60) for asset, street in STREETS.items()]
    with writing(store).begin() as conn:
        found = open_channels(conn, domain="bridges", pull="p", source="s", wanted=wanted, now=NOW)
    return {asset: number for (asset, _), number in found.items()}


Told = tuple[int, datetime, float] | tuple[int, datetime, float, int]


def append(store: sa.Engine, rows: Iterable[Told], now: datetime = NOW) -> Written:
    readings: list[Reading] = [(row[0], to_micros(row[1]), row[2], row[3] if len(row) > 3 else 0) for row in rows]
    with writing(store).begin() as conn:
        return append_readings(conn, readings, run_id=3, now=now)


def counted(done: Written) -> tuple[int, int, int]:
    return done.new, done.changed, done.unchanged


def rows_in(store: sa.Engine, table: sa.Table) -> int:
    with store.connect() as conn:
        return conn.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def newest(store: sa.Engine, channel: int) -> sa.Row[tuple[object, ...]]:
    with store.connect() as conn:
        return conn.execute(sa.select(latest).where(latest.c.channel_id == channel)).one()


def line(store: sa.Engine, channel: int, t0: datetime, t1: datetime, step: timedelta | None = None) -> list[tuple[datetime, float]]:
    with store.connect() as conn:
        return [(point.ts, point.mean) for point in series(conn, channel, t0, t1, step)]


def test_a_channel_is_opened_once_and_follows_its_asset(store: sa.Engine, channels: dict[str, int]) -> None:
    wanted = [("a", "strain", "500103009", 30), ("e", "strain", None, 60)]
    with writing(store).begin() as conn:
        again = open_channels(conn, domain="bridges", pull="p", source="s", wanted=wanted, now=NOW)
    assert again["a", "strain"] == channels["a"]
    assert again["e", "strain"] not in channels.values()
    row = newest(store, channels["a"])
    assert (row.street, row.cadence_s, row.ts) == ("500103009", 30, None)


def test_a_channel_keeps_its_street_when_a_row_does_not_name_one(store: sa.Engine, channels: dict[str, int]) -> None:
    with writing(store).begin() as conn:
        open_channels(conn, domain="bridges", pull="p", source="s", wanted=[("a", "strain", None, 60)], now=NOW)
    assert newest(store, channels["a"]).street == "500103001"


def test_a_reading_is_on_the_line_at_once(store: sa.Engine, channels: dict[str, int]) -> None:
    assert counted(append(store, [(channels["a"], NOW - MINUTE, 1.5), (channels["a"], NOW, 2.5)])) == (2, 0, 0)
    assert line(store, channels["a"], NOW - 5 * MINUTE, NOW + MINUTE) == [(NOW - MINUTE, 1.5), (NOW, 2.5)]
    assert newest(store, channels["a"]).value == 2.5
    assert rows_in(store, reading_hot) == 2


@pytest.mark.parametrize("age", [timedelta(0), timedelta(days=9)], ids=["hot", "cold"])
def test_a_reading_told_again_is_ignored_and_a_correction_keeps_what_it_replaced(
    store: sa.Engine, channels: dict[str, int], age: timedelta
) -> None:
    at = NOW - age
    append(store, [(channels["a"], at, 1.0), (channels["a"], at - MINUTE, 7.0)])
    assert counted(append(store, [(channels["a"], at, 1.0)], NOW + MINUTE)) == (0, 0, 1)
    mixed = [(channels["a"], at, 2.0), (channels["a"], at - MINUTE, 7.0), (channels["b"], at, 3.0)]
    assert counted(append(store, mixed, NOW + 2 * MINUTE)) == (1, 1, 1)
    assert line(store, channels["a"], at, at + MINUTE) == [(at, 2.0)]
    assert newest(store, channels["a"]).value == 2.0
    with store.connect() as conn:
        past = conn.execute(sa.select(reading_past.c.value, reading_past.c.replaced_at)).all()
    assert past == [(1.0, NOW + 2 * MINUTE)]


def test_a_late_reading_fills_its_hole_and_leaves_the_newest_alone(store: sa.Engine, channels: dict[str, int]) -> None:
    append(store, [(channels["a"], NOW, 5.0)])
    append(store, [(channels["a"], NOW - timedelta(days=2), 1.0)], NOW + MINUTE)
    row = newest(store, channels["a"])
    assert (row.ts, row.value, row.learned_at) == (NOW, 5.0, NOW)
    assert line(store, channels["a"], NOW - timedelta(days=3), NOW + timedelta(microseconds=1)) == [
        (NOW - timedelta(days=2), 1.0),
        (NOW, 5.0),
    ]


def test_hearing_the_newest_reading_again_does_not_make_it_newly_learned(store: sa.Engine, channels: dict[str, int]) -> None:
    append(store, [(channels["a"], NOW, 5.0)])
    append(store, [(channels["a"], NOW, 5.0)], NOW + 5 * MINUTE)
    assert newest(store, channels["a"]).learned_at == NOW


def test_a_value_that_does_not_move_is_known_since_when(store: sa.Engine, channels: dict[str, int]) -> None:
    a = channels["a"]
    append(store, [(a, NOW, 1.0), (a, NOW + MINUTE, 2.0), (a, NOW + 2 * MINUTE, 2.0)], NOW + 2 * MINUTE)
    assert newest(store, a).same_since == NOW + MINUTE
    append(store, [(a, NOW + 3 * MINUTE, 2.0)], NOW + 3 * MINUTE)
    assert newest(store, a).same_since == NOW + MINUTE
    append(store, [(a, NOW + 4 * MINUTE, 3.0), (a, NOW + 5 * MINUTE, 2.0)], NOW + 5 * MINUTE)
    assert newest(store, a).same_since == NOW + 5 * MINUTE


def test_readings_not_usable_count_nowhere_but_are_kept(store: sa.Engine, channels: dict[str, int]) -> None:
    old = NOW - timedelta(days=1)
    append(store, [(channels["a"], old, 1.0), (channels["a"], old + MINUTE, 9999.0, 2), (channels["a"], NOW, -5.0, 2)])
    assert line(store, channels["a"], old - MINUTE, NOW + MINUTE) == [(old, 1.0)]
    with store.connect() as conn:
        hours = scope_series(conn, "bridges", "strain", "district", old - MINUTE, NOW + MINUTE)
        assert [(hour.n, hour.high) for hour in hours] == [(1, 1.0)]
        assert len(readings_between(conn, channels["a"], old, NOW + MINUTE)) == 3
    assert newest(store, channels["a"]).quality == 2


def test_a_correction_to_not_usable_empties_its_hour(store: sa.Engine, channels: dict[str, int]) -> None:
    old = NOW - timedelta(days=1)
    append(store, [(channels["a"], old, 1.0)])
    append(store, [(channels["a"], old, 1.0, 2)], NOW + MINUTE)
    assert (rows_in(store, reading_h1), rows_in(store, reading_scope_h1)) == (0, 0)


def test_compaction_changes_where_readings_are_and_nothing_that_is_read(store: sa.Engine, channels: dict[str, int]) -> None:
    ticks = [NOW + k * MINUTE for k in range(90)]
    for at in ticks:
        append(store, [(number, at, number + at.minute / 10) for number in channels.values()], at)
    later = NOW + timedelta(hours=3)

    def everything() -> tuple[object, ...]:
        with store.connect() as conn:
            lines = [series(conn, number, NOW - MINUTE, later, 10 * MINUTE) for number in channels.values()]
            scopes = [scope_series(conn, "bridges", "strain", scope, NOW, later) for scope in ("district", "500103001", "500103002")]
            return lines, [[(h.hour, h.n, pytest.approx(h.mean), h.low, h.high) for h in hours] for hours in scopes]

    before = everything()
    assert rows_in(store, reading_cold) == 0
    assert compact(store, later) == len(ticks) * len(channels)
    assert (rows_in(store, reading_hot), rows_in(store, reading_cold)) == (0, len(ticks) * len(channels))
    assert everything() == before
    assert compact(store, later) == 0


def test_hours_are_right_whatever_came_late_twice_corrected_or_between_compactions(store: sa.Engine, channels: dict[str, int]) -> None:
    dice = random.Random(5)
    truth: dict[tuple[int, datetime], tuple[float, int]] = {}
    now = NOW
    for _ in range(40):
        now += timedelta(minutes=dice.randint(1, 25))
        rows = []
        for _ in range(dice.randint(1, 30)):
            ago = dice.choice([0, 3, 15, 40, 200, 3000]) * dice.random()
            at = (now - ago * MINUTE).replace(second=0, microsecond=0)
            rows.append((dice.choice(list(channels.values())), at, round(dice.uniform(-5, 5), 2), dice.choice([0, 0, 0, 1, 2])))
        truth.update({(row[0], row[1]): (row[2], row[3]) for row in rows})
        append(store, rows, now)
        if dice.random() < 0.3:
            compact(store, now)
    compact(store, now + timedelta(days=1))
    expected: dict[tuple[int, int], list[float]] = {}
    for (number, at), (value, quality) in sorted(truth.items()):
        if quality < 2:
            expected.setdefault((number, to_micros(at) // HOUR), []).append(value)
    with store.connect() as conn:
        hours = {(r.channel_id, r.hour): r for r in conn.execute(sa.select(reading_h1))}
        scopes = {(r.scope, r.hour): r for r in conn.execute(sa.select(reading_scope_h1))}
    assert {key: (r.n, pytest.approx(r.total), r.low, r.high, r.last) for key, r in hours.items()} == {
        key: (len(v), sum(v), min(v), max(v), v[-1]) for key, v in expected.items()
    }
    street_of = {channels[asset]: street for asset, street in STREETS.items()}
    together: dict[tuple[str, int], list[float]] = {}
    for (number, hour), values in expected.items():
        for scope in {"district", street_of[number]} - {None}:
            together.setdefault((str(scope), hour), []).extend(values)
    assert {key: (r.n, pytest.approx(r.total), r.low, r.high) for key, r in scopes.items()} == {
        key: (len(v), sum(v), min(v), max(v)) for key, v in together.items()
    }


def test_a_long_line_is_drawn_from_hours_and_still_reaches_the_newest_reading(store: sa.Engine, channels: dict[str, int]) -> None:
    a = channels["a"]
    append(store, [(a, NOW - timedelta(hours=k), float(k)) for k in range(24 * 10)])
    drawn = line(store, a, NOW - timedelta(days=8), NOW + MINUTE)
    assert len(drawn) == 8 * 24 + 1
    assert drawn[-1] == (NOW, 0.0)
    daily = line(store, a, NOW - timedelta(days=8), NOW + MINUTE, timedelta(days=1))
    assert all(at.hour == 0 for at, _ in daily)


def test_what_is_new_since_last_seen_comes_in_order_of_time_and_nothing_else(store: sa.Engine, channels: dict[str, int]) -> None:
    a, b, c = channels["a"], channels["b"], channels["c"]
    append(store, [(a, NOW - timedelta(days=2), 1.0), (a, NOW, 2.0), (b, NOW - MINUTE, 3.0), (c, NOW, 9.0)])
    seen = {a: to_micros(NOW - timedelta(days=3)), b: to_micros(NOW - 5 * MINUTE), c: to_micros(NOW), channels["d"]: 0}
    with store.connect() as conn:
        found = [(number, from_micros(ts), value) for number, ts, value, _ in newer_readings(conn, seen)]
    assert found == [(a, NOW - timedelta(days=2), 1.0), (b, NOW - MINUTE, 3.0), (a, NOW, 2.0)]


def test_what_is_usual_at_this_hour_comes_from_the_same_hour_of_four_weeks(store: sa.Engine, channels: dict[str, int]) -> None:
    a = channels["a"]
    past = [(a, NOW - timedelta(days=day, hours=hour), float(day if hour == 0 else 1000)) for day in range(1, 29) for hour in (0, 5)]
    append(store, [*past, (a, NOW - timedelta(days=29), 5000.0), (a, NOW, 7000.0)])
    with store.connect() as conn:
        assert expected_range(conn, a, NOW) == pytest.approx((3.7, 25.3))
        assert expected_range(conn, ("bridges", "strain", "district"), NOW + 30 * MINUTE) == pytest.approx((3.7, 25.3))
        band = expected_ranges(conn, a, [NOW - timedelta(hours=h) for h in (0, 1, 5)])
    assert [low_high and low_high[0] for low_high in band] == [pytest.approx(3.7), None, 1000.0]


def test_newest_values_can_be_asked_by_domain_and_metric(store: sa.Engine, channels: dict[str, int]) -> None:
    append(store, [(channels["a"], NOW, 1.0)])
    with store.connect() as conn:
        assert [row.value for row in latest_values(conn, "bridges", "strain")] == [1.0, None, None, None]
        assert not latest_values(conn, "tunnels")


def test_a_big_batch_is_told_apart_like_a_small_one(store: sa.Engine, channels: dict[str, int]) -> None:
    rows = [(channels["a"], NOW - k * MINUTE, float(k)) for k in range(1000)]
    assert counted(append(store, rows)) == (1000, 0, 0)
    changed = [(number, at, value + (value % 2)) for number, at, value in rows]
    assert counted(append(store, changed, NOW + MINUTE)) == (0, 500, 500)
    assert rows_in(store, reading_past) == 500
