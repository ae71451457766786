"""Who looks at what: screens in groups of equal view and panels, one frame for each group and change."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field

import orjson

from dashboard.core.clock import Clock
from dashboard.core.times import city_day, iso
from dashboard.snapshot.view import View
from dashboard.web.content import Piece
from dashboard.web.frames import Frame
from dashboard.web.renderer import Renderer

BEAT_S = 5.0
RELOAD_HOUR = 4  # walls start afresh at this hour of the city's night: a month of figures must not pile up in a browser
MAX_PANELS = 64  # one screen's panels
MAX_CLIENTS = 10_000


@dataclass(eq=False)
class Group:
    """Screens that are sent the same bytes."""

    view: View
    panels: frozenset[str]
    clients: set[Client] = field(default_factory=set)
    pieces: dict[str, Piece] = field(default_factory=dict)
    _whole: Frame | None = None

    def take(self, pieces: list[Piece]) -> Frame | None:
        """Keep what is new for this group; the frame that tells of it."""
        new = [p for p in pieces if p.panel in self.panels and (p.panel not in self.pieces or self.pieces[p.panel].version != p.version)]
        if not new:
            return None
        self.pieces.update((p.panel, p) for p in new)
        self._whole = None
        return Frame(self.view.key, new)

    def whole(self) -> Frame:
        """Everything the group shows: for a screen that has just come, or fell behind."""
        if self._whole is None:
            self._whole = Frame(self.view.key, self.pieces.values())
        return self._whole


class Client:
    """A screen's mailbox. It never holds more than one frame: a second one means the screen is behind and gets the whole."""

    def __init__(self) -> None:
        self.group: Group | None = None
        self._frame: Frame | None = None
        self._behind = False
        self._texts: list[str] = []
        self._beat: str | None = None
        self._wake = asyncio.Event()
        self.ended = asyncio.Event()  # its viewer may no longer look

    def put(self, frame: Frame) -> None:
        """Something changed."""
        self._behind = self._behind or self._frame is not None
        self._frame = frame
        self._wake.set()

    def start_over(self, note: str) -> None:
        """What was waiting belongs to an earlier view; send the whole of the new one."""
        self._frame, self._behind = None, bool(self.group and self.group.pieces)
        self._texts = [note]
        self._wake.set()

    def beat(self, text: str) -> None:
        """A heartbeat; an unsent older one is worth nothing."""
        self._beat = text
        self._wake.set()

    async def next(self) -> tuple[list[str], Frame | None]:
        """Wait for something to send: texts first, then the newest picture."""
        await self._wake.wait()
        self._wake.clear()
        texts = self._texts + ([self._beat] if self._beat else [])
        frame = self.group.whole() if self._behind and self.group else self._frame
        self._texts, self._beat, self._frame, self._behind = [], None, None, False
        return texts, frame


@dataclass
class Traffic:
    """What went out so far, for the metrics page."""

    frames: int = 0
    bytes: int = 0


class Hub:
    """All screens of this process. Everything here runs on the event loop."""

    def __init__(self, renderer: Renderer, clock: Clock, build: str) -> None:
        self._renderer, self._clock, self.build = renderer, clock, build
        self._groups: dict[tuple[str, frozenset[str]], Group] = {}
        self._by_view: dict[str, set[Group]] = defaultdict(set)
        self.clients: set[Client] = set()
        self.traffic = Traffic()
        self._beating: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to receive what the renderer makes, and to beat."""
        loop = asyncio.get_running_loop()
        self._renderer.deliver = lambda view_key, pieces: _hand_over(loop, self._deliver, view_key, pieces)
        self._renderer.start()
        self._beating = loop.create_task(self._beat_on())

    async def stop(self) -> None:
        """Stop beating and rendering."""
        if self._beating:
            self._beating.cancel()
        await asyncio.to_thread(self._renderer.stop)

    def join(self) -> Client | None:
        """A new screen; None when the house is full."""
        if len(self.clients) >= MAX_CLIENTS:
            return None
        client = Client()
        self.clients.add(client)
        client.beat(self.heartbeat())
        return client

    def subscribe(self, client: Client, view: View, panels: frozenset[str]) -> bool:
        """From now on this screen shows these panels of this view. False when no more views can be kept."""
        old = client.group
        group = self._groups.get((view.key, panels))
        if group is None and panels:
            made = self._renderer.watch(view, panels)
            if made is None:
                return False
            group = Group(view, panels)
            group.take(made)
            self._groups[(view.key, panels)] = group
            self._by_view[view.key].add(group)
        client.group = group
        if group:
            group.clients.add(client)
        if old is not group:
            self._depart(client, old)
        client.start_over(orjson.dumps({"view": view.key}).decode())
        return True

    def part(self, client: Client) -> None:
        """The screen is gone."""
        self.clients.discard(client)
        self._depart(client, client.group)
        client.group = None

    def heartbeat(self) -> str:
        """What every screen is told every few seconds, changed or not."""
        now = self._clock.now()
        age = self._renderer.worker_age
        night = city_day(now).toordinal() * 24 + (now.hour + 8) % 24 - RELOAD_HOUR
        beat = {
            "pulse": self._renderer.pulse,
            "now": iso(now),
            "build": self.build,
            "worker_age_s": None if age is None else round(age, 1),
            "store": self._renderer.store_ok,
            "night": night // 24,  # walls reload when it grows
        }
        return orjson.dumps(beat).decode()

    def _depart(self, client: Client, group: Group | None) -> None:
        if group is None:
            return
        group.clients.discard(client)
        if not group.clients:
            self._groups.pop((group.view.key, group.panels), None)
            self._by_view[group.view.key].discard(group)
            if not self._by_view[group.view.key]:
                del self._by_view[group.view.key]
            self._renderer.leave(group.view, group.panels)

    def _deliver(self, view_key: str, pieces: list[Piece]) -> None:
        for group in tuple(self._by_view.get(view_key, ())):
            frame = group.take(pieces)
            if frame:
                for client in group.clients:
                    client.put(frame)

    async def _beat_on(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            text = self.heartbeat()
            for client in self.clients:
                client.beat(text)


def _hand_over(loop: asyncio.AbstractEventLoop, to: object, *what: object) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(to, *what)  # type: ignore[arg-type]
