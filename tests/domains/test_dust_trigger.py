"""Bad air sends sweepers out: every level against every rule that forbids it, where they go, and what the duty officer reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from dashboard.core.catalog import load_catalog
from dashboard.core.declare import Finding
from data_sources.dust_trigger import LEVELS, distance_m, judge

NOW = datetime(2026, 11, 20, 4, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
PARAMETERS = load_catalog().rule_parameters("road_cleaning.dust", "2026-11-20")
MILD = {"temp": 15.0, "rain_rate": 0.0, "wind_speed": 2.0, "wind_from": 0.0}


def station(asset: str = "N", kind: str = "national", lon: float = 106.57, lat: float = 29.56) -> Any:
    return SimpleNamespace(asset_id=asset, kind=kind, name=f"{asset}站", street="500103003", lon=lon, lat=lat)


def hour(pm10: float | None, back: int = 0, asset: str = "N", **more: Any) -> Any:
    """The hour that ended at noon, or some hours before."""
    at = NOW.replace(minute=0) - back * HOUR
    usual = {"category": "valid", "pm25": None if pm10 is None else pm10 / 2, "aqi": 60, "primary_pollutant": "pm10"}
    return SimpleNamespace(asset_id=asset, opened_at=at, pm10=pm10, **{**usual, **more})


def segment(asset: str, east_m: float, north_m: float, grade: int = 2) -> Any:
    lon, lat = 106.57 + east_m / (111_320 * 0.86985), 29.56 + north_m / 110_900
    return SimpleNamespace(asset_id=asset, road_grade=grade, length_m=500.0, area_m2=8000.0, lon=lon, lat=lat)


def weather(**values: float) -> list[Any]:
    return [SimpleNamespace(asset_id="N", metric=metric, value=value) for metric, value in {**MILD, **values}.items()]


def warning(level: str, category: str = "pollution") -> Any:
    return SimpleNamespace(category=category, level=level)


def judged(hours: list[Any], **rows: Any) -> list[Finding]:
    given = {"stations": [station()], "hours": hours, "weather": weather(), "warnings": [], "segments": [], **rows}
    return judge(given, PARAMETERS, NOW)


def level(hours: list[Any], **rows: Any) -> str | None:
    """The level found, whether or not something forbids acting on it."""
    found = judged(hours, **rows)
    return LEVELS[int(found[0].value) - 1] if found else None


@pytest.mark.parametrize(
    ("pm10", "reached"),
    [
        ([99], None),
        ([100], "blue"),
        ([119, 200], "blue"),
        ([120], "blue"),  # one hour alone does not make the second level
        ([120, 119], "blue"),
        ([120, 120], "yellow"),
        ([249, 249], "yellow"),
        ([250], "orange"),
        ([349, 90], "orange"),
        ([350], "red"),
        ([80, 400], None),  # over already
    ],
)
def test_concentration_alone_reaches_each_level_at_its_limit(pm10: list[float], reached: str | None) -> None:
    assert level([hour(value, back) for back, value in enumerate(pm10)]) == reached


@pytest.mark.parametrize(
    ("aqi", "primary", "reached"),
    [
        (80, "pm10", None),
        (81, "pm10", "blue"),
        (81, "pm25", None),  # the first level asks for PM10 itself
        (100, "pm10", "blue"),
        (101, "pm25", "yellow"),
        (150, "pm10", "yellow"),
        (151, "pm25", "orange"),
        (200, "pm10", "orange"),
        (201, "pm10", "red"),
        (210, "o3", None),
        (160, "o3+pm10", "orange"),  # a tie counts
    ],
)
def test_the_index_reaches_each_level_where_particles_are_primary(aqi: int, primary: str, reached: str | None) -> None:
    assert level([hour(70, aqi=aqi, primary_pollutant=primary)]) == reached


@pytest.mark.parametrize(("grade", "reached"), [("blue", "blue"), ("yellow", "yellow"), ("orange", "orange"), ("red", "red")])
def test_a_warning_in_force_reaches_its_level_for_the_station_that_stands_for_the_district(grade: str, reached: str) -> None:
    stations = [station(), station("M", "micro")]
    found = judged([hour(40), hour(40, asset="M")], stations=stations, warnings=[warning(grade)])
    assert [(one.asset, LEVELS[int(one.value) - 1]) for one in found] == [("N", reached)]


@pytest.mark.parametrize(("here", "reached"), [([91, 91], "blue"), ([91, 80], None), ([91], None)])
def test_much_dustier_than_the_district_for_two_hours_is_the_first_level(here: list[float], reached: str | None) -> None:
    others = [hour(60, back, asset=f"M{i}") for i in range(9) for back in range(2)]
    stations = [station(), *(station(f"M{i}", "micro") for i in range(9))]
    found = judged([hour(v, back) for back, v in enumerate(here)] + others, stations=stations)
    assert [one.asset for one in found] == (["N"] if reached else [])


def test_clean_air_a_little_less_clean_than_elsewhere_sends_nobody() -> None:
    others = [hour(20, back, asset=f"M{i}") for i in range(9) for back in range(2)]
    assert judged([hour(49), hour(49, 1), *others], stations=[station(), *(station(f"M{i}", "micro") for i in range(9))]) == []


AIR: dict[str, list[Any]] = {
    "blue": [hour(110)],
    "yellow": [hour(130), hour(130, 1)],
    "orange": [hour(260)],
    "red": [hour(360)],
}
STOPS: dict[str, tuple[dict[str, Any], dict[str, float], list[Any], str]] = {  # what the air, the sky and the government say → the words
    "ozone": ({"primary_pollutant": "o3"}, {}, [], "首要污染物为O3"),
    "nitrogen": ({"primary_pollutant": "no2"}, {}, [], "首要污染物为NO2"),
    "secondary": ({"pm25": 400.0}, {}, [], "二次颗粒物"),
    "cold": ({}, {"temp": 4.0}, [], "气温 4.0 °C ≤ 4 °C"),
    "icing": ({}, {}, [warning("yellow", "icing")], "道路结冰预警"),
    "rain": ({}, {"rain_rate": 0.1}, [], "降雨 0.1 mm/h"),
}


@pytest.mark.parametrize("reached", LEVELS)
@pytest.mark.parametrize("stop", STOPS)
def test_each_stop_rule_holds_at_each_level_and_says_so(reached: str, stop: str) -> None:
    air, sky, warnings, words = STOPS[stop]
    hours = [SimpleNamespace(**{**vars(one), **air}) for one in AIR[reached]]
    (found,) = judged(hours, weather=weather(**sky), warnings=warnings)
    assert LEVELS[int(found.value) - 1] == reached, "the level is what the air says"
    assert found.stopped is not None and words in found.stopped.zh


@pytest.mark.parametrize("reached", LEVELS)
@pytest.mark.parametrize("stop", ["ozone", "nitrogen", "secondary"])
def test_a_government_warning_overrides_what_speaks_against_its_use(reached: str, stop: str) -> None:
    hours = [SimpleNamespace(**{**vars(one), **STOPS[stop][0]}) for one in AIR[reached]]
    assert judged(hours, warnings=[warning("yellow")])[0].stopped is None


@pytest.mark.parametrize("stop", ["cold", "icing", "rain"])
def test_no_warning_overrides_the_weather(stop: str) -> None:
    _, sky, warnings, _ = STOPS[stop]
    assert judged([hour(260)], weather=weather(**sky), warnings=[*warnings, warning("red")])[0].stopped is not None


@pytest.mark.parametrize("reached", LEVELS)
def test_nothing_stops_a_level_in_mild_weather(reached: str) -> None:
    assert judged(AIR[reached])[0].stopped is None


@pytest.mark.parametrize(("temp", "rain", "stopped"), [(4.1, 0.0, False), (4.0, 0.0, True), (15.0, 0.09, False), (15.0, 0.1, True)])
def test_weather_stops_from_its_limit_on(temp: float, rain: float, stopped: bool) -> None:
    assert (judged([hour(110)], weather=weather(temp=temp, rain_rate=rain))[0].stopped is not None) == stopped


def test_unknown_weather_forbids_nothing_and_is_shown_as_unknown() -> None:
    (found,) = judged([hour(110)], weather=[])
    said = {what.zh: value for what, value in found.because}
    assert found.stopped is None and (said["气温"], said["雨强"], said["风速"]) == ("—", "—", "—")


def test_one_broken_thermometer_does_not_stop_the_city() -> None:
    rows = [SimpleNamespace(asset_id=f"M{i}", metric="temp", value=-20.0 if i == 0 else 15.0) for i in range(5)]
    assert judged([hour(110)], weather=rows)[0].stopped is None


@pytest.mark.parametrize("flag", ["missing", "calibration", "maintenance", "limit"])
def test_an_hour_that_is_not_valid_sends_nobody(flag: str) -> None:
    assert judged([hour(400, category=flag)]) == []


def test_an_hour_too_old_to_act_on_sends_nobody() -> None:
    assert judged([hour(400, back=3)]) == []


def test_a_gap_between_two_hours_is_not_two_hours_running() -> None:
    assert level([hour(130), hour(130, 2)]) == "blue"


def test_a_micro_station_has_no_index_of_its_own_and_heeds_that_of_the_national_one() -> None:
    stations = [station(), station("M", "micro")]
    hours = [hour(40, aqi=120, primary_pollutant="o3"), hour(110, asset="M", aqi=None, primary_pollutant="")]
    (found,) = judged(hours, stations=stations)
    assert found.asset == "M" and found.stopped is not None and "O3" in found.stopped.zh


# ---- where
ROADS = [
    segment("north", 0, 1000),
    segment("south", 0, -1000),
    segment("east", 1000, 0),
    segment("far north", 0, 1600),
    segment("first grade, far south", 0, -3000, grade=1),
    segment("by the inlet", 0, 90),
]


def _treated(**sky: float) -> str:
    (found,) = judged([hour(110)], segments=ROADS, weather=weather(**sky))
    said = {what.zh: value for what, value in found.because}
    return f"{said['加一遍洗扫、一遍洒水']} | {said['采样口100米内不洒的路段']}"


def test_the_road_the_wind_blows_from_and_all_of_grade_one_are_treated_and_none_beside_the_inlet() -> None:
    assert _treated(wind_from=0.0) == "2×, 1.0 km, 1.6×10⁴ m² | 1×"  # north, grade one; the inlet's own stretch is left out
    assert _treated(wind_from=90.0) == "2×, 1.0 km, 1.6×10⁴ m² | 0×"  # east, grade one


def test_in_calm_air_every_road_within_reach_is_treated() -> None:
    assert _treated(wind_speed=0.5) == "4×, 2.0 km, 3.2×10⁴ m² | 1×"


def test_a_stretch_just_outside_the_fence_is_sprayed() -> None:
    near, clear = segment("near", 0, 99), segment("clear", 0, 101)
    assert distance_m(station(), near) < 100 < distance_m(station(), clear)
    (found,) = judged([hour(110)], segments=[near, clear])
    assert any(what.zh.startswith("采样口") and said == "1×" for what, said in found.because)


@pytest.mark.parametrize(("wind", "barred"), [(7.9, False), (8.0, True)])
def test_the_mist_cannon_stays_home_in_wind_of_force_five(wind: float, barred: bool) -> None:
    (found,) = judged([hour(260)], weather=weather(wind_speed=wind))
    assert found.stopped is None and any(what.zh.startswith("不用雾炮") for what, _ in found.because) == barred


# ---- what is read
@pytest.mark.parametrize(("reached", "minutes"), list(zip(LEVELS, ["15·45·180", "10·30·120", "5·20·90", "5·15·60"], strict=True)))
def test_each_level_says_by_when(reached: str, minutes: str) -> None:
    (found,) = judged(AIR[reached])
    assert dict((what.zh, said) for what, said in found.because)["接单、出车、完成时限"] == f"{minutes} min"


def test_every_reason_stands_with_its_number_and_its_limit() -> None:
    (found,) = judged([hour(132, aqi=110), hour(125, 1)])
    said = {what.zh: value for what, value in found.because}
    assert said["PM10连续2小时"] == "132, 125 ≥ 120 µg/m³"
    assert said["空气质量指数，颗粒物为首要污染物"] == "110 ≥ 101"
    assert (said["首要污染物"], said["PM10/PM2.5"]) == ("PM10", "2.00")
    assert found.at == NOW.replace(minute=0)
