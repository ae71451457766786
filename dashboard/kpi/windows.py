"""Windows of event time: what a flow KPI looks at now, and the stretch a year or a day earlier it is held against."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from dashboard.core.declare import Window
from dashboard.core.times import CITY_ZONE, city_day, day_number, day_start

_TICK = timedelta(microseconds=1)
Back = Literal["year", "day"]


@dataclass(frozen=True)
class Span:
    """Event times from `lo` up to but not including `hi`."""

    lo: datetime
    hi: datetime

    @property
    def days(self) -> range:
        """The city days it touches."""
        return range(day_number(self.lo), day_number(self.hi - _TICK) + 1)


def span(window: Window, now: datetime) -> Span:
    """What a window covers now. City days run to the end of today, a rolling time to this moment."""
    if window.rolling is not None:
        return Span(now - window.rolling, now + _TICK)
    today = city_day(now)
    first = date.fromisoformat(window.since) if window.since else today - timedelta(days=(window.days or 1) - 1)
    return Span(day_start(first), day_start(today + timedelta(days=1)))


def earlier(window: Window, back: Back, now: datetime) -> Span:
    """The same window a year or a day ago, up to the same time of day: half a day is never held against a whole one."""
    here = span(window, now)
    return Span(moved_back(here.lo, back), moved_back(now, back) + _TICK)


def moved_back(at: datetime, back: Back) -> datetime:
    """The same local time on the same date a year earlier (29 February becomes the 28th), or a day earlier."""
    if back == "day":
        return at - timedelta(days=1)
    local = at.astimezone(CITY_ZONE)
    day = 28 if (local.month, local.day) == (2, 29) else local.day
    return local.replace(year=local.year - 1, day=day).astimezone(at.tzinfo)
