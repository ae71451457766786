"""The map's body: the land once, and on it what is wrong (overview) or what stands where (a system's page)."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from dashboard.core.declare import Domain, Level
from dashboard.snapshot.alerts import Alert, headline, width
from dashboard.snapshot.land import Box, Letter, Named
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.view import View

_MANY_SITES = 40  # beyond this sites are dots


@dataclass(frozen=True)
class StreetShape:
    """A street as drawn, with what marks it out."""

    name: Any
    d: str
    at: tuple[float, float]
    code: str
    hot: str
    on: bool


@dataclass(frozen=True)
class Mark:
    """An alert on the map, carrying the number of its card."""

    alert_id: int
    level: str
    number: int | str
    title: str
    x: float
    y: float


@dataclass(frozen=True)
class Sites:
    """Assets of one kind as one path."""

    d: str
    w: float
    dots: bool
    dim: bool = False


def map_body(
    picture: Picture, view: View, *, ident: str, aspect: float, font_share: float, vital: str = "", zoom: bool = False
) -> dict[str, Any]:
    """Everything `_map.html` draws. `font_share`: letter height as a share of the width."""
    land = picture.land
    box = (land.around(view.scope.streets).padded(0.18) if zoom and not view.scope.whole else land.whole).shaped(aspect)
    alerts = [a for a in picture.alerts_in(view) if a.state != "closed" and (not vital or a.vital == vital)]
    font = box.w * font_share
    worst = _worst_by_street(alerts)
    marks = _spread([_mark(picture, a, view.lang) for a in reversed(alerts)], font)
    rivers = land.river_names(font * 1.17, view.lang)
    labels = _labels(
        [(s.code, s.name(view.lang), s.at) for s in land.streets], marks, [ch for letters, _ in rivers for ch in letters], font
    )
    return {
        "id": ident,
        "box": box,
        "font": font,
        "mark": font * 0.86,
        "outline": land.outline,
        "rivers": land.drawn("rivers"),
        "roads": land.drawn("roads"),
        "bridges": land.drawn("bridges"),
        "tunnels": land.drawn("tunnels"),
        "loop": land.drawn("loop"),
        "streets": [
            StreetShape(s.name, s.d, labels[s.code], s.code, worst.get(s.code, ""), s.code in view.scope.streets) for s in land.streets
        ],
        "names": rivers,
        "neighbours": [n for n in land.neighbours if _inside(n, box, font)],
        "sites": _sites(picture, view, vital, box) if vital else [],
        "marks": marks,
        "picked": _picked(picture, view, vital),
        "review_no": land.review_no,
    }


def _labels(
    names: list[tuple[str, str, tuple[float, float]]], marks: list[Mark], letters: list[Letter], font: float
) -> dict[str, tuple[float, float]]:
    """Where each street's name stands: its own place, or the nearest one clear of marks and of other names."""
    taken = [(m.x, m.y, font * 1.05, font * 1.0) for m in marks] + [(ch.x, ch.y, font * 0.8, font * 0.8) for ch in letters]
    found: dict[str, tuple[float, float]] = {}
    for code, name, (x, y) in names:
        half = font * max(width(name), 1.0) / 2
        spots = sorted(
            ((dx * font * 0.7, dy * font * 0.7) for dx in range(-5, 6) for dy in range(-4, 5)), key=lambda d: math.hypot(d[0] * 0.8, d[1])
        )
        clear = (
            (x + dx, y + dy)
            for dx, dy in spots
            if all(abs(x + dx - tx) > half + tw or abs(y + dy - ty) > font * 0.6 + th for tx, ty, tw, th in taken)
        )
        found[code] = next(clear, (x, y))
        taken.append((*found[code], half, font * 0.6))
    return found


def _worst_by_street(alerts: list[Alert]) -> dict[str, str]:
    worst: dict[str, str] = {}
    for a in alerts:
        if a.street and (a.street not in worst or Level(a.level).severity > Level(worst[a.street]).severity):
            worst[a.street] = a.level
    return worst


def _inside(named: Named, box: Box, air: float) -> bool:
    x, y = named.at
    return box.x + air < x < box.x + box.w - air and box.y + air < y < box.y + box.h - air


def _mark(picture: Picture, a: Alert, lang: str) -> Mark:
    if a.lon is not None and a.lat is not None:
        x, y = picture.land.point(a.lon, a.lat)
    else:
        home = next((s.at for s in picture.land.streets if s.code == a.street), None)
        x, y = home or (picture.land.whole.x + picture.land.whole.w * 0.5, picture.land.whole.y + picture.land.whole.h * 0.9)
    return Mark(a.alert_id, a.level, a.number, headline(a, lang), x, y)


def _spread(marks: list[Mark], font: float) -> list[Mark]:
    """Marks moved apart until none hides another; the worst stay nearest their place."""
    placed: list[Mark] = []
    for mark in reversed(marks):
        x, y, ring = mark.x, mark.y, 0
        while any(math.hypot(x - p.x, y - p.y) < font * 1.5 for p in placed) and ring < 40:
            ring += 1
            radius, angle = font * 0.55 * math.sqrt(ring) * 1.3, ring * 2.399963
            x, y = mark.x + radius * math.cos(angle), mark.y + radius * math.sin(angle)
        placed.append(Mark(mark.alert_id, mark.level, mark.number, mark.title, x, y))
    return placed[::-1]


def asset_tables(domain: Domain) -> list[sa.Table]:
    """The tables of a domain that hold things with a place."""
    return [
        f.table for f in domain.feeds if f.table is not None and "asset_id" in f.table.c and "kind" in f.table.c and "name" in f.table.c
    ]


def _sites(picture: Picture, view: View, vital: str, box: Box) -> list[Sites]:
    """Where a system's assets stand: small triangles while few, dots when many."""
    points: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for domain in picture.catalog.of_vital(vital):
        for feed in domain.feeds:
            if feed.on_map and feed.table is not None and feed.table in asset_tables(domain):
                points[feed.table.name] += picture.places_of(feed.table, view)
    found = []
    for many in points.values():
        if not many:
            continue
        dots = len(many) > _MANY_SITES
        u = box.w / 1000
        if dots:
            found.append(Sites("".join(f"M{x:.0f} {y:.0f}h0" for x, y in many), 3.4, True, True))
        else:
            found.append(Sites("".join(f"M{x:.0f} {y - 6 * u:.0f}l{5.5 * u:.0f} {10 * u:.0f}h{-11 * u:.0f}Z" for x, y in many), 1.7, False))
    return found


def _picked(picture: Picture, view: View, vital: str) -> tuple[float, float] | None:
    if not (vital and view.asset):
        return None
    for domain in picture.catalog.of_vital(vital):
        for table in asset_tables(domain):
            if found := picture.place_of(table, view.asset):
                return found
    return None
