"""The sensor platform of the demo city: what it holds, how it goes on living, and what is wrong with it on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from data_sources.departments import sensors, slopes_rows, tanks_schema
from data_sources.departments import sensors_schema as schema
from data_sources.departments.building import bulk_insert, open_department
from data_sources.departments.sensors_networks import BRIDGES
from tests.demo_city import NOW, SEED, built_home, copy_of_home, life_of, sensors_file

BUILT = "2026-03-12 09:00:00"


@pytest.fixture(scope="module")
def platform() -> Iterator[sa.Connection]:
    """The platform as built, read only."""
    engine = sa.create_engine(f"sqlite:///{sensors_file(built_home())}")
    with engine.connect() as conn:
        yield conn
    engine.dispose()


def _count(conn: sa.Connection, where: str) -> int:
    return int(conn.execute(sa.text(f"select count(*) from {where}")).scalar_one())


def test_the_registers_hold_what_the_documents_published(platform: sa.Connection) -> None:
    direct = "(select distinct 设施编号, 设施类型 from 桥隧台账 where 管养性质 = '直管' and 物联感知 = '是')"
    assert _count(platform, f"{direct} where 设施类型 <= 6") == 51
    assert _count(platform, f"{direct} where 设施类型 >= 7") == 13
    assert _count(platform, "(select distinct 设施编号 from 桥隧台账 where 视频感知 = '是')") == 101
    assert _count(platform, "化粪池台账 where 权属 = '老旧小区'") == 150
    assert _count(platform, "地质隐患点") == 15


def test_made_up_things_are_marked_and_named_ones_are_not(platform: sa.Connection) -> None:
    kinds = dict(tuple(row) for row in platform.execute(sa.text("select 设施名称, 资料来源 from 桥隧台账")))
    assert kinds["千厮门嘉陵江大桥"] == kinds["石黄隧道"] == "公开"
    assert kinds["枇杷山隧道"] == "模拟"


def test_the_archive_reaches_back_thirteen_months_and_stays_affordable(platform: sa.Connection) -> None:
    total = sum(_count(platform, f'"{name}"') for name in schema.metadata.tables)
    oldest = platform.execute(sa.text("select min(入库时间) from 桥梁监测数据")).scalar_one()
    assert 500_000 < total < 1_200_000
    assert oldest.startswith("2025-02")


def test_every_kind_of_trouble_a_pull_must_survive_is_there(platform: sa.Connection) -> None:
    assert _count(platform, "(select 设施编号 from 桥隧台账 group by 设施编号 having count(*) > 1)") == 1
    assert _count(platform, "抽排记录 where 结束时间 like '0000-00-00%'") == 1
    assert _count(platform, "抽排记录 where 抽排量 like '约%'") == 1
    assert _count(platform, "隧道环境数据 where 一氧化碳 = '设备故障'") > 0
    assert _count(platform, "(select 1 from 桥梁监测数据 where 设施编号 = 'QS030' and 测项 = '应变' group by 数值)") == 1  # stuck
    ahead = platform.execute(sa.text("select distinct 设施编号, 测项 from 桥梁监测数据 where 采集时间 > 入库时间")).all()
    assert [tuple(row) for row in ahead] == [("QS035", "挠度")]
    newest = {row[0]: row[1] for row in platform.execute(sa.text("select 设施编号, max(入库时间) from 化粪池监测数据 group by 设施编号"))}
    assert sum(at < "2026-03-10" for at in newest.values()) == 2  # a gateway that no longer answers


def test_living_in_steps_or_at_once_writes_the_same_rows(tmp_path: Path) -> None:
    steps, at_once = (open_department(f"sqlite:///{sensors_file(copy_of_home(tmp_path / name))}") for name in ("steps", "once"))
    until = NOW + timedelta(minutes=67)
    sensors.live(at_once, NOW, until, SEED)
    moment = NOW
    for minutes in (0.05, 4, 11, 11, 30, 67):
        sensors.live(steps, moment, NOW + timedelta(minutes=minutes), SEED)
        moment = NOW + timedelta(minutes=minutes)
    assert life_of(str(steps.url), BUILT) == life_of(str(at_once.url), BUILT)
    for engine in (steps, at_once):
        engine.dispose()


def test_a_stretch_written_again_after_a_crash_doubles_nothing(tmp_path: Path) -> None:
    engine = open_department(f"sqlite:///{sensors_file(copy_of_home(tmp_path))}")
    sensors.live(engine, NOW, NOW + timedelta(minutes=20), SEED)
    before = life_of(str(engine.url), BUILT)
    sensors.live(engine, NOW, NOW + timedelta(minutes=20), SEED)
    assert life_of(str(engine.url), BUILT) == before
    engine.dispose()


def test_a_minute_of_life_is_over_a_hundred_rows_and_under_a_thousand() -> None:
    start = NOW.timestamp()
    rows = sum(len(n.rows(SEED, n.things, *n.due(start, start + 600))) for n in sensors.NETWORKS) / 10
    assert 100 < rows < 1000


def test_the_platform_lives_on_every_kind_of_database(any_department_url: str) -> None:
    engine = open_department(any_department_url)
    schema.metadata.create_all(engine)
    with engine.begin() as conn:
        for network in (slopes_rows.NETWORK, BRIDGES):
            start = NOW.timestamp()
            bulk_insert(conn, network.table, network.rows(SEED, network.things, *network.due(start - 300, start)))
    for _again in range(2):
        sensors.live(engine, NOW, NOW + timedelta(minutes=12), SEED)
    with engine.connect() as conn:
        found = {t.name: conn.scalar(sa.select(sa.func.count()).select_from(t)) for t in (schema.bridge_data, tanks_schema.tank_data)}
    engine.dispose()
    start = NOW.timestamp()
    expected = {"桥梁监测数据": len(BRIDGES.rows(SEED, BRIDGES.things, *BRIDGES.due(start - 300, start + 720)))}
    assert found == expected | {"化粪池监测数据": pytest.approx(178 * 12 / 5, abs=178)}
