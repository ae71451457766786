"""Reception days and the hotline of the demo: the published counts, courses that make sense, life that can be replayed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from data_sources.departments import cases_schema as book
from data_sources.departments.building import open_department
from data_sources.departments.cases import DEPARTMENT

NOW = datetime(2026, 11, 18, 3, 20, tzinfo=UTC)  # 11:20 on a third Wednesday, doors open
SEED = 7


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The databases as built, never written to again."""
    path = tmp_path_factory.mktemp("cases") / "built.db"
    engine = open_department(f"sqlite:///{path}")
    DEPARTMENT.build(engine, NOW, SEED)
    with engine.connect() as conn:
        conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


@pytest.fixture
def city(built: Path, tmp_path: Path) -> Iterator[sa.Engine]:
    """A copy of them that goes on living."""
    engine = open_department(f"sqlite:///{shutil.copy(built, tmp_path / 'cases.db')}")
    yield engine
    engine.dispose()


def ask(engine: sa.Engine, question: str, **values: object) -> list[tuple[object, ...]]:
    with engine.connect() as conn:
        return [tuple(row) for row in conn.execute(sa.text(question), values)]


def number(engine: sa.Engine, question: str, **values: object) -> float:
    return float(str(ask(engine, question, **values)[0][0]))


def contents(engine: sa.Engine, table: sa.Table) -> list[tuple[object, ...]]:
    with engine.connect() as conn:
        return [tuple(r) for r in conn.execute(sa.select(table).order_by(*table.primary_key.columns))]


def test_79_communities_share_865_grids(city: sa.Engine) -> None:
    assert ask(city, "select count(*), sum(cast(网格数 as integer)) from 社区网格") == [(79, 865)]


def test_the_matters_and_their_closing_rate_are_as_published_even_while_the_doors_are_open(city: sa.Engine) -> None:
    ((accepted, settled),) = ask(city, "select count(*), sum(办结时间 is not null) from 接待事项 where 事项编号 like 'JD2%'")
    assert (accepted, round(100 * int(str(settled)) / int(str(accepted)), 2)) == (2_987, 99.06)


def test_matters_are_brought_on_third_wednesdays_only(city: sa.Engine) -> None:
    days = ask(city, "select distinct substr(受理时间, 1, 10) from 接待事项 where 事项编号 like 'JD2%'")
    found = [datetime.fromisoformat(str(day)) for (day,) in days]
    assert len(found) >= 13
    assert all(d.weekday() == 2 and 15 <= d.day <= 21 for d in found)


def test_the_afternoon_of_a_reception_day_brings_more_and_every_community_files_its_minutes(city: sa.Engine) -> None:
    DEPARTMENT.live(city, NOW, NOW + timedelta(hours=9), SEED)
    assert number(city, "select count(*) from 接待事项 where 受理时间 > '2026-11-18 11:20:00'") > 50
    assert number(city, "select count(*) from 接待场次 where 接待日期 = '2026/11/18'") == 79


def test_open_matters_are_settled_in_the_weeks_after(city: sa.Engine) -> None:
    DEPARTMENT.live(city, NOW, NOW + timedelta(days=20), SEED)
    assert number(city, "select count(*) from 接待事项 where 办结时间 > '2026-11-18 11:20:00'") > 100
    assert number(city, "select count(*) from 接待事项 where 办结时间 < 受理时间") == 0


def test_about_ninety_eight_in_a_hundred_calls_are_closed_in_time(city: sa.Engine) -> None:
    rate = number(city, "select 100.0 * avg(办结时间 <= 办理时限) from 热线工单 where 办结时间 > '2026-10-19'")
    assert 97.3 < rate < 98.9


def test_150_to_250_citizens_call_on_a_usual_day(city: sa.Engine) -> None:
    assert 150 < number(city, "select count(*) / 396.0 from 热线工单") < 250


def test_a_case_is_closed_after_it_was_called_back_and_called_back_after_contact(city: sa.Engine) -> None:
    wrong = "select count(*) from 热线工单 where 办结时间 < 回访时间 or 回访时间 < 首次联系时间 or 首次联系时间 < 受理时间"
    assert number(city, wrong) == 0
    assert number(city, "select count(*) from 热线工单 where STATUS in (8, 9) and CASE_NO like '2%' and 办结时间 is null") == 0


def test_a_hotspot_gathers_at_least_five_calls_from_one_place_in_half_an_hour(city: sa.Engine) -> None:
    spans = ask(
        city,
        "select 热点编号, count(*), count(distinct ADDR_ID), max(julianday(受理时间)) - min(julianday(受理时间)) from 热线工单"
        " where 热点编号 is not null and 受理时间 < '2026-11-17' group by 1",
    )
    assert len(spans) > 500
    assert all(int(str(n)) >= 5 and places == 1 and float(str(span)) * 1440 <= 30 for _, n, places, span in spans)


def test_living_in_steps_or_at_once_leaves_the_same_rows(built: Path, tmp_path: Path) -> None:
    engines = [open_department(f"sqlite:///{shutil.copy(built, tmp_path / name)}") for name in ("steps.db", "once.db")]
    end = NOW + timedelta(hours=30)
    at = NOW
    while at < end:
        DEPARTMENT.live(engines[0], at, min(at + timedelta(minutes=53), end), SEED)
        at += timedelta(minutes=53)
    DEPARTMENT.live(engines[1], NOW, end, SEED)
    for table in book.book.tables.values():
        assert contents(engines[0], table) == contents(engines[1], table), table.name


def test_living_the_same_hour_twice_changes_nothing_more(city: sa.Engine) -> None:
    DEPARTMENT.live(city, NOW, NOW + timedelta(hours=1), SEED)
    once = [contents(city, table) for table in book.book.tables.values()]
    DEPARTMENT.live(city, NOW, NOW + timedelta(hours=1), SEED)
    assert [contents(city, table) for table in book.book.tables.values()] == once


def test_a_case_that_moves_carries_a_newer_time_of_change(city: sa.Engine) -> None:
    before = {name: state for name, state in ask(city, "select CASE_NO, STATUS from 热线工单 where STATUS < 8")}
    DEPARTMENT.live(city, NOW, NOW + timedelta(hours=6), SEED)
    moved = [c for c, state, changed in ask(city, "select CASE_NO, STATUS, 更新时间 from 热线工单") if c in before and before[c] != state]
    stale = ask(city, "select CASE_NO from 热线工单 where 更新时间 <= '2026-11-18 11:20:00'")
    assert len(moved) > 20
    assert not set(moved) & {c for (c,) in stale}


@pytest.mark.parametrize(
    "service", [pytest.param("postgresql", marks=pytest.mark.postgresql), pytest.param("mariadb", marks=pytest.mark.mariadb)]
)
def test_the_same_history_is_built_on_a_server(service: str, request: pytest.FixtureRequest) -> None:
    engine = open_department(str(request.getfixturevalue(f"{service}_url")))
    DEPARTMENT.build(engine, NOW, SEED)
    DEPARTMENT.live(engine, NOW, NOW + timedelta(minutes=30), SEED)
    assert number(engine, "select count(*) from 接待事项 where 事项编号 like 'JD2%'") >= 2_987
    engine.dispose()
