"""The demo city: each simulated department's database built once, then kept alive. Behind `cockpit demo build` and `cockpit demo live`."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from dashboard.core.clock import Clock
from dashboard.core.errors import ConfigurationError
from dashboard.core.times import UtcDateTime
from dashboard.settings import Settings
from data_sources.departments.building import find_departments, open_department

Report = Callable[[str], None]

_STRETCH = timedelta(hours=6)  # of life written in one go: a demo that slept for a week catches up in steps that fit in memory

# One row in each department's database: how far its life has been written, and by which seed. It is also the mark by which
# a demo database is told from a real one, which is never overwritten.
_clock = sa.Table(
    "demo_clock",
    sa.MetaData(),
    sa.Column("seed", sa.BigInteger, nullable=False),
    sa.Column("written_until", UtcDateTime, nullable=False),
)


@dataclass(frozen=True)
class _Job:
    key: str
    url: str
    now: datetime
    seed: int
    fresh: bool


def build_demo(
    settings: Settings, now: datetime, seed: int, fresh: bool, only: Iterable[str] | None = None, report: Report = print
) -> None:
    """Build each department's database with its history up to `now`; one that is there is left alone unless `fresh`.

    Raises ConfigurationError where the address holds a database that is not the demo's.
    """
    jobs = [_Job(key, url, now, seed, fresh) for key, url in _addresses(settings, only).items()]
    wanted = [job for job in jobs if _wanted(job, report)]
    if len(wanted) < 2:
        for job in wanted:
            report(_build(job))
        return
    # Separate processes, because making thirteen months of numbers is all processor time.
    workers = min(len(wanted), os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        for done in as_completed([pool.submit(_build, job) for job in wanted]):
            report(done.result())


def demo_departments(settings: Settings) -> list[str]:
    """Departments simulated here: configured, and at an address that is empty or holds the demo's own database."""
    return [key for key, url in _addresses(settings, None).items() if _state_of(url) != "foreign"]


def live_demo(
    settings: Settings,
    clock: Clock,
    stop: threading.Event,
    step_s: float = 3.0,
    report: Report = print,
    people: Callable[[datetime], object] = lambda now: None,
) -> None:
    """Let every built department go on living until `stop`: every `step_s` seconds each writes what happened since it last did.

    `people` does what those on duty would have done by then.

    A department whose database cannot be written is reported once and tried again at the next step; the others go on.
    """
    engines = {key: open_department(url) for key, url in _addresses(settings, None).items()}
    failing: set[str] = set()
    try:
        while not stop.is_set():
            for key, engine in engines.items():
                _live_or_report(key, engine, clock.now(), failing, report)
            people(clock.now())
            stop.wait(step_s)
    finally:
        for engine in engines.values():
            engine.dispose()


def provoke(settings: Settings, what: str, now: datetime) -> str:
    """Let something happen in the department that knows it, in its own database; what its instruments say follows as it lives on.

    Raises ConfigurationError where no department knows it, its database is not the demo's, or it cannot happen now.
    """
    known = {name: key for key, department in find_departments().items() for name in department.provokes}
    if what not in known:
        raise ConfigurationError("demo", what, "nothing known by that name", "known: " + ", ".join(sorted(known)))
    url = _addresses(settings, [known[what]]).get(known[what], "")
    if not url or _state_of(url) != "built":
        raise ConfigurationError("demo", known[what], "is not a demo department here", f"cockpit demo build --only {known[what]}")
    engine = open_department(url)
    try:
        with engine.begin() as conn:
            seed = conn.execute(sa.select(_clock.c.seed)).scalar_one()
            return find_departments()[known[what]].provokes[what](conn, now.timestamp(), seed)
    except LookupError as not_now:
        raise ConfigurationError("demo", what, str(not_now), "try again later") from None
    finally:
        engine.dispose()


def live_step(key: str, engine: sa.Engine, now: datetime) -> None:
    """Write what happened in one department since it last wrote, at most six hours of it, and move its clock.

    Rows and clock are two commits: a department's `live` leaves rows alone that are already there, so that a stretch
    written twice after a crash is the same as written once.
    """
    with engine.connect() as conn:
        seed, last = conn.execute(sa.select(_clock.c.seed, _clock.c.written_until)).one()
    if now > last:
        until = min(now, last + _STRETCH)
        find_departments()[key].live(engine, last, until, seed)
        with engine.begin() as conn:
            conn.execute(_clock.update().values(written_until=until))


def _live_or_report(key: str, engine: sa.Engine, now: datetime, failing: set[str], report: Report) -> None:
    try:
        if _absent(str(engine.url)):  # opening it would leave an empty file behind
            raise sa.exc.NoResultFound("no such file")
        live_step(key, engine, now)
    except (sa.exc.DBAPIError, sa.exc.NoResultFound) as wrong:
        if key not in failing:
            failing.add(key)
            report(f"{key}: cannot write ({str(wrong).splitlines()[0]}); is it built? cockpit demo build --only {key}")
        return
    if key in failing:
        failing.discard(key)
        report(f"{key}: writing again")


def _addresses(settings: Settings, only: Iterable[str] | None) -> dict[str, str]:
    """Address per department that is both simulated here and configured as a source."""
    known = find_departments()
    wanted = list(known) if only is None else list(only)
    for key in wanted:
        if key not in known:
            raise ConfigurationError("demo", key, "no such department", "known: " + ", ".join(sorted(known)))
    return {key: settings.sources[key].url for key in wanted if key in settings.sources and settings.sources[key].url}


def _wanted(job: _Job, report: Report) -> bool:
    """Whether to build; refuses to touch what is not ours."""
    state = _state_of(job.url)
    if state == "foreign":
        raise ConfigurationError(
            "demo", job.key, "the database has tables that are not the demo's", "give the demo an empty database of its own"
        )
    if state == "built" and not job.fresh:
        report(f"{job.key}: already there (--fresh builds it again)")
        return False
    return True


def _state_of(url: str) -> str:
    """`empty`, `begun` (ours, cut off while building), `built` (ours, whole) or `foreign`."""
    if _absent(url):
        return "empty"
    engine = open_department(url)
    try:
        tables = sa.inspect(engine).get_table_names()
        if _clock.name not in tables:
            return "foreign" if tables else "empty"
        with engine.connect() as conn:
            return "built" if conn.execute(sa.select(_clock.c.seed)).first() else "begun"
    finally:
        engine.dispose()


def _absent(url: str) -> bool:
    path = _sqlite_file(url)
    return path is not None and not path.exists()


def _sqlite_file(url: str) -> Path | None:
    address = sa.make_url(url)
    return Path(address.database) if address.get_backend_name() == "sqlite" and address.database else None


def _build(job: _Job) -> str:
    """Build one department; a SQLite file appears only when it is complete."""
    path = _sqlite_file(job.url)
    if path is None:
        _build_at(job, job.url)
    else:
        _build_file(job, path)
    return f"{job.key}: built up to {job.now:%Y-%m-%d %H:%M}Z"


def _build_file(job: _Job, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    _remove(part)
    _build_at(job, f"sqlite:///{part}")
    _settle(part)
    _remove(path)
    part.rename(path)


def _remove(path: Path) -> None:
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)


def _settle(path: Path) -> None:
    """Bring the write-ahead log into the file, so that the file alone is the database."""
    engine = open_department(f"sqlite:///{path}")
    with closing(engine.raw_connection()) as connection:
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()


def _build_at(job: _Job, url: str) -> None:
    engine = open_department(url)
    try:
        _empty(engine)
        _clock.create(engine)  # first: whatever a cut-off build leaves behind is known as ours
        find_departments()[job.key].build(engine, job.now, job.seed)
        with engine.begin() as conn:
            conn.execute(_clock.insert().values(seed=job.seed, written_until=job.now))
    finally:
        engine.dispose()


def _empty(engine: sa.Engine) -> None:
    """Drop the tables of an earlier demo; only ever called where the demo's mark was found or nothing was."""
    old = sa.MetaData()
    old.reflect(engine)
    old.drop_all(engine)
