"""The store as of a moment, read once and shared by all panels: figures, lines, alerts, feeds, land."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any, TypeVar

import sqlalchemy as sa

from dashboard.core.catalog import Catalog
from dashboard.core.declare import Freshness, Kpi
from dashboard.core.scope import DISTRICT, Scope
from dashboard.core.sight import Sight
from dashboard.core.times import iso
from dashboard.geo.layers import use_stored_streets
from dashboard.settings import Settings
from dashboard.snapshot.alerts import Alert, open_and_recent
from dashboard.snapshot.land import Land, load_land
from dashboard.snapshot.merge import joined, merged
from dashboard.snapshot.view import View
from dashboard.store import kpi_reads, topics
from dashboard.store.freshness import FeedFreshness, feeds_freshness
from dashboard.store.kpi_reads import Figures, KpiRow
from dashboard.store.narrow import seen_by
from dashboard.store.schema import geo_layer, kpi_turn
from dashboard.store.series import latest_values

T = TypeVar("T")
Band = list[tuple[float, float] | None]
_HOURS = 24
_WINDOWS = 128  # sights whose parts are kept at once


@dataclass(frozen=True)
class Fresh:
    """How old something is, as a screen counts it on by itself."""

    state: str  # fresh | late | silent | never
    as_of: str  # ISO; empty: never
    cadence_s: int = 300


class _Kept:
    """What was read, each with the stamp it was read at."""

    def __init__(self) -> None:
        self._found: dict[Any, tuple[Any, Any]] = {}
        self._lock = threading.Lock()

    def keep(self, key: Any, stamp: Any, make: Callable[[], T]) -> T:
        """`make()` once per stamp."""
        found = self._found.get(key)
        if found is not None and found[0] == stamp:
            return found[1]  # type: ignore[no-any-return]
        made = make()
        with self._lock:
            if len(self._found) > 4096:
                self._found.clear()
            self._found[key] = (stamp, made)
        return made


@dataclass(frozen=True)
class _Window:
    """The store and what is declared as far as a sight goes, with what was read through it."""

    engine: sa.Engine
    catalog: Catalog
    figures: frozenset[str] | None  # keys of those open; None: all
    kept: _Kept


class Reader:
    """Opens pictures of the store. Parts are kept until their topic moves, so a turn reads what changed and no more.

    What is read for one viewer serves all who may see the same, and nobody else.
    """

    def __init__(self, engine: sa.Engine, catalog: Catalog, settings: Settings) -> None:
        self._engine, self._catalog, self.settings = engine, catalog, settings
        self._windows: dict[str, _Window] = {}
        self._lock = threading.Lock()
        self.land = _Kept()  # the map is everybody's

    def catalog(self, sight: Sight) -> Catalog:
        """What is declared, as far as a viewer's domains go."""
        return self.window(sight).catalog

    def systems(self, sight: Sight) -> frozenset[str]:
        """What a screen may narrow to: vital systems and domains."""
        catalog = self.catalog(sight)
        return frozenset(catalog.vitals) | frozenset(catalog.domains)

    def picture(self, now: datetime, view: View) -> Picture:
        """The store as this view sees it: now, or at the moment it replays."""
        return Picture(self, view.sight, min(view.as_of or now, now), now, replay=view.as_of is not None)

    def window(self, sight: Sight) -> _Window:
        """One for all viewers of equal sight; what they may do makes no difference to what is read."""
        key = sight.window.key
        with self._lock:
            found = self._windows.get(key)
            if found is None:
                while len(self._windows) >= _WINDOWS:
                    self._windows.pop(next(iter(self._windows)))
                figures = self._catalog.figures_seen_by(sight)
                seen = seen_by(self._engine, self._catalog, sight), self._catalog.seen_by(sight)
                found = _Window(*seen, None if figures is None else frozenset(figures), _Kept())
                self._windows[key] = found
        return found


class Picture:
    """One moment of the city as a sight has it. Everything is read lazily: a panel costs what it looks at.

    The one door to the store for all bodies: `reading()` and what is built on it never give a row that is not open.
    """

    def __init__(self, reader: Reader, sight: Sight, at: datetime, now: datetime, *, replay: bool) -> None:
        self._reader, self.sight, self.at, self.now, self.replay = reader, sight, at, now, replay
        self._window = reader.window(sight)
        self.catalog, self.settings = self._window.catalog, reader.settings
        with self.reading() as conn:
            self.versions: Mapping[str, int] = topics.versions(conn)

    def reading(self) -> sa.Connection:
        """A connection on which every statement reads what is open, and nothing else."""
        return self._window.engine.connect()

    def keep(self, key: Any, stamp: Any, make: Callable[[], T]) -> T:
        """`make()` once per stamp, for viewers who may see the same."""
        return self._window.kept.keep((key, self.replay), stamp, make)

    def _part(self, key: Any, stamp: Any, load: Callable[[sa.Connection], T]) -> T:
        """A part of the picture, read again when its stamp moves; a replay reads its own."""

        def make() -> T:
            with self.reading() as conn:
                return load(conn)

        return self.keep(key, (stamp, self.at if self.replay else None), make)

    def kept(self, key: Any, topics: Sequence[str], make: Callable[[], T]) -> T:
        """`make()` once while nothing moves under these topics; a replay makes its own."""
        stamp = tuple(self._versions(topic) for topic in topics)
        return self.keep(key, (stamp, self.at if self.replay else None), make)

    def _versions(self, prefix: str) -> tuple[tuple[str, int], ...]:
        """The versions of the topics that begin so: a stamp for what depends on them."""
        return tuple(sorted((name, version) for name, version in self.versions.items() if name.startswith(prefix)))

    # ---- figures
    @cached_property
    def figures(self) -> Figures:
        """Every KPI and index of every scope."""
        return self._part("figures", self._versions("kpi:"), self._read_figures)

    def _read_figures(self, conn: sa.Connection) -> Figures:
        return kpi_reads.kpi_at(conn, self.at) if self.replay else kpi_reads.latest_figures(conn)

    def figure(self, key: str, scope: Scope) -> KpiRow | None:
        """One number of a scope; several streets are put together from their parts."""
        if len(scope.streets) <= 1:
            return self.figures.get((key, scope.key))
        rows = [row for street in scope.streets if (row := self.figures.get((key, street)))]
        return merged(rows, self._kpi(key)) if rows else None

    def withheld(self, key: str) -> bool:
        """Whether an index is made of more than the viewer may see."""
        return self._window.figures is not None and key not in self._window.figures

    def line(self, key: str, scope: Scope) -> list[float | None]:
        """The last 24 hours, hour by hour, ending with the present value; several streets are put together hour by hour."""
        lines = [self._part(("line", key, s), self._hour, partial(self._read_line, key, s)) for s in scope.streets or (DISTRICT,)]
        values = [joined(hour, self._kpi(key)) for hour in zip(*lines, strict=True)] if len(lines) > 1 else list(lines[0])
        now = self.figure(key, scope)
        if now is not None and now.value is not None:
            values[-1] = now.value
        return values

    def _read_line(self, key: str, scope_key: str, conn: sa.Connection) -> list[float | None]:
        start = self.at - timedelta(hours=_HOURS - 1)
        first = int(start.timestamp()) // 3600
        hours = {int(at.timestamp()) // 3600: mean for at, mean, _, _ in kpi_reads.kpi_hours(conn, key, scope_key, start, self.at)}
        return [hours.get(first + i) for i in range(_HOURS)]

    def band(self, key: str, scope: Scope) -> Band:
        """What is usual in those 24 hours: P10-P90 of the same hour over four weeks; not known of several streets together."""
        if len(scope.streets) > 1:
            return []
        return self._part(("band", key, scope.key), self._hour, lambda conn: kpi_reads.expected(conn, key, scope.key, self.at))

    def hours(self, key: str, scope: Scope, t0: datetime, t1: datetime) -> list[tuple[datetime, float | None]]:
        """A KPI's hourly means over any stretch of time."""
        found: dict[datetime, list[float | None]] = {}
        with self.reading() as conn:
            for street in scope.streets or (DISTRICT,):
                for at, mean, _, _ in kpi_reads.kpi_hours(conn, key, street, t0, t1):
                    found.setdefault(at, []).append(mean)
        alone = len(scope.streets) <= 1
        return [(at, values[0] if alone else joined(values, self._kpi(key))) for at, values in sorted(found.items())]

    def _kpi(self, key: str) -> Kpi | None:
        return self.catalog.kpis[key][1] if key in self.catalog.kpis else None

    @cached_property
    def _hour(self) -> Any:
        """What past hours depend on: the hour itself, and how far the past has been filled in since the first start."""
        filled = sa.select(kpi_turn.c.kpi, kpi_turn.c.filled_to).order_by(kpi_turn.c.kpi)
        known = self._part("filled", self._versions("kpi:"), lambda conn: tuple(map(tuple, conn.execute(filled))))
        return self.at.replace(minute=0, second=0, microsecond=0), known

    # ---- feeds
    @cached_property
    def feeds(self) -> dict[str, FeedFreshness]:
        """Freshness of every feed, judged now: age moves even when nothing arrives."""
        moment = self.now.replace(microsecond=0)
        return self._part("feeds", (moment, self.versions.get("sources")), lambda conn: feeds_freshness(conn, self.now))

    def fresh_of(self, feeds: Sequence[str]) -> Fresh:
        """The least fresh of some feeds."""
        known = [self.feeds[f] for f in feeds if f in self.feeds]
        if not known:
            return Fresh("never", "")
        order = (Freshness.FRESH, Freshness.LATE, Freshness.SILENT, Freshness.NEVER)
        worst = max(known, key=lambda f: (order.index(f.state), f.age or timedelta(0)))
        return fresh(worst, self.now)

    def mean_reading(self, metric: str) -> float | None:
        """The mean of the newest readings of a `domain.metric` that are no older than three cadences."""
        domain, _, key = metric.partition(".")

        def load(conn: sa.Connection) -> float | None:
            newest = [r for r in latest_values(conn, domain, key) if r.ts is not None]
            values = [r.value for r in newest if (self.now - r.ts).total_seconds() <= 3 * r.cadence_s]
            return sum(values) / len(values) if values else None

        return self._part(("mean", metric), self._versions(f"readings:{domain}"), load) if key else None

    # ---- alerts
    @cached_property
    def alerts(self) -> list[Alert]:
        """Open alerts, numbered as map, matrix and feed number them, then those cleared in the last 24 hours."""
        return self._part("alerts", self._versions("alerts"), lambda conn: open_and_recent(conn, self.catalog, self.at, replay=self.replay))

    def alerts_in(self, view: View) -> list[Alert]:
        """The alerts a view shows; a filter never renumbers."""
        return [a for a in self.alerts if _shows(view, a)]

    def open_in(self, view: View, vital: str = "") -> list[Alert]:
        """The open ones among them, of one vital system if it is given."""
        return [a for a in self.alerts_in(view) if a.is_open and (not vital or a.vital == vital)]

    # ---- land
    @cached_property
    def land(self) -> Land:
        """The map's layers."""

        def make() -> Land:
            with self.reading() as conn:
                return _read_land(conn)

        return self._reader.land.keep("land", self._versions("geo"), make)

    def places_of(self, table: sa.Table, view: View) -> list[tuple[float, float]]:
        """Where the assets of a table stand, in the map's metres; kept per street until the table changes."""

        def load(conn: sa.Connection) -> dict[str, list[tuple[float, float]]]:
            found: dict[str, list[tuple[float, float]]] = {}
            placed = sa.select(table.c.street, table.c.lon, table.c.lat).where(table.c.lon.is_not(None), table.c.lat.is_not(None))
            for row in conn.execute(placed):
                found.setdefault(row.street or "", []).append(self.land.point(row.lon, row.lat))
            return found

        stamp = (self._versions(f"table:{table.name}"), self._versions("geo"))
        by_street = self._part(("places", table.name), stamp, load)
        return [p for street, points in by_street.items() if view.scope.holds(street) for p in points]

    def place_of(self, table: sa.Table, asset_id: str) -> tuple[float, float] | None:
        """Where one asset stands."""
        with self.reading() as conn:
            row = conn.execute(sa.select(table.c.lon, table.c.lat).where(table.c.asset_id == asset_id)).first()
        return self.land.point(row.lon, row.lat) if row and row.lon is not None and row.lat is not None else None


def _shows(view: View, a: Alert) -> bool:
    chosen = ((view.levels, a.level), (view.states, a.state))
    of_it = view.system in ("", a.vital, a.domain)
    return of_it and view.scope.holds(a.street) and all(not wanted or value in wanted for wanted, value in chosen)


def _read_land(conn: sa.Connection) -> Land:
    use_stored_streets(conn)  # an import reaches open screens without a restart
    rows = conn.execute(sa.select(geo_layer.c.layer, geo_layer.c.geojson, geo_layer.c.review_no))
    return load_land({r.layer: (r.geojson, r.review_no) for r in rows})


def fresh(feed: FeedFreshness, now: datetime) -> Fresh:
    """A feed's freshness for a screen, by our clock: a department's clock may run ahead."""
    return Fresh(feed.state.value, "" if feed.age is None else iso(now - feed.age), int(feed.cadence.total_seconds()))
