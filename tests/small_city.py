"""A city of one lighting bureau, small enough to check every number by hand: lamps, their temperatures, calls about them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dashboard import city
from dashboard.core.catalog import Catalog
from dashboard.core.clock import SteppedClock
from dashboard.core.configured import Target, Threshold
from dashboard.core.declare import Domain, Level, Text, Vital
from dashboard.core.tables import metadata
from dashboard.core.times import to_micros
from dashboard.settings import Settings
from dashboard.store.engine import open_store, writing
from dashboard.store.kpi_reads import KpiRow, latest_figures
from dashboard.store.readings import append_readings, open_channels
from dashboard.store.rows import write_rows
from dashboard.store.schema import pull_state
from dashboard.store.topics import bump

NOON = datetime(2026, 5, 20, 4, 0, tzinfo=UTC)  # 12:00 in the city
EAST, WEST, NORTH = "500103003", "500103013", "500103010"
MINUTE = timedelta(minutes=1)

lamp = city.asset_table("small_lamp")
call = city.case_table("small_call")


# for tests whose statements PostgreSQL might read otherwise
on_both = pytest.mark.parametrize("town", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)


def _words(text: str) -> Text:
    return Text(text, text)


def _kpi(key: str, table: sa.FromClause, measure: city.Measure, **more: Any) -> city.Kpi:
    return city.Kpi(key=key, title=_words(key), unit="%", table=table, measure=measure, formula=_words(key), **more)


lit = _kpi("lit", lamp, city.share(lamp.c.state == "lit"))
hottest = _kpi("hottest", city.latest, city.largest(city.latest.c.value, city.latest.c.metric == "heat"), weight=2)
_hot = sa.and_(city.latest.c.metric == "heat", city.latest.c.value >= 60)
hot = _kpi("hot", city.latest, city.count(_hot, lost=_hot), weight=0)
calls_today = _kpi("calls_today", call, city.count(), at=call.c.opened_at, over=city.Window(days=1), weight=0)
answered = _kpi("answered", call, city.share(call.c.closed_at.is_not(None)), at=call.c.opened_at, over=city.Window(days=7))
calls_hour = _kpi("calls_hour", call, city.count(), at=call.c.opened_at, over=city.Window(rolling=timedelta(hours=1)), weight=0)
calls_change = _kpi("calls_change", call, city.count(), at=call.c.opened_at, over=city.Window(days=30), change="year", weight=0)
overdue = _kpi("overdue", call, city.count(sa.and_(call.c.closed_at.is_(None), call.c.due_at < city.ago())), weight=0)

MINUTES_10 = timedelta(minutes=10)
HEAT = city.Metric(key="heat", title=Text("灯温", "Heat"), unit="°C", cadence=MINUTE)
LIGHTING = Domain(
    key="lighting",
    title=_words("照明"),
    department=_words("照明管理处"),
    vital="nerves",
    feeds=(
        city.Feed(key="lamps", title=_words("灯"), table=lamp),
        city.Feed(key="heat", title=_words("灯温"), metrics=(HEAT,)),
        city.Feed(key="calls", title=_words("来电"), table=call),
    ),
    kpis=(lit, hottest, hot, calls_today, answered, calls_hour, calls_change, overdue),
    rules=(
        city.AlertRule(
            key="too_hot",
            title=Text("灯体过热", "Lamp too hot"),
            watches=city.Readings(metric="heat"),
            hold=2 * MINUTE,
            clear_hold=2 * MINUTE,
            unit="°C",
        ),
        city.AlertRule(key="dark", title=Text("街道失明", "Street dark"), watches=city.KpiValues(kpi=lit, each_street=True), unit="%"),
        city.AlertRule(
            key="burst",
            title=Text("来电集中", "Many calls"),
            watches=city.RowCount(table=call, by=call.c.asset_id, at=call.c.opened_at, over=30 * MINUTE),
            unit="件",
        ),
        city.AlertRule(
            key="mute", title=Text("灯温中断", "Lamp mute"), watches=city.Absence(feed="lighting.heat", metric="heat"), unit="min"
        ),
        city.AlertRule(key="no_calls", title=Text("来电中断", "No calls"), watches=city.Absence(feed="lighting.calls"), unit=""),
    ),
)


def threshold(rule: str, level: Level, op: Any, value: float, clear: float, **more: str) -> Threshold:
    return Threshold(rule=f"lighting.{rule}", level=level, op=op, value=value, clear=clear, ref="测试", confidence="default", **more)


THRESHOLDS = (
    threshold("too_hot", Level.YELLOW, ">=", 60, 54),
    threshold("too_hot", Level.ORANGE, ">=", 80, 72),
    threshold("dark", Level.ORANGE, "<", 50, 60),
    threshold("burst", Level.YELLOW, ">=", 3, 2),
    threshold("mute", Level.BLUE, ">=", 10, 5),
    threshold("no_calls", Level.YELLOW, ">=", 3, 1),
)
TARGETS = {
    "lighting.lit": Target(kpi="lighting.lit", good=98, poor=90, ref="", confidence="default"),
    "lighting.hottest": Target(kpi="lighting.hottest", good=50, poor=80, ref="", confidence="default"),
    "lighting.hot": Target(kpi="lighting.hot", good=0, poor=3, ref="", confidence="default"),
    "lighting.answered": Target(kpi="lighting.answered", good=100, poor=80, ref="", confidence="default"),
}
NERVES = Vital(key="nerves", seal="神", title=_words("神经"), subtitle=_words(""), path="/nerves", css="nerve")
BREATH = replace(NERVES, key="breath")
CATALOG = Catalog({"lighting": LIGHTING}, {"nerves": NERVES, "breath": BREATH}, THRESHOLDS, TARGETS)
INDEX = {"loss_red": 25, "loss_orange": 10, "loss_yellow": 4, "loss_blue": 1, "loss_cap": 40, "late_weight": 0.5, "least_fresh": 0.6}


def settings(home: Path) -> Settings:
    """A deployment with nothing configured but the index."""
    return Settings(
        file="cockpit.toml",
        home=home,
        store_url="",
        port=0,
        host="",
        city={},
        index=INDEX,
        sources={},
        pulls={},
        token_key=b"",
    )


@dataclass
class SmallCity:
    """A store with the lighting bureau's rows in it, and a clock that is stepped by hand."""

    url: str
    home: Path
    catalog: Catalog = CATALOG
    clock: SteppedClock = field(default_factory=lambda: SteppedClock(NOON))

    def __post_init__(self) -> None:
        self.engine = open_store(self.url)
        self.settings = settings(self.home)
        metadata.create_all(self.engine)

    def leave(self) -> None:
        """Let go of the store; one that others will use is left empty."""
        if self.engine.dialect.name == "postgresql":
            with self.engine.begin() as conn:
                conn.exec_driver_sql(f"TRUNCATE {', '.join(table.name for table in metadata.sorted_tables)} RESTART IDENTITY")
        self.engine.dispose()

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def heard(self, feed: str, at: datetime | None = None, cadence: timedelta = MINUTES_10) -> None:
        """A pull of a feed succeeded, its newest event being at `at`."""
        with writing(self.engine).begin() as conn:
            self._heard(conn, feed, at or self.now, cadence)

    def _heard(self, conn: sa.Connection, feed: str, at: datetime, cadence: timedelta) -> None:
        conn.execute(sa.delete(pull_state).where(pull_state.c.pull == feed))
        row = {"pull": feed, "source": "bureau", "feed": f"lighting.{feed}", "cadence_s": int(cadence.total_seconds()), "failures": 0}
        conn.execute(sa.insert(pull_state).values(**row, newest_event_at=at, last_ok_at=self.now, rows_total=0, quarantined_total=0))

    def rows(self, feed: str, table: sa.Table, rows: list[dict[str, Any]]) -> None:
        """Rows come in, as a pull would bring them."""
        key = next(iter(table.primary_key)).name
        full = [{"source_key": row[key], "row_hash": str(hash(tuple(row.values()))), **row} for row in rows]
        with writing(self.engine).begin() as conn:
            write_rows(conn, table, full, source="bureau", run_id=1, now=self.now)
            self._heard(conn, feed, self.now, MINUTES_10)
            bump(conn, [f"table:{table.name}"], self.now)

    def lamps(self, states: dict[str, tuple[str | None, str]]) -> None:
        """Lamps by id: (street, state)."""
        known = {"kind": "lamp", "lon": 106.55, "lat": 29.56}
        self.rows("lamps", lamp, [{"asset_id": a, "name": f"{a}号灯", "street": s, "state": st, **known} for a, (s, st) in states.items()])

    def calls(
        self, *calls: tuple[str, datetime, str | None], closed: bool = False, asset: str | None = None, due: datetime | None = None
    ) -> None:
        """Calls: (id, opened at, street)."""
        more = {"asset_id": asset, "due_at": due}
        rows = [{"case_id": c, "opened_at": at, "street": s, "closed_at": at if closed else None, **more} for c, at, s in calls]
        self.rows("calls", call, rows)

    def heat(self, *readings: tuple[str, datetime, float], street: str = EAST, quality: int = 0, feed_at: datetime | None = None) -> None:
        """Temperatures: (lamp, at, value)."""
        with writing(self.engine).begin() as conn:
            wanted = sorted({(asset, "heat", street, 60) for asset, _, _ in readings})
            numbers = open_channels(conn, domain="lighting", pull="heat", source="bureau", wanted=wanted, now=self.now)
            append_readings(conn, [(numbers[a, "heat"], to_micros(at), v, quality) for a, at, v in readings], run_id=1, now=self.now)
            self._heard(conn, "heat", feed_at or max(at for _, at, _ in readings), MINUTES_10)
            bump(conn, ["readings:lighting"], self.now)

    def figure(self, key: str, scope: str = "district") -> KpiRow:
        """The newest number of a KPI."""
        with self.engine.connect() as conn:
            return latest_figures(conn, [key])[key, scope]
