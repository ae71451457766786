"""The underground loop as a schematic by chainage: arcs gone wrong, who stands or comes the wrong way, garages' spaces."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from dashboard.snapshot.alerts import Alert, headline
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.view import View
from dashboard.snapshot.words import number, say
from dashboard.store.series import latest_values
from data_sources.loop import DOMAIN, event, garage
from data_sources.loop_ring import Arc, arcs, ring_length

_EVENT_RULES = {"stopped": "loop.stopped", "wrong_way": "loop.wrong_way"}
_FULL = "loop.garage_full"
_OUT, _TALL = 16.0, 26.0  # a garage's column: how far from the ring, how tall
_GONE = 3  # cadences after which a number is no longer said


@dataclass(frozen=True)
class Oval:
    """A ring of two straights and two half circles, driven anticlockwise from the left end of the upper straight."""

    straight: float
    radius: float
    gap: float  # the least distance between two garages along the ring
    font: float

    @property
    def width(self) -> float:
        """Of the drawing, with room around the ring for garages."""
        return self.straight + 2 * self.radius + 2 * self.room

    @property
    def height(self) -> float:
        """Of the drawing."""
        return 2 * self.radius + 2 * self.room

    @property
    def room(self) -> float:
        """Around the ring."""
        return _OUT + _TALL + 1.8 * self.font

    @property
    def round(self) -> float:
        """Once round."""
        return 2 * self.straight + 2 * math.pi * self.radius

    def at(self, way: float, out: float = 0.0) -> tuple[float, float]:
        """The point so far round, moved outwards."""
        s, r, x0, y0 = self.straight, self.radius, self.room + self.radius, self.room
        way %= self.round
        half, reach = math.pi * r, r + out
        if way < half:
            angle = way / r
            return x0 - reach * math.sin(angle), y0 + r - reach * math.cos(angle)
        if way < half + s:
            return x0 + way - half, y0 + r + reach
        if way < 2 * half + s:
            angle = (way - half - s) / r
            return x0 + s + reach * math.sin(angle), y0 + r + reach * math.cos(angle)
        return x0 + s - (way - 2 * half - s), y0 + r - reach

    def line(self, start: float, end: float) -> str:
        """Path data from one point round to another."""
        steps = max(int((end - start) / 6), 1)
        return "M" + "L".join("{:.1f} {:.1f}".format(*self.at(start + (end - start) * i / steps)) for i in range(steps + 1))


SHAPES = {"wide": Oval(straight=1020.0, radius=96.0, gap=46.0, font=16.0), "tall": Oval(straight=70.0, radius=150.0, gap=40.0, font=20.0)}


def ring(picture: Picture, view: View) -> dict[str, Any]:
    """Both shapes of the schematic, with what is known now; of a past moment only what was ringing and going on then."""
    found = _Found(picture, view)
    return {
        "known": bool(found.garages or found.readings),
        "rings": [found.drawn(name, oval) for name, oval in SHAPES.items()],
        "fresh": picture.fresh_of(["loop.minutes"]),
        "summary": found.summary(),
    }


class _Found:
    """What the store says of the loop."""

    def __init__(self, picture: Picture, view: View) -> None:
        self.lang, self.now, self.replay = view.lang, picture.now, picture.replay
        self.alerts = [a for a in picture.alerts if a.domain == DOMAIN.key and a.stands]
        at = picture.at
        going_on = sa.and_(event.c.opened_at <= at, sa.or_(event.c.closed_at.is_(None), event.c.closed_at > at))
        with picture.reading() as conn:
            rows = [r for r in latest_values(conn, DOMAIN.key) if r.ts is not None]
            self.readings = {} if picture.replay else {(r.asset_id, r.metric): r for r in rows}
            self.heard = {r.asset_id for r in rows}  # arcs that ever spoke: others have nothing to open
            self.garages = conn.execute(sa.select(garage).where(garage.c.chainage_m.is_not(None)).order_by(garage.c.chainage_m)).all()
            self.events = conn.execute(sa.select(event).where(going_on, event.c.chainage_m.is_not(None))).all()

    def value(self, asset: str, metric: str) -> float | None:
        """A newest reading, if it is not too old to be said."""
        row = self.readings.get((asset, metric))
        old = row is None or (self.now - row.ts).total_seconds() > _GONE * row.cadence_s
        return None if row is None or old else float(row.value)

    def alert_of(self, asset: str, rules: Sequence[str] = ()) -> Alert | None:
        """The worst open alert of an asset: they come worst first."""
        return next((a for a in self.alerts if a.asset_id == asset and (not rules or a.rule in rules)), None)

    def summary(self) -> str:
        """How the ring flows, in a line."""
        times = [self.value(a.id, "transit") for a in arcs()]
        if None in times or not times:
            return say(self.lang, "环行一周用时未知", "Time once round unknown")
        minutes = number(sum(t for t in times if t is not None) / 60, 1)
        return say(self.lang, f"单向环行，一周 {minutes} 分钟", f"One way; once round in {minutes} min")

    def drawn(self, name: str, oval: Oval) -> dict[str, Any]:
        """One shape with everything on it."""
        scale = oval.round / ring_length()
        return {
            "name": name,
            "w": oval.width,
            "h": oval.height,
            "font": oval.font,
            "arcs": [self._arc(a, oval, scale) for a in arcs()],
            "nodes": [_node(a, oval, scale, self.lang) for a in arcs()[::2]],
            "garages": self._columns(oval, scale),
            "events": [self._event(e, oval, scale) for e in self.events],
            "arrows": [_arrow(oval, a.start * scale + a.length * scale / 2) for a in arcs()[::2]],
        }

    def _arc(self, a: Arc, oval: Oval, scale: float) -> dict[str, Any]:
        alert = self.alert_of(a.id)
        speed, index = self.value(a.id, "speed"), self.value(a.id, "index")
        words = say(self.lang, a.zh, a.en)
        said = say(self.lang, "无数据", "no data") if speed is None else f"{number(speed, 0)} km/h"
        share = "" if index is None else say(self.lang, f"，畅通指数 {number(index, 2)}", f", flow index {number(index, 2)}")
        middle = (a.start + a.end) / 2 * scale
        return {
            "d": oval.line(a.start * scale + 2, a.end * scale - 2),
            "level": alert.level if alert else "",
            "number": alert.number if alert else "",
            "silent": speed is None and not self.replay,
            "at": oval.at(middle),
            "drawer": f"alert:{alert.alert_id}" if alert else f"asset:{DOMAIN.key}/{a.id}" if a.id in self.heard else "",
            "title": f"{words} {a.start:g}–{a.end:g} m: {headline(alert, self.lang) if alert else said + share}",
        }

    def _columns(self, oval: Oval, scale: float) -> list[dict[str, Any]]:
        """Garages as columns outside the ring, moved on where two would hide one another."""
        last, found = -math.inf, []
        for row in self.garages:
            way = max(row.chainage_m * scale, last + oval.gap)
            last = way
            found.append(self._column(row, oval, way))
        return found

    def _column(self, row: Any, oval: Oval, way: float) -> dict[str, Any]:
        lost = row.state == "lost" or not row.spaces or row.occupied is None or self.replay
        share = None if lost else min(max(row.occupied / row.spaces, 0.0), 1.0)
        alert = self.alert_of(row.asset_id, [_FULL])
        at, label = oval.at(way, _OUT + _TALL / 2), oval.at(way, _OUT + _TALL + 0.7 * oval.font)
        free = say(self.lang, "无数", "no count") if share is None else self._free(row)
        return {
            "at": at,
            "label": label,
            "fill": None if share is None else share * _TALL,
            "text": "—" if share is None else f"{share * 100:.0f}",
            "level": alert.level if alert else "",
            "drawer": f"alert:{alert.alert_id}" if alert else f"asset:{DOMAIN.key}/{row.asset_id}",
            "title": f"{row.name}: {free}",
        }

    def _free(self, row: Any) -> str:
        left = max(row.spaces - row.occupied, 0)
        return say(self.lang, f"空余 {left}/{row.spaces}", f"{left} of {row.spaces} free")

    def _event(self, row: Any, oval: Oval, scale: float) -> dict[str, Any]:
        alert = self.alert_of(row.asset_id, [_EVENT_RULES.get(row.category, "")])
        words = say(self.lang, *{"stopped": ("停驻", "stopped"), "wrong_way": ("逆行", "wrong way")}.get(row.category, ("事件", "event")))
        return {
            "at": oval.at(row.chainage_m * scale),
            "kind": row.category,
            "level": alert.level if alert else "",
            "number": alert.number if alert else "",
            "drawer": f"alert:{alert.alert_id}" if alert else "",
            "title": f"{words} {row.chainage_m:.0f} m",
        }


def _node(a: Arc, oval: Oval, scale: float, lang: str) -> dict[str, Any]:
    """The name of the place an arc begins at, inside the ring."""
    x, y = oval.at(a.start * scale, -2.0 * oval.font)
    middle = oval.width / 2
    anchor = "middle" if abs(x - middle) < oval.straight * 0.42 else "start" if x < middle else "end"
    name = say(lang, a.zh.split("—")[0], a.en.split(" to ")[0])
    tick = (oval.at(a.start * scale, -9), oval.at(a.start * scale, 9))
    return {"x": x, "y": y, "anchor": anchor, "name": name, "tick": "M{:.1f} {:.1f}L{:.1f} {:.1f}".format(*tick[0], *tick[1])}


def _arrow(oval: Oval, way: float) -> dict[str, float]:
    """Which way traffic goes."""
    (x, y), (bx, by) = oval.at(way), oval.at(way - 1)
    return {"x": x, "y": y, "turn": math.degrees(math.atan2(y - by, x - bx))}
