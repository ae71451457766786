"""`[notify]` of cockpit.toml, checked: channels, recipients, the duty roster, routes, the CAP feed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import time, timedelta
from typing import Any, TypeVar, get_args

from dashboard.core.declare import Level, Text
from dashboard.core.duty import EVENTS, SCREENS, SOUNDS, CapFeed, Channel, ChannelKind, Notify, Recipient, Route, Shift
from dashboard.core.errors import ConfigurationError

_T = TypeVar("_T")
Duration = Callable[[object, str, str], timedelta]
_WALL_CLOCK = re.compile(r"^([01]?\d|2[0-3]):([0-5]\d)$")
_RATES = {"wecom": 20, "dingtalk": 20}  # messages a minute both services take from one robot
_KEYS = {
    "notify": "web digest digest_below together_from give_up_after screens sounds channel recipient shift route cap",
    "channel": "kind url_env secret_env sender rate timeout",
    "recipient": "title channels address_env units lang quiet quiet_below",
    "shift": "recipient from to weekdays",
    "route": "to domains streets from_level events",
    "screens": "domains streets from_level events",
    "cap": "sender status token_env key_env expires keep radius_km",
}


class _Part:
    """One table of the file: its values taken out one by one, each checked, complaints naming file and key."""

    def __init__(self, raw: Any, kind: str, where: str, file: str, environ: Mapping[str, str], duration: Duration) -> None:
        self.where, self.file, self.environ, self._duration = where, file, environ, duration
        if not isinstance(raw, dict):
            raise ConfigurationError(file, where, f"{raw!r} is not a table", f"write [{where}]")
        self.raw, known = raw, _KEYS[kind].split()
        for key in raw:
            if key not in known:
                raise self.wrong(key, "unknown key", "known: " + ", ".join(sorted(known)))

    def wrong(self, key: str, problem: str, advice: str = "") -> ConfigurationError:
        return ConfigurationError(self.file, f"{self.where}.{key}", problem, advice)

    def inner(self, raw: Any, kind: str, where: str) -> _Part:
        return _Part(raw, kind, f"{self.where}.{where}", self.file, self.environ, self._duration)

    def named(self, key: str) -> dict[str, _Part]:
        """The tables below one of ours, by name."""
        group = self.raw.get(key, {})
        if not isinstance(group, dict):
            raise self.wrong(key, f"{group!r} is not a table", f"write [{self.where}.{key}.<name>]")
        return {name: self.inner(raw, key, f"{key}.{name}") for name, raw in group.items()}

    def text(self, key: str, default: str | None = None) -> str:
        value = self.raw.get(key, default)
        if not isinstance(value, str) or (default is None and not value):
            raise self.wrong(key, "missing" if value is None else f"{value!r} is not a text", "put it in quotes")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.raw.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
            raise self.wrong(key, f"{value!r} is not a list of texts", f'write {key} = ["one", "two"]')
        return tuple(value)

    def one_of(self, key: str, choices: tuple[_T, ...], default: _T) -> _T:
        value = self.raw.get(key, default)
        if value not in choices:
            raise self.wrong(key, f"{value!r} is not known", "write one of " + ", ".join(str(c) for c in choices))
        return choices[choices.index(value)]

    def level(self, key: str, default: Level) -> Level:
        return Level(self.one_of(key, tuple(level.value for level in Level), default.value))

    def duration(self, key: str, default: timedelta) -> timedelta:
        if key not in self.raw:
            return default
        span = self._duration(self.raw[key], self.file, f"{self.where}.{key}")
        if not span:
            raise self.wrong(key, "must be longer than nothing", "write 30s, 5m, 2h or 1d")
        return span

    def number(self, key: str, default: float, least: float) -> float:
        value = self.raw.get(key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value < least:
            raise self.wrong(key, f"{value!r} is not a number from {least:g} up")
        return value

    def secret(self, key: str) -> tuple[str, str]:
        """What an environment variable holds, and the variable's name where it holds nothing."""
        variable = self.text(key, "")
        value = self.environ.get(variable, "") if variable else ""
        return value, variable if variable and not value else ""


def load_notify(raw: Any, file: str, environ: Mapping[str, str], duration: Duration) -> Notify:
    """The checked value of `[notify]`. Raises ConfigurationError."""
    top = _Part(raw, "notify", "notify", file, environ, duration)
    channels = {key: _channel(key, part) for key, part in top.named("channel").items()}
    recipients = {key: _recipient(key, part, channels) for key, part in top.named("recipient").items()}
    return Notify(
        channels=channels,
        recipients=recipients,
        shifts=tuple(_shift(part, recipients) for part in _listed(top, "shift")),
        routes=tuple(_route(key, part, recipients) for key, part in top.named("route").items()),
        screens=_narrowed(SCREENS, (SCREENS,), top.inner(raw.get("screens", {}), "screens", "screens")),
        sounds=_sounds(top),
        web=top.text("web", "").rstrip("/"),
        digest=top.duration("digest", Notify.digest),
        digest_below=top.level("digest_below", Notify.digest_below),
        together_from=int(top.number("together_from", Notify.together_from, 2)),
        give_up_after=top.duration("give_up_after", Notify.give_up_after),
        cap=_cap(top.inner(raw.get("cap", {}), "cap", "cap")),
    )


def _listed(top: _Part, key: str) -> list[_Part]:
    rows = top.raw.get(key, [])
    if not isinstance(rows, list):
        raise top.wrong(key, "is not a list", f"write [[notify.{key}]]")
    return [top.inner(raw, key, f"{key}[{number}]") for number, raw in enumerate(rows)]


def _channel(key: str, part: _Part) -> Channel:
    kinds: tuple[ChannelKind, ...] = get_args(ChannelKind)
    if key == SCREENS:
        raise part.wrong("kind", f"{SCREENS!r} is the product's own screens", "give the channel another name")
    if "kind" not in part.raw:
        raise part.wrong("kind", "missing", "write one of " + ", ".join(kinds))
    kind = part.one_of("kind", kinds, kinds[0])
    if "url_env" not in part.raw:
        raise part.wrong("url_env", "no address", "name the environment variable that holds it")
    url, unset = part.secret("url_env")
    secret, no_secret = part.secret("secret_env")
    return Channel(
        key=key,
        kind=kind,
        url=url,
        unset=unset or no_secret,
        secret=secret,
        sender=part.text("sender") if kind == "mail" else part.text("sender", ""),
        rate=int(part.number("rate", _RATES.get(kind, 0), 0)),
        timeout=part.duration("timeout", Channel.timeout),
    )


def _recipient(key: str, part: _Part, channels: Mapping[str, Channel]) -> Recipient:
    if key == SCREENS:
        raise part.wrong("title", f"{SCREENS!r} is the product's own screens", "give the recipient another name")
    reached = part.texts("channels")
    for channel in reached:
        if channel not in channels:
            raise part.wrong("channels", f"no channel {channel!r}", "known: " + ", ".join(sorted(channels)))
    if not reached:
        raise part.wrong("channels", "no way to reach it", f'write channels = ["{next(iter(channels), "…")}"]')
    if any(channels[channel].kind == "mail" for channel in reached) and "address_env" not in part.raw:
        raise part.wrong("address_env", "mail needs an address", "name the environment variable that holds it")
    address, unset = part.secret("address_env")
    return Recipient(
        key=key,
        title=_title(part),
        channels=reached,
        address=address,
        unset=unset,
        units=frozenset(part.texts("units")),
        lang=part.one_of("lang", ("zh", "en"), "zh"),
        quiet=_stretch(part, "quiet") if "quiet" in part.raw else None,
        quiet_below=part.level("quiet_below", Recipient.quiet_below),
    )


def _title(part: _Part) -> Text:
    words = part.texts("title")
    if len(words) != 2:
        raise part.wrong("title", "is not a pair of titles", 'write title = ["中文", "English"]: a unit and a role, no person')
    return Text(*words)


def _shift(part: _Part, recipients: Mapping[str, Recipient]) -> Shift:
    recipient = part.text("recipient")
    if recipient not in recipients:
        raise part.wrong("recipient", f"no recipient {recipient!r}", "known: " + ", ".join(sorted(recipients)))
    return Shift(recipient=recipient, begin=_clock(part, "from"), end=_clock(part, "to"), weekdays=_weekdays(part))


def _weekdays(part: _Part) -> frozenset[int]:
    text = part.text("weekdays", "1-7")
    match = re.fullmatch(r"[1-7](-[1-7])?(,[1-7](-[1-7])?)*", text.replace(" ", ""))
    if not match:
        raise part.wrong("weekdays", f"{text!r} names no days", 'write "1-5" or "6,7"; Monday is 1')
    days: set[int] = set()
    for piece in text.replace(" ", "").split(","):
        first, _, last = piece.partition("-")
        days |= set(range(int(first), int(last or first) + 1))
    return frozenset(days)


def _clock(part: _Part, key: str) -> time:
    return _time(part, key, part.text(key))


def _time(part: _Part, key: str, text: str) -> time:
    match = _WALL_CLOCK.match(text.strip())
    if not match:
        raise part.wrong(key, f"{text!r} is not a time of day", 'write "08:30"')
    return time(int(match[1]), int(match[2]))


def _stretch(part: _Part, key: str) -> tuple[time, time]:
    begin, dash, end = part.text(key).partition("-")
    if not dash:
        raise part.wrong(key, f"{part.raw[key]!r} is not a stretch of the day", 'write "22:00-07:00"')
    return _time(part, key, begin), _time(part, key, end)


def _route(key: str, part: _Part, recipients: Mapping[str, Recipient]) -> Route:
    to = part.texts("to")
    for recipient in to:
        if recipient not in recipients:
            raise part.wrong("to", f"no recipient {recipient!r}", "known: " + ", ".join(sorted(recipients)))
    if not to:
        raise part.wrong("to", "leads to nobody", 'write to = ["<recipient>"]')
    return _narrowed(key, to, part)


def _narrowed(key: str, to: tuple[str, ...], part: _Part) -> Route:
    events = part.texts("events")
    for event in events:
        if event not in EVENTS:
            raise part.wrong("events", f"{event!r} is not known", "write some of " + ", ".join(EVENTS))
    return Route(
        key=key,
        to=to,
        domains=frozenset(part.texts("domains")),
        streets=frozenset(part.texts("streets")),
        from_level=part.level("from_level", Route.from_level),
        events=frozenset(events) or Route.events,
    )


def _sounds(top: _Part) -> Mapping[str, str]:
    given = top.raw.get("sounds", {})
    if not isinstance(given, dict):
        raise top.wrong("sounds", "is not a table", 'write sounds = { red = "alarm" }')
    for level, preset in given.items():
        if level not in [known.value for known in Level] or preset not in SOUNDS:
            raise top.wrong(f"sounds.{level}", f"{preset!r} is no sound of a level", "sounds: " + ", ".join(SOUNDS))
    return {**Notify().sounds, **given}


def _cap(part: _Part) -> CapFeed:
    token, _ = part.secret("token_env")
    return CapFeed(
        sender=part.text("sender", CapFeed.sender),
        status=part.one_of("status", ("Actual", "Exercise", "Test"), CapFeed.status),
        token=token,
        key_file=part.secret("key_env")[0],
        expires=part.duration("expires", CapFeed.expires),
        keep=part.duration("keep", CapFeed.keep),
        radius_km=part.number("radius_km", CapFeed.radius_km, 0),
    )
