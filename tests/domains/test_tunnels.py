"""Tunnels: thirteen of them, read as text and shown as numbers."""

from __future__ import annotations

import numpy as np
import pytest
import sqlalchemy as sa

from dashboard.city import Absence, Stillness
from dashboard.core.catalog import load_catalog
from data_sources.departments.tunnels_life import fans_of, tunnel_values
from data_sources.tunnels import DOMAIN
from data_sources.tunnels.instruments import METRICS
from tests.demo_city import NOW, SEED, picture


def test_thirteen_tunnels_are_sensed_and_heard() -> None:
    assert picture().district()["tunnels.iot_tunnels"] == 13
    assert picture().parts("tunnels.iot_online") == "[13.0, 13.0]"


def test_the_worst_tunnel_is_shown_not_the_mean() -> None:
    found = picture()
    with found.engine.connect() as conn:
        query = sa.text("select max(value), avg(value) from reading_latest where domain = 'tunnels' and metric = 'co'")
        worst, mean = conn.execute(query).one()
    assert found.district()["tunnels.max_co"] == worst > mean


def test_every_channel_of_each_tunnel_is_usable_though_water_and_fans_lie_at_zero_for_days() -> None:
    channels = 13 * len(METRICS)
    assert picture().parts("tunnels.availability") == f"[{channels}.0, {channels}.0]"


def _worked_out(metric: str, columns: dict[str, list[float]], **facts: float) -> list[float]:
    """What the declared method makes of columns, with the parameters in force."""
    derived = next(d for d in DOMAIN.derived if d.metric.key == metric)
    parameters = load_catalog().rule_parameters(f"tunnels.{metric}", NOW.date().isoformat())
    ts = [60.0 * i for i in range(len(next(iter(columns.values()))))]
    arrays = {name: np.array(values, dtype=float) for name, values in {"ts": ts, **columns}.items()}
    found: list[float] = derived.apply(arrays, {**parameters, **facts}).tolist()
    return found


@pytest.mark.parametrize(("length", "limit_ppm"), [(400, 150), (1000, 150), (2000, 125), (3000, 100), (5000, 100), (float("nan"), 100)])
def test_the_co_limit_falls_with_length_and_is_the_stricter_where_length_is_unknown(length: float, limit_ppm: float) -> None:
    assert _worked_out("co_of_limit", {"co": [limit_ppm]}, length_m=length) == [pytest.approx(100)]


def test_nitrogen_dioxide_is_judged_by_twenty_minutes_not_by_one_reading() -> None:
    means = _worked_out("no2_mean", {"no2": [0.1] * 30 + [3.0] + [0.1] * 5})
    assert max(means) == pytest.approx((19 * 0.1 + 3.0) / 20)


def test_fans_start_at_the_warning_and_all_run_at_the_alarm_and_those_that_do_not_are_counted() -> None:
    air = {"co": [20.0, 75.0, 75.0, 120.0, 120.0, 20.0], "smoke": [0.002, 0.002, 0.002, 0.002, 0.002, 0.0076]}
    assert _worked_out("fans_short", {**air, "fans_running": [0.0, 0.0, 2.0, 4.0, 8.0, 8.0]}, fans=8.0) == [0, 1, 0, 4, 0, 0]


def test_the_departments_fans_answer_its_air_except_where_their_control_failed() -> None:
    who, at = np.repeat(np.arange(13), 60 * 24 * 40), np.tile(NOW.timestamp() - 60.0 * np.arange(60 * 24 * 40), 13)
    read, fans = tunnel_values(SEED, who, at), fans_of(SEED, who)
    foul = read["一氧化碳"] >= 101
    answered = read["风机运行"][foul] == fans[foul]
    assert foul.any()
    assert 0.2 < answered.mean() < 1
    assert set(read["风机运行"][foul & (read["风机运行"] != fans)]) <= {0.0, *(fans[foul] / 2)}


def test_a_tunnels_instruments_that_stand_still_and_those_that_fell_silent_ring_as_different_things() -> None:
    rules = {rule.key: rule.watches for rule in DOMAIN.rules}
    assert isinstance(rules["co_stuck"], Stillness)
    assert isinstance(rules["silent"], Absence)
    assert {"tunnels.stuck", "tunnels.silent_channels"} <= set(picture().district())
    assert picture().district()["tunnels.silent_channels"] == 0
