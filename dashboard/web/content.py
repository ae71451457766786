"""What the live channel asks of whoever makes panels, and one rendered panel as bytes."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol

import orjson

from dashboard.core.sight import Sight
from dashboard.snapshot.view import View

MAX_KEY = 160  # characters of a panel key: "alert:123", "explain:air.pm25", "asset:…"


class Panels(Protocol):
    """Makes panels. Called from the render thread only, except `parse`, which must not touch the store."""

    def content(self, panel: str, view: View, now: datetime) -> dict[str, Any]:
        """The finished panel: `html`, and `figure` where it has a chart. NotFoundError for an unknown key."""

    def topics(self, panel: str) -> frozenset[str]:
        """What makes it stale; a name ending in `*` stands for every topic that begins so."""

    def parse(self, query: Mapping[str, str], sight: Sight) -> View:
        """The view an address asks for, as far as its viewer's sight goes; what is not understood or not open is dropped."""


@dataclass(frozen=True)
class Piece:
    """One panel of one view, serialised. Equal content has equal version, whenever and wherever it was made."""

    panel: str
    version: str
    body: bytes  # JSON object: v, html, figure?

    @cached_property
    def packed(self) -> bytes:
        """The body for a single GET."""
        return gzip.compress(self.body, 6, mtime=0)


def piece_of(panel: str, content: Mapping[str, Any]) -> Piece:
    """Serialise a panel's content under the hash of it."""
    version = hashlib.blake2b(orjson.dumps(content, option=orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY), digest_size=9).hexdigest()
    return Piece(panel, version, orjson.dumps({"v": version, **content}, option=orjson.OPT_SERIALIZE_NUMPY))


def is_panel_key(text: object) -> bool:
    """Whether a stranger's text may be looked up as a panel."""
    return isinstance(text, str) and 0 < len(text) <= MAX_KEY and text.isprintable()
