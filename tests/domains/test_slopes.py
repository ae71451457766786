"""Slopes: fifteen points, the fastest of them, and who has been to look."""

from __future__ import annotations

import sqlalchemy as sa

from tests.demo_city import picture


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
