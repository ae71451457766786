"""Bridges: published figures out of the rows, heat and load taken out of what instruments say, faults kept apart from alarms."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dashboard.alerting.evaluate import evaluate
from dashboard.city import Level, city_day, day_start
from dashboard.core.catalog import Catalog, load_catalog
from dashboard.core.readings import latest
from dashboard.core.tables import metadata
from dashboard.core.times import to_micros
from dashboard.derive.run import derive
from dashboard.pull.run import PullOutcome, run_pull
from dashboard.settings import Settings
from dashboard.store.engine import open_store
from dashboard.store.migrate import migrate
from dashboard.store.models import Model, models_of
from dashboard.store.schema import alert, channel, reading_cold
from data_sources.departments.bridges_life import items_of
from data_sources.departments.building import open_department
from data_sources.departments.sensors_assets import bridges
from data_sources.limits import limit
from tests.demo_city import NOW, copy_of_home, picture, sensors_file, settings_in


def test_the_published_counts_and_coverage_come_out_of_the_rows() -> None:
    found = picture().district()
    assert found["bridges.iot_bridges"] == 51
    assert found["bridges.video_structures"] == 101
    assert found["bridges.fused_coverage"] == 100


def test_sensors_video_and_both_together_have_denominators_of_their_own() -> None:
    assert picture().parts("bridges.iot_coverage") == "[51.0, 51.0]"
    assert picture().parts("bridges.video_coverage") == "[101.0, 101.0]"
    assert picture().parts("bridges.video_online").endswith("101.0]")


def test_one_frozen_gauge_is_found_and_costs_one_channel() -> None:
    channels = sum(len(items_of(b)) for b in bridges() if b.iot)
    assert picture().parts("bridges.availability").endswith(f"{channels}.0]")
    found = picture().district()
    assert found["bridges.availability"] is not None
    assert found["bridges.availability"] > 98


def test_class_one_bridges_are_not_in_the_condition_rating() -> None:
    assert picture().parts("bridges.bci_good").endswith("77.0]")


def test_every_rated_bridge_is_in_one_grade_and_every_class_one_bridge_passed_or_failed() -> None:
    found = picture().district()
    assert sum(found[f"bridges.bci_{grade}"] or 0 for grade in "abcde") == 77
    assert found["bridges.bci_d"] == 1
    assert found["bridges.worst_bci"] == pytest.approx(61, abs=3)
    assert picture().parts("bridges.class_one_passed") == "[11.0, 11.0]"


def test_warnings_are_confirmed_within_ten_minutes_by_the_departments_own_record() -> None:
    found = picture()
    with found.engine.connect() as conn:
        since = to_micros(day_start(city_day(NOW) - timedelta(days=29)))
        late = "sum(confirmed_at > opened_at + 600000000)"
        confirmed, slow = conn.execute(sa.text(f"select count(*), {late} from structure_warning where opened_at >= {since}")).one()
    assert 0 < slow < 0.2 * confirmed
    assert found.district()["bridges.confirmed_in_time"] == pytest.approx(100 * (1 - slow / confirmed))


@dataclass
class OneBridge:
    """The platform with all it has on one bridge, read by the shipped mapping into a store of our own."""

    number: str
    home: Path
    settings: Settings
    catalog: Catalog
    store: sa.Engine

    def pull(self) -> PullOutcome:
        """The register and the readings."""
        run_pull(self.store, self.catalog, self.settings, "bridges", NOW)
        return run_pull(self.store, self.catalog, self.settings, "bridge_readings", NOW)

    def turn(self) -> None:
        """All a turn does: read, work out, watch."""
        assert self.pull().outcome == "ok"
        assert derive(self.store, self.catalog, NOW) == frozenset()
        evaluate(self.store, self.catalog, self.settings, NOW)

    def at_source(self, statement: str) -> None:
        """The department's people change something."""
        engine = open_department(f"sqlite:///{sensors_file(self.home)}")
        with engine.begin() as conn:
            conn.exec_driver_sql(statement.format(b=self.number))
        engine.dispose()

    def model(self, metric: str) -> Model:
        """What was learned."""
        with self.store.connect() as conn:
            return models_of(conn, "bridges", metric, [self.number])[self.number][-1]

    def values(self, metric: str) -> list[tuple[float, int]]:
        """Every reading (value, quality) of the last two days."""
        with self.store.connect() as conn:
            mine = reading_cold.join(channel, channel.c.channel_id == reading_cold.c.channel_id)
            of = (channel.c.metric == metric, channel.c.asset_id == self.number, reading_cold.c.ts > to_micros(NOW - timedelta(days=2)))
            return [tuple(r) for r in conn.execute(sa.select(reading_cold.c.value, reading_cold.c.quality).select_from(mine).where(*of))]

    def newest(self, metric: str) -> Any:
        """The newest reading."""
        with self.store.connect() as conn:
            return conn.execute(sa.select(latest).where(latest.c.metric == metric, latest.c.asset_id == self.number)).one_or_none()

    def alerts(self) -> dict[str, str]:
        """Open alerts of the bridge: rule → level."""
        with self.store.connect() as conn:
            mine = sa.select(alert.c.rule, alert.c.level).where(alert.c.asset_id == self.number, alert.c.state == "open")
            return {rule.removeprefix("bridges."): level for rule, level in conn.execute(mine)}


@pytest.fixture
def one(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[OneBridge]:
    """One bridge of the demo city; which one is the test's parameter."""
    home = copy_of_home(tmp_path)
    settings = settings_in(home)
    theirs = settings.pulls["bridge_readings"]
    only = f"select * from 桥梁监测数据 where 设施编号 = '{request.param}'"
    narrowed = dataclasses.replace(theirs, table="", query=only)
    settings = dataclasses.replace(settings, pulls={**settings.pulls, "bridge_readings": narrowed})
    store = open_store(settings.store_url)
    migrate(store, metadata)
    yield OneBridge(request.param, home, settings, load_catalog(), store)
    store.dispose()


@pytest.mark.parametrize("one", ["BR03"], indirect=True)
def test_a_year_of_heat_teaches_how_far_a_joint_moves_per_degree(one: OneBridge) -> None:
    one.turn()
    learned = one.model("joint_residual")
    assert learned.numbers is not None
    assert learned.numbers["b"] == pytest.approx(0.006 * 400, rel=0.03)  # mm per °C of a long girder
    assert learned.stretch_from is not None
    assert (NOW - learned.stretch_from).days >= 363
    assert one.newest("joint_residual").value < 3
    assert all(one.model(m).hours > 1000 for m in ("bearing_drop", "frequency_drop", "sag_growth"))


@pytest.mark.parametrize("one", ["BR03"], indirect=True)
def test_a_joint_that_stays_behind_rings_at_the_level_of_its_sigma_and_a_bearing_that_lifts_too(one: OneBridge) -> None:
    one.turn()
    sigma = (one.model("joint_residual").numbers or {})["sigma"]
    assert "joint_residual" not in one.alerts()
    last = "入库时间 > '2026-03-12 07:29'"
    one.at_source(f"update 桥梁监测数据 set 数值 = 数值 + {4 * sigma} where 设施编号 = '{{b}}' and 测项 = '伸缩缝位移' and {last}")
    one.at_source(f"update 桥梁监测数据 set 数值 = 数值 * 0.88 where 设施编号 = '{{b}}' and 测项 = '支座反力' and {last}")
    with one.store.begin() as conn:  # the platform says it all again
        conn.exec_driver_sql("update pull_state set watermark = null where pull = 'bridge_readings'")
    one.turn()
    assert one.newest("joint_residual").value == pytest.approx(4, abs=1.2)
    assert one.alerts() | {"joint_residual": "orange", "bearing": "orange"} == one.alerts()


@pytest.mark.parametrize("one", ["BR05"], indirect=True)
def test_one_overweight_vehicle_read_by_the_next_pull_rings_at_once(one: OneBridge) -> None:
    one.turn()
    assert "overweight" not in one.alerts()
    one.at_source(
        "insert into 桥梁监测数据 values ('2026-03-12 09:29:45', '{b}', '2026-03-12 09:29:45', 4, '最大车重', 96.5, 0)",
    )
    one.turn()
    assert one.alerts()["overweight"] == "orange"


@pytest.mark.parametrize("one", ["QS030"], indirect=True)
def test_a_frozen_gauge_rings_as_a_fault_and_never_as_strain(one: OneBridge) -> None:
    one.turn()
    assert len(one.values("strain")) > 100
    assert one.values("capacity_used") == []
    assert one.alerts()["strain_stuck"] == "blue"
    assert "capacity" not in one.alerts()


@pytest.mark.parametrize("one", ["BR01"], indirect=True)
def test_an_instrument_being_calibrated_is_kept_and_counts_nowhere(one: OneBridge) -> None:
    one.at_source(
        "update 桥梁监测数据 set 数值 = 3000, 测点状态 = 1 where 设施编号 = '{b}' and 测项 = '应变' and 入库时间 > '2026-03-12 08'"
    )
    one.turn()
    assert one.newest("strain").quality == 2
    assert max(value for value, _ in one.values("capacity_used")) < 90
    assert not {"capacity", "strain_stuck"} & set(one.alerts())


def test_a_reading_no_gauge_can_give_is_set_aside_with_its_reason() -> None:
    with picture().engine.connect() as conn:
        reasons = conn.scalars(sa.text("select reason_code from quarantine where pull = 'bridge_readings'")).all()
    assert set(reasons) <= {"range"}


def test_every_rule_has_limits_and_every_limit_says_where_it_is_from() -> None:
    catalog = picture().catalog
    for domain in ("bridges", "tunnels", "slopes", "septic_tanks"):
        for rule in catalog.domains[domain].rules:
            rows = catalog.rule_thresholds(f"{domain}.{rule.key}", NOW.date().isoformat())
            assert rows, rule.key
            assert all(row.ref and row.confidence in ("verified", "recalled", "default") for row in rows)
            assert all((row.clear <= row.value) == (row.op[0] == ">") for row in rows)


def test_every_weighted_kpi_has_a_target_and_every_shown_figure_of_the_documents_a_kpi_that_exists() -> None:
    catalog = picture().catalog
    for domain in ("bridges", "tunnels", "slopes", "septic_tanks"):
        missing = [k.key for k in catalog.domains[domain].kpis if k.weight and f"{domain}.{k.key}" not in catalog.targets]
        assert missing == []
    assert [p.key for p in catalog.published if p.kpi and p.kpi not in catalog.kpis] == []
    assert {p.vital for p in catalog.published} == set(catalog.vitals)


def test_a_limit_used_by_a_number_is_the_one_its_alert_uses() -> None:
    assert limit("septic_tanks.level", Level.YELLOW) == 80
