"""Gaps between minibuses while they last: how long a stop has waited for the next bus, in scheduled headways."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import floor
from typing import Any, TypeAlias

import sqlalchemy as sa

from dashboard import city
from dashboard.city import Text
from data_sources.minibuses.tables import trip, vehicle, visit

_BACK = timedelta(hours=3)
_UNWATCHED = timedelta(minutes=3)  # silence after which the reader begins headways anew
_WAYS = {"out": Text("上行", "Outbound"), "back": Text("下行", "Inbound")}
Place: TypeAlias = tuple[str, str, str]  # line, direction, timing stop

READS = {
    "visits": sa.select(
        *(visit.c.case_id, visit.c.asset_id, visit.c.line, visit.c.category, visit.c.title, visit.c.street, visit.c.lon, visit.c.lat),
        *(visit.c.opened_at, visit.c.before_at, visit.c.before_due_at),
    )
    .where(visit.c.opened_at >= city.ago(_BACK), visit.c.opened_at <= city.ago())
    .order_by(visit.c.opened_at),
    "due": sa.select(trip.c.case_id, trip.c.asset_id, trip.c.direction, trip.c.opened_at)
    .where(trip.c.opened_at >= city.ago(2 * _BACK), trip.c.opened_at <= city.ago())
    .order_by(trip.c.opened_at),
    "heard": sa.select(sa.func.max(vehicle.c.observed_at).label("at")),
}


@dataclass(frozen=True)
class _Wait:
    """What a stop has waited since its last bus, and what the timetable has from that bus to the next."""

    last: Any  # the visit
    minutes: float
    planned: float

    @property
    def ratio(self) -> float:
        return floor(self.minutes / self.planned * 20) / 20


def open_gaps(rows: Mapping[str, list[Any]], parameters: Mapping[str, float], now: datetime) -> list[city.Finding]:
    """Per line, the stop that waits longest for its next bus while there is service, as far as buses were heard of."""
    heard = next((row.at for row in rows["heard"]), None)
    if heard is None:
        return []
    now = min(now, heard)  # while positions are late, nobody can say that no bus came
    rest = timedelta(minutes=parameters["rest"])
    waits = defaultdict(list)
    for place, seen in _by_place(rows["visits"]).items():
        wait = _wait(seen, _departures(rows["due"], place), (_watched_since(rows["visits"], seen[-1].opened_at), now), rest)
        if wait and wait.ratio >= parameters["least"]:
            waits[place[0]].append(wait)
    return [_finding(line, sorted(found, key=lambda w: -w.ratio), now) for line, found in waits.items()]


def _by_place(visits: Sequence[Any]) -> dict[Place, list[Any]]:
    seen = defaultdict(list)
    for row in visits:
        seen[row.line, row.category, row.asset_id].append(row)
    return seen


def _departures(due: Sequence[Any], place: Place) -> dict[str, datetime]:
    return {row.case_id: row.opened_at for row in due if (row.asset_id, row.direction) == place[:2]}


def _watched_since(visits: Sequence[Any], since: datetime) -> datetime:
    """From when on no bus has passed unseen, at the earliest `since`.

    A headway, of whatever stop, says that positions were heard all through it. An arrival that should have one and has none
    comes after a silence, unless headways reach up to it.
    """
    reach = since
    for row in visits:
        if row.before_at is not None and row.before_at <= reach:
            reach = max(reach, row.opened_at)
        elif row.before_at is None and row.before_due_at is not None and row.opened_at - reach > _UNWATCHED:
            since = reach = row.opened_at
    return since


def _wait(seen: list[Any], departures: Mapping[str, datetime], watched: tuple[datetime, datetime], rest: timedelta) -> _Wait | None:
    """Nothing where the last bus is of no trip we know, where no other was to leave since, or where the timetable rests."""
    since, now = watched
    left = [departures[trip_id] for row in seen if (trip_id := row.case_id.rpartition("/")[0]) in departures]
    ahead = [at for at in departures.values() if left and at > max(left)]
    if not ahead or any(later - at > rest for at, later in pairwise((max(left), *ahead, now))):
        return None
    return _Wait(seen[-1], (now - since).total_seconds() / 60, (ahead[0] - max(left)).total_seconds() / 60)


def _finding(line: str, waits: list[_Wait], now: datetime) -> city.Finding:
    last = waits[0].last
    return city.Finding(
        asset=line,
        at=now,
        value=waits[0].ratio,
        because=tuple((_WAYS.get(w.last.category, Text("站点", "Stop")), _said(w)) for w in waits),
        name=last.title or line,
        street=last.street,
        lon=last.lon,
        lat=last.lat,
    )


def _said(wait: _Wait) -> str:
    return f"{wait.last.case_id}: {wait.ratio:g} × {wait.planned:g} min"
