"""Our cookies: their names, what a request shows in them, and how they are set."""

from __future__ import annotations

from collections.abc import MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from dashboard.access.who import Shown

SESSION, WALL, PERSONA, DOOR, CSRF, OIDC = "session", "wall", "persona", "door", "csrf", "oidc"
_KINDS = (SESSION, WALL, PERSONA, DOOR, CSRF, OIDC)
_YEAR = 365 * 86_400


def cookie_name(kind: str, secure: bool) -> str:
    """A cookie's full name. `__Host-` makes browsers insist: TLS, this host alone, set by this host itself."""
    return ("__Host-" if secure else "") + f"cockpit_{kind}"


def cookies_of(scope: MutableMapping[str, Any], secure: bool) -> dict[str, str]:
    """Our cookies of a request, by kind."""
    raw = "; ".join(value.decode("latin-1") for key, value in scope["headers"] if key == b"cookie")
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(raw)
    except CookieError:
        return {}
    named = {kind: cookie_name(kind, secure) for kind in _KINDS}
    return {kind: jar[name].value for kind, name in named.items() if name in jar}


def shown_by(scope: MutableMapping[str, Any], secure: bool) -> Shown:
    """What a request, of a page or a socket, shows of who it is from."""
    cookies = cookies_of(scope, secure)
    authorization = next((value.decode("latin-1") for key, value in scope["headers"] if key == b"authorization"), "")
    scheme, _, token = authorization.partition(" ")
    client = scope.get("client")
    return Shown(
        session=cookies.get(SESSION, ""),
        wall=cookies.get(WALL, ""),
        persona=cookies.get(PERSONA, ""),
        bearer=token.strip() if scheme.lower() == "bearer" else "",
        client=client[0] if client else "",
    )


def set_cookie(kind: str, value: str, secure: bool, *, lasting: bool = False, readable: bool = False) -> str:
    """A Set-Cookie header's value; an empty value takes the cookie back. Only `readable` ones are for scripts."""
    parts = [f"{cookie_name(kind, secure)}={value}", "Path=/", "SameSite=Lax"]
    parts += ["Max-Age=0"] if not value else [f"Max-Age={_YEAR}"] if lasting else []
    parts += [] if readable else ["HttpOnly"]
    parts += ["Secure"] if secure else []
    return "; ".join(parts)
