"""River levels against a station's own limits: headroom, rise and time to warning, each only within one datum."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from dashboard.city import Row
from data_sources.measured_text import measured

LOWEST_M, HIGHEST_M = 100.0, 250.0  # what a gauge in this city can read, whatever its datum
FAR_H = 72.0  # nobody plans further ahead: a river that falls, stands or takes longer is this far from its limit
_STILL_M_H = 0.01  # a rise smaller than a gauge can tell in an hour
_SPAN = (timedelta(minutes=20), timedelta(minutes=120))  # between two readings a rise can be told from


def rise_rate(level: float, earlier: float | None, apart: timedelta | None) -> float | None:
    """Metres an hour since an earlier reading; None where it is too near, too far or no reading at all."""
    if earlier is None or apart is None or not _SPAN[0] <= apart <= _SPAN[1] or not LOWEST_M <= earlier <= HIGHEST_M:
        return None
    return (level - earlier) / (apart / timedelta(hours=1))


def hours_to(headroom: float | None, rise: float | None) -> float | None:
    """Hours until a limit is reached at the present rise: 0 at or over it, FAR_H where it is not in sight."""
    if headroom is None or rise is None:
        return None
    if headroom <= 0:
        return 0.0
    return FAR_H if rise < _STILL_M_H else min(headroom / rise, FAR_H)


def over_and_rising(level: float, guarantee: float | None, rise: float | None) -> float | None:
    """Metres over the guarantee level while the river still rises; 0 otherwise."""
    if guarantee is None or rise is None:
        return None
    return max(level - guarantee, 0.0) if rise >= _STILL_M_H else 0.0


def river_reading(row: Row) -> Row:
    """A gauge's level with all that is worked out from it.

    The limits of a station hold in the station's own datum: a level in another one, or in none that is named, is refused
    and never converted.
    """
    theirs, ours = row.get("datum"), row.get("station_datum")
    if not theirs or theirs != ours:
        raise ValueError(f"基面不符：读数为{theirs or '未注明'}，本站特征水位为{ours or '未注明'}")
    level = measured(row.get("level"))
    if level is None or not LOWEST_M <= level <= HIGHEST_M:
        raise ValueError("水位缺测" if level is None else f"水位{level:g} m超出量程{LOWEST_M:g}–{HIGHEST_M:g} m")
    rise = rise_rate(level, measured(row.get("earlier")), _apart(row))
    return {**row, "level": level, "rise": rise, **_against(row, level, rise)}


def _against(row: Mapping[str, object], level: float, rise: float | None) -> Row:
    """Distances to the limits the station has; a limit nobody published stays unknown."""
    warning, guarantee, record = (measured(row.get(name)) for name in ("warning", "guarantee", "record"))
    to_warning = None if warning is None else warning - level
    return {
        "to_warning": to_warning,
        "to_guarantee": None if guarantee is None else guarantee - level,
        "to_record": None if record is None else record - level,
        "hours_to_warning": hours_to(to_warning, rise),
        "over_rising": over_and_rising(level, guarantee, rise),
    }


def _apart(row: Row) -> timedelta | None:
    """Time between the reading and the earlier one, both as the department wrote them."""
    now, then = (_moment(row.get(name)) for name in ("measured_at", "earlier_at"))
    if now is None or then is None or (now.tzinfo is None) != (then.tzinfo is None):
        return None
    return now - then


def _moment(raw: object) -> datetime | None:
    if isinstance(raw, datetime):
        return raw
    try:
        return datetime.fromisoformat(str(raw).strip()) if raw else None
    except ValueError:
        return None
