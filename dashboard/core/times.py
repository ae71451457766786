"""Time as the store keeps it (UTC, whole microseconds) and as the city counts it (Asia/Shanghai days)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

CITY_ZONE = ZoneInfo("Asia/Shanghai")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UtcDateTime(sa.TypeDecorator[datetime]):
    """An aware UTC datetime, kept as integer microseconds since 1970.

    An integer compares, indexes and buckets the same on SQLite and PostgreSQL; text dates do not.
    """

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:
        return None if value is None else to_micros(value)

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else from_micros(value)


def to_micros(at: datetime) -> int:
    """Microseconds since 1970; refuses a datetime without offset."""
    if at.tzinfo is None:
        raise ValueError("a datetime without offset cannot be stored; attach the source's time zone first")
    delta = at - EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def from_micros(micros: int) -> datetime:
    """The aware UTC datetime of microseconds since 1970."""
    return EPOCH + timedelta(microseconds=micros)


def city_day(at: datetime) -> date:
    """The natural day of the city that a moment belongs to."""
    return at.astimezone(CITY_ZONE).date()


def day_start(day: date) -> datetime:
    """The first moment of a city day, in UTC."""
    return datetime.combine(day, time(), CITY_ZONE).astimezone(UTC)


def day_number(at: datetime) -> int:
    """City days since 1970-01-01: the key of everything kept per day."""
    return (city_day(at) - date(1970, 1, 1)).days


def day_of_number(number: int) -> date:
    """The city day of a day number."""
    return date(1970, 1, 1) + timedelta(days=number)


def iso(at: datetime) -> str:
    """ISO 8601 in UTC with a Z, to the second: how machines are told a time."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
