"""Who may ask for what: every address and method this product answers to besides its pages, and what a viewer must be granted for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from dashboard.core.sight import Action


@dataclass(frozen=True)
class Policy:
    """Public, or for whoever is signed in and granted any one of some actions; none named: for whoever is signed in."""

    needs: frozenset[Action] = field(default_factory=frozenset)
    public: bool = False

    def opens_to(self, actions: frozenset[Action]) -> bool:
        """Whether somebody signed in with these may pass."""
        return self.public or not self.needs or bool(self.needs & actions)


def needing(*actions: Action) -> Policy:
    """For those granted any one of these."""
    return Policy(frozenset(actions))


PUBLIC, SIGNED = Policy(public=True), Policy()
SEE, ROWS, EXPORT, HANDLE = (needing(action) for action in (Action.SEE, Action.ROWS, Action.EXPORT, Action.HANDLE))
SILENCE, DRILL, ACCOUNTS = (needing(action) for action in (Action.SILENCE, Action.DRILL, Action.ACCOUNTS))
FRESHNESS = needing(Action.SEE, Action.SOURCES)
ENGINE = needing(Action.SOURCES)

# "METHOD /template", as frameworks write templates; SOCKET stands for a websocket's handshake. HEAD goes as GET.
ROUTES: Mapping[str, Policy] = {
    "SOCKET /live": SIGNED,  # each panel asked for has a policy of its own: dashboard/panels/policy.py
    "GET /live/events": SIGNED,
    "GET /panels/{panel:path}": SIGNED,
    "GET /assets/{file:path}": PUBLIC,
    "GET /_dash-component-suites/{package_name}/{fingerprinted_path:path}": PUBLIC,
    "GET /_favicon.ico": PUBLIC,
    "GET /favicon.ico": PUBLIC,
    "GET /_dash-layout": SIGNED,
    "GET /_dash-dependencies": SIGNED,
    "POST /_dash-update-component": SIGNED,
    "GET /_reload-hash": SIGNED,
    "GET /healthz": PUBLIC,
    "GET /readyz": PUBLIC,
    "GET /metrics": ENGINE,
    **{f"{method} {path}": PUBLIC for path in ("/sign-in", "/account", "/enrol") for method in ("GET", "POST")},  # they look for themselves
    **dict.fromkeys(("POST /sign-out", "POST /demo/as", "GET /who"), PUBLIC),
    **dict.fromkeys(("GET /oidc/start", "GET /oidc/back", "POST /oidc/ended"), PUBLIC),
    **dict.fromkeys(("GET /accounts", "POST /accounts"), ACCOUNTS),
    "GET /api/v1/openapi.json": SIGNED,
    "GET /api/v1/status": FRESHNESS,
    "GET /api/v1/sources": FRESHNESS,
    "GET /api/v1/kpis": SEE,
    "GET /api/v1/alerts": SEE,
    "GET /api/v1/series/{asset:path}/{metric}": ROWS,
    "GET /api/v1/assets.geojson": ROWS,
    "POST /api/v1/alerts/{alert_id}/steps/{event}": HANDLE,
    "POST /api/v1/linkages/runs/{run_id}/steps/{step}": HANDLE,
    "POST /api/v1/linkages/{playbook}/drill": DRILL,
    "POST /api/v1/alerts/{alert_id}/photos": HANDLE,
    "GET /api/v1/alerts/{alert_id}/photos/{photo_id}": SEE,
    **dict.fromkeys(("GET /api/v1/silences", "GET /api/v1/situations"), SEE),
    **dict.fromkeys(("POST /api/v1/silences/preview", "POST /api/v1/silences", "POST /api/v1/silences/{silence_id}/end"), SILENCE),
    **{f"POST /api/v1/situations/{{situation_id}}/{step}": SILENCE for step in ("leave", "rejoin")},
    "GET /api/v1/cap": PUBLIC,  # public messages alone, unless the viewer may read more
    "GET /api/v1/cap/{identifier}": PUBLIC,
    "GET /export/alerts.csv": EXPORT,
    "GET /export/{what}/{of}.csv": EXPORT,
}


@dataclass(frozen=True)
class Routes:
    """The table as it is looked up."""

    pages: Mapping[str, Policy]  # as each page says of itself
    routes: Mapping[str, Policy] = field(default_factory=lambda: ROUTES)

    @cached_property
    def _compiled(self) -> list[tuple[str, re.Pattern[str], str, Policy]]:
        found = []
        for key, policy in self.routes.items():
            method, _, template = key.partition(" ")
            found.append((method, re.compile(_pattern(template)), template, policy))
        return found

    def find(self, method: str, path: str) -> tuple[str, Policy] | None:
        """The entry an address falls under, with its name for the audit log; None: nothing answers to it."""
        place = path.rstrip("/") or "/"
        if method == "GET" and place in self.pages:
            return place, self.pages[place]
        for known, pattern, template, policy in self._compiled:
            if known == method and pattern.fullmatch(path):
                return f"{method} {template}", policy
        return None

    def missing(self, served: Iterable[str]) -> list[str]:
        """What is served and has no policy."""
        return sorted(set(served).difference(self.routes))


def _pattern(template: str) -> str:
    """`{name}` is one part of a path, `{name:path}` whatever follows."""
    parts = re.split(r"(\{[^}]*\})", template)
    return "".join((".*" if part.endswith(":path}") else "[^/]+") if part.startswith("{") else re.escape(part) for part in parts)


def served_by(app: Any, prefix: str = "") -> Iterator[str]:
    """Every "METHOD /template" a framework's application answers to, those of its routers too; pages' catch-all is the pages'."""
    for route in app.routes:
        if inner := getattr(route, "original_router", None):
            yield from served_by(inner, prefix + route.include_context.prefix)
        elif (path := getattr(route, "path", "")) not in ("/", "{path:path}") and hasattr(route, "methods"):
            yield from (f"{method} {prefix}{path}" for method in sorted(route.methods - {"HEAD", "OPTIONS"}))
