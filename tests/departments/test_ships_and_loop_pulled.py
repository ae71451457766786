"""The ships' registry and the loop's platform read by the shipped configuration alone: what is refused, what comes out, what rings."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest
import sqlalchemy as sa

from dashboard.alerting.evaluate import evaluate
from dashboard.core.catalog import Catalog, load_catalog
from dashboard.kpi.compute import compute
from dashboard.pull.run import run_pull
from dashboard.settings import Settings, load_settings
from dashboard.store.engine import open_store
from dashboard.store.migrate import migrate
from dashboard.store.resting import resting_assets
from dashboard.store.schema import alert, kpi_latest, quarantine
from data_sources.departments import loop, ships
from data_sources.departments.building import open_department

NOW = datetime(2026, 11, 20, 11, 40, tzinfo=UTC)  # a Friday, 19:40 in the city: the first sailing of the evening
HOME = Path(__file__).parents[2]
KEYS = ("ships", "loop")


def only(catalog: Catalog, domains: tuple[str, ...]) -> Catalog:
    """The catalog of a city that has these domains alone."""
    return dataclasses.replace(
        catalog,
        domains={key: catalog.domains[key] for key in domains},
        thresholds=tuple(t for t in catalog.thresholds if t.rule.startswith(domains)),
        targets={key: target for key, target in catalog.targets.items() if key.startswith(domains)},
    )


class City:
    """A store beside the departments, pulled and computed on demand."""

    def __init__(self, place: Path, elsewhere: Mapping[str, str] | None = None) -> None:
        self.place = place
        urls = {f"COCKPIT_{key.upper()}_URL": f"sqlite:///{place / key}.db" for key in KEYS}
        self.catalog = only(load_catalog(), KEYS)
        self.settings: Settings = load_settings(str(HOME / "cockpit.toml"), {**urls, **(elsewhere or {}), "COCKPIT_TOKEN_KEY": "k" * 32})
        self.store = open_store(f"sqlite:///{place / 'store.db'}")
        migrate(self.store, now=NOW)
        self.unwell: list[str] = []

    def turn(self, now: datetime, *pulls: str) -> None:
        """Pull these (or everything), compute, evaluate."""
        for key in pulls or [k for k, pull in self.settings.pulls.items() if pull.source in KEYS]:
            outcome = run_pull(self.store, self.catalog, self.settings, key, now)
            if outcome.outcome != "ok":
                self.unwell.append(f"{outcome.pull}: {outcome.outcome} {outcome.error}")
        compute(self.store, self.catalog, self.settings, now)
        evaluate(self.store, self.catalog, self.settings, now)

    def value(self, kpi: str, scope: str = "district") -> float | None:
        """A KPI as it stands."""
        with self.store.connect() as conn:
            return conn.scalar(sa.select(kpi_latest.c.value).where(kpi_latest.c.kpi == kpi, kpi_latest.c.scope == scope))

    def alerts(self, rule: str) -> list[tuple[str, str, str]]:
        """Asset, level and state of a rule's alerts."""
        with self.store.connect() as conn:
            found = conn.execute(sa.select(alert.c.asset_id, alert.c.level, alert.c.state).where(alert.c.rule == rule))
            return sorted(tuple(row) for row in found)

    def write(self, key: str, statement: str, rows: list[dict[str, object]]) -> None:
        """Put rows into a department's database as its own systems would."""
        engine = open_department(f"sqlite:///{self.place / key}.db")
        with engine.begin() as conn:
            conn.execute(sa.text(statement), rows)
        engine.dispose()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """Both departments as built, pulled once."""
    place = tmp_path_factory.mktemp("town")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ships, "KEPT_TELEMETRY", timedelta(hours=30))
        patch.setattr(ships, "KEPT_TANKS", timedelta(days=2))
        patch.setattr(loop, "KEPT_MINUTES", timedelta(hours=3))
        patch.setattr(loop, "KEPT_HOURLY", timedelta(days=2))
        patch.setattr(loop, "KEPT_GUIDANCE", timedelta(days=8))
        patch.setattr(loop, "HISTORY", timedelta(days=40))
        for key, department in (("ships", ships), ("loop", loop)):
            engine = open_department(f"sqlite:///{place / key}.db")
            department.DEPARTMENT.build(engine, NOW, 7)
            engine.dispose()
    city = City(place)
    city.turn(NOW)
    yield city
    city.store.dispose()


@pytest.mark.parametrize("server", [pytest.param(name, marks=getattr(pytest.mark, name)) for name in ("postgresql", "mariadb")])
@pytest.mark.parametrize(("key", "department"), [("ships", ships), ("loop", loop)])
def test_the_same_configuration_reads_them_from_other_databases(
    server: str, key: str, department: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    url = str(request.getfixturevalue(f"{server}_url"))
    for kept in ("HISTORY", "KEPT_TELEMETRY", "KEPT_TANKS", "KEPT_MINUTES", "KEPT_HOURLY", "KEPT_GUIDANCE"):
        monkeypatch.setattr(department, kept, timedelta(hours=30), raising=False)
    theirs = open_department(url)
    department.DEPARTMENT.build(theirs, NOW, 7)
    theirs.dispose()
    city = City(tmp_path, {f"COCKPIT_{key.upper()}_URL": url})
    pulls = [k for k, pull in city.settings.pulls.items() if pull.source == key]
    city.turn(NOW, *pulls)
    assert city.unwell == []
    seen = {"ships": ("ships.ships", 7.0), "loop": ("loop.spaces", 21_000.0)}[key]
    assert city.value(seen[0]) == seen[1]
    assert city.value({"ships": "ships.removal_day", "loop": "loop.availability"}[key]) is not None
    city.store.dispose()


def test_every_pull_is_well_and_only_the_analysers_self_checks_are_refused(town: City) -> None:
    assert town.unwell == []
    with town.store.connect() as conn:
        reasons = conn.execute(sa.select(quarantine.c.pull, quarantine.c.reason)).all()
    assert {pull for pull, _ in reasons} <= {"ship_telemetry", "loop_counts"}
    assert all("9999 ppm is outside" in why or "-3 辆 is outside" in why or "% is outside" in why for _, why in reasons)


@pytest.mark.parametrize(
    ("kpi", "figure"),
    [("ships.ships", 7), ("ships.tonnes_year", 60), ("loop.garages", 26), ("loop.spaces", 21_000)],
)
def test_published_figures_come_out_of_the_rows(town: City, kpi: str, figure: float) -> None:
    assert round(town.value(kpi) or 0) == figure


def test_more_than_nine_tenths_of_the_nitrogen_oxides_are_kept_back_over_the_year(town: City) -> None:
    assert 90 <= (town.value("ships.removal_year") or 0) < 95


def test_urea_agrees_with_the_nitrogen_oxides_it_took_away(town: City) -> None:
    assert 1.0 <= (town.value("ships.urea_ratio") or 0) <= 1.1


def test_the_loop_can_be_driven_round_in_minutes_and_its_devices_are_tokens(town: City) -> None:
    assert 5 < (town.value("loop.ring_time") or 0) < 30
    with town.store.connect() as conn:
        devices = conn.execute(sa.text("select distinct device from loop_event")).scalars().all()
    assert devices
    assert all(len(d) == 24 and not d.startswith("5G") for d in devices)


def test_a_sailing_taken_away_takes_exactly_its_kilograms(town: City, tmp_path: Path) -> None:
    for key in KEYS:
        (tmp_path / f"{key}.db").write_bytes((town.place / f"{key}.db").read_bytes())
    here = City(tmp_path)
    gone = (
        "select 航次号, 运行小时 * 平均负荷 * 进口比排放 * 脱硝率 / 100 * replace(额定功率, ',', '') / 1e6 "
        "from 航次排放 join 机组台账 using (机号)"
    )
    engine = open_department(f"sqlite:///{tmp_path / 'ships.db'}")
    with engine.begin() as conn:
        number, tonnes = conn.execute(sa.text(f"{gone} where 开航 > '2026-11-01' order by 航次号")).fetchone() or ("", 0.0)
        conn.execute(sa.text("delete from 航次排放 where 航次号 = :n"), {"n": number})
    engine.dispose()
    here.turn(NOW, "ship_trips")
    assert (town.value("ships.tonnes_year") or 0) - (here.value("ships.tonnes_year") or 0) == pytest.approx(tonnes, abs=1e-9)
    here.store.dispose()


def test_seven_ships_at_their_mean_make_the_years_sixty_tonnes(town: City) -> None:
    each = town.value("ships.tonnes_ship") or 0
    assert 8.2 < each < 8.8
    assert 7 * each == pytest.approx(town.value("ships.tonnes_year") or 0, abs=0.4)


def test_by_day_moored_ships_are_silent_on_purpose(town: City, tmp_path: Path) -> None:
    for key in KEYS:
        (tmp_path / f"{key}.db").write_bytes((town.place / f"{key}.db").read_bytes())
    morning = NOW + timedelta(hours=15)
    engine = open_department(f"sqlite:///{tmp_path / 'ships.db'}")
    ships.DEPARTMENT.live(engine, NOW, morning, 7)
    engine.dispose()
    here = City(tmp_path)
    here.turn(morning, *(key for key, pull in here.settings.pulls.items() if pull.source == "ships"))
    assert here.value("ships.under_way") == 0
    with here.store.connect() as conn:
        now = sa.select(kpi_latest.c.value, kpi_latest.c.freshness).where(
            kpi_latest.c.kpi == "ships.removal_now", kpi_latest.c.scope == "district"
        )
        assert tuple(conn.execute(now).one()) == (None, "fresh"), "no ship sails: nothing to say, nothing missing"
        assert len(resting_assets(conn, here.catalog.domains["ships"])) == 14
    assert [state for rule in ("ships.dark", "ships.silent") for _, _, state in here.alerts(rule) if state == "open"] == []
    here.store.dispose()


TELEMETRY = (
    "insert or replace into 排放监测 values "
    "(:engine, :at, :state, 480.0, 100.0, :before, :after, 10.9, 318.0, :urea, 2.0, 2.1, :valve, :at)"
)


def local(at: datetime) -> str:
    return (at + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M:%S")


def test_a_hot_engine_without_urea_for_five_minutes_is_red_and_dosing_again_clears_it(town: City) -> None:
    shut = {"engine": "YZ02-L", "state": 4, "before": 1000.0, "after": 995.0, "urea": 0.0, "valve": 1}
    dosed = {**shut, "state": 2, "after": 70.0, "urea": 5.5, "valve": 0}
    town.write("ships", TELEMETRY, [{**shut, "at": local(NOW + timedelta(minutes=m))} for m in range(1, 5)])
    town.turn(NOW + timedelta(minutes=4), "ship_telemetry")
    assert ("YZ02-L", "red", "open") not in town.alerts("ships.bypass")
    town.write("ships", TELEMETRY, [{**shut, "at": local(NOW + timedelta(minutes=m))} for m in range(5, 8)])
    town.turn(NOW + timedelta(minutes=7), "ship_telemetry")
    assert ("YZ02-L", "red", "open") in town.alerts("ships.bypass")
    town.write("ships", TELEMETRY, [{**dosed, "at": local(NOW + timedelta(minutes=m))} for m in range(8, 14)])
    town.turn(NOW + timedelta(minutes=13), "ship_telemetry")
    assert ("YZ02-L", "red", "open") not in town.alerts("ships.bypass")
    assert ("YZ02-L", "red", "clear") in town.alerts("ships.bypass")


def test_an_analyser_that_does_not_move_for_a_quarter_of_an_hour_is_shown_as_frozen(town: City) -> None:
    begin = NOW + timedelta(minutes=20)
    stuck = {"engine": "YZ03-R", "state": 2, "after": 64.0, "urea": 5.5, "valve": 0}
    rows = [{**stuck, "before": 1000.0 + m, "at": local(begin + timedelta(minutes=m))} for m in range(18)]
    town.write("ships", TELEMETRY, rows)
    town.turn(begin + timedelta(minutes=17, seconds=30), "ship_telemetry")
    assert (town.value("ships.frozen") or 0) >= 1
    assert "open" in {state for _, _, state in town.alerts("ships.frozen")}


EVENT = "insert or replace into 环道事件 values (:number, :kind, '5G-13800138', :start, :end, :begin, :over, :seconds, :at)"


def test_a_vehicle_against_the_traffic_is_red_on_its_arc_until_it_is_gone(town: City) -> None:
    at = NOW + timedelta(minutes=45)
    row = {"number": "T1", "kind": 2, "start": 700.0, "end": 640.0, "begin": local(at), "over": None, "seconds": 15, "at": local(at)}
    town.write("loop", EVENT, [row])
    town.turn(at + timedelta(seconds=5), "loop_events")
    assert ("HD-03", "red", "open") in town.alerts("loop.wrong_way")
    over = at + timedelta(seconds=40)
    town.write("loop", EVENT, [{**row, "end": 540.0, "over": local(over), "seconds": 40, "at": local(over)}])
    town.turn(over + timedelta(seconds=5), "loop_events")
    assert ("HD-03", "red", "clear") in town.alerts("loop.wrong_way")


def test_an_event_off_the_ring_is_set_aside_and_says_why(town: City) -> None:
    at = NOW + timedelta(minutes=50)
    row = {"number": "T2", "kind": 1, "start": 3100.0, "end": 3100.0, "begin": local(at), "over": None, "seconds": 15, "at": local(at)}
    town.write("loop", EVENT, [row])
    town.turn(at + timedelta(seconds=5), "loop_events")
    with town.store.connect() as conn:
        reasons = conn.execute(sa.select(quarantine.c.reason).where(quarantine.c.pull == "loop_events")).scalars().all()
    assert ["不在0至2800米" in why for why in reasons] == [True]


MINUTES = "insert or replace into 弧段分钟统计 values (:arc, :at, 600, :got, 170, :speed, 60.0, :stopped, :at)"


def test_a_vehicle_that_stands_a_minute_and_a_ring_that_crawls_are_told_apart(town: City) -> None:
    at = NOW + timedelta(minutes=60)
    calm = {"got": 594, "speed": 22.0, "stopped": 0}
    stands = [{**calm, "arc": "HD-05", "at": local(at), "stopped": 75}, {**calm, "arc": "HD-06", "at": local(at), "stopped": 55}]
    town.write("loop", MINUTES, stands)
    town.turn(at + timedelta(seconds=5), "loop_minutes")
    standing = [asset for asset, _, state in town.alerts("loop.stopped") if state == "open"]
    assert standing == ["HD-05"]
    assert ("district", "orange", "open") not in town.alerts("loop.jam")
    crawl = [
        {**calm, "arc": f"HD-{a:02d}", "at": local(at + timedelta(minutes=m)), "speed": 6.0} for a in range(1, 11) for m in range(1, 7)
    ]
    for minute in range(1, 7):
        now = at + timedelta(minutes=minute)
        town.write("loop", MINUTES, [row for row in crawl if row["at"] == local(now)])
        town.turn(now + timedelta(seconds=5), "loop_minutes")
    assert town.value("loop.slow_arcs") == 100
    assert ("district", "orange", "open") in town.alerts("loop.jam")
    assert ("HD-05", "orange", "clear") in town.alerts("loop.stopped")
