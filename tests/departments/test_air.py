"""The demo department of environment and sanitation: same seed, same city; corrections and late rows; sweeping follows dust."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from data_sources.departments import air, air_schema
from data_sources.departments.air import DEPARTMENT, hour_rows
from data_sources.departments.air_hours import hourly
from data_sources.departments.air_life import STATIONS, drifting, road_dust
from data_sources.departments.air_linkage import calls, pm10
from data_sources.departments.air_warnings import warning_rows
from data_sources.departments.building import local_text, open_department

SERVERS = [
    pytest.param("postgresql", marks=pytest.mark.postgresql),
    pytest.param("mariadb", marks=pytest.mark.mariadb),
]
NOW = datetime(2026, 11, 22, 2, 0, 30, tzinfo=UTC)
SEED = 7


def contents(engine: sa.Engine) -> dict[str, list[tuple[object, ...]]]:
    with engine.connect() as conn:
        tables = air_schema.metadata.sorted_tables
        return {t.name: [tuple(row) for row in conn.execute(sa.select(t).order_by(*t.primary_key.columns))] for t in tables}


@pytest.fixture(scope="module", autouse=True)
def short_memory() -> Iterator[None]:
    """A department that keeps less of its past: everything is the same, only sooner done."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(air, "HISTORY", timedelta(days=50))
        patch.setattr(air, "KEPT_FIVE_MINUTES", timedelta(days=1))
        yield


@pytest.fixture(scope="module")
def built(short_memory: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A department as built, to be copied by tests that let it live on."""
    path = tmp_path_factory.mktemp("air") / "air.db"
    engine = open_department(f"sqlite:///{path}")
    DEPARTMENT.build(engine, NOW, SEED)
    with engine.connect() as conn:
        conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    yield path


@pytest.fixture
def department(built: Path, tmp_path: Path) -> Iterator[sa.Engine]:
    copy = tmp_path / "air.db"
    copy.write_bytes(built.read_bytes())
    engine = open_department(f"sqlite:///{copy}")
    yield engine
    engine.dispose()


def test_living_in_small_steps_or_at_once_writes_the_same(department: sa.Engine, built: Path, tmp_path: Path) -> None:
    other_path = tmp_path / "other.db"
    other_path.write_bytes(built.read_bytes())
    other = open_department(f"sqlite:///{other_path}")
    DEPARTMENT.live(department, NOW, NOW + timedelta(hours=4), SEED)
    steps = [NOW + timedelta(minutes=m) for m in (0, 1, 7, 121, 240)]
    for since, until in pairwise(steps):
        DEPARTMENT.live(other, since, until, SEED)
    at_once, in_steps = contents(department), contents(other)
    assert {name for name in at_once if at_once[name] != in_steps[name]} == set()


def test_living_the_same_hours_twice_doubles_nothing(department: sa.Engine) -> None:
    DEPARTMENT.live(department, NOW, NOW + timedelta(hours=3), SEED)
    once = contents(department)
    DEPARTMENT.live(department, NOW, NOW + timedelta(hours=3), SEED)
    assert contents(department) == once


def test_nothing_is_written_about_the_future(department: sa.Engine) -> None:
    with department.connect() as conn:
        for table, column in ((air_schema.hours, "更新时间"), (air_schema.trips, "更新时间"), (air_schema.checks, "检查时间")):
            assert conn.scalar(sa.select(sa.func.max(table.c[column]))) <= local_text(NOW)


def test_a_doubtful_hour_is_corrected_the_next_morning() -> None:
    station = STATIONS[5]
    month = NOW.timestamp() - 30 * 86_400
    flags: dict[object, list[tuple[object, object]]] = {}
    for until in np.arange(month, NOW.timestamp(), 6 * 3600).tolist():
        for row in hour_rows(station, until - 6 * 3600, until, SEED):
            flags.setdefault(row[0], []).append((row[-2], row[4]))
    corrected = [seen for seen in flags.values() if [flag for flag, _ in seen] == ["L", "N"]]
    assert corrected
    assert all(int(str(seen[0][1])) > int(str(seen[1][1])) for seen in corrected)


def test_some_hours_arrive_late_and_none_is_lost() -> None:
    rows = hour_rows(STATIONS[3], NOW.timestamp() - 45 * 86_400, NOW.timestamp() - 86_400, SEED)
    lags = [datetime.fromisoformat(str(row[-1])) - datetime.fromisoformat(str(row[2])) for row in rows if row[-2] == "N"]
    assert any(timedelta(hours=3) < lag < timedelta(hours=4) for lag in lags)
    assert len({row[0] for row in rows}) == len(rows) >= 44 * 24


def test_missing_values_come_as_blanks_and_dashes_too(department: sa.Engine) -> None:
    with department.connect() as conn:
        hours = air_schema.hours.c
        seen = set(conn.execute(sa.select(hours.标识, hours.pm10).where(hours.标识.in_(["D", "C", "M"]))).all())
    assert {tuple(row) for row in seen} == {("D", ""), ("C", "—"), ("M", "—")}


def _calls(department: sa.Engine) -> list[dict[str, object]]:
    with department.connect() as conn:
        return [dict(row) for row in conn.execute(sa.select(air_schema.calls)).mappings()]


def _moment(text: object) -> float:
    return datetime.fromisoformat(f"{text}+08:00").timestamp()


def test_sweepers_are_called_where_the_measured_hour_is_over_the_level(department: sa.Engine) -> None:
    stations = {station.code: station for station in STATIONS}
    seen = _calls(department)
    assert len(seen) > 50
    for call in seen[::17]:
        measured = hourly(np.array([_moment(call["触发小时"])]), stations[str(call["站点编码"])], SEED)["pm10"][0]
        assert measured > {"L1": 100, "L2": 120, "L3": 250, "L4": 350}[str(call["级别"])] * 0.9


def test_every_trip_made_for_a_call_happens_between_its_leaving_and_its_end(department: sa.Engine) -> None:
    calls = {call["工单编号"]: call for call in _calls(department)}
    with department.connect() as conn:
        trips = conn.execute(sa.select(air_schema.trips).where(air_schema.trips.c.任务来源 == "联动")).mappings().all()
    ended = [trip for trip in trips if trip["实际结束"]]
    assert ended
    for trip in ended:
        call = calls[trip["工单编号"]]
        assert call["出车时间"] <= trip["实际开始"] and (call["完成时间"] is None or trip["实际结束"] <= call["完成时间"])


def test_now_and_then_nobody_is_sent_or_somebody_is_late(department: sa.Engine) -> None:
    seen = _calls(department)
    assert {"办结", "漏派"} <= {call["状态"] for call in seen}
    waits = [_moment(c["接单时间"]) - _moment(c["派单时间"]) for c in seen if c["接单时间"] and c["级别"] == "L1"]
    late = sum(wait > 15 * 60 for wait in waits) / len(waits)
    assert 0.01 < late < 0.25


def test_dust_falls_after_sweepers_were_there_more_than_where_they_were_not() -> None:
    station = next(s for s in STATIONS if s.is_micro)
    until = NOW.timestamp()
    done = [call for call in calls(station, until - 400 * 86_400, until, SEED) if call.outcome == "办结"]
    swept = np.array([call.done for call in done])
    left = pm10(swept, station, SEED) / (drifting(swept, station, SEED) + road_dust(swept, station, SEED))
    usual = np.arange(until - 100 * 86_400, until, 7200.0)
    otherwise = pm10(usual, station, SEED) / (drifting(usual, station, SEED) + road_dust(usual, station, SEED))
    assert len(done) > 20
    assert left.mean() < otherwise.mean() - 0.05


def test_ice_is_warned_of_in_cold_nights_and_pollution_on_bad_days_only(department: sa.Engine) -> None:
    year = warning_rows(NOW.timestamp() - 3 * 365 * 86_400, NOW.timestamp(), SEED)
    kinds = {str(row[1]) for row in year}
    assert "重污染天气" in kinds and 1 <= len(year) < 60
    assert all(row[6] is None or str(row[6]) > str(row[5]) for row in year)


def test_dust_episodes_reach_every_level_now_and_then_but_not_always() -> None:
    hours = np.arange(NOW.timestamp() - 3 * 365 * 86_400, NOW.timestamp(), 3600.0)
    dust = hourly(hours, STATIONS[0], SEED)["pm10"]
    over = [float((dust >= level).mean()) for level in (100, 120, 250)]
    assert 0.02 < over[0] < 0.15
    assert over[0] > over[1] > over[2] > 0


def test_no_water_is_spread_in_frost_or_rain(department: sa.Engine) -> None:
    with department.connect() as conn:
        barred = conn.execute(sa.select(air_schema.trips.c.作业方式).where(air_schema.trips.c.状态 == "4").distinct()).scalars().all()
    assert set(barred) <= {"洒水", "冲洗", "雾炮"}


@pytest.mark.parametrize("server", SERVERS)
def test_the_same_department_fills_other_databases(server: str, department: sa.Engine, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue(f"{server}_url")
    engine = open_department(url)
    DEPARTMENT.build(engine, NOW, SEED)
    DEPARTMENT.live(engine, NOW, NOW + timedelta(hours=2), SEED)
    DEPARTMENT.live(department, NOW, NOW + timedelta(hours=2), SEED)
    with engine.connect() as theirs, department.connect() as ours:
        for table in air_schema.metadata.sorted_tables:
            query = sa.select(sa.func.count()).select_from(table)
            assert theirs.scalar(query) == ours.scalar(query), table.name
    engine.dispose()
