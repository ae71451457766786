"""Rules said in a line: a metric beyond its limits for a while, an instrument that stands still."""

from __future__ import annotations

from datetime import timedelta

from dashboard.city import AlertRule, RateOfChange, Readings, Stillness, Text

_MINUTE = timedelta(minutes=1)


def watch(
    key: str, zh: str, en: str, metric: str, unit: str, hold: float = 0, clear_hold: float = 0, *, life_safety: bool = False
) -> AlertRule:
    """Rings once the readings of a metric have been beyond a limit for `hold` minutes; clears after `clear_hold` minutes within it."""
    return AlertRule(
        key=key,
        title=Text(zh, en),
        watches=Readings(metric=metric),
        hold=hold * _MINUTE,
        clear_hold=clear_hold * _MINUTE,
        unit=unit,
        life_safety=life_safety,
    )


def changes_fast(key: str, zh: str, en: str, metric: str, unit: str, over: float, *, life_safety: bool = False) -> AlertRule:
    """Rings when a metric changes faster than a limit, per hour over a window of `over` minutes; a window with holes says nothing."""
    watched = RateOfChange(metric=metric, over=over * _MINUTE)
    return AlertRule(key=key, title=Text(zh, en), watches=watched, clear_hold=over * _MINUTE, unit=unit, life_safety=life_safety)


def stands_still(key: str, zh: str, en: str, metric: str) -> AlertRule:
    """An instrument that says always the same: a fault of the instrument, never one of what it measures."""
    return AlertRule(key=key, title=Text(zh, en), watches=Stillness(metric=metric), unit="min")
