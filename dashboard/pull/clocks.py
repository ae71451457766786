"""How a source's clock goes against ours: ahead as soon as a row comes from the future, behind when every row comes as late as the last.

A clock that is wrong by a zone or by summer time is off by whole half hours, and stays so: that tells it from a feed that is
merely late, whose lag grows while nothing comes and shrinks when it does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

AHEAD = timedelta(minutes=5)  # a row this far in the future says that their clock is wrong
_KEPT = 8  # turns that brought something newer
_LEAST = timedelta(minutes=25)  # a lag less than this is no clock's
_STEADY = timedelta(minutes=12)  # lags of a clock that is behind lie within this of each other
_STEP, _OFF = timedelta(minutes=30), timedelta(minutes=10)
_PROMPT = 0.5  # a feed whose data may be this share of the lag old is late by nature


def lags_with(before: Sequence[int], newest: datetime, now: datetime) -> list[int]:
    """How old the newest row was in the turns lately that brought one, this turn included; seconds."""
    return [*before, round((now - newest).total_seconds())][-_KEPT:]


def skew(newest: datetime, now: datetime, lags: Sequence[int], cadence: timedelta) -> int | None:
    """Seconds their clock is ahead (above 0) or behind (below 0); None: nothing says that it is wrong."""
    ahead = newest - now
    if ahead > AHEAD:
        return round(ahead.total_seconds())
    if len(lags) < _KEPT:
        return None
    least, most = timedelta(seconds=min(lags)), timedelta(seconds=max(lags))
    middle = (least + most) / 2
    off = abs(middle - round(middle / _STEP) * _STEP)
    behind = least >= _LEAST and most - least <= _STEADY and off <= _OFF and cadence <= _PROMPT * middle
    return -round(middle.total_seconds()) if behind else None
