"""What a screen asks to see: scope, filters, moment, language. Parsed from the address, canonical, hashable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from dashboard.core.declare import Level
from dashboard.core.scope import Scope, parse_scope
from dashboard.core.sight import EVERYTHING, Sight

_WHOLE = Scope()
_LONGEST = timedelta(days=31)  # of a time window: nobody reads more off one chart, and an address must not cost a year of readings
_ASSET = 32 + 1 + 96  # what the store holds of a domain's key and an asset's number
_ACTOR, _KIND = 64, 16  # what the audit log holds of an account's name, and of an action's first word
ORDERS = ("false", "fires", "hours")  # the table of rules by share of false alarms, by times rung, by hours
_YEARS = range(2000, 2100)  # moments outside are no moments of this city


@dataclass(frozen=True)
class View:
    """The filters of a screen, within what its viewer may see. Two screens with equal views are sent the same bytes."""

    scope: Scope = _WHOLE
    lang: str = "zh"
    levels: tuple[str, ...] = ()  # none: all
    states: tuple[str, ...] = ()
    system: str = ""  # a vital system picked on a page that shows several, or one of its domains on its own page
    asset: str = ""  # an asset (`domain/asset`) or a line (`domain.metric`, `domain.kpi`) picked
    t0: datetime | None = None  # time window picked on the strip: both ends or neither
    t1: datetime | None = None
    as_of: datetime | None = None  # replay: the whole page at that moment
    order: str = ""  # of the table of rules
    kind: str = ""  # of the audit log: an outcome, or what an action's name begins with
    who: str = ""  # of the audit log: an account
    sight: Sight = EVERYTHING  # what a door knows of its viewer: never part of an address

    @property
    def key(self) -> str:
        """Canonical text; views have equal keys only when they are equal, and so are their viewers' sights."""
        return self.query if self.sight is EVERYTHING else f"{self.query}&sight={self.sight.key}"

    @property
    def query(self) -> str:
        """The same as an address asks for it."""
        moments = (("t0", self.t0), ("t1", self.t1), ("at", self.as_of))
        chosen = (
            ("level", ",".join(self.levels)),
            ("state", ",".join(self.states)),
            ("system", self.system),
            ("asset", quote(self.asset, safe="")),
            ("order", self.order),
            ("kind", self.kind),
            ("who", quote(self.who, safe="")),
            *((name, f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}") for name, at in moments if at),
        )
        return f"scope={self.scope.key}&lang={self.lang}" + "".join(f"&{name}={value}" for name, value in chosen if value)

    @property
    def picked(self) -> bool:
        """Whether less is looked at than the viewer may see."""
        return self.scope != self.sight.within(_WHOLE)

    @property
    def window(self) -> tuple[datetime, datetime] | None:
        """The stretch of time picked, if one is."""
        return (self.t0, self.t1) if self.t0 and self.t1 else None


def parse_view(query: Mapping[str, str], streets: frozenset[str], systems: frozenset[str], sight: Sight) -> View:
    """A view from address parameters. What is not understood, or not open, is dropped; a filter can only narrow."""
    t0, t1 = _window(query.get("t0", ""), query.get("t1", ""))
    kind = query.get("kind", "")[:_KIND]
    system, order, asset = query.get("system", ""), query.get("order", ""), query.get("asset", "")[:_ASSET]
    return View(
        scope=sight.within(parse_scope(query.get("scope"), streets)),
        lang="en" if query.get("lang") == "en" else "zh",
        levels=_chosen(query.get("level", ""), {level.value for level in Level}),
        states=_chosen(query.get("state", ""), {"new", "in_hand", "closed"}),
        system=system if system in systems else "",
        asset=asset if sight.holds_domain(asset.replace(".", "/").partition("/")[0]) else "",
        t0=t0,
        t1=t1,
        as_of=_moment(query.get("at", "")),
        order=order if order in ORDERS else "",
        kind=kind if kind.isascii() and kind.isalpha() else "",
        who=query.get("who", "")[:_ACTOR],
        sight=sight,
    )


def _chosen(text: str, known: set[str]) -> tuple[str, ...]:
    return tuple(sorted(set(text.split(",")) & known))


def _window(t0: str, t1: str) -> tuple[datetime | None, datetime | None]:
    """Both ends in order and not too far apart, or neither."""
    start, end = _moment(t0), _moment(t1)
    fits = start is not None and end is not None and timedelta(0) < end - start <= _LONGEST
    return (start, end) if fits else (None, None)


def _moment(text: str) -> datetime | None:
    try:
        at = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    return at if at.year in _YEARS else None
