"""What is known about a playbook under way: answers of departments, and whether what it looks at holds, with what was seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from operator import ge, gt, le, lt
from typing import Any

import sqlalchemy as sa

from dashboard.casework.linkage.decide import Answer, Facts, Holding, Run
from dashboard.casework.linkage.machine import State, both
from dashboard.core.catalog import Catalog
from dashboard.core.declare import Metric, Text
from dashboard.core.playbooks import AssetState, Cleared, Condition, Fallen, JudgeStops, Playbook, Reading
from dashboard.core.receipts import order_receipt
from dashboard.core.times import city_day, from_micros
from dashboard.store.findings import findings
from dashboard.store.rollups import USABLE
from dashboard.store.schema import channel
from dashboard.store.series import readings_between

_COMPARE: Mapping[str, Callable[[float, float], bool]] = {">=": ge, ">": gt, "<=": le, "<": lt}
_SIGNS = {">=": "≥", ">": ">", "<=": "≤", "<": "<"}
_FRESH = 3  # cadences: a reading older than this says nothing about now
_BEFORE = timedelta(hours=2)  # how far before its beginning a playbook looks for what a metric was then
_JUST = timedelta(microseconds=1)  # a reading of this very moment counts
_OVER = Text("预警已由值班人员办结", "People are done with the alert")
_DRILLED = Text("演练：视为符合", "Drill: taken to hold")


def look(conn: sa.Connection, catalog: Catalog, playbook: Playbook, about: Any, run: Run, now: datetime) -> Facts:
    """Everything that `decide` asks for. `about` is the run's row with the alert's beside it."""
    answers = _answers(conn, run)
    if about.closed_at is not None and run.state == "running":
        return Facts(answers, over=both(_why_over(playbook, about, run)))
    if about.drill:
        return Facts(answers, {name: Holding(True, both(_DRILLED)) for name, _ in _asked(playbook, run) if name not in _stops(playbook)})
    seer = _Seer(conn, catalog, playbook, about, now)
    held: dict[str, list[Holding]] = {}
    for name, condition in _asked(playbook, run):
        held.setdefault(name, []).append(seer.holding(condition))
    return Facts(answers, {name: _together(all_of) for name, all_of in held.items()})


def _together(all_of: Sequence[Holding]) -> Holding:
    """Conditions of which every one must hold."""
    due = min((one.due for one in all_of if one.due is not None), default=None)
    return Holding(all(one.yes for one in all_of), all_of[-1].seen, due)


def _why_over(playbook: Playbook, about: Any, run: Run) -> Text:
    """Why there is nothing left to do: it went by itself before anybody came, or people are done with it."""
    taken = any(now.state in (State.ACCEPTED, State.ARRIVED, State.DONE) for now in run.steps.values())
    gone = next((stop.when.said for stop in playbook.stops if isinstance(stop.when.seen, Cleared)), _OVER)
    return gone if about.alert_state == "clear" and not taken else _OVER


def _stops(playbook: Playbook) -> set[str]:
    return {stop.key for stop in playbook.stops}


def _asked(playbook: Playbook, run: Run) -> Iterator[tuple[str, Condition]]:
    """Conditions that matter as things stand: stop rules, interlocks of what has not begun, checks under way or to come."""
    for stop in playbook.stops:
        yield stop.key, stop.when
    for step in playbook.steps:
        state = run.steps[step.key].state
        if state in (State.IDLE, State.WAITING):
            yield from ((f"{step.key}.needs", need) for need in step.needs)
        if step.holds is not None and not state.is_over:
            yield step.key, step.holds


def _answers(conn: sa.Connection, run: Run) -> dict[str, Sequence[Answer]]:
    """What departments answered to the orders that are alive, oldest first."""
    alive = {now.order_no: key for key, now in run.steps.items() if now.order_no and now.state.is_under_way}
    if not alive:
        return {}
    r = order_receipt.c
    query = sa.select(r.order_no, r.state, r.opened_at, r.by_unit, r.note, r.result).where(r.order_no.in_(list(alive)))
    found: dict[str, list[Answer]] = {}
    for row in conn.execute(query.order_by(r.opened_at, r.case_id)):
        note = "，".join(part for part in (row.result, row.note) if part)
        found.setdefault(alive[row.order_no], []).append(Answer(row.state, row.opened_at, row.by_unit or "", note))
    return dict(found)


class _Seer:
    """Looks at the store for one alert."""

    def __init__(self, conn: sa.Connection, catalog: Catalog, playbook: Playbook, about: Any, now: datetime) -> None:
        self.conn, self.catalog, self.about, self.now = conn, catalog, about, now
        self.numbers = numbers_of(catalog, playbook, now)

    def holding(self, condition: Condition) -> Holding:
        held = timedelta(minutes=self.numbers[condition.held]) if condition.held else timedelta(0)
        match condition.seen:
            case Reading() as seen:
                return self._reading(seen, held)
            case Fallen() as seen:
                return self._fallen(seen)
            case AssetState(states=states):
                return Holding(self._state() in states, both(condition.said))
            case JudgeStops():
                return self._judge()
            case Cleared():
                return Holding(self.about.alert_state == "clear" and not self.about.no_data, both(condition.said))

    def _reading(self, seen: Reading, held: timedelta) -> Holding:
        """Whether the newest readings are beyond the number, and have been for long enough; an old one says nothing."""
        metric, rows = self._rows(seen.metric, self.now - held, self.now)
        if not rows or rows[-1][0] < self.now - _FRESH * metric.cadence:
            return Holding(False)
        limit, beyond, since = self.numbers[seen.limit], _COMPARE[seen.op], None
        for at, value in rows:
            since = (since or at) if beyond(value, limit) else None
        yes = since is not None and self.now - since >= held
        due = None if since is None or yes else since + held
        return Holding(yes, both(_said(metric, rows[-1][1], f" {_SIGNS[seen.op]} {limit:g}" if yes else "")), due)

    def _fallen(self, seen: Fallen) -> Holding:
        began = self.about.started_at
        metric, rows = self._rows(seen.metric, began - _BEFORE, self.now)
        before, after = [value for at, value in rows if at <= began], [value for at, value in rows if at > began]
        if not before or not after:
            return Holding(False)
        yes = before[-1] - after[-1] >= self.numbers[seen.limit]
        return Holding(yes, both(_said(metric, before[-1], f" → {after[-1]:g}")))

    def _rows(self, key: str, since: datetime, until: datetime) -> tuple[Metric, list[tuple[datetime, float]]]:
        """The usable readings of the asset in a stretch of time, and some before it."""
        domain, name = key.split(".", 1)
        metric, at = self.catalog.metrics[domain, name], channel.c
        mine = sa.and_(at.domain == domain, at.metric == name, at.asset_id == self.about.asset_id)
        number = self.conn.scalar(sa.select(at.channel_id).where(mine))
        if number is None:
            return metric, []
        rows = readings_between(self.conn, number, since - _FRESH * metric.cadence, until + _JUST)
        return metric, [(from_micros(ts), value) for ts, value, quality in rows if quality < USABLE]

    def _state(self) -> str | None:
        """The asset's state in the register of its domain."""
        for table in asset_tables(self.catalog, self.about.domain):
            found = self.conn.execute(sa.select(table.c.state).where(table.c.asset_id == self.about.asset_id)).first()
            if found is not None:
                return str(found.state) if found.state else None
        return None

    def _judge(self) -> Holding:
        """What the rule's own judge last found about the asset: a stop rule of its, in its words."""
        found = findings(self.conn, [self.about.rule], self.now, self.now, self.about.asset_id)
        stopped = found[0].stopped if found else None
        return Holding(stopped is not None, both(stopped) if stopped else "")


def numbers_of(catalog: Catalog, playbook: Playbook, now: datetime) -> dict[str, float]:
    """A playbook's numbers in force."""
    return catalog.rule_parameters(playbook.numbers, city_day(now).isoformat())


def asset_tables(catalog: Catalog, domain: str) -> list[sa.Table]:
    """The registers of a domain."""
    tables = (feed.table for feed in catalog.domains[domain].feeds)
    return [table for table in tables if table is not None and "asset_id" in table.primary_key.columns]


def _said(metric: Metric, value: float, more: str) -> Text:
    told = f"{value:.{metric.decimals}f} {metric.unit}{more}"
    return Text(f"{metric.title.zh} {told}", f"{metric.title.en} {told}")
