"""Updates as bytes: some panels of one view, put together and compressed once for every screen that shows them."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable
from functools import cached_property

import orjson

from dashboard.web.content import Piece

# A gzip stream that any reader may join at any block: a plain header, then raw deflate blocks that refer to nothing before them.
GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


def shared_block(text: bytes) -> bytes:
    """A deflate block that can be appended to anyone's gzip stream."""
    press = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    return press.compress(text) + press.flush(zlib.Z_FULL_FLUSH)


def event_text(body: bytes) -> bytes:
    """A server-sent event carrying a line of JSON."""
    return b"data: " + body + b"\n\n"


class Frame:
    """Panels of one view in each encoding somebody needs; each is made at most once."""

    def __init__(self, view_key: str, pieces: Iterable[Piece]) -> None:
        parts = b",".join(orjson.dumps(piece.panel) + b":" + piece.body for piece in pieces)
        self.json = b'{"view":' + orjson.dumps(view_key) + b',"panels":{' + parts + b"}}"

    @cached_property
    def packed(self) -> bytes:
        """For the socket: gzip."""
        return gzip.compress(self.json, 6, mtime=0)

    @cached_property
    def event(self) -> bytes:
        """For a server-sent stream without compression."""
        return event_text(self.json)

    @cached_property
    def event_block(self) -> bytes:
        """For a compressed server-sent stream."""
        return shared_block(self.event)
