"""One channel of readings on a screen: its age, its last 24 hours."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from dashboard.core.times import iso
from dashboard.snapshot.picture import Fresh, Picture
from dashboard.snapshot.shapes import Spark, spark
from dashboard.store import series

_KEPT_S = 300  # a day's line by the hour hardly moves in five minutes


def reading_age(picture: Picture, row: Any) -> Fresh:
    """A channel's own age against its own cadence."""
    if row is None or row.ts is None:
        return Fresh("never", "")
    age = (picture.now - row.ts).total_seconds()
    state = "fresh" if age <= row.cadence_s else ("late" if age <= 3 * row.cadence_s else "silent")
    return Fresh(state, iso(row.ts), row.cadence_s)


def channel_line(picture: Picture, channel_id: int) -> Spark:
    """A channel's last 24 hours against its expected range, by the hour; kept for five minutes."""
    start = picture.at.replace(minute=0, second=0, microsecond=0) - timedelta(hours=23)
    hours = [start + timedelta(hours=i) for i in range(24)]

    def make() -> Spark:
        with picture.reader.engine.connect() as conn:
            points = series.series(conn, channel_id, start, picture.at + timedelta(seconds=1), timedelta(hours=1))
            ranges = series.expected_ranges(conn, channel_id, hours)
        by_hour = {int(p.ts.timestamp()) // 3600: p.mean for p in points}
        return spark([by_hour.get(int(h.timestamp()) // 3600) for h in hours], ranges)

    return picture.reader.keep(("spark", channel_id), (int(picture.at.timestamp()) // _KEPT_S, picture.replay), make)
