"""The four declared linkages from a department's reading to the closed alert; every stop rule and every time-out seen to act."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from data_sources.air_tables import air_hour, air_station, air_warning
from data_sources.minibuses.tables import trip, vehicle, visit
from data_sources.septic_tanks.tables import tank
from data_sources.slopes.tables import rain_gauge, slope
from tests.casework.linkage.district import STREET, District

HERE = {"street": STREET, "lon": 106.57, "lat": 29.56}
MINUTE = timedelta(minutes=1)


# ---- septic gas → ventilate, pump, verify


@pytest.fixture
def gassy(tmp_path: Path) -> District:
    made = District(tmp_path, "septic_tanks.gas")
    tank_is(made, "normal")
    made.read("septic_tanks", "T1", 5 * MINUTE, level=85)
    return made


def tank_is(district: District, state: str) -> None:
    district.rows(tank, {"asset_id": "T1", "kind": "septic_tank", "name": "七星岗3号池", "state": state, **HERE})


def gas(district: District, *values: float, every: float = 5) -> None:
    for value in values:
        district.now += timedelta(minutes=every)
        district.read("septic_tanks", "T1", ch4=value)
        district.turn()


def test_gas_is_ventilated_pumped_and_verified(gassy: District) -> None:
    gas(gassy, 31)
    assert gassy.ordered() == ["ventilate"]
    assert "甲烷31 %LEL（橙色）" in gassy.order("ventilate")["instruction"]
    gassy.answers("ventilate", "accepted", "arrived")
    gas(gassy, 12)
    gassy.answers("ventilate", "done")
    assert gassy.steps()["pump"] == "waiting", "no power while gas is above 10 %LEL"
    gas(gassy, 8)
    assert gassy.ordered() == ["ventilate"], "not for three minutes yet"
    gassy.wait(3)
    assert gassy.ordered() == ["ventilate", "pump"]
    assert gassy.minutes_allowed("pump") == 35
    gassy.answers("pump", "accepted", "arrived")
    gassy.now += 10 * MINUTE
    gassy.read("septic_tanks", "T1", level=62, ch4=6)
    gassy.photographs()  # what was orange is closed as orange
    gassy.answers("pump", "done", note="液位降至62 %")
    assert (gassy.steps()["drained"], gassy.steps()["verify"]) == ("done", "done")
    gas(gassy, 5, 5, 5, 5)
    assert (gassy.run().state, gassy.alert().state) == ("done", "clear")
    assert gassy.alert().closed_at is not None
    people = [what for what in gassy.told() if what not in ("open", "level", "clear", "photo")]
    assert people == ["acknowledge", "assign", "dispatch", "arrive", "settle", "verify", "close"]


@pytest.mark.parametrize(
    ("state", "why"), [("maintenance", "井盖开启或挂检修牌"), ("sensor_fault", "探头故障或终端失联"), ("offline", "探头故障或终端失联")]
)
def test_a_tank_that_is_locked_or_blind_is_not_worked_by_machine_and_a_crew_goes(gassy: District, state: str, why: str) -> None:
    gas(gassy, 31)
    tank_is(gassy, state)
    gassy.wait(1)
    assert gassy.ordered() == ["ventilate", "withdraw", "crew"]
    assert why in gassy.order("withdraw")["instruction"]
    assert (gassy.steps()["ventilate"], gassy.steps()["pump"]) == ("stopped", "stopped")
    assert gassy.minutes_allowed("crew") == 120


def test_gas_that_rises_while_a_pump_runs_stops_it(gassy: District) -> None:
    gas(gassy, 31)
    gassy.answers("ventilate", "done")
    gas(gassy, 8)
    gassy.wait(3)
    gassy.answers("pump", "accepted")
    gas(gassy, 26)
    assert gassy.ordered() == ["ventilate", "pump", "withdraw", "crew"]
    assert "26.0 %LEL ≥ 25" in gassy.order("withdraw")["instruction"]


def test_at_severity_four_a_crew_is_sent_at_once_and_nothing_is_switched_on(gassy: District) -> None:
    gas(gassy, 60)
    assert gassy.ordered() == ["crew"]
    assert gassy.steps()["ventilate"] == "idle"


def test_a_machine_that_fails_twice_is_left_and_a_crew_sent(gassy: District) -> None:
    gas(gassy, 31)
    gassy.wait(3)
    assert gassy.ordered() == ["ventilate", "withdraw", "ventilate"]
    gassy.wait(3)
    assert gassy.ordered()[-1] == "crew"
    assert gassy.told().count("lapse") >= 2


def test_a_pump_that_refuses_because_of_its_interlock_sends_a_crew(gassy: District) -> None:
    gas(gassy, 31)
    gassy.answers("ventilate", "done")
    gas(gassy, 8)
    gassy.wait(3)
    gassy.answers("pump", "refused", note="井盖开启，闭锁")
    assert gassy.ordered()[-1] == "crew"


def test_gas_that_stays_forbids_the_pump_until_its_time_is_up(gassy: District) -> None:
    gas(gassy, 31)
    gassy.answers("ventilate", "done")
    gas(gassy, 20, 20, 20, 20, 20, 20, 20)
    assert gassy.ordered() == ["ventilate", "crew"]


def test_little_gas_is_ventilated_and_not_pumped(gassy: District) -> None:
    gas(gassy, 12)
    gassy.answers("ventilate", "accepted", "done")
    gas(gassy, 6)
    gassy.wait(10)
    assert (gassy.ordered(), gassy.run().state) == (["ventilate"], "done")


# ---- dangerous rock and rain → call, respond, evacuate


@pytest.fixture
def rocky(tmp_path: Path) -> District:
    made = District(tmp_path, "slopes.rain_coupled")
    made.rows(slope, {"asset_id": "R1", "kind": "rock", "name": "佛图关危岩", "state": "normal", **HERE})
    made.rows(rain_gauge, {"asset_id": "G1", "kind": "rain_gauge", "name": "佛图关站", **HERE})
    return made


def storm(district: District, rate: float, rain: float = 30, minutes: float = 0) -> None:
    """Rain on wet ground, and a rock that moves so many millimetres a day."""
    district.now += timedelta(minutes=minutes)
    district.read("slopes", "R1", soil_moisture=34, displacement_rate=rate)
    district.read("slopes", "G1", rain_1h=rain)
    district.turn()


YELLOW, ORANGE, RED = 2.5, 8.0, 25.0


def test_a_rock_in_the_rain_is_called_out_watched_decided_on_and_evacuated(rocky: District) -> None:
    storm(rocky, ORANGE)
    assert (rocky.ordered(), rocky.alert().level) == (["call"], "orange")
    rocky.answers("call", "accepted", "done", note="4人应答")
    assert rocky.ordered() == ["call", "respond"]
    assert rocky.steps()["decide"] == "open"
    rocky.answers("respond", "accepted", "arrived")
    rocky.decides("decide", "done")
    assert rocky.ordered() == ["call", "respond", "evacuate"]
    rocky.answers("evacuate", "accepted", "done", note="转移36人")
    rocky.answers("respond", "done")
    assert rocky.steps()["safe"] == "open"
    for _ in range(5):
        storm(rocky, 0.2, rain=0, minutes=20)
    assert (rocky.steps()["safe"], rocky.run().state, rocky.alert().state) == ("done", "done", "clear")
    rocky.photographs()
    rocky.turn()
    assert rocky.alert().closed_at == rocky.now


def test_red_evacuates_at_once_and_yellow_only_watches(rocky: District) -> None:
    storm(rocky, YELLOW)
    rocky.answers("call", "done")
    assert rocky.ordered() == ["call", "respond"]
    storm(rocky, RED, minutes=5)
    assert rocky.alert().level == "red"
    assert rocky.ordered() == ["call", "respond", "evacuate"]
    assert (rocky.minutes_allowed("evacuate"), rocky.steps()["decide"]) == (60, "idle")


def test_a_decision_against_it_leaves_people_where_they_are(rocky: District) -> None:
    storm(rocky, ORANGE)
    rocky.answers("call", "done")
    rocky.decides("decide", "refused")
    rocky.answers("respond", "done")
    assert (rocky.ordered(), rocky.steps()["safe"]) == (["call", "respond"], "open")


def test_a_call_nobody_answers_is_made_three_times_and_told_upwards_each_time(rocky: District) -> None:
    storm(rocky, RED)
    for _ in range(3):
        storm(rocky, RED, minutes=3)
    assert rocky.ordered().count("call") == 3
    assert rocky.told().count("lapse") >= 3


def test_rain_that_ends_before_anybody_set_out_spares_the_way(rocky: District) -> None:
    storm(rocky, YELLOW)
    rocky.answers("call", "done")
    for _ in range(6):
        storm(rocky, 0.2, rain=0, minutes=14)
    assert (rocky.steps()["respond"], rocky.ordered()[-1]) == ("stopped", "withdraw")
    assert "到点前已恢复正常" in rocky.order("withdraw")["instruction"]


# ---- air warning → road cleaning


@pytest.fixture
def dusty(tmp_path: Path) -> District:
    made = District(tmp_path, "road_cleaning.dust")
    made.rows(air_station, {"asset_id": "N", "kind": "national", "name": "解放碑站", **HERE})
    weather(made)
    return made


def weather(district: District, **values: float) -> None:
    district.read("air", "N", **{"temp": 15.0, "rain_rate": 0.0, "wind_speed": 2.0, "wind_from": 0.0, **values})


def hour(district: District, pm10: float, **more: Any) -> None:
    """An hour is over, and its values are out."""
    district.now += 60 * MINUTE
    weather(district)
    again(district, pm10, **more)


def again(district: District, pm10: float, **more: Any) -> None:
    usual = {"category": "valid", "pm25": pm10 / 2, "aqi": 60, "primary_pollutant": "pm10", "pm10": pm10, **more}
    at = district.now.replace(minute=0, second=0)
    district.rows(air_hour, {"case_id": f"N-{at:%d%H}", "asset_id": "N", "opened_at": at, **usual})
    district.turn()


@pytest.mark.parametrize(("pm10", "level", "allowed"), [(105, "blue", 180), (260, "orange", 90), (360, "red", 60)])
def test_bad_air_sends_sweepers_within_the_time_of_its_level(dusty: District, pm10: float, level: str, allowed: float) -> None:
    hour(dusty, pm10)
    assert (dusty.alert().level, dusty.ordered(), dusty.minutes_allowed("sweep")) == (level, ["sweep"], allowed)


def test_bad_air_is_swept_away_and_the_effect_is_checked(dusty: District) -> None:
    hour(dusty, 260)
    assert "每2小时洗扫一遍，夜间冲洗" in dusty.order("sweep")["instruction"]
    assert "100米内不得喷洒" in dusty.order("sweep")["instruction"]
    assert dusty.steps()["works"] == "open"
    dusty.answers("sweep", "accepted", "arrived")
    dusty.decides("works", "done")
    dusty.answers("sweep", "done", note="洗扫12班")
    assert dusty.steps()["effect"] == "open"
    hour(dusty, 60)
    dusty.wait(31)
    assert (dusty.steps()["effect"], dusty.run().state) == ("done", "done")
    assert dusty.alert().closed_at == dusty.now, "nothing more is wanted at this level"


STOPS: dict[str, tuple[dict[str, float], dict[str, Any], str]] = {
    "cold": ({"temp": 3.0}, {}, "3.0 °C ≤ 4 °C"),
    "rain": ({"rain_rate": 0.5}, {}, "0.5 mm/h ≥ 0.1 mm/h"),
    "ozone": ({}, {"primary_pollutant": "o3"}, "首要污染物为O3"),
    "secondary": ({}, {"pm25": 255.0}, "以二次颗粒物为主"),
}


@pytest.mark.parametrize("stop", STOPS)
def test_each_stop_rule_of_the_linkage_calls_the_sweepers_back_and_says_why(dusty: District, stop: str) -> None:
    sky, air, why = STOPS[stop]
    hour(dusty, 260)
    dusty.answers("sweep", "accepted")
    dusty.now += 5 * MINUTE
    weather(dusty, **sky)
    again(dusty, 260, **air)
    assert dusty.run().state == "stopped"
    assert why in dusty.run().reason
    assert (dusty.ordered(), why in dusty.order("withdraw")["instruction"]) == (["sweep", "withdraw"], True)


def test_an_icing_warning_calls_them_back_too_and_what_is_stopped_from_the_start_orders_nothing(dusty: District) -> None:
    hour(dusty, 260)
    dusty.rows(air_warning, {"case_id": "w", "category": "icing", "level": "yellow", "opened_at": dusty.now})
    dusty.wait(1)
    assert ("道路结冰预警" in dusty.run().reason, dusty.ordered()) == (True, ["sweep", "withdraw"])


def test_in_the_rain_nobody_is_sent_at_all(dusty: District) -> None:
    dusty.now += 60 * MINUTE
    weather(dusty, rain_rate=1.0)
    again(dusty, 260)
    assert (dusty.run(), dusty.ordered()) == (None, [])


def test_air_that_clears_before_anybody_accepted_spares_the_way(dusty: District) -> None:
    hour(dusty, 105)
    dusty.now += 10 * MINUTE
    again(dusty, 50)
    dusty.wait(31)
    assert "接单前已恢复正常" in dusty.order("withdraw")["instruction"]


def test_sweepers_who_do_not_answer_are_asked_again_and_told_upwards(dusty: District) -> None:
    hour(dusty, 260)
    dusty.wait(5)
    assert dusty.ordered() == ["sweep", "withdraw", "sweep"]
    dusty.answers("sweep", "accepted")
    dusty.wait(21)
    assert dusty.told().count("lapse") >= 2, "accepted in time, not on the road in time"


# ---- bus gap → spare minibus


@pytest.fixture
def gappy(tmp_path: Path) -> District:
    made = District(tmp_path, "minibuses.gap_open")
    every_ten = [made.now + 10 * n * MINUTE for n in range(-1, 9)]
    made.rows(trip, *({"case_id": f"t{n}", "asset_id": "L1", "direction": "out", "opened_at": at} for n, at in enumerate(every_ten)))
    arrives(made, 0)
    return made


def arrives(district: District, nth: int) -> None:
    """A bus passes the timing stop."""
    row = {"case_id": f"t{nth}/S1", "asset_id": "S1", "line": "L1", "category": "out", "title": "L1路", "opened_at": district.now}
    district.rows(visit, {**row, **HERE})


def waits(district: District, minutes: float) -> None:
    """Buses go on talking, and none comes."""
    district.now += minutes * MINUTE
    district.rows(vehicle, {"asset_id": "V1", "kind": "vehicle", "name": "V1", "observed_at": district.now})
    district.turn()


def test_a_gap_is_filled_by_a_spare_bus_while_people_still_wait(gappy: District) -> None:
    waits(gappy, 19)
    assert (gappy.alert().level, gappy.ordered()) == ("blue", [])
    waits(gappy, 1)
    assert (gappy.alert().level, gappy.ordered()) == ("yellow", ["spare_bus"])
    assert "已等计划间隔的2倍" in gappy.order("spare_bus")["instruction"]
    gappy.answers("spare_bus", "accepted", "arrived")
    waits(gappy, 7)
    arrives(gappy, 2)
    waits(gappy, 1)
    gappy.answers("spare_bus", "done")
    assert (gappy.run().state, gappy.alert().closed_at) == ("done", gappy.now)


def test_a_gap_that_closes_before_a_bus_was_sent_spares_it(gappy: District) -> None:
    waits(gappy, 20)
    arrives(gappy, 2)
    waits(gappy, 1)
    assert gappy.ordered() == ["spare_bus", "withdraw"]
    assert "派车前间隔已恢复" in gappy.order("withdraw")["instruction"]


def test_dispatchers_who_do_not_answer_are_asked_again_and_told_upwards(gappy: District) -> None:
    waits(gappy, 20)
    waits(gappy, 3)
    waits(gappy, 3)
    assert (gappy.ordered().count("spare_bus"), gappy.told().count("lapse")) == (2, 2)
