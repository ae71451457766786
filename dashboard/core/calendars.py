"""When there is service and when something is under maintenance: rows of the versioned configuration, in the city's own days."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from dashboard.core.declare import Missing, Text
from dashboard.core.errors import ConfigurationError
from dashboard.core.times import CITY_ZONE, city_day, day_start

Stretch = tuple[datetime, datetime]  # from, until
Hours = tuple[timedelta, timedelta]  # after the city's midnight; beyond 24 h: into the next day
_SATURDAY = 5
_LONGEST = timedelta(days=92)  # what is under maintenance for longer is out of order, and should be said so


@dataclass(frozen=True, kw_only=True)
class Holiday:
    """A day that is not what its weekday says: a public holiday, or a weekend day worked in exchange."""

    day: str  # ISO
    rests: bool
    title: Text
    ref: str
    confidence: str


@dataclass(frozen=True, kw_only=True)
class Service:
    """The hours of a calendar on working days and on days of rest, and on which days they hold."""

    key: str
    title: Text
    workdays: tuple[Hours, ...]
    restdays: tuple[Hours, ...]
    ref: str
    confidence: str
    valid_from: str = "2000-01-01"
    valid_to: str = "9999-12-31"


@dataclass(frozen=True)
class Calendar:
    """When there is service: the rows of one key, and the days that are not what their weekday says."""

    services: tuple[Service, ...]
    holidays: Mapping[str, Holiday] = field(default_factory=dict)

    @property
    def title(self) -> Text:
        """What it is called."""
        return self.services[-1].title

    def service(self, day: date) -> Service | None:
        """The row in force on a city day."""
        return next((one for one in self.services if one.valid_from <= day.isoformat() <= one.valid_to), None)

    def rests(self, day: date) -> bool:
        """Whether nobody goes to work on a city day."""
        holiday = self.holidays.get(day.isoformat())
        return holiday.rests if holiday else day.weekday() >= _SATURDAY

    def stretches(self, t0: datetime, t1: datetime) -> Iterator[Stretch]:
        """Every stretch of service that touches a stretch of time, in order."""
        day, last = city_day(t0) - timedelta(days=1), city_day(t1)
        while day <= last:
            yield from ((start, end) for start, end in _of_day(self, day) if start <= t1 and end > t0)
            day += timedelta(days=1)

    def serving(self, at: datetime) -> Stretch | None:
        """The stretch of service a moment is in; None: out of service."""
        return next((one for one in self.stretches(at, at) if one[0] <= at < one[1]), None)

    def ended(self, at: datetime) -> datetime:
        """When service last ended before a moment out of service; that moment itself, if there was none for a fortnight."""
        return max((end for _, end in self.stretches(at - timedelta(days=14), at) if end <= at), default=at)


_days: dict[tuple[int, date], tuple[Calendar, tuple[Stretch, ...]]] = {}


def _of_day(calendar: Calendar, day: date) -> tuple[Stretch, ...]:
    """A day's stretches; asked for again and again while a rule is run over months."""
    found = _days.get((id(calendar), day))
    if found is None or found[0] is not calendar:
        if len(_days) > 4096:
            _days.clear()
        found = _days[id(calendar), day] = (calendar, _made(calendar, day))
    return found[1]


def _made(calendar: Calendar, day: date) -> tuple[Stretch, ...]:
    service, midnight = calendar.service(day), day_start(day)
    hours = () if service is None else service.restdays if calendar.rests(day) else service.workdays
    return tuple((midnight + start, midnight + end) for start, end in hours)


@dataclass(frozen=True, kw_only=True)
class Maintenance:
    """A stretch of time in which what instruments say is not held against a rule: people are working on them. It always ends."""

    since: datetime
    until: datetime
    why: Text
    owner: Text
    domain: str = ""  # everything of a domain, or
    rule: str = ""  # one rule (domain.rule); of either
    asset: str = ""  # one asset alone

    def covers(self, rule: str, asset: str | None = None) -> bool:
        """Whether a rule is not judged then; None: for any asset at all."""
        of_it = rule == self.rule if self.rule else rule.partition(".")[0] == self.domain
        return of_it and (asset is None or self.asset in ("", asset))


# ---- from configuration
def calendars_of(rows: Iterable[Mapping[str, Any]], holidays: Iterable[Mapping[str, Any]]) -> dict[str, Calendar]:
    """Rows of `calendar` and `holiday`, by the calendar's key. Raises ConfigurationError."""
    days = {row["day"]: Holiday(**{**row, "title": Text(*row["title"])}) for row in holidays}
    found: dict[str, Calendar] = {}
    for row in rows:
        known = found[row["key"]].services if row["key"] in found else ()
        found[row["key"]] = Calendar((*known, _service(row)), days)
    return found


def _service(row: Mapping[str, Any]) -> Service:
    hours = {name: tuple(_hours(text, row["key"]) for text in row.get(name, ())) for name in ("workdays", "restdays")}
    return Service(**{**row, "title": Text(*row["title"]), **hours})


def _hours(text: str, key: str) -> Hours:
    """`07:00-20:00`; an end at or before the start is in the next day."""
    try:
        start, end = (timedelta(hours=int(h), minutes=int(m)) for h, m in (part.split(":") for part in text.split("-")))
    except ValueError:
        raise ConfigurationError("calendars", key, f"{text!r} is not hours of a day", "write 07:00-20:00") from None
    return start, end if end > start else end + timedelta(days=1)


def maintenance_of(row: Mapping[str, Any]) -> Maintenance:
    """A row of `[[maintenance]]`. Raises ConfigurationError for one that does not end, or says neither rule nor domain."""
    where = str(row.get("rule") or row.get("domain") or row.get("asset", "?"))
    for needed in ("from", "to", "why", "owner"):
        if needed not in row:
            raise ConfigurationError(
                "calendars", f"maintenance of {where}", f"{needed} is missing", "it always ends, with a reason and an owner"
            )
    since, until = (_moment(row[name], where) for name in ("from", "to"))
    if not timedelta(0) < until - since <= _LONGEST:
        raise ConfigurationError("calendars", f"maintenance of {where}", "must last, and no longer than 92 days")
    if not (row.get("rule") or row.get("domain")):
        raise ConfigurationError("calendars", f"maintenance of {where}", "says neither rule nor domain")
    names = {name: str(row[name]) for name in ("domain", "rule", "asset") if name in row}
    return Maintenance(since=since, until=until, why=Text(*row["why"]), owner=Text(*row["owner"]), **names)


def _moment(given: Any, where: str) -> datetime:
    """A TOML date-time; without offset it is the city's."""
    if isinstance(given, datetime):
        return given if given.tzinfo else given.replace(tzinfo=CITY_ZONE)
    if isinstance(given, date):
        return datetime.combine(given, time(), CITY_ZONE)
    raise ConfigurationError("calendars", f"maintenance of {where}", f"{given!r} is not a moment", "write 2026-11-22T08:00:00")


def check_calendars(calendars: Mapping[str, Calendar], maintenance: Sequence[Maintenance], rules: Mapping[str, Any], domains: Any) -> None:
    """Refuse a rule whose calendar nobody declared, and work on what does not exist. Raises ConfigurationError."""
    for key, (domain, rule) in rules.items():
        named = rule.calendar or domain.calendar
        if isinstance(rule.watches, Missing) and not named:
            raise ConfigurationError("calendars", key, "what should have come needs a service calendar")
        if named and named not in calendars:
            raise ConfigurationError("calendars", key, f"no calendar {named!r}", "known: " + ", ".join(sorted(calendars)))
    for one in maintenance:
        if one.rule and one.rule not in rules:
            raise ConfigurationError("calendars", one.rule, "maintenance of no rule")
        if one.domain and one.domain not in domains:
            raise ConfigurationError("calendars", one.domain, "maintenance of no domain")
