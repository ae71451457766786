"""Tunnels: thirteen of them, read as text and shown as numbers."""

from __future__ import annotations

import sqlalchemy as sa

from tests.demo_city import picture


def test_thirteen_tunnels_are_sensed_and_heard() -> None:
    assert picture().district()["tunnels.iot_tunnels"] == 13
    assert picture().parts("tunnels.iot_online") == "[13.0, 13.0]"


def test_the_worst_tunnel_is_shown_not_the_mean() -> None:
    found = picture()
    with found.engine.connect() as conn:
        query = sa.text("select max(value), avg(value) from reading_latest where domain = 'tunnels' and metric = 'co'")
        worst, mean = conn.execute(query).one()
    assert found.district()["tunnels.max_co"] == worst > mean


def test_six_channels_of_each_tunnel_are_usable_though_water_lies_at_zero_for_days() -> None:
    assert picture().parts("tunnels.availability") == "[78.0, 78.0]"
