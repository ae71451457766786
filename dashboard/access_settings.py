"""`[access]` of cockpit.toml, checked: open on loopback or accounts, the demo's personas, an OpenID provider and its groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from dashboard.core.declare import Text
from dashboard.core.doors import GREETED, Access, Grant, Mode, Oidc, Persona
from dashboard.core.errors import ConfigurationError

_GRANT = "role domains streets"
_KEYS = {
    "access": "mode address demo oidc",
    "demo": f"{_GRANT} title",
    "oidc": "issuer client_id client_secret_env title scopes name_claim groups_claim grant",
    "grant": _GRANT,
}
_LOOPBACK = ("http://127.0.0.1", "http://localhost", "http://[::1]")


@dataclass(frozen=True)
class _Part:
    """One table of the file; complaints name file and key."""

    raw: Mapping[str, Any]
    where: str
    file: str

    def wrong(self, key: str, problem: str, advice: str = "") -> ConfigurationError:
        return ConfigurationError(self.file, f"{self.where}.{key}", problem, advice)

    def text(self, key: str, default: str = "") -> str:
        value = self.raw.get(key, default)
        if not isinstance(value, str):
            raise self.wrong(key, f"{value!r} is not a text", "put it in quotes")
        return value

    def texts(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        value = self.raw.get(key, list(default))
        if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
            raise self.wrong(key, f"{value!r} is not a list of texts", f'write {key} = ["one", "two"]')
        return tuple(value)

    def title(self) -> Text | None:
        words = self.texts("title")
        if len(words) not in (0, 2):
            raise self.wrong("title", "is not a pair of titles", 'write title = ["中文", "English"]')
        return Text(*words) if words else None

    def inner(self, key: str, kind: str) -> _Part:
        return _part(self.raw.get(key, {}), kind, f"{self.where}.{key}", self.file)

    def named(self, key: str) -> dict[str, _Part]:
        group = self.raw.get(key, {})
        if not isinstance(group, dict):
            raise self.wrong(key, f"{group!r} is not a table", f"write [{self.where}.{key}.<name>]")
        return {name: _part(raw, key, f"{self.where}.{key}.{name}", self.file) for name, raw in group.items()}


def _part(raw: Any, kind: str, where: str, file: str) -> _Part:
    if not isinstance(raw, dict):
        raise ConfigurationError(file, where, f"{raw!r} is not a table", f"write [{where}]")
    known = _KEYS[kind].split()
    for key in raw:
        if key not in known:
            raise ConfigurationError(file, f"{where}.{key}", "unknown key", "known: " + ", ".join(sorted(known)))
    return _Part(raw, where, file)


def load_access(raw: Any, file: str, environ: Mapping[str, str]) -> Access:
    """The checked value of `[access]`; COCKPIT_ACCESS and COCKPIT_ADDRESS win over the file. Raises ConfigurationError."""
    top = _part(raw, "access", "access", file)
    mode = environ.get("COCKPIT_ACCESS") or top.text("mode", "open")
    if mode not in get_args(Mode):
        raise top.wrong("mode", f"{mode!r} is not known", "write open (a demo on this machine) or accounts (people sign in)")
    personas = {key: _persona(key, part) for key, part in top.named("demo").items()}
    if "oidc" in top.raw and not _address(top, environ):
        raise top.wrong("address", "missing", "the provider sends people back to it: https://example.gov.cn")
    return Access(
        mode="open" if mode == "open" else "accounts",
        address=_address(top, environ),
        demo=personas or {GREETED.key: GREETED},
        oidc=_oidc(top.inner("oidc", "oidc"), environ) if "oidc" in top.raw else None,
    )


def _address(top: _Part, environ: Mapping[str, str]) -> str:
    """Passwords travel over TLS, or do not leave the machine."""
    address = (environ.get("COCKPIT_ADDRESS") or top.text("address")).rstrip("/")
    if address and not address.startswith(("https://", *_LOOPBACK)):
        raise top.wrong("address", f"{address!r} is not https://…", "put a proxy with TLS in front: docs/deploy.md")
    return address


def _grant(part: _Part) -> Grant:
    if not part.text("role"):
        raise part.wrong("role", "missing", "name a role of data_sources/access/roles.toml")
    return Grant(role=part.text("role"), domains=part.texts("domains"), streets=part.texts("streets"))


def _persona(key: str, part: _Part) -> Persona:
    grant = _grant(part)
    return Persona(key=key, title=part.title(), role=grant.role, domains=grant.domains, streets=grant.streets)


def _oidc(part: _Part, environ: Mapping[str, str]) -> Oidc:
    for needed in ("issuer", "client_id"):
        if not part.text(needed):
            raise part.wrong(needed, "missing")
    issuer = part.text("issuer")
    if not issuer.startswith(("https://", *_LOOPBACK)):
        raise part.wrong("issuer", f"{issuer!r} is not https://…", "tokens of a provider without TLS prove nothing")
    variable = part.text("client_secret_env")
    return Oidc(
        issuer=issuer,
        client_id=part.text("client_id"),
        client_secret=environ.get(variable, "") if variable else "",
        unset=variable if variable and not environ.get(variable) else "",
        title=part.title() or Oidc(issuer="", client_id="").title,
        scopes=part.texts("scopes", Oidc.scopes),
        name_claim=part.text("name_claim", Oidc.name_claim),
        groups_claim=part.text("groups_claim", Oidc.groups_claim),
        grants={group: _grant(inner) for group, inner in part.named("grant").items()},
    )
