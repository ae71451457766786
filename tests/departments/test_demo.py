"""The demo is built once, never over a real database, and lives on from where it stopped."""

from __future__ import annotations

import sqlite3
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from dashboard.core.clock import SteppedClock
from dashboard.core.errors import ConfigurationError
from dashboard.demo import build_demo, live_demo, provoke
from data_sources.departments.building import find_departments
from tests.demo_city import NOW, SEED, copy_of_home, sensors_file, settings_in


class _StopAfter(threading.Event):
    """Stops the loop after some rounds; each wait is a step of the clock instead of a sleep."""

    def __init__(self, clock: SteppedClock, rounds: int, step: timedelta) -> None:
        super().__init__()
        self.clock, self.rounds, self.step = clock, rounds, step

    def wait(self, timeout: float | None = None) -> bool:
        self.rounds -= 1
        self.clock.step(self.step)
        if self.rounds == 0:
            self.set()
        return self.is_set()


def _live(home: Path, start: datetime, rounds: int = 3) -> list[str]:
    clock, lines = SteppedClock(start), []
    live_demo(settings_in(home), clock, _StopAfter(clock, rounds, timedelta(minutes=2)), report=lines.append)
    return lines


def _times(home: Path) -> list[str]:
    with sqlite3.connect(sensors_file(home)) as conn:
        return [row[0] for row in conn.execute("select 入库时间 from 雨量数据 where 设施编号 = 'YL01' order by 1")]


def test_departments_are_found_by_where_they_stand() -> None:
    assert "sensors" in find_departments()


def test_a_demo_that_is_there_is_left_alone(tmp_path: Path) -> None:
    home = copy_of_home(tmp_path)
    before, lines = sensors_file(home).stat().st_mtime_ns, []
    build_demo(settings_in(home), NOW, SEED, fresh=False, only=["sensors"], report=lines.append)
    assert sensors_file(home).stat().st_mtime_ns == before
    assert lines == ["sensors: already there (--fresh builds it again)"]


def test_a_database_that_is_not_the_demos_is_refused_even_when_asked_to_build_afresh(tmp_path: Path) -> None:
    place = sensors_file(tmp_path)
    place.parent.mkdir(parents=True)
    with sqlite3.connect(place) as conn:
        conn.execute("create table 真实台账 (编号 text)")
    with pytest.raises(ConfigurationError, match="not the demo's"):
        build_demo(settings_in(tmp_path), NOW, SEED, fresh=True, only=["sensors"])
    assert sa.inspect(sa.create_engine(f"sqlite:///{place}")).get_table_names() == ["真实台账"]


def test_a_department_nobody_knows_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such department"):
        build_demo(settings_in(tmp_path), NOW, SEED, fresh=False, only=["weather"])


def test_a_build_that_was_cut_off_is_built_again(tmp_path: Path) -> None:
    place = sensors_file(tmp_path)
    place.parent.mkdir(parents=True)
    with sqlite3.connect(place) as conn:
        conn.execute("create table demo_clock (seed bigint not null, written_until bigint not null)")
        conn.execute("create table 桥隧台账 (序号 integer)")
    lines: list[str] = []
    build_demo(settings_in(tmp_path), NOW, SEED, fresh=False, only=["sensors"], report=lines.append)
    assert lines == [f"sensors: built up to {NOW:%Y-%m-%d %H:%M}Z"]
    assert _times(tmp_path)[-1] > "2026-03-12 09:20:00"
    assert not list(place.parent.glob("*.part*"))


def test_a_restart_fills_the_gap_and_doubles_nothing(tmp_path: Path) -> None:
    home = copy_of_home(tmp_path)
    _live(home, NOW + timedelta(minutes=5))
    _live(home, NOW + timedelta(hours=2))  # nobody was there for nearly two hours
    times = _times(home)
    recent = [t for t in times if t > "2026-03-12 09:00:00"]
    assert len(recent) == len(set(recent)) == 30  # every five minutes after nine until half past eleven
    assert recent[-1].startswith("2026-03-12 11:3")


def test_a_demo_that_slept_for_a_day_catches_up_step_by_step(tmp_path: Path) -> None:
    home = copy_of_home(tmp_path)
    _live(home, NOW + timedelta(hours=20), rounds=2)
    assert _times(home)[-1] == "2026-03-12 21:30:00"
    _live(home, NOW + timedelta(hours=20), rounds=2)
    assert _times(home)[-1] == "2026-03-13 05:30:00"


def test_a_department_without_a_database_is_told_once_and_does_not_stop_the_others(tmp_path: Path) -> None:
    home = copy_of_home(tmp_path)
    lines = _live(home, NOW + timedelta(minutes=30))
    others = len(find_departments()) - 1
    assert len(lines) == others
    assert all("is it built?" in line for line in lines)
    assert _times(home)[-1] > "2026-03-12 09:55:00"
    assert sorted(p.name for p in sensors_file(home).parent.glob("*.db")) == ["sensors.db"]


def test_gas_that_is_provoked_is_in_what_the_department_writes_next_and_nowhere_else(tmp_path: Path) -> None:
    home = copy_of_home(tmp_path)
    tank = provoke(settings_in(home), "gas", NOW).partition("：")[0].split(" ")[-1]
    _live(home, NOW + timedelta(minutes=10), rounds=1)
    with sqlite3.connect(sensors_file(home)) as conn:
        query = "select max(甲烷) from 化粪池监测数据 where 设施编号 = ? and 入库时间 > '2026-03-12 09:30:00'"
        assert conn.execute(query, (tank,)).fetchone()[0] > 20
    assert sorted(p.name for p in (home / "var").rglob("*.db")) == ["sensors.db"]


@pytest.mark.parametrize(("what", "why"), [("snow", "known: dust, gap, gas, rock"), ("dust", "not a demo department here")])
def test_what_cannot_be_provoked_is_said(tmp_path: Path, what: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        provoke(settings_in(copy_of_home(tmp_path)), what, NOW)
