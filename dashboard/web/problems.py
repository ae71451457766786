"""Errors for machines: RFC 9457 problem documents."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import orjson

MEDIA_TYPE = "application/problem+json"
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


@dataclass(frozen=True)
class Problem:
    """What went wrong, in a shape every client can read."""

    status: int
    detail: str
    extra: dict[str, Any] = field(default_factory=dict)
    headers: Sequence[tuple[bytes, bytes]] = ()

    @property
    def document(self) -> dict[str, Any]:
        """The members of RFC 9457; `about:blank` says that the title is the status's own."""
        return {"type": "about:blank", "title": HTTPStatus(self.status).phrase, "status": self.status, "detail": self.detail, **self.extra}

    @property
    def body(self) -> bytes:
        """The document as bytes."""
        return orjson.dumps(self.document)

    async def send(self, send: Send) -> None:
        """Answer an ASGI request with it."""
        body = self.body
        headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": self.status, "headers": [*headers, *self.headers]})
        await send({"type": "http.response.body", "body": body})


def problem(status: int, detail: str, *, headers: Sequence[tuple[bytes, bytes]] = (), **extra: Any) -> Problem:
    """A problem document."""
    return Problem(status, detail, extra, headers)
