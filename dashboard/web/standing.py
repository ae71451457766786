"""Keeps open screens honest: a socket is let in once, and looked at again when somebody's rights change and twice a minute."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import MutableMapping
from typing import Any, Protocol

from dashboard.access.who import Doorman, Shown
from dashboard.core.clock import Clock
from dashboard.core.sight import Viewer
from dashboard.web.denials import Denials
from dashboard.web.eyes import viewer_of
from dashboard.web.hub import Client
from dashboard.web.renderer import Renderer

TOPIC = "access"
FRAME = frozenset(("nav", "notices"))  # the frame of every page asks for these, whoever looks: no attempt at anything
LOOK_S = 30.0

Scope = MutableMapping[str, Any]


class Watch(Protocol):
    """What the live channel tells of its screens."""

    def came(self, client: Client, scope: Scope) -> None:
        """A screen was let in."""

    def left(self, client: Client) -> None:
        """It is gone."""


class Standing:
    """All open screens of this process, by who they were let in as."""

    def __init__(self, doorman: Doorman, denials: Denials, renderer: Renderer, clock: Clock) -> None:
        self._doorman, self._denials, self._renderer, self._clock = doorman, denials, renderer, clock
        self._open: dict[Client, Scope] = {}
        self._woken = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def came(self, client: Client, scope: Scope) -> None:
        """From now on it is looked after."""
        self._open[client] = scope

    def left(self, client: Client) -> None:
        """No longer."""
        self._open.pop(client, None)

    def start(self) -> None:
        """Begin to look; the renderer hears first when rights change."""
        loop = asyncio.get_running_loop()
        self._renderer.heard = lambda moved: None if TOPIC not in moved else loop.call_soon_threadsafe(self._woken.set)
        self._renderer.refused = lambda view, panel: loop.call_soon_threadsafe(self._refused, view, panel)
        self._run(self._go_on())

    async def stop(self) -> None:
        """End it."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def look(self) -> None:
        """Close what its viewer may no longer keep open. Screens that showed the same of themselves are looked up once."""
        by_shown: dict[Shown, list[Client]] = {}
        for client, scope in self._open.items():
            by_shown.setdefault(scope["state"]["shown"], []).append(client)
        for shown, clients in by_shown.items():
            now = await asyncio.to_thread(self._doorman.still, shown, self._clock.now())
            for client in clients:
                if client in self._open and not _same(viewer_of(self._open[client]), now):
                    client.ended.set()

    async def _go_on(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), LOOK_S)
                self._doorman.forget()
            self._woken.clear()
            with contextlib.suppress(Exception):  # the store is away: who was let in stays until it is back
                await self.look()

    def _refused(self, view_key: str, panel: str) -> None:
        """A panel came to nothing: there is none, or none for them. Of those who see a part of the city it is written down."""
        for client, scope in self._open.items():
            group = client.group
            if panel not in FRAME and group and group.view.key == view_key and panel in group.panels and not group.view.sight.whole:
                self._run(self._denials.note(scope, "panel", panel))

    def _run(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _same(then: Viewer, now: Viewer | None) -> bool:
    return now is not None and (now.name, now.role.key, now.sight) == (then.name, then.role.key, then.sight)
