"""The ways into the product, as one checked value: open on loopback, or accounts, with or without an OpenID provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from dashboard.core.declare import Text

Mode = Literal["open", "accounts"]


@dataclass(frozen=True, kw_only=True)
class Grant:
    """A role with the part of the city it is given for."""

    role: str
    domains: tuple[str, ...] = ()
    streets: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Persona(Grant):
    """Somebody to try the demo as."""

    key: str
    title: Text | None = None  # None: the role's own


GREETED = Persona(key="viewer", role="viewer")  # whom a newcomer to the demo is


@dataclass(frozen=True, kw_only=True)
class Oidc:
    """An OpenID provider that says who somebody is; which groups of it mean what here."""

    issuer: str
    client_id: str
    client_secret: str = ""
    unset: str = ""  # the environment variable that should hold the secret and does not
    title: Text = field(default_factory=lambda: Text("统一身份认证", "Single sign-on"))
    scopes: tuple[str, ...] = ("openid", "profile", "groups")
    name_claim: str = "preferred_username"
    groups_claim: str = "groups"
    grants: Mapping[str, Grant] = field(default_factory=dict)  # by group, the first that fits counts


@dataclass(frozen=True, kw_only=True)
class Access:
    """How people and programs come in."""

    mode: Mode = "open"
    address: str = ""  # what people type to reach us, https://…; empty: whatever they typed, plain on loopback
    demo: Mapping[str, Persona] = field(default_factory=lambda: {GREETED.key: GREETED})
    oidc: Oidc | None = None

    @property
    def open(self) -> bool:
        """Whether nobody signs in: the demo on loopback."""
        return self.mode == "open"

    @property
    def secure(self) -> bool:
        """Whether browsers reach us over TLS, and cookies may insist on it."""
        return self.address.startswith("https://")
