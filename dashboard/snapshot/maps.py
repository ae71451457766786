"""The map's body: the land once, and on it what is wrong (overview) or what stands where (a system's page)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from dashboard.core.declare import Domain, Level, Text
from dashboard.snapshot.alerts import Alert, headline, width
from dashboard.snapshot.fold import Line, lines
from dashboard.snapshot.land import Box, Letter, Named
from dashboard.snapshot.line_cards import crowd_title
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.view import View

_MANY_SITES = 40  # beyond this sites are dots


@dataclass(frozen=True)
class StreetShape:
    """A street as drawn, with what marks it out."""

    name: Text
    d: str
    at: tuple[float, float] | None  # where its name stands; None: no room for it
    code: str
    hot: str
    on: bool


@dataclass(frozen=True)
class Mark:
    """An alert or a situation on the map, carrying the number of its line."""

    alert_id: int  # the worst of its line
    level: str
    number: int | str
    title: str
    x: float
    y: float
    situation: int = 0
    silenced: bool = False

    @property
    def drawer(self) -> str:
        """What opens when it is touched."""
        return f"situation:{self.situation}" if self.situation else f"alert:{self.alert_id}"


@dataclass(frozen=True)
class Sites:
    """Assets of one kind as one path."""

    d: str
    w: float
    dots: bool
    dim: bool = False


@dataclass(frozen=True)
class About:
    """An asset a map is about: where it stands, how far around is shown, and what else stands there."""

    x: float
    y: float
    reach: float
    spots: Sequence[Any]  # each with ident, name, level, x, y


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """How large a map is drawn, and what for."""

    ident: str  # unique on a page
    aspect: float
    font_share: float  # letter height as a share of the width
    vital: str = ""  # a system's own map: its assets, its alerts
    close: bool = False  # close in on the chosen streets
    about: About | None = None  # close in on one asset


def map_body(picture: Picture, view: View, sheet: Sheet) -> dict[str, Any]:
    """Everything `_map.html` draws."""
    land, lang = picture.land, view.lang
    box = _box(picture, view, sheet)
    font = box.w * sheet.font_share
    alerts = [a for a in picture.open_in(view, sheet.vital) if a.stands]
    room = box.padded(-0.04)  # a mark is shown whole or not at all
    rivers = [name for name in land.river_names(font * 1.17, lang) if _all_inside(name, box, font * 0.55)]
    letters = [(ch.x, ch.y) for name, _ in rivers for ch in name]
    found = [_mark(picture, line, lang) for line in reversed(lines(alerts))]
    marks = _spread([m for m in found if room.holds(m.x, m.y)], letters, font)
    neighbours = [n for n in land.neighbours if _inside(n, box, font)]
    return {
        "id": sheet.ident,
        "box": box,
        "font": font,
        "mark": font * 0.86,
        "outline": land.outline,
        **{layer: land.drawn(layer) for layer in ("rivers", "roads", "bridges", "tunnels", "loop")},
        "streets": _streets(picture, view, alerts, _Room(box, font, _taken(marks, rivers, neighbours, box, font))),
        "names": rivers,
        "neighbours": neighbours,
        "sites": _sites(picture, view, sheet.vital, box) if sheet.close and not sheet.about else [],
        "marks": marks,
        "picked": (sheet.about.x, sheet.about.y) if sheet.about else _picked(picture, view, sheet.vital),
        "about": sheet.about,
        "scale": _scale(box),
        "review_no": land.review_no,
    }


def _box(picture: Picture, view: View, sheet: Sheet) -> Box:
    if a := sheet.about:
        return Box(a.x - a.reach, a.y - a.reach, 2 * a.reach, 2 * a.reach).padded(0.06).shaped(sheet.aspect)
    close = sheet.close and not view.scope.whole
    box = picture.land.around(view.scope.streets).padded(0.18) if close else picture.land.whole
    return box.shaped(sheet.aspect)


def _scale(box: Box) -> tuple[int, str]:
    """Length of the scale bar in metres, and what it says."""
    length = next((m for m in (1000, 500, 200) if m * 4 < box.w), 100)
    return length, f"{length // 1000} km" if length >= 1000 else f"{length} m"


def _streets(picture: Picture, view: View, alerts: list[Alert], room: _Room) -> list[StreetShape]:
    streets, worst = picture.land.streets, _worst_by_street(alerts)
    labels = _labels([(s.code, s.name(view.lang), s.at) for s in streets], room)
    return [StreetShape(s.name, s.d, labels.get(s.code), s.code, worst.get(s.code, ""), s.code in view.scope.streets) for s in streets]


Spot = tuple[float, float, float, float]  # x, y, half width, half height
# Places around a point to try a name at, nearest first, in letter heights; sideways counts a little less.
_AROUND = sorted(((dx * 0.6, dy * 0.6) for dx in range(-7, 8) for dy in range(-5, 6)), key=lambda d: math.hypot(d[0] * 0.8, d[1]))


@dataclass(frozen=True)
class _Room:
    """Where names may stand: inside the box, clear of what is taken."""

    box: Box
    font: float
    taken: list[Spot]

    def holds(self, x: float, y: float, half: float, taken: list[Spot]) -> bool:
        box, tall = self.box, self.font * 0.6
        inside = box.x + half < x < box.x + box.w - half and box.y + self.font < y < box.y + box.h - self.font
        return inside and all(abs(x - tx) > half + w or abs(y - ty) > tall + h for tx, ty, w, h in taken)


def _taken(marks: list[Mark], rivers: list[tuple[list[Letter], Letter]], neighbours: list[Named], box: Box, font: float) -> list[Spot]:
    """Where no name may stand: on marks, on the rivers' letters, the neighbours' names, the scale bar and the note in the lower corners."""
    letters = [ch for letters, _ in rivers for ch in letters]
    beside = [(*n.at, font * max(width(n.name.zh), 1.0) / 2, font * 0.6) for n in neighbours]
    foot = box.y + box.h * 0.955
    long = _scale(box)[0] / 2
    scale = (box.x + box.w * 0.97 - long, foot, max(float(long), font * 3), font * 1.6)
    note = (box.x + box.w * 0.02 + font * 1.5, foot, font * 3, font * 1.6)
    return (
        [(m.x, m.y, font * 1.05, font) for m in marks] + [(ch.x, ch.y, font * 0.8, font * 0.8) for ch in letters] + beside + [scale, note]
    )


def _labels(names: list[tuple[str, str, tuple[float, float]]], room: _Room) -> dict[str, tuple[float, float]]:
    """Where each street's name stands: its own place, or the nearest clear one; a name with no room near it is left out."""
    taken, found, font = list(room.taken), dict[str, tuple[float, float]](), room.font
    for code, name, (x, y) in names:
        half = font * max(width(name), 1.0) / 2
        spots = ((x + dx * font, y + dy * font) for dx, dy in _AROUND)
        if spot := next((s for s in spots if room.holds(*s, half, taken)), None):
            found[code] = spot
            taken.append((*spot, half, font * 0.6))
    return found


def _worst_by_street(alerts: list[Alert]) -> dict[str, str]:
    worst: dict[str, str] = {}
    for a in alerts:
        if a.street and (a.street not in worst or Level(a.level).severity > Level(worst[a.street]).severity):
            worst[a.street] = a.level
    return worst


def _all_inside(name: tuple[list[Letter], Letter], box: Box, air: float) -> bool:
    """A river's name is written whole or not at all."""
    letters, arrow = name
    return all(box.x + air < at.x < box.x + box.w - air and box.y + air < at.y < box.y + box.h - air for at in (*letters, arrow))


def _inside(named: Named, box: Box, air: float) -> bool:
    x, y = named.at
    return box.x + air < x < box.x + box.w - air and box.y + air < y < box.y + box.h - air


def _mark(picture: Picture, line: Line, lang: str) -> Mark:
    """Where the worst of a line is."""
    a = line.lead
    if a.lon is not None and a.lat is not None:
        x, y = picture.land.point(a.lon, a.lat)
    else:
        home = next((s.at for s in picture.land.streets if s.code == a.street), None)
        x, y = home or (picture.land.whole.x + picture.land.whole.w * 0.5, picture.land.whole.y + picture.land.whole.h * 0.9)
    crowd = line.kind == "situation"
    title = crowd_title(line.alerts, lang) if crowd else headline(a, lang)
    return Mark(a.alert_id, a.level, a.number, title, x, y, a.situation if crowd else 0, line.kind == "silenced")


def _spread(marks: list[Mark], letters: list[tuple[float, float]], font: float) -> list[Mark]:
    """Marks moved apart until none hides another or a letter of a river's name; the worst stay nearest their place."""
    placed: list[Mark] = []
    for mark in reversed(marks):
        x, y, ring = mark.x, mark.y, 0
        while ring < 200 and (
            any(math.hypot(x - p.x, y - p.y) < font * 1.5 for p in placed)
            or any(math.hypot(x - lx, y - ly) < font * 1.55 for lx, ly in letters)
        ):
            ring += 1
            radius, angle = font * 0.55 * math.sqrt(ring) * 1.3, ring * 2.399963
            x, y = mark.x + radius * math.cos(angle), mark.y + radius * math.sin(angle)
        placed.append(replace(mark, x=x, y=y))
    return placed[::-1]


def asset_tables(domain: Domain, *, on_map: bool = False) -> list[sa.Table]:
    """The tables of a domain that hold things with a place; `on_map`: those a map of assets shows."""
    feeds = [f for f in domain.feeds if f.on_map or not on_map]
    return [f.table for f in feeds if f.table is not None and {"asset_id", "kind", "name"} <= set(f.table.c.keys())]


def _sites(picture: Picture, view: View, vital: str, box: Box) -> list[Sites]:
    """Where a system's assets stand: small triangles while few, dots when many."""
    tables = [table for d in domains_of(picture, view, vital) for table in asset_tables(d, on_map=True)]
    u = box.w / 1000
    return [_drawn(points, u) for table in tables if (points := picture.places_of(table, view))]


def domains_of(picture: Picture, view: View, vital: str) -> list[Domain]:
    """The domains of a vital system ('': of all), or the one among them that was picked."""
    all_of_it = picture.catalog.of_vital(vital) if vital else list(picture.catalog.domains.values())
    return [d for d in all_of_it if d.key == view.system] or all_of_it


def _drawn(points: list[tuple[float, float]], u: float) -> Sites:
    """One path for all points; `u` is a thousandth of the map's width."""
    if len(points) > _MANY_SITES:
        return Sites("".join(f"M{x:.0f} {y:.0f}h0" for x, y in points), 5.4, dots=True, dim=True)
    return Sites("".join(f"M{x:.0f} {y - 6 * u:.0f}l{5.5 * u:.0f} {10 * u:.0f}h{-11 * u:.0f}Z" for x, y in points), 1.7, dots=False)


def _picked(picture: Picture, view: View, vital: str) -> tuple[float, float] | None:
    """Where the picked asset, `domain/asset`, stands."""
    key, _, asset_id = view.asset.partition("/")
    domain = picture.catalog.domains.get(key)
    if domain is None or domain.vital != vital:
        return None
    return next((found for table in asset_tables(domain) if (found := picture.place_of(table, asset_id))), None)
