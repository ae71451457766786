"""Rentals from the police platform to numbers and alerts: what is judged of a stay, and that nobody can be recognised."""

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
from dashboard.store.schema import alert, kpi_latest, row_past
from data_sources.departments import rentals_schema as book
from data_sources.departments.building import open_department
from data_sources.departments.rentals import DEPARTMENT
from data_sources.rentals import tables
from data_sources.rentals.feeds import judge_registration, mark_night

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class City:
    """A police platform and a store that pulls from it."""

    platform: sa.Engine
    store: sa.Engine
    settings: Any
    catalog: Any
    path: Path

    def pull(self, now: datetime) -> None:
        for key, pull in self.settings.pulls.items():
            if pull.source == "rentals":
                outcome = run_pull(self.store, self.catalog, self.settings, key, now, 0)
                assert outcome.outcome == "ok", outcome.error

    def ask(self, question: Any) -> list[Any]:
        with self.store.connect() as conn:
            return list(conn.execute(question))


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    url = f"sqlite:///{tmp_path / 'rentals.db'}"
    platform = open_department(url)
    book.book.create_all(platform)
    settings = load_settings(
        str(ROOT / "cockpit.toml"), {"COCKPIT_HOME": str(tmp_path), "COCKPIT_RENTALS_URL": url, "COCKPIT_TOKEN_KEY": "k" * 32}
    )
    store = open_store(settings.store_url)
    catalog = load_catalog()
    migrate(store)
    yield City(platform, store, settings, catalog, tmp_path / "var" / "store.db")
    store.dispose()
    platform.dispose()


def stay(**changes: object) -> dict[str, Any]:
    return {"opened_at": NOW, "registered_at": NOW + timedelta(minutes=5), "party": 2, "credentials": 2, "verified": 1, **changes}


@pytest.mark.parametrize(
    ("row", "accurate"),
    [
        (stay(), 1),
        (stay(credentials=None), 1),
        (stay(credentials=3), 0),
        (stay(verified=0), 0),
        (stay(verified=None), 0),
        (stay(registered_at=NOW + timedelta(minutes=31)), 0),
        (stay(registered_at=None), 0),
    ],
)
def test_a_registration_is_right_when_person_number_and_time_are(row: dict[str, Any], accurate: int) -> None:
    assert judge_registration(row)["accurate"] == accurate


@pytest.mark.parametrize(("hour", "night"), [(22, 0), (23, 1), (0, 1), (4, 1), (5, 0), (12, 0)])
def test_night_is_from_23_to_5_by_the_citys_clock(hour: int, night: int) -> None:
    local = datetime(2026, 11, 22, hour, 30, tzinfo=UTC) - timedelta(hours=8)
    assert mark_night({"opened_at": local})["night"] == night


def test_no_name_number_or_telephone_reaches_the_store(city: City) -> None:
    DEPARTMENT.live(city.platform, NOW - timedelta(hours=2), NOW, 7)
    city.pull(NOW)
    guests = [g for (g,) in city.ask(sa.select(tables.stay.c.guest))]
    assert len(guests) > 50
    assert all(guests)
    city.store.dispose()
    kept = b"".join(p.read_bytes() for p in city.path.parent.glob("store.db*"))
    with city.platform.connect() as conn:
        secrets = conn.execute(sa.select(book.stay.c["客人姓名"], book.stay.c["证件号码"], book.stay.c["手机号码"])).all()
    assert not [word for row in secrets for word in row if word.encode() in kept]


def test_a_guest_who_leaves_corrects_the_stay_and_the_past_is_kept(city: City) -> None:
    DEPARTMENT.live(city.platform, NOW - timedelta(hours=2), NOW, 7)
    city.pull(NOW)
    later = NOW + timedelta(hours=20)
    DEPARTMENT.live(city.platform, NOW, later, 7)
    city.pull(later)
    left = city.ask(sa.select(sa.func.count()).where(tables.stay.c.state == "left"))[0][0]
    past = city.ask(sa.select(sa.func.count()).where(row_past.c.table_name == "rentals_stay"))[0][0]
    assert left > 20
    assert past > 20


def test_a_room_unlocked_without_a_guest_rings_after_half_an_hour(city: City) -> None:
    with city.platform.begin() as conn:
        for i, minute in enumerate((0, 4, 9)):
            at = f"2026-11-22 17:0{minute}:00"
            conn.execute(
                sa.insert(book.lock_event).values(
                    {"事件编号": i, "房屋编码": "YZ-1", "所属街道": "解放碑街道", "事件类型": 1, "发生时间": at, "更新时间": at}
                )
            )
    for minute in range(10, 61, 10):
        now = datetime(2026, 11, 22, 9, tzinfo=UTC) + timedelta(minutes=minute)
        city.pull(now)
        evaluate(city.store, city.catalog, city.settings, now)
        rang = [row.level for row in city.ask(sa.select(alert.c.level).where(alert.c.rule == "rentals.unlock_unregistered"))]
        assert rang == ([] if minute < 40 else ["blue"])


def test_streets_are_known_by_name_and_points_move_from_bd09_to_the_map(city: City) -> None:
    with city.platform.begin() as conn:
        conn.execute(
            sa.insert(book.building).values(
                {"楼栋编号": "LD1", "楼栋名称": "某楼", "所属街道": "解放碑街道", "百度经度": 106.584, "百度纬度": 29.561}
            )
        )
    city.pull(NOW)
    ((street, lon, lat),) = city.ask(sa.select(tables.building.c.street, tables.building.c.lon, tables.building.c.lat))
    assert street == "500103003"
    assert (lon, lat) == (pytest.approx(106.57385, abs=1e-4), pytest.approx(29.55768, abs=1e-4))


def test_the_numbers_come_out_of_the_rows(city: City) -> None:
    DEPARTMENT.live(city.platform, NOW - timedelta(hours=6), NOW, 7)
    city.pull(NOW)
    compute(city.store, city.catalog, city.settings, NOW)
    found = {k: v for k, v in city.ask(sa.select(kpi_latest.c.kpi, kpi_latest.c.value).where(kpi_latest.c.scope == "district"))}
    today = datetime(2026, 11, 21, 16, tzinfo=UTC)  # the city's midnight
    came = city.ask(sa.select(sa.func.sum(tables.stay.c.party)).where(tables.stay.c.opened_at >= today))[0][0]
    assert found["rentals.checkins_today"] == came > 100
    assert found["rentals.registration_accuracy"] > 90
