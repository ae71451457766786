"""Which playbooks under way need a look: those something has happened to since the last one, and those whose time has come.

A look costs milliseconds, and a storm has thousands of runs: what may move them is read for all of them at once.
"""

from __future__ import annotations

import weakref
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.casework.linkage.facts import asset_tables
from dashboard.core.catalog import Catalog
from dashboard.core.playbooks import AssetState, Condition, Fallen, JudgeStops, Playbook, Reading
from dashboard.core.readings import latest
from dashboard.core.receipts import order_receipt
from dashboard.core.times import city_day, from_micros
from dashboard.store.schema import alert, handling
from dashboard.store.schema_linkage import playbook_run, playbook_step, work_order

ANYWAY = timedelta(minutes=5)  # for what is put right afterwards: an old reading, a receipt written over
_A_TURN = 100  # runs looked at; the city's alerts wait meanwhile
Sign = tuple[Hashable, ...]
_Told = Mapping[Hashable, Hashable]


@dataclass(frozen=True)
class Standing:
    """What a run was, when something about it last moved, and when a limit of its steps passes."""

    sign: Sign
    due: datetime | None


@dataclass
class Looks:
    """What each run was when a look changed nothing, and until when none will."""

    known: dict[int, tuple[Sign, datetime]] = field(default_factory=dict)

    def calling(self, runs: Mapping[int, Standing], now: datetime) -> list[int]:
        """Those to look at now, what is known to have moved first; after a restart in a storm the rest waits for the next turns."""
        self.known = {run_id: one for run_id, one in self.known.items() if run_id in runs}
        called = [run_id for run_id, one in runs.items() if self._is_called(run_id, one, now)]
        return sorted(called, key=lambda run_id: run_id not in self.known)[:_A_TURN]

    def rest(self, run_id: int, standing: Standing, until: datetime | None, now: datetime) -> None:
        """Nothing is to be done about a run as it stands."""
        ends = [at for at in (until, standing.due) if at is not None]
        self.known[run_id] = (standing.sign, min([*ends, now + ANYWAY * (1 + run_id % 8 / 8)]))

    def _is_called(self, run_id: int, standing: Standing, now: datetime) -> bool:
        sign, until = self.known.get(run_id, ((), now))
        return sign != standing.sign or until <= now


_looks: weakref.WeakKeyDictionary[sa.Engine, Looks] = weakref.WeakKeyDictionary()


def looks_at(engine: sa.Engine) -> Looks:
    """What this process has seen of a store; another one looks at everything once."""
    return _looks.setdefault(engine, Looks())


def standings(conn: sa.Connection, catalog: Catalog, now: datetime) -> dict[int, Standing]:
    """Every run that is not over, in the order they began, with everything that may move it; a handful of statements for all."""
    rows = conn.execute(_RUNS).all()
    books = {row.playbook: book for row in rows if (book := catalog.playbooks.get(row.playbook))}
    steps, receipts = _by_run(conn, _STEPS), _by_run(conn, _RECEIPTS)
    metrics = {key: _metrics(book) for key, book in books.items()}
    judged = {key for key, book in books.items() if _asks(book, JudgeStops)}  # a judge's word is looked up each time
    read = {key: _readings(conn, key) for key in {key for some in metrics.values() for key in some}}
    states = {row.domain: _states(conn, catalog, row.domain) for row in {row.domain: row for row in rows}.values()}
    day, found = city_day(now), {}
    for row in rows:
        mine = [read[key].get(row.asset_id) for key in metrics.get(row.playbook, ())]
        of_steps = steps.get(row.run_id)
        sign = (
            day,
            now if row.playbook in judged else None,
            *row[1:],
            of_steps,
            receipts.get(row.run_id),
            *mine,
            states[row.domain].get(row.asset_id),
        )
        found[row.run_id] = Standing(sign, _due(of_steps))
    return found


def _micros(column: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    return sa.type_coerce(column, sa.BigInteger)


_open = playbook_run.c.ended_at.is_(None)
_ALERT = (alert.c.domain, alert.c.asset_id, alert.c.state.label("alert_state"), alert.c.level.label("alert_level"), alert.c.no_data)
_RUNS = (
    sa.select(playbook_run.c.run_id, playbook_run.c.playbook, playbook_run.c.state, playbook_run.c.level, *_ALERT)
    .add_columns(_micros(alert.c.closed_at).label("closed"), _micros(alert.c.updated_at).label("updated"), handling.c.version)
    .join(alert, alert.c.alert_id == playbook_run.c.alert_id)
    .outerjoin(handling, handling.c.alert_id == playbook_run.c.alert_id)
    .where(_open)
    .order_by(playbook_run.c.run_id)
)
_s, _r = playbook_step.c, order_receipt.c
_STEPS = (
    sa.select(_s.run_id, sa.func.min(_micros(_s.due_at)), sa.func.max(_micros(_s.due_at)), sa.func.max(_micros(_s.since)))
    .add_columns(sa.func.sum(_s.escalations), sa.func.sum(_s.tries))
    .join(playbook_run, playbook_run.c.run_id == _s.run_id)
    .where(_open)
    .group_by(_s.run_id)
)
_RECEIPTS = (
    sa.select(work_order.c.run_id, sa.func.count(), sa.func.max(_micros(_r.opened_at)))
    .select_from(order_receipt)
    .join(work_order, work_order.c.order_no == _r.order_no)
    .join(playbook_run, playbook_run.c.run_id == work_order.c.run_id)
    .where(_open)
    .group_by(work_order.c.run_id)
)


def _by_run(conn: sa.Connection, query: sa.Select[Any]) -> dict[int, tuple[Any, ...]]:
    return {row[0]: tuple(row[1:]) for row in conn.execute(query)}


def _due(steps: tuple[Any, ...] | None) -> datetime | None:
    return from_micros(steps[0]) if steps and steps[0] is not None else None


def _conditions(playbook: Playbook) -> Iterator[Condition]:
    yield from (stop.when for stop in playbook.stops)
    for step in playbook.steps:
        yield from step.needs
        if step.holds is not None:
            yield step.holds


def _asks(playbook: Playbook, kind: type) -> bool:
    return any(isinstance(one.seen, kind) for one in _conditions(playbook))


def _metrics(playbook: Playbook) -> list[str]:
    """The metrics it looks at, as `domain.metric`."""
    return sorted({one.seen.metric for one in _conditions(playbook) if isinstance(one.seen, Reading | Fallen)})


def _readings(conn: sa.Connection, metric: str) -> _Told:
    """The newest reading of each asset."""
    domain, name = metric.split(".", 1)
    at = latest.c
    query = sa.select(at.asset_id, _micros(at.ts), at.value, at.quality).where(at.domain == domain, at.metric == name)
    return {row[0]: tuple(row[1:]) for row in conn.execute(query)}


def _states(conn: sa.Connection, catalog: Catalog, domain: str) -> _Told:
    """The state of each asset of a domain whose playbooks ask for it, by its register."""
    books = (book for book in catalog.playbooks.values() if any(rule.startswith(f"{domain}.") for rule in book.on))
    if domain not in catalog.domains or not any(_asks(book, AssetState) for book in books):
        return {}
    tables = asset_tables(catalog, domain)
    return {asset: state for table in reversed(tables) for asset, state in conn.execute(sa.select(table.c.asset_id, table.c.state))}
