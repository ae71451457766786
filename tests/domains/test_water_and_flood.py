"""Rivers, ponding, call-outs and water quality pulled by the shipped configuration: numbers, alerts, and what is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
import sqlalchemy as sa

from dashboard.alerting.evaluate import evaluate
from dashboard.core.catalog import Catalog, load_catalog
from dashboard.kpi.compute import compute
from dashboard.kpi.explain import explain
from dashboard.pull.run import run_pull
from dashboard.settings import Settings, load_settings
from dashboard.store.engine import open_store
from dashboard.store.migrate import migrate
from dashboard.store.schema import alert, kpi_latest, latest, quarantine
from data_sources.departments import water, water_schema
from data_sources.departments.building import open_department
from data_sources.departments.sensors_shapes import DAY

NOW = datetime(2026, 7, 6, 1, 58, tzinfo=UTC)  # two minutes before the month's drill
LATER = NOW + timedelta(minutes=1)
SEED = 7
ROOT = Path(__file__).resolve().parents[2]
CUNTAN, FLOODED = "SW01", "YL02"


@dataclasses.dataclass
class World:
    """A department and a store that has read it."""

    department: sa.Engine
    store: sa.Engine
    catalog: Catalog
    settings: Settings

    def turn(self, now: datetime, *pulls: str) -> None:
        """Read what is named, or everything; compute, and raise alerts."""
        self.ring(now, *(pulls or self.settings.pulls))
        compute(self.store, self.catalog, self.settings, now)

    def ring(self, now: datetime, *pulls: str) -> None:
        """Read what is named and raise alerts."""
        for key in pulls:
            outcome = run_pull(self.store, self.catalog, self.settings, key, now)
            assert outcome.outcome == "ok", outcome
        evaluate(self.store, self.catalog, self.settings, now)

    def tell(self, statement: str) -> None:
        """Change something at the department."""
        with self.department.begin() as conn:
            conn.execute(sa.text(statement))

    def there(self, question: str) -> list[tuple[object, ...]]:
        """What the department itself answers."""
        with self.department.connect() as conn:
            return [tuple(row) for row in conn.execute(sa.text(question))]

    def kpi(self, key: str, scope: str = "district") -> float | None:
        with self.store.connect() as conn:
            return conn.scalar(sa.select(kpi_latest.c.value).where(kpi_latest.c.kpi == key, kpi_latest.c.scope == scope))

    def alerts(self, rule: str) -> list[tuple[object, ...]]:
        with self.store.connect() as conn:
            query = sa.select(alert.c.asset_name, alert.c.level, alert.c.state).where(alert.c.rule == rule)
            return [tuple(row) for row in conn.execute(query.order_by(alert.c.alert_id))]

    def reading(self, asset: str, metric: str) -> float | None:
        with self.store.connect() as conn:
            return conn.scalar(sa.select(latest.c.value).where(latest.c.asset_id == asset, latest.c.metric == metric))

    def refused(self) -> list[str]:
        with self.store.connect() as conn:
            return list(conn.execute(sa.select(quarantine.c.reason)).scalars())


@pytest.fixture(scope="module")
def read_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose department was built and read once; to be copied."""
    home = tmp_path_factory.mktemp("home")
    (home / "var" / "demo").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(water, "KEPT_S", 3.5 * DAY)
        patch.setattr(water, "HISTORY_S", 70 * DAY)
        world = world_in(home)
        water.DEPARTMENT.build(world.department, NOW, SEED)
    migrate(world.store, now=NOW)
    world.turn(NOW)
    for engine in (world.department, world.store):
        with engine.connect() as conn:
            conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
    return home


def world_in(home: Path) -> World:
    settings = load_settings(str(ROOT / "cockpit.toml"), {"COCKPIT_HOME": str(home), "COCKPIT_TOKEN_KEY": "k" * 32})
    short = {"flood.levels": timedelta(hours=2), "flood.rain": timedelta(hours=1), "flood.depths": timedelta(days=4)}
    ours = {k: p for k, p in settings.pulls.items() if p.source == "water"}
    pulls = {k: dataclasses.replace(p, backfill=short.get(p.into, p.backfill)) for k, p in ours.items()}
    return World(
        open_department(settings.sources["water"].url),
        open_store(settings.store_url),
        only("flood", "water"),
        dataclasses.replace(settings, pulls=pulls),
    )


@cache
def only(*domains: str) -> Catalog:
    """The city with these domains alone."""
    city = load_catalog()
    return dataclasses.replace(
        city,
        domains={key: city.domains[key] for key in domains},
        thresholds=tuple(t for t in city.thresholds if t.rule.split(".")[0] in domains),
        targets={key: target for key, target in city.targets.items() if key.split(".")[0] in domains},
        published=(),
    )


@pytest.fixture
def world(read_once: Path, tmp_path: Path) -> Iterator[World]:
    for name in ("var/demo/water.db", "var/store.db"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((read_once / name).read_bytes())
    found = world_in(tmp_path)
    yield found
    found.department.dispose()
    found.store.dispose()


def test_the_same_configuration_reads_every_kind_of_database(any_department_url: str, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(water, "KEPT_S", 4 * 3600)
        patch.setattr(water, "HISTORY_S", 45 * DAY)
        department = open_department(any_department_url)
        water.DEPARTMENT.build(department, NOW, SEED)
    found = world_in(tmp_path)
    source = dataclasses.replace(found.settings.sources["water"], url=any_department_url)
    found.settings = dataclasses.replace(found.settings, sources={"water": source})
    migrate(found.store, now=NOW)
    found.ring(NOW, *found.settings.pulls)
    with found.store.connect() as conn:
        rises = conn.scalar(sa.select(sa.func.count()).where(latest.c.metric == "rise"))
        tables = (
            "river_gauge",
            "ponding_spot",
            "flood_callout",
            "flood_patrol",
            "water_section",
            "water_sample",
            "outfall",
            "outfall_check",
        )
        empty = [name for name in tables if not conn.scalar(sa.text(f"select count(*) from {name}"))]
    assert (rises, empty) == (4, [])
    department.dispose()
    found.store.dispose()


def level_row(minutes: float, level: float, datum: str = "吴淞") -> str:
    """A level of 寸滩 observed and told some minutes after NOW."""
    at = (NOW + timedelta(hours=8, minutes=minutes)).strftime("%Y-%m-%d %H:%M:%S")
    return f"insert into 河道水情 (站码, 观测时间, 水位, 基面, 入库时间) values ('{CUNTAN}', '{at}', '{level:.2f} ', '{datum}', '{at}')"


def depth_row(minutes: float, millimetres: int) -> str:
    at = (NOW + timedelta(hours=8, minutes=minutes)).strftime("%Y-%m-%d %H:%M:%S")
    return f"insert into 积水监测 (点位编号, 观测时间, 水深, 入库时间) values ('{FLOODED}', '{at}', {millimetres}, '{at}')"


def test_headroom_is_the_least_of_the_gauges_each_in_its_own_datum(world: World) -> None:
    query = "select 站码, 水位 from 河道水情 d where 观测时间 = (select max(观测时间) from 河道水情 e where e.站码 = d.站码)"
    newest = {code: float(str(level)) for code, level in world.there(query)}
    least = min(180.5 - newest["SW01"], 181.0 - newest["SW04"])
    assert world.kpi("flood.headroom") == pytest.approx(least)


def test_a_level_in_another_datum_is_set_aside_with_its_reason_and_moves_nothing(world: World) -> None:
    before = (world.kpi("flood.headroom"), world.kpi("flood.guarantee_headroom"))
    world.tell(level_row(0.5, 184.0, "黄海"))
    world.turn(LATER, "river_levels")
    assert any("基面不符：读数为黄海，本站特征水位为吴淞" in reason for reason in world.refused())
    assert (world.kpi("flood.headroom"), world.kpi("flood.guarantee_headroom")) == before
    assert world.alerts("flood.warning_level") == []


def test_a_gauge_whose_float_caught_rings_and_is_quiet_once_it_moves(world: World) -> None:
    for step in range(25):
        world.tell(level_row(2 + 5 * step, 170.0))
    world.ring(NOW + timedelta(minutes=123), "river_levels")
    assert world.alerts("flood.gauge_stuck") == [("寸滩", "blue", "open")]
    world.tell(level_row(127, 170.02))
    world.ring(NOW + timedelta(minutes=128), "river_levels")
    assert world.alerts("flood.gauge_stuck") == [("寸滩", "blue", "clear")]


def test_the_time_to_warning_is_the_headroom_at_the_present_rise(world: World) -> None:
    for step in range(14):
        world.tell(level_row(2 + 5 * step, 177.0 + step * 0.05))
    world.turn(NOW + timedelta(minutes=68), "river_levels")
    level, rise = 177.65, 0.6
    assert world.kpi("flood.rise") == pytest.approx(rise)
    assert world.kpi("flood.hours_to_warning") == pytest.approx((180.5 - level) / rise, abs=0.01)
    with world.store.connect() as conn:
        assert explain(conn, world.catalog, world.settings, "flood.hours_to_warning", "district", NOW + timedelta(minutes=68)).agrees


def test_a_river_over_its_guarantee_and_rising_is_red_and_clears_when_it_falls(world: World) -> None:
    for step in range(14):
        world.tell(level_row(2 + 5 * step, 184.0 + step * 0.02))
    world.ring(NOW + timedelta(minutes=68), "river_levels")
    assert ("寸滩", "red", "open") in world.alerts("flood.over_rising")
    assert ("寸滩", "orange", "open") in world.alerts("flood.guarantee_level")
    assert (world.reading(CUNTAN, "rise") or 0) == pytest.approx(0.24)
    for step in range(40):
        world.tell(level_row(72 + 5 * step, 179.0 - step * 0.02))
    world.ring(NOW + timedelta(minutes=269), "river_levels")
    assert {state for _, _, state in world.alerts("flood.over_rising") + world.alerts("flood.guarantee_level")} == {"clear"}


def test_water_on_a_road_rings_at_ten_fifteen_and_twenty_seven_centimetres_and_clears_lower(world: World) -> None:
    spot = "四新路牛角沱立交桥下"
    for minute, depth, level in ((1, 99, None), (2, 100, "yellow"), (3, 150, "orange"), (4, 270, "red")):
        world.tell(depth_row(minute, depth))
        world.ring(NOW + timedelta(minutes=minute, seconds=5), "ponding_depths")
        assert world.alerts("flood.ponding") == ([(spot, level, "open")] if level else [])
    world.turn(NOW + timedelta(minutes=4, seconds=10), "ponding_depths")
    assert world.kpi("flood.ponding_open") == 1
    assert world.kpi("flood.deepest") == 27
    for minute, depth in ((6, 75), (8, 65), (14, 65), (19, 60)):  # under ten centimetres, but not yet under seven
        world.tell(depth_row(minute, depth))
        world.ring(NOW + timedelta(minutes=minute, seconds=5), "ponding_depths")
    assert [state for _, _, state in world.alerts("flood.ponding")] == ["clear"]


def test_the_mean_time_to_clear_is_that_of_the_events_told_and_one_more_moves_it_by_exactly_its_share(world: World) -> None:
    minutes = (
        "select round((julianday(消退时间) - julianday(发现时间)) * 1440) from 积水事件 where 消退时间 <> '' and 发现时间 >= '2026-06-07'"
    )
    told = [float(str(m)) for (m,) in world.there(minutes)]
    assert world.kpi("flood.clear_minutes") == pytest.approx(sum(told) / len(told))
    columns = "事件号, 点位编号, 发现方式, 发现时间, 到场时间, 消退时间, 最大深度, 进度, 更新时间"
    times = "'2026-07-06 05:00:00', '2026-07-06 05:10:00', '2026-07-06 08:20:00'"
    world.tell(f"insert into 积水事件 ({columns}) values ('X1', 'YL05', 2, {times}, 180, 3, '2026-07-06 09:57:00')")
    world.turn(LATER, "ponding_events")
    assert world.kpi("flood.clear_minutes") == pytest.approx((sum(told) + 200) / (len(told) + 1))
    with world.store.connect() as conn:
        found = explain(conn, world.catalog, world.settings, "flood.clear_minutes", "district", LATER)
    assert found.agrees
    assert found.recomputed == pytest.approx((sum(told) + 200) / (len(told) + 1))


def test_a_call_nobody_answers_in_time_rings_by_name_and_stops_with_the_answer(world: World) -> None:
    water.DEPARTMENT.live(world.department, NOW, NOW + timedelta(minutes=4), SEED)
    world.tell("update 叫应记录 set 应答时间 = '' where 叫应时间 >= '2026-07-06 10:00' and 对象编号 = 'DX22'")
    world.turn(NOW + timedelta(minutes=4), "flood_warnings", "flood_callouts")
    assert (world.kpi("flood.unanswered") or 0) >= 1
    assert world.alerts("flood.unanswered") == []
    water.DEPARTMENT.live(world.department, NOW + timedelta(minutes=4), NOW + timedelta(minutes=45), SEED)
    late = "update 叫应记录 set 应答时间 = '{}', 更新时间 = '2026-07-06 {}' where 叫应时间 >= '2026-07-06 10:00' and 对象编号 = 'DX22'"
    world.tell(late.format("", "10:43:00"))
    world.ring(NOW + timedelta(minutes=45), "flood_warnings", "flood_callouts")
    assert ("解放碑街道", "yellow", "open") in world.alerts("flood.unanswered")
    world.tell(late.format("2026-07-06 10:46:00", "10:46:00"))
    world.ring(NOW + timedelta(minutes=48), "flood_warnings", "flood_callouts")
    assert ("解放碑街道", "yellow", "clear") in world.alerts("flood.unanswered")


def test_the_round_of_a_drill_counts_eleven_streets_as_they_answer(world: World) -> None:
    water.DEPARTMENT.live(world.department, NOW, NOW + timedelta(minutes=50), SEED)
    streets = "select count(*), sum(应答时间 <> '') from 叫应记录 where 叫应时间 >= '2026-07-06 10:00' and 对象编号 >= 'DX13'"
    ((called, told),) = world.there(streets)
    assert called == 11
    world.turn(NOW + timedelta(minutes=50), "flood_responders", "flood_warnings", "flood_callouts")
    assert world.kpi("flood.round_streets") == pytest.approx(100 * float(str(told)) / 11)
    world.tell(
        "update 叫应记录 set 应答时间 = '', 更新时间 = '2026-07-06 10:49:00' where 叫应时间 >= '2026-07-06 10:00' and 对象编号 = 'DX22'"
    )
    world.turn(NOW + timedelta(minutes=51), "flood_callouts")
    assert world.kpi("flood.round_streets") == pytest.approx(100 * (float(str(told)) - 1) / 11)


def test_answers_of_a_street_are_its_own_number(world: World) -> None:
    query = "select count(*), sum(应答时间 <= 应答时限) from 叫应记录 where 对象编号 = 'DX22' and 叫应时间 >= '2026-06-02'"
    ((calls, in_time),) = world.there(query)
    assert world.kpi("flood.answered", "500103003") == pytest.approx(100 * float(str(in_time)) / float(str(calls)))


def test_the_dead_depth_sensor_is_silent_and_the_others_are_not(world: World) -> None:
    assert world.kpi("flood.sensors_online") == pytest.approx(100 * 11 / 12)
    assert world.alerts("flood.depth_silent") == [("中山一路低洼段", "yellow", "open")]


def test_sections_on_target_are_those_of_the_newest_sample_of_each(world: World) -> None:
    assert world.kpi("water.meeting_target") == 100
    newest = "(select max(样品编号) from 水质手工监测 where 断面编号 = 'SZ04')"
    world.tell(f"update 水质手工监测 set 氨氮 = '1.62', 更新时间 = '2026-07-06 09:58:20' where 样品编号 = {newest}")
    world.turn(LATER, "water_samples")
    assert world.kpi("water.meeting_target") == pytest.approx(100 * 6 / 7)
    assert world.kpi("water.worst_sample") == 5
    with world.store.connect() as conn:
        row = conn.execute(sa.text("select worst_factors, state from water_sample where class_number = 5")).one()
    assert tuple(row) == ("氨氮", "short")


def test_the_class_we_say_leaves_out_the_nitrogen_the_station_counts_in(world: World) -> None:
    ((theirs,),) = world.there(
        "select 自报类别 from 水质自动监测 where 断面编号 = 'SZ01' and 溶解氧 is not null order by 观测时间 desc limit 1"
    )
    assert theirs in ("Ⅳ类", "Ⅴ类", "劣Ⅴ类")
    assert world.reading("SZ01", "water_class") == 2


def test_water_short_of_target_for_two_rounds_rings(world: World) -> None:
    columns = "断面编号, 观测时间, 酸碱度, 溶解氧, 高锰酸盐指数, 氨氮, 总磷, 总氮, 自报类别, 入库时间"
    for at in ("2026-07-06 12:00:00", "2026-07-06 16:00:00"):
        world.tell(f"insert into 水质自动监测 ({columns}) values ('SZ05', '{at}', 7.6, 6.1, 3.1, 1.4, 0.09, 2, 'Ⅴ类', '{at}')")
    world.turn(NOW + timedelta(hours=6, minutes=12), "water_automatic")
    assert world.alerts("water.short") == [("嘉陵江大溪沟", "orange", "open")]
    assert world.kpi("water.meeting_now") == 80
    assert world.kpi("water.worst_class") == 4


def test_an_analyser_that_stands_still_is_not_valid(world: World) -> None:
    assert world.kpi("water.valid") == pytest.approx(100 * 24 / 25)
    assert world.alerts("water.stuck_tp") == [("长江珊瑚坝", "blue", "open")]
    assert world.alerts("water.stuck_do") == []


def test_an_outfall_fault_past_its_limit_rings_until_it_is_settled(world: World) -> None:
    columns = "记录号, 排口编号, 巡查时间, 问题, 整改期限, 整改完成, 更新时间"
    values = "'X1', 'PK05', '2026-06-20 09:00:00', 1, '2026-07-05 09:00:00', '', '2026-07-06 09:57:00'"
    world.tell(f"insert into 排口巡查 ({columns}) values ({values})")
    world.ring(LATER, "outfall_checks")
    assert [row[1:] for row in world.alerts("water.fault_overdue")] == [("blue", "open")]
    world.tell("update 排口巡查 set 整改完成 = '2026-07-06 10:00:00', 更新时间 = '2026-07-06 10:00:00' where 记录号 = 'X1'")
    world.ring(NOW + timedelta(minutes=4), "outfall_checks")
    assert [row[1:] for row in world.alerts("water.fault_overdue")] == [("blue", "clear")]


def test_nobody_who_answered_a_call_is_known_by_name(world: World) -> None:
    with world.store.connect() as conn:
        columns = {c["name"] for t in ("flood_callout", "flood_responder") for c in sa.inspect(conn).get_columns(t)}
        texts = " ".join(map(str, conn.execute(sa.text("select * from flood_callout limit 200")).all()))
    assert not columns & {"phone", "answered_by"}
    assert "值班" not in texts and "023-" not in texts
    assert water_schema.callouts.c.接听人 is not None
