"""Reception days and the hotline from their database to numbers and alerts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dashboard.alerting.evaluate import evaluate
from dashboard.core.catalog import load_catalog
from dashboard.kpi.compute import compute
from dashboard.pull.run import run_pull
from dashboard.settings import load_settings
from dashboard.store.engine import open_store
from dashboard.store.migrate import migrate
from dashboard.store.schema import alert, kpi_latest, quarantine
from data_sources.departments import cases_schema as book
from data_sources.departments.building import open_department

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)  # a Friday, 10:00 in the city
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class City:
    """The services' database and a store that pulls from it."""

    services: sa.Engine
    store: sa.Engine
    settings: Any
    catalog: Any

    def pull(self, now: datetime = NOW) -> None:
        for key, pull in self.settings.pulls.items():
            if pull.source == "cases":
                outcome = run_pull(self.store, self.catalog, self.settings, key, now, 0)
                assert outcome.outcome == "ok", outcome.error

    def kpis(self, now: datetime = NOW) -> dict[str, float | None]:
        compute(self.store, self.catalog, self.settings, now)
        with self.store.connect() as conn:
            return {k: v for k, v in conn.execute(sa.select(kpi_latest.c.kpi, kpi_latest.c.value).where(kpi_latest.c.scope == "district"))}

    def write(self, table: sa.Table, *rows: dict[str, Any]) -> None:
        with self.services.begin() as conn:
            for row in rows:
                conn.execute(sa.insert(table).values(row))


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    url = f"sqlite:///{tmp_path / 'cases.db'}"
    services = open_department(url)
    book.book.create_all(services)
    settings = load_settings(
        str(ROOT / "cockpit.toml"), {"COCKPIT_HOME": str(tmp_path), "COCKPIT_CASES_URL": url, "COCKPIT_TOKEN_KEY": "k" * 32}
    )
    store = open_store(settings.store_url)
    catalog = load_catalog()
    migrate(store)
    yield City(services, store, settings, catalog)
    store.dispose()
    services.dispose()


def local(at: datetime) -> str:
    return str((at + timedelta(hours=8)).replace(tzinfo=None))


def call(number: int, at: datetime, **changes: Any) -> dict[str, Any]:
    row = {
        "CASE_NO": f"C{number}",
        "来源": 1,
        "CATEGORY": 4,
        "ADDR_ID": f"D{number}",
        "STREET_CODE": "500103004",
        "STATUS": 5,
        "时限工作日": "7 ",
        "受理时间": local(at),
        "联系时限": local(at + timedelta(days=1)),
        "办理时限": local(at + timedelta(days=9)),
        "更新时间": local(at),
    }
    return {**row, **changes}


def matter(number: int, opened: datetime, due: datetime, closed: datetime | None = None, rating: int | None = None) -> dict[str, Any]:
    return {
        "事项编号": f"M{number}",
        "SQ_CODE": "500103004001",
        "STREET_CODE": "500103004",
        "渠道": 1,
        "类别": 2,
        "办理方式": 2,
        "STATUS": 3 if closed else 1,
        "受理时间": local(opened),
        "办理期限": local(due),
        "办结时间": local(closed) if closed else None,
        "满意度": rating,
        "更新时间": local(closed or opened),
    }


def test_settled_satisfied_and_overdue_matters_are_counted(city: City) -> None:
    day = timedelta(days=1)
    city.write(
        book.matter,
        matter(1, NOW - 20 * day, NOW - 10 * day, NOW - 15 * day, 3),
        matter(2, NOW - 20 * day, NOW - 10 * day, NOW - 5 * day, 1),
        matter(3, NOW - 20 * day, NOW - 10 * day),
        matter(4, NOW - 2 * day, NOW + 10 * day),
    )
    city.pull()
    found = city.kpis()
    assert (found["grid_matters.accepted"], found["grid_matters.settled"], found["grid_matters.open_matters"]) == (4, 50, 2)
    assert (found["grid_matters.overdue"], found["grid_matters.in_time"], found["grid_matters.satisfied"]) == (1, 50, 50)


def test_a_matter_becomes_overdue_by_the_clock_alone(city: City) -> None:
    city.write(book.matter, matter(1, NOW - timedelta(days=3), NOW + timedelta(hours=2)))
    city.pull()
    assert city.kpis()["grid_matters.overdue"] == 0
    assert city.kpis(NOW + timedelta(hours=3))["grid_matters.overdue"] == 1


def test_an_unanswered_callback_counts_neither_for_nor_against(city: City) -> None:
    back = {"回访时间": local(NOW), "STATUS": 8, "办结时间": local(NOW)}
    answers = [(1, 1), (1, 1), (2, 2), (9, 9)]
    opened = NOW - timedelta(days=2)
    city.write(book.case, *(call(i, opened, 是否解决=s, 是否满意=h, **back) for i, (s, h) in enumerate(answers)))
    city.pull()
    found = city.kpis()
    assert found["hotline.solved"] == pytest.approx(200 / 3)
    assert found["hotline.satisfied"] == pytest.approx(200 / 3)
    assert found["hotline.on_time"] == 100


def test_a_case_done_again_later_corrects_what_we_knew(city: City) -> None:
    city.write(book.case, call(1, NOW - timedelta(hours=3)))
    city.pull()
    assert city.kpis()["hotline.open_cases"] == 1
    closed = local(NOW + timedelta(hours=1))
    with city.services.begin() as conn:
        conn.execute(sa.update(book.case).values({"STATUS": 8, "办结时间": closed, "更新时间": closed}))
    later = NOW + timedelta(hours=2)
    city.pull(later)
    assert city.kpis(later)["hotline.open_cases"] == 0


def test_seven_calls_from_one_place_within_half_an_hour_raise_one_yellow_alert_there(city: City) -> None:
    city.write(
        book.place, {"ADDR_ID": "D77", "地址名称": "某小区", "地址类型": 1, "STREET_CODE": "500103004", "LON": 106.544, "LAT": 29.556}
    )
    city.write(book.case, *(call(i, NOW - timedelta(minutes=25 - 3 * i), ADDR_ID="D77") for i in range(7)))
    city.write(book.case, *(call(100 + i, NOW - timedelta(minutes=i)) for i in range(10)))
    city.pull()
    evaluate(city.store, city.catalog, city.settings, NOW)
    with city.store.connect() as conn:
        rows = [
            tuple(r)
            for r in conn.execute(sa.select(alert.c.asset_name, alert.c.level, alert.c.value).where(alert.c.rule == "hotline.hotspot"))
        ]
    assert rows == [("某小区", "yellow", 7)]


def test_a_row_without_a_usable_date_or_code_is_set_aside_with_its_reason(city: City) -> None:
    city.write(book.case, call(1, NOW), call(2, NOW, 受理时间="0000-00-00 00:00:00"), call(3, NOW, CATEGORY=77))
    city.pull()
    with city.store.connect() as conn:
        assert sorted(code for (code,) in conn.execute(sa.select(quarantine.c.reason_code))) == ["code", "date"]
