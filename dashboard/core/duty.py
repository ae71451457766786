"""Who is told of what, when and how: channels, recipients, the duty roster (值班表) and routes, as a deployment sets them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Literal

from dashboard.core.declare import Level, Text
from dashboard.core.times import CITY_ZONE

ChannelKind = Literal["mail", "wecom", "dingtalk", "webhook"]
SCREENS = "screens"  # the channel and the recipient that are always there: the product's own screens
MACHINE_EVENTS = ("open", "up", "down", "no_data", "data_back", "clear")
PEOPLE_EVENTS = ("acknowledge", "assign", "dispatch", "arrive", "settle", "verify", "reject", "close", "false_alarm", "reopen", "lapse")
EVENTS = MACHINE_EVENTS + PEOPLE_EVENTS  # what a route may tell of; lapse: a limit of the plan has passed
EVERY_DAY = frozenset(range(1, 8))  # weekdays, Monday is 1
SOUNDS = ("alarm", "chime", "tick", "none")  # presets that assets/live-sound.js plays


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A way out of the house. Its address and secret come from the environment and are never shown."""

    key: str
    kind: ChannelKind
    url: str = field(default="", repr=False)
    unset: str = ""  # the environment variable that should hold the address and does not: its notices wait, the others go
    secret: str = field(default="", repr=False)
    sender: str = ""  # mail: who it is from
    rate: int = 0  # messages a minute it takes; 0: as many as come
    timeout: timedelta = timedelta(seconds=10)


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """A post that is told: a unit and a role, never a person. Where mail goes to comes from the environment."""

    key: str
    title: Text
    channels: tuple[str, ...]
    address: str = field(default="", repr=False)
    unset: str = ""
    units: frozenset[str] = frozenset()  # told, whatever the routes, of what is assigned or escalated to one of these units
    lang: Literal["zh", "en"] = "zh"
    quiet: tuple[time, time] | None = None  # city time; what is below `quiet_below` waits for the end of it
    quiet_below: Level = Level.ORANGE

    def quiet_until(self, at: datetime, level: Level) -> datetime | None:
        """When this may be told at the earliest; None: at once. Red is never held back."""
        if self.quiet is None or level is Level.RED or level.severity >= self.quiet_below.severity:
            return None
        begin, end = self.quiet
        local = at.astimezone(CITY_ZONE)
        if not _within(local.time(), begin, end):
            return None
        day = local.date() if local.time() < end else local.date() + timedelta(days=1)
        return datetime.combine(day, end, CITY_ZONE)


@dataclass(frozen=True, kw_only=True)
class Shift:
    """One line of the duty roster. A shift that runs over midnight belongs to the weekday it begins on."""

    recipient: str
    begin: time
    end: time
    weekdays: frozenset[int] = EVERY_DAY

    def covers(self, at: datetime) -> bool:
        """Whether the post is on duty at a moment."""
        local = at.astimezone(CITY_ZONE)
        if not _within(local.time(), self.begin, self.end):
            return False
        began = local if self.begin < self.end or local.time() >= self.begin else local - timedelta(days=1)
        return began.isoweekday() in self.weekdays


def _within(moment: time, begin: time, end: time) -> bool:
    """Whether a time of day lies in a stretch; one that ends where it begins is the whole day."""
    if begin == end:
        return True
    return begin <= moment < end if begin < end else moment >= begin or moment < end


@dataclass(frozen=True, kw_only=True)
class Route:
    """Which alerts are told to whom. An empty field lets everything pass."""

    key: str
    to: tuple[str, ...]
    domains: frozenset[str] = frozenset()
    streets: frozenset[str] = frozenset()
    from_level: Level = Level.BLUE
    events: frozenset[str] = frozenset({"open", "up", "no_data", "clear", "lapse"})

    def takes(self, event: str, level: Level, domain: str, street: str | None) -> bool:
        """Whether this route tells of it."""
        if event not in self.events or level.severity < self.from_level.severity:
            return False
        return (not self.domains or domain in self.domains) and (not self.streets or street in self.streets)


@dataclass(frozen=True, kw_only=True)
class CapFeed:
    """How our alerts are published in the Common Alerting Protocol."""

    sender: str = "cockpit@localhost"  # globally unique by CAP's own rule: a deployment names itself here
    status: Literal["Actual", "Exercise", "Test"] = "Exercise"  # until a deployment says that its alerts are real
    token: str = field(default="", repr=False)  # what opens messages of restricted scope; empty: nothing does
    key_file: str = ""  # PEM with the key they are signed with; empty: one of this machine's own
    expires: timedelta = timedelta(hours=24)
    keep: timedelta = timedelta(days=7)  # how long a cleared alert stays in the feed
    radius_km: float = 0.1  # of the circle around an asset


@dataclass(frozen=True, kw_only=True)
class Notify:
    """Everything about telling people. As it comes, only the screens and the CAP feed tell."""

    channels: Mapping[str, Channel] = field(default_factory=dict)
    recipients: Mapping[str, Recipient] = field(default_factory=dict)
    shifts: tuple[Shift, ...] = ()
    routes: tuple[Route, ...] = ()
    screens: Route = Route(key=SCREENS, to=(SCREENS,))
    sounds: Mapping[str, str] = field(default_factory=lambda: {"red": "alarm", "orange": "chime", "yellow": "tick", "blue": "none"})
    web: str = ""  # where the cockpit is reached, for links
    digest: timedelta = timedelta(minutes=30)
    digest_below: Level = Level.YELLOW  # what is milder is told together, once every `digest`
    together_from: int = 10  # this many at once for one recipient become one message
    give_up_after: timedelta = timedelta(hours=24)
    cap: CapFeed = CapFeed()

    def on_duty(self, recipients: tuple[str, ...], at: datetime) -> tuple[str, ...]:
        """Of a route's recipients those on duty: without a shift always. Where nobody is, all of them: better woken than lost."""
        there = tuple(key for key in recipients if self._is_on(key, at))
        return there or recipients

    def of_unit(self, unit: str) -> tuple[str, ...]:
        """The recipients that answer for a unit."""
        return tuple(key for key, recipient in self.recipients.items() if unit in recipient.units)

    def _is_on(self, recipient: str, at: datetime) -> bool:
        mine = [shift for shift in self.shifts if shift.recipient == recipient]
        return not mine or any(shift.covers(at) for shift in mine)
