"""Tour ships as declared: the IMO's limits, what a minute of telemetry says, and how a sailing's kilograms come about."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pytest

from data_sources import imo_nox
from data_sources.ships.minutes import WARM, judge_minute, judge_plants, mean_removal, rate_engine, sum_trip

NOW = datetime(2026, 11, 20, 11, 40, tzinfo=UTC)

MINUTE = {
    **{"power": 480.0, "fuel": 100.0, "nox_in": 1000.0, "nox_out": 70.0, "o2": 10.9, "t_in": 318.0, "urea": 5.5, "slip": 2.0},
    **{"tier": 1, "rated_rpm": 1500},
}
TRIP = {"rated_kw": 735.0, "rated_rpm": 1500.0, "load": 0.6, "hours": 1.5, "specific_in": 9.5, "removal": 92.0}


@pytest.mark.parametrize(
    ("rpm", "first", "second", "third"),
    [(1000, 11.30, 8.98, 2.26), (1500, 10.42, 8.18, 2.08), (1800, 10.05, 7.85, 2.01), (100, 17.0, 14.4, 3.4), (2000, 9.8, 7.7, 2.0)],
)
def test_limits_follow_the_rated_speed(rpm: float, first: float, second: float, third: float) -> None:
    assert [round(imo_nox.nox_limit(tier, rpm), 2) for tier in (1, 2, 3)] == [first, second, third]


def test_limits_join_at_a_hundred_and_thirty_revolutions() -> None:
    for tier in (1, 2, 3):
        assert imo_nox.nox_limit(tier, 130) == pytest.approx(imo_nox.nox_limit(tier, 129.9), rel=0.01)


def test_an_unknown_tier_or_speed_is_refused_and_small_engines_are_not_bound() -> None:
    with pytest.raises(ValueError, match="排放阶段4"):
        imo_nox.nox_limit(4, 1500)
    with pytest.raises(ValueError, match="额定转速"):
        imo_nox.nox_limit(1, 0)
    assert not imo_nox.is_bound(130)
    assert imo_nox.is_bound(131)


def test_the_published_claim_is_what_seven_ships_of_its_per_ship_figure_give() -> None:
    one = imo_nox.abated_kg(power_kw=1470, load=0.6, hours=1100, specific_in=9.5, share_removed=0.92)
    assert one / 1000 == pytest.approx(8.5, abs=0.05)


def test_grams_per_kwh_follow_the_concentration_and_the_oxygen() -> None:
    here = imo_nox.specific_nox(1000, 10.9, 100, 480)
    assert 8 < here < 10  # an engine of the first tier before its catalyst
    assert imo_nox.specific_nox(500, 10.9, 100, 480) == pytest.approx(here / 2)
    assert imo_nox.specific_nox(1000, 15.9, 100, 480) == pytest.approx(here * 2)  # the same gas, twice as thin
    with pytest.raises(ValueError, match="氧含量或功率"):
        imo_nox.specific_nox(1000, 21.0, 100, 480)


def test_urea_is_dosed_by_the_nitrogen_oxides_it_must_take_away() -> None:
    assert imo_nox.urea_litres(1.11) == pytest.approx(1.63)


def test_a_good_minute_has_its_removal_and_stands_well_below_its_limit() -> None:
    row = judge_minute(dict(MINUTE))
    assert row["removal"] == pytest.approx(93.0)
    assert row["undosed"] == 0
    assert row["dosing_t"] == 318.0
    assert 0 < row["limit_share"] < 10


def test_a_hot_catalyst_that_gets_no_urea_is_suspected_of_being_passed_by() -> None:
    assert judge_minute({**MINUTE, "urea": 0.0, "nox_out": 990.0})["undosed"] == 1


def test_warming_up_without_urea_is_as_it_should_be_and_not_judged() -> None:
    row = judge_minute({**MINUTE, "urea": 0.0, "nox_out": 990.0, "t_in": WARM - 1})
    assert (row["undosed"], row["removal"], row["limit_share"]) == (0, None, None)


def test_urea_into_a_cold_catalyst_shows_the_temperature_it_was_dosed_at() -> None:
    assert judge_minute({**MINUTE, "t_in": WARM - 5})["dosing_t"] == WARM - 5


def test_a_stopped_engine_is_not_undosed_and_has_no_removal() -> None:
    row = judge_minute({**MINUTE, "power": 0.0, "urea": 0.0, "nox_in": None, "nox_out": None})
    assert (row["undosed"], row["removal"], row["specific"]) == (0, None, None)


@pytest.mark.parametrize("reading", [9999.0, None, "自检", -5.0])
def test_an_analyser_that_checks_itself_makes_no_removal(reading: object) -> None:
    row = judge_minute({**MINUTE, "nox_in": reading})
    assert row["removal"] is None
    assert row["nox_in"] == reading  # what is wrong with it is told where readings are checked


def test_a_sailing_is_summed_up_from_power_load_hours_and_share() -> None:
    row = sum_trip(dict(TRIP))
    assert row["made_kg"] == pytest.approx(735 * 0.6 * 1.5 * 9.5 / 1000)
    assert row["abated_kg"] == pytest.approx(row["made_kg"] * 0.92)
    assert row["tier_iii_share"] == pytest.approx(100 * 9.5 * 0.08 / 2.0846, rel=1e-3)


def test_a_sailing_stands_against_all_three_tiers_by_its_rated_speed() -> None:
    row = sum_trip({**TRIP, "removal": 10.0})  # 8.55 g/kWh after the catalyst at 1500 r/min
    assert [round(row[name]) for name in ("tier_i_share", "tier_ii_share", "tier_iii_share")] == [82, 104, 410]


def test_removal_is_judged_by_the_mean_of_ten_minutes_and_not_while_few_of_them_are_known() -> None:
    ts = np.arange(20) * 60.0
    values = np.where(np.arange(20) < 10, 95.0, 45.0)
    means = mean_removal({"ts": ts, "removal": values}, {"window_min": 10, "least": 7})
    assert np.isnan(means[:6]).all()
    assert means[9] == 95.0
    assert means[14] == 70.0, "five minutes of each"
    assert means[19] == 45.0
    gappy = mean_removal({"ts": ts, "removal": np.where(np.arange(20) % 2, np.nan, 95.0)}, {"window_min": 10, "least": 7})
    assert np.isnan(gappy).all()


def test_a_plant_that_says_it_is_out_of_order_is_found_and_one_at_work_is_not() -> None:
    plate = {"name": "左主机", "street": None, "lon": None, "lat": None, "observed_at": NOW}
    rows = [SimpleNamespace(asset_id=state, state=state, **plate) for state in ("off", "dosing", "derated", "fault", "bypass")]
    found = judge_plants({"engines": rows}, {}, NOW)
    assert [(f.asset, f.value) for f in found] == [("fault", 1.0), ("bypass", 2.0)]


@pytest.mark.parametrize(("field", "wrong"), [("load", None), ("load", 7.0), ("hours", 30.0), ("removal", 101.0)])
def test_a_sailing_that_cannot_be_is_refused_with_a_reason(field: str, wrong: float | None) -> None:
    with pytest.raises(ValueError, match="航次"):
        sum_trip({**TRIP, field: wrong})


def test_an_engine_without_its_plate_is_refused() -> None:
    assert rate_engine({"rated_rpm": 1500, "tier": 1, "rated_kw": 735})["limit_own"] == pytest.approx(10.42, abs=0.01)
    assert rate_engine({"rated_rpm": 1500, "tier": 1, "rated_kw": 90})["limit_own"] is None
    with pytest.raises(ValueError, match="机组缺"):
        rate_engine({"rated_rpm": None, "tier": 1, "rated_kw": 735})
