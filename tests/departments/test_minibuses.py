"""The demo operator of alley minibuses: same seed, same buses; two million riders a year; buses that bunch and fail as real ones do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from data_sources.departments import minibus_schema, minibuses
from data_sources.departments.building import local_text, open_department
from data_sources.departments.minibus_network import LINES, Line, vehicles
from data_sources.departments.minibus_trips import run
from data_sources.departments.minibuses import DEPARTMENT, YEARLY_RIDERS

NOW = datetime(2026, 11, 20, 9, 40, tzinfo=UTC)  # a Friday, 17:40 in the city
SEED = 7
DAY0 = datetime(2026, 11, 19, 16, tzinfo=UTC).timestamp()


SERVERS = [
    pytest.param("postgresql", marks=pytest.mark.postgresql),
    pytest.param("mariadb", marks=pytest.mark.mariadb),
]


def contents(engine: sa.Engine) -> dict[str, list[tuple[object, ...]]]:
    with engine.connect() as conn:
        tables = minibus_schema.metadata.sorted_tables
        found = {t.name: [tuple(row) for row in conn.execute(sa.select(t))] for t in tables}
    return {name: sorted(rows, key=lambda row: str(row[:2])) for name, rows in found.items()}


@pytest.fixture(scope="module", autouse=True)
def short_memory() -> Iterator[None]:
    """A department that keeps less of its past: everything is the same, only sooner done."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(minibuses, "KEPT_TRACKS", timedelta(hours=20))
        patch.setattr(minibuses, "KEPT_TRIPS", timedelta(days=4))
        yield


@pytest.fixture(scope="module")
def built(short_memory: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A department as built, to be copied by tests that let it live on."""
    path = tmp_path_factory.mktemp("minibuses") / "minibuses.db"
    engine = open_department(f"sqlite:///{path}")
    DEPARTMENT.build(engine, NOW, SEED)
    with engine.connect() as conn:
        conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    yield path


def copy_of(built: Path, place: Path) -> sa.Engine:
    place.write_bytes(built.read_bytes())
    return open_department(f"sqlite:///{place}")


def test_living_in_small_steps_or_at_once_writes_the_same(built: Path, tmp_path: Path) -> None:
    one, other = copy_of(built, tmp_path / "one.db"), copy_of(built, tmp_path / "other.db")
    DEPARTMENT.live(one, NOW, NOW + timedelta(hours=2), SEED)
    steps = [NOW + timedelta(seconds=s) for s in (0, 5, 10, 61, 300, 1900, 3605, 7200)]
    for since, until in pairwise(steps):
        DEPARTMENT.live(other, since, until, SEED)
    at_once, in_steps = contents(one), contents(other)
    assert {name for name in at_once if at_once[name] != in_steps[name]} == set()


def test_the_last_twelve_months_carry_what_was_reported_for_a_year(built: Path) -> None:
    daily = minibus_schema.daily
    engine = open_department(f"sqlite:///{built}")
    with engine.connect() as conn:
        riders = conn.scalar(sa.select(sa.func.sum(daily.c.客流)).where(daily.c.日期 > "2025-11-20"))
    assert riders == YEARLY_RIDERS


def test_a_daily_report_is_the_sum_of_its_trips(built: Path) -> None:
    trips, daily = minibus_schema.trips, minibus_schema.daily
    engine = open_department(f"sqlite:///{built}")
    with engine.connect() as conn:
        added = conn.execute(
            sa.select(trips.c.线路编号, sa.func.count(), sa.func.sum(trips.c.客流))
            .where(trips.c.状态 == "2", trips.c.计划发车 >= "2026-11-19", trips.c.计划发车 < "2026-11-20")
            .group_by(trips.c.线路编号)
            .order_by(trips.c.线路编号)
        ).all()
        reports = sa.select(daily.c.线路编号, daily.c.完成圈次, daily.c.客流).where(daily.c.日期 == "2026-11-19")
        told = conn.execute(reports.order_by(daily.c.线路编号)).all()
    assert [tuple(row) for row in added] == [tuple(row) for row in told]


def test_every_vehicle_reports_at_least_each_minute_unless_its_terminal_fell_silent(built: Path) -> None:
    tracks = minibus_schema.tracks
    engine = open_department(f"sqlite:///{built}")
    with engine.connect() as conn:
        seen = conn.execute(sa.select(tracks.c.车牌, tracks.c.定位时间).order_by(tracks.c.车牌, tracks.c.定位时间)).all()
    assert {row[0] for row in seen} == {plate for plate, _ in vehicles()}
    gaps = [
        (datetime.fromisoformat(b[1]) - datetime.fromisoformat(a[1])).total_seconds() for a, b in pairwise(seen) if a[0] == b[0]
    ]
    assert min(gaps) == 15.0
    assert sum(gap > 60 for gap in gaps) < 60
    assert any(gap > 180 for gap in gaps)


@pytest.mark.parametrize("line", LINES, ids=lambda line: str(line.code))
def test_no_vehicle_starts_a_round_before_it_is_back(line: Line) -> None:
    rounds = run(line, np.array([DAY0]), SEED)
    for turn in range(line.vehicles, rounds.began.shape[1]):
        assert rounds.began[0, turn] >= rounds.ended[0, turn - line.vehicles]


def test_the_published_health_line_runs_its_ninety_two_single_trips() -> None:
    assert 2 * len(next(line for line in LINES if line.code == "3238").rounds) == 92


def test_lines_drawn_up_for_the_demo_say_so(built: Path) -> None:
    engine = open_department(f"sqlite:///{built}")
    with engine.connect() as conn:
        register = conn.execute(sa.select(minibus_schema.lines.c.线路编号, minibus_schema.lines.c.数据性质)).all()
    kinds = {code: kind for code, kind in register}
    assert {code for code, kind in kinds.items() if kind == "公开"} == {"3200", "3208", "3238"}
    assert len(kinds) == 8


def test_a_trip_moves_from_planned_to_done_and_only_then_has_riders(built: Path) -> None:
    engine = open_department(f"sqlite:///{built}")
    trips = minibus_schema.trips
    with engine.connect() as conn:
        columns = (trips.c.状态, trips.c.实际发车, trips.c.实际到达, trips.c.客流, trips.c.计划发车)
        today = conn.execute(sa.select(*columns).where(trips.c.计划发车 > "2026-11-20")).all()
    assert {"0", "1", "2"} <= {row[0] for row in today}
    for state, began, ended, riders, planned in today:
        assert (riders is not None) == (ended is not None) == (state == "2")
        assert (began is not None) == (state in ("1", "2", "4"))
        assert state != "0" or planned > local_text(NOW - timedelta(minutes=6))


def test_old_tracks_are_dropped_as_the_operator_does(built: Path, tmp_path: Path) -> None:
    engine = copy_of(built, tmp_path / "one.db")
    DEPARTMENT.live(engine, NOW, NOW + timedelta(hours=1), SEED)
    with engine.connect() as conn:
        oldest = conn.scalar(sa.select(sa.func.min(minibus_schema.tracks.c.定位时间)))
    assert oldest > local_text(NOW + timedelta(hours=1) - minibuses.KEPT_TRACKS)


@pytest.mark.parametrize("server", SERVERS)
def test_the_same_department_fills_other_databases(server: str, built: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    theirs, ours = open_department(request.getfixturevalue(f"{server}_url")), copy_of(built, tmp_path / "ours.db")
    DEPARTMENT.build(theirs, NOW, SEED)
    for engine in (theirs, ours):
        DEPARTMENT.live(engine, NOW, NOW + timedelta(minutes=3), SEED)
    there, here = contents(theirs), contents(ours)
    assert {name for name in here if there[name] != here[name]} == set()
    theirs.dispose()
