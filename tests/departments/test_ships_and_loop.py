"""The demo's ships and loop: same seed, same city; sixty tonnes a year, twenty-six garages; incidents that begin and end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from data_sources.departments import loop, loop_schema, ships, ships_schema
from data_sources.departments.building import open_department
from data_sources.departments.life import Department
from data_sources.departments.loop_traffic import RING, STOPPED, events, jam
from data_sources.departments.ships_cruises import SHIPS, every_sailing

NOW = datetime(2026, 11, 20, 11, 40, tzinfo=UTC)  # a Friday, 19:40 in the city
SEED = 7
MODULES: dict[str, tuple[Department, sa.MetaData]] = {
    "ships": (ships.DEPARTMENT, ships_schema.metadata),
    "loop": (loop.DEPARTMENT, loop_schema.metadata),
}
SERVERS = [
    pytest.param("postgresql", marks=pytest.mark.postgresql),
    pytest.param("mariadb", marks=pytest.mark.mariadb),
]


def contents(engine: sa.Engine, tables: sa.MetaData) -> dict[str, list[tuple[object, ...]]]:
    with engine.connect() as conn:
        found = {t.name: [tuple(row) for row in conn.execute(sa.select(t))] for t in tables.sorted_tables}
    return {name: sorted(rows, key=lambda row: str(row[:2])) for name, rows in found.items()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """Both departments as built, with a shorter memory; to be copied by tests that let them live on."""
    place = tmp_path_factory.mktemp("built")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ships, "HISTORY", timedelta(days=35))
        patch.setattr(ships, "KEPT_TELEMETRY", timedelta(hours=26))
        patch.setattr(ships, "KEPT_TANKS", timedelta(days=2))
        patch.setattr(loop, "HISTORY", timedelta(days=35))
        patch.setattr(loop, "KEPT_GUIDANCE", timedelta(days=3))
        patch.setattr(loop, "KEPT_MINUTES", timedelta(hours=3))
        patch.setattr(loop, "KEPT_HOURLY", timedelta(days=3))
        for key, (department, _) in MODULES.items():
            engine = open_department(f"sqlite:///{place / key}.db")
            department.build(engine, NOW, SEED)
            with engine.connect() as conn:
                conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            engine.dispose()
        yield {key: place / f"{key}.db" for key in MODULES}


def copy_of(built: Path, place: Path) -> sa.Engine:
    place.write_bytes(built.read_bytes())
    return open_department(f"sqlite:///{place}")


@pytest.mark.parametrize("key", MODULES)
def test_living_in_small_steps_or_at_once_writes_the_same(key: str, built: dict[str, Path], tmp_path: Path) -> None:
    department, tables = MODULES[key]
    one, other = copy_of(built[key], tmp_path / "one.db"), copy_of(built[key], tmp_path / "other.db")
    department.live(one, NOW, NOW + timedelta(hours=2), SEED)
    steps = [NOW + timedelta(seconds=s) for s in (0, 3, 10, 61, 300, 303, 1900, 3605, 7200)]
    for since, until in pairwise(steps):
        department.live(other, since, until, SEED)
    at_once, in_steps = contents(one, tables), contents(other, tables)
    assert {name for name in at_once if at_once[name] != in_steps[name]} == set()


@pytest.mark.parametrize("key", MODULES)
def test_a_stretch_written_twice_after_a_crash_is_the_same_as_once(key: str, built: dict[str, Path], tmp_path: Path) -> None:
    department, tables = MODULES[key]
    engine = copy_of(built[key], tmp_path / "one.db")
    department.live(engine, NOW, NOW + timedelta(minutes=10), SEED)
    once = contents(engine, tables)
    department.live(engine, NOW, NOW + timedelta(minutes=10), SEED)
    assert contents(engine, tables) == once


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("key", MODULES)
def test_the_same_departments_fill_other_databases(
    server: str, key: str, built: dict[str, Path], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    department, tables = MODULES[key]
    theirs, ours = open_department(request.getfixturevalue(f"{server}_url")), copy_of(built[key], tmp_path / "ours.db")
    department.build(theirs, NOW, SEED)
    for engine in (theirs, ours):
        department.live(engine, NOW, NOW + timedelta(minutes=3), SEED)
    there, here = contents(theirs, tables), contents(ours, tables)
    assert {name for name in here if there[name] != here[name]} == set()
    theirs.dispose()


def test_ships_sail_three_to_four_hours_a_day_and_hardly_by_day() -> None:
    year = every_sailing(NOW.timestamp() - 365 * 86_400, NOW.timestamp(), SEED)
    hours = (year.end - year.begin).sum() / 3600 / len(SHIPS) / 365
    assert 3 < hours < 4
    by_ship = [(year.end - year.begin)[year.ship == i].sum() / 3600 / 365 for i in range(len(SHIPS))]
    assert max(by_ship) - min(by_ship) < 0.5


def test_no_ship_is_on_two_sailings_at_once() -> None:
    year = every_sailing(NOW.timestamp() - 365 * 86_400, NOW.timestamp(), SEED)
    for i in range(len(SHIPS)):
        order = np.argsort(year.begin[year.ship == i])
        begin, end = year.begin[year.ship == i][order], year.end[year.ship == i][order]
        assert (begin[1:] - end[:-1]).min() > 4 * 60  # the box writes on for four minutes


def test_a_sailing_moves_from_under_way_to_done_and_only_then_has_an_end(built: dict[str, Path]) -> None:
    engine = open_department(f"sqlite:///{built['ships']}")
    trips = ships_schema.trips
    with engine.connect() as conn:
        rows = conn.execute(sa.select(trips.c.航次状态, trips.c.靠泊).where(trips.c.开航 > "2026-11-19")).all()
    assert {state for state, _ in rows} == {1, 2}
    assert all((state == 2) == (end is not None) for state, end in rows)


def test_minutes_kept_under_the_bridges_come_ashore_late_but_come(built: dict[str, Path]) -> None:
    engine = open_department(f"sqlite:///{built['ships']}")
    minutes = ships_schema.telemetry.c
    with engine.connect() as conn:
        rows = conn.execute(sa.select(minutes.采集时间, minutes.入库时间)).all()
    late = [(datetime.fromisoformat(b) - datetime.fromisoformat(a)).total_seconds() for a, b in rows]
    assert min(late) == 2
    assert 60 < max(late) <= 25 * 60
    assert sum(x > 60 for x in late) / len(late) < 0.1


def test_jams_grow_from_an_arc_and_now_and_then_take_half_the_ring() -> None:
    at = np.arange(NOW.timestamp() - 30 * 86_400, NOW.timestamp(), 300.0)
    levels = np.array([jam(np.full(len(at), a), at, SEED) for a in range(RING)])
    wide = (levels > 0.6).sum(axis=0)
    assert (wide > RING / 2).any()
    assert (wide == 0).mean() > 0.8


def test_stops_end_and_most_are_short() -> None:
    month = events(NOW.timestamp() - 30 * 86_400, NOW.timestamp(), SEED)
    long = (month.end - month.begin)[month.kind == STOPPED]
    assert 40 < len(long) < 300
    assert 0.3 < (long > 60).mean() < 0.8
    assert long.max() < 600


def test_twenty_six_garages_have_twenty_one_thousand_spaces_and_the_seven_known_five_thousand(built: dict[str, Path]) -> None:
    engine = open_department(f"sqlite:///{built['loop']}")
    garages = loop_schema.garages
    with engine.connect() as conn:
        rows = conn.execute(sa.select(garages.c.泊位数, garages.c.数据性质)).all()
    assert (len(rows), sum(spaces for spaces, _ in rows)) == (26, 21_000)
    assert sum(spaces for spaces, nature in rows if nature == "公开") == 5000


def test_what_is_older_than_a_day_is_kept_by_the_hour(built: dict[str, Path]) -> None:
    engine = open_department(f"sqlite:///{built['loop']}")
    told = loop_schema.minutes.c.统计时间
    with engine.connect() as conn:
        old = conn.execute(sa.select(told).where(told < "2026-11-20 16:00:00").distinct()).scalars().all()
    assert old
    assert all(text[14:16] == "00" for text in old)
