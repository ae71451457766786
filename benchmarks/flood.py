"""10,000 alerts in ten minutes over the city as declared: what a turn of alerting costs, that none is lost, and what the feed takes.

Every simulated second (or every few) readings of some septic tanks go past their limits (four gases each), as the worker would find them;
every turn is timed, and afterwards the alerts are counted and the feed is drawn.

    python -m benchmarks.flood                      # 2,500 tanks, 600 turns
    python -m benchmarks.flood --alerts 1000 --minutes 1
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from dashboard.alerting.evaluate import evaluate
from dashboard.alerting.hush import quieten
from dashboard.alerting.situations import gather
from dashboard.casework.linkage.run import run_playbooks
from dashboard.casework.tend import tend
from dashboard.core.catalog import Catalog, load_catalog
from dashboard.core.places import streets
from dashboard.core.times import to_micros
from dashboard.notify.route import route
from dashboard.panels.screens import CityPanels
from dashboard.settings import Settings, load_settings
from dashboard.snapshot.view import View
from dashboard.store.engine import open_store, writing
from dashboard.store.migrate import migrate
from dashboard.store.readings import append_readings, open_channels
from dashboard.store.rows import write_rows
from dashboard.store.schema import alert, alert_transition
from dashboard.store.topics import bump
from data_sources.septic_tanks.tables import tank

Took = tuple[float, float]  # seconds on the clock, and of the processor: other programs share it
START = datetime(2026, 5, 20, 4, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
_WHOLE = "the whole turn"
GASES = {"ch4": 60.0, "h2s": 80.0, "co": 200.0, "co2": 60_000.0}  # past the limits of their rules at once: none of them waits


def main() -> None:
    """Calm first, then the flood."""
    asked = _arguments()
    catalog = load_catalog()
    with tempfile.TemporaryDirectory() as folder:
        environment = {"COCKPIT_HOME": folder, "COCKPIT_TOKEN_KEY": "bench", "COCKPIT_STORE_URL": f"sqlite:///{folder}/store.db"}
        settings = load_settings(str(Path(__file__).parents[1] / "cockpit.toml"), environment)
        store = open_store(settings.store_url)
        migrate(store)
        _run(store, catalog, settings, asked.alerts, asked.minutes * 60 // asked.every, asked.every * SECOND)
        store.dispose()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alerts", type=int, default=10_000)
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--every", type=int, default=1, help="seconds between turns, as the department's pull brings readings")
    return parser.parse_args()


def _run(store: sa.Engine, catalog: Catalog, settings: Settings, alerts: int, rounds: int, step: timedelta) -> None:
    tanks = [f"tank{n:05}" for n in range(-(-alerts // len(GASES)))]
    numbers = _calm(store, tanks)
    evaluate(store, catalog, settings, START)
    due = [(name, gas) for name in tanks for gas in GASES][:alerts]
    turn = _turn_of(store, catalog, settings)
    took: dict[str, list[Took]] = {name: [] for name in (*turn, _WHOLE)}
    for n in range(rounds):
        now = START + (n + 1) * step
        some = due[n * len(due) // rounds : (n + 1) * len(due) // rounds]
        _say(store, [(numbers[key], GASES[key[1]]) for key in some], now)
        parts = {name: _seconds(lambda stage=stage, now=now: stage(now)) for name, stage in turn.items()}  # type: ignore[misc]
        for name, one in parts.items():
            took[name].append(one)
        took[_WHOLE].append((sum(clock for clock, _ in parts.values()), sum(cpu for _, cpu in parts.values())))
    _report(store, catalog, settings, len(due), took, START + (rounds + 1) * step)


def _turn_of(store: sa.Engine, catalog: Catalog, settings: Settings) -> dict[str, Callable[[datetime], object]]:
    """What the worker does between a reading and its notices, in its order."""
    return {
        "rules judged": lambda now: evaluate(store, catalog, settings, now),
        "hushed": lambda now: quieten(store, catalog, settings, now),
        "situations": lambda now: gather(store, catalog, settings, now),
        "cases": lambda now: tend(store, catalog, now),
        "playbooks": lambda now: run_playbooks(store, catalog, now),
        "notices": lambda now: route(store, settings, now),
    }


def _calm(store: sa.Engine, tanks: Sequence[str]) -> dict[tuple[str, str], int]:
    """Every tank in its register, and a calm reading of each gas a minute ago."""
    rows = [_registered(name, n) for n, name in enumerate(tanks)]
    wanted = [(name, gas, streets()[n % 11].code, 300) for n, name in enumerate(tanks) for gas in GASES]
    with writing(store).begin() as conn:
        write_rows(conn, tank, rows, source="s", run_id=1, now=START)
        numbers = open_channels(conn, domain="septic_tanks", pull="p", source="s", wanted=wanted, now=START)
        before = to_micros(START - timedelta(minutes=1))
        append_readings(conn, [(number, before, 1.0, 0) for number in numbers.values()], run_id=1, now=START)
    return {key: number for key, number in numbers.items()}


def _registered(name: str, n: int) -> dict[str, object]:
    street = streets()[n % 11]
    lon, lat = street.label[0] + (n % 53) * 2e-4, street.label[1] + (n // 53 % 53) * 2e-4
    known = {"source_key": name, "row_hash": "h", "observed_at": START}
    return {**known, "asset_id": name, "name": name, "kind": "", "street": street.code, "lon": lon, "lat": lat}


def _say(store: sa.Engine, readings: Sequence[tuple[int, float]], now: datetime) -> None:
    with writing(store).begin() as conn:
        append_readings(conn, [(number, to_micros(now), value, 0) for number, value in readings], run_id=2, now=now)
        bump(conn, ["readings:septic_tanks"], now)


def _seconds(work: Callable[[], object]) -> Took:
    began, busy = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - busy


def _report(store: sa.Engine, catalog: Catalog, settings: Settings, due: int, took: Mapping[str, Sequence[Took]], now: datetime) -> None:
    with store.connect() as conn:
        raised = conn.scalar(sa.select(sa.func.count()).where(alert.c.state == "open"))
        opened = conn.scalar(sa.select(sa.func.count()).where(alert_transition.c.what == "open"))
        distinct = conn.scalar(sa.select(sa.func.count(sa.distinct(alert.c.open_key))))
    panels = CityPanels(settings, catalog, store)
    drawn = {key: _seconds(lambda key=key: panels.content(key, View(), now)) for key in ("feed", "alerts")}  # type: ignore[misc]
    sys.stdout.write(f"alerts due {due:,}, open {raised:,}, different {distinct:,}, opened {opened:,}\n")
    for name, times in took.items():
        for what, some in zip(("clock", "processor"), zip(*times, strict=True), strict=True):
            p95, p50 = statistics.quantiles(some, n=20)[-1], statistics.median(some)
            sys.stdout.write(f"{name:20} {what:10} p50 {p50 * 1000:6.0f} ms  p95 {p95 * 1000:6.0f} ms  max {max(some) * 1000:6.0f} ms\n")
    sys.stdout.write(
        "".join(f"panel {key:14} clock {clock * 1000:6.0f} ms  processor {cpu * 1000:6.0f} ms\n" for key, (clock, cpu) in drawn.items())
    )
    if not raised == opened == distinct == due:
        sys.exit("alerts were lost or doubled")


if __name__ == "__main__":
    main()
