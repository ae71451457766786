"""The rentals platform of the demo: its past is calibrated, its life is the same in steps or at once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import sqlalchemy as sa

from data_sources.departments import rentals_schema as book
from data_sources.departments.building import open_department
from data_sources.departments.plans import over_days
from data_sources.departments.rentals import DEPARTMENT
from data_sources.departments.rentals_life import stays_of

NOW = datetime(2026, 11, 22, 10, 7, 30, tzinfo=UTC)  # a Sunday evening, 18:07 in the city
SEED = 7


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The platform as built, never written to again."""
    path = tmp_path_factory.mktemp("rentals") / "built.db"
    engine = open_department(f"sqlite:///{path}")
    DEPARTMENT.build(engine, NOW, SEED)
    with engine.connect() as conn:
        conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


@pytest.fixture
def city(built: Path, tmp_path: Path) -> Iterator[sa.Engine]:
    """A copy of it that goes on living."""
    engine = open_department(f"sqlite:///{shutil.copy(built, tmp_path / 'rentals.db')}")
    yield engine
    engine.dispose()


def ask(engine: sa.Engine, question: str, **values: object) -> list[tuple[object, ...]]:
    with engine.connect() as conn:
        return [tuple(row) for row in conn.execute(sa.text(question), values)]


def recent(engine: sa.Engine, table: sa.Table) -> list[tuple[object, ...]]:
    """What a table says of the last hours."""
    changed = table.c["更新时间"]
    since = NOW.timestamp() * 1000 - 3_600_000 if isinstance(changed.type, sa.BigInteger) else "2026-11-22 17:00:00"
    with engine.connect() as conn:
        return [tuple(r) for r in conn.execute(sa.select(table).where(changed > since).order_by(*table.primary_key.columns))]


def local_day(days: int) -> str:
    return str((NOW + timedelta(hours=8, days=days)).date())


def test_the_register_holds_12900_coded_rooms_of_which_7483_percent_have_smart_locks(city: sa.Engine) -> None:
    ((rooms, locks),) = ask(city, "select count(*), sum(智能门锁 = '是') from 网约房登记 where 状态码 in (2, 3, 4, 5)")
    assert (rooms, round(100 * int(str(locks)) / int(str(rooms)), 2)) == (12_900, 74.83)


def test_guests_of_the_last_365_days_add_up_to_the_published_person_times(city: sa.Engine) -> None:
    first = datetime(2025, 11, 22, 16, tzinfo=UTC).timestamp() * 1000
    assert ask(city, "select sum(入住人数) from 入住登记 where 入住时间 >= :first", first=first) == [(749_900,)]


def test_warnings_and_risks_are_as_many_as_published(city: sa.Engine) -> None:
    assert ask(city, "select sum(是否属实 = 1), sum(是否属实 = 1 and 消除时间 is not null) from 风险预警") == [(5_826, 2_346)]


@pytest.mark.parametrize(("table", "change"), [("涉房警情", -33.8), ("消费投诉", -10.7)])
def test_cases_fell_against_the_same_stretch_a_year_earlier_as_published(city: sa.Engine, table: str, change: float) -> None:
    asked = f"select count(*) from {table} where 发生时间 >= :a and 发生时间 <= :b"
    ((this,),) = ask(city, asked, a=local_day(-364), b="2026-11-22 18:07:30")
    ((last,),) = ask(city, asked, a="2024-11-23", b="2025-11-22 18:07:30")
    assert round(100 * (int(str(this)) / int(str(last)) - 1), 1) == change


def test_no_room_is_let_twice_at_once() -> None:
    stays = over_days(stays_of, SEED, 20_700, 20_760)
    by_room: dict[int, list[tuple[float, float]]] = {}
    for room, come, go in zip(stays.room.tolist(), stays.arrive.tolist(), stays.left.tolist(), strict=True):
        by_room.setdefault(room, []).append((come, go))
    for times in by_room.values():
        times.sort()
        assert all(earlier[1] <= later[0] for earlier, later in pairwise(times))


def test_whoever_is_in_a_room_now_is_in_its_status(city: sa.Engine) -> None:
    ((guests,),) = ask(city, "select sum(在住人数) from 房态")
    ((staying,),) = ask(city, "select sum(入住人数) from 入住登记 where 退房时间 is null")
    assert guests == staying


def test_no_identity_could_be_a_real_one(city: sa.Engine) -> None:
    assert ask(city, "select count(*) from 入住登记 where 证件号码 not like 'DEMO%' or 手机号码 not like '000%'") == [(0,)]


def test_nothing_is_written_from_the_future(city: sa.Engine) -> None:
    at = NOW.timestamp() * 1000
    assert ask(city, "select count(*) from 入住登记 where 更新时间 > :at or 退房时间 > :at or 登记时间 > :at", at=at) == [(0,)]
    assert ask(city, "select count(*) from 门锁事件 where 更新时间 > '2026-11-22 18:07:30'") == [(0,)]


def test_living_in_steps_or_at_once_leaves_the_same_rows(built: Path, tmp_path: Path) -> None:
    engines = [open_department(f"sqlite:///{shutil.copy(built, tmp_path / name)}") for name in ("steps.db", "once.db")]
    end = NOW + timedelta(hours=8)  # past midnight
    at = NOW
    while at < end:
        DEPARTMENT.live(engines[0], at, min(at + timedelta(minutes=47), end), SEED)
        at += timedelta(minutes=47)
    DEPARTMENT.live(engines[1], NOW, end, SEED)
    for table in book.book.tables.values():
        if "更新时间" in table.c:
            assert recent(engines[0], table) == recent(engines[1], table), table.name


def test_living_the_same_hour_twice_doubles_nothing(city: sa.Engine) -> None:
    def counts() -> list[list[tuple[object, ...]]]:
        return [ask(city, f'select count(*) from "{name}"') for name in book.book.tables]

    DEPARTMENT.live(city, NOW, NOW + timedelta(hours=1), SEED)
    once = counts()
    DEPARTMENT.live(city, NOW, NOW + timedelta(hours=1), SEED)
    assert counts() == once


def test_guests_come_and_go_as_time_passes(city: sa.Engine) -> None:
    at = NOW.timestamp() * 1000
    DEPARTMENT.live(city, NOW, NOW + timedelta(hours=18), SEED)
    ((came, went),) = ask(city, "select sum(登记时间 > :at), sum(退房时间 > :at and 入住时间 < :at) from 入住登记", at=at)
    assert int(str(came)) > 200
    assert int(str(went)) > 300


def test_an_unlocking_is_matched_once_the_guest_registers(city: sa.Engine) -> None:
    waiting = ask(city, "select 事件编号 from 门锁事件 where 事件类型 = 1 and 入住单号 is null and 发生时间 > '2026-11-22 17:50'")
    DEPARTMENT.live(city, NOW, NOW + timedelta(hours=4), SEED)
    matched = ask(city, "select 事件编号 from 门锁事件 where 入住单号 is not null and 更新时间 > '2026-11-22 18:07:30'")
    assert set(waiting) & set(matched)


@pytest.mark.parametrize("key", ["YJ00000000", "JQ-补录-01", "YZ-临时-01"])
def test_some_rows_are_as_wrong_as_in_any_real_database(city: sa.Engine, key: str) -> None:
    found = [
        ask(city, f"select count(*) from {t} where {k} = :key", key=key)[0][0]
        for t, k in (("风险预警", "预警编号"), ("涉房警情", "警情编号"), ("网约房登记", "房屋编码"))
    ]
    assert sum(int(str(n)) for n in found) == 1


@pytest.mark.parametrize(
    "service", [pytest.param("postgresql", marks=pytest.mark.postgresql), pytest.param("mariadb", marks=pytest.mark.mariadb)]
)
def test_the_platform_goes_on_living_on_a_server(service: str, request: pytest.FixtureRequest) -> None:
    engine = open_department(str(request.getfixturevalue(f"{service}_url")))
    book.book.create_all(engine)
    for _ in range(2):
        DEPARTMENT.live(engine, NOW, NOW + timedelta(minutes=30), SEED)
    assert int(str(ask(engine, "select count(*) from 入住登记")[0][0])) > 10
    engine.dispose()
