"""What a screen asks to see: scope, filters, moment, language. Parsed from the address, canonical, hashable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from dashboard.core.declare import Level
from dashboard.core.scope import Scope, parse_scope


@dataclass(frozen=True)
class View:
    """The filters of a screen. Two screens with equal views are sent the same bytes."""

    scope: Scope = Scope()
    lang: str = "zh"
    levels: tuple[str, ...] = ()  # none: all
    states: tuple[str, ...] = ()
    system: str = ""  # a vital system picked on a page that shows several
    asset: str = ""  # an asset picked on map or table
    t0: datetime | None = None  # time window picked on the strip
    t1: datetime | None = None
    as_of: datetime | None = None  # replay: the whole page at that moment

    @property
    def key(self) -> str:
        """Canonical query text; equal views have equal keys."""
        parts = [f"scope={self.scope.key}", f"lang={self.lang}"]
        for name, value in (
            ("level", ",".join(self.levels)),
            ("state", ",".join(self.states)),
            ("system", self.system),
            ("asset", self.asset),
        ):
            if value:
                parts.append(f"{name}={value}")
        for name, at in (("t0", self.t0), ("t1", self.t1), ("at", self.as_of)):
            if at:
                parts.append(f"{name}={at.astimezone(UTC):%Y%m%dT%H%M%SZ}")
        return "&".join(parts)


def parse_view(query: Mapping[str, str], streets: frozenset[str], vitals: frozenset[str]) -> View:
    """A view from address parameters. What is not understood is dropped; a filter can only narrow."""
    levels = tuple(sorted(set(query.get("level", "").split(",")) & {level.value for level in Level}))
    states = tuple(sorted(set(query.get("state", "").split(",")) & {"new", "in_hand", "closed"}))
    system = query.get("system", "")
    return View(
        scope=parse_scope(query.get("scope"), streets),
        lang="en" if query.get("lang") == "en" else "zh",
        levels=levels,
        states=states,
        system=system if system in vitals else "",
        asset=query.get("asset", "")[:96],
        t0=_moment(query.get("t0", "")),
        t1=_moment(query.get("t1", "")),
        as_of=_moment(query.get("at", "")),
    )


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
