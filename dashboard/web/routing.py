"""The one question a page asks the framework: what stands at this address. One it cannot make sense of is refused, and is no crash."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from dashboard.web.problems import problem

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

ASKED_AT = "/_dash-update-component"
log = logging.getLogger(__name__)


def understood(app: App) -> App:
    """The framework, answering 400 where it would fail over a question nobody's page asks."""

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != ASKED_AT:
            return await app(scope, receive, send)
        failed = False

        async def judged(message: MutableMapping[str, Any]) -> None:
            nonlocal failed
            failed = failed or (message["type"] == "http.response.start" and message["status"] >= 500)
            if not failed:
                await send(message)

        try:
            await app(scope, receive, judged)
        except Exception as wrong:  # the boundary: whatever a made-up question does inside the framework
            failed = True
            log.info("a question not understood: %s", type(wrong).__name__)
        if failed:
            await problem(400, "no page of ours asks that").send(send)

    return asked
