"""The one worker: pulls on schedule, computes, raises alerts, tidies the store. Declarations become jobs here, nothing more."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from dashboard.alerting.evaluate import evaluate
from dashboard.alerting.hush import quieten
from dashboard.alerting.situations import gather
from dashboard.casework.linkage.run import run_playbooks
from dashboard.casework.silences import expire
from dashboard.casework.tend import tend
from dashboard.core.catalog import Catalog
from dashboard.core.clock import Clock
from dashboard.core.declare import Absence, AlertRule, Domain, Readings
from dashboard.core.errors import CockpitError, StaleWriterError
from dashboard.core.times import CITY_ZONE
from dashboard.derive.run import derive
from dashboard.geo.layers import use_stored_streets
from dashboard.kpi.backfill import backfill
from dashboard.kpi.compute import compute
from dashboard.notify.orders import send_orders
from dashboard.notify.outbox import Sent, send
from dashboard.notify.route import route
from dashboard.pull.reconcile import compare_if_due
from dashboard.pull.run import PullOutcome, run_pull
from dashboard.pull.schedule import next_due
from dashboard.pull.state import filling
from dashboard.settings import Settings
from dashboard.store import audit_check
from dashboard.store.lease import Lease
from dashboard.store.readings import compact
from dashboard.store.retention import thin
from dashboard.store.schema import pull_state
from dashboard.store.topics import versions

log = logging.getLogger(__name__)

BEAT_S = 2.0
PULL_BUDGET_S = 4.0  # a long backfill gives way to its source's other pulls after this
HISTORY_WAITS = timedelta(minutes=3)  # for the newest of every department, and no longer: one may never catch up
DERIVE_BUDGET_S = 0.7  # weeks of readings to work metrics out from give way to the numbers of today
RETRY_LEASE_S = 0.5
TURN_S = 1.0  # at most one turn of computing a second, and only when something moved
QUIET_TURN = timedelta(seconds=20)  # silence moves nothing, yet data grows old and windows roll on
PAST_AGAIN = timedelta(minutes=1)  # nothing to fill in now; a source may catch up later
COMPACT_EVERY = timedelta(seconds=30)  # a quick look, unless readings come by the thousand a second
STOP_WITHIN_S = 1.5
OURS = ("kpi:", "worker")  # topics a turn moves itself


class Worker:
    """Does the city's housework while it holds the lease."""

    def __init__(self, settings: Settings, catalog: Catalog, engine: sa.Engine, clock: Clock) -> None:
        self._settings, self._catalog, self._engine, self._clock = settings, catalog, engine, clock
        self._lease = Lease(engine, "worker", f"{socket.gethostname()}:{os.getpid()}")
        self._seen: dict[str, int] = {}
        self._quiet_until = datetime.min.replace(tzinfo=CITY_ZONE)
        self._past_due = self._quiet_until
        self._behind: set[str] = set()  # pulls still reading what is new: their newest row says nothing about now
        self._filling: set[str] = set()  # pulls whose newest stretch is in, and whose history is still being read
        self._deriving: frozenset[str] = frozenset()  # domains whose metrics are not worked out up to now
        self._history_from = self._quiet_until
        self._failing: dict[str, str] = {}
        self._unsent: dict[str, str] = {}  # why a channel's last message did not go
        self._ways = self._ways_out()
        self._busy: set[str] = set()
        self._idle = threading.Condition()
        self._stop = threading.Event()
        self._jobs: Any = None
        self.lost = False  # another worker took over

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop or another worker takes over."""
        self._stop = stop
        if not self._wait_for_lease():
            return
        self._take_map()
        scheduler = self._jobs = self._scheduler()
        scheduler.start()
        pulls, sources = len(self._settings.pulls), len(self._settings.sources)
        log.info("worker has the lease (fence %d): %d pulls from %d sources", self._lease.fence, pulls, sources)
        try:
            self._beat_until_stopped()
        finally:
            scheduler.pause()
            with self._idle:
                self._idle.wait_for(lambda: not self._busy, STOP_WITHIN_S)  # a turn cut off rolls back; the next resumes at the watermark
            scheduler.shutdown(wait=False)  # waiting here would hold the lock that a turn needs to plan its next
            self._lease.release()

    def _wait_for_lease(self) -> bool:
        told = False
        while not self._lease.acquire(self._clock.now()):
            if not told:
                log.info("another worker has the lease; standing by")
                told = True
            if self._stop.wait(RETRY_LEASE_S):
                return False
        return not self._stop.is_set()

    def _beat_until_stopped(self) -> None:
        while not self._stop.wait(BEAT_S):
            try:
                self._lease.beat(self._clock.now())
            except StaleWriterError as replaced:
                return self._replaced(replaced)
            except sa.exc.SQLAlchemyError as away:  # the lock is still ours; a missed beat shows as age on every screen
                log.warning("heartbeat not written: %s", away)

    def _replaced(self, why: StaleWriterError) -> None:
        if not self.lost:
            log.error("%s", why)
        self.lost = True
        self._stop.set()

    # ---- jobs

    def _scheduler(self) -> Any:
        logging.getLogger("apscheduler").setLevel(logging.ERROR)  # it tells of every turn still running; we tell of changes
        executors: dict[str, Any] = {source: ThreadPoolExecutor(1) for source in self._settings.sources}
        executors |= {name: ThreadPoolExecutor(1) for name in ("turn", "care", "route", *self._ways)}
        defaults = {"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
        scheduler = BackgroundScheduler(executors=executors, job_defaults=defaults, timezone=CITY_ZONE)
        self._plan_pulls(scheduler)
        for job, trigger, executor in (
            (self._turn, IntervalTrigger(seconds=TURN_S), "turn"),
            (self._route, IntervalTrigger(seconds=TURN_S), "route"),
            (self._fill_past, IntervalTrigger(seconds=1), "care"),
            (self._compact, IntervalTrigger(seconds=int(COMPACT_EVERY.total_seconds())), "care"),
            (self._thin, CronTrigger(hour=3, minute=random.randint(0, 40)), "care"),
            (self._audit, IntervalTrigger(seconds=int(audit_check.LOOK_EVERY.total_seconds())), "care"),
        ):
            scheduler.add_job(self._guarded(job), trigger, id=job.__name__, executor=executor)
        for way in self._ways:  # each on its own: a mail server that hangs holds up no robot, and no department's orders
            scheduler.add_job(self._guarded(self._send, way), IntervalTrigger(seconds=TURN_S), id=way, executor=way)
        return scheduler

    def _plan_pulls(self, scheduler: Any) -> None:
        """A job per pull. What never ran and reaches back least comes first: a picture early, its past behind it."""
        now = self._clock.now()
        self._history_from = now + HISTORY_WAITS
        with self._engine.connect() as conn:
            dues = next_due(conn, self._settings, now)
            self._filling = filling(conn) & self._settings.pulls.keys()
        for order, (key, due) in enumerate(dues):
            pull = self._settings.pulls[key]
            if due <= now:
                self._behind.add(key)
            every = IntervalTrigger(seconds=max(1, round(pull.interval.total_seconds())))
            first = max(due, now + timedelta(milliseconds=20 * order))
            scheduler.add_job(self._guarded(self._pull, key), every, id=_job(key), executor=pull.source, next_run_time=first)

    def _guarded(self, job: Callable[..., None], *what: str) -> Callable[[], None]:
        """The job boundary: the one place where any error is caught, so that one job cannot cost the others."""

        name = " ".join((job.__name__.strip("_"), *what))

        def run() -> None:
            if self._stop.is_set():
                return
            self._busy.add(name)
            try:
                job(*what)
            except StaleWriterError as replaced:
                self._replaced(replaced)
            except Exception as wrong:
                self._complain(name, wrong)
            else:
                if self._failing.pop(name, None):
                    log.info("%s: well again", name)
            finally:
                with self._idle:
                    self._busy.discard(name)
                    self._idle.notify_all()

        return run

    def _complain(self, name: str, wrong: Exception) -> None:
        """Once for each new trouble, not every turn."""
        if self._failing.get(name) == str(wrong):
            return
        self._failing[name] = str(wrong)
        if isinstance(wrong, CockpitError):
            log.error("%s: %s", name, wrong)  # a sentence for a person; where it was raised does not matter
        else:
            log.error("%s failed", name, exc_info=wrong)

    def _pull(self, key: str) -> None:
        """One turn, if it is due; the next one when the pull says: at its interval, later after a failure, at once if there is more."""
        if self._due(key) <= self._clock.now():
            turn = self._read(key)
            (self._filling.add if turn.filling else self._filling.discard)(key)
            if turn.filling or not turn.more:
                self._behind.discard(key)
            if turn.outcome == "ok" and not turn.more:
                compare_if_due(self._engine, self._catalog, self._settings, key, self._clock.now(), self._lease.fence)
        if self._stop.is_set():
            return
        soonest = self._clock.now() + timedelta(milliseconds=100)
        spread = timedelta(seconds=random.uniform(0, 0.05) * self._settings.pulls[key].interval.total_seconds())
        due = self._due(key)
        with contextlib.suppress(JobLookupError):  # we are stopping
            self._jobs.modify_job(_job(key), next_run_time=due + spread if due > soonest else soonest)

    def _read(self, key: str) -> PullOutcome:
        """History waits until the newest of every department is in, or for a while: today's numbers come before last month's."""
        now, fence = self._clock.now(), self._lease.fence
        history = self._behind <= {key} or now >= self._history_from
        return run_pull(self._engine, self._catalog, self._settings, key, now, fence, budget_s=PULL_BUDGET_S, history=history)

    def _due(self, key: str) -> datetime:
        with self._engine.connect() as conn:
            due = conn.scalar(sa.select(pull_state.c.next_due_at).where(pull_state.c.pull == key))
        return due or self._clock.now()

    def _turn(self) -> None:
        now = self._clock.now()
        with self._engine.connect() as conn:
            seen = {topic: version for topic, version in versions(conn).items() if not topic.startswith(OURS)}
        if seen == self._seen and now < self._quiet_until:
            return
        if seen.get("geo") != self._seen.get("geo"):
            self._take_map()
        unfinished = self._derive(now)
        compute(self._engine, self._catalog, self._settings, now, self._lease.fence)
        evaluate(self._engine, self._settled(), self._settings, now, self._lease.fence)
        expire(self._engine, now, self._lease.fence)
        quieten(self._engine, self._catalog, self._settings, now, self._lease.fence)
        gather(self._engine, self._catalog, self._settings, now, self._lease.fence)  # the last: what it has seen may be told
        tend(self._engine, self._catalog, now, self._lease.fence)
        run_playbooks(self._engine, self._catalog, now, self._lease.fence)
        self._seen, self._quiet_until = seen, now if unfinished else now + QUIET_TURN

    def _derive(self, now: datetime) -> bool:
        """Metrics are worked out once their readings' history is in: what is learned of half a year is learned of the wrong half."""
        reading = self._reading(self._behind | self._filling)
        ready = replace(self._catalog, domains={key: domain for key, domain in self._catalog.domains.items() if key not in reading})
        unfinished = derive(self._engine, ready, now, self._lease.fence, DERIVE_BUDGET_S)
        self._deriving = unfinished | {key for key in reading if self._catalog.domains[key].derived}
        return bool(unfinished)

    def _route(self) -> None:
        route(self._engine, self._settings, self._clock.now(), self._lease.fence)

    def _send(self, way: str) -> None:
        """A turn of a channel or an outbox. What failed is kept and tried again; a new reason is said once, quiet turns change nothing."""
        turn = self._ways[way](self._clock.now(), self._lease.fence)
        before = self._unsent.get(way, "")
        if turn.error and turn.error != before:
            log.error("%s: not sent: %s", way, turn.error)
        elif turn.sent and not turn.error and before:
            log.info("%s: sent again", way)
        if turn.sent or turn.error:
            self._unsent[way] = turn.error

    def _ways_out(self) -> dict[str, Callable[[datetime, int], Sent]]:
        """Everything that leaves the house: notices over channels, orders into outboxes."""
        notices = {
            f"channel:{key}": partial(send, self._engine, self._catalog, self._settings, key) for key in self._settings.notify.channels
        }
        orders = {f"outbox:{key}": partial(send_orders, self._engine, self._settings, key) for key in self._settings.outboxes}
        return {**notices, **orders}

    def _take_map(self) -> None:
        """From now on points find their streets by the outlines in force."""
        with self._engine.connect() as conn:
            use_stored_streets(conn)

    def _reading(self, pulls: set[str]) -> set[str]:
        """The domains these pulls read for."""
        return {self._settings.pulls[key].into.split(".")[0] for key in tuple(pulls)}

    def _settled(self) -> Catalog:
        """The catalog without the rules that what is known so far cannot bear: last month's gas is no alarm, nor its silence.

        A domain reading what is new has none; one reading or working out its history has those that look at the last day alone.
        """
        behind, unsettled = self._reading(self._behind), self._reading(self._filling) | self._deriving
        if not behind | unsettled:
            return self._catalog
        rules = {key: () if key in behind else _of_today(self._catalog.domains[key]) for key in behind | unsettled}
        return replace(
            self._catalog,
            domains={key: replace(d, rules=rules[key]) if key in rules else d for key, d in self._catalog.domains.items()},
        )

    def _fill_past(self) -> None:
        """One slice of the weeks before we began: what 24-hour lines and expected ranges need."""
        now = self._clock.now()
        if now >= self._past_due and not backfill(
            self._engine, self._catalog, self._settings, now, self._lease.fence, waiting=self._deriving | self._reading(self._filling)
        ):
            self._past_due = now + PAST_AGAIN

    def _compact(self) -> None:
        compact(self._engine, self._clock.now())

    def _thin(self) -> None:
        began = time.monotonic()
        gone = thin(self._engine, self._clock.now())
        log.info("old history thinned in %.1f s: %s", time.monotonic() - began, gone or "nothing was old enough")

    def _audit(self) -> None:
        audit_check.care(self._engine, self._settings.home, self._clock.now())


def _of_today(domain: Domain) -> tuple[AlertRule, ...]:
    """The rules of a domain that need no history: they watch what instruments say, nothing learned or worked out from it."""
    worked_out = {derived.metric.key for derived in domain.derived}
    return tuple(r for r in domain.rules if isinstance(r.watches, Readings | Absence) and r.watches.metric not in worked_out)


def _job(key: str) -> str:
    return f"pull:{key}"


def leave(code: int) -> None:
    """End the process now: a turn still reading a slow department is not waited for; the store takes an end at any moment."""
    logging.shutdown()
    os._exit(code)
