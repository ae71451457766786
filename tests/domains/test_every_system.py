"""The nine systems, each held to the same: a row deleted at the source changes its number by exactly that; a reading raised there rings.

Departments are built as the demo has them, read by the shipped configuration, and then changed as their own people would.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dashboard.alerting.evaluate import evaluate
from dashboard.core.catalog import Catalog, load_catalog
from dashboard.core.configured import Threshold
from dashboard.core.declare import AlertRule, Readings
from dashboard.core.readings import latest
from dashboard.core.times import CITY_ZONE
from dashboard.kpi.compute import compute
from dashboard.pull.reconcile import compare
from dashboard.pull.run import run_pull
from dashboard.settings import PullConfig, load_settings
from dashboard.store.engine import open_store
from dashboard.store.migrate import migrate
from dashboard.store.schema import alert, kpi_latest
from data_sources.departments import air, loop, minibuses, ships, water
from data_sources.departments.building import find_departments, open_department

NOW = datetime(2026, 11, 20, 11, 40, tzinfo=UTC)  # a Friday, 19:40 in the city
HOME = Path(__file__).parents[2]
SOURCES = ("air", "sensors", "water", "ships", "loop", "minibuses")


@dataclass(frozen=True)
class Deleted:
    """A row to delete: which pull brings it, which of their tables has it, and the number without it."""

    kpi: str
    pull: str
    theirs: str
    ours: str
    formula: str  # the KPI by hand
    counts: str = "1 = 1"  # over the rows of ours that count in it

    def __str__(self) -> str:
        return self.kpi


_TODAY = "opened_at >= :midnight"
_SENSED, _MANAGED = "managed = 'direct' and iot", "owner = 'managed'"
_SERVED = "kind = 'community' and walk_m <= 500"
_IN_FORCE = "closed_at is null and category <> 'drill'"
DELETED = (
    Deleted("air.pm10", "air_stations", "监测站点", "air_station", "avg(pm10)", "pm10 is not null"),
    Deleted("road_cleaning.km_today", "clean_trips", "作业班次", "clean_trip", "sum(km)", f"km > 0 and {_TODAY}"),
    Deleted("ships.ships", "ships", "游船台账", "ship", "count(*)"),
    Deleted("water.sections", "water_sections", "水质断面", "water_section", "count(*)"),
    Deleted("flood.warnings", "flood_warnings", "防汛预警", "flood_warning", "count(*)", _IN_FORCE),
    Deleted("septic_tanks.managed", "septic_tanks", "化粪池台账", "septic_tank", "count(*)", _MANAGED),
    Deleted("bridges.iot_bridges", "bridges", "桥隧台账", "bridge", "count(*)", _SENSED),
    Deleted("tunnels.iot_tunnels", "tunnels", "桥隧台账", "tunnel", "count(*)", _SENSED),
    Deleted("slopes.points", "slopes", "地质隐患点", "slope", "count(*)"),
    Deleted("minibuses.community_served", "minibus_places", "服务场所", "minibus_place", "count(*)", _SERVED),
    Deleted("loop.spaces", "loop_garages", "接入车库", "loop_garage", "sum(spaces)"),
)


@dataclass(frozen=True)
class Raised:
    """A reading to raise: the rule that watches it, and where their table has it."""

    rule: str
    pull: str
    theirs: str
    scale: float = 1.0  # their unit a unit of ours

    def __str__(self) -> str:
        return self.rule


RAISED = (
    Raised("air.pm10", "air_hourly", "小时数据"),
    Raised("ships.slip", "ship_telemetry", "排放监测"),
    Raised("water.oxygen", "water_automatic", "水质自动监测"),
    Raised("flood.ponding", "ponding_depths", "积水监测", scale=10.0),
    Raised("septic_tanks.gas", "tank_readings", "化粪池监测数据"),
    Raised("bridges.wind", "bridge_readings", "桥梁监测数据"),
    Raised("tunnels.co", "tunnel_readings", "隧道环境数据"),
    Raised("slopes.rain_1h", "rain_readings", "雨量数据"),
    Raised("loop.stopped", "loop_minutes", "弧段分钟统计"),
)


class City:
    """All departments beside one store."""

    def __init__(self, place: Path) -> None:
        urls = {f"COCKPIT_{key.upper()}_URL": f"sqlite:///{place / key}.db" for key in SOURCES}
        settings = load_settings(str(HOME / "cockpit.toml"), {**urls, "COCKPIT_HOME": str(place), "COCKPIT_TOKEN_KEY": "k" * 32})
        # a round of the water stations is four hours; of everything else an hour is enough, and soon read
        reach = {k: timedelta(hours=5 if k == "water_automatic" else 1.25) for k, p in settings.pulls.items() if p.backfill}
        short = {k: dataclasses.replace(p, backfill=reach.get(k)) for k, p in settings.pulls.items()}
        self.settings = dataclasses.replace(settings, pulls=short)
        self.catalog, self.now = load_catalog(), NOW
        self.departments = {key: open_department(urls[f"COCKPIT_{key.upper()}_URL"]) for key in SOURCES}
        self.store = open_store(f"sqlite:///{place / 'store.db'}")
        migrate(self.store, now=NOW)

    def only(self, domain: str) -> Catalog:
        """The catalog of a city that has this domain alone."""
        of_it = tuple(t for t in self.catalog.thresholds if t.rule.startswith(f"{domain}."))
        targets = {key: target for key, target in self.catalog.targets.items() if key.startswith(f"{domain}.")}
        return dataclasses.replace(self.catalog, domains={domain: self.catalog.domains[domain]}, thresholds=of_it, targets=targets)

    def pulls(self, key: str, now: datetime | None = None) -> None:
        """A turn of a pull, well."""
        outcome = run_pull(self.store, self.catalog, self.settings, key, now or self.now)
        assert outcome.outcome == "ok", outcome

    def value(self, kpi: str) -> float | None:
        """A number of the district, computed now."""
        compute(self.store, self.only(kpi.split(".")[0]), self.settings, self.now)
        with self.store.connect() as conn:
            return conn.scalar(sa.select(kpi_latest.c.value).where(kpi_latest.c.kpi == kpi, kpi_latest.c.scope == "district"))

    def asks(self, query: str, **values: Any) -> Any:
        """One row of our store."""
        with self.store.connect() as conn:
            return conn.execute(sa.text(query), values).first()


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """Every department built, nothing read yet."""
    place = tmp_path_factory.mktemp("city")
    with pytest.MonkeyPatch.context() as patch:
        for module in (air, ships, loop, minibuses):
            patch.setattr(module, "HISTORY", timedelta(days=40))
        patch.setattr(water, "HISTORY_S", 40 * 86_400.0)
        made = City(place)
        for key, engine in made.departments.items():
            find_departments()[key].build(engine, NOW, 7)
    yield made
    made.store.dispose()


# ---- a row deleted


@pytest.mark.parametrize("case", DELETED, ids=str)
def test_a_row_deleted_at_the_source_changes_the_number_by_exactly_that(city: City, case: Deleted) -> None:
    if case.kpi == "flood.warnings":
        _issue_a_warning(city)
    pull = city.settings.pulls[case.pull]
    city.pulls(case.pull)
    before = city.value(case.kpi)
    midnight = city.now.astimezone(CITY_ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    times = {"midnight": round(midnight.timestamp() * 1e6)} if ":midnight" in case.counts else {}
    (victim,) = city.asks(f"select source_key from {case.ours} where {case.counts} order by source_key desc limit 1", **times)
    by_hand = f"select {case.formula} from {case.ours} where {case.counts} and source_key <> :victim"
    (expected,) = city.asks(by_hand, victim=victim, **times)
    assert before is not None and before != pytest.approx(expected, rel=1e-12), "the row does not count: the test proves nothing"
    _delete(city, pull, case.theirs, victim)
    city.now += timedelta(minutes=1)
    city.pulls(case.pull)
    compare(city.store, city.catalog, city.settings, case.pull, city.now)
    assert city.value(case.kpi) == pytest.approx(expected, rel=1e-9)


def _delete(city: City, pull: PullConfig, theirs: str, key: str) -> None:
    (column,) = pull.key_fields
    with city.departments[pull.source].begin() as conn:
        assert conn.execute(sa.text(f"delete from {theirs} where {column} = :key"), {"key": key}).rowcount == 1


def _issue_a_warning(city: City) -> None:
    """Two warnings in force: on a dry day there is none."""
    at = f"{city.now.astimezone(CITY_ZONE):%Y-%m-%d %H:%M:%S}"
    with city.departments["water"].begin() as conn:
        newest = dict(conn.execute(sa.text("select * from 防汛预警 order by 更新时间 desc limit 1")).mappings().one())
        for number in ("ZZ1", "ZZ2"):
            row = newest | {"预警号": number, "类别": 1, "发布时间": at, "解除时间": "", "更新时间": at}
            conn.execute(sa.text(f"insert into 防汛预警 ({', '.join(row)}) values (:{', :'.join(row)})"), row)


# ---- a reading raised


@pytest.mark.parametrize("case", RAISED, ids=str)
def test_a_reading_raised_at_the_source_rings_and_is_quiet_only_well_below(city: City, case: Raised) -> None:
    bell = Bell(city, case)
    over, between, calm = bell.levels()
    bell.says(calm, for_=bell.rule.clear_hold)
    assert bell.alert(open_ones=True) is None
    bell.says(over, for_=bell.rule.hold)
    rung = bell.alert(open_ones=True)
    assert rung is not None and rung[0].startswith("YZ-") and rung[2], "numbered and named"
    bell.says(between, for_=bell.rule.clear_hold + bell.step)
    assert bell.alert() == rung, "below the threshold and above where it clears: it goes on"
    bell.says(calm, for_=bell.rule.clear_hold)
    assert bell.alert() == (rung[0], "clear", rung[2])


class Bell:
    """One instrument of a department, and the rule that watches it."""

    def __init__(self, city: City, case: Raised) -> None:
        self.city, self.case, self.pull = city, case, city.settings.pulls[case.pull]
        domain, key = case.rule.split(".")
        self.catalog = city.only(domain)
        self.rule: AlertRule = next(r for r in self.catalog.domains[domain].rules if r.key == key)
        assert isinstance(self.rule.watches, Readings)
        self.metric = next(m for f in self.catalog.domains[domain].feeds for m in f.metrics if m.key == self.rule.watches.metric)
        self.step = max(self.metric.cadence, timedelta(minutes=1))
        self.now = NOW
        city.pulls(case.pull, self.now)
        self.asset = self._the_calmest()
        self.row = self._newest_row()

    @property
    def threshold(self) -> Threshold:
        """The first level's: the mildest."""
        return min((t for t in self.catalog.thresholds if t.rule == self.case.rule), key=lambda t: t.level.severity)

    def levels(self) -> tuple[float, float, float]:
        """A value over the threshold, one between it and where it clears, one beyond that."""
        t = self.threshold
        width = t.value - t.clear
        return t.value + 0.1 * width, t.clear + 0.5 * width, t.clear - 0.5 * width

    def _the_calmest(self) -> str:
        """The instrument that is furthest from ringing."""
        domain = self.case.rule.split(".")[0]
        mine = sa.and_(latest.c.domain == domain, latest.c.metric == self.metric.key, latest.c.quality == 0, latest.c.ts.is_not(None))
        falls = self.threshold.op in ("<", "<=")
        with self.city.store.connect() as conn:
            query = sa.select(latest.c.asset_id).where(mine).order_by(latest.c.value.desc() if falls else latest.c.value, latest.c.asset_id)
            return str(conn.scalars(query).first())

    def _newest_row(self) -> dict[str, Any]:
        fields = self.pull.fields
        where = f"{fields['asset_id']} = :asset" + (f" and {fields['metric']} = :metric" if "metric" in fields else "")
        names = {"asset": self.asset, "metric": self._their_metric}
        with self.city.departments[self.pull.source].connect() as conn:
            query = sa.text(f"select * from {self.case.theirs} where {where} order by {fields['observed_at']} desc limit 1")
            return dict(conn.execute(query, {k: v for k, v in names.items() if f":{k}" in str(query)}).mappings().one())

    @property
    def _their_metric(self) -> str:
        return next((theirs for theirs, ours in self.pull.codes.get("metric", {}).items() if ours == self.metric.key), "")

    def says(self, value: float, for_: timedelta) -> None:
        """The instrument says this for so long, each reading pulled and judged as it comes."""
        until = self.now + for_ + 2 * self.step
        while self.now < until:
            self.now += self.step
            self._write(value)
            self.city.pulls(self.case.pull, self.now)
            evaluate(self.city.store, self.catalog, self.city.settings, self.now)

    def _write(self, value: float) -> None:
        fields = self.pull.fields
        at = f"{self.now.astimezone(CITY_ZONE):%Y-%m-%d %H:%M:%S}"
        column = self.pull.metrics.get(self.metric.key) or fields["value"]
        kind = type(self.row[column]) if self.row[column] is not None else float
        row = self.row | {fields["observed_at"]: at, self.pull.watermark: at, column: kind(value * self.case.scale)}
        for name in {"记录号", "序号"} & set(row):
            row[name] = None if isinstance(row[name], int) else f"{self.asset}-{at}"
        with self.city.departments[self.pull.source].begin() as conn:
            conn.execute(sa.text(f"insert into {self.case.theirs} ({', '.join(row)}) values (:{', :'.join(row)})"), row)

    def alert(self, *, open_ones: bool = False) -> tuple[str, str, str] | None:
        """The newest alert of the rule about the instrument: number, state, the asset's name."""
        mine = sa.and_(alert.c.rule == self.case.rule, alert.c.asset_id == self.asset, sa.or_(alert.c.state == "open", not open_ones))
        query = sa.select(alert.c.number, alert.c.state, alert.c.asset_name).where(mine).order_by(alert.c.alert_id.desc())
        with self.city.store.connect() as conn:
            found = conn.execute(query).first()
        return None if found is None else (found.number, found.state, found.asset_name)
