"""The hourly index we compute equals the one that was published, row by row, for a week of 25 cities."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dashboard.core.times import CITY_ZONE
from data_sources.aqi import GRADES, POLLUTANT_WORDS, aqi_hour

PUBLISHED = Path(__file__).parents[3] / "shared/data/air_quality/pm25in_hourly_2020/stations_20200402_0408.csv.gz"
COLUMNS = {"pm25": "PM2.5", "pm10": "PM10", "so2": "SO2", "no2": "NO2", "co": "CO", "o3": "O3_1h"}
WORDS = {"颗粒物(PM10)": "pm10", "臭氧1小时": "o3"} | {words.zh: key for key, words in POLLUTANT_WORDS.items()}

pytestmark = pytest.mark.skipif(not PUBLISHED.exists(), reason=f"published air quality is not here: {PUBLISHED}")


def number(text: str) -> float | None:
    """NaN, a dash and nothing all mean that there is no value."""
    try:
        value = float(text)
    except ValueError:
        return None
    return None if value != value else value


def observed() -> Iterator[tuple[dict[str, str], dict[str, float | None], datetime]]:
    """Rows that carry both an index and concentrations, and were observed in that week: a few stations stood still since 2017."""
    with gzip.open(PUBLISHED, "rt", encoding="utf-8-sig", newline="") as lines:
        for row in csv.DictReader(lines):
            found = {key: number(row[column]) for key, column in COLUMNS.items()}
            if number(row["AQI"]) is not None and any(v is not None for v in found.values()) and row["Date"] >= "20200402":
                yield row, found, datetime.strptime(row["Date"], "%Y%m%d").replace(tzinfo=CITY_ZONE) + timedelta(hours=int(row["Hour"]))


def test_every_published_index_and_level_of_the_week_is_reproduced() -> None:
    rows = list(observed())
    wrong = []
    for row, found, at in rows:
        ours = aqi_hour(found, at)
        if ours.value != number(row["AQI"]) or GRADES[(ours.grade or 0) - 1].zh != row["Level"]:
            wrong.append((row["City"], row["WatchPoint"], row["Date"], row["Hour"], row["AQI"], row["Level"], ours))
    assert len(rows) > 19_000
    assert wrong == []


def test_every_published_primary_pollutant_of_the_week_is_among_ours() -> None:
    wrong = []
    for row, found, at in observed():
        names = [part.strip() for part in row["PrimaryPollution"].split("\n") if part.strip() not in ("", "NaN", "—", "-")]
        ours = aqi_hour(found, at)
        if names and not {WORDS.get(n, n) for n in names} <= set(ours.primary):
            wrong.append((row["City"], row["WatchPoint"], names, ours))
    assert wrong == []
