"""What a viewer may see and do: domains × streets × actions × masks, as one canonical value that keys everything made for them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from dashboard.core.declare import Text
from dashboard.core.scope import Scope

WITHHELD = "\u2063note"  # stands for what somebody wrote, where a viewer may know only that something was
_NOWHERE = "none"  # of a scope that holds nothing


class Action(StrEnum):
    """What a role may do. Reading the city is `see`; everything else is granted by name."""

    SEE = "see"  # panels, maps, alerts, figures
    ROWS = "rows"  # from a number down to the rows behind it, search, series
    EXPORT = "export"  # lists as files
    HANDLE = "handle"  # steps of an alert, comments, photographs, orders
    SILENCE = "silence"  # hide alerts for a time, take situations apart
    DRILL = "drill"  # begin a drill
    SOURCES = "sources"  # departments' databases, quarantine, metrics of the running: the system administrator's
    ACCOUNTS = "accounts"  # people, roles, sessions: the security administrator's
    AUDIT = "audit"  # read and verify the audit log: the auditor's


class Mask(StrEnum):
    """What is left out before anything is made of it."""

    STAFF = "staff"  # who acted: the unit stays, the account's name goes
    NOTES = "notes"  # free text people wrote
    PHOTOS = "photos"  # photographs of a site
    DOORS = "doors"  # the exact place of homes and rentals: the street stays


@dataclass(frozen=True)
class Sight:
    """The part of the city open to a viewer. Viewers of equal sight are sent the same bytes."""

    domains: frozenset[str] | None = None  # None: all
    streets: tuple[str, ...] = ()  # 9-digit codes, sorted; none: the whole district
    masks: frozenset[Mask] = frozenset()
    actions: frozenset[Action] = frozenset(Action)

    @cached_property
    def key(self) -> str:
        """Canonical short text; sights have equal keys only when they are equal."""
        parts = (
            "*" if self.domains is None else ",".join(sorted(self.domains)),
            ",".join(self.streets),
            ",".join(sorted(self.masks)),
            ",".join(sorted(self.actions)),
        )
        return hashlib.blake2b("|".join(parts).encode(), digest_size=9).hexdigest()

    @cached_property
    def window(self) -> Sight:
        """The same part of the city, whatever else may be done in it: what is read for one viewer serves all of equal window."""
        return replace(self, actions=self.actions & {Action.SOURCES, Action.AUDIT})

    @property
    def whole(self) -> bool:
        """Nothing of the city is left out; some of it may still be masked."""
        return self.domains is None and not self.streets

    def may(self, action: Action) -> bool:
        """Whether the action is granted at all."""
        return action in self.actions

    def holds_domain(self, domain: str) -> bool:
        """Whether the domain is open."""
        return self.domains is None or domain in self.domains

    def holds_street(self, street: str | None) -> bool:
        """Whether something in that street is open; what has no street is the district's."""
        return not self.streets or street in self.streets

    def within(self, scope: Scope) -> Scope:
        """The open part of what was asked for: a filter can only narrow. Nothing of it open: a scope that holds nothing."""
        if not self.streets:
            return scope
        open_ = self.streets if scope.whole else tuple(s for s in scope.streets if s in self.streets)
        return Scope(open_ or (_NOWHERE,))


EVERYTHING = Sight()  # what the stages and the command line work with; never a default of anything a stranger reaches
NOTHING = Sight(frozenset(), (_NOWHERE,), frozenset(Mask), frozenset())


@dataclass(frozen=True)
class Role:
    """A kind of viewer. `needs` says what an account of it must name: `domains`, `streets`, or nothing."""

    key: str
    title: Text
    actions: frozenset[Action]
    masks: frozenset[Mask] = frozenset()
    city: bool = True  # sees the city at all; an administrator of accounts does not
    needs: str = ""

    def sight(self, domains: Iterable[str] = (), streets: Iterable[str] = ()) -> Sight:
        """What an account of this role sees. One that names too little sees nothing rather than everything."""
        if not self.city:
            return Sight(frozenset(), (_NOWHERE,), frozenset(Mask), self.actions)
        of_domains, of_streets = frozenset(domains), tuple(sorted(set(streets)))
        return Sight(
            of_domains if self.needs == "domains" or of_domains else None,
            of_streets or ((_NOWHERE,) if self.needs == "streets" else ()),
            self.masks,
            self.actions,
        )


@dataclass(frozen=True)
class Viewer:
    """Somebody signed in, or the greeted viewer of a demo. `name` is the account, never a person's name or number."""

    name: str
    role: Role
    sight: Sight
    session: str = ""  # public number of the session; empty: none, as for the demo's greeting
