"""What a request may see: its viewer as the gate left them, and the store and catalog as far as their sight goes."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from fastapi import Request

from dashboard.core.catalog import Catalog
from dashboard.core.declare import Text
from dashboard.core.sight import NOTHING, Role, Viewer
from dashboard.snapshot.picture import Reader
from dashboard.store.audit_log import Origin, Outcome, note_action, short_address
from dashboard.store.engine import writing

NOBODY = Viewer("", Role("nobody", Text("未登录", "Not signed in"), frozenset(), city=False), NOTHING)


def viewer_of(scope: MutableMapping[str, Any]) -> Viewer:
    """Who the gate found a request to be from. What passed no gate is from nobody."""
    found = scope.get("state", {}).get("viewer")
    return found if isinstance(found, Viewer) else NOBODY


def origin_of(scope: MutableMapping[str, Any]) -> Origin:
    """From where, for the audit log."""
    viewer, client = viewer_of(scope), scope.get("client")
    return Origin(role=viewer.role.key, session=viewer.session, client=short_address(client[0]) if client else "")


@dataclass(frozen=True)
class Eye:
    """One request's view of the house."""

    viewer: Viewer
    engine: sa.Engine  # narrowed, and only read
    catalog: Catalog
    origin: Origin

    @property
    def actor(self) -> str:
        """How what they do is signed: the account, never anything the request says of itself."""
        return self.viewer.name or self.viewer.role.title.zh


class Eyes:
    """Gives every request its own."""

    def __init__(self, reader: Reader, engine: sa.Engine) -> None:
        self.reader, self._engine = reader, engine

    def __call__(self, request: Request) -> Eye:
        viewer = viewer_of(request.scope)
        window = self.reader.window(viewer.sight)
        return Eye(viewer, window.engine, window.catalog, origin_of(request.scope))

    def note(self, eye: Eye, action: str, about: str, detail: str, now: datetime, outcome: Outcome = Outcome.DONE) -> None:
        """Write down what was done, or what was asked for in vain."""
        with writing(self._engine).begin() as conn:
            note_action(conn, actor=eye.actor, action=action, about=about, detail=detail, now=now, origin=eye.origin, outcome=outcome)
