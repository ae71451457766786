"""The part of the city being looked at: the whole district or some of its streets."""

from __future__ import annotations

from dataclasses import dataclass

DISTRICT = "district"


@dataclass(frozen=True)
class Scope:
    """Streets by 9-digit code, sorted; none means the whole district."""

    streets: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Canonical text: `district`, or codes joined by `+`."""
        return "+".join(self.streets) or DISTRICT

    @property
    def whole(self) -> bool:
        """The district itself."""
        return not self.streets

    def holds(self, street: str | None) -> bool:
        """Whether something in that street is inside."""
        return self.whole or street in self.streets


def parse_scope(text: str | None, known: frozenset[str]) -> Scope:
    """A scope from an address; unknown streets are dropped, so that a tampered address can only show less.

    Text of only unknown streets gives a scope that holds nothing rather than the whole district.
    """
    if not text or text == DISTRICT:
        return Scope()
    wanted = sorted({part for part in text.replace(" ", "+").split("+") if part})
    return Scope(tuple(s for s in wanted if s in known) or ("none",))
