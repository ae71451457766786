"""Readings that reach far back: the newest stretch first, then history from there back, and in the end the table as read in one go."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from dashboard.core.readings import latest
from dashboard.core.times import to_micros
from dashboard.pull import run
from dashboard.pull.readers import sql
from dashboard.store.readings import compact
from dashboard.store.schema import pull_run, pull_state, reading_h1
from tests.pull.bureau import GAUGE_COLUMNS, NOON, Department, Desk, mapped, open_desk

DAYS, A_DAY = 6, 24 * 6  # one reading every ten minutes
A_SLICE = 2.5  # what is new, the word that it is in, and one page of history
YESTERDAY = to_micros(NOON - timedelta(hours=26))


def local(at: datetime) -> str:
    return f"{at + timedelta(hours=8):%Y-%m-%d %H:%M:%S}"


def six_days() -> list[tuple[Any, ...]]:
    """Two gauges; one fell silent three days ago; values said anew later, the newest word within and across the stretches."""
    rows = []
    start = NOON - timedelta(days=DAYS)
    for i in range(1, DAYS * A_DAY + 1):
        at = start + timedelta(minutes=10 * i)
        rows.append((2 * i, "G1", "温度", local(at), str(i % 40), local(at)))
        if i < 3 * A_DAY:
            rows.append((2 * i + 1, "G2", "气体", local(at), str(i % 7), local(at)))
    said = start + timedelta(minutes=10 * 100)
    for number, later in enumerate((timedelta(hours=1), timedelta(days=2), timedelta(days=5)), start=10_000):
        other = said + timedelta(minutes=10 * (number - 10_000) % 20)
        rows.append((number, "G1", "温度", local(other), str(50 + number - 10_000), local(said + later)))
    return rows


@pytest.fixture
def long_past(any_bureau: Department) -> Department:
    """A department with six days of readings."""
    any_bureau.has("监测", GAUGE_COLUMNS, six_days())
    return any_bureau


@pytest.fixture
def desks(tmp_path: Path) -> Callable[[Department, str], Desk]:
    """Desks over a department, each with its own store."""

    def desk(bureau: Department, name: str) -> Desk:
        made = mapped(open_desk(tmp_path / f"{name}.db", bureau.url))
        made.remaps("gauges", backfill=timedelta(days=30), batch=50)
        return made

    return desk


@pytest.fixture(autouse=True)
def a_second_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look at the clock of a turn is a second after the one before."""
    monkeypatch.setattr(run, "time", SimpleNamespace(monotonic=count().__next__))


def at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """All of it oldest first, as a pull without newest stretch reads it."""
    with monkeypatch.context() as whole:
        whole.setattr(sql, "NEWEST", timedelta(days=400))
        desk.pull("gauges")
    return desk


def held(desk: Desk) -> Any:
    """Readings, newest ones and hourly sums, with channels by name."""
    compact(desk.store, desk.now)
    with desk.store.connect() as conn:
        names = {row.channel_id: row.asset_id for row in conn.execute(sa.select(latest.c.channel_id, latest.c.asset_id))}
        newest = {row.asset_id: (row.ts, row.value, row.quality) for row in conn.execute(sa.select(latest))}
        hours = sorted((names[row.channel_id], *row[1:]) for row in conn.execute(sa.select(reading_h1)))
    return desk.readings(), newest, hours


def test_the_last_day_comes_first_and_history_may_wait(desks: Any, long_past: Department) -> None:
    desk = desks(long_past, "a")
    turn = desk.pull("gauges", history=False)
    assert (turn.filling, turn.more) == (True, False)
    said_anew, *moments = sorted(ts for _, _, ts in desk.readings())
    assert said_anew < YESTERDAY, "what is told today of an old moment is news"
    assert moments[0] == YESTERDAY and len(moments) == 26 * 6 + 1
    assert desk.state("gauges").newest_event_at == NOON, "the feed is fresh"
    assert desk.pull("gauges", history=False).rows_new == 0
    assert desk.pull("gauges").filling is False
    assert desk.state("gauges").newest_event_at == NOON
    assert len(desk.readings()) == len({r[1:4] for r in six_days()})


def test_history_is_read_newest_first_so_that_a_gauge_long_silent_is_known_by_its_last_word(desks: Any, long_past: Department) -> None:
    desk = desks(long_past, "a")
    while not any(asset == "G2" for asset, _, _ in desk.readings()):
        desk.pull("gauges", budget_s=A_SLICE)
    with desk.store.connect() as conn:
        assert conn.scalar(sa.select(latest.c.ts).where(latest.c.asset_id == "G2")) == NOON - timedelta(days=3, minutes=10)


def test_cut_into_many_turns_it_ends_as_the_table_read_in_one_go(
    desks: Any, long_past: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, slices, turns = at_once(desks(long_past, "whole"), monkeypatch), desks(long_past, "slices"), 1
    while (turn := slices.pull("gauges", budget_s=A_SLICE)).more or turn.filling:
        turns += 1
    assert turns > 10
    assert held(slices) == held(whole)
    assert slices.state("gauges").rows_total == len(slices.readings())
    assert slices.state("gauges").watermark == whole.state("gauges").watermark


def test_killed_between_or_within_transactions_nothing_is_lost_or_doubled(
    desks: Any, long_past: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, desk = at_once(desks(long_past, "whole"), monkeypatch), desks(long_past, "killed")
    chance, deaths = random.Random(5), 0

    class KilledError(Exception):
        pass

    def dies(conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        if chance.random() < 0.01:
            raise KilledError

    sa.event.listen(desk.store, "before_cursor_execute", dies)
    for _ in range(1000):
        try:
            if not desk.pull("gauges").filling:
                break
        except KilledError:
            deaths += 1
    sa.event.remove(desk.store, "before_cursor_execute", dies)
    assert deaths > 3
    assert held(desk) == held(whole)
    with desk.store.connect() as conn:
        assert conn.scalar(sa.select(sa.func.sum(pull_run.c.rows_new))) == len(desk.readings()) == desk.state("gauges").rows_total


def test_what_comes_while_history_is_read_is_taken_and_corrects_it(desks: Any, long_past: Department) -> None:
    desk = desks(long_past, "a")
    desk.pull("gauges", history=False)
    desk.later(minutes=10)
    old = NOON - timedelta(days=4)
    late = [(20_000, "G1", "温度", local(desk.now), "11", local(desk.now)), (20_001, "G1", "温度", local(old), "77", local(desk.now))]
    long_past.has("监测", GAUGE_COLUMNS, late)
    while desk.pull("gauges", budget_s=A_SLICE).filling:
        pass
    assert desk.readings()["G1", "heat", to_micros(desk.now)] == (11.0, 0)
    assert desk.readings()["G1", "heat", to_micros(old)] == (77.0, 0), "history does not undo what was said later"


def test_many_readings_under_one_watermark_do_not_hold_history_up(desks: Any, any_bureau: Department) -> None:
    loaded = local(NOON - timedelta(days=3))
    rows = [(i, "G1", "温度", local(NOON - timedelta(days=5) + timedelta(minutes=i)), "1", loaded) for i in range(400)]
    any_bureau.has("监测", GAUGE_COLUMNS, [*rows, (999, "G1", "温度", local(NOON), "2", local(NOON))])
    desk = desks(any_bureau, "a")
    for _ in range(10):
        desk.pull("gauges", budget_s=A_SLICE)
    assert desk.pull("gauges").filling is False
    assert len(desk.readings()) == 401


def test_a_source_that_said_nothing_lately_is_read_in_one_go(desks: Any, any_bureau: Department) -> None:
    any_bureau.has("监测", GAUGE_COLUMNS, [(1, "G1", "温度", local(NOON - timedelta(days=3)), "20", local(NOON - timedelta(days=3)))])
    turn = desks(any_bureau, "a").pull("gauges", history=False)
    assert (turn.rows_new, turn.filling) == (1, False)


def test_a_watermark_that_does_not_sort_is_read_whole(desks: Any, any_bureau: Department) -> None:
    whole = [(i, "G1", "温度", f"2026-05-{i:02} 11:00:00", str(i), f"2026-05-{i:02} 11:00:00") for i in range(10, 21)]
    ragged = [(40 + i, "G1", "温度", f"2026-05-{i:02} 10:00:00", str(i), f"2026-5-{i} 10:00:00") for i in range(1, 4)]
    any_bureau.has("监测", GAUGE_COLUMNS, [*whole, *ragged])
    desk = desks(any_bureau, "a")
    desk.pull("gauges")
    desk.pull("gauges")
    assert len(desk.readings()) >= len(whole)
    assert desk.state("gauges").failures == 0


def test_what_is_mapped_anew_is_read_as_it_came_and_puts_ours_right(desks: Any, long_past: Department) -> None:
    desk = desks(long_past, "a")
    desk.pull("gauges")
    long_past.does("UPDATE 监测 SET 数值 = '88' WHERE 序号 = 20")
    assert desk.pull("gauges").rows_changed == 0, "its watermark did not move"
    with desk.store.begin() as conn:
        conn.execute(sa.update(pull_state).values(watermark=None))
    turn = desk.pull("gauges", history=False)
    assert turn.filling is False and turn.rows_new == 0
    assert 88.0 in [value for value, _ in desk.readings().values()]
