"""The demo department of rivers and drainage: same seed, same water; and what is wrong with it on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from data_sources.departments import water, water_events, water_schema, water_shapes
from data_sources.departments.building import open_department
from data_sources.departments.sensors_shapes import DAY, rain_sum
from data_sources.departments.water import DEPARTMENT

NOW = datetime(2026, 7, 6, 1, 58, tzinfo=UTC)  # 09:58 in the city on the first Monday of July: a drill is two minutes away
SEED = 7


def contents(engine: sa.Engine) -> dict[str, list[tuple[object, ...]]]:
    with engine.connect() as conn:
        return {
            t.name: sorted((tuple(row) for row in conn.execute(sa.select(t))), key=lambda row: str(row[:2]))
            for t in water_schema.metadata.sorted_tables
        }


@pytest.fixture(scope="module", autouse=True)
def short_memory() -> Iterator[None]:
    """A department that keeps less of its past: everything is the same, only sooner done."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(water, "KEPT_S", 4 * DAY)
        patch.setattr(water, "HISTORY_S", 60 * DAY)
        yield


@pytest.fixture(scope="module")
def built(short_memory: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A department as built, to be copied by tests that let it live on."""
    path = tmp_path_factory.mktemp("water") / "water.db"
    engine = open_department(f"sqlite:///{path}")
    DEPARTMENT.build(engine, NOW, SEED)
    with engine.connect() as conn:
        conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


def copy_of(built: Path, place: Path) -> sa.Engine:
    place.write_bytes(built.read_bytes())
    return open_department(f"sqlite:///{place}")


def asked(built: Path, text: str) -> list[tuple[object, ...]]:
    with sa.create_engine(f"sqlite:///{built}").connect() as conn:
        return [tuple(row) for row in conn.execute(sa.text(text))]


def test_living_in_small_steps_or_at_once_writes_the_same(built: Path, tmp_path: Path) -> None:
    one, other = copy_of(built, tmp_path / "one.db"), copy_of(built, tmp_path / "other.db")
    DEPARTMENT.live(one, NOW, NOW + timedelta(hours=5), SEED)
    for since, until in pairwise(NOW + timedelta(seconds=s) for s in (0, 5, 61, 125, 300, 305, 1900, 3605, 9000, 18000)):
        DEPARTMENT.live(other, since, until, SEED)
    at_once, in_steps = contents(one), contents(other)
    assert {name for name in at_once if at_once[name] != in_steps[name]} == set()


def test_a_stretch_written_again_after_a_crash_doubles_nothing(built: Path, tmp_path: Path) -> None:
    engine = copy_of(built, tmp_path / "one.db")
    DEPARTMENT.live(engine, NOW, NOW + timedelta(minutes=40), SEED)
    before = contents(engine)
    DEPARTMENT.live(engine, NOW, NOW + timedelta(minutes=40), SEED)
    assert contents(engine) == before


def test_the_months_drill_calls_every_department_and_all_eleven_streets(built: Path, tmp_path: Path) -> None:
    engine = copy_of(built, tmp_path / "one.db")
    DEPARTMENT.live(engine, NOW, NOW + timedelta(minutes=8), SEED)
    calls, responders = water_schema.callouts, water_schema.responders
    fresh = calls.c.叫应时间 >= "2026-07-06 10:00:00"
    with engine.connect() as conn:
        kinds = dict(
            tuple(row)
            for row in conn.execute(
                sa.select(responders.c.对象类型, sa.func.count())
                .join(calls, calls.c.对象编号 == responders.c.对象编号)
                .where(fresh)
                .group_by(responders.c.对象类型)
            )
        )
        waiting = conn.scalar(sa.select(sa.func.count()).where(fresh, calls.c.应答时间 == ""))
    assert kinds == {1: 12, 2: 11}
    assert waiting and waiting > 0


def test_a_river_level_names_its_datum_and_a_reset_gateway_names_another(built: Path) -> None:
    found = {code: datum for code, datum in asked(built, "select 站码, 基面 from 水位站")}
    strays = asked(built, "select distinct d.站码, d.基面 from 河道水情 d join 水位站 s on s.站码 = d.站码 where d.基面 <> s.基面")
    assert found == {"SW01": "吴淞", "SW02": "通报", "SW03": "通报", "SW04": "黄海"}
    assert strays == [("SW01", "黄海")]


def test_a_wrong_datum_that_was_noticed_is_put_right_the_next_morning(built: Path, tmp_path: Path) -> None:
    slot = float(np.floor(NOW.timestamp() / water_shapes.WRONG_EVERY) * water_shapes.WRONG_EVERY)
    ticks = slot + np.arange(0, 20 * water_shapes.WRONG_EVERY, 300.0)
    wrong = ticks[water_shapes.in_wrong_datum(SEED, np.zeros(len(ticks), dtype=np.int64), ticks) == 1]
    begins = datetime.fromtimestamp(float(wrong[wrong > NOW.timestamp()][0]), UTC)
    engine = open_department(f"sqlite:///{tmp_path / 'one.db'}")
    water_schema.metadata.create_all(engine)
    datums = sa.select(water_schema.levels.c.基面).where(water_schema.levels.c.站码 == "SW01").distinct()
    DEPARTMENT.live(engine, begins - timedelta(minutes=6), begins + timedelta(hours=2), SEED)
    with engine.connect() as conn:
        assert set(conn.execute(datums).scalars()) == {"吴淞", "黄海"}
    DEPARTMENT.live(engine, begins + timedelta(hours=2), begins + timedelta(hours=36), SEED)
    with engine.connect() as conn:
        assert set(conn.execute(datums).scalars()) == {"吴淞"}


def test_every_kind_of_trouble_a_pull_must_survive_is_there(built: Path) -> None:
    assert asked(built, "select count(*) from 河道水情 where 水位 like '999.99%'")[0][0]
    assert asked(built, "select count(distinct 总磷) from 水质自动监测 where 断面编号 = 'SZ02' and 总磷 is not null") == [(1,)]  # stuck
    assert {row[0] for row in asked(built, "select distinct 点位编号 from 积水监测 where 观测时间 > 入库时间")} == {"YL07"}  # fast clock
    newest = {code: str(at) for code, at in asked(built, "select 点位编号, max(入库时间) from 积水监测 group by 点位编号")}
    assert [code for code, at in newest.items() if at < "2026-07-04"] == ["YL10"]  # no battery left
    assert asked(built, "select count(*) from 水质手工监测 where 石油类 like '%L'")[0][0]
    assert asked(built, "select count(*) from 水质自动监测 where 溶解氧 is null")[0][0]


def test_a_float_catches_now_and_then_and_the_gauge_says_the_same_for_hours() -> None:
    at = np.floor(NOW.timestamp() / 300) * 300 + np.arange(0, 30 * DAY, 300.0)
    held = at - water_shapes.last_moved(SEED, np.full(len(at), 2), at)
    assert held.max() == 5 * 3600 - 300
    assert 0.01 < (held > 0).mean() < 0.06
    assert (water_shapes.last_moved(SEED, np.zeros(len(at), dtype=np.int64), at) == at).all()


def test_rivers_answer_rain_within_hours() -> None:
    year = NOW.timestamp() - np.arange(0, 365 * DAY, 3600.0)[::-1]
    gauge = np.full(len(year), 3)
    rise = water_shapes.river_levels(SEED, gauge, year + 10 * 3600) - water_shapes.river_levels(SEED, gauge, year)
    poured, dry = rain_sum(SEED, year, 6) > 40, rain_sum(SEED, year, 24) < 1
    assert rise[poured].mean() > 0.2
    assert abs(rise[dry].mean()) < 0.1


def test_published_places_are_told_from_made_up_ones(built: Path) -> None:
    origin = {name: kind for name, kind in asked(built, "select 点位名称, 资料来源 from 易涝点")}
    assert {name for name, kind in origin.items() if kind == "公开"} == {
        "长滨路（交巡警支队段）",
        "四新路牛角沱立交桥下",
        "嘉滨路远见中心段",
        "解放西路",
        "医学院路",
    }
    assert {kind for (kind,) in asked(built, "select 资料来源 from 水质断面 union select 资料来源 from 入河排口")} == {"模拟"}


def test_roads_come_under_water_after_hard_rain_and_clear(built: Path) -> None:
    at = NOW.timestamp() // 300 * 300 - np.arange(0, 395 * DAY, 300.0)[::-1]
    depths, rain = water_shapes.spot_depths(SEED, at), rain_sum(SEED, at, 1)
    flooded = (depths >= 100).sum(axis=0)
    assert flooded[rain > 25].mean() > 4 > 0.2 > flooded[rain < 1].mean()
    assert (depths[:, -1] < 100).any()


def test_water_on_a_road_is_told_of_reached_and_gone_in_that_order(built: Path) -> None:
    events = asked(built, "select 发现时间, 到场时间, 消退时间, 最大深度, 进度 from 积水事件")
    assert len(events) > 5
    for found, reached, dry, deepest, stage in events:
        assert stage == 3 and str(found) < str(reached) < str(dry)
        assert int(str(deepest)) >= 100


def test_a_year_has_some_tens_of_warnings_and_a_drill_each_month() -> None:
    year = NOW.timestamp() - 365 * DAY
    warned = water_events.warnings_between(SEED, year, NOW.timestamp())
    kinds = [w.kind for w in warned if w.issued > year]
    assert kinds.count(water_events.DRILL) == 12
    assert 10 <= len(kinds) - 12 <= 60
    assert all(w.lifted > w.issued for w in warned)


def test_the_river_runs_high_in_winter_low_in_spring_and_floods_in_summer() -> None:
    at = np.arange(0, 3 * 365 * DAY, 3600.0) + NOW.timestamp() - 3 * 365 * DAY
    level = water_shapes.river_levels(SEED, np.zeros(len(at), dtype=np.int64), at)
    month = at.astype("datetime64[s]").astype("datetime64[M]").astype(int) % 12 + 1
    assert 172 < np.median(level[month == 12]) < 176
    assert 161 < np.median(level[month == 5]) < 167
    assert level[(month >= 6) & (month <= 9)].max() > 178
    assert np.abs(np.diff(level)).max() < 1.5


def test_the_department_lives_on_every_kind_of_database(any_department_url: str) -> None:
    engine = open_department(any_department_url)
    water_schema.metadata.create_all(engine)
    for _again in range(2):
        DEPARTMENT.live(engine, NOW, NOW + timedelta(minutes=12), SEED)
    found = {name: len(rows) for name, rows in contents(engine).items()}
    engine.dispose()
    assert found["河道水情"] == 4 * 2 and found["积水监测"] == 11 * 2 and found["叫应记录"] == 23
