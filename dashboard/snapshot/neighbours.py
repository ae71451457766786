"""What stands around an asset: a map close in on it, and everything within reach of any department, the nearest first."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from dashboard.core.catalog import words
from dashboard.core.declare import Domain
from dashboard.snapshot.alerts import Alert
from dashboard.snapshot.asset import Subject, find
from dashboard.snapshot.maps import asset_tables
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.view import View
from dashboard.snapshot.words import number, say

REACH_M = 300.0
_SHOWN = 10
_M_PER_DEGREE = 111_320.0


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """An asset nearby."""

    ident: str
    name: str
    kind: str
    domain: str
    distance: float
    x: float
    y: float
    state: str
    level: str
    number: int | str


def neighbours(picture: Picture, view: View, subject: Subject) -> list[Neighbour]:
    """All assets of all departments within reach, the nearest first; none where the asset has no place."""
    lon, lat = subject.row.get("lon"), subject.row.get("lat")
    if lon is None or lat is None:
        return []
    home = picture.land.point(lon, lat)
    alerts = {(a.domain, a.asset_id): a for a in reversed(picture.alerts) if a.stands}
    found = [
        _neighbour(picture, view, domain, row, home, alerts.get((domain.key, row.asset_id)))
        for domain, row in _around(picture, float(lon), float(lat))
        if (domain.key, row.asset_id) != (subject.domain.key, subject.asset_id)
    ]
    return sorted((n for n in found if n.distance <= REACH_M), key=lambda n: n.distance)


def _around(picture: Picture, lon: float, lat: float) -> Iterator[tuple[Domain, Any]]:
    high = REACH_M / _M_PER_DEGREE
    wide = high / math.cos(math.radians(lat))
    with picture.reading() as conn:
        for domain in picture.catalog.domains.values():
            for table in asset_tables(domain, on_map=True):
                c = table.c
                near = sa.and_(c.lon.between(lon - wide, lon + wide), c.lat.between(lat - high, lat + high))
                for row in conn.execute(sa.select(c.asset_id, c.name, c.kind, c.state, c.lon, c.lat).where(near)):
                    yield domain, row


def _neighbour(picture: Picture, view: View, domain: Domain, row: Any, home: tuple[float, float], alert: Alert | None) -> Neighbour:
    x, y = picture.land.point(row.lon, row.lat)
    return Neighbour(
        ident=f"{domain.key}/{row.asset_id}",
        name=row.name,
        kind=words(domain.asset_kinds.get(row.kind) or domain.title, view.lang),
        domain=domain.title(view.lang),
        distance=math.dist(home, (x, y)),
        x=x,
        y=y,
        state=words(domain.states.get(row.state or ""), view.lang, row.state or ""),
        level=alert.level if alert else "",
        number=alert.number if alert else "",
    )


def around(picture: Picture, view: View, ident: str) -> dict[str, Any]:
    """The list beside the map."""
    subject = find(picture, ident)
    found = neighbours(picture, view, subject)
    reach = number(REACH_M, 0)
    return {
        "placed": subject.row.get("lon") is not None,
        "subtitle": say(view.lang, f"{reach}米内{len(found)}项", f"{len(found)} within {reach} m"),
        "rows": [{"n": n, "distance": number(n.distance, 0)} for n in found[:_SHOWN]],
        "more": max(0, len(found) - _SHOWN),
        "found": found,
        "subject": subject,
    }
