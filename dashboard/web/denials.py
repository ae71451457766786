"""What was asked for in vain: one line in the audit log for each viewer and thing, however often they try."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, MutableMapping
from typing import Any

import sqlalchemy as sa

from dashboard.core.catalog import Catalog
from dashboard.core.clock import Clock
from dashboard.core.places import known_streets
from dashboard.core.sight import Sight
from dashboard.store.audit_log import Outcome, note_action
from dashboard.store.engine import writing
from dashboard.web.eyes import origin_of, viewer_of

_QUIET_S = 60.0  # the same thing asked again by the same viewer is not written again
_MANY = 10_000
_LONGEST = 128


class Denials:
    """Notes them, without holding up the loop."""

    def __init__(self, engine: sa.Engine, clock: Clock) -> None:
        self._engine, self._clock = engine, clock
        self._told: dict[tuple[str, str], float] = {}

    async def note(self, scope: MutableMapping[str, Any], action: str, about: str) -> None:
        """Somebody asked for what is not open to them."""
        key = (viewer_of(scope).name or origin_of(scope).client, f"{action} {about}")
        now = time.monotonic()
        if now - self._told.get(key, -_QUIET_S) < _QUIET_S:
            return
        if len(self._told) >= _MANY:
            self._told.clear()
        self._told[key] = now
        await asyncio.to_thread(self._write, scope, action, about)

    def _write(self, scope: MutableMapping[str, Any], action: str, about: str) -> None:
        viewer, told = viewer_of(scope), {"action": action, "about": about[:_LONGEST], "detail": ""}
        actor = viewer.name or viewer.role.title.zh
        with writing(self._engine).begin() as conn:
            note_action(conn, actor=actor, **told, now=self._clock.now(), origin=origin_of(scope), outcome=Outcome.DENIED)


def asked_beyond(query: Mapping[str, str], sight: Sight, catalog: Catalog) -> str:
    """What an address names that is there and not open to the viewer; '' for an honest one. They are only not shown it."""
    if sight.whole:
        return ""
    named = "+".join(query.get(name, "") for name in ("scope", "street")).replace(" ", "+").split("+")
    closed = [code for code in named if code in known_streets() and not sight.holds_street(code)]
    for name in ("domain", "system", "asset"):
        key = query.get(name, "").replace(".", "/").partition("/")[0]
        closed += [key] if key in catalog.domains and not sight.holds_domain(key) else []
    return " ".join(sorted(set(closed)))
