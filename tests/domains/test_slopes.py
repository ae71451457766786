"""Slopes: fifteen points, how fast they move worked out from raw readings, rain that raises a level, and who answered and was moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace as Row
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from dashboard.core.catalog import load_catalog
from dashboard.derive.run import derive
from dashboard.kpi.compute import compute
from data_sources.slopes.coupled import judge
from data_sources.slopes.derived import doubling, rate_of, steady_rate, tangent_angle
from tests.demo_city import NOW, picture


def test_fifteen_points_are_watched_and_the_one_whose_terminal_died_is_not_heard() -> None:
    assert picture().district()["slopes.points"] == 15
    assert picture().parts("slopes.points_online") == "[14.0, 15.0]"


def test_points_in_warning_are_those_the_bureau_holds_above_normal() -> None:
    found = picture()
    with found.engine.connect() as conn:
        held = conn.scalar(sa.text("select count(*) from slope where state <> 'normal'"))
    assert found.district()["slopes.in_warning"] == held


def test_a_point_stands_where_the_bureau_put_it_once_its_datum_is_taken_off() -> None:
    with picture().engine.connect() as conn:
        lon, lat, street = conn.execute(sa.text("select lon, lat, street from slope where asset_id = 'DZ01'")).one()
    assert street == "500103005"
    assert abs(lon - 106.545) < 0.003  # within the street, not 360 m east of it
    assert abs(lat - 29.5625) < 0.002


def test_patrols_within_three_and_a_half_days_count() -> None:
    assert picture().parts("slopes.patrolled").endswith("15.0]")


def test_calls_moves_and_rounds_are_the_shares_their_rows_make() -> None:
    found = picture()
    ago = {"now": 0, "since": 34, "year": 364}
    micros = {name: int((NOW - timedelta(days=days)).timestamp() * 1e6) for name, days in ago.items()}
    with found.engine.connect() as conn:
        of_a_year = "from slope_warning where to_move > 0 and opened_at >= :year"
        moved, told = conn.execute(sa.text(f"select sum(moved), sum(to_move) {of_a_year}"), micros).one()
        waiting = conn.scalar(sa.text("select count(*) from slope_call where due_at <= :now and opened_at >= :since"), micros)
    numbers = found.district()
    assert numbers["slopes.moved_year"] == pytest.approx(100 * moved / told)
    assert 80 < (numbers["slopes.moved_year"] or 0) <= 100
    assert waiting
    assert 80 < (numbers["slopes.answered"] or 0) <= 100
    for phase in ("before", "during", "after"):
        assert 70 < (numbers[f"slopes.patrolled_{phase}"] or 0) <= 100


def test_moved_of_threatened_has_no_value_while_nobody_has_to_leave() -> None:
    assert picture().district()["slopes.to_move"] == 0
    assert picture().district()["slopes.moved"] is None


# ---- worked out

TS = np.arange(0, 3 * 86_400, 300.0)
WINDOW = {"window_h": 6.0}


def test_a_rate_is_the_slope_of_the_last_hours_per_day() -> None:
    steady = rate_of("displacement")({"ts": TS, "displacement": 12 + 2.5 * TS / 86_400}, WINDOW)
    assert np.isnan(steady[:3]).all()
    assert steady[-1] == pytest.approx(2.5)
    turned = 12 + np.clip(TS / 86_400 - 1, 0, None) * 10
    assert rate_of("displacement")({"ts": TS, "displacement": turned}, WINDOW)[-1] == pytest.approx(10)


def test_steady_creep_stands_at_45_degrees_and_eleven_times_as_fast_at_85() -> None:
    numbers = {"window_h": 6.0, "steady_least": 0.5, "steady": 2.0}
    assert tangent_angle({"ts": TS, "displacement": 2 * TS / 86_400}, numbers)[-1] == pytest.approx(45)
    assert tangent_angle({"ts": TS, "displacement": 22.86 * TS / 86_400}, numbers)[-1] == pytest.approx(85, abs=0.01)
    assert tangent_angle({"ts": TS, "displacement": -TS / 86_400}, numbers)[-1] == 0
    assert tangent_angle({"ts": TS, "displacement": 0.25 * TS / 86_400}, {**numbers, "steady": 0.01})[-1] < 45


def test_the_steady_rate_is_learned_from_a_week_and_more_and_not_from_the_days_it_ran() -> None:
    hours = np.arange(0, 30 * 86_400, 3600.0)
    moved = 0.8 * hours / 86_400 + np.where(hours > 27 * 86_400, (hours / 86_400 - 27) * 9, 0)
    learned = steady_rate({"ts": hours, "displacement": moved})
    assert learned is not None
    assert learned["steady"] == pytest.approx(0.8, rel=0.01)
    assert steady_rate({"ts": hours[:150], "displacement": moved[:150]}) is None


def test_a_crack_counts_as_speeding_up_only_once_it_is_fast_enough_to_matter() -> None:
    numbers = {"window_h": 1.0, "least": 1.0, "floor": 0.25}
    slow = 5 + np.where(TS > 2 * 86_400, (TS / 86_400 - 2) * 0.8, 0.2 * TS / 86_400)
    fast = 5 + np.where(TS > 2 * 86_400, (TS / 86_400 - 2) * 6, 0)
    assert np.nanmax(doubling({"ts": TS, "crack": slow}, numbers)) == 1
    assert np.nanmax(doubling({"ts": TS, "crack": fast}, numbers)) > 2
    assert doubling({"ts": TS, "crack": fast}, numbers)[-1] == pytest.approx(1)


def test_the_demos_points_get_rates_out_of_what_is_pulled() -> None:
    found = picture()
    catalog = load_catalog()
    derive(found.engine, catalog, NOW)
    compute(found.engine, catalog, found.settings, NOW)
    with found.engine.connect() as conn:
        rates = conn.execute(sa.text("select asset_id, value from reading_latest where domain = 'slopes' and metric = 'crack_rate'")).all()
    assert {row.asset_id for row in rates} <= {f"DZ{i:02d}" for i in range(1, 16)}


# ---- rain coupling

AT = datetime(2026, 6, 12, 3, 0, tzinfo=UTC)
NUMBERS = {"near": 0.7, "fresh": 30.0}


def _rows(*readings: tuple[str, str, float], late: timedelta = timedelta(0)) -> dict[str, list[Any]]:
    return {
        "points": [Row(asset_id="DZ01", name="李子坝3号危岩", street="500103005", lon=106.545, lat=29.5625)],
        "gauges": [
            Row(asset_id="YL01", name="佛图关", lon=106.524, lat=29.548),
            Row(asset_id="YL03", name="朝天门", lon=106.580, lat=29.563),
        ],
        "newest": [Row(asset_id=asset, metric=metric, value=value, ts=AT - late) for asset, metric, value in readings],
    }


RAINED, WET = ("YL01", "rain_24h", 62.0), ("DZ01", "soil_moisture", 26.0)


@pytest.mark.parametrize(
    ("metric", "value", "level"),
    [
        ("displacement_rate", 0.69, None),
        ("displacement_rate", 0.70, 1),
        ("displacement_rate", 2.0, None),
        ("displacement_rate", 2.2, 2),
        ("displacement_rate", 7.0, 3),
        ("displacement_rate", 22.0, 4),
        ("displacement_rate", 40.0, None),
        ("crack_rate", 0.8, 2),
        ("tilt_rate", 0.4, 3),
    ],
)
def test_rain_and_wet_ground_raise_a_movement_near_its_next_line_by_one_level(metric: str, value: float, level: int | None) -> None:
    found = judge(_rows(RAINED, WET, ("DZ01", metric, value)), NUMBERS, AT)
    assert [one.value for one in found] == ([] if level is None else [level])


@pytest.mark.parametrize(
    "missing",
    [
        [WET, ("YL01", "rain_24h", 49.0)],
        [WET, ("YL03", "rain_24h", 80.0), ("YL01", "rain_24h", 2.0)],
        [RAINED, ("DZ01", "soil_moisture", 24.9)],
        [RAINED],
        [WET],
    ],
)
def test_without_rain_at_its_own_gauge_or_wet_ground_nothing_is_raised(missing: list[tuple[str, str, float]]) -> None:
    assert judge(_rows(*missing, ("DZ01", "displacement_rate", 2.5)), NUMBERS, AT) == []


def test_a_finding_says_what_was_looked_at_and_old_readings_raise_nothing() -> None:
    rows = (RAINED, WET, ("DZ01", "displacement_rate", 2.5))
    fresh, stale = judge(_rows(*rows), NUMBERS, AT)[0], judge(_rows(*rows, late=timedelta(minutes=31)), NUMBERS, AT)[0]
    said = [f"{what.zh} {words}" for what, words in fresh.because]
    assert "佛图关" in said[0]
    assert "62.0" in said[0]
    assert said[1].startswith("土壤含水率 26.0")
    assert "2.50" in said[2]
    assert "蓝色" in said[3]
    assert fresh.stopped is None
    assert stale.stopped is not None
