"""Channels of readings on a screen: their newest value at the moment of the picture, their age, their line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.core.readings import latest
from dashboard.core.times import from_micros, iso
from dashboard.snapshot.picture import Fresh, Picture
from dashboard.snapshot.resting import RESTING, rest_of
from dashboard.snapshot.shapes import Spark, spark
from dashboard.store import series

_KEPT_S = 300  # a day's line by the hour hardly moves in five minutes
_LOOK_BACK = timedelta(days=3)  # how far a replay looks for a channel's newest reading

Range = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Newest:
    """A channel and what it last said."""

    channel_id: int
    domain: str
    metric: str
    asset_id: str
    street: str | None
    cadence_s: int
    ts: datetime | None
    value: float | None
    quality: int = 0


@dataclass(frozen=True)
class Day:
    """A channel's last 24 hours by the hour, with what is usual at each."""

    values: Sequence[float | None]
    ranges: Sequence[Range | None]


_COLUMNS = [latest.c[name] for name in Newest.__dataclass_fields__]


def channels_of(picture: Picture, domain: str, asset_id: str) -> list[Newest]:
    """An asset's channels that ever spoke, as they stood at the moment of the picture."""
    c = latest.c
    speaking = sa.select(*_COLUMNS).where(c.domain == domain, c.asset_id == asset_id, c.ts.is_not(None)).order_by(c.channel_id)
    with picture.reading() as conn:
        found = [Newest(**row._mapping) for row in conn.execute(speaking)]
        return [_as_it_stood(conn, one, picture.at) for one in found] if picture.replay else found


def _as_it_stood(conn: sa.Connection, one: Newest, at: datetime) -> Newest:
    said = series.readings_between(conn, one.channel_id, at - _LOOK_BACK, at + timedelta(microseconds=1))
    ts, value, quality = said[-1] if said else (None, None, 0)
    return Newest(**{**vars(one), "ts": None if ts is None else from_micros(ts), "value": value, "quality": quality})


def reading_age(picture: Picture, row: Any) -> Fresh:
    """A channel's own age against its own cadence."""
    if row is None or row.ts is None:
        return Fresh("never", "")
    state = _state((picture.now - row.ts).total_seconds(), row.cadence_s)
    if state != "fresh" and rest_of(picture, row):
        return Fresh(RESTING, iso(row.ts), 0)  # without a cadence it grows old on the screen without a warning
    return Fresh(state, iso(row.ts), row.cadence_s)


def state_then(picture: Picture, row: Newest) -> str:
    """How fresh a channel was at the moment of the picture."""
    if row.ts is None:
        return "never"
    state = _state((picture.at - row.ts).total_seconds(), row.cadence_s)
    return RESTING if state != "fresh" and rest_of(picture, row) else state


def _state(age: float, cadence_s: int) -> str:
    return "fresh" if age <= cadence_s else ("late" if age <= 3 * cadence_s else "silent")


def channel_day(picture: Picture, channel_id: int) -> Day:
    """A channel's last 24 hours against its expected range, by the hour; kept for five minutes."""
    start = picture.at.replace(minute=0, second=0, microsecond=0) - timedelta(hours=23)
    hours = [start + timedelta(hours=i) for i in range(24)]

    def make() -> Day:
        with picture.reading() as conn:
            points = series.series(conn, channel_id, start, picture.at + timedelta(seconds=1), timedelta(hours=1))
            ranges = series.expected_ranges(conn, channel_id, hours)
        by_hour = {int(p.ts.timestamp()) // 3600: p.mean for p in points}
        return Day([by_hour.get(int(h.timestamp()) // 3600) for h in hours], ranges)

    return picture.keep(("day", channel_id), (int(picture.at.timestamp()) // _KEPT_S, picture.replay), make)


def channel_line(picture: Picture, channel_id: int) -> Spark:
    """The same as a small line."""
    day = channel_day(picture, channel_id)
    return spark(day.values, day.ranges)
