"""The demo operator of alley minibuses: same seed, same buses; two million riders a year; buses that bunch and fail as real ones do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from google.transit import gtfs_realtime_pb2 as rt

from dashboard.pull.readers.timetable import Timetable, load_timetable
from dashboard.settings import SourceConfig
from data_sources.departments import minibus_feed, minibus_schema, minibuses
from data_sources.departments.building import local_text, open_department
from data_sources.departments.life import ZONE
from data_sources.departments.minibus_network import LINES, Line, vehicles
from data_sources.departments.minibus_trips import on_days, run
from data_sources.departments.minibuses import DEPARTMENT, YEARLY_RIDERS

NOW = datetime(2026, 11, 20, 9, 40, tzinfo=UTC)  # a Friday, 17:40 in the city
SEED = 7
DAY0 = datetime(2026, 11, 19, 16, tzinfo=UTC).timestamp()


SERVERS = [
    pytest.param("postgresql", marks=pytest.mark.postgresql),
    pytest.param("mariadb", marks=pytest.mark.mariadb),
]


def contents(engine: sa.Engine) -> dict[str, list[tuple[object, ...]]]:
    """Every row of its database and every file beside it."""
    with engine.connect() as conn:
        tables = minibus_schema.metadata.sorted_tables
        found = {t.name: [tuple(row) for row in conn.execute(sa.select(t))] for t in tables}
    rows = {name: sorted(rows, key=lambda row: str(row[:2])) for name, rows in found.items()}
    place = minibus_feed.folder(engine)
    files = sorted(f for f in place.rglob("*") if f.is_file()) if place else []
    return rows | {f.name: [(f.read_bytes(),)] for f in files}


@pytest.fixture(scope="module", autouse=True)
def short_memory() -> Iterator[None]:
    """A department that keeps less of its past: everything is the same, only sooner done."""
    with pytest.MonkeyPatch.context() as patch:
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
    """The department with its files, in a folder of its own."""
    shutil.copytree(built.parent, place)
    return open_department(f"sqlite:///{place / built.name}")


def messages(built: Path) -> list[rt.FeedMessage]:
    """What the operator's realtime folder holds, oldest first."""
    return [rt.FeedMessage.FromString(f.read_bytes()) for f in sorted((built.parent / "minibuses-gtfs" / "live").glob("*.pb"))]


def timetable(built: Path) -> Timetable:
    source = SourceConfig(
        key="t", kind="gtfs", title="", department="", url="", options={"schedule": str(built.parent / "minibuses-gtfs/timetable.zip")}
    )
    found = load_timetable(source, ZONE)
    assert found is not None
    return found


def test_living_in_small_steps_or_at_once_writes_the_same(built: Path, tmp_path: Path) -> None:
    one, other = copy_of(built, tmp_path / "one"), copy_of(built, tmp_path / "other")
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
            sa.select(trips.c.线路编号, sa.func.sum(sa.case((trips.c.方向 == "1", 1), else_=0)), sa.func.sum(trips.c.客流))
            .where(trips.c.状态 == "2", trips.c.计划发车 >= "2026-11-19", trips.c.计划发车 < "2026-11-20")
            .group_by(trips.c.线路编号)
            .order_by(trips.c.线路编号)
        ).all()
        reports = sa.select(daily.c.线路编号, daily.c.完成圈次, daily.c.客流).where(daily.c.日期 == "2026-11-19")
        told = conn.execute(reports.order_by(daily.c.线路编号)).all()
    assert [tuple(row) for row in added] == [tuple(row) for row in told]


def test_every_vehicle_is_in_every_message_and_talks_each_minute_unless_its_terminal_fell_silent(built: Path) -> None:
    plates, ages = {plate for plate, _ in vehicles()}, []
    for message in messages(built):
        said = {e.vehicle.vehicle.id: e.vehicle.timestamp for e in message.entity if e.HasField("vehicle")}
        assert said.keys() == plates
        ages += [message.header.timestamp - at for at in said.values()]
    assert min(ages) == 0 and max(ages) < 720
    assert sum(age > 60 for age in ages) / len(ages) < 0.02


def test_messages_come_every_fifteen_seconds_and_go_when_the_archive_has_what_they_say(built: Path) -> None:
    moments = [m.header.timestamp for m in messages(built)]
    assert {b - a for a, b in pairwise(moments)} == {15}
    assert moments[-1] == NOW.timestamp()
    assert moments[-1] - moments[0] > 1800


def test_every_trip_of_yesterdays_timetable_is_in_the_archive_and_no_other(built: Path) -> None:
    planned = {f"{trip}/20261119" for trip, _ in timetable(built).runs(date(2026, 11, 19))}
    trips = minibus_schema.trips
    with open_department(f"sqlite:///{built}").connect() as conn:
        kept = set(conn.scalars(sa.select(trips.c.班次编号).where(trips.c.班次编号.like("%/20261119"))))
    assert kept == planned


def test_cancelled_trips_are_told_in_the_messages_and_buses_on_a_trip_are_on_one_of_the_timetable(built: Path) -> None:
    today = timetable(built).runs(date(2026, 11, 20))
    named = {e.vehicle.trip.trip_id for m in messages(built) for e in m.entity if e.vehicle.trip.trip_id}
    assert len(named) > 30 and {(trip, "") for trip in named} <= today.keys()


def test_pupils_are_driven_on_school_days_only_and_the_tour_goes_on_longer_before_and_at_weekends() -> None:
    week = np.array([DAY0 + 86_400 * i for i in range(7)])  # from a Friday on
    summer = week - 130 * 86_400
    school, tour = (next(line for line in LINES if line.kind == kind) for kind in ("school", "tour"))
    assert on_days(school, week).any(axis=1).tolist() == [True, False, False, True, True, True, True]
    assert not on_days(school, summer).any()
    assert [int(n) for n in on_days(tour, week).sum(axis=1)] == [73, 73, 73, 67, 67, 67, 67]


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


def test_an_archived_trip_has_the_times_and_riders_its_end_allows(built: Path) -> None:
    trips = minibus_schema.trips
    with open_department(f"sqlite:///{built}").connect() as conn:
        rows = conn.execute(sa.select(trips.c.状态, trips.c.实际发车, trips.c.实际到达, trips.c.客流, trips.c.归档时间)).all()
    assert {row[0] for row in rows} == {"2", "3", "4"}
    for state, began, ended, riders, archived in rows:
        assert (riders is not None) == (state == "2")
        assert (began is not None) == (ended is not None) == (state != "3")
        assert archived[14:] in ("00:00", "30:00") and (ended is None or ended <= archived <= local_text(NOW))


@pytest.mark.parametrize("server", SERVERS)
def test_the_same_department_fills_other_databases(server: str, built: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    theirs, ours = open_department(request.getfixturevalue(f"{server}_url")), copy_of(built, tmp_path / "ours")
    DEPARTMENT.build(theirs, NOW, SEED)
    for engine in (theirs, ours):
        DEPARTMENT.live(engine, NOW, NOW + timedelta(minutes=3), SEED)
    there, here = contents(theirs), contents(ours)
    assert {name for name in there if there[name] != here[name]} == set()  # a server has no place for files beside it
    theirs.dispose()
