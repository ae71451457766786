"""The one thread that makes panels: each (view, panel) somebody looks at, again only when what it shows has changed."""

from __future__ import annotations

import logging
import threading
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime

from dashboard.core.clock import Clock
from dashboard.core.errors import NotFoundError
from dashboard.snapshot.view import View
from dashboard.web.content import Panels, Piece, piece_of
from dashboard.web.pulse import Pulse, touched, worker_age

log = logging.getLogger(__name__)

SWEEP_S = 60.0  # what a panel shows may change by time alone: an age passes its limit, an hour begins
RETRY_S = 5.0  # a panel that could not be made is tried again this soon
IDLE_S = 30.0  # kept warm this long after the last screen left: people go back and forth
MAX_ENTRIES = 20_000  # (view, panel) pairs kept at once: memory has an end

Key = tuple[str, str]  # view key, panel
Deliver = Callable[[str, list[Piece]], None]


@dataclass
class Entry:
    """A panel of a view that somebody looks at, or did a moment ago."""

    view: View
    panel: str
    screens: int = 0
    idle_since: float = 0.0
    piece: Piece | None = None
    due: float = 0.0  # monotonic time of the next making whatever happens; 0: now
    refused: bool = False  # nothing answers to it, and that was told
    waiting: list[Future[Piece]] = field(default_factory=list)


@dataclass
class Tally:
    """What the thread has done so far, for the metrics page."""

    rendered: int = 0
    unchanged: int = 0
    failed: int = 0
    seconds: float = 0.0


class Renderer(threading.Thread):
    """Watches the pulse and makes what is stale.

    From this thread are called: `deliver` with the panels that changed, `heard` with the topics that moved, `refused` for a panel
    that nothing answers to.
    """

    def __init__(self, panels: Panels, pulse: Pulse, clock: Clock) -> None:
        super().__init__(name="renderer", daemon=True)
        self._panels, self._pulse, self._clock = panels, pulse, clock
        self._entries: dict[Key, Entry] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._complaints: set[str] = set()
        self._worker: tuple[float, float] | None = None  # age, and the monotonic time it was read
        self._looked = 0.0
        self.deliver: Deliver = lambda _view, _pieces: None
        self.heard: Callable[[set[str]], object] = lambda _moved: None
        self.refused: Callable[[str, str], object] = lambda _view, _panel: None
        self.tally = Tally()
        self.store_ok = False

    # ---- asked from other threads

    def watch(self, view: View, panels: Iterable[str]) -> list[Piece] | None:
        """Keep these panels fresh from now on; returns those already made, None when no more can be kept."""
        with self._lock:
            wanted = [self._entry(view, panel) for panel in panels]
            if len(self._entries) > MAX_ENTRIES:
                self._evict(time.monotonic(), 0.0)
                if len(self._entries) > MAX_ENTRIES:
                    return None
            for entry in wanted:
                entry.screens += 1
        self._wake.set()
        return [entry.piece for entry in wanted if entry.piece]

    def leave(self, view: View, panels: Iterable[str]) -> None:
        """One screen less looks at these."""
        with self._lock:
            for panel in panels:
                if entry := self._entries.get((view.key, panel)):
                    entry.screens -= 1
                    entry.idle_since = time.monotonic()

    def once(self, view: View, panel: str) -> Future[Piece]:
        """A panel as it is now, for a single look."""
        answer: Future[Piece] = Future()
        with self._lock:
            if (view.key, panel) not in self._entries and len(self._entries) >= MAX_ENTRIES:
                self._evict(time.monotonic(), 0.0)
            entry = self._entry(view, panel)
            if entry.piece and self.is_alive():
                answer.set_result(entry.piece)
            else:
                entry.waiting.append(answer)
                entry.due = 0.0  # even one that was missing a moment ago is looked for again
        self._wake.set()
        return answer

    @property
    def pulse(self) -> int:
        """A number that grows with every change in the store."""
        return self._pulse.total

    @property
    def worker_age(self) -> float | None:
        """Seconds since the worker last said it lives."""
        return None if self._worker is None else self._worker[0] + time.monotonic() - self._worker[1]

    @property
    def watched(self) -> int:
        """How many (view, panel) pairs are kept."""
        return len(self._entries)

    def stop(self) -> None:
        """End the thread and let its connection go."""
        self._stopped.set()
        self._wake.set()
        if self.is_alive():
            self.join(timeout=5)

    # ---- the thread

    def run(self) -> None:
        while not self._stopped.is_set():
            self._wake.wait(self._pulse.every)
            self._wake.clear()
            self.turn()
        self._pulse.close()

    def turn(self) -> None:
        """Look once and make what is stale: new wishes first."""
        moved, at = self._look(), time.monotonic()
        if moved:
            self.heard(moved)
        with self._lock:
            self._evict(at, IDLE_S)
            stale = [e for e in self._entries.values() if self._is_stale(e, moved, at)]
        by_view: dict[str, list[Entry]] = defaultdict(list)
        for entry in sorted(stale, key=lambda e: e.piece is not None):
            by_view[entry.view.key].append(entry)
        for view_key, entries in by_view.items():
            now = self._clock.now()
            pieces = [piece for entry in entries if (piece := self._make(entry, now))]
            if pieces:
                self.deliver(view_key, pieces)

    def _look(self) -> set[str]:
        try:
            moved = self._pulse.moved()
            if moved or time.monotonic() - self._looked > 1.0:
                self._read_worker()
            self.store_ok = True
            return moved
        except Exception:  # the store is away: pictures stand, ages count, and we look again
            if self.store_ok:
                log.exception("the store cannot be read; screens keep their picture")
            self.store_ok = False
            return set()

    def _read_worker(self) -> None:
        self._looked = time.monotonic()
        with self._pulse.engine.connect() as conn:
            age = worker_age(conn, self._clock.now())
        self._worker = None if age is None else (age, self._looked)

    def _is_stale(self, entry: Entry, moved: set[str], at: float) -> bool:
        if entry.piece is None or entry.waiting:
            return entry.due <= at
        if entry.view.as_of is not None:  # what we believed at a past moment does not change
            return False
        return entry.due <= at or (bool(moved) and touched(self._panels.topics(entry.panel), moved))

    def _make(self, entry: Entry, now: datetime) -> Piece | None:
        """Make a panel anew; None if it came out the same."""
        began = time.perf_counter()
        try:
            piece = piece_of(entry.panel, self._panels.content(entry.panel, entry.view, now))
            again = SWEEP_S
        except NotFoundError as missing:
            self._forget(entry, missing)
            return _nothing(entry)
        except Exception as wrong:  # one panel that cannot be made must not cost the others
            piece, again = self._failed(entry, wrong), RETRY_S
        self.tally.rendered += 1
        self.tally.seconds += time.perf_counter() - began
        with self._lock:
            old, entry.piece = entry.piece, piece
            entry.due = time.monotonic() + again
            waiting, entry.waiting = entry.waiting, []
        for answer in waiting:
            answer.set_result(piece)
        if old and old.version == piece.version:
            self.tally.unchanged += 1
            return None
        return piece

    def _forget(self, entry: Entry, missing: NotFoundError) -> None:
        with self._lock:
            entry.due = time.monotonic() + SWEEP_S
            waiting, entry.waiting = entry.waiting, []
        if not entry.refused:
            entry.refused = True
            self.refused(entry.view.key, entry.panel)
        for answer in waiting:
            answer.set_exception(missing)

    def _failed(self, entry: Entry, wrong: Exception) -> Piece:
        number = f"E-{zlib.crc32(f'{entry.panel} {type(wrong).__name__} {wrong}'.encode()):08x}"
        self.tally.failed += 1
        if number not in self._complaints:
            self._complaints.add(number)
            log.error("panel %s could not be made (%s)", entry.panel, number, exc_info=wrong)
        words = f"Not computed · {number} · trying again" if entry.view.lang == "en" else f"未算出 · {number} · 正在重试"
        return piece_of(entry.panel, {"html": f'<p class="state state-error" role="status">{words}</p>'})

    def _entry(self, view: View, panel: str) -> Entry:
        key = (view.key, panel)
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = Entry(view, panel, idle_since=time.monotonic())
        return entry

    def _evict(self, at: float, idle: float) -> None:
        gone = [k for k, e in self._entries.items() if e.screens <= 0 and not e.waiting and at - e.idle_since >= idle]
        for key in gone:
            del self._entries[key]


def _nothing(entry: Entry) -> Piece | None:
    """For a screen that shows a place for what is not there, or not for its viewer: one word instead of a wait without end."""
    words = "Nothing here" if entry.view.lang == "en" else "没有内容"
    return piece_of(entry.panel, {"html": f'<p class="state state-nothing">{words}</p>'}) if entry.screens > 0 else None
